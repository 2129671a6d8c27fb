"""The callables that a pool's workers know, each with what it carried when they were forked."""

from __future__ import annotations

import types
from typing import Any, Optional

from . import _carried, _manner, _tilework
from ._context import Context

MOST_KNOWN = 64  # they are kept alive, so that none is taken for another one that has its id


class Known:
    """A callable as a kernel. Workers have it as it is now, if no more forks than `forks` have been since it was made."""

    __slots__ = ("kernel", "manner", "function", "carried", "forks", "is_new", "is_short", "gave")

    def __init__(self, function: Any, carried: Optional[tuple[Any, ...]]) -> None:
        self.function = function
        self.manner = _manner.Manner(function)
        self.kernel = _tilework.Kernel.python(function, self.manner.tile, self.manner.name)
        self.carried = carried
        self.forks = 0
        self.is_short = False  # its last run took so little time that it is not worth to limit other threads for the next
        self.is_new = True  # until its first run has begun
        self.gave: dict[int, Any] = {}  # dtypes of what it returned in its last run, by output

    def holds(self, carried: Optional[tuple[Any, ...]], forks: int) -> bool:
        """The workers know it so. What may have been something else when a worker was forked in between is not known."""
        return carried is not None and self.carried == carried and (self.forks == forks or len(carried) < 2)


def identity_of(function: Any) -> Any:
    """What makes two callables the same to workers that were forked when they knew one of them."""
    if isinstance(function, types.MethodType):  # a new object each time that it is asked for
        return id(function.__self__), id(function.__func__)
    return id(function)


class KnownKernels:
    """`apart`: workers have copies of what the program has; else they use what it has. `settled`: no callable changes."""

    def __init__(self, apart: bool, settled: bool = False) -> None:
        self.apart = apart
        self.settled = settled
        self._known: dict[Any, Known] = {}
        self._context: Optional[Context] = None  # in which all workers were forked; None: that is not known
        self._now: Optional[Context] = None  # in which the workers of the current run are forked
        self._forks = 0  # until it began

    def of(self, function: Any, pool: Optional[_tilework.Pool], folds: bool = False) -> Known:
        """For a run that begins now; a kernel that is new makes the library fork the workers again. `folds`: it is no kernel of
        tiles, but folds their partial results."""
        apart = self.apart and pool is not None
        carried = _carried.of(function) if apart and not self.settled else _carried.NOTHING
        identity = ("folds", identity_of(function)) if folds else identity_of(function)
        found = self._known.pop(identity, None)
        self._forks = pool.forks if pool is not None else 0
        if apart:
            self._now = Context()
        if found is None or not found.holds(carried, self._forks if apart else found.forks) or \
                (apart and not self._is_same_context()):
            found = Known(function, carried)
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[identity] = found
        return found

    def _is_same_context(self) -> bool:
        return self._context is not None and self._now is not None and self._context.is_same(self._now)

    def ran(self, known: Known, pool: _tilework.Pool) -> None:
        """The run has ended: workers that were forked for it, or in it, know the callable as it was then."""
        known.forks = pool.forks
        if pool.forks != self._forks:
            self._context = self._now

    def drop(self, function: Any) -> None:
        """It will not be run again."""
        self._known.pop(identity_of(function), None)

    def clear(self) -> None:
        self._known.clear()
