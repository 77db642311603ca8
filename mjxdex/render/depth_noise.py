"""Noise of a depth camera: the five models of the published DextrAH task, all on the device.

Lengths in pixels are those of the published image, 320 pixels wide; at other widths they scale, and the
number of sticks per image stays. Random numbers are hashed from a pixel's index and two words of its env's
key inside the kernels that use them, since generating 78 million of each kind apart would cost more than
everything else; the normal ones have 16 bits and end at 4.3 standard deviations.
"""

import math
from typing import Literal

import jax
import jax.numpy as jnp

from mjxdex import scene
from mjxdex.config import CameraConfig

Unit = Literal["metres", "centimetres"]

PUBLISHED_WIDTH = 320
"""Width of the image that the lengths in pixels below are meant for. All Source: published DextrAH task."""
SHIFT_STD = 0.5
"""Of the lateral shift along each axis, pixels."""
DISPARITY_CONSTANT = 35130.0
"""Depth times disparity. It equals 8 * 7.5 cm * 585.5 px: baseline and focal length of a Kinect, whose
disparity counts in eighths of a pixel. So it seems made for depth in centimetres."""
DISPARITY_STD = 1 / 6
DISPARITY_STEP = 8.0
NORMAL_STD = 0.01
"""Of the displacement along the surface's normal, metres."""
DROPOUT = 0.0125 / 4
"""Probability that a pixel reads 0."""
RANDOM_VALUE = 0.0125 / 4
"""Probability that a pixel reads a random value."""
SPREAD = 0.25
"""Probability that a random value also fills each of the 3 pixels right, below and to the lower right."""
STICK = 0.001 / 4
"""Probability that a stick starts at a pixel of the published image."""
STICK_LENGTH = 18
"""A stick is 1 to 1 + this many pixels long."""
STICK_WIDTH = 3

_SHIFTS, _DISPARITY, _NORMAL_AND_DROPOUT, _RANDOM_VALUES, _STICKS = range(5)
_ERFINV = (1.25235369, 0.32939407, 0.0171822823, -0.0047222371, 0.000379868399, -0.0000110403497)


def add(depth: jax.Array, keys: jax.Array, strength: jax.Array, camera: CameraConfig) -> jax.Array:
    """Depth as a real camera might measure it; pure, callable inside jit and pmap.

    Args:
      depth: planar depth before any cut-off, float32 [N, H, W], metres, 0 where nothing was hit.
      keys: one PRNG key per env, [N]; an env's noise depends on its own key, depth and strength alone.
      strength: float32 [N], 0 (no noise at all) to 1 (as published); scales all standard deviations,
        probabilities and the step of the disparity.
      camera: which reading of the noise, if any, and the range of random depths.

    Returns:
      float32 [N, H, W], metres, also beyond the cut-offs, which `depth_camera.quantize` applies.
    """
    if camera.noise == "off":
        return depth
    seed = jax.vmap(lambda key: jax.random.bits(key, (2,)))(keys)
    surface = depth
    depth = shift(surface, seed, strength)
    depth = disparity(depth, seed, strength, camera.noise)
    depth = along_normals(depth, surface, seed, strength)
    depth = dropout(depth, seed, strength)
    depth = random_values(depth, seed, strength, camera.depth_min, camera.depth_max)
    return sticks(depth, seed, strength, camera.depth_min, camera.depth_max)


def shift(depth: jax.Array, seed: jax.Array, strength: jax.Array) -> jax.Array:
    """Reads each pixel somewhere near it, bilinearly and not beyond the image's edges; shifts end at
    4 standard deviations, 1 pixel of a 160 wide image.

    Depths of foreground and background mix, as they do in cameras. Pixels without a hit are left out of the
    mean, and the result is 0 where they have more than half of the weight; averaging their 0 would put
    phantoms halfway between a silhouette and the camera.

    Args of all models: depth float32 [N, H, W], seed uint32 [N, 2], strength float32 [N].
    """
    height, width = depth.shape[1:]
    full_std = SHIFT_STD * width / PUBLISHED_WIDTH
    reach = math.ceil(4 * full_std)
    std = full_std * strength[:, None, None]
    word = _words(seed, _SHIFTS, _pixels(height, width))
    row, column = jnp.arange(height)[:, None], jnp.arange(width)
    down = jnp.clip(
        std * _normal(word >> 16), jnp.maximum(-row, -reach), jnp.minimum(height - 1 - row, reach)
    )
    right = jnp.clip(
        std * _normal(word & 0xFFFF), jnp.maximum(-column, -reach), jnp.minimum(width - 1 - column, reach)
    )
    # Bilinear weights of all pixels in reach instead of a gather of four: cheaper, most of all on CPUs.
    total, weight = 0.0, 0.0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            value = _neighbour(depth, i, j)
            share = jnp.maximum(1 - jnp.abs(down - i), 0) * jnp.maximum(1 - jnp.abs(right - j), 0)
            total += share * value
            weight += jnp.where(value > 0, share, 0.0)
    return jnp.where(weight >= 0.5, total / jnp.maximum(weight, 0.5), 0.0)


