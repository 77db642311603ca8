"""Watches a policy in a simulated cell from a browser: robot, object, pictures, and a hand in the game."""

import queue
import time
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np

from mjxdex.config import UserError
from mjxdex.deploy.loop import ControlLoop, Step
from mjxdex.deploy.policy import Policy
from mjxdex.deploy.recorder import Recorder
from mjxdex.deploy.scripted_policy import ScriptedPolicy
from mjxdex.deploy.simulated import SimulatedCamera, SimulatedClock, SimulatedRobot
from mjxdex.deploy.state_machine import Mode
from mjxdex.objects import ObjectSet
from mjxdex.objects.distance import triangles
from mjxdex.objects.shapes import Part
from mjxdex.scene import OBJECT
from mjxdex.task.places import SPAWN_CENTRE

POSES_EVERY, PICTURES_EVERY = 2, 12
"""Control steps between two updates of the poses (30 Hz) and of the pictures (5 Hz)."""
PUSH = 0.6
"""Speed that a push gives the object, m/s."""
SETTLE_S = 1.0
"""From a reset until the policy is engaged, s."""
_KINDS = {
    mujoco.mjtGeom.mjGEOM_BOX: "box",
    mujoco.mjtGeom.mjGEOM_CYLINDER: "cylinder",
    mujoco.mjtGeom.mjGEOM_CAPSULE: "capsule",
    mujoco.mjtGeom.mjGEOM_ELLIPSOID: "ellipsoid",
}


