"""What happens in a worker process before its first tile. Knows nothing of pools and runs."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, Callable

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
           "NUMBA_NUM_THREADS")


def prepare() -> None:
    """In the parent, before workers are forked: what they need is imported once."""
    if "threadpoolctl" not in sys.modules:
        try:
            import threadpoolctl  # pylint: disable=unused-import
        except ImportError:
            sys.modules["threadpoolctl"] = None  # type: ignore[assignment]  # looked for once


def starter(workers: int) -> Callable[[int], None]:
    """A function for each new worker of a pool with so many."""
    share = max(1, len(os.sched_getaffinity(0)) // max(1, workers))

    def start(worker: int) -> None:
        gc.freeze()  # what the parent left as garbage is the parent's to finalise
        random: Any = sys.modules.get("numpy.random")
        if random is not None:  # else all workers would draw the same numbers
            random.seed(int.from_bytes(os.urandom(4), "little"))
        for name in THREADS:  # for libraries that are loaded later
            os.environ.setdefault(name, str(share))
        control: Any = sys.modules.get("threadpoolctl")
        if control is not None:
            control.threadpool_limits(limits=share)

    return start
