"""The objects that a user meets: pools, kernels, tiles."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np

from . import (_alarms, _arguments, _carried, _deaths, _errors, _forks, _frames, _generators, _hints, _manner, _naming,
               _options, _results, _shared, _signals, _stalls, _tilework, _ufuncs, _workers)
from ._errors import ArgumentError, PoolError, of_failure
from ._known import Known, KnownKernels
from ._notes import say
from ._progress import teller
from ._report import Report
from ._request import Request, StatementRequest

__all__ = ["Kernel", "Pool", "Tile"]

NOBODY: contextlib.nullcontext[None] = contextlib.nullcontext()  # told of progress
PATIENCE_AT_EXIT = 1.0  # seconds that a run has to end when the program does


class Tile(NamedTuple):
    """What a kernel that has an argument ``tile`` gets.

    Attributes
    ----------
    number : int
        The tile's number.
    worker : int
        Which worker runs it, from 0 on.
    attempt : int
        0, or how often a worker died on this tile before.
    axes, start, stop : tuple
        Name, first index and one past the last index on each axis.
    """

    number: int
    worker: int
    attempt: int
    axes: tuple[str, ...]
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def ranges(self) -> dict[str, slice]:
        """For each axis the tile's ``slice``."""
        return {axis: slice(start, stop) for axis, start, stop in zip(self.axes, self.start, self.stop)}

    def rng(self, seed: int = 0) -> np.random.Generator:
        """A generator of random numbers for this tile alone: the same on any pool and any worker.

        It depends on the tile's number, so the same cuts give the same numbers.
        """
        return np.random.default_rng([seed, self.number])


_tilework.set_callbacks(Tile, _errors.describe, _errors.clear, _arguments.dtype_of_descr, _forks.before, _forks.in_parent,
                        _forks.in_child, _signals.is_of_handler, _stalls.say)


class Kernel:
    """A function that is not Python: it runs without the interpreter, on threads at full speed.

    Made by :meth:`from_c`, :meth:`from_library` and :meth:`from_address`. :func:`tilework.run` also takes a ctypes or
    cffi function pointer and Numba's ``@cfunc`` as they are.
    """

    def __init__(self, inner: _tilework.Kernel, recipe: Optional[tuple[str, tuple[Any, ...]]] = None) -> None:
        self._inner = inner
        self.recipe = recipe  # how another process makes the same kernel; None: it cannot

    @classmethod
    def from_recipe(cls, recipe: tuple[str, tuple[Any, ...]]) -> "Kernel":
        """The same kernel in another process."""
        how, arguments = recipe
        try:
            inner = _MAKERS[how](*arguments)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        say(inner.note)
        return cls(inner, recipe)

    def __reduce__(self) -> Any:
        if self.recipe is None:
            raise TypeError("a kernel that is an address of this process cannot be sent to another one")
        return Kernel.from_recipe, (self.recipe,)

    def __repr__(self) -> str:
        return f"<tilework.Kernel {self.name}>"

    @property
    def name(self) -> str:
        """What it was made from: ``mult.c:mult``."""
        if self.recipe is not None and self.recipe[0] == "source" and not _is_path(self.recipe[1][0]):
            return f"{self.recipe[1][1]}.c:{self.recipe[1][1]}"  # not the file that it was written to for the compiler
        return self._inner.name

    @classmethod
    def from_c(cls, source: Union[str, "os.PathLike[str]"], name: str, *, compiler: Optional[str] = None,
               flags: Optional[str] = None, cache: Optional[str] = None) -> "Kernel":
        """Compile a kernel from C.

        Parameters
        ----------
        source : str or path
            The path of a file, or the source itself (a text of several lines or with a brace).
        name : str
            The function: ``int name(const tw_tile *tile)``.
        compiler, flags, cache : str, optional
            As for ``tilework run``: ``$TILEWORK_CC``, ``-O3 -march=native`` and ``~/.cache/tilework`` by default.

        Examples
        --------
        >>> import numpy as np, tilework as tw
        >>> twice = tw.Kernel.from_c('''
        ... #include <tilework/tilework.h>
        ... int twice(const tw_tile *tile)
        ... {
        ...     TW_VIEW(const double, x, tile->operand[0]);
        ...     TW_VIEW(double, r, tile->operand[1]);
        ...     for (int64_t i = 0; i < x.shape[0]; i++)
        ...         TW_AT(r, i) = 2 * TW_AT(x, i);
        ...     return 0;
        ... }
        ... ''', "twice")
        >>> tw.run(twice, "x[i] -> r[i]", np.arange(4.0))
        array([0., 2., 4., 6.])
        """
        text = os.fspath(source)
        if _is_path(text):
            text = os.path.abspath(text)
        return cls.from_recipe(("source", (text, name, compiler, flags, cache)))

    @classmethod
    def from_library(cls, path: Union[str, "os.PathLike[str]"], symbol: str) -> "Kernel":
        """A function of a shared object: ``int symbol(const tw_tile *tile)``."""
        return cls.from_recipe(("library", (os.path.abspath(path), symbol)))

    @classmethod
    def from_address(cls, address: int, keep: Any = None) -> "Kernel":
        """A C function of this process, by its address; `keep` is kept alive with the kernel."""
        place = _arguments.whole(address, "the address of a function")
        if place < 0:
            raise ArgumentError(f"the address of a function is no negative number, {place}")
        try:
            return cls(_tilework.Kernel.function(place, keep, _naming.name_of(keep) if keep is not None else "function"))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None


