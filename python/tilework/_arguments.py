"""What a user gives, as what the library takes: texts, arrays of any make, cuts, callables. The one place with defaults."""

from __future__ import annotations

import ast
import functools
import operator as operators
import pickle
import sys
from collections.abc import Mapping, Sequence, Set
from typing import Any, Optional, Union

import numpy as np

from . import _classes, _forms, _tilework
from ._errors import ArgumentError, of_failure

SMALL = 1 << 20  # bytes from which on a result has memory of the library's own: huge pages, first touched by its workers

Array = "np.ndarray[Any, Any]"
Divisions = Mapping[str, Any]


# ---- signatures and grids ----------------------------------------------------------------------------------------------


class Notation:
    """A signature as it was read: operands in the library's order, and which of them a caller gives and gets, each in
    the order of the text."""

    def __init__(self, signature: _tilework.Signature, text: str) -> None:
        self.signature = signature
        self.text = text
        self.axes = signature.axes
        # Of each operand; `shapes` has the axis number of each dimension.
        self.names, self.roles, self.shapes, self.dtypes, given, written = zip(*signature.operands)
        everything = range(len(self.names))
        self.given = tuple(sorted((k for k in everything if given[k] >= 0), key=given.__getitem__))
        self.outs = tuple(sorted((k for k in everything if written[k] >= 0), key=written.__getitem__))
        self.made = tuple(k for k in self.outs if self.roles[k] == _tilework.OUT)


def plain(text: str, what: str) -> str:
    """A text that the library can read."""
    if "\0" in text or not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ArgumentError(f"{what} has a character that no text for people has: {text!r}")
    return text


@functools.lru_cache(maxsize=256)
def notation_of(text: str) -> Notation:
    try:
        return Notation(_tilework.Signature(plain(text, "a signature")), text)
    except _tilework.Failure as failure:
        error = of_failure(failure)
        error.args = (f"{error.args[0]}; {_forms.advice(text)}",)
        raise error from None


def read_notation(text: object) -> Notation:
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


@functools.lru_cache(maxsize=256)
def grid_for(notation: Notation, lengths: tuple[int, ...], splits: tuple[tuple[str, str, Any], ...],
             itemsizes: tuple[int, ...], cost: int, input_axes_only: bool = False) -> _tilework.Grid:
    """`input_axes_only`: automatic tiles leave an axis whole that no input has."""
    try:
        return _tilework.Grid(notation.signature, lengths, splits, itemsizes, cost, input_axes_only)
    except _tilework.Failure as failure:
        raise of_failure(failure) from None


def whole(value: Any, what: str) -> int:
    """An integer of the user's, a NumPy one too; True is not one."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operators.index(value)
    except TypeError:
        raise TypeError(f"{what} is a whole number, not {value!r}") from None
    if not -2**63 <= number < 2**63:
        raise ArgumentError(f"{what} is a number of 64 bits, not {value!r}")
    return number


def divisions(cuts: Optional[Divisions], tiles: Optional[Divisions],
              parts: Optional[Divisions]) -> tuple[tuple[str, str, Any], ...]:
    """How axes are divided, as (axis, how, value)."""
    if cuts is None and tiles is None and parts is None:
        return ()
    found: dict[str, tuple[str, str, Any]] = {}
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


def axis_name(axis: Any, argument: str) -> str:
    if not isinstance(axis, str):
        raise TypeError(f"{argument}: an axis is named by a text, not {axis!r}")
    return plain(axis, f"{argument}: the name of an axis")


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


# ---- arrays ------------------------------------------------------------------------------------------------------------


PICKLED = "[('pickled "  # a record to the library; the name of its one field says what it is
NATIVE = frozenset(np.dtype(code) for code in "?bhilqBHILQefdFD")


def descr_of(dtype: np.dtype[Any]) -> Optional[str]:
    """The library's text for items that it does not compute with; None for those that it does."""
    kind: Any = dtype.type
    return _descr_of(dtype, kind)  # dtypes of records are equal, of a recarray's items or not


@functools.lru_cache(maxsize=256)
def _descr_of(dtype: np.dtype[Any], kind: type) -> Optional[str]:
    if dtype in NATIVE and dtype.isnative:
        return None
    try:
        descr = np.lib.format.dtype_to_descr(dtype)
        text = descr if isinstance(descr, str) else repr(descr)
        if not text.startswith(PICKLED) and dtype_of_descr(text) == dtype and dtype_of_descr(text).type is kind:
            return text
    except (TypeError, ValueError):
        pass
    # Of a library's own (bfloat16), a recarray's items, or records whose fields overlap or are out of order.
    return f"{PICKLED}{pickle.dumps(dtype).hex()}', '|V{dtype.itemsize}')]"


