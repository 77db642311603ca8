"""What scripts/plan.py prints: envs that fit by layout and role, the paper's Table I, and a check of both."""

from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table

from mjxdex.config import Config, UserError
from mjxdex.runtime import coefficients, gpu_memory, layouts, plan, probe
from mjxdex.runtime.coefficients import Coefficients, Found
from mjxdex.runtime.layouts import Layout, Prediction

RESOLUTIONS = ((160, 120), (320, 240))
PAPER = {(160, 120): ("1024 / GPU (4096 total)", "2800 / GPU (8400 total)"),
         (320, 240): ("256 / GPU (1024 total)", "700 / GPU (2100 total)")}  # fmt: skip
"""Table I of the paper: data parallel and disaggregated, one node of four L40S with 48 GB each."""
TOLERANCE = 0.1
"""Largest relative difference of prediction and measurement."""


def at_resolution(config: Config, resolution: tuple[int, int]) -> Config:
    """The configuration with images of that width and height."""
    width, height = resolution
    return probe.with_envs(config, config.ppo.minibatches, **{"camera.width": width, "camera.height": height})


def layouts_table(
    title: str, predictions: Sequence[Prediction], found: Found, memory: float, chosen: Prediction
) -> Table:
    """Every layout that fits, with its needs in GB; the chosen one is marked."""
    grid = Table(title=title, title_justify="left")
    grid.caption = (
        "GB: in JAX + outside, of a device with that role; fraction: XLA_PYTHON_CLIENT_MEM_FRACTION to set"
    )
    for heading in (
        "layout", "envs", "per sim", "sim, GB", "learner, GB", "fraction", "iteration, s", "env steps/s",
    ):  # fmt: skip
        grid.add_column(heading, justify="left" if heading == "layout" else "right", no_wrap=True)
    for one in predictions:
        needs = layouts.needs(one.layout, found.costs, one.num_envs)
        sim, learner = needs[one.layout.sims[0]], needs[one.layout.learners[-1]]
        grid.add_row(
            f"{one.layout.name}{' *' if one is chosen else ''}",
            f"{one.num_envs:,}",
            f"{one.envs_per_sim:,}",
            f"{sim.jax / 1e9:.1f} + {sim.outside / 1e9:.1f}",
            f"{learner.jax / 1e9:.1f} + {learner.outside / 1e9:.1f}",
            f"{layouts.fraction(one.layout, found.costs, one.num_envs, memory):g}",
            f"{one.seconds:.2f}",
            f"{one.env_steps_per_s:,.0f}",
        )
    return grid


def roles_table(found: dict[tuple[int, int], Found], minibatches: int, memory: float) -> Table:
    """Fixed part and part per env of either role by resolution, and the envs that fit a device of its own."""
    grid = Table(title=f"PREDICTED: one device of {memory / 1e9:.0f} GB", title_justify="left")
    for heading in ("resolution", "role", "fixed, GB", "per env, MB", "envs that fit", "paper"):
        grid.add_column(heading, justify="right" if "," in heading or "fit" in heading else "left")
    for resolution, one in found.items():
        costs = one.costs
        usable = memory * (1 - layouts.RESERVE)
        per_gpu = PAPER[resolution][1].split(" (")[0] if resolution in PAPER else ""
        for role, parts, paper in (
            ("simulates", (costs.sim_bytes, costs.sim_outside_bytes), per_gpu),
            ("acts and simulates", (costs.sim_bytes, costs.acting_bytes, costs.sim_outside_bytes), ""),
            ("learns", (costs.learning_bytes, costs.learner_outside_bytes), ""),
        ):
            fixed, slope = sum(part.fixed for part in parts), sum(part.per_env for part in parts)
            count = max(0, int((usable - fixed) / slope / minibatches) * minibatches) if slope > 0 else 0
            grid.add_row(
                f"{resolution[0]}x{resolution[1]}", role, f"{fixed / 1e9:.2f}", f"{slope / 1e6:.3f}",
                f"{count:,}", paper,
            )  # fmt: skip
    return grid


def table_one(
    rows: dict[tuple[int, int], tuple[Prediction | None, Prediction | None]], devices: int, memory: float
) -> Table:
    """The paper's Table I for this stack: data parallel and the best disaggregated layout, paper's beside."""
    title = (
        f"PREDICTED: most envs on {devices} devices of {memory / 1e9:.0f} GB "
        "(paper: measured, Table I, 4 x L40S 48 GB)"
    )
    grid = Table(title=title, title_justify="left")
    for heading in ("resolution", "data parallel", "paper", "disaggregated", "paper"):
        grid.add_column(heading)
    for resolution, (parallel, split) in rows.items():
        paper = PAPER.get(resolution, ("", ""))
        grid.add_row(f"{resolution[0]}x{resolution[1]}", _cell(parallel), paper[0], _cell(split), paper[1])
    return grid


def _otherwise(choices: Sequence[Layout]) -> list[Layout]:
    """The same layouts with the rollout on the other side, where there are two sides."""
    others = {"learner": "simulator", "simulator": "learner"}
    return [replace(one, trajectory=others[one.trajectory]) for one in choices if one.sims != one.learners]


def _cell(one: Prediction | None) -> str:
    if one is None:
        return "does not fit"
    return f"{one.envs_per_sim:,} / GPU ({one.num_envs:,} total) {one.layout.spec}"


