"""Operands that NumPy reads as an array of Python objects: what they are, and what to give instead."""

from __future__ import annotations

import datetime
import decimal
import fractions
import types
from collections.abc import Mapping, Set
from typing import Any, Optional

import numpy as np

SAMPLE = 1000  # items that are looked at


def _of_pandas(value: Any) -> Optional[str]:
    """A Series, an index or a table."""
    if hasattr(value, "columns"):
        return "its columns have several dtypes, or one that NumPy lacks: give numbers alone with df[names].to_numpy(float), or " \
               "records with df.to_records(index=False)"
    name = str(getattr(value, "dtype", ""))
    if name == "category":
        return "it has categories: give their numbers, s.cat.codes.to_numpy()"
    if name.startswith("datetime64"):
        return "its times have a zone: give s.dt.tz_convert(None).to_numpy()"
    if name.startswith(("str", "large_str")):
        return "its texts have no fixed length: give s.to_numpy('U')"
    return "give numbers with s.to_numpy(float), or texts with s.to_numpy('U')"


def _of_items(value: Any) -> Optional[str]:
    """A sequence, by the first of its items that is no number or text."""
    try:
        items = np.asarray(value, dtype=object).reshape(-1)[:SAMPLE]
    except ValueError:
        return None
    for item in items:
        if item is None:
            return "it contains None: write nan for a number that is missing"
        if isinstance(item, int) and not isinstance(item, bool) and not -2**63 <= item < 2**64:
            return "it contains a whole number of more than 64 bits: give floats, np.asarray(a, float)"
        if isinstance(item, (decimal.Decimal, fractions.Fraction)):
            return f"it contains {type(item).__name__} objects: give floats, np.asarray(a, float)"
        if isinstance(item, (datetime.datetime, datetime.date)):
            return "it contains times of the module datetime: give np.asarray(a, 'M8[us]')"
        if isinstance(item, datetime.timedelta):
            return "it contains differences of the module datetime: give np.asarray(a, 'm8[us]')"
    texts = {isinstance(item, (str, bytes)) for item in items}
    return "it mixes texts and numbers: give one array of each" if texts == {True, False} else None


def advice(value: Any) -> Optional[str]:
    """What the value is and what to give instead, to follow "operand a "; None if nothing better is known than its dtype."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    name = f"a {kind.__name__}"
    if value is None:
        return "is None; give an array"
    if module in ("scipy", "sparse") and hasattr(value, "shape"):
        return f"is {name}, which keeps the elements that are not zero: give a.toarray() if it fits into memory, or its parts " \
               "(a.data, a.indices, a.indptr) as operands"
    if module == "pandas":
        more = _of_pandas(value)
    elif isinstance(value, (Set, types.GeneratorType)) or (hasattr(value, "__next__") and not hasattr(value, "__array__")):
        return f"is {name}, which has no order or is read once; give np.array(list(...))"
    elif isinstance(value, Mapping):
        return f"is {name}; give its values, np.array(list(a.values()))"
    elif callable(value) and not hasattr(value, "__array__"):
        return f"is {name}, not an array; give what it returns"
    else:
        more = _of_items(value)
    return f"has dtype object: {more}" if more else None
