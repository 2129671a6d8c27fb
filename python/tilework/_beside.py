"""Runs that a thread of their own does: tiles as they come, futures."""

from __future__ import annotations

import concurrent.futures
import contextvars
import os
import queue
import sys
import threading
import weakref
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any, Callable, Optional

from . import _context, _frames
from ._errors import PoolError
from ._finished import FinishedTile, Listener

Work = Callable[[Any], Any]  # does a run whose `on_tile` is what it is given


class Beside(Listener):
    """A run that another thread does. It forks workers while the caller waits, which so holds no lock then.

    It waits, runs, and has ended. `engine` is that of the run while it runs: only then can it be asked to end. Before, the wish is
    noted, and the run ends before its first tile. Afterwards the pool may do another run, which is not to be ended: `end` is
    called while the pool is still this run's."""

    def __init__(self, work: Work, on_tile: Optional[Callable[[FinishedTile], object]], ended: Callable[["Beside"], object]) -> None:
        self.work: Optional[Work] = work  # None once it has begun: a run that is over keeps no operands
        self.on_tile, self.ended = on_tile, ended
        self.context, self.errors, self.frame = contextvars.copy_context(), _context.errors_here(), _frames.innermost()
        self.ready, self.over = threading.Event(), threading.Event()
        self.pid = os.getpid()
        self.thread: Optional[threading.Thread] = None  # that does the run, once it has begun
        self.lock = threading.RLock()  # of `engine`; a finalizer may stop the run in the middle of anything
        self.engine: Any = None
        self.stopped: Optional[BaseException] = None
        self.result: Any = None
        self.raised: Optional[BaseException] = None

    def begin(self, engine: Any) -> None:
        with self.lock:
            self.engine = engine
        self.ready.set()
        if self.stopped is not None:
            raise self.stopped

    def end(self) -> None:
        with self.lock:
            self.engine = None

    def __call__(self, tile: FinishedTile) -> None:
        if self.stopped is not None:
            raise self.stopped
        if self.on_tile is not None:
            self.on_tile(tile)

    def do(self) -> None:
        ident, self.thread = threading.get_ident(), threading.current_thread()
        work, self.work = self.work, None
        try:
            _frames.stands_for[ident] = self.frame
            if self.errors is not None:
                _context.put_errors(self.errors)
            if self.stopped is not None:
                raise self.stopped
            assert work is not None, "a run is done once"
            self.result = self.context.run(work, self)
        except BaseException as error:  # pylint: disable=broad-except  # it is raised where it belongs
            self.raised = error
        finally:
            _frames.stands_for.pop(ident, None)
            self.end()
            self.ready.set()
            self.over.set()
            self.ended(self)

    def stop(self, exception: BaseException) -> None:
        """The run ends soon, and raises this."""
        if not self.is_here():
            return
        with self.lock:
            self.stopped = self.stopped or exception
            if self.engine is not None:
                self.engine.stop(self.stopped)

    def is_here(self) -> bool:
        """A fork of the program has none of its threads."""
        return self.pid == os.getpid()

    def leave(self, exception: BaseException) -> None:
        """It ends, and this thread waits for that, unless it is inside of it."""
        if not self.is_here():
            return
        self.stop(exception)
        engine = self.engine
        if self.is_of_this_thread() or engine is not None and engine.inside():
            return
        while not self.over.wait(0.02):  # its tile may have begun after it was asked
            self.stop(exception)

    def is_of_this_thread(self) -> bool:
        return self.thread is threading.current_thread()


class Left(Exception):
    """Ends a run whose loop was left."""


