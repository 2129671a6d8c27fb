"""How the tiles of a run become tasks of an Executor, without any file: sizes from measured times, lost workers, steps, ends."""

import concurrent.futures
import concurrent.futures.process
import os
import signal
import threading
import time

import pytest

import tilework as tw
from tilework import _dispatch
from tilework._batches import GROWTH, LONGEST, MOST, Batches
from tilework._dispatch import Dispatch
from tilework._engines import advice, engine_of
from tilework._placement import is_engine


def simulate(tiles, seconds_of, slots, told=True, overhead=0.005):
    """Workers take tasks in turn; the sizes of all tasks, and the time until all are done."""
    batches = Batches(slots if told else None)
    free, waiting, flying, sizes, now, given = [0.0] * slots, [], [], [], 0.0, 0
    while given < tiles or flying:
        while given < tiles and len(flying) < batches.window:
            count = batches.size(tiles - given)
            assert 1 <= count <= tiles - given
            seconds = seconds_of(given, count)
            begin = max(now, min(free))
            free[free.index(min(free))] = begin + overhead + seconds
            flying.append((begin + overhead + seconds, now, count, seconds))
            sizes.append((count, seconds))
            given += count
        flying.sort()
        now, submitted, count, seconds = flying.pop(0)
        batches.learn(count, seconds, now - submitted)
    assert waiting == []
    return sizes, now


def test_tasks_take_seconds_whatever_a_tile_takes():
    for each in (1e-5, 1e-3, 0.05, 3.0, 60.0):
        tiles = int(400 / each)
        sizes, end = simulate(tiles, lambda first, count, each=each: each * count, 4)
        assert sum(count for count, _ in sizes) == tiles
        good = sum(seconds for count, seconds in sizes if 0.5 <= seconds <= 1.01 * LONGEST or count == 1)
        assert good >= 0.95 * tiles * each
        assert end <= 1.1 * tiles * each / 4 + each
        if each < 1:
            assert len(sizes) < 150


def test_the_last_tasks_are_small_so_that_workers_end_together():
    sizes, end = simulate(20000, lambda first, count: 0.001 * count, 2)
    assert end <= 1.05 * 10 and len(sizes) <= 80
    assert sizes[-1][1] <= 0.3


def test_a_quick_first_tile_does_not_make_a_task_of_everything():
    sizes, _ = simulate(10000, lambda first, count: 1e-7 if first == 0 else 0.01 * count, 2)
    assert max(count for count, _ in sizes[:4]) <= GROWTH


def test_an_engine_that_does_not_say_its_workers_gets_more_tasks_until_they_wait():
    batches = Batches(None)
    for _ in range(1000):
        batches.learn(10, 1.0, 1.1)
    assert batches.window == MOST
    batches = Batches(None)
    for _ in range(1000):
        batches.learn(10, 1.0, 3.0)
    assert batches.window == 4
    batches.resize(1000)
    assert 1000 <= batches.window <= 1200


class Source:
    """Tiles in steps; a worker's answer is how many it has done, and how long that took."""

    def __init__(self, *steps):
        self.steps = []
        first = 0
        for length in steps:
            self.steps.append(set(range(first, first + length)))
            first += length
        self.count, self.order, self.left_by = first, [], threading.Event()

    def missing(self, first):
        step = next((step for step in self.steps if step), set())
        left = sorted(tile for tile in step if tile >= first)
        if not left:
            return first, 0
        count = 1
        while count < len(left) and left[count] == left[0] + count:
            count += 1
        return left[0], count

    def left(self):
        return sum(map(len, self.steps))

    def take(self, first, count, answer):
        if isinstance(answer, Exception):
            raise answer
        for step in self.steps:
            for tile in range(first, first + count):
                step.discard(tile)
        self.order.append((first, count))
        return count, answer

    def leave(self):
        self.left_by.set()
        return True


def lost(tile, deaths, error):
    failed = tw.TileError(f"tile {tile} has cost {deaths}")
    failed.tile = tile
    return failed


