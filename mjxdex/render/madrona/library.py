"""Builds and loads `bridge.cc`, which calls Madrona from inside compiled JAX programs."""

import ctypes
import functools
import hashlib
import importlib.metadata
import os
import subprocess
import tempfile
from pathlib import Path

import jax

from mjxdex.config import UserError
from mjxdex.render.madrona.requirements import Requirements, find

TRACE = "mjxdex_madrona_trace"
"""Name of the FFI target."""
_SOURCE = Path(__file__).with_name("bridge.cc")


class Scene(ctypes.Structure):
    """`MjxdexScene` of bridge.cc."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("gpu", "num_worlds", "num_views", "width", "height")),
        *((name, ctypes.c_int32) for name in ("num_meshes", "num_vertices", "num_triangles", "num_geoms")),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "vertices", "triangles", "vertex_offsets", "triangle_offsets", "mesh_of_geom", "sizes",
            )
        ),
        *((name, ctypes.c_float) for name in ("fovy", "near", "far")),
    ]  # fmt: skip


@functools.cache
def load() -> ctypes.CDLL:
    """The bridge, built on the first call on a machine (3 s), with its FFI target registered in JAX.

    Raises:
      MadronaUnavailableError: if something is missing.
      UserError: if the compiler fails.
    """
    needs = find()
    for path in needs.preload:
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    _provide_libcuda(needs)
    os.environ["MADRONA_ROOT_PATH"] = str(needs.package)
    os.environ["MADRONA_ROOT_CACHE_DIR"] = str(kernel_cache(needs))
    library = ctypes.CDLL(str(_build(needs)))
    library.mjxdexMadronaNew.restype = ctypes.c_void_p
    library.mjxdexMadronaDelete.argtypes = [ctypes.c_void_p]
    library.mjxdexMadronaAdd.argtypes = [ctypes.c_void_p, ctypes.POINTER(Scene)]
    library.mjxdexMadronaAdd.restype = ctypes.c_char_p
    jax.ffi.register_ffi_target(
        TRACE, jax.ffi.pycapsule(library.mjxdexMadronaTrace), platform="CUDA", api_version=1
    )
    return library


def kernel_cache(needs: Requirements) -> Path:
    """Folder of Madrona's compiled kernels. They hold for one type of GPU and one version only, and Madrona
    does not check that."""
    gpu = "-".join(jax.local_devices()[0].device_kind.split())
    return _cache() / f"kernels-{needs.version}-{gpu}"


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mjxdex" / "madrona"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _build(needs: Requirements) -> Path:
    package = needs.package
    options = [
        "-std=c++20", "-O2", "-fPIC", "-shared", "-w",
        f"-I{needs.jaxlib_headers}", f"-I{package / 'include'}", f"-I{package / 'src' / 'bridge'}",
        str(_SOURCE), f"-L{package}", "-lmadgs_mgr", f"-Wl,-rpath,{package}", "-Wl,--allow-shlib-undefined",
    ]  # fmt: skip
    key = [needs.compiler, needs.version, importlib.metadata.version("jaxlib"), *options, _SOURCE.read_text()]
    name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    return _compiled(f"bridge-{name}.so", [needs.compiler, *options])


def _compiled(name: str, command: list[str]) -> Path:
    target = _cache() / name
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=_cache()) as folder:
            fresh = Path(folder) / name
            done = subprocess.run([*command, "-o", str(fresh)], capture_output=True, text=True)
            if done.returncode:
                raise UserError(
                    f"the bridge to Madrona does not compile with {command[0]}; name a compiler of C++20 "
                    f"(g++ 11 or later) in the environment variable CXX. It said:\n{done.stderr[-2000:]}"
                )
            fresh.replace(target)
    return target


def _provide_libcuda(needs: Requirements) -> None:
    """Madrona opens `libcuda.so`, a link that many machines lack beside the driver's `libcuda.so.1`. Then a
    library of that name that does nothing but need the driver's stands in."""
    try:
        ctypes.CDLL("libcuda.so")
    except OSError:
        driver = _loaded("libcuda.so.1")
        stand_in = _compiled(
            "libcuda.so",
            [needs.compiler, "-shared", "-Wl,-soname,libcuda.so", "-Wl,--no-as-needed", str(driver)],
        )
        ctypes.CDLL(str(stand_in))


def _loaded(name: str) -> Path:
    """File of a library that the process has loaded."""
    ctypes.CDLL(name)
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if Path(path).name.startswith(name.removesuffix(".1")):
            return Path(path)
    raise UserError(f"{name} loads, but is no file that can be linked; make a link libcuda.so beside it")
