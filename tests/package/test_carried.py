"""A kept pool of processes: a callable and what it carries are what they are at the call, and forks are spared where nothing
has changed."""

import decimal
import enum
import functools
import gc
import math
import os
import types
import weakref

import numpy as np
import pytest

import tilework as tw
from tilework import _carried

Y = np.arange(6.0)


class Simulation:
    def __init__(self, dt=0.0):
        self.dt = dt

    def step(self, y):
        return y * self.dt

    def __call__(self, y):
        return y * self.dt


class Slotted:
    __slots__ = ("dt",)

    def step(self, y):
        return y * self.dt


def scaled(y, factor=1.0, *, offset=0.0):
    return y * factor + offset


def run(pool, kernel):
    return pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 3})


@pytest.fixture(params=["fork", "spawn", "threads"])
def kept(request):
    if request.param == "spawn":
        pytest.importorskip("cloudpickle")
    with tw.Pool(2, "threads" if request.param == "threads" else "processes",
                 start="spawn" if request.param == "spawn" else "fork") as pool:
        yield pool


def test_what_weak_references_and_ufuncs_of_python_lead_to_is_as_it_is_at_the_call():
    s = Simulation()
    weak, ufunc = weakref.ref(s), np.frompyfunc(lambda y: y * s.dt, 1, 1)
    with tw.Pool(2) as kept:
        for kernel in (lambda y: y * weak().dt, lambda y: ufunc(y).astype(float)):
            for s.dt in (0.5, 0.25, 0.125):
                assert run(kept, kernel).tolist() == (Y * s.dt).tolist()


@pytest.mark.parametrize("make", [Simulation, Slotted])
def test_the_object_of_a_method_is_as_it_is_at_the_call(kept, make):
    s = make()
    for s.dt in (0.5, 0.25, 0.125):
        assert run(kept, s.step).tolist() == (Y * s.dt).tolist()


def test_an_object_that_is_called_is_as_it_is_at_the_call(kept):
    s = Simulation()
    for s.dt in (0.5, np.float32(0.25), np.full(6, 3.0)[:3].mean(), decimal.Decimal(2)):
        s.dt = float(s.dt)
        assert run(kept, s).tolist() == (Y * s.dt).tolist()


def test_arrays_and_lists_that_an_object_has_are_as_they_are_at_the_call(kept):
    s = Simulation()
    s.dt = np.ones(1)
    for factor in (2, 3):
        s.dt[0] = factor
        assert run(kept, s.step).tolist() == (Y * factor).tolist()
    values = [1, 2]
    kernel = lambda y: y * sum(values)  # noqa: E731
    for more in (3, 4):
        values.append(more)
        assert run(kept, kernel).tolist() == (Y * sum(values)).tolist()


def test_closures_defaults_and_attributes_are_as_they_are_at_the_call(kept):
    factor = 1.0

    def kernel(y, add=1.0, *, more=0.0):
        return y * factor + add + more + getattr(kernel, "extra", 0)
    assert run(kept, kernel).tolist() == (Y + 1).tolist()
    factor = 2.0
    assert run(kept, kernel).tolist() == (2 * Y + 1).tolist()
    kernel.__defaults__ = (5.0,)
    assert run(kept, kernel).tolist() == (2 * Y + 5).tolist()
    kernel.__kwdefaults__ = {"more": 10.0}
    assert run(kept, kernel).tolist() == (2 * Y + 15).tolist()
    kernel.extra = 100
    assert run(kept, kernel).tolist() == (2 * Y + 115).tolist()
    kernel.__code__ = (lambda factor: lambda y, add=1.0, *, more=0.0: y - add if factor else kernel)(1).__code__
    assert run(kept, kernel).tolist() == (Y - 5).tolist()


def test_what_a_partial_has_is_as_it_is_at_the_call(kept):
    s = Simulation(2.0)
    partial = functools.partial(lambda s, y, factor: y * s.dt * factor[0], s, factor=[1.0])
    assert run(kept, partial).tolist() == (Y * 2).tolist()
    s.dt = 3.0
    assert run(kept, partial).tolist() == (Y * 3).tolist()
    partial.keywords["factor"][0] = 2.0
    assert run(kept, partial).tolist() == (Y * 6).tolist()


def test_what_a_decorated_function_wraps_is_as_it_is_at_the_call(kept):
    factor = 2.0

    def inner(y):
        return y * factor

    @functools.wraps(inner)
    def outer(*arguments):
        return inner(*arguments)
    assert run(kept, outer).tolist() == (Y * 2).tolist()
    factor = 3.0
    assert run(kept, outer).tolist() == (Y * 3).tolist()


