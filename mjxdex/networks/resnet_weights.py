"""Weights of torchvision's resnet18 as parameters of `resnet.ResNet18`."""

from pathlib import Path
from typing import Any

import numpy as np

from mjxdex.config import UserError
from mjxdex.networks.resnet import FEATURES, STAGES

_EPSILON = 1e-5
"""Added to the variance by torchvision's batch normalization."""
_BLOCKS = 2
"""Residual blocks of a stage."""


def load(path: Path) -> dict[str, Any]:
    """Parameters of ResNet18, nested as its pure dict of nnx.Param, float32.

    The file holds the network's state dict by torchvision's names, such as "layer1.0.conv1.weight"; its last
    layer is not read. Statistics of batch normalization are folded into scale and shift.

    Args:
      path: .npz, .safetensors (needs the package safetensors), or .pth / .pt (needs PyTorch).

    Raises: UserError: The file is missing, of another kind, or not of this network.
    """
    return convert(_read(path), path)


def convert(weights: dict[str, np.ndarray], path: Path) -> dict[str, Any]:
    """`load` of a state dict that was read from `path`."""

    def take(name: str) -> np.ndarray:
        if name not in weights:
            raise UserError(f"{path} has no {name}; it must hold the state dict of torchvision's resnet18")
        return np.asarray(weights[name], np.float32)

    def conv_affine(conv: str, norm: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        kernel = take(f"{conv}.weight")
        if kernel.shape != shape:
            raise UserError(f"{path}: {conv}.weight is {kernel.shape}; resnet18 has {shape}")
        scale = take(f"{norm}.weight") / np.sqrt(take(f"{norm}.running_var") + _EPSILON)
        shift = take(f"{norm}.bias") - take(f"{norm}.running_mean") * scale
        return {"kernel": kernel.transpose(2, 3, 1, 0), "scale": scale, "shift": shift}

    blocks, inputs = {}, STAGES[0][0]
    for stage, (filters, stride) in enumerate(STAGES, start=1):
        for i in range(_BLOCKS):
            name = f"layer{stage}.{i}"
            block = {
                "first": conv_affine(f"{name}.conv1", f"{name}.bn1", (filters, inputs, 3, 3)),
                "second": conv_affine(f"{name}.conv2", f"{name}.bn2", (filters, filters, 3, 3)),
            }
            if i == 0 and (stride > 1 or inputs != filters):
                names = (f"{name}.downsample.0", f"{name}.downsample.1")
                block["shortcut"] = conv_affine(*names, (filters, inputs, 1, 1))
            blocks[len(blocks)] = block
            inputs = filters
    assert inputs == FEATURES
    return {"stem": conv_affine("conv1", "bn1", (STAGES[0][0], 3, 7, 7)), "blocks": blocks}


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise UserError(f"there is no file {path}; distill.backbone_weights must name one")
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    if path.suffix == ".safetensors":
        try:
            from safetensors.numpy import load_file  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise UserError(f"{path} needs the package safetensors: pip install safetensors") from None
        return load_file(path)
    if path.suffix in (".pth", ".pt"):
        try:
            import torch  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise UserError(
                f"{path} needs PyTorch; install it, or convert the file where there is one: "
                "numpy.savez(FILE, **{k: v.numpy() for k, v in torch.load(PATH).items()})"
            ) from None
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    raise UserError(f"distill.backbone_weights is {path}; it must end in .npz, .safetensors, .pth or .pt")
