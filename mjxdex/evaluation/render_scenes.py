"""Scenes that renderers are compared on: poses and cameras, and what MuJoCo's ray casting sees of them."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.evaluation.scene_picture import ARM_POSE
from mjxdex.render import Cameras
from mjxdex.robot import kinematics
from mjxdex.robot.tables import LOWER, NUM_ARM, NUM_JOINTS, UPPER
from mjxdex.task import reset

LEVEL = 50
"""ADR level of the poses and the cameras."""
POSES = ("reset", "grasp")
"""Robots and objects as they start an episode; hands around objects above the table."""
_ARM_SPREAD, _GRIP = 0.06, (0.1, 0.7)
"""Half range of the arm's joints around a pose above the table, rad; how far fingers are closed."""
_VISIBLE_GROUPS = np.array([group < scene.FLOOR_GROUP for group in range(6)], np.uint8)


def draw(config: Config, num_envs: int) -> dict[str, np.ndarray]:
    """Scenes of `num_envs` envs; those of an env do not depend on how many there are.

    Focal lengths are the nominal one, since Madrona cannot vary them.

    Returns:
      float32 [N, 30] qpos for each of POSES by name; object_id int32 [N]; pos, rot, focal of `Cameras`.
    """
    adr = replace(config.adr, camera_focal=(0.0, 0.0))
    objects = object_sets.load(config.env.objects)
    ids = jnp.arange(num_envs, dtype=jnp.int32)
    key = jax.random.key(config.seed)
    state = jax.jit(lambda ids: reset.fresh(adr, len(objects), ids, 0 * ids, key, jnp.int32(LEVEL)))(ids)
    grasp_keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(key, 1), i))(ids)
    poses = {"reset": state.physics.qpos, "grasp": jax.jit(jax.vmap(_grasp))(grasp_keys)}
    view = {"object_id": state.random.params.object_id, **state.random.cameras._asdict()}
    return jax.tree.map(np.asarray, poses | view)


def _grasp(key: jax.Array) -> jax.Array:
    """qpos [30] with an object, turned at random, in the middle of palm and fingertips."""
    arm_key, finger_key, turn_key = jax.random.split(key, 3)
    arm = jnp.asarray(ARM_POSE) + _ARM_SPREAD * jax.random.uniform(arm_key, (NUM_ARM,), minval=-1.0)
    lower, upper = jnp.asarray(LOWER)[NUM_ARM:], jnp.asarray(UPPER)[NUM_ARM:]
    low, high = _GRIP
    fingers = lower + (upper - lower) * jax.random.uniform(
        finger_key, (NUM_JOINTS - NUM_ARM,), minval=low, maxval=high
    )
    joints = jnp.concatenate([arm, fingers]).astype(jnp.float32)
    quat = jax.random.normal(turn_key, (4,))
    centre = kinematics.hand_points(joints).mean(axis=0)
    return jnp.concatenate([joints, centre, quat / jnp.linalg.norm(quat)])


def traced(config: Config, scenes: dict[str, np.ndarray], pose: str, env: int) -> np.ndarray:
    """What MuJoCo sees of one env, as `cast` returns it, in a scene that holds its object alone."""
    model = scene.build(config, object_sets.load(config.env.objects), int(scenes["object_id"][env]))
    camera = Cameras(*(scenes[name][env] for name in Cameras._fields))
    return cast(model, scenes[pose][env], camera, config.camera.width, config.camera.height)


def cast(model: mujoco.MjModel, qpos: np.ndarray, camera: Cameras, width: int, height: int) -> np.ndarray:
    """Planar depth [height, width] by `mj_ray`, metres, 0 where nothing was hit.

    Args:
      model: from `scene.build(config, objects, object_id)`.
      qpos: [30].
      camera: leaves without N.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_forward(model, data)
    pos, rot = np.asarray(camera.pos, float), np.asarray(camera.rot, float)
    local = rays(width, height, float(camera.focal)).reshape(-1, 3)
    geom, depth = np.zeros(1, np.int32), np.zeros(len(local))
    for i, ray in enumerate(local @ rot.T):  # mj_multiRay misses geoms at times
        distance = mujoco.mj_ray(model, data, pos, ray, _VISIBLE_GROUPS, 1, -1, geom)
        depth[i] = distance * -local[i, 2] if geom[0] >= 0 else 0.0
    return depth.reshape(height, width)


def rays(width: int, height: int, focal: float) -> np.ndarray:
    """Unit direction of each pixel's ray in the frame of a camera with `focal` image widths, [H, W, 3]."""
    v, u = np.mgrid[:height, :width] + 0.5
    right, up = u - width / 2, height / 2 - v
    direction = np.stack([right, up, np.full_like(up, -focal * width)], axis=-1)
    return direction / np.linalg.norm(direction, axis=-1, keepdims=True)


def save(path: Path, scenes: dict[str, np.ndarray]) -> None:
    """Writes scenes for `load`."""
    np.savez(path, **scenes)  # pyright: ignore[reportArgumentType]


def load(path: Path, num_envs: int) -> dict[str, np.ndarray]:
    """The first `num_envs` envs of saved scenes."""
    with np.load(path) as kept:
        return {name: kept[name][:num_envs] for name in kept.files}
