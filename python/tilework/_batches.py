"""How many tiles a task of an Executor has, and how many tasks are in flight. Integers and seconds: no engine, no clock, no file.

A task is a range of tiles that takes 1 to 10 s. Half of a worker's share of what is left is the most that it gets, so that all
end together; near the end tasks may be shorter, but 20 times longer than what the engine itself takes for one."""

from __future__ import annotations

from typing import Optional

LONGEST, SHORTEST = 10.0, 1.0  # seconds of a task
LAST = 0.1  # seconds that the last tasks may be short
WORTH = 20  # a task takes at least so many times what the engine takes for it: 5 %
GROWTH = 8  # a task has at most so many times the tiles of the largest that is done: the first tile may have been quick by chance
MOST = 256  # tasks in flight, unless more of them can run at the same time
FIRST = 4  # in flight while nobody knows how many run at the same time
MEMORY = 0.7  # how much of what was measured counts after the next task


class Batches:
    """Told how long tasks took, says how large the next one is. `slots`: how many run at the same time; None: not known."""

    def __init__(self, slots: Optional[int] = None) -> None:
        self.slots = slots
        self.window = FIRST
        self.overhead: Optional[float] = None  # seconds that the engine takes for a task: the least that was seen
        self._seconds = self._tiles = 0.0  # of tasks, where older ones count less
        self._largest = 0
        self.resize(slots)

    def resize(self, slots: Optional[int]) -> None:
        """Workers have come or gone. Twice as many tasks as can run: the next one waits beside each worker."""
        self.slots = slots
        if slots is not None:
            self.window = max(2, min(2 * slots, max(MOST, slots + slots // 8)))

    @property
    def seconds_a_tile(self) -> Optional[float]:
        return self._seconds / self._tiles if self._tiles > 0 else None

    def size(self, left: int) -> int:
        """Tiles of the next task, where so many are in none yet."""
        each = self.seconds_a_tile
        if each is None or left <= 1:
            return min(left, 1)
        running = self.slots if self.slots is not None else max(1, self.window // 2)
        share = left * each / (2 * max(1, running))
        least = min(SHORTEST, max(LAST, WORTH * (self.overhead if self.overhead is not None else LAST / WORTH)))
        seconds = min(LONGEST, max(least, share))
        most = GROWTH * self._largest
        return max(1, min(left, most, int(seconds / each) if each > 0 else most))

    def learn(self, tiles: int, seconds: float, turnaround: float) -> None:
        """A task of so many tiles is done. `seconds`: of the tiles alone; `turnaround`: since it was submitted."""
        self._seconds = MEMORY * self._seconds + seconds
        self._tiles = MEMORY * self._tiles + tiles
        self._largest = max(self._largest, tiles)
        beside = max(0.0, turnaround - seconds)
        self.overhead = beside if self.overhead is None else min(beside, self.overhead)
        if self.slots is None and beside < 0.5 * seconds:  # it did not wait for another one: there is room for more
            self.window = min(MOST, self.window + 2)
