"""Measures what a simulator and a learner cost on this machine, each in a process of its own.

Warp keeps memory until its process ends, and JAX reserves its share at once; so the process that asks
measures nothing itself. `python -m mjxdex.runtime.probe` is the measuring one: a request as JSON on its
standard input, the answer as the last line of its output.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.learning.learner import Learner
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import ActingState, LearnerState
from mjxdex.runtime.coefficients import Coefficients, Line, settings_digest
from mjxdex.runtime.gpu_memory import used_bytes
from mjxdex.runtime.trained import make_learner
from mjxdex.types import Message, Observation, Outcome

LINK = 20e9
"""Bytes/s into one device where it was not measured: PCIe 4.0 with 16 lanes, less its overhead."""
STEPS = 16
"""Control steps that are timed."""


class Programs(NamedTuple):
    """The learner's programs for one env count, compiled, and the bytes that they need.

    Attributes:
      act, close, learn: as `runtime.trainer` compiles them, without the ADR level.
      acting_bytes: of act, arguments and messages on their way included.
      learning_bytes: of learn, the acting state that waits meanwhile included.
    """

    act: Any
    close: Any
    learn: Any
    acting_bytes: int
    learning_bytes: int


def with_envs(config: Config, num_envs: int, **more: Any) -> Config:
    return config_files.from_dict(config_files.to_dict(config), {"env.num_envs": num_envs, **more})


def learner_programs(config: Config, num_envs: int) -> Programs:
    """Compiles the programs of `num_envs` envs for the default device; what they need, XLA says."""
    learner = make_learner(config)
    inputs = jax.eval_shape(lambda: _learner_inputs(learner, num_envs))
    return _compile(learner, *inputs)


def _compile(
    learner: Learner, state: LearnerState, acting: ActingState, rollout: Rollout, message: Message
) -> Programs:
    act = jax.jit(learner.act, donate_argnums=(1, 2))
    close = jax.jit(learner.close, donate_argnums=(1, 2))
    learn = jax.jit(learner.learn, donate_argnums=0)
    step = jax.ShapeDtypeStruct((), jnp.int32)
    act = act.lower(state, acting, rollout, step, (message,)).compile()
    close = close.lower(state, acting, rollout, (message,)).compile()
    learn = learn.lower(state, rollout).compile()
    waiting = tree_bytes((acting, message))
    # The next messages arrive while the last ones are still held.
    acting_bytes = _program_bytes(act) + tree_bytes(message)
    return Programs(act, close, learn, acting_bytes, _program_bytes(learn) + waiting)


def _program_bytes(program: Any) -> int:
    sizes = program.memory_analysis()
    held = sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes
    return held + sizes.temp_size_in_bytes


def _learner_inputs(learner: Learner, num_envs: int) -> tuple[LearnerState, ActingState, Rollout, Message]:
    state, acting = learner.init(jax.random.key(0), num_envs)
    networks = learner.networks
    scalar, no = jnp.zeros(num_envs), jnp.zeros(num_envs, bool)
    critic = jnp.zeros((num_envs, networks.critic_dim))
    shape = learner.depth_shape
    depth = None if shape is None else jnp.zeros((num_envs, *shape), jnp.uint16)
    obs = Observation(jnp.zeros((num_envs, networks.policy_dim)), critic, depth)
    message = Message(obs, Outcome(scalar, no, no, no, critic, {}))
    return state, acting, learner.empty_rollout(num_envs), message


def measure_learner(config: Config, sizes: Sequence[int], timed: bool = True) -> list[dict[str, float]]:
    """Bytes and seconds of the learner for each env count, in this process.

    Args:
      timed: Whether to run the programs too.
    """
    before = used_bytes()
    learner = make_learner(config)
    with ThreadPoolExecutor() as pool:
        programs = list(pool.map(lambda size: learner_programs(config, size), sizes))
    answers = []
    for size, program in zip(sizes, programs, strict=True):
        answer: dict[str, float] = {
            "envs": size,
            "acting": program.acting_bytes,
            "learning": program.learning_bytes,
        }
        if timed:
            make = jax.jit(_learner_inputs, static_argnums=(0, 1))
            state, acting, rollout, message = jax.block_until_ready(make(learner, size))
            seconds = []
            for _ in range(3):
                start = time.perf_counter()
                for step in range(STEPS):
                    t = jnp.int32(step % config.ppo.horizon)
                    acting, rollout, actions = program.act(state, acting, rollout, t, (message,))
                jax.block_until_ready(actions)
                middle = time.perf_counter()
                acting, rollout, _ = program.close(state, acting, rollout, (message,))
                state, _ = program.learn(state, rollout)
                jax.block_until_ready(state)
                seconds.append(((middle - start) / STEPS, time.perf_counter() - middle))
            answer["act_s"], answer["update_s"] = (min(parts) for parts in zip(*seconds, strict=True))
            answer |= _jax_peak()
            del state, acting, rollout, message, actions
        answers.append(answer)
    return [answer | _outside(before) for answer in answers]


def measure_simulator(config: Config, sizes: Sequence[int]) -> list[dict[str, float]]:
    """Bytes and seconds of a simulator for each env count, one after the other in this process.

    `outside` grows from size to size, since Warp gives nothing back.
    """
    from mjxdex.runtime.sims import Simulators
    from mjxdex.task.env import Command

    before = used_bytes()
    device = jax.local_devices()[0]
    answers = []
    for size in sizes:
        sims = Simulators(with_envs(config, size), [device])
        state = sims.init()
        actions = jax.random.normal(jax.random.key(0), (1, size, 11))
        command = Command(jax.device_put(actions, sims.sharding), jnp.zeros(1, jnp.int32))
        command = jax.device_put(command, sims.sharding)
        seconds = []
        for steps in (1, STEPS, STEPS):  # the first compiles
            start = time.perf_counter()
            for _ in range(steps):
                state, obs, outcome = sims.step(state, command)
                depth = sims.render(state)
            jax.block_until_ready((state, obs, outcome, depth))
            seconds.append((time.perf_counter() - start) / steps)
        answers.append({"envs": size, "step_s": min(seconds[1:])} | _jax_peak() | _outside(before))
        del sims, state, actions, command, obs, outcome, depth
        jax.clear_caches()
    return answers


def train_twice(config: Config) -> dict[str, float]:
    """Peak memory of two real iterations, in this process."""
    from mjxdex.runtime import topology
    from mjxdex.runtime.phases import Phases
    from mjxdex.runtime.trainer import Trainer

    before = used_bytes()
    trainer = Trainer(config, topology.choose(config))
    state = trainer.init()
    for _ in range(2):
        start = time.perf_counter()
        state, metrics = trainer.iterate(state, Phases(blocking=False))
        jax.block_until_ready((state, metrics))
    seconds = time.perf_counter() - start
    return {"envs": config.env.num_envs, "iteration_s": seconds} | _jax_peak() | _outside(before)


def _jax_peak() -> dict[str, float]:
    stats = jax.local_devices()[0].memory_stats()
    return {} if stats is None else {"jax": stats["peak_bytes_in_use"]}


def _outside(before: int | None) -> dict[str, float]:
    """Memory of the device that is not JAX's: its reservation is one block (the probe sees to it)."""
    used, stats = used_bytes(), jax.local_devices()[0].memory_stats()
    if before is None or used is None or stats is None:
        return {}
    return {"outside": used - before - stats["bytes_limit"]}