def disparity(depth: jax.Array, seed: jax.Array, strength: jax.Array, unit: Unit) -> jax.Array:
    """Noise on the disparity and rounding to its next step, with depth in `unit`; see `shift`."""
    strength = strength[:, None, None]
    noisy = (depth > 0) & (strength > 0)
    constant = DISPARITY_CONSTANT / {"metres": 1, "centimetres": 100}[unit]
    noise = DISPARITY_STD * _normal(_words(seed, _DISPARITY, _pixels(*depth.shape[1:])) & 0xFFFF) + 0.5
    step = jnp.where(strength > 0, DISPARITY_STEP * strength, 1.0)
    steps = jnp.round((constant / jnp.where(noisy, depth, 1.0) + strength * noise) / step)
    return jnp.where(noisy, constant / (step * steps), depth)


def along_normals(depth: jax.Array, surface: jax.Array, seed: jax.Array, strength: jax.Array) -> jax.Array:
    """Moves each point along the normal of the surface; see `shift`.

    Args:
      surface: depth without noise, [N, H, W]. The normal is that of the plane through a pixel's point and
        those of its right and lower neighbours; where one of them is missing the pixel stays. The published
        normals come from the depth that is already noisy, which makes them erratic.

    The nominal camera's focal length serves all envs.
    """
    height, width = depth.shape[1:]
    pitch = 1 / (scene.FOCAL_LENGTH * width)
    x = (jnp.arange(width) + 0.5 - width / 2) * pitch
    y = ((jnp.arange(height) + 0.5 - height / 2) * pitch)[:, None]
    right, lower = _neighbour(surface, 0, 1), _neighbour(surface, 1, 0)
    ax, ay, az = (right - surface) * x + right * pitch, (right - surface) * y, right - surface
    bx, by, bz = (lower - surface) * x, (lower - surface) * y + lower * pitch, lower - surface
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    cosine = nz * jax.lax.rsqrt(jnp.maximum(nx * nx + ny * ny + nz * nz, 1e-30))
    noise = NORMAL_STD * _normal(_words(seed, _NORMAL_AND_DROPOUT, _pixels(height, width)) & 0xFFFF)
    known = (depth > 0) & (surface > 0) & (right > 0) & (lower > 0)
    return jnp.where(known, depth - strength[:, None, None] * noise * cosine, depth)


def dropout(depth: jax.Array, seed: jax.Array, strength: jax.Array) -> jax.Array:
    """Sets single pixels to 0; see `shift`."""
    word = _words(seed, _NORMAL_AND_DROPOUT, _pixels(*depth.shape[1:]))
    return jnp.where(_happens(word >> 16, DROPOUT * strength), 0.0, depth)


def random_values(
    depth: jax.Array, seed: jax.Array, strength: jax.Array, depth_min: float, depth_max: float
) -> jax.Array:
    """Puts specks of one random depth in [depth_min, depth_max] over the image; see `shift`.

    A pixel asks itself and its three neighbours to the left and above whether they start a speck that covers
    it. Of the 32 bits of the pixel that starts it 16 say whether it does, 2 whether it fills each of the
    others, 10 its depth.
    """
    row, column = jnp.arange(depth.shape[1])[:, None], jnp.arange(depth.shape[2])
    for bit, down, right in ((20, 1, 1), (18, 1, 0), (16, 0, 1), (None, 0, 0)):
        start = (row - down) * depth.shape[2] + column - right
        word = _words(seed, _RANDOM_VALUES, start.astype(jnp.uint32))
        covers = (row >= down) & (column >= right) & _happens(word & 0xFFFF, RANDOM_VALUE * strength)
        if bit is not None:
            covers &= (word >> bit & 3) < 4 * SPREAD
        value = depth_min + (depth_max - depth_min) / 1024 * ((word >> 22).astype(jnp.float32) + 0.5)
        depth = jnp.where(covers, value, depth)
    return depth


