"""The primitives in 12 worlds; compiling their step takes half a minute, so all tests share it."""

import dataclasses

import jax
import pytest

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.physics import Worlds

NUM_ENVS = 12


@pytest.fixture(scope="session")
def primitives():
    return objects.load("primitives")


@pytest.fixture(scope="session")
def model(primitives):
    return scene.build(Config(), primitives)


def engine(name):
    """The default configuration on this physics engine."""
    return dataclasses.replace(Config(), physics=dataclasses.replace(Config().physics, engine=name))


@pytest.fixture(scope="session")
def step(primitives, model):
    return jax.jit(Worlds(Config(), model, primitives, NUM_ENVS).step)


@pytest.fixture(scope="session")
def c_step(primitives, model):
    return jax.jit(Worlds(engine("c"), model, primitives, NUM_ENVS).step)


@pytest.fixture(params=["warp", "c"])
def any_engine(request):
    return engine(request.param)


@pytest.fixture
def any_step(request, any_engine):
    return request.getfixturevalue({"warp": "step", "c": "c_step"}[any_engine.physics.engine])
