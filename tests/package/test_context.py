"""The caller's context: context variables, errstate, decimal's context and filters of warnings hold for every tile."""

import contextvars
import decimal
import importlib.util
import time
import warnings

import numpy as np
import pytest

import tilework as tw
from conftest import run_python

Y = np.arange(6.0)
VARIABLE = contextvars.ContextVar("VARIABLE", default=0)


def read(y):
    time.sleep(0.005)  # so that each worker has some
    errors = np.geterr()
    return (np.full(len(y), VARIABLE.get()), np.full(len(y), errors["divide"] == "raise"),
            np.full(len(y), decimal.getcontext().prec))


SIGNATURE = "y[i] -> v[i]:f8, e[i]:b1, p[i]:i8"


def run(pool, kernel=read, signature=SIGNATURE, **options):
    return pool.run(kernel, signature, Y, tiles={"i": 1}, **options)


@pytest.fixture(params=["processes", "threads", "serial"])
def kept(request):
    with tw.Pool(1 if request.param == "serial" else 3, request.param) as pool:
        yield pool


def check(found, variable, raises, precision):
    assert [part.tolist() for part in found] == [[variable] * 6, [raises] * 6, [precision] * 6]


def test_the_context_of_the_call_holds_for_all_tiles(kept):
    VARIABLE.set(0)
    check(run(kept), 0, False, 28)
    token = VARIABLE.set(5)
    with np.errstate(divide="raise"), decimal.localcontext() as context:
        context.prec = 9
        check(run(kept), 5, True, 9)
        context.prec = 10
        check(run(kept), 5, True, 10)
    VARIABLE.reset(token)
    check(run(kept), 0, False, 28)


