"""A folder of meshes as an object set, with what every fit is worth and why some meshes were left out."""

import csv
import importlib.util
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mjxdex.config import UserError
from mjxdex.objects import fitting, meshes
from mjxdex.objects.cavities import fill_cavities
from mjxdex.objects.distance import NUM_SIZES
from mjxdex.objects.files import write_set
from mjxdex.objects.fit_errors import FitErrors, fit_errors
from mjxdex.objects.meshes import Mesh, MeshError
from mjxdex.objects.refining import MIN_HALF_SIZE
from mjxdex.objects.shapes import PART_TYPES, Shape
from mjxdex.objects.slot_budget import choose_types, slots_needed

NEEDED = {"trimesh": "trimesh", "coacd": "CoACD", "scipy": "SciPy"}

THIN_WALLED = 40.0
"""Volume error above which filled cavities are suggested, percent."""


@dataclass(frozen=True)
class Settings:
    """Attributes:
    unit: what one unit of the files is, see `meshes.read`.
    scale: factor on all lengths.
    repair: mend open meshes.
    fill: fill large cavities, and compare the fit with the filled mesh.
    max_parts: most parts of an object.
    max_slots: most slots of the set, over all types of part.
    seed: of all sampling.
    jobs: processes that fit at the same time.
    """

    unit: meshes.Unit = "auto"
    scale: float = 1.0
    repair: bool = False
    fill: bool = False
    max_parts: int = 5
    max_slots: int = 8
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True)
class Imported:
    """One mesh that became an object.

    Attributes:
      file: name of its file.
      mesh: what was fitted.
      fit: the parts.
      errors: of the fit.
      notices: what the user should know about it.
    """

    file: str
    mesh: Mesh
    fit: fitting.Fit
    errors: FitErrors
    notices: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        return Shape(self.mesh.name, self.fit.parts)


@dataclass(frozen=True)
class Import:
    """Attributes:
    objects: the meshes that became objects, sorted by name.
    skipped: why the others did not, by file name.
    notices: what concerns the whole set.
    """

    objects: tuple[Imported, ...]
    skipped: dict[str, str]
    notices: tuple[str, ...]

    @property
    def slots(self) -> dict[str, int]:
        """Slots of each type that the set needs."""
        return slots_needed([[part.type for part in own.fit.parts] for own in self.objects])

    def mean(self) -> FitErrors:
        """Means over the objects; of the volume error without its sign."""
        rows = [
            asdict(replace(own.errors, volume_error_percent=abs(own.errors.volume_error_percent)))
            for own in self.objects
        ]
        return FitErrors(**{key: float(np.mean([row[key] for row in rows])) for key in rows[0]})

    def table(self) -> Table:
        """The fit errors for a terminal."""
        table = Table(title="fit errors", title_justify="left")
        distances = ("mesh to fit\nmm (95 %)", "fit to mesh\nmm (95 %)")
        for name in ("object", "parts", "mesh\ncm³", "fit\nerror", *distances, "IoU"):
            table.add_column(name, justify="left" if name == "object" else "right", no_wrap=True)
        for own in self.objects:
            table.add_row(own.mesh.name, str(len(own.fit.parts)), *_cells(own.errors, "+"))
        if self.objects:
            parts = np.mean([len(own.fit.parts) for own in self.objects])
            table.add_row("mean", f"{parts:.1f}", *_cells(self.mean(), ""), style="bold")
        return table

    def write_set(self, path: Path, name: str) -> None:
        """Writes the object set that `--env.objects` reads."""
        info = {
            own.mesh.name: {
                "source": own.file,
                "volume_error_percent": round(own.errors.volume_error_percent, 1),
                "surface_error_mm": round(own.errors.surface_mm, 2),
                "iou": round(own.errors.iou, 3),
            }
            for own in self.objects
        }
        write_set(path, name, tuple(own.shape for own in self.objects), info)

    def write_csv(self, path: Path) -> None:
        """Writes the fit errors, one line an object."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            names = [field.name for field in fields(FitErrors)]
            writer.writerow(["name", "file", "unit", "parts", "types", *names])
            for own in self.objects:
                types = " ".join(part.type for part in own.fit.parts)
                errors = [f"{getattr(own.errors, name):.3f}" for name in names]
                writer.writerow([own.mesh.name, own.file, own.mesh.unit, len(own.fit.parts), types, *errors])

    def write_preview(self, path: Path, title: str) -> None:
        """Writes a picture of each mesh beside its fit."""
        from mjxdex.objects.preview import write_preview

        rows = []
        for own in self.objects:
            caption = f"{own.errors.surface_mm:.1f} mm, volume {own.errors.volume_error_percent:+.0f} %"
            rows.append((f"{own.mesh.name}: {caption}", own.mesh.vertices, own.mesh.faces, own.shape))
        write_preview(path, rows, title)


def import_folder(
    folder: Path,
    settings: Settings,
    track: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, _: items,
) -> Import:
    """Turns every OBJ, STL and PLY file of a folder into an object; bad ones are left out, with the reason.

    Args:
      folder: its subfolders are not searched.
      settings: what to take the files for, and how many parts to spend.
      track: wraps what is being fitted, given with its number, for a progress bar.

    Raises:
      UserError: a library is missing, there is no such folder, or no mesh in it.
    """
    _check(settings)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in meshes.SUFFIXES)
    if not files:
        raise UserError(f"no {', '.join(meshes.SUFFIXES)} file in {folder}; subfolders are not searched")
    by_name: dict[str, Path] = {}
    found: dict[str, tuple[Mesh, fitting.Fit]] = {}
    skipped: dict[str, str] = {}
    for path in files:
        first = by_name.setdefault(path.stem, path)
        if first != path:
            skipped[path.name] = f"another mesh is called {path.stem} too ({first.name}); rename one"
    with _workers(settings.jobs) as run:
        results = run(partial(_fit, settings), by_name.values())
        for path, result in zip(by_name.values(), track(results, len(by_name)), strict=True):
            if isinstance(result, str):
                skipped[path.name] = result
            else:
                found[path.stem] = result
        of, fits = [mesh for mesh, _ in found.values()], [fit for _, fit in found.values()]
        fits, notices = _within_slots(fits, of, settings, run)
        errors = run(partial(_errors, settings), of, fits)
        objects = tuple(
            Imported(
                by_name[mesh.name].name,
                mesh,
                fit,
                error,
                (*mesh.notices, *_thin(fit), *_hollow(error, settings)),
            )
            for mesh, fit, error in zip(of, fits, errors, strict=True)
        )
    return Import(objects, dict(sorted(skipped.items())), (*_units(of, settings), *notices))


@contextmanager
def _workers(jobs: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Something like `map`, over `jobs` processes."""
    if jobs == 1:
        yield map
    else:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool.map


