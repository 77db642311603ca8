"""A student as one ONNX file: images of both eyes in, action and object position out."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.deploy import export
from mjxdex.deploy.export import ExportError, ParityReport
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.learning.student_network import StudentNetwork

TOLERANCE = 1e-4
"""Largest difference between ONNX Runtime and JAX that an export may have, in any output."""
EYES = ("left", "right")


def export_student(
    config: Config,
    params: Params,
    stats: RunningStats,
    layout: Sequence[tuple[str, int]],
    path: Path,
    *,
    adr_level: int,
) -> ParityReport:
    """Writes the student's mean action and object position as an ONNX file and compares it with JAX.

    As `export.export`, but for its images and outputs. Inputs:

    - `left`, `right` float32 [B, H, W, 3]: sRGB, 0 to 1; the right camera hangs head down, and its image is
      turned by 180 degrees (flipped in both axes) before it comes here (only with `observation.stereo`);
    - `depth` float32 [B, H, W], metres, as for `export.export` (only with `observation.depth`);
    - `observation`, `lstm_state` as there.

    Outputs: `action`, `object_pos` float32 [B, 3] (metres, world frame = robot base), `lstm_state_out`.

    Raises: ExportError: As for `export.export`.
    """
    size = sum(n for _, n in layout)
    if size != stats.mean.shape[0]:
        raise ExportError(f"the layout names {size} observations, but the student sees {stats.mean.shape[0]}")
    params, stats = jax.device_get((params, stats))
    sees, network = config.observation, config.network
    shapes: dict[str, tuple[int, ...]] = {}
    if sees.stereo:
        shapes |= dict.fromkeys(EYES, (config.rgb.height, config.rgb.width, 3))
    elif sees.depth:
        shapes["depth"] = (config.camera.height, config.camera.width)
    shapes["observation"] = (size,)
    if network.lstm_layers:
        shapes["lstm_state"] = (network.lstm_layers, 2, network.lstm_units)

    def sample(rng: np.random.Generator, batch: int) -> dict[str, np.ndarray]:
        images = {eye: rng.uniform(0.0, 1.0, (batch, *shapes[eye])) for eye in EYES if eye in shapes}
        if "depth" in shapes:
            images["depth"] = rng.uniform(0.0, 2.0, (batch, *shapes["depth"]))
        return images | {"observation": export.observations(rng, batch, stats)}

    units = {"object_pos": "metres, world frame = robot base"}
    if sees.stereo:
        units["left"] = "sRGB, 0 to 1"
        units["right"] = "sRGB, 0 to 1, turned by 180 degrees: the right camera hangs head down"
    outputs = ["action", "object_pos", "lstm_state_out"][: 3 if network.lstm_layers else 2]
    description = export.describe(config, params, layout, shapes, adr_level, units)
    return export.write(path, _step(config, params, stats), shapes, outputs, description, sample, TOLERANCE)


def _step(config: Config, params: Params, stats: RunningStats) -> Callable[..., tuple[jax.Array, ...]]:
    """The student as a function of the file's inputs, in float32."""
    precise = dataclasses.replace(config.network, compute_dtype="float32")
    network = StudentNetwork(
        dataclasses.replace(config, network=precise), stats.mean.shape[0], params["log_std"].shape[0]
    )
    camera, layers = config.camera, config.network.lstm_layers

    def step(*inputs: jax.Array) -> tuple[jax.Array, ...]:
        rest, images = list(inputs), None
        if config.observation.stereo:
            images = jnp.stack([rest.pop(0), rest.pop(0)], axis=1)
        elif config.observation.depth:
            depth = rest.pop(0)
            images = jnp.where((depth >= camera.depth_min) & (depth <= camera.depth_max), depth, 0.0)
        obs = rest.pop(0)
        carry = tuple((rest[0][:, i, 0], rest[0][:, i, 1]) for i in range(layers))
        going_on = jnp.zeros(obs.shape[0], bool)
        mean, object_pos, carry = network(params, stats, obs, images, carry, going_on)
        action = jnp.clip(mean, -1.0, 1.0)
        if not layers:
            return action, object_pos
        return action, object_pos, jnp.stack([jnp.stack(pair, axis=1) for pair in carry], axis=1)

    return step
