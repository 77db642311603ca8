"""What of the Madrona backend works without a GPU; its images are tested in test_depth.py, marker `gpu`."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import config_files, objects, scene
from mjxdex.config import Config, ConfigError
from mjxdex.objects.shapes import Part, Shape
from mjxdex.render.madrona import meshes, requirements, vulkan
from mjxdex.render.madrona.instances import Instances
from mjxdex.render.primitives import frames, tabulate
from mjxdex.robot.tables import RESET_POS


def volume(mesh: meshes.Mesh) -> float:
    """Positive if the triangles look outwards."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles].astype(float), 1, 0)
    return float(np.sum(np.einsum("ij,ij->i", a, np.cross(b, c))) / 6)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (meshes.box(), 8.0),
        (meshes.cylinder(), 2 * np.pi),
        (meshes.sphere(), 4 / 3 * np.pi),
        (meshes.capsule(0.02, 0.05), np.pi * 0.02**2 * 0.1 + 4 / 3 * np.pi * 0.02**3),
    ],
)
def test_meshes_are_closed_look_outwards_and_have_the_volume_of_their_shape(mesh, expected):
    assert volume(mesh) == pytest.approx(expected, rel=3e-3)


def test_a_sphere_errs_by_three_thousandths_of_its_radius_at_most():
    mesh = meshes.sphere()
    corners = mesh.vertices[mesh.triangles]
    inside = corners.mean(axis=1)
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    radii = np.concatenate(
        [np.linalg.norm(mesh.vertices, axis=1), np.linalg.norm(inside[areas > 1e-9], axis=1)]
    )
    assert 0.998 < radii.min() < 1 < radii.max() < 1.002


@pytest.fixture(scope="module")
def primitive_set():
    return objects.load("primitives")


def test_instances_are_where_mujoco_has_the_geoms(primitive_set):
    model = scene.build(Config(), primitive_set)
    instances = Instances(tabulate(model, primitive_set))
    quat = np.array([0.5, 0.1, -0.7, 0.2])
    qpos = np.concatenate([np.asarray(RESET_POS) + 0.2, [-0.5, 0.1, 0.4], quat / np.linalg.norm(quat)])
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    geoms = np.flatnonzero(model.geom_group < scene.FLOOR_GROUP)[::-1][instances.primitive]
    batch = jax.vmap(frames)(jnp.asarray(qpos, jnp.float32)[None])
    pos, quats, _ = (np.asarray(leaf)[0] for leaf in instances.poses(batch, jnp.zeros(1, jnp.int32)))
    alone = [i for i in range(len(geoms)) if np.sum(geoms == geoms[i]) == 1]
    assert len(alone) > 50
    for i in alone:
        rot = np.zeros(9)
        mujoco.mju_quat2Mat(rot, quats[i].astype(float))
        np.testing.assert_allclose(pos[i], data.geom_xpos[geoms[i]], atol=1e-6)
        np.testing.assert_allclose(rot, data.geom_xmat[geoms[i]], atol=1e-6)


def test_a_capsule_that_varies_is_a_cylinder_between_two_spheres():
    sizes = ((0.02, 0.05, 0.0), (0.03, 0.01, 0.0))
    capsules = objects.compile_set(
        "capsules", tuple(Shape(str(i), (Part("capsule", size),)) for i, size in enumerate(sizes))
    )
    instances = Instances(tabulate(scene.build(Config(), capsules), capsules))
    parts = np.flatnonzero(instances.primitive == np.bincount(instances.primitive).argmax())
    own = jnp.broadcast_to(jnp.eye(4, 3), (2, 25, 4, 3))
    pos, _, size = (np.asarray(leaf) for leaf in instances.poses(own, jnp.arange(2)))
    for env, (radius, half, _) in enumerate(sizes):
        np.testing.assert_allclose(size[env, parts], [[radius, radius, half], [radius] * 3, [radius] * 3])
        np.testing.assert_allclose(pos[env, parts], [[0, 0, 0], [0, 0, -half], [0, 0, half]], atol=1e-7)


def test_slots_that_an_object_does_not_use_have_no_size(primitive_set):
    table = tabulate(scene.build(Config(), primitive_set), primitive_set)
    instances = Instances(table)
    own = jnp.zeros((len(primitive_set), 25, 4, 3))
    size = np.asarray(instances.poses(own, jnp.arange(len(primitive_set)))[2])
    np.testing.assert_array_equal((size == 0).all(axis=2), (table.kind == 0)[:, instances.primitive])


def test_one_error_lists_all_that_is_missing(monkeypatch):
    monkeypatch.setattr(requirements, "PACKAGE", "no_such_package")
    monkeypatch.setattr(requirements, "_loads", lambda name: False)
    monkeypatch.setattr(requirements.shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(requirements.MadronaUnavailableError) as error:
        requirements.find()
    text = str(error.value)
    for thing in ("gs-madrona", "libvulkan.so.1", "libcuda.so.1", "libnvrtc.so.12", "C++20 compiler"):
        assert thing in text
    assert "--render.backend warp" in text


class Loader:
    """Vulkan's loader as far as it is asked, with GPUs of the vendors given; None for no driver at all."""

    def __init__(self, vendors: list[int] | None) -> None:
        self.vendors = vendors

    def vkCreateInstance(self, info, allocator, instance) -> int:
        return -9 if self.vendors is None else 0  # VK_ERROR_INCOMPATIBLE_DRIVER

    def vkDestroyInstance(self, instance, allocator) -> None: ...

    def vkEnumeratePhysicalDevices(self, instance, count, devices) -> int:
        count._obj.value = len(self.vendors)
        if devices is not None:
            devices[:] = range(1, len(self.vendors) + 1)
        return 0

    def vkGetPhysicalDeviceProperties(self, device, properties) -> None:
        properties[2] = self.vendors[device.value - 1]


@pytest.mark.parametrize(
    ("vendors", "found"), [(None, False), ([], False), ([0x10005], False), ([0x10005, 0x10DE], True)]
)
def test_vulkan_is_asked_for_a_gpu_of_nvidias(vendors, found):
    assert vulkan.finds_nvidia(Loader(vendors)) == found


def test_what_madrona_cannot_draw_is_an_error_before_anything_starts():
    fixed = {"render.backend": "madrona", "adr.camera_focal": "[0, 0]"}
    assert config_files.load("depth160", fixed).render.backend == "madrona"
    with pytest.raises(ConfigError, match="adr.camera_focal"):
        config_files.load("depth160", {"render.backend": "madrona"})
    with pytest.raises(ConfigError, match="multiples of 8"):
        config_files.load("depth160", fixed | {"camera.height": "122"})
