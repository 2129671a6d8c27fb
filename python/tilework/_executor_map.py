"""`map` on an Executor: the caller sends each task what its tiles need of arrays in memory, and a worker answers with what the kernel
returned for each tile. There are no files but those of the inputs."""

from __future__ import annotations

import os
import pickle
import time
from typing import Any, NamedTuple, Optional

import numpy as np

from . import _context, _errors, _frames, _sent, _task, _tilework, _where
from ._answers import Answers, Told
from ._dispatch import Dispatch
from ._engines import Engine as Workers
from ._engines import engine_of
from ._errors import ArgumentError, Error, PoolError
from ._explained import explained
from ._finished import Teller, hears_tiles
from ._generators import warn_of
from ._known import KnownKernels
from ._local import Engine as LocalEngine
from ._manner import Manner
from ._map import Returned
from ._options import Asked, RunOptions
from ._progress import teller
from ._report import record_of
from ._request import Request
from ._wire import content_of, kernel_of, sendable

LARGE = 1 << 26  # bytes of an array that are not sent with every task


class Sent(NamedTuple):
    """A map, as its workers need it."""

    asked: Asked  # whose kernel and operands are those below
    kernel: Any
    inputs: tuple[Optional[_sent.Input], ...]  # None: each task brings its part
    context: tuple[Any, Any]
    tiles: int
    records: bool


class Part(NamedTuple):
    """What the tiles of a task need of an array. A worker does not read the rest."""

    shape: tuple[int, ...]  # of the array
    order: tuple[int, ...]  # its dimensions, from the one with the largest strides on
    start: tuple[int, ...]
    content: np.ndarray[Any, Any]

    def array(self) -> np.ndarray[Any, Any]:
        """As large as the whole one; the system gives memory only for what is written to it."""
        made: np.ndarray[Any, Any] = np.empty([self.shape[d] for d in self.order], self.content.dtype)
        made = made.transpose(np.argsort(self.order))
        made[tuple([slice(first, first + length) for first, length in zip(self.start, self.content.shape)])] = self.content
        return made


def _mapped(kernel: Any) -> Returned:
    """The kernel as the local engines map it, which decides how the job is divided."""
    return Returned(kernel, Manner(kernel).tile, False)


# ---- the caller --------------------------------------------------------------------------------------------------------


def do(asked: Asked) -> Any:
    return Engine(engine_of(asked.pool)).go(asked)


class Tiles(Answers):
    """The tiles of a map, and what was returned for those that are done."""

    def __init__(self, request: Request, options: RunOptions, told: Told, wanted: Optional[np.ndarray[Any, Any]]) -> None:
        super().__init__(request, options, told)
        self.values: list[Any] = [None] * self.count
        self.open = np.ones(self.count, bool) if wanted is None else wanted.copy()
        self.skipped = self.count - int(self.open.sum())

    def missing(self, first: int) -> tuple[int, int]:
        """In one step."""
        rest = self.open[first:]
        begin = int(rest.argmax()) if len(rest) else 0
        if not len(rest) or not rest[begin]:
            return first, 0
        rest = rest[begin:]
        return first + begin, len(rest) if rest.all() else int(rest.argmin())

    def leave(self) -> bool:
        return False  # nothing is kept

    def take(self, first: int, count: int, answer: Any) -> tuple[int, float]:
        self.hear(first, answer)
        for tile, value in answer["values"].items():
            if self.open[tile]:
                self.values[tile] = value if answer["live"] else self._read(tile, value)
                self.open[tile] = False
        done = self.tell([(first + begin, end - begin) for begin, end in answer["done"]])
        self.fail(answer)
        self.open[answer["failed"]] = False
        return done, answer["seconds"]

    def _read(self, tile: int, content: bytes) -> Any:
        try:
            return pickle.loads(content)
        except Exception as error:
            raise PoolError(f"what the kernel has returned for tile {tile}, {self.request.grid.text(tile)}, cannot be read here: "
                            f"{type(error).__name__}: {error}") from error


