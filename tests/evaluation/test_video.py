import imageio.v2 as imageio
import numpy as np
import pytest

from mjxdex.evaluation.frames import beside, colorize, rgb_and_depth, upright
from mjxdex.evaluation.video import write_strip, write_video


def test_near_is_red_far_is_blue_and_the_rest_dark():
    near, far, beyond, nothing = colorize(np.array([[0.55, 1.25, 1.4, 0.0]]), 0.5, 1.3)[0].astype(int)
    assert near[0] > near[2] + 50 and far[2] > far[0] + 50
    assert beyond.max() < 40 and (beyond == nothing).all()


def test_upright_puts_the_cameras_right_edge_at_the_bottom():
    """Image x runs down in the world, image y to the viewer's left."""
    image = np.zeros((1, 3, 4, 3), np.uint8)
    image[0, 0, 3] = 255
    turned = upright(image)
    assert turned.shape == (1, 4, 3, 3)
    assert turned[0, 3, 2, 0] == 255 and turned.sum() == 3 * 255


def test_pictures_beside_each_other_have_one_height_and_even_sizes():
    joined = beside(np.zeros((2, 91, 120, 3), np.uint8), np.full((2, 40, 30, 3), 7, np.uint8))
    assert joined.shape == (2, 90, 188, 3)
    assert (joined[:, :, :120] == 0).all() and (joined[:, :, 120:] == 7).all()


def test_video_and_strip_can_be_read_back(tmp_path):
    frames, height, width = 10, 48, 64
    rgb = np.zeros((frames, height, width, 3), np.uint8)
    rgb[:, :, :, 1] = np.linspace(0, 250, frames).astype(np.uint8)[:, None, None]
    depth = np.full((frames, 12, 16), 0.9)
    video, strip = tmp_path / "new" / "a.mp4", tmp_path / "strip.png"
    write_video(video, rgb, depth, depth_min=0.5, depth_max=1.3)
    write_strip(strip, rgb, depth, depth_min=0.5, depth_max=1.3, moments=4)

    read = np.stack(imageio.mimread(video))
    assert read.shape == (frames, height, width + 36, 3)
    np.testing.assert_allclose(read[:, 24, 20, 1], rgb[:, 24, 20, 1], atol=8)
    picture = imageio.imread(strip)
    assert picture.shape == (2 * height, 4 * width, 3)
    np.testing.assert_array_equal(picture[10, 10::width, 1], rgb[[0, 3, 6, 9], 10, 10, 1])
    assert (picture[-1, width // 2] == rgb_and_depth(rgb, depth, 0.5, 1.3)[0, -1, -5]).all()


def test_unequal_numbers_of_frames_are_an_error():
    with pytest.raises(ValueError, match="3 RGB frames and 2 depth frames"):
        rgb_and_depth(np.zeros((3, 8, 8, 3), np.uint8), np.zeros((2, 4, 4)), 0.5, 1.3)
