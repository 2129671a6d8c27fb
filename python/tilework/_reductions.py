"""What reduce= asks for: how the partial results of an output's tiles become one. Knows signatures and callables, no runs."""

from __future__ import annotations

import builtins
import functools
import inspect
import itertools
import operator
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

import numpy as np

from . import _tilework, _ufuncs
from ._errors import ArgumentError
from ._grid import Folds
from ._manner import takes
from ._native import Kernel, inner_of, native_kernel
from ._naming import name_of
from ._signature import Notation

FOLDS = {"sum": _tilework.FOLD_SUM, "prod": _tilework.FOLD_PROD, "min": _tilework.FOLD_MIN, "max": _tilework.FOLD_MAX,
         "any": _tilework.FOLD_ANY, "all": _tilework.FOLD_ALL}
NAMES = ", ".join(map(repr, FOLDS))

# What means the same: functions that people have at hand, and words of other tools.
_FUNCTIONS: tuple[tuple[Any, str], ...] = (
    (np.add, "sum"), (np.multiply, "prod"), (np.minimum, "min"), (np.maximum, "max"), (np.logical_or, "any"),
    (np.logical_and, "all"), (np.sum, "sum"), (np.prod, "prod"), (np.min, "min"), (np.max, "max"), (np.amin, "min"),
    (np.amax, "max"), (np.any, "any"), (np.all, "all"), (builtins.sum, "sum"), (builtins.min, "min"), (builtins.max, "max"),
    (builtins.any, "any"), (builtins.all, "all"), (operator.add, "sum"), (operator.iadd, "sum"), (operator.mul, "prod"),
    (operator.imul, "prod"))
_WORDS = {"add": "sum", "+": "sum", "total": "sum", "product": "prod", "multiply": "prod", "mul": "prod", "*": "prod",
          "minimum": "min", "amin": "min", "maximum": "max", "amax": "max", "or": "any", "logical_or": "any", "|": "any",
          "and": "all", "logical_and": "all", "&": "all"}
_MEANS = ("mean", "average", "var", "std", "median", "nanmean")


class Reduction(NamedTuple):
    """How one more partial comes into the result."""

    fold: int  # FOLD_*
    function: Any = None  # FOLD_KERNEL: a Kernel of (part, into), or a callable of (into, part)

    @property
    def words(self) -> str:
        """What it is called in messages."""
        if self.function is not None:
            return self.function.name if isinstance(self.function, Kernel) else name_of(self.function)
        return next(name for name, fold in FOLDS.items() if fold == self.fold)


Reductions = dict[int, Reduction]  # by operand


def of(notation: Notation, reduce: Any) -> Reductions:
    """Of the outputs that are reductions."""
    if reduce is None:
        return {}
    if isinstance(reduce, Mapping):
        asked = {_output(notation, name): _reduction(name, value) for name, value in reduce.items() if value is not None}
        return {k: one for k, one in asked.items() if _lacks_axis(notation, k)}
    if isinstance(reduce, (list, tuple, set, frozenset)) or isinstance(reduce, np.ndarray):
        raise TypeError(f"reduce is a dict from outputs to {NAMES} or functions, or one of these for all outputs, not a "
                        f"{type(reduce).__name__}: reduce={{{notation.names[notation.outs[0]]!r}: 'sum'}}")
    lacking = [k for k in notation.made if _lacks_axis(notation, k)]
    one = _reduction(", ".join(notation.names[k] for k in lacking), reduce)
    return dict.fromkeys(lacking, one)


def _lacks_axis(notation: Notation, k: int) -> bool:
    """There is something to reduce."""
    return set(notation.shapes[k]) != set(range(len(notation.axes)))


def _output(notation: Notation, name: Any) -> int:
    names = {notation.names[k]: k for k in notation.made}
    if not isinstance(name, str):
        raise TypeError(f"reduce: an output is named by a text, not {name!r}")
    if name in names:
        return names[name]
    known = ", ".join(names) or "none"
    if name not in notation.names:
        what = "an axis" if name in notation.axes else "no output"
        raise ArgumentError(f"reduce: {name} is {what} of the signature; its outputs are {known}" if what == "an axis" else
                            f"reduce: the signature has no output {name}; it has {known}")
    if notation.roles[notation.names.index(name)] == _tilework.IN:
        raise ArgumentError(f"reduce: {name} is an input; the outputs are {known}")
    raise ArgumentError(f"reduce: {name} is read and written in place, so it has no partial results: give the reduction an "
                        "output of its own")