class Engine(LocalEngine):
    """Does one map."""

    def __init__(self, workers: Workers) -> None:
        super().__init__("serial")
        self.engine = workers

    def go(self, asked: Asked) -> Any:
        request, options = Request(asked), asked.options
        kernel = request.kernel
        warn_of(kernel, not self.engine.is_in_process)
        token = f"{os.getpid()}-{os.urandom(8).hex()}"
        content: Any = ("live", token) if self.engine.is_in_process else content_of(request, _sent.POOL)
        request.kernel = _mapped(kernel)
        request.prepare(self._known(request).manner)
        where = _where.mask_of(options.where) if options.where is not None else None
        wanted = _where.wanted(request, where) if where is not None else None
        inputs: tuple[Optional[_sent.Input], ...] = ()
        if self.engine.is_in_process:
            _sent.live[token] = kernel, asked.operands
        else:
            inputs = tuple([_input_of(request, k) for k in request.notation.given])
        bare = asked._replace(kernel=None, operands=(), pool=None, workers=None, learner=None,
                              options=RunOptions(keep_going=options.keep_going, report=True))
        sent = pickle.dumps(Sent(bare, content, inputs, _context.portable(), request.grid.count, options.report), pickle.HIGHEST_PROTOCOL)
        head = _sent.Head(*_sent.versions(), token, "", sent, "", "")
        try:
            return self._dispatched(request, options, head, wanted, inputs)
        finally:
            _sent.forget(token)

    def _dispatched(self, request: Request, options: RunOptions, head: _sent.Head, wanted: Any,
                    inputs: tuple[Optional[_sent.Input], ...]) -> Any:
        def parts(first: int, count: int) -> tuple[Any, ...]:
            return ([_part_of(request, k, first, count) if one is None else None for k, one in zip(request.notation.given, inputs)],)

        name = self.engine.name
        with teller(options.progress) as tell:
            on_tile = Teller(request, {}, options.on_tile, self) if hears_tiles(options.on_tile) else None
            tiles = Tiles(request, options, Told(tell, on_tile), wanted)
            dispatch = Dispatch(self.engine, tiles, work, (tuple(head),), max(0, options.retries), tiles.lost_on(name), self.warn, parts)
            try:
                dispatch.run()
            except BaseException as error:
                if options.report or not isinstance(error, _errors.Error):
                    setattr(error, "report", tiles.report(name))
                raise
        if tiles.failed:
            _frames.warn(f"{tiles.failed[min(tiles.failed)].args[0]}; tiles that failed have None in the list", RuntimeWarning)
        if not options.report:
            return tiles.values
        report = tiles.report(name)
        report.totals["deaths"] = dispatch.deaths
        return tiles.values, report


def _is_needed_whole(request: Request, k: int) -> bool:
    return request.notation.signature.has_halo or all(request.grid.counts[axis] == 1 for axis in request.notation.shapes[k])


def _input_of(request: Request, k: int) -> Optional[_sent.Input]:
    """A file, or a small array; None: a part of it is sent with each task."""
    array = request.arrays[k]
    assert array is not None
    if k in request.input_files:
        return _sent.Input(os.path.abspath(request.input_files[k]))
    found = _sent.part_of_file(array)
    if found is not None:
        return found
    if array.nbytes <= _sent.SMALL:
        return _sent.Input(None, np.asarray(array).copy(order="K"))
    if array.nbytes > LARGE and _is_needed_whole(request, k):
        name = request.notation.names[k]
        raise ArgumentError(f"every tile needs all {array.nbytes >> 20} MiB of {name}, which would be sent with each task: save it where all workers "
                            f"reach it, np.save('{name}.npy', {name}), and give '{name}.npy' in its place")
    return None


