"""One small policy file for all tests of deployment, made once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def policy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained policy of the config smoke, at ADR level 20, with actions that differ from 0."""
    pytest.importorskip("jax2onnx")
    pytest.importorskip("onnxruntime")
    from mjxdex import config_files
    from tests.deploy.fresh_policy import export_fresh

    path = tmp_path_factory.mktemp("policy") / "fresh.onnx"
    return export_fresh(config_files.load("smoke"), path, adr_level=20, gain=100.0)