class Viewer:
    """A simulated cell with a page that shows it.

    Args:
      policy: acts in it.
      objects: to choose from.
      port: of the page.

    Attributes:
      server: viser's.
      loop, robot: of the cell.
      paused: whether time stands still.

    Raises:
      UserError: viser is missing.
    """

    def __init__(self, policy: Policy, objects: ObjectSet, port: int = 8080) -> None:
        try:
            import viser  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise UserError("viser is missing; install it with: pip install 'mjxdex[view]'") from None
        self.paused = False
        self._policy, self._objects, self._steps = policy, objects, 0
        self._wishes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.robot = SimulatedRobot(policy.config, objects)
        self.loop = ControlLoop(
            self.robot, SimulatedCamera(self.robot, policy.config), SimulatedClock(self.robot), policy
        )
        self._recorder = Recorder(None, self.robot, policy.config, 320, 240)
        self._rng = np.random.default_rng(0)
        self.server = viser.ViserServer(host="127.0.0.1", port=port, verbose=False)
        self.server.scene.set_up_direction("+z")
        self.server.initial_camera.position = (-1.6, -1.3, 1.3)
        self.server.initial_camera.look_at = (-0.4, 0.1, 0.4)
        self._add_controls()
        self._bodies: dict[int, Any] = {}
        self.choose(objects.names[0])

    def run(self, until: Callable[[Step | None], bool] = lambda step: False) -> None:
        """Goes on in real time, or as fast as this machine can, until `until` says so."""
        due = time.monotonic()
        while True:
            while not self._wishes.empty():
                self._wishes.get()()
            step = None if self.paused else self.loop.run(lambda step: True)
            if step is not None:
                self._after(step)
            due = max(due + self.loop.period, time.monotonic() - self.loop.period)
            time.sleep(max(0.0, due - time.monotonic()))
            if until(step):
                return

    def choose(self, name: str) -> None:
        """Puts an object on the table and lets the robot start anew."""
        if isinstance(self._policy, ScriptedPolicy):
            self._policy.choose(name)
        self.robot.place(self._objects.names.index(name), (*SPAWN_CENTRE[:2], 0.4))
        self._name = name
        self.robot.reset()
        self.loop.resume()
        self.loop.machine.engaged = False
        self._engage_at = self.robot.now + SETTLE_S
        self._draw_scene()
        self._draw_pictures()

    def reset(self) -> None:
        """Once more with the same object."""
        self.choose(self._name)

    def pause(self, paused: bool) -> None:
        self.paused = paused

    def push(self) -> None:
        """Knocks the object in a random horizontal direction."""
        angle = self._rng.uniform(0, 2 * np.pi)
        self.robot.push(PUSH * np.array([np.cos(angle), np.sin(angle), 0.0]))

    def close(self) -> None:
        self.server.stop()

    def _after(self, step: Step) -> None:
        self._steps += 1
        if self.robot.now >= self._engage_at:
            self.loop.machine.engaged = True
        if step.mode is Mode.HOME and self.loop.machine.events[-1].reason in ("released", "time-out", "lost"):
            self.loop.machine.engaged = False
            self._engage_at = np.inf
        if self._steps % POSES_EVERY == 0:
            self._draw_poses()
        if self._steps % PICTURES_EVERY == 0:
            self._draw_pictures()

    def _add_controls(self) -> None:
        gui = self.server.gui
        self.status = gui.add_markdown("")
        self.pause_box = gui.add_checkbox("Pause", False)
        self.reset_button = gui.add_button("Reset")
        self.object_menu = gui.add_dropdown("Object", self._objects.names)
        self.push_button = gui.add_button("Push the object")
        blank = np.zeros((2, 2, 3), np.uint8)
        self.picture = gui.add_image(blank, label="Cell, and what the policy sees", format="jpeg")

        def wish(act: Callable[[], None]) -> None:
            self._wishes.put(act)

        self.pause_box.on_update(lambda _: wish(lambda: self.pause(self.pause_box.value)))
        self.reset_button.on_click(lambda _: wish(self.reset))
        self.object_menu.on_update(lambda _: wish(lambda: self.choose(self.object_menu.value)))
        self.push_button.on_click(lambda _: wish(self.push))

    def _draw_scene(self) -> None:
        """One frame for each body with a mesh for each of its geoms; only the object's change."""
        model, scene = self.robot.model, self.server.scene
        for body in range(model.nbody):
            name = model.body(body).name
            if body in self._bodies and name != OBJECT:
                continue
            if body in self._bodies:
                self._bodies[body].remove()
            self._bodies[body] = scene.add_frame(f"/{name}", show_axes=False)
            start = model.body_geomadr[body]
            for geom in range(start, start + model.body_geomnum[body]):
                part = _part(model, geom)
                if part is None:
                    continue
                vertices, faces = triangles(part, 24)
                colour = (255 * model.geom_rgba[geom, :3]).astype(np.uint8)
                scene.add_mesh_simple(
                    f"/{name}/{geom}", vertices, faces, color=colour, side="double", flat_shading=True
                )
        self._data = mujoco.MjData(model)
        self._draw_poses()

    def _draw_poses(self) -> None:
        self._data.qpos[:] = self.robot.moments[-1].qpos
        mujoco.mj_kinematics(self.robot.model, self._data)
        with self.server.atomic():
            for body, frame in self._bodies.items():
                frame.position, frame.wxyz = self._data.xpos[body].copy(), self._data.xquat[body].copy()

    def _draw_pictures(self) -> None:
        self.picture.image = self._recorder.picture()
        machine = self.loop.machine
        reason = machine.events[-1].reason
        self.status.content = f"**{machine.mode}** ({reason}), {self._name}, {self.robot.now:.1f} s"


def _part(model: mujoco.MjModel, geom: int) -> Part | None:
    """A geom as a part, in its body's frame; None for a plane."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    pos, quat = tuple(model.geom_pos[geom].tolist()), tuple(model.geom_quat[geom].tolist())
    if kind == mujoco.mjtGeom.mjGEOM_PLANE:
        return None
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return Part("ellipsoid", (size[0],) * 3, pos, quat)
    return Part(_KINDS[mujoco.mjtGeom(kind)], tuple(size.tolist()), pos, quat)
