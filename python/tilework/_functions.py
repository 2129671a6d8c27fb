"""The functions that need no object: runs and statements with pools that come and go by themselves, shared arrays."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional, Union, overload

import numpy as np

from . import _options, _prepared, _shared, _tilework, _ufuncs
from ._decorator import KernelFunction
from ._errors import ArgumentError, TileError
from ._memory import as_array
from ._native import Kernel
from ._options import Asked
from ._placement import Submits, is_engine, is_inside_run, kind_of, workers_of
from ._pool import Pool, close_at_exit, do, for_one_run, forks, is_free, open_pools, reporting_to
from ._prepared import Function

if TYPE_CHECKING:
    from . import _beside
    from typing_extensions import Unpack

    from ._edges import Edges
    from ._options import AnyPool, DecoratorOptions, FunctionOptions, PlacedKernelOptions, PlacedMapOptions
    from ._report import Report

__all__ = ["close_idle", "empty", "evaluate", "function", "iterate", "kernel", "map", "run", "share", "submit", "zeros"]


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
            if not pool.closed and is_free(pool):  # not at the end of the program, nor if an alarm has left a run
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
        close_at_exit(pool)


atexit.register(_close_all)


def close_idle() -> None:
    """End the threads that are kept for the next :func:`run`, and close the memory file that is kept for the next shared
    array if no array is in it; they come again by themselves."""
    _threads.close()
    _shared.close_idle()


# ---- functions ---------------------------------------------------------------------------------------------------------


@overload
def run(kernel: Any, signature: str, *operands: Any, report: Literal[True],
        **options: Unpack[PlacedKernelOptions]) -> tuple[Any, Report]: ...
@overload
def run(kernel: Any, signature: str, *operands: Any, report: bool = ..., **options: Unpack[PlacedKernelOptions]) -> Any: ...
@_options.shown(_options.RUN)
def run(kernel: Any, signature: str, *operands: Any, **options: Any) -> Any:
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
    *operands : array_like, or the name of a .npy file
        One for each name on the left.
    out : ndarray or file name, or tuple or dict of them, optional
        Written to instead of new arrays. A name (str or path) writes a ``.npy`` file: all outputs then have one, also those that
        are operands too.
    dtype : dtype, or tuple or dict of them, optional
        Of new outputs. By default the signature's (``r[i,j]:float32``), else that of what the kernel returns; where it fills
        the output, ``numpy.result_type`` of the inputs.
    cuts, tiles, parts : dict, optional
        How axes are divided: at positions, into tiles of a length, into a number of tiles. Without any, the first axis is
        cut into 256 parts or single indices, later ones stay whole unless those are few or large. ``parts={"i": 1}`` asks
        for one tile.
    lengths : dict, optional
        Of axes that no operand has: ``run(f, "-> r[i]", lengths={"i": 100})``.
    edges : str, number or dict, optional
        What the halos of inputs, as in ``"u[i-1..i+1,j] -> r[i,j]"``, read past the ends of the array: ``"clamp"``,
        ``"wrap"``, ``"zero"``, ``"reflect"``, ``"mirror"`` or a number, for all axes or as a dict from axes to these. They mean
        what they mean in ``scipy.ndimage``. The kernel gets its tile with the halo around it, and returns its tile without.
    reduce : {"sum", "prod", "min", "max", "any", "all"}, callable, or dict from outputs to these, optional
        Outputs that lack an axis which is cut, and how the values of their tiles (parts) become one: ``reduce={"s": "sum"}``. A
        callable takes ``into`` and ``part`` and changes ``into``. Parts are folded in the order of the grid; a part that the
        kernel fills begins as the identity of the operation.
    workers : int, optional
        By default as many as the process may use processors.
    pool : {"auto", "threads", "processes", "serial"}, Pool, Executor or Dask Client
        ``"auto"``: threads for native kernels, for NumPy's ufuncs and for functions of Numba with ``nogil=True`` (and without
        ``parallel=True``); processes for other Python callables, threads for these too if Python has no global lock. A report
        says which, and why. Processes that are made for this run are forked now and ended with it.
        An Executor of :mod:`concurrent.futures` (also those of loky, mpi4py, Parsl, executorlib, ipyparallel) or a Dask ``Client``: its
        workers compute ranges of tiles and write them to the files of ``out=``, which they must reach; ``workers`` is then the number
        of threads that a native kernel has in each of its tasks.
    retries : int
        How many deaths of a worker on one tile are survived.
    timeout : float, optional
        Seconds that a tile may take, else its worker is ended as if it had died. Processes only.
    progress : bool or callable, optional
        True: a bar, of tqdm where it is installed; or a class of tqdm's. In a file it is one line at the end. A callable gets
        tiles done, tiles in all, seconds.
    guard : bool
        Run each tile on guarded copies: a kernel that reaches outside its tile is caught. Processes only.
    check : bool
        Compute all again as one tile and compare bit by bit.
    keep_going : bool
        A tile that fails does not keep others from being done.
    tiles_per_worker : int
        A worker process is replaced after so many; 0: never.
    where : array of bool, or dict, optional
        Tiles whose mask is all false are skipped: zeros in new results, ``out=`` keeps what it has. The mask has the axes of
        the first output, or those that a dict names: ``where={"i": mask}``.
    on_tile : callable, optional
        Called with each :class:`FinishedTile`, in the thread that called this; an exception of it ends the run.
    report : bool
        Give ``(result, Report)``.
    resume : bool or "auto"
        Results in files: continue the unfinished run that a crash, an error or Ctrl-C has left there, or begin where there is
        none. The journal of another job is an error; ``"auto"`` discards it, with a warning. False: an unfinished run is an error.
    restart : bool
        Discard an unfinished run.
    verify : bool
        With ``resume``: read the finished tiles again, and compute those anew that have changed.
    version : str or number, optional
        What the kernel is known by to a later run, instead of a hash of its code and of the values that it computes with.
    mmap_mode : {"r", "r+", "c", None}
        How the finished file is given back: mapped as ``numpy.load`` maps it, None as an array in memory.
    node : str or (index, count), optional
        This process is one of several, on one machine or many, that write the files together: ``"3/8"`` or ``(3, 8)`` (node 3, counted
        from 0, of 8), ``"auto"`` from the environment of Slurm, MPI and others, ``"auto/64"`` if that does not say how many.
        It returns on every node when all tiles are done and the files have their names. ``resume`` is implied.

    Returns
    -------
    ndarray, or a tuple of them where there are several outputs; of files ``numpy.memmap``

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
    >>> tw.run(lambda a: a.sum(axis=0), "a[i,k] -> s[k]", np.ones((4, 3)), tiles={"i": 2}, reduce={"s": "sum"}, pool="serial")
    array([4., 4., 4.])
    """
    asked = _options.of_kernel(_options.RUN, kernel, signature, operands, options)
    kernel = asked.kernel
    python = not isinstance(kernel, (str, Kernel))
    return _somewhere(asked, python, _ufuncs.releases_lock(kernel) if python else "")


