"""Plays action scripts from the start of an episode at ADR level 0, in MuJoCo C and in the task itself."""

import functools
import os
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import lax
from mujoco import rollout

from mjxdex import fabric, scene
from mjxdex.config import Config
from mjxdex.fabric.action import targets
from mjxdex.objects import ObjectSet
from mjxdex.physics import Worlds
from mjxdex.robot.tables import KD, KP, NUM_JOINTS, RESET_POS
from mjxdex.task.env import Command, GraspEnv
from mjxdex.task.places import LOWEST, REACH, SPAWN_CENTRE

HELD_STEPS = 120
"""Control steps (2 s) to the end of a script during which a held object stays in the goal region."""
OBJECT_POS = slice(NUM_JOINTS, NUM_JOINTS + 3)
START = (*SPAWN_CENTRE, 1.0, 0.0, 0.0, 0.0)
"""Where an episode drops the object at ADR level 0: position (m) and quaternion wxyz."""
FABRIC_BATCH = 16
"""Scripts that go through the fabric at once; fewer are filled up, so that its program is compiled once."""


class Verdict(NamedTuple):
    """How a script ended, arrays [...] with one entry a script.

    Attributes:
      held: the object was in the goal region for the last 2 s and never out of reach.
      distance: largest distance to the goal in those 2 s, metres.
      height: of the object at the end, metres.
      drop: by how much it sank in those 2 s, metres.
    """

    held: np.ndarray
    distance: np.ndarray
    height: np.ndarray
    drop: np.ndarray


def judge(config: Config, qpos: np.ndarray) -> Verdict:
    """Verdict on what scripts did: qpos [..., T, 30] after each control step."""
    pos = np.nan_to_num(qpos[..., OBJECT_POS], nan=-9.0)
    lower, upper = np.array([*REACH, (LOWEST, np.inf)]).T
    in_reach = ((pos >= lower) & (pos <= upper)).all(axis=(-2, -1))
    end = pos[..., -HELD_STEPS:, :]
    distance = np.linalg.norm(end - config.env.goal_pos, axis=-1).max(axis=-1)
    return Verdict(
        held=in_reach & (distance < config.env.success_radius),
        distance=distance,
        height=end[..., -1, 2],
        drop=end[..., 0, 2] - end[..., -1, 2],
    )


def servo_inputs(config: Config, scripts: np.ndarray) -> np.ndarray:
    """What the task's fabric makes of scripts from the reset pose at ADR level 0.

    The fabric never sees what the robot really does, so this takes no physics.

    Args:
      scripts: float32 [B, T, 11].

    Returns: position inputs of the servos, float32 [B, T, 23], rad.
    """
    parts = []
    for i in range(0, len(scripts), FABRIC_BATCH):
        part = scripts[i : i + FABRIC_BATCH]
        padded = np.concatenate([part, np.repeat(part[-1:], FABRIC_BATCH - len(part), axis=0)])
        parts.append(np.asarray(_servo_inputs(config, jnp.asarray(padded)))[: len(part)])
    return np.concatenate(parts)


@functools.partial(jax.jit, static_argnums=0)
def _servo_inputs(config: Config, scripts: jax.Array) -> jax.Array:
    velocity_gain = config.adr.velocity_target[0] * jnp.asarray(KD / KP, jnp.float32)
    settings = config.fabric

    def fabric_step(state, action):
        palm_pos, palm_euler, pca = targets(action, config.env.max_pose_angle_deg)
        state = fabric.step(
            state,
            (palm_pos, palm_euler),
            pca,
            config.adr.fabric_damping[0],
            timestep=settings.timestep,
            curvature_factor=settings.curvature_factor,
            collision_avoidance=settings.collision_avoidance,
        )
        return state, state.pos + velocity_gain * state.vel

    def one(script):
        pos = jnp.asarray(RESET_POS, jnp.float32)
        start = fabric.FabricState(pos, jnp.zeros_like(pos), jnp.zeros_like(pos))
        inputs = lax.scan(fabric_step, start, jnp.repeat(script, settings.steps, axis=0))[1]
        return inputs[settings.steps - 1 :: settings.steps]

    return jax.vmap(one)(scripts)


def play_mujoco(
    config: Config,
    model: mujoco.MjModel | list[mujoco.MjModel],
    inputs: np.ndarray,
    object_pose: np.ndarray | tuple = START,
) -> np.ndarray:
    """Plays position inputs of the servos in MuJoCo C.

    Args:
      model: from `scene.build` with an object; one for all plays or a list of B.
      inputs: of the servos, [B, T, 23], rad.
      object_pose: where the object is dropped, [7] or [B, 7]: position (m), quaternion wxyz.

    Returns: qpos after each control step, [B, T, 30].
    """
    plays = len(inputs)
    models = model if isinstance(model, list) else [model] * plays
    spec = mujoco.mjtState.mjSTATE_FULLPHYSICS
    start = np.zeros((plays, mujoco.mj_stateSize(models[0], spec)))
    start[:, 1 : 1 + NUM_JOINTS] = RESET_POS  # after the time
    start[:, 1 + NUM_JOINTS : 1 + models[0].nq] = object_pose
    ctrl = np.repeat(np.asarray(inputs, np.float64), config.physics.substeps, axis=1)
    data = [mujoco.MjData(models[0]) for _ in range(min(plays, os.cpu_count() or 1))]
    states = np.asarray(rollout.rollout(models, data, start, ctrl)[0])
    return states[:, config.physics.substeps - 1 :: config.physics.substeps, 1 : 1 + models[0].nq]


def play_task(config: Config, objects: ObjectSet, object_ids: list[int], scripts: np.ndarray) -> np.ndarray:
    """Plays scripts in the task itself, on MJX-Warp.

    Args:
      objects: the set.
      object_ids: which of its objects each script is played with, B different ones.
      scripts: float32 [B, T, 11], T less than an episode.

    Returns: qpos after each control step, float32 [B, T, 30].
    """
    config = replace(config, env=replace(config.env, spread_first_episodes=False))
    env = GraspEnv(config, Worlds(config, scene.build(config, objects), objects, len(scripts)), objects)
    state = jax.jit(env.init)(jnp.asarray(object_ids, jnp.int32))
    step = jax.jit(env.step)
    qpos = []
    for action in np.moveaxis(scripts, 1, 0):
        state, _, _ = step(state, Command(jnp.asarray(action), jnp.int32(0)))
        qpos.append(np.asarray(state.physics.qpos))
    return np.stack(qpos, axis=1)
