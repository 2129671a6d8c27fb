"""Ctrl-C while the interpreter prepares for a fork: what it would raise there would be lost, so it is raised later."""

from __future__ import annotations

import _thread
import signal
import threading
from types import FrameType
from typing import Any, Optional


class _Held:
    """The handler of SIGINT that waits, where one does. Handlers run in the main thread alone, and so do its calls."""

    def __init__(self) -> None:
        self.waiting: Any = None
        self.came = False

    def note(self, number: int, frame: Optional[FrameType]) -> None:
        self.came = True

    def hold(self) -> None:
        """From now on SIGINT is noted."""
        if threading.current_thread() is not threading.main_thread() or self.waiting is not None:
            return
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            self.waiting, self.came = handler, False
            signal.signal(signal.SIGINT, self.note)

    def release(self) -> None:
        """What was noted is as if it came now."""
        if threading.current_thread() is not threading.main_thread() or self.waiting is None:
            return
        handler, self.waiting = self.waiting, None
        signal.signal(signal.SIGINT, handler)
        if self.came:
            self.came = False
            _thread.interrupt_main()


_held = _Held()
hold, release = _held.hold, _held.release
