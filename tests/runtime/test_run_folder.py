"""Run folders: made once, never overwritten, resumed only with the same experiment."""

import json
from pathlib import Path

import pytest

from mjxdex import config_files
from mjxdex.runtime import run_folder
from mjxdex.runtime.run_folder import RunError


def test_a_run_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_files.load("smoke", {"seed": 5})
    folder = run_folder.create(config)
    assert folder.parent == Path("runs") and folder.name.startswith("smoke-20")
    assert run_folder.open_run(folder) == config
    (session,) = json.loads((folder / "meta.json").read_text())["sessions"]
    assert session["seed"] == 5 and session["versions"]["jax"] and session["resumed_at_iteration"] is None


def test_an_empty_folder_is_used_and_a_full_one_never(tmp_path: Path) -> None:
    config = config_files.load("smoke")
    run_folder.create(config, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RunError, match=f"continue it with --resume {tmp_path}"):
        run_folder.create(config, tmp_path)
    with pytest.raises(RunError, match="already exists"):
        run_folder.create(config, tmp_path / "meta.json")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_run_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run in .*nowhere"):
        run_folder.open_run(tmp_path / "nowhere")


def test_resume_may_change_only_what_does_not_matter(tmp_path: Path) -> None:
    run_folder.create(config_files.load("smoke"), tmp_path)
    longer = run_folder.resumed_config(tmp_path, None, {"runtime.iterations": "99"})
    assert longer.runtime.iterations == 99 and longer.env.num_envs == 32
    with pytest.raises(
        RunError, match=r"ppo.clip: 0.2 -> 0.3; .*seed: 42 -> 1|seed: 42 -> 1; ppo.clip"
    ) as error:
        run_folder.resumed_config(tmp_path, None, {"ppo.clip": "0.3", "seed": "1", "runtime.iterations": "5"})
    assert "iterations" not in str(error.value)
    with pytest.raises(RunError, match="name: smoke -> state"):
        run_folder.resumed_config(tmp_path, "state")


def test_a_resume_is_recorded(tmp_path: Path) -> None:
    run_folder.create(config_files.load("smoke"), tmp_path)
    config = run_folder.resumed_config(tmp_path, None, {"runtime.iterations": "99"})
    run_folder.note_resume(tmp_path, config, 8)
    assert run_folder.open_run(tmp_path) == config
    sessions = json.loads((tmp_path / "meta.json").read_text())["sessions"]
    assert [session["resumed_at_iteration"] for session in sessions] == [None, 8]
