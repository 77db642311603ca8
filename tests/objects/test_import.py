"""Meshes to objects: exact primitives come back, and bad meshes are named and left out."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from trimesh import creation
from trimesh.transformations import random_rotation_matrix

from mjxdex import objects
from mjxdex.config import UserError
from mjxdex.objects import Shape, fitting, meshes
from mjxdex.objects.cavities import fill_cavities
from mjxdex.objects.fit_errors import fit_errors
from mjxdex.objects.importing import Settings, import_folder
from mjxdex.objects.sampling import Solid, contains, mesh_surface
from mjxdex.objects.slot_budget import choose_types, slots_needed

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_meshes", Path(__file__).with_name("make_meshes.py"))
assert spec and spec.loader
make_meshes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_meshes)


def script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/import_objects.py"), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def ellipsoid(x: float, y: float, z: float) -> trimesh.Trimesh:
    ball = creation.icosphere(4)
    ball.vertices *= (x, y, z)
    return ball


@pytest.mark.parametrize(
    ("mesh", "kind", "size"),
    [
        (creation.box((0.12, 0.06, 0.04)), "box", (0.02, 0.03, 0.06)),
        (creation.cylinder(0.03, 0.1, sections=64), "cylinder", (0.0, 0.03, 0.05)),
        (creation.capsule(0.08, 0.02, count=[48, 48]), "capsule", (0.0, 0.02, 0.04)),
        (ellipsoid(0.05, 0.035, 0.025), "ellipsoid", (0.025, 0.035, 0.05)),
    ],
    ids=["box", "cylinder", "capsule", "ellipsoid"],
)
def test_a_turned_primitive_comes_back_as_itself(tmp_path, mesh, kind, size):
    mesh = mesh.copy()
    mesh.apply_transform(random_rotation_matrix(np.array([0.2, 0.5, 0.7])))
    mesh.apply_translation([0.3, -0.2, 0.1])
    mesh.export(tmp_path / "one.stl")
    read = meshes.read(tmp_path / "one.stl")
    fit = fitting.fit(read, max_parts=5)
    assert [part.type for part in fit.parts] == [kind]
    np.testing.assert_allclose(sorted(fit.parts[0].size), size, atol=1e-3)
    errors = fit_errors(read, Shape("one", fit.parts))
    assert errors.mesh_to_fit_95_mm < 1 and errors.fit_to_mesh_95_mm < 1
    assert abs(errors.volume_error_percent) < 2
    assert errors.iou > 0.96


def test_overlapping_bodies_are_their_union(tmp_path):
    (path,) = make_meshes.write(tmp_path, "l_profile")
    read = meshes.read(path)
    fit = fitting.fit(read, max_parts=2)
    errors = fit_errors(read, Shape("l_profile", fit.parts))
    assert errors.volume_mesh_cm3 == pytest.approx(120 + 84 - 24, rel=0.005)
    assert [part.type for part in fit.parts] == ["box", "box"]
    assert errors.mesh_to_fit_mm < 0.5 and errors.fit_to_mesh_mm < 0.5


def test_parts_have_a_least_thickness(tmp_path):
    creation.box((0.1, 0.08, 0.003)).export(tmp_path / "card.stl")
    found = import_folder(tmp_path, Settings(max_parts=1))
    (part,) = found.objects[0].fit.parts
    np.testing.assert_allclose(sorted(part.size), (0.004, 0.04, 0.05), atol=1e-3)
    assert "raised to the least thickness, 8 mm" in found.objects[0].notices[0]
    assert found.objects[0].errors.volume_error_percent > 100


def test_cavities_are_filled_and_holes_are_not(tmp_path):
    cup, ring = (meshes.read(path) for path in make_meshes.write(tmp_path, "mug", "ring"))
    assert fill_cavities(ring) is ring
    filled = fill_cavities(cup)
    box = filled.vertices.min(axis=0), filled.vertices.max(axis=0)
    solid = Solid((filled.vertices, filled.faces), box, 60, np.random.default_rng(0))
    handle = 1e-6 * 6  # about
    assert solid.volume == pytest.approx(np.pi * 0.04**2 * 0.095 + handle, rel=0.02)
    assert "a cavity of 3" in filled.notices[0] and "cm³ filled" in filled.notices[0]


def test_inside_and_distance_of_a_ring():
    ring = creation.torus(0.05, 0.015, major_sections=128, minor_sections=64)
    box = ring.bounds[0] - 0.01, ring.bounds[1] + 0.01
    solid = Solid((ring.vertices, ring.faces), box, 24, np.random.default_rng(0))
    radial = np.hypot(solid.points[:, 0], solid.points[:, 1]) - 0.05
    exact = np.hypot(radial, solid.points[:, 2]) - 0.015
    clear = np.abs(exact) > 2e-4
    np.testing.assert_array_equal(solid.inside[clear], exact[clear] < 0)
    np.testing.assert_array_equal(contains(ring.vertices, ring.faces, solid.points), solid.inside)
    assert solid.volume == pytest.approx(ring.volume, rel=0.01)
    surface = mesh_surface(ring.vertices, ring.faces, 40_000, np.random.default_rng(1))
    np.testing.assert_allclose(surface.distance(solid.points), np.abs(exact), atol=5e-4)


def bad_meshes(folder: Path) -> dict[str, str]:
    """Writes meshes that cannot be used; returns what must be said about each."""
    box = creation.box((0.1, 0.06, 0.04))
    write = {
        "open.stl": trimesh.Trimesh(box.vertices, box.faces[:-2]),
        "house.stl": creation.box((9.0, 6, 4)),
        "crumb.ply": creation.box((0.009, 0.006, 0.004)),
        "inches.obj": creation.box((4.0, 3, 2)),
        "flat.stl": trimesh.Trimesh(box.vertices * (1, 1, 0), box.faces),
    }
    for name, mesh in write.items():
        mesh.export(folder / name)
    (folder / "empty.obj").write_text("")
    (folder / "points.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    (folder / "nan.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 nan 0\nf 1 2 3\n")
    (folder / "index.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n")
    (folder / "letter.ply").write_text("Dear Sir or Madam")
    return {
        "open.stl": "1 hole, 4 broken edges",
        "house.stl": "9 m if in m, 9 mm if in mm",
        "crumb.ply": "objects have 2 to 30 cm",
        "inches.obj": "--scale",
        "flat.stl": "no volume",
        "empty.obj": "no faces",
        "points.obj": "no faces",
        "nan.obj": "1 of its 3 vertices are not finite",
        "index.obj": "cannot be read as OBJ",
        "letter.ply": "cannot be read as PLY",
    }


def test_bad_meshes_are_named_and_the_good_one_is_used(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    said = bad_meshes(folder)
    result = script(tmp_path, "mine")
    assert result.returncode == 1
    assert result.stderr.strip() == f"error: none of the {len(said)} meshes in mine can be used"
    assert not (tmp_path / "objects").exists()

    creation.box((100, 60, 40)).export(folder / "brick.STL")
    result = script(tmp_path, "mine", "--name", "bricks")
    assert result.returncode == 0, result.stderr
    for name, reason in said.items():
        (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"skipped {name}: ")]
        assert reason in line
    (brick,) = objects.load(str(tmp_path / "objects/bricks.yaml")).shapes
    assert brick.name == "brick"
    np.testing.assert_allclose(sorted(brick.parts[0].size), (0.02, 0.03, 0.05), atol=1e-3)
    (row,) = csv.DictReader((tmp_path / "objects/bricks.csv").open())
    assert row["unit"] == "mm" and float(row["volume_mesh_cm3"]) == pytest.approx(240, rel=0.01)
    assert (tmp_path / "objects/bricks.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("edge", "unit", "said"),
    [
        (120.0, "m", "120 m with --unit m; objects have 2 to 30 cm: --unit mm makes it 12 cm"),
        (0.12, "mm", "0.12 mm with --unit mm; objects have 2 to 30 cm: --unit m makes it 12 cm"),
        (12.0, "auto", "12 m if in m, 1.2 cm if in mm; objects have 2 to 30 cm: --scale 0.01 --unit m"),
        (5000.0, "auto", "--scale 2.4e-05 --unit m makes it 12 cm"),
    ],
)
def test_a_wrong_unit_is_told_with_the_right_one(tmp_path, edge, unit, said):
    creation.box((edge, edge / 2, edge / 3)).export(tmp_path / "box.stl")
    with pytest.raises(meshes.MeshError) as caught:
        meshes.read(tmp_path / "box.stl", unit)
    assert said in str(caught.value)


def test_repair_closes_holes_and_says_so(tmp_path):
    box = creation.box((0.1, 0.06, 0.04)).subdivide()
    trimesh.Trimesh(box.vertices, box.faces[1:]).export(tmp_path / "box.stl")
    read = meshes.read(tmp_path / "box.stl", repair=True)
    assert read.notices == ("repaired: 1 hole closed",)
    solid = Solid(
        (read.vertices, read.faces),
        (read.vertices.min(0), read.vertices.max(0)),
        30,
        np.random.default_rng(0),
    )
    assert solid.volume == pytest.approx(0.1 * 0.06 * 0.04, rel=0.01)


def test_wrong_arguments_are_told(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        import_folder(tmp_path / "nowhere", Settings())
    with pytest.raises(UserError, match=r"no \.obj, \.stl, \.ply file in .*; subfolders are not searched"):
        import_folder(tmp_path, Settings())
    with pytest.raises(UserError, match="--max-parts is 9; it must be at least 1 and at most --max-slots, 8"):
        import_folder(tmp_path, Settings(max_parts=9))


def test_a_missing_library_is_told(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "coacd" else find(name))
    with pytest.raises(UserError, match=r"CoACD missing; install with: pip install 'mjxdex\[import\]'"):
        import_folder(tmp_path, Settings())


def test_few_slots_are_shared_so_that_the_worst_swap_is_avoided():
    free, dear, cheap = 1.0, 9.0, 1.1
    round_thing = np.array([[dear, dear, dear, free]])
    box_thing = np.array([[free, dear, dear, dear], [free, dear, dear, cheap]])
    types = choose_types([round_thing, box_thing], max_slots=2)
    assert types == [("ellipsoid",), ("box", "ellipsoid")]
    assert sum(slots_needed(types).values()) == 2
    assert choose_types([round_thing, box_thing], max_slots=3)[1] == ("box", "box")
