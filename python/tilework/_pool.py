"""Pools: workers that stay for many runs, whatever does these."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Optional, overload

import numpy as np

from . import _alarms, _carried, _dtypes, _habits, _memory, _options, _shared
from ._errors import ArgumentError, PoolError
from ._finished import Listener
from ._local import Engine as LocalEngine
from ._native import Kernel
from ._options import Asked, RunOptions
from ._placement import KINDS, workers_of
from ._request import Request
from ._statement import StatementRequest
from ._turn import Turn

if TYPE_CHECKING:
    from . import _beside
    from typing_extensions import Unpack

    from ._engine import Engine
    from ._edges import Edges
    from ._options import KernelOptions, MapOptions, PoolKind
    from ._report import Report

PATIENCE_AT_EXIT = 1.0  # seconds that a run has to end when the program does

open_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()


class Pool:
    """Workers that stay for many runs.

    Parameters
    ----------
    workers : int, optional
        How many; by default as many as the process may use processors.
    pool : {"processes", "threads", "serial"}
        Processes are right for Python kernels, threads for native ones and for Python without a global lock.
    start : {"fork", "spawn"}
        Processes only. Forked workers know all that the program has when they are forked: lambdas, closures and
        functions of notebooks work as they are. With ``"spawn"`` the workers come from a fresh interpreter, for programs
        that must not be forked; kernels are then sent with cloudpickle.

    Notes
    -----
    A callable and what it carries (its closure, defaults and attributes, the object of a method, the arguments of a
    partial) are what they are at the call: the pool forks its workers again (a few milliseconds) if they have changed, and
    at each run if the pool cannot see that, as with arrays. Globals are those of the last fork: call :meth:`refresh` when
    they have changed. Operands are always up to date.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> def operate(y, x, r):
    ...     for i in range(len(r)):
    ...         r[i] = y[i] * x
    >>> y, x = np.arange(4.0), np.arange(3.0)
    >>> with tw.Pool(workers=2) as pool:
    ...     r = pool.run(operate, "y[i], x[j] -> r[i,j]", y, x, tiles={"i": 1})
    >>> bool((r == np.outer(y, x)).all())
    True
    """

    def __init__(self, workers: Optional[int] = None, pool: PoolKind = "processes", *, start: Literal["fork", "spawn"] = "fork",
                 **others: Any) -> None:
        if others:
            _habits.refuse("Pool", others, ("workers", "pool", "start"))
        if start not in ("fork", "spawn"):
            raise ArgumentError(f"start is {start!r}; it is 'fork' or 'spawn'")
        if pool not in KINDS:
            raise ArgumentError(f"pool is {pool!r}; it is 'processes', 'threads' or 'serial'")
        if start == "spawn" and pool != "processes":
            raise ArgumentError("start='spawn' is for a pool of processes")
        count = workers_of(workers)
        if start == "spawn":
            from ._server import Engine as ServerEngine
            self._begin(pool, ServerEngine, count)
        else:
            self._begin(pool, lambda turn: LocalEngine(pool), count)

    def _begin(self, kind: str, make: Callable[[Turn], Engine], workers: int) -> None:
        self.kind = kind
        self._turn = Turn()
        self._engine = make(self._turn)
        self._turn.inside = self._engine.inside
        self._engine.open(workers)
        open_pools.add(self)

    # ---- what it is ----

    @property
    def workers(self) -> int:
        """How many there are; 0 once it is closed."""
        return self._engine.workers

    @property
    def note(self) -> Optional[str]:
        """What the machine did not give, in words; None if it gave all."""
        return self._engine.note

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers' process ids."""
        return self._engine.pids()

    @property
    def closed(self) -> bool:
        return self._engine.closed

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.workers} workers"
        return f"<tilework.Pool of {self.kind}, {state}>"

    def __enter__(self) -> "Pool":
        if self.closed:
            raise PoolError("this pool is closed")
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. Results and shared arrays stay valid. Waits for a run that another thread has begun."""
        if self.closed:
            return
        if not self._turn.is_of_this_process():
            self._engine.close()
            return
        with self._turn.take():
            self._engine.close()

    def refresh(self) -> None:
        """Have the workers see the program as it is now, from the next run with a Python kernel on."""
        with self._turn.take():
            self._engine.refresh()

    def __reduce__(self) -> Any:
        raise TypeError("a pool cannot be sent to another process; open one there")

    # ---- memory ----

    def empty(self, shape: Any, dtype: Any = float) -> _shared.SharedArray:
        """A new array in this pool's shared memory, contents undefined; see :func:`tilework.empty`."""
        return self._engine.empty(_memory.shape_of(shape), _dtypes.as_dtype(dtype, "a shared array"))

    def zeros(self, shape: Any, dtype: Any = float) -> _shared.SharedArray:
        """A new array of zeros in this pool's shared memory."""
        array = self.empty(shape, dtype)
        array[...] = np.zeros((), array.dtype)
        return array

    def share(self, array: Any) -> _shared.SharedArray:
        """A copy of an array in this pool's shared memory."""
        source = _memory.as_array(array, "the array")
        copy = self.empty(source.shape, source.dtype)
        copy[...] = source
        return copy

    # ---- runs ----

    @overload
    def run(self, /, kernel: Any, signature: str, *operands: Any, report: Literal[True],
            **options: Unpack[KernelOptions]) -> tuple[Any, Report]: ...
    @overload
    def run(self, /, kernel: Any, signature: str, *operands: Any, report: bool = ..., **options: Unpack[KernelOptions]) -> Any: ...
    @_options.shown(_options.POOL_RUN)
    def run(self, /, kernel: Any, signature: str, *operands: Any, **options: Any) -> Any:
        """Run a kernel over all tiles; as :func:`tilework.run`, with this pool's workers.

        A pool does one run at a time: a second thread that calls waits for its turn.
        """
        return self._do(_options.of_kernel(_options.POOL_RUN, kernel, signature, operands, options))

    @_options.evaluating_in_pool
    def evaluate(self, /, statement: str, **named: Any) -> Any:
        """Evaluate a statement of index notation; as :func:`tilework.evaluate`, with this pool's workers."""
        return self._do(_options.of_statement(_options.POOL_EVALUATE, statement, named))

    @overload
    def map(self, /, kernel: Callable[..., Any], signature: str, *operands: Any, report: Literal[True],
            **options: Unpack[MapOptions]) -> tuple[list[Any], Report]: ...
    @overload
    def map(self, /, kernel: Callable[..., Any], signature: str, *operands: Any, report: bool = ...,
            **options: Unpack[MapOptions]) -> list[Any]: ...
    @_options.shown(_options.POOL_MAP)
    def map(self, /, kernel: Any, signature: str, *operands: Any, **options: Any) -> Any:
        """The list of what the kernel returns for each tile; as :func:`tilework.map`, with this pool's workers."""
        return self._do(_options.of_map(_options.POOL_MAP, kernel, signature, operands, options))

    @overload
    def iterate(self, /, kernel: str, *, edges: Edges = ..., **named: Any) -> _beside.Tiles: ...
    @overload
    def iterate(self, /, kernel: Any, signature: str, *operands: Any, report: bool = ...,
                **options: Unpack[KernelOptions]) -> _beside.Tiles: ...
    @_options.shown(_options.POOL_ITERATE.all)
    def iterate(self, /, kernel: Any, signature: Any = None, *operands: Any, **options: Any) -> _beside.Tiles:
        """The tiles of a run as they finish; as :func:`tilework.iterate`, with this pool's workers."""
        asked = _options.of_either(_options.POOL_ITERATE, kernel, signature, operands, options)
        self._engine.accept(asked.kernel)
        from . import _beside
        return _beside.Tiles(lambda beside: self._do(reporting_to(asked, beside)), asked.options.report, self._forks())

    @overload
    def submit(self, /, kernel: str, *, edges: Edges = ..., **named: Any) -> _beside.Future: ...
    @overload
    def submit(self, /, kernel: Any, signature: str, *operands: Any, report: bool = ...,
               **options: Unpack[KernelOptions]) -> _beside.Future: ...
    @_options.shown(_options.POOL_SUBMIT.all)
    def submit(self, /, kernel: Any, signature: Any = None, *operands: Any, **options: Any) -> _beside.Future:
        """A run in the background; as :func:`tilework.submit`. Runs of one pool wait for each other, first come, first
        served."""
        asked = _options.of_either(_options.POOL_SUBMIT, kernel, signature, operands, options)
        self._engine.accept(asked.kernel)
        from . import _beside
        return _beside.submitted(lambda beside: self._do(reporting_to(asked, beside)), self, self._forks())

    def _forks(self) -> bool:
        """A run that begins now may fork workers."""
        return self._engine.forks and self._turn.is_free()

    def _do(self, asked: Asked) -> Any:
        self._engine.accept(asked.kernel)
        if isinstance(asked.kernel, str):
            statement = StatementRequest(asked)
            try:
                result = self._run(statement, asked.options)
                if asked.learner is not None:
                    asked.learner.learn(statement, result)
                return result
            finally:
                statement.close()
        request = Request(asked)
        if asked.collects:
            if request.notation.outs:
                raise ArgumentError("map has a list for its result: a signature without outputs, such as 'a[i,j]'")
            request.collects = True
        if self.kind == "threads" and request.calls_python and _alarms.is_set():
            return _alarms.run_beside(self._engine.stop, lambda: self._run(request, asked.options))
        return self._run(request, asked.options)

    def _run(self, request: Request, options: RunOptions) -> Any:
        with self._turn.take():
            try:
                return self._engine.run(request, options)
            finally:
                if isinstance(options.on_tile, Listener):
                    options.on_tile.end()


