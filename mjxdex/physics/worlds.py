"""A shard of MJX-Warp worlds that carries only what changes from step to step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
from mujoco import mjx

from mjxdex import scene
from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.physics.constants import constant_data, constant_model, spread
from mjxdex.physics.kernels import PHYSICS_MODULES, compile_ahead
from mjxdex.physics.world_params import WorldModel, WorldParams
from mjxdex.robot.tables import HAND_POINTS

CONSTRAINT_OVERFLOW = 1 << 0 | 1 << 1 | 1 << 7
"""Bits of `Data.overflow` for lost constraint rows."""
CONTACT_OVERFLOW = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8
"""Bits for lost contacts. Bits 9 and 10, iteration limits of the solver, are harmless."""


RESERVE = 64
"""Contacts there is room for besides, so that few envs can all be at their worst."""


class PhysicsState(NamedTuple):
    """N worlds between two steps.

    To reset a world overwrite its row, with zeros for the warm start.

    Attributes:
      qpos: float32 [N, 30], 23 joints in the project's order (rad), object position (m), quaternion wxyz.
      qvel: float32 [N, 29], 23 joints (rad/s), object linear velocity (world frame, m/s) and angular velocity
        (object frame, rad/s).
      qacc_warmstart: float32 [N, 29], the solver's first guess.
    """

    qpos: jax.Array
    qvel: jax.Array
    qacc_warmstart: jax.Array


class Reading(NamedTuple):
    """What N worlds report of their last physics step.

    Attributes:
      torque: float32 [N, 23], torque of each joint's servo, N m.
      force: float32 [N, 5, 3], force with which the link of each of `tables.HAND_POINTS` is held by its
        joint, in the point's frame, N. Gravity compensation is not in it.
      contact_overflow: bool [N], contacts were lost: `physics.contacts_per_env` is too small.
      constraint_overflow: bool [N], constraint rows were: `physics.constraints_per_env` is.
    """

    torque: jax.Array
    force: jax.Array
    contact_overflow: jax.Array
    constraint_overflow: jax.Array


class Worlds:
    """Steps N worlds of one device; pure, callable inside jit, scan and pmap.

    `mjx.Data` has some 185 leaves; carrying them through a program costs more than the physics. So the data
    are rebuilt inside from constants, and all of the model that WorldParams do not change is constant.

    Args:
      config: the run's configuration.
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      num_envs: N, worlds on this device; sets the shared contact budget.
      sim_devices: devices that the program runs on, each with N worlds.
    """

    def __init__(
        self,
        config: Config,
        model: mujoco.MjModel,
        objects: ObjectSet,
        num_envs: int,
        sim_devices: int = 1,
    ) -> None:
        compile_ahead(PHYSICS_MODULES)
        self.num_envs = num_envs
        self.substeps = config.physics.substeps
        self.num_joints = model.nu
        self._model = constant_model(model, sim_devices)
        self._blank = constant_data(
            model,
            config.physics.contacts_per_env * num_envs + RESERVE,
            config.physics.constraints_per_env,
        )
        self._world_model = WorldModel(model, objects)
        self._object_body = model.body(scene.OBJECT).id
        self._forces = [model.sensor(point).adr[0] + i for point in HAND_POINTS for i in range(3)]

    def step(
        self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array
    ) -> tuple[PhysicsState, Reading]:
        """Runs `config.physics.substeps` physics steps with constant servo inputs.

        Args:
          state: N worlds.
          ctrl: float32 [N, 23], position inputs of the servos, rad.
          params: of the worlds.
          wrench: float32 [N, 6], force (N) and torque (N m) on the object at its centre of mass, world frame.

        Returns: The next state, and what was read in the last physics step.
        """
        return jax.vmap(self._step_one)(state, ctrl, params, wrench)

    def _step_one(
        self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array
    ) -> tuple[PhysicsState, Reading]:
        model, data = self._begin(state, ctrl, params, wrench)
        for _ in range(self.substeps):
            data = mjx.step(model, data)
        return self._end(data)

    def _begin(
        self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array
    ) -> tuple[mjx.Model, mjx.Data]:
        """Model and data of one world before its physics steps."""
        blank = spread(self._blank)
        data = blank.replace(
            **state._asdict(),
            ctrl=ctrl,
            xfrc_applied=blank.xfrc_applied.at[self._object_body].set(wrench),
        )
        return self._world_model(self._model, params), data

    def _end(self, data: mjx.Data) -> tuple[PhysicsState, Reading]:
        """What is kept of one world after its physics steps."""
        overflow = data._impl.overflow  # pyright: ignore[reportAttributeAccessIssue]
        reading = Reading(
            torque=data.qfrc_actuator[: self.num_joints],
            force=data.sensordata[jnp.asarray(self._forces)].reshape(-1, 3),
            contact_overflow=(overflow & CONTACT_OVERFLOW) != 0,
            constraint_overflow=(overflow & CONSTRAINT_OVERFLOW) != 0,
        )
        return PhysicsState(data.qpos, data.qvel, data.qacc_warmstart), reading
