"""One run, read and checked as far as Python can: operands, results to be, the grid, the kernel of a statement."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np

from . import _arguments, _classes, _results, _tilework, _unwritten  # noqa: F401  # the last sets what is called back
from ._errors import ArgumentError, of_failure
from ._manner import Manner
from ._notes import say

Edges = Union[str, Mapping[str, str], None]  # one for all axes, or one for each axis
EDGES = {"error": _tilework.EDGE_ERROR, "clamp": _tilework.EDGE_CLAMP, "wrap": _tilework.EDGE_WRAP,
         "zero": _tilework.EDGE_ZERO}
KNOWN_STATEMENTS = 256
SIZE_UNKNOWN = 8  # bytes of an item of an output whose dtype is not known yet
NOTHING: np.dtype[Any] = np.dtype("V0")  # of an output that has no memory before the run


class Request:
    """A run of a kernel with a signature. That of a Python kernel has dtypes and a grid once it is settled."""

    deferred = b""  # outputs that have the dtype of what the kernel returns
    fresh = b""  # new outputs that it fills

    def __init__(self, native: bool, signature: str, values: tuple[Any, ...], out: Any, dtype: Any,
                 splits: tuple[tuple[str, str, Any], ...], lengths: Optional[Mapping[str, int]]) -> None:
        notation = _arguments.read_notation(signature)
        if len(values) != len(notation.given):
            names = ", ".join(notation.names[k] for k in notation.given) or "none"
            raise ArgumentError(f"{len(values)} operands given for a signature that takes {len(notation.given)}: {names}")
        self.notation = notation
        self.splits = splits
        count = len(notation.names)
        self.arrays: list[Optional[np.ndarray[Any, Any]]] = [None] * count
        self.theirs: dict[int, Any] = {}  # outputs as the user gave them
        for k, value in zip(notation.given, values):
            name = f"operand {notation.names[k]}"
            if notation.roles[k] == _tilework.IN:
                self.arrays[k] = _arguments.operand(value, name, native)
            else:
                self.arrays[k], self.theirs[k] = _arguments.output(value, name, native), value
        for k, value in _arguments.by_output(notation, out, "out").items():
            self.arrays[k], self.theirs[k] = _arguments.output(value, f"out {notation.names[k]}", native), value
        self.inputs = [value if type(value) in (int, float, complex) else self.arrays[k]
                       for k, value in zip(notation.given, values)]
        self.known = _arguments.given_dtypes(notation, self.arrays, dtype)
        self.lengths = _arguments.lengths_of(
            notation, tuple([None if array is None else array.shape for array in self.arrays]),
            _arguments.known_lengths(notation, lengths))
        if native:
            self.settle(None)

    def settle(self, called_with: Optional[bytes]) -> None:
        """The dtypes, once it is known which operands the kernel is called with; None: with all. Those that it returns have
        the dtype of what it returns."""
        open_ones = [k for k in self.notation.made if self.arrays[k] is None and k not in self.known]
        if called_with is not None:
            self.deferred = bytes(k for k in open_ones if k not in called_with)
            self.fresh += bytes(k for k in self.notation.made if self.arrays[k] is None and k in called_with)
        for k in open_ones:
            if k in self.deferred:
                self.known[k] = NOTHING
            else:
                self.known[k] = self.inputs_dtype(k)
                if called_with is not None:
                    _results.warn_of_losses(self.notation.names[k], self.known[k], self.inputs)
        self.dtypes: tuple[np.dtype[Any], ...] = tuple([self.known[k] if array is None else array.dtype
                                                        for k, array in enumerate(self.arrays)])

    def inputs_dtype(self, k: int) -> np.dtype[Any]:
        """Of an output that has no other."""
        return _arguments.inputs_dtype(self.notation, k, self.inputs)

    def prepare(self, manner: Optional[Manner]) -> bytes:
        """Dtypes and grid for a Python kernel, and the operands that it is called with; None: a native kernel."""
        if manner is None:
            self.divide(True)
            return b""
        called_with = manner.arguments(self.notation)
        self.settle(called_with)
        self.divide(manner.knows_part(self.notation, called_with), manner.light)
        return called_with

    def divide(self, knows_part: bool, light: bool = False) -> None:
        """Makes the grid. `knows_part`: the kernel knows which part of an axis it computes that no input has; `light`: its
        cost is that of memory."""
        itemsizes = tuple([SIZE_UNKNOWN if dtype is NOTHING else dtype.itemsize for dtype in self.dtypes])
        self.grid = _arguments.grid_for(self.notation, self.lengths, self.splits, itemsizes,
                                        _tilework.COST_STATEMENT if light else _tilework.COST_UNKNOWN, not knows_part)

    def operands(self, pool: Optional[_tilework.Pool]) -> tuple[_tilework.Array, ...]:
        """The library's arrays; results are made here."""
        return tuple([self.made(pool, k, self.dtypes[k]) if array is None else _arguments.wrapped(array)
                      for k, array in enumerate(self.arrays)])

    def made(self, pool: Optional[_tilework.Pool], k: int, dtype: np.dtype[Any]) -> _tilework.Array:
        """Memory for output k."""
        shape = tuple([self.lengths[axis] for axis in self.notation.shapes[k]])
        if dtype is NOTHING:
            return _arguments.wrapped(np.empty(shape, NOTHING))
        return _arguments.new_array(pool, shape, dtype)

    def guessed(self) -> tuple[tuple[int, np.dtype[Any]], ...]:
        """What an unknown kernel will probably return."""
        kinds = {array.dtype for array in self.inputs if isinstance(array, np.ndarray)}
        return tuple((k, *kinds) for k in self.deferred) if len(kinds) == 1 else ()

    def unknown(self, pool: Optional[_tilework.Pool]) -> bytes:
        """New outputs whose memory may hold something."""
        return bytes(k for k in self.fresh if pool is not None or self.is_small(k))

    def is_small(self, k: int) -> bool:
        items = math.prod(self.lengths[axis] for axis in self.notation.shapes[k])
        return bool(items * self.dtypes[k].itemsize < _arguments.SMALL)

    def arrays_of(self, operands: tuple[_tilework.Array, ...], pool: Optional[_tilework.Pool],
                  chosen: Any) -> dict[int, np.ndarray[Any, Any]]:
        """The outputs once they are computed; `chosen` has those whose dtype the kernel chose."""
        return {k: _results.settled(self, pool, k, chosen[0], chosen[1][k]) if k in self.deferred else operands[k].numpy()
                for k in self.notation.outs}

    def results(self, arrays: Mapping[int, np.ndarray[Any, Any]]) -> Any:
        """What the run gives back: the outputs in the order of the signature."""
        found = tuple([self.theirs[k] if k in self.theirs else _classes.of_items(arrays[k]) for k in self.notation.outs])
        return found[0] if len(found) == 1 else found


