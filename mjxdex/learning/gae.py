"""Generalized advantage estimation with time limits."""

import jax
import jax.numpy as jnp


def gae(
    r_t: jax.Array,
    v_t: jax.Array,
    v_last: jax.Array,
    v_final_t: jax.Array,
    terminated_t: jax.Array,
    truncated_t: jax.Array,
    *,
    discount: float,
    lam: float,
    bootstrap_time_limits: bool = True,
) -> jax.Array:
    """Advantages of a time-major rollout.

    δ_t = r_t + discount v'_t - v_t
    adv_t = δ_t + discount lam (1 - done_t) adv_{t+1}

    v'_t is the value of the state that the action led to: v_{t+1} within an episode, 0 after a
    termination, and v_final_t, the value of the observation before the reset, after a time limit.

    Args:
      r_t: Rewards, float32 [T, B].
      v_t: Values of the states acted in, float32 [T, B], in units of return.
      v_last: Values of the states after the last step, float32 [B]; ignored where that step ended.
      v_final_t: Values of the observations before the reset, float32 [T, B]; read where truncated.
      terminated_t: bool [T, B], episode ended for good.
      truncated_t: bool [T, B], episode cut by its time limit.
      discount: Discount per step.
      lam: Decay of the estimate.
      bootstrap_time_limits: If False, time limits count as terminations.

    Returns:
      Advantages, float32 [T, B], not normalized; adding v_t gives the value targets.

    Source: Schulman et al. 2016, Eq. 16; time limits: Pardo et al. 2018.
    """
    done_t = terminated_t | truncated_t
    v_next_t = jnp.concatenate([v_t[1:], v_last[None]])
    v_next_t = jnp.where(done_t, 0.0, v_next_t)
    if bootstrap_time_limits:
        v_next_t = jnp.where(truncated_t & ~terminated_t, v_final_t, v_next_t)
    delta_t = r_t + discount * v_next_t - v_t

    def step(adv, inputs):
        delta, done = inputs
        adv = delta + discount * lam * jnp.where(done, 0.0, adv)
        return adv, adv

    _, adv_t = jax.lax.scan(step, jnp.zeros_like(v_last), (delta_t, done_t), reverse=True)
    return adv_t
