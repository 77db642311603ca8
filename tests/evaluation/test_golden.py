"""The golden rollout. After a wanted change, renew it with `python scripts/golden.py` and say why."""

from pathlib import Path

import numpy as np
import pytest

from mjxdex.evaluation import golden
from mjxdex.robot import tables

KEPT = Path(__file__).parents[1] / "golden" / "rollout.npz"


def test_golden_rollout():
    found = golden.rollout()
    assert golden.differences(found, KEPT) == []
    assert np.ptp(found["qpos"][:, :, 25]) > 0.2, "the object falls onto the table"
    reset = np.flatnonzero(np.abs(np.diff(found["qpos"][:, 0, 25])) > 0.1)
    assert list(reset) == [16], "the time limit of 18 steps puts the object back up"


@pytest.mark.slow
def test_a_gain_changed_by_one_percent_is_noticed(monkeypatch):
    monkeypatch.setattr(tables, "KP", tables.KP * 1.01)
    assert golden.differences(golden.rollout(), KEPT) != []