@functools.lru_cache(maxsize=256)
def dtype_of_descr(text: str) -> np.dtype[Any]:
    """The other way round. Called in workers."""
    if text.startswith(PICKLED):
        own: np.dtype[Any] = pickle.loads(bytes.fromhex(text[len(PICKLED):].split("'", 1)[0]))
        return own
    read: Any = np.lib.format.descr_to_dtype
    found: np.dtype[Any] = read(ast.literal_eval(text) if text[:1] in "[(" else text)
    return found


def named(statement: str, signature: object, values: tuple[Any, ...]) -> dict[str, Any]:
    """Operands of a statement by their names, which the signature has in order."""
    if "->" in statement and not (isinstance(signature, str) and "->" in signature):
        raise TypeError(f"the kernel comes first, then the signature {statement!r}")
    notation = read_notation(signature)
    if "=" not in statement:
        raise ArgumentError(f"a kernel that is a text is a statement such as 'r[i,j] = y[i] * x[j]', not {statement!r}")
    if len(values) != len(notation.given):
        raise ArgumentError(f"{len(values)} operands given for a signature that takes {len(notation.given)}: "
                            f"{', '.join(notation.names[k] for k in notation.given) or 'none'}")
    return {notation.names[k]: value for k, value in zip(notation.given, values)}


def by_name(operands: Any, named: dict[str, Any]) -> Mapping[str, Any]:
    """Operands of a statement that are given in both ways."""
    if operands is None:
        return named
    if not isinstance(operands, Mapping):
        raise TypeError(f"operands is a dict from names to arrays, not {type(operands).__name__}")
    for name in operands:
        if not isinstance(name, str):
            raise TypeError(f"operands: an operand is named by a text, not {name!r}")
        if name in named:
            raise ArgumentError(f"{name} is given twice, in operands and by its name")
    return {**operands, **named}


def as_dtype(wish: Any, what: str) -> np.dtype[Any]:
    """A dtype that an array of Tilework's may have."""
    dtype: np.dtype[Any] = np.dtype(wish)
    if dtype.hasobject or dtype.kind in "OT":
        raise TypeError(f"{what} has dtype {dtype}: its items are references to Python objects, which lie outside of "
                        "the array; use numbers, fixed-length texts or records")
    if dtype.kind in "SU" and dtype.itemsize == 0:
        raise TypeError(f"{what} has dtype {dtype.name}, texts of no width, which would be empty; give the width, as in "
                        f"dtype='{dtype.kind}20', or no dtype: what the kernel returns is taken at its full width")
    return dtype


def as_array(value: Any, what: str) -> np.ndarray[Any, Any]:
    """Any object with memory of its own as an ndarray over that memory; anything else as NumPy would read it."""
    if type(value) is np.ndarray and value.dtype in NATIVE:
        return value
    masked: Any = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise TypeError(f"{what} is a masked array, whose mask would be lost; give its data and its mask as two operands")
    _classes.refuse(value, what)
    if not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__") and \
            not hasattr(value, "__array_interface__") and not hasattr(value, "__array__"):
        try:
            value = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise TypeError(f"{what} gives its memory by DLPack, but not so that NumPy can use it: {error}") from error
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f"{what} cannot be read as an array: {error}") from error
    if array.dtype.hasobject:
        from ._foreign import advice
        words = advice(value)
        if words is not None:
            raise TypeError(f"{what} {words}")
    as_dtype(array.dtype, what)
    return array


def usable(array: np.ndarray[Any, Any]) -> bool:
    """Kernels read it where it is: aligned, and strides that are whole items."""
    size = array.itemsize
    return bool(array.flags.aligned) and (size < 2 or array.dtype not in NATIVE or
                                          all(stride % size == 0 for stride in array.strides))


def owner_of(array: np.ndarray[Any, Any]) -> Optional[_tilework.Array]:
    """The library's array in whose memory an ndarray lies, if it is one in shared memory."""
    memory: Any = array.base
    while isinstance(memory, np.ndarray):
        memory = memory.base
    return memory if isinstance(memory, _tilework.Array) and memory.shared else None


def wrapped(array: np.ndarray[Any, Any]) -> _tilework.Array:
    try:
        return _tilework.Array.wrap(array, descr_of(array.dtype), owner_of(array))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None


def operand(value: Any, what: str, native: bool) -> np.ndarray[Any, Any]:
    """An input. What a kernel could not read where it is, is copied."""
    array = as_array(value, what)
    if native and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if usable(array) else np.array(array, order="C", copy=True)


def overlaps_itself(array: np.ndarray[Any, Any]) -> bool:
    """Whether two of its items may share memory, as windows that slide over it do. One that has each item once, but
    interleaves dimensions in a way that slices cannot make, counts as such too."""
    reach = array.itemsize
    for stride, length in sorted((abs(stride), length) for stride, length in zip(array.strides, array.shape)):
        if length > 1:
            if 0 < stride < reach:
                return True
            reach += stride * (length - 1)
    return False


