"""A shard of MJX-Warp worlds that carries only what changes from step to step."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.config import Config, ConfigError
from mjxdex.objects import ObjectSet
from mjxdex.physics.stepper import Stepper
from mjxdex.physics.world_params import WorldModel, WorldParams, nominal
from mjxdex.robot.tables import FINGERS, HAND_POINTS

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
      grip: float32 [N, 4, 3], force of each of `tables.FINGERS` on the object, summed over contacts, in the
        world frame, N; None where `adr.grip_weight` is 0.
    """

    torque: jax.Array
    force: jax.Array
    contact_overflow: jax.Array
    constraint_overflow: jax.Array
    grip: jax.Array | None = None


class Worlds:
    """Steps N worlds of one device; pure, callable inside jit, scan and pmap.

    Args:
      config: the run's configuration.
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      num_envs: N, worlds on each device; sets the shared contact budget.

    Raises:
      ConfigError: the engine does not run on JAX's devices.
    """

    def __init__(self, config: Config, model: mujoco.MjModel, objects: ObjectSet, num_envs: int) -> None:
        self._engine = config.physics.engine
        if self._engine == "c" and jax.default_backend() != "cpu":
            raise ConfigError(
                f"physics.engine c simulates on a CPU, and the simulator is a {jax.default_backend()}; "
                "take physics.engine warp, or set JAX_PLATFORMS=cpu"
            )
        self.num_envs = num_envs
        self.num_joints = model.nu
        self.contacts = config.physics.contacts_per_env * num_envs + RESERVE
        self._constraints = config.physics.constraints_per_env
        self._world_model = WorldModel(model, objects)
        self._bodies = model.nbody
        self._object_body = model.body(scene.OBJECT).id
        self._forces = _addresses(model, HAND_POINTS)
        self._grips = _addresses(model, map(scene.grip_sensor, FINGERS)) if config.adr.rewards_grip else None
        self._stepper = self._make_stepper(model, config.physics.substeps)

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
        return self._outcome(self._stepper(self._inputs(state, ctrl, params, wrench)))

    def _make_stepper(
        self, model: mujoco.MjModel, substeps: int, more: Mapping[str, jax.ShapeDtypeStruct] | None = None
    ) -> Stepper:
        """A stepper that returns what `_outcome` needs, and `more`."""

        def numbers(*shape: int) -> jax.Array:
            return jnp.zeros((self.num_envs, *shape))

        def blank() -> dict[str, jax.Array]:
            state = PhysicsState(numbers(model.nq), numbers(model.nv), numbers(model.nv))
            params = nominal(jnp.zeros(self.num_envs, jnp.int32))
            return self._inputs(state, numbers(model.nu), params, numbers(6))

        inputs = jax.eval_shape(blank)
        outputs = {f"data.{name}": inputs[f"data.{name}"] for name in PhysicsState._fields} | {
            "data.qfrc_actuator": jax.ShapeDtypeStruct((self.num_envs, model.nv), jnp.float32),
            "data.sensordata": jax.ShapeDtypeStruct((self.num_envs, model.nsensordata), jnp.float32),
            "data.overflow": jax.ShapeDtypeStruct((self.num_envs,), jnp.int32),
        }
        return Stepper(
            model,
            self.num_envs,
            self.contacts,
            self._constraints,
            substeps,
            inputs,
            outputs | dict(more or {}),
            self._engine,
        )

    def _inputs(
        self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array
    ) -> dict[str, jax.Array]:
        """What the stepper takes."""
        model = {f"model.{name}": field for name, field in jax.vmap(self._world_model)(params).items()}
        data = {f"data.{name}": array for name, array in state._asdict().items()}
        forces = jnp.zeros((len(wrench), self._bodies, 6)).at[:, self._object_body].set(wrench)
        return model | data | {"data.ctrl": ctrl, "data.xfrc_applied": forces}

    def _outcome(self, outputs: Mapping[str, jax.Array]) -> tuple[PhysicsState, Reading]:
        """What is kept of the stepper's outputs."""
        overflow, sensed = outputs["data.overflow"], outputs["data.sensordata"]
        reading = Reading(
            torque=outputs["data.qfrc_actuator"][:, : self.num_joints],
            force=sensed[:, self._forces],
            contact_overflow=(overflow & CONTACT_OVERFLOW) != 0,
            constraint_overflow=(overflow & CONSTRAINT_OVERFLOW) != 0,
            grip=None if self._grips is None else sensed[:, self._grips],
        )
        state = PhysicsState(*(outputs[f"data.{name}"] for name in PhysicsState._fields))
        return state, reading


def _addresses(model: mujoco.MjModel, sensors: Iterable[str]) -> np.ndarray:
    """Where the three numbers of each of S sensors lie in sensordata, int [S, 3]."""
    return np.array([model.sensor(sensor).adr[0] + np.arange(3) for sensor in sensors])
