"""The doctor says what is wrong, and never dies of it."""

import importlib.metadata

import pytest

from mjxdex.runtime import doctor


def test_this_machine_can_train() -> None:
    report = {check.name: check for check in doctor.checks(try_simulator=False)}
    assert [check for check in report.values() if check.needed and not check.ok] == []
    assert report["mujoco"].found.startswith("3.17.")
    assert "cpu" in report["Warp devices"].found


def test_a_step_and_an_image() -> None:
    assert doctor._simulate().startswith("a step and an image of 2 envs, nearest point 0.")


def test_wrong_and_missing_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"mujoco": "4.0.0", "jax": "0.11.2"}

    def version(package: str) -> str:
        if package not in versions:
            raise importlib.metadata.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(importlib.metadata, "version", version)
    report = {check.name: check for check in doctor.checks(try_simulator=False)}
    assert not report["mujoco"].ok and "needs 3.17." in report["mujoco"].advice
    assert not report["flax"].ok and report["flax"].found == "not installed"
    assert report["jax"].ok
    assert not report["onnx"].ok and not report["onnx"].needed


def test_a_simulator_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise RuntimeError("no such kernel\nand a long trace")

    monkeypatch.setattr(doctor, "_simulate", fail)
    report = {check.name: check for check in doctor.checks()}
    assert not report["physics and depth"].ok
    assert report["physics and depth"].found == "RuntimeError: no such kernel"
