"""A failed run as the exception that its caller gets: the library's sentence, and what more can be said of it."""

from __future__ import annotations

from typing import Optional

from . import _deaths, _errors, _hints, _tilework
from ._manner import Manner
from ._native import inner_of
from ._report import Report
from ._request import Request
from ._results import NoRoom


def explained(failure: _tilework.Failure, request: Request) -> _errors.Error:
    error = _errors.of_failure(failure, request.grid)
    native = request.native
    if native is not None:
        error.args = (str(error.args[0]).replace(inner_of(native).name, native.name),)
    if not isinstance(error, _errors.TileError):
        return error
    if error.report is not None:
        error.report = Report(error.report, request.grid)
    cause = error.__cause__
    if isinstance(cause, NoRoom):
        return _errors.OutOfMemory(str(cause))
    if cause is not None:
        error.args = (_of_kernel(error, cause, request),)
    error.args = (error.args[0] + _deaths.advice(error.death),)
    return error


def _of_kernel(error: _errors.TileError, cause: BaseException, request: Request) -> str:
    """The message for what a kernel raised, or a function that folds."""
    words = _errors.words_of(cause)
    place = f"failed at tile {error.tile}, {request.grid.text(error.tile)}, on worker {error.worker}: {words}"
    folded = _folded(request, error.tile)
    if folded is not None:
        first = f"the function {request.reductions[folded].words}, which reduces {request.notation.names[folded]}, {place}"
    else:
        manner = Manner(request.native or request.kernel)
        advice = _hints.hint(words, manner, request.notation)
        first = f"kernel {manner.name} {place}" + (f"\n{advice}" if advice else "")
    rest = str(error.args[0]).partition("\n\nIn the worker:\n")
    return first + rest[1] + rest[2]


def _folded(request: Request, tile: int) -> Optional[int]:
    """The output whose parts the tile folds; None: it is a tile of the kernel's. The first step is that of the kernel, then comes one
    for each output that has parts."""
    step = sum(first <= tile for first, _ in request.grid.steps) - 1
    return request.parted[step - 1] if 0 < step <= len(request.parted) else None
