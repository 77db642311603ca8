"""Animals, figures and plants. Sizes as in `families.FAMILIES`."""

from mjxdex.objects.generator import Family, register_in
from mjxdex.objects.shapes import Part
from mjxdex.objects.solids import Dice, box, capsule, ellipsoid, rod, thick

CREATURES: dict[str, Family] = {}
_family = register_in(CREATURES)


@_family(lambda L, W, H: L >= 1.3 * W and 0.6 * L <= H <= 1.2 * L)
def quadruped(d: Dice, L: float, W: float, H: float) -> list[Part]:
    barrel, leg, back = min(W * 0.42, H * 0.2), thick(L * 0.14), H * d(0.48, 0.58)
    legs = [box((x, -W / 2, 0), (x + leg, W / 2, back)) for x in (L * 0.08, L * d(0.52, 0.6))]
    body = capsule((barrel, 0, back), (L * 0.66, 0, back), barrel)
    neck = capsule((L * 0.66, 0, back), (L * 0.82, 0, H * 0.84), max(barrel * 0.55, 8))
    return [*legs, body, neck, ellipsoid((L * 0.82, 0, H * 0.86), (L * 0.18, W * d(0.24, 0.36), H * 0.14))]


@_family(lambda L, W, H: L >= 1.15 * H and H >= W)
def fish(d: Dice, L: float, W: float, H: float) -> list[Part]:
    body = ellipsoid((L * 0.4, 0, H * 0.42), (L * 0.4, W / 2, H * 0.42))
    tail = box((L * d(0.72, 0.78), -8, H * 0.12), (L, 8, H * d(0.65, 0.78)))
    return [body, tail, box((L * 0.25, -7, H * 0.42), (L * d(0.5, 0.6), 7, H))]


@_family(lambda L, W, H: L >= 1.2 * W and H >= 0.6 * L)
def duck(d: Dice, L: float, W: float, H: float) -> list[Part]:
    head, keel = max(min(W * 0.32, H * 0.2), 9), H * d(0.3, 0.36)
    at = L * d(0.68, 0.74)
    body = ellipsoid((L * 0.46, 0, keel), (L * 0.42, W / 2, keel))
    neck = capsule((at, 0, keel * 1.2), (at, 0, H - head), head)
    beak = box((at, -thick(head) / 2, H - head - 7), (L, thick(head) / 2, H - head + 7))
    return [body, neck, beak, box((0, -W * 0.2, keel), (L * 0.3, W * 0.2, keel + thick(keel * 0.5)))]


@_family(lambda L, W, H: H >= 0.95 * L and L >= W)
def bust(d: Dice, L: float, W: float, H: float) -> list[Part]:
    base, arm = H * d(0.14, 0.22), max(min(H * d(0.13, 0.17), W * 0.45), 7)
    plinth = box((-L * 0.32, -W / 2, 0), (L * 0.32, W / 2, base))
    shoulders = capsule((arm - L / 2, 0, base + arm), (L / 2 - arm, 0, base + arm), arm)
    neck = rod((0, 0, base), (0, 0, H * 0.7), min(L, W) * 0.16)
    return [
        plinth,
        shoulders,
        neck,
        ellipsoid((0, 0, H * 0.76), (L * d(0.24, 0.3), W * d(0.38, 0.46), H * 0.24)),
    ]


@_family(lambda L, W, H: H >= L >= W)
def figure(d: Dice, L: float, W: float, H: float) -> list[Part]:
    arm, chest, leg = (
        thick(min(L, H) * d(0.12, 0.16)) / 2,
        min(L, W) * d(0.26, 0.32),
        thick(L * d(0.16, 0.22)),
    )
    legs = [box((x - leg / 2, -W / 2, 0), (x + leg / 2, W / 2, H * 0.36)) for x in (-L * 0.17, L * 0.17)]
    arms = capsule((arm - L / 2, 0, H * 0.62), (L / 2 - arm, 0, H * 0.62), arm)
    torso = capsule((0, 0, H * 0.36), (0, 0, H * 0.64), chest)
    return [
        *legs,
        torso,
        arms,
        ellipsoid((0, 0, H * 0.86), (max(L * d(0.16, 0.22), 9), W * d(0.32, 0.42), H * 0.14)),
    ]


@_family(lambda L, W, H: L >= 1.1 * W)
def creature(d: Dice, L: float, W: float, H: float) -> list[Part]:
    ear, nose = max(min(H, W) * d(0.13, 0.2), 7), min(L, H) * d(0.16, 0.24)
    head = ellipsoid((0, W * 0.06, H / 2), (L * d(0.32, 0.37), W * 0.44, H / 2))
    ears = capsule((ear - L / 2, 0, H * 0.62), (L / 2 - ear, 0, H * 0.62), ear)
    return [head, ears, rod((0, -W / 2, H * 0.35), (0, 0, H * 0.35), nose)]


@_family(lambda L, W, H: max(L, W) <= H)
def cactus(d: Dice, L: float, W: float, H: float) -> list[Part]:
    pot, trunk, arm = H * d(0.22, 0.3), min(L, W) * d(0.18, 0.24), d(8, 10)
    at, low = H * d(0.5, 0.58), (L * d(0.3, 0.42)) / 2
    stem, twig = (
        capsule((0, 0, pot), (0, 0, H - trunk), trunk),
        capsule((L / 2 - arm, 0, at), (L / 2 - arm, 0, H * 0.78), arm),
    )
    return [
        box((-L / 2, -W / 2, 0), (low, W / 2, pot)),
        stem,
        twig,
        box((0, -8, at - 8), (L / 2 - arm, 8, at + 8)),
    ]


@_family(lambda L, W, H: H >= 80 and L >= W)
def totem(d: Dice, L: float, W: float, H: float) -> list[Part]:
    low, high, drum = H * d(0.28, 0.38), H * d(0.58, 0.66), min(L, W) * d(0.3, 0.44)
    top = ellipsoid((0, 0, high), (L * d(0.3, 0.45), W * d(0.3, 0.45), H - high))
    return [box((-L / 2, -W / 2, 0), (L / 2, W / 2, low)), rod((0, 0, low), (0, 0, high), drum), top]
