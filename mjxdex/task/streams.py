"""Random numbers of the episodes. They depend on the run's seed, the env and the episode alone, so that the
split of the envs over devices does not change them."""

import jax

START, PARAMETERS, CAMERA, SENSORS, DISTURBANCE, DEPTH, STEREO, BLUR = range(8)
"""What the numbers are for."""


def keys(key: jax.Array, stream: int, env_id: jax.Array, episode: jax.Array) -> jax.Array:
    """Keys [N] of one stream in the given episodes (int32 [N]) of the given envs (int32 [N])."""

    def one(env_id: jax.Array, episode: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, env_id), episode), stream)

    return jax.vmap(one)(env_id, episode)


def step_keys(keys: jax.Array, step: jax.Array) -> jax.Array:
    """Keys [N] of the given steps (int32 [N]) within the episodes of `keys`."""
    return jax.vmap(jax.random.fold_in)(keys, step)
