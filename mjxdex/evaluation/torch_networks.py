"""The policy and the critic in PyTorch, for the peer that the learner is measured against.

PyTorch is no dependency: only what imports this module needs it.
"""

from typing import Any, Literal, NamedTuple

# pyright: reportMissingImports=false
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mjxdex.config import NetworkConfig
from mjxdex.types import DEPTH_UNIT

Recurrence = Literal["steps", "cudnn"]
"""How an LSTM handles resets inside of a sequence: `LstmStack`."""


class Segments(NamedTuple):
    """Sequences cut where episodes start: segment s is a stretch of one env's steps.

    Attributes:
      count: S, segments of all B envs.
      index: int64 [T, B], the segment of each step.
      position: int64 [T, B], steps since the segment's start.
    """

    count: int
    index: Tensor
    position: Tensor


def segments(reset: Tensor, count: int) -> Segments:
    """The segments of sequences with bool [T, B] resets; `count` is B plus the resets after step 0.

    The caller counts, so that the GPU need not be waited for.
    """
    starts = reset.clone()
    starts[0] = True
    steps = torch.arange(len(reset), device=reset.device)[:, None]
    begun = torch.cummax(torch.where(starts, steps, 0), dim=0).values
    index = (torch.cumsum(starts.T.flatten(), 0) - 1).reshape(reset.shape[1], -1).T
    return Segments(count, index, steps - begun)


