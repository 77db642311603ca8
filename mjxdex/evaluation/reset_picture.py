"""A figure of how episodes start at three ADR levels: where, with which pose, and with what physics."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.render import WarpRgbRenderer
from mjxdex.robot import kinematics
from mjxdex.robot.tables import NUM_ARM
from mjxdex.task.places import REACH
from mjxdex.task.reset import fresh
from mjxdex.task.state import NUM_JOINTS, OBJECT_QPOS, EnvState

LEVELS = (0, 25, 50)
_SHOWN = 400
"""Resets in the top view of a level."""
_COUNTED = 4000
"""Resets in the histograms of a level."""
_ROWS, _COLUMNS = 2, 2
"""Renders of a level."""
_OBJECT_HEIGHT = scene.TABLE_TOP + 0.03
"""Where the camera looks for objects, metres."""
_SETTLE = 120
"""Physics steps from the reset to a render: one second."""
_WIDTH, _HEIGHT = 360, 300
_CROP = (slice(0, 272), slice(20, 340))
"""Rows and columns kept of a render."""
_COLOURS = {0: "0.25", 25: "C0", 50: "C1"}


def reset_figure(config: Config) -> Figure:
    """Top views, renders one second after the reset, and histograms of physical parameters.

    Args:
      config: object set, camera, seed and ranges.
    """
    objects = object_sets.load(config.env.objects)
    starts = {level: _starts(config, len(objects), level) for level in LEVELS}
    figure = Figure((13, 10.4), dpi=100, layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(4.9, 3.9, 1.9))
    top, middle, bottom = (figure.add_subfigure(row) for row in grid)
    for axes, level in zip(np.ravel(top.subplots(1, len(LEVELS))), LEVELS, strict=True):
        _draw_top_view(axes, config, level, starts[level])
    top.legend(*top.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    renders = _renders(config, objects, starts)
    for axes, tiles in zip(np.ravel(middle.subplots(1, len(LEVELS))), renders, strict=True):
        axes.imshow(tiles, interpolation="lanczos")
        axes.set_axis_off()
    _draw_histograms(bottom, objects, starts)
    return figure


def _starts(config: Config, num_objects: int, level: int) -> EnvState:
    """First states of the first episode in _COUNTED envs, leaves on the host."""
    key = jax.random.fold_in(jax.random.key(config.seed), 1)
    env_id = jnp.arange(_COUNTED)
    make = jax.jit(lambda level: fresh(config.adr, num_objects, env_id, 0 * env_id, key, level))
    return jax.tree.map(np.asarray, make(jnp.int32(level)))


def _draw_top_view(axes: Axes, config: Config, level: int, start: EnvState) -> None:
    """Objects and palms from above, and what the nominal camera sees of a plane above the table."""
    x, y = np.meshgrid(np.linspace(-1.05, 0.1, 231), np.linspace(-0.75, 0.75, 301))
    points = np.stack([x, y, np.full_like(x, _OBJECT_HEIGHT)], axis=-1)
    seen = _seen(config, points).astype(float)
    axes.contourf(x, y, seen, levels=[0.5, 1.5], colors=["#cfe6cf"])
    corner = np.subtract(scene.TABLE_POS[:2], np.divide(scene.TABLE_SIZE[:2], 2))
    axes.add_patch(
        Rectangle(tuple(corner), *scene.TABLE_SIZE[:2], fill=False, ec="#8c6a50", lw=2, label="table")
    )
    (x0, x1), (y0, y1) = REACH
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec="C3", ls="--", label="lost outside"))
    joints = jnp.asarray(start.physics.qpos[:_SHOWN, :NUM_JOINTS])
    palms = np.asarray(jax.jit(jax.vmap(kinematics.hand_points))(joints))[:, 0]
    objects = start.physics.qpos[:_SHOWN, OBJECT_QPOS]
    axes.plot(*palms[:, :2].T, ".", ms=3, color="0.55", label="palm")
    axes.plot(*objects[:, :2].T, ".", ms=4, color="#c8860a", label="object")
    axes.plot(0, 0, "ks", ms=9)
    axes.annotate("robot's base", (0, 0), (0, 9), textcoords="offset points", ha="center", fontsize=8)
    axes.plot(*scene.DEPTH_CAMERA_POS[:2], "g^", ms=9, label="depth camera; green: what it sees")
    dropped = np.array(start.physics.qpos[:, OBJECT_QPOS][:, :3])
    dropped[:, 2] = _OBJECT_HEIGHT
    share = _seen(config, dropped).mean()
    axes.set_title(f"level {level}: {share:.0%} of the objects fall in sight", fontsize=11)
    axes.set(xlim=(-1.05, 0.1), ylim=(-0.75, 0.75), xlabel="x, m", ylabel="y, m", aspect="equal")


def _seen(config: Config, points: np.ndarray) -> np.ndarray:
    """Whether the nominal camera has points [..., 3] (m, world) in its image and within its depths."""
    rot = np.zeros(9)
    mujoco.mju_quat2Mat(rot, np.array(scene.DEPTH_CAMERA_QUAT))
    x, y, z = np.moveaxis((points - np.array(scene.DEPTH_CAMERA_POS)) @ rot.reshape(3, 3), -1, 0)
    camera = config.camera
    reach = 0.5 / scene.FOCAL_LENGTH
    in_image = (np.abs(x) < reach * z) & (np.abs(y) < reach * z * camera.height / camera.width)
    return in_image & (z > camera.depth_min) & (z < camera.depth_max)


def _renders(config: Config, objects: ObjectSet, starts: dict[int, EnvState]) -> list[np.ndarray]:
    """For each level some envs with different objects, in a grid, uint8 [H, W, 3]."""
    count = _ROWS * _COLUMNS
    envs = np.linspace(0, len(objects) - 1, count * len(LEVELS)).round().astype(int)
    envs = dict(zip(LEVELS, envs.reshape(count, len(LEVELS)).T, strict=True))
    shown = [(starts[level].physics.qpos[env], env) for level in LEVELS for env in envs[level]]
    qpos = [settled(config, objects, np.asarray(start), env) for start, env in shown]
    ids = np.concatenate([envs[level] for level in LEVELS]) % len(objects)
    renderer = WarpRgbRenderer(scene.build(config, objects), objects, len(ids), _WIDTH, _HEIGHT, samples=2)
    pictures = np.asarray(
        jax.jit(renderer.render)(jnp.asarray(np.stack(qpos), jnp.float32), jnp.asarray(ids))
    )
    pictures = np.pad(pictures[:, *_CROP], ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=255)
    grid = pictures.reshape(len(LEVELS), _ROWS, _COLUMNS, *pictures.shape[1:])
    return [np.concatenate(np.concatenate(tiles, axis=1), axis=1) for tiles in grid]


def settled(config: Config, objects: ObjectSet, qpos: np.ndarray, env: int) -> np.ndarray:
    """qpos [30] of an env a second after it was reset to the given one, with the robot told to stay; in
    MuJoCo C with nominal parameters."""
    model = scene.build(config, objects, env % len(objects))
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    data.ctrl[:] = qpos[:NUM_JOINTS]
    mujoco.mj_step(model, data, _SETTLE)
    return data.qpos.copy()


def _draw_histograms(figure: SubFigure, objects: ObjectSet, starts: dict[int, EnvState]) -> None:
    rows = {level: _quantities(objects, start) for level, start in starts.items()}
    for axes, name in zip(figure.subplots(1, len(rows[0])), rows[0], strict=True):
        bins = np.linspace(*_span(np.concatenate([row[name] for row in rows.values()])), 41)
        for level, row in rows.items():
            weights = np.full(len(row[name]), 1 / len(row[name]))
            if np.ptp(row[name]) < 1e-6:
                axes.axvline(row[name][0], color=_COLOURS[level], lw=2, label=f"level {level}")
            else:
                axes.hist(
                    row[name], bins, weights=weights, histtype="step", color=_COLOURS[level], lw=1.4,
                    label=f"level {level}",
                )  # fmt: skip
        axes.set_yticks([])
        axes.set_xlabel(name, fontsize=9)
        axes.tick_params(labelsize=8)
    figure.axes[0].legend(fontsize=7.5)


def _quantities(objects: ObjectSet, start: EnvState) -> dict[str, np.ndarray]:
    params = jax.tree.map(np.asarray, start.random.params)
    found = {
        "object mass, kg": objects.mass[params.object_id] * params.object_mass,
        "friction of hand and object": 0.5 * (params.object_friction + params.robot_friction),
        "contact damping ratio, object": params.object_damping,
        "joint stiffness, factor": params.stiffness,
        "dry friction of arm joints, N m": params.joint_friction[:, :NUM_ARM],
    }
    return {name: np.ravel(values) for name, values in found.items()}


def _span(values: np.ndarray) -> tuple[float, float]:
    low, high = values.min(), np.percentile(values, 99.5)
    margin = 0.05 * (high - low)
    return low - margin, high + margin
