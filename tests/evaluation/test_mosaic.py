import numpy as np
from PIL import Image

from mjxdex.evaluation.frames import colorize, upright
from mjxdex.evaluation.mosaic import inset, mosaic, write_gif


def test_the_depth_image_stands_upright_in_the_upper_right_corner():
    rgb = np.full((2, 50, 60, 3), 7, np.uint8)
    depth = np.random.default_rng(0).uniform(0.5, 1.3, (2, 15, 20))
    joined = inset(rgb, depth, 0.5, 1.3)
    np.testing.assert_array_equal(joined[:, :20, -15:], upright(colorize(depth, 0.5, 1.3)))
    assert (joined[:, 20, -16:] == 255).all() and (joined[:, :20, -16] == 255).all()
    assert (joined[:, 21:] == 7).all() and (joined[:, :, :-16] == 7).all()
    assert (rgb == 7).all()


def test_envs_are_laid_out_row_by_row():
    pictures = np.arange(1, 6, dtype=np.uint8)[:, None, None, None, None] * np.ones((5, 3, 4, 6, 3), np.uint8)
    grid = mosaic(pictures)
    assert grid.shape == (3, 8, 18, 3)
    np.testing.assert_array_equal(grid[1, ::4, ::6, 0], [[1, 2, 3], [4, 5, 0]])


def test_a_gif_keeps_to_its_size(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6, 60, 80, 3)).astype(np.uint8)
    path = tmp_path / "new" / "a.gif"
    assert write_gif(path, noise, 10) == 1
    large = path.stat().st_size
    scale = write_gif(path, noise, 10, most_bytes=large // 3)
    assert scale < 1 and path.stat().st_size <= large // 3
    with Image.open(path) as gif:
        assert gif.n_frames == 6 and gif.info["duration"] == 100  # pyright: ignore
        assert gif.size == (round(80 * scale), round(60 * scale))
