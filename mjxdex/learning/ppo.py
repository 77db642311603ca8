"""The losses of PPO and the diagonal Gaussian they are taken over; all in float32."""

import math

import jax
import jax.numpy as jnp


def gaussian_log_prob(action: jax.Array, mean: jax.Array, log_std: jax.Array) -> jax.Array:
    """Log density of actions [..., A] under N(mean, exp(log_std)²), summed over A."""
    z = (action - mean) * jnp.exp(-log_std)
    return -jnp.sum(0.5 * z**2 + log_std + 0.5 * math.log(2 * math.pi), axis=-1)


def given_noise(
    mean: jax.Array, log_std: jax.Array, last: jax.Array, reset: jax.Array, correlation: float
) -> tuple[jax.Array, jax.Array]:
    """Mean and log standard deviation of actions, given the autoregressive noise of the step before.

    Args:
      mean, log_std: Of the policy, float32 [..., A] and [A].
      last: That noise, float32 [..., A] in units of the action.
      reset: bool [...], an episode starts and its noise is white.
      correlation: Of the noise with that of the step before.

    Source: Korenkevych et al. 2019, Autoregressive Policies, of order 1.
    """
    drawn_anew = 0.5 * math.log1p(-(correlation**2))
    starts = reset[..., None]
    return mean + jnp.where(starts, 0.0, correlation * last), log_std + jnp.where(starts, 0.0, drawn_anew)


def noise_before(action: jax.Array, mean: jax.Array, log_std: jax.Array, first: jax.Array) -> jax.Array:
    """The noise before each step of a rollout, float32 [T, B, A] in units of the action.

    It is told from the means that are being learned, and they get its gradient: the policy is a mean with
    noise that goes on around it, and a mean that moves takes nothing along to the next step. With the noise
    that acted instead, what an action is credited with would be smeared over the steps that noise lasts.

    Args:
      action: float32 [T, B, A].
      mean, log_std: Of the policy, float32 [T, B, A] and [A].
      first: The noise before step 0, float32 [B, A] in standard deviations.
    """
    return jnp.concatenate([(jnp.exp(log_std) * first)[None], (action - mean)[:-1]])


def gaussian_entropy(log_std: jax.Array) -> jax.Array:
    """Entropy of a diagonal Gaussian, in nats."""
    return jnp.sum(log_std + 0.5 * math.log(2 * math.pi * math.e), axis=-1)


def policy_loss(
    log_prob: jax.Array, old_log_prob: jax.Array, adv: jax.Array, *, clip: float
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Clipped surrogate: mean of -min(ρ adv, clip(ρ, 1 ± clip) adv), ρ = exp(log_prob - old_log_prob).

    Args:
      log_prob: Log probabilities of the actions taken under the policy being learned, float32 [...].
      old_log_prob: The same under the policy that acted.
      adv: Advantages.
      clip: Clipping range of the ratio.

    Returns:
      The loss, and `approx_kl`, mean of ρ - 1 - log ρ, and `clip_fraction`, share of ratios clipped.

    Source: Schulman et al. 2017, Eq. 7.
    """
    log_ratio = log_prob - old_log_prob
    ratio = jnp.exp(log_ratio)
    loss = -jnp.mean(jnp.minimum(ratio * adv, jnp.clip(ratio, 1 - clip, 1 + clip) * adv))
    metrics = {
        "approx_kl": jnp.mean(ratio - 1 - log_ratio),
        "clip_fraction": jnp.mean((jnp.abs(ratio - 1) > clip).astype(jnp.float32)),
    }
    return loss, metrics


def out_of_range(mean: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How far mean actions float32 [..., A] lie outside -1 to 1, which actions are clipped to.

    Returns:
      The squared distance, summed over A, and the share of actions that are outside; means of all else.
    """
    excess = jnp.maximum(jnp.abs(mean) - 1, 0)
    return jnp.mean(jnp.sum(excess**2, axis=-1)), jnp.mean((excess > 0).astype(jnp.float32))


def value_loss(value: jax.Array, old_value: jax.Array, target: jax.Array, *, clip: float | None) -> jax.Array:
    """Half the mean squared error to the target, of the worse of the value and the value clipped.

    Args:
      value: Values being learned, float32 [...], in normalized units as are the others.
      old_value: Values when acting; `value` is clipped to within ±clip of them.
      target: Returns.
      clip: Clipping range; None for the plain squared error.
    """
    error = (value - target) ** 2
    if clip is not None:
        clipped = old_value + jnp.clip(value - old_value, -clip, clip)
        error = jnp.maximum(error, (clipped - target) ** 2)
    return 0.5 * jnp.mean(error)


def prediction_errors(
    predictions: dict[str, jax.Array], targets: dict[str, jax.Array]
) -> dict[str, jax.Array]:
    """Mean squared error of each term, float32 [..., size] in standard deviations; 1 for the mean."""
    return {term: jnp.mean((predictions[term] - targets[term]) ** 2) for term in predictions}