def sticks(
    depth: jax.Array, seed: jax.Array, strength: jax.Array, depth_min: float, depth_max: float
) -> jax.Array:
    """Puts short straight sticks of one random depth each over the image, in all directions; see `shift`.

    Four times as many candidates as expected are drawn, each of which exists with a probability of a quarter;
    they are rastered into an image of their own, where the nearest one wins.
    """
    num_envs, height, width = depth.shape
    scale = width / PUBLISHED_WIDTH
    expected = STICK * height * width / scale**2
    candidates = math.ceil(4 * expected)
    words = _words(seed, _STICKS, _pixels(6, candidates))[..., None, None]
    chance, length, angle, y, x, value = jnp.moveaxis((words >> 8).astype(jnp.float32) / 2**24, 1, 0)
    exists = chance < strength[:, None, None, None] * (expected / candidates)
    length = jnp.round(1 + STICK_LENGTH * scale * length)
    angle = 2 * jnp.pi * angle
    value = depth_min + (depth_max - depth_min) * value

    along = jnp.arange(1 + round(STICK_LENGTH * scale))[:, None]
    across = jnp.arange(max(1, round(STICK_WIDTH * scale)))
    flat = jnp.abs(jnp.cos(angle)) > jnp.abs(jnp.sin(angle))
    x = jnp.floor(x * width + along * jnp.cos(angle)).astype(jnp.int32) + jnp.where(flat, 0, across)
    y = jnp.floor(y * height + along * jnp.sin(angle)).astype(jnp.int32) + jnp.where(flat, across, 0)
    drawn = exists & (along < length) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    first = (jnp.arange(num_envs, dtype=jnp.int32) * (height * width))[:, None, None, None]
    index = jnp.where(drawn, first + y * width + x, depth.size)
    nothing = jnp.full(depth.size, jnp.inf)
    nearest = nothing.at[index].min(jnp.broadcast_to(value, index.shape), mode="drop").reshape(depth.shape)
    return jnp.where(jnp.isfinite(nearest), nearest, depth)


def _neighbour(depth: jax.Array, down: int, right: int) -> jax.Array:
    """Depth of the pixel `down` rows below and `right` columns to the right of each; 0 beyond the edges."""
    return jax.lax.pad(depth, jnp.float32(0), [(0, 0, 0), (-down, down, 0), (-right, right, 0)])


def _pixels(height: int, width: int) -> jax.Array:
    return jnp.arange(height * width, dtype=jnp.uint32).reshape(height, width)


def _words(seed: jax.Array, stream: int, index: jax.Array) -> jax.Array:
    """32 random bits of each env and pixel, uint32 [N, H, W]; index uint32 [H, W] below 2**24.

    The mixing function is Chris Wellons's "lowbias32".
    """
    first, second = seed[:, 0, None, None], seed[:, 1, None, None]
    word = ((index + jnp.uint32(stream << 24)) ^ first) * jnp.uint32(0x9E3779B1) + second
    word = (word ^ word >> 16) * jnp.uint32(0x7FEB352D)
    word = (word ^ word >> 15) * jnp.uint32(0x846CA68B)
    return word ^ word >> 16


def _happens(bits: jax.Array, probability: jax.Array) -> jax.Array:
    """Whether events of probability [N] occur, from 16 random bits of each pixel, [N, H, W]."""
    return bits.astype(jnp.float32) < (65536 * probability)[:, None, None]


def _normal(bits: jax.Array) -> jax.Array:
    """Standard normal numbers from 16 random bits.

    The inverse of the normal distribution function, sqrt(2) erfinv(x), is x times a smooth function of
    -log(1 - x²), here a polynomial fitted to 3e-4; it takes a third of the operations of `lax.erf_inv`.
    """
    x = (bits.astype(jnp.float32) + 0.5) / 32768 - 1
    w = -jnp.log((1 - x) * (1 + x))
    value = jnp.full_like(w, _ERFINV[-1])
    for coefficient in _ERFINV[-2::-1]:
        value = value * w + coefficient
    return x * value
