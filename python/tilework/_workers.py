"""What happens in a worker process before its first tile and after its last. Knows nothing of pools and runs."""

from __future__ import annotations

import functools
import gc
import os
import sys
import warnings
from typing import Any, Callable, Optional

from ._stalls import Stacks

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@functools.lru_cache(maxsize=1)
def _control_of(modules: int, newest: str) -> Any:
    try:
        import threadpoolctl
    except ImportError:
        return None
    return threadpoolctl.ThreadpoolController()


def control_now() -> Any:
    """What can limit the threads of the libraries that are loaded now; None where threadpoolctl is not installed. It takes
    half a millisecond to find out, so it is asked again only when there are other modules than before."""
    return _control_of(len(sys.modules), next(reversed(sys.modules)))


def set_threads(library: Any, count: int) -> None:
    """The library has so many threads from now on, whichever thread says so. threadpoolctl from 3.8 on lets one thread alone
    set OpenBLAS's number, until that thread has ended, and fails in a forked child when it was one that Python had not
    started (`is_alive` of such a thread asserts there). So no thread keeps that right here, neither before nor after."""
    release: Any = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(count)
    if release is not None:
        release(force=True)


def _limit(library: Any, share: int) -> None:
    """In a worker. OpenBLAS has ended its threads before the fork; asked to have fewer, it would first start all of them
    again, and they look for work for some 10 ms before they sleep. So its number is set where it keeps it."""
    if library.internal_api == "openblas" and library.threading_layer == "pthreads":
        import ctypes
        try:
            ctypes.c_int.in_dll(library.dynlib, "blas_cpu_number").value = share
            return
        except (ValueError, AttributeError):
            pass
    set_threads(library, share)


def _limit_numba(share: int) -> None:
    """In a worker. Once Numba is loaded it refuses another value of its variable, so its own functions are used: those that
    start no threads and take no lock, which a thread of the parent or another worker may hold."""
    parallel: Any = sys.modules.get("numba.np.ufunc.parallel")
    if parallel is None:
        os.environ.setdefault("NUMBA_NUM_THREADS", str(share))
        return
    count = min(share, getattr(parallel, "NUM_THREADS", share))
    if getattr(parallel, "_is_initialized", False):
        getattr(parallel, "_set_num_threads", parallel.set_num_threads)(count)
    else:
        parallel.NUM_THREADS = count  # as many will be started


def starter(workers: int) -> Callable[[int], None]:
    """A function for each new worker of a pool with so many. What takes time is done here, once, in the parent."""
    share = max(1, len(os.sched_getaffinity(0)) // max(1, workers))
    control = control_now()
    stacks = Stacks()

    def start(worker: int) -> None:
        stacks.register()
        gc.freeze()  # what the parent left as garbage is the parent's to finalise
        random: Any = sys.modules.get("numpy.random")
        if random is not None:  # else all workers would draw the same numbers
            random.seed(int.from_bytes(os.urandom(4), "little"))
        for name in THREADS:  # for libraries that are loaded later
            os.environ.setdefault(name, str(share))
        _limit_numba(share)
        for library in control.lib_controllers if control is not None else ():
            if library.get_num_threads() > share:
                _limit(library, share)

    setattr(start, "stacks", stacks)
    return start


def _save_coverage() -> None:
    """In a worker that ends. Without a suffix its file would be the program's."""
    coverage: Any = sys.modules["coverage"].Coverage.current()
    if coverage is None:
        return
    coverage.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a worker may have had no tile
        if coverage.get_data().data_filename() != os.path.abspath(coverage.get_option("run:data_file")):
            coverage.save()


def ender() -> Optional[Callable[[], None]]:
    """A function for each worker that ends, None where workers have nothing to do: then they end at once."""
    measure: Any = getattr(sys.modules.get("coverage"), "Coverage", None)
    return _save_coverage if measure is not None and measure.current() is not None else None
