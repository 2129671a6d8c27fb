"""What a pool needs from whatever does its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Protocol

import numpy as np

from ._options import RunOptions
from ._request import Request
from ._shared import SharedArray


class Engine(Protocol):
    """Workers, and memory that they share. `run` is called by the thread whose turn it is; the others by any thread."""

    @property
    def workers(self) -> int:
        """How many there are; 0 before it is open, and once it is closed."""

    @property
    def note(self) -> Optional[str]:
        """What the machine did not give, in words."""

    @property
    def forks(self) -> bool:
        """Its workers are forked from this process, in a run too."""

    @property
    def closed(self) -> bool:
        """It was closed, or has ended by itself."""

    def open(self, workers: int) -> None:
        """So many workers; 0: as many as the machine allows."""

    def accept(self, kernel: object) -> None:
        """An ArgumentError if it never runs kernels of this kind."""

    def run(self, request: Request, options: RunOptions) -> Any:
        """The results; with `options.report` these and a Report."""

    def empty(self, shape: Sequence[int], dtype: np.dtype[Any]) -> SharedArray:
        """A new array that the workers see."""

    def pids(self) -> tuple[int, ...]:
        """The workers' process ids."""

    def inside(self) -> bool:
        """The calling thread is in the middle of a run, as a kernel or a progress function."""

    def stop(self, exception: BaseException) -> None:
        """A run that another thread is in ends soon, and raises this there."""

    def refresh(self) -> None:
        """The next run sees the program as it is then."""

    def close(self) -> None:
        """The workers end. Arrays stay."""
