"""The threads of BLAS and OpenMP while Python kernels run on threads of ours: each has its share of the processors. The first of
several runs that last at the same time limits them, the last one puts them back."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any


class _Limits:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs = 0
        self.before: list[tuple[Any, int]] = []  # libraries and how many threads they had

    def begin(self, share: int) -> None:
        from . import _workers
        with self.lock:
            self.runs += 1
            control = _workers.control_of(len(sys.modules)) if self.runs == 1 else None
            for library in control.lib_controllers if control is not None else ():
                number = library.get_num_threads()
                if number is not None and number > share:
                    self.before.append((library, number))
                    library.set_num_threads(share)

    def end(self) -> None:
        with self.lock:
            self.runs -= 1
            while self.runs == 0 and self.before:
                library, number = self.before.pop()
                library.set_num_threads(number)


_limits = _Limits()
os.register_at_fork(after_in_child=_limits.__init__)  # type: ignore[misc]  # a worker has limits of its own


@contextlib.contextmanager
def limited(workers: int) -> Iterator[None]:
    """While a run with so many threads lasts."""
    _limits.begin(max(1, len(os.sched_getaffinity(0)) // workers))
    try:
        yield
    finally:
        _limits.end()
