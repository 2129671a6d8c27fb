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


def _dimensions(request: Request, where: Masked) -> tuple[int, ...]:
    """The axes of a mask."""
    notation = request.notation
    if where[1] is None:
        return notation.shapes[notation.outs[0]] if notation.outs else notation.shapes[0] if notation.names else tuple(range(len(notation.axes)))
    named = _signature.read("where" * where[1].lstrip().startswith("[") + where[1])
    for name in named.axes:
        if name not in notation.axes:
            raise ArgumentError(f"where has the axis {name}, which the job does not have: it has {', '.join(notation.axes) or 'none'}")
    return tuple([notation.axes.index(named.axes[axis]) for axis in named.shapes[0]])


def _is_wanted(request: Request, mask: np.ndarray[Any, Any], dimensions: tuple[int, ...], tile: int) -> bool:
    starts, stops = request.grid.tile(tile)
    return bool(mask[tuple([slice(starts[axis], stops[axis]) if length > 1 else slice(None)
                            for axis, length in zip(dimensions, mask.shape)])].any())


def first_wanted(request: Request, where: Masked) -> Optional[int]:
    """The first tile that the mask does not leave out; None: it leaves out all."""
    mask, dimensions = where[0].numpy(), _dimensions(request, where)
    return next((tile for tile in range(request.grid.count) if _is_wanted(request, mask, dimensions, tile)), None)


def wanted(request: Request, where: Masked) -> np.ndarray[Any, Any]:
    """Of each tile whether the mask wants it."""
    mask, dimensions = where[0].numpy(), _dimensions(request, where)
    names, lengths = [request.notation.axes[axis] for axis in dimensions], [request.lengths[axis] for axis in dimensions]
    if mask.ndim != len(dimensions):
        raise ArgumentError(f"where has {mask.ndim} dimensions but its axes are {', '.join(names) or 'none'}; say which axes it has: {FORMS}")
    for name, length, here in zip(names, lengths, mask.shape):
        if here not in (length, 1):
            raise ArgumentError(f"axis {name} has length {length} but where has {here} there")
    return np.array([_is_wanted(request, mask, dimensions, tile) for tile in range(request.grid.count)], bool)


def fill_skipped(request: Request, report: Any, found: Mapping[int, np.ndarray[Any, Any]]) -> None:
    """Zeros in new outputs where the mask has left tiles out."""
    for tile in np.flatnonzero(report.tiles["state"] == SKIPPED):
        for k, array in found.items():
            if request.arrays[k] is None:
                part = request.grid.part(int(tile), k)
                if part is not None:
                    array[tuple(map(slice, part[1], part[2]))] = np.zeros((), array.dtype)
