"""Runs of Python kernels on threads while an alarm is set in the main thread. Another thread does the caller's part, and the
main thread waits: what the alarm's handler raises leaves it at once, also if a kernel is in the middle of a call that nobody
can interrupt. Such a thread ends by itself, and the pool waits for it."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal's own takes half a millisecond to load
import contextvars
import threading
import time
from typing import Any, Callable

from . import _context, _frames, _signals

PATIENCE = 0.3  # seconds that kernels have to end when they are asked to


def is_set() -> bool:
    """An alarm is due whose handler is Python's, and this thread is the one that it would interrupt."""
    return (_signal.getitimer(_signal.ITIMER_REAL)[0] > 0 and threading.current_thread() is threading.main_thread()
            and callable(_signal.getsignal(_signal.SIGALRM)))


class _Beside:
    """Work that another thread does for this one."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.context = contextvars.copy_context()
        self.errors = _context.errors_here()
        self.frame = _frames.innermost()
        self.ended = threading.Event()
        self.result: Any = None
        self.raised: Any = None
        self.thread = threading.Thread(target=self._do, name="tilework", daemon=True)

    def _do(self) -> None:
        try:
            _frames.stands_for[threading.get_ident()] = self.frame
            if self.errors is not None:
                _context.put_errors(self.errors)
            self.result = self.context.run(self.work)
        except BaseException as error:  # pylint: disable=broad-except  # it is raised where it belongs
            self.raised = error
        finally:
            _frames.stands_for.pop(threading.get_ident(), None)
            self.ended.set()

    def leave(self, stop: Callable[[BaseException], None]) -> None:
        """The run ends, and this thread does not wait for long. It may not have begun: it is asked again."""
        end = time.monotonic() + PATIENCE
        while not self.ended.is_set() and time.monotonic() < end:
            stop(SystemExit("its caller has left"))
            self.ended.wait(0.02)


def run_beside(stop: Callable[[BaseException], None], work: Callable[[], Any]) -> Any:
    """`work()`, which is a run that `stop` ends."""
    beside = _Beside(work)
    try:
        beside.thread.start()
        beside.ended.wait()
    except BaseException:
        _signals.hold()
        try:
            beside.leave(stop)
        finally:
            _signals.release()
        raise
    if beside.raised is not None:
        try:
            raise beside.raised
        finally:
            beside.raised = None
    return beside.result
