"""The simulator shards: one pmapped program over the simulator devices, where the envs' state stays."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.physics import Worlds
from mjxdex.render import SIM_AXIS, DepthCamera, StereoCamera
from mjxdex.runtime import machines
from mjxdex.task import sensing
from mjxdex.task.env import Command, GraspEnv
from mjxdex.task.state import EnvState
from mjxdex.types import Observation, Outcome


class Simulators:
    """All envs of a run, split evenly and in order over the simulator devices of all machines.

    Physics and rendering are two programs, so that either can be timed and a first observation is rendered by
    the same code as every other. Arrays held here have a leading shard axis: [S, N / S, ...].

    Args:
      config: The run's configuration.
      devices: The S simulator devices of this process; N of all envs are on them. Every process has as many.
    """

    def __init__(self, config: Config, devices: Sequence[jax.Device]) -> None:
        self.devices = tuple(devices)
        self.envs_per_shard = config.env.num_envs // (jax.process_count() * len(self.devices))
        self.objects = object_sets.load(config.env.objects)
        model = scene.build(config, self.objects)
        worlds = Worlds(config, model, self.objects, self.envs_per_shard)
        self.env = GraspEnv(config, worlds, self.objects)
        self.sharding = NamedSharding(Mesh(np.asarray(self.devices), (SIM_AXIS,)), PartitionSpec(SIM_AXIS))

        def pmap(function, **kwargs):
            return _compilable(
                jax.pmap(function, axis_name=SIM_AXIS, devices=self.devices, **kwargs), devices
            )

        self._init = pmap(self.env.init)
        self._observe = pmap(lambda state: (self.env.observe(state), self.env.blank_outcome(state)))
        self._step = pmap(self.env.step, donate_argnums=0)
        self._render = None
        if config.observation.depth:
            camera = DepthCamera(config, model, self.objects, self.envs_per_shard, list(self.devices))

            def render(state: EnvState) -> jax.Array:
                view = sensing.depth_view(state, self.env.key)
                return camera.image(sensing.seen_qpos(state), state.random.params.object_id, view)

            self._render = pmap(render)
        self._render_stereo = None
        if config.observation.stereo:
            stereo = StereoCamera(config, model, self.objects, self.envs_per_shard, list(self.devices))

            def render_stereo(state: EnvState) -> jax.Array:
                view_keys, step_keys = sensing.stereo_keys(state, self.env.key)
                view = jax.vmap(stereo.draw)(view_keys)
                return stereo.images(state.physics.qpos, state.random.params.object_id, view, step_keys)

            self._render_stereo = pmap(render_stereo)

    def init(self) -> EnvState:
        """First states of the envs, [S, N / S, ...]."""
        count = len(self.devices) * self.envs_per_shard
        ids = jax.process_index() * count + np.arange(count, dtype=np.int32)
        return self._init(self._shard(ids))

    def first(self, state: EnvState) -> tuple[Observation, Outcome]:
        """Observation of a new or restored state without images, and a blank outcome."""
        return self._observe(state)

    def step(self, state: EnvState, command: Command) -> tuple[EnvState, Observation, Outcome]:
        """One control step of all envs; `state` is used up."""
        return self._step(state, command)

    def render(self, state: EnvState) -> jax.Array | None:
        """uint16 [S, N / S, H, W] depth in DEPTH_UNIT, or None for a policy without a camera."""
        return None if self._render is None else self._render(state)

    def render_stereo(self, state: EnvState) -> jax.Array | None:
        """uint8 [S, N / S, 2, H, W, 3] sRGB, left and right eye upright, or None where nobody sees them."""
        return None if self._render_stereo is None else self._render_stereo(state)

    def to_global(self, state: EnvState) -> EnvState:
        """The state of all envs on the host, leaves [all envs, ...], whatever the split."""
        own = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), state)
        return machines.whole(own) if machines.several() else own

    def from_global(self, state: EnvState) -> EnvState:
        """The inverse of `to_global`, for this split."""
        start = jax.process_index() * len(self.devices) * self.envs_per_shard
        stop = start + len(self.devices) * self.envs_per_shard
        return jax.tree.map(lambda leaf: self._shard(leaf[start:stop]), state)

    def _shard(self, leaf) -> jax.Array:
        split = np.asarray(leaf).reshape(len(self.devices), self.envs_per_shard, *np.shape(leaf)[1:])
        return jax.device_put(split, self.sharding)


def _compilable(program: Callable, devices: Sequence[jax.Device]) -> Callable:
    """The pmapped program, in a form that this version of jax compiles.

    jax 0.11 crashes where it compiles one with MJX-Warp's empty arrays for several devices by its present
    partitioner, Shardy (0.10 and 0.12 do not), and where it compiles a learner of several GPUs by
    the older one.
    """
    if len(devices) == 1 or jax.__version_info__[:2] != (0, 11):
        return program

    def call(*arguments):
        with _older_partitioner():
            return program(*arguments)

    return call


@contextmanager
def _older_partitioner() -> Iterator[None]:
    before = jax.config.jax_use_shardy_partitioner
    jax.config.update("jax_use_shardy_partitioner", False)
    try:
        yield
    finally:
        jax.config.update("jax_use_shardy_partitioner", before)
