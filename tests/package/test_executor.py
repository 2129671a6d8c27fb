"""Runs on Executors of the standard library: the same bytes as any run, in files; resume, failures, refusals."""

import concurrent.futures
import ctypes
import functools
import multiprocessing
import os
import pathlib
import pickle
import shutil
import signal
import threading
import time

import numpy as np
import pytest

import tilework as tw
from executors import SPAWN, started
from tilework import _dispatch, _sent, _task



def outer(y, x, r):
    for i in range(len(r)):
        r[i] = y[i] * x


def rows(a):
    return a.sum(1)


@pytest.fixture(name="pool")
def fixture_pool(executor):
    return executor


@pytest.fixture(name="here")
def here_and_tidy(here):
    yield here
    assert [name for name in os.listdir(here) if ".run" in name or name.endswith((".part", ".journal"))] == []


def test_equals_any_other_run(pool, here):
    y, x = np.arange(200.0), np.arange(50.0)
    r, report = tw.run(outer, "y[i], x[j] -> r[i,j]", y, x, out="r.npy", tiles={"i": 7}, pool=pool, report=True)
    assert type(r) is np.memmap and (r == np.outer(y, x)).all()
    assert report.totals["tiles"] == report.totals["done"] == 29 and report.pool == "executor"
    assert (report.tiles["state"] == 2).all() and (report.tiles["seconds"] > 0).all() and (report.tiles["attempts"] == 1).all()
    assert type(pool).__name__ in report.why and "done in" in repr(report)
    report.html("report.html")
    assert pathlib.Path("report.html").stat().st_size > 1000


def test_paths_and_maps_and_arrays_are_inputs(processes, here):
    a = np.random.default_rng(1).random((300, 40))
    np.save("a.npy", a)
    expected = rows(a)
    inputs = ["a.npy", pathlib.Path("a.npy"), np.load("a.npy", mmap_mode="r"), np.load("a.npy", mmap_mode="c"), a, a.tolist(),
              np.load("a.npy", mmap_mode="r")[::-1][::-1], np.asfortranarray(a), tw.share(a)]
    for number, given in enumerate(inputs):
        r = tw.run(rows, "a[i,k] -> r[i]", given, out=f"r{number}.npy", tiles={"i": 50}, pool=processes)
        assert (r == (expected if not np.isfortran(np.asarray(given)) else rows(np.asfortranarray(a)))).all(), number
    flipped = tw.run(rows, "a[i,k] -> r[i]", np.load("a.npy", mmap_mode="r")[::-2, ::3], out="flipped.npy", pool=processes)
    assert (flipped == a[::-2, ::3].sum(1)).all()


def test_large_arrays_are_sent_once_as_files_in_the_run_folder(processes, here):
    a = np.ones((1000, 200))
    looked = []

    def look(tile):
        looked.append(sorted(os.listdir("r.npy.run")))
    tw.run(rows, "a[i,k] -> r[i]", a, out="r.npy", tiles={"i": 100}, pool=processes, on_tile=look)
    assert "input-0.npy" in looked[0] and len(looked) == 10


def test_a_map_whose_file_was_replaced_is_sent_as_it_is(processes, here):
    np.save("a.npy", np.ones((300, 300)))
    old = np.load("a.npy", mmap_mode="r")
    np.save("new.npy", np.zeros((300, 300)))
    os.replace("new.npy", "a.npy")
    assert tw.run(rows, "a[i,k] -> r[i]", old, out="r.npy", pool=processes)[0] == 300


def test_kernels_of_all_kinds(processes, here):
    y = np.arange(100.0)
    scale = np.float64(3)
    assert tw.run(lambda y: y * scale, "y[i] -> r[i]", y, out="a.npy", pool=processes)[5] == 15
    big = np.ones(50000)
    assert tw.run(lambda y: y * big[0], "y[i] -> r[i]", y, out="b.npy", pool=processes)[5] == 5
    assert tw.run(np.sqrt, "y[i] -> r[i]", y, out="c.npy", pool=processes)[4] == 2
    assert tw.run(functools.partial(np.add, 1), "y[i] -> r[i]", y, out="d.npy", pool=processes)[4] == 5

    @tw.kernel("y[i] -> r[i]", pool=processes)
    def twice(y, factor=2):
        return factor * y
    assert twice(y, out="e.npy")[3] == 6 and twice(y, out="f.npy", factor=5)[3] == 15

    def place(y, r, tile):
        r[...] = tile.number
    assert sorted(set(tw.run(place, "y[i] -> r[i]", y, out="g.npy", tiles={"i": 10}, pool=processes))) == list(range(10))


