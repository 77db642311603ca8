"""Small policy files for all tests of deployment, made once."""

import dataclasses
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


@pytest.fixture(scope="session")
def student_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained stereo student of the config smoke_stereo, with actions that differ from 0."""
    pytest.importorskip("jax2onnx")
    pytest.importorskip("onnxruntime")
    from mjxdex import config_files
    from tests.deploy.fresh_policy import export_fresh_student

    config = config_files.load("smoke_stereo")
    config = dataclasses.replace(config, distill=dataclasses.replace(config.distill, teacher="none"))
    return export_fresh_student(config, tmp_path_factory.mktemp("student") / "fresh.onnx", gain=100.0)
