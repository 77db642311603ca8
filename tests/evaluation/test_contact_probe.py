"""Counting of contacts, and the budgets that follow from it."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, EnvConfig, PhysicsConfig, PpoConfig, UserError
from mjxdex.evaluation import contact_probe, probe_actions
from mjxdex.evaluation.contact_budget import Budget
from mjxdex.evaluation.contact_probe import Counts, Use
from mjxdex.fabric.action import targets
from mjxdex.task.reset import fresh
from mjxdex.task.state import NUM_JOINTS

NAMES = ("ball", "cup", "star")
ENVS = jnp.arange(3)


def budget(contacts_per_env: int = 48, constraints_per_env: int = 256, num_envs: int = 4) -> Budget:
    """Four envs whose mean is 5 pairs or 6 contacts at most, and one env that needs 150 rows."""
    contacts = np.array([[2, 2, 2, 2], [6, 6, 6, 6], [0, 0, 0, 4]])
    rows = np.array([[30, 30, 30, 30], [40, 150, 50, 60], [30, 30, 30, 30]])
    use = Use(np.array([5.0, 3.0, 5.0]), contacts, rows, np.array([0, 1, 2, 0]), 0.5, 0.5, 0.0)
    idle = Use(np.full(3, 2.0), contacts // 2, rows // 2, np.array([0, 1, 2, 0]), 0.0, 0.0, 0.0)
    config = Config(
        env=EnvConfig(num_envs=num_envs),
        ppo=PpoConfig(minibatches=1),
        physics=PhysicsConfig(contacts_per_env=contacts_per_env, constraints_per_env=constraints_per_env),
    )
    return Budget(config, {"noise": idle, "grasp": use}, NAMES)


def test_contacts_are_shared_and_rows_are_not():
    found = budget()
    assert found.needed == {"contacts_per_env": 6.0, "constraints_per_env": 150.0}
    assert found.recommended == {"contacts_per_env": 8, "constraints_per_env": 192}
    assert found.objects() == [("cup", 6, 150), ("ball", 6, 60), ("star", 6, 50)]


def test_pairs_of_the_broad_phase_count_too():
    found = budget()
    found.uses["noise"] = found.uses["noise"]._replace(pairs=np.array([2.0, 13.0, 2.0]))
    assert found.needed["contacts_per_env"] == 13.0 and found.recommended["contacts_per_env"] == 20


def test_all_envs_may_be_busy_at_once():
    found = budget()
    one_of_four = np.array([[0, 0, 0, 16]] * 3)
    found.uses["noise"] = found.uses["noise"]._replace(contacts=one_of_four)
    assert found.uses["noise"].shared == 4.0
    assert found.needed["contacts_per_env"] == 16.0 and found.recommended["contacts_per_env"] == 20


def test_says_whether_the_config_suffices():
    assert all(" is enough" in line for line in budget().verdict())
    contacts, rows = budget(contacts_per_env=5, constraints_per_env=160).verdict()
    assert "contacts_per_env 5 is too small" in contacts and "recommended is 8" in contacts
    assert "constraints_per_env 160 is tight" in rows and "150.0 were needed" in rows
    assert "--envs 2" in budget(num_envs=2).verdict()[-1]


def test_tables_and_json_hold_the_findings(tmp_path):
    found = budget()
    assert [table.row_count for table in found.tables()] == [8, 3]
    found.write_json(tmp_path / "found.json")
    kept = json.loads((tmp_path / "found.json").read_text())
    assert kept["recommended"] == found.recommended
    assert kept["policies"]["grasp"]["contacts_of_an_env"]["most"] == 6
    assert kept["objects"]["cup"] == {"contacts": 6, "constraints": 150}


def test_a_probe_without_enough_room_says_so():
    counts = Counts(jnp.int32(9), jnp.array([4, 5]), jnp.array([12, 15]), jnp.array([2, 3]))
    info = {"sim/contact_overflow": np.zeros(2), "sim/constraint_overflow": np.array([0, 1.0])}
    info |= {"counts": counts, "sim/diverged": np.zeros(2), "env/object_height": np.full(2, 0.3)}
    config = Config(physics=PhysicsConfig(constraints_per_env=12))
    with pytest.raises(UserError, match="--constraints 24"):
        contact_probe.summarize(config, [info, info], np.arange(2))
    info["sim/constraint_overflow"] = np.zeros(2)
    diverged = info | {"sim/diverged": np.array([1.0, 0]), "env/object_height": np.array([0.7, 0.3])}
    use = contact_probe.summarize(config, [info, diverged], np.arange(2))
    np.testing.assert_array_equal(use.contacts, [[4, 5], [0, 5]])
    assert use.shared == 4.5 and use.grasped == use.lifted == 0.5 and use.diverged == 0.25


def test_grasps_aim_at_the_object_and_lift_it_to_the_goal():
    config = Config()
    start = jax.jit(lambda: fresh(config.adr, 12, ENVS, 0 * ENVS, jax.random.key(0), jnp.int32(50)))()

    @jax.jit
    def palm(age: int) -> jax.Array:
        state = start._replace(age=jnp.full(3, age))
        action = probe_actions.grasp(state, config.env, jax.random.key(1))
        return jax.vmap(targets, (0, None))(action, config.env.max_pose_angle_deg)[0]

    object_pos = np.asarray(start.physics.qpos[:, NUM_JOINTS : NUM_JOINTS + 3])
    first = probe_actions.APPROACH + probe_actions.DESCEND
    above, around, closed, lifted = (
        np.asarray(palm(age)) for age in (0, first, first + 60, probe_actions.CYCLE - 1)
    )
    np.testing.assert_allclose(above - around, [[0, 0, probe_actions.CLEARANCE]] * 3, atol=1e-5)
    np.testing.assert_allclose(closed, around, atol=1e-5)
    assert (np.linalg.norm(around - object_pos, axis=1) < 0.2).all()
    np.testing.assert_allclose(lifted - around, config.env.goal_pos - object_pos, atol=0.01)


@pytest.mark.slow
def test_counts_contacts_in_the_task(monkeypatch):
    """The hand stays in the air while the objects fall onto the table."""
    monkeypatch.setattr(contact_probe, "POLICIES", {"noise": probe_actions.noise})
    physics = dataclasses.replace(PhysicsConfig(), contacts_per_env=64, constraints_per_env=256)
    use = contact_probe.probe(Config(physics=physics), num_envs=4, steps=30, level=0)["noise"]
    assert use.contacts.shape == use.constraints.shape == (30, 4)
    assert (use.contacts[0] == 0).all() and (use.contacts[-1] >= 1).all() and use.contacts.max() < 30
    np.testing.assert_array_less(use.contacts.mean(axis=1), use.pairs * 8 + 1e-6)
    assert (use.constraints >= 3 * use.contacts).all() and use.diverged == use.grasped == use.lifted == 0
