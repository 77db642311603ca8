"""The loss of a student that imitates a teacher; all in float32."""

import jax
import jax.numpy as jnp
import optax


def imitation_loss(
    mean: jax.Array,
    log_std: jax.Array,
    object_pos: jax.Array,
    teacher_mean: jax.Array,
    teacher_log_std: jax.Array,
    true_object_pos: jax.Array,
    *,
    object_pos_coef: float,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """mean √(Σ_i (μ_i - μ*_i)² / σ*_i²) + ‖σ - σ*‖ + coefficient * mean ‖p̂ - p‖; * marks the teacher.

    So actions of which the teacher is sure count more. Norms are not squared.

    Args:
      mean, teacher_mean: Mean actions, float32 [..., A], not clipped.
      log_std, teacher_log_std: Log standard deviations, float32 [A].
      object_pos, true_object_pos: float32 [..., 3], metres.
      object_pos_coef: Weight of the last term, 1/m.

    Returns:
      The loss, and its parts: `action_error`, in standard deviations of the teacher; `std_error`;
      `object_pos_error_cm`; and `action_distance`, how far a component of the action is off on average, both
      clipped to ±1.

    Source: published DextrAH distillation; robot_and_fabric.md 7.4.
    """
    off = (mean - teacher_mean) * jnp.exp(-teacher_log_std)
    action_error = jnp.mean(optax.safe_norm(off, 0.0, axis=-1))
    std_error = optax.safe_norm(jnp.exp(log_std) - jnp.exp(teacher_log_std), 0.0)
    object_pos_error = jnp.mean(optax.safe_norm(object_pos - true_object_pos, 0.0, axis=-1))
    loss = action_error + std_error + object_pos_coef * object_pos_error
    distance = jnp.abs(jnp.clip(mean, -1.0, 1.0) - jnp.clip(teacher_mean, -1.0, 1.0))
    return loss, {
        "loss": loss,
        "action_error": action_error,
        "std_error": std_error,
        "object_pos_error_cm": 100 * object_pos_error,
        "action_distance": jnp.mean(distance),
    }
