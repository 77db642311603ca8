"""Compiles Warp's large modules side by side; on first use they would be compiled one after the other."""

import importlib
import os

import jax
import warp as wp

_SOURCE = "mujoco.mjx.third_party.mujoco_warp._src"
PHYSICS_MODULES = ("derivative", "smooth", "passive", "forward", "solver", "support", "constraint")
RENDER_MODULES = ("render_util", "bvh", "smooth")


def compile_ahead(modules: tuple[str, ...]) -> None:
    """Compiles modules of MuJoCo Warp for the first device of JAX's default backend.

    Compiling everything takes about a minute on two CPU cores and two on a GPU machine; loading it from
    Warp's cache takes milliseconds.
    """
    device = "cpu" if jax.default_backend() == "cpu" else "cuda:0"
    loaded = [wp.get_module(importlib.import_module(f"{_SOURCE}.{name}").__name__) for name in modules]
    wp.force_load(device, loaded, max_workers=min(len(loaded), os.cpu_count() or 1))