class ImageNorm(nn.Module):
    """Normalizes each image over all its pixels and channels, then ReLU.

    GroupNorm of one group, written out: compiled, PyTorch 2.11's own has a backward kernel that accesses
    illegal memory on an H100 with 16,384 images.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(filters))
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → the same, in the same precision."""
        wide = x.float()
        variance, mean = torch.var_mean(wide, dim=(1, 2, 3), keepdim=True, correction=0)
        y = (wide - mean) * torch.rsqrt(variance + 1e-6)
        return F.relu(y * self.weight[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class Encoder(nn.Module):
    """`networks.cnn.DepthEncoder`."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        channels = (1, *config.cnn_filters)
        first, *others = zip(channels[:-1], channels[1:], config.cnn_kernels, strict=True)
        self.first = nn.Conv2d(*first, stride=2)
        self.others = nn.ModuleList(nn.Conv2d(*sizes, stride=2) for sizes in others)
        self.norms = nn.ModuleList(ImageNorm(filters) for filters in config.cnn_filters)
        self.linear = nn.Linear(channels[-1], config.embedding)

    def forward(self, depth: Tensor) -> Tensor:
        """int16 [N, H, W], the bits of a uint16 image in DEPTH_UNIT → float32 [N, embedding].

        High and low byte are two channels: bfloat16 holds either exactly, but not their sum.
        """
        counts = depth.to(torch.int32)
        x = torch.stack([counts & 0xFF00, counts & 0xFF], dim=1).to(torch.float32)
        x = x.contiguous(memory_format=torch.channels_last)
        kernel = (self.first.weight * DEPTH_UNIT).repeat(1, 2, 1, 1)
        x = F.conv2d(x, kernel.contiguous(memory_format=torch.channels_last), self.first.bias, stride=2)
        x = self.norms[0](x)
        for convolution, norm in zip(self.others, self.norms[1:], strict=True):
            x = norm(convolution(x))
        return self.linear(x.mean(dim=(2, 3), dtype=torch.float32)).float()


class LstmStack(nn.Module):
    """LSTM layers with resets.

    "steps" projects all inputs at once, then loops over the steps and zeroes the state where an episode
    starts; `gate` may be compiled. "cudnn" lays each segment out as a sequence of its own and calls
    torch.nn.LSTM once, without a loop, but for as many padded sequences as there are segments. Both use the
    parameters of `lstm`, of which one of the two biases stays 0.
    """

    def __init__(self, inputs: int, units: int, layers: int, recurrence: Recurrence) -> None:
        super().__init__()
        self.recurrence: Recurrence = recurrence
        self.gate = _gate
        self.lstm = nn.LSTM(inputs, units, layers)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("bias_hh"):
                nn.init.zeros_(parameter)
                parameter.requires_grad_(False)

    def forward(self, x: Tensor, carry: Any, reset: Tensor, cut: Segments | None) -> Tensor:
        """x [T, B, inputs], carry of (cell, hidden) [B, units] a layer, reset bool [T, B] → [T, B, units]."""
        if self.recurrence == "steps":
            return self._loop(x, carry, reset)
        assert cut is not None
        goes_on = ~reset[0, :, None]
        where = (cut.position, cut.index)
        first = cut.index[0]
        padded = x.new_zeros(len(x), cut.count, x.shape[2]).index_put(where, x)
        cells, hidden = (
            torch.stack(
                [x.new_zeros(cut.count, layer[i].shape[1]).index_copy(0, first, layer[i] * goes_on)
                 for layer in carry]
            ) for i in (0, 1)
        )  # fmt: skip
        return self.lstm(padded, (hidden, cells))[0][where]

    def _loop(self, x: Tensor, carry: Any, reset: Tensor) -> Tensor:
        keep = (~reset)[..., None]
        for layer, (cell, hidden) in enumerate(carry):
            weight_in, weight_rec, bias = (
                getattr(self.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih")
            )
            projected = F.linear(x, weight_in, bias)
            outputs = []
            for t in range(len(x)):
                recurrent = F.linear(hidden * keep[t], weight_rec)
                cell, hidden = self.gate(projected[t], recurrent, cell * keep[t])
                outputs.append(hidden)
            x = torch.stack(outputs)
        return x


def _gate(projected: Tensor, recurrent: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """What follows the products of a step: the new cell and hidden state."""
    i, f, g, o = (projected.float() + recurrent.float()).chunk(4, dim=-1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return cell, torch.sigmoid(o) * torch.tanh(cell)


def mlp(inputs: int, sizes: tuple[int, ...]) -> nn.Sequential:
    """Linear → ELU for each size."""
    widths = (inputs, *sizes)
    layers = [nn.Sequential(nn.Linear(a, b), nn.ELU()) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    return nn.Sequential(*layers)


class Policy(nn.Module):
    """`networks.policy.Policy` with a camera."""

    def __init__(self, config: NetworkConfig, obs: int, actions: int, recurrence: Recurrence) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        inputs = obs + config.embedding
        self.lstm = LstmStack(inputs, config.lstm_units, config.lstm_layers, recurrence)
        self.mlp = mlp(config.lstm_units, config.mlp)
        self.mean = nn.Linear(config.mlp[-1], actions)
        self.log_std = nn.Parameter(torch.full((actions,), config.init_log_std))

    def forward(self, obs: Tensor, depth: Tensor, carry: Any, reset: Tensor, cut: Segments | None) -> Tensor:
        """Mean actions, float32 [T, B, actions], of normalized obs [T, B, P] and int16 [T, B, H, W]."""
        embedding = self.encoder(depth.flatten(0, 1)).unflatten(0, depth.shape[:2])
        x = self.lstm(torch.cat([embedding, obs], dim=-1), carry, reset, cut)
        return self.mean(self.mlp(x)).float()


class Critic(nn.Module):
    """`networks.critic.Critic`."""

    def __init__(self, config: NetworkConfig, obs: int, recurrence: Recurrence) -> None:
        super().__init__()
        units = config.critic_lstm_units
        self.mlp = mlp(obs, config.critic_mlp)
        self.lstm = LstmStack(config.critic_mlp[-1] + obs, units, 1, recurrence)
        self.norm = nn.LayerNorm(units, eps=1e-6)
        self.value = nn.Linear(units + obs, 1)

    def forward(self, obs: Tensor, carry: Any, reset: Tensor, cut: Segments | None) -> Tensor:
        """Values, float32 [T, B], of normalized obs [T, B, C]."""
        x = self.lstm(torch.cat([self.mlp(obs), obs], dim=-1), carry, reset, cut)
        return self.value(torch.cat([self.norm(x), obs], dim=-1))[..., 0].float()
