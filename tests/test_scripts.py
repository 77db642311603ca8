"""Mistakes at the command line end in one line that helps, and leave no run folder behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("train.py", "--config depht160", "did you mean depth160"),
        ("train.py", "--config smoke --env.num_env 64", "did you mean --env.num_envs"),
        ("train.py", "--config smoke --env.num_envs many", "env.num_envs is 'many'; it must be int"),
        (
            "train.py",
            "--config smoke --runtime.topology s0-l0 --env.objects cups",
            "existing sets: dextrah, heldout, primitives",
        ),
        ("train.py", "--config smoke --runtime.topology s0-l9", "names device 9; there"),
        ("train.py", "--config smoke --runtime.topology s0,1,2-l3", "cannot be split evenly over 3"),
        ("train.py", "--resume nowhere", "there is no run in nowhere"),
        ("train.py", "--config stereo160", "distill_stereo.py --teacher RUN --config stereo160"),
        ("distill_stereo.py", "--config stereo160", "name the run of a teacher: --teacher RUN"),
        ("distill_stereo.py", "--teacher nowhere", "there is no run in nowhere"),
        (
            "distill_stereo.py",
            "--teacher nowhere --distill.heads 3",
            "heads 3 does not divide token_width 128",
        ),
        ("train.py", "--config smoke --start-from no.bundle", "there is no file no.bundle"),
        ("train.py", "--continue no.bundle --config smoke", "takes the bundle's config"),
        ("train.py", "--resume a --start-from b", "exclude each other"),
        ("evaluate.py", "nowhere", "there is no run in nowhere"),
        ("evaluate.py", "--pretrained cups", "no pretrained policy 'cups'"),
        ("evaluate.py", "nowhere --gif", "--gif with both"),
        ("bundle.py", "nowhere --out a.bundle", "there is no run in nowhere"),
        ("bundle.py", "nowhere --out a.zip", "its name must end in .bundle"),
        ("plot_runs.py", "nowhere --out a.png", "there is no run in nowhere"),
        ("benchmark_sims.py", "--config smok", "did you mean smoke"),
        ("probe_noise.py", "nowhere --noises own", "there is no run in nowhere"),
        ("probe_sight.py", "nowhere", "there is no run in nowhere"),
        ("probe_noise.py", "nowhere --noises 0.11:2", "a correlation from 0 to below 1"),
        ("export_onnx.py", "nowhere", "there is no run in nowhere"),
        ("bin_packing.py", "--policy none.onnx", "there is no file none.onnx"),
        ("bin_packing.py", "--policy scripted", "there is no grasp for 'airplane'"),
        ("sim_gap.py", "--policy none.onnx", "there is no file none.onnx"),
        ("sim_gap.py", "--policy none.onnx --level 51", "--level is 51; it must be 0 to 50"),
        ("sim_gap.py", "--policy none.onnx --mjx none.json", "there is no file none.json"),
        ("view.py", "none.onnx", "there is no file none.onnx"),
        ("scripted_grasp.py", "cup", "there is no grasp for 'cup'"),
        ("benchmark_render.py", "--batch 1024 33", "--batch is [1024, 33]; a stereo pair is two images"),
        ("benchmark.py", "--config smoke --iterations 0", "--iterations is 0; it must be above 0"),
        ("benchmark.py", "--config depht160", "did you mean depth160"),
        (
            "benchmark.py",
            "--config depth160_paper --layouts s0,1,2-l3 dp0,1,2,3",
            "4096 envs cannot be split evenly over s0,1,2-l3 with 4 ppo.minibatches; use --envs 4080 or 4128",
        ),
        ("benchmark.py", "--config smoke --memory 0", "--memory is 0; it must be above 0"),
        ("search_grasps.py", "cup --write grasps.yaml", "'primitives' has no 'cup'; it has large_12"),
    ],
)
def test_one_line_of_help(tmp_path, script, arguments, said):
    result = run(tmp_path, script, *arguments.split())
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and said in last, result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "runs").exists()
