"""Depth images as pictures, and pictures side by side."""

import matplotlib
import numpy as np

_NOTHING_SEEN = np.array([24, 24, 28], np.uint8)


def colorize(depth: np.ndarray, depth_min: float, depth_max: float) -> np.ndarray:
    """Depth as turbo colours, near red and far blue; pixels out of range are dark.

    Args:
      depth: metres, [..., H, W].
      depth_min, depth_max: range of the colours and of what counts as seen, metres.

    Returns:
      uint8 [..., H, W, 3].
    """
    nearness = (depth_max - depth) / (depth_max - depth_min)
    colours = matplotlib.colormaps["turbo"](np.clip(nearness, 0, 1), bytes=True)[..., :3]
    # Half a count of the 16-bit depth is lost to rounding.
    seen = (depth >= depth_min - 1e-4) & (depth <= depth_max + 1e-4)
    return np.where(seen[..., None], colours, _NOTHING_SEEN)


def upright(images: np.ndarray) -> np.ndarray:
    """Turns images of the depth camera by a quarter turn clockwise, [T, H, W, 3] -> [T, W, H, 3].

    The camera hangs in portrait: its image x axis runs down in the world and its y axis to the left as seen
    from the camera, so this is the picture that a person standing in its place would see.
    """
    return np.rot90(images, k=-1, axes=(-3, -2))


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Joins pictures [T, H, W, 3] with others of any size, blown up to the same height by whole-pixel copies.

    Returns:
      uint8 [T, H', W', 3], with H' and W' even as video codecs want them.
    """
    height, width = left.shape[1], round(left.shape[1] * right.shape[2] / right.shape[1])
    rows = np.arange(height) * right.shape[1] // height
    columns = np.arange(width) * right.shape[2] // width
    joined = np.concatenate([left, right[:, rows][:, :, columns]], axis=2)
    return joined[:, : joined.shape[1] // 2 * 2, : joined.shape[2] // 2 * 2]


def rgb_and_depth(rgb: np.ndarray, depth: np.ndarray, depth_min: float, depth_max: float) -> np.ndarray:
    """Overview pictures and what the depth camera saw at the same time, side by side.

    Args:
      rgb: uint8 [T, H, W, 3].
      depth: metres, [T, h, w], as the portrait depth camera delivers them.
      depth_min, depth_max: range of the colours, metres.

    Returns:
      uint8 [T, H', W', 3].

    Raises:
      ValueError: if there are not as many depth images as pictures.
    """
    if len(rgb) != len(depth):
        raise ValueError(f"{len(rgb)} RGB frames and {len(depth)} depth frames; give as many of each")
    return beside(rgb, upright(colorize(depth, depth_min, depth_max)))
