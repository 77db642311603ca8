"""Hidden layers shared by policy and critic."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx


class Mlp(nnx.Module):
    """Linear → ELU for each size; the products run in `dtype`, parameters and result are float32."""

    def __init__(self, inputs: int, sizes: Sequence[int], *, dtype: jnp.dtype, rngs: nnx.Rngs):
        widths = (inputs, *sizes)
        self.layers = nnx.List(
            [nnx.Linear(a, b, dtype=dtype, rngs=rngs) for a, b in zip(widths[:-1], widths[1:], strict=True)]
        )
        self.outputs = widths[-1]

    def __call__(self, x: jax.Array) -> jax.Array:
        """float32 [..., inputs] → float32 [..., last size]."""
        for layer in self.layers:
            x = nnx.elu(layer(x))
        return x.astype(jnp.float32)
