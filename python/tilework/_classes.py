"""Arrays of other classes than ndarray: which of them kernels may take for plain arrays without a loss."""

from __future__ import annotations

from typing import Any

import numpy as np


def refuse(value: Any, what: str) -> None:
    """A TypeError for arrays that mean more than their items: with a unit, or with operations of their own. Kernels would get
    the items alone."""
    kind = type(value)
    if kind is np.ndarray:
        return
    name = f"{kind.__module__}.{kind.__qualname__}".replace("numpy.matrixlib.defmatrix", "numpy")
    if isinstance(value, np.matrix):
        raise TypeError(f"{what} is a {name}, whose * is the product of matrices, but kernels compute with arrays: give "
                        "numpy.asarray of it")
    array = isinstance(value, np.ndarray)
    if (array and (hasattr(kind, "unit") or hasattr(kind, "units"))) or (hasattr(kind, "units") and hasattr(kind, "magnitude")):
        numbers = next((f"its .{part}" for part in ("value", "magnitude") if hasattr(kind, part)), "numpy.asarray of it")
        raise TypeError(f"{what} is a {name}, whose unit would be lost: give its numbers ({numbers}) and the unit of the result "
                        "yourself")
    if array and (kind.__array_ufunc__ is not np.ndarray.__array_ufunc__ or
                                          kind.__mul__ is not np.ndarray.__mul__):
        raise TypeError(f"{what} is a {name}, which computes in its own way, but kernels compute with arrays: give "
                        "numpy.asarray of it")


def of_items(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array as its items ask for it: those of a recarray as one."""
    return array.view(np.recarray) if array.dtype.type is np.record and type(array) is np.ndarray else array
