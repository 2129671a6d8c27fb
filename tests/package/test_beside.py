"""Tiles as they finish, futures, lists of objects, masks, kernels without outputs, runs inside of runs."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import tilework as tw
from tilework import _beside, _grid

POOLS = ("serial", "threads", "processes", "spawned")
Y, X = np.arange(40.0), np.arange(6.0)
SIGNATURE = "y[i], x[j] -> r[i,j]"
ROWS = {"i": 4}


@pytest.fixture(params=POOLS)
def pool(request):
    """What pool= is given."""
    return request.getfixturevalue("spawned_pool") if request.param == "spawned" else request.param


def with_workers(pool, count):
    """The options of a run: a pool has its number of workers."""
    return {"pool": pool, "workers": count} if isinstance(pool, str) else {"pool": pool}


def is_apart(pool):
    return pool not in ("serial", "threads")


def outer(y, x):
    return y[:, None] * x


def test_each_tile_comes_once_with_its_part(pool):
    tiles = tw.iterate(outer, SIGNATURE, Y, X, pool=pool, tiles=ROWS)
    seen = []
    for tile in tiles:
        assert (tile.outputs["r"] == np.outer(Y, X)[tile.index]).all()
        assert tile.ranges["i"] == tile.index[0] and tile.result.shape == (4, 6)
        seen.append(tile.number)
    assert sorted(seen) == list(range(10))
    assert (tiles.result == np.outer(Y, X)).all()
    assert list(tiles) == []


def test_leaving_the_loop_ends_the_run(pool):
    began = tw.zeros(40, np.int64)
    pause = 0 if is_apart(pool) else 0.01

    def once(y, tile):
        began[tile.number] = 1
        time.sleep(pause if tile.number < 20 else 100 * pause)  # others may begin meanwhile; the loop is left before the last
        return y

    threads = threading.active_count()
    for _ in tw.iterate(once, "y[i] -> r[i]", Y, tiles={"i": 1}, **with_workers(pool, 2)):
        break
    assert threading.active_count() <= threads + 1
    if pool == "serial":
        assert began.sum() < 40


def test_errors_are_raised_in_the_loop(pool):
    def fails(y):
        if y[0] == 8:
            raise ValueError("eight")
        return y

    with pytest.raises(tw.TileError, match="eight") as caught:
        for _ in tw.iterate(fails, "y[i] -> r[i]", Y, pool=pool, tiles=ROWS):
            pass
    assert caught.value.tile == 2 and isinstance(caught.value.__cause__, ValueError)


def test_on_tile_sees_private_outputs(pool):
    def fill(y, r):
        r[...] = 2 * y

    out, seen = np.zeros(40), []
    tw.run(fill, "y[i] -> r[i]", Y, out=out, pool=pool, tiles=ROWS,
           on_tile=lambda tile: seen.append((tile.number, bool((out[tile.index] == 2 * Y[tile.index]).all()))))
    assert sorted(seen) == [(number, True) for number in range(10)]
    with pytest.raises(KeyError):
        tw.run(fill, "y[i] -> r[i]", Y, pool=pool, tiles=ROWS, on_tile=lambda tile: {}[tile.number])


def test_futures_give_results_errors_and_can_be_cancelled(pool):
    assert (tw.submit(outer, SIGNATURE, Y, X, pool=pool).result(60) == np.outer(Y, X)).all()
    with pytest.raises(tw.TileError):
        tw.submit(lambda y: 1 / 0, "y[i] -> r[i]", Y, pool=pool).result(60)

    async def wait():
        return await tw.submit(outer, SIGNATURE, Y, X, pool=pool)

    assert (asyncio.run(wait()) == np.outer(Y, X)).all()

    def slow(y):
        time.sleep(0.05)
        return y

    future = tw.submit(slow, "y[i] -> r[i]", np.arange(10000.0), tiles={"i": 1}, **with_workers(pool, 1))
    assert future.cancel()
    with pytest.raises(BaseException):
        future.result(60)
    assert future.cancelled() and future.done()


def test_futures_of_one_pool_wait_for_each_other():
    with tw.Pool(2) as pool:
        futures = [pool.submit(lambda y, k=k: y + k, "y[i] -> r[i]", Y) for k in range(5)]
        assert all((future.result(60) == Y + k).all() for k, future in enumerate(futures))


def test_a_failed_map_shows_where_in_the_kernel(pool):
    def kernel(y):
        raise ValueError("no")
    with pytest.raises(tw.TileError, match="no") as caught:
        tw.map(kernel, "y[i]", Y, tiles=ROWS, pool=pool)
    assert "in kernel" in caught.value.traceback and "_map.py" not in caught.value.traceback
    assert ("In the worker:" in str(caught.value)) == ("In the worker:" in _failed_run(kernel, pool))


def _failed_run(kernel, pool):
    with pytest.raises(tw.TileError) as caught:
        tw.run(kernel, "y[i] -> r[i]", Y, tiles=ROWS, pool=pool)
    return str(caught.value)


def test_map_gives_what_tiles_return_in_their_order(pool):
    assert tw.map(lambda y: {"sum": y.sum()}, "y[i]", Y, pool=pool, tiles={"i": 20}) == [{"sum": 190.0}, {"sum": 590.0}]
    big = tw.map(lambda tile: np.full(300_000, tile.number), "[i]", lengths={"i": 7}, pool=pool)
    assert [int(one[-1]) for one in big] == list(range(7))
    with pytest.warns(RuntimeWarning, match="tile 1"):
        assert tw.map(lambda tile: 1 // (tile.number != 1), "[i]", lengths={"i": 3}, pool=pool, keep_going=True) == [1, None, 1]
    if is_apart(pool):
        with pytest.raises(tw.TileError, match="tile 0.*cannot be pickled"):
            tw.map(lambda y: (one for one in y), "y[i]", Y, pool=pool, tiles={"i": 40})
    with pytest.raises(tw.ArgumentError, match="without outputs"):
        tw.map(outer, SIGNATURE, Y, X, pool=pool)


def test_a_mask_skips_tiles(pool):
    mask = np.zeros((40, 6), bool)
    mask[5, 5] = True
    result, report = tw.run(lambda y, x: outer(y, x) + 1, SIGNATURE, Y, X, pool=pool, tiles=ROWS, where=mask, report=True)
    expected = np.where(np.arange(40)[:, None] // 4 == 1, np.outer(Y, X) + 1, 0)
    assert (result == expected).all() and report.totals["skipped"] == 9
    again = tw.run(lambda y, x: outer(y, x) + 1, SIGNATURE, Y, X, pool=pool, tiles=ROWS, where={"m[i]": mask.any(axis=1)})
    assert (again == expected).all()
    nothing = tw.evaluate("r[i,j] = y[i] * x[j] + 1", y=Y, x=X, where=np.zeros((40, 6), bool))
    assert (nothing == 0).all()
    with pytest.raises(tw.ArgumentError, match="array of bool"):
        tw.run(outer, SIGNATURE, Y, X, pool=pool, where=np.ones((40, 6)))


def test_a_kernel_without_outputs_runs_for_its_effects(pool):
    seen = tw.zeros((3, 4))

    def mark(tile):
        seen[tile.start[0], tile.start[1]] += 1

    assert tw.run(mark, "[i,j]", lengths={"i": 3, "j": 4}, tiles={"i": 1, "j": 1}, pool=pool) is None
    assert (seen == 1).all()
    with pytest.raises(tw.ArgumentError, match="check: the signature has no output"):
        tw.run(mark, "[i,j]", lengths={"i": 3, "j": 4}, pool=pool, check=True)
    assert (seen == 1).all()


def test_a_run_inside_of_a_run_has_one_worker(pool):
    def inner(y):
        return tw.run(lambda y: y, "y[i] -> r[i]", y, report=True, pool="threads")[1].totals["workers"] + 0 * y

    assert (tw.run(inner, "y[i] -> r[i]", Y, pool=pool, tiles={"i": 20}) == 1).all()


def test_a_program_that_ends_in_the_middle_of_a_loop_does_not_hang():
    code = ("import numpy as np, tilework as tw, time\n"
            "def slow(y):\n    time.sleep(0.05)\n    return y\n"
            "tiles = tw.iterate(slow, 'y[i] -> r[i]', np.arange(10000.0), tiles={'i': 1}, workers=2)\nnext(tiles)\n")
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def own_threads():
    """Those that Python has started: one of the library's that has called it leaves a dummy behind."""
    return {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}


