"""Round things and vessels. Sizes as in `families.FAMILIES`."""

from mjxdex.objects.generator import Family, register_in
from mjxdex.objects.shapes import Part
from mjxdex.objects.solids import Dice, box, capsule, ellipsoid, rod, thick

VESSELS: dict[str, Family] = {}
_family = register_in(VESSELS)


@_family()
def egg(d: Dice, L: float, W: float, H: float) -> list[Part]:
    return [ellipsoid((0, 0, 0), (L / 2, W / 2, H / 2))]


@_family(lambda L, W, H: max(L, W) <= H)
def pear(d: Dice, L: float, W: float, H: float) -> list[Part]:
    belly, tip = H * d(0.29, 0.34), min(L, W) * d(0.2, 0.27)
    lean = (L / 2 - tip) * d(-0.8, 0.8)
    return [ellipsoid((0, 0, belly), (L / 2, W / 2, belly)), capsule((0, 0, belly), (lean, 0, H - tip), tip)]


@_family(lambda L, W, H: H >= 0.6 * L and L >= W)
def mushroom(d: Dice, L: float, W: float, H: float) -> list[Part]:
    cap, stem = H * d(0.24, 0.32), min(L, W) * d(0.15, 0.22)
    foot = rod((0, 0, 0), (0, 0, thick(H * 0.12)), stem * d(1.4, 1.9))
    return [ellipsoid((0, 0, H - cap), (L / 2, W / 2, cap)), rod((0, 0, 0), (0, 0, H - cap), stem), foot]


@_family(lambda L, W, H: max(L, W) <= H and L >= W)
def vase(d: Dice, L: float, W: float, H: float) -> list[Part]:
    belly, at = H * d(0.28, 0.36), H * d(0.4, 0.48)
    foot = rod((0, 0, 0), (0, 0, at), min(L, W) * d(0.24, 0.34))
    return [
        ellipsoid((0, 0, at), (L / 2, W / 2, belly)),
        foot,
        rod((0, 0, at), (0, 0, H), min(L, W) * d(0.16, 0.28)),
    ]


@_family(lambda L, W, H: 26 <= L - W <= 60 and H >= 60)
def mug(d: Dice, L: float, W: float, H: float) -> list[Part]:
    grip, low, high = d(7, 9), H * d(0.2, 0.28), H * d(0.68, 0.8)
    arms = [box((W * 0.8, -7, z - 7), (L - grip, 7, z + 7)) for z in (low, high)]
    body, handle = (
        rod((W / 2, 0, 0), (W / 2, 0, H), W / 2),
        capsule((L - grip, 0, low), (L - grip, 0, high), grip),
    )
    return [body, *arms, handle]


@_family(lambda L, W, H: L >= 1.25 * W and H >= 0.5 * L)
def teapot(d: Dice, L: float, W: float, H: float) -> list[Part]:
    pipe, belly, at = d(7, 9), L * d(0.3, 0.33), 0.5 * L
    body = ellipsoid((at, 0, 0.42 * H), (belly, W / 2, 0.42 * H))
    knob = rod((at, 0, 0.5 * H), (at, 0, H), thick(W * 0.16))
    spout = capsule((at + 0.6 * belly, 0, 0.35 * H), (L - pipe, 0, H * d(0.7, 0.85)), pipe)
    handle = capsule((pipe, 0, 0.3 * H), (pipe, 0, 0.65 * H), pipe)
    return [body, knob, spout, handle, box((pipe, -7, 0.65 * H - 7), (at, 7, 0.65 * H + 7))]


@_family(lambda L, W, H: max(L, W) <= H)
def flask(d: Dice, L: float, W: float, H: float) -> list[Part]:
    shoulder, neck, lid = H * d(0.55, 0.72), max(min(L, W) * d(0.16, 0.24), 8), thick(H * d(0.1, 0.16))
    body = box((-L / 2, -W / 2, 0), (L / 2, W / 2, shoulder))
    return [
        body,
        rod((0, 0, shoulder), (0, 0, H - lid), neck),
        rod((0, 0, H - lid), (0, 0, H), neck * d(1.2, 1.6)),
    ]


@_family(lambda L, W, H: W <= L <= 1.5 * W and H >= 0.6 * L)
def canister(d: Dice, L: float, W: float, H: float) -> list[Part]:
    top, at, lug = H * d(0.65, 0.8), H * d(0.25, 0.5), thick(W * d(0.2, 0.35)) / 2
    lugs = box((-L / 2, -lug, at - lug), (L / 2, lug, at + lug))
    return [rod((0, 0, 0), (0, 0, top), W / 2), lugs, rod((0, 0, top), (0, 0, H), W * d(0.2, 0.4))]


@_family(lambda L, W, H: W <= L <= 1.35 * W and H >= 50)
def bottle(d: Dice, L: float, W: float, H: float) -> list[Part]:
    shoulder, label = H * d(0.55, 0.7), W * d(0.6, 0.7)
    front = box((-L / 2, -label / 2, H * 0.1), (L / 2, label / 2, shoulder * d(0.7, 0.9)))
    return [
        rod((0, 0, 0), (0, 0, shoulder), W / 2),
        rod((0, 0, shoulder), (0, 0, H), W * d(0.17, 0.3)),
        front,
    ]


@_family(lambda L, W, H: H <= 0.8 * W and W <= L)
def basket(d: Dice, L: float, W: float, H: float) -> list[Part]:
    floor, wall, rail = thick(H * 0.2), thick(L * d(0.12, 0.2)), max(H * d(0.15, 0.2), 7)
    ends = [box((x, -W / 2, floor), (x + wall, W / 2, H)) for x in (0, L - wall)]
    at = H * d(0.6, 0.75)
    end = max(wall / 2, rail)
    rails = [capsule((end, y, at), (L - end, y, at), rail) for y in (rail - W / 2, W / 2 - rail)]
    return [box((0, -W / 2, 0), (L, W / 2, floor)), *ends, *rails]


@_family(lambda L, W, H: L >= W and L >= 80 and H >= 70)
def tote(d: Dice, L: float, W: float, H: float) -> list[Part]:
    tray, wall, bar = H * d(0.25, 0.38), thick(L * d(0.12, 0.18)), thick(H * d(0.14, 0.2)) / 2
    post = W * d(0.2, 0.35)
    ends = [box((x, -post, tray), (x + wall, post, H)) for x in (0, L - wall)]
    handle = rod((wall / 2, 0, H - bar), (L - wall / 2, 0, H - bar), bar)
    return [box((0, -W / 2, 0), (L, W / 2, tray)), *ends, handle]


@_family(lambda L, W, H: H <= 0.75 * W and L >= W and W >= 70)
def frame(d: Dice, L: float, W: float, H: float) -> list[Part]:
    end, bar = thick(L * d(0.18, 0.25)), min(H * d(0.35, 0.5), 0.2 * W)
    ends = [box((x, -W / 2, 0), (x + end, W / 2, H)) for x in (0, L - end)]
    inner = max(end / 2, bar)
    rails = [capsule((inner, y, H / 2), (L - inner, y, H / 2), bar) for y in (bar - W / 2, W / 2 - bar)]
    return [*ends, *rails]
