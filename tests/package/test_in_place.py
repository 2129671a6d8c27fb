"""What runs of processes copy and what they use where it is: private inputs, memory maps, broadcast views, results"""

import os
import signal
import types

import numpy as np
import pytest

import tilework as tw

ROWS, COLUMNS = 2048, 512  # 8 MiB of float64


def doubled(a, r):
    r[...] = 2 * a


def kinds_of(a, r):
    """Fills r with how the worker has the memory of a mapped: 1 shared, 2 private."""
    address = a.__array_interface__["data"][0]
    for line in open("/proc/self/maps", encoding="utf-8", errors="replace"):
        span, kinds = line.split()[:2]
        start, end = (int(part, 16) for part in span.split("-"))
        if start <= address < end:
            r[...] = 1 if kinds[3] == "s" else 2


def numbers():
    return np.arange(ROWS * COLUMNS, dtype=float).reshape(ROWS, COLUMNS)


@pytest.fixture(name="pool")
def fixture_pool():
    with tw.Pool(2) as pool:
        yield pool


def totals_of(place, kernel, *operands, **options):
    return place.run(kernel, "a[i,j] -> r[i,j]", *operands, tiles={"i": 256}, report=True, **options)[1].totals


def test_a_pool_for_one_run_copies_no_input():
    a = numbers()
    for factor in (1, 3):
        a *= factor
        r, report = tw.run(doubled, "a[i,j] -> r[i,j]", a, tiles={"i": 256}, workers=2, pool="processes", report=True)
        assert report.totals["bytes_copied"] == 0 and report.totals["reforks"] == 0
        assert (r == 2 * a).all()
    kinds = tw.run(kinds_of, "a[i,j] -> r[i]", a, tiles={"i": 256}, workers=2, pool="processes")
    assert (kinds == 2).all()  # the program's own memory, seen by fork


def test_a_worker_that_takes_the_place_of_a_dead_one_sees_the_inputs():
    a = numbers()

    def dies_once(a, r, tile):
        if tile.attempt == 0 and tile.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        r[...] = 2 * a

    r, report = tw.run(dies_once, "a[i,j] -> r[i,j]", a, tiles={"i": 256}, workers=2, pool="processes", report=True)
    assert report.totals["deaths"] == 1 and report.totals["bytes_copied"] == 0 and (r == 2 * a).all()


def test_a_kept_pool_sees_private_inputs_as_they_are_now(pool):
    a = numbers()
    for k in range(3):
        a[:, 0] = k
        assert (pool.run(doubled, "a[i,j] -> r[i,j]", a, tiles={"i": 256}) == 2 * a).all()


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps_are_inputs_where_they_are(tmp_path, pool, mode):
    np.save(tmp_path / "a.npy", numbers())
    a = np.load(tmp_path / "a.npy", mmap_mode=mode)
    for place in (pool, tw):
        options = {} if place is pool else {"workers": 2, "pool": "processes"}
        r = place.run(kinds_of, "a[i,j] -> r[i]", a, tiles={"i": 256}, **options)
        assert mode == "c" or (r == 1).all()
        found, report = place.run(doubled, "a[i,j] -> r[i,j]", a, tiles={"i": 256}, report=True, **options)
        assert (found == 2 * numbers()).all()
        assert mode == "c" or report.totals["bytes_copied"] == 0
    pool.run(doubled, "a[i,j] -> r[i,j]", a, tiles={"i": 256})
    if mode != "c":  # workers that have it need not be forked for it again
        assert totals_of(pool, doubled, a)["reforks"] == 0


def test_memory_maps_are_written_where_they_are(tmp_path, pool):
    a = tw.share(numbers())
    for number, (place, options) in enumerate([(pool, {}), (tw, {"workers": 2, "pool": "processes"})]):
        path = tmp_path / f"{number}.npy"
        out = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(ROWS, COLUMNS))
        r, report = place.run(doubled, "a[i,j] -> r[i,j]", a, out=out, tiles={"i": 256}, report=True, **options)
        assert r is out and report.totals["bytes_copied"] == 0
        assert (np.load(path, mmap_mode="r") == 2 * numbers()).all()


@pytest.mark.parametrize("kind", ("threads", "processes"))
def test_two_maps_of_one_file_are_no_input_and_output_of_a_run(tmp_path, kind):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(40.0).reshape(4, 10))
    out, other = np.load(path, mmap_mode="r+"), np.load(path, mmap_mode="r")
    for source in (other, other[::-1], np.asarray(other), np.memmap(path, float, "r", 128, (4, 10))):
        with pytest.raises(tw.ArgumentError, match=r"output r overlaps y in the file .*a\.npy, which both map to memory"):
            tw.run(lambda y: y + 1, "y[i,j] -> r[i,j]", source, out=out, pool=kind, parts={"i": 2})
        with pytest.raises(tw.ArgumentError, match="output r overlaps y in the file"):
            tw.evaluate("r[i,j] = y[i-1,j] + 1", y=source[1:], out=out[:3], edges="clamp", pool=kind)
    tw.run(lambda y: y + 1, "y[i,j] -> r[i,j]", other[2:], out=out[:2], pool=kind, parts={"i": 2})  # other parts of it
    assert np.load(path).tolist() == (np.arange(40.0).reshape(4, 10)[[2, 3, 2, 3]] + [[1], [1], [0], [0]]).tolist()


def test_copies_on_write_are_copied_back_and_read_only_maps_refused(tmp_path, pool):
    path = tmp_path / "r.npy"
    np.save(path, np.zeros((ROWS, COLUMNS)))
    own = np.load(path, mmap_mode="c")
    assert totals_of(pool, doubled, tw.share(numbers()), out=own)["bytes_copied"] == own.nbytes
    assert (own == 2 * numbers()).all() and not np.load(path).any()
    with pytest.raises(tw.ArgumentError, match="read-only"):
        pool.run(doubled, "a[i,j] -> r[i,j]", numbers(), out=np.load(path, mmap_mode="r"))


def test_broadcast_views_are_not_blown_up(pool):
    row = np.arange(float(COLUMNS))
    wide = np.broadcast_to(row, (ROWS, COLUMNS))
    pool.run(doubled, "a[i,j] -> r[i,j]", wide, tiles={"i": 256})
    r, report = pool.run(doubled, "a[i,j] -> r[i,j]", wide, tiles={"i": 256}, report=True)
    assert (r == 2 * row).all() and report.totals["bytes_copied"] == row.nbytes
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(float(ROWS + COLUMNS - 1)), COLUMNS)
    r, report = pool.run(doubled, "a[i,j] -> r[i,j]", windows, tiles={"i": 256}, report=True)
    assert (r == 2 * windows).all() and report.totals["bytes_copied"] == 8 * (ROWS + COLUMNS - 1)


def test_large_private_results_are_copied_back_whole(pool):
    a, out = tw.share(np.arange(3_000_000.0)), np.empty(3_000_000)
    assert pool.run(doubled, "a[i] -> r[i]", a, out=out) is out and (out == 2 * a).all()


def test_no_fork_again_with_a_thread_that_was_not_there():
    """A pool whose program has other threads than when it was opened copies large inputs."""
    import threading
    ended = threading.Event()
    with tw.Pool(2) as pool:
        request = types.SimpleNamespace(arrays=[np.empty((1 << 20,)), None])
        small = types.SimpleNamespace(arrays=[np.empty(10), None])
        assert not pool._engine._must_copy(request)

        def work():
            while not ended.wait(0.01):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert pool._engine._must_copy(request) and not pool._engine._must_copy(small)
        finally:
            ended.set()
            thread.join()
        assert not pool._engine._must_copy(request)