def run(pool, source, function, retries=2, **more):
    dispatch = Dispatch(engine_of(pool), source, function, (), retries, lost, **more)
    dispatch.run()
    return dispatch


def slow(first, count):
    time.sleep(0.001 * count)
    return 0.001 * count


def test_every_tile_is_given_once_and_steps_wait_for_each_other():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        source = Source(50, 7, 1)
        dispatch = run(pool, source, slow)
    tiles = [tile for first, count in source.order for tile in range(first, first + count)]
    assert sorted(tiles) == list(range(58)) and source.left() == 0
    assert max(tiles.index(tile) for tile in range(50)) < min(tiles.index(tile) for tile in range(50, 57))
    assert tiles[-1] == 57 and dispatch.tasks < 58


class Flaky:
    """An engine some of whose tasks lose their worker."""

    def __init__(self, fails):
        self.fails, self.inner, self.calls = fails, concurrent.futures.ThreadPoolExecutor(2), []
        self._max_workers = 2

    def submit(self, function, *arguments):
        def call():
            self.calls.append(arguments)
            if self.fails(*arguments):
                raise ConnectionError("the worker has gone")
            return function(*arguments)
        return self.inner.submit(call)


def test_what_a_lost_worker_had_is_done_by_another():
    failed = set()

    def once(first, count):
        return count > 1 and not (first in failed or failed.add(first))
    pool = Flaky(once)
    with pool.inner:
        source = Source(100)
        dispatch = run(pool, source, slow)
    assert source.left() == 0 and dispatch.deaths == len(failed) > 0


def test_a_tile_that_ends_every_worker_is_found_and_all_else_is_done():
    pool = Flaky(lambda first, count: first <= 71 < first + count)
    source = Source(100)
    with pool.inner, pytest.raises(tw.TileError, match="tile 71 has cost 5") as caught:
        run(pool, source, slow)
    assert caught.value.tile == 71 and isinstance(caught.value.__cause__, ConnectionError)
    assert [call for call in pool.calls if call == (71, 1)] == [(71, 1)] * 4 and source.left() == 1  # before that it was in a task with others
    pool = Flaky(lambda first, count: first <= 71 < first + count)
    with pool.inner, pytest.raises(tw.TileError, match="tile 71 has cost 4"):
        run(pool, Source(100), slow, retries=0)


def test_an_error_of_a_tile_ends_the_run_and_cancels_what_waits():
    def fails(first, count):
        return ValueError("no") if first <= 3 < first + count else slow(first, count)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        source = Source(100)
        with pytest.raises(ValueError, match="no"):
            run(pool, source, fails)
        assert 0 < source.left() < 100


def test_tasks_that_run_when_another_fails_are_asked_to_end_and_their_answers_are_taken(monkeypatch):
    monkeypatch.setattr(_dispatch, "LEAVE", 60)
    running = threading.Event()

    def fails(first, count):
        if first == 0:
            assert running.wait(60)
            return ValueError("no")
        running.set()
        assert source.left_by.wait(60)
        return 0.1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        source = Source(100)
        with pytest.raises(ValueError, match="no"):
            run(pool, source, fails)
    assert (1, 1) in source.order and source.left() > 90  # those that waited were withdrawn


def test_tasks_that_do_not_end_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(_dispatch, "LEAVE", 0.2)
    wait = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        source = Source(100)
        with pytest.raises(ValueError, match="no"):
            run(pool, source, lambda first, count: ValueError("no") if first == 0 else wait.wait(60))
        assert source.order == []
        wait.set()


def test_a_broken_executor_is_an_error_that_says_so():
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        with pytest.raises(tw.PoolError, match="ProcessPoolExecutor is broken, since one of its workers has ended"):
            run(pool, Source(100), kill)
        with pytest.raises(tw.PoolError, match="takes no more tasks"):
            run(pool, Source(100), kill)
    with pytest.raises(tw.PoolError, match="takes no more tasks"):
        run(pool, Source(100), kill)


