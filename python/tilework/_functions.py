"""The functions that need no object: runs and statements with pools that come and go by themselves, shared arrays."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

import numpy as np

from . import _arguments, _options, _shared, _tilework, _ufuncs
from ._errors import ArgumentError, TileError
from ._objects import Pool, native_kernel, open_pools
from ._report import Report
from ._request import Request

__all__ = ["close_idle", "empty", "evaluate", "run", "share", "zeros"]


class _OneRun(Pool):
    """A pool for one run. It opens when the kernel is known, so that no worker is forked twice, and has no more workers
    than there are tiles."""

    one_run = True

    def _open(self, workers: int) -> None:
        self._wished = workers or _tilework.machine()["workers"]

    def _ready(self, request: Request) -> _tilework.Pool:
        super()._open(max(1, min(self._wished, request.grid.count)))
        return self._need_open()


# ---- pools that nobody opened ------------------------------------------------------------------------------------------


class _Threads:
    """Pools of threads that are kept for the next run. A fork of the process has none of their threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pid = os.getpid()
        self.free: dict[int, list[Pool]] = {}

    def take(self, workers: int) -> Pool:
        if self.pid != os.getpid():
            self.__init__()  # type: ignore[misc]
        with self.lock:
            waiting = self.free.get(workers)
            if waiting:
                return waiting.pop()
        return Pool(workers or None, "threads")

    def give(self, workers: int, pool: Pool) -> None:
        with self.lock:
            if not pool.closed and pool.is_free():  # not at the end of the program, nor if an alarm has left a run
                self.free.setdefault(workers, []).append(pool)

    def close(self) -> None:
        with self.lock:
            pools = [pool for waiting in self.free.values() for pool in waiting]
            self.free.clear()
        for pool in pools:
            pool.close()


_threads = _Threads()


def _close_all() -> None:
    """Threads must have left before the interpreter does."""
    _threads.close()
    for pool in list(open_pools):
        pool.close_at_exit()


atexit.register(_close_all)


def close_idle() -> None:
    """End the threads that are kept for the next :func:`run`, and close the memory file that is kept for the next shared
    array if no array is in it; they come again by themselves."""
    _threads.close()
    _shared.close_idle()


# ---- functions ---------------------------------------------------------------------------------------------------------


