"""Where the task's object starts, and where it counts as lost."""

from typing import Any

SPAWN_CENTRE = (-0.55, 0.1, 0.5)
"""The object is dropped from here, 0.25 m above the table top, metres."""
REACH = ((-0.80, -0.30), (-0.30, 0.50))
"""The object is lost when its x or y leaves these ranges, metres."""
LOWEST = 0.2
"""The object is lost below this height, metres."""


def is_lost(object_pos: Any) -> Any:
    """Whether objects have left the places above.

    Args:
      object_pos: of JAX or NumPy, [3] or [N, 3], metres.

    Returns: bool [] or [N].
    """
    x, y, z = object_pos.T
    return (x < REACH[0][0]) | (x > REACH[0][1]) | (y < REACH[1][0]) | (y > REACH[1][1]) | (z < LOWEST)
