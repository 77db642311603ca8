# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Colours of what the rays hit, as a Warp kernel: texture, one light with shadows, a dome, a background.

Light is linear and in display units, see `looks.Looks`. A surface sends back

  base (1 - metallic) (E max(n.l, 0) + dome(n)) + specular highlight of the light + F0 dome(reflected ray),

with `base` the tint times the texture and F0 = 0.08 specular, or `base` for metals.
"""

import functools

import warp as wp

from mjxdex.render.looks import PLAIN
from mjxdex.render.shadows import in_shadow, light_axes
from mjxdex.render.surfaces import texture_coordinates, unit_normal
from mjxdex.render.texture_sampling import sample
from mjxdex.render.tiles import NOTHING
from mjxdex.render.unit_shapes import MISS, NONE, ray_shape

PATCH_WIDTH, PATCH_HEIGHT = 16, 8
PATCH = PATCH_WIDTH * PATCH_HEIGHT
"""Pixels that a CUDA block shades, a thread each."""
_STEEPEST = wp.constant(0.1)
"""Cosine between ray and normal below which textures get no blurrier."""
_SMOOTHEST = wp.constant(0.15)
"""Roughness below which highlights get no smaller: a few pixels at least."""


@wp.func
def dome(sky: wp.vec3, ground: wp.vec3, up: float) -> wp.vec3:
    """Light from a direction whose vertical component is `up`."""
    return wp.lerp(ground, sky, 0.5 + 0.5 * up)


@wp.func
def highlight(roughness: float, f0: wp.vec3, normal: wp.vec3, view: wp.vec3, light: wp.vec3) -> wp.vec3:
    """Specular reflection of a light over that of a white matt surface that faces it.

    GGX microfacets; visibility and Fresnel terms together as 1 / (4 (l.h)^2 (roughness + 1/2)).
    Source: Karis, Optimizing PBR for mobile (SIGGRAPH 2015 course), with the perceptual roughness as in glTF.
    """
    rough = wp.max(roughness, _SMOOTHEST)
    squared = rough * rough * rough * rough
    middle = wp.normalize(view + light)
    nh, lh = wp.max(wp.dot(normal, middle), 0.0), wp.dot(light, middle)
    d = nh * nh * (squared - 1.0) + 1.0
    return f0 * (squared / (d * d * wp.max(lh * lh, 0.1) * (4.0 * rough + 2.0)))


@wp.func
def srgb(linear: float) -> wp.uint8:
    """Encodes linear light, which is cut off at 1."""
    c = wp.clamp(linear, 0.0, 1.0)
    encoded = wp.where(c <= 0.0031308, 12.92 * c, 1.055 * wp.exp(wp.log(c) / 2.4) - 0.055)
    return wp.uint8(int(255.0 * encoded + 0.5))


@functools.cache
def shade(shadows: bool) -> wp.Kernel:
    """The kernel that colours pixels; launch it over [M, patches, PATCH] with M = N V.

    Its arguments:
      camera_rot: [M], as in `Cameras`.
      camera_pos: [M], metres.
      focal: [M], image widths.
      primitives: [M, G], from `tiles.place`.
      primitive: int16 [M, H, W], from `tiles.identify`.
      part: [G], see `looks`.
      material: [N, P, 3], tint and texture; map from metres to repetitions, by rows; roughness, metallic,
        specular and the largest repetitions per metre.
      lights: [N, 4], light_dir, light, sky and ground of `Looks`.
      textures: from `texture_sampling.packed`.
      background: [N], as in `Looks`.
      crop: [M], left column and upper row of the background.
      backgrounds: from `textures.background_bank`.
      light_masks, light_area: from `shadows.light_cull`; unused without shadows.
      rgb: out, [M, H, W], sRGB.
    """

    @wp.kernel(module="unique", enable_backward=False, grid_stride=False)
    def shade_kernel(
        camera_pos: wp.array[wp.vec3],
        camera_rot: wp.array[wp.mat33],
        focal: wp.array[float],
        primitives: wp.array2d[wp.mat44],
        primitive: wp.array3d[wp.int16],
        part: wp.array[int],
        material: wp.array3d[wp.vec4],
        lights: wp.array2d[wp.vec3],
        textures: wp.array2d[wp.uint32],
        background: wp.array[int],
        crop: wp.array[wp.vec2i],
        backgrounds: wp.array4d[wp.uint8],
        light_masks: wp.array3d[wp.uint32],
        light_area: wp.array[wp.vec4],
        rgb: wp.array3d[wp.vec3ub],
    ):
        image, patch, thread = wp.tid()
        height, width = primitive.shape[1], primitive.shape[2]
        columns = (width + wp.static(PATCH_WIDTH - 1)) // PATCH_WIDTH
        column = patch % columns * PATCH_WIDTH + thread % PATCH_WIDTH
        row = patch // columns * PATCH_HEIGHT + thread // PATCH_WIDTH
        if column >= width or row >= height:
            return
        env = image // (primitives.shape[0] // lights.shape[0])
        step = 1.0 / (focal[image] * float(width))
        ray = wp.vec3(
            (float(column) + 0.5 - 0.5 * float(width)) * step,
            (0.5 * float(height) - 0.5 - float(row)) * step,
            -1.0,
        )
        rot = camera_rot[image]
        sky, ground = lights[env, 2], lights[env, 3]

        g = int(primitive[image, row, column])
        depth = float(MISS)
        kind, half = NONE, float(0)
        to_unit, origin, direction = wp.mat33(), wp.vec3(), wp.vec3()
        if g != NOTHING:
            unit = primitives[image, g]
            for i in range(3):
                for j in range(3):
                    to_unit[i, j] = unit[i, j]
                origin[i] = unit[i, 3]
            kind, half = int(unit[3, 1]), unit[3, 2]
            direction = to_unit * ray
            depth = ray_shape(kind, origin, direction, half)

        if depth >= MISS:
            picture = background[env]
            if picture == PLAIN:
                seen = dome(sky, ground, wp.normalize(rot * ray)[2])
                rgb[image, row, column] = wp.vec3ub(srgb(seen[0]), srgb(seen[1]), srgb(seen[2]))
            else:
                at = crop[image]
                y, x = at[1] + row, at[0] + column
                rgb[image, row, column] = wp.vec3ub(
                    backgrounds[picture, y, x, 0],
                    backgrounds[picture, y, x, 1],
                    backgrounds[picture, y, x, 2],
                )
            return

        view = -wp.normalize(ray)
        point_unit = origin + depth * direction
        normal_unit = unit_normal(kind, point_unit, half)
        normal = wp.normalize(wp.transpose(to_unit) * normal_unit)
        facing = wp.dot(normal, view)
        if facing < 0.0:  # a camera inside of the primitive sees it from behind
            normal, facing = -normal, -facing

        p = part[g]
        paint, mapping, gloss = material[env, p, 0], material[env, p, 1], material[env, p, 2]
        base = wp.vec3(paint[0], paint[1], paint[2])
        texture = int(paint[3])
        if texture != PLAIN:
            scale = wp.vec3(
                1.0 / wp.length(to_unit[0]), 1.0 / wp.length(to_unit[1]), 1.0 / wp.length(to_unit[2])
            )
            flat = texture_coordinates(kind, point_unit, normal_unit, scale, half)
            at_texture = wp.vec2(
                mapping[0] * flat[0] + mapping[1] * flat[1], mapping[2] * flat[0] + mapping[3] * flat[1]
            )
            footprint = depth * step / wp.max(facing, _STEEPEST) * gloss[3]
            base = wp.cw_mul(base, sample(textures, texture, at_texture, footprint))
        roughness, metallic = gloss[0], gloss[1]
        f0 = wp.lerp(wp.vec3(0.08 * gloss[2]), base, metallic)

        normal_w, reflected_w = rot * normal, rot * (2.0 * facing * normal - view)
        colour = (1.0 - metallic) * wp.cw_mul(base, dome(sky, ground, normal_w[2]))
        colour = colour + wp.cw_mul(f0, dome(sky, ground, reflected_w[2]))
        light_dir_w = lights[env, 0]
        lit = wp.dot(normal_w, light_dir_w)
        if lit > 0.0:
            light_dir = wp.transpose(rot) * light_dir_w
            shaded = False
            if wp.static(shadows):
                point = depth * ray
                shaded = in_shadow(
                    primitives,
                    light_masks,
                    light_area[env],
                    image,
                    env,
                    g,
                    light_axes(light_dir_w) * (camera_pos[image] + rot * point),
                    point,
                    normal,
                    light_dir,
                )
            if not shaded:
                reflected = (1.0 - metallic) * base + highlight(roughness, f0, normal, view, light_dir)
                colour = colour + lit * wp.cw_mul(lights[env, 1], reflected)
        rgb[image, row, column] = wp.vec3ub(srgb(colour[0]), srgb(colour[1]), srgb(colour[2]))

    return shade_kernel