class Tiles(Iterator[FinishedTile]):
    """The tiles of a run as they finish, in any order; made by :func:`tilework.iterate`.

    Leaving the loop, :meth:`close`, the end of a ``with`` block or dropping the iterator ends the run. After the loop
    ``result`` is the whole result, and ``report`` its :class:`Report` with ``report=True``.
    """

    def __init__(self, work: Work, with_report: bool, waits: bool) -> None:
        self.result: Any = None
        self.report: Any = None
        self._with_report = with_report
        self._closed = False
        waiting: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._waiting = waiting
        self._run = Beside(work, waiting.put, lambda run: waiting.put(None))
        self._thread = threading.Thread(target=self._run.do, name="tilework", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system gives no thread, so there is no run whose end could be waited for
            self._closed = True
            raise
        if waits:
            self._guarded(self._run.ready.wait)

    def _guarded(self, wait: Callable[[], Any]) -> Any:
        """Ctrl-C while this thread waits ends the run, whose report the exception then has."""
        try:
            return wait()
        except BaseException as error:
            self._closed = True
            self._leave(error)
            raise

    def _leave(self, error: BaseException) -> None:
        run = self._run
        run.leave(error)
        self._join()
        if run.over.is_set():  # a traceback keeps the operands of the run
            run.stopped = None
            if isinstance(run.raised, Left):
                run.raised = None

    def _join(self) -> None:
        """Waits until the thread has ended, if its run is over: until then it keeps the operands of the run."""
        if self._run.over.is_set() and not self._run.is_of_this_thread() and not sys.is_finalizing():
            self._thread.join()

    def __iter__(self) -> "Tiles":
        return self

    def __next__(self) -> FinishedTile:
        if self._closed:
            raise StopIteration
        if not self._run.is_here():
            raise PoolError("the tiles of a run come in the process that began it, not in a fork of it")
        tile: Optional[FinishedTile] = self._guarded(self._waiting.get)
        if tile is not None:
            return tile
        self._waiting.put(None)  # for other threads that wait
        self._join()
        was_closed, self._closed = self._closed, True
        if self._run.raised is not None:
            raised, self._run.raised = self._run.raised, None
            if not (was_closed and isinstance(raised, Left)):  # another thread has left the loop
                raise raised
        if was_closed:
            raise StopIteration
        self.result, self.report = self._run.result if self._with_report else (self._run.result, None)
        raise StopIteration

    def close(self) -> None:
        """End the run, if it has not ended."""
        if not self._closed:
            self._closed = True
            self._leave(Left("the loop over its tiles was left"))

    def __enter__(self) -> "Tiles":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()


class Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """The result of a run that was submitted: as one of :mod:`concurrent.futures`, but :meth:`cancel` ends a run that has
    begun too, and ``await`` gives the result in asyncio."""

    _run: Beside
    _is_ended = False

    def cancel(self) -> bool:
        """End the run; False if it has ended already."""
        if super().cancel():
            return True
        if self.done():
            return False
        self._is_ended = True
        self._run.stop(Left("the future was cancelled"))
        return True

    def result(self, timeout: Optional[float] = None) -> Any:
        """What the run gives. Ctrl-C while this thread waits for it ends the run, whose report the exception then has."""
        try:
            return super().result(timeout)
        except KeyboardInterrupt as interrupt:
            if not self.done() and not super().cancel():
                self._run.leave(interrupt)
            raise

    def cancelled(self) -> bool:
        """The run was ended by :meth:`cancel`."""
        return super().cancelled() or (self._is_ended and self.done() and
                                       isinstance(super().exception(), concurrent.futures.CancelledError))

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio
        return asyncio.wrap_future(self).__await__()


def _settle(future: Future, run: Beside) -> None:
    """The run keeps neither result nor error once the future has it."""
    raised, result = run.raised, run.result
    run.raised = run.result = run.stopped = None
    if raised is None:
        future.set_result(result)
    elif isinstance(raised, Left):
        raised = None
        future.set_exception(concurrent.futures.CancelledError())
    else:
        future.set_exception(raised)


class _Line:
    """Runs that wait for one pool, first come, first served."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[Future] = deque()
        self.works = False

    def add(self, future: Future) -> bool:
        """Whether it begins now."""
        with self.lock:
            self.waiting.append(future)
            if self.works:
                return False
            self.works = True
        try:
            threading.Thread(target=self._work, name="tilework").start()
        except RuntimeError as error:  # the system gives no thread: the next one that comes tries again
            self._give_up(error)
            raise
        return True

    def _give_up(self, error: RuntimeError) -> None:
        with self.lock:
            self.works = False
            left = list(self.waiting)
            self.waiting.clear()
        for future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _work(self) -> None:
        while True:
            with self.lock:
                if not self.waiting:
                    self.works = False
                    return
                future = self.waiting.popleft()
            if future.set_running_or_notify_cancel():
                future._run.do()  # pylint: disable=protected-access


class _Lines:
    """The line of each pool."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.of: "weakref.WeakKeyDictionary[Any, _Line]" = weakref.WeakKeyDictionary()


_lines = _Lines()
os.register_at_fork(after_in_child=_lines.__init__)  # type: ignore[misc]  # a fork has none of the threads that do the runs


def submitted(work: Work, pool: Any, waits: bool) -> Future:
    """`pool`: None if the run has one of its own."""
    future = Future()
    run = future._run = Beside(work, None, lambda run: _settle(future, run))  # pylint: disable=protected-access
    with _lines.lock:
        line = _Line() if pool is None else _lines.of.setdefault(pool, _Line())
    if line.add(future) and waits:
        run.ready.wait()
    return future
