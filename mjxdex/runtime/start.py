"""How a run starts from a bundle: as a new experiment, or as the next stretch of a long one."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from mjxdex import config_files
from mjxdex.config import Config
from mjxdex.runtime import checkpoints, run_folder
from mjxdex.runtime.bundles import Bundle, BundleError, check_fits
from mjxdex.runtime.trainer import TrainState


class Start(NamedTuple):
    """Attributes:
    bundle: Where networks, normalizers and ADR level are from.
    goes_on: Whether the optimizers' second moments, the iteration and the count of resets are from there too.
      First moments start at zero, envs with new episodes.
    """

    bundle: Bundle
    goes_on: bool

    def check(self, config: Config, shapes: TrainState) -> None:
        """Raises BundleError, naming what differs, unless the bundle fits the networks of the run."""
        check_fits(self.bundle, config, {"learner": shapes.learner, "adr": shapes.adr})

    def fill(self, config: Config, fresh: TrainState) -> TrainState:
        """A fresh state with what the bundle has; its arrays are not placed yet."""
        target = {"learner": fresh.learner, "adr": fresh.adr}
        taken = ("learner.policy.", "learner.critic.", "learner.normalizers.")
        if self.goes_on:
            taken += ("learner.policy_opt.", "learner.critic_opt.", "learner.step_size", "adr.")
        arrays = {name: array for name, array in self.bundle.arrays.items() if name.startswith(taken)}
        parts = checkpoints.filled(checkpoints.flatten(target) | arrays, target)
        state = fresh._replace(learner=parts["learner"], adr=parts["adr"])
        if not self.goes_on:
            return state
        iteration = self.bundle.iteration
        return state._replace(
            iteration=jnp.int32(iteration),
            learner=state.learner._replace(iteration=jnp.int32(iteration)),
            # The step picks the exploration noise: that of the stretch before is not drawn again.
            acting=state.acting._replace(step=jnp.int32(iteration * config.ppo.horizon)),
        )

    def record(self) -> dict[str, Any]:
        """For meta.json."""
        bundle = self.bundle
        return {
            "file": bundle.path.name,
            "goes_on": self.goes_on,
            "precision": bundle.precision,
            **bundle.provenance,
        }

    def summary(self) -> str:
        """One line for the terminal."""
        bundle, origin = self.bundle, self.bundle.provenance
        what = "going on with" if self.goes_on else "starting from"
        critic = "" if bundle.has_critic else "; it has no critic, so that starts anew"
        return (
            f"{what} {bundle.path}: {origin['run']}, iteration {bundle.iteration}, ADR level "
            f"{bundle.adr_level}, networks in {bundle.precision}{critic}"
        )


def new_config(bundle: Bundle, name: str, overrides: Mapping[str, Any]) -> Config:
    """The named config, at the bundle's ADR level unless `adr.start_level` is overridden.

    Raises: BundleError: It is a student's.
    """
    if bundle.is_students:
        raise BundleError(
            f"{bundle.path} holds a student; train.py starts only from what train.py has learned"
        )
    return config_files.load(name, {"adr.start_level": bundle.adr_level, **overrides})


def continued_config(bundle: Bundle, overrides: Mapping[str, Any]) -> Config:
    """The bundle's own config, at its ADR level; overrides may change what a resume may.

    Raises:
      BundleError: It has no moments, or as many iterations as are asked for.
      run_folder.RunError: Settings that must not change do.
    """
    if not bundle.has_moments:
        raise BundleError(
            f"{bundle.path} has no moments of the optimizer, so its run cannot go on; bundle the run with "
            "--critic --moments, or start a new one with --config NAME --start-from"
        )
    level = dataclasses.replace(bundle.config.adr, start_level=bundle.adr_level)
    saved = dataclasses.replace(bundle.config, adr=level)
    config = config_files.from_dict(config_files.to_dict(saved), overrides)
    run_folder.check_same(saved, config, f"the run in {bundle.path}")
    if config.runtime.iterations <= bundle.iteration:
        raise BundleError(
            f"{bundle.path} has {bundle.iteration} iterations already; ask for more with --runtime.iterations"
        )
    return config
