"""What a callable carries: its closure, defaults and attributes, the object of a method, the arguments of a partial. Read
into plain values, so that a pool can see that nothing has changed since its workers were forked. Knows nothing of pools.

What its code finds by name (globals, modules, attributes of classes) is not carried."""

from __future__ import annotations

import contextvars
import datetime
import enum
import functools
import re
import sys
import types
import weakref
from typing import Any, Optional

import numpy as np

from . import _shared

MOST_PARTS = 500  # values that are looked at; of more nothing is claimed
NOTHING: tuple[Any, ...] = ()

# Equal values of these types are the same in all respects.
_PLAIN = frozenset({int, bool, str, bytes, range, type(None), type(Ellipsis), type(NotImplemented)})
# Objects of these types never change, or are found by name as globals are.
_FIXED: tuple[type, ...] = (
    type, types.ModuleType, types.CodeType, types.WrapperDescriptorType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, np.ufunc, np.dtype, re.Pattern,
    contextvars.ContextVar, enum.Enum)
_FIXED_EXACTLY = frozenset({
    datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone,
    type(type.__dict__["__mro__"])})
# Where types of C callables come from, or what they are named, whose objects do not change.
_SETTLED_MODULES = frozenset({"builtins", "functools", "operator", "numpy", "numba", "ctypes", "_ctypes", "_cffi_backend"})
_SETTLED_NAMES = ("function", "method", "Dispatcher")
_CONTAINERS = (tuple, list, dict, set, frozenset)


def fix(*more: type) -> None:
    """Objects of these types too are taken as they were when workers were forked."""
    global _FIXED
    _FIXED += more


def of(function: Any) -> Optional[tuple[Any, ...]]:
    """Equal tuples: it carries the same. None: that cannot be seen without a look at arrays, or at what is C inside."""
    if type(function) is types.FunctionType and function.__closure__ is None and function.__defaults__ is None and \
            function.__kwdefaults__ is None and not function.__dict__:
        return (function.__code__,)
    return of_value(function, MOST_PARTS)


def of_value(value: Any, most: int) -> Optional[tuple[Any, ...]]:
    """The same of any value, with at most so many parts."""
    reader = _Reader(most)
    try:
        return tuple(reader.parts) if reader.read(value) else None
    except Exception:  # pylint: disable=broad-except  # of a property of the user's, or a dict that changes meanwhile
        return None


