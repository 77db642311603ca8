"""A hang is told once, with the stacks of all threads, also when it holds the GIL."""

import ctypes
import threading
import time

import pytest

from mjxdex import config_files
from mjxdex.config import ConfigError
from mjxdex.runtime import watchdog
from mjxdex.runtime.watchdog import Watchdog


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(watchdog, "_TO_WRITE", 0.2)


def hang_here(seconds: float) -> None:
    time.sleep(seconds)


def test_a_hang_is_told_once(tmp_path, capsys):
    idle = threading.Event()

    def waits_there() -> None:
        idle.wait()

    other = threading.Thread(target=waits_there)
    other.start()
    with Watchdog(tmp_path) as watch:
        with watch("iteration 7", 0.1):
            hang_here(0.7)
        with watch("iteration 8", 0.1):
            pass
    idle.set()
    other.join()
    text = watch.path.read_text()
    assert text.count("in hang_here") == 1 and text.count("waits_there") == 1
    assert "iteration 7" in text and "iteration 8" not in text
    said = capsys.readouterr().err
    assert "iteration 7 has taken more than 0.1 s" in said and said.count("in hang_here") == 1


def test_each_hang_is_told(tmp_path, capsys):
    with Watchdog(tmp_path) as watch:
        for iteration in (1, 2):
            with watch(f"iteration {iteration}", 0.1):
                hang_here(0.5)
    said = capsys.readouterr().err
    assert said.count("has taken more than") == 2 and said.count("in hang_here") == 2


def test_native_code_that_holds_the_gil(tmp_path):
    with Watchdog(tmp_path) as watch, watch("iteration 1", 0.1):
        ctypes.PyDLL(None).usleep(300_000)
        assert "in test_native_code_that_holds_the_gil" in watch.path.read_text()


def test_nothing_is_left_behind_without_a_hang(tmp_path, capsys):
    before = threading.enumerate()
    with Watchdog(tmp_path) as watch:
        for seconds in (0.2, 0):
            with watch("iteration", seconds):
                pass
        time.sleep(0.5)
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().err
    assert set(threading.enumerate()) <= set(before)


def test_limits_are_not_negative():
    for name in ("watchdog_s", "first_watchdog_s"):
        with pytest.raises(ConfigError, match=f"runtime.{name} is -1"):
            config_files.load("smoke", {f"runtime.{name}": "-1"})
