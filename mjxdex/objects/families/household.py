"""Household things: families of held-out objects only. Sizes as in `families.FAMILIES`."""

from mjxdex.objects.generator import Family, register_in
from mjxdex.objects.shapes import Part
from mjxdex.objects.solids import Dice, box, capsule, ellipsoid, rod, thick, tilted_box

HOUSEHOLD: dict[str, Family] = {}
_family = register_in(HOUSEHOLD)


@_family()
def airplane(d: Dice, L: float, W: float, H: float) -> list[Part]:
    hull, chord = max(H * d(0.2, 0.26), 9), L * d(0.2, 0.26)
    wing = box((L * 0.4, -W / 2, hull - 7), (L * 0.4 + chord, W / 2, hull + 7))
    tail = box((0, -W * 0.22, hull - 7), (chord * 0.7, W * 0.22, hull + 7))
    return [
        capsule((hull, 0, hull), (L - hull, 0, hull), hull),
        wing,
        tail,
        box((0, -7, hull), (chord * 0.7, 7, H)),
    ]


@_family()
def house(d: Dice, L: float, W: float, H: float) -> list[Part]:
    eaves, edge = H - W / 2, W / 2**0.5
    roof = tilted_box((L / 2, 0, eaves), (L, edge, edge), (1, 0, 0), 45)
    chimney = box((L * d(0.15, 0.3), W * 0.1, eaves), (L * 0.3 + 16, W * 0.1 + 16, H * 0.97))
    return [box((L * 0.04, -W * 0.46, 0), (L * 0.96, W * 0.46, eaves)), roof, chimney]


@_family()
def camera(d: Dice, L: float, W: float, H: float) -> list[Part]:
    body, lens, at = W * d(0.45, 0.55), H * d(0.28, 0.36), L * d(0.5, 0.62)
    finder = box((at - L * 0.14, W / 2 - body, H * 0.8), (at + L * 0.14, W / 2, H))
    barrel = rod((at, -W / 2, H * 0.42), (at, W / 2 - body, H * 0.42), lens)
    button = rod((L * 0.86, W / 2 - body / 2, H * 0.6), (L * 0.86, W / 2 - body / 2, H * 0.9), 8)
    return [box((0, W / 2 - body, 0), (L, W / 2, H * 0.82)), finder, barrel, button]


@_family()
def lamp(d: Dice, L: float, W: float, H: float) -> list[Part]:
    foot, shade = thick(H * 0.14), W * d(0.34, 0.4)
    low, high = (L * 0.25, 0, foot), (L * d(0.6, 0.7), 0, H * 0.82)
    head = rod((L * 0.55, 0, H * 0.92), (L * 0.95, 0, H * 0.6), shade)
    return [box((0, -W / 2, 0), (L * 0.55, W / 2, foot)), capsule(low, high, 8), head]


@_family()
def drill(d: Dice, L: float, W: float, H: float) -> list[Part]:
    barrel, tip = W * d(0.42, 0.5), L * d(0.68, 0.76)
    top = H - barrel
    motor, chuck = (
        rod((0, 0, top), (tip, 0, top), barrel),
        rod((tip, 0, top), (L, 0, top), max(barrel * 0.5, 8)),
    )
    grip = tilted_box((L * 0.25, 0, H * 0.42), (L * 0.2, W * 0.5, H * 0.62), (0, 1, 0), d(6, 14))
    return [motor, chuck, grip, box((L * 0.04, -W / 2, 0), (L * 0.42, W / 2, thick(H * 0.18)))]


@_family()
def watering_can(d: Dice, L: float, W: float, H: float) -> list[Part]:
    top, spout = H * d(0.58, 0.66), d(7.5, 9)
    body = rod((W / 2, 0, 0), (W / 2, 0, top), W / 2)
    pipe = capsule((W * 0.9, 0, H * 0.15), (L - spout, 0, H * 0.75), spout)
    posts = [box((x - 7, -9, top), (x + 7, 9, H - 7)) for x in (W * 0.2, W * 0.8)]
    return [body, pipe, *posts, box((W * 0.2 - 7, -9, H - 14), (W * 0.8 + 7, 9, H))]


