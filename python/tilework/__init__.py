"""Run a function over the tiles of n-d arrays on every core, each tile writing its own part of the result in place.

>>> import numpy as np, tilework as tw
>>> def operate(y, x, r):                     # views of one tile; fill r (or return the tile)
...     for i in range(len(r)):
...         r[i] = y[i] * x
>>> y, x = np.arange(1000.0), np.random.rand(2000)
>>> r = tw.run(operate, "y[i], x[j] -> r[i,j]", y, x, cuts={"i": [333, 666], "j": [1000]}, workers=2)
>>> bool((r == y[:, None] * x).all())
True
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._compiled import compile
from ._decorator import KernelFunction
from ._errors import (ArgumentError, CheckError, CompileError, Error, FileError, NotationError, OutOfMemory, PoolError,
                      RemoteError, TileError)
from ._finished import FinishedTile
from ._functions import close_idle, empty, evaluate, function, iterate, kernel, map, run, share, submit, zeros
from ._installed import get_include, get_pkgconfig
from ._native import Kernel
from ._nodes import JobStatus, status
from ._plan import Forecast, NodePlan, Plan, plan
from ._pool import Pool
from ._prepared import Function
from ._report import Report
from ._shared import SharedArray
from ._tile import Tile
from ._tilework import counters, machine
from ._tilework import version as __version__

if _TYPE_CHECKING:
    from ._beside import Future, Tiles

__all__ = ["ArgumentError", "CheckError", "CompileError", "Error", "FileError", "FinishedTile", "Forecast", "Function", "Future", "JobStatus", "Kernel", "KernelFunction", "NodePlan", "NotationError", "OutOfMemory",
           "Plan", "Pool", "PoolError", "RemoteError", "Report", "SharedArray", "Tile", "TileError", "Tiles", "__version__", "close_idle", "compile",
           "counters", "empty", "evaluate", "function", "get_include", "get_pkgconfig", "iterate", "kernel", "machine", "map", "plan", "run", "share", "status", "submit", "zeros"]


def __getattr__(name: str) -> _Any:
    """What runs in the background need is loaded with the first of them."""
    if name in ("Future", "Tiles"):
        from . import _beside
        return getattr(_beside, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
