"""Where the depth camera of each env is, and how it is randomized."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import scene
from mjxdex.robot.rotations import euler_zyx_to_matrix

MAX_ANGLE = float(np.deg2rad(3.0))
"""Half range of each Euler angle at full randomization, rad. Source: published DextrAH task."""
MAX_DISTANCE = 0.03
"""Half range of each coordinate at full randomization, metres. Source: published DextrAH task."""
MAX_FOCAL = 0.02
"""Half range of the focal length at full randomization, as a share of it. Our own choice: the published task
keeps it; real cameras' intrinsics are known to 1 or 2 %."""


class Cameras(NamedTuple):
    """Depth cameras of N envs, pinholes with square pixels and the principal point in the middle.

    Attributes:
      pos: float32 [N, 3], metres, world frame.
      rot: float32 [N, 3, 3], columns are the camera's axes in the world: x right, y up, z backwards.
      focal: float32 [N], focal length in image widths.
    """

    pos: jax.Array
    rot: jax.Array
    focal: jax.Array


def nominal(num_envs: int) -> Cameras:
    """The published left camera, in every env."""
    camera = _camera(jnp.zeros(3), jnp.zeros(3), jnp.zeros(()))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_envs, *leaf.shape)), camera)


def randomized(
    key: jax.Array, angle: float | jax.Array, distance: float | jax.Array, focal: float | jax.Array
) -> Cameras:
    """A camera near the nominal one; for one env, so leaves have no leading N. Use vmap for more.

    Uniform offsets are added to each Euler angle (about the fixed axes x, y, z in turn) and each coordinate.
    The nominal camera is pitched by 81.5 degrees, so its first and last angle turn it about almost the same,
    vertical axis: it pans by up to twice `angle`, and tilts and rolls by less than `angle`.

    Args:
      key: one PRNG key.
      angle: half range of each Euler angle, rad.
      distance: half range of each coordinate, metres.
      focal: half range of the focal length, as a share of it.
    Source: published DextrAH task; the focal length is our addition.
    """
    unit = jax.random.uniform(key, (7,), minval=-1.0, maxval=1.0)
    return _camera(angle * unit[:3], distance * unit[3:6], focal * unit[6])


def _camera(euler: jax.Array, pos: jax.Array, focal: jax.Array) -> Cameras:
    """The nominal camera with offsets: Euler angles about x, y and z [3], position [3], share of the focal
    length []."""
    optical = euler_zyx_to_matrix((jnp.asarray(scene.depth_camera_euler(), jnp.float32) + euler)[::-1])
    return Cameras(
        pos=jnp.asarray(scene.DEPTH_CAMERA_POS, jnp.float32) + pos,
        rot=optical * jnp.array([1.0, -1.0, -1.0]),  # from x right, y down, z forward
        focal=jnp.float32(scene.FOCAL_LENGTH) * (1.0 + focal),
    )
