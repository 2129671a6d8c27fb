"""What a kernel that asks for it gets to know of its tile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


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
