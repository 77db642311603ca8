"""The learner's update in PyTorch, as a strong peer: same networks, losses, epochs and minibatches.

What it uses: channels-last convolutions picked by cuDNN's benchmark, bfloat16 autocast, torch.compile, fused
Adam, TensorFloat-32, gathers on the device, and no wait for the device within an update. LSTMs are run both
ways of `torch_networks.LstmStack`, since which one is faster depends on cuDNN.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# pyright: reportMissingImports=false
import torch
from torch import Tensor, nn

from mjxdex.config import Config, PpoConfig
from mjxdex.evaluation.torch_networks import Critic, Policy, Recurrence, Segments, segments

Batch = dict[str, Any]
"""Tensors by their names in `learning.rollout.Rollout`, time first, with normalized observations, depth as
int16; `v_last` [B]; carries as there."""
_SEQUENCES = ("policy", "critic", "depth", "reset", "action", "log_prob", "adv", "target", "old_value")


@dataclass(frozen=True)
class Sizes:
    """Sizes of the policy's vector observation, of the critic's, and of the action."""

    policy: int
    critic: int
    action: int


class Peer:
    """Networks, optimizer and update.

    Args:
      config: `network` and `ppo` are read; there is a camera and a recurrent policy.
      sizes: of the vectors.
      recurrence: how the LSTMs handle resets.
      device: where all of it lives.
      compiled: whether torch.compile is used.
    """

    def __init__(
        self, config: Config, sizes: Sizes, recurrence: Recurrence, device: torch.device, compiled: bool
    ) -> None:
        self.config, self.ppo, self.device = config, config.ppo, device
        self.recurrence = recurrence
        policy = Policy(config.network, sizes.policy, sizes.action, recurrence)
        critic = Critic(config.network, sizes.critic, recurrence)
        self.policy = policy.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.critic = critic.to(device)
        if compiled:
            self._compile()
        groups = [
            {"params": _trained(self.policy), "lr": config.ppo.learning_rate},
            {"params": _trained(self.critic), "lr": config.ppo.critic_learning_rate},
        ]
        self.adam = torch.optim.Adam(groups, fused=True)

    def _compile(self) -> None:
        """Compiles all but the LSTMs' loops: unrolled they take minutes, and their products dominate."""
        for module in (self.policy.encoder, self.policy.mlp, self.critic.mlp, self.critic.norm):
            module.compile()
        for network in (self.policy, self.critic):
            network.lstm.gate = torch.compile(network.lstm.gate, dynamic=False)

    def loss(self, batch: Batch, cut: Segments | None) -> Tensor:
        """PPO's loss of some sequences, as `learning.updating` has it."""
        ppo = self.ppo
        bfloat16 = self.config.network.compute_dtype == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            reset = batch["reset"]
            mean = self.policy(batch["policy"], batch["depth"], batch["policy_carry"], reset, cut)
            value = self.critic(batch["critic"], batch["critic_carry"], reset, cut)
        log_std = self.policy.log_std
        z = (batch["action"] - mean) * torch.exp(-log_std)
        log_prob = -(0.5 * z**2 + log_std + 0.5 * math.log(2 * math.pi)).sum(-1)
        ratio, adv = torch.exp(log_prob - batch["log_prob"]), batch["adv"]
        clipped = ratio.clamp(1 - ppo.clip, 1 + ppo.clip)
        policy_loss = -torch.minimum(ratio * adv, clipped * adv).mean()
        error = (value - batch["target"]) ** 2
        if ppo.clip_value:
            near = batch["old_value"] + (value - batch["old_value"]).clamp(-ppo.clip, ppo.clip)
            error = torch.maximum(error, (near - batch["target"]) ** 2)
        entropy = (log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
        return policy_loss + 0.5 * error.mean() - ppo.entropy_coef * entropy

    def update(self, rollout: Batch) -> Tensor:
        """Targets, then all epochs of minibatches; the mean loss."""
        ppo, reset = self.ppo, rollout["reset"]
        data = rollout | targets(rollout, ppo)
        order = torch.stack([torch.randperm(reset.shape[1], device=self.device) for _ in range(ppo.epochs)])
        order = order.reshape(ppo.epochs * ppo.minibatches, -1)
        cuts = 1 + reset[1:].sum(0)
        counts = cuts[order].sum(1).tolist() if self.recurrence == "cudnn" else [0] * len(order)
        losses = []
        for envs, count in zip(order, counts, strict=True):
            batch = gather(data, envs)
            cut = segments(batch["reset"], count) if self.recurrence == "cudnn" else None
            loss = self.loss(batch, cut)
            self.adam.zero_grad(set_to_none=True)
            loss.backward()
            for network in (self.policy, self.critic):
                nn.utils.clip_grad_norm_(_trained(network), ppo.max_grad_norm, foreach=True)
            self.adam.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean()


def targets(rollout: Batch, ppo: PpoConfig) -> Batch:
    """Normalized advantages, returns and values, [T, B] each, as `learning.gae` and `learning.updating`."""
    value, done = rollout["value"], rollout["terminated"] | rollout["truncated"]
    following = torch.cat([value[1:], rollout["v_last"][None]]) * ~done
    if ppo.bootstrap_time_limits:
        following = torch.where(rollout["truncated"] & ~rollout["terminated"], rollout["v_final"], following)
    delta = rollout["reward"] + ppo.discount * following - value
    running, advantages = torch.zeros_like(value[0]), []
    for t in reversed(range(len(delta))):
        running = delta[t] + ppo.discount * ppo.gae_lambda * running * ~done[t]
        advantages.append(running)
    adv = torch.stack(advantages[::-1])
    returns = adv + value
    mean, scale = returns.mean(), (returns.var(correction=0) + 1e-5).rsqrt()
    return {
        "adv": (adv - adv.mean()) / (adv.std(correction=0) + 1e-8),
        "target": (returns - mean) * scale,
        "old_value": (value - mean) * scale,
    }


def gather(data: Batch, envs: Tensor) -> Batch:
    """The sequences of some envs with their carries."""
    batch: Batch = {name: data[name].index_select(1, envs) for name in _SEQUENCES}
    for name in ("policy_carry", "critic_carry"):
        batch[name] = tuple((cell[envs], hidden[envs]) for cell, hidden in data[name])
    return batch


def synthetic(config: Config, sizes: Sizes, device: torch.device) -> Batch:
    """A rollout of noise with as many time limits as whole episodes have: few, which favours cuDNN."""
    random = torch.Generator(device).manual_seed(config.seed)
    network, shape = config.network, (config.ppo.horizon, config.env.num_envs)
    steps = config.env.episode_length_s / config.physics.control_period

    def noise(*size: int) -> Tensor:
        return torch.randn(size, generator=random, device=device)

    def carry(layers: int, units: int) -> tuple:
        return tuple((noise(shape[1], units), noise(shape[1], units).tanh()) for _ in range(layers))

    truncated = torch.rand(shape, generator=random, device=device) < 1 / steps
    reset = torch.cat([torch.zeros_like(truncated[:1]), truncated[:-1]])
    near, far = (round(metres * 1e4) for metres in (config.camera.depth_min, config.camera.depth_max))
    depth = torch.randint(
        near, far, (*shape, config.camera.height, config.camera.width),
        dtype=torch.int16, generator=random, device=device,
    )  # fmt: skip
    action = noise(*shape, sizes.action)
    return {
        "policy": noise(*shape, sizes.policy),
        "critic": noise(*shape, sizes.critic),
        "depth": depth,
        "reset": reset,
        "action": action,
        "log_prob": -0.5 * (action**2 + math.log(2 * math.pi)).sum(-1),
        "value": noise(*shape),
        "reward": noise(*shape),
        "terminated": torch.zeros_like(truncated),
        "truncated": truncated,
        "v_final": noise(*shape) * truncated,
        "v_last": noise(shape[1]),
        "policy_carry": carry(network.lstm_layers, network.lstm_units),
        "critic_carry": carry(1, network.critic_lstm_units),
    }


def measure(
    config: Config, sizes: Sizes, recurrence: Recurrence, updates: int, compiled: bool
) -> tuple[float, float | None]:
    """Times updates on synthetic data: the median in ms, and the peak of the GPU's memory in MiB."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    wait: Callable[[], None] = torch.cuda.synchronize if cuda else (lambda: None)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(config.seed)
    peer = Peer(config, sizes, recurrence, device, compiled)
    rollout = synthetic(config, sizes, device)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(2 + updates):
        start = time.perf_counter()
        loss = peer.update(rollout)
        wait()
        times.append((time.perf_counter() - start) * 1e3)
    if not math.isfinite(float(loss)):
        raise RuntimeError(f"the loss of the PyTorch peer became {float(loss)}")
    peak = torch.cuda.max_memory_allocated() / 2**20 if cuda else None
    return sorted(times[2:])[updates // 2], peak


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]
