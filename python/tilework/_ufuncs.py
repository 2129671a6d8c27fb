"""NumPy's ufuncs, and what Numba makes of that kind, as kernels: the dtypes of their results, and their place on threads."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Any

import numpy as np


def behind(function: Any) -> Any:
    """The ufunc that `placed` has put a line under, or the function itself."""
    return getattr(function, "ufunc", function) if isinstance(function, types.FunctionType) else function


@functools.lru_cache(maxsize=256)
def _has_object_loops(function: np.ufunc) -> bool:
    return all("O" in loop for loop in function.types)


def is_ufunc(function: Any) -> bool:
    """It takes `nin` arrays and gives `nout`, into arrays that are given behind them if they are."""
    return isinstance(function, np.ufunc) or (type(function).__module__.startswith("numba.np.ufunc") and
                                              isinstance(getattr(function, "nin", None), int) and
                                              isinstance(getattr(function, "nout", None), int))


def of_objects(function: Any) -> bool:
    """np.frompyfunc: each item is a call of Python."""
    return isinstance(function, np.ufunc) and _has_object_loops(function)


def fills(function: Any) -> bool:
    """It writes into the arrays behind its inputs, so that nothing is copied."""
    return is_ufunc(function) and not of_objects(function)


def is_light(function: Any) -> bool:
    """One of NumPy's own that computes item by item: its cost is that of memory, as a statement's is."""
    return isinstance(function, np.ufunc) and function.signature is None and getattr(np, function.__name__, None) is function


def wished(function: Any, notation: Any, operands: tuple[Any, ...], out: Any, dtype: Any) -> Any:
    """The argument dtype of a run of a ufunc: where the user leaves it open, what the ufunc gives for such inputs. It is
    asked for with arrays of no items; numbers are given as they are."""
    if dtype is not None or not fills(function) or len(operands) != function.nin or len(notation.made) != function.nout:
        return dtype
    given = set(out) if isinstance(out, Mapping) else set(notation.names) if out is not None else set()
    names = [notation.names[k] for k in notation.made]
    open_ones = [k for k, name in zip(notation.made, names) if name not in given and notation.dtypes[k] is None]
    if not open_ones:
        return dtype
    try:
        arrays = [np.asarray(operand) for operand in operands]
        with np.errstate(all="ignore"):
            results = function(*[array[(slice(0),) * array.ndim] for array in arrays])
    except Exception:  # pylint: disable=broad-except  # the tiles will say why
        return dtype
    results = results if isinstance(results, tuple) else (results,)
    return {name: result.dtype for k, name, result in zip(notation.made, names, results) if k in open_ones}


def releases_lock(function: Any) -> str:
    """Why a callable runs without Python's lock while it computes, in words; empty: nobody knows that it does."""
    while isinstance(function, functools.partial):
        function = function.func
    if fills(function):
        maker = "NumPy" if isinstance(function, np.ufunc) else "Numba"
        return f"a {maker} ufunc computes without Python's lock"
    options = getattr(function, "targetoptions", None)
    if type(function).__module__.startswith("numba.") and isinstance(options, dict) and options.get("nogil") \
            and not options.get("parallel"):  # one of these has all cores by itself, and may end the program if two call it
        return "it was compiled by Numba with nogil=True"
    return ""


@functools.lru_cache(maxsize=256)
def placed(function: Any, file: str, line: int, module: str) -> Any:
    """A ufunc has no line of its own for warnings to point to: called through this, they point to where the run was. NumPy
    warns of an output behind the inputs of some, which is given by its name here."""
    space: dict[str, Any] = {"__name__": module, "function": function, "n": function.nin}
    call = "function(*arrays[:n], out=arrays[n:]) if len(arrays) > n else function(*arrays)" \
        if isinstance(function, np.ufunc) else "function(*arrays)"
    source = "\n" * (line - 1) + f"def kernel(*arrays): return {call}"
    exec(compile(source, file, "exec"), space)  # pylint: disable=exec-used
    kernel = space["kernel"]
    kernel.ufunc = kernel.__wrapped__ = function
    return kernel