TWICE = """
#include <tilework/tilework.h>
int twice(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < x.shape[0]; i++)
        TW_AT(r, i) = 2 * TW_AT(x, i);
    return 0;
}
"""


def test_compiled_kernels_and_statements_need_no_compiler_there(processes, here, monkeypatch):
    monkeypatch.setenv("TILEWORK_CC", "/nowhere/cc")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "there"))
    with concurrent.futures.ProcessPoolExecutor(2, SPAWN) as pool:
        started(pool)
        monkeypatch.undo()
        monkeypatch.chdir(here)
        monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
        y, x = np.arange(300.0), np.arange(20.0)
        assert (tw.evaluate("r[i,j] = y[i] * x[j] + c", y=y, x=x, c=1, out="r.npy", parts={"i": 7}, pool=pool) == np.outer(y, x) + 1).all()
        assert (tw.function("r[i] = 2 * y[i]", pool=pool)(y, out="f.npy") == 2 * y).all()
        assert (tw.run(tw.Kernel.from_c(TWICE, "twice"), "x[i] -> r[i]", y, out="c.npy", parts={"i": 5}, pool=pool) == 2 * y).all()
        assert not (here / "there").exists()


def test_reductions_and_several_outputs(pool, here):
    a = np.random.default_rng(2).random((400, 30))
    s = tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, reduce={"s": "sum"}, tiles={"i": 50}, out="s.npy", pool=pool)
    assert (s == tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, reduce={"s": "sum"}, tiles={"i": 50}, pool="serial")).all()

    def hypot(into, part):
        into[...] = np.hypot(into, part)
    n = tw.run(lambda a: np.linalg.norm(a), "a[i,j] -> n[]", a, reduce={"n": hypot}, tiles={"i": 50}, out="n.npy", pool=pool)
    assert np.isclose(n, np.linalg.norm(a))
    low, high = tw.run(lambda a: (a.min(1), a.max(1)), "a[i,k] -> low[i], high[i]", a, out={"low": "low.npy", "high": "high.npy"}, pool=pool)
    assert (low == a.min(1)).all() and (high == a.max(1)).all()
    t = tw.evaluate("t[j] = sum(i: a[i,j])", a=a, out="t.npy", parts={"i": 8}, pool=pool)
    assert (t == tw.evaluate("t[j] = sum(i: a[i,j])", a=a)).all()


def test_in_place_operands_start_from_the_source(pool, here):
    np.save("r.npy", np.ones((20, 3)))
    r = tw.run(lambda k, r: r.__iadd__(k), "k[j], r[i,j] -> r[i,j]", np.arange(3.0), "r.npy", out={"r": "new.npy"}, tiles={"i": 4}, pool=pool)
    assert r[7].tolist() == [1, 2, 3] and np.load("r.npy")[7].tolist() == [1, 1, 1]


def test_halos_masks_and_contexts(pool, here):
    u = np.arange(50.0)
    r = tw.run(lambda u: u[2:] - u[:-2], "u[i-1..i+1] -> r[i]", u, edges="wrap", out="r.npy", tiles={"i": 9}, pool=pool)
    assert (r == np.roll(u, -1) - np.roll(u, 1)).all()
    mask = np.arange(50) < 20
    r = tw.run(lambda u: u + 1, "u[i] -> r[i]", u, where=mask, out="m.npy", tiles={"i": 10}, pool=pool)
    assert (r[:20] == u[:20] + 1).all() and (r[20:] == 0).all()
    with np.errstate(divide="raise"), pytest.raises(tw.TileError, match="divide by zero") as caught:
        tw.run(lambda u: 1 / u, "u[i] -> r[i]", u, out="d.npy", pool=pool, dtype=float)
    assert isinstance(caught.value.__cause__, FloatingPointError) and caught.value.tile == 0
    assert not os.path.exists("d.npy")
    tw.run(lambda u: u, "u[i] -> r[i]", u, out="d.npy", restart=True, pool=pool)


