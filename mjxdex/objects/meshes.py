"""Mesh files of all sorts as closed meshes in metres, or one line on what is wrong with them.

Needs the extra `import` (trimesh, SciPy), which nothing else in the package imports.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mjxdex.config import UserError

SUFFIXES = (".obj", ".stl", ".ply")
SIZE_RANGE = (0.02, 0.30)
"""Longest edge of the bounding box that an object to be grasped may have, metres."""
MAX_FACES = 500_000
MIN_VOLUME_SHARE = 1e-4
"""Enclosed volume over the cube of the longest edge; below, the mesh is flat."""
MERGE = 1e-5
"""Vertices this close become one, in longest edges of the bounding box: STL repeats them for every face."""

Unit = Literal["auto", "m", "mm"]
METRES = {"m": 1.0, "mm": 1e-3}


class MeshError(UserError):
    """A mesh that cannot become an object; the message says why and what would help, not which file."""


@dataclass(frozen=True)
class Mesh:
    """A closed surface of one or more bodies, overlapping ones counting as their union.

    Attributes:
      name: the file's name without its suffix.
      vertices: [V, 3], metres; the centre of the bounding box is the origin.
      faces: int [F, 3], counterclockwise seen from outside.
      unit: "m" or "mm", what the file was taken to be in.
      notices: what was mended or assumed.
    """

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    unit: str
    notices: tuple[str, ...] = ()


def read(path: Path, unit: Unit = "auto", scale: float = 1.0, repair: bool = False) -> Mesh:
    """Reads an OBJ, STL or PLY file.

    Args:
      path: The file.
      unit: What one unit of length is after scaling; "auto" takes the one that gives a size in SIZE_RANGE.
      scale: Factor on all lengths.
      repair: Closes holes with a fan each, and takes the convex hull of bodies that stay open.

    Raises:
      MeshError: Unreadable, empty, not finite, too many faces, flat, not closed, or of a wrong size.
    """
    vertices, faces = _load(path)
    vertices = vertices * scale
    edge = np.ptp(vertices[np.unique(faces)], axis=0).max()
    in_unit = _unit(edge, unit)
    vertices, faces = _weld(vertices, faces, MERGE * edge)
    notices: list[str] = []
    broken = _open_edges(faces)
    if len(broken) and repair:
        vertices, faces, mended = _repair(vertices, faces)
        notices.append(mended)
    elif len(broken):
        raise MeshError(
            f"not watertight: {_count(_holes(broken), 'hole')}, {_count(len(broken), 'broken edge')} of "
            f"{3 * len(faces) // 2:,}; --repair closes the holes, or takes the convex hull of what stays open"
        )
    volume = _volume(vertices, faces)
    if abs(volume) < MIN_VOLUME_SHARE * edge**3:
        raise MeshError("encloses no volume; a flat mesh needs thickness")
    if volume < 0:
        faces = faces[:, ::-1]
        notices.append("its faces were inside out")
    vertices = vertices * METRES[in_unit]
    vertices = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return Mesh(path.stem, vertices, faces, in_unit, tuple(notices))


def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    try:
        loaded = trimesh.load_mesh(path, process=False)
        vertices, faces = np.asarray(loaded.vertices, float), np.asarray(loaded.faces)
    except Exception as error:  # trimesh's readers raise whatever the bytes lead them to
        said = "" if isinstance(error, ImportError) else f" ({' '.join(str(error).split())[:100]})"
        raise MeshError(f"cannot be read as {path.suffix[1:].upper()}{said}; export it anew") from None
    if not len(faces):
        raise MeshError("has no faces: an empty file, a point cloud, or not a mesh at all")
    if len(faces) > MAX_FACES:
        raise MeshError(
            f"has {len(faces):,} faces, more than {MAX_FACES:,}; decimate it first (Blender, MeshLab)"
        )
    infinite = (~np.isfinite(vertices)).any(axis=1).sum()
    if infinite:
        raise MeshError(
            f"{infinite} of its {len(vertices):,} vertices are not finite numbers; export it anew"
        )
    return vertices, faces


def _unit(edge: float, unit: Unit) -> str:
    """The unit in which an object with the longest edge `edge` has a size in SIZE_RANGE."""
    low, high = SIZE_RANGE
    fits = [name for name, metres in METRES.items() if low <= edge * metres <= high]
    if unit in fits or (unit == "auto" and fits):
        return fits[0] if unit == "auto" else unit
    if edge == 0:
        raise MeshError("all its vertices are one point")
    target = f"{low * 100:.0f} to {high * 100:.0f} cm"
    if unit == "auto":
        given = f"{_length(edge)} if in m, {_length(edge * 1e-3)} if in mm"
    else:
        given = f"{_length(edge * METRES[unit])} with --unit {unit}"
    if fits:
        hint = f"--unit {fits[0]} makes it {_length(edge * METRES[fits[0]])}"
    elif low <= edge * 1e-2 <= high:
        hint = f"--scale 0.01 --unit m, for centimetres, makes it {_length(edge * 1e-2)}"
    else:
        metres = METRES["m" if unit == "auto" else unit]
        hint = f"--scale {0.12 / (edge * metres):.2g} --unit {'m' if unit == 'auto' else unit} makes it 12 cm"
    raise MeshError(f"its longest side is {given}; objects have {target}: {hint}")


def _length(metres: float) -> str:
    for factor, unit in ((1e-3, "km"), (1.0, "m"), (100.0, "cm"), (1000.0, "mm")):
        if metres * factor >= 1 or unit == "mm":
            return f"{metres * factor:,.3g} {unit}"
    raise AssertionError


def _weld(vertices: np.ndarray, faces: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Merges vertices that share a place, as at the seams of a texture, and drops collapsed faces."""
    _, first, merged = np.unique(
        np.round(vertices / tolerance).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    faces = merged.reshape(-1)[faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    used, faces = np.unique(faces, return_inverse=True)
    return vertices[first][used], faces.reshape(-1, 3)


def _open_edges(faces: np.ndarray) -> np.ndarray:
    """Directed edges [E, 2] that no face takes in the other direction; none in a closed surface."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    if not len(edges):
        return edges
    base = int(faces.max()) + 1
    keys, counts = np.unique(edges[:, 0] * base + edges[:, 1], return_counts=True)
    back = (keys % base) * base + keys // base
    place = np.searchsorted(keys, back).clip(max=len(keys) - 1)
    surplus = counts - np.where(keys[place] == back, counts[place], 0)
    keys = np.repeat(keys, surplus.clip(min=0))
    return np.stack([keys // base, keys % base], axis=1)


def _holes(edges: np.ndarray) -> int:
    return len(np.unique(components(edges, int(edges.max()) + 1)[edges[:, 0]]))


def components(edges: np.ndarray, vertices: int) -> np.ndarray:
    """Number of the connected component of each vertex, [V], for edges [E, 2]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges)), edges.T), shape=(vertices, vertices))
    return connected_components(graph, directed=False)[1]


