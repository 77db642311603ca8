"""A figure of what the noise models and the randomized cameras do to the depth images."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.evaluation.scene_picture import hand_above
from mjxdex.render import Cameras, DepthView, cameras, depth_noise, depth_renderer
from mjxdex.render.depth_camera import sensed
from mjxdex.types import DEPTH_UNIT

_SHARES = (0.5, 1.0)
"""Strengths shown: those of ADR levels 25 and 50."""
_COLUMNS = 5
_CLOSEUP = (slice(82, 152), slice(47, 100))
"""Rows and columns around the fingers and the object, of an upright image 160 pixels high."""
_CLOSEUP_RANGE = (0.7, 1.0)
"""Depths that the colours of the close-ups span, metres."""


def camera_figure(config: Config, object_name: str = "large_8_cuboid", seed: int = 0) -> Figure:
    """The hand above an object, upright: first without noise and with both readings of it, then close-ups of
    these and of the steps of the disparity alone, then randomized cameras at the levels 25 and 50, with the
    outlines that the nominal one sees.

    Args:
      config: object set and depth camera, whose images must be 160 x 120.

    Raises:
      ValueError: if the config's object set has no such object.
    """
    objects = object_sets.load(config.env.objects)
    pose, k = hand_above(objects, object_name)
    views = _views(jax.random.key(seed))
    num_views = len(views.focal)
    renderer = depth_renderer(scene.build(config, objects), objects, config, num_views)
    qpos = jnp.tile(jnp.asarray(pose, jnp.float32), (num_views, 1))
    depth = jax.jit(renderer.render)(qpos, jnp.full(num_views, k), views)

    shown = {"no noise": _noisy(config, depth[0], "off", 0.0)}
    for noise in ("metres", "centimetres"):
        for share in _SHARES:
            shown[f"{noise}, level {50 * share:.0f}"] = _noisy(config, depth[0], noise, share)
    near = {title: shown[title] for title in ("no noise", "metres, level 50", "centimetres, level 50")}
    for noise in ("metres", "centimetres"):
        steps = depth_noise.disparity(depth[:1], jnp.zeros((1, 2), jnp.uint32), jnp.ones(1), noise)
        near[f"steps alone, {noise}"] = _noisy(config, steps[0], "off", 0.0)
    moved = {}
    for i in range(1, num_views):
        share = _SHARES[(i - 1) // _COLUMNS]
        moved[f"camera {i}, level {50 * share:.0f}"] = _noisy(config, depth[i], "off", 0.0)
    return _draw(config, shown, near, moved)


def _views(key: jax.Array) -> Cameras:
    """The nominal camera, then _COLUMNS randomized ones for each of _SHARES."""
    share = jnp.array([0.0, *np.repeat(_SHARES, _COLUMNS)])
    return jax.vmap(cameras.randomized)(
        jax.random.split(key, len(share)),
        share * cameras.MAX_ANGLE,
        share * cameras.MAX_DISTANCE,
        share * cameras.MAX_FOCAL,
    )


def _noisy(config: Config, depth: jax.Array, noise, share: float) -> np.ndarray:
    """One image with noise of a given reading and strength and with cut-offs, upright, 0 masked."""
    key_data = jax.random.key_data(jax.random.split(jax.random.key(1), 1))
    view = DepthView(cameras.nominal(1), jnp.full(1, share), key_data)
    image = jax.jit(sensed, static_argnums=2)(depth[None], view, replace(config.camera, noise=noise))[0]
    return np.ma.masked_equal(np.rot90(np.asarray(image), k=-1), 0) * DEPTH_UNIT


def _draw(config: Config, *rows: dict[str, np.ndarray]) -> Figure:
    """Titled images: a row as they are, a row of close-ups, and two with the outline of the first image."""
    shown, near, moved = (list(row.items()) for row in rows)
    camera = config.camera
    height, width = (part.stop - part.start for part in _CLOSEUP)
    heights = 2 * np.array(
        [camera.width / camera.height, height / width, *[camera.width / camera.height] * 2]
    )
    figure = Figure((2 * _COLUMNS + 0.9, heights.sum() + 1), dpi=110, layout="constrained")
    axes = figure.subplots(4, _COLUMNS, height_ratios=list(heights))
    style = {
        "cmap": matplotlib.colormaps["turbo_r"].with_extremes(bad="black"),
        "interpolation": "nearest",
    }
    full = {"vmin": camera.depth_min, "vmax": camera.depth_max} | style
    narrow = dict(zip(("vmin", "vmax"), _CLOSEUP_RANGE, strict=True)) | style
    for ax, (title, depth) in zip(axes.ravel(), shown + near + moved, strict=True):
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
        if ax in axes[1]:
            ax.imshow(depth[_CLOSEUP], **narrow)
        else:
            ax.imshow(depth, **full)
    outline = ~np.ma.getmaskarray(shown[0][1])
    for ax in axes[2:].ravel():
        ax.contour(outline, levels=[0.5], colors="white", linewidths=0.8)
    figure.colorbar(axes[0, 0].images[0], ax=list(axes[0]), label="depth in m; black: not seen")
    figure.colorbar(axes[1, 0].images[0], ax=list(axes[1]), label="depth in m, close up")
    figure.colorbar(axes[2, 0].images[0], ax=list(axes[2:].ravel()), shrink=0.5, label="depth in m")
    return figure
