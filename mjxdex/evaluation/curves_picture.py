"""Learning curves as a picture: success, rewards, and what training or distillation is about."""

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
"""Metrics of training and what they are called."""
STUDENT_PANELS = (
    PANELS[0],
    ("action_error", "action, standard deviations of the teacher off"),
    ("action_distance", "action component off (of ±1)"),
    ("object_pos_error_cm", "object position off, cm"),
    *PANELS[4:],
)
"""Likewise of distillation."""
LEGEND_LETTERS = 180
"""That fit side by side in the picture's width."""


def panels(groups: Sequence[Group]) -> tuple[tuple[str, str], ...]:
    """The panels that suit the runs: those of distillation if all of them are students."""
    rows = [curve.rows[-1] for group in groups for curve in group.curves]
    return STUDENT_PANELS if all("action_error" in row for row in rows) else PANELS


def curves_picture(groups: Sequence[Group], axis: str, smooth: int) -> np.ndarray:
    """Draws groups of runs: the mean, in a band from the smallest to the largest of several seeds.

    Args:
      groups: Each in a colour of its own.
      axis: "steps" for env steps, "hours" for time.
      smooth: Rows of the running mean.

    Returns: uint8 [H, W, 3].
    """
    shown = panels(groups)
    figure, axes = plt.subplots(2, 4, figsize=(16, 7), dpi=100, sharex=True, layout="constrained")
    for panel, (name, title) in zip(axes.flat, shown, strict=True):
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
    if shown is PANELS:
        axes[0, 1].set_ylim(min(-1, axes[0, 1].get_ylim()[0]), NUM_LEVELS + 1)
    else:
        for panel in axes[0, 1:]:
            panel.set_yscale("log")
    for panel in axes[1]:
        panel.set_xlabel("million env steps" if axis == "steps" else "hours")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    columns = min(3, max(1, LEGEND_LETTERS // max(map(len, labels))))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=10)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture
