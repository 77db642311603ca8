"""What counts as a lift, and that noise is what does it."""

import numpy as np
import pytest

from mjxdex.config import UserError
from mjxdex.evaluation.noise_probe import Noise, lifts


def test_a_lift_is_measured_from_where_the_object_lay_and_ends_with_the_episode():
    height = np.full((10, 3), 0.05)
    height[:3] = 0.3  # falls onto the table
    height[6, 0] = 0.08
    height[7, 1] = 0.9  # of the next episode
    height[8, 2] = 0.01
    over = np.zeros((10, 3), bool)
    over[6, 1] = True
    np.testing.assert_allclose(lifts(height, over, arrival=5, rest=2), [0.03, 0, 0], atol=1e-9)


def test_noises_are_read_or_refused():
    assert Noise.parse("0.11") == Noise(0.11, 0.0)
    assert Noise.parse("own:0.9") == Noise(None, 0.9)
    for text in ("loud", "-0.1", "0.1:1", "0.1:much", "0.1:-0.1"):
        with pytest.raises(UserError, match="such as 0.11:0.9"):
            Noise.parse(text)
