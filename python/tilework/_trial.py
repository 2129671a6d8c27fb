"""Times of some tiles of a Python kernel, from worker processes of their own, on outputs that nobody else has."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _tilework
from ._errors import ArgumentError, Error, OutOfMemory
from ._explained import explained
from ._grid import grid_for
from ._local import Engine
from ._options import RunOptions
from ._report import Report
from ._request import NOTHING, SIZE_UNKNOWN, Request
from ._results import NOWHERE

PROBES = 3  # tiles that say how many can be timed
PASS_PART = 0.15 # of all time, for one pass
SLOW_TILE = 0.01  # seconds: new pages do not matter, and one pass must be enough
MOST_TILES = 96
PASSES = 5  # at most: a machine that does something else now and then is seen through
STARVED = 0.25  # of the time, that a worker and the program wait for processors
MOST_TIMES = 8  # as long as there is time for, on a machine where others have the processors
OWN = "/proc/thread-self/schedstat"
COARSER = 4  # as many of the others has a tile that shows what each takes however small it is


class Sample(NamedTuple):
    """As tw_plan_sample, in the order in which the extension reads it."""

    tiles: bytes
    seconds: bytes
    together: float
    set_up: float
    locked: float
    at_least: bool
    note: Optional[str]


def nothing(note: Optional[str]) -> Sample:
    return Sample(b"", b"", 0.0, 0.0, 0.0, False, note)


class _Stand:
    """A pool for one trial, and the job with outputs that are the trial's alone."""

    def __init__(self, request: Request, workers: int) -> None:
        self.request = request
        self.engine = Engine("processes", one_run=True)
        self.engine._wished = workers
        self.engine._open(workers)
        self.known: Any = None
        self.given: dict[int, Any] = {}  # the caller's outputs
        self.starved = False  # its last run ended late, since others had the processors

    def prepare(self) -> None:
        request, engine = self.request, self.engine
        self.known = engine._known(request)
        if request.reductions:
            engine._folds(request)
        self.called_with = request.prepare(self.known.manner)
        self.given.update({k: request.arrays[k] for k in request.notation.outs if request.arrays[k] is not None})
        for k, array in self.given.items():
            request.arrays[k] = engine.empty(array.shape, array.dtype)
        self.job = engine._job(request, RunOptions(), self.known, self.called_with, engine._need_open())

    def restore(self) -> None:
        for k, array in self.given.items():
            self.request.arrays[k] = array

    def copy_inouts(self, tiles: np.ndarray[Any, Any]) -> None:
        """What is read and written begins with the caller's values, in these tiles."""
        request = self.request
        for k in request.notation.given:
            if request.notation.roles[k] != _tilework.INOUT or k not in self.given:
                continue
            for tile in tiles:
                start, stop = request.grid.tile(int(tile))
                box = tuple(slice(start[axis], stop[axis]) for axis in request.notation.shapes[k])
                request.arrays[k][box] = self.given[k][box]  # type: ignore[index]

    def run(self, tiles: np.ndarray[Any, Any], limit: float, kernel: Optional[_tilework.Kernel] = None,
            grid: Optional[_tilework.Grid] = None) -> tuple[np.ndarray[Any, Any], bool]:
        """The records of these tiles; whether one took longer than there was time. Raises what went wrong. If others have
        the processors, tiles that take little time still get it: they have more of it to wait."""
        times = 1
        while True:
            records, late, waited = self._run_once(tiles, limit * times, kernel, grid)
            self.starved = late and waited > STARVED * limit * times
            if not self.starved or times == MOST_TIMES:
                return records, late
            times *= 2

    def _run_once(self, tiles: np.ndarray[Any, Any], limit: float, kernel: Optional[_tilework.Kernel],
                  grid: Optional[_tilework.Grid]) -> tuple[np.ndarray[Any, Any], bool, float]:
        """As run; and the seconds in which the first worker and the program waited for a processor."""
        job = self.job._replace(kernel=kernel or self.job.kernel, grid=grid or self.job.grid)
        late = time.monotonic() + limit
        began = _waited(OWN)
        known = {pid: _waited(f"/proc/{pid}/schedstat") for pid in self.engine.pids()[:1]}
        waited = 0.0

        def look(done: int, total: int, seconds: float) -> None:
            nonlocal waited
            for pid in self.engine.pids()[:1]:  # a new one, if it was forked in this run
                waited = max(waited, _waited(f"/proc/{pid}/schedstat") - known.get(pid, 0.0))  # less: it is dead
            if time.monotonic() > late:
                raise _Late

        options = RunOptions(retries=-1, timeout=max(limit, 0.001), report=True, progress=look,
                             only=tiles.astype(np.uint64).tobytes())
        try:
            ended = _tilework.run(self.engine._need_open(), job, options)
        except _Late:
            return np.empty(0), True, waited + _waited(OWN) - began
        except _tilework.Failure as failure:
            error = explained(failure, self.request)
            report = getattr(error, "report", None)
            if report is not None and report.totals["timeouts"]:
                return _of(report, tiles), True, waited + _waited(OWN) - began
            raise error from error.__cause__
        finally:
            self.engine.kernels.ran(self.known, self.engine._need_open())
        if self.request.deferred:
            ended, chosen = ended
            for k in self.request.deferred:
                places = np.frombuffer(chosen[1][k][0], np.uint8)
                for place in places[places != NOWHERE][:1]:
                    self.known.gave[k] = chosen[0][place].numpy().dtype
        return _of(Report(ended, grid or self.request.grid), tiles), False, 0.0

    def close(self) -> None:
        self.engine.close()


