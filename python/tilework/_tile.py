"""What a kernel that asks for it gets to know of its tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

import numpy as np

if TYPE_CHECKING:
    from . import _tilework


class _Fields(NamedTuple):
    number: int
    worker: int
    attempt: int
    axes: tuple[str, ...]
    start: tuple[int, ...]
    stop: tuple[int, ...]


class Tile(_Fields):
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

    _draws: Optional[_tilework.Draws] = None  # in a tile whose kernel runs

    def __reduce__(self) -> tuple[Any, ...]:
        return Tile, tuple(self)

    @property
    def ranges(self) -> dict[str, slice]:
        """For each axis the tile's ``slice``."""
        return {axis: slice(start, stop) for axis, start, stop in zip(self.axes, self.start, self.stop)}

    def random(self, seed: int, kind: str, *, output: Optional[str] = None, size: Union[int, tuple[int, ...]] = (),
               dtype: Any = None, low: Any = None, high: Any = None) -> np.ndarray[Any, Any]:
        """Random numbers for the elements of an output that this tile has: an array of their shape.

        Each number depends on the seed, on the output and on the element's index in the whole output alone, so it is the same for
        any cuts, pool, number of workers and machine. ``uniform(seed)`` and ``normal(seed)`` in a statement, and
        ``tw_random_fill`` in C, give the same numbers. The same seed gives the same numbers again: take another one for each
        draw that must be independent.

        Parameters
        ----------
        seed : int
            From 0 to 2**64 - 1.
        kind : {"uniform", "normal", "integers"}
            In [0, 1), or [low, high); with mean 0 and variance 1; whole numbers from low to high - 1, each equally often.
        output : str, optional
            The name of the output, the first one by default. An input's name is taken too, as a kernel without outputs needs.
        size : int or tuple of int
            Lengths of further dimensions, the last ones of the result: so many numbers for each element.
        dtype : dtype, optional
            float32 or float64; for integers any integer dtype. By default the output's if the kind has it, else float64 or
            int64. float32 numbers are those of float64 with fewer digits; uniform ones are cut off, so they are never 1.
        low, high : number, optional
            Of uniform numbers, 0 and 1 by default; of integers, where low is 0 by default.

        Examples
        --------
        >>> import tilework as tw
        >>> def noise(tile):
        ...     return 10 + 0.5 * tile.random(3, "normal")
        >>> tw.run(noise, "-> r[i,j]", lengths={"i": 1000, "j": 1000}).mean().round(2)
        np.float64(10.0)
        """
        from . import _random
        return _random.draw(self._draws, seed, kind, output, size, dtype, low, high)

    def rng(self, seed: int = 0) -> np.random.Generator:
        """NumPy's generator of random numbers for this tile alone: the same on any pool and any worker.

        It depends on the tile's number, so other cuts give other numbers. ``random`` does not depend on the cuts.
        """
        return np.random.default_rng([seed, self.number])