def test_progress_tiles_and_the_background(pool, here):
    told = []
    y = np.arange(40.0)
    tw.run(lambda y: y + 1, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 4}, pool=pool, progress=lambda *what: told.append(what))
    assert told[-1][:2] == (10, 10) and [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    seen = {}
    with tw.iterate(lambda y: y * 2, "y[i] -> r[i]", y, out="s.npy", tiles={"i": 4}, pool=pool) as tiles:
        for tile in tiles:
            seen[tile.number] = tile.outputs["r"].tolist()
    assert seen[3] == [24, 26, 28, 30] and len(seen) == 10 and tiles.result[39] == 78
    assert tw.submit(lambda y: -y, "y[i] -> r[i]", y, out="t.npy", pool=pool).result()[3] == -3


def test_leaving_a_loop_keeps_what_is_done(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def slowly(y):
        time.sleep(0.05)
        return y
    for _ in tw.iterate(slowly, "y[i] -> r[i]", np.arange(40.0), out="r.npy", tiles={"i": 1}, pool=processes):
        break
    assert tw.status("r.npy").done > 0
    r, report = tw.run(slowly, "y[i] -> r[i]", np.arange(40.0), out="r.npy", tiles={"i": 1}, pool=processes, resume=True, report=True)
    assert r.tolist() == list(range(40)) and report.totals["resumed"] > 0 and report.totals["done"] == 40


def test_a_failed_tile_is_named_and_what_is_done_is_kept(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = tmp_path / "calls"
    calls.mkdir()

    def kernel(y, tile):
        (calls / f"{tile.number}-{time.time_ns()}").touch()
        if y[0] == 7 and not (calls / "mended").exists():
            raise ValueError("seven")
        return y
    with pytest.raises(tw.TileError, match=r"failed at tile 7, .*ValueError: seven") as caught:
        tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), out="r.npy", tiles={"i": 1}, pool=pool, version="1")
    assert caught.value.tile == 7 and caught.value.ranges == {"i": slice(7, 8)} and isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(tw.ArgumentError, match="tiles of an unfinished run; resume=True continues it"):
        tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), out="r.npy", tiles={"i": 1}, pool=pool, version="1")
    with pytest.raises(tw.TileError, match="seven") as caught:
        tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), out="r.npy", tiles={"i": 1}, pool=pool, version="1", resume=True, keep_going=True,
               report=True)
    assert caught.value.report.totals["failed"] == 1 and caught.value.report.totals["done"] == 9
    (calls / "mended").touch()
    r = tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), out="r.npy", tiles={"i": 1}, pool=pool, version="1", resume=True)
    assert r.tolist() == list(range(10))
    assert not any(name.endswith((".part", ".run")) for name in os.listdir())


@pytest.mark.parametrize("ends", ["a tile fails", "the caller stops"])
def test_what_other_workers_have_done_when_a_run_ends_is_recorded(ends, pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_dispatch, "LEAVE", 60)
    calls = tmp_path / "calls"
    calls.mkdir()

    def kernel(y, tile):
        time.sleep(0.01)
        if ends == "a tile fails" and tile.number == 300:
            raise ValueError("three hundred")
        (calls / str(tile.number)).touch()
        return y

    def stop(done, *_):
        if done > 200 and ends == "the caller stops":
            raise KeyboardInterrupt

    y = np.arange(3000.0)
    with pytest.raises((tw.TileError, KeyboardInterrupt)) as caught:
        tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, dtype=float, pool=pool, version="1", progress=stop)
    computed = len(os.listdir(calls))
    assert 200 < computed < 2500 and tw.status("r.npy").done == computed
    assert caught.type is tw.TileError or caught.value.report.totals["done"] == computed
    assert tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, dtype=float, pool=pool, version="1", restart=True, where={"i": y < 9})[8] == 8


