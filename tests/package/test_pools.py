"""Pools: what workers know, when they are forked again, how they are begun and closed, what their report says."""

import gc
import json
import os
import sys
import time
import xml.etree.ElementTree as xml

import numpy as np
import pytest

import tilework as tw
from conftest import run_python

Y = np.arange(12.0)


def test_closures_made_after_the_pool_work_as_they_are():
    with tw.Pool(2) as pool:
        for factor in (2, 3):
            r, report = pool.run(lambda y: y * factor, "y[i] -> r[i]", Y, report=True)
            assert (r == Y * factor).all() and report.totals["reforks"] == 1


def test_a_callable_that_workers_know_is_not_sent_again():
    class Model:
        scale = 3

        def apply(self, y):
            return y * self.scale
    model = Model()
    with tw.Pool(2) as pool:
        pool.run(model.apply, "y[i] -> r[i]", Y)
        pids = pool.pids
        r, report = pool.run(model.apply, "y[i] -> r[i]", Y, report=True)
        assert report.totals["reforks"] == 0 and pool.pids == pids and (r == 3 * Y).all()
        Model.scale = 4
        assert (pool.run(model.apply, "y[i] -> r[i]", Y) == 3 * Y).all()
        pool.refresh()
        assert (pool.run(model.apply, "y[i] -> r[i]", Y) == 4 * Y).all()


def test_many_callables_do_not_fill_the_memory():
    with tw.Pool(2) as pool:
        for k in range(100):
            pool.run(lambda y, k=k: y + k, "y[i] -> r[i]", Y)
        assert tw.counters()["kernels"] < 80


def test_workers_that_retire():
    with tw.Pool(2) as pool:
        _, report = pool.run(lambda r: r.fill(os.getpid()), "-> r[i]", lengths={"i": 12}, tiles={"i": 1},
                             tiles_per_worker=2, report=True)
        assert len(np.unique(report.tiles["pid"])) >= 4 and report.totals["deaths"] == 0


def test_closing():
    pool = tw.Pool(2)
    pids = pool.pids
    assert not pool.closed and pool.workers == 2 and "2 workers" in repr(pool)
    pool.close()
    pool.close()
    assert pool.closed and pool.workers == 0 and pool.pids == () and "closed" in repr(pool)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    with pytest.raises(tw.PoolError, match="closed"):
        pool.run(lambda y: y, "y[i] -> r[i]", Y)
    with pytest.raises(tw.PoolError, match="closed"):
        pool.__enter__()


def test_a_pool_that_is_dropped_closes_itself():
    pids = tw.Pool(2).pids
    gc.collect()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_a_pool_that_its_own_kernel_knows_is_collected():
    class Model:
        def __init__(self):
            self.pool = tw.Pool(2)

        def kernel(self, y):
            return 2 * y
    model = Model()
    pids = model.pool.pids
    assert model.pool.run(model.kernel, "y[i] -> r[i]", Y).tolist() == (2 * Y).tolist()
    del model
    gc.collect()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_pools_are_not_pickled():
    import pickle
    with tw.Pool(2) as pool, pytest.raises(TypeError, match="open one there"):
        pickle.dumps(pool)


@pytest.mark.parametrize("arguments, words", [
    ({"workers": -1}, "workers is -1"), ({"workers": 2.5}, "whole number"), ({"pool": "cluster"}, "pool is 'cluster'"),
    ({"start": "forkserver"}, "start is"), ({"pool": "threads", "start": "spawn"}, "processes")])
def test_pools_that_make_no_sense(arguments, words):
    with pytest.raises((tw.ArgumentError, TypeError), match=words):
        tw.Pool(**arguments)


def test_run_takes_a_pool_or_a_number_of_workers():
    with tw.Pool(2) as pool:
        assert (tw.run(lambda y: y, "y[i] -> r[i]", Y, pool=pool) == Y).all()
        with pytest.raises(tw.ArgumentError, match="not both"):
            tw.run(lambda y: y, "y[i] -> r[i]", Y, pool=pool, workers=2)