class _Late(Exception):
    """There is no more time."""


def _of(report: Report, tiles: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    timed: np.ndarray[Any, Any] = report.tiles[tiles]
    return timed


def _chosen(grid: _tilework.Grid, wish: int) -> np.ndarray[Any, Any]:
    """Tiles at equal distances in each step of the job, at least two of each."""
    ends = [first for first, _ in grid.steps[1:]] + [grid.count] if grid.steps else [grid.count]
    found, first = [], 0
    for end in ends:
        count = end - first
        here = min(count, max(2, round(wish * count / max(1, grid.count))) if count > wish else count)
        found.append(first + (np.linspace(0, count - 1, here).astype(np.uint64) if here > 1 else
                              np.array([count // 2], np.uint64)[:here]))
        first = end
    return np.unique(np.concatenate(found).astype(np.uint64))[:MOST_TILES]


def _seconds(records: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of each tile; nan: it did not end."""
    return np.where((records["state"] == 2) & (records["worker"] >= 0), records["seconds"], np.nan)


def take(request: Request, workers: int, budget: float,
         unlocked: bool) -> tuple[Sample, tuple[float, float], dict[int, np.dtype[Any]]]:
    """Times of tiles, the seconds that a pool of one and of all worker processes takes, and the dtypes that the kernel has
    chosen. What goes wrong with the kernel is a note. `unlocked`: threads are known to compute at the same time."""
    began = time.monotonic()
    alone = _Stand(request, 1)
    opened = time.monotonic() - began
    try:
        try:
            alone.prepare()
            sample, passes = _alone(alone, budget)
            if len(sample.tiles) and not sample.at_least:
                sample = sample._replace(set_up=_set_up(alone, float(np.frombuffer(sample.seconds).min()), budget / 4))
        finally:
            now = time.monotonic()
            alone.close()
            opened += time.monotonic() - now
            if alone.known is not None:
                alone.restore()
        both = opened
        if workers > 1:
            sample, both = _together(request, sample, workers, budget, passes, unlocked)
        return sample, (opened, both), alone.known.gave
    except (ArgumentError, TypeError, OutOfMemory):
        raise
    except Error as error:
        return nothing(str(error).splitlines()[0]), (opened, opened), {}


def _alone(stand: _Stand, budget: float) -> tuple[Sample, int]:
    grid = stand.request.grid
    tiles = _chosen(grid, PROBES)
    if not len(tiles):
        return nothing(None), 0
    stand.copy_inouts(tiles)
    records, late = stand.run(tiles, budget)
    seconds = _seconds(records) if len(records) else np.full(len(tiles), np.nan)
    good = ~np.isnan(seconds)
    if late or not good.all():
        if not good.any() and stand.starved:
            return nothing(f"no tile ended in {MOST_TIMES * budget:g} s, since other programs have the processors"), 0
        if not good.any():
            return Sample(tiles[:1].tobytes(), np.array([budget]).tobytes(), 0.0, 0.0, 0.0, True, None), 0
        return _sample(tiles[good], seconds[good]), 0
    if float(seconds.min()) < SLOW_TILE:  # the first call of a kernel takes longer
        records, late = stand.run(tiles, budget / 3)
        seconds = seconds if late else np.minimum(seconds, _seconds(records))
    usual = float(seconds.min())
    wish = PASS_PART * budget / max(usual, 1e-7)
    if wish < PROBES:
        return _sample(tiles, seconds), 0
    tiles = _chosen(grid, int(min(wish, MOST_TILES)))
    stand.copy_inouts(tiles)
    left = budget - 2 * float(seconds.sum())  # what counts is the time of tiles: forks come on top
    times = left / (3 * usual * len(tiles))
    passes = 1 if usual > SLOW_TILE else 1 + (PASSES if times >= PASSES else 3 if times >= 3 else 1)
    found: list[np.ndarray[Any, Any]] = []
    for _ in range(passes):
        records, late = stand.run(tiles, max(left, 0.01))
        if late and not found:  # a busy machine: some of them, whose pages are there by now
            tiles = tiles[::4]
            stand.run(tiles, budget)
            records, late = stand.run(tiles, budget)
        if late:
            break
        found.append(_seconds(records))
        left -= float(found[-1].sum())
    if not found:
        return _sample(*_known(_chosen(grid, PROBES), seconds)), 0
    return _sample(tiles, _calm(np.min(found[1:], axis=0) if len(found) > 1 else found[0])), passes


def _calm(seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A tile that took longer than both of its neighbours was disturbed."""
    if len(seconds) < 3:
        return seconds
    calmed = seconds.copy()
    calmed[1:-1] = np.minimum(seconds[1:-1], np.maximum(seconds[:-2], seconds[2:]))
    return calmed


def _known(tiles: np.ndarray[Any, Any], seconds: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    good = ~np.isnan(seconds)
    return tiles[good], seconds[good]


def _sample(tiles: np.ndarray[Any, Any], seconds: np.ndarray[Any, Any]) -> Sample:
    return Sample(tiles.astype(np.uint64).tobytes(), seconds.astype(float).tobytes(), 0.0, 0.0, 0.0, False, None)


def _coarser(request: Request, grid: _tilework.Grid) -> Optional[tuple[_tilework.Grid, int]]:
    """A grid with longer tiles along the first axis that has many, and that axis."""
    axes = request.notation.axes
    along = next((a for a, count in enumerate(grid.counts) if count >= 2 * COARSER), None)
    if along is None or grid.steps[1:] or any(how == "cuts" for _, how, _ in request.splits):
        return None
    splits = tuple((axes[a], "tile", COARSER * -(-request.lengths[a] // grid.counts[a])) if a == along else
                   (axes[a], "parts", grid.counts[a]) for a in range(len(axes)) if grid.counts[a] > 1)
    itemsizes = tuple(SIZE_UNKNOWN if dtype is NOTHING else dtype.itemsize for dtype in request.dtypes)
    return grid_for(request.notation, request.lengths, splits, itemsizes, _tilework.COST_UNKNOWN, False,
                    edges=request.edges), along


def _set_up(stand: _Stand, usual: float, budget: float) -> float:
    """Seconds that a tile takes however small it is: what a longer one takes less than as many of the others do, in workers
    that are new. `usual`: the least that a tile has taken in one that is not."""
    request, grid = stand.request, stand.request.grid
    found = _coarser(request, grid)
    if found is None or request.reductions:
        return 0.0
    coarser, along = found
    number = np.array([coarser.count // 2], np.uint64)
    start, stop = coarser.tile(int(number[0]))
    same = np.array([grid.owner(start)], np.uint64)
    own = grid.tile(int(same[0]))
    times = (stop[along] - start[along]) / (own[1][along] - own[0][along])
    stand.copy_inouts(same)

    def least(tile: np.ndarray[Any, Any], which: _tilework.Grid) -> float:
        runs = []
        for _ in range(2):
            records, late = stand.run(tile, budget, grid=which)
            if late:
                return float("nan")
            runs.append(float(_seconds(records)[0]))
        return min(runs)

    if not usual * (COARSER + 1) * 2 < budget:
        return 0.0
    one = least(same, grid)
    longer = least(number, coarser)
    each = (one * times - longer) / (times - 1) if times > 2 else 0.0
    each -= max(one - usual, 0.0)  # what the first tile of a new worker takes more, which both have
    return min(max(each, 0.0), one) if each == each else 0.0


def _together(request: Request, sample: Sample, workers: int, budget: float, passes: int,
              unlocked: bool) -> tuple[Sample, float]:
    """How much longer tiles take if all workers run some, and whether threads would wait for each other."""
    began = time.monotonic()
    stand = _Stand(request, workers)
    opened = time.monotonic() - began
    try:
        stand.prepare()
        tiles, seconds = np.frombuffer(sample.tiles, np.uint64), np.frombuffer(sample.seconds)
        usual = float(np.mean(seconds)) if len(seconds) else budget
        if not sample.at_least and len(tiles) > 1 and float(seconds.sum()) < budget:
            stand.copy_inouts(tiles)
            ratios = []
            for _ in range(max(1, passes)):
                records, late = stand.run(tiles, budget)
                if late:
                    break
                ratios.append(_ratio(records, seconds))
            ratio = min(ratios[1:] or ratios, default=0.0)
            sample = sample._replace(together=min(max(ratio, 1.0), workers) if ratio > 0 else 0.0)
        if unlocked:
            return sample, opened
        if sample.at_least or usual > budget / 3:
            return sample._replace(locked=1.0), opened
        locked, ratio = _locked(stand, tiles[len(tiles) // 2:][:1], sample.together, budget)
        if 0 < ratio < sample.together:
            sample = sample._replace(together=ratio)  # the same tile again and again: no new pages disturb it
        return sample._replace(locked=locked), opened
    finally:
        now = time.monotonic()
        stand.close()
        opened += time.monotonic() - now
        stand.restore()


def _ratio(records: np.ndarray[Any, Any], seconds: np.ndarray[Any, Any]) -> float:
    """Only those count that ended while all workers were at work."""
    ends = records["begin"] + records["seconds"]
    counts = (records["worker"] >= 0) & (records["state"] == 2) & (ends < 0.9 * ends.max())
    alone = float(seconds[counts].sum())
    return float(records["seconds"][counts].sum()) / alone if alone > 0 else 0.0


def _locked(stand: _Stand, tile: np.ndarray[Any, Any], together: float,
            budget: float) -> tuple[float, float]:
    """The part of a tile's time in which no other thread can run one: it is run by one thread, and by two at once, in a
    worker process; and how many times as long the two took, 0: not known."""
    function, result = stand.known.function, stand.engine.empty((2,), np.dtype(float))
    result[:] = 0

    def probe(*views: Any, **place: Any) -> Any:
        return _probe(function, views, place, result)

    kernel = _tilework.Kernel.python(probe, stand.known.manner.tile, stand.known.manner.name)
    stand.copy_inouts(tile)
    _, late = stand.run(tile, 2 * budget, kernel=kernel)
    alone, both = float(result[0]), float(result[1])
    if late or alone <= 0:
        return 1.0, 0.0
    shared = min(max(1.0, together), 1.5)
    return min(1.0, max(0.0, (both / alone - shared) / (2 - shared))), max(1.0, both / alone)


def _probe(function: Callable[..., Any], views: tuple[Any, ...], place: dict[str, Any], result: np.ndarray[Any, Any]) -> Any:
    found = function(*views, **place)
    began = _effort()
    function(*views, **place)
    times = max(1, min(1000, int(0.01 / max(_effort() - began, 1e-6))))

    def several(efforts: list[float], began: float) -> None:
        for _ in range(times):
            function(*views, **place)
        efforts.append(_effort() - began)

    alone: list[float] = []
    both: list[float] = []
    for _ in range(PROBES):  # the shortest counts: what disturbs makes it longer
        several(alone, _effort())
        efforts: list[float] = []
        threads = [threading.Thread(target=several, args=(efforts, time.perf_counter())) for _ in range(2)]  # new: they have not waited
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        both.append(max(efforts, default=0.0))
        if 2 * alone[0] > 0.01 * PROBES:
            break
    result[:] = min(alone), min(both)
    return found


def _waited(schedstat: str) -> float:
    """Seconds in which a thread could have run, but others had the processor; 0: it cannot be known."""
    try:
        with open(schedstat, "rb") as file:
            return 1e-9 * int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0


def _effort() -> float:
    """A clock that stands still while this thread could run, but others have the processor; not while it waits for a lock."""
    waited = _waited(OWN)
    return time.perf_counter() - waited
