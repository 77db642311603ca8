"""Compiled programs that outlive their process: minutes of compilation on a GPU are seconds the next time."""

from pathlib import Path

import jax

FOLDER = Path("~/.cache/mjxdex/compiled")
"""Where they are kept, beside Warp's kernels in ~/.cache/warp."""


def keep() -> Path | None:
    """Lets JAX keep what it compiles for GPUs, and find it again.

    Call it before anything compiles. JAX_COMPILATION_CACHE_DIR names another folder;
    JAX_ENABLE_COMPILATION_CACHE=0 keeps nothing. Programs for CPUs are not kept: they need the same processor
    again.

    Returns: The folder, or None where nothing is kept.
    """
    if not jax.config.jax_enable_compilation_cache or jax.default_backend() != "gpu":
        return None
    folder = jax.config.jax_compilation_cache_dir
    if folder is None:
        folder = str(FOLDER.expanduser())
        jax.config.update("jax_compilation_cache_dir", folder)
    return Path(folder)
