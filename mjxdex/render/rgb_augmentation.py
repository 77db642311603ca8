"""Colour changes and motion blur of a stereo pair, on the device.

Images are uint8 [N, V, H, W, 3], sRGB; both views of an env are treated alike. Order, as published:
background (see `looks`), colour, blur, then the flip of the right image.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.config_rgb import RgbConfig
from mjxdex.draws import shares, within

PUBLISHED_WIDTH = 320
"""Width of the image that `rgb.blur_sizes` are meant for. Source: published DextrAH task."""
_GREY = (0.299, 0.587, 0.114)
_CHUNK = 128
"""Envs that are worked on together. Bounds the memory of temporary floats, which XLA for CPUs lets grow to 12
times that of these envs' images for colour, and to 36 times for blur: 0.5 GiB at 160 x 120 with two views."""


class ColourFactors(NamedTuple):
    """How the colours of N envs are changed during an episode; each float32 [N].

    Attributes:
      saturation, contrast, brightness: factors, 1 for no change.
      hue: shift in turns of the colour circle, 0 for no change.
    """

    saturation: jax.Array
    contrast: jax.Array
    brightness: jax.Array
    hue: jax.Array


def draw_colour(key: jax.Array, config: RgbConfig) -> ColourFactors:
    """Factors of one env, leaves []; callers vmap."""
    ranges = (config.saturation, config.contrast, config.brightness, config.hue)
    return ColourFactors(*map(within, ranges, shares(key, {"factors": 4})["factors"]))


def colour(images: jax.Array, factors: ColourFactors) -> jax.Array:
    """Changes saturation, contrast and brightness, in this order, then turns the hue; see this module.

    After each of the three steps a channel is clamped to between 0 and the highest value that it had in the
    image as given. Contrast is about the mean grey of the image. Source: published DextrAH task, which leaves
    open which mean and which maximum.
    """
    return jax.lax.map(lambda env: _colour(*env), (images, factors), batch_size=min(_CHUNK, len(images)))


def _colour(images: jax.Array, factors: ColourFactors) -> jax.Array:
    """`colour` of one env: images [V, H, W, 3], factors []."""
    planes = [images[..., i].astype(jnp.float32) for i in range(3)]
    top = [plane.max(axis=(1, 2), keepdims=True) for plane in planes]

    def clamp(planes: list[jax.Array]) -> list[jax.Array]:
        return [jnp.clip(plane, 0.0, high) for plane, high in zip(planes, top, strict=True)]

    grey = _grey(planes)
    planes = clamp([grey + factors.saturation * (plane - grey) for plane in planes])
    mean = _grey(planes).mean(axis=(1, 2), keepdims=True)
    planes = clamp([mean + factors.contrast * (plane - mean) for plane in planes])
    planes = clamp([factors.brightness * plane for plane in planes])
    return jnp.round(jnp.stack(_turn_hue(planes, factors.hue), axis=-1)).astype(jnp.uint8)


