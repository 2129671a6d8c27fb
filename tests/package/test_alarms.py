"""Handlers of signals that raise, as pytest-timeout's does: what they raise arrives as itself, and the pool stays usable."""

import contextvars
import functools
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import tilework as tw

Y = np.arange(8.0)


class Alarm(Exception):
    pass


class Handler:
    def __call__(self, *given):
        raise Alarm("object")

    def method(self, number, frame):
        raise Alarm("method")


def raises(number, frame):
    raise Alarm("function")


def raises_deeper(number, frame):
    raises(number, frame)


def raises_once(number, frame):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    raise Alarm("once")


def with_more(word, number, frame):
    raise Alarm(word)


def exits(number, frame):
    raise SystemExit(3)


@pytest.fixture(autouse=True)
def the_alarm_is_put_back():
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def spins(y, r):
    """A tile that only the alarm ends."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass
    r[...] = y


def usable(pool):
    return pool.run(lambda y: 2 * y, "y[i] -> r[i]", Y, tiles={"i": 1}).tolist() == (2 * Y).tolist()


@pytest.mark.parametrize("handler, wanted", [
    (raises, Alarm), (raises_deeper, Alarm), (raises_once, Alarm), (Handler(), Alarm), (Handler().method, Alarm),
    (functools.partial(with_more, "partial"), Alarm), (lambda *given: raises(*given), Alarm), (exits, SystemExit)])
def test_what_a_handler_raises_arrives_as_itself_and_at_once(pool, handler, wanted):
    signal.signal(signal.SIGALRM, handler)
    began = time.monotonic()
    with pytest.raises(wanted):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        pool.run(spins, "y[i] -> r[i]", Y, tiles={"i": 4})
    assert time.monotonic() - began < 30
    assert usable(pool)


def test_an_alarm_does_not_wait_for_calls_that_nobody_can_interrupt():
    """On threads such a call ends by itself: nothing of it arrives, and the next run of the pool waits for it."""
    ends = threading.Event()

    def waits(y, r):
        assert ends.wait(60)
        r[...] = y
    signal.signal(signal.SIGALRM, raises)
    result = np.zeros(8)
    with tw.Pool(2, "threads") as pool:
        for run in (pool.run, functools.partial(tw.run, pool="threads", workers=2)):
            with pytest.raises(Alarm):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                run(waits, "y[i] -> r[i]", Y, tiles={"i": 4}, out=result)
        later = threading.Timer(0.5, ends.set)  # until then the next run has to wait
        later.start()
        assert usable(pool) and tw.run(lambda y: y, "y[i] -> r[i]", Y, pool="threads", workers=2).tolist() == Y.tolist()
    end = time.monotonic() + 30
    while any(thread.name == "tilework" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not result.any()


def test_under_an_alarm_a_run_has_its_context_its_errors_and_its_result():
    variable = contextvars.ContextVar("variable", default=0)
    signal.signal(signal.SIGALRM, raises)
    signal.setitimer(signal.ITIMER_REAL, 300)
    variable.set(5)
    with np.errstate(divide="raise"), tw.Pool(2, "threads") as pool:
        assert pool.run(lambda y: y + variable.get(), "y[i] -> r[i]", Y, tiles={"i": 1}).tolist() == (Y + 5).tolist()
        with pytest.raises(tw.TileError) as caught:
            pool.run(lambda y: 1 / y, "y[i] -> r[i]", Y, tiles={"i": 1})
        assert caught.value.tile == 0 and isinstance(caught.value.__cause__, FloatingPointError)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pool.run(lambda y, r: r.fill(1), "y[i] -> r[i]", np.arange(4))  # an output of integers that is filled
        assert all(warning.filename == __file__ for warning in caught)
        with pytest.raises(tw.PoolError, match="in the middle of the run"):
            pool.run(lambda y: y, "y[i] -> r[i]", Y, tiles={"i": 1},
                     progress=lambda *told: pool.run(lambda y: y, "y[i] -> r[i]", Y))


def test_alarms_that_come_again_and_again_are_one_exception(pool):
    signal.signal(signal.SIGALRM, raises)
    caught = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        pool.run(spins, "y[i] -> r[i]", Y, tiles={"i": 4})
    except Alarm:
        caught += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert caught == 1 and usable(pool)


def test_an_exception_of_the_kernel_s_own_stays_a_tile_error(pool):
    signal.signal(signal.SIGALRM, raises)

    def fails(y):
        raise Alarm("its own")
    with pytest.raises(tw.TileError) as caught:
        pool.run(fails, "y[i] -> r[i]", Y, tiles={"i": 4})
    assert isinstance(caught.value.__cause__, Alarm)


def test_a_kernel_may_answer_an_alarm_itself():
    def patient(y):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                pass
        except Alarm:
            return -y
        return y
    signal.signal(signal.SIGALRM, raises)
    assert tw.run(patient, "y[i] -> r[i]", Y, pool="serial", tiles={"i": 4}).tolist() == (-Y).tolist()


@pytest.mark.parametrize("kind", ["threads", "serial"])
def test_an_alarm_arrives_under_check(kind):
    signal.signal(signal.SIGALRM, raises)
    with pytest.raises(Alarm):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        tw.run(spins, "y[i] -> r[i]", Y, tiles={"i": 4}, pool=kind, workers=1 if kind == "serial" else 2, check=True)


def test_an_alarm_while_workers_are_forked_is_raised_once_they_are(monkeypatch):
    """The handler waits until the interpreter is whole again: nothing is lost and nothing is printed."""
    def sends_itself(*_):
        os.kill(os.getpid(), signal.SIGALRM)

    class Stream:
        flush = sends_itself

        def write(self, text):
            raise AssertionError(text)
    signal.signal(signal.SIGALRM, raises)
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", Stream())
        with pytest.raises(Alarm):
            tw.Pool(2)
        assert signal.getsignal(signal.SIGALRM) is raises
        with pytest.raises(Alarm):
            tw.run(lambda y: y, "y[i] -> r[i]", Y, pool="processes", workers=2, tiles={"i": 4})
    assert signal.getsignal(signal.SIGALRM) is raises
    with tw.Pool(2) as pool:
        assert usable(pool)


def test_a_statement_is_left_between_tiles(shared_pools):
    """No Python code runs in its tiles; the caller looks for signals itself."""
    a = np.ones((2, 1 << 14))
    signal.signal(signal.SIGALRM, raises)
    for kind in ("threads", "serial", "processes"):
        began = time.monotonic()
        with pytest.raises(Alarm):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            while time.monotonic() < began + 30:
                shared_pools[kind].evaluate("r[i,j] = sin(a[i,j]) ** 1.5", a=a, tiles={"j": 64})
        assert time.monotonic() - began < 20


def test_a_thread_that_is_not_the_main_one_hears_of_no_alarm():
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    results = []
    thread = threading.Thread(target=lambda: results.append(
        tw.run(lambda y: (time.sleep(0.02), y)[1], "y[i] -> r[i]", Y, pool="threads", workers=2, tiles={"i": 1})))
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    thread.join()
    assert results[0].tolist() == Y.tolist()
