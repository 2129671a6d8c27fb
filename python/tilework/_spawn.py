"""Pools of processes for programs that must not be forked: a fresh interpreter, started for the pool, forks its workers.

The interpreter (the *server*) serves one pool and one program over a socket. All arrays of the pool lie in the server's
shared memory; the program maps them by their handles. When either side ends, the other one notices: the server ends with
its workers, the program gets a PoolError.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import io
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import weakref
from multiprocessing.connection import Connection
from typing import Any, Optional

import numpy as np

from . import _arguments, _classes, _context, _errors, _generators, _manner, _shared, _signals, _tilework
from ._errors import ArgumentError, PoolError
from ._known import MOST_KNOWN, KnownKernels
from ._objects import Kernel, Pool
from ._progress import teller
from ._report import Report, ReportParts
from ._request import Request

STARTED = "TILEWORK_SPAWN"  # set in the environment of an interpreter until it serves
PATIENCE = 5.0  # seconds that a server has to answer when it is to stop or to close


def _of_host() -> Optional[str]:
    """In a server or an application that has Python in it (uWSGI, mod_wsgi), sys.executable is the host or empty. The
    interpreter of the same installation and version is where it is installed; None if it is not."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        path = os.path.join(folder, "bin", name)
        if os.access(path, os.X_OK):
            return path
    return None


def _interpreter() -> str:
    """The program that runs Python. In a frozen application sys.executable is the application: it would start again, open
    its own pool, and so on without end."""
    from multiprocessing import spawn
    chosen = os.fsdecode(spawn.get_executable() or b"")
    frozen = getattr(sys, "frozen", False) or hasattr(sys.modules.get("__main__"), "__compiled__")
    named = chosen != (sys.executable or "")  # by multiprocessing.set_executable
    if not frozen and not named and not os.path.basename(chosen).startswith(("python", "pypy")):
        chosen = _of_host() or chosen
    if STARTED in os.environ or not chosen or (frozen and chosen == sys.executable):
        what = "this application is frozen" if frozen else f"{chosen or 'this program'} is no Python interpreter"
        raise PoolError(f"start='spawn' needs a fresh Python interpreter, but {what}, so it would start itself again; use "
                        "start='fork' or pool='threads', or name an interpreter that has tilework with "
                        "multiprocessing.set_executable")
    return chosen


# ---- the program's side ------------------------------------------------------------------------------------------------


