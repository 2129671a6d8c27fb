"""What makes a fork dangerous and cannot be put right: threads of the program, libraries that have used theirs. Said once a
process, on the user's line."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from . import _frames, _workers

SECONDS = 0.05  # between two looks: not one for each worker of a pool

# Threads of these packages hold nothing that a kernel needs.
HARMLESS = frozenset(("IPython", "_pydev_bundle", "_pydevd_bundle", "_pydevd_frame_eval", "coverage", "debugpy", "execnet",
                      "ipykernel", "joblib", "jupyter_client", "loky", "multiprocessing", "ptvsd", "pydevd",
                      "pytest_timeout", "tilework", "tornado", "tqdm", "viztracer", "xdist", "zmq"))
HARMLESS_NAMES = ("asyncio_", "pydevd.", "IOPub", "Heartbeat", "Control", "Shell")
WAITING = ("threading.py", "selectors.py", "queue.py")  # where a main thread that waits for others is

# Module, how its threads are called, and who they belong to.
NAMED = (("polars", "polars-0", "Polars"), ("grpc", "grpc_", "gRPC"), ("grpc", "event_engine", "gRPC"),
         ("tensorflow", "tf_", "TensorFlow"), ("torch", "cuda-", "CUDA"), ("cupy", "cuda-", "CUDA"),
         ("numba.cuda", "cuda-", "CUDA"), ("tensorflow", "cuda-", "CUDA"), ("jax", "cuda-", "CUDA"))
NAMELESS = (("blosc2", "Blosc2"), ("blosc", "Blosc"))  # their threads have the program's name


def _root(thing: Any) -> str:
    return str(getattr(thing, "__module__", None) or "").partition(".")[0]


def _is_harmless(thread: threading.Thread, frame: FrameType) -> bool:
    if thread is threading.main_thread():
        file = frame.f_code.co_filename
        return os.path.basename(file) in WAITING or os.path.dirname(file) == os.path.dirname(__file__)
    origins = {_root(type(thread)), _root(getattr(thread, "_target", None)), _root(getattr(thread, "function", None))}
    return not origins.isdisjoint(HARMLESS) or thread.name.startswith(HARMLESS_NAMES)


def _threads() -> list[threading.Thread]:
    """Threads of Python's that may hold a lock."""
    frames = sys._current_frames()  # pylint: disable=protected-access
    frames.pop(threading.get_ident(), None)  # a frame that knows itself keeps what it came through, pools among it
    return [thread for thread in threading.enumerate()
            if thread.ident is not None and thread.ident in frames and not _is_harmless(thread, frames[thread.ident])]


def _tasks() -> list[str]:
    """The names of all threads, as the system has them."""
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as file:
                names.append(file.read().rstrip("\n"))
        except OSError:  # it has just ended
            pass
    return names


def _known_threads() -> int:
    """How many there are of Python's, of BLAS and OpenMP, and of numexpr, which sees to forks itself."""
    control = _workers.control_now()
    libraries = control.lib_controllers if control is not None else ()
    numexpr: Any = getattr(sys.modules.get("numexpr"), "get_num_threads", lambda: 0)
    count = len(sys._current_frames())  # pylint: disable=protected-access
    started = sum(int(library.get_num_threads()) - 1 for library in libraries)
    return count + started + int(numexpr())


def _libraries() -> Iterator[str]:
    """Those that have used their threads, and that wait for them in a worker, which has none."""
    named = [row for row in NAMED if row[0] in sys.modules]
    nameless = [row for row in NAMELESS if row[0] in sys.modules]
    if not named and not nameless:
        return
    tasks = _tasks()
    for _, prefix, name in named:
        if any(task.startswith(prefix) for task in tasks):
            yield name
    if nameless and len(tasks) > _known_threads():
        for _, name in nameless:
            yield name


def standing() -> frozenset[object]:
    """What makes a fork dangerous now."""
    return frozenset([thread.ident for thread in _threads()]) | frozenset(_libraries())


class _Look:
    def __init__(self) -> None:
        self.last = -SECONDS
        self.said = False

    def before_fork(self) -> None:
        """Says what is dangerous about the fork that follows."""
        if self.said or time.monotonic() - self.last < SECONDS:
            return
        threads, libraries = [thread.name for thread in _threads()], sorted(set(_libraries()))
        self.last = time.monotonic()
        if not threads and not libraries:
            return
        self.said = True
        reasons = []
        if threads:
            more = f" and {len(threads) - 3} more" if len(threads) > 3 else ""
            reasons.append(f"while other threads run ({', '.join(threads[:3])}{more}): a lock that one of them holds now "
                           "stays locked in the workers")
        if libraries:
            reasons.append(f"after {' and '.join(libraries)} has started threads, which the workers do not have")
        message = (f"worker processes are forked {', and '.join(reasons)}; a kernel that needs it waits without end. Safe are "
                   "start=\"spawn\" and pool=\"threads\", or a pool that is opened before the threads are started")
        _frames.warn(message, RuntimeWarning)


before_fork = _Look().before_fork
