"""Runs whose tiles the workers of an Executor, or of Dask, compute. This process gives out ranges of tiles, keeps the journal, and gives the
files their names in the end. Results never come here: workers write them to the files in the run folder."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Optional

import numpy as np

from . import _errors, _files, _generators, _identity, _sent, _task, _tilework, _where
from ._dispatch import Dispatch
from ._engines import Engine as Workers
from ._engines import engine_of
from ._errors import ArgumentError, FileError, PoolError, TileError
from ._files import Written
from ._finished import Teller, hears_tiles
from ._local import Engine as LocalEngine
from ._options import Asked, RunOptions
from ._placement import workers_of
from ._progress import teller
from ._report import Report, ReportParts, record_of
from ._request import Request
from ._statement import StatementRequest
from ._wire import raised

NODE = (0, 1)  # the caller is the only one that records
NEEDS_FILE = "a pool that is an Executor writes results to files that its workers reach: give out='r.npy'"


def do(asked: Asked) -> Any:
    """A call whose pool is an Executor or a Client."""
    if asked.node is not None:
        raise ArgumentError("node= is for programs that run on each node by themselves, and pool= an Executor has workers of its own: give one "
                            "of them")
    if asked.collects:
        raise ArgumentError("map gives a list of objects, which would all come here from the workers: an Executor's own map does that")
    for name, given in (("timeout", asked.options.timeout), ("guard", asked.options.guard),
                        ("tiles_per_worker", asked.options.tiles_per_worker)):
        if given:
            raise ArgumentError(f"{name}= is for worker processes of Tilework's own; those of an Executor are its own matter")
    if asked.options.check:
        raise ArgumentError("check= computes all again as one tile, in memory: give it to a run without an Executor")
    if asked.out is None or not _files.is_for_files(asked.out):
        raise ArgumentError(NEEDS_FILE)
    workers = engine_of(asked.pool)
    threads = workers_of(asked.workers) or workers.share()
    asked = asked._replace(node=NODE, portable=True)
    if not isinstance(asked.kernel, str):
        return Engine(workers, threads).go(Request(asked), asked)
    statement = StatementRequest(asked)
    try:
        return Engine(workers, threads).go(statement, asked)
    finally:
        statement.close()


class Tiles:
    """The tiles of a run, as `Dispatch` sees them: the journal, and all who want to know."""

    def __init__(self, request: Request, files: Written, options: RunOptions, tell: Any, on_tile: Optional[Teller], token: str) -> None:
        self.request, self.files, self.options, self.tell, self.on_tile = request, files, options, tell, on_tile
        self.token = token
        self.inner = files.inner
        self.count = request.grid.count
        self.skipped = self.inner.shared[0]
        self.resumed = self.done = files.done
        self.failed: dict[int, Exception] = {}
        self.workers: dict[tuple[str, int, int], int] = {}
        self.began, self.wall = time.monotonic(), time.time()
        self.busy = 0.0
        self.finished: list[tuple[int, int]] = []  # by workers of this run: the first tile and how many
        self.records: Any = self._no_records() if options.report else None

    def missing(self, first: int) -> tuple[int, int]:
        while True:
            first, count = self.inner.missing(first)
            while count and first in self.failed:  # which is not tried again
                first, count = first + 1, count - 1
            if count:
                return first, next((tile - first for tile in range(first, first + count) if tile in self.failed), count) \
                    if self.failed else count
            if not self.failed or self.inner.missing(first)[1] == 0:
                return first, 0

    def left(self) -> int:
        return self.count - self.done - self.skipped - len(self.failed)

    def leave(self) -> None:
        self.tell = self.on_tile = None  # nobody is told any more
        _sent.stop(os.fsdecode(self.inner.folder or b""), self.token)

    def take(self, first: int, count: int, answer: Any) -> tuple[int, float]:
        if "refused" in answer:
            raise PoolError(answer["refused"])
        if "broken" in answer:
            self.inner.note(first, b"")  # which says if the job was removed, or if another caller has finished it
            if self.inner.missing(first)[1]:
                raise raised(*answer["broken"])
            return 0, 0.0
        worker = self.workers.setdefault((answer["host"], answer["pid"], answer["thread"]), len(self.workers))
        done = 0
        for start, sums in answer["done"]:
            self.inner.note(start, sums)  # if another caller has finished the job, no tile is missing any more
            if not np.frombuffer(sums, np.uint64).all() and self.inner.missing(start)[1]:  # nothing was written
                raise FileError(f"{os.fsdecode(self.inner.folder or b'')}: was removed while workers wrote to it")
            done += len(sums) // 8
            self.finished.append((start, len(sums) // 8))
        self.done += done
        self.busy += answer["seconds"]
        if self.records is not None:
            self._record(first, answer, worker)
        if self.tell is not None:
            self.tell(self.done + self.skipped, self.count, time.monotonic() - self.began)
        if self.on_tile is not None:
            for start, sums in answer["done"]:
                for tile in range(start, start + len(sums) // 8):
                    self.on_tile(tile, ())
        self._fail(answer)
        return done, answer["seconds"]

    def _fail(self, answer: Any) -> None:
        if answer["error"] is None:
            return
        error = raised(*answer["error"])
        if isinstance(error, TileError):
            error.report = None
        if isinstance(error, (TileError, FileError)):
            _task.in_words(error, f"(process {answer['pid']} on {answer['host']})")
        if not answer["failed"] or not self.options.keep_going:
            raise error
        for tile in answer["failed"]:
            self.failed[tile] = error

    def _record(self, first: int, answer: Any, worker: int) -> None:
        found = np.frombuffer(answer.get("records", b""), self.records.dtype).copy()
        found["worker"], found["pid"] = worker, answer["pid"]
        found["begin"] += answer["began"] - self.wall
        self.records[first:first + len(found)] = found

    def _no_records(self) -> Any:
        return np.zeros(self.count, record_of(len(self.request.notation.axes)))

    def report(self, name: str) -> Report:
        """What happened, put together from what the workers say. If no report was asked for, they say only which tiles are done."""
        grid, naxes = self.request.grid, len(self.request.notation.axes)
        if self.records is None:
            self.records = self._no_records()
            for first, count in self.finished:
                self.records["state"][first:first + count] = _task.DONE
        untouched = np.flatnonzero(self.records["attempts"] == 0)
        for tile in untouched:
            starts, stops = grid.tile(int(tile))
            if naxes:
                self.records["start"][tile], self.records["stop"][tile] = starts, stops
            self.records["tile"][tile] = tile
            self.records["worker"][tile] = -1
        totals = {"pool": "executor", "workers": len(self.workers), "tiles": self.count, "done": self.done, "resumed": self.resumed,
                  "skipped": self.skipped, "failed": len(self.failed), "seconds": time.monotonic() - self.began, "bytes_copied": 0,
                  "bytes_populated": 0, "reforks": 0, "deaths": 0, "timeouts": 0, "recycled": 0, "checked": False, "identical": False,
                  "max_difference": 0.0, "differing_operand": -1, "differing_index": -1, "differing_tile": -1}
        made = Report(ReportParts(totals, self.records.tobytes(), grid), grid)
        made.why = f"{name} was given"
        return made


class Engine(LocalEngine):
    """Does one run. What this process must compute by itself, such as the dtype of the first tile, it computes serially."""

    def __init__(self, workers: Workers, threads: int) -> None:
        super().__init__("serial")
        self.engine, self.threads = workers, threads
        self.dispatch: Optional[Dispatch] = None
        self.stopped: Optional[BaseException] = None

    def stop(self, exception: BaseException) -> None:
        """Any thread."""
        self.stopped = exception
        if self.dispatch is not None:
            self.dispatch.stop(exception)

    def go(self, request: Request, asked: Asked) -> Any:
        if request.files is None:
            raise ArgumentError(NEEDS_FILE)
        files = request.files._replace(is_caller=True)
        request.files = files._replace(identity=_identity.of_request(request))
        options = asked.options
        known = self._known(request) if request.native is None else None
        if known is not None:
            _generators.warn_of(request.kernel, not self.engine.is_in_process)
        if request.reductions:
            self._folds(request)
        called_with = request.prepare(known.manner if known is not None else None)
        where = _where.mask_of(options.where) if options.where is not None else None
        kernels = _sent.kernels_of(request, self.engine.is_in_process)
        if request.deferred:
            self._settle(request, options._replace(where=None), known, called_with, None, where)
        return self._dispatched(request, asked, kernels, self._files(request, known, where))

    def _dispatched(self, request: Request, asked: Asked, kernels: Any, files: Written) -> Any:
        options, head, tiles = asked.options, None, None
        try:
            if not files.inner.shared[1]:
                folder = files.inner.folder
                assert folder is not None
                head = _sent.head_of(request, asked, options, kernels, os.fsdecode(folder), self.threads)
            with teller(options.progress) if options.progress is not None else contextlib.nullcontext() as tell:
                on_tile = Teller(request, files.views(), options.on_tile, self) if options.on_tile is not None else None
                if on_tile is not None:
                    on_tile.begin()
                told = on_tile if hears_tiles(options.on_tile) else None
                tiles = Tiles(request, files, options, tell, told, head.token if head is not None else "")
                if head is not None:
                    self._give_out(tiles, head, options)
            if tiles.failed:
                raise tiles.failed[min(tiles.failed)]
            files.commit()
        except _tilework.Failure as failure:
            error = _errors.of_failure(failure)
            files.keep(error)
            raise error from None
        except BaseException as error:
            if tiles is not None and (options.report or not isinstance(error, _errors.Error)):  # Ctrl-C and alarms always have it
                setattr(error, "report", tiles.report(self.engine.name))
            files.keep(error)
            raise
        finally:
            if head is not None:
                _task.jobs.forget(head.token)
                _sent.forget(head.token)
        results = request.results(files.results())
        if not options.report:
            return results
        report = tiles.report(self.engine.name)
        report.totals["deaths"] = self.dispatch.deaths if self.dispatch is not None else 0
        return results, report

    def _give_out(self, tiles: Tiles, head: _sent.Head, options: RunOptions) -> None:
        def lost(tile: int, deaths: int, error: BaseException) -> TileError:
            words = " ".join(str(error).split())
            made = TileError(f"tile {tile}, {tiles.request.grid.text(tile)}, has cost {deaths} worker{'s' * (deaths > 1)} of {self.engine.name}; the "
                             f"last: {type(error).__name__}{': ' * bool(words)}{words}")
            made.tile = tile
            starts, stops = tiles.request.grid.tile(tile)
            made.ranges = {axis: slice(start, stop) for axis, start, stop in zip(tiles.request.notation.axes, starts, stops)}
            return made

        self.dispatch = Dispatch(self.engine, tiles, _task.work, (tuple(head),), max(0, options.retries), lost, self.warn)
        if self.stopped is not None:
            raise self.stopped
        self.dispatch.run()
