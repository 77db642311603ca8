"""Times one renderer on the scenes of `render_scenes`, in a process of its own: see `render_table`.

    python -m mjxdex.evaluation.render_benchmark CASES SCENES FOLDER

CASES are some Case as JSON, SCENES a file of `render_scenes.save`, FOLDER where a few depth images go. For
each case it tells a Result.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import config_files, scene
from mjxdex import objects as object_sets
from mjxdex.config import CameraConfig, Config, UserError
from mjxdex.evaluation import processes, render_scenes
from mjxdex.render import Cameras, WarpRgbRenderer, looks, stereo
from mjxdex.render.backends import DEPTH_RENDERERS, RGB_RENDERERS

IMAGES = ("depth", "rgb", "stereo")
"""One depth camera, one colour camera, a pair of colour cameras in each env."""
FIXED_CAMERA = "mjwarp"
"""Its colours come from one fixed camera and know no looks."""
Inputs = tuple[Any, ...]
"""qpos, object_id, cameras and, for colours, looks of N envs."""


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      config: name or file of a configuration: objects and seed.
      backend: of `render.backend`.
      image: of IMAGES.
      width, height: pixels.
      batch: images per call, so half as many envs for stereo.
      calls: images of an env drawn one after the other in one program.
      rounds: times that the program runs; the median counts.
      shown: envs whose depth images are kept.
    """

    config: str
    backend: str
    image: str
    width: int
    height: int
    batch: int
    calls: int
    rounds: int
    shown: tuple[int, ...]

    @property
    def file(self) -> str:
        """Name for its depth images."""
        return f"{self.backend}_{self.image}_{self.width}x{self.height}_{self.batch}.npz"

    @property
    def num_views(self) -> int:
        return stereo.NUM_EYES if self.image == "stereo" else 1

    @property
    def num_envs(self) -> int:
        return self.batch // self.num_views

    def load_config(self) -> Config:
        """The configuration, with images of this size and no policy that looks at them."""
        config = config_files.load(self.config, {})
        return replace(
            config,
            camera=CameraConfig(width=self.width, height=self.height),
            observation=replace(config.observation, depth=False),
        )


@dataclass(frozen=True)
class Result:
    """What was measured, or why it could not be.

    Attributes:
      device: kind of device.
      ms: per batch, by name of the poses.
      xla_mib: most memory that JAX's arrays had at once since the process started; None on CPUs.
      gpu_mib: by how much the GPU's used memory has grown since then: contexts of CUDA, JAX's pool and what
        renderers take outside of it; None without nvidia-smi.
      error: None, or why there are no numbers.
    """

    device: str | None = None
    ms: dict[str, float] | None = None
    xla_mib: float | None = None
    gpu_mib: float | None = None
    error: str | None = None


def measure(case: Case, scenes: dict[str, np.ndarray], folder: Path, used_before: int | None) -> Result:
    """Times a case, and writes the depth images of `case.shown` by name of the poses.

    Args:
      case: what is measured.
      scenes: from `render_scenes.load`.
      folder: where the images go.
      used_before: memory of the GPUs in use before the process used any, MiB; None without GPUs.

    Raises:
      RuntimeError: if a program's images are not those that single calls draw.
    """
    draw, inputs = _drawing(case, scenes)
    ms, shown = {}, {}
    for pose in render_scenes.POSES:
        ms[pose], last = _time(draw, (jnp.asarray(scenes[pose]), *inputs), case.calls, case.rounds)
        if case.image == "depth":
            shown[pose] = np.asarray(last[np.array(case.shown)])
    device = jax.local_devices()[0]
    stats = device.memory_stats()
    used = _gpu_used()
    if shown:
        np.savez(folder / case.file, **shown)
    return Result(
        device=device.device_kind,
        ms=ms,
        xla_mib=stats["peak_bytes_in_use"] / 2**20 if stats else None,
        gpu_mib=None if used_before is None or used is None else used - used_before,
    )


