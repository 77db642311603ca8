"""Simulators with the interface of the real ones, whose envs are a few lines: they compile in a second."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mjxdex.config import Config, EnvConfig, NetworkConfig, PpoConfig
from mjxdex.learning import learner as learning
from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.learner import Learner
from mjxdex.runtime.sims import Simulators
from mjxdex.task.env import Command
from mjxdex.types import Observation, Outcome

SIZE, ACTIONS, HEIGHT, WIDTH = 5, 2, 20, 24


class ToyState(NamedTuple):
    """id int32 [N], age int32 [N], x float32 [N, SIZE]."""

    id: jax.Array
    age: jax.Array
    x: jax.Array


class ToyEnv:
    """Env i starts at a place of its own, is moved by its actions, and ends every 3 + i % 4 steps, by turns
    by termination and by time limit. The ADR level scales the motion."""

    def init(self, ids: jax.Array) -> ToyState:
        return ToyState(ids, ids % 3, jnp.sin(jnp.arange(1.0, SIZE + 1) * (ids[:, None] + 1)))

    def observe(self, state: ToyState) -> Observation:
        return Observation(state.x, jnp.concatenate([state.x, state.x**2], axis=1), None)

    def blank_outcome(self, state: ToyState) -> Outcome:
        zeros = jnp.zeros(state.id.shape)
        no = zeros.astype(bool)
        return Outcome(zeros, no, no, no, self.observe(state).critic, {"x": zeros})

    def step(self, state: ToyState, command: Command) -> tuple[ToyState, Observation, Outcome]:
        force = jnp.pad(command.action, ((0, 0), (0, SIZE - ACTIONS))) * (1 + 0.1 * command.adr_level)
        moved = state._replace(x=jnp.sin(state.x + 0.3 * force + 0.1 * state.id[:, None]), age=state.age + 1)
        over = moved.age >= 3 + state.id % 4
        timed = state.id % 2 == 0
        outcome = Outcome(
            reward=moved.x[:, 0] + state.id,
            terminated=over & ~timed,
            truncated=over & timed,
            success=moved.x[:, 1] > 0,
            critic_final=self.observe(moved).critic,
            info={"x": moved.x[:, 2]},
        )
        fresh = self.init(state.id)
        state = ToyState(state.id, jnp.where(over, 0, moved.age), jnp.where(over[:, None], fresh.x, moved.x))
        return state, self.observe(state), outcome


class ToySimulators(Simulators):
    """The programs of `Simulators`, for ToyEnv."""

    def __init__(self, config: Config, devices: Any) -> None:
        self.devices = tuple(devices)
        self.envs_per_shard = config.env.num_envs // (jax.process_count() * len(self.devices))
        env: Any = ToyEnv()
        self.env = env
        self.sharding = NamedSharding(Mesh(np.asarray(self.devices), ("sim",)), PartitionSpec("sim"))

        def render(state: ToyState) -> jax.Array:
            pixels = jnp.linspace(0, 6, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
            return (9000 + 3000 * jnp.sin(pixels + 3 * state.x[:, :1, None])).astype(jnp.uint16)

        def pmap(function, **kwargs):
            return jax.pmap(function, axis_name="sim", devices=self.devices, **kwargs)

        self._init = pmap(env.init)
        self._observe = pmap(lambda state: (env.observe(state), env.blank_outcome(state)))
        self._step = pmap(env.step, donate_argnums=0)
        self._render = pmap(render)


def toy_config(num_envs: int, **ppo: Any) -> Config:
    network = NetworkConfig(
        cnn_filters=(4, 4),
        cnn_kernels=(6, 4),
        embedding=4,
        lstm_layers=1,
        lstm_units=8,
        mlp=(8,),
        critic_mlp=(8,),
        critic_lstm_units=8,
        compute_dtype="float32",
    )
    return Config(env=EnvConfig(num_envs=num_envs), network=network, ppo=PpoConfig(**ppo))


def toy_learner(config: Config, blocks: Blocks = WHOLE) -> Learner:
    return learning.make(config, SIZE, 2 * SIZE, (HEIGHT, WIDTH), ACTIONS, blocks)
