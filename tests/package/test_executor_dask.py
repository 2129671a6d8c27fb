"""Runs on a Dask cluster of two processes: workers, the scheduler and the caller are killed, and no byte is lost."""

import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import tilework as tw

distributed = pytest.importorskip("distributed")


def square(y):
    return y * y


@pytest.fixture(scope="module")
def cluster():
    import dask
    # A worker that starts again is awaited, however busy the machine is: after 15 seconds the cluster gave it up.
    settings = {"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1 hour"}
    with dask.config.set(settings), distributed.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as made:
        yield made


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster) as made:
        made.wait_for_workers(2)
        yield made


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Dask keeps threads and descriptors as it likes."""
    yield


def test_equals_any_other_run_with_few_tasks(client, here):
    y, x = np.random.default_rng(0).random(5000), np.random.default_rng(1).random(300)
    r, report = tw.run(lambda y, x: np.outer(y, x), "y[i], x[j] -> r[i,j]", y, x, out="r.npy", tiles={"i": 5}, pool=client, report=True)
    assert (r == np.outer(y, x)).all() and report.totals["done"] == 1000 and report.why == "the Dask Client was given"
    assert len(set(report.tiles["pid"])) == report.totals["workers"] and os.getpid() not in report.tiles["pid"]
    s = tw.evaluate("s[j] = sum(i: r[i,j])", r="r.npy", out="s.npy", pool=client)
    assert (s == tw.evaluate("s[j] = sum(i: r[i,j])", r=np.asarray(r))).all()
    assert sorted(os.listdir(here)) == ["r.npy", "s.npy"] or all(not name.endswith(".run") for name in os.listdir(here))


@pytest.mark.parametrize("error", [MemoryError, ValueError])
def test_errors_are_those_of_a_process_without_dask(error):
    """distributed has the whole process pickle exceptions with their frames and contexts."""
    def kernel(y):
        raise error("none")
    with pytest.raises(tw.TileError) as caught:
        tw.run(kernel, "y[i] -> r[i]", np.arange(4.0), tiles={"i": 1}, pool="processes", workers=1, report=True)
    assert type(caught.value.__cause__) is error and caught.value.__cause__.args == ("none",)
    caught.value.__cause__ = None
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.tile, again.report) == (0, None) and again.args == caught.value.args
    none = pickle.loads(pickle.dumps(tw.OutOfMemory("no room")))
    assert type(none) is tw.OutOfMemory and none.args == ("no room",)


def test_a_failed_tile_and_a_resumed_run(client, here):
    def kernel(y):
        if y[0] == 77 and not os.path.exists(here / "mended"):
            raise ValueError("seventy-seven")
        return y
    y = np.arange(100.0)
    with pytest.raises(tw.TileError, match=r"failed at tile 77, .*seventy-seven \(process \d+ on ") as caught:
        tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=client)
    assert caught.value.tile == 77 and isinstance(caught.value.__cause__, ValueError)
    kept = tw.status("r.npy")
    assert 0 < kept.done < 100 and kept.nodes[0].done == kept.done and f"{kept.done} of 100 tiles done" in repr(kept)
    (here / "mended").touch()
    r, report = tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=client, resume=True, report=True)
    assert r.tolist() == y.tolist() and report.totals["resumed"] == kept.done
    assert tw.status("r.npy").finished


CALLER = """
    import os, signal, sys, time
    import numpy as np, tilework as tw
    from distributed import Client

    def kernel(y):
        time.sleep(0.02)
        return 3 * y

    with Client(sys.argv[1]) as client:
        def told(done, tiles, seconds):
            if len(sys.argv) > 2 and done > 20:
                os.kill(os.getpid(), signal.SIGKILL)
        r, report = tw.run(kernel, "y[i] -> r[i]", np.arange(100.0), out="r.npy", tiles={"i": 1}, pool=client, resume=True, report=True,
                           progress=told)
        assert (r == 3 * np.arange(100.0)).all()
        print(report.totals["resumed"])
