"""Learning curves as a picture: success, ADR level, return and every reward term."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from mjxdex.evaluation.curves import Group
from mjxdex.runtime.milestones import SUCCESS
from mjxdex.task.adr import NUM_LEVELS

PANELS = (
    ("success", "success (share of envs at the goal)"),
    ("adr/level", f"ADR level (of {NUM_LEVELS})"),
    ("episode_return", "episode return"),
    ("log_std", "log standard deviation of actions"),
    ("info/reward/hand_to_object", "reward: hand to object"),
    ("info/reward/lift", "reward: lift"),
    ("info/reward/object_to_goal", "reward: object to goal"),
    ("info/reward/finger_curl", "reward: finger curl"),
)
"""Metrics and what they are called."""


def curves_picture(groups: Sequence[Group], axis: str, smooth: int) -> np.ndarray:
    """Draws groups of runs: the mean, in a band from the smallest to the largest of several seeds.

    Args:
      groups: Each in a colour of its own.
      axis: "steps" for env steps, "hours" for time.
      smooth: Rows of the running mean.

    Returns: uint8 [H, W, 3].
    """
    figure, axes = plt.subplots(2, 4, figsize=(16, 7), dpi=100, sharex=True, layout="constrained")
    for panel, (name, title) in zip(axes.flat, PANELS, strict=True):
        for i, group in enumerate(groups):
            x, (mean, low, high) = group.band(name, axis, smooth)
            seeds = f" ({len(group.curves)} seeds)" if len(group.curves) > 1 else ""
            panel.plot(x, mean, f"C{i}", lw=1.5, label=group.label + seeds)
            if len(group.curves) > 1:
                panel.fill_between(x, low, high, color=f"C{i}", alpha=0.2, lw=0)
        panel.set_title(title, fontsize=10)
        panel.grid(alpha=0.3)
    axes[0, 0].axhline(SUCCESS, color="0.5", lw=0.8, ls="--")
    axes[0, 0].set_ylim(0, max(1.2 * SUCCESS, axes[0, 0].get_ylim()[1]))
    axes[0, 1].set_ylim(-1, NUM_LEVELS + 1)
    for panel in axes[1]:
        panel.set_xlabel("million env steps" if axis == "steps" else "hours")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=10)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture
