"""What happened in a run, tile by tile: as arrays, as a dict, and as a picture for notebooks."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import _tilework
from ._placement import KINDS

STATES = ("free", "running", "done", "failed")
POOLS = {kind: name for name, kind in KINDS.items()}
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999999", "#000000")
MOST_DRAWN = 2000  # tiles that a picture shows one by one
WIDTH = 480


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
        One record a tile: ``tile``, ``state`` (0 free, 1 running, 2 done, 3 failed), ``worker`` (-1: nobody), ``pid``,
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
        """One tile in words: ``pid 18234 did y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000) in 0.8 ms``."""
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

    def __repr__(self) -> str:
        totals = self.totals
        several = f" of {len(self.steps)} steps" if len(self.steps) > 1 else ""
        parts = [f"{totals['done']} of {totals['tiles']} tiles{several} done in {totals['seconds']:.3g} s",
                 f"{totals['workers']} workers ({self.pool}: {self.why})"]
        parts += [f"{totals[key]} {word}" for key, word in
                  (("failed", "failed"), ("deaths", "workers died"), ("timeouts", "took too long"),
                   ("reforks", "times forked again")) if totals[key]]
        if self.undivided is not None:
            parts.append(f"one tile: {self.undivided}")
        if totals["bytes_copied"]:
            parts.append(f"{totals['bytes_copied']} bytes copied")
        if totals["checked"]:
            parts.append("checked: identical" if totals["identical"] else
                         f"checked: differs by {totals['max_difference']:g}")
        return f"<tilework.Report: {'; '.join(parts)}>"

    # ---- for notebooks ----

    def _repr_html_(self) -> str:
        text = repr(self)[1:-1].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        pictures = ""
        if 0 < len(self.tiles) <= MOST_DRAWN:
            pictures = self._map() + self._timeline()
        elif len(self.tiles):
            pictures = self._loads()
        return f'<div><div>{text}</div>{pictures}</div>'

    def _map(self) -> str:
        """The tiles of the first step over the first two axes that are divided, in the colour of their worker."""
        tiles = self.tiles[:self.steps[0].tiles]
        divided = [a for a in range(len(self.axes)) if len(np.unique(tiles["start"][:, a])) > 1] or \
            list(range(len(self.axes)))[:1]
        if not divided:
            return ""
        down, across = (divided[0], divided[1]) if len(divided) > 1 else (None, divided[0])
        drawn, seen = [], set()
        for record in tiles:
            x, width = _span(record, across, tiles)
            y, height = _span(record, down, tiles) if down is not None else (0.0, 0.1)
            if (x, y) in seen:  # tiles that differ on further axes alone
                continue
            seen.add((x, y))
            drawn.append(f'<rect x="{x * WIDTH:.2f}" y="{y * WIDTH / 2:.2f}" width="{width * WIDTH:.2f}" '
                         f'height="{height * WIDTH / 2:.2f}" fill="{_colour(record)}" stroke="white" stroke-width="0.5">'
                         f'<title>{_title(self.axes, record)}</title></rect>')
        height = WIDTH / 2 if down is not None else WIDTH / 20
        return _svg("tiles by worker", height, drawn)

    def _timeline(self) -> str:
        """One line a worker, one bar a tile."""
        tiles = self.tiles[self.tiles["worker"] >= 0]
        end = float((tiles["begin"] + tiles["seconds"]).max()) if len(tiles) else 0.0
        if end <= 0:
            return ""
        drawn = [f'<rect x="{record["begin"] / end * WIDTH:.2f}" y="{int(record["worker"]) * 14}" '
                 f'width="{max(0.3, record["seconds"] / end * WIDTH):.2f}" height="12" fill="{_colour(record)}">'
                 f'<title>{_title(self.axes, record)}</title></rect>' for record in tiles]
        return _svg(f"timeline, {end * 1e3:.3g} ms", 14 * (int(tiles["worker"].max()) + 1), drawn)

    def _loads(self) -> str:
        """Where tiles are too many to be drawn: how busy each worker was."""
        tiles = self.tiles
        drawn, workers = [], [int(worker) for worker in np.unique(tiles["worker"]) if worker >= 0]
        busy = {worker: float(tiles["seconds"][tiles["worker"] == worker].sum()) for worker in workers}
        most = max(busy.values(), default=0.0) or 1.0
        for row, worker in enumerate(workers):
            count = int((tiles["worker"] == worker).sum())
            drawn.append(f'<rect x="0" y="{row * 14}" width="{busy[worker] / most * WIDTH:.2f}" height="12" '
                         f'fill="{COLOURS[worker % len(COLOURS)]}"><title>worker {worker}: {count} tiles, '
                         f'{busy[worker]:.3g} s</title></rect>')
        return _svg("seconds in kernels by worker", 14 * len(workers), drawn)


def _span(record: Any, axis: int, tiles: np.ndarray[Any, Any]) -> tuple[float, float]:
    """First and length of a tile on an axis, as parts of the whole."""
    length = max(1, int(tiles["stop"][:, axis].max()))
    start, stop = int(record["start"][axis]), int(record["stop"][axis])
    return start / length, (stop - start) / length


def _colour(record: Any) -> str:
    if record["state"] == 3:
        return "#bb0000"
    return COLOURS[int(record["worker"]) % len(COLOURS)] if record["state"] == 2 and record["worker"] >= 0 else "#dddddd"


def _title(axes: tuple[str, ...], record: Any) -> str:
    ranges = ", ".join(f"{axis} {start}:{stop}" for axis, start, stop in zip(axes, record["start"], record["stop"]))
    return f"tile {record['tile']}: {ranges}; {STATES[record['state']]}, worker {record['worker']}, " \
           f"{record['seconds'] * 1e3:.3g} ms"


def _svg(caption: str, height: float, drawn: list[str]) -> str:
    return f'<div style="margin:4px 0"><small>{caption}</small><br/><svg xmlns="http://www.w3.org/2000/svg" ' \
           f'width="{WIDTH}" height="{height:.0f}" role="img" aria-label="{caption}">{"".join(drawn)}</svg></div>'
