"""What happened in a run, tile by tile: as arrays, as a dict, as a trace, and as a picture for notebooks and browsers."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import _errors, _tilework
from ._placement import KINDS

STATES = ("free", "running", "done", "failed", "skipped")
Path = Union[str, bytes, "os.PathLike[str]"]
POOLS = {kind: name for name, kind in KINDS.items()}


def record_of(naxes: int) -> np.dtype[Any]:
    return np.dtype([("tile", "u8"), ("state", "i4"), ("worker", "i4"), ("pid", "i4"), ("attempts", "i4"),
                     ("begin", "f8"), ("seconds", "f8"), ("start", "i8", (naxes,)), ("stop", "i8", (naxes,))])


class Step(NamedTuple):
    """One step of a job: a reduction over an axis that is cut has several. Tile numbers run through them."""

    text: str  # "a[i,j] -> 40 parts of s[j] (40 tiles: i in 40)"
    first: int  # the number of its first tile
    tiles: int  # how many it has


def steps_of(grid: _tilework.Grid) -> tuple[Step, ...]:
    ends = (*[first for first, _ in grid.steps[1:]], grid.count)
    return tuple(Step(text, first, end - first) for (first, text), end in zip(grid.steps, ends))


class ReportParts:
    """A report that came from another process."""

    def __init__(self, totals: dict[str, Any], tiles: bytes, grid: _tilework.Grid, advice: str = "") -> None:
        self._totals, self._tiles, self._grid, self._advice = totals, tiles, grid, advice

    def advice(self) -> str:
        return self._advice

    def totals(self) -> dict[str, Any]:
        return dict(self._totals)

    def tiles(self) -> bytearray:
        return bytearray(self._tiles)

    def line(self, tile: int) -> str:
        size = record_of(len(self._grid.signature.axes)).itemsize
        return _tilework.Report.line_of(self._grid, tile, self._tiles[tile * size:(tile + 1) * size])

    def _report(self) -> _tilework.Report:
        kind = self._totals["pool"]  # of an Executor: as worker processes
        return _tilework.Report.of(self._grid, {**self._totals, "pool": KINDS.get(kind, KINDS["processes"] if kind == "executor" else kind)}, self._tiles)

    def trace(self, path: Path) -> None:
        self._report().trace(path)

    def html(self, path: Path) -> None:
        self._report().html(path)

    def picture(self) -> str:
        return self._report().picture()


class Report:
    """What happened in a run.

    Attributes
    ----------
    totals : dict
        Counts of the whole run: tiles, done, failed, seconds, deaths, reforks, bytes_copied, ...
    pool : str
        Where the kernel ran: ``"threads"``, ``"processes"`` or ``"serial"``.
    why : str
        Why there, in words: what ``pool="auto"`` has seen, or that a pool was given.
    undivided : str or None
        Why the job was one tile, in words: the axis that would have to be cut, and how to ask for it, or that there was too
        little work. None: it had several tiles, or the call said how to divide.
    advice : str
        One sentence: what kept the run from being faster, from what was measured in it. :func:`plan` says it before.
    tiles : numpy.ndarray
        One record a tile: ``tile``, ``state`` (0 free, 1 running, 2 done, 3 failed, 4 skipped), ``worker`` (-1: nobody), ``pid``,
        ``attempts``, ``begin`` and ``seconds`` (since the run began), ``start`` and ``stop`` on each axis.
    steps : tuple
        One for each step of the job, with ``text``, ``first`` (the number of its first tile) and ``tiles`` (how many it has).
        There is one, or several if a reduction is cut: its partial results, then what brings them together.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> r, report = tw.run(lambda x: x + 1, "x[i] -> r[i]", np.arange(6), tiles={"i": 2}, pool="serial", report=True)
    >>> report.totals["done"], report.tiles["start"][:, 0].tolist()
    (3, [0, 2, 4])
    """

    def __init__(self, inner: Union[_tilework.Report, ReportParts], grid: _tilework.Grid) -> None:
        self._inner = inner
        self.why = "this pool was given"
        self.undivided: Optional[str] = grid.why
        self.waited = False  # threads of a Python kernel had the processor in turn
        self.axes = grid.signature.axes
        self.steps = steps_of(grid)
        self.totals: dict[str, Any] = inner.totals()
        self.totals["pool"] = POOLS.get(self.totals["pool"], self.totals["pool"])

    @functools.cached_property
    def advice(self) -> str:
        if self.waited:
            return ("the threads waited for Python's lock, which one of them has at a time: pool='processes' lets all workers "
                    "compute")
        return self._inner.advice()

    @property
    def pool(self) -> str:
        kind: str = self.totals["pool"]
        return kind

    @functools.cached_property
    def tiles(self) -> np.ndarray[Any, Any]:
        return np.frombuffer(self._inner.tiles(), record_of(len(self.axes)))

    def line(self, tile: int) -> str:
        """One tile in words: ``pid 18234 did y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000) in 800 us``."""
        if not 0 <= tile < self.totals["tiles"]:
            raise IndexError(f"tile {tile}; the run had {self.totals['tiles']}")
        return self._inner.line(tile)

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain Python values, as JSON could hold them."""
        tiles = []
        for record in self.tiles:
            ranges = {axis: [int(start), int(stop)] for axis, start, stop in
                      zip(self.axes, record["start"], record["stop"])}
            tiles.append({"tile": int(record["tile"]), "state": STATES[record["state"]], "worker": int(record["worker"]),
                          "pid": int(record["pid"]), "attempts": int(record["attempts"]),
                          "begin": float(record["begin"]), "seconds": float(record["seconds"]), "ranges": ranges})
        return {**self.totals, "why": self.why, "undivided": self.undivided, "advice": self.advice, "axes": list(self.axes),
                "steps": [step._asdict() for step in self.steps], "tile": tiles}

    def trace(self, path: Path) -> None:
        """Writes when each worker did what, as a file that Perfetto (https://ui.perfetto.dev), ``chrome://tracing`` and
        speedscope open: a track for each worker, its tiles with their ranges, what failed or was run again, and when it was
        idle. The file gets its name when it is whole; an old one of that name is replaced.

        >>> import numpy as np, tilework as tw
        >>> r, report = tw.run(lambda x: x + 1, "x[i] -> r[i]", np.arange(6), tiles={"i": 2}, pool="serial", report=True)
        >>> import os, tempfile
        >>> report.trace(os.path.join(tempfile.mkdtemp(), "run.json"))
        """
        _written(self._inner.trace, path)

    def html(self, path: Path) -> None:
        """Writes a page with the totals, the advice, a map of the tiles and a timeline of the workers: one file that needs no
        other file and no network. The file gets its name when it is whole; an old one of that name is replaced."""
        _written(self._inner.html, path)

    def __repr__(self) -> str:
        totals = self.totals
        several = f" of {len(self.steps)} steps" if len(self.steps) > 1 else ""
        parts = [f"{totals['done']} of {totals['tiles']} tiles{several} done in {_tilework.seconds_text(totals['seconds'])}",
                 f"{totals['workers']} {'worker' if totals['workers'] == 1 else 'workers'} ({self.pool}: {self.why})"]
        parts += [f"{totals[key]} {word if totals[key] == 1 else words}" for key, word, words in
                  (("skipped", "skipped", "skipped"), ("failed", "failed", "failed"), ("deaths", "worker died", "workers died"),
                   ("timeouts", "took too long", "took too long"), ("reforks", "time forked again", "times forked again"))
                  if totals.get(key)]
        if self.undivided is not None:
            parts.append(f"one tile: {self.undivided}")
        if totals["bytes_copied"]:
            parts.append(f"{totals['bytes_copied']} bytes copied")
        if totals["checked"]:
            parts.append("checked: identical" if totals["identical"] else
                         f"checked: differs by {totals['max_difference']:g}")
        return f"<tilework.Report: {'; '.join(parts)}>"

    def __reduce__(self) -> Any:
        raise TypeError("a report stays in the process of its run: to_dict() gives plain values, which can be sent and kept")

    # ---- for notebooks ----

    def _repr_html_(self) -> str:
        text = repr(self)[1:-1].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f'<div><div>{text}</div>{self._inner.picture()}</div>'


def _written(write: Callable[[Path], None], path: Path) -> None:
    try:
        write(path)
    except _tilework.Failure as failure:
        raise _errors.of_failure(failure) from None
