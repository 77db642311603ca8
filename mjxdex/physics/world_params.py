"""The physical parameters that differ from env to env, and where they enter the model."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.objects import ObjectSet
from mjxdex.physics.object_fields import object_fields
from mjxdex.robot.mjcf import ROBOT_GROUP
from mjxdex.robot.tables import NUM_JOINTS

YIELDING = 1e-5
"""Friction of the object's own geoms, MuJoCo's smallest. A contact takes the larger of its two coefficients,
so each geom that may touch the object carries the coefficient of that contact."""


class WorldParams(NamedTuple):
    """Parameters of N worlds.

    Attributes:
      object_id: int32 [N], which object of the set each world holds.
      object_mass: float32 [N], factor on the object's mass and inertia.
      object_friction, robot_friction: float32 [N]; a contact of the object takes the mean of its own and its
        partner's coefficient, as in PhysX. Table and floor have 1.
      object_damping, robot_damping: float32 [N], damping ratios of contacts, averaged likewise; below 1 they
        bounce. MuJoCo has no restitution.
      stiffness, damping: float32 [N, 23], factors on the gains of the joints' servos.
      joint_friction: float32 [N, 23], dry friction of each joint, N m.
    """

    object_id: jax.Array
    object_mass: jax.Array
    object_friction: jax.Array
    robot_friction: jax.Array
    object_damping: jax.Array
    robot_damping: jax.Array
    stiffness: jax.Array
    damping: jax.Array
    joint_friction: jax.Array


def nominal(object_id: jax.Array) -> WorldParams:
    """Worlds as the scene has them, each with its object (int32 [N])."""
    one = jnp.ones(object_id.shape)
    joints = jnp.ones((*object_id.shape, NUM_JOINTS))
    return WorldParams(object_id, one, one, one, one, one, joints, joints, 0 * joints)


class WorldModel:
    """The fields of `mjx.Model` that follow the parameters of one world; callers vmap.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
    """

    def __init__(self, model: mujoco.MjModel, objects: ObjectSet) -> None:
        self._objects = object_fields(model, objects)
        body = model.body(scene.OBJECT).id
        self._is_object = np.arange(model.nbody) == body
        self._is_object_dof = model.dof_bodyid == body
        self._is_object_geom = model.geom_bodyid == body
        self._is_robot_geom = model.geom_group == ROBOT_GROUP
        self._geom_friction = model.geom_friction.astype(np.float32)
        self._geom_solref = model.geom_solref.astype(np.float32)
        self._gain = model.actuator_gainprm.astype(np.float32)
        self._bias = model.actuator_biasprm.astype(np.float32)

    def __call__(self, params: WorldParams) -> dict[str, jax.Array]:
        """The fields of one world; the leaves of `params` lack the leading axis."""
        fields = self._objects.of(params.object_id)
        mass = jnp.where(self._is_object, params.object_mass, 1.0)
        dof_mass = jnp.where(self._is_object_dof, params.object_mass, 1.0)
        partner = jnp.where(self._is_robot_geom, params.robot_friction, 1.0)
        friction = jnp.where(self._is_object_geom, YIELDING, 0.5 * (params.object_friction + partner))
        damping = jnp.where(
            self._is_object_geom,
            params.object_damping,
            jnp.where(self._is_robot_geom, params.robot_damping, 1.0),
        )
        gain_columns = np.arange(self._gain.shape[1])
        servo = jnp.stack([jnp.ones(NUM_JOINTS), params.stiffness, params.damping], axis=1)
        bias = jnp.asarray(self._bias)
        return fields | {
            "body_mass": fields["body_mass"] * mass,
            "body_subtreemass": fields["body_subtreemass"] * mass,
            "body_inertia": fields["body_inertia"] * mass[:, None],
            "body_invweight0": fields["body_invweight0"] / mass[:, None],
            "dof_invweight0": fields["dof_invweight0"] / dof_mass,
            "geom_friction": jnp.asarray(self._geom_friction).at[:, 0].mul(friction),
            "geom_solref": jnp.asarray(self._geom_solref).at[:, 1].mul(damping),
            "actuator_gainprm": jnp.where(gain_columns == 0, params.stiffness[:, None], 1.0) * self._gain,
            "actuator_biasprm": bias.at[:, :3].mul(servo),
            "dof_frictionloss": jnp.pad(params.joint_friction, (0, len(self._is_object_dof) - NUM_JOINTS)),
        }