def _fit(settings: Settings, path: Path) -> tuple[Mesh, fitting.Fit] | str:
    """A mesh and its fit, or why there is none."""
    try:
        mesh = meshes.read(path, settings.unit, settings.scale, settings.repair)
        if settings.fill:
            mesh = fill_cavities(mesh)
        return mesh, fitting.fit(mesh, settings.max_parts, settings.seed)
    except MeshError as error:
        return str(error)


def _errors(settings: Settings, mesh: Mesh, fit: fitting.Fit) -> FitErrors:
    return fit_errors(mesh, Shape(mesh.name, fit.parts), settings.seed)


def _units(of: list[Mesh], settings: Settings) -> list[str]:
    """What was assumed about the unit of the files."""
    units = [mesh.unit for mesh in of]
    if settings.unit != "auto" or not of:
        return []
    if len(set(units)) == 1:
        return [f"by their sizes, all meshes are in {units[0]}"]
    return [
        f"by their sizes, {units.count('m')} meshes are in m and {units.count('mm')} in mm; --unit fixes one"
    ]


def _check(settings: Settings) -> None:
    missing = [NEEDED[name] for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"{' and '.join(missing)} missing; install with: pip install 'mjxdex[import]'")
    if settings.jobs < 1:
        raise UserError(f"--jobs is {settings.jobs}; it must be at least 1")
    if not settings.scale > 0:
        raise UserError(f"--scale is {settings.scale}; it must be above 0")
    if not 1 <= settings.max_parts <= settings.max_slots:
        raise UserError(
            f"--max-parts is {settings.max_parts}; it must be at least 1 and at most --max-slots, "
            f"{settings.max_slots}"
        )


def _within_slots(
    fits: list[fitting.Fit], of: list[Mesh], settings: Settings, run: Callable[..., Iterable[Any]]
) -> tuple[list[fitting.Fit], list[str]]:
    """Fits whose types share `max_slots` slots, and what that changed."""
    if not fits:
        return fits, []
    before = [tuple(part.type for part in fit.parts) for fit in fits]
    wanted = slots_needed(before)
    if sum(wanted.values()) <= settings.max_slots:
        return fits, []
    losses = list(run(partial(fitting.type_losses, seed=settings.seed), fits, of))
    types = choose_types(losses, settings.max_slots)
    other = [k for k in range(len(fits)) if types[k] != before[k]]
    columns = [[own[k] for k in other] for own in (fits, types, of)]
    changed = dict(zip(other, run(partial(fitting.refit, seed=settings.seed), *columns), strict=True))
    said = ", ".join(
        f"{of[k].name} {fits[k].error * 1000:.1f} -> {changed[k].error * 1000:.1f}" for k in other
    )
    needed = ", ".join(f"{wanted[kind]} {kind}" for kind in PART_TYPES if wanted[kind])
    notice = (
        f"the best fits need {sum(wanted.values())} slots ({needed}); to stay within --max-slots "
        f"{settings.max_slots}, {len(other)} objects have parts of other types (mesh to fit, mean mm): {said}"
    )
    return [changed.get(k, fit) for k, fit in enumerate(fits)], [notice]


def _thin(fit: fitting.Fit) -> list[str]:
    """A notice if parts would be thinner but for the least thickness."""
    at_least = sum(
        min(part.size[: 1 if part.type == "capsule" else NUM_SIZES[part.type]]) <= MIN_HALF_SIZE
        for part in fit.parts
    )
    if not at_least:
        return []
    return [
        f"{at_least} of {len(fit.parts)} parts raised to the least thickness, {2000 * MIN_HALF_SIZE:.0f} mm"
    ]


def _hollow(errors: FitErrors, settings: Settings) -> list[str]:
    """A notice if filling cavities may be the better choice."""
    if settings.fill or errors.volume_error_percent < THIN_WALLED:
        return []
    return [f"the fit has {errors.volume_error_percent:.0f} % more volume than its thin walls; see --fill"]


def _cells(errors: FitErrors, sign: str) -> tuple[str, ...]:
    return (
        f"{errors.volume_mesh_cm3:.1f}",
        f"{errors.volume_error_percent:{sign}.1f} %",
        f"{errors.mesh_to_fit_mm:.2f} ({errors.mesh_to_fit_95_mm:.1f})",
        f"{errors.fit_to_mesh_mm:.2f} ({errors.fit_to_mesh_95_mm:.1f})",
        f"{errors.iou:.2f}",
    )


def settings_from(options: Any) -> Settings:
    """Settings from parsed options of the same names."""
    return Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