def _reduction(name: str, value: Any) -> Reduction:
    what = f"reduce of {name}" if name else "reduce"
    if isinstance(value, str):
        if value in FOLDS:
            return Reduction(FOLDS[value])
        raise ArgumentError(f"{what} is {value!r}; it is one of {NAMES}, or a function of (into, part) that changes into"
                            + _advice(value))
    for function, known in _FUNCTIONS:
        if value is function:
            return Reduction(FOLDS[known])
    own = getattr(value, "__name__", "")
    if own in _MEANS and getattr(np, own, None) is value:
        raise ArgumentError(f"{what} is {name_of(value)}; it is one of {NAMES}, or a function of (into, part) that changes into"
                            + _advice(own))
    if not callable(value) and not isinstance(value, Kernel) or isinstance(value, type):
        raise TypeError(f"{what} is one of {NAMES}, or a function of (into, part) that changes into, not {value!r}")
    native = native_kernel(value)
    if native is not None:
        return Reduction(_tilework.FOLD_KERNEL, native)
    return Reduction(_tilework.FOLD_KERNEL, _function(what, value))


def _advice(word: str) -> str:
    known = _WORDS.get(word.lower(), word.lower())
    if known in FOLDS:
        return f": {known!r} does this"
    if known in _MEANS:
        return f": for a {known} let the kernel give sums and numbers of elements, which are added up, and divide afterwards"
    return ""


def _function(what: str, function: Any) -> Any:
    """One that takes the result so far and one more partial."""
    if _ufuncs.is_ufunc(function):
        if (function.nin, function.nout) != (2, 1):
            raise TypeError(f"{what}: {name_of(function)} takes {function.nin} arrays and gives {function.nout}; a function for "
                            "reduce takes two, into and part, and gives one")
        return _into(function)
    found = takes(function)
    if found.tile or found.needs or not found.least <= 2 <= found.most:
        least = f"{found.least}" if found.least == found.most else f"at least {found.least}" if found.least > 2 else \
            f"at most {found.most}"
        needs = "takes an argument tile" if found.tile else f"needs {', '.join(found.needs)} by name" if found.needs else \
            f"takes {least} argument{'s' * (found.most != 1)}"
        raise TypeError(f"{what}: the function {name_of(function)} {needs}; it takes two arrays, into and part, and changes into")
    if _second(function) == "axis":
        raise TypeError(f"{what}: the function {name_of(function)} takes one array and an axis; a function for reduce takes two "
                        f"arrays, into and part, and changes into (or it is one of {NAMES})")
    return function


def _second(function: Any) -> Optional[str]:
    """The name of the second argument; None: it does not say."""
    try:
        return next(itertools.islice(inspect.signature(function).parameters, 1, None), None)
    except (TypeError, ValueError):
        return None


@functools.lru_cache(maxsize=64)
def _into(ufunc: Any) -> Any:
    """A ufunc that writes its result where the result so far is."""
    def fold(into: Any, part: Any) -> None:
        ufunc(into, part, into)
    fold.__wrapped__ = ufunc  # type: ignore[attr-defined]
    return fold


def folds(reductions: Reductions, kernels: dict[int, _tilework.Kernel], noperands: int) -> Folds:
    """As the extension's Grid takes them. `kernels` has those of functions, and gets those that it lacks."""
    for k, reduction in reductions.items():
        if reduction.fold == _tilework.FOLD_KERNEL and k not in kernels:
            kernels[k] = kernel_of(reduction)
    if not reductions:
        return ()
    return tuple(kernels[k] if k in kernels else reductions[k].fold if k in reductions else _tilework.FOLD_NONE
                 for k in range(noperands))


def kernel_of(reduction: Reduction) -> _tilework.Kernel:
    if isinstance(reduction.function, Kernel):
        return inner_of(reduction.function)
    return _tilework.Kernel.python(reduction.function, False, reduction.words)


def fixed_dtypes(reductions: Reductions) -> dict[int, np.dtype[Any]]:
    """Of outputs whose values can be of one kind only."""
    return {k: np.dtype(bool) for k, reduction in reductions.items()
            if reduction.fold in (_tilework.FOLD_ANY, _tilework.FOLD_ALL)}


def wider(reduction: Reduction, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Of an output that its kernel fills, where the inputs have this dtype: NumPy's, which sums up bools and small integers in
    wider ones."""
    if reduction.fold in (_tilework.FOLD_SUM, _tilework.FOLD_PROD) and dtype.kind in "biu":
        ufunc = np.add if reduction.fold == _tilework.FOLD_SUM else np.multiply
        found: np.dtype[Any] = ufunc.reduce(np.zeros(1, dtype)).dtype
        return found
    return dtype
