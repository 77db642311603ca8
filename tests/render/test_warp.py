import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.render import WarpRgbRenderer
from mjxdex.robot.tables import RESET_POS


def test_colours():
    """The object's yellow appears in the overview, and disappears when the object is elsewhere."""
    primitives = objects.load("primitives")
    model = scene.build(Config(), primitives)
    render = jax.jit(WarpRgbRenderer(model, primitives, 1, 80, 60).render)
    qpos = jnp.concatenate([jnp.asarray(RESET_POS), jnp.array([-0.6, 0.1, 0.3, 1, 0, 0, 0])])[None]
    pictures = [np.asarray(render(q, jnp.zeros(1, jnp.int32)))[0] for q in (qpos, qpos.at[0, 25].set(-5))]
    assert pictures[0].shape == (60, 80, 3) and pictures[0].dtype == np.uint8
    yellow = (pictures[0][..., 0] > 120) & (pictures[0][..., 2] < 0.4 * pictures[0][..., 0])
    assert (yellow & (pictures[0] != pictures[1]).any(axis=-1)).sum() > 20
