"""Blocks: steps, profiles, crosses, rocks. Sizes as in `families.FAMILIES`."""

from mjxdex.objects.generator import Family, register_in
from mjxdex.objects.shapes import Part
from mjxdex.objects.solids import Dice, box, ellipsoid, rod, thick, tilted_box

BLOCKS: dict[str, Family] = {}
_family = register_in(BLOCKS)


@_family()
def brick(d: Dice, L: float, W: float, H: float) -> list[Part]:
    return [box((0, -W / 2, 0), (L, W / 2, H))]


@_family(lambda L, W, H: L >= W)
def two_steps(d: Dice, L: float, W: float, H: float) -> list[Part]:
    rise, run = H * d(0.4, 0.65), L * d(0.4, 0.7)
    return [box((0, -W / 2, 0), (L, W / 2, rise)), box((0, -W / 2 * d(0.6, 1), rise), (run, W / 2, H))]


@_family(lambda L, W, H: L >= 80 and H >= 70)
def three_steps(d: Dice, L: float, W: float, H: float) -> list[Part]:
    return [box((L * i / 3, -W / 2, 0), (L * (i + 1) / 3, W / 2, H * (3 - i) / 3)) for i in range(3)]


@_family(lambda L, W, H: H <= L)
def ell(d: Dice, L: float, W: float, H: float) -> list[Part]:
    foot, wall = thick(H * d(0.22, 0.4)), thick(L * d(0.2, 0.4))
    return [box((0, -W / 2, 0), (L, W / 2, foot)), box((0, -W / 2, foot), (wall, W / 2, H))]


@_family(lambda L, W, H: W <= L)
def tee(d: Dice, L: float, W: float, H: float) -> list[Part]:
    top, web = thick(H * d(0.25, 0.4)), thick(L * d(0.2, 0.35))
    return [
        box((0, -W / 2, H - top), (L, W / 2, H)),
        box((L / 2 - web / 2, -W / 2, 0), (L / 2 + web / 2, W / 2, H - top)),
    ]


@_family(lambda L, W, H: L >= 90)
def channel(d: Dice, L: float, W: float, H: float) -> list[Part]:
    floor, wall = thick(H * d(0.2, 0.35)), thick(L * d(0.15, 0.22))
    sides = [box((x, -W / 2, floor), (x + wall, W / 2, H)) for x in (0, L - wall)]
    return [box((0, -W / 2, 0), (L, W / 2, floor)), *sides]


@_family(lambda L, W, H: H >= 75 and L >= 60)
def beam(d: Dice, L: float, W: float, H: float) -> list[Part]:
    flange, web = thick(H * d(0.18, 0.28)), thick(L * d(0.22, 0.4))
    plates = [box((0, -W / 2, z), (L, W / 2, z + flange)) for z in (0, H - flange)]
    return [*plates, box((L / 2 - web / 2, -W / 2, flange), (L / 2 + web / 2, W / 2, H - flange))]


@_family(lambda L, W, H: L >= 90 and H >= 80)
def zed(d: Dice, L: float, W: float, H: float) -> list[Part]:
    arm, web = thick(H * d(0.2, 0.3)), thick(L * d(0.2, 0.3))
    middle = box((L / 2 - web / 2, -W / 2, arm), (L / 2 + web / 2, W / 2, H - arm))
    low, high = (
        box((0, -W / 2, 0), (L / 2 + web / 2, W / 2, arm)),
        box((L / 2 - web / 2, -W / 2, H - arm), (L, W / 2, H)),
    )
    return [low, middle, high]


@_family(lambda L, W, H: L >= W and H <= 0.85 * W)
def plus(d: Dice, L: float, W: float, H: float) -> list[Part]:
    along, across, off = thick(W * d(0.25, 0.4)), thick(L * d(0.2, 0.35)), L * d(0.35, 0.65)
    bars = [box((0, -along / 2, 0), (L, along / 2, H * d(0.7, 1)))]
    return [*bars, box((off - across / 2, -W / 2, 0), (off + across / 2, W / 2, H))]


@_family()
def jack(d: Dice, L: float, W: float, H: float) -> list[Part]:
    a, b, c = (thick(min(L, W, H) * d(0.3, 0.45)) / 2 for _ in range(3))
    return [
        box((0, -a, H / 2 - a), (L, a, H / 2 + a)),
        box((L / 2 - b, -W / 2, H / 2 - b), (L / 2 + b, W / 2, H / 2 + b)),
        box((L / 2 - c, -c, 0), (L / 2 + c, c, H)),
    ]


@_family(lambda L, W, H: max(L, W, H) <= 2 * min(L, W, H))
def boulder(d: Dice, L: float, W: float, H: float) -> list[Part]:
    edge = d(0.45, 0.55) * min(L, W, H)
    x, y, z = (d(0.2, 0.3) * extent for extent in (L, W, H))
    lumps = [
        tilted_box(at, (edge, edge * d(0.8, 1.2), edge), (d(-1, 1), d(-1, 1), 1), d(25, 65))
        for at in ((x, y, z), (-x, -y, -z))
    ]
    return [ellipsoid((0, 0, 0), (L / 2, W / 2, H / 2)), *lumps]


@_family(lambda L, W, H: H >= W and L >= 0.9 * W)
def loaf(d: Dice, L: float, W: float, H: float) -> list[Part]:
    top = H - W / 2
    return [box((0, -W / 2, 0), (L, W / 2, top)), rod((0, 0, top), (L, 0, top), W / 2)]
