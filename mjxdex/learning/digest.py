"""A fingerprint of learned parameters."""

import hashlib
from typing import Any

import jax
import numpy as np


def digest(parameters: Any) -> str:
    """SHA-256 over a tree of arrays as 64 hex digits: path, dtype, shape and bytes, sorted by path."""
    leaves = {
        jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(parameters)
    }
    sha = hashlib.sha256()
    for path in sorted(leaves):
        array = np.ascontiguousarray(jax.device_get(leaves[path]))
        sha.update(f"{path} {array.dtype.str} {array.shape}\n".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
