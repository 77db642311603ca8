"""A run really starts from a bundle: learning with a step size of 0 leaves its parameters as they are."""

from pathlib import Path

import pytest

from mjxdex.runtime import bundles, run_folder
from mjxdex.runtime.metrics import read
from mjxdex.runtime.trained import learner_shapes
from tests.runtime.test_resume import START, digest, finish, start

pytestmark = pytest.mark.slow
STILL = ["--ppo.learning_rate", "0", "--ppo.final_learning_rate", "0", "--ppo.critic_learning_rate", "0"]


def test_start_and_continue(tmp_path: Path) -> None:
    first, second, third, file = (tmp_path / name for name in ("a", "b", "c", "a.bundle"))
    learned = digest(finish(start(*START, "--run", str(first), "--runtime.iterations", "2")))
    shapes = learner_shapes(run_folder.open_run(first))
    bundles.write(first, file, shapes, "float32", critic=True, moments=True)
    level = bundles.read(file).adr_level
    assert level > 30

    options = [word for word in START if word not in ("--adr.start_level", "30")]
    new = ["--start-from", str(file), "--run", str(second), "--runtime.iterations", "1"]
    assert digest(finish(start(*options, *STILL, *new))) == learned
    assert read(second)[0]["adr/level"] >= level
    assert run_folder.open_run(second).adr.start_level == level

    finish(start("--continue", str(file), "--run", str(third), "--runtime.iterations", "3"))
    (row,) = read(third)
    assert row["iteration"] == 3 and row["env_steps"] == 3 * 8 * 8 and row["adr/level"] >= level
