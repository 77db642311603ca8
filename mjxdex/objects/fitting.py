"""Primitives fitted to a closed mesh.

A convex decomposition says where parts may go; its pieces are merged down to few, and each becomes the
primitive that suits it best. Then all parts move together: least squares on the signed distances of points on
the mesh's surface and around it, where the parts count as one union. Then every part may change its type, or
go. With one part more the better of two starts is taken: one piece more, or the worst part split.

Needs the extra `import` (CoACD, SciPy), which nothing else in the package imports.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mjxdex.objects.meshes import Mesh, MeshError
from mjxdex.objects.refining import (
    MIN_CAPSULE_HALF_LENGTH,
    MIN_HALF_SIZE,
    Fit,
    Target,
    evaluate,
    make_target,
    nearest_part,
    refine,
    thicken,
    three,
)
from mjxdex.objects.shapes import PART_TYPES, Part

MAX_PIECES = 14
DECOMPOSITION = {
    "threshold": 0.05, "max_convex_hull": MAX_PIECES, "preprocess_resolution": 30, "resolution": 500,
    "mcts_iterations": 20, "mcts_nodes": 8, "mcts_max_depth": 2, "max_ch_vertex": 64,
}  # fmt: skip
"""Settings of CoACD, coarser and faster than its own, since pieces only start the fit."""
WORTH = 0.08
"""One part more, or another type, must lower the loss by this share."""
GOOD = 0.006
"""Mean distance of the surface at which no further part is tried, in half lengths of the object."""


def fit(mesh: Mesh, max_parts: int, seed: int = 0) -> Fit:
    """Fits the fewest primitives, of at most `max_parts`, beyond which one more gains little.

    Raises:
      MeshError: CoACD cannot decompose the mesh.
    """
    rng = np.random.default_rng(seed)
    target = make_target(mesh, rng)
    pieces = decompose(mesh, seed)
    best: Fit | None = None
    found: Fit | None = None
    levels = _clusterings(pieces)
    for count in range(1, max_parts + 1):
        starts = []
        if count in levels:
            starts.append(tuple(_first_guess(cluster, target) for cluster in levels[count]))
        if found:
            starts.append(_split(found.parts, target))
        rough = min((refine(parts, target, steps=25) for parts in starts), key=lambda start: start.loss)
        found = _improve(rough, target)
        if best is None or found.loss < best.loss * (1 - WORTH) ** (len(found.parts) - len(best.parts)):
            best = found
        if best.error < GOOD * target.scale:
            break
    assert best is not None
    return thicken(best, target)


def decompose(mesh: Mesh, seed: int = 0) -> list[np.ndarray]:
    """Corners [V_i, 3] of at most MAX_PIECES almost convex pieces of the mesh, metres."""
    import coacd

    coacd.set_log_level("error")
    try:
        pieces = coacd.run_coacd(coacd.Mesh(mesh.vertices, mesh.faces), seed=seed, **DECOMPOSITION)
    except RuntimeError as error:
        raise MeshError(f"CoACD cannot decompose it: {error}") from None
    if not pieces:
        raise MeshError("CoACD finds no solid piece in it")
    return [np.asarray(vertices) for vertices, _ in pieces]


def refit(found: Fit, types: Sequence[str], mesh: Mesh, seed: int = 0) -> Fit:
    """The same parts with other types, fitted anew."""
    target = make_target(mesh, np.random.default_rng(seed))
    parts = tuple(_as_type(part, kind) for part, kind in zip(found.parts, types, strict=True))
    return thicken(refine(parts, target, steps=40), target)


def type_losses(found: Fit, mesh: Mesh, seed: int = 0) -> np.ndarray:
    """Loss of the whole fit if one part became another type, [K, len(PART_TYPES)]."""
    target = make_target(mesh, np.random.default_rng(seed))
    table = np.full((len(found.parts), len(PART_TYPES)), found.loss)
    for (k, part), (t, kind) in itertools.product(enumerate(found.parts), enumerate(PART_TYPES)):
        if kind != part.type:
            table[k, t] = _with_type(found, k, kind, target).loss
    return table


def _clusterings(pieces: list[np.ndarray]) -> dict[int, list[np.ndarray]]:
    """Corner sets by their number: pieces merged pair by pair, where the common hull adds least volume."""
    volume = [_hull_volume(piece) for piece in pieces]
    levels = {len(pieces): pieces}
    while len(pieces) > 1:
        pairs = list(itertools.combinations(range(len(pieces)), 2))
        joined = [_hull_volume(np.concatenate([pieces[i], pieces[j]])) for i, j in pairs]
        least = int(np.argmin([v - volume[i] - volume[j] for v, (i, j) in zip(joined, pairs, strict=True)]))
        i, j = pairs[least]
        rest = [k for k in range(len(pieces)) if k not in (i, j)]
        pieces = [pieces[k] for k in rest] + [np.concatenate([pieces[i], pieces[j]])]
        volume = [volume[k] for k in rest] + [joined[least]]
        levels[len(pieces)] = pieces
    return levels


def _hull_volume(points: np.ndarray) -> float:
    from scipy.spatial import ConvexHull, QhullError

    try:
        return ConvexHull(points).volume
    except QhullError:  # a flat piece
        return 0.0


def _split(parts: tuple[Part, ...], target: Target) -> tuple[Part, ...]:
    """The part with the largest error around it halved across its longest axis."""
    nearest, error = nearest_part(parts, target)
    worst = int(np.argmax(np.bincount(nearest, np.abs(error), minlength=len(parts))))
    part = parts[worst]
    half = _half_lengths(part)
    longest = int(half.argmax())
    half[longest] /= 2
    shift = part.rot[:, longest] * half[longest]
    turn = (
        [0, 1, 2] if longest == 2 or part.type == "box" else [(longest + 1) % 3, (longest + 2) % 3, longest]
    )
    half, axes = np.maximum(half[turn], MIN_HALF_SIZE), part.rot[:, turn]
    kind = "box" if part.type in ("cylinder", "capsule") and longest != 2 else part.type
    pair = [_from_box(kind, axes, np.array(part.pos) + sign * shift, half) for sign in (-1, 1)]
    return (*parts[:worst], *pair, *parts[worst + 1 :])


def _improve(found: Fit, target: Target) -> Fit:
    """Tries other types for each part, refines all parts together, and drops those that add nothing."""
    for k in range(len(found.parts)):
        for kind in PART_TYPES:
            if kind != found.parts[k].type:
                changed = _with_type(found, k, kind, target)
                if changed.loss < found.loss * (1 - WORTH / 2):
                    found = changed
    found = refine(found.parts, target, steps=60)
    for k in reversed(range(len(found.parts))):
        rest = found.parts[:k] + found.parts[k + 1 :]
        if rest:
            without = evaluate(rest, target)
            if without.loss < found.loss * (1 + WORTH):
                found = refine(rest, target, steps=25)
    return found


def _first_guess(corners: np.ndarray, target: Target) -> Part:
    """The primitive that suits a convex piece best, of all types along the axes of its tightest box."""
    import trimesh

    try:
        tightest = trimesh.bounds.oriented_bounds(corners, ordered=False)
        to_box, extents = np.asarray(tightest[0]), np.asarray(tightest[1])
        axes = to_box[:3, :3].T
        pos = -axes @ to_box[:3, 3]
    except Exception:  # a flat piece, on which Qhull and trimesh's own checks give up in many ways
        axes, extents = np.eye(3), np.ptp(corners, axis=0)
        pos = (corners.min(axis=0) + corners.max(axis=0)) / 2
    local = (target.points * target.scale - pos) @ axes
    near = np.all(np.abs(local) < extents / 2 + 0.2 * target.scale, axis=1)
    on = int(near[: target.surface].sum())
    own = replace(target, points=target.points[near], distances=target.distances[near], surface=on)
    order = [[1, 2, 0], [2, 0, 1], [0, 1, 2]]
    guesses = []
    for kind, turn in itertools.product(PART_TYPES, order):
        if kind in ("box", "ellipsoid") and turn != order[-1]:
            continue
        guesses.append(_from_box(kind, axes[:, turn], pos, np.maximum(extents[turn] / 2, MIN_HALF_SIZE)))
    return min(guesses, key=lambda part: evaluate((part,), own).loss)


def _from_box(kind: str, axes: np.ndarray, pos: np.ndarray, half: np.ndarray) -> Part:
    """A part of some type that fills a box with half lengths `half` along `axes`."""
    from scipy.spatial.transform import Rotation

    radius = (half[0] + half[1]) / 2
    size = {
        "box": half,
        "cylinder": [radius, half[2], 0],
        "capsule": [radius, max(half[2] - radius, MIN_CAPSULE_HALF_LENGTH), 0],
        "ellipsoid": 1.1 * half,
    }[kind]
    quat = Rotation.from_matrix(axes).as_quat(scalar_first=True)
    return Part(kind, three(size), three(pos), tuple(map(float, quat)))  # pyright: ignore[reportArgumentType]


def _half_lengths(part: Part) -> np.ndarray:
    """Half lengths [3] of a box that the part about fills."""
    if part.type == "cylinder":
        return np.array(part.size)[[0, 0, 1]]
    if part.type == "capsule":
        return np.array([part.size[0], part.size[0], part.size[0] + part.size[1]])
    return np.array(part.size) / (1.1 if part.type == "ellipsoid" else 1)


def _as_type(part: Part, kind: str) -> Part:
    """A part of another type that fills about the same box; round ones take the box's longest axis."""
    if kind == part.type:
        return part
    half, turn = _half_lengths(part), [0, 1, 2]
    if part.type in ("box", "ellipsoid") and kind in ("cylinder", "capsule"):
        # The axis of a round part is the one whose length differs most from the other two.
        a, b, c = np.argsort(half)
        odd = c if kind == "capsule" or half[c] - half[b] > half[b] - half[a] else a
        turn = [(odd + 1) % 3, (odd + 2) % 3, odd]
    return _from_box(kind, part.rot[:, turn], np.array(part.pos), half[turn])


def _with_type(found: Fit, k: int, kind: str, target: Target) -> Fit:
    """The fit with part k of another type, and only that part refined."""
    parts = list(found.parts)
    parts[k] = _as_type(parts[k], kind)
    return refine(tuple(parts), target, steps=10, only=k)
