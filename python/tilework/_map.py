"""`map`: what a kernel returns for each tile, objects of any kind, as a list in the order of the tiles."""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from typing import TYPE_CHECKING, Any, Callable

from . import _frames
from ._errors import PoolError, TileError
from ._manner import Manner

if TYPE_CHECKING:
    from ._options import RunOptions
    from ._request import Request

ROW = struct.Struct("<qq")  # of a tile: where its pickle begins, plus 1, and its length; zeros: there is none
MOST_WRITTEN = 1 << 30  # bytes in one call


def collected(run: Callable[[Request, RunOptions], Any], request: Request, options: RunOptions, apart: bool) -> Any:
    """What the kernel returns for each tile, in a list. `apart`: `run` runs it in other processes."""
    returned = Returned(request.kernel, Manner(request.kernel).tile, apart)
    request.kernel = returned
    report = None
    try:
        try:
            found = run(request, options)
            report = found[1] if options.report else None
        except TileError as error:
            if not options.keep_going:
                raise
            report = error.report
            _frames.warn(f"{error.args[0]}; tiles that failed have None in the list", RuntimeWarning)
        values = returned.take(request.grid.count)
    finally:
        returned.close()
    return (values, report) if options.report else values


class Returned:
    """The kernel of a map: calls the user's function and keeps what it returns. Worker processes leave pickles in a file in
    memory, and where they are in another; a tile's row is written last. They have the files from the fork; an interpreter of its own
    opens them."""

    takes_tile = True  # whether the function does or not
    is_sent = False  # from another program

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

    def __reduce__(self) -> Any:
        return _received, (self.__wrapped__, self.passes_tile, os.getpid(), self.files)

    def __call__(self, *arrays: Any, tile: Any) -> None:
        value = self.__wrapped__(*arrays, tile=tile) if self.passes_tile else self.__wrapped__(*arrays)
        if not self.files:
            self.values[tile.number] = value
            return
        try:
            content = memoryview(self._pickled(value))
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

    def _pickled(self, value: Any) -> bytes:
        try:
            return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        except Exception:
            if not self.is_sent:
                raise
        import cloudpickle  # classes that the program itself defines are not known here by their names
        content: bytes = cloudpickle.dumps(value)
        return content

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


def _received(function: Callable[..., Any], passes_tile: bool, program: int, files: tuple[int, ...]) -> Returned:
    """The same in another process of this machine, whose values the program takes."""
    made = Returned(function, passes_tile, False)
    made.is_sent = True
    try:
        for file in files:
            made.files += (os.open(f"/proc/{program}/fd/{file}", os.O_RDWR | os.O_CLOEXEC),)
    except OSError as error:
        made.close()
        raise PoolError(f"map with start='spawn' needs the files in memory of process {program}, which cannot be opened: "
                        f"{os.strerror(error.errno or 0)}") from error
    return made
