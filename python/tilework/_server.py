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
import time
import weakref
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, Optional

import numpy as np

from . import _classes, _context, _edges, _files, _frames, _generators, _identity, _memory, _shared, _signals, _tilework
from ._errors import ArgumentError, PoolError, TileError
from ._finished import refuse_spawned
from ._interpreter import STARTED, interpreter
from ._manner import Manner
from ._options import RunOptions, Tell
from ._progress import teller
from ._request import Request
from ._turn import Turn
from ._wire import Handle, Place, Run, Wanted, content_of, raised, reduce_of, report_of

PATIENCE = 5.0  # seconds that a server has to answer when it is to stop or to close


class Engine:
    """An :class:`_engine.Engine`. One request at a time: `turn` is the pool's."""

    def __init__(self, turn: Turn) -> None:
        self.workers = 0
        self.note: Optional[str] = None
        self._turn = turn
        self._awaited = False  # an answer of the server's
        self._cut_short: Optional[tuple[dict[str, Any], bytes, str]] = None  # the report of the run that was interrupted last
        self._ending: Optional[BaseException] = None  # what a run raises since the program ends
        self._unwanted: list[int] = []  # numbers of server arrays to be given back; filled by finalizers at any moment
        # The mappings of the server's arrays: number there, address here.
        self._mapped: "weakref.WeakKeyDictionary[Any, tuple[int, int]]" = weakref.WeakKeyDictionary()

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
            self.workers, self.note = self._ask("open", workers)
        except BaseException:
            self._end()
            raise

    # ---- what it is ----

    @property
    def closed(self) -> bool:
        return self._connection.closed or not self._turn.is_of_this_process()

    def pids(self) -> tuple[int, ...]:
        with self._turn.take():
            return tuple(self._ask("pids")) if not self.closed else ()

    def inside(self) -> bool:
        """Never: kernels run elsewhere."""
        return False

    def accept(self, kernel: object) -> None:
        if isinstance(kernel, str):
            raise ArgumentError("statements need no interpreter and nothing to be forked: give them to tilework.evaluate or "
                                "to a pool of threads, not to one with start='spawn'")

    def refresh(self) -> None:
        """Nothing to do: kernels are sent as they are at each run."""

    def close(self) -> None:
        if not self.closed:
            self._end()  # the server sees the end of the connection

    def stop(self, exception: BaseException) -> None:
        if not self._turn.is_free():
            self._ending = exception
            self._server.kill()  # its workers end with it

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

    def _receive(self) -> tuple[str, Any]:
        try:
            self._connection.poll(None)
            _signals.hold()
            try:
                kind, value = self._connection.recv()
                self._awaited = kind == "progress"
            finally:
                _signals.release()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        return kind, value

    def _answer(self, tell: Optional[Tell] = None) -> Any:
        try:
            while True:
                kind, value = self._receive()
                if kind == "progress":
                    if tell is not None:
                        tell(*value)
                elif kind == "error":
                    raise raised(*value)
                else:
                    return value
        except BaseException:
            if self._awaited:
                self._interrupt()
            raise

    def _lost(self) -> PoolError:
        self._end()
        if self._ending is not None:
            raise self._ending
        return PoolError(f"the interpreter that this pool had started has ended (exit code {self._server.returncode}); "
                         "open another pool")

    def _interrupt(self) -> None:
        """The run there ends, and what it still has to say is taken; a server that does not answer is ended."""
        end = time.monotonic() + PATIENCE
        self._cut_short = None
        try:
            while self._awaited and time.monotonic() < end:
                self._server.send_signal(signal.SIGINT)  # again, for it listens only while its pool runs
                while self._awaited and self._connection.poll(0.05):
                    kind, value = self._receive()
                    self._cut_short = value if kind == "interrupted" else None
        except PoolError:
            return
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

    def _attach(self, number: int, handle: Handle) -> _shared.SharedArray:
        array = _shared.attach(*handle)
        memory = _memory.memory_of(array)
        weakref.finalize(memory, self._unwanted.append, number).atexit = False
        self._mapped[memory] = number, array.__array_interface__["data"][0]
        return array

    def empty(self, shape: Sequence[int], dtype: np.dtype[Any]) -> _shared.SharedArray:
        with self._turn.take():
            self._need_open()
            return self._attach(*self._ask("empty", tuple(shape), dtype))

    def _place(self, array: np.ndarray[Any, Any]) -> Optional[Place]:
        """How the server finds an array that lies in its memory."""
        try:
            found = self._mapped.get(_memory.memory_of(array))
        except TypeError:  # no weak reference to it: not one of ours
            return None
        if found is None:
            return None
        number, start = found
        return Place(number, array.__array_interface__["data"][0] - start, array.shape, array.strides, array.dtype)

    # ---- runs ----

    def run(self, request: Request, options: RunOptions) -> Any:
        for what, wish in (("map", request.collects), ("iterate, submit or on_tile", options.on_tile), ("where", options.where is not None)):
            if wish:
                raise refuse_spawned(what)
        content, notation = content_of(request), request.notation
        if request.native is None:
            _generators.warn_of(request.kernel, True)
        request.prepare(None if request.native is not None else Manner(request.kernel))
        with teller(options.progress) as tell:
            self._need_open()
            places, made = self._placed(request)
            sent = options._replace(progress=options.progress is not None)
            self._send("run", Run(content, _context.portable(), notation.text, places, request.splits, request.lengths,
                                  _edges.again(request.edges), request.fresh, sent, reduce_of(request),
                                  _dtypes_of(request), _inputs_of(request), _files_of(request)))
            try:
                report, chosen, said = self._answer(tell)
            except TileError as error:
                _copy_back(request, made)
                if error.report is not None:
                    error.report = report_of(error.report, request)
                raise
            except KeyboardInterrupt as interrupt:
                if self._cut_short is not None:
                    setattr(interrupt, "report", report_of(self._cut_short, request))
                raise
            _copy_back(request, made)
            for words in said:
                _frames.warn(words, RuntimeWarning)
            made.update((k, self._attach(*item)) for k, item in chosen.items())
        if request.files is not None:
            results = request.results({k: _files.loaded(path, request.files.mmap_mode) for k, path in request.files.paths.items()})
            return (results, report_of(report, request)) if options.report else results
        found = tuple(request.theirs[k] if k in request.theirs else _classes.of_items(np.asarray(made[k]))
                      for k in notation.outs)
        results = found[0] if len(found) == 1 else found
        return (results, report_of(report, request)) if options.report else results

    def _placed(self, request: Request) -> tuple[list[Optional[Place]], dict[int, _shared.SharedArray]]:
        """Where the server finds the operands, and those of them that it had to make: it knows no memory of the program's."""
        elsewhere = {*request.deferred, *_inputs_of(request)}  # files, and what the server makes by itself
        places = [None if array is None or k in elsewhere else self._place(array) for k, array in enumerate(request.arrays)]
        wanted = [None if place is not None or k in elsewhere or (request.files is not None and request.arrays[k] is None)
                  else _wanted(request, k) for k, place in enumerate(places)]
        made: dict[int, _shared.SharedArray] = {}
        if any(item is not None for item in wanted):
            for k, item in enumerate(self._ask("arrays", wanted)):
                if item is not None:
                    made[k] = self._attach(*item)
                    places[k] = self._place(made[k])
        for k, array in enumerate(request.arrays):
            if array is not None and k in made:  # outputs too: a tile that is not run stays as it was
                made[k][...] = array
        return places, made


def _dtypes_of(request: Request) -> tuple[Optional[np.dtype[Any]], ...]:
    return tuple([None if k in request.deferred else dtype for k, dtype in enumerate(request.dtypes)])


def _inputs_of(request: Request) -> dict[int, str]:
    """Operands that are files as they stand."""
    return {k: os.path.abspath(path) for k, path in request.input_files.items()}


def _files_of(request: Request) -> Optional[_files.Wanted]:
    """What the server must know of outputs that are files: their whole names, and who the kernels are."""
    if request.files is None:
        return None
    return request.files._replace(paths={k: os.path.abspath(path) for k, path in request.files.paths.items()},
                                  identity=_identity.of_request(request))


def _wanted(request: Request, k: int) -> Wanted:
    array = request.arrays[k]
    if array is not None:
        return array.shape, request.dtypes[k]
    return tuple(request.lengths[axis] for axis in request.notation.shapes[k]), request.dtypes[k]


def _copy_back(request: Request, made: dict[int, _shared.SharedArray]) -> None:
    """Outputs that the user gave and that the server cannot see."""
    for k in request.notation.outs if request.files is None else ():
        array = request.arrays[k]
        if k in made and array is not None:
            array[...] = made[k]
