"""In which kind of pool a kernel runs, and why; and with how many workers."""

from __future__ import annotations

import sys
from typing import Any, Callable, Protocol

from . import _tilework
from ._errors import ArgumentError
from ._scalars import whole

KINDS = {"threads": _tilework.THREADS, "processes": _tilework.PROCESSES, "serial": _tilework.SERIAL}


class Submits(Protocol):
    """An Executor, or Dask's Client: ``submit`` gives a future, which has ``add_done_callback`` and ``result``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any: ...


def is_engine(pool: object) -> bool:
    """It takes tasks."""
    return not isinstance(pool, (str, type)) and callable(getattr(pool, "submit", None))


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


def is_engines_worker() -> bool:
    """This thread does a task of an Executor: one of ours, or one of the user's in a worker of Dask's. Others have its processors."""
    task: Any = sys.modules.get("tilework._task")
    if task is not None and task.is_inside():
        return True
    dask: Any = sys.modules.get("distributed.worker")
    return hasattr(getattr(dask, "thread_state", None), "execution_state")


def is_inside_run() -> bool:
    """This thread is in the middle of another run, which has the processors."""
    server: Any = sys.modules.get("tilework._server")
    return _tilework.inside_run() or is_engines_worker() or server is not None and server.is_inside()


def kind_of(pool: Any, python: bool, apart: bool, unlocked: str = "") -> tuple[str, str]:
    """The kind of pool for a kernel, and why; `apart`: something is asked for that processes alone can do; `unlocked`: why
    a Python kernel is known to compute without Python's lock."""
    if isinstance(pool, str) and pool == "auto":
        if python and not apart and is_engines_worker():
            return "serial", "a worker of an Executor is not forked"
        if apart:
            return "processes", "timeout, guard and tiles_per_worker are for processes alone"
        if not python:
            return "threads", "a native kernel runs without Python"
        if has_no_gil():
            return "threads", "this Python has no global lock"
        return ("threads", unlocked) if unlocked else ("processes", "Python kernels hold Python's lock")
    if not isinstance(pool, str) or pool not in KINDS:
        from ._engines import advice
        words = advice(pool) if not isinstance(pool, str) else ""
        raise ArgumentError(words or f"pool is {pool!r}; it is 'auto', 'threads', 'processes', 'serial', a tilework.Pool, or an Executor "
                                     "or Dask Client")
    return pool, f"pool={pool!r} was given"
