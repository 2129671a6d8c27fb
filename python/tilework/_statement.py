"""Statements: operands by their names, dtypes, lengths, the kernel that a text becomes; those that are kept for the next use."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np

from . import _files, _memory, _outputs, _signature, _tilework, _where
from ._dtypes import NATIVE
from ._edges import Given, edges_of
from ._errors import ArgumentError, of_failure
from ._grid import Splits
from ._native import Kernel
from ._notes import say
from ._options import Asked
from ._request import Request, check_count
from ._scalars import axis_name, plain
from ._signature import Notation

KNOWN_STATEMENTS = 256
KNOWN_GRIDS = 16  # of each


class Statement:
    """A statement with its dtypes: signature and, once it has lengths, a kernel. One run at a time uses it."""

    def __init__(self, text: str, parameters: dict[str, Any], edges: Given) -> None:
        try:
            self.inner = _tilework.Statement(text, parameters, dict(edges))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        self.notation = Notation(self.inner.signature, text)
        self.asked: tuple[Optional[np.dtype[Any]], ...] = ()
        self.dtypes: tuple[np.dtype[Any], ...] = ()
        self._grids: dict[Any, _tilework.Grid] = {}  # of these dtypes, by lengths and splits

    def settle(self, dtypes: tuple[Optional[np.dtype[Any]], ...]) -> None:
        try:
            settled = self.inner.types(dtypes)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        self.asked = dtypes
        if settled != self.dtypes:
            self._grids.clear()
            self.dtypes = settled

    def grid(self, lengths: tuple[int, ...], splits: Splits) -> _tilework.Grid:
        """Of a run with these lengths, once they are bound. One of several steps has in it what was bound."""
        found = self._grids.get((lengths, splits))
        if found is None:
            try:
                found = self.inner.grid(lengths, splits)
            except _tilework.Failure as failure:
                raise of_failure(failure) from None
            if len(found.steps) == 1:
                while len(self._grids) >= KNOWN_GRIDS:
                    del self._grids[next(iter(self._grids))]
                self._grids[lengths, splits] = found
        return found


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


def _parameter(value: Any) -> Any:
    """A number as a parameter: Python's, or NumPy's, which keeps its dtype; None: it is none."""
    if type(value) in (int, float, complex, bool):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        return value if value.dtype in NATIVE else None
    return int(value) if isinstance(value, int) else value if isinstance(value, (float, complex)) else None


def _words_without_axes(name: str, array: np.ndarray[Any, Any]) -> str:
    """An array that the statement names like a parameter."""
    if array.ndim == 0:
        return (f"parameter {name} has dtype {array.dtype}; give a number that is a bool, an integer, or a float or complex of at "
                f"most 64 bits a part")
    axes = ",".join("ijklmn"[d] if d < 6 else f"i{d}" for d in range(array.ndim))
    return (f"{name} stands in the statement without axes, but is an array of {array.ndim} dimension{'s' * (array.ndim > 1)}: write "
            f"each array with its indices, as in r[{axes}] = 2 * {name}[{axes}] (a parameter is a number, {name}=0.5)")


def _words_of_path(name: str, value: Any) -> str:
    """A text where the statement has a parameter: a path is for an operand, which has indices."""
    return (f"parameter {name} is {value!r}; give a number, such as {name}=0.5 (a file is for an operand, which the statement names "
            f"with its indices, as in {name}[i])")


def _by_signature(statement: str, signature: str, values: tuple[Any, ...]) -> dict[str, Any]:
    """Operands of a statement by their names, which the signature has in order."""
    notation = _signature.read(signature)
    if "=" not in statement:
        raise ArgumentError(f"a kernel that is a text is a statement such as 'r[i,j] = y[i] * x[j]', not {statement!r}")
    check_count(notation, values)
    return {notation.names[k]: value for k, value in zip(notation.given, values)}


class StatementRequest(Request):
    """A run of a statement; `close` when it has ended."""

    def __init__(self, asked: Asked) -> None:  # pylint: disable=super-init-not-called
        text, signature, operands, out, dtype, self.splits, lengths, edges = asked[:8]
        plain(text, "a statement")
        self.kernel = text
        given: Mapping[str, Any] = operands if signature is None else _by_signature(text, signature, operands)
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
                if _files.is_path(value) and not is_subscripted(text, name) and is_word(text, name):
                    raise ArgumentError(_words_of_path(name, value))
                arrays[name] = _memory.read(value, f"operand {name}")
        self.given, self.parameters, self.given_lengths = given, parameters, lengths
        settled = out is None and dtype is None
        # What a statement was compiled for: with it, the second use of a text takes no time.
        self.key = (text, tuple([(name, array.dtype) for name, array in arrays.items()]),
                    tuple([(name, type(value)) for name, value in parameters.items()]), edges_of(edges, lengths), settled, asked.portable)
        statement = known.take(self.key)
        if statement is None:
            for name in arrays:
                if not is_subscripted(text, name) and is_word(text, name):
                    raise ArgumentError(_words_without_axes(name, arrays[name]))
            statement = Statement(text, parameters, self.key[3])
        self.statement = statement
        try:
            self.files = _files.wanted(asked, statement.notation)
            if self.files is not None:
                named = ((k, given.get(name)) for k, name in enumerate(statement.notation.names))
                _files.check_places(statement.notation, _files.inputs_of(statement.notation, named),
                                    _where.axes_and_mask(asked.options.where)[1], self.files)
                out = None
            self._fill(given, arrays, parameters, out, dtype, lengths, settled)
            self.native = Kernel(self._compiled(asked))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        known.give(self.key, self.statement)

    def _fill(self, given: Mapping[str, Any], arrays: dict[str, np.ndarray[Any, Any]], parameters: dict[str, Any], out: Any,
              dtype: Any, lengths: Optional[Mapping[str, int]], settled: bool) -> None:
        statement = self.statement
        notation = self.notation = statement.notation
        self.theirs = {}
        self.arrays = [None] * len(notation.names)
        for k in notation.given:
            name = notation.names[k]
            if name not in arrays:
                raise ArgumentError(f"the statement has an operand {name}, which is not given")
            array = arrays.pop(name)
            if notation.roles[k] == _tilework.IN or self.files is not None:
                self.arrays[k] = array if array.flags.carray and array.dtype.isnative else \
                    _memory.operand(array, f"operand {name}", True)
            else:
                self.arrays[k], self.theirs[k] = _memory.output(given[name], f"operand {name}", True), array
        for name in arrays:
            if name in notation.names:
                raise ArgumentError(f"{name} is an output of the statement: give it as out=")
            raise ArgumentError(f"the statement has no operand {name}")
        if out is not None:
            for k, value in _outputs.by_output(notation, out, "out").items():
                self.arrays[k], self.theirs[k] = _memory.output(value, f"out {notation.names[k]}", True), value
        is_settled = statement.dtypes and (settled or dtype is None and statement.asked == tuple(
            [None if array is None else array.dtype for array in self.arrays]))
        if not is_settled:
            for name, own in zip(notation.names, self.arrays):
                if own is not None and _memory.as_array(own, f"operand {name}").dtype not in NATIVE:
                    raise TypeError(f"operand {name} has dtype {own.dtype}; statements compute with numbers and bools")
            wished = _outputs.wished_dtypes(notation, dtype)
            for k, wish in wished.items():
                if wish not in NATIVE:
                    raise TypeError(f"output {notation.names[k]} has dtype {wish}; statements compute with numbers and bools")
            statement.settle(tuple(wished.get(k) if array is None else array.dtype
                                   for k, array in enumerate(self.arrays)))
        self.dtypes = statement.dtypes
        self.wrapped = tuple([None if array is None else _memory.wrapped(array) for array in self.arrays])
        try:
            self.lengths = statement.inner.bind(self.wrapped, parameters, _signature.named_lengths(lengths))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None

    def divide(self, knows_part: bool, light: bool = False) -> None:
        self.grid = self.statement.grid(self.lengths, self.splits)

    def _compiled(self, asked: Asked) -> _tilework.Kernel:
        """The kernel; compiled now if it is not known yet, and is not in the run folder that a worker joins."""
        try:
            kernel = self.statement.inner.kernel(asked.portable, asked.folder)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        if kernel.note is not None:
            say(kernel.note)
        return kernel

    def operands(self, pool: Optional[_tilework.Pool]) -> tuple[_tilework.Array, ...]:
        return tuple([self.made(pool, k, self.dtypes[k]) if array is None else array for k, array in enumerate(self.wrapped)])
