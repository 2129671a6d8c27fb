"""The threads of BLAS and OpenMP while Python kernels run on threads of ours: each has its share of the processors. Whoever begins
limits those that have more, and the last run to end puts them back. A signal's handler may raise at any point of it."""

from __future__ import annotations

import os
import threading
from typing import Any


class _Limits:
    def __init__(self) -> None:
        self.lock = threading.RLock()  # `__del__` may run anywhere
        self.runs: set[int] = set()  # that last, by the ids of their `Limited`
        self.before: list[tuple[Any, int]] = []  # libraries and how many threads they had

    def begin(self, run: int, share: int) -> None:
        from . import _workers
        control = _workers.control_now()
        with self.lock:
            self.runs.add(run)
            for library in control.lib_controllers if control is not None else ():
                number = library.get_num_threads()
                if number is not None and number > share:
                    self.before.append((library, number))
                    _workers.set_threads(library, share)

    def end(self, run: int) -> None:
        from ._workers import set_threads
        with self.lock:
            self.runs.discard(run)
            while self.before and not self.runs:
                library, number = self.before[-1]
                set_threads(library, number)
                self.before.pop()


_limits = _Limits()
os.register_at_fork(after_in_child=_limits.__init__)  # type: ignore[misc]  # a worker has limits of its own


class Limited:
    """While a run with so many threads lasts. One that was left before it began, or that could not end, ends with this object."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> None:
        try:
            _limits.begin(id(self), max(1, len(os.sched_getaffinity(0)) // self.workers))
        except BaseException:
            _limits.end(id(self))
            raise

    def __exit__(self, *exception: object) -> None:
        _limits.end(id(self))

    def __del__(self) -> None:
        if id(self) in _limits.runs:
            _limits.end(id(self))
