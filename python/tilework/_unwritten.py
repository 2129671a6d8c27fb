"""Whether a kernel has written every element of the new outputs that it fills. A kernel that rebinds the name of its output
(``r = a.sum(1)``), or fills a part of it, would give zeros without a word.

New outputs are zeros before. If the tile has no zero after the kernel, all is written, and that is the usual case. Else it
runs again, on scratch that holds a pattern: what was zero at first and is the pattern now was not written. A kernel that
reads its output (``h += x``) is known by values that differ between the two runs, or by its refusal of a read-only array.

A partial result of a reduction begins as its identity (0 for a sum), and what a kernel leaves of that contributes nothing. Only
one that leaves all of it, and gives its name to another array, is mistaken.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterable
from typing import Any, Callable, Optional

import numpy as np

from . import _bits, _tilework

# Moderate numbers for every float, whole numbers of many bits, bytes that are no bool's.
PATTERNS = (b"\x47\x5b\x9d\x42\x35\x71\xc3\x40", b"\x39\xa6\x6d\x41\x8b\x53\x97\x3f")
NAN = len(PATTERNS)  # the number of a pattern that is nan in floats

Fresh = tuple[tuple[int, str, tuple[int, ...], bool, bool], ...]  # position, name, first index, is filled, is a partial result


def _zeros(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which items are zero, flat."""
    return np.logical_not(_bits.of_items(array).any(1))


def _has_zero(array: np.ndarray[Any, Any]) -> bool:
    if array.size == 0 or array.itemsize == 0:
        return False
    return int(np.count_nonzero(array)) < array.size if array.dtype.kind in "biufc" else bool(_zeros(array).any())


