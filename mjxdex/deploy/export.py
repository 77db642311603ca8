"""A trained policy as one ONNX file that carries its normalizer, its LSTM state and its own description."""

import dataclasses
import json
import logging
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import mjxdex
from mjxdex.config import Config, UserError
from mjxdex.learning.digest import digest
from mjxdex.learning.learner import make
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params

TOLERANCE = 1e-4
"""Largest difference from JAX that an export may have in ONNX Runtime, relative where a number is above 1."""
STATE_TOLERANCE = 1e-3
"""The same in the LSTM state, whose cells sum rounding errors up over an episode; what these do to the action
is held to TOLERANCE."""
PARITY_STEPS = 200
"""Recurrent steps over which the two are compared, each fed its own state."""
_OPSET = 18


class ExportError(UserError):
    """The policy cannot be exported, or the file does not do what the policy does."""


class ParityReport(NamedTuple):
    """How far ONNX Runtime strayed from JAX in float32.

    Attributes:
      path: The file written.
      steps: Recurrent steps compared, with random images and observations.
      action: Largest difference of an action; relative, as all of these, where the number is above 1.
      state: Largest difference of an LSTM state; 0 without LSTM.
      object_pos: Largest difference of an object position, metres; 0 for policies without.
    """

    path: Path
    steps: int
    action: float
    state: float
    object_pos: float = 0.0


def export(
    config: Config,
    params: Params,
    stats: RunningStats,
    layout: Sequence[tuple[str, int]],
    path: Path,
    *,
    adr_level: int,
) -> ParityReport:
    """Writes the policy's mean action as an ONNX file and compares the file with JAX.

    The graph computes in float32, whatever `network.compute_dtype`. Its batch size B is free. Inputs:

    - `depth` float32 [B, H, W]: planar depth in metres; the camera's window is applied inside
      (only with `observation.depth`);
    - `observation` float32 [B, P]: the terms of `layout`, not normalized;
    - `lstm_state` float32 [B, layers, 2, units]: (cell, hidden) of each layer, zeros at the start of an
      episode (only with LSTM layers).

    Outputs: `action` float32 [B, 11], clipped to ±1, and `lstm_state_out`, the next step's `lstm_state`.
    The file's metadata says so too, with the slices of the observation, units, and versions.

    Args:
      config: The run's configuration.
      params: Parameters of the policy.
      stats: Statistics of its vector observations.
      layout: Names and sizes of the terms of the vector observation, in order.
      path: File to write; it appears only if the comparison passes.
      adr_level: ADR level that the policy reached; the fabric's damping and the servos' velocity targets are
        those of this level.

    Returns:
      What the comparison found.

    Raises:
      ExportError: jax2onnx or onnxruntime is missing, `layout` does not fit the policy, or the file
        differs from JAX by more than TOLERANCE, in the LSTM state STATE_TOLERANCE.
    """
    size = sum(n for _, n in layout)
    if size != stats.mean.shape[0]:
        raise ExportError(f"the layout names {size} observations, but the policy sees {stats.mean.shape[0]}")

    params, stats = jax.device_get((params, stats))
    shapes = _input_shapes(config, size)

    def sample(rng: np.random.Generator, batch: int) -> dict[str, np.ndarray]:
        images = {}
        if "depth" in shapes:
            images["depth"] = rng.uniform(0.0, 2.0, (batch, *shapes["depth"]))
        return images | {"observation": observations(rng, batch, stats)}

    outputs = ["action", "lstm_state_out"] if config.network.lstm_layers else ["action"]
    description = describe(config, params, layout, shapes, adr_level)
    return write(path, _step(config, params, stats), shapes, outputs, description, sample, TOLERANCE)


def observations(rng: np.random.Generator, batch: int, stats: RunningStats) -> np.ndarray:
    """Random vector observations with the mean and spread of those seen, [batch, P]."""
    mean, std = np.asarray(stats.mean), np.sqrt(np.asarray(stats.var))
    return mean + std * rng.normal(size=(batch, *mean.shape))


def write(
    path: Path,
    step: Callable[..., tuple[jax.Array, ...]],
    shapes: dict[str, tuple[int, ...]],
    outputs: Sequence[str],
    description: dict[str, Any],
    sample: Callable[[np.random.Generator, int], dict[str, np.ndarray]],
    tolerance: float,
) -> ParityReport:
    """Writes a function as an ONNX file, if ONNX Runtime then does what JAX does.

    Args:
      path: File to write.
      step: Of float32 inputs, in float32; the last is `lstm_state` if the last output is `lstm_state_out`.
      shapes: Of the inputs by name, without the batch axis.
      outputs: Names.
      description: Metadata by name; all but strings become JSON.
      sample: Random inputs for a batch of envs, without `lstm_state`.
      tolerance: Largest difference allowed, except in the LSTM state (STATE_TOLERANCE).

    Raises: ExportError: As for `export`.
    """
    try:
        import onnx
        import onnxruntime
        from jax2onnx import to_onnx
    except ImportError as error:
        raise ExportError(f"{error.name} is missing; install it with: pip install 'mjxdex[onnx]'") from error
    logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # it warns of every constant's missing type
    model = to_onnx(
        step,
        [jax.ShapeDtypeStruct(("B", *shape), jnp.float32) for shape in shapes.values()],  # pyright: ignore
        model_name="policy",
        opset=_OPSET,
        input_names=list(shapes),
        output_names=list(outputs),
    )
    del model.graph.value_info[:]  # shapes of intermediate results; some are wrong after residuals
    for key, value in description.items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))

    partial = path.with_name(path.name + ".partial")
    onnx.save(model, partial)
    try:
        onnx.checker.check_model(partial, full_check=True)
        session = onnxruntime.InferenceSession(partial, providers=["CPUExecutionProvider"])
        off = _compare(step, session, shapes, outputs, sample)
        limits = {name: STATE_TOLERANCE if name == "lstm_state_out" else tolerance for name in off}
        if not all(off[name] <= limit for name, limit in limits.items()):
            found = " and ".join(f"{off[name]:.1e} in {name} ({limits[name]:.0e})" for name in off)
            raise ExportError(
                f"ONNX Runtime and JAX differ by {found} over {PARITY_STEPS} steps; more than the number in "
                f"brackets is not allowed, so {path} was not written"
            )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return ParityReport(
        path, PARITY_STEPS, off["action"], off.get("lstm_state_out", 0.0), off.get("object_pos", 0.0)
    )


