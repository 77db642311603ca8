"""Meshes of many kinds to import: make_meshes.py FOLDER puts 34 there.

Things of the kitchen, the workshop and the playground in metres and millimetres, as OBJ, STL and PLY, some of
one smooth body and some of several overlapping ones, and four parts of robots. Needs trimesh.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import mujoco.mjx
import numpy as np
import trimesh
from trimesh import creation
from trimesh.transformations import rotation_matrix

X, Y, Z = np.eye(3)


def moved(mesh: trimesh.Trimesh, x: float = 0, y: float = 0, z: float = 0) -> trimesh.Trimesh:
    mesh = mesh.copy()
    mesh.apply_translation([x, y, z])
    return mesh


def turned(mesh: trimesh.Trimesh, degrees: float, axis: np.ndarray) -> trimesh.Trimesh:
    mesh = mesh.copy()
    mesh.apply_transform(rotation_matrix(np.radians(degrees), axis))
    return mesh


def joined(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return trimesh.Trimesh(np.vstack([mesh.vertices for mesh in meshes]), np.vstack(faces), process=False)


def box(x: float, y: float, z: float) -> trimesh.Trimesh:
    return creation.box((x, y, z))


def rod(radius: float, length: float, axis: np.ndarray = Z, sections: int = 40) -> trimesh.Trimesh:
    made = creation.cylinder(radius, length, sections=sections)
    return made if axis is Z else turned(made, 90, Y if axis is X else X)


def revolved(*profile: tuple[float, float]) -> trimesh.Trimesh:
    """A closed profile of (radius, height) turned around z."""
    return creation.revolve(
        np.array([*profile, profile[0]]) if profile[0][0] else np.array(profile), sections=48
    )


def prism(outline: np.ndarray, height: float) -> trimesh.Trimesh:
    """A flat outline [n, 2], counterclockwise and seen in full from its middle, with thickness."""
    n = len(outline)
    middle = outline.mean(axis=0)
    ring = np.arange(n)
    after = (ring + 1) % n
    levels = [np.column_stack([outline, np.full(n, z)]) for z in (-height / 2, height / 2)]
    vertices = np.vstack([*levels, [[*middle, -height / 2], [*middle, height / 2]]])
    faces = np.vstack(
        [
            np.column_stack([after, ring, np.full(n, 2 * n)]),
            np.column_stack([ring + n, after + n, np.full(n, 2 * n + 1)]),
            np.column_stack([ring, after, after + n]),
            np.column_stack([ring, after + n, ring + n]),
        ]
    )
    return trimesh.Trimesh(vertices, faces)


def tube(path: np.ndarray, radius: np.ndarray | float, sections: int = 16) -> trimesh.Trimesh:
    """A round tube with closed ends along points [n, 3] that lie in the plane y = 0."""
    n = len(path)
    radius = np.broadcast_to(radius, n)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, Y)
    angle = np.arange(sections) * 2 * np.pi / sections
    rings = path[:, None] + radius[:, None, None] * (
        np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * Y
    )
    i, j = np.meshgrid(np.arange(n - 1), np.arange(sections), indexing="ij")
    k = (j + 1) % sections
    a, b, c, d = i * sections + j, i * sections + k, (i + 1) * sections + k, (i + 1) * sections + j
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    s = np.arange(sections)
    after = (s + 1) % sections
    start, end = n * sections, n * sections + 1
    faces = np.vstack(
        [
            faces,
            np.column_stack([after, s, np.full(sections, start)]),
            np.column_stack([s, after, np.full(sections, end)]) + [[(n - 1) * sections] * 2 + [0]],
        ]
    )
    made = trimesh.Trimesh(np.vstack([rings.reshape(-1, 3), path[[0]], path[[-1]]]), faces)
    if made.volume < 0:
        made.invert()
    return made


def arc(radius: float, start: float, end: float, points: int = 24) -> np.ndarray:
    """Points of a circle in the plane y = 0, angles in degrees from x to z."""
    angle = np.radians(np.linspace(start, end, points))
    return radius * np.column_stack([np.cos(angle), 0 * angle, np.sin(angle)])


def bumpy(radii: tuple[float, float, float], bumps: float, seed: int) -> trimesh.Trimesh:
    """A stone: a ball with smooth random bumps."""
    rng = np.random.default_rng(seed)
    ball = creation.icosphere(subdivisions=4)
    waves = rng.normal(size=(12, 3)) * 1.6
    height = np.sin(ball.vertices @ waves.T + rng.uniform(0, 6.28, 12)).mean(axis=1)
    ball.vertices *= (1 + bumps * height)[:, None] * radii
    return ball


def gear() -> trimesh.Trimesh:
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = np.where(np.arange(96) % 8 < 4, 0.042, 0.034)
    return prism(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), 0.02)


def star() -> trimesh.Trimesh:
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radius = np.where(np.arange(10) % 2, 0.026, 0.06)
    return prism(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), 0.025)


def nut() -> trimesh.Trimesh:
    angle = np.arange(6) * np.pi / 3
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    vertices, faces = [], []
    for z in (-0.012, 0.012):
        for r in (0.03, 0.016):
            vertices.append(np.column_stack([r * ring, np.full(6, z)]))
    for a, b in ((0, 2), (2, 3), (3, 1), (1, 0)):  # outside, top, inside, bottom
        for i in range(6):
            j = (i + 1) % 6
            faces += [[6 * a + i, 6 * a + j, 6 * b + j], [6 * a + i, 6 * b + j, 6 * b + i]]
    return trimesh.Trimesh(np.vstack(vertices), faces)


def teddy() -> trimesh.Trimesh:
    def ball(r: float, x: float, y: float, z: float) -> trimesh.Trimesh:
        return moved(creation.icosphere(3, r), x, y, z)

    limbs = [
        (27, 0, 0, 52), (11, -20, 0, 75), (11, 20, 0, 75), (14, -40, 10, 15), (14, 40, 10, 15),
        (17, -25, 20, -35), (17, 25, 20, -35),
    ]  # fmt: skip
    return joined(ball(0.035, 0, 0, 0), *(ball(*np.array(limb) / 1000) for limb in limbs))


def mug() -> trimesh.Trimesh:
    cup = revolved((0, 0), (0.04, 0), (0.04, 0.095), (0.036, 0.095), (0.036, 0.004), (0, 0.004))
    return joined(cup, moved(tube(arc(0.028, -80, 80), 0.005), 0.037, 0, 0.048))


def stool() -> trimesh.Trimesh:
    legs = [moved(rod(0.009, 0.1), x, y, 0.05) for x in (-0.035, 0.035) for y in (-0.035, 0.035)]
    return joined(moved(rod(0.06, 0.02), 0, 0, 0.11), *legs)


def chair() -> trimesh.Trimesh:
    legs = [moved(box(0.012, 0.012, 0.06), x, y, 0.03) for x in (-0.034, 0.034) for y in (-0.034, 0.034)]
    return joined(
        moved(box(0.08, 0.08, 0.012), z=0.066), moved(box(0.08, 0.012, 0.08), y=0.034, z=0.11), *legs
    )


def spoon() -> trimesh.Trimesh:
    bowl = creation.icosphere(3)
    bowl.vertices *= (0.03, 0.02, 0.006)
    x = np.linspace(0, 0.13, 20)
    handle = tube(np.column_stack([x, 0 * x, 0.008 * np.sin(x * 25)]), np.linspace(0.004, 0.007, 20))
    return joined(bowl, moved(handle, 0.025))


def screwdriver() -> trimesh.Trimesh:
    return joined(creation.capsule(0.07, 0.014), moved(rod(0.0045, 0.09), z=0.09))


def banana() -> trimesh.Trimesh:
    return tube(arc(0.08, 20, 160, 40), 0.018 * np.sin(np.linspace(0.15, 2.99, 40)) ** 0.5)


def dumbbell() -> trimesh.Trimesh:
    return joined(rod(0.012, 0.12), *(moved(rod(0.03, 0.03, sections=8), z=z) for z in (-0.06, 0.06)))


def egg() -> trimesh.Trimesh:
    angle = np.linspace(0, np.pi, 30)
    radius = 0.025 * np.sin(angle) * (1 - 0.12 * np.cos(angle))
    return revolved(*zip(radius, -0.034 * np.cos(angle), strict=True))


def hammer() -> trimesh.Trimesh:
    head = moved(box(0.05, 0.024, 0.026), z=0.09), moved(rod(0.016, 0.03, X), 0.038, z=0.09)
    return joined(rod(0.011, 0.18), *head)


def l_profile() -> trimesh.Trimesh:
    return joined(box(0.02, 0.06, 0.1), moved(box(0.07, 0.06, 0.02), 0.025, 0, -0.04))


def pan() -> trimesh.Trimesh:
    dish = revolved((0, 0), (0.06, 0), (0.07, 0.03), (0.066, 0.03), (0.057, 0.004), (0, 0.004))
    handle = tube(np.array([[0, 0, 0], [0.05, 0, 0.005], [0.11, 0, 0.01]]), 0.008)
    return joined(dish, moved(handle, 0.064, 0, 0.02))


def turned_profile(name: str) -> trimesh.Trimesh:
    return revolved(*np.array(PROFILES[name]) / 1000)


PROFILES = {
    "bottle": [(0, 0), (34, 0), (36, 10), (36, 110), (30, 135), (14, 155), (14, 200), (0, 200)],
    "bowl": [(0, 0), (30, 0), (55, 20), (70, 50), (66, 50), (52, 24), (30, 6), (0, 6)],
    "light_bulb": [
        (0, 0), (12, 0), (13, 28), (19, 45), (29, 65), (30, 82), (22, 103), (10, 111), (0, 112),
    ],
    "pear": [(0, 0), (20, 2), (33, 15), (36, 32), (28, 55), (18, 72), (15, 85), (9, 93), (0, 95)],
    "plate": [(0, 0), (50, 0), (85, 16), (84, 19), (49, 4), (0, 4)],
    "vase": [
        (0, 0), (28, 0), (42, 50), (25, 110), (33, 140), (30, 140), (22, 110), (39, 50), (26, 4), (0, 4),
    ],
    "wine_glass": [
        (0, 0), (32, 0), (31, 4), (6, 8), (5, 70), (30, 95), (36, 125), (31, 160), (29, 160), (34, 125),
        (28, 97), (0, 80),
    ],
}  # fmt: skip
"""Radius and height in mm of things from the lathe."""

MESHES: dict[str, tuple[str, float, Callable[[], trimesh.Trimesh]]] = {
    "ball": ("stl", 1000, lambda: creation.icosphere(4, 0.035)),
    "banana": ("obj", 1, banana),
    "bolt": ("stl", 1000, lambda: joined(moved(rod(0.02, 0.014, sections=6), z=0.047), rod(0.011, 0.09))),
    "bottle": ("obj", 1, lambda: turned_profile("bottle")),
    "bowl": ("ply", 1, lambda: turned_profile("bowl")),
    "brick": ("stl", 1, lambda: box(0.12, 0.06, 0.04)),
    "chair": ("obj", 1, chair),
    "cone": ("ply", 1000, lambda: creation.cone(0.04, 0.1, sections=48)),
    "cross": ("obj", 1000, lambda: joined(*(box(*np.roll([0.12, 0.025, 0.025], i)) for i in range(3)))),
    "dumbbell": ("stl", 1, dumbbell),
    "egg": ("ply", 1, egg),
    "gear": ("stl", 1000, gear),
    "hammer": ("obj", 1, hammer),
    "l_profile": ("stl", 1000, l_profile),
    "light_bulb": ("obj", 1, lambda: turned_profile("light_bulb")),
    "mug": ("obj", 1, mug),
    "nut": ("stl", 1000, nut),
    "pan": ("obj", 1, pan),
    "pear": ("ply", 1000, lambda: turned_profile("pear")),
    "plate": ("ply", 1, lambda: turned_profile("plate")),
    "ring": ("obj", 1, lambda: creation.torus(0.04, 0.014)),
    "screwdriver": ("stl", 1, screwdriver),
    "spoon": ("obj", 1, spoon),
    "star": ("stl", 1000, star),
    "stone": ("ply", 1, lambda: bumpy((0.05, 0.035, 0.028), 0.5, 1)),
    "stool": ("obj", 1, stool),
    "teddy": ("obj", 1, teddy),
    "tent": ("stl", 1, lambda: turned(rod(0.04, 0.1, sections=3), 90, X)),
    "vase": ("obj", 1, lambda: turned_profile("vase")),
    "wine_glass": ("obj", 1, lambda: turned_profile("wine_glass")),
}
"""File type, units per metre and maker of each mesh."""


PACKAGED = (
    "barkour_v0/assets/handle.stl",
    "barkour_v0/assets/upper_right_3.stl",
    "shadow_hand/assets/lf_metacarpal.obj",
    "shadow_hand/assets/th_middle.obj",
)


def write(folder: Path, *names: str) -> list[Path]:
    """Writes the named meshes, or all; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in names or MESHES:
        suffix, scale, make = MESHES[name]
        mesh = make()
        if mesh.volume < 0:
            mesh.invert()
        mesh.apply_scale(scale)
        paths.append(folder / f"{name}.{suffix}")
        mesh.export(paths[-1])
    return paths


def copy_packaged(folder: Path) -> list[Path]:
    """Copies some closed meshes of robots' parts, as people draw them, that come with MJX."""
    data = Path(mujoco.mjx.__path__[0]) / "test_data"
    return [Path(shutil.copy(data / path, folder)) for path in PACKAGED]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_meshes.py FOLDER")
    target = Path(sys.argv[1])
    print(f"{len(write(target)) + len(copy_packaged(target))} meshes in {target}")
