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
FORMS = "mask, {'i': mask}, {'i,j': mask} or {'m[i,j]': mask}"  # what is right


def axes_and_mask(where: Any) -> tuple[Optional[str], Any]:
    """where=mask, where={"i,j": mask}, or where={"m[i,j]": mask}."""
    if not isinstance(where, Mapping):
        return None, where
    if len(where) != 1:
        raise ArgumentError(f"where is one mask, but a dict of {len(where)} was given; it is {FORMS}")
    (axes, mask), = where.items()
    if not isinstance(axes, str):
        raise ArgumentError(f"where is a dict from the axes of a mask, as a text, to the mask, not from {axes!r}; it is {FORMS}")
    if "[" in axes:
        return axes, mask
    for name in axes.split(",") if axes.strip() else ():
        if not name.strip().isidentifier():
            raise ArgumentError(f"where: {axes!r} does not name the axes of a mask; it is {FORMS}")
    return f"where[{axes}]", mask


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
        for name in named.axes:
            if name not in notation.axes:
                raise ArgumentError(f"where has the axis {name}, which the job does not have: it has {', '.join(notation.axes) or 'none'}")
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
