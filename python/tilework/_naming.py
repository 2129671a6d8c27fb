"""The names of callables: what a sentence about a kernel calls it. Knows what stands around a function, not what it does."""

from __future__ import annotations

import functools
import os
import sys
import types
from typing import Any, Optional

import numpy as np


def wrapped_by(function: Any) -> Any:
    """What a callable was made around: the function of a partial, of a method, of np.vectorize, of a decorator that says so,
    of a compiler such as Numba; None: it is itself what was written."""
    if isinstance(function, functools.partial):
        return function.func
    if isinstance(function, types.MethodType):
        return function.__func__
    if isinstance(function, np.vectorize):
        inner = getattr(function, "pyfunc", None)
        return inner if callable(inner) else None
    if isinstance(function, type) or str(getattr(function, "__module__", "")).partition(".")[0] == "numpy":
        return None
    for name in ("py_func", "__wrapped__"):
        inner = getattr(function, name, None)
        if callable(inner):
            return inner
    if not hasattr(function, "__code__"):
        called = getattr(type(function), "__call__", None)
        return called if hasattr(called, "__code__") else None
    return None


def carried_by(function: Any) -> Any:
    """The one callable in the closure of a function, or in an object that is called: what a decorator that does not say so
    was put around. None: there is none, or more than one."""
    if isinstance(function, types.FunctionType):
        found = []
        for cell in function.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # not filled yet
                pass
    else:
        found = list(getattr(function, "__dict__", {}).values())
    inner = [value for value in found if callable(value) and not isinstance(value, type)]
    return inner[0] if len(inner) == 1 else None


def place_of(code: types.CodeType) -> str:
    folder, file = os.path.split(code.co_filename)
    return f"{'cell' if 'ipykernel_' in folder else file}:{code.co_firstlineno}"


def name_of(function: Any) -> str:
    """operate (file.py:12), numpy.square: what the user has written, whatever it is wrapped in."""
    for _ in range(100):  # a wrapper may be around itself
        inner = wrapped_by(function)
        if inner is None:
            break
        function = inner
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or type(function).__qualname__
    name = str(name).rpartition("<locals>.")[2]
    code = getattr(function, "__code__", None)
    if isinstance(code, types.CodeType):
        return f"{name} ({place_of(code)})"
    if isinstance(function, np.ufunc):
        return f"numpy.{name}" if getattr(np, name, None) is function else name
    module: Optional[Any] = getattr(function, "__module__", None)
    if isinstance(function, type) and module in sys.modules and hasattr(sys.modules[module], "__file__"):
        return name
    return f"{module}.{name}" if isinstance(module, str) and module not in ("builtins", "__main__") else name
