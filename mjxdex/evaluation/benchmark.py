"""What the task costs beside its physics and its depth images, measured in one run on the same states."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.fabric.action import PALM_POS_LOWER, PALM_POS_UPPER
from mjxdex.physics import Worlds, nominal
from mjxdex.render import DepthCamera, cameras, quantize
from mjxdex.render.depth_camera import sensed
from mjxdex.task import sensing
from mjxdex.task.env import Command, GraspEnv
from mjxdex.task.state import EnvState, view

STEPS = 16
"""Control steps between two waits for the device: a rollout of the published training."""
HOVER = 0.11
"""Height of the palm above an object that the hand closes around, metres."""


@dataclass(frozen=True)
class Costs:
    """Milliseconds per control step of all envs; medians over the rounds.

    Attributes:
      bare: physics with nominal parameters, and depth images.
      full: the task as a simulator runs it.
      parts: pieces of either, each by itself.
      around: share of envs in which the hand is around the object.
    """

    bare: float
    full: float
    parts: dict[str, float]
    around: float

    @property
    def ratio(self) -> float:
        """Throughput of the full task as a share of that of physics and images alone."""
        return self.bare / self.full


class Benchmark:
    """The programs to be timed, for one device.

    Args:
      config: of the task; `env.num_envs` worlds.
      level: ADR level.
    """

    def __init__(self, config: Config, level: int) -> None:
        config = replace(config, adr=replace(config.adr, start_level=level))
        self.config, self.num_envs = config, config.env.num_envs
        self.level = jnp.int32(level)
        object_set = objects.load(config.env.objects)
        model = scene.build(config, object_set)
        self.worlds = Worlds(config, model, object_set, self.num_envs)
        self.env = GraspEnv(config, self.worlds, object_set)
        self.camera = DepthCamera(config, model, object_set, self.num_envs)
        self.first = jax.jit(self.env.init)(jnp.arange(self.num_envs, dtype=jnp.int32))
        self._step = jax.jit(self.env.step)
        self._full_image = jax.jit(self._seen)
        self._bare_image = jax.jit(self._drawn)
        self._bare = jax.jit(self._physics)
        self._randomized = jax.jit(self.worlds.step)
        self._noise = jax.jit(self._noisy)
        self._observe = jax.jit(self.env.observe)
        self._fabric = jax.jit(lambda state, action: self.env._fabric(state, action, self.level))
        self._act = {False: jax.jit(self._explore), True: jax.jit(self._grasp)}

    def run(self, grasping: bool, rounds: int, report: Callable[[str], None], parts: bool = True) -> Costs:
        """Times every program on the same stretch of states, round after round.

        Args:
          grasping: whether the hands close around the objects, or move at random.
          rounds: stretches of STEPS control steps that count.
          report: is told about progress.
          parts: whether the pieces are timed too.
        """
        state, action = self.first, jnp.zeros((self.num_envs, 11))
        warm_up = 8 if grasping else 4
        times: dict[str, list[float]] = {}
        around = []
        for i in range(warm_up + rounds):
            states, actions = [], []
            for step in range(STEPS):
                action = self._act[grasping](state, action, jnp.int32(i * STEPS + step))
                states.append(state)
                actions.append(action)
                state, _, _ = self._step(state, Command(action, self.level))
            around.append(float(self._near(state)))
            found = self._time(states, actions, parts)
            if i >= warm_up:
                for name, ms in found.items():
                    times.setdefault(name, []).append(ms)
            report(f"round {i + 1} of {warm_up + rounds}: full task {found['full']:.2f} ms per control step")
        medians = {name: float(np.median(ms)) for name, ms in times.items()}
        bare, full = medians.pop("bare"), medians.pop("full")
        return Costs(bare, full, medians, float(np.mean(around[warm_up:])))

    def _time(self, states: list[EnvState], actions: list[jax.Array], parts: bool) -> dict[str, float]:
        def full() -> tuple:
            now, images = states[0], []
            for action in actions:
                now, obs, outcome = self._step(now, Command(action, self.level))
                images = self._full_image(now)
            return now, images

        def bare() -> tuple:
            now, images = states[0].physics, []
            for state in states:
                now, _ = self._bare(now, state)
                images = self._bare_image(now.qpos, state)
            return now, images

        def each(program: Callable[[EnvState], jax.Array]) -> Callable[[], jax.Array]:
            return lambda: [program(state) for state in states][-1]

        push = jnp.zeros((self.num_envs, 6))
        depth = jnp.asarray(self._bare_image(states[0].physics.qpos, states[0]), jnp.float32) * 1e-4
        programs = {"full": full, "bare": bare}
        pieces = {
            "physics, nominal": each(lambda s: self._bare(s.physics, s)),
            "physics, randomized": each(
                lambda s: self._randomized(s.physics, s.fabric.pos, s.random.params, push)
            ),
            "image": each(lambda s: self._bare_image(s.physics.qpos, s)),
            "depth noise": each(lambda s: self._noise(s, depth)),
            "fabric": each(lambda s: self._fabric(s.fabric, actions[0])),
            "observations": each(self._observe),
        }
        found = {}
        for name, program in (programs | pieces if parts else programs).items():
            jax.block_until_ready(program())
            start = time.perf_counter()
            jax.block_until_ready(program())
            found[name] = (time.perf_counter() - start) * 1e3 / STEPS
        return found

    def _physics(self, physics, state: EnvState):
        ids = state.random.params.object_id
        return self.worlds.step(physics, state.fabric.pos, nominal(ids), jnp.zeros((self.num_envs, 6)))

    def _drawn(self, qpos: jax.Array, state: EnvState) -> jax.Array:
        fixed = cameras.nominal(self.num_envs)
        depth = self.camera.renderer.render(qpos, state.random.params.object_id, fixed)
        return quantize(depth, self.config.camera.depth_min, self.config.camera.depth_max)

    def _seen(self, state: EnvState) -> jax.Array:
        view = sensing.depth_view(state, self.env.key)
        return self.camera.image(sensing.seen_qpos(state), state.random.params.object_id, view)

    def _noisy(self, state: EnvState, depth: jax.Array) -> jax.Array:
        return sensed(depth, sensing.depth_view(state, self.env.key), self.config.camera)

    def _explore(self, state: EnvState, action: jax.Array, step: jax.Array) -> jax.Array:
        noise = jax.random.normal(jax.random.fold_in(jax.random.key(0), step), action.shape)
        return jnp.clip(action + 0.25 * noise, -1, 1)

    def _grasp(self, state: EnvState, action: jax.Array, step: jax.Array) -> jax.Array:
        """Palms go down on the objects; hands are open in the first 1.5 s and closed afterwards."""
        palm = state.physics.qpos[:, 23:26] + jnp.array([0.05, 0.05, HOVER])
        lower, upper = jnp.asarray(PALM_POS_LOWER), jnp.asarray(PALM_POS_UPPER)
        palm = 2 * (palm - lower) / (upper - lower) - 1
        closed = jnp.where(step < 90, -1.0, 0.4)
        rest = jnp.zeros((self.num_envs, 8)).at[:, 3:5].set(closed)
        return jnp.clip(jnp.concatenate([palm, rest], axis=1), -1, 1).astype(jnp.float32)

    def _near(self, state: EnvState) -> jax.Array:
        now = view(state.physics)
        distance = jnp.linalg.norm(now.hand_points - now.object_pos[:, None], axis=2)
        return (distance.max(axis=1) < 0.16).mean()
