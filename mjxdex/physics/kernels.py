"""Compiles Warp's modules side by side; on first use they would be compiled one after the other."""

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import jax
import warp as wp

_SOURCE = "mujoco.mjx.third_party.mujoco_warp._src"
RENDER_MODULES = ("render_util", "bvh", "smooth")
MOST_THREADS = 16
"""That compile at a time: each takes memory of the host, and several runs may start together."""

_recording = threading.Lock()


def compile_modules(names: tuple[str, ...]) -> None:
    """Compiles modules of MuJoCo Warp for the first device of JAX's default backend.

    Loading what was compiled before from Warp's cache takes milliseconds.
    """
    device = "cpu" if jax.default_backend() == "cpu" else "cuda:0"
    modules = [wp.get_module(importlib.import_module(f"{_SOURCE}.{name}").__name__) for name in names]
    wp.force_load(device, modules, max_workers=min(len(modules), os.cpu_count() or 1))


def compile_launched(launch: Callable[[], None]) -> None:
    """Compiles what `launch` launches, for Warp's current device.

    MuJoCo Warp makes most of its kernels, each in a module of its own, as a model first needs them. So
    `launch` is called with launches that only tell their modules, then all are compiled.
    """
    device = wp.get_device()
    with _recording, _told_modules() as modules:
        launch()
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        loads = [pool.submit(module.load, device, block_dim) for module, block_dim in modules]
        for load in loads:
            load.result()


@contextlib.contextmanager
def _told_modules() -> Iterator[dict[tuple[wp.Module, int | None], None]]:
    """While open, the launches of this thread launch nothing, and both ways of a branch are taken once.

    Yields: Module and threads per block of each launch, in order; None for Warp's own number.
    """
    thread = threading.get_ident()
    modules: dict[tuple[wp.Module, int | None], None] = {}
    suggested_block_size = wp.get_suggested_block_size

    def replaced(owner, name, replacement):
        original = getattr(owner, name)

        def call(*args, **kwargs):
            return (replacement if threading.get_ident() == thread else original)(*args, **kwargs)

        return mock.patch.object(owner, name, call)

    def tell(module, device, block_dim=None):
        modules[module, block_dim] = None
        return None  # Warp takes this for a module without kernels

    def suggest(kernel, device=None):
        if wp.get_device(device).is_cpu:
            return suggested_block_size(kernel, device)
        modules[kernel.module, None] = None  # Warp looks for the answer in the compiled kernel
        return kernel.module.options["block_dim"], 1

    def both(condition, on_true=None, on_false=None, **kwargs):
        for branch in (on_true, on_false):
            if branch is not None:
                branch(**kwargs)

    def once(condition, while_body, **kwargs):
        while_body(**kwargs)

    with (
        replaced(wp.Module, "load", tell),
        replaced(wp, "get_suggested_block_size", suggest),
        replaced(wp, "capture_if", both),
        replaced(wp, "capture_while", once),
    ):
        yield modules
