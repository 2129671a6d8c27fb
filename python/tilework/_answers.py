"""What the workers of an Executor answer, put together: who did what, what failed, the report."""

from __future__ import annotations

import time
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _task
from ._errors import FileError, PoolError, TileError
from ._finished import Teller
from ._options import RunOptions, Tell
from ._report import Report, ReportParts, record_of
from ._request import Request
from ._wire import raised


class Told(NamedTuple):
    """Who wants to know of tiles that are done."""

    tell: Optional[Tell]  # how many
    on_tile: Optional[Teller]  # which


NOBODY = Told(None, None)


class Answers:
    """The tiles of a run, as far as workers have answered for them."""

    def __init__(self, request: Request, options: RunOptions, told: Told) -> None:
        self.request, self.options, self.told = request, options, told
        self.count = request.grid.count
        self.skipped = self.resumed = self.done = 0
        self.failed: dict[int, Exception] = {}
        self.finished: list[tuple[int, int]] = []  # by workers of this run: the first tile and how many
        self.workers: dict[tuple[str, int, int], int] = {}
        self.began, self.wall = time.monotonic(), time.time()
        self.records: Any = self._no_records() if options.report else None

    def left(self) -> int:
        return self.count - self.done - self.skipped - len(self.failed)

    def hear(self, first: int, answer: Any) -> None:
        """An error if the worker could not take part."""
        if "refused" in answer:
            raise PoolError(answer["refused"])
        if "broken" in answer:
            raise raised(*answer["broken"])
        worker = self.workers.setdefault((answer["host"], answer["pid"], answer["thread"]), len(self.workers))
        if self.records is not None:
            self._record(first, answer, worker)

    def tell(self, done: list[tuple[int, int]]) -> int:
        """These tiles are done: the first of each range and how many. How many in all."""
        count = sum([tiles for _, tiles in done])
        self.finished += done
        self.done += count
        if self.told.tell is not None:
            self.told.tell(self.done + self.skipped, self.count, time.monotonic() - self.began)
        if self.told.on_tile is not None:
            for start, tiles in done:
                for tile in range(start, start + tiles):
                    self.told.on_tile(tile, ())
        return count

    def fail(self, answer: Any) -> None:
        """Raises what a worker says of tiles that have failed, or keeps it."""
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

    def lost_on(self, name: str) -> Callable[[int, int, BaseException], TileError]:
        """The error for a tile that has cost workers of an engine."""
        def lost(tile: int, deaths: int, error: BaseException) -> TileError:
            words = " ".join(str(error).split())
            made = TileError(f"tile {tile}, {self.request.grid.text(tile)}, has cost {deaths} worker{'s' * (deaths > 1)} of {name}; the "
                             f"last: {type(error).__name__}{': ' * bool(words)}{words}")
            made.tile = tile
            starts, stops = self.request.grid.tile(tile)
            made.ranges = {axis: slice(start, stop) for axis, start, stop in zip(self.request.notation.axes, starts, stops)}
            return made
        return lost

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
