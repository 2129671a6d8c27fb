"""Where an operand lies, so that the other process of a pool with start="spawn" can use it there: in shared memory of Tilework's, or in
a file that is mapped."""

from __future__ import annotations

import mmap
import os
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import _shared
from ._errors import FileError, PoolError

MUCH = 4 << 20  # bytes: a copy of less costs no more than to map it, and to fork the workers so that they have it


class FileMemory(NamedTuple):
    """A part of a file, mapped so that all see what one of them writes."""

    path: str
    identity: tuple[int, int]  # device and inode
    first: int  # byte
    length: int
    written: bool


class Place(NamedTuple):
    """An array in memory that both processes can map."""

    memory: Union[FileMemory, tuple[int, ...]]  # the latter: the first part of a handle, see _shared.py
    first: int  # byte
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]


class _Row(NamedTuple):
    """One of /proc/self/maps."""

    start: int
    end: int
    is_shared: bool
    offset: int  # in the file
    file: tuple[str, ...]  # device, inode, name


def _row_of(address: int) -> Optional[_Row]:
    """The mapping of this process that an address lies in."""
    with open("/proc/self/maps", errors="surrogateescape") as rows:
        for row in rows:
            bounds, kinds, offset, *file = row.rstrip("\n").split(None, 5)
            start, _, end = bounds.partition("-")
            if int(start, 16) <= address < int(end, 16):
                return _Row(int(start, 16), int(end, 16), "s" in kinds, int(offset, 16), tuple(file))
    return None


def _file_at(address: int, end: int, written: bool) -> Optional[tuple[int, FileMemory]]:
    """The file that is mapped there and its first address; None if it is not one whose name still leads to it."""
    row = _row_of(address)
    if row is None or not row.is_shared or row.end < end or len(row.file) < 3 or not row.file[2].startswith("/"):
        return None
    path = row.file[2]
    try:
        file = os.open(path, (os.O_RDWR if written else os.O_RDONLY) | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        info = os.fstat(file)
        if info.st_size == 0 and str(info.st_ino) == row.file[1]:  # it cannot be mapped again, and its pages are gone
            raise FileError(f"{path}: is mapped to memory, and is empty now")
        with mmap.mmap(file, 1, prot=mmap.PROT_READ) as again:  # the system names a file here as it does there
            found = _row_of(np.frombuffer(again, np.uint8).__array_interface__["data"][0])
        if found is None or found.file != row.file:
            return None
        length = min(row.end - row.start, info.st_size - row.offset)
        if length < end - row.start:  # to copy it would kill the program
            raise FileError(f"{path}: is mapped to memory, and is shorter now than the array that lies there")
        return row.start, FileMemory(path, (info.st_dev, info.st_ino), row.offset, length, written)
    except FileError:
        raise
    except (OSError, ValueError):
        return None
    finally:
        os.close(file)


def place_of(array: np.ndarray[Any, Any], written: bool, owner: int) -> Optional[Place]:
    """Where process `owner` finds an array of this process; None: it must be copied for it, or had better be."""
    try:
        handle = _shared.handle_of(array)
    except TypeError:  # no weak reference to what keeps its memory: not one of ours
        handle = None
    if handle is not None and (handle[0][0] == owner or array.nbytes >= MUCH):
        return Place(handle[0], handle[1], array.shape, array.strides, array.dtype)
    if handle is not None or array.nbytes < MUCH:
        return None
    address = array.__array_interface__["data"][0]
    reaches = [stride * (length - 1) for stride, length in zip(array.strides, array.shape)]
    low = address + sum(min(reach, 0) for reach in reaches)
    found = _file_at(low, address + sum(max(reach, 0) for reach in reaches) + array.itemsize, written)
    return None if found is None else Place(found[1], address - found[0], array.shape, array.strides, array.dtype)


class Found:
    """The arrays of one run in the process that they were sent to. Operands of one memory have it at one address, which it keeps in
    the next run: workers that have it already need not be forked again."""

    def __init__(self) -> None:
        self.memories: dict[Any, Any] = {}

    def views(self, places: list[Optional[Place]]) -> list[Optional[np.ndarray[Any, Any]]]:
        before, self.memories = self.memories, {}
        written = {place.memory._replace(written=False) for place in places if place is not None and
                   isinstance(place.memory, FileMemory) and place.memory.written}
        return [None if place is None else self._view(place, written, before) for place in places]

    def _view(self, place: Place, written: set[FileMemory], before: dict[Any, Any]) -> np.ndarray[Any, Any]:
        memory: Any = place.memory
        is_file = isinstance(memory, FileMemory)
        if is_file:
            memory = memory._replace(written=memory._replace(written=False) in written)
        found: Any = self.memories.get(memory) or before.get(memory)
        if found is None:
            found = _mapped(memory) if is_file else _shared.memory_at(memory)
        self.memories[memory] = found
        return np.ndarray(place.shape, place.dtype, found if is_file else found.bytes(), place.first, place.strides)


def _mapped(memory: FileMemory) -> mmap.mmap:
    what = f"{memory.path}: is mapped to memory by the program, but "
    try:
        file = os.open(memory.path, (os.O_RDWR if memory.written else os.O_RDONLY) | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PoolError(f"{what}the interpreter of start='spawn' cannot open it: {os.strerror(error.errno or 0)}") from None
    try:
        info = os.fstat(file)
        if (info.st_dev, info.st_ino) != memory.identity:
            raise PoolError(f"{what}another file had its name when the run began")
        return mmap.mmap(file, memory.length, prot=mmap.PROT_READ | (mmap.PROT_WRITE if memory.written else 0), offset=memory.first)
    except (OSError, ValueError) as error:
        raise PoolError(f"{what}the interpreter of start='spawn' cannot map it: {error}") from None
    finally:
        os.close(file)