def known(config: Config, device: str, table: Sequence[Coefficients] | None = None) -> Found:
    """Coefficients of a configuration. Raises UserError where there are none."""
    found = coefficients.find(config, device, table)
    if found is None:
        camera = config.camera
        raise UserError(
            f"what {config.name} at {camera.width}x{camera.height} needs was never measured with these "
            "settings; add --probe to measure it on this machine"
        )
    return found


def verify(config: Config, costs: Coefficients, memory: float) -> tuple[Table, bool]:
    """Trains two iterations of s0-l0 with the predicted largest number of envs, and with 10 % more.

    JAX gets its share of a device of `memory` bytes; what is outside is read from the driver. It agrees if
    the first fits, the second does not, and the first uses what was predicted, within 10 %.

    Returns: A table, and whether prediction and reality agree.
    Raises: UserError: This machine's device keeps no account of its memory.
    """
    layout, minibatches = Layout.parse("s0-l0"), config.ppo.minibatches
    total = gpu_memory.total_bytes()
    if total is not None and total < memory:
        raise UserError(f"this device has {total / 1e9:.1f} GB, less than --memory {memory / 1e9:.1f}")
    largest = layouts.largest(layout, costs, minibatches, memory)
    more = -(-round(1.1 * largest) // minibatches) * minibatches
    usable = memory * (1 - layouts.RESERVE)
    reserved = usable - layouts.needed(layout, costs, largest) + layouts.needs(layout, costs, largest)[0].jax
    grid = Table(title=f"{config.name} on s0-l0 under {memory / 1e9:.1f} GB", title_justify="left")
    for heading in ("envs", "", "predicted, GB", "measured, GB", "verdict"):
        grid.add_column(heading)
    agrees = True
    for num_envs, expected in ((largest, True), (more, False)):
        need = layouts.needs(layout, costs, num_envs)[0]
        settings = {"runtime.topology": "s0-l0"}
        predicted = f"{need.jax / 1e9:.2f} + {need.outside / 1e9:.2f}"
        try:
            share = reserved / total if total else 0.7
            answer = probe.in_process("train", probe.with_envs(config, num_envs, **settings), share=share)
        except probe.ProbeError as error:
            if not any(sign in str(error).lower() for sign in ("resource_exhausted", "out of memory")):
                raise
            agrees &= not expected
            verdict = "does not fit, as predicted" if not expected else "does not fit, though predicted to"
            grid.add_row(f"{num_envs:,}", "JAX + outside", predicted, "out of memory", verdict)
            continue
        if "outside" not in answer:
            raise UserError(
                f"{num_envs} envs ran two iterations, the second in {answer['iteration_s']:.2f} s, but this "
                "device keeps no account of its memory; --verify needs an NVIDIA GPU"
            )
        measured = answer["jax"] + answer["outside"]
        fits = reserved + answer["outside"] <= memory
        close = abs(measured - need.total) <= TOLERANCE * measured
        agrees &= (fits == expected) and (close or not expected)
        verdict = f"{'fits' if fits else 'too much'}; prediction off by {need.total / measured - 1:+.1%}"
        spent = f"{answer['jax'] / 1e9:.2f} + {answer['outside'] / 1e9:.2f}"
        grid.add_row(f"{num_envs:,}", "JAX + outside", predicted, spent, verdict)
    return grid, agrees


def report(
    config: Config,
    device: str,
    devices: int,
    memory: float,
    link: float | None = None,
    table: Sequence[Coefficients] | None = None,
) -> list[Table | str]:
    """Everything that is printed without measuring: layouts, choice, roles, Table I.

    Args:
      device: kind of the devices.
      devices: their number.
      memory: bytes of each.
      link: bytes/s into one; None for what the coefficients say.
      table: coefficients in place of the package's.

    Raises: UserError: Coefficients are missing, or no layout fits.
    """
    asked = (config.camera.width, config.camera.height)
    costs, rows = {}, {}
    for resolution in dict.fromkeys((asked, *RESOLUTIONS)) if config.observation.depth else (asked,):
        sized = at_resolution(config, resolution)
        found = coefficients.find(sized, device, table)
        if found is None and resolution != asked:
            continue
        costs[resolution] = found or known(sized, device, table)
    out: list[Table | str] = []
    for resolution, found in costs.items():
        choices = layouts.layouts(devices, config.runtime.trajectory)
        fitting, refused = plan.predictions_of(config, found, choices, memory, link)
        compared, _ = plan.predictions_of(config, found, _otherwise(choices), memory, link)
        split = [one for one in fitting if not set(one.layout.sims) & set(one.layout.learners)]
        parallel = [one for one in fitting if one.layout.spec.startswith("dp") or devices == 1]
        most = max(split, key=lambda one: one.num_envs, default=None)
        rows[resolution] = (parallel[0] if parallel else None, most)
        if resolution != asked:
            continue
        if not fitting:
            raise UserError("; ".join(str(error) for error in refused))
        chosen = layouts.best(fitting)
        what = f"{config.name} {asked[0]}x{asked[1]} on {devices} x {device}, {memory / 1e9:.0f} GB each"
        title = f"PREDICTED, not measured: {what}"
        shown = [*fitting, *compared]
        out += [layouts_table(title, shown, found, memory, chosen), *(str(error) for error in refused)]
        out.append(
            f"* best: runtime.topology {chosen.layout.spec} with env.num_envs {chosen.num_envs}, "
            f"{chosen.env_steps_per_s:,.0f} env steps/s"
        )
    out += [roles_table(costs, config.ppo.minibatches, memory), table_one(rows, devices, memory)]
    out += [f"{width}x{height}: {found.source}" for (width, height), found in costs.items()]
    return out
