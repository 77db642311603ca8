"""Pictures for the randomized looks: textures of surfaces, and surroundings behind the scene.

All are computed, so nothing need be downloaded and every run sees the same.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SIZE = 256
"""Rows and columns of a texture; a power of 2."""
VARIANTS = 4
"""Textures of each kind."""


@cache
def texture_bank() -> np.ndarray:
    """Textures that tile seamlessly, uint8 [NUM_TEXTURES, SIZE, SIZE, 3], sRGB; read only.

    The same in every run; made once per process, in about a second.
    """
    rng = np.random.default_rng(0)
    textures = [make(rng) for make in _KINDS for _ in range(VARIANTS)]
    bank = (np.clip(np.stack(textures), 0, 1) * 255).round().astype(np.uint8)
    bank.flags.writeable = False
    return bank


_V, _U = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
"""Texture coordinates of each pixel, 0 to 1."""


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random colours [count, 3], few of them vivid, one of them light."""
    hue = rng.random(count)[:, None] + np.array([0, 1 / 3, 2 / 3])
    pure = 0.5 + 0.5 * np.cos(2 * np.pi * hue)
    value = rng.uniform(0.2, 1, (count, 1))
    value[rng.integers(count)] = rng.uniform(0.8, 1)
    return value * (1 - 0.9 * rng.random((count, 1)) ** 1.5 * (1 - pure))


