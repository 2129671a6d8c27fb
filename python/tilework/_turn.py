"""Whose turn it is with a pool, which does one run at a time."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from typing import Any, Callable

from ._errors import PoolError


class Turn:
    """A thread waits for other threads, but never for a run that waits for this thread. `inside`: whether the caller is
    called by such a run, as a kernel is."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.inside: Callable[[], bool] = lambda: False
        self._lock: Any = threading.RLock()  # taken by `take` alone

    def is_of_this_process(self) -> bool:
        return self.owner == os.getpid()

    def take(self) -> AbstractContextManager[Any]:
        """What gives this thread its turn."""
        if self.owner != os.getpid():
            raise PoolError(f"this pool belongs to process {self.owner}, of which this one is a fork; open a pool here")
        if self._lock._is_owned() or self.inside():  # pylint: disable=protected-access
            raise PoolError("this pool is in the middle of the run that has called this function; a kernel or a progress "
                            "function needs a pool of its own")
        turn: AbstractContextManager[Any] = self._lock
        return turn

    def is_free(self, seconds: float = 0) -> bool:
        """No run is under way, or none any more after so long."""
        free: bool = self._lock.acquire(timeout=seconds) if seconds > 0 else self._lock.acquire(blocking=False)
        if free:
            self._lock.release()
        return free
