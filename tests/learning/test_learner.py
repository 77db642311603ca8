"""Booking, sampling and updating, step by step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, ConfigError, EnvConfig, NetworkConfig, ObservationConfig, PpoConfig
from mjxdex.learning import normalizer, ppo
from mjxdex.learning.blocks import WHOLE
from mjxdex.learning.digest import digest
from mjxdex.learning.learner import make
from mjxdex.types import Message, Observation, Outcome

T, B, P, C, A, H, W = 3, 4, 5, 6, 2, 20, 24
NETWORK = NetworkConfig(
    cnn_filters=(4, 8),
    cnn_kernels=(6, 4),
    embedding=4,
    lstm_units=8,
    mlp=(8,),
    critic_mlp=(8,),
    critic_lstm_units=8,
    compute_dtype="float32",
)
CONFIG = Config(
    env=EnvConfig(num_envs=B),
    network=NETWORK,
    ppo=PpoConfig(horizon=T, epochs=1, minibatches=1, decay_iterations=4, reward_scale=0.5),
)
LEARNER = make(CONFIG, P, C, (H, W), A)
ACT = jax.jit(LEARNER.act)


@jax.jit
def update(learner, acting, rollout, messages):
    acting, rollout, means = LEARNER.close(learner, acting, rollout, messages)
    learner, metrics = LEARNER.learn(learner, rollout)
    return learner, acting, rollout, means | metrics


def random_message(seed: int, envs: int = B, endings: bool = True) -> Message:
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    terminated = jnp.asarray(rng.random(envs) < 0.3 * endings)
    truncated = jnp.asarray(rng.random(envs) < 0.3 * endings) & ~terminated
    depth = jnp.asarray(rng.integers(5000, 13000, (envs, H, W)), jnp.uint16)
    return Message(
        Observation(normal(envs, P), normal(envs, C), depth),
        Outcome(
            normal(envs),
            terminated,
            truncated,
            jnp.asarray(rng.random(envs) < 0.5),
            normal(envs, C),
            {"force": normal(envs)},
        ),  # fmt: skip
    )


MESSAGES = [random_message(seed) for seed in range(10, 10 + 2 * T + 1)]


@pytest.fixture(scope="module")
def fresh():
    learner, acting = jax.jit(LEARNER.init, static_argnums=1)(jax.random.key(0), B)
    learner.policy["mean"]["kernel"] *= 1000
    return learner, acting, LEARNER.empty_rollout(B, ("force",))


def rollout_of(state, messages):
    """Acts through the first T messages; returns acting, rollout and the actions."""
    learner, acting, rollout = state
    actions = []
    for t in range(T):
        acting, rollout, (action,) = ACT(learner, acting, rollout, t, (messages[t],))
        actions.append(action)
    return acting, rollout, actions


def assert_trees_equal(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(np.asarray(x), np.asarray(y)), a, b)


def test_every_slot_holds_its_step(fresh):
    learner, _, _ = fresh
    acting, rollout, actions = rollout_of(fresh, MESSAGES)
    _, _, rollout, _ = update(learner, acting, rollout, (MESSAGES[T],))
    for t in range(T):
        obs, outcome = MESSAGES[t].obs, MESSAGES[t + 1].outcome
        np.testing.assert_array_equal(rollout.policy[t], obs.policy)
        np.testing.assert_array_equal(rollout.critic[t], obs.critic)
        np.testing.assert_array_equal(rollout.depth[t], obs.depth)
        np.testing.assert_array_equal(rollout.action[t], actions[t])
        np.testing.assert_allclose(rollout.reward[t], 0.5 * outcome.reward, rtol=1e-6)
        np.testing.assert_array_equal(rollout.terminated[t], outcome.terminated)
        np.testing.assert_array_equal(rollout.truncated[t], outcome.truncated)
        np.testing.assert_allclose(rollout.stats["info/force"][t], outcome.info["force"].mean(), rtol=1e-5)
        before = MESSAGES[t].outcome
        starts = np.ones(B, bool) if t == 0 else np.asarray(before.terminated | before.truncated)
        np.testing.assert_array_equal(rollout.reset[t], starts)
        assert (np.asarray(rollout.v_final[t]) != 0).tolist() == np.asarray(outcome.truncated).tolist()


def test_value_before_the_reset_uses_the_memory_of_the_old_episode(fresh):
    learner, _, _ = fresh
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    assert bool(rollout.truncated[0].any()), "the seed must give a time limit at the first step"
    sequence = jnp.stack([MESSAGES[0].obs.critic, MESSAGES[1].outcome.critic_final])
    values, _ = LEARNER.networks.value(
        learner.critic,
        learner.normalizers.critic,
        sequence,
        LEARNER.networks.initial_carries(B)[1],
        jnp.zeros((2, B), bool),
    )
    want = jnp.where(rollout.truncated[0], normalizer.denormalize(learner.normalizers.value, values[1]), 0)
    np.testing.assert_allclose(rollout.v_final[0], want, atol=1e-5)


def test_stored_log_probs_and_values_are_those_of_whole_sequences(fresh):
    learner, _, _ = fresh
    _, rollout, _ = rollout_of(fresh, MESSAGES)
    mean, _ = LEARNER.networks.policy(
        learner.policy,
        learner.normalizers.policy,
        rollout.policy,
        rollout.depth,
        rollout.policy_carry,
        rollout.reset,
    )
    again = ppo.gaussian_log_prob(rollout.action, mean, learner.policy["log_std"])
    np.testing.assert_allclose(again, rollout.log_prob, atol=1e-5)
    assert np.abs(mean).max() > 0.1


def test_first_pass_has_ratio_one_in_every_rollout(fresh):
    """Initial carries, reset flags and frozen statistics all have to be right for that."""
    state = fresh
    for first in (0, T):
        acting, rollout, _ = rollout_of(state, MESSAGES[first:])
        learner, acting, rollout, metrics = update(state[0], acting, rollout, (MESSAGES[first + T],))
        assert float(metrics["approx_kl"]) < 1e-8
        assert float(metrics["clip_fraction"]) == 0
        np.testing.assert_allclose(metrics["policy_loss"], 0, atol=1e-5)
        state = learner, acting, rollout
    assert int(state[0].iteration) == 2 and int(state[1].step) == 2 * T


def test_messages_seen_by_update_and_act_count_once(fresh):
    """Returns of three rollout boundaries add up to the rewards sent."""
    quiet = [random_message(seed, endings=False) for seed in range(2 * T + 1)]
    state, sent = fresh, 0.0
    for first in (0, T):
        acting, rollout, _ = rollout_of(state, quiet[first:])
        learner, acting, rollout, metrics = update(state[0], acting, rollout, (quiet[first + T],))
        state = learner, acting, rollout
        sent += sum(np.asarray(m.outcome.reward) for m in quiet[first + 1 : first + T + 1])
        assert float(metrics["episodes"]) == 0
    np.testing.assert_allclose(state[1].episode_return, sent, rtol=1e-5)
    np.testing.assert_array_equal(state[1].episode_length, np.full(B, 2 * T))
    assert not state[1].reset.any()


def test_finished_episodes_are_averaged(fresh):
    learner, _, _ = fresh
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    _, _, _, metrics = update(learner, acting, rollout, (MESSAGES[T],))
    returns, lengths, running, age = [], [], np.zeros(B), np.zeros(B)
    for message in MESSAGES[1 : T + 1]:
        outcome = message.outcome
        running, age = running + np.asarray(outcome.reward), age + 1
        over = np.asarray(outcome.terminated | outcome.truncated)
        returns, lengths = [*returns, *running[over]], [*lengths, *age[over]]
        running[over] = age[over] = 0
    assert float(metrics["episodes"]) == len(returns) > 0
    np.testing.assert_allclose(metrics["episode_return"], np.mean(returns), rtol=1e-5)
    np.testing.assert_allclose(metrics["episode_length"], np.mean(lengths), rtol=1e-6)


def test_shards_are_joined_in_order_and_get_their_own_actions(fresh):
    learner, acting, rollout = fresh
    whole = MESSAGES[0]
    parts = tuple(jax.tree.map(lambda x, s=s: x[s], whole) for s in (slice(0, 1), slice(1, 4)))
    one = ACT(learner, acting, rollout, 0, (whole,))
    two = ACT(learner, acting, rollout, 0, parts)
    assert_trees_equal(one[:2], two[:2])
    assert [a.shape for a in two[2]] == [(1, A), (3, A)]
    np.testing.assert_array_equal(np.concatenate(two[2]), one[2][0])


def test_update_is_deterministic_to_the_bit_and_changes_every_parameter(fresh):
    learner, _, _ = fresh
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    first, second = (update(learner, acting, rollout, (MESSAGES[T],)) for _ in range(2))
    assert_trees_equal(jax.tree.leaves(first[0].policy), jax.tree.leaves(second[0].policy))
    assert digest((first[0].policy, first[0].critic)) == digest((second[0].policy, second[0].critic))
    for before, after in ((learner.policy, first[0].policy), (learner.critic, first[0].critic)):
        changed = jax.tree.map(lambda a, b: bool((a != b).any()), before, after)
        assert all(jax.tree.leaves(changed)), changed


def test_correlated_noise_goes_on_until_an_episode_ends(fresh):
    config = dataclasses.replace(CONFIG, ppo=dataclasses.replace(CONFIG.ppo, noise_correlation=0.8))
    act = jax.jit(make(config, P, C, (H, W), A).act)
    learner, acting, rollout = fresh
    message, white = MESSAGES[0], []
    for step in range(3):
        free, written, (action,) = ACT(learner, acting._replace(step=step), rollout, 0, (message,))
        white.append(np.asarray(free.noise))
    noise, std = white[0], np.exp(learner.policy["log_std"])
    mean = np.asarray(written.action[0] - std * white[2])
    acting, rollout, _ = act(learner, acting._replace(step=0), rollout, 0, (message,))
    np.testing.assert_allclose(acting.noise, noise, atol=1e-6)  # episodes start here
    for step, reset in ((1, [False, True, False, False]), (2, [False] * B)):
        carries = {"policy_carry": fresh[1].policy_carry, "reset": jnp.asarray(reset)}
        acting, _, (action,) = act(learner, acting._replace(**carries), rollout, 0, (message,))
        noise = np.where(np.c_[reset], white[step], 0.8 * noise + 0.6 * white[step])
        np.testing.assert_allclose(acting.noise, noise, atol=1e-6)
        np.testing.assert_allclose(action, mean + std * noise, atol=1e-5)


def test_predicted_terms_are_learned_and_change_no_action():
    """Three columns of the critic's observation, which the policy sees in its own."""
    columns = np.array([4, 0, 2])
    config = dataclasses.replace(
        CONFIG,
        observation=ObservationConfig(critic=("object_pos",)),
        ppo=dataclasses.replace(
            CONFIG.ppo, predict=("object_pos",), learning_rate=1e-2, decay_iterations=10**6, clip=1e-6
        ),
    )
    learner = make(config, P, C, (H, W), A, predicted={"object_pos": columns})

    def shown(message: Message) -> Message:
        critic = message.obs.critic.at[:, columns].set(message.obs.policy[:, :3])
        return message._replace(obs=message.obs._replace(critic=critic))

    messages = [shown(message) for message in MESSAGES[: T + 1]]
    state, acting = learner.init(jax.random.key(0), B)
    plain, _ = LEARNER.init(jax.random.key(0), B)
    assert "prediction" in state.policy and "prediction" not in plain.policy
    np.testing.assert_array_equal(state.policy["mean"]["kernel"], plain.policy["mean"]["kernel"])

    @jax.jit
    def train(state):
        now, rollout = acting, learner.empty_rollout(B, ("force",))
        for t in range(T):
            now, rollout, actions = learner.act(state, now, rollout, t, (messages[t],))
        _, rollout, _ = learner.close(state, now, rollout, (messages[T],))
        state, metrics = learner.learn(state, rollout)
        return state, metrics["prediction_error/object_pos"], actions[0]

    _, _, first = train(state)
    without = rollout_of((plain, acting, LEARNER.empty_rollout(B, ("force",))), messages)[2][-1]
    np.testing.assert_allclose(first, without, atol=1e-6)
    errors = []
    for _ in range(60):
        state, error, _ = train(state)
        errors.append(float(error))
    assert errors[-1] < 0.5 * errors[1]