def _drawing(case: Case, scenes: dict[str, np.ndarray]) -> tuple[Callable[..., jax.Array], Inputs]:
    """Images [N, ...] of Inputs, and Inputs without qpos."""
    config = case.load_config()
    objects = object_sets.load(config.env.objects)
    model = scene.build(config, objects)
    ids = jnp.asarray(scenes["object_id"])
    cameras = Cameras(*(jnp.asarray(scenes[name]) for name in Cameras._fields))
    size = (model, objects, config.camera, case.num_envs)
    if case.image == "depth":
        return DEPTH_RENDERERS[case.backend](*size).render, (ids, cameras)
    if case.backend == FIXED_CAMERA:
        pixels = (case.width, case.height)
        fixed = WarpRgbRenderer(model, objects, case.num_envs, *pixels, camera=scene.DEPTH_CAMERA)
        return fixed.render, (ids,)
    renderer = RGB_RENDERERS[case.backend](*size, case.num_views)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(config.seed), i))(jnp.arange(case.num_envs))
    if case.image == "stereo":
        rig = replace(config.rgb, focal=0.0)  # Madrona cannot vary it
        views = jax.jit(jax.vmap(lambda key: stereo.randomized(key, rig)))(keys)
    else:
        views = jax.tree.map(lambda leaf: leaf[:, None], cameras)
    look = jax.jit(jax.vmap(lambda key: looks.randomized(key, config.rgb, case.num_views)))(keys)
    return renderer.render, (ids, views, look)


def _time(draw: Callable[..., jax.Array], inputs: Inputs, calls: int, rounds: int) -> tuple[float, jax.Array]:
    """Median milliseconds per call, and the images of `inputs`.

    The calls of a round are a scan in one program, each with other poses, the last with those of `inputs`.
    Every image is carried as a whole and a few pixels of each are added up, so that none can be left out; the
    barrier keeps what all calls have in common inside the scan, where a simulator would compute it.
    """

    def moved(i: jax.Array, qpos: jax.Array, *rest: Any) -> Inputs:
        return qpos.at[:, :2].add(0.002 * i), *rest

    @jax.jit
    def program(inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        def body(
            carry: tuple[jax.Array, jax.Array], i: jax.Array
        ) -> tuple[tuple[jax.Array, jax.Array], None]:
            now, total = jax.lax.optimization_barrier((inputs, carry[1]))
            image = draw(*moved(i, *now))
            return (image, total + _few_pixels(image)), None

        image = jax.eval_shape(draw, *inputs)
        first = jnp.zeros(image.shape, image.dtype), jnp.zeros(())
        return jax.lax.scan(body, first, jnp.arange(calls - 1, -1, -1))[0]

    image, total = jax.block_until_ready(program(inputs))
    times = []
    for _ in range(rounds):
        del image
        start = time.perf_counter()
        image, _ = jax.block_until_ready(program(inputs))
        times.append((time.perf_counter() - start) * 1e3 / calls)
    alone = jax.jit(lambda i, inputs: _few_pixels(draw(*moved(i, *inputs))))
    expected = sum(float(alone(jnp.int32(i), inputs)) for i in range(calls))
    if not np.isclose(float(total), expected, rtol=1e-3):
        raise RuntimeError("the images that were timed are not those of single calls")
    return float(np.median(times)), image


def _few_pixels(images: jax.Array) -> jax.Array:
    """The mean of some 61 values of each env's images, []."""
    flat = images.reshape(len(images), -1)
    return flat[:, :: max(flat.shape[1] // 61, 1)].astype(jnp.float32).mean()


def _gpu_used() -> int | None:
    """Used memory of all GPUs, MiB."""
    used = processes.gpu_used()
    return None if used is None else sum(used)


def main() -> None:
    texts, scenes, folder = sys.argv[1:]
    used_before = _gpu_used()
    for fields in json.loads(texts):
        case = Case(**fields | {"shown": tuple(fields["shown"])})
        try:
            drawn = render_scenes.load(Path(scenes), case.num_envs)
            result = measure(case, drawn, Path(folder), used_before)
        except (UserError, RuntimeError, ValueError, MemoryError) as error:
            result = Result(error=processes.short(error))
        processes.tell(result)


if __name__ == "__main__":
    main()
