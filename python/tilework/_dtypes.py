"""The dtypes of arrays: which of them an array may have, and the library's text for those that it does not compute with."""

from __future__ import annotations

import ast
import functools
import pickle
from typing import Any, Optional

import numpy as np

PICKLED = "[('pickled "  # a record to the library; the name of its one field says what it is
NATIVE = frozenset(np.dtype(code) for code in "?bhilqBHILQefdFD")


def descr_of(dtype: np.dtype[Any]) -> Optional[str]:
    """The library's text for items that it does not compute with; None for those that it does."""
    if dtype in NATIVE and dtype.isnative:
        return None
    kind: Any = dtype.type
    return _descr_of(dtype, kind)  # dtypes of records are equal, of a recarray's items or not


@functools.lru_cache(maxsize=256)
def _descr_of(dtype: np.dtype[Any], kind: type) -> Optional[str]:
    try:
        descr = np.lib.format.dtype_to_descr(dtype)
        text = descr if isinstance(descr, str) else repr(descr)
        if not text.startswith(PICKLED) and dtype_of_descr(text) == dtype and dtype_of_descr(text).type is kind:
            return text
    except (TypeError, ValueError):
        pass
    # Of a library's own (bfloat16), a recarray's items, or records whose fields overlap or are out of order.
    return f"{PICKLED}{pickle.dumps(dtype).hex()}', '|V{dtype.itemsize}')]"


@functools.lru_cache(maxsize=256)
def dtype_of_descr(text: str) -> np.dtype[Any]:
    """The other way round. Called in workers."""
    if text.startswith(PICKLED):
        own: np.dtype[Any] = pickle.loads(bytes.fromhex(text[len(PICKLED):].split("'", 1)[0]))
        return own
    read: Any = np.lib.format.descr_to_dtype
    found: np.dtype[Any] = read(ast.literal_eval(text) if text[:1] in "[(" else text)
    return found


def as_dtype(wish: Any, what: str) -> np.dtype[Any]:
    """A dtype that an array of Tilework's may have."""
    dtype: np.dtype[Any] = np.dtype(wish)
    if dtype.hasobject or dtype.kind in "OT":
        raise TypeError(f"{what} has dtype {dtype}: its items are references to Python objects, which lie outside of "
                        "the array; use numbers, fixed-length texts or records")
    if dtype.kind in "SU" and dtype.itemsize == 0:
        raise TypeError(f"{what} has dtype {dtype.name}, texts of no width, which would be empty; give the width, as in "
                        f"dtype='{dtype.kind}20', or no dtype: what the kernel returns is taken at its full width")
    return dtype
