"""Arrays in shared memory, and how they reach other processes: as a handle, never as their content."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Optional

import numpy as np

from . import _dtypes, _memory, _tilework
from ._errors import BY_STATUS, OutOfMemory, PoolError, of_failure

# The shared arrays of this process by what their handles say of them; a fork knows its parent's, and has them mapped.
_known: "weakref.WeakValueDictionary[tuple[int, ...], _tilework.Array]" = weakref.WeakValueDictionary()
# Other processes' arrays that are mapped here, and their handles.
_attached: "weakref.WeakKeyDictionary[_tilework.Array, tuple[int, ...]]" = weakref.WeakKeyDictionary()
_attached_at: "weakref.WeakValueDictionary[tuple[int, ...], _tilework.Array]" = weakref.WeakValueDictionary()


class _Heaps:
    """Where this process makes shared arrays of no pool: one memory file for all, another one where that has no room.
    A fork has its parent's arrays and makes its own elsewhere."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.heap: Optional[_tilework.Heap] = None

    def create(self, dtype: np.dtype[Any], descr: Optional[str], shape: tuple[int, ...]) -> _tilework.Array:
        with self.lock:
            fresh = self.heap is None
            if self.heap is None:
                self.heap = _tilework.Heap()
            heap = self.heap
        try:
            return _tilework.Array.create(heap, dtype, descr, shape)
        except _tilework.Failure as failure:
            if fresh or BY_STATUS.get(failure.args[0]) is not OutOfMemory:
                raise
        other = _tilework.Heap()
        array = _tilework.Array.create(other, dtype, descr, shape)
        with self.lock:
            self.heap = other
        return array

    def close(self) -> None:
        with self.lock:
            self.heap = None  # arrays that are in it keep what they need of it


_heaps = _Heaps()
os.register_at_fork(after_in_child=_heaps.__init__)  # type: ignore[misc]


class SharedArray(np.ndarray[Any, Any]):
    """An ndarray in shared memory: pools of processes use it without a copy, and it is pickled as a handle.

    Made by :func:`tilework.empty`, :func:`tilework.zeros` and :func:`tilework.share`. Views are of this class too; what
    is computed from it is an ordinary array. A handle is good as long as the array lives in the process that made it;
    what it was turned into elsewhere stays good after that, and the memory is given back when no process uses it any more.
    """

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def __reduce_ex__(self, protocol: Any) -> Any:
        handle = handle_of(self)
        return (attach, handle) if handle is not None else np.asarray(self).__reduce_ex__(protocol)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)


def close_idle() -> None:
    _heaps.close()


def handle_of(array: np.ndarray[Any, Any]) -> Optional[tuple[Any, ...]]:
    """What another process needs to find the array's memory; None where it is not in a memory file."""
    memory = _memory.memory_of(array)
    if not isinstance(memory, _tilework.Array):
        return None
    place = _attached.get(memory)
    if place is None:
        place = memory.handle()
        if place is not None:
            _known.setdefault(place[2:], memory)
    if place is None:
        return None
    return (place, array.__array_interface__["data"][0] - memory.address,
            _dtypes.descr_of(array.dtype) or array.dtype.str, array.shape, array.strides, array.flags.writeable)


def memory_at(place: tuple[int, ...]) -> _tilework.Array:
    """What the first part of a handle names. All arrays that lie in it have it at one address."""
    memory = _known.get(place[2:]) or _attached_at.get(place)
    if memory is None:
        try:
            memory = _tilework.Array.attach(place)
        except _tilework.Failure as failure:
            raise PoolError(failure.args[1]) from None
        _attached[memory], _attached_at[place] = place, memory
    return memory


def attach(place: tuple[int, ...], first: int, descr: str, shape: tuple[int, ...], strides: tuple[int, ...],
           writeable: bool) -> SharedArray:
    """The array of a handle, in any process of this machine and user."""
    array = np.ndarray(shape, _dtypes.dtype_of_descr(descr), memory_at(place).bytes(), first, strides).view(SharedArray)
    array.flags.writeable = writeable
    return array


def of_owner(owner: _tilework.Array) -> SharedArray:
    place = owner.handle()
    if place is not None:
        _known[place[2:]] = owner
    return owner.numpy().view(SharedArray)


def empty(shape: Any, dtype: Any) -> SharedArray:
    """As numpy.empty, in no pool's memory."""
    return made(_memory.shape_of(shape), _dtypes.as_dtype(dtype, "a shared array"), None)


def made(lengths: tuple[int, ...], dtype: np.dtype[Any], pool: Optional[_tilework.Pool]) -> SharedArray:
    descr = _dtypes.descr_of(dtype)
    try:
        if pool is not None:
            return of_owner(_tilework.Array.create(pool, dtype, descr, lengths))
        return of_owner(_heaps.create(dtype, descr, lengths))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
