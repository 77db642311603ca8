"""Worlds of one CPU in MuJoCo C, spread over its cores, in place of those in MuJoCo Warp."""

import copy
import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import mujoco
import numpy as np
import warp as wp

from mjxdex.physics.buffer import Part

ITERATIONS, LS_ITERATIONS = 100, 50
"""Most solver and line-search iterations, those of MuJoCo. With 10 and 20, enough for MJX-Warp, hands lose a
third of what they hold in randomized worlds."""


class CWorlds:
    """N worlds whose inputs and outputs lie in one buffer; see `stepper.Stepper`.

    They compute in double precision, and contacts and constraints have no budgets, so nothing is ever lost.
    A result depends on what the buffer holds alone, whatever was stepped before and by which thread: each
    step sets the whole state.

    Args:
      model: the scene.
      num_envs: N.
      substeps: physics steps per call.
      parts: where arrays of all worlds, [N, ...], lie in the buffer, by paths such as "model.geom_size" or
        "data.qpos".
      inputs: which of them a step reads.
      size: of the buffer.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        num_envs: int,
        substeps: int,
        parts: Mapping[str, Part],
        inputs: Collection[str],
        size: int,
    ) -> None:
        self.buffer = wp.zeros(size, dtype=float)
        numbers = self.buffer.numpy()
        arrays = {
            path: numbers[part.start : part.start + part.size].view(part.dtype).reshape(part.shape)
            for path, part in parts.items()
        }
        self._fields = {path: arrays[path] for path in inputs if path.startswith("model.")}
        self._held = {path: np.full_like(values, np.nan) for path, values in self._fields.items()}
        self._inputs = {path: arrays[path] for path in inputs if path not in self._fields}
        self._outputs = {
            path: array
            for path, array in arrays.items()
            if path not in self._fields and path != "data.overflow"
        }
        # MuJoCo would reset a world that diverges; callers tell it by its numbers. Which geoms lie in the
        # middle of their bodies, and the tree of bounding boxes, it found out for object 0 alone.
        model = copy.copy(model)
        model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
        model.geom_sameframe[:] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
        model.opt.iterations, model.opt.ls_iterations = ITERATIONS, LS_ITERATIONS
        mujoco.set_mju_user_warning(_ignore)
        self._models = [copy.copy(model) for _ in range(num_envs)]
        threads = min(len(os.sched_getaffinity(0)), num_envs)
        self._shares = np.array_split(np.arange(num_envs), threads)
        self._data = [mujoco.MjData(model) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="physics")
        self._substeps = substeps

    def step(self) -> None:
        """Runs the physics steps on what the buffer holds."""
        self._set_fields()
        for _ in self._pool.map(self._step_some, self._shares, self._data):
            pass

    def _set_fields(self) -> None:
        """Puts the model's fields into the worlds where one differs from what they have."""
        changed = np.zeros(len(self._models), bool)
        for path, values in self._fields.items():
            changed |= (values != self._held[path]).reshape(len(values), -1).any(axis=1)
        for world in np.flatnonzero(changed):
            for path, values in self._fields.items():
                field = _array(self._models[world], path)
                field[...] = values[world].reshape(field.shape)
                self._held[path][world] = values[world]

    def _step_some(self, worlds: Iterable[int], data: mujoco.MjData) -> None:
        """Steps some worlds, one after the other, in the same data."""
        inputs = [(_array(data, path), values) for path, values in self._inputs.items()]
        outputs = [(_array(data, path), values) for path, values in self._outputs.items()]
        for world in worlds:
            for field, values in inputs:
                field[...] = values[world]
            mujoco.mj_step(self._models[world], data, self._substeps)
            for field, values in outputs:
                values[world] = field


def _array(owner: mujoco.MjModel | mujoco.MjData, path: str) -> np.ndarray:
    return getattr(owner, path.rpartition(".")[2])


def _ignore(message: str) -> None:
    """MuJoCo would write its warnings into a file; callers tell diverged worlds by their numbers."""
