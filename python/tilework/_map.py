"""`map`: what a kernel returns for each tile, objects of any kind, as a list in the order of the tiles."""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from typing import Any, Callable

ROW = struct.Struct("<qq")  # of a tile: where its pickle begins, plus 1, and its length; zeros: there is none
MOST_WRITTEN = 1 << 30  # bytes in one call


class Returned:
    """The kernel of a map: calls the user's function and keeps what it returns. Worker processes leave pickles in a file in
    memory that they have from the fork, and where they are in another; a tile's row is written last."""

    takes_tile = True  # whether the function does or not

    def __init__(self, function: Callable[..., Any], passes_tile: bool, apart: bool) -> None:
        self.__wrapped__ = function
        self.passes_tile = passes_tile
        self.values: dict[int, Any] = {}
        self.files: tuple[int, ...] = ()
        try:
            for name in ("tilework-rows", "tilework-objects") if apart else ():
                self.files += (os.memfd_create(name),)
        except OSError:
            self.close()
            raise

    def __call__(self, *arrays: Any, tile: Any) -> None:
        value = self.__wrapped__(*arrays, tile=tile) if self.passes_tile else self.__wrapped__(*arrays)
        if not self.files:
            self.values[tile.number] = value
            return
        try:
            content = memoryview(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        except Exception as error:
            raise TypeError(f"what the kernel has returned, a {type(value).__name__}, cannot be pickled: {error}; return something "
                            "else, or use pool=\"threads\"") from error
        rows, objects = self.files
        size = len(content)
        first = self._reserve(objects, size)
        for at in range(0, size, MOST_WRITTEN):
            part = content[at:at + MOST_WRITTEN]
            while part:
                written = os.pwrite(objects, part, first + at)
                part, at = part[written:], at + written
        os.pwrite(rows, ROW.pack(first + 1, size), tile.number * ROW.size)

    @staticmethod
    def _reserve(objects: int, size: int) -> int:
        """A place of its own for so many bytes, behind what the file has: a hole until it is written."""
        import fcntl
        fcntl.lockf(objects, fcntl.LOCK_EX)  # the system gives it back if this process dies
        try:
            first = os.fstat(objects).st_size
            os.ftruncate(objects, first + size)
        finally:
            fcntl.lockf(objects, fcntl.LOCK_UN)
        return first

    def take(self, count: int) -> list[Any]:
        """What the tiles returned; None for those that were not done."""
        if not self.files:
            return [self.values.get(number) for number in range(count)]
        rows, objects = self.files
        found: list[Any] = [None] * count
        size = os.fstat(objects).st_size
        if size == 0:
            return found
        table = os.pread(rows, count * ROW.size, 0)
        with mmap.mmap(objects, size, prot=mmap.PROT_READ) as memory, memoryview(memory) as view:
            for number, (first, length) in enumerate(ROW.iter_unpack(table[:len(table) // ROW.size * ROW.size])):
                if first > 0:
                    with view[first - 1:first - 1 + length] as part:
                        found[number] = pickle.loads(part)
        return found

    def close(self) -> None:
        for file in self.files:
            os.close(file)
        self.files = ()
