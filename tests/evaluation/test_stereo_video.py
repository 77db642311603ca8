import jax
import numpy as np

from mjxdex.evaluation.stereo_record import StereoRecord
from mjxdex.evaluation.stereo_video import BELIEVED_COLOUR, TRUE_COLOUR, project, stereo_frames
from mjxdex.render import stereo

WIDTH, HEIGHT = 40, 30
CAMERAS = jax.tree.map(np.asarray, stereo.nominal(1))


def ahead(right: float, down: float, depth: float) -> np.ndarray:
    """A point [1, 3] in the frame of the left camera (metres), in the world's."""
    offset = CAMERAS.rot[0, stereo.LEFT] @ np.array([right, -down, -depth])
    return (CAMERAS.pos[0, stereo.LEFT] + offset)[None]


def test_points_are_seen_where_the_pinholes_put_them():
    focal, z = float(CAMERAS.focal[0, 0]) * WIDTH, 0.8
    left, right = project(ahead(0.1, 0.05, z), CAMERAS, WIDTH, HEIGHT)[0]
    np.testing.assert_allclose(left, [WIDTH / 2 + focal * 0.1 / z, HEIGHT / 2 + focal * 0.05 / z], atol=1e-3)
    # The disparity that render.stereo states, of images turned upright.
    np.testing.assert_allclose(left - right, focal / z * np.array([0.065, -0.062]), atol=1e-3)
    assert np.isnan(project(ahead(0, 0, -0.5), CAMERAS, WIDTH, HEIGHT)[0, stereo.LEFT]).all()


def test_frames_show_both_eyes_upright_with_marks():
    eyes = np.zeros((1, 2, HEIGHT, WIDTH, 3), np.uint8)
    eyes[:, stereo.RIGHT] = 50
    record = StereoRecord(np.full((1, 120, 160, 3), 9, np.uint8), eyes, CAMERAS)
    true, believed = ahead(0.0, 0.0, 0.8), ahead(0.1, 0.0, 0.8)
    frame = stereo_frames(record, true, believed)[0]
    assert frame.shape == (120, 160 + 2 * 90, 3), "portraits beside the overview"
    left, right = frame[:, 160:250], frame[:, 250:]
    for eye in (left, right):
        assert (eye == TRUE_COLOUR).all(-1).any() and (eye == BELIEVED_COLOUR).all(-1).any()
    rows = [np.argwhere((left == colour).all(-1))[:, 0].mean() for colour in (TRUE_COLOUR, BELIEVED_COLOUR)]
    assert abs(rows[0] - 60) < 3 and rows[1] > 70, "further right in the image is further down in the world"
    assert (right == 50).mean() > 0.8 and (left == 0).mean() > 0.8
