"""check=True where a kernel chooses the dtype of an output, which the library cannot do again by itself: the job as one
serial tile, compared bit by bit."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from . import _bits, _memory, _tilework
from ._errors import CheckError
from ._grid import Splits, grid_for
from ._job import Job
from ._options import Asked, RunOptions
from ._request import Request


class Again:
    """The job computed again as one serial tile, in memory of its own. Made before the run, which changes inout operands."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.arrays: list[Optional[np.ndarray[Any, Any]]] = [None if array is None else array if request.notation.roles[k] == _tilework.IN else
                                  array.copy() for k, array in enumerate(request.arrays)]

    def compare(self, job: Job, results: dict[int, np.ndarray[Any, Any]]) -> dict[str, Any]:
        """What the report says of it; an error if one bit is another."""
        request = self.request
        notation = request.notation
        whole: Splits = ((notation.axes[0], "parts", 1),) if notation.axes else ()
        grid = request.grid if request.parted else \
            grid_for(notation, request.lengths, whole, (8,) * len(notation.names), _tilework.COST_UNKNOWN,
                     edges=request.edges)
        arrays = tuple(request.made(None, k, request.dtypes[k]) if array is None else _memory.wrapped(array)
                       for k, array in enumerate(self.arrays))
        again = job._replace(grid=grid, arrays=arrays, fresh=request.fresh, dirty=request.fresh, expected=())
        _, chosen = _tilework.run(None, again, RunOptions(retries=-1))
        found = compare(request, results, request.arrays_of(arrays, None, chosen))
        if not found["identical"]:
            raise differs(request, found)
        return found


def in_memory(request: Request, asked: Asked, results: dict[int, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """The job of a call whose results are in files computed once more, serially, from what the caller sees of its operands. What
    the report says of it; an error if one bit is another."""
    from . import _functions
    notation = request.notation
    whole: Splits = ((notation.axes[0], "parts", 1),) if notation.axes and not request.parted else asked.splits
    inouts = [k for k in notation.given if notation.roles[k] != _tilework.IN]  # a run in memory writes to these
    operands = asked.operands
    if isinstance(operands, tuple):
        operands = tuple([np.array(request.arrays[k]) if k in inouts else value for k, value in zip(notation.given, operands)])
    else:
        operands = {**operands, **{notation.names[k]: np.array(request.arrays[k]) for k in inouts}}
    again = asked._replace(operands=operands, out=None, dtype={notation.names[k]: request.dtypes[k] for k in notation.made} or None,
                           splits=whole, pool="serial", workers=None, resume=False, restart=False, verify=False, version=None, mmap_mode="r",
                           node=None, options=RunOptions(retries=-1, where=asked.options.where))
    values = _functions.run_again(again)
    arrays = dict(zip(notation.outs, values if isinstance(values, tuple) else (values,)))
    found = compare(request, results, {k: np.asarray(array) for k, array in arrays.items()})
    if not found["identical"]:
        raise differs(request, found)
    return found


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


def compare(request: Request, results: dict[int, np.ndarray[Any, Any]], again: dict[int, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """What the report says of a run whose job was computed again as one tile."""
    found: dict[str, Any] = {"checked": True, "identical": True, "max_difference": 0.0, "differing_operand": -1,
                             "differing_index": -1, "differing_tile": -1}
    notation = request.notation
    for k, ours in results.items():
        theirs = again[k]
        if ours.dtype != theirs.dtype:
            raise CheckError(f"{notation.names[k]} is {ours.dtype}, but {theirs.dtype} as one serial tile; give dtype=")
        same = _same_bits(ours, theirs)
        if same.all():
            continue
        found["max_difference"] = max(found["max_difference"], _distance(ours, theirs))
        if found["identical"]:
            flat = int(np.argmin(same))
            index = np.unravel_index(flat, ours.shape)
            found.update(identical=False, differing_operand=k, differing_index=flat,
                         differing_tile=_owner(request, k, tuple(int(i) for i in index)))
    return found


def _owner(request: Request, operand: int, index: tuple[int, ...]) -> int:
    """The tile that has the element. An axis that the operand lacks is not cut."""
    place = dict(zip(request.notation.shapes[operand], index))
    return request.grid.owner([place.get(axis, 0) for axis in range(len(request.notation.axes))])


def differs(request: Request, found: dict[str, Any]) -> CheckError:
    operand, tile = found["differing_operand"], found["differing_tile"]
    shape = tuple(request.lengths[axis] for axis in request.notation.shapes[operand])
    place = ",".join(str(int(i)) for i in np.unravel_index(found["differing_index"], shape)) if shape else ""
    again, depends = ("the same tiles give serially", "more than its tile, or the function that folds gives another value each "
                      "time") if request.parted else ("one serial tile gives", "the tile")
    return CheckError(f"{request.notation.names[operand]}[{place}] differs from what {again} there; the element belongs to tile "
                      f"{tile}, {request.grid.text(tile)}; the kernel's result depends on {depends}")