@pytest.mark.parametrize("way", ["left", "whole", "fails"])
def test_nothing_of_a_run_is_left_when_its_loop_is(way, pool, monkeypatch):
    real, others = _beside.Beside.do, own_threads()

    def does(run):
        real(run)
        time.sleep(0.05)  # a thread that comes late: this is no wait for anything

    def kernel(y):
        assert way != "fails" or y[0] != 8
        return y

    monkeypatch.setattr(_beside.Beside, "do", does)
    before = tw.counters()["grids"], tw.counters()["kernels"]
    tiles = tw.iterate(kernel, "y[i] -> r[i]", Y, pool=pool, tiles=ROWS)
    if way == "left":
        next(tiles)
        tiles.close()
    elif way == "whole":
        assert len(list(tiles)) == 10
    else:
        with pytest.raises(tw.TileError):
            list(tiles)
    assert own_threads() <= others
    if way != "fails":  # else the error, which the test has, tells of them
        tw.close_idle()
        _grid.grid_for.cache_clear()
        gc.collect()
        assert (tw.counters()["grids"], tw.counters()["kernels"]) == before


def test_a_future_that_is_done_keeps_no_operands():
    operand = np.arange(40.0)
    seen = weakref.ref(operand)
    future = tw.submit(lambda y: 2 * y, "y[i] -> r[i]", operand, pool="threads")
    assert (future.result(60) == 2 * operand).all()
    del operand
    for thread in threading.enumerate():
        if thread.name == "tilework":
            thread.join(60)
    gc.collect()
    assert seen() is None and future.done()


