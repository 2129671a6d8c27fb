"""The server's side of a pool with start="spawn": answers one program, with workers that it forks."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import Any, Optional

from . import _context
from ._errors import PoolError
from ._interpreter import STARTED
from ._known import MOST_KNOWN, KnownKernels
from ._local import Engine as LocalEngine
from ._options import Asked, RunOptions, Tell
from ._places import Found
from ._request import Request
from ._shared import SharedArray, handle_of, of_owner
from ._signature import read
from ._wire import Content, Handle, Known, Run, Wanted, kernel_of, parts, sendable

TOGETHER = 0.005  # seconds in which finished tiles are sent as one message


class Engine(LocalEngine):
    """Has the program hear of tiles."""

    def __init__(self, server: Server) -> None:
        super().__init__("processes")
        self.kernels = KnownKernels(True, settled=True)  # equal contents are one object here, which nothing changes
        self.server = server

    def _told(self, request: Request, job: Any, on_tile: Any, files: Any) -> Any:
        self.server.tiles = Tiles(self.server, request, on_tile == "tiles")
        return self.server.tiles


class Tiles:
    """What the extension calls with each tile that is done, and before the first. Tiles that follow each other quickly are sent
    together."""

    def __init__(self, server: Server, request: Request, wanted: bool) -> None:
        self.server, self.request, self.wanted = server, request, wanted
        self.arrays: dict[int, tuple[Any, int]] = {}  # of chosen outputs, by their ids: the array, and its number
        self.waiting: list[Any] = []
        self.sent = 0.0

    def __call__(self, number: int, chosen: Any) -> None:
        if number < 0:
            self.server.send("begin", (self.server.engine.pids(), {k: self.request.dtypes[k] for k in self.request.notation.outs}))
        elif self.wanted:
            self.waiting.append((number, [(k, *self._place(array)) for k, array in chosen]))
            if time.monotonic() - self.sent > TOGETHER:
                self.flush()

    def flush(self) -> None:
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self.server.send("tiles", waiting)
            self.sent = time.monotonic()

    def _place(self, array: Any) -> tuple[int, Optional[Handle]]:
        """Its number; the handle too, if the program does not have it yet."""
        found = self.arrays.get(id(array))
        if found is not None:
            return found[1], None
        number, handle = self.server.known(of_owner(array))
        self.arrays[id(array)] = array, number
        return number, handle


class Server:
    """Answers one program until it ends or closes the connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.program = os.getppid()
        self.engine = Engine(self)
        self.arrays: dict[int, SharedArray] = {}
        self.next = 0
        self.new: list[int] = []  # numbers of arrays that the program has not heard of
        self.kernels: dict[str, Any] = {}  # by their contents
        self.tiles: Optional[Tiles] = None  # of the run
        self.found = Found()
        self.running = False
        self.sending = False
        self.asked = False  # to end the run, while a message was sent

    def interrupted(self, *_: object) -> None:
        """SIGINT, which the program sends when its own run is interrupted. A message that has begun becomes whole."""
        if self.sending:
            self.asked = True
        elif self.running:
            self.running = False
            raise KeyboardInterrupt

    def send(self, kind: str, value: Any) -> None:
        numbers, self.new = self.new, []
        self.asked = False
        self.sending = True
        try:
            self.connection.send((kind, value, numbers))
        finally:
            self.sending = False
        if self.asked:
            self.interrupted()

    def loop(self) -> None:
        while True:
            try:
                while not self.connection.poll(1.0):
                    self.found = Found()  # what the last run was given goes if no other one follows
                    if os.getppid() != self.program:  # a child of the program still has the connection
                        raise EOFError
                unwanted, what, *rest = self.connection.recv()
            except (EOFError, OSError):
                break
            for number in unwanted:
                self.arrays.pop(number, None)
            try:
                answer: tuple[str, Any] = ("done", getattr(self, f"do_{what}")(*rest))
            except KeyboardInterrupt as interrupt:
                report = getattr(interrupt, "report", None)
                answer = ("interrupted", (report and parts(report), getattr(interrupt, "__notes__", ())))
            except Exception as error:  # pylint: disable=broad-except
                answer = ("error", sendable(error))
            del rest
            try:
                self.send(*answer)
            except OSError:
                break
            del answer
        self.engine.close()

    def do_open(self, workers: int) -> tuple[int, Optional[str], tuple[int, ...]]:
        self.engine.open(workers)
        return self.engine.workers, self.engine.note, self.engine.pids()

    def do_pids(self) -> tuple[int, ...]:
        return self.engine.pids()

    def do_empty(self, shape: tuple[int, ...], dtype: Any) -> Known:
        return self.known(self.engine.empty(shape, dtype))

    def known(self, array: SharedArray) -> Known:
        """Its number, and the handle by which the program maps it."""
        handle = handle_of(array)
        if handle is None:
            raise PoolError("start='spawn' needs memory files (memfd), which this system refuses")
        self.next += 1
        self.arrays[self.next] = array
        self.new.append(self.next)
        return self.next, handle

    def do_arrays(self, wanted: list[Optional[Wanted]]) -> list[Optional[Known]]:
        return [None if item is None else self.do_empty(*item) for item in wanted]

    def kernel_of(self, content: Content) -> Any:
        """The same object for the same content, so that workers need not be forked again."""
        if content[0] == "once":
            return kernel_of(content)
        what = content[1]
        identity = hashlib.sha256(what if isinstance(what, bytes) else repr(what).encode()).hexdigest()
        kernel = self.kernels.pop(identity, None)
        if kernel is None:
            kernel = kernel_of(content)
        while len(self.kernels) >= MOST_KNOWN:
            del self.kernels[next(iter(self.kernels))]
        self.kernels[identity] = kernel
        return kernel

    def do_run(self, run: Run) -> tuple[Optional[tuple[dict[str, Any], bytes, str]], dict[int, Known], list[str]]:
        notation = read(run.signature)
        said: list[str] = []  # which the program will say
        self.engine.warn = said.append
        _context.adopt(*run.context)
        reduce = {name: how if isinstance(how, str) else self.kernel_of(how) for name, how in run.reduce.items()}
        views = [run.inputs.get(k) if view is None else view for k, view in enumerate(self.found.views(run.places))]
        kernel = self.kernel_of(run.kernel)
        try:
            asked = Asked(kernel, run.signature, tuple(views[k] for k in notation.given), tuple(views[k] for k in notation.made), None,
                          run.splits, dict(zip(notation.axes, run.lengths)), run.edges, run.options, None, None, reduce)
            request = Request(asked if run.files is None else run.files.asked(asked, notation, run.dtypes))
            request.fresh = run.fresh if run.files is None else b""
            request.files = run.files
            results, report = self.run(request, run.options._replace(progress=self.teller(bool(run.options.progress)),
                                                                     where=_mask(run, views[-1])))
        finally:
            self.tiles = None
            if run.kernel[0] == "once":
                kernel.close()
                self.engine.kernels.drop(kernel)
        outputs = dict(zip(notation.outs, results if len(notation.outs) > 1 else (results,)))
        chosen = {k: self.known(outputs[k].view(SharedArray)) for k in request.deferred}
        return parts(report) if report is not None else None, chosen, said

    def run(self, request: Request, options: RunOptions) -> tuple[Any, Any]:
        """Results and report."""
        self.running = True
        try:
            found = self.engine.run(request, options)
        except Exception:
            self.flush()
            raise
        finally:
            self.running = False
        self.flush()
        return found if options.report else (found, None)

    def flush(self) -> None:
        """The program hears of all tiles that are done."""
        if self.tiles is not None:
            self.tiles.flush()

    def teller(self, progress: bool) -> Tell:
        """Tells the program how far the run is, and ends with it."""
        def tell(done: int, total: int, seconds: float) -> None:
            try:
                if self.connection.poll(0):  # it has nothing to say during a run: it has gone
                    os._exit(0)
                self.flush()
                if progress:
                    self.send("progress", (done, total, seconds))
            except OSError:
                os._exit(0)
        return tell


def _mask(run: Run, view: Any) -> Any:
    """As the option takes it."""
    if run.where is None:
        return None
    path, axes = run.where
    mask = view if path is None else path
    return mask if axes is None else {axes: mask}


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
