from pathlib import Path

import jax
import pytest

from mjxdex.runtime import compiled


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    before = jax.config.jax_compilation_cache_dir
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_cpu_programs_are_not_kept():
    before = jax.config.jax_compilation_cache_dir
    assert compiled.keep() is None
    assert jax.config.jax_compilation_cache_dir == before


def test_gpu_programs_are_kept_in_the_users_cache_or_where_it_is_said(gpu, tmp_path):
    jax.config.update("jax_compilation_cache_dir", None)
    assert compiled.keep() == Path.home() / ".cache/mjxdex/compiled"
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert compiled.keep() == tmp_path and jax.config.jax_compilation_cache_dir == str(tmp_path)


def test_nothing_is_kept_where_jax_is_told_so(gpu):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        assert compiled.keep() is None
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
