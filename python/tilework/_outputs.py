"""What a user says of the outputs of a run, by their names or in their order: arrays to write to, dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from ._dtypes import as_dtype
from ._errors import ArgumentError
from ._signature import Notation


def by_output(notation: Notation, value: Any, what: str) -> dict[int, Any]:
    """Something given for the outputs that are made: for the only one, for all in a list, or for some by name."""
    if value is None:
        return {}
    names = {notation.names[k]: k for k in notation.made}
    if isinstance(value, Mapping):
        for name in value:
            if name not in names:
                raise ArgumentError(f"{what}: the signature has no output {name} that is not an operand too; it has "
                                    f"{', '.join(names) or 'none'}")
        return {names[name]: item for name, item in value.items()}
    items = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(items) != len(names):
        raise ArgumentError(f"{what}: {len(items)} given for {len(names)} output{'s' * (len(names) != 1)} ({', '.join(names) or 'none'})")
    return {k: item for k, item in zip(notation.made, items) if item is not None}


def wished_dtypes(notation: Notation, dtype: Any) -> dict[int, np.dtype[Any]]:
    """What dtype= asks for."""
    if dtype is None:
        return {}
    if isinstance(dtype, (Mapping, list, tuple)) and not _is_record(dtype):
        wished = by_output(notation, dtype, "dtype")
    else:
        wished = {k: dtype for k in notation.made}
    return {k: as_dtype(wish, f"output {notation.names[k]}") for k, wish in wished.items()}


def given_dtypes(notation: Notation, arrays: Sequence[Optional[np.ndarray[Any, Any]]],
                 dtype: Any) -> dict[int, np.dtype[Any]]:
    """Of the outputs that are made: as asked for, or as the signature says."""
    found = wished_dtypes(notation, dtype)
    for k in notation.made:
        if k not in found and arrays[k] is None and notation.dtypes[k] is not None:
            found[k] = as_dtype(notation.dtypes[k], f"output {notation.names[k]}")
    return found


def inputs_dtype(notation: Notation, k: int, inputs: Sequence[Any]) -> np.dtype[Any]:
    """Of an output that has no other: what NumPy would make of the inputs."""
    try:
        return np.result_type(*inputs) if inputs else np.dtype(np.float64)
    except TypeError as error:
        raise TypeError(f"output {notation.names[k]} has no dtype of its own and its inputs have none in common ({error}); "
                        "give dtype=") from error


def _is_record(dtype: Any) -> bool:
    """[('a', 'i4'), ...] is one dtype, ['f4', 'i8'] are two."""
    return isinstance(dtype, list) and all(isinstance(item, tuple) for item in dtype)
