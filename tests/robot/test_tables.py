import numpy as np

from mjxdex.robot import geometry, tables


def test_joint_order_is_arm_then_fingers():
    fingers = [f"{finger}_joint_{i}" for finger in ("index", "middle", "ring", "thumb") for i in range(4)]
    assert list(tables.JOINT_NAMES) == [f"iiwa7_joint_{i}" for i in range(1, 8)] + fingers


def test_masses_add_up():
    masses = {link: inertial.mass for link, inertial in tables.INERTIALS.items()}
    np.testing.assert_allclose(sum(masses.values()), 24.8513301, atol=1e-9)
    hand = sum(mass for link, mass in masses.items() if not link.startswith("iiwa7"))
    np.testing.assert_allclose(hand, 2.1754, atol=1e-9)


def test_every_joint_array_has_23_entries_within_limits():
    for array in (tables.LOWER, tables.UPPER, tables.KP, tables.KD, tables.EFFORT, tables.RESET_POS):
        assert array.shape == (23,)
    assert np.all(tables.LOWER < tables.RESET_POS) and np.all(tables.RESET_POS < tables.UPPER)


def test_palm_faces_as_the_mount_says():
    # Flange to palm: palm x along the flange's z, palm z in its xy plane.
    _, pos, rot = tables.fixed_chain(tables.PALM)
    np.testing.assert_allclose(pos, (-0.008219, -0.02063, 0.15186), atol=1e-9)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(rot, [[0, -half, -half], [0, half, -half], [1, 0, 0]], atol=1e-5)


def test_31_collision_spheres_ride_on_known_links():
    links = {joint.child for joint in tables.JOINTS} | {fixed.child for fixed in tables.FIXED}
    assert len(geometry.COLLISION_SPHERES) == 31
    assert {sphere.link for sphere in geometry.COLLISION_SPHERES} <= links
    assert set(geometry.PRIMITIVES) <= links | {tables.BASE}
