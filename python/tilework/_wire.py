"""What a program and the server of its pool send each other: kernels, runs, errors, reports."""

from __future__ import annotations

import collections
import functools
import io
import pickle
import types
from typing import Any, NamedTuple, Optional

import numpy as np

from . import _decorator, _errors
from ._edges import Edges
from ._errors import ArgumentError, PoolError
from ._files import Wanted as Files
from ._grid import Splits
from ._native import Kernel
from ._options import RunOptions
from ._places import Place
from ._report import Report, ReportParts
from ._request import Request

Handle = tuple[Any, ...]  # how another process finds an array
Known = tuple[int, Handle]  # an array of the server's: its number there, and the handle by which the program maps it
Content = tuple[str, Any]  # "pickle" or "recipe", and what it says of a kernel; "once": a pickle that is not kept for another run
UNDERWAY = ("progress", "begin", "tiles")  # messages of a run that lasts
Wanted = tuple[tuple[int, ...], np.dtype[Any]]  # shape and dtype of an array that the server makes
Totals = dict[str, Any]


class Run(NamedTuple):
    """A run that the server is to do."""

    kernel: Content
    context: tuple[Any, Any]
    signature: str
    places: list[Optional[Place]]  # one an operand, and that of the mask; None: an output whose dtype the kernel chooses, a file
    splits: Splits
    lengths: tuple[int, ...]
    edges: Edges
    fresh: bytes
    options: RunOptions  # whose `progress` and `on_tile` are words for what the program wants to know
    reduce: dict[str, Any]  # of outputs by name: "sum" and the like, or the content of a function
    dtypes: tuple[Optional[np.dtype[Any]], ...] = ()  # of outputs that are files; None: what the kernel returns
    inputs: dict[int, str] = {}  # operands that are files
    files: Optional[Files] = None  # where the outputs are written, with the identities of the kernels
    where: Optional[tuple[Optional[str], Optional[str]]] = None  # the mask, None if it lies in the last place, and its axes


# ---- kernels -----------------------------------------------------------------------------------------------------------


def content_of(request: Request, pool: str = "start='spawn'") -> Content:
    """The kernel of a run. `pool`: who sends it, in messages."""
    if request.native is not None:
        return _recipe(request.native, pool)
    how, what = _pickled(request.kernel, pool)
    return "once" if request.collects else how, what


def reduce_of(request: Request, pool: str = "start='spawn'") -> dict[str, Any]:
    """How outputs are reduced: a word, or the content of what folds."""
    return {request.notation.names[k]: one.words if one.function is None else _recipe(one.function, pool)
            if isinstance(one.function, Kernel) else _pickled(one.function, pool) for k, one in request.reductions.items()}


def _recipe(kernel: Kernel, pool: str) -> Content:
    if kernel.recipe is None:
        raise ArgumentError(f"a kernel that is an address of this process cannot be sent to the workers of {pool}; give one from a "
                            "library or from C source")
    return "recipe", kernel.recipe


def kernel_of(content: Content) -> Any:
    """The other way round."""
    how, what = content
    return Kernel.from_recipe(what) if how == "recipe" else pickle.loads(what)


def _pickled(kernel: Any, pool: str) -> Content:
    try:
        import cloudpickle
    except ImportError:
        try:
            return "pickle", pickle.dumps(kernel)
        except Exception as error:
            raise PoolError(f"{pool} sends kernels with cloudpickle, which is not installed "
                            "(pip install cloudpickle)") from error
    return "pickle", _with_files(cloudpickle, kernel)


@functools.lru_cache(maxsize=1)
def _pickler(base: Any) -> Any:
    table = base.dispatch_table

    def reduced(code: types.CodeType) -> Any:
        made, arguments = table[types.CodeType](code)
        return made, tuple(code.co_filename if isinstance(item, str) and item == "<dynamic-code>" else item
                           for item in arguments)

    def tiled(function: _decorator.KernelFunction) -> Any:
        """The server does not have the program's own module, __main__."""
        return _decorator.reduced(function) if function.__module__ == "__main__" else function.__reduce__()

    class Pickler(base):  # type: ignore[misc]  # pylint: disable=too-few-public-methods
        dispatch_table = collections.ChainMap({types.CodeType: reduced, _decorator.KernelFunction: tiled}, table)

    return Pickler


def _with_files(cloudpickle: Any, kernel: Any) -> bytes:
    """What cloudpickle makes of it. Newer versions leave out the files of its functions, which errors, warnings and tracebacks
    of the kernel name."""
    base = getattr(cloudpickle, "Pickler", None)
    if types.CodeType not in getattr(base, "dispatch_table", ()):
        return bytes(cloudpickle.dumps(kernel))
    with io.BytesIO() as file:
        _pickler(base)(file).dump(kernel)
        return file.getvalue()


# ---- errors ------------------------------------------------------------------------------------------------------------


def sendable(error: Exception) -> tuple[Exception, bool, bytes, bytes]:
    """An exception and its cause, each so that it can be read again."""
    cause = error.__cause__
    text, content = _errors.describe(cause) if cause is not None else (b"", b"")
    if isinstance(error, _errors.TileError) and error.report is not None:
        error.report = parts(error.report)
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pylint: disable=broad-except
        error = PoolError(f"{type(error).__name__}: {error}")
    return error, cause is not None, text, content


def raised(error: Exception, has_cause: bool, text: bytes, content: bytes) -> Exception:
    """The other way round, to be raised."""
    error.__cause__ = _errors.cause_of(text.decode("utf-8", "replace"), content) if has_cause else None
    return error


# ---- reports -----------------------------------------------------------------------------------------------------------


def parts(report: Report) -> tuple[Totals, bytes, str]:
    return report.totals, report.tiles.tobytes(), report.advice


def report_of(received: tuple[Totals, bytes, str], request: Request) -> Report:
    totals, tiles, advice = received
    return Report(ReportParts(totals, tiles, request.grid, advice), request.grid)
