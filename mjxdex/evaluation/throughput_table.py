"""Throughput of layouts and resolutions beside two baselines, each case in its own process, as tables."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from mjxdex.evaluation import processes, throughput
from mjxdex.evaluation.throughput import Case, Kind, Result, Rollout, Use

BASELINES: dict[str, tuple[Kind, ...]] = {"bare": ("bare",), "torch": ("torch steps", "torch cudnn")}
"""Kinds of case by the name of the baseline."""
_PHASES = ("physics", "render", "inference", "transfer", "update")
_LABELS = {
    "bare": "bare physics and images",
    "torch steps": "PyTorch update, LSTM step by step",
    "torch cudnn": "PyTorch update, LSTM of cuDNN",
}
BASIC: tuple[Rollout, ...] = ("learner",)
_ROLLOUTS = {"learner": "", "simulator": ", rollout on s", "overlap": ", overlap"}

Rows = list[tuple[Case, Result]]


def compare(
    configs: Sequence[str],
    layouts: Sequence[str],
    rollouts: Sequence[Rollout],
    baselines: Sequence[str],
    *,
    envs: int | None,
    level: int,
    iterations: int,
    seconds: float,
    report: Callable[[str], None],
) -> Rows:
    """Measures every config on every layout, then the baselines of each config. A failure is a row too.

    Args:
      configs, layouts, rollouts: see `throughput.Case`; of rollouts only what a layout allows.
      baselines: of BASELINES.
      envs, level, iterations: see `throughput.Case`.
      seconds: after which a case is given up.
      report: is told about progress.

    Raises:
      ConfigError: a config does not exist, or does not fit the other arguments.
    """
    cases = []
    for config in configs:
        for layout in layouts:
            # Only roles on devices of their own have a choice.
            chosen = rollouts if re.fullmatch(r"s[\d,]+-l[\d,]+", layout) else BASIC
            cases += [
                Case("training", config, layout, rollout, envs, level, iterations) for rollout in chosen
            ]
        kinds: list[Kind] = [kind for baseline in baselines for kind in BASELINES[baseline]]
        cases += [Case(kind, config, "auto", "learner", envs, level, iterations) for kind in kinds]
    for case in cases:
        case.load_config()
    rows = []
    for i, case in enumerate(cases, start=1):
        found, end = processes.run(throughput.__name__, [json.dumps(asdict(case))], seconds)
        result = _result(found[0]) if found else Result(error=end)
        rows.append((case, result))
        report(f"{i} of {len(cases)}: {case.config}, {_label(case)}: {_said(result)}")
    return rows


def _result(fields: dict[str, Any]) -> Result:
    """The Result that was told as plain values."""
    result = Result(**fields)
    uses: Any = result.uses
    return result if uses is None else replace(result, uses=[Use(**use) for use in uses])


def markdown(rows: Rows) -> str:
    """Tables for docs/: throughput, then phases and memory of the training cases."""
    devices = sorted({result.device for _, result in rows if result.device})
    levels = sorted({case.level for case, _ in rows})
    lines = [
        f"Device: {', '.join(devices) or 'none'}. ADR level {', '.join(map(str, levels))}. Learner samples "
        "are env steps passed forward and backward by the update, each epoch counted.",
        "",
        "| config | images | envs | what | env steps/s | learner samples/s | update, ms | error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, result in rows:
        update = (result.phases or {}).get("update")
        cells = [
            case.config,
            f"{result.width}×{result.height}" if result.width else "",
            f"{result.envs:,}" if result.envs else "",
            _label(case),
            _rate(result.env_steps_per_s),
            _rate(result.samples_per_s),
            _number(update),
            (result.error or "").replace("|", "/"),
        ]
        lines.append(_row(cells))
    trained = [(case, result) for case, result in rows if result.uses is not None]
    if trained:
        lines += [
            "",
            "Iterations: ms; a phase is waited for before the next starts, an iteration as a whole is not.",
            "",
            _row(["config", "layout", "iteration", *_PHASES]),
            "|" + "---|" * (len(_PHASES) + 3),
        ]
        for case, result in trained:
            phases = [_number((result.phases or {}).get(name)) for name in _PHASES]
            lines.append(_row([case.config, _label(case), _number(result.iteration_ms), *phases]))
        lines += [
            "",
            "Memory in MiB: JAX's peak, JAX's limit, and what the process took besides JAX's pool.",
            "",
            "| config | layout | device | role | idle | JAX, peak | JAX, limit | besides |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for case, result in trained:
            for use in result.uses or []:
                memory = [_number(size) or "n/a" for size in (use.xla_peak, use.xla_limit, use.outside)]
                start = [case.config, _label(case), str(use.device), use.roles, f"{use.idle:.0%}"]
                lines.append(_row([*start, *memory]))
    peaks = [(case, result) for case, result in rows if result.torch_peak is not None]
    lines += [""] if peaks else []
    lines += [f"{case.config}, {_label(case)}: peak {_number(r.torch_peak)} MiB.  " for case, r in peaks]
    return "\n".join(lines) + "\n"


def as_json(rows: Rows) -> list[dict]:
    """Everything, as plain dictionaries."""
    return [asdict(case) | asdict(result) for case, result in rows]


def _label(case: Case) -> str:
    return f"{case.layout}{_ROLLOUTS[case.rollout]}" if case.kind == "training" else _LABELS[case.kind]


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