class SpawnPool(Pool):
    """A :class:`Pool` with ``start="spawn"``."""

    def _open(self, workers: int) -> None:
        interpreter = _interpreter()
        ours, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from tilework._spawn import serve; serve({theirs.fileno()})"
        with theirs:
            self._server = subprocess.Popen([interpreter, "-c", code], stdin=subprocess.DEVNULL,
                                            pass_fds=[theirs.fileno()], start_new_session=True,
                                            env={**os.environ, STARTED: "1"})
        self._connection = Connection(ours.detach())
        self._awaited = False  # an answer of the server's
        self._ending = False  # the program does
        self._unwanted: list[int] = []  # numbers of server arrays to be given back; filled by finalizers at any moment
        # The mappings of the server's arrays: number there, address here.
        self._mapped: "weakref.WeakKeyDictionary[Any, tuple[int, int]]" = weakref.WeakKeyDictionary()
        self._workers: int = 0
        self._note: Optional[str] = None
        try:
            self._workers, self._note = self._ask("open", workers)
        except BaseException:
            self._end()
            raise

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

    def _answer(self, tell: Any = None) -> Any:
        try:
            while True:
                kind, value = self._receive()
                if kind == "progress":
                    if tell is not None:
                        tell(*value)
                elif kind == "error":
                    told, cause, text, content = value
                    told.__cause__ = _errors.cause_of(text.decode("utf-8", "replace"), content) if cause else None
                    raise told
                else:
                    return value
        except BaseException:
            if self._awaited:
                self._interrupt()
            raise

    def _lost(self) -> PoolError:
        self._end()
        if self._ending:
            raise SystemExit("the program ends")  # which no thread prints
        return PoolError(f"the interpreter that this pool had started has ended (exit code {self._server.returncode}); "
                         "open another pool")

    def _interrupt(self) -> None:
        """The run there ends, and what it still has to say is taken; a server that does not answer is ended."""
        end = time.monotonic() + PATIENCE
        try:
            while self._awaited and time.monotonic() < end:
                self._server.send_signal(signal.SIGINT)  # again, for it listens only while its pool runs
                while self._awaited and self._connection.poll(0.05):
                    self._receive()
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
        self._workers = 0

    # ---- what it is ----

    @property
    def workers(self) -> int:
        return self._workers

    @property
    def note(self) -> Optional[str]:
        return self._note

    @property
    def pids(self) -> tuple[int, ...]:
        with self._turn():
            return tuple(self._ask("pids")) if not self.closed else ()

    @property
    def closed(self) -> bool:
        return self._connection.closed or self._owner != os.getpid()

    def close(self) -> None:
        if not self.closed:
            with self._turn():
                if not self.closed:
                    self._end()  # it sees the end of the connection

    def _end_run(self) -> None:
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._ending = True
            self._server.kill()  # its workers end with it

    def refresh(self) -> None:
        """Nothing to do: kernels are sent as they are at each run."""

    def _need_open(self) -> Any:
        if self.closed:
            raise PoolError("this pool is closed")

    # ---- memory ----

    def _attach(self, number: int, handle: tuple[Any, ...]) -> _shared.SharedArray:
        array = _shared.attach(*handle)
        memory: Any = array
        while isinstance(memory, np.ndarray):
            memory = memory.base
        weakref.finalize(memory, self._unwanted.append, number).atexit = False
        self._mapped[memory] = number, array.__array_interface__["data"][0]
        return array

    def empty(self, shape: Any, dtype: Any = float) -> _shared.SharedArray:
        lengths, wanted = _arguments.shape_of(shape), _arguments.as_dtype(dtype, "a shared array")
        with self._turn():
            self._need_open()
            return self._attach(*self._ask("empty", lengths, wanted))

    def _place(self, array: np.ndarray[Any, Any]) -> Optional[tuple[Any, ...]]:
        """How the server finds an array that lies in its memory."""
        memory: Any = array
        while isinstance(memory, np.ndarray):
            memory = memory.base
        try:
            found = self._mapped.get(memory)
        except TypeError:  # no weak reference to it: not one of ours
            return None
        if found is None:
            return None
        number, start = found
        return number, array.__array_interface__["data"][0] - start, array.shape, array.strides, array.dtype

    # ---- runs ----

    def _run(self, kernel: Any, native: Optional[Kernel], request: Request, options: tuple[Any, ...], progress: Any,
             report: bool) -> Any:
        content = _recipe(native) if native is not None else _pickled(kernel)
        notation = request.notation
        if native is None:
            _generators.warn_of(kernel, True)
        request.prepare(None if native is not None else _manner.Manner(kernel))
        with self._turn(), teller(progress) as tell:
            self._need_open()
            places: list[Any] = [None if array is None else self._place(array) for array in request.arrays]
            wanted = [None if place is not None or k in request.deferred else
                      (tuple(request.lengths[axis] for axis in notation.shapes[k]) if request.arrays[k] is None
                       else request.arrays[k].shape, request.dtypes[k])  # type: ignore[union-attr]
                      for k, place in enumerate(places)]
            made = {}
            if any(item is not None for item in wanted):
                handles = self._ask("arrays", wanted)
                for k, item in enumerate(handles):
                    if item is not None:
                        made[k] = self._attach(*item)
                        places[k] = self._place(made[k])
            for k, array in enumerate(request.arrays):
                if array is not None and k in made and (notation.roles[k] != _tilework.OUT):
                    made[k][...] = array
            self._send("run", content, _context.portable(), notation.text, places, request.splits, request.lengths, options,
                       report, progress is not None, request.fresh)
            try:
                told, chosen = self._answer(tell)
            except _errors.TileError as error:
                self._copy_back(request, made)
                if error.report is not None:
                    error.report = Report(_received(error.report, request), notation.axes)
                raise
            self._copy_back(request, made)
            made.update((k, self._attach(*item)) for k, item in chosen.items())
        found = tuple(request.theirs[k] if k in request.theirs else _classes.of_items(np.asarray(made[k]))
                      for k in notation.outs)
        results = found[0] if len(found) == 1 else found
        return (results, Report(_received(told, request), notation.axes)) if report else results

    def _evaluate(self, *_: Any) -> Any:
        raise ArgumentError("statements need no interpreter and nothing to be forked: give them to tilework.evaluate or "
                            "to a pool of threads, not to one with start='spawn'")

    @staticmethod
    def _copy_back(request: Request, made: dict[int, Any]) -> None:
        """Outputs that the user gave and that the server cannot see."""
        for k in request.notation.outs:
            array = request.arrays[k]
            if k in made and array is not None:
                array[...] = made[k]


