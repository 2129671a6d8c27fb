"""Arrays in shared memory, and how they reach other processes: as a handle, never as their content."""

from __future__ import annotations

import mmap
import os
import weakref
from typing import Any, Optional

import numpy as np

from . import _arguments, _tilework
from ._errors import PoolError, of_failure

# Where in which memory file each shared array of this process lies; a fork knows its parent's, and has them mapped.
_known: "weakref.WeakValueDictionary[tuple[int, int, int], _tilework.Array]" = weakref.WeakValueDictionary()
# Mappings of other processes' memory files: whose (as in a handle), and where their array begins here.
_mappings: "weakref.WeakKeyDictionary[mmap.mmap, tuple[tuple[int, int, int, int, int], int]]" = \
    weakref.WeakKeyDictionary()


class SharedArray(np.ndarray[Any, Any]):
    """An ndarray in shared memory: pools of processes use it without a copy, and it is pickled as a handle.

    Made by :func:`tilework.empty`, :func:`tilework.zeros` and :func:`tilework.share`. Views are of this class too; what
    is computed from it is an ordinary array. A handle is good as long as the array lives in the process that made it.
    """

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def __reduce_ex__(self, protocol: Any) -> Any:
        handle = handle_of(self)
        return (attach, handle) if handle is not None else np.asarray(self).__reduce_ex__(protocol)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)


def reach(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Bytes before and after the first item that the items reach."""
    if array.size == 0:
        return 0, 0
    steps = [(length - 1) * stride for length, stride in zip(array.shape, array.strides)]
    return -sum(step for step in steps if step < 0), sum(step for step in steps if step > 0) + array.itemsize


def handle_of(array: np.ndarray[Any, Any]) -> Optional[tuple[Any, ...]]:
    """What another process needs to find the array's memory; None where it is not in a memory file."""
    memory: Any = array
    while isinstance(memory, np.ndarray):
        memory = memory.base
    place = memory.descriptor() if isinstance(memory, _tilework.Array) else None
    if place is not None:
        about = os.fstat(place[0])
        source, start = (os.getpid(), place[0], about.st_dev, about.st_ino, place[1]), memory.address
    elif isinstance(memory, mmap.mmap) and memory in _mappings:
        source, start = _mappings[memory]
    else:
        return None
    before, after = reach(array)
    return (*source, array.__array_interface__["data"][0] - start - before, before, before + after,
            _arguments.descr_of(array.dtype) or array.dtype.str, array.shape, array.strides, array.flags.writeable)


def attach(pid: int, descriptor: int, device: int, inode: int, offset: int, first: int, before: int, length: int,
           descr: str, shape: tuple[int, ...], strides: tuple[int, ...], writeable: bool) -> SharedArray:
    """The array of a handle, in any process of this machine and user."""
    owner = _known.get((device, inode, offset))
    memory: Any
    if owner is not None:
        memory, start = owner.bytes(), first
    else:
        memory, start = _mapping(pid, descriptor, device, inode, offset + first, length)
    array = np.ndarray(shape, _arguments.dtype_of_descr(descr), memory, start + before, strides).view(SharedArray)
    array.flags.writeable = writeable
    if owner is None:
        _mappings[memory] = ((pid, descriptor, device, inode, offset),
                             array.__array_interface__["data"][0] - before - first)
    return array


def _mapping(pid: int, descriptor: int, device: int, inode: int, start: int, length: int) -> tuple[mmap.mmap, int]:
    """The bytes from `start` on, and where in what was mapped they are."""
    try:
        opened = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise PoolError(f"a shared array cannot be had: process {pid}, which made it, has ended or may not be looked "
                        f"into ({error.strerror})") from error
    try:
        about = os.fstat(opened)
        if (about.st_dev, about.st_ino) != (device, inode):
            raise PoolError(f"a shared array is gone: process {pid} has given its memory back")
        skipped = start % mmap.ALLOCATIONGRANULARITY
        return mmap.mmap(opened, max(1, length) + skipped, offset=start - skipped), skipped
    finally:
        os.close(opened)


def of_owner(owner: _tilework.Array) -> SharedArray:
    place = owner.descriptor()
    if place is not None:
        about = os.fstat(place[0])
        _known[about.st_dev, about.st_ino, place[1]] = owner
    return owner.numpy().view(SharedArray)


def empty(shape: Any, dtype: Any, pool: Optional[_tilework.Pool]) -> SharedArray:
    lengths = _arguments.shape_of(shape)
    wanted = _arguments.as_dtype(dtype, "a shared array")
    try:
        if pool is not None:
            return of_owner(_tilework.Array.create(pool, wanted, _arguments.descr_of(wanted), lengths))
        return of_owner(_tilework.Array.create_shared(wanted, _arguments.descr_of(wanted), lengths))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
