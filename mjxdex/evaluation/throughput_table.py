"""Throughput of layouts and resolutions beside two baselines, each case in its own process, as tables."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from mjxdex.config import UserError
from mjxdex.evaluation import processes, throughput, throughput_plan
from mjxdex.evaluation.throughput import Case, Kind, Result, Rollout, Use
from mjxdex.evaluation.throughput_plan import Predicted
from mjxdex.runtime import gpu_memory

BASELINES: dict[str, tuple[Kind, ...]] = {"bare": ("bare",), "torch": ("torch steps", "torch cudnn")}
"""Kinds of case by the name of the baseline."""
_RATES = [
    "config", "images", "envs", "what",
    "env steps/s", "PREDICTED", "learner samples/s", "update, ms", "error",
]  # fmt: skip
_USES = [
    "config", "layout", "device", "role", "idle",
    "JAX, peak", "PREDICTED", "JAX, limit", "besides", "PREDICTED",
]  # fmt: skip
_PHASES = ("physics", "render", "inference", "transfer", "update")
_LABELS = {
    "bare": "bare physics and images",
    "torch steps": "PyTorch update, LSTM step by step",
    "torch cudnn": "PyTorch update, LSTM of cuDNN",
}
UNMEASURED = "not measured"
BASIC: tuple[Rollout, ...] = ("learner",)
_ROLLOUTS = {"learner": "", "simulator": ", rollout on s", "overlap": ", overlap"}


class Row(NamedTuple):
    """A case, what was measured, and what the planner predicts, if it does."""

    case: Case
    result: Result
    predicted: Predicted | None = None


Rows = Sequence[Row]


def compare(
    configs: Sequence[str],
    layouts: Sequence[str],
    rollouts: Sequence[Rollout],
    baselines: Sequence[str],
    *,
    envs: Sequence[int],
    memory: float | None,
    level: int,
    iterations: int,
    seconds: float,
    report: Callable[[str], None],
    save: Callable[[Rows], None] = lambda rows: None,
) -> list[Row]:
    """Measures every config on every layout, then the baselines of each config. A failure is a row too.

    Args:
      configs, layouts, rollouts: see `throughput.Case`; of rollouts only what a layout allows.
      baselines: of BASELINES.
      envs: in total: a number for all configs or one for each; empty for the configs' own.
      memory: GB; then every layout is also measured with the most envs that the planner fits into devices of
        so much, JAX held to its share of it. None for no such cases.
      level, iterations: see `throughput.Case`.
      seconds: after which a case is given up.
      report: is told about progress.
      save: is given all rows so far after each case, so that none is lost to an interruption.

    Raises:
      UserError: a config does not exist or does not fit the other arguments, a layout cannot split the envs,
        or `memory` cannot be planned for.
    """
    if len(envs) not in (0, 1, len(configs)):
        raise UserError(
            f"--envs has {len(envs)} numbers for {len(configs)} configs; give one, or one for each"
        )
    device = gpu_memory.kind() or "cpu"
    counts = list(envs) * (len(configs) // len(envs)) if envs else [None] * len(configs)
    cases = []
    for config, count in zip(configs, counts, strict=True):
        cases += _cases(config, layouts, rollouts, baselines, count, level, iterations, memory, device)
    rows = []
    for i, (case, variables) in enumerate(cases, start=1):
        found, end = processes.run(throughput.__name__, [json.dumps(asdict(case))], seconds, variables)
        result = _result(found[0]) if found else Result(error=end)
        rows.append(Row(case, result, throughput_plan.predict(case, result, device)))
        save(rows)
        report(f"{i} of {len(cases)}: {case.config}, {_label(case)}: {_said(result)}")
    return rows


def _cases(
    config: str,
    layouts: Sequence[str],
    rollouts: Sequence[Rollout],
    baselines: Sequence[str],
    envs: int | None,
    level: int,
    iterations: int,
    memory: float | None,
    device: str,
) -> list[tuple[Case, dict[str, str]]]:
    """Cases of a config, with the variables of their processes."""
    case = Case("training", config, "auto", "learner", envs, level, iterations)
    throughput_plan.check_split(case.load_config(), layouts)
    # Only roles on devices of their own have a choice.
    trained = [
        replace(case, layout=layout, rollout=rollout)
        for layout in layouts
        for rollout in (BASIC if layout == "auto" or layout.startswith("dp") else rollouts)
    ]
    kinds: list[Kind] = [kind for baseline in baselines for kind in BASELINES[baseline]]
    cases: list[tuple[Case, dict[str, str]]] = [(one, {}) for one in trained]
    cases += [(replace(case, kind=kind), {}) for kind in kinds]
    for one, _ in cases:
        one.load_config()
    if memory is not None:
        # The planner knows nothing of two rollouts at once.
        cases += [_most(one, memory, device) for one in trained if one.rollout != "overlap"]
    return cases


def _most(case: Case, memory: float, device: str) -> tuple[Case, dict[str, str]]:
    """The case with the most envs that fit, and the variables that hold JAX to its share."""
    envs, for_jax = throughput_plan.most_envs(case, device, memory)
    share = throughput_plan.jax_fraction(for_jax, memory)
    return replace(case, envs=envs, memory=memory), {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:g}"}


def _result(fields: dict[str, Any]) -> Result:
    """The Result that was told as plain values."""
    result = Result(**fields)
    uses: Any = result.uses
    return result if uses is None else replace(result, uses=[Use(**use) for use in uses])


def markdown(rows: Rows) -> str:
    """Tables for docs/: throughput, then phases and memory of the training cases."""
    devices = sorted({row.result.device for row in rows if row.result.device})
    levels = sorted({row.case.level for row in rows})
    lines = [
        f"Device: {', '.join(devices) or 'none'}. ADR level {', '.join(map(str, levels))}. Learner samples "
        "are env steps passed forward and backward by the update, each epoch counted.",
        "",
        _row(_RATES),
        "|" + "---|" * len(_RATES),
    ]
    for case, result, predicted in rows:
        update = (result.phases or {}).get("update")
        cells = [
            case.config,
            f"{result.width}×{result.height}" if result.width else "",
            f"{result.envs:,}" if result.envs else "",
            _label(case),
            _rate(result.env_steps_per_s),
            _rate(predicted and predicted.env_steps_per_s),
            _rate(result.samples_per_s),
            _number(update),
            (result.error or "").replace("|", "/"),
        ]
        lines.append(_row(cells))
    trained = [row for row in rows if row.result.uses is not None]
    if trained:
        lines += [
            "",
            "Iterations: ms; a phase is waited for before the next starts, an iteration as a whole is not.",
            "",
            _row(["config", "layout", "iteration", "PREDICTED", *_PHASES]),
            "|" + "---|" * (len(_PHASES) + 4),
        ]
        for case, result, predicted in trained:
            phases = [_number((result.phases or {}).get(name)) for name in _PHASES]
            whole = [_number(result.iteration_ms), _number(predicted and predicted.iteration_ms)]
            lines.append(_row([case.config, _label(case), *whole, *phases]))
        lines += [
            "",
            "Memory in MiB: JAX's peak, JAX's limit, and what the process took besides JAX's pool. Idle: "
            "share of the iteration in which no phase of the device's roles runs.",
            "",
            _row(_USES),
            "|" + "---|" * len(_USES),
        ]
        for case, result, predicted in trained:
            for use in result.uses or []:
                peak, limit, besides = (
                    UNMEASURED if size is None else _number(size)
                    for size in (use.xla_peak, use.xla_limit, use.outside)
                )
                jax = _number(predicted and predicted.jax[use.device])
                outside = _number(predicted and predicted.outside[use.device])
                start = [case.config, _label(case), str(use.device), use.roles, f"{use.idle:.0%}"]
                lines.append(_row([*start, peak, jax, limit, besides, outside]))
        if any(use.xla_peak is None for row in trained for use in row.result.uses or []):
            lines += ["", f"{UNMEASURED}: a CPU keeps no account of the memory of JAX's devices."]
    lines += _about_predictions(rows)
    peaks = [(row.case, row.result) for row in rows if row.result.torch_peak is not None]
    lines += [""] if peaks else []
    lines += [f"{case.config}, {_label(case)}: peak {_number(r.torch_peak)} MiB.  " for case, r in peaks]
    return "\n".join(lines) + "\n"


def as_json(rows: Rows) -> list[dict]:
    """Everything, as plain dictionaries."""
    return [
        asdict(case) | asdict(result) | {"predicted": None if predicted is None else asdict(predicted)}
        for case, result, predicted in rows
    ]


def _about_predictions(rows: Rows) -> list[str]:
    """Where each config's predictions come from, or that there are none."""
    sources: dict[str, str | None] = {}
    for case, _, predicted in rows:
        if case.kind == "training" and case.rollout != "overlap":
            sources[case.config] = sources.get(case.config) or (predicted and predicted.source)
    if not sources:
        return []
    lines = [
        "",
        "PREDICTED: of what stands left of it, by the planner's arithmetic (scripts/plan.py); not measured.",
        "",
    ]
    for config, source in sources.items():
        unknown = f"no prediction; scripts/plan.py --config {config} --probe measures what it needs"
        lines.append(f"- {config}: {source or unknown}")
    return lines


def _label(case: Case) -> str:
    if case.kind != "training":
        return _LABELS[case.kind]
    most = "" if case.memory is None else f", most envs in {case.memory:g} GB"
    return f"{case.layout}{_ROLLOUTS[case.rollout]}{most}"


def _said(result: Result) -> str:
    if result.error is not None:
        return f"no result: {result.error}"
    rates = {"env steps/s": result.env_steps_per_s, "learner samples/s": result.samples_per_s}
    return ", ".join(f"{_rate(rate)} {name}" for name, rate in rates.items() if rate)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{float(f'{value:.3g}'):,.0f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
