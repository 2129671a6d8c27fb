"""Generators of random numbers that a kernel has from outside: each worker process has a copy, so that numbers repeat. Found
by following the names in its code, never by calling anything. Those of the modules (numpy.random, random) are no matter:
each worker has its own."""

from __future__ import annotations

import builtins
import dis
import functools
import os
import sys
import types
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from . import _frames, _naming

MOST_FUNCTIONS = 50  # that are followed from a kernel
_ABSENT = object()
_LOADS = ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "LOAD_GLOBAL", "LOAD_NAME")
_SKIPPED = frozenset({"CACHE", "PUSH_NULL", "NOP", "EXTENDED_ARG", "PRECALL", "RESUME"})
_FOREIGN = ("/site-packages/", "/dist-packages/", os.path.dirname(os.__file__) + "/", _frames.FOLDER, "<__array_function__")


class Path(NamedTuple):
    """A variable, and attributes of attributes of it that follow: `model.noise.rng`."""

    is_global: bool
    name: str
    attributes: tuple[str, ...]


@functools.lru_cache(maxsize=512)
def _paths(code: types.CodeType) -> tuple[tuple[Path, bool], ...]:
    """What the code reads by name, and whether it does something with that but take an attribute of it."""
    found: dict[Path, bool] = {}
    last: Optional[Path] = None
    for step in dis.get_instructions(code):
        if step.opname in _SKIPPED:
            continue
        if last is not None and step.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
            found[last] = True
        if step.opname.startswith(_LOADS):
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)  # several in one instruction
            for name in names:
                if last is not None:
                    found[last] = True
                last = Path(step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME")), str(name), ())
                found.setdefault(last, False)
        elif last is not None and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            last = last._replace(attributes=(*last.attributes, str(step.argval)))
            found.setdefault(last, False)
        else:
            last = None
    return tuple(found.items())


def _attribute(value: Any, name: str) -> Any:
    """An attribute that is there as a value; nothing is computed."""
    kind: Any = type(value)
    is_plain = isinstance(value, (types.ModuleType, type)) or kind.__getattribute__ is object.__getattribute__
    own = getattr(value, "__dict__", None) if is_plain else None
    if isinstance(own, dict) and name in own:
        return own[name]
    for base in kind.__mro__ if not isinstance(value, (types.ModuleType, type)) else ():
        found = vars(base).get(name, _ABSENT)
        if isinstance(found, types.FunctionType):
            return types.MethodType(found, value)
        if isinstance(found, types.MemberDescriptorType):
            try:
                return found.__get__(value)
            except AttributeError:
                return _ABSENT
        if found is not _ABSENT:
            return _ABSENT if hasattr(found, "__get__") else found
    return _ABSENT


class _Search:
    def __init__(self) -> None:
        numpy: Any = sys.modules.get("numpy.random")
        random: Any = sys.modules.get("random")
        self.kinds: tuple[type, ...] = ()
        self.common: list[Any] = []  # the modules' own
        if numpy is not None:
            self.kinds += (numpy.Generator, numpy.RandomState, numpy.BitGenerator)
            state = getattr(numpy.mtrand, "_rand", None)
            self.common += [state, getattr(state, "_bit_generator", None)]
        if random is not None:
            self.kinds += (random.Random,)
            self.common.append(getattr(random, "_inst", None))
            self.system: Any = random.SystemRandom
        else:
            self.system = ()
        self.seen: set[int] = set()
        self.waiting: list[tuple[Any, dict[str, Any]]] = []

    def is_generator(self, value: Any) -> bool:
        bound = getattr(value, "__self__", None) if isinstance(value, (types.MethodType, types.BuiltinFunctionType)) or \
            type(value).__name__ == "cython_function_or_method" else None
        for it in (value, bound):
            if isinstance(it, self.kinds) and not isinstance(it, self.system) and \
                    not any(it is one for one in self.common):
                return True
        return False

    def follow(self, value: Any, given: dict[str, Any]) -> None:
        """A callable whose code must be read: with what stands for its arguments already."""
        while True:
            if isinstance(value, functools.partial):
                inner = value.func.__func__ if isinstance(value.func, types.MethodType) else value.func
                first = (value.func.__self__,) if isinstance(value.func, types.MethodType) else ()
                names = inner.__code__.co_varnames if isinstance(inner, types.FunctionType) else ()
                given = {**dict(zip(names, (*first, *value.args))), **value.keywords, **given}
                value = inner
            elif isinstance(value, types.MethodType):
                names = getattr(getattr(value.__func__, "__code__", None), "co_varnames", ())
                given = {**given, **({names[0]: value.__self__} if names else {})}
                value = value.__func__
            elif isinstance(value, types.FunctionType):
                if id(value.__code__) not in self.seen and len(self.seen) < MOST_FUNCTIONS and \
                        not any(part in value.__code__.co_filename for part in _FOREIGN):
                    self.seen.add(id(value.__code__))
                    self.waiting.append((value, given))
                return
            else:
                called = vars(type(value)).get("__call__")
                if isinstance(called, types.FunctionType) and not isinstance(value, type):
                    value, inner = types.MethodType(called, value), _naming.wrapped_by(value)
                    if inner is not None and inner is not called:  # np.vectorize
                        self.follow(inner, {})
                    continue
                inner = _naming.wrapped_by(value)
                if inner is None or inner is value:
                    return
                value = inner

    def find(self, kernel: Any) -> Optional[tuple[str, Any]]:
        """The first generator: its name in the code, and itself."""
        if not self.kinds:
            return None
        if self.is_generator(kernel):
            return _naming.name_of(kernel), kernel
        self.follow(kernel, {})
        while self.waiting:
            function, given = self.waiting.pop(0)
            for path, is_used, value in self.values(function, given):
                if self.is_generator(value):
                    return ".".join((path.name, *path.attributes)), value
                if is_used and callable(value) and not isinstance(value, type):
                    self.follow(value, {})
        return None

    def values(self, function: Any, given: dict[str, Any]) -> Iterator[tuple[Path, bool, Any]]:
        code = function.__code__
        inside: dict[str, Any] = {}
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                inside[name] = cell.cell_contents
            except ValueError:
                pass
        defaults = function.__defaults__ or ()
        inside.update(zip(code.co_varnames[code.co_argcount - len(defaults):code.co_argcount], defaults))
        inside.update(function.__kwdefaults__ or {})
        inside.update(given)
        codes = [code]
        while codes:
            read = codes.pop(0)
            codes += [inner for inner in read.co_consts if isinstance(inner, types.CodeType)]
            for path, is_used in _paths(read):
                if path.is_global:
                    value = function.__globals__.get(path.name, getattr(builtins, path.name, _ABSENT))
                else:
                    value = inside.get(path.name, _ABSENT)
                for attribute in path.attributes:
                    value = _attribute(value, attribute) if value is not _ABSENT else value
                if value is not _ABSENT:
                    yield path, is_used, value


def warn_of(kernel: Any, apart: bool) -> None:
    """Says on the user's line if a kernel has a generator from outside. `apart`: its workers are processes."""
    try:
        found = _Search().find(kernel)
    except Exception:  # pylint: disable=broad-except  # objects of the user's may do anything; the run goes well without
        return
    if found is None:
        return
    name, generator = found
    bound = generator if isinstance(generator, _Search().kinds) else generator.__self__
    how = ("each worker process has a copy of it, so that its numbers repeat" if apart else
           "its numbers go to whichever worker comes first, so that they differ from run to run")
    _frames.warn(f"the kernel {_naming.name_of(kernel)} takes random numbers from {name}, a {type(bound).__name__} that was "
                 f"made outside: {how}. In a kernel with an argument tile, tile.rng(seed) gives each tile numbers of its own, "
                 "the same on any pool", RuntimeWarning, each_line_once=True)
