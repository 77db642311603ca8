"""Arrays as bytes: exact or rounded, in an order that compresses well.

- float32: exact.
- bfloat16: rounded to 8 significant bits, a relative error of at most 1/256.
- int8: one of 255 equal steps between -s and s, where s is the largest size within an output channel (the
  last axis); an error of at most s / 254.
- factored: for second moments v of an optimizer, v[i, o] ≈ r[i] c[o] / mean(r) with the means r over outputs
  and c over inputs. Exact in the sums over rows and columns. Source: Shazeer & Stern 2018.

Arrays of less than two axes (biases, scales, statistics) are exact in all of them.
"""

from typing import Literal, NamedTuple, get_args

import ml_dtypes
import numpy as np

Precision = Literal["float32", "bfloat16", "int8"]
"""How parameters can be stored."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Stored(NamedTuple):
    """Attributes:
    storage: Name of the storage, or the dtype itself for what is kept as it is.
    shape: Of the array.
    data: Its bytes; those of one significance stand together (all first bytes, all second bytes, ...).
    """

    storage: str
    shape: tuple[int, ...]
    data: bytes


def encode(array: np.ndarray, storage: str) -> Stored:
    """Stores an array; `storage` is a Precision or "factored"."""
    array = np.asarray(array)
    if array.dtype != np.float32 or array.ndim < 2:
        return Stored(str(array.dtype), array.shape, _by_significance(array))
    matrix = array.reshape(-1, array.shape[-1])
    match storage:
        case "float32":
            data = _by_significance(matrix)
        case "bfloat16":
            data = _by_significance(matrix.astype(ml_dtypes.bfloat16).view(np.uint16))
        case "int8":
            step = np.abs(matrix).max(axis=0) / 127
            steps = np.rint(matrix / np.where(step > 0, step, 1)).astype(np.int8)
            data = _by_significance(step) + steps.tobytes()
        case "factored":
            data = _by_significance(np.concatenate([matrix.mean(axis=1), matrix.mean(axis=0)]))
        case _:
            raise ValueError(f"{storage!r} is no storage; there are {', '.join(PRECISIONS)} and factored")
    return Stored(storage, array.shape, data)


def decode(stored: Stored) -> np.ndarray:
    """The array, float32 where it was rounded."""
    storage, shape, data = stored
    outputs = shape[-1] if shape else 1
    match storage:
        case "bfloat16":
            matrix = _from_significance(data, np.uint16).view(ml_dtypes.bfloat16).astype(np.float32)
        case "int8":
            step = _from_significance(data[: 4 * outputs], np.float32)
            matrix = np.frombuffer(data, np.int8, offset=4 * outputs).reshape(-1, outputs) * step
        case "factored":
            rows, columns = np.split(_from_significance(data, np.float32), [-outputs])
            total = rows.mean()
            matrix = np.outer(rows / (total if total > 0 else 1), columns)
        case _:
            matrix = _from_significance(data, np.dtype(storage))
    return matrix.reshape(shape)


def _by_significance(array: np.ndarray) -> bytes:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).reshape(-1, flat.itemsize).T.tobytes()


def _from_significance(data: bytes, dtype: np.dtype | type) -> np.ndarray:
    size = np.dtype(dtype).itemsize
    planes = np.frombuffer(data, np.uint8).reshape(size, -1)
    return np.ascontiguousarray(planes.T).view(dtype).reshape(-1)