def test_another_job_is_refused_or_begun_anew(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fails(y):
        if y[0] == 5:
            raise ValueError("five")
        return y
    with pytest.raises(tw.TileError):
        tw.run(fails, "y[i] -> r[i]", np.arange(9.0), out="r.npy", tiles={"i": 1}, pool=processes, keep_going=True)
    with pytest.raises(tw.FileError, match="another job|another one"):
        tw.run(lambda y: 2 * y, "y[i] -> r[i]", np.arange(9.0), out="r.npy", tiles={"i": 1}, pool=processes, resume=True)
    with pytest.warns(RuntimeWarning, match="resume='auto' has discarded"):
        r = tw.run(lambda y: 2 * y, "y[i] -> r[i]", np.arange(9.0), out="r.npy", tiles={"i": 1}, pool=processes, resume="auto")
    assert r[8] == 16
    assert tw.run(lambda y: 3 * y, "y[i] -> r[i]", np.arange(9.0), out="r.npy", tiles={"i": 1}, pool=processes)[8] == 24  # as in any run


def test_a_worker_that_dies_breaks_the_pool_and_the_next_one_continues(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def kernel(y):
        time.sleep(0.01)
        if y[0] == 30 and not os.path.exists(tmp_path / "died"):
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return y
    y = np.arange(60.0)
    with concurrent.futures.ProcessPoolExecutor(2, SPAWN) as broken:
        with pytest.raises(tw.PoolError, match="ProcessPoolExecutor is broken") as caught:
            tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=broken, version="1")
    kept = tw.status("r.npy").done
    assert 0 < kept < 60 and any("resume=True continues" in note for note in getattr(caught.value, "__notes__", ["resume=True continues"]))
    with concurrent.futures.ProcessPoolExecutor(2, SPAWN) as pool:
        r, report = tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=pool, version="1", resume=True, report=True)
    assert r.tolist() == y.tolist() and report.totals["resumed"] == kept


def test_nothing_forks_in_a_worker(processes, here):
    def kernel(y, r):
        inner, report = tw.run(lambda y: y + os.getpid(), "y[i] -> r[i]", y, report=True)
        r[...] = inner - os.getpid() + (report.pool != "serial")
    y = np.arange(20.0)
    assert (tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 5}, pool=processes) == y).all()


def test_versions_that_differ_are_refused_by_name():
    ours = _sent.versions()
    for number, name in enumerate(("tilework", "Python", "NumPy")):
        theirs = list(ours)
        theirs[number] = "0.0"
        refused = _task.work((*theirs, "token", "", b"", ""), 0, 1)["refused"]
        assert f"has {name} {ours[number]}, and the caller {name} 0.0" in refused


def test_a_module_that_workers_lack_is_named(processes, here, tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "only_here.py").write_text("def kernel(y):\n    return y\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    import only_here
    with pytest.raises(tw.PoolError, match="cannot import only_here, which the kernel needs"):
        tw.run(only_here.kernel, "y[i] -> r[i]", np.arange(3.0), out="r.npy", dtype=float, pool=processes)


def test_what_makes_no_sense_is_refused_in_a_sentence(processes, here):
    y = np.arange(3.0)
    with pytest.raises(tw.ArgumentError, match="give out='r.npy'"):
        tw.run(abs, "y[i] -> r[i]", y, pool=processes)
    with pytest.raises(tw.ArgumentError, match="a pool that is an Executor writes results to files .* give out='r.npy'"):
        tw.run(abs, "y[i] -> r[i]", y, out=np.empty(3), pool=processes)
    with pytest.raises(tw.ArgumentError, match="give out='r.npy'"):
        tw.evaluate("r[i] = y[i]", y=y, pool=processes)
    with pytest.raises(tw.ArgumentError, match="node= is for programs that run on each node"):
        tw.run(abs, "y[i] -> r[i]", y, out="r.npy", pool=processes, node="0/2")
    for option in ({"guard": True}, {"timeout": 3}, {"tiles_per_worker": 3}):
        with pytest.raises(tw.ArgumentError, match=next(iter(option))):
            tw.run(abs, "y[i] -> r[i]", y, out="r.npy", pool=processes, **option)
    with pytest.raises(tw.ArgumentError, match="plan"):
        tw.plan(abs, "y[i] -> r[i]", y, pool=processes)
    with pytest.raises(tw.ArgumentError, match=r"pool is the class ThreadPoolExecutor: give an object of it"):
        tw.run(abs, "y[i] -> r[i]", y, out="r.npy", pool=concurrent.futures.ThreadPoolExecutor)
    with multiprocessing.Pool(1) as wrong, pytest.raises(tw.ArgumentError, match="give concurrent.futures.ProcessPoolExecutor"):
        tw.run(abs, "y[i] -> r[i]", y, out="r.npy", pool=wrong)
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda tile: 0)
    with pytest.raises(tw.ArgumentError, match="address of this process cannot be sent to the workers"):
        tw.run(function, "y[i] -> r[i]", y, out="r.npy", pool=processes, version="1")