def _is_path(source: str) -> bool:
    return "\n" not in source and "{" not in source


def _from_source(source: str, name: str, compiler: Optional[str], flags: Optional[str],
                 cache: Optional[str]) -> _tilework.Kernel:
    if _is_path(source):
        return _tilework.Kernel.source(source, name, compiler, flags, cache)
    import tempfile
    with tempfile.TemporaryDirectory(prefix="tilework-") as folder:
        path = os.path.join(folder, f"{name if name.isidentifier() else 'kernel'}.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        return _tilework.Kernel.source(path, name, compiler, flags, cache)


_MAKERS: dict[str, Any] = {"library": _tilework.Kernel.library, "source": _from_source}


def native_kernel(kernel: Any) -> Optional[Kernel]:
    """The kernel, where it is not a Python callable."""
    if isinstance(kernel, Kernel):
        return kernel
    address = _manner.address_of(kernel)
    if address is not None:
        return Kernel.from_address(address, kernel)
    if not callable(kernel):
        raise TypeError(f"a kernel is a callable, a tilework.Kernel or a pointer to a C function, "
                        f"not {type(kernel).__name__}")
    return None


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

    def __new__(cls, workers: Optional[int] = None, pool: str = "processes", *, start: str = "fork",
                **others: Any) -> "Pool":
        if others:
            _options.refuse("Pool", others, ("workers", "pool", "start"))
        wanted: type[Pool] = cls
        if cls is Pool and start == "spawn":
            from ._spawn import SpawnPool
            wanted = SpawnPool
        return super().__new__(wanted)

    def __init__(self, workers: Optional[int] = None, pool: str = "processes", *, start: str = "fork",
                 **others: Any) -> None:  # pylint: disable=unused-argument  # refused by __new__
        self._inner: Optional[_tilework.Pool] = None
        if start not in ("fork", "spawn"):
            raise ArgumentError(f"start is {start!r}; it is 'fork' or 'spawn'")
        if pool not in _arguments.KINDS:
            raise ArgumentError(f"pool is {pool!r}; it is 'processes', 'threads' or 'serial'")
        if start == "spawn" and pool != "processes":
            raise ArgumentError("start='spawn' is for a pool of processes")
        count = _arguments.workers_of(workers)
        self.kind = pool
        self._lock: Any = threading.RLock()  # taken with `_turn` alone
        self._owner = os.getpid()
        self._kernels = KnownKernels(pool == "processes")
        self._open(count)
        open_pools.add(self)

    one_run = False  # it is opened for one run, and its memory is zeros

    def _open(self, workers: int) -> None:
        on_start: Optional[Callable[[int], None]] = None
        if self.kind == "processes":
            on_start = _workers.starter(workers or _tilework.machine()["workers"])
        try:
            self._inner = _tilework.Pool(_arguments.KINDS[self.kind], workers, 0, on_start, _workers.ender())
        except _tilework.Failure as failure:
            raise of_failure(failure) from None

    # ---- what it is ----

    @property
    def workers(self) -> int:
        """How many there are; 0 once it is closed."""
        return self._inner.workers if self._inner is not None else 0

    @property
    def note(self) -> Optional[str]:
        """What the machine did not give, in words; None where it gave all."""
        return self._inner.note if self._inner is not None else None

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers' process ids."""
        return self._inner.pids() if self._inner is not None else ()

    @property
    def closed(self) -> bool:
        return self._inner is None

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.workers} workers"
        return f"<tilework.Pool of {self.kind}, {state}>"

    def __enter__(self) -> "Pool":
        self._need_open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. Results and shared arrays stay valid. Waits for a run that another thread has begun."""
        if self._inner is None or self._owner != os.getpid():
            self._inner = None
            return
        with self._turn():
            inner, self._inner = self._inner, None
            if inner is not None:
                inner.close()
            self._kernels.clear()

    def refresh(self) -> None:
        """Have the workers see the program as it is now, from the next run with a Python kernel on."""
        with self._turn():
            self._kernels.clear()

    def _turn(self) -> contextlib.AbstractContextManager[Any]:
        """What gives this thread its turn. It waits for other threads, but never for a run that waits for this one."""
        if self._owner != os.getpid():
            raise PoolError(f"this pool belongs to process {self._owner}, of which this one is a fork; open a pool here")
        if self._lock._is_owned() or (self._inner is not None and self._inner.inside()):  # pylint: disable=protected-access
            raise PoolError("this pool is in the middle of the run that has called this function; a kernel or a progress "
                            "function needs a pool of its own")
        turn: contextlib.AbstractContextManager[Any] = self._lock
        return turn

    def _end_run(self) -> None:
        """A run that another thread is in ends soon."""
        if self._inner is not None:
            self._inner.stop(SystemExit("the program ends"))

    def close_at_exit(self) -> None:
        """A thread that is still in a run must not keep the program from ending."""
        if self._owner != os.getpid() or self.closed:
            return
        self._end_run()
        if self._lock.acquire(timeout=PATIENCE_AT_EXIT):
            self._lock.release()
            self.close()

    def is_free(self) -> bool:
        """No run is under way."""
        free: bool = self._lock.acquire(blocking=False)
        if free:
            self._lock.release()
        return free

    def _need_open(self) -> _tilework.Pool:
        if self._inner is None:
            raise PoolError("this pool is closed")
        return self._inner

    def _ready(self, request: Request) -> _tilework.Pool:
        return self._need_open()

    def __reduce__(self) -> Any:
        raise TypeError("a pool cannot be sent to another process; open one there")

    # ---- memory ----

    def empty(self, shape: Any, dtype: Any = float) -> _shared.SharedArray:
        """A new array in this pool's shared memory, contents undefined; see :func:`tilework.empty`."""
        inner = self._need_open()
        return _shared.empty(shape, dtype, inner if self.kind == "processes" else None)

    def zeros(self, shape: Any, dtype: Any = float) -> _shared.SharedArray:
        """A new array of zeros in this pool's shared memory."""
        array = self.empty(shape, dtype)
        array[...] = np.zeros((), array.dtype)
        return array

    def share(self, array: Any) -> _shared.SharedArray:
        """A copy of an array in this pool's shared memory."""
        source = _arguments.as_array(array, "the array")
        copy = self.empty(source.shape, source.dtype)
        copy[...] = source
        return copy

    # ---- runs ----

    def run(self, kernel: Any, signature: str, *operands: Any, out: Any = None, dtype: Any = None,
            cuts: Optional[Mapping[str, Any]] = None, tiles: Optional[Mapping[str, int]] = None,
            parts: Optional[Mapping[str, int]] = None, lengths: Optional[Mapping[str, int]] = None, retries: int = 2,
            timeout: Optional[float] = None, progress: Union[None, bool, Callable[[int, int, float], object]] = None,
            guard: bool = False, check: bool = False, keep_going: bool = False, tiles_per_worker: int = 0,
            report: bool = False, **others: Any) -> Any:
        """Run a kernel over all tiles; as :func:`tilework.run`, with this pool's workers.

        A pool does one run at a time: a second thread that calls waits for its turn.
        """
        if others:
            _options.refuse("run", others, Pool.run.__kwdefaults__)
        options = (_arguments.retries_of(retries), _arguments.seconds_of(timeout),
                   _arguments.tiles_per_worker_of(tiles_per_worker), bool(keep_going), bool(guard), bool(check))
        if isinstance(kernel, str):
            given = _arguments.named(kernel, signature, operands)
            return self._evaluate(kernel, given, out, dtype, (cuts, tiles, parts), lengths, None, options, progress,
                                  report)
        native = native_kernel(kernel)
        if _ufuncs.fills(kernel):
            dtype = _ufuncs.wished(kernel, _arguments.read_notation(signature), operands, out, dtype)
        splits = _arguments.divisions(cuts, tiles, parts)
        request = Request(native is not None, signature, operands, out, dtype, splits, lengths)
        if self.kind == "threads" and native is None and self._inner is not None and _alarms.is_set():
            return _alarms.run_beside(self._inner, lambda: self._run(kernel, None, request, options, progress, report))
        return self._run(kernel, native, request, options, progress, report)

    def evaluate(self, statement: str, *, out: Any = None, dtype: Any = None, cuts: Optional[Mapping[str, Any]] = None,
                 tiles: Optional[Mapping[str, int]] = None, parts: Optional[Mapping[str, int]] = None,
                 lengths: Optional[Mapping[str, int]] = None, edges: Union[str, Mapping[str, str], None] = None,
                 progress: Union[None, bool, Callable[[int, int, float], object]] = None, check: bool = False,
                 report: bool = False, operands: Optional[Mapping[str, Any]] = None, **named: Any) -> Any:
        """Evaluate a statement of index notation; as :func:`tilework.evaluate`, with this pool's workers."""
        _options.refuse_operands(statement, named)
        given = _arguments.by_name(operands, named)
        return self._evaluate(statement, given, out, dtype, (cuts, tiles, parts), lengths, edges,
                              (2, 0.0, 0, False, False, bool(check)), progress, report)

    def _evaluate(self, text: str, given: Mapping[str, Any], out: Any, dtype: Any, divided: tuple[Any, Any, Any],
                  lengths: Optional[Mapping[str, int]], edges: Union[str, Mapping[str, str], None], options: tuple[Any, ...],
                  progress: Any, report: bool) -> Any:
        request = StatementRequest(text, given, out, dtype, _arguments.divisions(*divided), lengths, edges)
        try:
            return self._run(text, Kernel(request.kernel()), request, options, progress, report)
        finally:
            request.close()

    def _run(self, kernel: Any, native: Optional[Kernel], request: Request, options: tuple[Any, ...], progress: Any,
             report: bool) -> Any:
        if _ufuncs.fills(kernel):
            kernel = _ufuncs.placed(kernel, *_frames.caller())
        with self._turn():
            known: Optional[Known] = None
            if native is not None:
                inner, manner = native._inner, None
            else:
                known = self._kernels.of(kernel, self._inner)
                inner, manner = known.kernel, known.manner
                if known.is_new and not self._kernels.settled:
                    known.is_new = False
                    if self.kind != "serial":
                        _generators.warn_of(kernel, self.kind == "processes")
            called_with = request.prepare(manner)
            pool = self._ready(request)
            memory = pool if self.kind == "processes" else None
            arrays = request.operands(memory)
            retries, timeout, tiles_per_worker, keep_going, guard, check = options
            # One tile needs nobody but the caller.
            alone = (manner is None or manner.light) and not progress and self.kind == "threads" and not report and \
                request.grid.count < 2
            again = _results.Again(request) if check and request.deferred else None
            chosen = None
            expected: tuple[Any, ...] = ()
            if request.deferred and known is not None and memory is not None:
                expected = tuple(known.gave.items()) or request.guessed()
            dirty = b"" if memory is not None and self.one_run else request.unknown(memory)
            try:
                with teller(progress) if progress else NOBODY as tell:
                    ended = _tilework.run(None if alone else pool, inner, request.grid, arrays, called_with,
                                          bytes(request.notation.outs), retries, timeout, tiles_per_worker, keep_going,
                                          guard, check and again is None, tell, report, request.deferred,
                                          b"" if guard else request.fresh, b"" if guard else dirty, expected)
                if request.deferred:
                    ended, chosen = ended
                found = request.arrays_of(arrays, memory, chosen)
                if known is not None and chosen is not None:
                    known.gave = {k: found[k].dtype for k in request.deferred}
                compared = again.compare(inner, called_with, found) if again is not None else {}
            except _tilework.Failure as failure:
                error = self._explained(failure, request, native or kernel)
                raise error from error.__cause__
            finally:
                if known is not None:
                    self._kernels.ran(known, pool)
        results = request.results(found)
        if ended is None:
            return results
        made = Report(ended, request.notation.axes)
        made.totals.update(compared)
        return results, made

    @staticmethod
    def _explained(failure: _tilework.Failure, request: Request, kernel: Any) -> _errors.Error:
        error = of_failure(failure, request.grid)
        if isinstance(kernel, Kernel):
            error.args = (str(error.args[0]).replace(kernel._inner.name, kernel.name),)
        if isinstance(error, _errors.TileError):
            if error.report is not None:
                error.report = Report(error.report, request.notation.axes)
            if error.__cause__ is not None:
                cause = error.__cause__
                if isinstance(cause, _results.NoRoom):
                    return _errors.OutOfMemory(str(cause))
                manner, words = _manner.Manner(kernel), _errors.words_of(cause)
                first = f"kernel {manner.name} failed at tile {error.tile}, {request.grid.text(error.tile)}, on worker " \
                        f"{error.worker}: {words}"
                advice = _hints.hint(words, manner, request.notation)
                first += f"\n{advice}" if advice else ""
                rest = error.args[0].partition("\n\nIn the worker:\n")
                error.args = (first + rest[1] + rest[2],)
            error.args = (error.args[0] + _deaths.advice(error.death),)
        return error


_carried.fix(Kernel, Pool)  # a pool is of no use in a worker
