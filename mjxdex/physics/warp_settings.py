"""How Warp behaves under MJX: quiet, and with room for all of its CUDA graphs.

Warp replays a recorded CUDA graph when a program calls it with the buffer addresses of the recording, and keeps 32
recordings by default. The buffers of a training iteration take more addresses than that before they repeat, so the
oldest recording was always thrown away just before its turn, and every physics step was recorded anew: 20 to 60 ms
of Python instead of a replay. Importing this module lifts the limit for every MJX function traced after it.
"""

import functools

import warp as wp

GRAPHS_KEPT = 1024
"""Recordings kept per function."""

wp.config.log_level = wp.LOG_WARNING
wp.jax_callable = functools.partial(wp.jax_callable, graph_cache_max=GRAPHS_KEPT)
