"""Runs whose tiles the workers of an Executor, or of Dask, compute. This process gives out ranges of tiles, keeps the journal, and gives the
files their names in the end. Results never come here: workers write them to the files in the run folder."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Optional

import numpy as np

from . import _check, _errors, _files, _generators, _identity, _sent, _task, _tilework, _where
from ._answers import NOBODY, Answers, Told
from ._dispatch import Dispatch
from ._engines import Engine as Workers
from ._engines import engine_of
from ._errors import ArgumentError, FileError
from ._files import Written
from ._finished import Teller, hears_tiles
from ._local import Engine as LocalEngine
from ._options import Asked, RunOptions
from ._placement import workers_of
from ._progress import teller
from ._request import Request
from ._statement import StatementRequest

NODE = (0, 1)  # the caller is the only one that records
INSTEAD = {
    "timeout": "Let the kernel itself end in time, or run one program on each machine, each with pool='processes': node='auto'",
    "guard": "Look for the fault with pool='processes' on one machine: it names the tile",
    "tiles_per_worker": "Give it to the engine: max_tasks_per_child= of a ProcessPoolExecutor, --lifetime of a Dask worker"}
NEEDS_FILE = "a pool that is an Executor writes results to files that its workers reach: give out='r.npy'"


def do(asked: Asked) -> Any:
    """A call whose pool is an Executor or a Client."""
    if asked.node is not None:
        raise ArgumentError("node= is for programs that run on each node by themselves, and pool= an Executor has workers of its own: give one "
                            "of them")
    for name, given in (("timeout", asked.options.timeout), ("guard", asked.options.guard),
                        ("tiles_per_worker", asked.options.tiles_per_worker)):
        if given:
            raise ArgumentError(f"{name}= is for worker processes of Tilework's own, which may be ended and replaced; those of an Executor are its own "
                                f"matter. {INSTEAD[name]}")
    if asked.collects:
        from . import _executor_map
        return _executor_map.do(asked)
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


class Tiles(Answers):
    """The tiles of a run that writes files: the journal says what is missing."""

    def __init__(self, request: Request, files: Written, options: RunOptions, told: Told, token: str) -> None:
        super().__init__(request, options, told)
        self.files, self.token = files, token
        self.inner = files.inner
        self.skipped = self.inner.totals["skipped"]
        self.resumed = self.done = files.done

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

    def leave(self) -> bool:
        self.told = NOBODY
        _sent.stop(os.fsdecode(self.inner.folder or b""), self.token)
        return True

    def take(self, first: int, count: int, answer: Any) -> tuple[int, float]:
        if "broken" in answer:
            self.inner.note(first, b"")  # which says if the job was removed, or if another caller has finished it
            if not self.inner.missing(first)[1]:
                return 0, 0.0
        self.hear(first, answer)
        for start, sums in answer["done"]:
            self.inner.note(start, sums)  # if another caller has finished the job, no tile is missing any more
            if not np.frombuffer(sums, np.uint64).all() and self.inner.missing(start)[1]:  # nothing was written
                raise FileError(f"{os.fsdecode(self.inner.folder or b'')}: was removed while workers wrote to it")
        done = self.tell([(start, len(sums) // 8) for start, sums in answer["done"]])
        self.fail(answer)
        return done, answer["seconds"]


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
            if not files.inner.totals["finished"]:
                folder = files.inner.folder
                assert folder is not None
                head = _sent.head_of(request, asked, options, kernels, os.fsdecode(folder), self.threads)
            with teller(options.progress) if options.progress is not None else contextlib.nullcontext() as tell:
                on_tile = Teller(request, files.views(), options.on_tile, self) if options.on_tile is not None else None
                if on_tile is not None:
                    on_tile.begin()
                told = Told(tell, on_tile if hears_tiles(options.on_tile) else None)
                tiles = Tiles(request, files, options, told, head.token if head is not None else "")
                if head is not None:
                    self._give_out(tiles, head, options)
            if tiles.failed:
                raise tiles.failed[min(tiles.failed)]
            compared = _check.in_memory(request, asked, files.views()) if options.check else {}
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
        report.totals.update(compared, deaths=self.dispatch.deaths if self.dispatch is not None else 0)
        return results, report

    def _give_out(self, tiles: Tiles, head: _sent.Head, options: RunOptions) -> None:
        self.dispatch = Dispatch(self.engine, tiles, _task.work, (tuple(head),), max(0, options.retries), tiles.lost_on(self.engine.name), self.warn)
        if self.stopped is not None:
            raise self.stopped
        self.dispatch.run()