def test_a_thread_of_the_program_may_use_one_engine_beside_another(processes, here):
    y = np.arange(200.0)
    with concurrent.futures.ThreadPoolExecutor(3) as callers:
        found = list(callers.map(lambda n: tw.run(lambda y: y + n, "y[i] -> r[i]", y, out=f"r{n}.npy", tiles={"i": 10}, pool=processes)[9],
                                 range(6)))
    assert found == [9 + n for n in range(6)]
    assert threading.active_count() < 20


def test_two_callers_of_one_job_both_get_its_result(pool, here):
    begun = threading.Barrier(2)

    def double(y):
        time.sleep(0.02)
        return y * 2

    def call(_):
        begun.wait(10)
        return tw.run(double, "y[i] -> r[i]", np.arange(60.0), out="r.npy", tiles={"i": 1}, dtype=float, pool=pool, resume="auto")[59]

    with concurrent.futures.ThreadPoolExecutor(2) as callers:
        assert list(callers.map(call, range(2), timeout=60)) == [118, 118]


def test_a_run_folder_that_is_removed_in_the_middle_ends_the_run(pool, here):
    def remove(tile):
        if os.path.exists("r.npy.run"):  # at the first one: any later one may be the last that comes
            shutil.rmtree("r.npy.run")

    with pytest.raises(tw.FileError, match="r.npy.run: was removed, or the job was begun anew"):
        tw.run(functools.partial(np.add, 1), "y[i] -> r[i]", np.arange(600.0), out="r.npy", tiles={"i": 1}, pool=pool, on_tile=remove)


def _sees_no(folder):
    """An initializer: this process does not see what is in the folder, as on a machine that does not mount it."""
    libc = ctypes.CDLL(None)
    new_mounts, private_and_all_below = 0x20000, 0x44000
    if libc.unshare(new_mounts) == 0 and libc.mount(b"none", b"/", None, private_and_all_below, None) == 0:
        libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, None)


def test_a_worker_that_does_not_see_the_folder_of_the_outputs_is_named(here):
    with concurrent.futures.ProcessPoolExecutor(1, SPAWN, _sees_no, (here,)) as blind:
        np.save("y.npy", np.arange(30000.0))
        if blind.submit(os.listdir, here).result():
            pytest.skip("this machine hides no folder")
        for y in ("y.npy", np.arange(30000.0), np.load("y.npy", mmap_mode="r")[3:]):
            with pytest.raises(tw.FileError, match=r"^the worker on .* \(process \d+\) does not find /.*/r.npy.run, the folder of this run"):
                tw.run(functools.partial(np.add, 1), "y[i] -> r[i]", y, out="r.npy", pool=blind)


def test_an_input_that_a_worker_does_not_see_is_named_with_the_worker(here):
    os.mkdir("in")
    with concurrent.futures.ProcessPoolExecutor(1, SPAWN, _sees_no, (here / "in",)) as blind:
        np.save("in/y.npy", np.arange(3.0))
        if "y.npy" in blind.submit(os.listdir, here / "in").result():
            pytest.skip("this machine hides no folder")
        for y in ("in/y.npy", np.load("in/y.npy", mmap_mode="r")):
            with pytest.raises(tw.FileError, match=r"in/y.npy: .* \(as seen by the worker on .* \(process \d+\)\)$"):
                tw.run(functools.partial(np.add, 1), "y[i] -> r[i]", y, out="r.npy", pool=blind)


def test_a_kernel_function_with_a_pool_is_still_pickled():
    kernel = tw.kernel("y[i] -> r[i]")(abs)
    assert pickle.loads(pickle.dumps(kernel)).signature == "y[i] -> r[i]"
