"""How axes are divided: what a user says by cuts, tiles and parts, and the grid that the library makes of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence, Set
from typing import Any, Optional, Union

import numpy as np

from . import _tilework
from ._edges import Given
from ._errors import ArgumentError, of_failure
from ._scalars import axis_name, whole
from ._signature import Notation

# Axis, "cuts" or "tile" or "parts", and the positions or the number.
Split = tuple[str, str, Union[int, tuple[int, ...]]]
Splits = tuple[Split, ...]
Folds = tuple[Union[int, _tilework.Kernel], ...]  # one an operand: FOLD_*, or the kernel that folds


def divisions(cuts: Optional[Mapping[str, Any]], tiles: Optional[Mapping[str, Any]],
              parts: Optional[Mapping[str, Any]]) -> Splits:
    """How axes are divided, as (axis, how, value)."""
    if cuts is None and tiles is None and parts is None:
        return ()
    found: dict[str, Split] = {}
    for argument, how, given in (("cuts", "cuts", cuts), ("tiles", "tile", tiles), ("parts", "parts", parts)):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise TypeError(f"{argument} is a dict from axes to " +
                            ("lists of positions" if how == "cuts" else "numbers") + f", not {type(given).__name__}")
        for axis, value in given.items():
            axis_name(axis, argument)
            if axis in found:
                raise ArgumentError(f"axis {axis} is divided twice; give one of cuts, tiles, parts for it")
            if how == "cuts":
                if not isinstance(value, (Sequence, np.ndarray, Set, range)) or isinstance(value, (str, bytes)):
                    positions = [value]
                else:
                    positions = sorted(value) if isinstance(value, Set) else list(np.atleast_1d(value))
                found[axis] = (axis, how, tuple(whole(cut, f"a cut of axis {axis}") for cut in positions))
            else:
                number = whole(value, f"{argument} of axis {axis}")
                if number < 1:
                    raise ArgumentError(f"{argument} of axis {axis} is {number}; it is at least 1")
                found[axis] = (axis, how, number)
    return tuple(found.values())


@functools.lru_cache(maxsize=256)
def grid_for(notation: Notation, lengths: tuple[int, ...], splits: Splits,
             itemsizes: tuple[int, ...], cost: int, input_axes_only: bool = False, folds: Folds = (), edges: Given = ()) -> _tilework.Grid:
    """`input_axes_only`: automatic tiles leave an axis whole that no input has."""
    try:
        return _tilework.Grid(notation.signature, lengths, splits, itemsizes, cost, input_axes_only, folds, dict(edges))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
