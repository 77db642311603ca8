"""Tests run on four virtual CPU devices, unless they are asked for by their gpu marker."""

import os

if "JAX_PLATFORMS" not in os.environ and not os.environ.get("MJXDEX_TEST_GPU"):
    os.environ["JAX_PLATFORMS"] = "cpu"
flag = "--xla_force_host_platform_device_count"
if flag not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}=4".strip()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
