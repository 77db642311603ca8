"""MJX-Warp's batch renderer, on CPU and on CUDA."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import mjx

from mjxdex import scene
from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.physics.constants import constant_data, constant_model, spread
from mjxdex.physics.kernels import RENDER_MODULES, compile_modules
from mjxdex.physics.object_fields import object_fields
from mjxdex.render.cameras import Cameras

SIM_AXIS = "sim"
"""Name of the pmapped axis over the simulator devices."""
_BACKGROUND = (0.86, 0.89, 0.92, 1.0)
_RENDER_FIELDS = ("geom_size", "geom_pos", "geom_quat")


class _Renderer:
    """One camera of N envs on each device, fixed or given with every call.

    Warp keeps the scene of a renderer in a context outside of JAX. One context serves several GPUs, since
    each GPU has its own part of it. CPU devices would share that part and overwrite each other's scene, so
    each of them gets a context of its own, picked by its index along SIM_AXIS.

    Do not call the same renderer in two programs that may run at the same time.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        num_envs: int,
        width: int,
        height: int,
        devices: list[jax.Device] | None,
        **settings,
    ) -> None:
        compile_modules(RENDER_MODULES)
        devices = devices or [jax.devices()[0]]
        self.num_envs = num_envs
        self._shape = (height, width)
        self._depth_camera = model.camera(scene.DEPTH_CAMERA).id
        self._model = constant_model(model, len(devices))
        self._blank = _with_fixed_cameras(model, constant_data(model, contacts=1, constraints=1))
        fields = object_fields(model, objects)
        self._fields = fields._replace(tables={key: fields.tables[key] for key in _RENDER_FIELDS})
        if devices[0].platform == "cpu":
            groups = [["cpu"] for _ in devices]
        else:
            groups = [[f"cuda:{device.local_hardware_id}" for device in devices]]
        self._contexts = [
            mjx.create_render_context(
                model, num_envs, group, cam_res=(width, height), use_textures=False, **settings
            )
            for group in groups
        ]

    def _raw(
        self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Packed colours uint32 and depth float32, both [N, pixels]; `cameras` replace the depth camera."""
        if qpos.shape[0] != self.num_envs:
            raise ValueError(f"qpos holds {qpos.shape[0]} envs; this renderer was made for {self.num_envs}")
        handles = [context.pytree() for context in self._contexts]
        if len(handles) == 1:
            return self._draw(handles[0], qpos, object_id, cameras)
        branches = [lambda *args, handle=handle: self._draw(handle, *args) for handle in handles]
        return jax.lax.switch(jax.lax.axis_index(SIM_AXIS), branches, qpos, object_id, cameras)

    def _draw(
        self, handle, qpos: jax.Array, object_id: jax.Array, cameras: Cameras | None
    ) -> tuple[jax.Array, jax.Array]:
        def one(qpos, object_id, camera):
            model = self._fields.replace(self._model, object_id)
            data = spread(self._blank).replace(qpos=qpos)
            if camera is not None:
                model, data = self._aim(model, data, camera)
            data = mjx.kinematics(model, data)
            data = mjx.refit_bvh(model, data, handle)
            rgb, depth, _ = mjx.render(model, data, handle)
            return rgb, depth

        return jax.vmap(one)(qpos, object_id, cameras)

    def _aim(self, model: mjx.Model, data: mjx.Data, camera: Cameras) -> tuple[mjx.Model, mjx.Data]:
        """Puts the depth camera of one env where `camera` (leaves without N) is."""
        i = self._depth_camera
        height, width = self._shape
        fovy = jnp.rad2deg(2 * jnp.arctan(0.5 * height / width / camera.focal))
        model = model.replace(cam_fovy=jnp.asarray(model.cam_fovy).at[i].set(fovy))
        return model, data.replace(
            cam_xpos=data.cam_xpos.at[i].set(camera.pos), cam_xmat=data.cam_xmat.at[i].set(camera.rot)
        )


def _with_fixed_cameras(model: mujoco.MjModel, blank: mjx.Data) -> mjx.Data:
    """Puts in the poses of cameras and lights, fixed to the world; MJX-Warp computes them only in a step."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return blank.tree_replace(  # pyright: ignore[reportReturnType]
        {
            "cam_xpos": data.cam_xpos.astype(np.float32),
            "cam_xmat": data.cam_xmat.reshape(-1, 3, 3).astype(np.float32),
            "_impl.light_xpos": data.light_xpos.astype(np.float32),
            "_impl.light_xdir": data.light_xdir.astype(np.float32),
        }
    )


class WarpDepthRenderer(_Renderer):
    """Depth camera of the scene; see `DepthRenderer`.

    Like the published task's camera it does not see the floor.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      camera: resolution.
      num_envs: N, envs per device.
      devices: the devices of the pmapped program that calls it, in the order of its axis SIM_AXIS; None for a
        jitted program on the default device.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        devices: list[jax.Device] | None = None,
    ) -> None:
        super().__init__(
            model,
            objects,
            num_envs,
            camera.width,
            camera.height,
            devices,
            cam_active=[scene.DEPTH_CAMERA],
            render_rgb=False,
            render_depth=True,
            use_precomputed_rays=False,  # those have the focal length of the model's camera
            enabled_geom_groups=[group for group in range(3) if group != scene.FLOOR_GROUP],
            enable_backface_culling=False,
        )

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> jax.Array:
        """See `DepthRenderer.render`."""
        return self._raw(qpos, object_id, cameras)[1].reshape(self.num_envs, *self._shape)


class WarpRgbRenderer(_Renderer):
    """Colour pictures for people to look at, from a fixed camera.

    Args:
      model, objects, num_envs, devices: as in WarpDepthRenderer.
      width, height: pixels.
      samples: rays per pixel and axis, to smooth edges; costs its square.
      camera: name of the camera.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        num_envs: int,
        width: int = 480,
        height: int = 360,
        samples: int = 1,
        camera: str = scene.OVERVIEW_CAMERA,
        devices: list[jax.Device] | None = None,
    ) -> None:
        super().__init__(
            model,
            objects,
            num_envs,
            width,
            height,
            devices,
            cam_active=[camera],
            render_rgb=True,
            render_depth=False,
            enabled_geom_groups=[0, 1, 2, scene.FLOOR_GROUP],
            use_shadows=True,
            samples_per_pixel=samples,
            background_color=_BACKGROUND,
        )

    def render(self, qpos: jax.Array, object_id: jax.Array) -> jax.Array:
        """uint8 [N, H, W, 3], to be shown as sRGB; arguments as in `DepthRenderer.render`."""
        packed = self._raw(qpos, object_id)[0].reshape(self.num_envs, *self._shape)
        return jnp.stack([packed >> 16 & 0xFF, packed >> 8 & 0xFF, packed & 0xFF], axis=-1).astype(jnp.uint8)