# ---- for the functions that open pools themselves ----------------------------------------------------------------------


def reporting_to(asked: Asked, beside: Any) -> Asked:
    """The same call, whose tiles are reported to `beside`, and before to the caller's own `on_tile`."""
    theirs, ours = asked.options.on_tile, beside.on_tile

    def both(tile: Any) -> None:
        theirs(tile)
        ours(tile)

    if theirs is not None:
        beside.on_tile = theirs if ours is None else both
    return asked._replace(options=asked.options._replace(on_tile=beside))


def for_one_run(kind: str, workers: int) -> Pool:
    """A pool that opens when its run begins."""
    pool = Pool.__new__(Pool)
    pool._begin(kind, lambda turn: LocalEngine(kind, one_run=True), workers)
    return pool


def do(pool: Pool, asked: Asked) -> Any:
    """What a call of `run` or `evaluate` asks for."""
    return pool._do(asked)


def forks(pool: Pool) -> bool:
    """A run that begins now may fork workers."""
    return pool._forks()


def is_free(pool: Pool) -> bool:
    """No run is under way."""
    return pool._turn.is_free()


def close_at_exit(pool: Pool) -> None:
    """A thread that is still in a run must not keep the program from ending."""
    if pool.closed or not pool._turn.is_of_this_process():
        return
    pool._engine.stop(SystemExit("the program ends"))
    if pool._turn.is_free(PATIENCE_AT_EXIT):
        pool.close()


_carried.fix(Kernel, Pool)  # a pool is of no use in a worker
setattr(_options, "Pool", Pool)  # for those who read the types of its functions while a program runs
