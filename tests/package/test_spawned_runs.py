"""Pools with start="spawn": tiles, futures and lists that come from there, deaths in the middle, operands that are used in place."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import tilework as tw

pytest.importorskip("cloudpickle")
Y = np.arange(40.0)
LARGE = np.arange(1200.0 * 500).reshape(1200, 500)


@pytest.fixture(params=["spawned"])
def pool(request):
    return request.getfixturevalue("spawned_pool")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def slow(y):
    time.sleep(0.02)
    return 2 * y


def until(path):
    """A kernel that gets no further than tile 10 before there is this file: a run that is ended earlier ends its workers."""
    def kernel(y):
        while y[0] >= 10 and not os.path.exists(path):
            time.sleep(0.01)
        return 2 * y
    return kernel


def is_mapped(name):
    """A kernel: whether the worker that calls it has mapped the file."""
    def kernel(a):
        with open("/proc/self/maps") as rows:
            return np.full(len(a), any(name in row and "rw-s" in row or name in row and "r--s" in row for row in rows))
    return kernel


# ---- runs ----


def test_a_worker_that_is_killed_in_a_loop_costs_its_tile_alone(pool, tmp_path):
    go = tmp_path / "go"
    tiles = pool.iterate(until(go), "y[i] -> r[i]", Y, tiles={"i": 1}, report=True)
    next(tiles)
    os.kill(pool.pids[0], signal.SIGKILL)
    go.touch()
    assert len(list(tiles)) == 39 and (tiles.result == 2 * Y).all() and tiles.report.totals["deaths"] >= 1


@pytest.mark.parametrize("how", ["iterate", "submit", "on_tile"])
def test_an_interpreter_that_is_killed_ends_what_waits_for_it(how):
    with tw.Pool(1, start="spawn") as own:
        def kill(tile=None):
            own._engine._server.kill()
        with pytest.raises(tw.PoolError, match="has ended"):
            if how == "iterate":
                for _ in own.iterate(slow, "y[i] -> r[i]", Y, tiles={"i": 1}):
                    kill()
            elif how == "submit":
                began = threading.Event()
                future = own.submit(slow, "y[i] -> r[i]", Y, tiles={"i": 1}, on_tile=lambda tile: began.set())
                assert began.wait(60)
                kill()
                future.result(60)
            else:
                own.run(slow, "y[i] -> r[i]", Y, tiles={"i": 1}, on_tile=kill)
        assert own.closed


def test_ending_a_run_ends_no_other_one_of_the_pool(pool):
    for number in range(15):
        first = pool.submit(lambda y: y, "y[i] -> r[i]", Y)
        second = pool.submit(lambda y: y + 1, "y[i] -> r[i]", Y)
        time.sleep(0.001 * number)  # so that it comes at any moment of the first run
        first.cancel()
        assert (second.result(60) == Y + 1).all()


def test_the_pool_can_be_asked_while_a_run_lasts(pool):
    asked = []
    pool.run(slow, "y[i] -> r[i]", Y[:4], tiles={"i": 1}, on_tile=lambda tile: asked.append((pool.pids, pool.empty(3).shape)))
    assert asked == [(pool.pids, (3,))] * 4
    with pytest.raises(tw.PoolError, match="in the middle of the run"):
        pool.run(slow, "y[i] -> r[i]", Y, on_tile=lambda tile: pool.run(slow, "y[i] -> r[i]", Y))
    inner = []
    pool.run(slow, "y[i] -> r[i]", Y, tiles={"i": 20}, on_tile=lambda tile: inner.append(
        tw.run(slow, "y[i] -> r[i]", Y, pool="threads", tiles={"i": 20}, report=True)[1].totals["workers"]))
    assert inner == [1, 1]


def test_an_exception_of_a_callback_has_the_report(pool, tmp_path):
    def refuse(tile):
        raise KeyError(tile.number)

    with pytest.raises(KeyError) as caught:
        pool.run(until(tmp_path / "never"), "y[i] -> r[i]", Y, tiles={"i": 1}, on_tile=refuse)
    assert 0 < caught.value.report.totals["done"] < 40
    assert (pool.run(slow, "y[i] -> r[i]", Y) == 2 * Y).all()


def test_lists_have_objects_of_classes_that_the_program_defines(pool):
    class Own:
        def __init__(self, value):
            self.value = value

    def kernel(y):
        return Own(y.sum())

    for shift in (0, 1):  # the same kernel, and other files in memory
        found = pool.map(kernel, "y[i]", Y + shift, tiles={"i": 20})
        assert [type(one) is Own and one.value for one in found] == [190 + 20 * shift, 590 + 20 * shift]
    assert pool.map(lambda y: y.sum(), "y[i]", Y, tiles={"i": 20}, where={"[i]": Y > 30}) == [None, 590]


def test_outputs_whose_dtype_the_kernel_chooses_come_with_their_tiles(pool):
    tiles = pool.iterate(lambda y: np.array(["x" * int(value) for value in y]), "y[i] -> r[i]", Y[:12], tiles={"i": 3})
    assert sorted(tile.result.tolist()[0] for tile in tiles) == ["", "xxx", "xxxxxx", "xxxxxxxxx"]
    assert tiles.result.tolist() == ["x" * number for number in range(12)]


def test_a_loop_that_is_left_keeps_the_tiles_in_files(pool, tmp_path):
    left = tmp_path / "left"
    for tile in pool.iterate(until(left), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 1}):
        assert (tile.result == 2 * Y[tile.index]).all()
        if tile.number > 3:
            break
    del tile
    assert sorted(os.listdir()) == ["r.npy.journal", "r.npy.part"]
    left.touch()
    r, report = pool.run(until(left), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 1}, resume=True, report=True)
    assert (r == 2 * Y).all() and report.totals["resumed"] > 0 and sorted(os.listdir()) == ["left", "r.npy"]


def test_what_is_thrown_in_a_callback_says_what_was_kept(pool, tmp_path):
    def refuse(tile):
        if tile.number >= 3:
            raise ValueError("no more")

    with pytest.raises(ValueError) as caught:
        pool.run(until(tmp_path / "never"), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 1}, on_tile=refuse)
    if hasattr(caught.value, "add_note"):
        assert "of 40 tiles are done and kept in" in caught.value.__notes__[0]


# ---- operands ----


def test_memory_maps_are_used_in_place(pool):
    np.save("a.npy", LARGE)
    mapped = np.load("a.npy", mmap_mode="r+")
    for array in (mapped, mapped[::-1, ::2], mapped.T):
        assert pool.run(is_mapped("a.npy"), "a[i,j] -> s[i]", array).all()
        assert (pool.run(lambda a: a.sum(axis=1), "a[i,j] -> s[i]", array) == array.sum(axis=1)).all()
    mapped[0] = 7  # the next run sees it
    assert pool.run(lambda a: a[:, 0], "a[i,j] -> s[i]", mapped)[0] == 7
    pool.run(lambda a: a + 1, "a[i,j] -> r[i,j]", LARGE, out=mapped)
    assert (np.load("a.npy") == LARGE + 1).all()
    for output, words in ((mapped[1:], "overlaps a in memory"), (np.load("a.npy", mmap_mode="r+"), "overlaps a in the file")):
        with pytest.raises(tw.ArgumentError, match=words):
            pool.run(lambda a: a, "a[i,j] -> r[i,j]", mapped[:len(output)], out=output)


@pytest.mark.parametrize("fate", ["copy-on-write", "deleted", "replaced", "renamed"])
def test_a_map_whose_file_is_not_to_be_found_is_copied(pool, fate):
    np.save("a.npy", LARGE)
    mapped = np.load("a.npy", mmap_mode="c" if fate == "copy-on-write" else "r")
    if fate == "copy-on-write":
        mapped[0] = 7
    elif fate == "deleted":
        os.unlink("a.npy")
    elif fate == "replaced":
        np.save("b.npy", LARGE + 1)
        os.rename("b.npy", "a.npy")
    else:
        os.rename("a.npy", "new (deleted).npy")
    assert (pool.run(lambda a: a.sum(axis=1), "a[i,j] -> s[i]", mapped) == mapped.sum(axis=1)).all()
    assert pool.run(is_mapped("new (deleted).npy"), "a[i,j] -> s[i]", mapped).all() == (fate == "renamed")


@pytest.mark.parametrize("length, words", [(4096, "shorter now than the array"), (0, "empty now")])
def test_a_map_of_a_file_that_has_become_shorter_is_refused(pool, length, words):
    np.save("a.npy", LARGE)
    mapped = np.load("a.npy", mmap_mode="r")
    os.truncate("a.npy", length)
    with pytest.raises(tw.FileError, match=words):
        pool.run(lambda a: a.sum(axis=1), "a[i,j] -> s[i]", mapped)


def test_shared_arrays_of_the_program_are_used_in_place(pool):
    shared, result = tw.share(LARGE), tw.empty(LARGE.shape)
    seen = []
    assert pool.run(lambda a: 2 * a, "a[i,j] -> r[i,j]", shared, out=result, tiles={"i": 100},
                    on_tile=lambda tile: seen.append(bool((result[tile.index] == 2 * LARGE[tile.index]).all()))) is result
    assert (result == 2 * LARGE).all() and seen == [True] * 12
    with pytest.raises(tw.ArgumentError, match="overlaps a in memory"):
        pool.run(lambda a: a, "a[i,j] -> r[i,j]", shared[:-1], out=shared[1:])