def _part_of(request: Request, k: int, first: int, count: int) -> Part:
    """What these tiles need of operand k."""
    array = np.asarray(request.arrays[k])
    order = tuple(sorted(range(array.ndim), key=lambda d: -abs(array.strides[d])))
    start, stop = [0] * array.ndim, list(array.shape)
    if not _is_needed_whole(request, k):
        found = [request.grid.part(tile, k) for tile in range(first, first + count)]
        boxes = [part[1:] for part in found if part is not None]  # every step of a map reads all its inputs
        start = [min(one) for one in zip(*[box[0] for box in boxes])]
        stop = [max(one) for one in zip(*[box[1] for box in boxes])]
    return Part(array.shape, order, tuple(start), array[tuple(map(slice, start, stop))])


# ---- a worker ----------------------------------------------------------------------------------------------------------


class Pickled(Returned):
    """A kernel whose values are sent: one that cannot be pickled fails its tile."""

    is_sent = True

    def __call__(self, *arrays: Any, tile: Any) -> None:
        super().__call__(*arrays, tile=tile)
        value = self.values[tile.number]
        try:
            self.values[tile.number] = self._pickled(value)
        except Exception as error:
            raise TypeError(f"what the kernel has returned, a {type(value).__name__}, cannot be pickled: {error}; return something "
                            "else, or use a ThreadPoolExecutor") from error


class Mapper(LocalEngine):
    """Some tiles of somebody else's map, computed here."""

    def __init__(self, sent: Sent, parts: list[Optional[Part]]) -> None:
        super().__init__("serial")
        self.kernels = KnownKernels(False, settled=True)
        how, what = sent.kernel
        self.live = how == "live"
        if self.live:
            kernel, operands = _sent.live[what]
        else:
            kernel = kernel_of(sent.kernel)
            operands = tuple([part.array() if part is not None else _sent.array_of(one) for one, part in zip(sent.inputs, parts)])
        self.request = Request(sent.asked._replace(kernel=kernel, operands=operands))
        self.returned = _mapped(kernel) if self.live else Pickled(kernel, Manner(kernel).tile, False)
        self.request.kernel = self.returned
        self.sent = sent

    def do(self, first: int, count: int) -> _task.Answer:
        request, options = self.request, self.sent.asked.options
        known = self._known(request)
        called_with = request.prepare(known.manner)
        if request.grid.count != self.sent.tiles:
            raise PoolError(f"the job has {self.sent.tiles} tiles for its caller and {request.grid.count} here: the worker must have the same "
                            "versions and the same files")
        began, start = time.time(), time.perf_counter()
        error: Optional[Error] = None
        job = self._job(request, options, known, called_with, None)
        try:
            ended = _tilework.run(None, job, options._replace(only=np.arange(first, first + count, dtype=np.uint64).tobytes()))
        except _tilework.Failure as failure:
            ended = failure.args[-1][1] if failure.args[-1] is not None else None
            error = explained(failure, request)
        seconds = time.perf_counter() - start
        answer: _task.Answer = {"seconds": seconds, "began": began, "done": [], "failed": [], "values": {}, "live": self.live,
                                "error": sendable(error) if error is not None else None}
        if ended is None:
            return answer
        records = np.frombuffer(ended.tiles(first, count), record_of(len(request.notation.axes)))
        done = records["state"] == _task.DONE
        answer["done"] = _task.runs_of(done)
        answer["failed"] = [first + int(number) for number in np.flatnonzero(records["state"] == _task.FAILED)]
        answer["values"] = {first + int(number): self.returned.values[first + int(number)] for number in np.flatnonzero(done)}
        if self.sent.records:
            answer["records"] = records.tobytes()
        return answer


def work(head: Any, first: int, count: int, parts: list[Optional[Part]]) -> _task.Answer:
    """The function that an engine's worker calls. It raises nothing."""
    def compute(own: _sent.Head) -> _task.Answer:
        sent: Sent = pickle.loads(own.content)
        with _task.context_of(sent.context):
            return Mapper(sent, parts).do(first, count)
    return _task.answered(head, compute)