class Breaks:
    """An engine whose first task breaks it, before the second one is submitted."""

    def __init__(self):
        self.has_one = False

    def submit(self, function, *arguments):
        if self.has_one:
            raise concurrent.futures.process.BrokenProcessPool("a child process ended")
        self.has_one = True
        return concurrent.futures.Future()


def test_an_executor_that_breaks_while_tasks_are_submitted_says_so():
    pool = Breaks()
    with pytest.raises(tw.PoolError, match="Breaks is broken, since one of its workers has ended"):
        run(pool, Source(100), kill)
    with pytest.raises(tw.PoolError, match="takes no more tasks"):
        run(pool, Source(100), kill)


class Crowd:
    """An engine with so many workers; none: its tasks wait."""

    def __init__(self):
        self.inner, self.waiting, self.workers = concurrent.futures.ThreadPoolExecutor(2), [], 0

    def submit(self, function, *arguments):
        if self.workers:
            return self.inner.submit(function, *arguments)
        self.waiting.append((future := concurrent.futures.Future(), function, arguments))
        return future

    def come(self):
        self.workers = 2
        for future, function, arguments in self.waiting:
            self.inner.submit(lambda future=future, function=function, arguments=arguments: future.set_result(function(*arguments)))


def test_an_engine_without_workers_is_named_once_and_a_busy_one_is_not(monkeypatch):
    monkeypatch.setattr(_dispatch, "LOOK", 0.02)
    monkeypatch.setattr(_dispatch, "PATIENCE", 0.2)
    said, crowd = [], Crowd()
    with crowd.inner:
        engine = engine_of(crowd)
        engine.slots = lambda: crowd.workers
        engine.start_some = lambda: "call them"

        def warn(words):
            said.append(words)
            threading.Timer(0.5, crowd.come).start()
        Dispatch(engine, Source(50), slow, (), 2, lost, warn).run()
        assert len(said) == 1 and "Crowd has had no workers for 0 s: this run waits for some, with 50 tiles to be done" in said[0]
        assert "Start workers (call them), or end the run with Ctrl-C" in said[0]

        def busy(first, count):
            time.sleep(0.5)
            return 0.5
        Dispatch(engine, Source(2), busy, (), 2, lost, warn).run()  # all of its workers do something else for a while
        engine.slots = lambda: None  # it does not say how many it has
        Dispatch(engine, Source(2), busy, (), 2, lost, warn).run()
        assert len(said) == 1


def kill(first, count):
    os.kill(os.getpid(), signal.SIGKILL)


def test_another_thread_can_stop_it():
    source = Source(10**6)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        dispatch = Dispatch(engine_of(pool), source, slow, (), 2, lost)
        threading.Timer(0.2, dispatch.stop, (InterruptedError("enough"),)).start()
        with pytest.raises(InterruptedError, match="enough"):
            dispatch.run()
    assert source.left() > 0


def test_what_is_an_engine():
    assert is_engine(concurrent.futures.ThreadPoolExecutor(1)) and not is_engine(concurrent.futures.ThreadPoolExecutor)
    assert not is_engine("threads") and not is_engine(3)
    assert "ThreadPoolExecutor(...)" in advice(concurrent.futures.ThreadPoolExecutor)

    class Job:
        def submit(self, function, *arguments):
            return 7
    with pytest.raises(tw.ArgumentError, match="Job.submit gives a int, which is no future"):
        run(Job(), Source(3), slow)


def test_a_tile_that_waited_beside_the_one_that_ends_workers_is_not_blamed():
    """As Dask counts: all tasks that a worker had are lost with it."""
    lock, running = threading.Lock(), {}

    def fails(first, count):
        with lock:
            running[first] = count
        time.sleep(0.01)
        with lock:
            beside = any(start <= 71 < start + length for start, length in running.items())
            del running[first]
        return beside
    pool = Flaky(fails)
    with pool.inner, pytest.raises(tw.TileError, match="tile 71 has cost"):
        run(pool, source := Source(100), slow, retries=1)
    assert source.left() < 20