def _somewhere(asked: Asked, python: bool, unlocked: str) -> Any:
    """A run in the pool that was given, or in one of the kind that is right; the report says why."""
    if isinstance(asked.pool, Pool):
        if asked.workers is not None:
            raise ArgumentError("a pool has its number of workers: give pool or workers, not both")
        return do(asked.pool, asked)
    if not isinstance(asked.pool, str) and is_engine(asked.pool):
        from . import _executor
        return _executor.do(asked)
    kind, why = kind_of(asked.pool, python, asked.options.apart, unlocked)
    try:
        found = _in_pool(kind, asked)
    except (TileError, KeyboardInterrupt) as error:
        report = getattr(error, "report", None)
        if report is not None:
            report.why = why
        raise
    if asked.options.report:
        found[1].why = why
    return found


def run_again(asked: Asked) -> Any:
    """Serially, in this process."""
    return _in_pool("serial", asked)


def _in_pool(kind: str, asked: Asked) -> Any:
    """Threads that are kept, or a pool for this one run."""
    count = workers_of(asked.workers) or int(is_inside_run())  # one inside of a run, else as many as there may be
    if kind == "threads":
        threads = _threads.take(count)
        try:
            return do(threads, asked)
        finally:
            _threads.give(count, threads)
    made = for_one_run(kind, count)
    try:
        return do(made, asked)
    finally:
        made.close()