def _step(config: Config, params: Params, stats: RunningStats) -> Callable[..., tuple[jax.Array, ...]]:
    """The policy as a function of the file's inputs, in float32."""
    precise = dataclasses.replace(config.network, compute_dtype="float32")
    camera, layers = config.camera, config.network.lstm_layers
    depth_shape = (camera.height, camera.width) if config.observation.depth else None
    actions = params["log_std"].shape[0]
    networks = make(
        dataclasses.replace(config, network=precise), stats.mean.shape[0], 1, depth_shape, actions
    ).networks
    acting = {name: part for name, part in params.items() if name != "prediction"}

    def step(*inputs: jax.Array) -> tuple[jax.Array, ...]:
        rest = list(inputs)
        depth = None
        if depth_shape is not None:
            depth = rest.pop(0)
            depth = jnp.where((depth >= camera.depth_min) & (depth <= camera.depth_max), depth, 0.0)
        obs = rest.pop(0)
        carry = tuple((rest[0][:, i, 0], rest[0][:, i, 1]) for i in range(layers))
        going_on = jnp.zeros(obs.shape[0], bool)
        mean, carry = networks.policy(acting, stats, obs, depth, carry, going_on)
        action = jnp.clip(mean, -1.0, 1.0)
        if not layers:
            return (action,)
        return action, jnp.stack([jnp.stack(pair, axis=1) for pair in carry], axis=1)

    return step


def _input_shapes(config: Config, size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs without their batch axis."""
    shapes: dict[str, tuple[int, ...]] = {}
    if config.observation.depth:
        shapes["depth"] = (config.camera.height, config.camera.width)
    shapes["observation"] = (size,)
    if config.network.lstm_layers:
        shapes["lstm_state"] = (config.network.lstm_layers, 2, config.network.lstm_units)
    return shapes


def _compare(
    step: Callable[..., tuple[jax.Array, ...]],
    session: Any,
    shapes: dict[str, tuple[int, ...]],
    outputs: Sequence[str],
    sample: Callable[[np.random.Generator, int], dict[str, np.ndarray]],
) -> dict[str, float]:
    """Largest difference of each output between the file and JAX, for two envs, each fed its own state;
    relative where a number is above 1."""
    rng, batch = np.random.default_rng(0), 2
    recurrent = "lstm_state" in shapes
    state = state_jax = np.zeros((batch, *shapes.get("lstm_state", ())), np.float32)
    reference = jax.jit(step)
    largest = dict.fromkeys(outputs, 0.0)
    for _ in range(PARITY_STEPS):
        inputs = {name: value.astype(np.float32) for name, value in sample(rng, batch).items()}
        found = session.run(list(outputs), inputs | ({"lstm_state": state} if recurrent else {}))
        with jax.default_matmul_precision("float32"):
            wanted = reference(*inputs.values(), *([state_jax] if recurrent else []))
        for name, a, b in zip(outputs, found, wanted, strict=True):
            off = np.abs(a - b) / np.maximum(np.abs(b), 1)
            largest[name] = float(np.maximum(largest[name], off.max()))
        if recurrent:
            state, state_jax = found[-1], wanted[-1]
    return largest


def describe(
    config: Config,
    params: Params,
    layout: Sequence[tuple[str, int]],
    shapes: dict[str, tuple[int, ...]],
    adr_level: int,
    more_units: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What a user of the file has to know; `more_units` describes inputs and outputs that are not here."""
    order, start = [], 0
    for name, size in layout:
        order.append({"name": name, "start": start, "stop": start + size})
        start += size
    units = {
        "depth": f"planar metres, 0 = nothing seen; beyond [{config.camera.depth_min}, "
        f"{config.camera.depth_max}] counts as 0",
        "observation": "SI units, world frame = robot base, not normalized",
        "lstm_state": "(cell, hidden) of each layer, zeros at the start of an episode",
        "action": "palm pose (3 position, 3 Euler angles) and hand PCA, each -1 to 1 of its range",
    }
    packages = ("jax", "flax", "jax2onnx", "onnx", "onnxruntime")
    return {
        "config_name": config.name,
        "config": dataclasses.asdict(config),
        "observation_order": order,
        "inputs": {name: ["B", *shape] for name, shape in shapes.items()},
        "units": {name: text for name, text in units.items() if name in shapes or name == "action"}
        | (more_units or {}),
        "adr_level": adr_level,
        "control_period_s": config.physics.control_period,
        "parameters": f"sha256:{digest(params)}",
        "parity": f"off from JAX by at most {TOLERANCE} (LSTM state: {STATE_TOLERANCE}) * max(1, |value|) "
        f"in {PARITY_STEPS} recurrent steps",
        "versions": {"mjxdex": mjxdex.__version__} | {name: version(name) for name in packages},
    }
