"""Distillation from the command line: smoke run, kill and resume, evaluation with pictures, ONNX file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import imageio.v2 as imageio
import pytest

from mjxdex.runtime.metrics import read
from tests.runtime.test_resume import ROOT, digest, finish, metrics, wait_for_rows

pytestmark = pytest.mark.slow

SMALL = "--env.num_envs 4 --ppo.horizon 4 --ppo.minibatches 1 --ppo.epochs 1 --runtime.topology s0-l0"
STUDENT = f"{SMALL} --env.episode_length_s 0.2 --runtime.iterations 6 --runtime.checkpoint_every 2"


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, f"scripts/{script}", *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A depth policy of one iteration."""
    folder = tmp_path_factory.mktemp("teacher") / "run"
    finish(start("train.py", *f"--config smoke {SMALL} --runtime.iterations 1 --run {folder}".split()))
    return folder


@pytest.fixture(scope="module")
def uninterrupted(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run folder and output of a student that nothing happens to."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    arguments = f"--teacher {teacher} --config smoke_stereo {STUDENT} --run {folder}"
    return folder, finish(start("distill_stereo.py", *arguments.split()))


def test_a_bundle_of_the_teacher_teaches_the_same(teacher: Path, uninterrupted, tmp_path: Path):
    """Without rounding; and the student it teaches is bundled and evaluated."""
    lent, taught = tmp_path / "teacher.bundle", tmp_path / "student.bundle"
    finish(start("bundle.py", str(teacher), "--out", str(lent), "--dtype", "float32"))
    arguments = f"--teacher {lent} --config smoke_stereo {STUDENT} --run {tmp_path / 'run'}"
    assert digest(finish(start("distill_stereo.py", *arguments.split()))) == digest(uninterrupted[1])
    said = finish(start("bundle.py", str(tmp_path / "run"), "--out", str(taught), "--dtype", "int8"))
    assert "iteration 6" in said and "on random inputs its actions differ" in said
    finish(start("export_onnx.py", str(taught), "--out", str(tmp_path / "student.onnx")))
    assert (tmp_path / "student.onnx").stat().st_size > 10_000


def test_a_killed_student_goes_on_with_the_same_bits(teacher: Path, uninterrupted, tmp_path: Path):
    """The teacher's own run may be gone by then."""
    folder, lent = tmp_path / "run", tmp_path / "teacher"
    subprocess.run(["cp", "-r", str(teacher), str(lent)], check=True)
    arguments = f"--teacher {lent} --config smoke_stereo {STUDENT} --run {folder}"
    process = start("distill_stereo.py", *arguments.split())
    wait_for_rows(folder, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    subprocess.run(["rm", "-r", str(lent)], check=True)
    assert digest(finish(start("distill_stereo.py", "--resume", str(folder)))) == digest(uninterrupted[1])
    assert read(folder)[0]["episodes"] > 0
    assert metrics(folder) == metrics(uninterrupted[0])


def test_a_student_teaches_and_its_student_goes_on_with_the_same_bits(teacher: Path, tmp_path: Path):
    """From its run, which is gone when the killed student resumes, as from its bundle."""
    first, lent, folder = tmp_path / "first", tmp_path / "first.bundle", tmp_path / "run"
    sees = "--observation.depth true --observation.stereo false --camera.width 80 --camera.height 60"
    arguments = f"--teacher {teacher} --config smoke_stereo {STUDENT} {sees} --run {first}"
    finish(start("distill_stereo.py", *arguments.split()))
    finish(start("bundle.py", str(first), "--out", str(lent), "--dtype", "float32"))
    chain = f"--config smoke_stereo {STUDENT}".split()
    whole = finish(
        start("distill_stereo.py", "--teacher", str(lent), *chain, "--run", str(tmp_path / "whole"))
    )
    assert "teacher smoke_stereo, iteration 6" in whole and "80x60 depth" in whole
    process = start("distill_stereo.py", "--teacher", str(first), *chain, "--run", str(folder))
    wait_for_rows(folder, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    subprocess.run(["rm", "-r", str(first)], check=True)
    assert digest(finish(start("distill_stereo.py", "--resume", str(folder)))) == digest(whole)
    assert metrics(folder) == metrics(tmp_path / "whole")


def test_its_report_pictures_and_file(uninterrupted, tmp_path: Path):
    folder, output = uninterrupted
    assert "teacher smoke, iteration 1" in output and "2 x 80x60 RGB" in output
    report = tmp_path / "report.json"
    arguments = f"{folder} --envs 2 --seconds 0.2 --video --json {report}"
    assert " cm" in finish(start("evaluate.py", *arguments.split()))
    total = json.loads(report.read_text())["total"]
    assert total["envs"] == 2 and 0 < total["object_pos_error_cm"] < 300
    strip = imageio.imread(folder / "videos" / "6.png")
    assert strip.shape[0] == 720 and ((strip[360:] == (40, 230, 60)).all(axis=-1)).any(), (
        "the object is marked"
    )
    assert (folder / "videos" / "6.mp4").stat().st_size > 1000
    assert "object position" in finish(start("export_onnx.py", str(folder)))
    assert (folder / "policy.onnx").stat().st_size > 1e6


def test_scripts_send_each_other_their_runs(teacher: Path, uninterrupted):
    for script, arguments, said in (
        ("train.py", ["--resume", str(uninterrupted[0])], "distill_stereo.py --resume"),
        ("train.py", ["--config", "stereo160"], "distill_stereo.py --teacher RUN"),
        ("distill_stereo.py", ["--resume", str(teacher)], "train.py --resume"),
        ("distill_stereo.py", ["--teacher", str(uninterrupted[0])], "sees stereo RGB"),
    ):
        process = start(script, *arguments)
        last = process.communicate(timeout=120)[0].strip().splitlines()[-1]
        assert process.returncode and last.startswith("error: ") and said in last, last
