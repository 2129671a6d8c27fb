"""The engine for programs that must not be forked: a fresh interpreter, started for the pool, forks its workers.

The interpreter (the *server*, _serve.py) serves one pool and one program over a socket. All arrays of the pool lie in the
server's shared memory; the program maps them by their handles. When either side ends, the other one notices: the server
ends with its workers, the program gets a PoolError.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Optional

import numpy as np

from . import _context, _edges, _files, _frames, _generators, _identity, _memory, _shared, _signals, _where
from ._errors import ArgumentError, PoolError, TileError
from ._finished import Teller, hears_tiles
from ._interpreter import STARTED, interpreter
from ._manner import Manner
from ._map import collected
from ._options import RunOptions, Tell
from ._places import Place, place_of
from ._progress import teller
from ._report import Report
from ._request import Request
from ._turn import Turn
from ._wire import UNDERWAY, Handle, Run, Wanted, content_of, raised, reduce_of, report_of

PATIENCE = 5.0  # seconds that a server has to answer when it is to stop or to close
NOTHING: tuple[Any, Sequence[str]] = None, ()
WAKE = 1.0  # seconds until a thread that waits for the server looks whether another one has stopped its run


class Engine:
    """An :class:`_engine.Engine`. One request at a time: `turn` is the pool's."""

    def __init__(self, turn: Turn) -> None:
        self.workers = 0
        self.note: Optional[str] = None
        self._turn = turn
        self._awaited = False  # an answer of the server's
        self._cut_short: tuple[Any, Sequence[str]] = NOTHING  # report and notes of a run that was interrupted
        self._runs = False  # a run is under way, which `stop` ends
        self._stopped: Optional[tuple[BaseException, float]] = None  # by another thread: what the run raises, and since when
        self._pids: tuple[int, ...] = ()  # as far as is known
        self._unwanted: list[int] = []  # numbers of server arrays to be given back; filled by finalizers at any moment

    def open(self, workers: int) -> None:
        program = interpreter()
        ours, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from tilework._serve import serve; serve({theirs.fileno()})"
        with theirs:
            self._server = subprocess.Popen([program, "-c", code], stdin=subprocess.DEVNULL,
                                            pass_fds=[theirs.fileno()], start_new_session=True,
                                            env={**os.environ, STARTED: "1"})
        self._connection = Connection(ours.detach())
        try:
            self.workers, self.note, self._pids = self._ask("open", workers)
        except BaseException:
            self._end()
            raise

    # ---- what it is ----

    @property
    def forks(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._connection.closed or not self._turn.is_of_this_process()

    def pids(self) -> tuple[int, ...]:
        if self.closed:
            return ()
        if self._runs:  # the server answers after the run
            return self._pids
        with self._turn.take():
            self._pids = tuple(self._ask("pids")) if not self.closed else ()
            return self._pids

    def inside(self) -> bool:
        """Never: kernels run elsewhere."""
        return False

    def accept(self, kernel: object) -> None:
        if isinstance(kernel, str):
            raise ArgumentError("statements need no interpreter and nothing to be forked: give them to tilework.evaluate or "
                                "to a pool of threads, not to one with start='spawn'")

    def know_pids(self, pids: tuple[int, ...]) -> None:
        """Of its workers, in the middle of a run."""
        self._pids = pids

    def refresh(self) -> None:
        """Nothing to do: kernels are sent as they are at each run."""

    def close(self) -> None:
        if not self.closed:
            self._end()  # the server sees the end of the connection

    def stop(self, exception: BaseException) -> None:
        if self._runs and self._turn.is_of_this_process():
            self._stopped = self._stopped or (exception, time.monotonic())
            self._server.send_signal(signal.SIGINT)

    def _need_open(self) -> None:
        if self.closed:
            raise PoolError("this pool is closed")

    # ---- talking ----

    def _ask(self, *request: Any) -> Any:
        self._send(*request)
        return self._answer()

    def _send(self, *request: Any) -> None:
        """Ctrl-C waits until the message is whole; so it does in _receive."""
        if self._awaited:
            self._interrupt()
            self._need_open()
        unwanted = []
        while self._unwanted:
            unwanted.append(self._unwanted.pop())
        _signals.hold()
        try:
            self._connection.send((unwanted, *request))
            self._awaited = True
        except OSError as error:
            raise self._lost() from error
        finally:
            _signals.release()

    def _receive(self) -> tuple[str, Any, list[int]]:
        """Kind and content of a message, and the numbers of arrays that come with it."""
        try:
            while not self._connection.poll(WAKE):
                self._press()
            _signals.hold()
            try:
                kind, value, numbers = self._connection.recv()
                self._awaited = kind in UNDERWAY
            finally:
                _signals.release()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        return kind, value, numbers

    def _press(self) -> None:
        """Another thread has asked the run to end, and it does not."""
        if self._stopped is not None:
            if time.monotonic() - self._stopped[1] > PATIENCE:
                self._server.kill()
            else:
                self._server.send_signal(signal.SIGINT)

    def _answer(self, hear: Optional[Callable[[str, Any], object]] = None) -> Any:
        """`hear`: gets what the server says before."""
        try:
            while True:
                kind, value, numbers = self._receive()
                if kind in UNDERWAY:
                    if hear is not None:
                        hear(kind, value)
                    continue
                if kind != "done":
                    self._unwanted.extend(numbers)
                if kind == "error":
                    raise raised(*value)
                elif kind == "interrupted":
                    self._cut_short = value
                    raise self._stopped[0] if self._stopped is not None else KeyboardInterrupt
                else:
                    return value
        except BaseException:
            if self._awaited:
                self._interrupt()
            raise

    def _lost(self) -> BaseException:
        self._end()
        if self._stopped is not None:
            return self._stopped[0]
        return PoolError(f"the interpreter that this pool had started has ended (exit code {self._server.returncode}); "
                         "open another pool")

    def _interrupt(self) -> None:
        """The run there ends, and what it still has to say is taken; a server that does not answer is ended."""
        end = time.monotonic() + PATIENCE
        try:
            while self._awaited and time.monotonic() < end:
                self._server.send_signal(signal.SIGINT)  # again, for it listens only while its pool runs
                while self._awaited and self._connection.poll(0.05):
                    kind, value, numbers = self._receive()
                    self._cut_short = value if kind == "interrupted" else (value[0], ()) if kind == "done" and self._runs else NOTHING
                    self._unwanted.extend(numbers)
        except BaseException as error:
            if isinstance(error, PoolError) or error is (self._stopped or (None,))[0]:
                return
            raise
        if self._awaited:
            self._server.kill()
            self._end()

    def _end(self) -> None:
        self._awaited = False
        if not self._connection.closed:
            # Children of the program may have the connection too: for them alone the server is not to stay.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
            self._connection.close()
        try:
            self._server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self.workers = 0

    # ---- memory ----

    def attach(self, number: int, handle: Handle) -> _shared.SharedArray:
        """An array of the server's, which keeps it as long as this process does."""
        array = _shared.attach(*handle)
        weakref.finalize(_memory.memory_of(array), self._unwanted.append, number).atexit = False
        return array

    def empty(self, shape: Sequence[int], dtype: np.dtype[Any]) -> _shared.SharedArray:
        if self._runs:  # the server answers after the run
            return _shared.empty(shape, dtype)
        with self._turn.take():
            self._need_open()
            return self.attach(*self._ask("empty", tuple(shape), dtype))

    # ---- runs ----

    def run(self, request: Request, options: RunOptions) -> Any:
        return collected(self._run, request, options, True) if request.collects else self._run(request, options)

    def _run(self, request: Request, options: RunOptions) -> Any:
        if request.native is None:
            _generators.warn_of(request.kernel, True)
        request.prepare(None if request.native is not None else Manner(request.kernel))
        if request.files is not None:  # a tile may change the current folder
            request.files = request.files._replace(paths={k: os.path.abspath(path) for k, path in request.files.paths.items()})
        where, mask = _mask_of(options)
        if request.theirs:
            _memory.refuse_one_file(request.notation.names, request.arrays, request.theirs)
        content = content_of(request)
        with teller(options.progress) as tell:
            self._need_open()
            places, made = self._placed(request, mask)
            hearing = _Hearing(self, request, made, options.on_tile, tell)
            sent = options._replace(progress=tell is not None, on_tile=hearing.wish, where=None,
                                    report=options.report or where is not None or hearing.wish == "tiles")  # which an exception has
            try:
                report, chosen, said = self._done(hearing, Run(
                    content, _context.portable(), request.notation.text, places, request.splits, request.lengths,
                    _edges.again(request.edges), request.fresh, sent, reduce_of(request), _dtypes_of(request), _inputs_of(request),
                    _files_of(request), where))
            except TileError as error:
                if error.report is not None:
                    error.report = report_of(error.report, request)
                hearing.copy_back()
                raise
            except BaseException as error:
                self._say_what_was_done(error, request)
                raise
            hearing.copy_back()
            for words in said:
                _frames.warn(words, RuntimeWarning)
        return self._results(request, options, made, chosen, report_of(report, request) if report is not None else None)

    def _say_what_was_done(self, error: BaseException, request: Request) -> None:
        report, notes = self._cut_short
        with contextlib.suppress(AttributeError):
            if report is not None:
                setattr(error, "report", report_of(report, request))
        for note in notes if hasattr(error, "add_note") else ():
            error.add_note(note)

    def _done(self, hearing: _Hearing, run: Run) -> Any:
        """What the server says of a run in the end."""
        self._cut_short = NOTHING
        self._runs = True
        try:
            self._send("run", run)
            return self._answer(hearing)
        finally:
            self._runs = False
            self._stopped = None

    def _results(self, request: Request, options: RunOptions, made: dict[int, _shared.SharedArray],
                 chosen: dict[int, tuple[int, Handle]], report: Optional[Report]) -> Any:
        if request.files is not None:
            found = {k: _files.loaded(path, request.files.mmap_mode) for k, path in request.files.paths.items()}
        else:
            found = {k: np.asarray(array) for k, array in made.items()}
            if options.where is not None:
                _where.fill_skipped(request, report, {k: found[k] for k in request.notation.outs if k in found})
            found.update((k, np.asarray(self.attach(*item))) for k, item in chosen.items())
        results = request.results(found)
        return (results, report) if options.report else results

    def _placed(self, request: Request, mask: Optional[np.ndarray[Any, Any]]) -> \
            tuple[list[Optional[Place]], dict[int, _shared.SharedArray]]:
        """Where the server finds the operands and the mask, and those of them that it had to make."""
        outs, count = request.notation.outs, len(request.arrays)
        elsewhere = {*request.deferred, *_inputs_of(request)}  # files, and what the server makes by itself
        arrays = [*request.arrays, mask]
        places = [None if array is None or k in elsewhere else place_of(array, k in outs, self._server.pid)
                  for k, array in enumerate(arrays)]
        wanted = [None if place is not None or k in elsewhere or (arrays[k] is None and (k == count or request.files is not None))
                  else _wanted(request, k, arrays[k]) for k, place in enumerate(places)]
        made: dict[int, _shared.SharedArray] = {}
        if any(item is not None for item in wanted):
            for k, item in enumerate(self._ask("arrays", wanted)):
                if item is not None:
                    made[k] = self.attach(*item)
                    places[k] = place_of(made[k], True, self._server.pid)
        for k, array in enumerate(arrays):
            if array is not None and k in made:  # outputs too: a tile that is not run stays as it was
                made[k][...] = array
        return places, made


class _Hearing:
    """What the program hears of a run while it lasts. `made`: arrays of the server's, by operand."""

    def __init__(self, engine: Engine, request: Request, made: dict[int, _shared.SharedArray], on_tile: Any,
                 tell: Optional[Tell]) -> None:
        self.engine, self.request, self.tell = engine, request, tell
        self.copied = {k: made[k] for k in request.notation.outs if request.files is None and k in made and
                       request.arrays[k] is not None}  # outputs that the user gave, and that the server cannot see
        self.chosen: dict[int, np.ndarray[Any, Any]] = {}  # arrays of outputs whose dtype the kernel chooses, by the server's number
        self.wish = None if on_tile is None else "tiles" if hears_tiles(on_tile) else "begin"
        self.teller: Optional[Teller] = None
        if on_tile is not None:
            arrays = {} if request.files is not None else {k: np.asarray(made[k] if request.arrays[k] is None else request.arrays[k])
                                                           for k in request.notation.outs if k not in request.deferred}
            self.teller = Teller(request, arrays, on_tile, engine)

    def __call__(self, kind: str, value: Any) -> None:
        was, _here.hears = _here.hears, True
        try:
            if kind == "progress":
                if self.tell is not None:
                    self.tell(*value)
            elif kind == "begin":
                self._begin(*value)
            else:
                self._tiles(value)
        finally:
            _here.hears = was

    def _begin(self, pids: tuple[int, ...], dtypes: dict[int, np.dtype[Any]]) -> None:
        assert self.teller is not None
        self.engine.know_pids(pids)
        request = self.request
        if request.files is not None and self.wish == "tiles":
            request.choose(dtypes)
            self.teller.arrays = _files.views(request, request.files, request.files.paths)
        self.teller.begin()

    def _tiles(self, tiles: list[tuple[int, list[tuple[int, int, Optional[Handle]]]]]) -> None:
        assert self.teller is not None
        for _, chosen in tiles:
            self.chosen.update((own, np.asarray(self.engine.attach(own, handle))) for _, own, handle in chosen if handle is not None)
        for number, chosen in tiles:
            for k, part in self.teller.parts(number) if self.copied else ():
                if k in self.copied:
                    self.request.arrays[k][part] = self.copied[k][part]  # type: ignore[index]
            self.teller.tell(number, {k: self.chosen[own] for k, own, _ in chosen})

    def copy_back(self) -> None:
        """Outputs are as the run has left them; if tiles were heard of, they are already."""
        for k, array in self.copied.items() if self.wish != "tiles" else ():
            self.request.arrays[k][...] = array  # type: ignore[index]


class _Here(threading.local):
    hears = False  # this thread is in a function that a run calls while it lasts


_here = _Here()


def is_inside() -> bool:
    """This thread is in a function that a run of a pool of start="spawn" has called."""
    return _here.hears


def _mask_of(options: RunOptions) -> tuple[Optional[tuple[Optional[str], Optional[str]]], Optional[np.ndarray[Any, Any]]]:
    """What is said of the mask, and the mask itself, if it is no file."""
    if options.where is None:
        return None, None
    array, axes = _where.mask_of(options.where)
    _, given = _where.axes_and_mask(options.where)
    if _files.is_path(given):
        return (os.path.abspath(_files.path_of(given, "where")), axes), None
    return (None, axes), array.numpy()


def _dtypes_of(request: Request) -> tuple[Optional[np.dtype[Any]], ...]:
    return tuple([None if k in request.deferred else dtype for k, dtype in enumerate(request.dtypes)])


def _inputs_of(request: Request) -> dict[int, str]:
    """Operands that are files as they stand."""
    return {k: os.path.abspath(path) for k, path in request.input_files.items()}


def _files_of(request: Request) -> Optional[_files.Wanted]:
    """What the server must know of outputs that are files, with what the kernels are known by."""
    return request.files and request.files._replace(identity=_identity.of_request(request))


def _wanted(request: Request, k: int, array: Optional[np.ndarray[Any, Any]]) -> Wanted:
    """An array that the server makes for an operand, or for the mask."""
    if array is not None:
        return array.shape, array.dtype
    return tuple(request.lengths[axis] for axis in request.notation.shapes[k]), request.dtypes[k]
