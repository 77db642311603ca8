"""A shard of MJX-Warp worlds that carries only what changes from step to step."""

from typing import NamedTuple

import jax
import mujoco
from mujoco import mjx

from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.physics.constants import constant_data, constant_model, spread
from mjxdex.physics.kernels import PHYSICS_MODULES, compile_ahead
from mjxdex.physics.object_fields import object_fields

CAPACITY_OVERFLOW = 0xFFF & ~((1 << 9) | (1 << 10))
"""Bits of `Data.overflow` that lose contacts or constraints; 9 and 10 (iteration limits) are harmless."""


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


class Worlds:
    """Steps N worlds of one device; pure, callable inside jit, scan and pmap.

    `mjx.Data` has some 185 leaves; carrying them through a program costs more than the physics. So the data
    are rebuilt inside from constants, and all of the model but the fields of the object is constant.

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
            model, config.physics.contacts_per_env * num_envs, config.physics.constraints_per_env
        )
        self._fields = object_fields(model, objects)

    def step(
        self, state: PhysicsState, ctrl: jax.Array, object_id: jax.Array
    ) -> tuple[PhysicsState, jax.Array, jax.Array]:
        """Runs `config.physics.substeps` physics steps with constant servo inputs.

        Args:
          state: N worlds.
          ctrl: float32 [N, 23], position inputs of the servos, rad.
          object_id: int32 [N], which object of the set each world holds.

        Returns:
          The next state; torque of each joint's servo in the last physics step, float32 [N, 23], N m; whether
          a world ran out of room for contacts or constraints, bool [N].
        """
        qpos, qvel, warmstart, torque, overflow = jax.vmap(self._step_one)(*state, ctrl, object_id)
        return PhysicsState(qpos, qvel, warmstart), torque, (overflow & CAPACITY_OVERFLOW) != 0

    def _step_one(self, qpos, qvel, qacc_warmstart, ctrl, object_id):
        model = self._fields.replace(self._model, object_id)
        data = spread(self._blank).replace(qpos=qpos, qvel=qvel, qacc_warmstart=qacc_warmstart, ctrl=ctrl)
        for _ in range(self.substeps):
            data = mjx.step(model, data)
        torque = data.qfrc_actuator[: self.num_joints]
        overflow = data._impl.overflow  # pyright: ignore[reportAttributeAccessIssue]
        return data.qpos, data.qvel, data.qacc_warmstart, torque, overflow
