"""Worker processes: signals that they send themselves, how their deaths are explained, the threads of Numba in them."""

import os
import signal

import numpy as np
import pytest

import tilework as tw
from conftest import run_python

Y = np.arange(12.0)
USES_NUMBA = """
import sys
import numba, numpy as np, tilework as tw
numba.config.THREADING_LAYER = {layer!r}

@numba.njit("f8[::1](Array(f8, 1, 'C', readonly=True))", parallel=True)
def twice(y):
    r = np.empty_like(y)
    for i in numba.prange(len(y)):
        r[i] = 2 * y[i]
    return r

y = np.arange(100.0)
assert twice(y).tolist() == (2 * y).tolist()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_a_worker_sends_itself_is_a_death(number):
    def ends(y):
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), number)
        return y
    with tw.Pool(2) as pool:
        with pytest.raises(tw.TileError, match=rf"killed itself with signal {int(number)} \(.*cannot work after a fork") as caught:
            pool.run(ends, "y[i] -> r[i]", Y, tiles={"i": 1}, retries=0)
        assert caught.value.__cause__ is None and 'start="spawn"' in str(caught.value)
        assert (pool.run(lambda y: y + 1, "y[i] -> r[i]", Y) == Y + 1).all()


def test_a_signal_of_its_own_on_the_first_attempt_costs_a_tile_that_is_run_again():
    def ends_once(y, tile):
        if tile.number == 3 and tile.attempt == 0:
            signal.raise_signal(signal.SIGTERM)
        return 2 * y
    r, report = tw.run(ends_once, "y[i] -> r[i]", Y, tiles={"i": 1}, workers=2, report=True)
    assert (r == 2 * Y).all() and report.totals["deaths"] == 1


def test_a_child_of_a_worker_can_be_ended_by_it():
    def kernel(y):
        import subprocess
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        os.kill(child, signal.SIGTERM)
        forked = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with subprocess.Popen(["sleep", "100"]) as started:
            started.terminate()
            return np.array([forked, started.wait(20)])
    assert tw.run(kernel, "y[i] -> r[i]", Y[:2], tiles={"i": 2}, workers=1).tolist() == [-15, -15]


@pytest.mark.parametrize("end, words", [
    (os.abort, r"was killed by signal 6 \(Aborted\)"), (lambda: os._exit(0), "exited with code 0"),
    (lambda: os._exit(7), "exited with code 7"), (lambda: signal.raise_signal(signal.SIGKILL), r"signal 9 \(Killed\)")])
def test_other_ends_of_a_worker_name_no_library(end, words):
    def ends(y):
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        end()
    with pytest.raises(tw.TileError, match=words) as caught:
        tw.run(ends, "y[i] -> r[i]", Y, workers=2, retries=0)
    assert "spawn" not in str(caught.value)


def test_sys_exit_in_a_kernel_is_an_exception_of_its_tile(pool):
    def leaves(y):
        raise SystemExit(3)
    with pytest.raises(tw.TileError, match="SystemExit: 3") as caught:
        pool.run(leaves, "y[i] -> r[i]", Y)
    assert isinstance(caught.value.__cause__, SystemExit)


def test_numba_in_parallel_after_a_use_before_the_fork_is_no_result_of_zeros():
    pytest.importorskip("numba")
    code, out, err = run_python(USES_NUMBA.format(layer="omp") + """
try:
    print(tw.run(twice, "y[i] -> r[i]", y, tiles={"i": 10}, workers=2))
except tw.TileError as error:
    print(error)
print(tw.run(twice, "y[i] -> r[i]", y, tiles={"i": 50}, pool="threads").tolist() == (2 * y).tolist())
with tw.Pool(2, start="spawn") as pool:
    print(pool.run(twice, "y[i] -> r[i]", y, tiles={"i": 50}).tolist() == (2 * y).tolist())
""")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3 and lines[1:] == ["True", "True"], err
    assert "killed itself with signal 15 (Terminated) at tile" in lines[0] and "Numba" in lines[0]
    assert 'start="spawn"' in lines[0] and 'pool="threads"' in lines[0]


def test_numba_has_its_share_of_threads_in_each_worker():
    pytest.importorskip("numba")
    code, out, err = run_python(USES_NUMBA.format(layer="workqueue") + """
def count(y):
    numba.njit(lambda a: a + 1)(y)          # reads the variables again
    return np.full(len(y), float(numba.get_num_threads())), twice(y)
n, r = tw.run(count, "y[i] -> n[i], r[i]", y, tiles={"i": 50}, workers=len(__import__("os").sched_getaffinity(0)))
print(n.max(), r.tolist() == (2 * y).tolist())
""")
    assert code == 0 and out.split() == ["1.0", "True"], err


def test_numba_that_is_not_used_before_the_fork_runs_in_parallel_in_workers():
    pytest.importorskip("numba")
    code, out, err = run_python("""
import numba, numpy as np, tilework as tw
numba.config.THREADING_LAYER = "omp"

@numba.njit(parallel=True)
def twice(y):
    r = np.empty_like(y)
    for i in numba.prange(len(y)):
        r[i] = 2 * y[i]
    return r

y = np.arange(100.0)
print(tw.run(lambda y: twice(y), "y[i] -> r[i]", y, tiles={"i": 50}, workers=2).tolist() == (2 * y).tolist())
""")
    assert code == 0 and out.split() == ["True"], err