def _ramp(value: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Colours [..., 3] of values from 0 to 1, mixed along a list of them."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(value, at, channel) for channel in colours.T], axis=-1)


def _noise(rng: np.random.Generator, slope: float, stretch: float = 1.0, shape=(SIZE, SIZE)) -> np.ndarray:
    """Periodic noise, spread over 0 to 1; its amplitude falls with frequency to the power `slope`, and it is
    longer by `stretch` along the rows."""
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    fy = np.fft.fftfreq(shape[0], 1 / shape[0])[:, None] * stretch
    fx = np.fft.rfftfreq(shape[1], 1 / shape[1])
    noise = np.fft.irfft2(spectrum / np.maximum(np.hypot(fx, fy), 1) ** slope, shape)
    noise /= noise.std()
    return 0.5 + 0.5 * np.tanh(0.8 * (noise - noise.mean()))


def _grain(rng: np.random.Generator, amount: float) -> np.ndarray:
    """Factor on colours [S, S, 1]: dirt and unevenness."""
    return 1 - amount * _noise(rng, rng.uniform(0.5, 1.5))[..., None]


def _wave(phase: np.ndarray, sharpness: float) -> np.ndarray:
    """0 to 1 and back as `phase` grows by 1."""
    return 0.5 + 0.5 * np.tanh(sharpness * np.sin(2 * np.pi * phase))


def _checks(rng: np.random.Generator) -> np.ndarray:
    nu, nv = rng.integers(2, 9, 2)
    odd = (np.floor(2 * nu * _U) + np.floor(2 * nv * _V)) % 2
    return _ramp(odd, _colours(rng, 2)) * _grain(rng, rng.uniform(0, 0.5))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    nu, nv = rng.integers(-4, 5), rng.integers(1, 9)
    phase = nu * _U + nv * _V + rng.uniform(0, 0.15) * _noise(rng, 2)
    return _ramp(_wave(phase, rng.uniform(1, 20)), _colours(rng, 3)) * _grain(rng, 0.2)


def _bricks(rng: np.random.Generator) -> np.ndarray:
    rows, columns, joint = 2 * rng.integers(2, 7), rng.integers(2, 6), rng.uniform(0.04, 0.12)
    row = np.floor(rows * _V).astype(int)
    u = (columns * _U + 0.5 * (row % 2)) % columns
    shade = rng.uniform(0.6, 1, (rows, columns))[row, u.astype(int)][..., None]
    mortar = (rows * _V % 1 < joint) | (u % 1 < joint * rows / columns / 2)
    brick, joints = _colours(rng, 2)
    return np.where(mortar[..., None], joints, brick * shade) * _grain(rng, 0.4)


def _marble(rng: np.random.Generator) -> np.ndarray:
    nu, nv = rng.integers(0, 3), rng.integers(1, 3)
    phase = nu * _U + nv * _V + rng.uniform(0.6, 1.5) * _noise(rng, 1.7)
    return _ramp(np.abs(np.sin(np.pi * phase)) ** rng.uniform(0.3, 1), _colours(rng, 3))


def _wood(rng: np.random.Generator) -> np.ndarray:
    phase = rng.integers(2, 7) * _U + rng.uniform(0.5, 1.5) * _noise(rng, 2, stretch=0.2)
    grain = 0.6 * (phase % 1) + 0.4 * _noise(rng, 0.6, stretch=30)
    light = np.array([0.9, 0.72, 0.5]) * rng.uniform(0.6, 1.1, 3)
    boards = np.floor(rng.integers(1, 5) * _V) % 2 if rng.random() < 0.5 else 0 * _V
    return _ramp(grain, np.stack([light, 0.55 * light])) * (1 - 0.2 * boards[..., None])


def _clouds(rng: np.random.Generator) -> np.ndarray:
    return _ramp(_noise(rng, rng.uniform(0.6, 2.2), rng.choice([1, 1, 4])), _colours(rng, 4))


def _camouflage(rng: np.random.Generator) -> np.ndarray:
    levels = int(rng.integers(3, 6))
    return _colours(rng, levels)[(_noise(rng, 1.8) * levels).astype(int)] * _grain(rng, 0.3)


def _neighbours(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest two of `count` random points, and the nearest, each [S, S, 2]."""
    tree = cKDTree(rng.random((count, 2)), boxsize=1)
    return tree.query(np.stack((_U, _V), axis=-1), k=2)


def _cells(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(8, 120))
    distance, nearest = _neighbours(rng, count)
    wall = distance[..., 1] - distance[..., 0] < rng.uniform(0, 0.25) / np.sqrt(count)
    colours = _ramp(rng.random(count), _colours(rng, 4))
    return np.where(wall[..., None], _colours(rng, 1), colours[nearest[..., 0]]) * _grain(rng, 0.2)


def _pebbles(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(30, 300))
    distance, nearest = _neighbours(rng, count)
    height = np.clip((distance[..., 1] - distance[..., 0]) * np.sqrt(count) * 2, 0, 1)[..., None]
    return _ramp(rng.random(count), _colours(rng, 3))[nearest[..., 0]] * (0.3 + 0.7 * np.sqrt(height))


def _dots(rng: np.random.Generator) -> np.ndarray:
    n, radius = rng.integers(2, 11), rng.uniform(0.15, 0.45)
    shifted = _U + 0.5 / n * (np.floor(n * 2 * _V) % 2)
    inside = np.hypot(n * shifted % 1 - 0.5, (2 * n * _V % 1 - 0.5) * 0.5) < radius / 2
    return _ramp(inside.astype(float), _colours(rng, 2)) * _grain(rng, 0.3)


def _scratches(rng: np.random.Generator) -> np.ndarray:
    base, marks = _colours(rng, 2)
    depth = np.zeros((SIZE, SIZE))
    for _ in range(int(rng.integers(60, 200))):
        length, angle = rng.uniform(10, 150), rng.uniform(0, 2 * np.pi)
        along = np.arange(length)
        x, y = (rng.integers(SIZE, size=2)[:, None] + along * [[np.cos(angle)], [np.sin(angle)]]).astype(int)
        depth[y % SIZE, x % SIZE] = rng.uniform(0.3, 1)
    depth = np.minimum(gaussian_filter(depth, rng.uniform(0.4, 1), mode="wrap") * 2, 1)[..., None]
    return (base + depth * (marks - base)) * _grain(rng, 0.3)


def _waves(rng: np.random.Generator) -> np.ndarray:
    n = rng.integers(1, 4, 4)
    phase = rng.random(2)
    value = np.sin(2 * np.pi * (n[0] * _U + phase[0])) * np.sin(2 * np.pi * (n[1] * _V + phase[1]))
    value += 0.5 * np.sin(2 * np.pi * (n[2] * _U - n[3] * _V))
    return _ramp((value + 1.5) / 3, _colours(rng, 4))


def _cloth(rng: np.random.Generator) -> np.ndarray:
    n = int(rng.integers(12, 33))
    over = (np.floor(n * 2 * _U) + np.floor(n * 2 * _V)) % 2
    warp, weft = np.abs(np.sin(2 * np.pi * n * _U)), np.abs(np.sin(2 * np.pi * n * _V))
    thread = 0.4 + 0.6 * np.where(over > 0, warp, weft)[..., None]
    bands = rng.integers(0, 2, 16)[np.stack(((16 * _U).astype(int), (16 * _V).astype(int)))]
    return _colours(rng, 2)[np.where(over > 0, *bands)] * thread * _grain(rng, 0.2)


def _print(rng: np.random.Generator) -> np.ndarray:
    """Boxes and bars as on packaging."""
    colours = _colours(rng, 5)
    picture = np.full((SIZE, SIZE, 3), colours[0])
    for _ in range(int(rng.integers(15, 60))):
        (x, y), (w, h) = rng.integers(SIZE, size=2), rng.integers(4, 70, 2)
        columns, rows = np.arange(x, x + w) % SIZE, np.arange(y, y + h) % SIZE
        picture[np.ix_(rows, columns)] = colours[rng.integers(5)]
    return picture


_KINDS: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (
    _checks,
    _stripes,
    _bricks,
    _marble,
    _wood,
    _clouds,
    _camouflage,
    _cells,
    _pebbles,
    _dots,
    _scratches,
    _waves,
    _cloth,
    _print,
)
NUM_TEXTURES = VARIANTS * len(_KINDS)

NUM_BACKGROUNDS = 32


@cache
def background_bank(height: int, width: int) -> np.ndarray:
    """Pictures of cluttered surroundings, each twice as high and wide as an image: uint8
    [NUM_BACKGROUNDS, 2 height, 2 width, 3], sRGB; read only.

    The same in every run and at every size; made once per process, in 2 s at 160x120 and 5 s at 320x240.
    """
    rng = np.random.default_rng(1)
    bank = np.empty((NUM_BACKGROUNDS, 2 * height, 2 * width, 3), np.uint8)
    for picture in bank:
        picture[:] = (np.clip(_surroundings(rng, 2 * height, 2 * width), 0, 1) * 255).round()
    bank.flags.writeable = False
    return bank


def _surroundings(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One picture [height, width, 3]: wall and floor, things of all sizes before them, out of focus or not.

    Random numbers are in shares of the picture, and as many are drawn at any size.
    """
    v, u = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None]
    wall, floor = _ramp(v, _colours(rng, 2)), _ramp(u, _colours(rng, 2))
    picture = np.where((v < rng.uniform(0.3, 1.2) + rng.uniform(-0.2, 0.2) * u)[..., None], wall, floor)
    textures, repeats = texture_bank()[rng.integers(NUM_TEXTURES, size=8)] / 255, rng.uniform(0.5, 4, (8, 2))
    for i in range(int(rng.integers(4, 40))):
        centre, half, turn = rng.random(2), 0.3 * rng.random(2) ** 1.5 + 0.01, rng.normal() * 0.2
        style, power, shade = rng.random(), rng.choice([2, 10, 10]), rng.uniform(0.3, 1)
        colours = _colours(rng, 2)
        du, dv = u - centre[0], v - centre[1]
        x, y = (
            (np.cos(turn) * du + np.sin(turn) * dv) / half[0],
            (np.cos(turn) * dv - np.sin(turn) * du) / half[1],
        )
        inside = np.abs(x) ** power + np.abs(y) ** power < 1
        x, y = x[inside], y[inside]
        if style < 0.4:
            row, column = (np.stack((y, x), axis=-1) * repeats[i % 8] * SIZE % SIZE).astype(int).T
            thing = textures[i % 8][row, column] * shade
        elif style < 0.55:  # a window or shelf with bars
            bars = (np.abs(np.sin(np.pi * repeats[i % 8, 0] * x)) < 0.2) | (np.abs(np.sin(np.pi * y)) < 0.1)
            thing = np.where(bars[:, None], colours[0] * shade, 0.6 + 0.4 * colours[1])
        else:
            thing = _ramp(0.5 + 0.5 * x, colours) * (0.8 - 0.2 * y[:, None]) * shade
        picture[inside] = thing
    blur = rng.choice([0, 0.002, 0.006, 0.015]) * width
    return gaussian_filter(picture, (blur, blur, 0), truncate=3) * rng.uniform(0.6, 1.2)
