"""Bin-packing sessions as `scripts/bin_packing.py` asks for them."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mjxdex import objects as object_sets
from mjxdex.config import UserError
from mjxdex.deploy.bin_packing import BinPacking, Conditions
from mjxdex.deploy.interfaces import WallClock
from mjxdex.deploy.loop import ControlLoop
from mjxdex.deploy.packing_report import PackingReport
from mjxdex.deploy.policy import OnnxPolicy, Policy
from mjxdex.deploy.real_time import RealTimeCamera, RealTimeCell
from mjxdex.deploy.recorder import EVERY, Recorder
from mjxdex.deploy.safety import Limits
from mjxdex.deploy.scripted_policy import ScriptedPolicy
from mjxdex.deploy.simulated import SimulatedCamera, SimulatedClock, SimulatedRobot
from mjxdex.evaluation.video import open_video
from mjxdex.objects import ObjectSet

SCRIPTED = "scripted"
VIDEO_FPS = 60 / EVERY
SWEEP = {
    "latency": (16.0, 33.0, 66.0),
    "jitter": (16.0, 33.0, 100.0),
    "dropped": (0.1, 0.3, 0.6),
    "camera_angle": (1.0, 3.0, 6.0),
    "camera_distance": (10.0, 30.0, 60.0),
}
"""Values of each option that a sweep tries, one at a time, in the units of the command line."""


@dataclass(frozen=True)
class Settings:
    """Options of `scripts/bin_packing.py`, in its units (ms, degrees, mm)."""

    policy: str
    objects: str
    limit: int | None
    trials: int
    seed: int
    spawn_level: int | None
    latency: float
    jitter: float
    dropped: float
    camera_angle: float
    camera_distance: float
    image_age: float | None
    sweep: bool
    real_time: bool
    video: Path | None
    json: Path | None


def check(settings: Settings) -> tuple[Policy, ObjectSet]:
    """Reads policy and objects.

    Raises:
      UserError: an option that cannot work, with what is allowed.
    """
    for name in ("trials", "limit"):
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} is {value}; it must be 1 or more")
    for name in ("latency", "jitter", "camera_angle", "camera_distance"):
        if getattr(settings, name) < 0:
            option = name.replace("_", "-")
            raise UserError(f"--{option} is {getattr(settings, name):g}; it must be 0 or more")
    if not 0 <= settings.dropped <= 1:
        raise UserError(f"--dropped is {settings.dropped:g}; it must be 0 to 1")
    if settings.video and (settings.sweep or settings.real_time):
        other = "--sweep" if settings.sweep else "--real-time"
        raise UserError(f"{other} and --video do not go together; leave out one of them")
    found = object_sets.load(settings.objects)
    if settings.policy == SCRIPTED:
        policy = ScriptedPolicy(found.names[0])
        for name in found.names:
            policy.choose(name)
        if settings.spawn_level:
            raise UserError("scripted grasps never look; leave out --spawn-level")
        return policy, found
    return OnnxPolicy(Path(settings.policy)), found


def sweep(settings: Settings) -> dict[str, Settings]:
    """The sessions to run, by description: one, or one for each value of SWEEP and one without."""
    if not settings.sweep:
        return {"packing": settings}
    found = {"as given": settings}
    for name, values in SWEEP.items():
        for value in values:
            found[f"{name.replace('_', ' ')} {value:g}"] = replace(settings, **{name: value})
    return found


def pack(
    settings: Settings,
    policy: Policy,
    objects: ObjectSet,
    track: Callable[[list[tuple[int, int]]], Iterable[tuple[int, int]]] = iter,
) -> PackingReport:
    """Runs one session.

    Args:
      settings: of the session.
      policy, objects: from `check`.
      track: wraps the iteration over turns (trial, object), such as rich.progress.track.
    """
    conditions = Conditions(
        latency=settings.latency / 1e3,
        jitter=settings.jitter / 1e3,
        dropped=settings.dropped,
        camera_angle=float(np.deg2rad(settings.camera_angle)),
        camera_distance=settings.camera_distance / 1e3,
    )
    limits = Limits() if settings.image_age is None else Limits(action_age=settings.image_age / 1e3)
    spawn_level = policy.adr_level if settings.spawn_level is None else settings.spawn_level
    count = min(settings.limit or len(objects), len(objects))
    turns = [(trial, k) for trial in range(settings.trials) for k in range(count)]
    config, watch = policy.config, {}
    with contextlib.ExitStack() as stack:
        if settings.real_time:
            robot = stack.enter_context(RealTimeCell(config, objects))
            camera, clock = RealTimeCamera(robot), WallClock()
        else:
            robot = SimulatedRobot(config, objects)
            camera, clock = SimulatedCamera(robot, config), SimulatedClock(robot)
            if settings.video:
                video = stack.enter_context(open_video(settings.video, VIDEO_FPS))
                watch = {"watch": Recorder(video, robot, config)}
        loop = ControlLoop(robot, camera, clock, policy, limits=limits)
        session = BinPacking(
            loop, robot, camera, config,
            conditions=conditions, spawn_level=spawn_level, seed=settings.seed, **watch,
        )  # fmt: skip
        attempts = []
        for trial, k in track(turns):
            if isinstance(policy, ScriptedPolicy):
                policy.choose(objects.names[k])
            attempts.append(session.attempt(k, trial))
    about = f"{policy.config.name}, ADR level {policy.adr_level}"
    return PackingReport(
        policy=SCRIPTED if settings.policy == SCRIPTED else about,
        setup={
            "file": settings.policy,
            "objects": objects.name,
            "seed": settings.seed,
            "spawn_level": spawn_level,
            "real_time": settings.real_time,
        },
        conditions=conditions,
        attempts=attempts,
        timing=loop.timing,
    )
