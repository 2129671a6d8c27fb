"""What can be said of a worker's death beyond the library's sentence: why libraries end a forked process, and the way out."""

from __future__ import annotations

import sys
from typing import Optional

from ._errors import Death

WAYS = "start=\"spawn\" or pool=\"threads\""


def advice(death: Optional[Death]) -> str:
    """A sentence to follow that of a TileError, or nothing."""
    if death is None or not death.by_itself:
        return ""
    if _uses_numba_threads():
        return (". Numba ends a forked process so whose program has used parallel=True before the fork: use a pool with "
                f"{WAYS}, or Numba's threading layer \"workqueue\" (numba.config.THREADING_LAYER, before the first use)")
    return f". Libraries end a process so that cannot work after a fork: use a pool with {WAYS}"


def _uses_numba_threads() -> bool:
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    return bool(getattr(parallel, "_is_initialized", False))
