"""Arrays of any make that a user gives, and memory for results, as arrays of the library's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Optional

import numpy as np

from . import _classes, _files, _tilework
from ._dtypes import NATIVE, as_dtype, descr_of
from ._errors import ArgumentError, of_failure
from ._scalars import whole

SMALL = 1 << 20  # bytes from which on a result has memory of the library's own: huge pages, first touched by its workers


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
    size, flags = array.itemsize, array.flags
    return bool(flags.aligned) and (flags.c_contiguous or size < 2 or array.dtype not in NATIVE or
                                    all(stride % size == 0 for stride in array.strides))


def memory_of(array: np.ndarray[Any, Any]) -> Any:
    """What keeps the memory that an ndarray lies in; None: the array itself, or one that it is a view of."""
    memory: Any = array
    while isinstance(memory, np.ndarray):
        memory = memory.base
    return memory


def owner_of(array: np.ndarray[Any, Any]) -> Optional[_tilework.Array]:
    """The library's array in whose memory an ndarray lies, if it is one in shared memory, or a file."""
    memory = memory_of(array) if array.base is not None else None
    return memory if isinstance(memory, _tilework.Array) and (memory.shared or memory.mapped) else None


def wrapped(array: np.ndarray[Any, Any]) -> _tilework.Array:
    memory: Any = array.base
    if type(memory) is _tilework.Array and memory.mapped:  # all of a file
        return memory
    try:
        return _tilework.Array.wrap(array, descr_of(array.dtype), owner_of(array))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None


def read(value: Any, what: str) -> np.ndarray[Any, Any]:
    """An input: a file by its name, or any object with memory of its own."""
    return _files.opened(value, what) if _files.is_path(value) else as_array(value, what)


def operand(value: Any, what: str, native: bool) -> np.ndarray[Any, Any]:
    """An input. What a kernel could not read where it is, is copied."""
    array = value if type(value) is np.ndarray and value.dtype in NATIVE else read(value, what)
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
    if _files.is_path(value):
        raise ArgumentError(f"{what} is a file, and is read and written: give its result a file of its own, out={{...: 'new.npy'}}; "
                            "the file itself stays as it is")
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


def _map_of(array: Optional[np.ndarray[Any, Any]]) -> Optional[Any]:
    """The numpy.memmap that an ndarray is a view of."""
    whole_map = array
    while whole_map is not None and isinstance(whole_map.base, np.ndarray):
        whole_map = whole_map.base
    return whole_map if isinstance(whole_map, np.memmap) else None


def _place_in_file(array: np.ndarray[Any, Any], whole_map: Any) -> tuple[object, int, int]:
    """Which file, from which byte to which."""
    info = os.stat(whole_map.filename)
    reaches = [stride * (length - 1) for stride, length in zip(array.strides, array.shape)]
    first = whole_map.offset + _address(array) - _address(whole_map)
    return (info.st_dev, info.st_ino), first + sum(min(reach, 0) for reach in reaches), \
        first + sum(max(reach, 0) for reach in reaches) + array.itemsize


def refuse_one_file(names: Sequence[str], arrays: Sequence[Optional[np.ndarray[Any, Any]]], outputs: Iterable[int]) -> None:
    """Two memory maps of one file share its bytes at different addresses, which the library does not see."""
    for k in outputs:
        output = arrays[k]
        own = _map_of(output)
        if output is None or own is None or not own.filename or not output.size:
            continue
        for other, array in enumerate(arrays):
            found = _map_of(array) if other != k else None
            if array is None or found is None or found is own or not found.filename or not array.size:
                continue
            try:
                (file, first, end), (same, start, stop) = _place_in_file(output, own), _place_in_file(array, found)
            except OSError:  # it has no name any more
                continue
            if file == same and first < stop and start < end:
                raise ArgumentError(f"output {names[k]} overlaps {names[other]} in the file {own.filename}, which both map to memory; "
                                    "an output needs its own file")


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