def _address(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])


def output(value: Any, what: str, native: bool) -> np.ndarray[Any, Any]:
    """An array of the user's that is written to where it is."""
    array = as_array(value, what)
    if not isinstance(value, np.ndarray) and array.flags.owndata:
        raise TypeError(f"{what} is an output, but {type(value).__name__} gives no memory to write to; give an array")
    if not isinstance(value, np.ndarray) and _address(as_array(value, what)) != _address(array):
        raise TypeError(f"{what} is an output, but {type(value).__name__} gives other memory each time that it is asked; "
                        "give an array")
    if not array.flags.writeable:
        raise ArgumentError(f"{what} is an output, but its array is read-only")
    if not array.flags.forc and array.size > 1 and overlaps_itself(array):
        raise ArgumentError(f"{what} is an output, but items of its array share memory; give an array in which each item "
                            "has its own")
    if native and not array.dtype.isnative:
        raise ArgumentError(f"{what} is an output of dtype {array.dtype}, in the other byte order; "
                            "give an array in this machine's")
    return array


def new_array(pool: Optional[_tilework.Pool], shape: Sequence[int], dtype: np.dtype[Any]) -> _tilework.Array:
    """Memory for a result: in the pool's shared memory, where `pool` is one of processes."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    if pool is None and size < SMALL:
        return wrapped(np.empty(shape, dtype))
    try:
        return _tilework.Array.create(pool, dtype, descr_of(dtype), tuple(shape))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None


def shape_of(shape: Any) -> tuple[int, ...]:
    """As numpy.empty takes it."""
    several = isinstance(shape, (Sequence, np.ndarray)) and not isinstance(shape, str) and np.ndim(shape) > 0
    lengths = tuple(whole(length, "a length") for length in (shape if several else [shape]))
    if len(lengths) > _tilework.MAX_DIMS:
        raise ArgumentError(f"an array cannot have {len(lengths)} dimensions; at most {_tilework.MAX_DIMS}")
    for length in lengths:
        if length < 0:
            raise ArgumentError(f"an array cannot have a negative length, {length}")
    return lengths


# ---- outputs -----------------------------------------------------------------------------------------------------------


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


# ---- options of a run ------------------------------------------------------------------------------------------------


def tiles_per_worker_of(number: Any) -> int:
    """0: a worker stays."""
    found = whole(number, "tiles_per_worker")
    if found < 0:
        raise ArgumentError(f"tiles_per_worker is {number}; it is at least 0, where 0 asks for no replacement")
    return found


def retries_of(retries: Any) -> int:
    """0 asks for none, which the library spells -1."""
    number = whole(retries, "retries")
    if not 0 <= number < 2**31:
        raise ArgumentError(f"retries is {retries}; it is at least 0")
    return number if number > 0 else -1


def seconds_of(timeout: Any) -> float:
    if timeout is None:
        return 0.0
    if isinstance(timeout, (bool, str, bytes)) or not hasattr(timeout, "__float__"):
        raise TypeError(f"timeout is a number of seconds, or None, not {timeout!r}")
    seconds = float(timeout)
    if not seconds > 0:
        raise ArgumentError(f"timeout is {timeout!r}; it is a positive number of seconds, or None")
    return seconds


def workers_of(workers: Any) -> int:
    """0 asks for as many as the machine allows."""
    if workers is None:
        return 0
    number = whole(workers, "workers")
    if not 1 <= number <= _tilework.MAX_WORKERS:
        raise ArgumentError(f"workers is {workers}; a pool has 1 to {_tilework.MAX_WORKERS}"
                            + ("; leave it out and all cores work" if number < 1 else ""))
    return number


KINDS = {"threads": _tilework.THREADS, "processes": _tilework.PROCESSES, "serial": _tilework.SERIAL}


def has_no_gil() -> bool:
    """Threads of this Python run at the same time."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()


def kind_of(pool: Any, python: bool, apart: bool, unlocked: str = "") -> tuple[str, str]:
    """The kind of pool for a kernel, and why; `apart`: something is asked for that processes alone can do; `unlocked`: why
    a Python kernel is known to compute without Python's lock."""
    if isinstance(pool, str) and pool == "auto":
        if apart:
            return "processes", "timeout, guard and tiles_per_worker are for processes alone"
        if not python:
            return "threads", "a native kernel runs without Python"
        if has_no_gil():
            return "threads", "this Python has no global lock"
        return ("threads", unlocked) if unlocked else ("processes", "Python kernels hold Python's lock")
    if not isinstance(pool, str) or pool not in KINDS:
        raise ArgumentError(f"pool is {pool!r}; it is 'auto', 'threads', 'processes', 'serial' or a tilework.Pool")
    return pool, f"pool={pool!r} was given"


Operands = Union[tuple[Any, ...], list[Any]]
