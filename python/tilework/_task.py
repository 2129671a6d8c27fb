"""What a worker of an Executor does with a task: joins the run folder, computes a range of tiles, writes them, syncs them, and
answers with their checksums.

Nothing here forks: Python kernels run in the thread that the engine calls, native ones on as many threads as the caller says. A job
that was opened stays open for the tasks that follow."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from . import _sent, _tilework, _where
from ._errors import Error, FileError, PoolError, of_failure
from ._explained import explained
from ._known import KnownKernels
from ._local import Engine
from ._report import record_of
from ._request import Request
from ._statement import StatementRequest
from ._wire import sendable

LOOK = 0.25  # seconds between two looks whether the caller has given the run up
IDLE = 20.0  # seconds after which a job that has no task is closed
DONE, FAILED = 2, 3  # states of tiles

inside = threading.local()  # .depth: this thread is in a task

Answer = dict[str, Any]


class GivenUp(Exception):
    """The caller has given the run up. `report`: what was done until then."""

    report: Any = None


class Joined(Engine):
    """A job of somebody else's, opened here. One task at a time uses it."""

    def __init__(self, head: _sent.Head) -> None:
        self.head, self.looked = head, 0.0
        spec = _sent.spec_of(head)
        asked = _sent.asked_of(spec)
        self.statement: Optional[StatementRequest] = None
        if isinstance(asked.kernel, str):
            request: Request = StatementRequest(asked)
            self.statement = request  # type: ignore[assignment]
        else:
            request = Request(asked)
        super().__init__("threads" if spec.threads > 1 and not request.calls_python else "serial")
        self.spec, self.request, self.options = spec, request, asked.options
        self.kernels = KnownKernels(False, settled=True)
        self.files: Any = None
        try:
            if self.kind == "threads":
                self.open(spec.threads)
            self.job = self._joined(request, asked)
        except BaseException:
            self.leave()
            raise

    def _joined(self, request: Request, asked: Any) -> Any:
        assert request.files is not None
        request.files = request.files._replace(identity=self.spec.identity)
        known = self._known(request) if request.native is None else None
        if request.reductions:
            self._folds(request)
        called_with = request.prepare(known.manner if known is not None else None)
        if request.grid.count != self.spec.tiles:
            raise PoolError(f"the job has {self.spec.tiles} tiles for its caller and {request.grid.count} here: the worker must have the same "
                            "versions and the same files")
        where = _where.mask_of(asked.options.where) if asked.options.where is not None else None
        self.options = asked.options._replace(where=None)  # the outputs have it
        self.files = self._files(request, known, where)
        return self._job(request, self.options, known, called_with, None, self.files)

    def leave(self) -> None:
        """Closes everything, and removes nothing."""
        if self.files is not None:
            self.files.inner.discard()
        if self.statement is not None:
            self.statement.close()
        self.close()

    def do(self, first: int, count: int) -> Answer:
        """Computes these tiles. The answer has the checksums of those that are done, and on the disk."""
        began, start = time.time(), time.perf_counter()
        options = self.options._replace(first_tile=first, tile_count=count, report=True, progress=self._look)
        error: Optional[Error] = None
        try:
            ended = _tilework.run(self._inner, self.job, options)
        except GivenUp as given_up:
            ended = given_up.report
        except _tilework.Failure as failure:
            ended = failure.args[-1][1] if failure.args[-1] is not None else None
            error = explained(failure, self.request)
        seconds = time.perf_counter() - start
        answer: Answer = {"seconds": seconds, "began": began, "done": [], "failed": [], "error": sendable(error) if error is not None else None}
        if ended is None:
            return answer
        kind = record_of(len(self.request.notation.axes))
        records = np.frombuffer(ended.tiles(first, count), kind)
        states = records["state"]
        outputs = self.files.inner
        try:
            outputs.sync()
            for start_of, end_of in runs_of(states == DONE):
                answer["done"].append((first + start_of, outputs.sums(first + start_of, end_of - start_of)))
        except _tilework.Failure as failure:
            return {**answer, "error": sendable(of_failure(failure)), "done": []}
        answer["failed"] = [first + int(number) for number in np.flatnonzero(states == FAILED)]
        if self.spec.records:
            answer["records"] = records.tobytes()
        return answer


    def _look(self, done: int, tiles: int, seconds: float) -> None:
        """Between tiles, ten times a second."""
        now = time.monotonic()
        if done < tiles and now - self.looked >= LOOK:
            self.looked = now
            if _sent.is_stopped(self.head):
                raise GivenUp


