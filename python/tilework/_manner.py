"""Callables as kernels: native or Python, how many arrays they take, whether they fill or return."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import types
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _naming, _ufuncs
from ._signature import Notation


class Takes(NamedTuple):
    """How many arrays a callable takes, and how it gives back what it computes."""

    least: int = 0
    most: int = sys.maxsize
    tile: bool = False  # it has an argument tile
    before: int = sys.maxsize  # positions before that
    needs: tuple[str, ...] = ()  # arguments that have to be given by their names
    returns: int = 0  # so many values are surely returned; 0: it may also fill
    known: bool = True

    def without(self, count: int) -> "Takes":
        """The same when so many arguments in front are given already."""
        most = self.most - count if self.most < sys.maxsize else self.most
        before = self.before - count if self.before < sys.maxsize else self.before
        return self._replace(least=max(0, self.least - count), most=max(0, most), before=before)


UNKNOWN = Takes(known=False)
MOST_FOUND = 64  # signatures that a kernel remembers its arguments for


def takes(function: Any, depth: int = 0) -> Takes:
    """What can be found out without a call."""
    inner = None
    if depth > 20:
        return UNKNOWN
    if _ufuncs.is_ufunc(function):
        return Takes(function.nin, function.nin, returns=function.nout)
    if isinstance(function, np.vectorize):
        inner = takes(_naming.wrapped_by(function), depth + 1)
        return inner._replace(tile=False, before=sys.maxsize, needs=(), returns=1)
    if isinstance(function, (operator.itemgetter, operator.attrgetter, operator.methodcaller)):
        return Takes(1, 1, returns=1)
    if callable(getattr(function, "forward", None)) and hasattr(function, "named_parameters"):  # a module of torch
        return takes(function.forward, depth + 1)
    if isinstance(function, functools.partial) and not _has_signature(function.func):
        return takes(function.func, depth + 1).without(len(function.args))
    if isinstance(function, functools.partial) and _takes_anything(function.func):
        inner = takes(function.func, depth + 1)
        if inner.most < sys.maxsize:
            return inner.without(len(function.args))
    if isinstance(function, types.MethodType) and _takes_anything(function.__func__):
        return takes(function.__func__, depth + 1).without(1)
    if _takes_anything(function):
        carried = _naming.carried_by(function)
        if carried is not None:
            inner = takes(carried, depth + 1)
            if inner.known and inner.most < sys.maxsize:
                return inner
    return _of_signature(function)


def _has_signature(function: Any) -> bool:
    if _ufuncs.is_ufunc(function) or isinstance(function, np.vectorize):
        return False
    try:
        inspect.signature(function)
    except (ValueError, TypeError):
        return False
    return True


def _takes_anything(function: Any) -> bool:
    """A wrapper: f(*arguments, **keywords)."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return False
    return bool(parameters) and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters) and \
        any(p.kind == p.VAR_POSITIONAL for p in parameters)


def _of_signature(function: Any) -> Takes:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):  # written in C: it does not say
        return UNKNOWN
    kinds = inspect.Parameter
    by_place = (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    positional = [p for p in parameters if p.kind in by_place and
                  not (p.name == "tile" and p.kind == kinds.POSITIONAL_OR_KEYWORD)]
    before = [p.name for p in parameters if p.kind in by_place]
    return Takes(
        sum(p.default is kinds.empty for p in positional),
        sys.maxsize if any(p.kind == kinds.VAR_POSITIONAL for p in parameters) else len(positional),
        any(p.name == "tile" and p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY) for p in parameters),
        before.index("tile") if len(before) > len(positional) else sys.maxsize,
        tuple(p.name for p in parameters if p.kind == kinds.KEYWORD_ONLY and p.default is kinds.empty and p.name != "tile"))


def _several(count: object, noun: str) -> str:
    return f"{count} {noun}" + ("" if str(count) == "1" else "s")


