"""What another thread may hold at the moment of a fork, and the new worker would find held forever: the locks of logging
and of a few other modules that kernels call. They are taken before a fork and given back on both sides of it."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time
from typing import Any

from . import _dangers, _signals

PATIENCE = 1.0  # seconds that other threads have to give them up
ONE_TRY = 0.05  # seconds for one of them, before those that were taken are given back and all is tried again

# Module and attribute. A module that is not loaded holds nothing.
KNOWN = (("logging", "_lock"), ("warnings", "_lock"), ("tempfile", "_once_lock"), ("_strptime", "_cache_lock"),
         ("numpy.random.mtrand", "_rand._bit_generator.lock"),
         ("numba.core.compiler_lock", "global_compiler_lock._lock"))


def _locks() -> list[Any]:
    """Those that there are now. logging has one for each handler, held while it writes."""
    found = []
    for module, path in KNOWN:
        owner: Any = sys.modules.get(module)
        for name in path.split("."):
            owner = getattr(owner, name, None)
        found.append(owner)
    for handler in list(getattr(sys.modules.get("logging"), "_handlerList", ())):
        found.append(getattr(handler(), "lock", None))
    return [lock for lock in found if hasattr(lock, "acquire") and hasattr(lock, "release")]


class _Taken(threading.local):
    """The locks that the thread that forks has. Another one may fork at the same time, and has its own."""

    def __init__(self) -> None:
        self.locks: list[Any] = []
        self.patience = PATIENCE  # 0 after it was tried in vain: not every worker waits for the same thread

    def take(self) -> None:
        """All of them. After PATIENCE, those that can be taken."""
        self.give()
        if len(sys._current_frames()) < 2:  # pylint: disable=protected-access
            return
        import logging  # noqa: F401  # if another thread did in the middle of the fork, its lock would be given back, but not taken
        end = time.monotonic() + self.patience
        while not self._take_all():
            self.give()
            if time.monotonic() >= end:
                self.patience = 0
                self.locks = [lock for lock in _locks() if lock.acquire(blocking=False)]
                return
        self.patience = PATIENCE

    def _take_all(self) -> bool:
        for lock in _locks():
            if not lock.acquire(timeout=ONE_TRY):
                return False
            self.locks.append(lock)
        return True

    def give(self) -> None:
        """In the new worker too, where some were made anew by their owners."""
        while self.locks:
            with contextlib.suppress(RuntimeError):
                self.locks.pop().release()


_taken = _Taken()


def before() -> None:
    """Just before a fork. An exception of a signal's handler that came just then ends it; it may be called again."""
    _signals.hold()
    _dangers.before_fork()
    _taken.take()


def in_parent() -> None:
    """Just after it; may be called again as well."""
    _taken.give()
    _signals.release()


def _renew(name: str) -> None:
    """A stream of the worker's own in the place of one whose buffer another thread may have been inside of."""
    old: Any = getattr(sys, name, None)
    if type(old) is not io.TextIOWrapper or type(getattr(old, "buffer", None)) is not io.BufferedWriter:
        return
    raw = io.FileIO(old.fileno(), "w", closefd=False)
    new = io.TextIOWrapper(io.BufferedWriter(raw), old.encoding, old.errors, None, old.line_buffering, old.write_through)
    setattr(sys, name, new)
    _abandoned.append(old)
    for handler in list(getattr(sys.modules.get("logging"), "_handlerList", ())):
        found: Any = handler()
        if getattr(found, "stream", None) is old:
            found.stream = new


_abandoned: list[Any] = []  # the end of such a stream would wait for its buffer


def in_child(had_threads: bool) -> None:
    """In the new worker, whose signals are not the program's."""
    _taken.give()
    if had_threads:
        for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
            _renew(name)
