"""A short rollout with fixed actions, whose numbers are kept and compared."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import AdrConfig, CameraConfig, Config, EnvConfig
from mjxdex.runtime.sims import Simulators
from mjxdex.task.env import Command
from mjxdex.types import DEPTH_UNIT

STEPS = 24
"""Control steps: long enough for the object to land on the table, too short for contacts to turn chaotic."""
LEVEL = 25
"""ADR level: everything that is randomized takes part."""
TOLERANCES = {"qpos": 1e-4, "policy": 1e-4, "reward": 1e-4, "depth_mean": 1e-3, "depth_seen": 2e-3}
"""Largest absolute differences: rad and m; observation units; reward units; m; share of the pixels."""


def rollout() -> dict[str, np.ndarray]:
    """Plays the rollout on the CPU: eight objects, seeded actions that move smoothly.

    Returns: qpos float32 [T, 8, 30], the policy's vector observation float32 [T, 8, 159], reward float32
      [T, 8], and of each depth image the mean (m) and the share of pixels with a reading, float32 [T, 8].
    """
    config = Config(
        seed=7,
        env=EnvConfig(num_envs=8, spread_first_episodes=False, episode_length_s=0.3),
        adr=AdrConfig(start_level=LEVEL),
        camera=CameraConfig(width=80, height=60),
    )
    device = jax.local_devices(backend="cpu")[0]
    sims = Simulators(config, [device])
    rng = np.random.default_rng(config.seed)
    actions = np.clip(np.cumsum(rng.normal(0, 0.25, (STEPS, 1, 8, 11)), axis=0), -1, 1).astype(np.float32)
    state = sims.init()
    rows = []
    for action in actions:
        command = Command(jnp.asarray(action), jnp.full(1, LEVEL, jnp.int32))
        state, obs, outcome = sims.step(state, command)
        depth = np.asarray(sims.render(state)).reshape(8, 60, 80) * DEPTH_UNIT
        rows.append(
            {
                "qpos": np.asarray(state.physics.qpos[0]),
                "policy": np.asarray(obs.policy[0]),
                "reward": np.asarray(outcome.reward[0]),
                "depth_mean": depth.mean(axis=(1, 2)),
                "depth_seen": (depth > 0).mean(axis=(1, 2)),
            }
        )
    return {name: np.stack([row[name] for row in rows]).astype(np.float32) for name in rows[0]}


def differences(found: dict[str, np.ndarray], path: Path) -> list[str]:
    """One line for each quantity that differs from the kept one by more than its tolerance."""
    kept = np.load(path)
    lines = []
    for name, tolerance in TOLERANCES.items():
        error = np.abs(found[name] - kept[name])
        if not error.max() <= tolerance:
            step = int(np.unravel_index(np.nanargmax(error > tolerance), error.shape)[0])
            lines.append(
                f"{name} differs by up to {error.max():.2g} (allowed {tolerance:g}), first in step {step}"
            )
    return lines
