"""What goes wrong, as exceptions: one class for each way in which a caller may want to answer."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Optional

from . import _tilework

__all__ = ["ArgumentError", "CheckError", "CompileError", "Error", "FileError", "NotationError", "OutOfMemory",
           "PoolError", "RemoteError", "TileError"]


class Error(Exception):
    """Anything that Tilework itself reports."""


class ArgumentError(Error, ValueError):
    """The request makes no sense: axes, cuts, lengths that disagree, options that do not fit together."""


class NotationError(ArgumentError):
    """A text cannot be read.

    Attributes
    ----------
    column : int
        Where in the text, counted from 1; 0 where no place is known.
    """

    column: int = 0


class CompileError(Error, RuntimeError):
    """A kernel's source does not compile, or there is no compiler."""


class FileError(Error, OSError):
    """A file cannot be opened, or is not what it should be.

    Attributes
    ----------
    errno : int or None
        The system's number of what went wrong, where it is the system that refused.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # What OSError gives to pickle has no errno that was set later.
        return type(self), self.args, {**vars(self), "errno": self.errno}


class OutOfMemory(Error, MemoryError):
    """Memory or address space is not enough."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, vars(self)


class PoolError(Error, RuntimeError):
    """Workers are not available, or a pool is of another process."""


class CheckError(Error, RuntimeError):
    """``check=True``: the run's result differs from the same job done as one tile."""


class RemoteError(Error, RuntimeError):
    """Stands for an exception of a worker process that could not be sent here."""


class Death(NamedTuple):
    """How a worker process ended: its signal (0: it exited; -1: unknown), else its exit code; and whether it sent itself
    the signal."""

    signal: int
    code: int
    by_itself: int


class TileError(Error, RuntimeError):
    """A kernel failed on a tile, or a tile cost too many workers.

    The original exception, where there is one, is the ``__cause__``.

    Attributes
    ----------
    tile : int
        The tile's number.
    ranges : dict
        For each axis the tile's ``slice``.
    worker : int
        Which worker had it.
    traceback : str
        The traceback of the original exception as text; empty where the kernel is native or the worker died.
    report : tilework.Report or None
        With ``report=True``, what was done until then. It stays in this process: a copy or a pickle of the error has none.
    """

    tile: int = -1
    worker: int = -1
    traceback: str = ""
    report: Any = None
    death: Optional[Death] = None  # of the last worker that the tile cost

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.ranges: dict[str, slice] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        reduced: Any = super().__reduce__()
        kind, arguments, *state = reduced
        if state and hasattr(self.report, "to_dict"):
            state = [{**state[0], "report": None}]
        return (kind, arguments, *state)


MOST_WORDS = 1000  # characters of an exception's text in the message of another one
MOST_SENT = 30000  # bytes; a worker's place for text and pickle is twice as large
BY_STATUS: dict[int, type[Error]] = {
    -1: ArgumentError, -2: NotationError, -3: CompileError, -4: FileError, -5: FileError, -6: OutOfMemory,
    -7: FileError, -8: PoolError, -9: TileError, -10: TileError, -11: CheckError, -12: PoolError, -13: TileError,
    -14: FileError,
}


def text_of(exception: BaseException) -> str:
    """An exception as Python prints it."""
    import traceback
    frames = exception.__traceback__
    while frames is not None and os.path.dirname(frames.tb_frame.f_code.co_filename) == os.path.dirname(__file__):
        frames = frames.tb_next  # of what wraps the kernel; all of them, if it was raised here
    return "".join(traceback.format_exception(type(exception), exception, frames))


def words_of(exception: BaseException) -> str:
    """An exception in one line, of a length that can be read: its class and its own text."""
    if isinstance(exception, RemoteError):
        return str(exception)
    try:
        words = str(exception)
    except Exception:  # pylint: disable=broad-except  # its __str__ is its maker's
        words = "(its text is not available)"
    if len(words) > MOST_WORDS:
        words = f"{words[:MOST_WORDS]}... ({len(words)} characters)"
    return f"{type(exception).__name__}: {words}" if words else type(exception).__name__


def _pickled(exception: BaseException) -> bytes:
    """As the exception itself says. Dask's distributed replaces that, for the whole process, by one that brings frames along and
    cannot be read again for some classes."""
    import copyreg
    import io
    import pickle
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dispatch_table = {kind: reduce for kind, reduce in copyreg.dispatch_table.items() if not issubclass(kind, BaseException)}
    pickler.dump(exception)
    return file.getvalue()


def describe(exception: BaseException) -> tuple[bytes, bytes]:
    """An exception of a worker as text in UTF-8 and as a pickle, each of at most MOST_SENT bytes: of a longer text its
    middle is left out; what cannot be pickled, or not read again, is a RemoteError.

    Called in the worker process.
    """
    import pickle
    text = text_of(exception).encode("utf-8", "backslashreplace")
    if len(text) > MOST_SENT:
        half = MOST_SENT // 2 - 50
        text = text[:half] + f"\n... ({len(text) - 2 * half} bytes left out) ...\n".encode() + text[-half:]
    try:
        content = _pickled(exception)
        pickle.loads(content)
    except BaseException:  # pylint: disable=broad-except
        content = b""
    if not 0 < len(content) <= MOST_SENT:
        content = pickle.dumps(RemoteError(words_of(exception)))
    return text, content


def clear(exception: BaseException) -> None:
    """The frames that an exception and those behind it have come through forget their variables."""
    import traceback
    waiting, seen = [exception], set()
    while waiting:
        found = waiting.pop()
        if id(found) not in seen:
            seen.add(id(found))
            traceback.clear_frames(found.__traceback__)
            waiting += [behind for behind in (found.__cause__, found.__context__) if behind is not None]


def cause_of(text: str, content: bytes) -> BaseException:
    """The exception again, in the process that called the run."""
    if content:
        import pickle
        try:
            found = pickle.loads(content)
            if isinstance(found, BaseException):
                return found
        except Exception:  # pylint: disable=broad-except
            pass
    return RemoteError(text.strip().rsplit("\n", 1)[-1])  # its class is not known here


def of_failure(failure: _tilework.Failure, grid: Optional[_tilework.Grid] = None) -> Error:
    """The exception for a failed call of the library; its ``__cause__`` is set."""
    status, message, os_error, tile, worker, column, _, details = failure.args
    error = BY_STATUS.get(status, Error)(message)
    error.__cause__ = None
    error.__suppress_context__ = True
    if isinstance(error, NotationError):
        error.column = column
    if isinstance(error, FileError):
        error.errno = os_error or None
    if not isinstance(error, TileError):
        return error
    error.tile, error.worker = tile, worker
    if grid is not None and tile >= 0:
        starts, stops = grid.tile(tile)
        error.ranges = {axis: slice(start, stop) for axis, start, stop in zip(grid.signature.axes, starts, stops)}
    exception, error.report, death = details if details is not None else (None, None, None)
    failure.args = (*failure.args[:-1], None)  # it becomes the context of the error, which may be pickled with it
    if death is not None:
        error.death = Death(*death)
    if exception is not None:
        cause, text, content = exception
        if cause is None:
            cause = cause_of(text, content)
            error.traceback = text
            if "Traceback (most recent call last):" in text:  # else it says what the message says
                error.args = (f"{message}\n\nIn the worker:\n{text.rstrip()}",)
        else:
            error.traceback = text_of(cause)
        error.__cause__ = cause
    return error