def _pickled(kernel: Any) -> tuple[str, Any]:
    try:
        import cloudpickle
    except ImportError:
        try:
            return "pickle", pickle.dumps(kernel)
        except Exception as error:
            raise PoolError("start='spawn' sends kernels with cloudpickle, which is not installed "
                            "(pip install cloudpickle)") from error
    return "pickle", _with_files(cloudpickle, kernel)


@functools.lru_cache(maxsize=1)
def _pickler(base: Any) -> Any:
    table = base.dispatch_table

    def reduced(code: types.CodeType) -> Any:
        made, arguments = table[types.CodeType](code)
        return made, tuple(code.co_filename if item == "<dynamic-code>" else item for item in arguments)

    class Pickler(base):  # type: ignore[misc]  # pylint: disable=too-few-public-methods
        dispatch_table = collections.ChainMap({types.CodeType: reduced}, table)

    return Pickler


def _with_files(cloudpickle: Any, kernel: Any) -> bytes:
    """What cloudpickle makes of it. Newer versions leave out the files of its functions, which errors, warnings and tracebacks
    of the kernel name."""
    base = getattr(cloudpickle, "Pickler", None)
    if types.CodeType not in getattr(base, "dispatch_table", ()):
        return bytes(cloudpickle.dumps(kernel))
    with io.BytesIO() as file:
        _pickler(base)(file).dump(kernel)
        return file.getvalue()


def _recipe(kernel: Kernel) -> tuple[str, Any]:
    if kernel.recipe is None:
        raise ArgumentError("a kernel that is an address of this process cannot be sent to the interpreter of "
                            "start='spawn'; give one from a library or from C source")
    return "recipe", kernel.recipe


# ---- the server's side -------------------------------------------------------------------------------------------------


