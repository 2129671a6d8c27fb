"""Tiles that are done, as `on_tile` and `iterate` give them."""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np

from . import _tilework
from ._errors import PoolError
from ._files import Written
from ._job import Job
from ._request import Request


class FinishedTile:
    """A tile that is done, while others run.

    Attributes
    ----------
    number : int
        The tile's number.
    ranges : dict
        For each axis the tile's ``slice``.
    index : tuple of slice
        Cuts the tile's part out of the first output (of an array with all axes if there is none): ``r[tile.index]``.
    outputs : dict
        For each output that the tile has finished, by its name, a view of that part. A tile that computes a part of a
        reduction has not finished that output: the tile that folds the parts has.
    """

    __slots__ = ("number", "ranges", "index", "outputs")

    def __init__(self, number: int, ranges: dict[str, slice], index: tuple[slice, ...], outputs: dict[str, Any]) -> None:
        self.number, self.ranges, self.index, self.outputs = number, ranges, index, outputs

    @property
    def result(self) -> Any:
        """The view of the only output, or a tuple of views; None if the tile has finished none."""
        views = tuple(self.outputs.values())
        return views[0] if len(views) == 1 else views or None

    def __repr__(self) -> str:
        places = ", ".join(f"{axis} {part.start}:{part.stop}" for axis, part in self.ranges.items())
        return f"<tilework.FinishedTile {self.number}: {places}>"


class Teller:
    """What the extension calls with the number of each tile that is done, and with -1 before the first."""

    def __init__(self, request: Request, job: Optional[Job], on_tile: Callable[[FinishedTile], object], engine: Any,
                 files: Optional[Written]) -> None:
        self.request, self.engine, self.on_tile = request, engine, on_tile
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}
        if files is not None:
            self.arrays = files.views()
        elif job is not None:
            self.arrays = {k: job.arrays[k].numpy() for k in request.notation.outs if k not in request.deferred}

    def __call__(self, number: int, chosen: Any) -> None:
        if number >= 0:
            self.on_tile(self._finished(number, {k: array.numpy() for k, array in chosen}))
        elif hasattr(self.on_tile, "begin"):
            self.on_tile.begin(self.engine)

    def _finished(self, number: int, chosen: dict[int, np.ndarray[Any, Any]]) -> FinishedTile:
        notation, grid = self.request.notation, self.request.grid
        starts, stops = grid.tile(number)
        everything = tuple(map(slice, starts, stops))
        outputs: dict[str, Any] = {}
        for k in notation.outs:
            part = grid.part(number, k)
            array = self.arrays.get(k, chosen.get(k))
            if part is not None and part[0] != _tilework.IN and array is not None:
                outputs[notation.names[k]] = array[tuple(map(slice, part[1], part[2]))]
        index = tuple(everything[axis] for axis in notation.shapes[notation.outs[0]]) if notation.outs else everything
        return FinishedTile(number, dict(zip(notation.axes, everything)), index, outputs)


def refuse_spawned(what: str) -> PoolError:
    """For pools whose workers another interpreter has."""
    return PoolError(f"a pool of start='spawn' has no {what}; use a pool of threads, or of processes that are forked")
