"""Tiles that are done, as `on_tile` and `iterate` give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable, Optional

import numpy as np

from . import _tilework
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


class Listener:
    """An `on_tile` of the package's own, which also learns from when to when its run can be ended."""

    on_tile: Optional[Callable[[FinishedTile], object]] = None  # None: it does not need to hear of tiles

    def begin(self, engine: Any) -> None:
        """Called by the run before its first tile: `engine.stop` ends it from now on."""

    def end(self) -> None:
        """Called by the run while the pool is still its own."""


def hears_tiles(on_tile: Any) -> bool:
    """Somebody needs to hear of each tile."""
    return on_tile is not None and not (isinstance(on_tile, Listener) and on_tile.on_tile is None)


class Teller:
    """What the extension calls with the number of each tile that is done, and with -1 before the first. `arrays`: the outputs whose
    memory is known before the run."""

    def __init__(self, request: Request, arrays: Mapping[int, np.ndarray[Any, Any]], on_tile: Callable[[FinishedTile], object],
                 engine: Any) -> None:
        self.request, self.arrays, self.on_tile, self.engine = request, arrays, on_tile, engine

    def __call__(self, number: int, chosen: Any) -> None:
        if number >= 0:
            self.tell(number, {k: array.numpy() for k, array in chosen})
        else:
            self.begin()

    def begin(self) -> None:
        if isinstance(self.on_tile, Listener):
            self.on_tile.begin(self.engine)

    def tell(self, number: int, chosen: Mapping[int, np.ndarray[Any, Any]]) -> None:
        """`chosen`: the arrays of outputs whose dtype the kernel has chosen."""
        self.on_tile(self._finished(number, chosen))

    def parts(self, number: int) -> Iterator[tuple[int, tuple[slice, ...]]]:
        """The outputs that a tile has finished, each with its part there."""
        for k in self.request.notation.outs:
            part = self.request.grid.part(number, k)
            if part is not None and part[0] != _tilework.IN:
                yield k, tuple(map(slice, part[1], part[2]))

    def _finished(self, number: int, chosen: Mapping[int, np.ndarray[Any, Any]]) -> FinishedTile:
        notation = self.request.notation
        everything = tuple(map(slice, *self.request.grid.tile(number)))
        outputs: dict[str, Any] = {}
        for k, part in self.parts(number):
            array = self.arrays.get(k, chosen.get(k))
            if array is not None:
                outputs[notation.names[k]] = array[part]
        index = tuple(everything[axis] for axis in notation.shapes[notation.outs[0]]) if notation.outs else everything
        return FinishedTile(number, dict(zip(notation.axes, everything)), index, outputs)
