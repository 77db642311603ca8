import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.fabric import repulsion
from mjxdex.robot import kinematics, tables
from mjxdex.robot.geometry import COLLISION_SPHERES

DOUBLE = jnp.ones(()).dtype == jnp.float64
TOLERANCE = 1e-9 if DOUBLE else 2e-3
SMALLEST_GAPS = (
    0.0050, 0.1750, 0.2750, 0.2600, 0.3214, 0.2457, 0.1646, 0.1133, 0.0772, -0.0144,
    -0.0132, -0.0155, -0.0089, 0.0095, 0.0359, 0.0137, -0.0021, -0.0179, -0.0162, 0.0093,
    0.0439, 0.0296, 0.0153, 0.0014, -0.0005, 0.0645, 0.0816, 0.0909, 0.1033, 0.1058, 0.1051,
)  # fmt: skip


def test_smallest_gaps_at_reset():
    found = repulsion.gaps(jnp.asarray(tables.RESET_POS))
    np.testing.assert_allclose(found, SMALLEST_GAPS, atol=5.1e-5)


def test_leaf_equals_the_published_equations_differentiated():
    """Sphere by sphere and obstacle by obstacle in NumPy, J by jacfwd and Jdot qd by a second jvp."""
    rng = np.random.default_rng(3)
    leaf = jax.jit(repulsion.sphere_repulsion)
    for _ in range(4):
        pos = jnp.asarray(tables.RESET_POS + 0.3 * rng.normal(size=23))
        vel = jnp.asarray(0.2 * rng.normal(size=23))
        jacobian = np.asarray(jax.jacfwd(_centres)(pos))
        velocity, bias = jax.jvp(lambda q, v=vel: jax.jvp(_centres, (q,), (v,))[1], (pos,), (vel,))
        metrics, direction = _expected(np.asarray(_centres(pos)), np.asarray(velocity))
        metric = np.einsum("saj,sab,sbk->jk", jacobian, metrics, jacobian)
        repulsion_force = np.einsum("saj,sab,sb->j", jacobian, metrics, direction)
        curvature = 2 * np.einsum("saj,sab,sb->j", jacobian, metrics, bias)

        found = leaf(pos, vel)
        np.testing.assert_allclose(found.metric, 2 * metric, rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(found.potential, repulsion_force, rtol=TOLERANCE, atol=TOLERANCE)
        squared_speed = np.sum(np.asarray(velocity) ** 2)
        np.testing.assert_allclose(
            found.geometric, 5 * squared_speed * repulsion_force, rtol=TOLERANCE, atol=TOLERANCE
        )
        np.testing.assert_allclose(found.curvature, curvature, rtol=TOLERANCE, atol=TOLERANCE)


def _centres(pos):
    frames = kinematics.frames(pos)
    links = [joint.child for joint in tables.JOINTS]
    found = []
    for sphere in COLLISION_SPHERES:
        link, offset, rot = tables.fixed_chain(sphere.link)
        i = links.index(link)
        found.append(frames.origin[i] + frames.rotation[i] @ (offset + rot @ np.array(sphere.centre)))
    return jnp.stack(found)


def _expected(centres, velocity):
    """Metrics [31, 3, 3] of one of the two terms, and unit directions [31, 3] to the obstacles."""
    blocks, directions, gaps = np.zeros((31, 3, 3)), np.zeros((31, 3)), np.full(31, np.inf)

    def add(i, n, gap, gate):
        gaps[i] = min(gaps[i], gap)
        if gap <= 0.5:
            directions[i] += n / max(gap, 0.01)
            blocks[i] += gate * np.outer(n, n) / max(gap, 0.01)

    def gate(n, gap, i):
        return 1.0 if gap <= 0 else 0.5 * (np.tanh(-1000 * (-n @ velocity[i] - 0.002)) + 1)

    for i, sphere in enumerate(COLLISION_SPHERES):
        for box in repulsion.BOXES:
            offset, half = centres[i] - box.centre, np.array(box.size) / 2
            to_surface = np.clip(offset, -half, half) - offset
            inside = not to_surface.any()
            if inside:
                axis = np.argmin(half - abs(offset))
                to_surface[axis] = -np.sign(offset[axis]) * (half - abs(offset))[axis]  # out, not further in
            distance = np.linalg.norm(to_surface)
            n, gap = to_surface / distance, (-distance if inside else distance) - sphere.radius
            add(i, n, gap, gate(n, gap, i))
        if sphere.link == "palm_link" or not sphere.link.startswith(("iiwa7", "allegro")):
            for j in range(3):
                offset = centres[j] - centres[i]
                n = offset / np.linalg.norm(offset)
                gap = np.linalg.norm(offset) - sphere.radius - COLLISION_SPHERES[j].radius
                add(i, n, gap, gate(n, gap, i))
                add(j, -n, gap, gate(n, gap, i))
    metrics = blocks / (np.linalg.norm(blocks) + 1e-6) * (0.01 / np.maximum(gaps, 0.01) ** 2)[:, None, None]
    return metrics, directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