def test_libraries_use_one_thread_in_each_worker():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def count(r):
        r[...] = max((library["num_threads"] for library in threadpoolctl.threadpool_info()), default=1)
    allowed = max(1, len(os.sched_getaffinity(0)) // 2)
    with tw.Pool(2) as pool:
        np.ones((4, 4)) @ np.ones((4, 4))
        assert pool.run(count, "-> r[i]", lengths={"i": 2}, tiles={"i": 1}).max() <= allowed


def test_linear_algebra_in_workers():
    a = np.random.default_rng(1).random((64, 64))
    r = tw.run(lambda a, b: a @ b, "a[i,k], b[k,j] -> r[i,j]", a, a, tiles={"i": 16}, workers=2)
    assert np.allclose(r, a @ a)


# ---- spawn -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def spawned():
    pytest.importorskip("cloudpickle")
    with tw.Pool(2, start="spawn") as pool:
        yield pool


def test_spawned_workers_do_the_same(spawned):
    y, x = np.arange(100.0), np.random.rand(50)

    def operate(y, x, r, tile):
        assert tile.ranges["i"].start % 10 == 0
        for i in range(len(r)):
            r[i] = y[i] * x
    r, report = spawned.run(operate, "y[i], x[j] -> r[i,j]", y, x, tiles={"i": 10}, report=True)
    assert type(r) is np.ndarray and r.tobytes() == np.outer(y, x).tobytes()
    assert len(report.tiles) == 10 and set(report.tiles["pid"].tolist()) <= set(spawned.pids)
    assert "did y[0:10]" in report.line(0)
    out = np.zeros((100, 50))
    assert spawned.run(operate, "y[i], x[j] -> r[i,j]", y, x, out=out, tiles={"i": 10}) is out and (out == r).all()
    counted = []
    assert spawned.run(lambda r: r.fill(1), "r[i,j] -> r[i,j]", out, progress=lambda *told: counted.append(told)) is out
    assert (out == 1).all() and counted[-1][:2] == (100, 100)


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_failed_run_leaves_outputs_of_the_users_as_they_were_where_no_tile_was_done(spawned, keep_going):
    for _ in range(3):  # with memory that was used before
        spawned.run(lambda y: y + 100, "y[i] -> r[i]", Y)
        out = np.full(12, 7.0)
        with pytest.raises(tw.TileError):
            spawned.run(lambda y: 1 / 0, "y[i] -> r[i]", Y, out=out, tiles={"i": 1}, keep_going=keep_going)
        assert out.tolist() == [7.0] * 12


def test_what_stands_where_the_kernel_belongs_is_said_for_a_spawned_pool_too(spawned):
    with pytest.raises(TypeError, match="the kernel comes first, then the signature"):
        spawned.run("y[i] -> r[i]", lambda y: y, Y)
    with pytest.raises(tw.ArgumentError, match="statements need no interpreter"):
        spawned.run("r[i] = y[i]", "y[i] -> r[i]", Y)


def test_a_spawned_pool_goes_on_after_a_progress_function_has_raised(spawned):
    def slow(y):
        import time
        time.sleep(0.3)
        return y

    def stops(*_):
        raise LookupError("enough")
    with pytest.raises(LookupError, match="enough"):
        spawned.run(slow, "y[i] -> r[i]", Y, tiles={"i": 1}, progress=stops)
    assert spawned.run(lambda y: 3 * y, "y[i] -> r[i]", Y).tolist() == (3 * Y).tolist()


def test_spawned_workers_use_shared_memory_where_it_is(spawned):
    y, r = spawned.share(np.arange(20.0)), spawned.empty((10,))
    spawned.run(lambda y: y + 1, "y[i] -> r[i]", y[::2], out=r)
    assert r.tolist() == list(range(1, 21, 2))
    before = r.copy()
    spawned.close()
    assert (r == before).all()


def test_failures_of_spawned_workers(spawned):
    with pytest.raises(tw.TileError, match="ZeroDivisionError") as caught:
        spawned.run(lambda y: 1 // 0, "y[i] -> r[i]", Y, tiles={"i": 2}, report=True)
    assert isinstance(caught.value.__cause__, ZeroDivisionError) and caught.value.tile == 0
    assert caught.value.ranges == {"i": slice(0, 2)} and len(caught.value.report.tiles) == 6
    with pytest.raises(tw.ArgumentError, match="axis i"):
        spawned.run(lambda y: y, "y[i] -> r[i]", Y, tiles={"i": 2}, out=np.zeros(3))
    with pytest.raises(Exception, match="pickle"):
        import threading
        lock = threading.Lock()
        spawned.run(lambda y: (lock, y)[1], "y[i] -> r[i]", Y)
    with pytest.raises(tw.ArgumentError, match="address of this process"):
        spawned.run(tw.Kernel.from_address(1), "y[i] -> r[i]", Y)


def test_without_cloudpickle_importable_functions_are_sent(spawned, monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    assert (spawned.run(np.sqrt, "y[i] -> r[i]", Y) == np.sqrt(Y)).all()
    with pytest.raises(tw.PoolError, match="pip install cloudpickle"):
        spawned.run(lambda y: y, "y[i] -> r[i]", Y)


def test_a_progress_function_that_raises_leaves_a_spawned_pool_in_order(spawned):
    import time

    def refuse(done, total, seconds):
        raise KeyError("enough")
    for _ in range(3):
        with pytest.raises(KeyError, match="enough"):
            spawned.run(lambda r: time.sleep(0.05), "-> r[i]", lengths={"i": 200}, tiles={"i": 1}, progress=refuse)
        assert (spawned.run(lambda y: y + 1, "y[i] -> r[i]", Y) == Y + 1).all()


def test_memory_of_spawned_workers_is_given_back(spawned):
    for _ in range(50):
        spawned.run(lambda y: y, "y[i] -> r[i]", np.ones(1 << 20))
    gc.collect()
    with open("/proc/self/maps") as maps:
        assert len([line for line in maps if "memfd" in line]) < 10


# ---- reports -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def report():
    return tw.run(lambda y, x: y[:, None] * x, "y[i], x[j] -> r[i,j]", Y, Y, cuts={"i": [3, 5], "j": [6]}, workers=2,
                  report=True)[1]


def test_reports_have_a_record_for_each_tile(report):
    tiles = report.tiles
    assert tiles["tile"].tolist() == [0, 1, 2, 3, 4, 5] and (tiles["state"] == 2).all()
    assert tiles["start"].tolist() == [[0, 0], [0, 6], [3, 0], [3, 6], [5, 0], [5, 6]]
    assert tiles["stop"].tolist() == [[3, 6], [3, 12], [5, 6], [5, 12], [12, 6], [12, 12]]
    assert (tiles["seconds"] >= 0).all() and (tiles["attempts"] == 1).all()
    assert "y[3:5], x[0:6] -> r[3:5,0:6] (2 x 6)" in report.line(2)


def test_reports_as_plain_values(report):
    told = json.loads(json.dumps(report.to_dict()))
    assert told["done"] == 6 and told["pool"] == "processes" and told["axes"] == ["i", "j"]
    assert told["tile"][2]["ranges"] == {"i": [3, 5], "j": [0, 6]} and told["tile"][2]["state"] == "done"


def test_reports_as_text_and_as_a_picture(report):
    assert repr(report).startswith("<tilework.Report: 6 of 6 tiles done in")
    tree = xml.fromstring(report._repr_html_())
    svg = "{http://www.w3.org/2000/svg}"
    legend, tiles, timeline = tree.findall(f".//{svg}svg")
    for picture in (tiles, timeline):
        titles = [title.text for title in picture.iter(f"{svg}title")]
        assert [sum(title.startswith(f"tile {k}: ") for title in titles) for k in range(6)] == [1] * 6
    assert [text.text for text in legend.iter(f"{svg}text")] == ["worker 0", "worker 1", "idle"]
    assert [text.text for text in tiles.iter(f"{svg}text")] == ["0", "j", "12", "0", "i", "12"]
    assert [text.text for text in timeline.iter(f"{svg}text") if "worker" in text.text] == ["worker 0", "worker 1"]
    assert sum("idle" in text.text for text in timeline.iter(f"{svg}text")) == 2


def test_pictures_of_many_tiles_stay_small():
    _, report = tw.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 5000}, tiles={"i": 1}, pool="serial", report=True)
    assert len(report._repr_html_()) < 10000
    _, report = tw.run(lambda r: None, "-> r[i]", lengths={"i": 0}, pool="serial", report=True)
    xml.fromstring(report._repr_html_())


@pytest.mark.parametrize("kind", ["processes", "threads", "serial"])
@pytest.mark.parametrize("use", [lambda pool: pool.run(lambda y: y, "y[i] -> r[i]", np.arange(3.0)),
                                 lambda pool: pool.evaluate("r[i] = y[i]", y=np.arange(3.0)), tw.Pool.refresh])
def test_a_pool_that_is_used_inside_of_its_own_run_says_so(kind, use):
    y = np.arange(6.0)
    with tw.Pool(2, kind) as pool:
        with pytest.raises(tw.TileError, match="a pool of its own|open a pool here"):
            pool.run(lambda y: use(pool) and y, "y[i] -> r[i]", y, tiles={"i": 2})
        for call in (use, tw.Pool.close):
            with pytest.raises(tw.PoolError, match="a pool of its own"):
                pool.run(lambda y: y, "y[i] -> r[i]", y, progress=lambda *_, call=call: call(pool))
        assert pool.run(lambda y: y, "y[i] -> r[i]", y).tolist() == y.tolist()
        with pytest.raises(tw.PoolError, match="a pool of its own"):  # one tile, which needs no worker
            pool.evaluate("r[i] = y[i]", y=y, progress=lambda *_: pool.refresh())


def test_a_pool_inside_of_another_pools_run_may_not_come_back_to_the_first():
    with tw.Pool(2, "threads") as first, tw.Pool(2, "threads") as second:
        def outer(y):
            return second.run(lambda y: first.run(lambda y: y, "y[i] -> r[i]", y), "y[i] -> r[i]", y)
        with pytest.raises(tw.TileError, match="a pool of its own"):
            first.run(outer, "y[i] -> r[i]", np.arange(6.0))


def test_a_fork_of_the_program_does_not_wait_for_a_run_of_its_parent():
    code, out, err = run_python("""
        import os, threading, time
        import numpy as np, tilework as tw
        pool = tw.Pool(2)
        def slow(y):
            time.sleep(1)
            return y
        thread = threading.Thread(target=lambda: pool.run(slow, "y[i] -> r[i]", np.arange(3.0)))
        thread.start()
        time.sleep(0.3)
        if os.fork() == 0:
            for use in (lambda: pool.run(slow, "y[i] -> r[i]", np.arange(3.0)), pool.refresh):
                try:
                    use()
                except tw.PoolError as error:
                    print("open a pool here" in str(error), flush=True)
            pool.close()
            os._exit(0)
        print(os.waitpid(-1, 0)[1])
        thread.join()
        pool.close()
        """)
    assert code == 0 and out.split() == ["True", "True", "0"], err


@pytest.mark.parametrize("pool", ["tw.Pool(2)", "tw.Pool(2, 'threads')", "tw.Pool(2, start='spawn')"])
def test_a_daemon_thread_in_a_run_does_not_keep_the_program(pool):
    if "spawn" in pool:
        pytest.importorskip("cloudpickle")
    code, out, err = run_python(f"""
        import threading, time
        import numpy as np, tilework as tw
        pool = {pool}
        def endless(y):
            import time
            time.sleep(1000)
        threading.Thread(target=lambda: pool.run(endless, "y[i] -> r[i]", np.arange(3.0)), daemon=True).start()
        time.sleep(0.5)
        print("end")
        """)
    assert code == 0 and out == "end\n", err


def test_a_spawned_interpreter_ends_though_a_child_has_its_connection():
    pytest.importorskip("cloudpickle")
    begin = time.monotonic()
    with tw.Pool(1, start="spawn") as spawned, tw.Pool(1) as forked:  # the second one's worker inherits it
        spawned.close()
        assert forked.run(lambda y: y, "y[i] -> r[i]", Y).tolist() == Y.tolist()
    assert time.monotonic() - begin < 60


def test_runs_after_the_pools_of_the_program_were_closed():
    code, out, err = run_python("""
        import atexit
        atexit.register(lambda: print(tw.run(lambda y: y, "y[i] -> r[i]", np.arange(3.0), pool="threads").sum()))
        import numpy as np, tilework as tw
        tw.run(lambda y: y, "y[i] -> r[i]", np.arange(3.0), pool="threads")
        """)
    assert code == 0 and out == "3.0\n", err
