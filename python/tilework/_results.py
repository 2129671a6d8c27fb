"""Outputs that have the dtype of what their kernel returns: what the workers ask for, and the one array in the end.

Each dtype that some tile returns has an array of its own (texts share the widest). The result is the one that all tiles
lie in; where there are several, it has ``numpy.result_type`` of all of them, in the order of the lowest tile of each. So it
depends on the job alone, whatever tile ends first.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Optional

import numpy as np

from . import _arguments, _bits, _frames, _tilework
from ._errors import CheckError, OutOfMemory, TileError

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
    return wanted, _arguments.descr_of(wanted)


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


def _refused(request: Any, operand: int, tiles: list[int], dtypes: list[np.dtype[Any]]) -> TileError:
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


def _box(request: Any, operand: int, tile: int) -> tuple[slice, ...]:
    starts, stops = request.grid.tile(tile)
    return tuple(slice(starts[axis], stops[axis]) for axis in request.notation.shapes[operand])


def settled(request: Any, pool: Optional[_tilework.Pool], operand: int, arrays: list[_tilework.Array],
            told: tuple[bytes, int, int]) -> np.ndarray[Any, Any]:
    """The one array of an output, from those that its tiles asked for."""
    if told[0] and told[0][0] != NOWHERE and told[0].count(told[0][0]) == len(told[0]):
        only: np.ndarray[Any, Any] = arrays[told[0][0]].numpy()
        if only.dtype.kind not in TEXT_SIZES:
            return only
    places = np.frombuffer(told[0], np.uint8)
    numbers, lowest = np.unique(places, return_index=True)
    order = [n for n in np.argsort(lowest) if numbers[n] != NOWHERE]
    if not order:
        nothing: np.ndarray[Any, Any] = request.made(pool, operand, request.inputs_dtype(operand)).numpy()
        return nothing
    found: dict[int, np.ndarray[Any, Any]] = {int(numbers[n]): arrays[numbers[n]].numpy() for n in order}
    widths = {"S": told[1], "U": told[2] // TEXT_SIZES["U"]}
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


# ---- check=True --------------------------------------------------------------------------------------------------------


class Again:
    """The job computed again as one serial tile, in memory of its own. Made before the run, which changes inout operands."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.arrays: list[Any] = [None if array is None else array if request.notation.roles[k] == _tilework.IN else
                                  array.copy() for k, array in enumerate(request.arrays)]

    def compare(self, inner: _tilework.Kernel, called_with: bytes, results: dict[int, np.ndarray[Any, Any]]) -> dict[str, Any]:
        """What the report says of it; an error where one bit is another."""
        request = self.request
        notation = request.notation
        whole = ((notation.axes[0], "parts", 1),) if notation.axes else ()
        grid = _arguments.grid_for(notation, request.lengths, whole, (8,) * len(notation.names), _tilework.COST_UNKNOWN)
        arrays = tuple(request.made(None, k, request.dtypes[k]) if array is None else _arguments.wrapped(array)
                       for k, array in enumerate(self.arrays))
        _, chosen = _tilework.run(None, inner, grid, arrays, called_with, bytes(notation.outs), -1, 0.0, 0, False, False, False,
                                  None, False, request.deferred, request.fresh, request.fresh,
                                  ())
        told = compare(request, results, request.arrays_of(arrays, None, chosen))
        if not told["identical"]:
            raise differs(request, told)
        return told


def _same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    equal: np.ndarray[Any, Any] = (_bits.of_items(a) == _bits.of_items(b)).all(1)
    return equal


def _distance(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    if a.dtype.kind not in "biufc" or a.size == 0:
        return 0.0
    with np.errstate(all="ignore"):
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        far = np.abs(a.astype(wide) - b.astype(wide))
        far[(a == b) | (a != a) & (b != b)] = 0  # pylint: disable=comparison-with-itself
    return float(np.nan_to_num(far, nan=np.inf).max())


def compare(request: Any, results: dict[int, np.ndarray[Any, Any]], again: dict[int, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """What the report says of a run whose job was computed again as one tile."""
    told: dict[str, Any] = {"checked": True, "identical": True, "max_difference": 0.0, "differing_operand": -1,
                            "differing_index": -1, "differing_tile": -1}
    notation = request.notation
    for k, ours in results.items():
        theirs = again[k]
        if ours.dtype != theirs.dtype:
            raise CheckError(f"{notation.names[k]} is {ours.dtype}, but {theirs.dtype} as one serial tile; give dtype=")
        same = _same_bits(ours, theirs)
        if same.all():
            continue
        told["max_difference"] = max(told["max_difference"], _distance(ours, theirs))
        if told["identical"]:
            flat = int(np.argmin(same))
            index = np.unravel_index(flat, ours.shape)
            told.update(identical=False, differing_operand=k, differing_index=flat,
                        differing_tile=_owner(request, k, tuple(int(i) for i in index)))
    return told


def _owner(request: Any, operand: int, index: tuple[int, ...]) -> int:
    axes = request.notation.shapes[operand]
    for tile in range(request.grid.count):
        starts, stops = request.grid.tile(tile)
        if all(starts[axis] <= place < stops[axis] for axis, place in zip(axes, index)):
            return tile
    return -1


def differs(request: Any, told: dict[str, Any]) -> CheckError:
    operand, tile = told["differing_operand"], told["differing_tile"]
    shape = tuple(request.lengths[axis] for axis in request.notation.shapes[operand])
    place = ",".join(str(int(i)) for i in np.unravel_index(told["differing_index"], shape)) if shape else ""
    return CheckError(f"{request.notation.names[operand]}[{place}] differs from what one serial tile gives there; the element "
                      f"belongs to tile {tile}, {request.grid.text(tile)}; the kernel's result depends on the tile")