@_options.evaluating
def evaluate(statement: str, **named: Any) -> Any:
    """Evaluate a statement of index notation on all cores: ``evaluate("r[i,j] = y[i] * x[j]", y=y, x=x)``.

    The statement becomes C, is compiled once (and kept in a cache on the disk), and runs without the interpreter. Results
    have NumPy's dtypes and, for the same operations, NumPy's bits, on any number of workers.

    Parameters
    ----------
    statement : str
        In the notation of ``docs/notation.md``.
    **named : array_like, name of a .npy file, or number
        Every operand by its name. A number that the statement names without axes (``c * y[i]``) is a parameter: its value
        may change without another compilation. Python's take the dtype of the arrays beside them, NumPy's keep theirs:
        float32 times ``np.float64(2)`` is float64.
    operands : dict, optional
        The same for names that are taken here, such as ``out``.
    out : ndarray or file name, or tuple or dict of them, optional
        Written to instead of new arrays, as for :func:`run`. As in NumPy, it takes results of its kind: an integer array refuses floats.
    dtype : dtype, or tuple or dict of them, optional
        Of new outputs; by default that of their expression. A dtype of another kind is asked for in the statement:
        ``r[i] = int32(...)``.
    edges : str, number or dict, optional
        How to read past the ends of an operand: ``"clamp"``, ``"wrap"``, ``"zero"``, ``"reflect"``, ``"mirror"``,
        ``"constant=1"`` or ``"error"`` (before the run) along all axes, or a dict from axes to these:
        ``edges={"i": "wrap"}``. They mean what they mean in ``scipy.ndimage``, whose names (``"nearest"``,
        ``"grid-wrap"``, ...) are aliases. A number is the constant.
    cuts, tiles, parts : dict, optional
        As for :func:`run`. Axes that are reduced may be divided too, and no cut changes a bit of the result. Without any, the
        work of the statement decides: small ones are one tile.
    lengths, workers, pool, progress, check, where, on_tile, report, resume, restart, verify, mmap_mode, node
        As for :func:`run`.

    Returns
    -------
    ndarray, or a tuple of them where there are several outputs; of files ``numpy.memmap``

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> y, x = np.arange(3.0), np.arange(4.0)
    >>> tw.evaluate("r[i,j] = c * y[i] + x[j]", y=y, x=x, c=10)
    array([[ 0.,  1.,  2.,  3.],
           [10., 11., 12., 13.],
           [20., 21., 22., 23.]])
    >>> float(tw.evaluate("s[] = sum(i,j: y[i] * x[j])", y=y, x=x))
    18.0
    """
    found = _tilework.recall(_prepared.known, statement, named)
    if found is not None:
        return found
    asked = _options.of_statement(_options.EVALUATE, statement, named)
    if _options.is_bare(_options.EVALUATE, named):
        asked = asked._replace(learner=_prepared.texts)
    return _somewhere(asked, False, "")


