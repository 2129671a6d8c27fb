"""Outputs that have the dtype of what their kernel returns: what the workers ask for, and the one array in the end.

Each dtype that some tile returns has an array of its own (texts share the widest). The result is the one that all tiles
lie in; where there are several, it has ``numpy.result_type`` of all of them, in the order of the lowest tile of each. So it
depends on the job alone, whatever tile ends first.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any, Optional, Protocol

import numpy as np

from . import _dtypes, _frames, _tilework
from ._errors import OutOfMemory, TileError
from ._signature import Notation

NOWHERE = 255  # of a tile that was not computed
FATES = dict.fromkeys("iu", "fractions are cut off") | dict.fromkeys("SU", "longer texts are cut off") | {
    "b": "fractions are taken for True", "M": "differences become dates"}  # of what such a dtype does not hold
TEXT_SIZES = {"S": 1, "U": 4}  # bytes of a character

_widths: dict[tuple[int, int, str], int] = {}  # of the arrays that this worker asked for: run, operand, kind


# ---- in workers --------------------------------------------------------------------------------------------------------


def plain(value: Any) -> np.ndarray[Any, Any]:
    """What a kernel has returned as an exact ndarray."""
    masked: Any = sys.modules.get("numpy.ma")
    if masked is not None and (isinstance(value, masked.MaskedArray) or
                               isinstance(value, (list, tuple)) and any(isinstance(item, masked.MaskedArray) for item in value)):
        hidden = sum(int(np.count_nonzero(masked.getmaskarray(item)))
                     for item in ([value] if isinstance(value, masked.MaskedArray) else value))
        if hidden:
            raise TypeError(f"the kernel has returned a masked array, whose {hidden} masked element{'s' * (hidden > 1)} would be "
                            "lost; return its .filled() (and its mask as another output)")
    return np.asarray(value)


@functools.lru_cache(maxsize=256)
def _asked(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], Optional[str]]:
    if dtype.hasobject or dtype.kind in "OT":
        raise TypeError(f"the kernel has returned items of dtype {dtype}, references to Python objects, which cannot be in "
                        "shared memory; give dtype=, or return numbers, fixed-length texts or records")
    wanted = dtype if dtype.isnative or dtype.names else dtype.newbyteorder("=")
    return wanted, _dtypes.descr_of(wanted)


def choose(dtype: np.dtype[Any], run: int, operand: int) -> tuple[np.dtype[Any], Optional[str], int]:
    """The dtype of the array that a tile of this dtype is to lie in. Texts share arrays: a width that has no room in those
    that this worker knows asks for one of the next power of two."""
    if dtype.kind not in TEXT_SIZES:
        return (*_asked(dtype), 0)
    unit = TEXT_SIZES[dtype.kind]
    width = max(dtype.itemsize, unit)
    if _widths and next(iter(_widths))[0] != run:
        _widths.clear()
    known = _widths.get((run, operand, dtype.kind), 0)
    room = known or width
    while room < width:
        room = max(2 * room, unit << (width // unit - 1).bit_length())
    _widths[run, operand, dtype.kind] = room
    return (*_asked(np.dtype(f"{dtype.kind}{room // unit}")), width)


class NoRoom(OutOfMemory):
    """For an output whose dtype is known now."""


_tilework.set_result_callbacks(plain, choose, NoRoom)


# ---- before the run ----------------------------------------------------------------------------------------------------


def warn_of_losses(name: str, dtype: np.dtype[Any], inputs: list[Any]) -> None:
    """A kernel that fills an output without a dtype, of whole numbers alone, may mean fractions; of texts, longer ones; of
    dates, the time between them."""
    if inputs and dtype.kind in FATES:
        own = dtype.name if dtype.kind in "biu" else dtype.str
        _frames.warn(
            f"output {name} has dtype {dtype}, that of the inputs, as the kernel fills it: {FATES[dtype.kind]}; give dtype= "
            f"(dtype={own!r} to keep it), or let the kernel return its tile", UserWarning, each_line_once=True)


# ---- after the run -----------------------------------------------------------------------------------------------------


class Sought(Protocol):
    """The run whose outputs are put together: a request."""

    notation: Notation
    grid: _tilework.Grid

    @property
    def lengths(self) -> Sequence[int]:
        """Of the axes."""

    def made(self, pool: Optional[_tilework.Pool], k: int, dtype: np.dtype[Any]) -> _tilework.Array:
        """Memory for output k."""

    def inputs_dtype(self, k: int) -> np.dtype[Any]:
        """Of an output that has no other."""


def _group(dtype: np.dtype[Any]) -> str:
    return "texts" if dtype.kind in TEXT_SIZES else dtype.kind if dtype.kind in "mM" else "others"


def common(dtypes: list[np.dtype[Any]]) -> Optional[np.dtype[Any]]:
    """What can hold all of them; None: nothing. NumPy would write numbers as texts."""
    if len({_group(dtype) for dtype in dtypes}) > 1:
        return None
    try:
        found: np.dtype[Any] = np.result_type(*dtypes)
    except TypeError:
        return None
    return None if found.hasobject else found


def _wide_enough(*dtypes: np.dtype[Any]) -> Optional[np.dtype[Any]]:
    """A dtype that, given by the user, takes both; None: there is none."""
    texts = [dtype for dtype in dtypes if dtype.kind in TEXT_SIZES]
    try:
        wishes = [np.result_type(*dtypes)] if len(texts) == 1 else list(dtypes)
    except TypeError:
        return None
    return next((wish for wish in wishes if all(np.can_cast(dtype, wish, "same_kind") for dtype in dtypes)), None)


def _refused(request: Sought, operand: int, tiles: list[int], dtypes: list[np.dtype[Any]]) -> TileError:
    """The lowest tile that has nothing in common with those before it, and the first of these."""
    last = next(n for n in range(1, len(dtypes) + 1) if common(dtypes[:n + 1]) is None)
    first = next((n for n in range(last) if common([dtypes[n], dtypes[last]]) is None), 0)
    wish = _wide_enough(dtypes[first], dtypes[last])
    advice = "" if wish is None else f"give dtype={wish.str if wish.names is None else wish!r}, or "
    one, other = (f"tile {tiles[n]}, {request.grid.text(tiles[n])}, has {dtypes[n]}" for n in (first, last))
    error = TileError(f"output {request.notation.names[operand]} has tiles of dtypes that have none in common: {one}; {other}; "
                      f"{advice}return the same dtype from every tile")
    error.tile = tiles[last]
    starts, stops = request.grid.tile(tiles[last])
    error.ranges = {axis: slice(start, stop) for axis, start, stop in zip(request.notation.axes, starts, stops)}
    return error


def _box(request: Sought, operand: int, tile: int) -> tuple[slice, ...]:
    starts, stops = request.grid.tile(tile)
    return tuple(slice(starts[axis], stops[axis]) for axis in request.notation.shapes[operand])


def settled(request: Sought, pool: Optional[_tilework.Pool], operand: int, arrays: list[_tilework.Array],
            reported: tuple[bytes, int, int]) -> np.ndarray[Any, Any]:
    """The one array of an output, from those that its tiles asked for."""
    if reported[0] and reported[0][0] != NOWHERE and reported[0].count(reported[0][0]) == len(reported[0]):
        only: np.ndarray[Any, Any] = arrays[reported[0][0]].numpy()
        if only.dtype.kind not in TEXT_SIZES:
            return only
    places = np.frombuffer(reported[0], np.uint8)
    numbers, lowest = np.unique(places, return_index=True)
    order = [n for n in np.argsort(lowest) if numbers[n] != NOWHERE]
    if not order:
        nothing: np.ndarray[Any, Any] = request.made(pool, operand, request.inputs_dtype(operand)).numpy()
        return nothing
    found: dict[int, np.ndarray[Any, Any]] = {int(numbers[n]): arrays[numbers[n]].numpy() for n in order}
    widths = {"S": reported[1], "U": reported[2] // TEXT_SIZES["U"]}
    dtypes = [np.dtype(f"{array.dtype.kind}{widths[array.dtype.kind]}") if array.dtype.kind in TEXT_SIZES else array.dtype
              for array in found.values()]
    dtype = dtypes[0] if len(dtypes) == 1 else common(dtypes)
    if dtype is None:
        raise _refused(request, operand, [int(lowest[n]) for n in order], dtypes)
    own = next((number for number, array in found.items() if array.dtype == dtype), None)
    if own is not None and len(found) == 1:
        return found[own]
    result: np.ndarray[Any, Any] = found[own] if own is not None else request.made(pool, operand, dtype).numpy()
    for tile in np.flatnonzero((places != NOWHERE) & (places != (NOWHERE if own is None else own))):
        box = _box(request, operand, int(tile))
        result[box] = found[int(places[tile])][box]
    return result
