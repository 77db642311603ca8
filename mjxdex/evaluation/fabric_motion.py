"""What the fabric does by itself: its motion from the reset pose to palm targets, drawn."""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from mjxdex import fabric, scene
from mjxdex import objects as object_sets
from mjxdex.config import Config, FabricConfig
from mjxdex.fabric.action import PALM_EULER_CENTRE
from mjxdex.fabric.repulsion import gaps, is_hand
from mjxdex.render import WarpRgbRenderer
from mjxdex.robot import geometry, kinematics, tables

DAMPING = 10.0
"""1/s, as at ADR level 0."""
SECONDS = 2.0
"""Fabric time of the picture's motions."""
_SNAPSHOTS = ((0.0, True), (0.4, True), (SECONDS, True), (SECONDS, False))
"""Fabric time of each picture, s, and whether collisions are avoided."""
_PIXELS = 250


class Target(NamedTuple):
    """Palm position (m), turn of the palm from `PALM_EULER_CENTRE` (angles ZYX, rad), hand PCA target."""

    name: str
    palm_pos: tuple[float, float, float]
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pca: tuple[float, float, float, float, float] = (1.5, 1.5, 0.0, 0.5, -0.25)


_OPEN_HAND = (0.2475, -0.3286, -0.7238, -0.0192, -0.5532)
UNDER_THE_TABLE = Target("10 cm below the table top", (-0.6, 0.1, scene.TABLE_TOP - 0.1))
TARGETS = (
    Target("in front, hand half closed", (-0.687, 0.032, 0.668)),
    Target("towards the left wall", (-0.5, -0.25, 0.5), (0.5, 0, 0)),
    Target("towards the right wall", (-0.55, 0.4, 0.5), (-0.5, 0, 0)),
    Target("near and high, palm tilted", (-0.4, 0.1, 0.8), (0, 0.5, 0.3)),
    Target("low over the table, hand open", (-0.6, 0.1, 0.4), (0, 0, 0), _OPEN_HAND),
    UNDER_THE_TABLE,
)


class Motion(NamedTuple):
    """Joint positions [N, T, 23] (rad), distance of palm from target and hand's smallest gap [N, T], m."""

    pos: np.ndarray
    palm_error: np.ndarray
    hand_gap: np.ndarray


def move(targets: tuple[Target, ...], config: FabricConfig, seconds: float) -> Motion:
    """Lets the fabric move from rest in the reset pose towards each target.

    Args:
      targets: N targets.
      config: of the fabric, with damping `DAMPING`.
      seconds: fabric time; T = seconds / config.timestep states are returned, without the first.
    """
    steps = round(seconds / config.timestep)
    hand = np.array([is_hand(sphere.link) for sphere in geometry.COLLISION_SPHERES])

    def one(palm_pos, palm_euler, pca):
        def advance(state, _):
            state = fabric.step(
                state,
                (palm_pos, palm_euler),
                pca,
                DAMPING,
                timestep=config.timestep,
                curvature_factor=config.curvature_factor,
                collision_avoidance=config.collision_avoidance,
            )
            error = jnp.linalg.norm(kinematics.palm_pose(state.pos)[0] - palm_pos)
            return state, (state.pos, error, jnp.min(gaps(state.pos)[hand]))

        pos = jnp.asarray(tables.RESET_POS, jnp.float32)
        rest = fabric.FabricState(pos, jnp.zeros_like(pos), jnp.zeros_like(pos))
        return jax.lax.scan(advance, rest, length=steps)[1]

    palm_pos = np.array([target.palm_pos for target in targets], np.float32)
    euler = np.array([PALM_EULER_CENTRE + target.turn for target in targets], np.float32)
    pca = np.array([target.pca for target in targets], np.float32)
    return Motion(*(np.asarray(values) for values in jax.jit(jax.vmap(one))(palm_pos, euler, pca)))


def fabric_picture(config: Config) -> np.ndarray:
    """Snapshots of the motion to each of `TARGETS`, over the palm's and the hand's distances in time.

    Returns:
      uint8 [H, W, 3].
    """
    settings = replace(config.fabric, collision_avoidance=True)
    avoiding = move(TARGETS, settings, SECONDS)
    heedless = move(TARGETS, replace(settings, collision_avoidance=False), SECONDS)
    strips = _strips(config, avoiding, heedless)

    figure, axes = plt.subplots(
        6, 2, figsize=(13, 11), dpi=100, height_ratios=(1.1, 1) * 3, layout="constrained"
    )
    seconds = settings.timestep * np.arange(1, avoiding.pos.shape[1] + 1)
    for i, target in enumerate(TARGETS):
        top, bottom = axes[i // 2 * 2 : i // 2 * 2 + 2, i % 2]
        top.imshow(strips[i], aspect="equal")
        top.set_axis_off()
        top.set_title(
            f"{target.name}: palm to ({', '.join(f'{x:.2f}' for x in target.palm_pos)}) m", fontsize=11
        )
        for k, (time, avoid) in enumerate(_SNAPSHOTS):
            text = f"{time:.1f} s" + ("" if avoid else ", no avoidance")
            top.text((k + 0.03) * _PIXELS, 0.95 * _PIXELS, text, color="white", fontsize=9)
        for motion, style, name in ((avoiding, "-", ""), (heedless, "--", ", no avoidance")):
            bottom.plot(seconds, 100 * motion.palm_error[i], f"C0{style}", label=f"palm to target{name}")
            bottom.plot(seconds, 100 * motion.hand_gap[i], f"C3{style}", label=f"hand to obstacles{name}")
        bottom.axhline(0, color="0.5", lw=0.7)
        bottom.set(xlim=(0, SECONDS), ylim=(-12, 78), ylabel="cm")
        bottom.grid(alpha=0.3)
    axes[1, 0].legend(fontsize=8, ncols=2)
    for axis in axes[5]:
        axis.set_xlabel("fabric time, s")
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture


def _strips(config: Config, avoiding: Motion, heedless: Motion) -> np.ndarray:
    """Pictures of `_SNAPSHOTS` side by side, for every target: uint8 [N, H, W, 3]."""
    poses = []
    for i in range(len(TARGETS)):
        for seconds, avoid in _SNAPSHOTS:
            step = round(seconds / config.fabric.timestep)
            motion = avoiding if avoid else heedless
            poses.append(motion.pos[i, step - 1] if step else tables.RESET_POS)
    objects = object_sets.load(config.env.objects)
    out_of_sight = np.array([0, 0, -1, 1, 0, 0, 0])
    qpos = np.stack([np.concatenate((pose, out_of_sight)) for pose in poses])
    renderer = WarpRgbRenderer(scene.build(config, objects), objects, len(poses), _PIXELS, _PIXELS, samples=2)
    pictures = jax.jit(renderer.render)(jnp.asarray(qpos, jnp.float32), jnp.zeros(len(poses), jnp.int32))
    pictures = np.asarray(pictures).reshape(len(TARGETS), len(_SNAPSHOTS), _PIXELS, _PIXELS, 3)
    return np.concatenate(list(pictures.swapaxes(0, 1)), axis=2)