def test_noise_differs_by_step_and_repeats_by_key(fresh):
    learner, acting, rollout = fresh
    same = [ACT(learner, acting, rollout, 0, (MESSAGES[0],))[2][0] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    later = ACT(learner, acting._replace(step=acting.step + 1), rollout, 0, (MESSAGES[0],))[2][0]
    assert np.abs(later - same[0]).min() > 0


def test_statistics_move_after_the_epochs(fresh):
    learner, _, _ = fresh
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    updated, _, _, _ = update(learner, acting, rollout, (MESSAGES[T],))
    seen = np.stack([m.obs.policy for m in MESSAGES[:T]]).reshape(-1, P)
    np.testing.assert_allclose(updated.normalizers.policy.mean, seen.mean(axis=0), atol=1e-5)
    assert float(updated.normalizers.value.count) == T * B


def test_policys_step_size_falls_linearly_by_iteration(fresh):
    learner, _, _ = fresh
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    steps = []
    for _ in range(6):
        learner, _, _, metrics = update(learner, acting, rollout, (MESSAGES[T],))
        steps.append(float(metrics["learning_rate"]))
    want = [1e-4 - min(1, i / 4) * 9.9e-5 for i in range(6)]
    np.testing.assert_allclose(steps, want, rtol=1e-5)


def test_log_std_stays_between_its_floor_and_its_ceiling(fresh):
    acting, rollout, _ = rollout_of(fresh, MESSAGES)
    _, rollout, _ = jax.jit(LEARNER.close)(fresh[0], acting, rollout, (MESSAGES[T],))
    floor = {"min_log_std": 0.5}
    ceiling = {"max_log_std": (-1.0, -2.0), "max_log_std_iterations": 4}
    for limits, iteration, want in ((floor, 0, 0.5), (ceiling, 0, -1), (ceiling, 1, -1.25), (ceiling, 9, -2)):
        config = dataclasses.replace(CONFIG, ppo=dataclasses.replace(CONFIG.ppo, **limits))
        state = fresh[0]._replace(iteration=jnp.int32(iteration))
        learner = jax.jit(make(config, P, C, (H, W), A).learn)(state, rollout)[0]
        np.testing.assert_array_equal(learner.policy["log_std"], np.full(A, want, np.float32))
    with pytest.raises(ConfigError, match="floor must not be above the ceiling"):
        crossed = dataclasses.replace(CONFIG.ppo, min_log_std=0.0, max_log_std=(1.0, -1.0))
        dataclasses.replace(CONFIG, ppo=crossed)


@pytest.mark.parametrize("coef", [0.0, 1.0])
def test_mean_actions_come_back_into_their_range(fresh, coef):
    learner, acting, rollout = fresh
    policy = jax.tree.map(jnp.copy, learner.policy)
    policy["mean"]["bias"] += 3.0
    learner = learner._replace(policy=policy)
    acting, rollout, _ = rollout_of((learner, acting, rollout), MESSAGES)
    _, rollout, _ = jax.jit(LEARNER.close)(learner, acting, rollout, (MESSAGES[T],))
    ppo = dataclasses.replace(CONFIG.ppo, bound_coef=coef, learning_rate=0.1, decay_iterations=1000)
    learn = jax.jit(make(dataclasses.replace(CONFIG, ppo=ppo), P, C, (H, W), A).learn)
    shares = []
    for _ in range(20):
        learner, metrics = learn(learner, rollout)
        shares.append(float(metrics["actions_out_of_range"]))
    assert shares[0] > 0.9 and (shares[-1] < 0.3 if coef else shares[-1] > 0.7), shares


def test_settings_that_cannot_be_are_errors():
    with pytest.raises(ConfigError, match="noise_correlation is 1; it must be 0"):
        Config(ppo=PpoConfig(noise_correlation=1.0))
    with pytest.raises(ConfigError, match="lstm_layers 0; there is no LSTM to go around"):
        Config(network=dataclasses.replace(NETWORK, lstm_layers=0, lstm_skip=True))
    with pytest.raises(
        ConfigError, match="fingertip_forces, which the critic does not see; allowed: joint_pos"
    ):
        Config(ppo=PpoConfig(predict=("object_pos", "fingertip_forces")))


@pytest.mark.parametrize(
    "changes",
    [
        {"lstm_layers": 0},
        {"mlp_position": "before"},
        {"depth_shift": 0.9, "depth_scale": 2.5},
        {"lstm_skip": True, "pooling": "none"},
    ],
)
def test_every_kind_of_network_learns(changes):
    """One rollout and its update through the learner: finite, and no parameter stays as it was."""
    config = dataclasses.replace(CONFIG, network=dataclasses.replace(NETWORK, **changes))
    learner_of = make(config, P, C, (H, W), A)
    learner, acting = jax.jit(learner_of.init, static_argnums=1)(jax.random.key(0), B)
    learner.policy["mean"]["kernel"] *= 1000
    rollout, act = learner_of.empty_rollout(B, ("force",)), jax.jit(learner_of.act)
    for t in range(T):
        acting, rollout, _ = act(learner, acting, rollout, t, (MESSAGES[t],))
    _, rollout, _ = jax.jit(learner_of.close)(learner, acting, rollout, (MESSAGES[T],))
    after, metrics = jax.jit(learner_of.learn)(learner, rollout)
    assert all(np.isfinite(value) for value in metrics.values()) and float(metrics["approx_kl"]) < 1e-8
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), learner.policy, after.policy)
    assert all(jax.tree.leaves(changed)), changed


def test_policy_step_gives_the_mean_and_forgets_at_resets(fresh):
    learner, _, _ = fresh
    step, carry = jax.jit(LEARNER.policy_step), LEARNER.networks.initial_carries(B)[0]
    none, everywhere = jnp.zeros(B, bool), jnp.ones(B, bool)
    stats = learner.normalizers.policy
    first, carry = step(learner.policy, stats, MESSAGES[0].obs, carry, none)
    again, _ = step(learner.policy, stats, MESSAGES[0].obs, carry, everywhere)
    remembered, _ = step(learner.policy, stats, MESSAGES[0].obs, carry, none)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - remembered).max() > 1e-5


def test_everything_the_learner_carries_is_an_array(fresh):
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(fresh))


def test_minibatches_are_every_env_once_an_epoch(fresh):
    from mjxdex.learning.updating import _minibatches

    config = dataclasses.replace(CONFIG.ppo, epochs=3, minibatches=2)
    order = np.asarray(_minibatches(config, fresh[0], 8, WHOLE)).reshape(3, 8)
    np.testing.assert_array_equal(np.sort(order), np.tile(np.arange(8), (3, 1)))
    assert len({tuple(row) for row in order}) == 3
