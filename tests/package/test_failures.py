"""Exceptions, dead workers, time limits, Ctrl-C: what arrives, and that nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import tilework as tw
from conftest import children, run_python, wait_until_gone

Y = np.arange(10.0)


class OwnError(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def test_an_exception_arrives_with_tile_ranges_worker_and_cause(pool):
    def fails(y, r, tile):
        r[...] = y
        if tile.number == 3:
            raise OwnError(17, "no root below")
    with pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y, tiles={"i": 2})
    error = caught.value
    assert error.tile == 3 and error.ranges == {"i": slice(6, 8)} and 0 <= error.worker < pool.workers
    assert isinstance(error.__cause__, OwnError) and error.__cause__.code == 17
    assert "in fails" in error.traceback and "no root below" in error.traceback
    assert "y[6:8] -> r[6:8]" in str(error) and "no root below" in str(error)
    assert pool.run(lambda y: y, "y[i] -> r[i]", Y).tolist() == Y.tolist()  # the pool is usable


def test_exceptions_that_cannot_be_sent_arrive_as_text():
    def fails(y, r):
        class Local(Exception):
            pass
        raise Local("only here")
    with tw.Pool(2) as pool, pytest.raises(tw.TileError, match="only here") as caught:
        pool.run(fails, "y[i] -> r[i]", Y)
    assert isinstance(caught.value.__cause__, tw.RemoteError) and "only here" in str(caught.value.__cause__)


def test_an_exception_larger_than_its_place_still_says_what_it_was():
    def fails(y, r):
        raise ValueError("x" * 10**6)
    with tw.Pool(2) as pool, pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y)
    assert isinstance(caught.value.__cause__, tw.RemoteError) and "xxx" in caught.value.traceback


class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")


class Two(Exception):
    def __init__(self, first, second):
        super().__init__(first)


@pytest.mark.parametrize("make, words, first", [
    (Speechless, "Speechless: (its text is not available)", "Speechless"),
    (lambda: Two("one", "two"), "Two: one", "Two"),  # its pickle cannot be read
    (lambda: ValueError("\udcff at the end"), "ValueError: \udcff at the end", "ValueError"),
    (lambda: ValueError("é" * 100001), "ValueError: éééé", "Traceback"),
    (lambda: ValueError("xé" * 100000), "ValueError: xéxé", "Traceback")],
    ids=["speechless", "two", "surrogate", "odd", "even"])
def test_exceptions_of_any_text_arrive(pool, make, words, first):
    def fails(y, r):
        raise make()
    with pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y)
    line = str(caught.value).split("\n", 1)[0]
    assert words in line and len(line) < 1300
    assert caught.value.__cause__ is not None and first in caught.value.traceback and "in fails" in caught.value.traceback


@pytest.mark.parametrize("kind", ["threads", "serial"])
def test_frames_of_an_exception_have_no_memory_that_is_gone(kind):
    kept = []

    def fails(y, r):
        part = r[1:]
        if len(y) == 10:  # all as one tile, into memory of the check's own
            raise ValueError(part.sum())
        r[...] = y

    def keeps(y, r):
        kept.append(r[1:])
        raise ValueError("kept")
    with pytest.raises(tw.TileError) as caught:
        tw.run(fails, "y[i] -> r[i]", Y, tiles={"i": 5}, pool=kind, check=True)
    walked = caught.value.__cause__.__traceback__
    assert "in fails" in caught.value.traceback and walked.tb_frame.f_code.co_name == "fails"
    assert not {"y", "r", "part"} & set(walked.tb_frame.f_locals)
    with pytest.raises(tw.TileError, match="kept a view"):
        tw.run(keeps, "y[i] -> r[i]", Y, tiles={"i": 5}, pool=kind, check=True)
    kept.clear()


@pytest.mark.parametrize("kind", ["threads", "serial"])
def test_a_profiler_that_has_frames_for_a_moment_is_no_kernel_that_keeps_views(kind):
    ended = threading.Event()

    def looks():  # as the profiler does that each worker of Dask has
        while not ended.is_set():
            frames = sys._current_frames()
            time.sleep(0.01)
            del frames

    def smooth(u):
        time.sleep(0.001)
        return u[2:] + u[:-2]
    thread = threading.Thread(target=looks)
    thread.start()
    try:
        r = tw.run(smooth, "u[i-1..i+1] -> r[i]", Y, tiles={"i": 1}, pool=kind, edges="wrap")
    finally:
        ended.set()
        thread.join()
    assert r.tolist() == (np.roll(Y, 1) + np.roll(Y, -1)).tolist()


def test_of_many_failures_the_lowest_tile_is_told(pool):
    def fails(y, r, tile):
        if tile.number % 3 == 2:
            raise ValueError(f"tile {tile.number}")
        r[...] = 1
    with pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y, tiles={"i": 1}, keep_going=True, report=True)
    assert caught.value.tile == 2 and str(caught.value.__cause__) == "tile 2"
    assert caught.value.report.totals["done"] == 7 and caught.value.report.totals["failed"] == 3


@pytest.mark.parametrize("ending", [SystemExit, GeneratorExit, MemoryError, RecursionError])
def test_any_exception_is_a_failed_tile(pool, ending):
    def fails(y, r):
        raise ending("so it is")
    with pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y)
    assert type(caught.value.__cause__) is ending


def test_a_killed_worker_costs_one_tile():
    def suicidal(y, r, tile):
        if tile.attempt == 0 and tile.number in (2, 5):
            os.kill(os.getpid(), signal.SIGKILL)
        r[...] = y + 1
    with tw.Pool(2) as pool:
        r, report = pool.run(suicidal, "y[i] -> r[i]", Y, tiles={"i": 1}, report=True)
        assert (r == Y + 1).all() and report.totals["deaths"] == 2
        assert report.tiles["attempts"].tolist() == [1, 1, 2, 1, 1, 2, 1, 1, 1, 1]


def test_workers_killed_from_outside_at_any_moment():
    def slow(y, r):
        time.sleep(0.002)
        r[...] = y * 2
    y = np.arange(400.0)
    with tw.Pool(2) as pool:
        ended = threading.Event()

        def killer():
            rng = np.random.default_rng(5)
            while not ended.wait(0.02):
                pid = pool.pids[rng.integers(2)]
                with contextlib.suppress(ProcessLookupError):  # it may have ended since
                    if pid:
                        os.kill(pid, signal.SIGKILL)
        thread = threading.Thread(target=killer)
        thread.start()
        try:
            r, report = pool.run(slow, "y[i] -> r[i]", y, tiles={"i": 1}, retries=1000, report=True)
        finally:
            ended.set()
            thread.join()
        assert (r == 2 * y).all() and report.totals["deaths"] > 0
        assert (pool.run(slow, "y[i] -> r[i]", y, tiles={"i": 40}) == 2 * y).all()


def test_a_tile_that_costs_too_many_workers_is_given_up():
    def suicidal(y, r, tile):
        if tile.number == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        r[...] = y
    with tw.Pool(2) as pool:
        with pytest.raises(tw.TileError, match="signal 11") as caught:
            pool.run(suicidal, "y[i] -> r[i]", Y, tiles={"i": 1}, retries=1, report=True)
        assert caught.value.tile == 1 and caught.value.report.totals["done"] == 9
        assert caught.value.__cause__ is None


def test_a_tile_that_takes_too_long_is_ended():
    def hangs(y, r, tile):
        if tile.number == 1 and tile.attempt == 0:
            time.sleep(60)
        r[...] = y
    began = time.monotonic()
    r, report = tw.run(hangs, "y[i] -> r[i]", Y, tiles={"i": 1}, timeout=2, report=True)  # a busy machine may take 0.3 for any
    assert (r == Y).all() and report.totals["timeouts"] == 1 and time.monotonic() - began < 50


def interrupt_after(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_ctrl_c_ends_a_run_of_processes_in_the_middle_of_a_tile(start):
    if start == "spawn":
        pytest.importorskip("cloudpickle")
    with tw.Pool(2, start=start) as pool:
        pool.run(lambda y: y, "y[i] -> r[i]", Y)
        took = []
        while min(took, default=1.0) >= 0.15:  # 0.1 on a machine that does nothing else
            assert len(took) < 50, took
            interrupt_after(0.3)
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                pool.run(lambda y: (time.sleep(30), y)[1], "y[i] -> r[i]", Y, tiles={"i": 1})
            took.append(time.monotonic() - began - 0.3)
        assert (pool.run(lambda y: y + 1, "y[i] -> r[i]", Y) == Y + 1).all()


def test_ctrl_c_while_a_fork_is_prepared_is_not_lost():
    """A hook of os.register_at_fork that takes long, as the one of logging may: Ctrl-C comes in the middle of it."""
    code, output, errors = run_python("""
        import os, signal, threading, time, numpy as np, tilework as tw
        ready = True
        def slow_hook():
            if ready:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000):
                    time.sleep(0)
        for when in ("before", "after_in_parent"):
            os.register_at_fork(**{when: slow_hook})
        began = time.monotonic()
        for _ in range(3):
            try:
                tw.run(lambda y: (time.sleep(30), y)[1], "y[i] -> r[i]", np.arange(4.0), tiles={"i": 1}, workers=2)
                print("not interrupted")
            except KeyboardInterrupt:
                print("interrupted")
        ready = False
        assert time.monotonic() - began < 20 and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        print(tw.run(lambda y: y, "y[i] -> r[i]", np.arange(2.0), workers=2))
    """)
    assert (code, output, errors) == (0, "interrupted\n" * 3 + "[0. 1.]\n", "")


def test_ctrl_c_ends_a_run_of_threads():
    def spin(y):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pass
        return y
    with tw.Pool(2, "threads") as pool:
        interrupt_after(0.3)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            pool.run(spin, "y[i] -> r[i]", Y, tiles={"i": 1})
        assert time.monotonic() - began < 25  # a tile takes 30 s
        assert (pool.run(lambda y: y + 1, "y[i] -> r[i]", Y, tiles={"i": 1}) == Y + 1).all()


def test_ctrl_c_at_a_terminal_ends_program_and_workers():
    program = """
        import sys, time, numpy as np, tilework as tw
        print("ready", flush=True)
        try:
            tw.run(lambda y: (time.sleep(60), y)[1], "y[i] -> r[i]", np.arange(8.0), tiles={"i": 1}, workers=2)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    assert process.stdout.readline() == "interrupted\n"
    assert process.wait(60) == 0
    process.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_nothing_is_left_when_the_program_is_killed(start):
    program = f"""
        import sys, time, numpy as np, tilework as tw
        if __name__ == "__main__":
            with tw.Pool(2, start="{start}") as pool:
                pool.run(lambda y: y, "y[i] -> r[i]", np.arange(8.0))
                server = getattr(pool._engine, "_server", None)
                print(*pool.pids, *([server.pid] if server else []), flush=True)
                pool.run(lambda y: (time.sleep(60), y)[1], "y[i] -> r[i]", np.arange(8.0))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == (2 if start == "fork" else 3)
    time.sleep(0.3)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until_gone(pids)


def test_nothing_is_left_of_pools_that_threads_have_opened():
    """Workers that replace others hold what the other pool's workers watch."""
    program = """
        import os, signal, threading, time, numpy as np, tilework as tw
        pools = [None, None]
        def in_thread(work, *arguments):
            thread = threading.Thread(target=work, args=arguments)
            thread.start()
            thread.join()
        def plus_one(y):
            return y + 1
        def use(k):
            pools[k] = pools[k] or tw.Pool(2)
            assert (pools[k].run(plus_one, "y[i] -> r[i]", np.arange(4.0), tiles={"i": 1}) == np.arange(1, 5)).all()
        for k in (0, 1):
            in_thread(use, k)
        for k in (0, 1):
            os.kill(pools[k].pids[1], signal.SIGKILL)
            time.sleep(0.1)
            in_thread(use, k)
        print(*[pid for pool in pools for pid in pool.pids], flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60,
                          check=False)
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 4 and all(pids), done.stderr
    wait_until_gone(pids)


def test_a_spawned_interpreter_that_is_killed_is_noticed():
    pytest.importorskip("cloudpickle")
    with tw.Pool(2, start="spawn") as pool:
        r = pool.run(lambda y: y, "y[i] -> r[i]", Y)
        threading.Timer(0.3, pool._engine._server.kill).start()
        with pytest.raises(tw.PoolError, match="has ended"):
            pool.run(lambda y: (time.sleep(30), y)[1], "y[i] -> r[i]", Y)
        assert (r == Y).all()  # its memory is still there
        with pytest.raises(tw.PoolError, match="closed"):
            pool.run(lambda y: y, "y[i] -> r[i]", Y)


def test_programs_that_close_nothing_end_well():
    for start in ("fork", "spawn"):
        code, output, errors = run_python(f"""
            import numpy as np, tilework as tw
            if __name__ == "__main__":
                pools = [tw.Pool(2, start="{start}"), tw.Pool(2, "threads")]
                for pool in pools:
                    print(pool.run(lambda y: y + 1, "y[i] -> r[i]", np.arange(3.0), tiles={{"i": 1}}))
        """)
        assert (code, output, errors) == (0, "[1. 2. 3.]\n" * 2, "")


def test_what_a_kernel_prints_is_seen_once():
    code, output, _ = run_python("""
        import numpy as np, tilework as tw
        print("before")
        tw.run(lambda y, r, tile: print("tile", tile.number) or r.fill(1), "y[i] -> r[i]", np.arange(3.0), tiles={"i": 1}, workers=2)
        print("after")
    """)
    lines = output.splitlines()
    assert code == 0 and lines[0] == "before" and lines[-1] == "after"
    assert sorted(lines[1:-1]) == ["tile 0", "tile 1", "tile 2"]


def test_no_process_is_left_after_a_run():
    before = children()
    tw.run(lambda y: y, "y[i] -> r[i]", Y, workers=2)
    with pytest.raises(tw.TileError):
        tw.run(lambda y: 1 / 0, "y[i] -> r[i]", Y, workers=2)
    assert children() == before


def test_a_fork_of_the_program_can_use_pools_of_its_own():
    with tw.Pool(2) as pool:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                try:
                    pool.run(lambda y: y, "y[i] -> r[i]", Y)
                except tw.PoolError:
                    code = 0 if (tw.run(lambda y: y + 1, "y[i] -> r[i]", Y, workers=2) == Y + 1).all() else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert (pool.run(lambda y: y, "y[i] -> r[i]", Y) == Y).all()
