"""Tools, furniture and vehicles. Sizes as in `families.FAMILIES`."""

from mjxdex.objects.generator import Family, register_in
from mjxdex.objects.shapes import Part
from mjxdex.objects.solids import Dice, box, capsule, ellipsoid, rod, thick

TOOLS: dict[str, Family] = {}
_family = register_in(TOOLS)


@_family(lambda L, W, H: 1.2 * max(W, H) <= L)
def dumbbell(d: Dice, L: float, W: float, H: float) -> list[Part]:
    weight, grip = L * d(0.22, 0.32), min(W, H) * d(0.18, 0.28)
    ends = [box((x, -W / 2, 0), (x + weight, W / 2, H)) for x in (0, L - weight)]
    return [*ends, rod((weight, 0, H / 2), (L - weight, 0, H / 2), grip)]


@_family(lambda L, W, H: L >= W and H >= 70)
def spool(d: Dice, L: float, W: float, H: float) -> list[Part]:
    plate, core = thick(H * d(0.15, 0.25)), min(L, W) * d(0.25, 0.4)
    plates = [box((-L / 2, -W / 2, z), (L / 2, W / 2, z + plate)) for z in (0, H - plate)]
    return [*plates, rod((0, 0, plate), (0, 0, H - plate), core)]


@_family(lambda L, W, H: L >= 1.25 * H and W >= H)
def hammer(d: Dice, L: float, W: float, H: float) -> list[Part]:
    grip = max(H * d(0.16, 0.24), 8)
    head = rod((L - H / 2, -W / 2, H / 2), (L - H / 2, W / 2, H / 2), H / 2)
    return [head, capsule((grip, 0, H / 2), (L - H / 2, 0, H / 2), grip)]


@_family(lambda L, W, H: L >= 1.3 * H)
def mallet(d: Dice, L: float, W: float, H: float) -> list[Part]:
    head, grip = L * d(0.3, 0.42), max(min(W, H) * d(0.16, 0.25), 8)
    return [box((L - head, -W / 2, 0), (L, W / 2, H)), rod((0, 0, H / 2), (L - head, 0, H / 2), grip)]


@_family(lambda L, W, H: H >= L >= W)
def chair(d: Dice, L: float, W: float, H: float) -> list[Part]:
    seat, slab, foot = H * d(0.4, 0.5), thick(H * 0.12), min(L, W) * d(0.3, 0.4)
    back = box((0, -W / 2, seat), (thick(L * d(0.16, 0.25)), W / 2, H))
    post, base = (
        rod((L / 2, 0, 0), (L / 2, 0, seat), max(foot * 0.4, 8)),
        rod((L / 2, 0, 0), (L / 2, 0, 14), foot),
    )
    return [box((0, -W / 2, seat - slab), (L, W / 2, seat)), back, post, base]


@_family(lambda L, W, H: L >= W and H >= 0.5 * L)
def table(d: Dice, L: float, W: float, H: float) -> list[Part]:
    top, leg, inset = thick(H * d(0.16, 0.25)), max(min(W * 0.2, L * d(0.09, 0.13)), 8), L * d(0.14, 0.2)
    legs = [rod((x, 0, 0), (x, 0, H - top), leg) for x in (inset, L - inset)]
    feet = [box((x - leg, -W * 0.4, 0), (x + leg, W * 0.4, 14)) for x in (inset, L - inset)]
    return [box((0, -W / 2, H - top), (L, W / 2, H)), *legs, *feet]


@_family(lambda L, W, H: L >= W and H <= W)
def valve(d: Dice, L: float, W: float, H: float) -> list[Part]:
    hub, rim = min(L, W) * d(0.25, 0.36), thick(H * d(0.3, 0.5))
    a, b = (thick(min(L, W) * d(0.16, 0.24)) / 2 for _ in range(2))
    bars = [box((-L / 2, -a, 0), (L / 2, a, rim)), box((-b, -W / 2, 0), (b, W / 2, rim))]
    return [*bars, rod((0, 0, 0), (0, 0, H * 0.6), hub), rod((0, 0, H * 0.6), (0, 0, H), hub * d(0.4, 0.7))]


@_family(lambda L, W, H: L >= 1.2 * W and H <= 0.85 * L)
def car(d: Dice, L: float, W: float, H: float) -> list[Part]:
    wheel, waist, front = H * d(0.2, 0.24), H * d(0.52, 0.62), L * d(0.55, 0.75)
    axles = [rod((x, -W / 2, wheel), (x, W / 2, wheel), wheel) for x in (L * 0.2, L * 0.8)]
    chassis = box((0, -W * 0.42, wheel * 0.8), (L, W * 0.42, waist))
    return [chassis, box((L * d(0.05, 0.25), -W * 0.36, waist), (front, W * 0.36, H)), *axles]


@_family(lambda L, W, H: L >= 1.25 * W and L >= H)
def train(d: Dice, L: float, W: float, H: float) -> list[Part]:
    deck, cab = thick(H * 0.22), L * d(0.28, 0.38)
    boiler = min(W * 0.4, (H - deck) * 0.36)
    engine = rod((cab, 0, deck + boiler), (L * 0.95, 0, deck + boiler), boiler)
    funnel = rod((L * 0.8, 0, deck + boiler), (L * 0.8, 0, H * d(0.88, 0.98)), max(boiler * 0.4, 7))
    return [
        box((0, -W / 2, 0), (L, W / 2, deck)),
        box((0, -W * 0.45, deck), (cab, W * 0.45, H)),
        engine,
        funnel,
    ]


@_family(lambda L, W, H: L >= 1.3 * W and H >= 0.4 * L)
def boat(d: Dice, L: float, W: float, H: float) -> list[Part]:
    hull, cab = H * d(0.28, 0.34), L * d(0.12, 0.2)
    cabin = box((-cab, -W * 0.3, hull), (cab, W * 0.3, H * d(0.72, 0.8)))
    funnel = rod((-cab * 0.3, 0, hull), (-cab * 0.3, 0, H), max(cab * 0.35, 7))
    return [ellipsoid((0, 0, hull), (L / 2, W / 2, hull)), cabin, funnel]


@_family(lambda L, W, H: 1.1 * max(L, W) <= H)
def rocket(d: Dice, L: float, W: float, H: float) -> list[Part]:
    hull, fin, low = min(L, W) * d(0.25, 0.33), H * d(0.3, 0.45), H * 0.06
    fins = [box((-L / 2, -7, 0), (L / 2, 7, fin)), box((-7, -W / 2, 0), (7, W / 2, fin))]
    return [capsule((0, 0, low + hull), (0, 0, H - hull), hull), *fins]
