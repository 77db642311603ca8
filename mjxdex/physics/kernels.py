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
    `launch` is called with launches that only tell their modules, then all are compiled. How many threads
    a block of a kernel should have, Warp finds in the compiled kernel, and compiles it again for as many.
    """
    device = wp.get_device()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for knows_blocks in (False, True):
            with _recording, _told_modules(knows_blocks) as modules:
                launch()
            loads = [pool.submit(module.load, device, block_dim) for module, block_dim in modules]
            for load in loads:
                load.result()


@contextlib.contextmanager
def _told_modules(knows_blocks: bool) -> Iterator[dict[tuple[wp.Module, int | None], None]]:
    """While open, the launches of this thread launch nothing, and both ways of a branch are taken once.

    Args:
      knows_blocks: kernels may be asked for the size of their blocks; else every answer is Warp's default.

    Yields: Module and threads per block of each launch, in order.
    """
    thread = threading.get_ident()
    modules: dict[tuple[wp.Module, int | None], None] = {}
    load, capture_if, capture_while = wp.Module.load, wp.capture_if, wp.capture_while
    suggested_block_size = wp.get_suggested_block_size
    asked = False

    def suggest(kernel, *args, **kwargs):
        nonlocal asked
        if threading.get_ident() == thread and not knows_blocks:
            return kernel.module.options["block_dim"], 1
        asked = True
        try:
            return suggested_block_size(kernel, *args, **kwargs)
        finally:
            asked = False

    def tell(module, device, block_dim=None, *args, **kwargs):
        if asked or threading.get_ident() != thread:
            return load(module, device, block_dim, *args, **kwargs)
        modules[module, block_dim] = None
        return None  # Warp takes this for a module without kernels

    def both(condition, on_true=None, on_false=None, **kwargs):
        if threading.get_ident() != thread:
            return capture_if(condition, on_true, on_false, **kwargs)
        for branch in (on_true, on_false):
            if branch is not None:
                branch(**kwargs)

    def once(condition, while_body, **kwargs):
        if threading.get_ident() != thread:
            return capture_while(condition, while_body, **kwargs)
        while_body(**kwargs)

    with (
        mock.patch.object(wp.Module, "load", tell),
        mock.patch.object(wp, "get_suggested_block_size", suggest),
        mock.patch.object(wp, "capture_if", both),
        mock.patch.object(wp, "capture_while", once),
    ):
        yield modules
