"""The primitives in 12 worlds; compiling their step takes half a minute, so all tests share it."""

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


@pytest.fixture(scope="session")
def step(primitives, model):
    return jax.jit(Worlds(Config(), model, primitives, NUM_ENVS).step)
