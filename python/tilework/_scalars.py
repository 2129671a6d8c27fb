"""Numbers and names that a user gives, as the library takes them: whole numbers of 64 bits, texts that can be read."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np

from ._errors import ArgumentError

_SURROGATE = re.compile("[\ud800-\udfff]")


def whole(value: Any, what: str) -> int:
    """An integer of the user's, a NumPy one too; True is not one."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is a whole number, not {value!r}") from None
    if not -2**63 <= number < 2**63:
        raise ArgumentError(f"{what} is a number of 64 bits, not {value!r}")
    return number


def plain(text: str, what: str) -> str:
    """A text that the library can read."""
    if "\0" in text or not text.isascii() and _SURROGATE.search(text):
        raise ArgumentError(f"{what} contains an invalid character: {text!r}")
    return text


def axis_name(axis: Any, argument: str) -> str:
    if not isinstance(axis, str):
        raise TypeError(f"{argument}: an axis is named by a text, not {axis!r}")
    return plain(axis, f"{argument}: the name of an axis")