class _Same:
    """Is equal to itself, and keeps its object alive so that no other one has its id."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __eq__(self, other: Any) -> bool:
        return type(other) is _Same and self.it is other.it

    __hash__ = None  # type: ignore[assignment]


@functools.lru_cache(maxsize=256)
def _slots_of(kind: type) -> Optional[tuple[Any, ...]]:
    """The slots of a class that is Python alone; None where its objects have more, which C keeps."""
    slots = [found for base in kind.__mro__ if base is not object
             for found in vars(base).values() if type(found) is types.MemberDescriptorType]
    word = tuple.__itemsize__
    known = object.__basicsize__ + word * (len(slots) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0))
    return tuple(slots) if kind.__flags__ & 1 << 9 and kind.__basicsize__ <= known else None


def _decimal() -> Optional[type]:
    """decimal.Decimal, whose objects never change; None: it is not loaded, which takes more than a millisecond."""
    found: Optional[type] = getattr(sys.modules.get("decimal"), "Decimal", None)
    return found


class _Reader:
    """Appends to `parts`; each read_... is True where it has read all."""

    def __init__(self, most: int) -> None:
        self.parts: list[Any] = []
        self.seen: dict[int, tuple[int, Any]] = {}
        self.left = most

    def read(self, value: Any) -> bool:
        kind = type(value)
        self.left -= 1
        if self.left < 0:
            return False
        if kind in _PLAIN:
            self.parts += (kind, value)
            return True
        if kind is float:
            self.parts += (kind, value.hex())  # 0.0 is not -0.0, and nan is nan
            return True
        if isinstance(value, np.generic) and kind.__module__ == "numpy" and not isinstance(value, (np.void, np.object_)):
            self.parts += (kind, value.dtype.str, value.tobytes())
            return True
        if kind is complex:
            self.parts += (kind, value.real.hex(), value.imag.hex())
            return True
        if isinstance(value, np.ufunc) and value.__name__.endswith(" (vectorized)"):
            return False  # of numpy.frompyfunc: the function in it cannot be seen
        if kind in _FIXED_EXACTLY or isinstance(value, _FIXED) or kind is _decimal():
            self.parts.append(_Same(value))
            return True
        if id(value) in self.seen:
            self.parts += (_Same, self.seen[id(value)][0])
            return True
        self.seen[id(value)] = len(self.seen), value  # which keeps its id
        return self.read_object(value, kind)

    def read_all(self, mark: Any, *values: Any) -> bool:
        self.parts += (mark, len(values))
        for value in values:
            if not self.read(value):
                return False
        return True

    def read_object(self, value: Any, kind: type) -> bool:
        if kind is types.FunctionType:
            return self.read_function(value)
        if kind is types.MethodType:
            return self.read_all(kind, value.__func__, value.__self__)
        if isinstance(value, functools.partial):
            return self.read_all(_Same(kind), value.func, value.args, value.keywords, value.__dict__)
        if isinstance(value, _CONTAINERS):
            return self.read_container(value, kind)
        if isinstance(value, weakref.ref):
            return self.read_all(_Same(kind), value())
        if kind is types.SimpleNamespace:
            return self.read_all(kind, value.__dict__)
        if isinstance(value, _shared.SharedArray):  # workers see what is in it now
            handle = _shared.handle_of(value)
            return handle is not None and self.read_all(kind, *handle)
        logging = sys.modules.get("logging")
        if logging is not None and isinstance(value, logging.Logger):  # found by its name
            self.parts.append(_Same(value))
            return True
        slots = _slots_of(kind)
        if slots is not None:
            return self.read_instance(value, kind, slots)
        return self.read_callable(value, kind)

    def read_function(self, function: Any) -> bool:
        self.parts += (function.__code__, _Same(function.__globals__))
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not bound yet
                self.parts.append(ValueError)
                continue
            if not self.read(content):
                return False
        return self.read_all(function.__class__, function.__defaults__, function.__kwdefaults__, function.__dict__)

    def read_container(self, value: Any, kind: type) -> bool:
        if len(value) > self.left:
            return False
        items = [part for pair in dict.items(value) for part in pair] if isinstance(value, dict) else list(value)
        return self.read_all(kind if kind in _CONTAINERS else _Same(kind), *items) and \
            (kind in _CONTAINERS or self.read_all(dict, getattr(value, "__dict__", None)))

    def read_instance(self, value: Any, kind: type, slots: tuple[Any, ...]) -> bool:
        self.parts.append(_Same(kind))
        for slot in slots:
            try:
                content = slot.__get__(value)
            except AttributeError:
                self.parts.append(AttributeError)
                continue
            if not self.read(content):
                return False
        return kind.__dictoffset__ == 0 or self.read(object.__getattribute__(value, "__dict__"))

    def read_callable(self, value: Any, kind: type) -> bool:
        """What is C: functions and what wraps them are taken for what does not change, but not what they are bound to or wrap.
        Functions of Numba keep the values of their globals and closures from when they were compiled."""
        if not callable(value) or kind.__module__.partition(".")[0] not in _SETTLED_MODULES and \
                not any(name in kind.__name__ for name in _SETTLED_NAMES):
            return False
        self.parts.append(_Same(value))
        bound = getattr(value, "__self__", None)
        inner = getattr(value, "py_func", None) if kind.__module__.startswith("numba.") else getattr(value, "__wrapped__", None)
        attributes = getattr(value, "__dict__", None) if inner is not None and not kind.__module__.startswith("numba.") else None
        return self.read_all(kind.__name__, None if type(bound).__name__ in ("PyCapsule", "Lib") else bound, inner, attributes)