@_family()
def kettlebell(d: Dice, L: float, W: float, H: float) -> list[Part]:
    ball, bar = H * d(0.32, 0.36), d(8, 10)
    posts = [capsule((s * L * 0.3, 0, ball), (s * L * 0.28, 0, H - bar), bar) for s in (-1, 1)]
    return [
        ellipsoid((0, 0, ball), (L / 2, W / 2, ball)),
        *posts,
        rod((-L * 0.28, 0, H - bar), (L * 0.28, 0, H - bar), bar),
    ]


@_family()
def padlock(d: Dice, L: float, W: float, H: float) -> list[Part]:
    body, bar = H * d(0.55, 0.62), W * d(0.18, 0.22)
    reach, top = L / 2 - bar * 1.6, H - bar
    posts = [capsule((s * reach, 0, body * 0.8), (s * reach, 0, top), bar) for s in (-1, 1)]
    return [
        box((-L / 2, -W / 2, 0), (L / 2, W / 2, body)),
        *posts,
        rod((-reach, 0, top), (reach, 0, top), bar),
    ]


@_family()
def goblet(d: Dice, L: float, W: float, H: float) -> list[Part]:
    foot, cup = thick(H * 0.14), H * d(0.22, 0.28)
    stem = rod((0, 0, foot), (0, 0, H - cup), max(min(L, W) * 0.12, 8))
    bowl = ellipsoid((0, 0, H - cup), (L * d(0.34, 0.4), W * 0.42, cup))
    ears = capsule((-L / 2 + 8, 0, H - cup), (L / 2 - 8, 0, H - cup), 8)
    return [box((-L * 0.36, -W / 2, 0), (L * 0.36, W / 2, foot)), stem, bowl, ears]


@_family()
def tap(d: Dice, L: float, W: float, H: float) -> list[Part]:
    column, pipe = W * d(0.28, 0.34), d(9, 11)
    at, spout = column * 1.2, H * d(0.62, 0.7)
    foot = box((0, -W / 2, 0), (at * 2, W / 2, 14))
    lever = box((at - 8, -9, H * 0.8), (L * 0.55, 9, H * 0.8 + 14))
    out = rod((L - pipe, 0, H * 0.35), (L - pipe, 0, spout), pipe)
    return [
        foot,
        rod((at, 0, 14), (at, 0, H), column),
        capsule((at, 0, spout), (L - pipe, 0, spout), pipe),
        lever,
        out,
    ]


@_family()
def handset(d: Dice, L: float, W: float, H: float) -> list[Part]:
    cup, bar = W / 2, thick(H * d(0.4, 0.5))
    ends = [rod((x, 0, 0), (x, 0, H * 0.8), cup) for x in (cup, L - cup)]
    return [*ends, box((cup * 0.5, -W * 0.3, H - bar), (L - cup * 0.5, W * 0.3, H))]


@_family()
def shoe(d: Dice, L: float, W: float, H: float) -> list[Part]:
    sole, ankle = thick(H * 0.2), W * d(0.38, 0.44)
    toe = ellipsoid((L * 0.62, 0, sole), (L * 0.36, W * 0.46, H * d(0.28, 0.36)))
    shaft = rod((ankle * 1.15, 0, sole), (ankle * 1.15, 0, H), ankle)
    return [box((0, -W / 2, 0), (L, W / 2, sole)), toe, shaft]


@_family()
def binoculars(d: Dice, L: float, W: float, H: float) -> list[Part]:
    tube, eye = min(W * 0.24, H / 2), L * d(0.3, 0.38)
    at = W / 2 - tube
    tubes = [rod((eye, y, tube), (L, y, tube), tube) for y in (-at, at)]
    eyes = [capsule((tube * 0.6, y, tube), (eye, y, tube), tube * 0.6) for y in (-at, at)]
    return [*tubes, *eyes, box((L * 0.42, -at, tube - 8), (L * 0.72, at, H))]


@_family()
def saucepan(d: Dice, L: float, W: float, H: float) -> list[Part]:
    rim, grip = H * d(0.62, 0.8), d(8, 10)
    lid = rod((W / 2, 0, rim), (W / 2, 0, H), W * d(0.14, 0.2))
    return [
        rod((W / 2, 0, 0), (W / 2, 0, rim), W / 2),
        capsule((W / 2, 0, rim * 0.7), (L - grip, 0, rim * 0.8), grip),
        lid,
    ]