# ---- statements --------------------------------------------------------------------------------------------------------


class Statement:
    """A statement with its dtypes: signature and, once it has lengths, a kernel. One run at a time uses it."""

    def __init__(self, text: str, parameters: dict[str, Any], edges: tuple[tuple[Optional[str], tuple[int, bool]], ...]) -> None:
        try:
            self.inner = _tilework.Statement(text, parameters, dict(edges))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        self.notation = _arguments.Notation(self.inner.signature, text)
        self.dtypes: tuple[np.dtype[Any], ...] = ()
        self.itemsizes: tuple[int, ...] = ()

    def settle(self, dtypes: tuple[Optional[np.dtype[Any]], ...]) -> None:
        try:
            self.dtypes = self.inner.types(dtypes)
            self.itemsizes = tuple(dtype.itemsize for dtype in self.dtypes)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None


class _Known:
    """Statements that were used before and are used by nobody now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free: dict[Any, list[Statement]] = {}

    def take(self, key: Any) -> Optional[Statement]:
        with self.lock:
            waiting = self.free.pop(key, None)
            if not waiting:
                return None
            found = waiting.pop()
            if waiting:
                self.free[key] = waiting
            return found

    def give(self, key: Any, statement: Statement) -> None:
        with self.lock:
            self.free.setdefault(key, []).append(statement)
            while len(self.free) > KNOWN_STATEMENTS:
                del self.free[next(iter(self.free))]

    def clear(self) -> None:
        with self.lock:
            self.free.clear()


known = _Known()
os.register_at_fork(after_in_child=known.__init__)  # type: ignore[misc]  # its lock may be held by a thread that is not there


@functools.lru_cache(maxsize=1024)
def is_subscripted(text: str, name: str) -> bool:
    """A name that has axes, if only none, as in c[], is an operand; one without is a parameter."""
    return "\0" not in name and _tilework.Statement.mention(text, name) == _tilework.MENTION_OPERAND


def is_word(text: str, name: str) -> bool:
    return "\0" not in name and _tilework.Statement.mention(text, name) >= _tilework.MENTION_ALONE


def edges_of(edges: Edges, lengths: Optional[Mapping[str, int]]) -> tuple[tuple[Optional[str], tuple[int, bool]], ...]:
    """Axes with their edge, and whether their length is given: what they index alone is read with the edge then. None is
    every axis that is not among them."""
    if edges is None:
        return ()
    given = lengths if isinstance(lengths, Mapping) else {}
    if isinstance(edges, str):
        if edges not in EDGES:
            raise ArgumentError(f"the edge of all axes is {edges!r}; it is one of {', '.join(map(repr, EDGES))}")
        return ((None, (EDGES[edges], False)), *[(axis, (EDGES[edges], True)) for axis in given])
    if not isinstance(edges, Mapping):
        raise TypeError(f"edges is a dict from axes to {', '.join(map(repr, EDGES))}, or one of these for all axes, "
                        f"not {type(edges).__name__}")
    for axis, edge in edges.items():
        _arguments.axis_name(axis, "edges")
        if not isinstance(edge, str) or edge not in EDGES:
            raise ArgumentError(f"the edge of axis {axis} is {edge!r}; it is one of {', '.join(map(repr, EDGES))}")
    return tuple((axis, (EDGES[edge], axis in given)) for axis, edge in edges.items())


def _parameter(value: Any) -> Any:
    """A number as a parameter: Python's, or NumPy's, which keeps its dtype; None: it is none."""
    if type(value) in (int, float, complex, bool):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        return value if value.dtype in _arguments.NATIVE else None
    return int(value) if isinstance(value, int) else value if isinstance(value, (float, complex)) else None


def _words_without_axes(name: str, array: np.ndarray[Any, Any]) -> str:
    """An array that the statement names like a parameter."""
    if array.ndim == 0:
        return (f"parameter {name} has dtype {array.dtype}; give a number that is a bool, an integer, or a float or complex of at "
                f"most 64 bits a part")
    axes = ",".join("ijklmn"[d] if d < 6 else f"i{d}" for d in range(array.ndim))
    return (f"{name} stands in the statement without axes, but is an array of {array.ndim} dimension{'s' * (array.ndim > 1)}: write "
            f"each array with its indices, as in r[{axes}] = 2 * {name}[{axes}] (a parameter is a number, {name}=0.5)")


class StatementRequest(Request):
    """A run of a statement; `close` when it has ended."""

    def __init__(self, text: str, given: Mapping[str, Any], out: Any, dtype: Any,
                 splits: tuple[tuple[str, str, Any], ...], lengths: Optional[Mapping[str, int]],
                 edges: Edges) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a statement is a text such as 'r[i,j] = y[i] * x[j]', not {type(text).__name__}")
        _arguments.plain(text, "a statement")
        self.splits = splits
        parameters: dict[str, Any] = {}
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        for name, value in given.items():
            if type(value) is np.ndarray and (value.ndim > 0 or is_subscripted(text, name)):
                arrays[name] = value
            elif (parameter := _parameter(value)) is not None and not is_subscripted(text, name):
                if type(parameter) is int and not -2**127 <= parameter < 2**127:
                    raise ArgumentError(f"parameter {name} has more than 127 bits: give a float")
                parameters[name] = parameter
            else:
                arrays[name] = _arguments.as_array(value, f"operand {name}")
        settled = out is None and dtype is None
        # What a statement was compiled for: with it, the second use of a text takes no time.
        self.key = (text, tuple([(name, array.dtype) for name, array in arrays.items()]),
                    tuple([(name, type(value)) for name, value in parameters.items()]), edges_of(edges, lengths), settled)
        statement = known.take(self.key)
        if statement is None:
            for name in arrays:
                if not is_subscripted(text, name) and is_word(text, name):
                    raise ArgumentError(_words_without_axes(name, arrays[name]))
            statement = Statement(text, parameters, self.key[3])
        self.statement = statement
        try:
            self._fill(arrays, parameters, out, dtype, lengths, settled)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        known.give(self.key, self.statement)

    def _fill(self, arrays: dict[str, np.ndarray[Any, Any]], parameters: dict[str, Any], out: Any, dtype: Any,
              lengths: Optional[Mapping[str, int]], settled: bool) -> None:
        statement = self.statement
        notation = self.notation = statement.notation
        self.theirs = {}
        self.arrays = [None] * len(notation.names)
        for k in notation.given:
            name = notation.names[k]
            if name not in arrays:
                raise ArgumentError(f"the statement has an operand {name}, which is not given")
            array = arrays.pop(name)
            if notation.roles[k] == _tilework.IN:
                self.arrays[k] = array if array.flags.carray and array.dtype.isnative else \
                    _arguments.operand(array, f"operand {name}", True)
            else:
                self.arrays[k], self.theirs[k] = _arguments.output(array, f"operand {name}", True), array
        for name in arrays:
            if name in notation.names:
                raise ArgumentError(f"{name} is an output of the statement: give it as out=")
            raise ArgumentError(f"the statement has no operand {name}")
        if out is not None:
            for k, value in _arguments.by_output(notation, out, "out").items():
                self.arrays[k], self.theirs[k] = _arguments.output(value, f"out {notation.names[k]}", True), value
        if not settled or not statement.dtypes:
            for name, own in zip(notation.names, self.arrays):
                if own is not None and _arguments.as_array(own, f"operand {name}").dtype not in _arguments.NATIVE:
                    raise TypeError(f"operand {name} has dtype {own.dtype}; statements compute with numbers and bools")
            wished = _arguments.wished_dtypes(notation, dtype)
            for k, wish in wished.items():
                if wish not in _arguments.NATIVE:
                    raise TypeError(f"output {notation.names[k]} has dtype {wish}; statements compute with numbers and bools")
            statement.settle(tuple(wished.get(k) if array is None else array.dtype
                                   for k, array in enumerate(self.arrays)))
        self.dtypes = statement.dtypes
        self.wrapped = tuple([None if array is None else _arguments.wrapped(array) for array in self.arrays])
        try:
            self.lengths = statement.inner.bind(self.wrapped, parameters, _arguments.named_lengths(lengths))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None

    def divide(self, knows_part: bool, light: bool = False) -> None:
        self.grid = _arguments.grid_for(self.notation, self.lengths, self.splits, self.statement.itemsizes,
                                        _tilework.COST_STATEMENT)

    def kernel(self) -> _tilework.Kernel:
        """Compiled now, where it is not known yet."""
        try:
            kernel = self.statement.inner.kernel()
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        if kernel.note is not None:
            say(kernel.note)
        return kernel

    def operands(self, pool: Optional[_tilework.Pool]) -> tuple[_tilework.Array, ...]:
        return tuple([self.made(pool, k, self.dtypes[k]) if array is None else array for k, array in enumerate(self.wrapped)])