def function(statement: str, **options: Unpack[FunctionOptions]) -> Function:
    """Prepare a statement that is called often: ``f = tw.function("r[i] = 2*a[i] + b[i]")``, then ``r = f(a, b)``.

    Gives what :func:`evaluate` gives, and costs less: dtypes, shapes and strides that were there before are not looked at again,
    so a call on 20 elements takes about a microsecond. Large arrays are computed on all cores.

    Parameters
    ----------
    statement : str
        In the notation of ``docs/notation.md``. Operands and parameters are given in the order in which it mentions them first,
        or by their names.
    **options
        Those of :func:`evaluate`, for all calls; ``f.options(workers=2)(a, b)`` gives more of them to one. ``out=r`` is given at
        the call.

    Returns
    -------
    Function
        Any thread may call it, several at the same time.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> f = tw.function("r[i] = c * a[i] + b[i]")
    >>> f(2, np.arange(3.0), np.ones(3))
    array([1., 3., 5.])
    >>> r = np.empty(3)
    >>> f(c=3, a=np.arange(3.0), b=np.ones(3), out=r) is r
    True
    >>> f
    <tilework.function 'r[i] = c * a[i] + b[i]': (c, a[i], b[i]) -> r[i]>
    """
    return Function(statement, options, _run, function)


def kernel(signature: str, **options: Unpack[DecoratorOptions]) -> Callable[[Any], KernelFunction]:
    """Make a function that computes one tile one that is called with whole arrays: ``@tw.kernel("y[i], x[j] -> r[i,j]")``.

    The function is what :func:`run` takes as a kernel: Python, a function of Numba, a ``@cfunc``, a :class:`Kernel`. It keeps its
    name and text; ``__wrapped__`` is the function itself. A method is one still.

    Parameters
    ----------
    signature : str
        Which axes each operand has, as for :func:`run`. The call takes operands in this order, or by these names, other
        parameters of the function by their names, and ``out=``.
    **options
        Those of :func:`run`, for all calls; ``outer.options(workers=2)(y, x)`` gives more of them to one.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> @tw.kernel("y[i], x[j] -> r[i,j]", pool="serial")
    ... def outer(y, x, r, scale=1):
    ...     for i in range(len(r)):
    ...         r[i] = scale * y[i] * x
    >>> outer(np.arange(2.0), np.arange(3.0))
    array([[0., 0., 0.],
           [0., 1., 2.]])
    >>> outer(np.arange(2.0), x=np.arange(3.0), scale=10)
    array([[ 0.,  0.,  0.],
           [ 0., 10., 20.]])
    """
    if not isinstance(signature, str):
        raise TypeError("kernel gets the signature first: @tw.kernel('y[i], x[j] -> r[i,j]')")
    return lambda function: KernelFunction(function, signature, options, _run)


def _run(asked: Asked) -> Any:
    python = not isinstance(asked.kernel, (str, Kernel))
    return _somewhere(asked, python, _ufuncs.releases_lock(asked.kernel) if python else "")


def _may_fork(asked: Asked) -> bool:
    """Workers are forked for the run, as far as can be said before."""
    if isinstance(asked.pool, Pool):
        return forks(asked.pool)
    if not isinstance(asked.pool, str) and is_engine(asked.pool):
        return False
    python = not isinstance(asked.kernel, (str, Kernel))
    return kind_of(asked.pool, python, asked.options.apart, _ufuncs.releases_lock(asked.kernel) if python else "")[0] == "processes"


@overload
def map(kernel: Callable[..., Any], signature: str, *operands: Any, report: Literal[True],
        **options: Unpack[PlacedMapOptions]) -> tuple[list[Any], Report]: ...
@overload
def map(kernel: Callable[..., Any], signature: str, *operands: Any, report: bool = ...,
        **options: Unpack[PlacedMapOptions]) -> list[Any]: ...
