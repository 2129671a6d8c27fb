"""Handlers of signals while the interpreter prepares for a fork: what they would raise there would be lost, so they are
called later. And whether an exception that a kernel has ended with came from such a handler."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal's own wraps each answer, ten times slower
import _thread
import threading
from types import FrameType
from typing import Any, Optional

OPTIMIZED, VARARGS = 0x01, 0x04  # of a code's co_flags: the frame is that of a function; it has *args


class _Held:
    """The handlers that wait. Handlers run in the main thread alone, and so do its calls."""

    def __init__(self) -> None:
        self.waiting: dict[int, Any] = {}
        self.came: set[int] = set()
        self.held = False

    def note(self, number: int, frame: Optional[FrameType]) -> None:
        self.came.add(number)

    def hold(self) -> None:
        """From now on signals are noted. An exception of a handler that is not held yet ends it; it may be called
        again."""
        if self.held or threading.current_thread() is not threading.main_thread():
            return
        for number in range(1, _signal.NSIG):
            handler = _signal.getsignal(number)
            if callable(handler) and handler != self.note:
                self.waiting[number] = handler
                _signal.signal(number, self.note)
        self.held = True

    def release(self) -> None:
        """What was noted is as if it came now."""
        if not self.waiting or threading.current_thread() is not threading.main_thread():
            return
        self.held = False
        while self.waiting:
            number, handler = next(iter(self.waiting.items()))
            if _signal.getsignal(number) == self.note:
                _signal.signal(number, handler)
            del self.waiting[number]
            if number in self.came:
                self.came.discard(number)
                _thread.interrupt_main(number)  # type: ignore[arg-type]


_held = _Held()
hold, release = _held.hold, _held.release


def _code_of(handler: Any) -> Any:
    """The code of a handler that is written in Python."""
    handler = getattr(handler, "func", handler)  # functools.partial
    handler = getattr(handler, "__func__", handler)
    if not hasattr(handler, "__code__"):
        handler = getattr(type(handler).__call__, "__func__", type(handler).__call__)
    return getattr(handler, "__code__", None)


def _is_handler(frame: FrameType, codes: set[Any]) -> bool:
    """It runs a handler's code, or was called as only handlers are: with the frame that it interrupted."""
    code = frame.f_code
    if code in codes:
        return True
    if not code.co_flags & OPTIMIZED or frame.f_back is None:
        return False
    values = frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & VARARGS)
    given = [values.get(name) for name in code.co_varnames[:count]]
    if type(values) is dict:  # before Python 3.13 a copy, which would keep what the frame knew
        values.clear()
    return any(value is frame.f_back or type(value) is tuple and any(part is frame.f_back for part in value)
               for value in given)


def is_of_handler(exception: BaseException) -> bool:
    """The exception was raised by a handler of a signal that came while a kernel ran on the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return False
    codes = {_code_of(handler) for handler in map(_signal.getsignal, range(1, _signal.NSIG)) if callable(handler)}
    codes.discard(None)
    step = exception.__traceback__
    while step is not None:
        if _is_handler(step.tb_frame, codes):
            return True
        step = step.tb_next
    return False