def _repair(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Closes each body: fans over its holes, or its convex hull where they do not suffice."""
    from scipy.spatial import ConvexHull, QhullError

    part = components(faces[:, [0, 1, 1, 2]].reshape(-1, 2), len(vertices))[faces[:, 0]]
    done: list[tuple[np.ndarray, np.ndarray]] = []
    filled = hulls = dropped = 0
    for body in np.unique(part):
        own = faces[part == body]
        broken = _open_edges(own)
        if not len(broken):
            done.append((vertices, own))
            continue
        fan, centres = _fans(vertices, broken)
        closed = np.concatenate([own, fan])
        corners = np.concatenate([vertices, centres])
        if len(np.unique(broken[:, 0])) == len(broken) and _volume(corners, closed) > 0:
            done.append((corners, closed))
            filled += len(centres)
            continue
        try:
            hull = ConvexHull(vertices[np.unique(own)])
        except QhullError:  # a flat scrap
            dropped += 1
            continue
        outwards = np.einsum("fi,fi->f", _normals(hull.points[hull.simplices]), hull.equations[:, :3]) > 0
        done.append((hull.points, np.where(outwards[:, None], hull.simplices, hull.simplices[:, ::-1])))
        hulls += 1
    if not done:
        raise MeshError("not watertight, and --repair finds only flat pieces")
    starts = np.cumsum([0, *(len(corners) for corners, _ in done)])
    faces = np.concatenate([own + start for (_, own), start in zip(done, starts, strict=False)])
    used, faces = np.unique(faces, return_inverse=True)
    said = [
        f"{_count(filled, 'hole')} closed" if filled else "",
        f"{_count(hulls, 'open body', 'open bodies')} of {part.max() + 1} replaced by the convex hull"
        if hulls
        else "",
        f"{_count(dropped, 'flat scrap')} dropped" if dropped else "",
    ]
    corners = np.concatenate([corners for corners, _ in done])[used]
    return corners, faces.reshape(-1, 3), "repaired: " + ", ".join(filter(None, said))


def _fans(vertices: np.ndarray, broken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles [E, 3] from every broken edge to the middle of its hole, and those middles [H, 3]."""
    loop = components(broken, len(vertices))[broken[:, 0]]
    _, hole = np.unique(loop, return_inverse=True)
    centres = np.stack([vertices[broken[hole == h, 0]].mean(axis=0) for h in range(hole.max() + 1)])
    return np.column_stack([broken[:, ::-1], len(vertices) + hole]), centres


def _normals(triangles: np.ndarray) -> np.ndarray:
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def _volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Signed volume, overlaps counted twice."""
    a, b, c = (vertices[faces] - vertices.mean(axis=0)).transpose(1, 0, 2)
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
