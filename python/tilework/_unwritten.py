"""Whether a kernel has written every element of the new outputs that it fills. A kernel that rebinds the name of its output
(``r = a.sum(1)``), or fills a part of it, would give zeros without a word.

New outputs are zeros before. If the tile has no zero after the kernel, all is written, and that is the usual case. Else it
runs again, on scratch that holds a pattern: what was zero at first and is the pattern now was not written. A kernel that
reads its output (``h += x``) is known by values that differ between the two runs, or by its refusal of a read-only array.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np

from . import _tilework

# Moderate numbers for every float, whole numbers of many bits, bytes that are no bool's.
PATTERNS = (b"\x47\x5b\x9d\x42\x35\x71\xc3\x40", b"\x39\xa6\x6d\x41\x8b\x53\x97\x3f")

Fresh = tuple[tuple[int, str, tuple[int, ...]], ...]


def _bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """One row an item, in C order."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(-1, array.itemsize)


def _zeros(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which items are zero, flat."""
    return np.logical_not(_bytes(array).any(1))


def _has_zero(array: np.ndarray[Any, Any]) -> bool:
    if array.size == 0 or array.itemsize == 0:
        return False
    return int(np.count_nonzero(array)) < array.size if array.dtype.kind in "biufc" else bool(_zeros(array).any())


def _pattern(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """The bytes of one item."""
    return np.resize(np.frombuffer(PATTERNS[number], np.uint8), array.itemsize)


def _scratch(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """An array like it that holds the pattern. One with gaps has gaps, since compiled kernels are compiled for that."""
    gaps = array.ndim > 1 and not array.flags.c_contiguous
    whole = np.empty((*array.shape[:-1], array.shape[-1] + 1) if gaps else array.shape, array.dtype)
    _bytes(whole)[...] = _pattern(array, number)
    return whole[..., :-1] if gaps else whole


class _Kernel:
    """One tile, to be run again."""

    def __init__(self, function: Callable[..., Any], views: tuple[Any, ...], tile: Any, fresh: Fresh,
                 before: dict[int, np.ndarray[Any, Any]]) -> None:
        self.function, self.views, self.fresh, self.before = function, views, fresh, before
        self.named = {} if tile is None else {"tile": tile}

    def outputs(self, number: int, writeable: bool = True) -> Optional[dict[int, np.ndarray[Any, Any]]]:
        """What it leaves of the pattern; None where it raises."""
        arguments = list(self.views)
        scratch = {n: _scratch(self.views[n], number) for n, _, _ in self.fresh}
        for n, array in scratch.items():
            array.flags.writeable = writeable
            arguments[n] = array
        for n, array in self.before.items():
            arguments[n] = array.copy()
        try:
            with np.errstate(all="ignore"):
                self.function(*arguments, **self.named)
        except Exception:  # pylint: disable=broad-except  # it reads what it is given
            return None
        return scratch


def remember(views: tuple[Any, ...], positions: bytes) -> dict[int, np.ndarray[Any, Any]]:
    """What the kernel changes that is not new."""
    return {n: views[n].copy() for n in positions}


def look(function: Callable[..., Any], views: tuple[Any, ...], tile: Any, fresh: Fresh,
         before: dict[int, np.ndarray[Any, Any]]) -> None:
    """After the kernel: an error if it has left an element of a new output unwritten."""
    if not any(_has_zero(views[n]) for n, _, _ in fresh):
        return
    kernel = _Kernel(function, views, tile, fresh, before)
    left = {n: _zeros(views[n]) for n, _, _ in fresh if _has_zero(views[n])}
    for number in range(len(PATTERNS)):
        again = kernel.outputs(number)
        if again is None:
            return
        for n in list(left):
            left[n] &= (_bytes(again[n]) == _pattern(again[n], number)).all(1)
            if not left[n].any():
                del left[n]
        if not left or _reads(views, again, left):
            return
    if all(found.all() for found in left.values()) and kernel.outputs(0, writeable=False) is None:
        return
    raise ValueError(_words(views, fresh, left))


def _reads(views: tuple[Any, ...], again: dict[int, np.ndarray[Any, Any]], left: dict[int, np.ndarray[Any, Any]]) -> bool:
    """Whether what it has written depends on what was there."""
    for n, scratch in again.items():
        differs = (_bytes(views[n]) != _bytes(scratch)).any(1)
        if (differs & ~left[n] if n in left else differs).any():
            return True
    return False


def _words(views: tuple[Any, ...], fresh: Fresh, left: dict[int, np.ndarray[Any, Any]]) -> str:
    n, name, starts = next(output for output in fresh if output[0] in left)
    index = np.unravel_index(int(np.argmax(left[n])), views[n].shape)
    place = ",".join(str(start + int(i)) for start, i in zip(starts, index))
    count = int(np.count_nonzero(left[n]))
    more = f" and {count - 1} more elements" if count > 2 else " and one more element" if count == 2 else ""
    return (f"the kernel has left {name}[{place}]{more} unwritten; it fills the array that it is given: assign to {name}[...], "
            f"as {name} = ... only gives the name to another array")


_tilework.set_fresh_callbacks(remember, look)
