"""Physics as one JAX call: what changes goes in, what is read comes out, all else stays on the device."""

import functools
import operator
import threading
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import warp as wp
from mujoco.mjx.third_party import mujoco_warp as mjw

from mjxdex.physics import warp_settings as _quiet  # noqa: F401
from mjxdex.physics.buffer import Part, lay_out
from mjxdex.physics.c_worlds import CWorlds
from mjxdex.physics.kernels import compile_launched


class Stepper:
    """Runs physics steps of N worlds; pure, callable inside jit, scan and pmap.

    Passing all of MuJoCo Warp's 400 arrays through a program costs more than a step. Here each device keeps
    a model and data of its own, and the arrays of them that a program sees lie in one buffer: a call copies
    one array in, replays one recorded CUDA graph and copies one array out, whatever buffers XLA chose. A CPU
    records nothing. Calls of one device take turns. With the engine c the worlds are MuJoCo C's: `CWorlds`.

    A step recomputes everything from its inputs, apart from what `_Resident` sets to zero first. So a result
    depends on the inputs of its call alone, whatever was stepped before.

    Warp keeps callables for good, so the memory of a stepper is not given back before the process ends.

    Arrays are named by their paths, such as "model.geom_size", "data.qpos" or "data.contact.geom".

    Args:
      model: the scene.
      num_envs: N, worlds on each device.
      contacts: budget of all worlds of a device together, in MuJoCo Warp.
      constraints: budget of each world there.
      substeps: physics steps per call.
      inputs: shapes of the arrays that every call sets, [N, ...] as in MuJoCo.
      outputs: shapes of the arrays that every call returns, as they are after the last physics step; int32
        and float32.
      engine: as `physics.engine`.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        num_envs: int,
        contacts: int,
        constraints: int,
        substeps: int,
        inputs: Mapping[str, jax.ShapeDtypeStruct],
        outputs: Mapping[str, jax.ShapeDtypeStruct],
        engine: str,
    ) -> None:
        # What only goes in, then both, then what only comes out: so each way is one copy.
        both = [path for path in inputs if path in outputs]
        self._inputs = [path for path in inputs if path not in outputs] + both
        self._outputs = both + [path for path in outputs if path not in inputs]
        arrays = {**inputs, **outputs}
        self._parts = lay_out({path: arrays[path] for path in dict.fromkeys(self._inputs + self._outputs)})
        self._first_output = self._parts[self._outputs[0]].start
        end = max(part.stop for part in self._parts.values())
        if engine == "c":
            self._make = functools.partial(CWorlds, model, num_envs, substeps, self._parts, list(inputs), end)
        else:
            self._make = functools.partial(
                _Resident, model, num_envs, contacts, constraints, substeps, self._parts, end
            )
        self._residents: dict[str, _Resident | CWorlds] = {}
        self._lock = threading.Lock()

        def step(values: wp.array(dtype=float), results: wp.array(dtype=float)):  # pyright: ignore[reportInvalidTypeForm]
            self._step(values, results)

        self._call = wp.jax_callable(
            step, graph_mode=wp.JaxCallableGraphMode.NONE, output_dims=end - self._first_output
        )

    def __call__(self, inputs: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Runs the physics steps.

        Args:
          inputs: the arrays of `inputs`, float32.

        Returns: the arrays of `outputs`.
        """
        values = []
        for path in self._inputs:
            part = self._parts[path]
            if inputs[path].shape != part.shape:
                raise ValueError(f"{path} has shape {inputs[path].shape}; this stepper takes {part.shape}")
            values.append(jnp.pad(inputs[path].reshape(-1), (0, part.padding)))
        (results,) = self._call(jnp.concatenate(values))
        outputs = {}
        for path in self._outputs:
            part = self._parts[path]
            start = part.start - self._first_output
            values = results[start : start + part.size].reshape(part.shape)
            outputs[path] = jax.lax.bitcast_convert_type(values, part.dtype)
        return outputs

    def _step(self, values: wp.array, results: wp.array) -> None:
        device = wp.get_device().alias
        with self._lock:
            if device not in self._residents:
                self._residents[device] = self._make()
            resident = self._residents[device]
            wp.copy(resident.buffer, values, count=values.size)
            resident.step()
            wp.copy(results, resident.buffer, src_offset=self._first_output, count=results.size)


class _Resident:
    """Model and data on Warp's current device; `parts` of them lie in `buffer`."""

    def __init__(
        self,
        model: mujoco.MjModel,
        num_envs: int,
        contacts: int,
        constraints: int,
        substeps: int,
        parts: Mapping[str, Part],
        size: int,
    ) -> None:
        self.model = mjw.put_model(model)
        self.model.opt.warn_overflow = 0  # the caller tells
        # MuJoCo Warp raises it to 1e-6.
        self.model.opt.tolerance = wp.array([model.opt.tolerance], dtype=float)
        self.data = mjw.make_data(model, num_envs, naconmax=contacts, njmax=constraints)
        self.buffer = wp.zeros(size, dtype=float)
        self._address: int = self.buffer.ptr  # pyright: ignore[reportAttributeAccessIssue]
        self._records = wp.get_device().is_cuda
        self._substeps = substeps
        self._recording: wp.ScopedCapture | None = None
        for path, part in parts.items():
            owner, name = path.rsplit(".", 1)
            self._move(operator.attrgetter(owner)(self), name, part)
        compile_launched(self._launch)

    def _move(self, owner: Any, name: str, part: Part) -> None:
        """Moves an array into the buffer."""
        array = getattr(owner, name)
        moved = wp.array(
            ptr=self._address + 4 * part.start,
            dtype=array.dtype,
            shape=part.shape[: array.ndim],
        )
        setattr(owner, name, moved)

    def step(self) -> None:
        """Runs the physics steps on what the buffer holds."""
        if not self._records:
            self._launch()
            return
        if self._recording is None:
            with wp.ScopedCapture() as recording:
                self._launch()
            self._recording = recording
        wp.capture_launch(self._recording.graph)  # pyright: ignore[reportArgumentType]

    def _launch(self) -> None:
        self.data.time.zero_()
        self.data.overflow.zero_()
        # The solver multiplies unused rows by zero, which would spread the NaN of a world that diverged.
        self.data.efc.J.zero_()
        flags = self.model.opt.disableflags
        for remaining in reversed(range(self._substeps)):
            # Only the last readings of the sensors are seen.
            self.model.opt.disableflags = flags | mjw.DisableBit.SENSOR if remaining else flags
            mjw.step(self.model, self.data)
