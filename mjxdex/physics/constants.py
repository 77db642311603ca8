"""MuJoCo structures as constants of a jitted program."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import mjx

from mjxdex.physics.warp_settings import graph_mode


def constant_model(model: mujoco.MjModel, sim_devices: int = 1) -> mjx.Model:
    """The model for MJX-Warp with NumPy leaves, so that programs hold it instead of taking it as arguments.

    Args:
      model: the scene.
      sim_devices: devices that a program with this model runs on.
    """
    on_device = mjx.put_model(model, impl="warp", graph_mode=graph_mode(sim_devices))
    constant = jax.tree.map(np.asarray, on_device)
    return constant.tree_replace({"opt._impl.warn_overflow": 0})


def constant_data(model: mujoco.MjModel, contacts: int, constraints: int) -> mjx.Data:
    """Blank data of one world with NumPy leaves; pass them through `spread` inside the program.

    Args:
      contacts: budget of all worlds of a device together.
      constraints: budget of each world.
    """
    data = mjx.make_data(model, impl="warp", naconmax=contacts, njmax=constraints)
    return jax.tree.map(np.asarray, data)


def spread(constant: mjx.Data) -> mjx.Data:
    """Turns constant leaves into arrays; those of one value become a broadcast scalar and cost no memory."""
    return jax.tree.map(_spread, constant)


def _spread(leaf: np.ndarray) -> jax.Array:
    if leaf.size > 1 and (leaf == leaf.flat[0]).all():
        return jnp.full(leaf.shape, leaf.flat[0], leaf.dtype)
    return jnp.asarray(leaf)
