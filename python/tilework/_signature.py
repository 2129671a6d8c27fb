"""Signatures as the library has read them: operands, axes and the lengths of these."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Optional

from . import _tilework
from ._errors import ArgumentError, of_failure
from ._scalars import axis_name, plain, whole


class Notation:
    """A signature as it was read: operands in the library's order, and which of them a caller gives and gets, each in
    the order of the text."""

    def __init__(self, signature: _tilework.Signature, text: str) -> None:
        self.signature = signature
        self.text = text
        self.axes = signature.axes
        # Of each operand; `shapes` has the axis number of each dimension.
        columns: Any = zip(*signature.operands) if signature.operands else ((),) * 6
        self.names, self.roles, self.shapes, self.dtypes, given, written = columns
        everything = range(len(self.names))
        self.given = tuple(sorted((k for k in everything if given[k] >= 0), key=given.__getitem__))
        self.outs = tuple(sorted((k for k in everything if written[k] >= 0), key=written.__getitem__))
        self.made = tuple(k for k in self.outs if self.roles[k] == _tilework.OUT)
        self.written = bytes(self.outs)


@functools.lru_cache(maxsize=256)
def notation_of(text: str) -> Notation:
    try:
        return Notation(_tilework.Signature(plain(text, "a signature")), text)
    except _tilework.Failure as failure:
        from . import _forms
        error = of_failure(failure)
        error.args = (f"{error.args[0]}; {_forms.advice(text)}",)
        raise error from None


def read(text: object) -> Notation:
    if not isinstance(text, str):
        raise TypeError(f"a signature is a text such as 'y[i], x[j] -> r[i,j]', not {type(text).__name__}"
                        + ("; the kernel comes first, then the signature" if callable(text) else ""))
    return notation_of(text)


@functools.lru_cache(maxsize=256)
def lengths_of(notation: Notation, shapes: tuple[Optional[tuple[int, ...]], ...],
               known: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of all axes."""
    try:
        return notation.signature.lengths(shapes, known)
    except _tilework.Failure as failure:
        raise of_failure(failure) from None


def named_lengths(lengths: Any) -> dict[str, int]:
    if lengths is None:
        return {}
    if not isinstance(lengths, Mapping):
        raise TypeError(f"lengths is a dict from axes to numbers, not {type(lengths).__name__}")
    return {axis_name(axis, "lengths"): whole(length, f"the length of axis {axis}") for axis, length in lengths.items()}


def known_lengths(notation: Notation, lengths: Optional[Mapping[str, int]]) -> tuple[int, ...]:
    """The lengths that the user gives by name; -1 for all others."""
    if lengths is None:
        return (-1,) * len(notation.axes)
    given = named_lengths(lengths)
    for axis in given:
        if axis not in notation.axes:
            raise ArgumentError(f"lengths: the signature has no axis {axis}; it has {', '.join(notation.axes)}")
    known = tuple([given.get(axis, -1) for axis in notation.axes])
    for axis, length in zip(notation.axes, known):
        if axis in given and length < 0:
            raise ArgumentError(f"the length of axis {axis} is {length}; it is at least 0")
    return known