"""


def test_a_caller_that_is_killed_loses_only_what_was_in_flight(cluster, here):
    program = [sys.executable, "-c", textwrap.dedent(CALLER), cluster.scheduler_address]
    killed = subprocess.run([*program, "die"], cwd=here, capture_output=True, text=True, timeout=100, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = tw.status(here / "r.npy").done
    assert 20 < kept < 100
    again = subprocess.run(program, cwd=here, capture_output=True, text=True, timeout=100, check=False)
    assert again.returncode == 0, again.stderr
    assert int(again.stdout) == kept and not any(name.endswith(".run") for name in os.listdir(here))


def test_a_scheduler_that_is_killed_is_an_error_that_keeps_what_is_done(here):
    address = here / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": here}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
               "--scheduler-file", str(address)]
    scheduler = subprocess.Popen(command, **quiet)
    worker = None
    try:
        worker = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(address), "--nthreads", "1",
                                   "--no-dashboard", "--death-timeout", "60", "--host", "127.0.0.1"], **quiet)

        def slowly(y):
            time.sleep(0.02)
            return y
        with distributed.Client(scheduler_file=str(address), timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            with pytest.raises(tw.PoolError, match="lost its scheduler|takes no more tasks") as caught:
                tw.run(slowly, "y[i] -> r[i]", np.arange(200.0), out="r.npy", tiles={"i": 1}, pool=client,
                       progress=lambda done, *_: scheduler.kill() if done > 10 else None)
        assert 10 < tw.status("r.npy").done < 200
        assert any("resume=True continues" in note for note in getattr(caught.value, "__notes__", ["resume=True continues"]))
    finally:
        for process in (scheduler, worker):
            if process is not None:
                process.kill()
                process.wait()
    r = tw.run(slowly, "y[i] -> r[i]", np.arange(200.0), out="r.npy", tiles={"i": 1}, node="0/1", pool="serial")  # with no engine at all
    assert r.tolist() == list(range(200))


def test_a_cluster_and_an_asynchronous_client_are_refused_with_what_to_give(cluster, here):
    with pytest.raises(tw.ArgumentError, match=re.escape("give distributed.Client(cluster)")):
        tw.run(square, "y[i] -> r[i]", np.arange(3.0), out="r.npy", pool=cluster)


def test_the_executor_that_a_client_gives_is_one_as_any_other(client, here):
    r = tw.run(square, "y[i] -> r[i]", np.arange(30.0), out="r.npy", tiles={"i": 3}, pool=client.get_executor())
    assert r[29] == 29 ** 2


def test_a_map_gives_objects_and_a_check_compares(client, here):
    a = np.random.default_rng(4).random((3000, 40))
    assert tw.map(lambda a: (a.shape, float(a.sum())), "a[i,k]", a, tiles={"i": 7}, pool=client) == \
        [((len(part), 40), float(part.sum())) for part in np.split(a, range(7, 3000, 7))]
    _, report = tw.run(np.sqrt, "a[i,k] -> r[i,k]", a, out="r.npy", pool=client, check=True, report=True)
    assert report.totals["identical"]
    with pytest.raises(tw.CheckError, match="differs from what one serial tile gives"):
        tw.run(lambda a: a - a[0], "a[i,k] -> r[i,k]", a, out="wrong.npy", pool=client, check=True)
    assert [name for name in os.listdir(here) if "wrong" in name] == []


def test_tasks_of_the_users_own_fork_nothing_either(client, here):
    def own(folder):
        _, report = tw.run(square, "y[i] -> r[i]", np.arange(1000.0), report=True)
        return report.pool
    assert client.submit(own, str(here)).result() == "serial"


def test_what_is_sent_is_small_and_the_file_is_not_read_by_the_caller(client, here):
    np.save("a.npy", np.ones((2000, 500)))
    before = pathlib.Path("/proc/self/io").read_text()
    tw.run(lambda a: a.sum(1), "a[i,k] -> r[i]", "a.npy", out="r.npy", pool=client)
    after = pathlib.Path("/proc/self/io").read_text()
    read = [int(re.search(r"rchar: (\d+)", text)[1]) for text in (before, after)]
    assert read[1] - read[0] < 4_000_000


def test_a_worker_that_is_killed_costs_its_tasks_alone(client, here):
    def kernel(y):
        time.sleep(0.005)
        if y[0] == 150 and not os.path.exists(here / "died"):
            (here / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return y
    y = np.arange(300.0)
    assert tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=client).tolist() == y.tolist()
    assert (here / "died").exists()


def test_a_tile_that_kills_every_worker_is_named(cluster, client, here):
    def kernel(y):
        if y[0] == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return y
    y = np.arange(24.0)
    with pytest.raises(tw.TileError, match=r"tile 20, .*, has cost \d+ workers of the Dask Client") as caught:
        tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=client, version="1", retries=0)
    assert caught.value.tile == 20 and tw.status("r.npy").done == 23
    r = tw.run(square, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool=client, restart=True)
    assert r[20] == 400


WAITS = """
    import sys
    import numpy as np, tilework as tw
    from distributed import Client, LocalCluster
    from tilework import _dispatch

    _dispatch.PATIENCE = 1.5

    def kernel(y):
        return 3 * y

    if __name__ == "__main__":
        with LocalCluster(n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster, Client(cluster) as client:
            pool = client if sys.argv[1] == "client" else client.get_executor()
            try:
                tw.run(kernel, "y[i] -> r[i]", np.arange(100.0), out="r.npy", tiles={"i": 1}, dtype=float, pool=pool)
            except KeyboardInterrupt as error:
                assert error.report.totals["done"] == 0 and error.report.totals["tiles"] == 100
                print("ended")
"""


@pytest.mark.parametrize("which", ["client", "executor"])
def test_a_cluster_without_workers_is_named_once_and_ctrl_c_ends_the_run(which, here):
    (here / "waits.py").write_text(textwrap.dedent(WAITS))
    process = subprocess.Popen([sys.executable, "waits.py", which], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = next((line for line in process.stderr if "no workers" in line), "")  # Dask may warn of a port that is in use
        assert re.search(r"has had no workers for \d+ s: this run waits for some, with 100 tiles to be done", said), said
        assert re.search(r"cluster.scale\(2\), or in a shell: dask worker tcp://127.0.0.1:\d+\)", said)
        time.sleep(4)
        process.send_signal(signal.SIGINT)
        output, more = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert output == "ended\n" and "no workers" not in more, more
    assert not os.path.exists(here / "r.npy.run")


def test_workers_that_come_late_and_go_and_come_again_do_the_run(here, recwarn):
    with distributed.LocalCluster(n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster, \
            distributed.Client(cluster) as client:
        def slowly(y):
            time.sleep(0.05)
            return y

        def scale(done, *_):
            if done in (20, 60):
                cluster.scale(0 if done == 20 else 2)
                if done == 20:
                    threading.Timer(3, cluster.scale, (1,)).start()
        threading.Timer(1, cluster.scale, (2,)).start()
        r = tw.run(slowly, "y[i] -> r[i]", np.arange(100.0), out="r.npy", tiles={"i": 1}, dtype=float, pool=client, progress=scale)
    assert r.tolist() == list(range(100))
    assert [str(one.message) for one in recwarn if "no workers" in str(one.message)] == []  # each time less than 10 s
