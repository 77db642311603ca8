"""Configs from files and command lines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mjxdex import config_files
from mjxdex.config import Config, ConfigError, EnvConfig

NAMES = sorted(path.stem for path in (Path(__file__).parents[1] / "configs").glob("*.yaml"))


@pytest.fixture
def parser() -> config_files.Parser:
    parser = config_files.Parser("Trains.", "train.py --config NAME")
    parser.add_argument("--config")
    return parser


@pytest.mark.parametrize("name", NAMES)
def test_every_named_config_loads_under_its_own_name(name: str) -> None:
    assert config_files.load(name).name == name


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("env: {num_envs: 64}\nppo:\n  learning_rate: 1e-3\n  # discount: 0.5\ncamera:\n")
    changes = config_files.diff(replace(Config(), name="mine"), config_files.load(path))
    assert changes == ["env.num_envs: 4096 -> 64", "ppo.learning_rate: 0.0001 -> 0.001"]


def test_saved_configs_come_back(tmp_path: Path) -> None:
    config = config_files.load("state", {"env.goal_pos": "-0.1,0,1e-1", "seed": 3})
    config_files.save(config, tmp_path / "config.yaml")
    assert config_files.load(tmp_path / "config.yaml") == config
    assert config_files.from_dict(config_files.to_dict(config)) == config


def test_values_from_the_command_line(parser: config_files.Parser) -> None:
    argv = [
        "--config",
        "smoke",
        "--env.goal_pos",
        "-.5,0,1",
        "--network.mlp=8",
        "--reward.hand_to_object_weight",
        "-1e-3",
    ]
    options, overrides = parser.parse([*argv, "--observation.depth", "false", "--runtime.topology", "s0-l0"])
    config = config_files.load(options.config, overrides)
    assert config.env == replace(config_files.load("smoke").env, goal_pos=(-0.5, 0.0, 1.0))
    assert config.network.mlp == (8,)
    assert config.reward.hand_to_object_weight == -1e-3
    assert config.observation.depth is False
    assert config.runtime.topology == "s0-l0"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"env.num_env": "3"}, "unknown key env.num_env; did you mean env.num_envs?"),
        ({"num_envs": "3"}, "unknown key num_envs; did you mean env.num_envs?"),
        ({"zzz": "3"}, "unknown key zzz; train.py --help lists all keys"),
        ({"env.num_envs": "3.5"}, "env.num_envs is 3.5; it must be int"),
        ({"env.num_envs": "true"}, "env.num_envs is True; it must be int"),
        ({"ppo.clip": "wide"}, "ppo.clip is 'wide'; it must be float"),
        ({"ppo.clip_value": 1}, "ppo.clip_value is 1; it must be true or false"),
        ({"env.goal_pos": "1,2"}, "env.goal_pos is [1, 2]; it must be a list of 3 float"),
        ({"network.mlp": "64,big"}, "network.mlp is [64, 'big']; it must be a list of int"),
        (
            {"network.compute_dtype": "fp8"},
            "network.compute_dtype is 'fp8'; it must be one of float32, bfloat16",
        ),
        ({"env": 3}, "env is 3; it must be a section of keys"),
        ({"env.num_envs": "0"}, "env.num_envs is 0; it must be above 0"),
        ({"rgb.height": "0"}, "rgb.height is 0; it must be above 0"),
        ({"rgb.hue": "0.2,0.1"}, "rgb.hue is [0.2, 0.1]; the first number must not be above the second"),
        ({"rgb.blur_probability": "1.5"}, "rgb.blur_probability is 1.5; it must be 0 to 1"),
        ({"rgb.blur_sizes": "9,12"}, "rgb.blur_sizes is [9, 12]; it must be odd numbers above 0"),
    ],
)
def test_errors_name_the_key_and_what_is_allowed(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        config_files.load("smoke", overrides)
    assert str(error.value) == message


def test_unknown_configs_list_what_there_is() -> None:
    with pytest.raises(ConfigError, match="'depth16'; did you mean depth160.*there are .*smoke"):
        config_files.load("depth16")
    with pytest.raises(ConfigError, match="there is no config file nowhere.yaml"):
        config_files.load("nowhere.yaml")


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("env: [")
    with pytest.raises(ConfigError, match="broken.yaml is not valid YAML") as error:
        config_files.load(path)
    assert "\n" not in str(error.value)
    path.write_text("- 1")
    with pytest.raises(ConfigError, match="must hold sections"):
        config_files.load(path)


@pytest.mark.parametrize(
    "argv", [["--env.num_env", "3"], ["--env.num_envs"], ["--config", "smoke", "--confi", "a"]]
)
def test_wrong_options_end_with_one_line(
    parser: config_files.Parser, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parser.parse(argv)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1


def test_help_explains_every_key(parser: config_files.Parser) -> None:
    text = " ".join(parser.format_help().split())
    assert "--env.num_envs int Environments in total" in text
    assert "[4096]" in text
    for section, value in config_files.to_dict(Config()).items():
        for key in value if isinstance(value, dict) else ():
            assert f"--{section}.{key} " in text


def test_diff_of_equal_configs_is_empty() -> None:
    assert config_files.diff(Config(), Config()) == []
    assert config_files.diff(Config(), Config(env=EnvConfig(num_envs=8))) == ["env.num_envs: 4096 -> 8"]
