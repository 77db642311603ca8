"""Grasp and lift for one shard of envs: pure functions of the state, callable inside jit, scan and pmap."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex import fabric
from mjxdex.config import Config
from mjxdex.fabric.action import targets
from mjxdex.objects import ObjectSet
from mjxdex.physics import PhysicsState, Reading, Worlds
from mjxdex.robot.tables import KD, KP
from mjxdex.scene import GRAVITY
from mjxdex.task import observations, sensing
from mjxdex.task.adr import light_value, value
from mjxdex.task.disturbance import wrench
from mjxdex.task.places import is_lost
from mjxdex.task.reset import fresh
from mjxdex.task.reward import reward_terms
from mjxdex.task.state import EnvState, Seen, View, select, view
from mjxdex.types import Observation, Outcome

FASTEST = 200.0
"""A joint or object velocity beyond this (rad/s or m/s) is a diverged simulation."""


class Command(NamedTuple):
    """What the learner tells one shard: actions float32 [N, 11] and the ADR level int32 []."""

    action: jax.Array
    adr_level: jax.Array


class GraspEnv:
    """The task on the worlds of one device.

    Args:
      config: The run's configuration.
      worlds: Physics of the shard's N envs.
      objects: The objects; env i holds object i modulo their number.
    """

    def __init__(self, config: Config, worlds: Worlds, objects: ObjectSet) -> None:
        self.config = config
        self.worlds = worlds
        self.num_objects = len(objects)
        control_dt = config.physics.control_period
        self.episode_steps = round(config.env.episode_length_s / control_dt)
        self.success_steps = round(config.env.success_timeout_s / control_dt)
        self.object_mass = jnp.asarray(objects.mass, jnp.float32)
        self.key = jax.random.fold_in(jax.random.key(config.seed), 1)
        self.velocity_gain = jnp.asarray(KD / KP, jnp.float32)

    def init(self, env_id: jax.Array) -> EnvState:
        """First states of the envs with the given global indices, int32 [N]."""
        level = jnp.int32(self.config.adr.start_level)
        state = self._fresh(env_id, jnp.zeros_like(env_id), level)
        if self.config.env.spread_first_episodes:
            age_key = jax.random.fold_in(self.key, 2**31 - 1)
            keys = jax.vmap(jax.random.fold_in, (None, 0))(age_key, env_id)
            ages = jax.vmap(lambda key: jax.random.randint(key, (), 0, self.episode_steps))(keys)
            state = state._replace(age=ages)
        return self._look(state, None)

    def step(self, state: EnvState, command: Command) -> tuple[EnvState, Observation, Outcome]:
        """One control step: fabric, physics, outcome, reset of the envs that are done.

        Returns: The next state; its observation without depth; what the action led to before any reset.
        """
        level, ranges = command.adr_level, self.config.adr
        action = jnp.clip(command.action, -1.0, 1.0)
        fabric_state = self._fabric(state.fabric, action, level)
        params = state.random.params
        velocity_gain = self.velocity_gain * params.damping / params.stiffness
        ctrl = fabric_state.pos + velocity_gain * value(ranges.velocity_target, level) * fabric_state.vel
        mass = self.object_mass[params.object_id] * params.object_mass
        push = wrench(state, mass, value(ranges.object_acceleration, level), self.key)
        push = push.at[:, 2].add(GRAVITY * mass * (1 - light_value(ranges.weight, level)))
        physics, reading = self.worlds.step(state.physics, ctrl, params, push)
        diverged = ~_is_sound(physics)
        physics = select(diverged, state.physics, physics)
        felt = reading.torque, reading.force, reading.grip
        torque, force, grip = select(diverged, jax.tree.map(jnp.zeros_like, felt), felt)
        seen = state.seen
        state = state._replace(
            seen=None,
            age=state.age + 1,
            physics=physics,
            fabric=fabric_state,
            torque=torque,
            force=force,
            last_action=action,
        )
        now = view(physics)
        state = state._replace(held=jnp.where(self._success(now), state.held + 1, 0))
        outcome = self._outcome(state, now, diverged, reading._replace(grip=grip), level)
        done = outcome.terminated | outcome.truncated
        state = select(done, self._fresh(state.env_id, state.episode + 1, level), state)
        state = self._look(state, seen)
        return state, self.observe(state), outcome

    def observe(self, state: EnvState) -> Observation:
        """Vector observations of N envs; depth images are the renderer's, of the state's qpos and cameras."""
        both = jax.tree.map(
            lambda *parts: jnp.concatenate(parts), state.physics, sensing.misread(state, self.key)
        )
        num_envs = state.env_id.shape[0]
        views = view(both)
        true = jax.tree.map(lambda leaf: leaf[:num_envs], views)
        read = jax.tree.map(lambda leaf: leaf[num_envs:], views)
        return Observation(
            policy=observations.group(
                self.config.observation.policy,
                state,
                read,
                self.config.env,
                self.num_objects,
                state.random.velocity_observation[:, None],
            ),
            critic=self._critic_observation(state, true),
            depth=None,
        )

    def blank_outcome(self, state: EnvState) -> Outcome:
        """The outcome that goes with a first observation: nothing has happened yet."""
        num_envs = state.env_id.shape[0]
        command = Command(action=jnp.zeros((num_envs, 11)), adr_level=jnp.zeros((), jnp.int32))
        shapes = jax.eval_shape(self.step, state, command)[2]
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

    def _fabric(self, state: fabric.FabricState, action: jax.Array, level: jax.Array) -> fabric.FabricState:
        config = self.config.fabric
        damping = value(self.config.adr.fabric_damping, level)
        palm_pos, palm_euler, pca = jax.vmap(targets, (0, None))(action, self.config.env.max_pose_angle_deg)

        def one(state, palm_pos, palm_euler, pca):
            return fabric.step(
                state,
                (palm_pos, palm_euler),
                pca,
                damping,
                timestep=config.timestep,
                curvature_factor=config.curvature_factor,
                collision_avoidance=config.collision_avoidance,
            )

        # A loop, since the fabric's program is large: written out, its steps would double the compile time.
        return jax.lax.fori_loop(
            0, config.steps, lambda _, state: jax.vmap(one)(state, palm_pos, palm_euler, pca), state
        )

    def _fresh(self, env_id: jax.Array, episode: jax.Array, level: jax.Array) -> EnvState:
        return fresh(self.config.adr, self.num_objects, env_id, episode, self.key, level)

    def _look(self, state: EnvState, before: Seen | None) -> EnvState:
        every = self.config.camera.every if self.config.observation.depth else 1
        return sensing.look(state, before, every)

    def _critic_observation(self, state: EnvState, now: View) -> jax.Array:
        return observations.group(
            self.config.observation.critic, state, now, self.config.env, self.num_objects
        )

    def _success(self, now: View) -> jax.Array:
        """bool [N]: the object is in the goal region."""
        goal = jnp.asarray(self.config.env.goal_pos, jnp.float32)
        return jnp.linalg.norm(now.object_pos - goal, axis=1) < self.config.env.success_radius

    def _outcome(
        self, state: EnvState, now: View, diverged: jax.Array, reading: Reading, level: jax.Array
    ) -> Outcome:
        terms = reward_terms(now, reading.grip, self.config, level)
        lost = is_lost(now.object_pos)
        terminated = lost | diverged
        over = state.age >= self.episode_steps
        if self.success_steps:
            over |= state.held >= self.success_steps
        return Outcome(
            reward=sum(terms.values()),  # pyright: ignore[reportArgumentType]
            terminated=terminated,
            truncated=over & ~terminated,
            success=self._success(now),
            critic_final=self._critic_observation(state, now),
            info={
                **{f"reward/{name}": value for name, value in terms.items()},
                "env/object_height": now.object_pos[:, 2],
                "env/lost": lost.astype(jnp.float32),
                "sim/diverged": diverged.astype(jnp.float32),
                "sim/contact_overflow": reading.contact_overflow.astype(jnp.float32),
                "sim/constraint_overflow": reading.constraint_overflow.astype(jnp.float32),
            },
        )


def _is_sound(physics: PhysicsState) -> jax.Array:
    """bool [N]: positions are finite, and no velocity has run away."""
    return jnp.isfinite(physics.qpos).all(axis=1) & (jnp.abs(physics.qvel) < FASTEST).all(axis=1)