def test_errstate_that_raises_does_so_in_every_tile(kept):
    def divide(y):
        time.sleep(0.002)
        return y / np.zeros(len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(kept.run(divide, "y[i] -> r[i]", np.zeros(6), tiles={"i": 1})).all()
    with np.errstate(all="raise"), pytest.raises(tw.TileError, match="FloatingPointError") as caught:
        kept.run(divide, "y[i] -> r[i]", np.zeros(6), tiles={"i": 1}, keep_going=True, report=True)
    assert (caught.value.report.tiles["state"] == 3).all()


def test_filters_of_warnings_hold_for_all_tiles(kept):
    def warns(y):
        warnings.warn("from a kernel", UserWarning, stacklevel=1)
        return y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (kept.run(warns, "y[i] -> r[i]", Y, tiles={"i": 1}) == Y).all()
        warnings.simplefilter("error")
        with pytest.raises(tw.TileError, match="UserWarning: from a kernel"):
            kept.run(warns, "y[i] -> r[i]", Y, tiles={"i": 1})
        warnings.simplefilter("ignore")
        assert (kept.run(warns, "y[i] -> r[i]", Y, tiles={"i": 1}) == Y).all()


def test_what_a_kernel_sets_stays_in_its_run(kept):
    def sets(y):
        VARIABLE.set(VARIABLE.get() + 100)
        np.seterr(divide="raise")
        decimal.getcontext().prec = 3
        return y
    VARIABLE.set(1)
    before = decimal.getcontext()
    flags = dict(before.flags)
    for _ in range(2):
        kept.run(sets, "y[i] -> r[i]", Y, tiles={"i": 1})
        assert VARIABLE.get() == 1 and np.geterr()["divide"] == "warn" and before.prec == 28
        assert decimal.getcontext() is before and before.flags == flags
        check(run(kept), 1, False, 28)


def test_a_worker_keeps_its_context_from_tile_to_tile_of_a_run():
    def counts(y):
        VARIABLE.set(VARIABLE.get() + 1)
        return np.full(len(y), VARIABLE.get())
    VARIABLE.set(0)
    for pool in ("serial", "processes"):
        assert tw.run(counts, "y[i] -> r[i]:i8", Y, tiles={"i": 1}, pool=pool, workers=1).tolist() == [1, 2, 3, 4, 5, 6]


def test_a_context_that_is_entered_already_and_runs_in_kernels():
    def outer(y):
        VARIABLE.set(VARIABLE.get() + 1)
        inner = tw.run(lambda y: np.full(len(y), VARIABLE.get()), "y[i] -> r[i]:i8", y, tiles={"i": 1}, pool=kind, workers=2)
        return inner.astype(float)
    VARIABLE.set(6)
    for kind in ("serial", "threads", "processes"):
        for pool in ("serial", "threads", "processes"):
            r = contextvars.copy_context().run(tw.run, outer, "y[i] -> r[i]", Y, tiles={"i": 6}, pool=pool)
            assert r.tolist() == [7] * 6
    assert VARIABLE.get() == 6


@pytest.mark.parametrize("inner", ["processes", "threads", "serial"])
def test_a_checked_run_inside_of_a_kernel_leaves_the_kernels_context_as_it_was(inner, capfd):
    def outer(y):
        VARIABLE.set(VARIABLE.get() + 1)
        tw.run(lambda y: VARIABLE.set(9) and y, "y[i] -> r[i]", y, pool=inner, check=True)
        return np.full(len(y), VARIABLE.get())
    VARIABLE.set(0)
    for kind in ("serial", "processes"):
        r = tw.run(outer, "y[i] -> r[i]:i8", Y, tiles={"i": 2}, pool=kind, workers=1, check=False)
        assert r.tolist() == [1, 1, 2, 2, 3, 3]
        tw.run(lambda y: VARIABLE.set(9) and y, "y[i] -> r[i]", Y, pool=kind, check=True)
        assert VARIABLE.get() == 0
    assert capfd.readouterr().err == ""


def test_workers_are_forked_again_if_the_context_differs_and_only_then():
    def reforks(pool):
        return run(pool, report=True)[1].totals["reforks"]
    VARIABLE.set(1.5)
    with tw.Pool(2) as pool:
        assert reforks(pool) == 1
        for _ in range(3):
            VARIABLE.set(float("1.5"))  # an equal one
            with np.errstate(divide="warn"), warnings.catch_warnings():
                assert reforks(pool) == 0
        VARIABLE.set(-0.0)
        assert reforks(pool) == 1
        VARIABLE.set(0.0)
        assert reforks(pool) == 1 and reforks(pool) == 0
        values = [1]
        VARIABLE.set(values)
        measure = lambda y: np.full(len(y), len(VARIABLE.get()))  # noqa: E731
        assert run(pool, measure, "y[i] -> r[i]:i8").tolist() == [1] * 6
        values.append(2)
        assert run(pool, measure, "y[i] -> r[i]:i8").tolist() == [2] * 6
        VARIABLE.set(np.ones(3))  # whose comparison has no truth
        assert run(pool, measure, "y[i] -> r[i]:i8").tolist() == [3] * 6
        VARIABLE.set(0)


def test_a_request_that_is_refused_changes_nothing_of_what_workers_know():
    with tw.Pool(2) as pool:
        VARIABLE.set(1)
        check(run(pool), 1, False, 28)
        VARIABLE.set(2)
        with pytest.raises(TypeError):
            pool.run(lambda a, b, c, d: None, "y[i] -> r[i]", Y)
        check(run(pool), 2, False, 28)
        VARIABLE.set(0)


@pytest.mark.skipif(importlib.util.find_spec("cloudpickle") is None, reason="cloudpickle is not installed")
def test_spawned_workers_have_errstate_and_decimal_alone():
    def kernel(y):
        import decimal as numbers
        return np.full(len(y), np.geterr()["divide"] == "raise"), np.full(len(y), numbers.getcontext().prec)
    signature = "y[i] -> e[i]:b1, p[i]:i8"
    with tw.Pool(2, start="spawn") as pool:
        for raises, precision in ((False, 28), (True, 9), (False, 28)):
            with np.errstate(divide="raise" if raises else "warn"), decimal.localcontext() as context:
                context.prec = precision
                e, p = pool.run(kernel, signature, Y, tiles={"i": 1})
                assert e.tolist() == [raises] * 6 and p.tolist() == [precision] * 6


def test_threads_of_the_program_have_their_own_contexts():
    code, out, err = run_python("""
        import contextvars, threading
        import numpy as np, tilework as tw
        V = contextvars.ContextVar("V", default=0)
        pool, found = tw.Pool(2), {}
        def kernel(y):
            return np.full(len(y), V.get())
        def work(k):
            V.set(k)
            for _ in range(5):
                found.setdefault(k, set()).update(pool.run(kernel, "y[i] -> r[i]:i8", np.zeros(4), tiles={"i": 1}).tolist())
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print(found == {k: {k} for k in range(4)})
        """)
    assert code == 0 and out == "True\n", err
