"""Madrona's ray tracer as a renderer of the scene's primitives."""

import ctypes
import weakref

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.config import CameraConfig, UserError
from mjxdex.objects import ObjectSet
from mjxdex.render.cameras import Cameras
from mjxdex.render.madrona import library
from mjxdex.render.madrona.instances import Instances, quaternions
from mjxdex.render.primitives import frames, tabulate

_NEAR, _FAR = 0.001, 100.0
_MULTIPLE = 8
"""Madrona draws blocks of so many pixels a side."""


class MadronaTracer:
    """Distance and geom of every pixel, for N envs with V views each.

    One instance serves several GPUs; on each it has a renderer whose memory lies outside of JAX's.
    Constructing it compiles Madrona's kernels (about 2.5 minutes) the first time on a type of GPU. Calls
    block the host until the images are there. Do not call an instance in two programs at the same time.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      width, height: pixels, multiples of 8.
      num_envs: N, envs per device.
      views: V.
      devices: those that the calling program runs on; None for the default device.

    Raises:
      MadronaUnavailableError: if anything that Madrona needs is missing.
      ValueError: if width or height is no multiple of 8.
      UserError: if Madrona fails, for instance for lack of memory.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        width: int,
        height: int,
        num_envs: int,
        views: int = 1,
        devices: list[jax.Device] | None = None,
    ) -> None:
        if width % _MULTIPLE or height % _MULTIPLE:
            raise ValueError(f"images of {width}x{height}: Madrona needs multiples of {_MULTIPLE}")
        self.num_envs, self.views = num_envs, views
        self._shape = (height, width)
        bridge = library.load()
        self._instances = Instances(tabulate(model, objects))
        self._handle = bridge.mjxdexMadronaNew()
        weakref.finalize(self, bridge.mjxdexMadronaDelete, self._handle)
        for device in devices or jax.devices()[:1]:
            self._add(bridge, device)

    def _add(self, bridge: ctypes.CDLL, device: jax.Device) -> None:
        arrays = self._instances.arrays
        height, width = self._shape
        settings = library.Scene(
            gpu=device.local_hardware_id,
            num_worlds=self.num_envs,
            num_views=self.views,
            width=width,
            height=height,
            num_meshes=len(arrays["vertex_offsets"]),
            num_vertices=len(arrays["vertices"]),
            num_triangles=len(arrays["triangles"]),
            num_geoms=len(arrays["mesh_of_geom"]),
            fovy=np.rad2deg(2 * np.arctan(0.5 * height / width / scene.FOCAL_LENGTH)),
            near=_NEAR,
            far=_FAR,
            **{name: array.ctypes.data for name, array in arrays.items()},
        )
        error = bridge.mjxdexMadronaAdd(self._handle, ctypes.byref(settings))
        if error:
            raise UserError(
                f"Madrona cannot draw {self.num_envs} envs of {self.views} x {width}x{height} on {device}: "
                f"{error.decode()}. Draw fewer envs, or leave it more memory (XLA_PYTHON_CLIENT_MEM_FRACTION)"
            )

    def trace(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> tuple[jax.Array, jax.Array]:
        """Images of the poses given.

        Args:
          qpos: float32 [N, 30].
          object_id: int32 [N].
          cameras: leaves [N, V, ...]; the focal length must be `scene.FOCAL_LENGTH`, Madrona fixes it when
            it is constructed.

        Returns:
          Planar depth float32 [N, V, H, W], metres, 0 where nothing was hit, and which of the primitives that
          `primitives.tabulate` lists was hit, int32 [N, V, H, W], -1 for none.
        """
        if qpos.shape[0] != self.num_envs:
            raise ValueError(f"qpos holds {qpos.shape[0]} envs; this renderer was made for {self.num_envs}")
        pos, quat, size = self._instances.poses(jax.vmap(frames)(qpos), object_id)
        # Madrona's cameras look along y with z up; ours along -z with y up.
        x, y, z = (cameras.rot[..., i] for i in range(3))
        turned = quaternions(jnp.stack([x, -z, y], axis=-1))
        shape = (self.num_envs, self.views, *self._shape)
        call = jax.ffi.ffi_call(
            library.TRACE,
            (jax.ShapeDtypeStruct(shape, jnp.float32), jax.ShapeDtypeStruct(shape, jnp.int32)),
        )
        distance, geom = call(
            object_id, size, pos, quat, cameras.pos, turned, renderers=np.int64(self._handle)
        )
        hit = jnp.isfinite(distance)
        depth = jnp.where(hit, distance * self._cosines(), 0.0)
        return depth, jnp.where(hit, jnp.asarray(self._instances.primitive)[geom], -1)

    def _cosines(self) -> np.ndarray:
        """Of the angle between each pixel's ray and the optical axis, float32 [H, W]."""
        height, width = self._shape
        x = (np.arange(width) + 0.5 - width / 2) / (scene.FOCAL_LENGTH * width)
        y = (np.arange(height) + 0.5 - height / 2) / (scene.FOCAL_LENGTH * width)
        return (1 / np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)).astype(np.float32)


class MadronaDepthRenderer:
    """Depth camera of the scene; see `DepthRenderer` and `MadronaTracer`.

    Args:
      model, objects, num_envs, devices: as in MadronaTracer.
      camera: resolution.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        devices: list[jax.Device] | None = None,
    ) -> None:
        self._tracer = MadronaTracer(model, objects, camera.width, camera.height, num_envs, devices=devices)

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> jax.Array:
        """See `DepthRenderer.render`; see `MadronaTracer.trace` about focal lengths."""
        views = jax.tree.map(lambda leaf: leaf[:, None], cameras)
        return self._tracer.trace(qpos, object_id, views)[0][:, 0]
