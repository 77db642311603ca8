"""Where the task's object starts, and where it counts as lost."""

SPAWN_CENTRE = (-0.55, 0.1, 0.5)
"""The object is dropped from here, 0.25 m above the table top, metres."""
REACH = ((-0.80, -0.30), (-0.30, 0.50))
"""The object is lost when its x or y leaves these ranges, metres."""
LOWEST = 0.2
"""The object is lost below this height, metres."""
