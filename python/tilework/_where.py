"""The mask of a run, which leaves tiles out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from . import _memory, _signature
from ._errors import ArgumentError

if TYPE_CHECKING:
    from ._files import Masked
    from ._request import Request

SKIPPED = 4  # TW_TILE_SKIPPED


def axes_and_mask(where: Any) -> tuple[Optional[str], Any]:
    """where=mask, or where={"m[i,j]": mask}."""
    if not isinstance(where, Mapping):
        return None, where
    if len(where) != 1 or not all(isinstance(key, str) for key in where):
        raise ArgumentError("where is a mask, or a dict from one text with its axes, such as 'm[i,j]', to the mask")
    (axes, mask), = where.items()
    return axes, mask


def mask_of(where: Any) -> Masked:
    """As the extension takes it."""
    axes, mask = axes_and_mask(where)
    array = _memory.read(mask, "where")
    if array.dtype != np.bool_:
        raise ArgumentError(f"where is an array of bool, not of {array.dtype}")
    return _memory.wrapped(array), axes


def first_wanted(request: Request, where: Masked) -> Optional[int]:
    """The first tile that the mask does not leave out; None: it leaves out all."""
    notation, mask = request.notation, where[0].numpy()
    dimensions = notation.shapes[notation.outs[0]] if notation.outs else tuple(range(len(notation.axes)))
    if where[1] is not None:
        named = _signature.read("where" * where[1].lstrip().startswith("[") + where[1])
        dimensions = tuple([notation.axes.index(named.axes[axis]) for axis in named.shapes[0]])
    for tile in range(request.grid.count):
        starts, stops = request.grid.tile(tile)
        if mask[tuple([slice(starts[axis], stops[axis]) if length > 1 else slice(None)
                       for axis, length in zip(dimensions, mask.shape)])].any():
            return tile
    return None


def fill_skipped(request: Request, report: Any, found: Mapping[int, np.ndarray[Any, Any]]) -> None:
    """Zeros in new outputs where the mask has left tiles out."""
    for tile in np.flatnonzero(report.tiles["state"] == SKIPPED):
        for k, array in found.items():
            if request.arrays[k] is None:
                part = request.grid.part(int(tile), k)
                if part is not None:
                    array[tuple(map(slice, part[1], part[2]))] = np.zeros((), array.dtype)
