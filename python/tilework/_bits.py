"""The bytes of items that mean something: those between the fields of records, and behind the 10 of a long double, are chance."""

from __future__ import annotations

import functools
from typing import Any, Optional

import numpy as np

LONG = np.dtype(np.longdouble)
LONG_BYTES = 10 if np.finfo(np.longdouble).nmant == 63 else LONG.itemsize


def _offsets(dtype: np.dtype[Any]) -> list[int]:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [k * base.itemsize + offset for k in range(int(np.prod(shape))) for offset in _offsets(base)]
    if dtype.names is not None:
        fields: Any = dtype.fields
        return [fields[name][1] + offset for name in dtype.names for offset in _offsets(fields[name][0])]
    if dtype.kind in "fc" and dtype.itemsize >= LONG.itemsize and dtype.char in "gG":
        return [start + k for start in range(0, dtype.itemsize, LONG.itemsize) for k in range(LONG.itemsize)[:LONG_BYTES]]
    return list(range(dtype.itemsize))


@functools.lru_cache(maxsize=64)
def _kept(dtype: np.dtype[Any]) -> Optional[np.ndarray[Any, Any]]:
    """Which bytes of an item; None: all."""
    if dtype.names is None and dtype.char not in "gG":
        return None
    offsets = sorted(set(_offsets(dtype)))
    return None if len(offsets) == dtype.itemsize else np.array(offsets, np.intp)


def of_items(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """One row an item, in C order."""
    whole = np.ascontiguousarray(array).reshape(-1)
    if whole.itemsize == 0:
        return np.empty((whole.size, 0), np.uint8)
    rows = whole.view(np.uint8).reshape(whole.size, -1)
    kept = _kept(array.dtype)
    return rows if kept is None else rows[:, kept]
