"""Looks for scripted grasps: random ones first, then the best of them refined by the cross-entropy method.

A candidate is judged under disturbances that its script does not know of: the object lies elsewhere, is
turned, or everything is more slippery. It goes through the task's fabric and is played in MuJoCo C.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.config import Config
from mjxdex.evaluation.playback import START, judge, play_mujoco, servo_inputs
from mjxdex.evaluation.scripted import APPROACH, Grasp, rounded, script
from mjxdex.objects import ObjectSet
from mjxdex.robot import hand_pca
from mjxdex.robot.rotations import euler_zyx_to_matrix

# A candidate is where the object is in the palm frame (m), the palm's Euler angles (degrees), the hand PCA
# targets of the open and of the closed hand.
LOWER = np.array([0.03, -0.05, 0.05, -180, -40, 140, *hand_pca.LOWER, 1.2, *hand_pca.LOWER[1:]])
UPPER = np.array([0.12, 0.06, 0.14, -90, 40, 220, 1.3, 0.9, 0.4, *hand_pca.UPPER[3:], *hand_pca.UPPER])
"""Range of the candidates [16]: what prototypes of grasps used."""
DISTURBANCES = ((0, 0, 0, 1), (3, 3, 3, 1), (-3, -3, -3, 1), (2, -2, -3, 0.7))
"""Shift of the object in x and y (mm), turn about z (degrees), factor on all friction."""
BATCH, FINALISTS, POPULATION, ELITE = 64, 16, 32, 8


class Progress(NamedTuple):
    """The best candidate so far.

    Attributes:
      tried: candidates so far.
      grasp: the best of them.
      held: of how many of the DISTURBANCES it holds the object.
      distance: mean over these of the largest distance to the goal while holding, m.
    """

    tried: int
    grasp: Grasp
    held: int
    distance: float


def search(
    config: Config,
    objects: ObjectSet,
    object_id: int,
    *,
    seed: int = 0,
    random: int = 512,
    generations: int = 4,
) -> Iterator[Progress]:
    """Searches a grasp of one object; yields the best one after the random candidates and each generation.

    Args:
      random: candidates drawn at random.
      generations: of POPULATION candidates around the best ones.
    """
    rng = np.random.default_rng(seed)
    trial = _Trial(config, objects, object_id)
    candidates = rng.uniform(LOWER, UPPER, (random, len(LOWER)))
    candidates = candidates[np.argsort(trial.costs(candidates, DISTURBANCES[:1])[0])[:FINALISTS]]
    spread = 0.05 * (UPPER - LOWER)
    for generation in range(generations + 1):
        cost, held, distance = trial.costs(candidates, DISTURBANCES)
        order = np.argsort(cost)
        best, elite = candidates[order[0]], candidates[order[:ELITE]]
        tried = random + generation * POPULATION
        yield Progress(tried, trial.grasp(best), int(held[order[0]]), float(distance[order[0]]))
        if generation > 0:
            spread = np.maximum(0.7 * spread + 0.3 * elite.std(axis=0), 0.01 * (UPPER - LOWER))
        middle = 0.5 * (best + elite.mean(axis=0)) if generation > 0 else best
        drawn = np.clip(middle + spread * rng.normal(size=(POPULATION - 1, len(LOWER))), LOWER, UPPER)
        candidates = np.concatenate([best[None], drawn])


class _Trial:
    """Plays candidates with one object."""

    def __init__(self, config: Config, objects: ObjectSet, object_id: int) -> None:
        self._config = config
        self._models = {}
        for friction in {row[3] for row in DISTURBANCES}:
            model = scene.build(config, objects, object_id)
            model.geom_friction[:, 0] *= friction
            self._models[friction] = model
        self._rest = self._resting_place()

    def _resting_place(self) -> np.ndarray:
        """Where the dropped object lies when the hand arrives, metres [3]."""
        model = self._models[1]
        data = mujoco.MjData(model)
        data.qpos[-7:] = START
        mujoco.mj_step(model, data, APPROACH * self._config.physics.substeps)
        return data.qpos[-7:-4].copy()

    def grasp(self, candidate: np.ndarray) -> Grasp:
        rot = np.asarray(euler_zyx_to_matrix(jnp.deg2rad(candidate[3:6])))
        to_palm = -rot @ candidate[:3]
        return rounded(
            Grasp(
                palm_pos=tuple(self._rest + to_palm),
                lifted_pos=tuple(np.array(self._config.env.goal_pos) + to_palm),
                palm_euler_deg=tuple(candidate[3:6]),
                open=tuple(candidate[6:11]),
                closed=tuple(candidate[11:]),
            )
        )

    def costs(self, candidates: np.ndarray, disturbances: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost, number of disturbances under which it held, and mean distance to the goal (m) of each."""
        angle = self._config.env.max_pose_angle_deg
        scripts = np.stack([script(self.grasp(candidate), angle) for candidate in candidates])
        held, distance, drop = [], [], []
        inputs = servo_inputs(self._config, scripts)
        for disturbance in disturbances:
            model, pose = self._models[disturbance[3]], _disturbed(disturbance)
            for i in range(0, len(candidates), BATCH):
                qpos = play_mujoco(self._config, model, inputs[i : i + BATCH], pose)
                verdict = judge(self._config, qpos)
                held.append(verdict.held)
                distance.append(np.clip(verdict.distance, 0, 0.5))
                drop.append(np.clip(np.abs(verdict.drop), 0, 0.05))
        shape = len(disturbances), len(candidates)
        held, distance, drop = (np.concatenate(part).reshape(shape) for part in (held, distance, drop))
        cost = distance + 2 * drop + 0.1 * ~held
        return cost.mean(axis=0), held.sum(axis=0), distance.mean(axis=0)


def _disturbed(disturbance: tuple) -> np.ndarray:
    x, y, turn = disturbance[:3]
    half = np.deg2rad(turn) / 2
    pose = np.array(START)
    pose[:2] += np.array([x, y]) / 1000
    pose[3:] = np.cos(half), 0, 0, np.sin(half)
    return pose