def run(kernel: Any, signature: str, *operands: Any, out: Any = None, dtype: Any = None,
        cuts: Optional[Mapping[str, Any]] = None, tiles: Optional[Mapping[str, int]] = None,
        parts: Optional[Mapping[str, int]] = None, lengths: Optional[Mapping[str, int]] = None,
        workers: Optional[int] = None, pool: Union[str, Pool] = "auto", retries: int = 2, timeout: Optional[float] = None,
        progress: Union[None, bool, Callable[[int, int, float], object]] = None, guard: bool = False, check: bool = False,
        keep_going: bool = False, tiles_per_worker: int = 0, report: bool = False, **others: Any) -> Any:
    """Run a kernel over the tiles of arrays, on all cores, each tile writing its own part of the result in place.

    Equals ``for tile in tiles: kernel(views of the tile)``, on any pool.

    Parameters
    ----------
    kernel : callable or Kernel
        A Python callable: it gets a view of each operand, cut to the tile, in the order of the signature, inputs first.
        It fills the outputs, every element (an output that it leaves as it was is an error); or it takes the inputs alone
        and returns the outputs' tiles. With an argument ``tile`` it gets its place, see :class:`Tile`. A native kernel: a
        :class:`Kernel`, a ctypes or cffi function pointer, Numba's ``@cfunc``.
    signature : str
        Which axes each operand has: ``"y[i], x[j] -> r[i,j]"``. A name on both sides is read and written in place.
    *operands : array_like
        One for each name on the left.
    out : ndarray, or tuple or dict of them, optional
        Written to instead of new arrays.
    dtype : dtype, or tuple or dict of them, optional
        Of new outputs. By default the signature's (``r[i,j]:float32``), else that of what the kernel returns; where it fills
        the output, ``numpy.result_type`` of the inputs.
    cuts, tiles, parts : dict, optional
        How axes are divided: at positions, into tiles of a length, into a number of tiles. Without any, the first axis is
        cut into 256 parts or single indices, later ones stay whole unless those are few or large. ``parts={"i": 1}`` asks
        for one tile.
    lengths : dict, optional
        Of axes that no operand has: ``run(f, "-> r[i]", lengths={"i": 100})``.
    workers : int, optional
        By default as many as the process may use processors.
    pool : {"auto", "threads", "processes", "serial"} or Pool
        ``"auto"``: threads for native kernels, for NumPy's ufuncs and for functions of Numba with ``nogil=True`` (and without
        ``parallel=True``); processes for other Python callables, threads for these too if Python has no global lock. A report
        says which, and why. Processes that are made for this run are forked now and ended with it.
    retries : int
        How many deaths of a worker on one tile are survived.
    timeout : float, optional
        Seconds that a tile may take, else its worker is ended as if it had died. Processes only.
    progress : bool or callable, optional
        True: a bar, of tqdm where it is installed. A callable gets tiles done, tiles in all, seconds.
    guard : bool
        Run each tile on guarded copies: a kernel that reaches outside its tile is caught. Processes only.
    check : bool
        Compute all again as one tile and compare bit by bit.
    keep_going : bool
        A tile that fails does not keep others from being done.
    tiles_per_worker : int
        A worker process is replaced after so many; 0: never.
    report : bool
        Give ``(result, Report)``.

    Returns
    -------
    ndarray, or a tuple of them where there are several outputs

    Raises
    ------
    TileError
        A kernel raised, with the original exception as ``__cause__``; or a tile cost too many workers.
    ArgumentError, NotationError
        The request makes no sense.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> def operate(y, x, r):
    ...     for i in range(len(r)):
    ...         r[i] = y[i] * x
    >>> y, x = np.arange(6.0), np.arange(4.0)
    >>> r = tw.run(operate, "y[i], x[j] -> r[i,j]", y, x, cuts={"i": [2, 5], "j": [2]}, workers=2)
    >>> bool((r == np.outer(y, x)).all())
    True
    >>> tw.run(lambda a: a.sum(axis=1), "a[i,k] -> s[i]", np.ones((4, 3)), tiles={"i": 2}, pool="serial")
    array([3., 3., 3., 3.])
    """
    if others:
        _options.refuse("run", others, run.__kwdefaults__)
    options: dict[str, Any] = {"out": out, "dtype": dtype, "cuts": cuts, "tiles": tiles, "parts": parts,
                               "lengths": lengths, "retries": retries, "timeout": timeout, "progress": progress,
                               "guard": guard, "check": check, "keep_going": keep_going,
                               "tiles_per_worker": tiles_per_worker, "report": report}
    if isinstance(pool, Pool):
        if workers is not None:
            raise ArgumentError("a pool has its number of workers: give pool or workers, not both")
        return pool.run(kernel, signature, *operands, **options)
    apart = timeout is not None or bool(guard) or tiles_per_worker != 0
    native = kernel if isinstance(kernel, str) else native_kernel(kernel)
    kind = _arguments.kind_of(pool, native is None, apart, _ufuncs.releases_lock(kernel) if native is None else "")
    return _with_pool(kind, workers, lambda made: made.run(kernel if native is None else native, signature, *operands,
                                                           **options))


def _with_pool(placed: tuple[str, str], workers: Optional[int], work: Callable[[Pool], Any]) -> Any:
    """A run in the kind of pool that was chosen, whose report says why."""
    kind, why = placed
    try:
        found = _in_pool(kind, workers, work)
    except TileError as error:
        if error.report is not None:
            error.report.why = why
        raise
    if type(found) is tuple and isinstance(found[-1], Report):
        found[-1].why = why
    return found


def _in_pool(kind: str, workers: Optional[int], work: Callable[[Pool], Any]) -> Any:
    """Threads that are kept, or a pool for this one run."""
    count = _arguments.workers_of(workers)
    if kind == "threads":
        threads = _threads.take(count)
        try:
            return work(threads)
        finally:
            _threads.give(count, threads)
    made = _OneRun(count or None, kind)
    try:
        return work(made)
    finally:
        made.close()


