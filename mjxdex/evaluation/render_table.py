"""Compares the renderers: each with images of one size in a process of its own, then errors and tables."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mjxdex.evaluation import processes, render_benchmark, render_scenes
from mjxdex.evaluation.render_benchmark import FIXED_CAMERA, Case, Result
from mjxdex.render.backends import RGB_RENDERERS

TRUTH = "mj_ray"
NEAR = 1e-3
"""Depths are taken for equal within this, metres."""


@dataclass(frozen=True)
class Difference:
    """How the depth images of two renderers differ, over all pixels, also where only one hits something.

    Attributes:
      first, second: backends; `second` may be TRUTH.
      width, height: pixels.
      mean, worst: absolute differences, metres; a miss is a depth of 0.
      near: share of pixels within NEAR.
      images: how many images.
    """

    first: str
    second: str
    width: int
    height: int
    mean: float
    worst: float
    near: float
    images: int


@dataclass(frozen=True)
class Comparison:
    """All that was measured."""

    rows: list[tuple[Case, Result]]
    differences: list[Difference]


def compare(
    config: str,
    backends: Sequence[str],
    images: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    batches: Sequence[int],
    *,
    calls: int,
    rounds: int,
    shown: int,
    seconds: float,
    report: Callable[[str], None],
) -> Comparison:
    """Measures every combination. A case that fails is a row that says why.

    Args:
      config: name or file of a configuration: objects and seed.
      backends, images, sizes, batches: see `render_benchmark.Case`; sizes are (width, height).
      calls, rounds: see `render_benchmark.Case`.
      shown: how many envs' depth images are compared, for each of `render_scenes.POSES`.
      seconds: after which a case is given up.
      report: is told about progress.
    """
    envs = np.unique(np.linspace(0, min(batches) - 1, shown).astype(int))
    cases = [
        Case(config, backend, image, *size, batch, calls, rounds, tuple(envs.tolist()))
        for image in images
        for size in sizes
        for backend in backends
        for batch in sorted(batches)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenes = render_scenes.draw(cases[0].load_config(), max(batches))
        render_scenes.save(folder / "scenes.npz", scenes)
        rows = []
        while len(rows) < len(cases):
            left_of_size = len(batches) - len(rows) % len(batches)
            for case, result in _run(cases[len(rows) : len(rows) + left_of_size], folder, seconds):
                rows.append((case, result))
                what = f"{case.image} {_size(case)}, batch {case.batch}, {_label(case)}"
                report(f"{len(rows)} of {len(cases)}: {what}: {_said(result)}")
        differences = _differences(rows, scenes, folder, report) if "depth" in images else []
    return Comparison(rows, differences)


def _run(cases: list[Case], folder: Path, seconds: float) -> list[tuple[Case, Result]]:
    """Results of the first cases, at least of one: after one that takes the process down no more come."""
    missing = _missing(cases[0])
    if missing:
        return [(case, Result(error=missing)) for case in cases]
    arguments = [json.dumps([asdict(case) for case in cases]), str(folder / "scenes.npz"), str(folder)]
    lines, end = processes.run(render_benchmark.__name__, arguments, seconds * len(cases))
    found = [Result(**fields) for fields in lines]
    if len(found) < len(cases):
        found.append(Result(error=end))
    return list(zip(cases, found, strict=False))


def _missing(case: Case) -> str | None:
    """Why nothing can draw a case."""
    if case.image == "depth" or case.backend in RGB_RENDERERS:
        return None
    if case.backend == FIXED_CAMERA and case.image == "rgb":
        return None
    return f"{case.backend} draws no {case.image} for policies"


def _differences(
    rows: list[tuple[Case, Result]],
    scenes: dict[str, np.ndarray],
    folder: Path,
    report: Callable[[str], None],
) -> list[Difference]:
    """Of each backend with TRUTH and with those before it, at each size; images of the smallest batch."""
    found: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    for case, result in rows:
        if case.image == "depth" and result.error is None:
            drawn = found.setdefault((case.width, case.height), {})
            if not drawn:
                report(f"{TRUTH} of {len(case.shown) * len(render_scenes.POSES)} images, {_size(case)}")
                config = case.load_config()
                drawn[TRUTH] = np.stack(
                    [
                        render_scenes.traced(config, scenes, pose, env)
                        for pose in render_scenes.POSES
                        for env in case.shown
                    ]
                )
            if case.backend not in drawn:
                with np.load(folder / case.file) as kept:
                    drawn[case.backend] = np.concatenate([kept[pose] for pose in render_scenes.POSES])
    differences = []
    for (width, height), drawn in found.items():
        names = list(drawn)
        for i, first in enumerate(names[1:], start=1):
            for second in names[:i]:
                error = np.abs(drawn[first].astype(float) - drawn[second])
                differences.append(
                    Difference(
                        first,
                        second,
                        width,
                        height,
                        mean=float(error.mean()),
                        worst=float(error.max()),
                        near=float((error <= NEAR).mean()),
                        images=len(error),
                    )
                )
    return differences


def markdown(comparison: Comparison) -> str:
    """Tables for docs/: speed and memory, then errors of depth."""
    devices = {result.device for _, result in comparison.rows if result.device}
    lines = [
        f"Device: {', '.join(sorted(devices)) or 'none'}. ms per batch and images/s: in reset poses / with "
        "hands around objects. Memory: JAX's peak / all that the process took on the GPU.",
        "",
        "| images | size | batch | backend | ms | images/s | memory, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, result in comparison.rows:
        start = f"| {case.image} | {_size(case)} | {case.batch:,} | {_label(case)} "
        if result.ms is None:
            lines.append(f"{start}| {(result.error or '').replace('|', '/')} | | |")
            continue
        ms = " / ".join(f"{result.ms[pose]:.3g}" for pose in render_scenes.POSES)
        rate = " / ".join(_rate(case, result.ms[pose]) for pose in render_scenes.POSES)
        memory = " / ".join("n/a" if m is None else f"{m:,.0f}" for m in (result.xla_mib, result.gpu_mib))
        lines.append(f"{start}| {ms} | {rate} | {memory} |")
    if comparison.differences:
        lines += [
            "",
            "| depth of | against | size | images | mean, µm | worst, mm | pixels within 1 mm |",
            "|---|---|---|---|---|---|---|",
        ]
    for d in comparison.differences:
        lines.append(
            f"| {d.first} | {d.second} | {d.width}×{d.height} | {d.images} | {d.mean * 1e6:.3g} | "
            f"{d.worst * 1e3:.3g} | {d.near:.4%} |"
        )
    return "\n".join(lines) + "\n"


def as_json(comparison: Comparison) -> dict:
    """Everything, as plain dictionaries."""
    return {
        "rows": [asdict(case) | asdict(result) for case, result in comparison.rows],
        "differences": [asdict(difference) for difference in comparison.differences],
    }


def _said(result: Result) -> str:
    if result.ms is None:
        return f"no result: {result.error}"
    return ", ".join(f"{name} {ms:.3g} ms" for name, ms in result.ms.items())


def _rate(case: Case, ms: float) -> str:
    rate = case.batch / ms * 1e3
    return f"{float(f'{rate:.3g}'):,.0f}"


def _label(case: Case) -> str:
    return (
        f"{case.backend} (fixed camera)"
        if case.image == "rgb" and case.backend == FIXED_CAMERA
        else case.backend
    )


def _size(case: Case) -> str:
    return f"{case.width}×{case.height}"
