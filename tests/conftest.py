"""Tests run on four virtual CPU devices, unless they are asked for by their gpu marker."""

import os

import pytest

if "JAX_PLATFORMS" not in os.environ and not os.environ.get("MJXDEX_TEST_GPU"):
    os.environ["JAX_PLATFORMS"] = "cpu"
flag = "--xla_force_host_platform_device_count"
if flag not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}=4".strip()
# A collective holds a thread for each device that waits; of XLA's own few none may be left for the last one.
os.environ.setdefault("NPROC", "8")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests for GPUs never pass on a CPU: they are skipped where there are too few."""
    needed = 2 if item.get_closest_marker("multigpu") else 1 if item.get_closest_marker("gpu") else 0
    if needed:
        import jax

        found = jax.device_count() if jax.default_backend() == "gpu" else 0
        if found < needed:
            pytest.skip(f"needs {needed} NVIDIA GPU(s) and MJXDEX_TEST_GPU=1; found {found}")
