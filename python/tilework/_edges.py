"""Edges: what is read past the ends of operands, as names, numbers and dicts of them become the texts that the library reads."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union, cast

import numpy as np

from . import _tilework
from ._errors import ArgumentError, of_failure
from ._scalars import axis_name, plain

# A name, or the constant itself. Texts such as "constant=1" are read too, but type checkers do not know which are right.
Edge = Union[Literal["error", "clamp", "wrap", "zero", "reflect", "mirror", "constant", "nearest", "grid-wrap",
                     "grid-mirror", "grid-constant"], complex]
Edges = Union[Edge, Mapping[str, Edge], None]  # one for all axes, or one for each axis
Given = tuple[tuple[Optional[str], tuple[str, bool]], ...]  # the axis None is every other one; whether it has a length

NAMES = "'error', 'clamp', 'wrap', 'zero', 'reflect', 'mirror', 'constant=x' or a number"


@functools.lru_cache(maxsize=256)
def _check(text: str, axis: Optional[str]) -> str:
    try:
        _tilework.edge(text)
    except _tilework.Failure as failure:
        error = of_failure(failure)
        raise ArgumentError(f"{_whose(axis)}: {error}") from None
    return text


def _whose(axis: Optional[str]) -> str:
    return "the edge of all axes" if axis is None else f"the edge of axis {axis}"


def _text(edge: Any, axis: Optional[str]) -> str:
    """As the library reads it: a number is the constant."""
    if isinstance(edge, str):
        return _check(plain(edge, _whose(axis)), axis)
    if isinstance(edge, (bool, np.bool_, int, np.integer)):
        return f"constant={int(edge)}"
    if isinstance(edge, (float, np.floating)):
        return f"constant={float(edge)!r}"
    if isinstance(edge, (complex, np.complexfloating)):
        return f"constant={complex(edge)!r}".replace("(", "").replace(")", "")
    raise TypeError(f"{_whose(axis)} is {NAMES}, not {edge!r}")


def again(edges: Given) -> Edges:
    """What `edges_of` makes these of, where no axis has a length."""
    if edges and edges[0][0] is None:
        return cast(Edge, edges[0][1][0])
    found: dict[str, Any] = {axis: text for axis, (text, _) in edges if axis is not None}
    return found or None


def edges_of(edges: Edges, lengths: Optional[Mapping[str, int]] = None) -> Given:
    """Axes with their edge, and whether their length is given: what they index alone is read with the edge then."""
    if edges is None:
        return ()
    given = lengths if isinstance(lengths, Mapping) else {}
    if not isinstance(edges, Mapping):
        if not isinstance(edges, (str, int, float, complex, np.bool_, np.number)):
            raise TypeError(f"edges is a dict from axes to {NAMES}, or one of these for all axes, not {type(edges).__name__}")
        text = _text(edges, None)
        return ((None, (text, False)), *[(axis, (text, True)) for axis in given])
    return tuple([(axis_name(axis, "edges"), (_text(edge, axis), axis in given)) for axis, edge in edges.items()])
