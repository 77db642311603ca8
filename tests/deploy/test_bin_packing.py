"""From the home pose over a grasp to the bin, in MuJoCo C, and what is made of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import UserError
from mjxdex.deploy import sessions
from mjxdex.deploy.bin_packing import Attempt, Conditions
from mjxdex.deploy.packing_report import PackingReport, write_json
from mjxdex.deploy.policy import PolicyOutput
from mjxdex.deploy.scripted_policy import ScriptedPolicy
from mjxdex.deploy.sessions import Settings, pack
from mjxdex.deploy.timing import Timing
from mjxdex.evaluation.report import wilson
from mjxdex.objects.slots import compile_set

ROOT = Path(__file__).parents[2]
PRIMITIVES = objects.load("primitives")
SETTINGS = Settings(
    policy="scripted", objects="primitives", limit=1, trials=1, seed=0, spawn_level=None, latency=0.0,
    jitter=0.0, dropped=0.0, camera_angle=0.0, camera_distance=0.0, image_age=None, sweep=False,
    real_time=False, video=None, json=None,
)  # fmt: skip


def settings(**changes) -> Settings:
    return Settings(**(vars(SETTINGS) | changes))


def test_a_scripted_grasp_ends_in_the_bin(tmp_path):
    report = pack(settings(video=tmp_path / "bin.mp4"), *sessions.check(SETTINGS))
    (attempt,) = report.attempts
    assert attempt.success and attempt.reason == "in the bin"
    assert attempt.grasp_s is not None and 3 < attempt.grasp_s < attempt.cycle_s < 12
    assert (tmp_path / "bin.mp4").stat().st_size > 10_000
    assert report.total.success == 1 and report.total.interval[0] < 0.5


class Idle(ScriptedPolicy):
    """Stays above the table."""

    def act(self, known, depth):
        return PolicyOutput(np.array([0.1, -0.2, 0.7, 0.0, -0.1, -0.65, -0.4, 0.1, 0.0, 0.0, 0.0]), None)


def test_a_policy_that_does_not_grasp_runs_out_of_time():
    report = pack(SETTINGS, Idle(PRIMITIVES.names[0]), PRIMITIVES)
    assert [attempt.reason for attempt in report.attempts] == ["time-out"]
    assert report.total.success == 0 and report.attempts[0].cycle_s > 20


def test_images_that_are_too_old_stop_the_robot_and_the_next_object_gets_its_turn():
    report = pack(settings(latency=700.0, limit=2), *sessions.check(SETTINGS))
    assert [attempt.reason[:12] for attempt in report.attempts] == ["image is 0.7"] * 2


def test_report_counts_objects_and_reasons(tmp_path):
    attempts = [
        Attempt("cup", 0, True, "in the bin", 4.0, 6.0),
        Attempt("pan", 0, False, "stuck: a", 4.0, 9.0),
        Attempt("cup", 1, True, "in the bin", 4.0, 8.0),
        Attempt("pan", 1, False, "stuck: b", None, 5.0),
    ]
    timing = Timing(1 / 60)
    for late in (0.001, 0.010, 0.017):
        timing.step(0.001, late)
    report = PackingReport("policy", {}, Conditions(), attempts, timing)
    assert [(row.name, row.success, row.cycle_s) for row in report.objects] == [("cup", 1, 7), ("pan", 0, 7)]
    assert report.total.reasons == {"stuck": 2} and report.total.interval == wilson(2, 4)
    write_json(tmp_path / "report.json", {"packing": report})
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["total"]["success"] == 0.5 and found["timing"]["deadline_misses"] == 1
    assert "simulated" in found["engine"]


def test_sweep_changes_one_thing_at_a_time():
    found = sessions.sweep(settings(sweep=True))
    assert found["as given"].latency == 0 and found["dropped 0.3"].dropped == 0.3
    assert all(
        sum(getattr(one, name) != getattr(SETTINGS, name) for name in sessions.SWEEP) <= 1
        for one in found.values()
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trials": 0}, "--trials is 0; it must be 1 or more"),
        ({"camera_angle": -1.0}, "--camera-angle is -1; it must be 0 or more"),
        ({"dropped": 2.0}, "--dropped is 2; it must be 0 to 1"),
        ({"objects": "cups"}, "existing sets"),
        ({"policy": "none.onnx"}, "there is no file none.onnx"),
        ({"objects": "heldout"}, "there is no grasp for 'airplane'"),
        ({"sweep": True, "video": Path("a.mp4")}, "do not go together"),
    ],
)
def test_says_what_is_wrong(changes, said):
    with pytest.raises(UserError, match=said):
        sessions.check(settings(**changes))


WITHOUT = """
import importlib.abc, sys
from pathlib import Path

BLOCKED = ("jax", "jaxlib", "warp", "flax", "optax", "orbax", "mujoco.mjx", "tensorboard")

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == blocked or name.startswith(blocked + ".") for blocked in BLOCKED):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
import mjxdex.deploy.gap
import mjxdex.deploy.sessions
from mjxdex import objects
from mjxdex.deploy.loop import ControlLoop
from mjxdex.deploy.policy import OnnxPolicy
from mjxdex.deploy.simulated import SimulatedCamera, SimulatedClock, SimulatedRobot
from mjxdex.deploy.state_machine import Mode, Thresholds

policy = OnnxPolicy(Path(sys.argv[1]))
robot = SimulatedRobot(policy.config, objects.load("heldout"))
robot.place(5, (-0.55, 0.1, 0.4))
loop = ControlLoop(
    robot, SimulatedCamera(robot, policy.config), SimulatedClock(robot), policy,
    thresholds=Thresholds(lifted_height=99.0),  # an untrained student may think anything
)
acted = []
loop.run(lambda step: acted.append(step.acted) or step.time > 1.5)
assert loop.machine.mode is Mode.POLICY and sum(acted) > 30, loop.machine.events
assert not [name for name in sys.modules if name.split(".")[0] in BLOCKED or name == "mujoco.mjx"]
print("ran without")
"""


@pytest.mark.parametrize("policy", ["policy_file", "student_file"])
def test_runs_without_jax_and_warp(policy, request):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(request.getfixturevalue(policy))],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and "ran without" in done.stdout, done.stderr


@pytest.mark.slow
def test_real_time_cell_packs_too():
    """Physics and camera in processes of their own; a busy machine may stop it, but never confuse it.

    The hand opens while it still moves over the bin, whose wall the large cuboid sometimes bounces off.
    """
    cylinder = compile_set("cylinder", PRIMITIVES.shapes[1:2])
    report = pack(settings(real_time=True), ScriptedPolicy(cylinder.names[0]), cylinder)
    (attempt,) = report.attempts
    assert attempt.success or "joint reading is" in attempt.reason
    assert report.timing.steps > 60
