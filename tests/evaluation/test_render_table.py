"""The comparison of the renderers: it measures what it says, and survives what does not work."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.evaluation import render_benchmark, render_scenes, render_table
from mjxdex.evaluation.render_benchmark import Case, Result
from mjxdex.evaluation.render_table import Comparison

CASE = Case("smoke", "warp", "depth", 16, 8, batch=4, calls=3, rounds=2, shown=(0, 3))


def compare(**changes) -> Comparison:
    given = {
        "config": "smoke", "backends": ["warp"], "images": ["depth"], "sizes": [(16, 8)], "batches": [2],
        "calls": 2, "rounds": 1, "shown": 2, "seconds": 120, "report": lambda line: None,
    }  # fmt: skip
    return render_table.compare(**given | changes)


def test_an_env_starts_the_same_however_many_there_are():
    few, many = (render_scenes.draw(CASE.load_config(), count) for count in (2, 5))
    for name in few:
        np.testing.assert_array_equal(few[name], many[name][:2], err_msg=name)
    assert np.ptp(many["pos"], axis=0).min() > 0 and np.ptp(many["focal"]) == 0


def test_depth_is_compared_with_mujoco():
    comparison = compare()
    ((_, result),) = comparison.rows
    assert result.error is None and result.ms is not None and min(result.ms.values()) > 0
    (difference,) = comparison.differences
    assert difference.second == "mj_ray" and difference.images == 4
    assert difference.near > 0.99 and difference.mean < 1e-4
    rows = render_table.markdown(comparison).splitlines()
    assert sum(row.startswith("| depth | 16×8 | 2 | warp |") for row in rows) == 1
    assert sum(row.startswith("| warp | mj_ray | 16×8 | 4 |") for row in rows) == 1
    json.dumps(render_table.as_json(comparison))


def test_what_cannot_be_measured_is_a_row_that_says_why():
    rows = compare(backends=["mjwarp"], images=["stereo"]).rows
    rows += compare(seconds=0.1).rows
    errors = [result.error for _, result in rows]
    assert errors == ["mjwarp draws no stereo for policies", "not done after 0 s"]
    table = render_table.markdown(Comparison([(CASE, Result(error="out of memory"))], []))
    assert "| depth | 16×8 | 4 | warp | out of memory | | |" in table


def test_images_that_do_not_follow_the_poses_are_noticed():
    shape = jax.ShapeDtypeStruct((4, 8, 16), jnp.float32)
    numbers = itertools.count()

    def number(qpos: jax.Array) -> jax.Array:
        """Of the call, as an image."""
        return jax.pure_callback(lambda _: np.full(shape.shape, next(numbers), np.float32), shape, qpos)

    def honest(qpos: jax.Array) -> jax.Array:
        return jnp.broadcast_to(qpos[:, 0, None, None], shape.shape)

    qpos = jnp.asarray(render_scenes.draw(CASE.load_config(), 4)["reset"])
    _, images = render_benchmark._time(honest, (qpos,), 3, 1)
    np.testing.assert_array_equal(images, honest(qpos))
    with pytest.raises(RuntimeError, match="not those of single calls"):
        render_benchmark._time(number, (qpos,), 3, 1)