class Server:
    """Answers one program until it ends or closes the connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.program = os.getppid()
        self.pool: Any = None
        self.arrays: dict[int, _shared.SharedArray] = {}
        self.next = 0
        self.kernels: dict[str, Any] = {}
        self.running = False

    def interrupted(self, *_: object) -> None:
        """SIGINT, which the program sends when its own run is interrupted."""
        if self.running:
            self.running = False
            raise KeyboardInterrupt

    def loop(self) -> None:
        while True:
            try:
                while not self.connection.poll(1.0):
                    if os.getppid() != self.program:  # a child of the program still has the connection
                        raise EOFError
                unwanted, what, *rest = self.connection.recv()
            except (EOFError, OSError):
                break
            for number in unwanted:
                self.arrays.pop(number, None)
            try:
                answer: tuple[str, Any] = ("done", getattr(self, f"do_{what}")(*rest))
            except KeyboardInterrupt:
                answer = ("interrupted", None)
            except Exception as error:  # pylint: disable=broad-except
                answer = ("error", _sendable(error))
            try:
                self.connection.send(answer)
            except OSError:
                break
        if self.pool is not None:
            self.pool.close()

    def do_open(self, workers: int) -> tuple[int, Optional[str]]:
        self.pool = Pool(workers or None, "processes")
        self.pool._kernels = KnownKernels(True, settled=True)  # equal contents are one object here, which nothing changes
        return self.pool.workers, self.pool.note

    def do_pids(self) -> tuple[int, ...]:
        return tuple(self.pool.pids)

    def do_empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, tuple[Any, ...]]:
        return self.known(self.pool.empty(shape, dtype))

    def known(self, array: _shared.SharedArray) -> tuple[int, tuple[Any, ...]]:
        """Its number, and the handle by which the program maps it."""
        handle = _shared.handle_of(array)
        if handle is None:
            raise PoolError("start='spawn' needs memory files (memfd), which this system refuses")
        self.next += 1
        self.arrays[self.next] = array
        return self.next, handle

    def do_arrays(self, wanted: list[Any]) -> list[Any]:
        return [None if item is None else self.do_empty(*item) for item in wanted]

    def kernel_of(self, kind: str, content: Any) -> Any:
        """The same object for the same content, so that workers need not be forked again."""
        identity = hashlib.sha256(content if kind == "pickle" else repr(content).encode()).hexdigest()
        kernel = self.kernels.pop(identity, None)
        if kernel is None:
            kernel = pickle.loads(content) if kind == "pickle" else Kernel.from_recipe(content)
        while len(self.kernels) >= MOST_KNOWN:
            del self.kernels[next(iter(self.kernels))]
        self.kernels[identity] = kernel
        return kernel

    def do_run(self, content: tuple[str, Any], context: Any, text: str, places: list[Any], splits: tuple[Any, ...],
               lengths: tuple[int, ...], options: tuple[Any, ...], report: bool, progress: bool,
               fresh: bytes) -> Any:
        notation = _arguments.read_notation(text)
        _context.adopt(*context)
        kernel = self.kernel_of(*content)
        native = kernel if isinstance(kernel, Kernel) else None
        views = [None if place is None else self.view(*place) for place in places]
        request = Request(native is not None, text, tuple(views[k] for k in notation.given),
                          tuple(views[k] for k in notation.made), None, splits, dict(zip(notation.axes, lengths)))
        request.fresh = fresh
        self.running = True
        try:
            result = self.pool._run(kernel, native, request, options, self.teller(progress), report)
        finally:
            self.running = False
        results = result[0] if report else result
        outputs = dict(zip(notation.outs, results if len(notation.outs) > 1 else (results,)))
        chosen = {k: self.known(outputs[k].view(_shared.SharedArray)) for k in request.deferred}
        return _parts(result[1]) if report else None, chosen

    def view(self, number: int, first: int, shape: tuple[int, ...], strides: tuple[int, ...],
             dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        return np.ndarray(shape, dtype, np.asarray(self.arrays[number]).reshape(-1).view(np.uint8), first, strides)

    def teller(self, progress: bool) -> Any:
        """Tells the program how far the run is, and ends with it."""
        def tell(done: int, total: int, seconds: float) -> None:
            try:
                if self.connection.poll(0):  # it has nothing to say during a run: it has gone
                    os._exit(0)
                if progress:
                    self.connection.send(("progress", (done, total, seconds)))
            except OSError:
                os._exit(0)
        return tell


def _received(parts: Any, request: Request) -> ReportParts:
    totals, tiles = parts
    return ReportParts(totals, tiles, request.grid)


def _parts(report: Report) -> tuple[dict[str, Any], bytes]:
    return report.totals, report.tiles.tobytes()


def _sendable(error: Exception) -> tuple[Exception, bool, bytes, bytes]:
    """An exception and its cause, each so that it can be read again."""
    cause = error.__cause__
    text, content = _errors.describe(cause) if cause is not None else (b"", b"")
    if isinstance(error, _errors.TileError) and error.report is not None:
        error.report = _parts(error.report)
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pylint: disable=broad-except
        error = PoolError(f"{type(error).__name__}: {error}")
    return error, cause is not None, text, content


def serve(descriptor: int) -> None:
    """What the fresh interpreter runs."""
    os.environ.pop(STARTED, None)
    # Numba compiles a function when it is unpickled, here, and starts its threads then: before the workers are forked.
    os.environ.setdefault("NUMBA_THREADING_LAYER", "forksafe")
    server = Server(Connection(descriptor))
    signal.signal(signal.SIGINT, server.interrupted)
    if threading.active_count() != 1:
        raise RuntimeError("the interpreter of start='spawn' must have one thread")
    server.loop()
