"""What Madrona needs on this machine: found, or listed as missing in one error."""

import ctypes
import ctypes.util
import importlib.metadata
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import jaxlib

from mjxdex.config import UserError
from mjxdex.render.madrona import vulkan

PACKAGE = "gs_madrona"
_CUDA12 = {"nvidia.cuda_nvrtc": "libnvrtc.so.12", "nvidia.nvjitlink": "libnvJitLink.so.12"}
"""Compilers that Madrona builds its kernels with, by the module they come in. Those of CUDA 13 do not do."""


class Requirements(NamedTuple):
    """Where things are.

    Attributes:
      package: folder of gs_madrona.
      version: of gs_madrona.
      compiler: of C++20.
      preload: libraries that have to be loaded before Madrona's.
      jaxlib_headers: folder of `xla/ffi/api/ffi.h`.
    """

    package: Path
    version: str
    compiler: str
    preload: tuple[Path, ...]
    jaxlib_headers: Path


class MadronaUnavailableError(UserError):
    """Madrona cannot run here.

    Attributes:
      missing: everything that is, with what to do about it.
    """

    def __init__(self, missing: list[str]) -> None:
        lines = "".join(f"\n  - {line}" for line in missing)
        super().__init__(
            f"render.backend madrona cannot run here. Missing:{lines}\nThe default, --render.backend warp, "
            "runs everywhere and gives the same depth."
        )
        self.missing = missing


def find() -> Requirements:
    """Looks for everything that Madrona needs.

    Raises:
      MadronaUnavailableError: if anything is missing.
    """
    missing = []
    if jax.default_backend() != "gpu":
        missing.append(f"an NVIDIA GPU that JAX uses; JAX runs on {jax.default_backend()} here")
    if sys.version_info < (3, 12):
        missing.append(f"Python 3.12 or later; this is {sys.version_info.major}.{sys.version_info.minor}")
    package = _folder(PACKAGE)
    if package is None:
        missing.append("the package gs-madrona: pip install 'mjxdex[madrona]'")
    preload = []
    for module, name in _CUDA12.items():
        found = _cuda_library(module, name)
        if found is None:
            missing.append(f"{name}: pip install 'mjxdex[madrona]', or CUDA 12 on the library path")
        else:
            preload.append(found)
    if not _loads("libvulkan.so.1"):
        missing.append("libvulkan.so.1, the Vulkan loader: apt install libvulkan1, or its like")
    elif not vulkan.finds_nvidia(ctypes.CDLL("libvulkan.so.1")):
        missing.append(
            "the Vulkan part of NVIDIA's driver, or what that loads: apt install libegl1 libgl1 libgles2 "
            "libopengl0; if both are installed, name nvidia_icd.json in the environment variable "
            "VK_DRIVER_FILES"
        )
    if not _loads("libcuda.so.1"):
        missing.append("libcuda.so.1, which comes with NVIDIA's driver")
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        missing.append("a C++20 compiler: apt install g++, or name one in the environment variable CXX")
    if package is None or compiler is None or missing:
        raise MadronaUnavailableError(missing)
    return Requirements(
        package,
        importlib.metadata.version("gs-madrona"),
        compiler,
        tuple(preload),
        Path(jaxlib.__file__).parent / "include",
    )


def _folder(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )


def _cuda_library(module: str, name: str) -> Path | None:
    """The library in NVIDIA's package, else on the library path."""
    folder = _folder(module)
    if folder is not None and (folder / "lib" / name).exists():
        return folder / "lib" / name
    return Path(name) if _loads(name) else None


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
