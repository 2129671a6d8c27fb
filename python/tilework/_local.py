"""The engine of this process: threads, processes that were forked from it, or the caller alone."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

import numpy as np

from . import _callbacks, _frames, _memory, _shared, _tilework, _ufuncs, _where  # noqa: F401  # the first sets what is called back
from ._errors import ArgumentError, PoolError, of_failure
from ._files import Masked, Written, left_dtypes, warn
from ._finished import Teller
from ._job import Job
from ._known import Known, KnownKernels
from ._native import inner_of
from ._options import RunOptions, Tell
from ._placement import KINDS, has_no_gil
from ._progress import teller
from ._report import Report
from ._request import Request

if TYPE_CHECKING:
    from ._check import Again

SHORT_RUN = 0.001  # seconds: to set the threads of BLAS takes 20 us
MUCH = 4 << 20  # bytes of inputs: a pool copies less without a thought
LONG_RUN = 0.01  # seconds: processor times of shorter runs say too little

UNLIMITED: contextlib.nullcontext[None] = contextlib.nullcontext()
NOBODY: contextlib.nullcontext[Optional[Tell]] = contextlib.nullcontext(None)  # to whom progress is reported


def _own_report(error: BaseException, request: Request) -> None:
    """Ctrl-C and alarms bring a report of the library's."""
    inner: Any = getattr(error, "report", None)
    if isinstance(inner, _tilework.Report):
        setattr(error, "report", Report(inner, request.grid))