class Manner:
    """How a callable wants to be called: with its outputs or without, and with tile= or without."""

    def __init__(self, function: Any) -> None:
        function = self.function = _ufuncs.behind(function)
        self.name = _naming.name_of(function)
        self.takes = takes(function)
        self.tile = self.takes.tile or getattr(type(function), "takes_tile", False)
        self.light = _ufuncs.is_light(function)
        self._found: dict[Notation, bytes] = {}

    def fits(self, count: int) -> bool:
        return self.takes.least <= count <= self.takes.most

    def knows_part(self, notation: Notation, arguments: bytes) -> bool:
        """Whether it knows how much of an axis it computes that no input has: by `tile`, or by outputs that it fills."""
        return self.tile or not notation.made or any(k in arguments for k in notation.made)

    def arguments(self, notation: Notation) -> bytes:
        """The operands that it is called with."""
        found = self._found.get(notation)
        if found is None:
            found = self._arguments(notation)
            if len(self._found) < MOST_FOUND:
                self._found[notation] = found
        return found

    def _arguments(self, notation: Notation) -> bytes:
        everything = (*notation.given, *notation.made)
        given = notation.given
        self.refuse(notation)
        if self.takes.returns:
            if len(given) == self.takes.least == self.takes.most and self.takes.returns == len(notation.made) == \
                    len(notation.outs) and _ufuncs.fills(self.function) and not notation.signature.has_halo:
                return bytes(everything)  # it writes where the results belong; with a halo its result is larger than these
            if self.fits(len(given)) and (self.takes.returns == len(notation.outs)):
                return bytes(given)
            raise self.misfit(notation)
        # What has a default of its own is no place for an output, where it may be left out: lambda y, n=n: ...
        returns = self.takes.least <= len(given) <= self.takes.most < sys.maxsize and self.takes.least < len(everything)
        for wanted in (given, everything) if returns else (everything, given):
            if self.fits(len(wanted)):
                if self.takes.before < len(wanted):
                    raise TypeError(f"the kernel {self.name} has its argument tile before an array's: put it last (or give "
                                    "an array that is called tile another name)")
                return bytes(wanted)
        raise self.misfit(notation)

    def refuse(self, notation: Notation) -> None:
        """What can be seen before a run to fail in every tile."""
        named = ", ".join(notation.names[k] for k in notation.given)
        everything = ", ".join(notation.names[k] for k in (*notation.given, *notation.made))
        inner = self.function
        while inner is not None:
            if inspect.isgeneratorfunction(inner) or inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
                raise TypeError(f"the kernel {self.name} is {'a generator' if inspect.isgeneratorfunction(inner) else 'an async'}"
                                " function: a call of it computes nothing; give a function that returns its tile or fills it")
            if hasattr(inner, "cache_info") and hasattr(inner, "cache_clear") and notation.given:
                raise TypeError(f"the kernel {self.name} keeps its results in a cache, which cannot look up arrays: give the "
                                "function without its cache (its attribute __wrapped__)")
            inner = _naming.wrapped_by(inner)
        name = self.name.partition(" (")[0]
        if isinstance(self.function, types.FunctionType) and "." in name and \
                self.function.__code__.co_varnames[:1] == ("self",) and self.function.__code__.co_argcount:
            raise TypeError(f"the kernel {self.name} is a method without its object: give {name.replace('.', '().', 1)}, with the "
                            "object that it belongs to")
        if self.takes.needs:
            first = self.takes.needs[0]
            raise TypeError(f"the kernel {self.name} needs {', '.join(self.takes.needs)} by name, but arrays are given in "
                            f"order: fix its value with functools.partial(f, {first}=...), or let the array come in order")
        if not self.takes.known:
            raise TypeError(f"the kernel {self.name} does not say how many arrays it takes: write lambda {named}: f({named}) "
                            f"if it returns its result, or lambda {everything}: f({everything}) if it fills "
                            f"{', '.join(notation.names[k] for k in notation.made) or 'them'}".replace("lambda :", "lambda:"))

    def misfit(self, notation: Notation) -> TypeError:
        everything = (*notation.given, *notation.made)
        least, most = self.takes.least, self.takes.most
        named = ", ".join(notation.names[k] for k in everything)
        count = f"{least}" if most == least else f"{least} to {most}" if most < sys.maxsize else f"at least {least}"
        if self.takes.returns:
            return TypeError(f"the kernel {self.name} takes {_several(count, 'array')} and returns {self.takes.returns}, but the "
                             f"signature has {_several(len(notation.given), 'input')} and "
                             f"{_several(len(notation.outs), 'output')}: {named}")
        if self.tile and most == 0:
            given = ", ".join(notation.names[k] for k in notation.given)
            return TypeError(f"the kernel {self.name} takes no array: its only argument is tile, which gets the place of the "
                             f"tile; take the arrays before it (def f({given}, tile)), or name the array otherwise")
        return TypeError(f"the kernel {self.name} takes {_several(count, 'array')}, but the signature has {len(everything)}: {named}"
                         + (f" (or {len(notation.given)} for a kernel that returns its outputs)"
                            if notation.made and notation.given else ""))