def test_a_change_and_its_undoing_between_other_runs_are_seen():
    s, other = Simulation(1.0), Simulation(5.0)
    with tw.Pool(2) as pool:
        assert run(pool, s.step).tolist() == Y.tolist()
        s.dt = 2.0
        assert run(pool, other.step).tolist() == (Y * 5).tolist()  # is forked while s.dt is 2
        s.dt = 1.0
        assert run(pool, s.step).tolist() == Y.tolist()
        s.dt = 2.0
        with pytest.raises(tw.TileError):
            pool.run(lambda y: os._exit(1), "y[i] -> r[i]", Y, retries=0)
        s.dt = 1.0
        assert run(pool, s.step).tolist() == Y.tolist()


@pytest.mark.parametrize("before, after", [(0.0, -0.0), (1, 1.0), (1, True), ("a", b"a"), ((1, 2.0), (1, 2)), (None, ...),
                                           (np.float32(1), np.float64(1)), (frozenset({1}), frozenset({1.0})), (1j, -1j),
                                           (math.nan, 0.0), ([1], [2]), ({"a": 1}, {"a": 2}), (Simulation(1), Simulation(2)),
                                           (np.datetime64(1, "s"), np.datetime64(1, "m")), (np.sin, np.cos), (np, math)])
def test_values_that_differ_are_told_apart(before, after):
    def carrying(value):
        return _carried.of(lambda y: value)
    assert carrying(before) is not None and carrying(before) != carrying(after)
    assert carrying(before) == carrying(before)


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize("value", [3, 2.5, -0.0, math.nan, 2**100, "text", b"bytes", None, True, (1, (2, "x")), ..., 1j,
                                   frozenset({1, 2}), np.float32(2), np.int8(1), Colour.RED, decimal.Decimal("0.1"), np,
                                   [1, 2], {"a": [1]}, Simulation(2.0), types.SimpleNamespace(a=1), np.dtype("f4"), int,
                                   len, np.sum, scaled, functools.partial(scaled, factor=2.0)],
                         ids=lambda value: type(value).__name__)
def test_a_kernel_that_carries_plain_values_is_not_sent_again(value):
    def kernel(y):
        return y if value is not kernel else None
    with tw.Pool(2) as pool:
        run(pool, kernel)
        for _ in range(2):
            _, report = pool.run(kernel, "y[i] -> r[i]", Y, report=True)
            assert report.totals["reforks"] == 0


def test_a_function_of_numba_is_compiled_in_each_worker_but_once():
    numba = pytest.importorskip("numba")
    twice = numba.njit(lambda y: 2 * y)
    with tw.Pool(2) as pool:
        for first in (True, False):
            r, report = pool.run(twice, "y[i] -> r[i]", Y, report=True)
            assert r.tolist() == (2 * Y).tolist() and report.totals["reforks"] == first


def test_shared_arrays_that_a_kernel_carries_need_no_fork():
    factor = tw.zeros(1)
    kernel = lambda y: y * factor  # noqa: E731
    with tw.Pool(2) as pool:
        run(pool, kernel)
        factor[0] = 3
        r, report = pool.run(kernel, "y[i] -> r[i]", Y, report=True)
        assert r.tolist() == (Y * 3).tolist() and report.totals["reforks"] == 0


def test_a_kernel_that_carries_an_array_is_sent_again_and_never_pickled():
    class Unpickled(np.ndarray):
        def __reduce_ex__(self, protocol):
            raise AssertionError("pickled")
    factor = np.ones(6).view(Unpickled)
    kernel = lambda y, r: np.multiply(y, factor[:len(r)], out=r) is None  # noqa: E731
    with tw.Pool(2) as pool:
        for value in (1.0, 2.0):
            factor[...] = value
            assert pool.run(lambda y, f=factor: np.asarray(y * f[:3]), "y[i] -> r[i]", Y, tiles={"i": 3}).tolist() == (Y * value).tolist()
        assert _carried.of(kernel) is None


def test_large_values_are_not_looked_at_as_a_whole():
    many = list(range(10**6))
    assert _carried.of(lambda y: many) is None


def test_globals_are_those_of_the_fork_until_refresh():
    space = {}
    exec("factor = 2\ndef kernel(y): return y * factor", space)
    with tw.Pool(2) as pool:
        assert run(pool, space["kernel"]).tolist() == (Y * 2).tolist()
        space["factor"] = 3
        assert run(pool, space["kernel"]).tolist() == (Y * 2).tolist()
        pool.refresh()
        assert run(pool, space["kernel"]).tolist() == (Y * 3).tolist()


def test_a_callable_that_was_dropped_is_not_taken_for_a_new_one():
    with tw.Pool(2) as pool:
        for k in range(25):
            s = Simulation(float(k))
            assert run(pool, s.step).tolist() == (Y * k).tolist()
            del s
            gc.collect()


def test_kernels_that_know_their_own_pool_or_themselves_are_not_sent_again():
    class Model:
        def __init__(self):
            self.pool = tw.Pool(2)
            self.again = self
            self.factor = 2

        def kernel(self, y):
            return self.factor * y
    model = Model()
    run(model.pool, model.kernel)
    _, report = model.pool.run(model.kernel, "y[i] -> r[i]", Y, report=True)
    assert report.totals["reforks"] == 0
    model.pool.close()