def motion_blur(images: jax.Array, keys: jax.Array, config: RgbConfig) -> jax.Array:
    """Blurs some envs along a straight line; see this module.

    The line has one of `config.blur_sizes` taps, a random angle, and weights that run linearly from d to
    1 - d with a random d in [0, 1), so that one end may outweigh the other. Its length scales with the width
    of the image. Beyond the image's edge its border goes on. Only envs that are blurred cost time: _CHUNK of
    them in each round of a loop, whose memory is that of the images and of one chunk.

    Args:
      images: uint8 [N, V, H, W, 3].
      keys: one PRNG key per env and control step, [N]; an env's blur depends on its own key alone.
      config: probability, sizes and share.
    Source: published DextrAH task; there one env of the batch alone is blurred.
    """
    num_envs, _, _, width, _ = images.shape
    share = jax.vmap(lambda key: shares(key, {"chance": 1, "size": 1, "angle": 1, "lean": 1}))(keys)
    chance, size, angle, lean = (value[:, 0] for value in share.values())
    down, right, weight = _taps(config.blur_sizes, size, angle, lean, width / PUBLISHED_WIDTH)

    blurred = chance < config.blur_probability
    chunk = min(_CHUNK, num_envs)
    order = jnp.nonzero(blurred, size=-(-num_envs // chunk) * chunk, fill_value=num_envs)[0]

    def some(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        start, images = state
        env = jax.lax.dynamic_slice(order, (start,), (chunk,))
        read = jnp.minimum(env, num_envs - 1)  # the last chunk may be filled up with env N, which is dropped
        sharp, moves, weights = images[read], (down[read], right[read]), weight[read]
        soft = sum(
            weights[:, i, None, None, None, None] * _moved(sharp, *(move[:, i] for move in moves))
            for i in range(weights.shape[1])
        )
        mixed = jnp.round(config.blur_share * soft + (1 - config.blur_share) * sharp)
        return start + chunk, images.at[env].set(mixed.astype(jnp.uint8), mode="drop")

    count = blurred.sum()
    return jax.lax.while_loop(lambda state: state[0] < count, some, (jnp.int32(0), images))[1]


def _taps(
    sizes: tuple[int, ...], size: jax.Array, angle: jax.Array, lean: jax.Array, scale: float
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Offsets in whole rows (down) and columns (right) and weights of the taps of N lines, each [N, T].

    Args:
      sizes: taps of a line, of which a share `size` [N] picks one.
      angle: [N], as a share of half a turn, counter-clockwise from the rows.
      lean: [N], weight of the first tap against that of the last.
      scale: pixels between two taps.
    """
    taps = jnp.asarray(sizes)[jnp.floor(size * len(sizes)).astype(jnp.int32)][:, None]
    step = jnp.arange(max(sizes)) - max(sizes) // 2
    inside = jnp.abs(step) <= taps // 2
    along = 0.5 + step / jnp.maximum(taps - 1, 1)
    weight = jnp.where(inside, lean[:, None] + (1 - 2 * lean[:, None]) * along, 0.0)
    turn = jnp.pi * angle[:, None]
    moves = [jnp.round(scale * step * part).astype(jnp.int32) for part in (-jnp.sin(turn), jnp.cos(turn))]
    return moves[0], moves[1], weight / weight.sum(axis=1, keepdims=True)


def _moved(images: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
    """The pixel `down` [C] rows below and `right` [C] columns to the right of each of [C, V, H, W, 3]."""
    height, width = images.shape[2:4]
    row = jnp.clip(jnp.arange(height) + down[:, None], 0, height - 1)
    column = jnp.clip(jnp.arange(width) + right[:, None], 0, width - 1)
    return jax.vmap(lambda image, row, column: image[:, row[:, None], column])(images, row, column)


def _grey(planes: list[jax.Array]) -> jax.Array:
    red, green, blue = (weight * plane for weight, plane in zip(_GREY, planes, strict=True))
    return red + green + blue


def _turn_hue(planes: list[jax.Array], shift: jax.Array) -> list[jax.Array]:
    """Adds `shift` turns to the hue of RGB colours, and keeps saturation and value (of HSV)."""
    red, green, blue = planes
    top = jnp.maximum(jnp.maximum(red, green), blue)
    chroma = top - jnp.minimum(jnp.minimum(red, green), blue)
    scale = 1 / jnp.where(chroma > 0, chroma, 1.0)
    # Comparisons that a rounding error may turn only where both answers give the same colour; `top == red` is
    # not of that kind, since XLA may compute `top` and `red` differently.
    sixth = jnp.where(
        (red >= green) & (red >= blue),
        (green - blue) * scale,
        jnp.where(green >= blue, 2 + (blue - red) * scale, 4 + (red - green) * scale),
    )

    def channel(start: float) -> jax.Array:
        """Low on two of the six sides of the colour circle, on the slopes on two, else high."""
        place = (sixth + 6 * shift + start) % 6
        return top - chroma * jnp.clip(jnp.minimum(place, 4 - place), 0.0, 1.0)

    return [channel(start) for start in (5.0, 3.0, 1.0)]