@_options.shown(_options.MAP)
def map(kernel: Any, signature: str, *operands: Any, **options: Any) -> Any:  # pylint: disable=redefined-builtin
    """The list of what a kernel returns for each tile, in the order of the tiles: ``tw.map(f, "a[i,j]", a)``.

    The objects may be of any kind and size; those of worker processes are pickled, also on a Dask Client or another Executor that is given as
    ``pool``. The signature has no outputs. Options are
    those of :func:`run` that are not about outputs; with ``report=True`` it gives ``(list, Report)``, with ``keep_going=True``
    None for tiles that failed, and a warning.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> tw.map(lambda a: float(a.sum()), "a[i,j]", np.ones((4, 3)), tiles={"i": 2}, pool="serial")
    [6.0, 6.0]
    """
    return _run(_options.of_map(_options.MAP, kernel, signature, operands, options))


@overload
def iterate(kernel: str, *, edges: Edges = ..., workers: Optional[int] = ..., pool: Union[AnyPool, Pool, Submits] = ...,
            **named: Any) -> _beside.Tiles: ...
@overload
def iterate(kernel: Any, signature: str, *operands: Any, report: bool = ..., **options: Unpack[PlacedKernelOptions]) -> _beside.Tiles: ...
@_options.shown(_options.ITERATE.all)
def iterate(kernel: Any, signature: Any = None, *operands: Any, **options: Any) -> _beside.Tiles:
    """The tiles of a run as they finish, in any order: ``for tile in tw.iterate(f, "y[i] -> r[i]", y): show(tile.outputs)``.

    Takes what :func:`run` takes, or a statement and its operands by their names. Each :class:`FinishedTile` has its number,
    its ranges, and views of the finished part of each output. The run continues while the loop works. Leaving the loop ends the
    run; errors are raised in the loop. After the loop the iterator's ``result`` is the whole result. Do not change the
    operands in the loop: tiles that are computed later may see the change.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> tiles = tw.iterate(lambda y: 2 * y, "y[i] -> r[i]", np.arange(4.0), tiles={"i": 2}, pool="serial")
    >>> [tile.outputs["r"].tolist() for tile in tiles], tiles.result.sum().item()
    ([[0.0, 2.0], [4.0, 6.0]], 12.0)
    """
    asked = _options.of_either(_options.ITERATE, kernel, signature, operands, options)
    from . import _beside
    return _beside.Tiles(lambda beside: _run(reporting_to(asked, beside)), asked.options.report, _may_fork(asked))


@overload
def submit(kernel: str, *, edges: Edges = ..., workers: Optional[int] = ..., pool: Union[AnyPool, Pool, Submits] = ...,
           **named: Any) -> _beside.Future: ...
@overload
def submit(kernel: Any, signature: str, *operands: Any, report: bool = ..., **options: Unpack[PlacedKernelOptions]) -> _beside.Future: ...
@_options.shown(_options.SUBMIT.all)
def submit(kernel: Any, signature: Any = None, *operands: Any, **options: Any) -> _beside.Future:
    """A run in the background: a future as of :mod:`concurrent.futures`, with ``result``, ``cancel`` (which ends a run that has
    begun too), ``add_done_callback``; ``await`` gives the result in asyncio. Takes what :func:`iterate` takes. Several runs on
    one pool wait for each other; others run side by side. Do not change the operands before it is done.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> tw.submit("s[] = sum(i: y[i])", y=np.arange(4.0)).result().item()
    6.0
    """
    asked = _options.of_either(_options.SUBMIT, kernel, signature, operands, options)
    pool = asked.pool if isinstance(asked.pool, Pool) else None
    from . import _beside
    return _beside.submitted(lambda beside: _run(reporting_to(asked, beside)), pool, _may_fork(asked))


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
    return _shared.empty(shape, dtype)


def zeros(shape: Any, dtype: Any = float) -> _shared.SharedArray:
    """A new array of zeros in shared memory, as ``numpy.zeros``; see :func:`empty`."""
    array = empty(shape, dtype)
    array[...] = np.zeros((), array.dtype)
    return array


def share(array: Any) -> _shared.SharedArray:
    """A copy of an array in shared memory; see :func:`empty`."""
    source = as_array(array, "the array")
    copy = empty(source.shape, source.dtype)
    copy[...] = source
    return copy
