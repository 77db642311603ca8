"""What is drawn for an env at its reset and stays for the episode, besides where things start."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.config import AdrConfig
from mjxdex.draws import shares
from mjxdex.physics import WorldParams
from mjxdex.render.cameras import Cameras, randomized
from mjxdex.robot.tables import NUM_ARM, NUM_HAND, NUM_JOINTS
from mjxdex.task.adr import sample, value

JOINT_FRICTION = (1.0,) * NUM_ARM + (0.01,) * NUM_HAND
"""Dry friction that `adr.joint_friction_scale` multiplies, N m. Source: published DextrAH task."""


class Noise(NamedTuple):
    """How a quantity of N envs is misread: reading = true + width * U(-1, 1) + bias; each float32 [N].

    The uniform number is new in every control step and component, the bias is the same for all components.
    """

    width: jax.Array
    bias: jax.Array


class Randomization(NamedTuple):
    """N envs.

    Attributes:
      params: physics.
      cameras: where the camera really is.
      depth_noise: float32 [N], strength of the depth noise, 0 to 1.
      joint_pos, joint_vel: noise in rad, rad/s.
      object_pos, object_rot: noise in metres, and in quaternion components.
      velocity_observation: float32 [N], factor on the velocities that the policy observes.
    """

    params: WorldParams
    cameras: Cameras
    depth_noise: jax.Array
    joint_pos: Noise
    joint_vel: Noise
    object_pos: Noise
    object_rot: Noise
    velocity_observation: jax.Array


def draw(
    config: AdrConfig, object_id: jax.Array, level: jax.Array, key: jax.Array, camera_key: jax.Array
) -> Randomization:
    """Draws for one env; callers vmap.

    Args:
      config: ranges.
      object_id: int32 [].
      level: int32 [], the ADR level.
      key, camera_key: of this episode of this env.
    Source: published DextrAH task; camera and depth noise: its distillation, scaled with the level.
    """
    share = shares(key, _SIZES)

    def noise(name: str, width: tuple[float, float], bias: tuple[float, float]) -> Noise:
        a, b, c = share[name]
        return Noise(value(width, level) * a, value(bias, level) * b * (c - 0.5))

    return Randomization(
        params=WorldParams(
            object_id=object_id,
            object_mass=sample(config.object_mass_scale, level, share["object_mass"][0]),
            object_friction=sample(config.object_friction, level, share["object_friction"][0]),
            robot_friction=sample(config.robot_friction, level, share["robot_friction"][0]),
            object_damping=sample(config.object_contact_damping, level, share["object_damping"][0]),
            robot_damping=sample(config.robot_contact_damping, level, share["robot_damping"][0]),
            stiffness=sample(config.stiffness_scale, level, share["stiffness"]),
            damping=sample(config.damping_scale, level, share["damping"]),
            joint_friction=sample(config.joint_friction_scale, level, share["joint_friction"])
            * jnp.asarray(JOINT_FRICTION),
        ),
        cameras=randomized(
            camera_key,
            jnp.deg2rad(value(config.camera_angle_deg, level)),
            value(config.camera_distance, level),
            value(config.camera_focal, level),
        ),
        depth_noise=value(config.depth_noise, level),
        joint_pos=noise("joint_pos", config.joint_pos_noise, config.joint_pos_bias),
        joint_vel=noise("joint_vel", config.joint_vel_noise, config.joint_vel_bias),
        object_pos=noise("object_pos", config.object_pos_noise, config.object_pos_bias),
        object_rot=noise("object_rot", config.object_rot_noise, config.object_rot_bias),
        velocity_observation=value(config.velocity_observation, level),
    )


_SIZES = {
    "object_mass": 1, "object_friction": 1, "robot_friction": 1, "object_damping": 1, "robot_damping": 1,
    "stiffness": NUM_JOINTS, "damping": NUM_JOINTS, "joint_friction": NUM_JOINTS,
    "joint_pos": 3, "joint_vel": 3, "object_pos": 3, "object_rot": 3,
}  # fmt: skip
"""How many random numbers each part of a Randomization takes."""
