"""How Warp behaves under MJX."""

import jax
import warp as wp

wp.config.log_level = wp.LOG_WARNING


def graph_mode(sim_devices: int) -> wp.JaxCallableGraphMode:
    """How MJX's functions are recorded as CUDA graphs.

    Warp can replay a recording only with the buffer addresses that it was made with, and a training iteration
    takes so many different ones that most physics steps would be recorded anew: 20 to 60 ms of Python each.
    With staging, a recording works on buffers of its own, and inputs and outputs are copied. Such a recording
    belongs to one device, so a program over several has to do without. CPUs record nothing.

    Args:
      sim_devices: Devices that the program runs on.
    """
    modes = wp.JaxCallableGraphMode
    if jax.default_backend() == "cpu":
        return modes.JAX
    return modes.WARP_STAGED_EX if sim_devices == 1 else modes.WARP
