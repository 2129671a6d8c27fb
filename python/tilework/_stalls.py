"""A run of processes that stands still: what is said of it, with what each worker is doing, once a run."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import select
import signal
import time
from typing import Any, Optional

from . import _frames, _tilework

SIGNAL = signal.SIGRTMAX - 1  # in our workers alone; SIGRTMAX is taken for the end of their parent
PATIENCE = 1.0  # seconds that a worker has to write where it is
BUSY_PATIENCE = 3.0  # that it has while it waits for a processor
MOST_WORKERS = 8  # whose stacks are shown
MOST_LINES = 20  # of one of them, the innermost calls first


class Stacks:
    """Where the workers of a pool write what they are doing when they are asked. faulthandler writes it from inside the
    handler of a signal, so a worker that waits in the middle of C code answers too."""

    def __init__(self) -> None:
        self.file = -1
        with contextlib.suppress(OSError, AttributeError):
            file = os.memfd_create("tilework-stacks")
            self.file = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 3)  # 0 to 2 are the program's, also if it has closed them
            os.close(file)

    def __del__(self) -> None:
        if self.file >= 0:
            os.close(self.file)

    def register(self) -> None:
        """In a new worker."""
        if self.file >= 0:
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                faulthandler.register(SIGNAL, self.file, all_threads=True)

    def _is_open_in(self, pid: int) -> bool:
        """A kernel may have closed all files, and opened its own in their place."""
        try:
            return os.path.samestat(os.stat(f"/proc/{pid}/fd/{self.file}"), os.fstat(self.file))
        except OSError:
            return False

    def of(self, pid: int) -> str:
        """What this worker is doing; empty where it does not say."""
        if self.file < 0 or not _catches(pid) or not self._is_open_in(pid):
            return ""
        os.ftruncate(self.file, 0)
        os.lseek(self.file, 0, os.SEEK_SET)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, SIGNAL)
        text, began = b"", time.monotonic()
        while time.monotonic() < began + (BUSY_PATIENCE if (runs := _runs(pid)) else PATIENCE):
            seen, text = text, os.pread(self.file, 1 << 16, 0)
            if text and text == seen and not runs:  # on a busy machine a worker may rest in the middle of its text
                break
            select.select((), (), (), 0.02)
        return "\n".join(text.decode("utf-8", "replace").splitlines()[:MOST_LINES])


def _catches(pid: int) -> bool:
    """The worker has a handler for the signal: without one it would end."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            caught = next(line for line in file if line.startswith("SigCgt:"))
    except (OSError, StopIteration):
        return False
    return bool(int(caught.split()[1], 16) >> (SIGNAL - 1) & 1)


def _runs(pid: int) -> bool:
    """The worker computes, or waits for a processor."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "R"
    except (OSError, IndexError):
        return False


def say(on_start: Any, seconds: float, workers: int, tile: int, worker: int, pids: tuple[int, ...]) -> None:
    """Called by the thread that runs the job."""
    stacks: Optional[Stacks] = getattr(on_start, "stacks", None)
    where = f", among them worker {worker} (pid {pids[worker]}) with tile {tile}" if worker >= 0 else ""
    lines = [f"for {_tilework.seconds_text(seconds)} no tile has ended and no worker has used the processor: {workers} of {len(pids)} workers "
             f"wait for something{where}. A kernel that sleeps looks like this; so does one that waits for a lock which a "
             "thread of the program held when the worker was forked (start=\"spawn\" and pool=\"threads\" have none of these). "
             "timeout= ends tiles that take too long"]
    for number, pid in enumerate(pids[:MOST_WORKERS]):
        text = stacks.of(pid) if stacks is not None and pid > 0 else ""
        if text:
            lines.append(f"Worker {number} (pid {pid}):\n{text}")
    _frames.warn("\n".join(lines), RuntimeWarning)
