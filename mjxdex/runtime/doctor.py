"""What this machine can do for mjxdex, found out by trying. Imports nothing heavy before it tries it."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

REQUIRED = {
    "mujoco": "3.17.",
    "mujoco-mjx": "3.17.",
    "warp-lang": "",
    "jax": "0.1",
    "flax": "0.12.",
    "optax": "",
    "orbax-checkpoint": "0.",
}
"""Packages without which nothing trains, and how their versions start."""


class Check(NamedTuple):
    """One line of the report.

    Attributes:
      name: what was looked at.
      ok: whether it works.
      found: what was found.
      advice: what to do where it does not work.
      needed: whether training needs it.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True


def checks(try_simulator: bool = True) -> Iterator[Check]:
    """Everything that can be looked at, one by one, since some take a while."""
    fits = (3, 11) <= sys.version_info < (3, 13)
    yield Check("Python", fits, platform.python_version(), "install Python 3.11 or 3.12 and run `make setup`")
    for package, start in REQUIRED.items():
        yield _package(package, start)
    yield _tried("JAX devices", _jax_devices, "reinstall with `pip install -e .`")
    yield _gpu()
    yield _tried("Warp devices", _warp_devices, "reinstall with `pip install -e .`: MJX pins its Warp")
    yield _memory()
    if try_simulator:
        yield _tried(
            "physics and depth", _simulate, "see the error; `pip install -e .` installs matching versions"
        )
    yield _tried("video (ffmpeg)", _ffmpeg, "pip install imageio-ffmpeg", needed=False)
    for package in ("onnx", "onnxruntime", "jax2onnx"):
        yield _package(package, "", "only for scripts/export_onnx.py: pip install -e '.[onnx]'", needed=False)
    for package in ("trimesh", "coacd"):
        yield _package(
            package, "", "only for scripts/import_objects.py: pip install -e '.[import]'", needed=False
        )
    yield _madrona()


def _package(name: str, start: str, advice: str = "pip install -e .", needed: bool = True) -> Check:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, "not installed", advice, needed)
    return Check(name, version.startswith(start), version, f"needs {start}*: {advice}", needed)


def _tried(name: str, attempt: Callable[[], str], advice: str, needed: bool = True) -> Check:
    try:
        return Check(name, True, attempt(), needed=needed)
    except Exception as error:  # whatever it is, the report names it and goes on
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Check(name, False, reason, advice, needed)


def _jax_devices() -> str:
    import jax

    kinds = [device.device_kind for device in jax.local_devices()]
    return f"{len(kinds)} x {kinds[0]}, used by default"


def _gpu() -> Check:
    """Whether there is an NVIDIA GPU, and whether JAX uses it."""
    advice = "for GPUs: pip install -e '.[cuda12]' (driver 525 or newer) or '.[cuda13]' (580 or newer)"
    command = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    if not shutil.which("nvidia-smi"):
        return Check(
            "NVIDIA GPU", False, "none found; the CPU will do for --config smoke", advice, needed=False
        )
    answer = subprocess.run(command, capture_output=True, text=True)
    cards = answer.stdout.strip().splitlines()
    found = f"{len(cards)} x {cards[0]}" if cards else answer.stderr.strip() or "nvidia-smi lists none"
    import jax

    used = any(device.platform == "gpu" for device in jax.local_devices())
    return Check(
        "NVIDIA GPU", used, found if used else f"{found}, but JAX does not use it", advice, needed=False
    )


def _warp_devices() -> str:
    import warp

    warp.config.log_level = warp.LOG_ERROR
    warp.init()
    cache = Path(warp.config.kernel_cache_dir or "")
    kernels = "kernels compiled before" if any(cache.glob("wp_*")) else "no kernels compiled yet"
    return f"{', '.join(device.alias for device in warp.get_devices())}; {kernels} in {cache}"


def _memory() -> Check:
    """Free space for runs and main memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    disk = shutil.disk_usage(".").free / 2**30
    enough = memory >= 6 and disk >= 2
    found = f"{memory:.0f} GiB, {os.cpu_count()} CPUs, {disk:.0f} GiB free on disk"
    return Check("memory and disk", enough, found, "needs 6 GiB of memory and 2 GiB on disk")


def _simulate() -> str:
    """One physics step and one small depth image of two envs."""
    import jax
    import jax.numpy as jnp
    import warp

    from mjxdex import config_files, objects, scene
    from mjxdex.physics import PhysicsState, Worlds, nominal
    from mjxdex.render import cameras, depth_renderer
    from mjxdex.robot import tables

    warp.config.log_level = warp.LOG_ERROR
    config = config_files.from_dict({"camera": {"width": 80, "height": 60}})
    object_set = objects.load(config.env.objects)
    model = scene.build(config, object_set)
    worlds = Worlds(config, model, object_set, 2)
    renderer = depth_renderer(model, object_set, config, 2)
    pose = jnp.concatenate([jnp.asarray(tables.RESET_POS, jnp.float32), jnp.array([0, 0, 1, 1, 0, 0, 0.0])])
    state = PhysicsState(jnp.tile(pose, (2, 1)), jnp.zeros((2, 29)), jnp.zeros((2, 29)))
    ids = jnp.arange(2)
    state, _ = jax.jit(worlds.step)(state, state.qpos[:, :23], nominal(ids), jnp.zeros((2, 6)))
    depth = jax.jit(renderer.render)(state.qpos, ids, cameras.nominal(2))
    if not bool(jnp.isfinite(state.qpos).all()):
        raise ArithmeticError("the physics step gives NaN")
    if not bool((depth > 0).any()):
        raise ArithmeticError("the depth image is empty")
    return f"a step and an image of 2 envs, nearest point {float(depth[depth > 0].min()):.2f} m"


def _ffmpeg() -> str:
    import imageio_ffmpeg

    return f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"


def _madrona() -> Check:
    """Whether `render.backend madrona` can run."""
    from mjxdex.render.madrona import requirements

    advice = "only for --render.backend madrona; the default backend does without"
    try:
        found = requirements.find()
    except requirements.MadronaUnavailableError as error:
        return Check("Madrona", False, "missing: " + "; ".join(error.missing), advice, needed=False)
    return Check("Madrona", True, f"gs-madrona {found.version}, compiler {found.compiler}", needed=False)
