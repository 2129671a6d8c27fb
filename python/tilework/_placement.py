"""In which kind of pool a kernel runs, and why; and with how many workers."""

from __future__ import annotations

import sys
from typing import Any

from . import _tilework
from ._errors import ArgumentError
from ._scalars import whole

KINDS = {"threads": _tilework.THREADS, "processes": _tilework.PROCESSES, "serial": _tilework.SERIAL}


def workers_of(workers: Any) -> int:
    """0 asks for as many as the machine allows."""
    if workers is None:
        return 0
    number = whole(workers, "workers")
    if not 1 <= number <= _tilework.MAX_WORKERS:
        raise ArgumentError(f"workers is {workers}; a pool has 1 to {_tilework.MAX_WORKERS}"
                            + ("; leave it out and all cores work" if number < 1 else ""))
    return number


def has_no_gil() -> bool:
    """Threads of this Python run at the same time."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()


def kind_of(pool: Any, python: bool, apart: bool, unlocked: str = "") -> tuple[str, str]:
    """The kind of pool for a kernel, and why; `apart`: something is asked for that processes alone can do; `unlocked`: why
    a Python kernel is known to compute without Python's lock."""
    if isinstance(pool, str) and pool == "auto":
        if apart:
            return "processes", "timeout, guard and tiles_per_worker are for processes alone"
        if not python:
            return "threads", "a native kernel runs without Python"
        if has_no_gil():
            return "threads", "this Python has no global lock"
        return ("threads", unlocked) if unlocked else ("processes", "Python kernels hold Python's lock")
    if not isinstance(pool, str) or pool not in KINDS:
        raise ArgumentError(f"pool is {pool!r}; it is 'auto', 'threads', 'processes', 'serial' or a tilework.Pool")
    return pool, f"pool={pool!r} was given"
