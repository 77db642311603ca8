"""The learner: recurrent PPO as a few pure functions over explicit state."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.learning import acting as acting_
from mjxdex.learning import normalizer, updating
from mjxdex.learning.actor_critic import ActorCritic
from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.rollout import Rollout, empty
from mjxdex.learning.schedule import first_step_size
from mjxdex.learning.state import ActingState, LearnerState, Normalizers, Params, fresh_account
from mjxdex.networks.lstm import Carry
from mjxdex.types import Message, Observation

_INIT_STREAM = 0


@dataclass(frozen=True, eq=False)
class Learner:
    """Everything static about learning; its methods are pure and can be jitted as they are.

    A training iteration, starting from the messages that the shards sent last::

        for t in range(horizon):
            acting, rollout, actions = act(learner, acting, rollout, t, messages)
            messages = ...  # the shards step with their actions
        acting, rollout, means = close(learner, acting, rollout, messages)
        learner, metrics = learn(learner, rollout)

    The messages passed to `close` are passed again to the next `act` with t = 0, which reads their
    observation only. `acting` and `rollout` may be donated.

    Attributes:
      config: The run's settings; `network` and `ppo` are read.
      networks: Policy and critic.
      depth_shape: (H, W) of the depth images, or None without a camera.
      blocks: How the envs are split over devices; where it has an axis, `act`, `close` and `learn` run along
        that axis of a mesh, each on the envs of its own block.
    """

    config: Config
    networks: ActorCritic
    depth_shape: tuple[int, int] | None
    blocks: Blocks = WHOLE

    def init(self, key: jax.Array, num_envs: int) -> tuple[LearnerState, ActingState]:
        """Fresh parameters and the state before the first observation, which starts an episode everywhere.

        Args:
          key: Typed PRNG key of all the learner's randomness.
          num_envs: Envs of all shards together.
        """
        policy, critic = self.networks.init(jax.random.fold_in(key, _INIT_STREAM))
        optimizer = updating.optimizer(self.config.ppo)
        learner = LearnerState(
            policy=policy,
            critic=critic,
            policy_opt=optimizer.init(policy),
            critic_opt=optimizer.init(critic),
            normalizers=Normalizers(
                policy=normalizer.init((self.networks.policy_dim,)),
                critic=normalizer.init((self.networks.critic_dim,)),
                value=normalizer.init(),
            ),
            step_size=first_step_size(self.config.ppo),
            key=key,
            iteration=jnp.zeros((), jnp.int32),
        )
        policy_carry, critic_carry = self.networks.initial_carries(num_envs)
        acting = ActingState(
            policy_carry=policy_carry,
            critic_carry=critic_carry,
            noise=jnp.zeros((num_envs, self.networks.action_dim)),
            **fresh_account(num_envs),
        )
        return learner, acting

    def empty_rollout(self, num_envs: int, info_names: tuple[str, ...] = ()) -> Rollout:
        """The buffer for `act`; `info_names` are the keys of `Outcome.info`."""
        return empty(
            self.config.ppo.horizon,
            num_envs,
            self.networks.policy_dim,
            self.networks.critic_dim,
            self.networks.action_dim,
            self.depth_shape,
            *self.networks.initial_carries(num_envs),
            info_names=info_names,
            correlated=self.config.ppo.noise_correlation > 0,
        )

    def act(
        self,
        learner: LearnerState,
        acting: ActingState,
        rollout: Rollout,
        t: jax.Array | int,
        messages: tuple[Message, ...],
    ) -> tuple[ActingState, Rollout, tuple[jax.Array, ...]]:
        """Books the outcome of the action at t - 1, writes the observation of t, and samples its action.

        Args:
          learner: Parameters and statistics.
          acting: LSTM states and reset flags before this observation.
          rollout: Buffer; slots t - 1 (outcome) and t (the rest) are written.
          t: int32 [], step of the rollout; at 0 the outcome is ignored, since `close` has booked it.
          messages: What each shard sent, in the order of the envs.

        Returns:
          The state after acting, the rollout, and float32 actions [B_i, A] for each shard, not clipped.
        """
        t = jnp.asarray(t, jnp.int32)
        return acting_.act(self.networks, self.config.ppo, learner, acting, rollout, t, messages, self.blocks)

    def close(
        self,
        learner: LearnerState,
        acting: ActingState,
        rollout: Rollout,
        last_messages: tuple[Message, ...],
    ) -> tuple[ActingState, Rollout, dict[str, jax.Array]]:
        """Ends a rollout: books the last outcome, and values the last observation without consuming it.

        Args:
          learner: Parameters and statistics that acted.
          acting: State after the last `act`.
          rollout: All slots written.
          last_messages: What the shards sent after the last actions.

        Returns:
          The acting state for the next rollout, the whole rollout, and metrics: float32 scalars by name,
          means over the rollout.
        """
        return acting_.close(
            self.networks, self.config.ppo, learner, acting, rollout, last_messages, self.blocks
        )

    def learn(self, learner: LearnerState, rollout: Rollout) -> tuple[LearnerState, dict[str, jax.Array]]:
        """Learns from a closed rollout.

        Estimates advantages, runs the epochs of minibatches, and last moves the observation statistics on,
        so that they are the same for acting and learning.

        Returns:
          The new learner, and metrics: float32 scalars by name, means over minibatches.
        """
        return updating.learn(self.networks, self.config.ppo, learner, rollout, self.blocks)

    def initial_carry(self, batch: int) -> Carry:
        """Zero LSTM state of the policy for `batch` envs."""
        return self.networks.initial_carries(batch)[0]

    def policy_step(
        self, params: Params, stats: RunningStats, obs: Observation, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, Carry]:
        """The policy's mean action, for evaluation.

        Args:
          params: `LearnerState.policy`.
          stats: `LearnerState.normalizers.policy`.
          obs: Observation of B envs; the critic's is not read.
          carry: LSTM state, at first `initial_carry(B)`.
          reset: bool [B], where an episode starts.

        Returns:
          Mean actions, float32 [B, A], not clipped, and the next carry.
        """
        return self.networks.policy(params, stats, obs.policy, obs.depth, carry, reset)


def make(
    config: Config,
    policy_dim: int,
    critic_dim: int,
    depth_shape: tuple[int, int] | None,
    action_dim: int = 11,
    blocks: Blocks = WHOLE,
    predicted: Mapping[str, np.ndarray] | None = None,
) -> Learner:
    """Builds the learner of a run.

    Args:
      config: Settings.
      policy_dim: Size P of the policy's vector observation.
      critic_dim: Size C of the critic's.
      depth_shape: (H, W) of the depth images; None for a policy without a camera.
      action_dim: Size A of the action.
      blocks: How the envs are split over learners.
      predicted: Columns of the critic's observation by the terms of `ppo.predict`; none by default.
    """
    networks = ActorCritic(
        config.network,
        policy_dim,
        critic_dim,
        action_dim,
        depth=depth_shape,
        observation_clip=config.ppo.observation_clip,
        predicted=predicted or {},
    )
    return Learner(config, networks, depth_shape, blocks)