def runs_of(flags: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    """Where True begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(edges[n]), int(edges[n + 1])) for n in range(0, len(edges), 2)]


class _Jobs:
    """Jobs that are open and have no task now, by the token of their run."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free: dict[str, list[tuple[float, Joined]]] = {}
        self.timer: Optional[threading.Timer] = None
        self.gone: dict[str, None] = {}  # of this process's own runs that have ended

    def take(self, head: _sent.Head) -> Joined:
        with self.lock:
            waiting = self.free.get(head.token)
            if waiting:
                return waiting.pop()[1]
        return Joined(head)

    def give(self, token: str, job: Joined) -> None:
        with self.lock:
            if token not in self.gone:
                self.free.setdefault(token, []).append((time.monotonic(), job))
                self._watch()
                return
        job.leave()

    def _watch(self) -> None:
        if self.timer is None:
            self.timer = threading.Timer(IDLE, self._tidy)
            self.timer.daemon = True
            self.timer.name = "tilework"
            with contextlib.suppress(RuntimeError):  # the system gives no thread, or the interpreter ends
                self.timer.start()

    def _tidy(self) -> None:
        old: list[Joined] = []
        with self.lock:
            self.timer = None
            now = time.monotonic()
            for token in list(self.free):
                old += [job for since, job in self.free[token] if now - since >= IDLE]
                self.free[token] = [pair for pair in self.free[token] if now - pair[0] < IDLE]
                if not self.free[token]:
                    del self.free[token]
            if self.free:
                self._watch()
        for job in old:
            job.leave()

    def forget(self, token: str) -> None:
        """No task of that run will come."""
        with self.lock:
            self.gone[token] = None
            while len(self.gone) > 64:
                del self.gone[next(iter(self.gone))]
            waiting = self.free.pop(token, [])
            if not self.free and self.timer is not None:
                self.timer.cancel()
                self.timer = None
        for _, job in waiting:
            job.leave()


jobs = _Jobs()
os.register_at_fork(after_in_child=jobs.__init__)  # type: ignore[misc]  # its lock may be held by a thread that is not there


def refusal(head: Any) -> Optional[str]:
    """Why this worker cannot take part: its versions."""
    for name, theirs, ours in zip(("tilework", "Python", "NumPy"), head[:3], _sent.versions()):
        if theirs != ours:
            return (f"the worker on {socket.gethostname()} has {name} {ours}, and the caller {name} {theirs}: install the same version on "
                    "both")
    return None


def work(head: Any, first: int, count: int) -> Answer:
    """The function that an engine's worker calls. It raises nothing."""
    return answered(head, lambda own: _work(own, first, count))


def answered(head: Any, compute: Callable[[_sent.Head], Answer]) -> Answer:
    """What `compute` gives, or why it cannot be done here; and who answers."""
    who = {"host": socket.gethostname(), "pid": os.getpid(), "thread": threading.get_ident()}
    refused = refusal(head)
    if refused is not None:
        return {**who, "refused": refused}
    head = _sent.Head(*head)
    depth = getattr(inside, "depth", 0)
    inside.depth = depth + 1
    try:
        return {**who, **compute(head)}
    except Exception as error:  # pylint: disable=broad-except  # the caller raises it
        return {**who, "broken": sendable(_named(error, head.folder))}
    except BaseException as error:  # Ctrl-C, or the kernel has raised it: the engine sends it, but not what the library has added
        error.__dict__.pop("report", None)
        raise
    finally:
        inside.depth = depth


def _work(head: _sent.Head, first: int, count: int) -> Answer:
    if _sent.is_stopped(head):
        return {"seconds": 0.0, "began": time.time(), "done": [], "failed": [], "error": None}
    job = jobs.take(head)
    try:
        with context_of(job.spec.context):
            answer = job.do(first, count)
    except BaseException:
        job.leave()
        raise
    jobs.give(head.token, job)
    return answer


def _named(error: Exception, folder: str) -> Exception:
    """What a worker lacks, in a sentence. `folder`: that of the run."""
    worker = f"the worker on {socket.gethostname()} (process {os.getpid()})"
    if isinstance(error, ModuleNotFoundError):
        return PoolError(f"{worker} cannot import {error.name}, which the kernel needs: install it there, or have cloudpickle send it with "
                         "cloudpickle.register_pickle_by_value(module)")
    if isinstance(error, OSError) and folder and not os.path.isdir(folder):
        return FileError(f"{worker} does not find {folder}, the folder of this run: workers must reach the folder of the outputs, and the "
                         "files of the inputs, under the same path as the caller")
    if isinstance(error, FileError):
        return in_words(error, f"(as seen by {worker})")
    if isinstance(error, OSError):
        return FileError(f"{os.fsdecode(error.filename) + ': ' if isinstance(error.filename, (str, bytes)) else ''}{error.strerror or error} "
                         f"(as seen by {worker})")
    return error


def in_words(error: Exception, more: str) -> Exception:
    """The error, with some words behind its first line."""
    first, newline, rest = str(error.args[0] if error.args else "").partition("\n")
    error.args = (f"{first} {more}{newline}{rest}",)
    return error


@contextlib.contextmanager
def context_of(context: tuple[Any, Any]) -> Any:
    """The caller's errstate and decimal context."""
    errors, decimal_context = context
    with np.errstate(**errors), contextlib.ExitStack() as stack:
        if decimal_context is not None:
            import decimal
            stack.enter_context(decimal.localcontext(decimal_context))
        yield


def is_inside() -> bool:
    """This thread is in a task of an engine's worker."""
    return getattr(inside, "depth", 0) > 0