def _scratch(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """An array like it that holds the pattern. One with gaps has gaps, since compiled kernels are compiled for that."""
    gaps = array.ndim > 1 and not array.flags.c_contiguous
    whole = np.empty((*array.shape[:-1], array.shape[-1] + 1) if gaps else array.shape, array.dtype)
    if number == NAN and array.dtype.kind in "fc":
        whole[...] = np.nan
    elif array.itemsize > 0:
        item = np.resize(np.frombuffer(PATTERNS[number % len(PATTERNS)], np.uint8), array.itemsize)
        whole.reshape(-1).view(np.uint8).reshape(-1, array.itemsize)[...] = item
    return whole[..., :-1] if gaps else whole


def _is_pattern(scratch: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """Which of its items are as they were made, flat."""
    one = _bits.of_items(_scratch(scratch.reshape(-1)[:1], number))
    return np.asarray((_bits.of_items(scratch) == one).all(1))


class _Random:
    """The generators that all of a process share, `numpy.random` and `random`, as they are now."""

    def __init__(self) -> None:
        self.numpy: Any = sys.modules.get("numpy.random")
        self.python: Any = sys.modules.get("random")
        self.states = (self.numpy and self.numpy.get_state(legacy=False), self.python and self.python.getstate())

    def restore(self) -> None:
        if self.numpy is not None:
            self.numpy.set_state(self.states[0])
        if self.python is not None:
            self.python.setstate(self.states[1])


class _Kernel:
    """One tile, to be run again."""

    def __init__(self, function: Callable[..., Any], views: tuple[Any, ...], tile: Any, fresh: Fresh,
                 before: dict[int, np.ndarray[Any, Any]]) -> None:
        self.function, self.views, self.fresh, self.before = function, views, fresh, before
        self.named = {} if tile is None else {"tile": tile}

    def outputs(self, number: int, fixed: Iterable[int] = ()) -> Optional[dict[int, np.ndarray[Any, Any]]]:
        """What it leaves of the pattern, with read-only arrays for outputs that are `fixed`; None where it raises."""
        arguments = list(self.views)
        scratch = {n: _scratch(self.views[n], number) for n, *_, is_partial in self.fresh if not is_partial}
        for n, array in scratch.items():
            array.flags.writeable = n not in fixed
            arguments[n] = array
        for n, array in self.before.items():
            arguments[n] = array.copy()
            arguments[n].flags.writeable = n not in fixed
        try:
            with np.errstate(all="ignore"):
                self.function(*arguments, **self.named)
        except Exception:  # pylint: disable=broad-except  # it reads what it is given
            return None
        return {n: scratch[n] for n, _, _, is_filled, is_partial in self.fresh if is_filled and not is_partial}


def remember(views: tuple[Any, ...], positions: bytes) -> dict[int, np.ndarray[Any, Any]]:
    """What the kernel changes that is not new."""
    return {n: views[n].copy() for n in positions}


def look(function: Callable[..., Any], views: tuple[Any, ...], tile: Any, fresh: Fresh,
         before: dict[int, np.ndarray[Any, Any]], alone: bool, apart: bool) -> None:
    """After the kernel: an error if it has left an element of a new output unwritten. `alone`: no other thread of this
    process runs tiles; `apart`: it is a worker process."""
    left = {n: _zeros(views[n]) for n, _, _, is_filled, is_partial in fresh if is_filled and not is_partial and _has_zero(views[n])}
    _look_at_partials(function, views, tile, fresh, before, alone and not apart)
    if not any(found.any() for found in left.values()):  # -0.0 is written
        return
    random = _Random() if alone and not apart else None
    try:
        if _leaves(_Kernel(function, views, tile, fresh, before), left, alone):
            raise ValueError(_words(views, fresh, left))
    finally:
        if random is not None:  # later tiles draw what they would draw without this
            random.restore()


def _look_at_partials(function: Callable[..., Any], views: tuple[Any, ...], tile: Any, fresh: Fresh,
                      before: dict[int, np.ndarray[Any, Any]], shares: bool) -> None:
    """An error if the kernel has only given the name of a partial result to another array. `shares`: later tiles draw from the
    same generators."""
    for n, name, _, is_filled, is_partial in fresh:
        if is_partial and is_filled and _rebinds(function, n) and \
                bool((_bits.of_items(views[n]) == _bits.of_items(before[n])).all()):
            random = _Random() if shares else None
            try:
                if _Kernel(function, views, tile, fresh, before).outputs(0, (n,)) is not None:
                    raise ValueError(f"the kernel has left its part of {name} as it was; it fills the array that it is given: assign "
                                     f"to {name}[...], as {name} = ... only gives the name to another array")
            finally:
                if random is not None:
                    random.restore()


def _rebinds(function: Any, position: int) -> bool:
    """Whether the code gives the name of an argument to something else."""
    if not isinstance(function, types.FunctionType) or position >= function.__code__.co_argcount:
        return False
    name = function.__code__.co_varnames[position]
    return any(step.opname.startswith("STORE_FAST") and name in (step.argval if isinstance(step.argval, tuple) else (step.argval,))
               for step in dis.get_instructions(function))


def _leaves(kernel: _Kernel, left: dict[int, np.ndarray[Any, Any]], alone: bool) -> bool:
    """Whether the kernel has not written them. `left` loses those that it has."""
    runs = []
    for number in range(len(PATTERNS)):
        again = kernel.outputs(number)
        if again is None:
            return False
        runs.append(again)
        for n in list(left):
            left[n] &= _is_pattern(again[n], number)
            if not left[n].any():
                del left[n]
        if not left:
            return False
    if _differ(runs[0], runs[1], left) and not _is_by_chance(kernel, runs[0], left, alone):
        return False
    return not all(found.all() for found in left.values()) or kernel.outputs(0, left) is not None


def _differ(one: dict[int, np.ndarray[Any, Any]], other: dict[int, np.ndarray[Any, Any]],
            left: dict[int, np.ndarray[Any, Any]]) -> bool:
    """Whether two runs have written different items."""
    for n, scratch in one.items():
        differs = (_bits.of_items(other[n]) != _bits.of_items(scratch)).any(1)
        if (differs & ~left[n] if n in left else differs).any():
            return True
    return False


def _is_by_chance(kernel: _Kernel, first: dict[int, np.ndarray[Any, Any]], left: dict[int, np.ndarray[Any, Any]],
                  alone: bool) -> bool:
    """Whether what differs is of a kernel that draws new numbers each time, and not of what was there: with the same numbers
    it writes the same, and what it has written over nan is not made of that."""
    again = kernel.outputs(0)
    if again is None or not _differ(first, again, left):
        return False
    if alone:
        random = _Random()
        one = kernel.outputs(0)
        random.restore()
        other = kernel.outputs(1)
        random.restore()
        if one is not None and other is not None and not _differ(one, other, left):
            return True
    over = kernel.outputs(NAN)
    return over is not None and all(array.dtype.kind in "fc" and bool((np.isnan(array.reshape(-1)) == left.get(n, False)).all())
                                    for n, array in over.items())


def _words(views: tuple[Any, ...], fresh: Fresh, left: dict[int, np.ndarray[Any, Any]]) -> str:
    n, name, starts, _, _ = next(output for output in fresh if output[0] in left)
    index = np.unravel_index(int(np.argmax(left[n])), views[n].shape)
    place = ",".join(str(start + int(i)) for start, i in zip(starts, index))
    count = int(np.count_nonzero(left[n]))
    more = f" and {count - 1} more elements" if count > 2 else " and one more element" if count == 2 else ""
    return (f"the kernel has left {name}[{place}]{more} unwritten; it fills the array that it is given: assign to {name}[...], "
            f"as {name} = ... only gives the name to another array")


_tilework.set_fresh_callbacks(remember, look)
