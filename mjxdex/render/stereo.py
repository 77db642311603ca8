"""The stereo pair: where its two cameras are, and how its images are turned upright.

The right camera is mounted head down: rolled by 180° about its optical axis against the left one, so its
images are flipped in both axes before use. The optical axes are nominally parallel, so after the flip a point
at planar depth z is seen in the left image at an offset from where the right one sees it of

  focal * width / z * (0.065, -0.062) pixels    (to the right, down; `scene.PAIR_OFFSET` in metres),

that is focal * width * BASELINE / z pixels along a diagonal of the image: the disparity runs along neither
rows nor columns. Both cameras are in portrait: the right one is 5.9 cm lower in the world, and 6.6 cm further
in its x.
"""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config_rgb import RgbConfig
from mjxdex.render import cameras
from mjxdex.render.cameras import Cameras
from mjxdex.robot.rotations import euler_zyx_to_matrix
from mjxdex.scene import PAIR_EULER_ZYX, PAIR_OFFSET

LEFT, RIGHT = range(2)
"""Index of each eye along the axis of the views."""
NUM_EYES = 2
BASELINE = float(np.linalg.norm(PAIR_OFFSET))
"""Distance of the two cameras, 0.0898 m."""
_FLIP = np.array([1.0, -1.0, -1.0])
"""Columns of a rotation in the optical convention, to those of `Cameras.rot`, and back."""


def nominal(num_envs: int) -> Cameras:
    """The published pair in every env, leaves [N, 2, ...]: left, right."""
    left = jax.tree.map(lambda leaf: leaf[0], cameras.nominal(1))
    pair = _with_right(left, jnp.zeros(3), jnp.zeros(3))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_envs, *leaf.shape)), pair)


def randomized(key: jax.Array, config: RgbConfig) -> Cameras:
    """A pair near the nominal one; for one env, leaves [2, ...]. Use vmap for more.

    The whole pair is moved like a depth camera, see `cameras.randomized`; then uniform offsets are added to
    each Euler angle (about the fixed axes x, y, z in turn) and each coordinate of the right camera in the
    frame of the left one. Both share one focal length.

    Args:
      key: one PRNG key.
      config: half ranges.
    Source: published DextrAH task; the focal length is our addition.
    """
    left_key, right_key = jax.random.split(key)
    left = cameras.randomized(
        left_key, float(np.deg2rad(config.base_angle_deg)), config.base_distance, config.focal
    )
    unit = jax.random.uniform(right_key, (6,), minval=-1.0, maxval=1.0)
    return _with_right(
        left, float(np.deg2rad(config.pair_angle_deg)) * unit[:3], config.pair_distance * unit[3:]
    )


def upright(images: jax.Array) -> jax.Array:
    """Stereo images [N, 2, H, W, C] with the right one turned by 180 degrees, as the student sees them."""
    return jnp.stack((images[:, LEFT], images[:, RIGHT, ::-1, ::-1]), axis=1)


def _with_right(left: Cameras, euler: jax.Array, pos: jax.Array) -> Cameras:
    """Left and right camera [2, ...] of one env; the right one is off by Euler angles about x, y and z [3],
    rad, and by a position [3], metres."""
    optical = left.rot * _FLIP
    relative = euler_zyx_to_matrix(jnp.asarray(PAIR_EULER_ZYX, jnp.float32) + euler[::-1])
    right = Cameras(
        pos=left.pos + optical @ (jnp.asarray(PAIR_OFFSET, jnp.float32) + pos),
        rot=optical @ relative * _FLIP,
        focal=left.focal,
    )
    return jax.tree.map(lambda a, b: jnp.stack((a, b)), left, right)
