"""map on Executors, and check=: objects come back in tile order, arrays travel in parts, a second computation is compared."""

import concurrent.futures
import decimal
import os
import signal
import threading

import numpy as np
import pytest

import tilework as tw
from executors import SPAWN
from tilework import _executor_map

A = np.random.default_rng(3).random((1000, 60))  # larger than what comes with each task


class Found:
    """An object of the program's own."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value


def found(a):
    return Found(float(a.sum()))


@pytest.fixture(name="pool")
def fixture_pool(executor):
    return executor


def same(kernel, signature, *operands, pool, **options):
    ours = tw.map(kernel, signature, *operands, pool=pool, **options)
    assert ours == tw.map(kernel, signature, *operands, pool="serial", **options)
    return ours


def test_objects_come_back_in_the_order_of_the_tiles(pool, tmp_path):
    weights = np.arange(20000.0)
    np.save(tmp_path / "a.npy", A)
    assert len(same(lambda a, w, tile: (tile.number, float(a.sum() + w[-1])), "a[i,k], w[l]", A, weights, tiles={"i": 3}, pool=pool)) == 334
    same(found, "a[i,k]", A, tiles={"i": 100}, pool=pool)
    same(lambda a: {"shape": a.shape, "first": a[0].tolist()}, "a[i,k]", tmp_path / "a.npy", tiles={"i": 77, "k": 7}, pool=pool)
    same(lambda a: float(a[0, -1]), "a[i,k]", np.asfortranarray(A)[::-1], tiles={"i": 50, "k": 25}, pool=pool)
    same(lambda a: a.tolist(), "a[i,k]", np.load(tmp_path / "a.npy", mmap_mode="r")[::3], tiles={"i": 40}, pool=pool)
    same(lambda u: float(u.sum()), "u[i-1..i+1,k]", A, edges="wrap", tiles={"i": 100}, pool=pool)
    with decimal.localcontext(prec=5):
        same(lambda y: str(decimal.Decimal(1) / int(y[0])), "y[i]", np.arange(1.0, 9.0), tiles={"i": 1}, pool=pool)
    assert tw.map(lambda tile: tile.number, "[i]", lengths={"i": 9}, tiles={"i": 2}, pool=pool) == [0, 1, 2, 3, 4]


def test_a_task_has_the_part_that_its_tiles_need(processes):
    """A worker has zeros elsewhere, or whatever the memory has."""
    request = _executor_map.Request(tw._options.of_map(tw._options.MAP, found, "a[i,k]", (A,), {"tiles": {"i": 10, "k": 30}}))
    request.prepare(_executor_map.Manner(found))
    part = _executor_map._part_of(request, 0, 4, 3)  # rows 20 to 40: two tiles of the third block of rows, one of the fourth
    assert part.start == (20, 0) and part.content.shape == (20, 60) and (part.array()[20:40] == A[20:40]).all()
    assert part.array().shape == A.shape and part.array().flags.c_contiguous
    turned = _executor_map.Request(tw._options.of_map(tw._options.MAP, found, "a[i,k]", (A.T,), {"tiles": {"i": 10}}))
    turned.prepare(_executor_map.Manner(found))
    assert _executor_map._part_of(turned, 0, 1, 2).array().flags.f_contiguous


def test_an_array_that_every_task_would_carry_is_refused_if_it_is_large(processes, monkeypatch):
    monkeypatch.setattr(_executor_map, "LARGE", 1 << 18)
    table = np.arange(100000.0)
    with pytest.raises(tw.ArgumentError, match=r"every tile needs all 0 MiB of w, which would be sent with each task: save it .* np.save\('w.npy', w\)"):
        tw.map(lambda y, w: 1, "y[i], w[k]", np.arange(4.0), table, tiles={"i": 1}, pool=processes)
    assert len(tw.map(lambda w: 1, "w[k]", table, tiles={"k": 10000}, pool=processes)) == 10  # it is cut: no task has all of it


def test_masks_progress_tiles_and_reports(pool):
    mask = np.arange(1000) // 100 == 5
    seen, told = [], []
    values, report = tw.map(lambda a: len(a), "a[i,k]", A, where={"i": mask}, tiles={"i": 50}, pool=pool, report=True,
                            progress=lambda *what: told.append(what[:2]), on_tile=lambda tile: seen.append(tile.number))
    assert values == [None] * 10 + [50, 50] + [None] * 8 and sorted(seen) == [10, 11] and told[-1] == (20, 20)
    assert report.totals["done"] == 2 and report.totals["skipped"] == 18 and report.pool == "executor"
    assert report.tiles["state"][10] == 2 and report.tiles["seconds"][10] > 0
    with pytest.raises(tw.ArgumentError, match="axis i has length 1000 but where has 9 there"):
        tw.map(len, "a[i,k]", A, where={"i": np.ones(9, bool)}, pool=pool)
    with pytest.raises(tw.ArgumentError, match=r"where has 1 dimensions but its axes are i, k; say which axes it has: mask, \{'i': mask\}"):
        tw.map(len, "a[i,k]", A, where=np.ones(9, bool), pool=pool)


def test_a_failed_tile_is_named_or_none(pool):
    def kernel(y):
        if y[0] == 7:
            raise KeyError("seven")
        return float(y[0])
    with pytest.raises(tw.TileError, match=r"failed at tile 7, .*KeyError: 'seven' \(process \d+ on ") as caught:
        tw.map(kernel, "y[i]", np.arange(10.0), tiles={"i": 1}, pool=pool)
    assert caught.value.tile == 7 and caught.value.ranges == {"i": slice(7, 8)} and isinstance(caught.value.__cause__, KeyError)
    with pytest.warns(RuntimeWarning, match="tiles that failed have None in the list"):
        values = tw.map(kernel, "y[i]", np.arange(10.0), tiles={"i": 1}, pool=pool, keep_going=True)
    assert values == [0, 1, 2, 3, 4, 5, 6, None, 8, 9]


def interrupts(a):
    raise KeyboardInterrupt


def test_an_interrupt_in_a_kernel_ends_the_run(pool, tmp_path):
    with pytest.raises(KeyboardInterrupt) as mapped:
        tw.map(interrupts, "a[i,j]", A[:40], tiles={"i": 10}, pool=pool)
    with pytest.raises(KeyboardInterrupt) as run:
        tw.run(interrupts, "a[i,j] -> r[i]", A[:40], tiles={"i": 10}, pool=pool, out=tmp_path / "r.npy")
    assert mapped.value.report.totals["done"] == 0
    assert getattr(run.value, "report", None) is None  # the tile that the caller computes first is not of the run


def test_what_cannot_be_pickled_fails_its_tile_and_threads_need_no_pickle(processes):
    def lock(y):
        return threading.Lock()
    with pytest.raises(tw.TileError, match="what the kernel has returned, a lock, cannot be pickled"):
        tw.map(lock, "y[i]", np.arange(3.0), pool=processes)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        assert len(tw.map(lock, "y[i]", np.arange(3.0), pool=threads)) == 3


def test_options_of_worker_processes_are_refused_with_what_to_do(processes):
    for option in ({"guard": True}, {"timeout": 3}, {"tiles_per_worker": 3}):
        with pytest.raises(tw.ArgumentError, match=next(iter(option))):
            tw.map(abs, "y[i]", np.arange(3.0), pool=processes, **option)


def test_a_broken_pool_is_an_error():
    def kernel(y):
        os.kill(os.getpid(), signal.SIGKILL)
    with concurrent.futures.ProcessPoolExecutor(1, SPAWN) as broken, pytest.raises(tw.PoolError, match="ProcessPoolExecutor is broken"):
        tw.map(kernel, "y[i]", np.arange(3.0), pool=broken)


# ---- check ----

def test_a_checked_run_is_compared_and_a_wrong_one_leaves_nothing(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", A)
    r, report = tw.run(lambda a: a * 2, "a[i,k] -> r[i,k]", "a.npy", out="r.npy", pool=pool, check=True, report=True)
    assert (r == 2 * A).all() and report.totals["checked"] and report.totals["identical"]
    r, report = tw.evaluate("s[k] = sum(i: a[i,k])", a=A, out="s.npy", pool=pool, check=True, report=True)
    assert np.allclose(r, A.sum(0)) and report.totals["identical"]
    s = tw.run(lambda a: a.sum(0), "a[i,k] -> s[k]", A, reduce="sum", out="t.npy", tiles={"i": 100}, pool=pool, check=True)
    assert np.allclose(s, A.sum(0))
    into = np.ones((1000, 60))
    r = tw.run(lambda a, r: r.__iadd__(a), "a[i,k], r[i,k] -> r[i,k]", A, into, out={"r": "u.npy"}, pool=pool, check=True)
    assert (r == A + 1).all() and (into == 1).all()
    with pytest.raises(tw.CheckError, match=r"r\[0,0\] differs from what one serial tile gives there; the element belongs to tile 0"):
        tw.run(lambda a: a - a.mean(), "a[i,k] -> r[i,k]", A, out="wrong.npy", tiles={"i": 100}, pool=pool, check=True)
    assert [name for name in os.listdir() if "wrong" in name] == []
