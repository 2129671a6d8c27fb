"""Gives an engine ranges of tiles until all are done: new ones while tasks are in flight, once more what a lost worker had, in
pieces if that happens again. Knows nothing of files: a source says what is missing, and takes what is done."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Protocol

from ._batches import Batches
from ._engines import Engine
from ._errors import PoolError
from ._files import warn

PIECES = 16  # of a task that has cost two workers: one of its tiles may be what ends them
ALONE = 2  # times that a tile must cost a worker while nothing else is in flight: the first one may have been dead already
LOOK = 1.0  # seconds between two looks whether the engine is still there, and how many workers it has
PATIENCE = 10.0  # seconds without any worker until the caller hears of it: one that has died is replaced sooner

LEAVE = 3.0  # seconds that tasks which run have, once the run has failed, to end after their tile and answer


class Source(Protocol):
    """Tiles, in steps: a step begins when all tiles of those before are done."""

    def missing(self, first: int) -> tuple[int, int]:
        """The next tiles from `first` on that are not done, in the first step that is not complete: number and count, which is 0 if
        there are none."""

    def left(self) -> int:
        """How many tiles are not done, in all steps."""

    def take(self, first: int, count: int, answer: Any) -> tuple[int, float]:
        """A worker has answered for these tiles. How many of them are done, and the seconds that they took. May raise."""

    def leave(self) -> bool:
        """The run has failed: has workers end their tasks after the tile that they compute. Whether their answers are of use."""


class Task(NamedTuple):
    """A range of tiles, and how many workers it has cost. `alone`: which try this is with nothing else in flight, so that it
    is blamed for no other; 0: others are in flight."""

    first: int
    tiles: int
    deaths: int = 0
    alone: int = 0


class Flight(NamedTuple):
    task: Task
    future: Any
    began: float


class Dispatch:
    """One job on one engine. `function(first, count)` is submitted with `arguments` in front."""

    def __init__(self, engine: Engine, source: Source, function: Callable[..., Any], arguments: tuple[Any, ...], retries: int,
                 lost: Callable[[int, int, BaseException], BaseException], warn: Callable[[str], None] = warn,
                 parts: Callable[[int, int], tuple[Any, ...]] = lambda first, count: ()) -> None:
        self.warn = warn
        self.parts = parts  # what else is submitted for these tiles
        self.engine, self.source, self.function, self.arguments, self.retries = engine, source, function, arguments, retries
        self.lost = lost  # the exception for a tile that has cost too many workers
        self.batches = Batches(engine.slots())
        self.tasks = 0  # that were submitted
        self.deaths = 0
        self._cursor = 0
        self._again: list[Task] = []
        self._suspects: list[Task] = []  # tiles that have cost too many workers, if it was they
        self._flying: dict[int, Flight] = {}
        self._ready: "queue.SimpleQueue[Optional[int]]" = queue.SimpleQueue()
        self._stopped: Optional[BaseException] = None
        self._looked = time.monotonic()
        self._alone_since: Optional[float] = None  # when it was first seen that there is no worker; None: there are some, or nobody knows
        self._is_said = False

    def stop(self, exception: BaseException) -> None:
        """Any thread: the run ends soon, and raises this."""
        self._stopped = self._stopped or exception
        self._ready.put(None)

    def run(self) -> None:
        """Returns when no tile is missing, or none can be done since others failed."""
        try:
            while True:
                self._fill()
                if not self._flying:
                    return
                self._wait()
        except BaseException:
            self._leave()
            raise

    # ---- out ----

    def _fill(self) -> None:
        while len(self._flying) < self.batches.window:
            task = self._next()
            if task is None:
                return
            began = time.monotonic()
            future = self._submitted(task)
            number = self.tasks
            self.tasks += 1
            self._flying[number] = Flight(task, future, began)
            future.add_done_callback(lambda _, number=number, ready=self._ready: ready.put(number))  # of the run it holds nothing else

    def _submitted(self, task: Task) -> Any:
        try:
            return self.engine.submit(self.function, *self.arguments, task.first, task.tiles, *self.parts(task.first, task.tiles))
        except PoolError as error:
            words = self.engine.ended(error.__cause__) if self._flying else None  # a task in flight has just broken it
            if words is None:
                raise
            raise PoolError(words) from error.__cause__

    def _next(self) -> Optional[Task]:
        if self._again:
            return self._again.pop()
        first, count = self.source.missing(self._cursor)
        if count == 0 and not self._flying and self._suspects:
            return self._suspects.pop(0)
        if count == 0 and not self._flying and self._cursor > 0:  # the next step
            first, count = self.source.missing(0)
        if count == 0:
            return None
        flying = sum([flight.task.tiles for flight in self._flying.values()])
        count = min(count, self.batches.size(max(1, self.source.left() - flying)))
        self._cursor = first + count
        return Task(first, count)

    # ---- in ----

    def _wait(self) -> None:
        try:
            number = self._ready.get(timeout=LOOK)
        except queue.Empty:
            number = None
        if self._stopped is not None:
            raise self._stopped
        if number is not None:
            self._land(number)
        if time.monotonic() - self._looked > LOOK:
            self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        words = self.engine.ended(None)
        if words is not None:
            raise PoolError(words)
        slots = self.engine.slots()
        self.batches.resize(slots)
        if slots != 0:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = self._looked
        elif self._looked - self._alone_since >= PATIENCE and not self._is_said:
            self._is_said = True
            self._say_that_it_waits(self._looked - self._alone_since)

    def _say_that_it_waits(self, seconds: float) -> None:
        how = self.engine.start_some()
        self.warn(f"{self.engine.name} has had no workers for {seconds:.0f} s: this run waits for some, with {self.source.left()} tiles to be done. "
                  f"Start workers{f' ({how})' * bool(how)}, or end the run with Ctrl-C, which keeps what is done")

    def _land(self, number: int) -> None:
        flight = self._flying.pop(number, None)
        if flight is None:
            return
        task = flight.task
        try:
            answer = flight.future.result()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # pylint: disable=broad-except  # of the engine: the function itself raises nothing
            self._lose(task, error)
            return
        done, seconds = self.source.take(task.first, task.tiles, answer)
        if done == task.tiles:
            self.batches.learn(task.tiles, seconds, time.monotonic() - flight.began)

    def _lose(self, task: Task, error: BaseException) -> None:
        """A worker has ended, or the engine has given a task up."""
        words = self.engine.ended(error)
        if words is not None:
            raise PoolError(words) from error
        deaths = task.deaths + self.engine.deaths(error)
        self.deaths += 1
        if task.tiles == 1:
            if deaths > self.retries and task.alone == ALONE:
                raise self.lost(task.first, deaths, error) from error
            if deaths > self.retries:  # an engine may count those that only waited beside it
                self._suspects.append(task._replace(deaths=deaths, alone=task.alone + 1))
            else:
                self._again.append(task._replace(deaths=deaths))
        elif deaths < 2:
            self._again.append(task._replace(deaths=deaths))
        else:  # it may be one tile that ends its worker
            size = -(-task.tiles // PIECES)
            self._again += [Task(first, min(size, task.first + task.tiles - first), 1)
                            for first in range(task.first, task.first + task.tiles, size)][::-1]

    def _leave(self) -> None:
        """What is done by now, or after the tiles that workers compute now, is kept; the rest is not waited for."""
        end = time.monotonic() + LEAVE
        try:
            if self._flying and self.engine.ended(None) is None and self.engine.slots() != 0 and self.source.leave():
                self.engine.withdraw([flight.future for flight in self._flying.values()])
            else:
                end = 0.0
            while self._flying:
                self._take_late(self._ready.get(timeout=max(0.0, end - time.monotonic())))
        except queue.Empty:
            pass
        finally:
            self.engine.cancel([flight.future for flight in self._flying.values()])
            self._flying.clear()

    def _take_late(self, number: Optional[int]) -> None:
        flight = self._flying.pop(number, None) if number is not None else None
        if flight is None or flight.future.cancelled():
            return
        try:
            self.source.take(flight.task.first, flight.task.tiles, flight.future.result())
        except KeyboardInterrupt:
            raise
        except BaseException:  # pylint: disable=broad-except  # the first error is the one that is raised
            pass