def evaluate(statement: str, *, out: Any = None, dtype: Any = None, cuts: Optional[Mapping[str, Any]] = None,
             tiles: Optional[Mapping[str, int]] = None, parts: Optional[Mapping[str, int]] = None,
             lengths: Optional[Mapping[str, int]] = None, edges: Union[str, Mapping[str, str], None] = None,
             workers: Optional[int] = None, pool: Union[str, Pool] = "auto",
             progress: Union[None, bool, Callable[[int, int, float], object]] = None, check: bool = False,
             report: bool = False, operands: Optional[Mapping[str, Any]] = None, **named: Any) -> Any:
    """Evaluate a statement of index notation on all cores: ``evaluate("r[i,j] = y[i] * x[j]", y=y, x=x)``.

    The statement becomes C, is compiled once (and kept in a cache on the disk), and runs without the interpreter. Results
    have NumPy's dtypes and, for the same operations, NumPy's bits, on any number of workers.

    Parameters
    ----------
    statement : str
        In the notation of ``docs/notation.md``.
    **named : array_like or number
        Every operand by its name. A number that the statement names without axes (``c * y[i]``) is a parameter: its value
        may change without another compilation. Python's take the dtype of the arrays beside them, NumPy's keep theirs:
        float32 times ``np.float64(2)`` is float64.
    operands : dict, optional
        The same for names that are taken here, such as ``out``.
    out : ndarray, or tuple or dict of them, optional
        Written to instead of new arrays. As in NumPy, it takes results of its kind: an integer array refuses floats.
    dtype : dtype, or tuple or dict of them, optional
        Of new outputs; by default that of their expression. A dtype of another kind is asked for in the statement:
        ``r[i] = int32(...)``.
    edges : str or dict, optional
        How to read past the ends of an operand: ``"clamp"``, ``"wrap"``, ``"zero"`` or ``"error"`` (before the run) along
        all axes, or a dict from axes to these: ``edges={"i": "wrap"}``.
    cuts, tiles, parts, lengths, workers, pool, progress, check, report
        As for :func:`run`.

    Returns
    -------
    ndarray, or a tuple of them where there are several outputs

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> y, x = np.arange(3.0), np.arange(4.0)
    >>> tw.evaluate("r[i,j] = c * y[i] + x[j]", y=y, x=x, c=10)
    array([[ 0.,  1.,  2.,  3.],
           [10., 11., 12., 13.],
           [20., 21., 22., 23.]])
    """
    _options.refuse_operands(statement, named)
    options: dict[str, Any] = {"out": out, "dtype": dtype, "cuts": cuts, "tiles": tiles, "parts": parts,
                               "lengths": lengths, "edges": edges, "progress": progress, "check": check,
                               "report": report, "operands": operands}
    if isinstance(pool, Pool):
        if workers is not None:
            raise ArgumentError("a pool has its number of workers: give pool or workers, not both")
        return pool.evaluate(statement, **options, **named)
    return _with_pool(_arguments.kind_of(pool, False, False), workers,
                      lambda made: made.evaluate(statement, **options, **named))


def empty(shape: Any, dtype: Any = float) -> _shared.SharedArray:
    """A new array in shared memory, contents undefined, as ``numpy.empty``.

    Every pool of processes uses it without a copy, and it is pickled as a handle: other processes get the same memory.

    Examples
    --------
    >>> import tilework as tw
    >>> r = tw.empty((3, 2))
    >>> r[...] = 1
    >>> float(r.sum())
    6.0
    """
    return _shared.empty(shape, dtype, None)


def zeros(shape: Any, dtype: Any = float) -> _shared.SharedArray:
    """A new array of zeros in shared memory, as ``numpy.zeros``; see :func:`empty`."""
    array = empty(shape, dtype)
    array[...] = np.zeros((), array.dtype)
    return array


def share(array: Any) -> _shared.SharedArray:
    """A copy of an array in shared memory; see :func:`empty`."""
    source = _arguments.as_array(array, "the array")
    copy = empty(source.shape, source.dtype)
    copy[...] = source
    return copy
