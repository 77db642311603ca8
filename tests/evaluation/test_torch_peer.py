"""The PyTorch peer computes what the learner computes: same numbers in, same numbers out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import CameraConfig, Config, EnvConfig, NetworkConfig, PpoConfig
from mjxdex.learning import gae, learner, normalizer, ppo

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from mjxdex.evaluation import torch_peer  # noqa: E402
from mjxdex.evaluation.torch_networks import segments  # noqa: E402
from mjxdex.evaluation.torch_peer import Peer, Sizes  # noqa: E402

CONFIG = Config(
    env=EnvConfig(num_envs=8, episode_length_s=0.1),
    camera=CameraConfig(width=84, height=64),
    network=NetworkConfig(
        cnn_filters=(2, 3, 4, 5), embedding=6, lstm_units=8, mlp=(7, 9), critic_mlp=(6, 5),
        critic_lstm_units=10, compute_dtype="float32",
    ),
    ppo=PpoConfig(horizon=6, epochs=2, minibatches=2, observation_clip=1e9),
)  # fmt: skip
SIZES = Sizes(policy=5, critic=6, action=3)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rollout():
    data = torch_peer.synthetic(CONFIG, SIZES, CPU)
    data["reset"][3, 2:5] = data["reset"][4, 2] = True
    data["terminated"][2, 2] = True
    assert data["reset"].sum() > 4 and data["truncated"].any()
    return data


@pytest.fixture(scope="module")
def ours():
    made = learner.make(CONFIG, SIZES.policy, SIZES.critic, (64, 84), SIZES.action)
    policy, critic = made.networks.init(jax.random.key(1))
    # Nothing may be 0 or 1 by chance: those would hide a mistake.
    leaves, tree = jax.tree.flatten((policy, critic))
    numbers = np.random.default_rng(2)
    leaves = [jnp.asarray(leaf + 0.1 * numbers.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return made.networks, tree.unflatten(leaves)


def as_jax(tensors):
    def convert(leaf):
        return jnp.asarray(leaf.numpy().view(np.uint16) if leaf.dtype == torch.int16 else leaf.numpy())

    return jax.tree.map(convert, tensors)


def paired(network, params):
    """(parameter of PyTorch, ours in its layout) of a policy or a critic, given a tree like its own."""
    pairs = []

    def linear(module, tree):
        pairs.extend([(module.weight, np.asarray(tree["kernel"]).T), (module.bias, tree["bias"])])

    for i, (layer,) in enumerate(m[:1] for m in network.mlp):
        linear(layer, params["mlp"]["layers"][i])
    for i in range(network.lstm.lstm.num_layers):
        tree = params["lstm"]["layers"][i]
        for name, ours in (("weight_ih", "kernel_in"), ("weight_hh", "kernel_rec"), ("bias_ih", "bias")):
            pairs.append((getattr(network.lstm.lstm, f"{name}_l{i}"), np.asarray(tree[ours]).T))
    if "encoder" not in params:
        pairs.extend(
            [(network.norm.weight, params["norm"]["scale"]), (network.norm.bias, params["norm"]["bias"])]
        )
        linear(network.value, params["value"])
        return pairs
    encoder, tree = network.encoder, params["encoder"]
    convolutions = [encoder.first, *encoder.others]
    for i, (convolution, norm) in enumerate(zip(convolutions, encoder.norms, strict=True)):
        pairs.append((convolution.weight, np.asarray(tree["kernels"][i]).transpose(3, 2, 0, 1)))
        pairs.append((convolution.bias, tree["biases"][i]))
        pairs.extend([(norm.weight, tree["norms"][i]["scale"]), (norm.bias, tree["norms"][i]["bias"])])
    linear(encoder.linear, tree["linear"])
    linear(network.mean, params["mean"])
    return [*pairs, (network.log_std, params["log_std"])]


def copied(recurrence, params) -> Peer:
    peer = Peer(CONFIG, SIZES, recurrence, CPU, compiled=False)
    for network, tree in zip((peer.policy, peer.critic), params, strict=True):
        pairs = paired(network, tree)
        assert {id(p) for p, _ in pairs} == {id(p) for p in network.parameters() if p.requires_grad}
        for parameter, value in pairs:
            parameter.data.copy_(torch.tensor(np.asarray(value)))
    return peer


def test_segments():
    reset = torch.tensor([[1, 0], [0, 0], [1, 0], [1, 1]], dtype=torch.bool)
    cut = segments(reset, 5)
    assert cut.index.tolist() == [[0, 3], [0, 3], [1, 3], [2, 4]]
    assert cut.position.tolist() == [[0, 0], [1, 1], [0, 2], [0, 0]]


@pytest.fixture(scope="module")
def learned(ours, rollout):
    """Targets, means, values and gradients of the learner."""
    networks, params = ours
    data = as_jax(rollout)
    adv = gae.gae(
        data["reward"], data["value"], data["v_last"], data["v_final"], data["terminated"],
        data["truncated"], discount=CONFIG.ppo.discount, lam=CONFIG.ppo.gae_lambda,
    )  # fmt: skip
    returns = adv + data["value"]
    stats = normalizer.update(normalizer.init(), returns)
    targets = {
        "adv": (adv - adv.mean()) / (adv.std() + 1e-8),
        "target": normalizer.normalize(stats, returns),
        "old_value": normalizer.normalize(stats, data["value"]),
    }
    policy_stats, critic_stats = (
        normalizer.init((size,))._replace(var=jnp.full(size, 1 - 1e-5))
        for size in (SIZES.policy, SIZES.critic)
    )

    def loss(params):
        mean, _ = networks.policy(
            params[0], policy_stats, data["policy"], data["depth"], data["policy_carry"], data["reset"]
        )
        value, _ = networks.value(
            params[1], critic_stats, data["critic"], data["critic_carry"], data["reset"]
        )
        log_std = params[0]["log_std"]
        log_prob = ppo.gaussian_log_prob(data["action"], mean, log_std)
        clip = CONFIG.ppo.clip
        total = ppo.policy_loss(log_prob, data["log_prob"], targets["adv"], clip=clip)[0]
        total += ppo.value_loss(value, targets["old_value"], targets["target"], clip=clip)
        return total - CONFIG.ppo.entropy_coef * ppo.gaussian_entropy(log_std), (mean, value)

    (total, outputs), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    return targets, float(total), outputs, grads


@pytest.mark.parametrize("recurrence", ["steps", "cudnn"])
def test_same_numbers(recurrence, ours, rollout, learned):
    targets, total, (mean, value), grads = learned
    peer = copied(recurrence, ours[1])
    found = torch_peer.targets(rollout, CONFIG.ppo)
    for name, expected in targets.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)
    batch = rollout | found
    reset = batch["reset"]
    cut = segments(reset, int(1 * reset.shape[1] + reset[1:].sum()))
    with torch.no_grad():
        theirs = peer.policy(batch["policy"], batch["depth"], batch["policy_carry"], reset, cut)
        np.testing.assert_allclose(theirs, mean, rtol=1e-4, atol=1e-5)
        theirs = peer.critic(batch["critic"], batch["critic_carry"], reset, cut)
        np.testing.assert_allclose(theirs, value, rtol=1e-4, atol=1e-5)
    loss = peer.loss(batch, cut)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)
    for network, tree in zip((peer.policy, peer.critic), grads, strict=True):
        for parameter, expected in paired(network, tree):
            scale = float(np.abs(expected).max())
            assert scale > 0
            np.testing.assert_allclose(parameter.grad, expected, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.parametrize("recurrence", ["steps", "cudnn"])
def test_an_update_learns(recurrence, ours, rollout):
    peer = copied(recurrence, ours[1])
    before = [parameter.detach().clone() for parameter in peer.policy.parameters() if parameter.requires_grad]
    losses = [float(peer.update(rollout)) for _ in range(6)]
    assert losses[-1] < losses[0]
    after = [parameter for parameter in peer.policy.parameters() if parameter.requires_grad]
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