def slow(y):
    time.sleep(0.01)
    return y


@pytest.mark.parametrize("leaves", [False, True])
def test_threads_that_share_a_loop_all_end(leaves):
    tiles, seen, errors = tw.iterate(slow, "y[i] -> r[i]", Y, pool="threads", tiles={"i": 1}), [], []

    def consume():
        try:
            for tile in tiles:
                seen.append(tile.number)
                if leaves and len(seen) > 5:
                    tiles.close()
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=consume, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads) and errors == []
    assert len(set(seen)) == len(seen) and (leaves or sorted(seen) == list(range(40)))


def test_a_fork_in_a_loop_ends_without_its_run():
    tiles = tw.iterate(slow, "y[i] -> r[i]", Y, pool="processes", tiles={"i": 1}, workers=2)
    next(tiles)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            next(tiles)
        except tw.PoolError:
            tiles.close()
            del tiles
            code = 0
        finally:
            os._exit(code)
    for _ in range(6000):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.01)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        status = -1
    assert status == 0
    assert len(list(tiles)) == 39 and (tiles.result == Y).all()


def test_ctrl_c_carries_the_report():
    def interrupts(tile):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        tw.run(lambda y: y, "y[i] -> r[i]", Y, pool="serial", tiles={"i": 1}, on_tile=interrupts)
    assert caught.value.report.totals["done"] == 1 and caught.value.report.totals["tiles"] == 40


@pytest.mark.parametrize("named", [False, True])
def test_a_bar_in_a_file_is_one_line(named, capfd):
    progress = pytest.importorskip("tqdm").tqdm if named else True
    tw.run(lambda y: y, "y[i] -> r[i]", Y, pool="serial", tiles={"i": 1}, progress=progress)
    said = capfd.readouterr().err
    assert said.endswith("\n") and said.count("\n") == 1 and "\r" not in said and "40" in said, said


def double(y):
    return 2 * y


def refuse_threads(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")
    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_without_a_thread_iterate_raises_and_waits_for_nothing(monkeypatch):
    refuse_threads(monkeypatch)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        tw.iterate(double, "y[i] -> r[i]", Y)  # dropping what was half made must not wait either


def test_a_pool_whose_run_got_no_thread_takes_the_next(monkeypatch):
    with tw.Pool(2, pool="threads") as pool:
        with monkeypatch.context() as patch:
            refuse_threads(patch)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                pool.submit(double, "y[i] -> r[i]", Y)
        assert (pool.submit(double, "y[i] -> r[i]", Y).result(timeout=60) == 2 * Y).all()


FORK_WHILE_A_RUN_LASTS = """
import os, threading
import numpy as np, tilework as tw
began, ends = threading.Event(), threading.Event()
def waits(y):
    began.set()
    ends.wait(60)
    return y
pool = tw.Pool(2, pool="threads")
future = pool.submit(waits, "y[i] -> r[i]", np.arange(4.0))
began.wait(60)
child = os.fork()
if child == 0:
    try:
        pool.submit(waits, "y[i] -> r[i]", np.arange(4.0)).result(timeout=30)
    except tw.PoolError:
        os._exit(7)
    except BaseException:
        os._exit(8)
    os._exit(9)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
ends.set()
print(future.result(timeout=60).tolist())
"""


def test_a_fork_does_not_wait_for_runs_of_its_parent():
    found = subprocess.run([sys.executable, "-c", FORK_WHILE_A_RUN_LASTS], capture_output=True, text=True, timeout=120, check=False)
    assert found.stdout == "[0.0, 1.0, 2.0, 3.0]\n", found.stderr


def test_on_tile_is_called_beside_a_loop_and_a_future():
    for begin in (tw.iterate, tw.submit):
        seen = []
        run = begin(double, "y[i] -> r[i]", Y, tiles=ROWS, on_tile=lambda tile, seen=seen: seen.append(tile.number))
        found = [tile.number for tile in run] if begin is tw.iterate else list(range(10))
        assert (run.result == 2 * Y).all() if begin is tw.iterate else (run.result(timeout=60) == 2 * Y).all()
        assert sorted(found) == sorted(seen) == list(range(10))