def tree_bytes(tree: Any) -> int:
    """Size of all arrays of a tree (or of their ShapeDtypeStruct)."""
    return sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


class ProbeError(UserError):
    """A measuring process failed; `output` is the end of what it said."""


def in_process(what: str, config: Config, sizes: Sequence[int] = (), share: float = 0.7) -> Any:
    """Runs one of the measurements above in a process of its own, on the first device.

    Args:
      what: "learner", "simulator" or "train".
      share: of the device's memory that JAX reserves there.

    Raises: ProbeError: It failed, out of memory perhaps.
    """
    request = {"what": what, "config": config_files.to_dict(config), "sizes": list(sizes)}
    environment = os.environ | {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "true",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:.4f}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "mjxdex.runtime.probe"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise ProbeError(f"the {what} probe ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(
    config: Config, sizes: tuple[int, int], origin: str, note: Callable[[str], None], sim: Coefficients | None
) -> Coefficients:
    """Coefficients of a configuration on the first device of this machine.

    Args:
      sizes: env counts, the smaller first; multiples of `ppo.minibatches`.
      origin: for `Coefficients.origin`.
      note: is told what goes on.
      sim: whose simulator memory to take where the device keeps no account of its own, as a CPU; None for
        zero.
    """
    config = with_envs(config, sizes[0])
    note(f"simulator of {sizes[0]} and {sizes[1]} envs")
    few, many = in_process("simulator", config, sizes)
    note(f"learner of {sizes[0]} and {sizes[1]} envs: compiling takes a minute or two")
    answer = in_process("learner", config, sizes)
    small, large = answer["sizes"]

    def line(key: str, first: dict[str, float], second: dict[str, float]) -> Line:
        return Line.through((sizes[0], first[key]), (sizes[1], second[key]))

    if "outside" in few:
        # The second simulator comes on top of the first.
        per_env = (many["outside"] - few["outside"]) / sizes[1]
        outside = Line(few["outside"] - per_env * sizes[0], per_env)
        sim_bytes, learner_outside = line("jax", few, many), Line(large["outside"], 0.0)
    else:
        note("this device keeps no account of its memory: the simulator's is that of the package's table")
        none = Line(0.0, 0.0)
        sim_bytes, outside, learner_outside = (
            (sim.sim_bytes, sim.sim_outside_bytes, sim.learner_outside_bytes) if sim else (none, none, none)
        )
    return Coefficients(
        config=config.name,
        settings=settings_digest(config),
        device=answer["device"],
        origin=origin,
        sim_bytes=sim_bytes,
        sim_outside_bytes=outside,
        acting_bytes=line("acting", small, large),
        learning_bytes=line("learning", small, large),
        learner_outside_bytes=learner_outside,
        step_seconds=line("step_s", few, many),
        act_seconds=line("act_s", small, large),
        update_seconds=line("update_s", small, large),
        link_bytes_per_s=sim.link_bytes_per_s if sim else LINK,
        **exact(config),
    )


def exact(config: Config) -> dict[str, Any]:
    """The coefficients that shapes tell."""
    learner = make_learner(config)
    state, _, rollout, message = jax.eval_shape(lambda: _learner_inputs(learner, 2))
    return {
        "message_bytes": tree_bytes(message) / 2,
        "rollout_bytes": tree_bytes(rollout) / 2,
        "gradient_bytes": tree_bytes((state.policy, state.critic)),
        "updates": config.ppo.epochs * config.ppo.minibatches,
    }


def _main() -> None:
    request = json.loads(sys.stdin.read())
    config = config_files.from_dict(request["config"])
    match request["what"]:
        case "simulator":
            answer: Any = measure_simulator(config, request["sizes"])
        case "learner":
            answer = {
                "sizes": measure_learner(config, request["sizes"]),
                "device": jax.local_devices()[0].device_kind,
            }
        case _:
            answer = train_twice(config)
    print(json.dumps(answer))


if __name__ == "__main__":
    _main()
