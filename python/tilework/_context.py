"""The caller's context, which kernels run in: context variables, NumPy's errstate, decimal's context, filters of warnings.

Threads run kernels in copies of it. Workers that were forked in another context are forked again. NumPy 2 and decimal keep
theirs in context variables; NumPy 1 keeps its errstate by thread, and before Python 3.14 the filters are the program's."""

from __future__ import annotations

import contextvars
import os
import sys
import warnings
from typing import Any, Optional

import numpy as np

from . import _carried, _tilework

MOST_PARTS = 60  # of the values of all variables; those beyond are compared by identity

_get_errors: Any = getattr(np, "geterrobj", None)  # NumPy 1
_put_errors: Any = getattr(np, "seterrobj", None)
_ERRSTATE: Any = getattr(getattr(getattr(np, "_core", None), "umath", None), "_extobj_contextvar", None)
_DECIMAL = "decimal_context"  # the name of decimal's variable
_ABSENT = object()
_at_fork: tuple[int, Any] = (0, None)


def errors_here() -> Any:
    """This thread's errstate, if that is a matter of threads."""
    return list(_get_errors()) if _get_errors is not None else None  # its own list may be changed in place


def _errors_of_fork() -> Any:
    """In a worker process: what the errstate was before its first tile."""
    global _at_fork
    if _at_fork[0] != os.getpid():
        _at_fork = os.getpid(), errors_here()
    return _at_fork[1]


def arrive(errors: Any) -> None:
    """On a worker, at its first tile of a run, in the context that its kernels run in."""
    if _put_errors is not None:
        _put_errors(list(_errors_of_fork() if errors is None else errors))
    decimal = sys.modules.get("decimal")
    if decimal is not None:  # kernels may change it, and its flags change by themselves
        decimal.setcontext(decimal.getcontext().copy())


def put_errors(errors: Any) -> None:
    """On this thread, what errors_here gave on another."""
    _put_errors(list(errors))


_tilework.set_context_callbacks(errors_here, arrive, _put_errors or arrive)


def decimal_state() -> Optional[tuple[Any, ...]]:
    """decimal's context but for its flags; None: it is not loaded."""
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return None
    context = decimal.getcontext()
    return (context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp,
            *context.traps.values())


def portable() -> tuple[dict[str, str], Any]:
    """What of the context another program's kernels can run in: errstate, and decimal's context if there is one."""
    decimal = sys.modules.get("decimal")
    return {name: str(value) for name, value in np.geterr().items()}, decimal.getcontext().copy() if decimal is not None else None


def adopt(errors: Any, decimal_context: Any) -> None:
    """In that program."""
    np.seterr(**errors)
    if decimal_context is not None:
        import decimal
        decimal.setcontext(decimal_context)


class Context:
    """The context of the moment when it is made."""

    __slots__ = ("variables", "errors", "decimal", "filters", "values")

    def __init__(self) -> None:
        self.decimal = decimal_state()
        self.variables = contextvars.copy_context()
        self.errors = errors_here()
        self.filters = tuple(warnings.filters)
        # What is in values that can be changed in place.
        self.values = {variable: _carried.of_value(value, MOST_PARTS) for variable, value in self.variables.items()
                       if variable is not _ERRSTATE and variable.name != _DECIMAL}

    def errstate(self) -> Any:
        return self.errors if self.errors is not None else \
            self.variables.run(lambda: (np.geterr(), np.geterrcall(), np.getbufsize()))

    def is_same(self, other: "Context") -> bool:
        if self.decimal != other.decimal or self.filters != other.filters or len(self.values) != len(other.values):
            return False
        for variable, value in self.values.items():
            theirs = other.values.get(variable, _ABSENT)
            if theirs is _ABSENT or theirs != value or \
                    value is None and self.variables[variable] is not other.variables[variable]:
                return False
        if self.errors is None and (_ERRSTATE is not None and
                                    self.variables.get(_ERRSTATE) is other.variables.get(_ERRSTATE)):
            return True
        return bool(self.errstate() == other.errstate())