class Engine:
    """An :class:`_engine.Engine`. `one_run`: it opens when the run's kernel is known, so that no worker is forked twice,
    with no more workers than there are tiles; its memory is zeros then."""

    def __init__(self, kind: str, one_run: bool = False) -> None:
        self.kind = kind
        self.one_run = one_run
        self.kernels = KnownKernels(kind == "processes")
        self._inner: Optional[_tilework.Pool] = None
        self._wished = 0
        self._dangers: frozenset[object] = frozenset()  # of a fork, when the workers were first forked
        self.warn: Callable[[str], None] = warn  # of what became of files

    # ---- what it is ----

    @property
    def workers(self) -> int:
        return self._inner.workers if self._inner is not None else 0

    @property
    def note(self) -> Optional[str]:
        return self._inner.note if self._inner is not None else None

    @property
    def forks(self) -> bool:
        return self.kind == "processes"

    @property
    def closed(self) -> bool:
        return self._inner is None

    def pids(self) -> tuple[int, ...]:
        return self._inner.pids() if self._inner is not None else ()

    def inside(self) -> bool:
        return self._inner is not None and self._inner.inside()

    def accept(self, kernel: object) -> None:
        """It runs all kinds."""

    # ---- from open to close ----

    def open(self, workers: int) -> None:
        self._wished = workers or _tilework.machine()["workers"] if self.one_run or self.kind == "processes" else workers
        if not self.one_run:
            self._open(workers)

    def _open(self, workers: int) -> None:
        on_start: Optional[Callable[[int], None]] = None
        on_end: Optional[Callable[[], None]] = None
        if self.kind == "processes":
            from . import _dangers, _workers
            on_start, on_end = _workers.starter(workers or self._wished), _workers.ender()
            self._dangers = _dangers.standing() if not self.one_run else frozenset()
        try:
            self._inner = _tilework.Pool(KINDS[self.kind], workers, 0, on_start, on_end, self.one_run)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None

    def stop(self, exception: BaseException) -> None:
        if self._inner is not None:
            self._inner.stop(exception)

    def refresh(self) -> None:
        self.kernels.clear()

    def close(self) -> None:
        inner, self._inner = self._inner, None
        if inner is not None and inner.pid == os.getpid():  # a fork of the process drops what is its parent's
            inner.close()
        self.kernels.clear()

    def _need_open(self) -> _tilework.Pool:
        if self._inner is None:
            raise PoolError("this pool is closed")
        return self._inner

    def empty(self, shape: Sequence[int], dtype: np.dtype[Any]) -> _shared.SharedArray:
        inner = self._need_open()
        return _shared.made(tuple(shape), dtype, inner if self.kind == "processes" else None)

    # ---- runs ----

    def run(self, request: Request, options: RunOptions) -> Any:
        if request.collects:
            from ._map import collected
            return collected(self._run, request, options, self.kind == "processes")
        return self._run(request, options)

    def _run(self, request: Request, options: RunOptions) -> Any:
        known = self._known(request) if request.native is None else None
        folds = self._folds(request) if request.reductions else ()
        called_with = request.prepare(known.manner if known is not None else None)
        where = _where.mask_of(options.where) if options.where is not None else None
        files = self._files(request, known, where) if request.files is not None and not request.deferred else None
        if self.one_run:
            self._open(max(1, min(self._wished, request.grid.count)))
        pool = self._need_open()
        memory = pool if self.kind == "processes" else None
        if request.files is not None and files is None:
            self._settle(request, options, known, called_with, memory, where)
            files = self._files(request, known, where)
        job = self._job(request, options, known, called_with, memory, files)
        again: Optional[Again] = None
        if options.check and request.deferred:
            from ._check import Again as made_again
            again = made_again(request)
        if memory is not None and not self.one_run and self._must_copy(request):
            options = options._replace(copies=True)
        chosen = None
        used = time.process_time() if options.report else 0.0
        try:
            with teller(options.progress) if options.progress is not None else NOBODY as tell:
                wants_report = options.report
                if where is not None:
                    if again is not None:
                        raise ArgumentError("check= with where= needs dtype=, or a kernel that fills its outputs")
                    options = options._replace(where=where if files is None else None, report=True)
                if options.on_tile is not None:
                    options = options._replace(on_tile=self._told(request, job, options.on_tile, files))
                if tell is not None or again is not None:
                    options = options._replace(progress=tell, check=options.check and again is None)
                began = time.monotonic()
                with self._limits(request, known, pool):
                    ended = _tilework.run(pool if request.grid.count > 1 or not self._can_be_alone(options, known) else None,
                                          job, options)
            if known is not None:
                known.is_short = time.monotonic() - began < SHORT_RUN
            if request.deferred:
                ended, chosen = ended
            if files is not None:
                files.commit()
            found = request.arrays_of(job.arrays, memory, chosen) if files is None else files.results()
            if known is not None and chosen is not None:
                known.gave = {k: found[k].dtype for k in request.deferred}
            if options.where is not None:
                _where.fill_skipped(request, Report(ended, request.grid), found)
            compared = again.compare(job, found) if again is not None else {}
        except _tilework.Failure as failure:
            from ._explained import explained
            error = explained(failure, request)
            if files is not None:
                files.keep(error)
            raise error from error.__cause__
        except BaseException as error:
            _own_report(error, request)
            if files is not None:
                files.keep(error)
            raise
        finally:
            if known is not None:
                self.kernels.ran(known, pool)
            for fold in folds:
                self.kernels.ran(fold, pool)
        results = request.results(found)
        if ended is None or not wants_report:
            return results
        report = Report(ended, request.grid)
        report.totals.update(compared)
        report.waited = known is not None and self._took_turns(report, time.process_time() - used, bool(_ufuncs.releases_lock(request.kernel)))
        return results, report

    def _told(self, request: Request, job: Job, on_tile: Any, files: Optional[Written]) -> Any:
        """What the extension calls with each tile that is done."""
        if files is not None:
            return Teller(request, files.views(), on_tile, self)
        return Teller(request, {k: job.arrays[k].numpy() for k in request.notation.outs if k not in request.deferred}, on_tile, self)

    def _must_copy(self, request: Request) -> bool:
        """To fork the workers again, so that they see inputs, is more dangerous than it was when the pool was opened."""
        if sum([array.nbytes for array in request.arrays if array is not None]) < MUCH:
            return False
        from . import _dangers
        return not _dangers.standing() <= self._dangers

    def _limits(self, request: Request, known: Optional[Known], pool: _tilework.Pool) -> contextlib.AbstractContextManager[None]:
        """What keeps BLAS and OpenMP from using all processors in each thread of a run."""
        if self.kind != "threads" or known is None or known.is_short or known.manner.light or request.grid.count < 2 or \
                pool.workers < 2:
            return UNLIMITED
        from ._limits import Limited
        return Limited(pool.workers)

    def _took_turns(self, report: Report, used: float, unlocked: bool) -> bool:
        """Threads of a Python kernel have used no more of the processors than one of them could, `used` seconds."""
        seconds = report.totals["seconds"]
        return self.kind == "threads" and report.totals["workers"] > 1 and report.totals["tiles"] > 1 and \
            not has_no_gil() and not unlocked and seconds > LONG_RUN and 0.7 * seconds < used < 1.2 * seconds

    def _known(self, request: Request) -> Known:
        """The Python kernel, as the workers know it or are going to."""
        if request.is_ufunc:
            request.kernel = _ufuncs.placed(request.kernel, *_frames.caller())
        kernel = request.kernel
        known = self.kernels.of(kernel, self._inner)
        if known.is_new and not self.kernels.settled:
            known.is_new = False
            if self.kind != "serial":
                from . import _generators
                _generators.warn_of(kernel, self.kind == "processes")
        return known

    def _folds(self, request: Request) -> tuple[Known, ...]:
        """Functions of the user's that fold partial results, in the same way."""
        found = {k: self.kernels.of(reduction.function, self._inner, True) for k, reduction in request.reductions.items()
                 if callable(reduction.function)}
        request.fold_kernels.update({k: known.kernel for k, known in found.items()})
        return tuple(found.values())

    def _files(self, request: Request, known: Optional[Known], where: Optional[Masked]) -> Written:
        """The files that the run writes, opened for its kernel, which is known to later runs by its identity."""
        from . import _identity
        own, folds = _identity.of_request(request)
        if known is not None:
            known.kernel.set_identity(own)
        elif own is not None:
            request.native = _identity.known_as(request.native, own)
        for k, text in folds.items():
            request.fold_kernels[k].set_identity(text)
        return Written(request, _kernel_of(request, known), [None if array is None else _memory.wrapped(array)
                                                             for array in request.arrays], self.warn, where)

    def _settle(self, request: Request, options: RunOptions, known: Optional[Known], called_with: bytes,
                memory: Optional[_tilework.Pool], where: Optional[Masked]) -> None:
        """Outputs whose dtype the kernel chooses: a file has one before the first tile. It is that of an unfinished run, or what
        the kernel returns for the first tile that is wanted, which is computed twice then."""
        assert request.files is not None
        left = left_dtypes(request.files, request.deferred)
        is_known = all(dtype is not None for dtype in left.values())  # float64 == None
        tile = 0 if where is None or is_known else _where.first_wanted(request, where)
        if tile is None:  # nobody is asked
            left = {k: request.inputs_dtype(k) for k in request.deferred}
        elif not is_known:
            job = self._job(request, options, known, called_with, memory)
            first = options._replace(only=struct.pack("@Q", tile), check=False, report=False, progress=None, keep_going=False,
                                     where=None, on_tile=None)
            try:
                _, chosen = _tilework.run(self._inner, job, first)
            except _tilework.Failure as failure:
                from ._explained import explained
                error = explained(failure, request)
                raise error from error.__cause__
            except BaseException as interrupt:  # Ctrl-C, or an alarm: its report is of this tile alone, not of the run
                interrupt.__dict__.pop("report", None)
                raise
            left = {k: request.arrays_of(job.arrays, memory, chosen)[k].dtype for k in request.deferred}
        request.choose(left)

    def _job(self, request: Request, options: RunOptions, known: Optional[Known], called_with: bytes,
             memory: Optional[_tilework.Pool], files: Optional[Written] = None) -> Job:
        if request.theirs:
            _memory.refuse_one_file(request.notation.names, request.arrays, request.theirs)
        arrays = request.operands(memory) if files is None else ()
        expected: tuple[tuple[int, np.dtype[Any]], ...] = ()
        if request.deferred and known is not None and memory is not None:
            expected = tuple(known.gave.items()) or request.guessed()
        fresh = b"" if options.guard else request.fresh
        dirty = b"" if options.guard or (memory is not None and self.one_run and files is None) else \
            request.unknown(arrays) if files is None else request.fresh
        partial = b""
        if request.reductions:
            partial = bytes(request.reductions)
            dirty = bytes(k for k in dirty if k not in partial)
        if files is not None and not files.done and not files.files.are_shared:
            dirty = b""  # a new file is zeros
        return Job(_kernel_of(request, known), request.grid, arrays, called_with, request.notation.written, request.deferred, fresh,
                   dirty, partial, expected, files.inner if files is not None else None)

    def _can_be_alone(self, options: RunOptions, known: Optional[Known]) -> bool:
        """One tile of this run needs nobody but the caller."""
        light: bool = known is None or known.manner.light
        return light and options.progress is None and options.on_tile is None and self.kind == "threads" and not options.report


def _kernel_of(request: Request, known: Optional[Known]) -> _tilework.Kernel:
    return known.kernel if known is not None else inner_of(request.native)  # type: ignore[arg-type]
