"""The server's side of a pool with start="spawn": answers one program, with workers that it forks."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any, Optional

import numpy as np

from . import _context
from ._errors import PoolError
from ._interpreter import STARTED
from ._known import MOST_KNOWN, KnownKernels
from ._local import Engine
from ._options import Asked, Tell
from ._request import Request
from ._shared import SharedArray, handle_of
from ._signature import read
from ._wire import Content, Handle, Place, Run, Wanted, kernel_of, parts, sendable

Known = tuple[int, Handle]  # an array's number, and the handle by which the program maps it


class Server:
    """Answers one program until it ends or closes the connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.program = os.getppid()
        self.engine = Engine("processes")
        self.engine.kernels = KnownKernels(True, settled=True)  # equal contents are one object here, which nothing changes
        self.arrays: dict[int, SharedArray] = {}
        self.next = 0
        self.kernels: dict[str, Any] = {}  # by their contents
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
            except KeyboardInterrupt as interrupt:
                report = getattr(interrupt, "report", None)
                answer = ("interrupted", report and parts(report))
            except Exception as error:  # pylint: disable=broad-except
                answer = ("error", sendable(error))
            try:
                self.connection.send(answer)
            except OSError:
                break
        self.engine.close()

    def do_open(self, workers: int) -> tuple[int, Optional[str]]:
        self.engine.open(workers)
        return self.engine.workers, self.engine.note

    def do_pids(self) -> tuple[int, ...]:
        return self.engine.pids()

    def do_empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Known:
        return self.known(self.engine.empty(shape, dtype))

    def known(self, array: SharedArray) -> Known:
        """Its number, and the handle by which the program maps it."""
        handle = handle_of(array)
        if handle is None:
            raise PoolError("start='spawn' needs memory files (memfd), which this system refuses")
        self.next += 1
        self.arrays[self.next] = array
        return self.next, handle

    def do_arrays(self, wanted: list[Optional[Wanted]]) -> list[Optional[Known]]:
        return [None if item is None else self.do_empty(*item) for item in wanted]

    def kernel_of(self, content: Content) -> Any:
        """The same object for the same content, so that workers need not be forked again."""
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
        views = [run.inputs.get(k) if place is None else self.view(place) for k, place in enumerate(run.places)]
        asked = Asked(self.kernel_of(run.kernel), run.signature, tuple(views[k] for k in notation.given),
                      tuple(views[k] for k in notation.made), None, run.splits, dict(zip(notation.axes, run.lengths)),
                      run.edges, run.options, None, None, reduce)
        request = Request(asked if run.files is None else run.files.asked(asked, notation, run.dtypes))
        request.fresh = run.fresh if run.files is None else b""
        request.files = run.files
        self.running = True
        try:
            found = self.engine.run(request, run.options._replace(progress=self.teller(bool(run.options.progress))))
        finally:
            self.running = False
        results, report = found if run.options.report else (found, None)
        outputs = dict(zip(notation.outs, results if len(notation.outs) > 1 else (results,)))
        chosen = {k: self.known(outputs[k].view(SharedArray)) for k in request.deferred}
        return parts(report) if report is not None else None, chosen, said

    def view(self, place: Place) -> np.ndarray[Any, Any]:
        memory = np.asarray(self.arrays[place.number]).reshape(-1).view(np.uint8)
        return np.ndarray(place.shape, place.dtype, memory, place.first, place.strides)

    def teller(self, progress: bool) -> Tell:
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
