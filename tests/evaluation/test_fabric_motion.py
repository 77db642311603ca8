from dataclasses import replace

import numpy as np
import pytest

from mjxdex.config import FabricConfig
from mjxdex.evaluation.fabric_motion import UNDER_THE_TABLE, move


@pytest.mark.slow
def test_the_hand_stays_above_the_table_when_sent_below_it():
    """It starts 18 mm deep in the camera's box and then touches nothing; without avoidance it sinks in."""
    config = FabricConfig()
    gap = {}
    for avoid in (True, False):
        settings = replace(config, collision_avoidance=avoid)
        gap[avoid] = move((UNDER_THE_TABLE,), settings, seconds=2.0).hand_gap[0]
    start = np.arange(gap[True].size) < 0.5 / config.timestep
    assert gap[True][start].min() > -0.019
    assert gap[True][~start].min() > 0.005
    assert gap[False][~start].min() < -0.08
