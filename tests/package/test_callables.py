"""Whatever can be called is a kernel: how many arrays it takes is found, or asked for before anything runs."""

import functools
import math
import operator
import os
import signal
import time
import warnings

import numpy as np
import pytest

import tilework as tw

U, V = np.arange(6.0), np.arange(6.0) + 1
ONE, TWO = "u[i] -> r[i]", "u[i], v[i] -> r[i]"
SPLIT = {"i": 2}


def returns(a, n=2):
    return a * n


def fills(a, r):
    r[...] = a * 2


def silent(function):
    """A decorator that does not say what it is around."""
    def inner(*arguments, **keywords):
        return function(*arguments, **keywords)
    return inner


def saying(function):
    @functools.wraps(function)
    def inner(*arguments, **keywords):
        return function(*arguments, **keywords)
    return inner


class Timer:
    """A decorator that is a class."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments, **keywords):
        self.calls += 1
        return self.function(*arguments, **keywords)


class Scale:
    factor = 2

    def method(self, a):
        return a * self.factor

    @silent
    def wrapped(self, a):
        return a * self.factor

    @classmethod
    def of_class(cls, a):
        return a * cls.factor

    @staticmethod
    def static(a):
        return a * 2

    def __call__(self, a):
        return a * 2

    partial = functools.partialmethod(lambda self, k, a: a * k, 2)


class Filling:
    def __call__(self, a, r):
        r[...] = 2 * a


@functools.singledispatch
def dispatched(a):
    return a * 2


TWICE = [
    returns, fills, silent(returns), silent(fills), saying(returns), saying(fills), silent(saying(silent(fills))),
    Timer(returns), Timer(fills), silent(Timer(fills)), Scale().method, Scale().wrapped, Scale.of_class, Scale.static, Scale(),
    Scale().partial, Filling(), dispatched, np.vectorize(lambda x: x * 2), np.vectorize(returns),
    functools.partial(np.vectorize(operator.mul), 2), functools.partial(operator.mul, 2), functools.partial(returns, n=2),
    functools.partial(silent(operator.mul), 2.0), functools.partial(np.multiply, 2), functools.partial(np.multiply, 2.0, dtype=float),
    operator.methodcaller("__mul__", 2),
    functools.partial(lambda a, r, *, k: np.multiply(a, k, out=r), k=2), lambda *a: a[0] * 2,
]


@pytest.mark.parametrize("number", range(len(TWICE)))
def test_is_called_as_it_wants_to_be(number):
    r = tw.run(TWICE[number], ONE, U, tiles=SPLIT, pool="serial")
    assert r.tolist() == (2 * U).tolist() and r.dtype == U.dtype


@pytest.mark.parametrize("kernel, name", [(max, "max"), (min, "min"), (functools.partial(max), "max")])
def test_what_says_nothing_is_asked(kernel, name):
    with pytest.raises(TypeError, match=rf"the kernel {name} does not say how many arrays it takes: write lambda u, v: f\(u, v\) "
                                        r"if it returns its result, or lambda u, v, r: f\(u, v, r\) if it fills r"):
        tw.run(kernel, TWO, U, V)


@functools.lru_cache
def cached(a):
    return a * 2


def generator(a):
    yield a


async def later(a):
    return a


def by_name(a, *, scale):
    return a * scale


def only_tile(tile):
    return tile * 2


@pytest.mark.parametrize("kernel, sentence", [
    (cached, r"kernel cached \(test_callables.py:\d+\) keeps its results in a cache, which cannot look up arrays"),
    (generator, r"kernel generator \(test_callables.py:\d+\) is a generator function"),
    (later, r"kernel later \(test_callables.py:\d+\) is an async function"),
    (by_name, r"needs scale by name.* functools.partial\(f, scale=...\)"),
    (only_tile, r"its only argument is tile, which gets the place of the tile; take the arrays before it \(def f\(u, tile\)\)"),
    (Scale.method, r"kernel Scale.method \(test_callables.py:\d+\) is a method without its object: give Scale\(\).method"),
    (np.add, "kernel numpy.add takes 2 arrays and returns 1, but the signature has 1 input and 1 output: u, r"),
    (np.modf, "kernel numpy.modf takes 1 array and returns 2, but the signature has 1 input and 1 output: u, r"),
    (lambda: 1, "takes 0 arrays, but the signature has 2"),
    (np.vectorize(lambda x, y: x), "takes 2 arrays and returns 1, but the signature has 1 input"),
])
def test_what_cannot_work_is_refused_before_the_run(kernel, sentence):
    with pytest.raises(TypeError, match=sentence):
        tw.run(kernel, ONE, U)


def scalar_branch(a):
    return a if a > 2 else 0


@pytest.mark.parametrize("kernel, advice", [
    (scalar_branch, r"called with the arrays of a tile, not with single numbers.*np.vectorize\(f\)"),
    (math.sqrt, r"called with the arrays of a tile, not with single numbers.*np.vectorize\(f\)"),
    (np.copyto, r"inputs of a kernel \(u\) are read-only: write to r, which comes behind them"),
    (lambda *a: np.sqrt(a[0], 3, 4, 5), r"so it was given u, r to fill r; if it returns its result, say so: lambda u: f\(u\)"),
])
def test_the_usual_mistakes_are_explained(kernel, advice):
    with pytest.raises(tw.TileError, match=advice):
        tw.run(kernel, ONE, U, workers=1, parts={"i": 1})


def test_numba_functions_that_want_writable_arrays_are_explained():
    numba = pytest.importorskip("numba")
    eager = numba.njit("f8[:](f8[:])")(lambda a: a * 2)
    with pytest.raises(tw.TileError, match=r"leave the types out of @njit, or give them as types.Array"):
        tw.run(eager, ONE, U, workers=1)
    allowed = numba.njit(numba.types.Array(numba.f8, 1, "C")(numba.types.Array(numba.f8, 1, "A", readonly=True)))
    assert tw.run(allowed(lambda a: a * 2), ONE, U, workers=1).tolist() == (2 * U).tolist()
    assert tw.run(numba.vectorize(["f8(f8)"])(lambda x: x * 2), ONE, U, tiles=SPLIT).tolist() == (2 * U).tolist()


def operate(a, r):
    r[0] = 1 / 0


class Operation:
    def __call__(self, a):
        raise ValueError("no root")


def here(function):
    return rf"\(test_callables.py:{function.__code__.co_firstlineno}\)"


@pytest.mark.parametrize("kernel, name", [
    (operate, f"operate {here(operate)}"), (saying(operate), f"operate {here(operate)}"),
    (functools.partial(operate), f"operate {here(operate)}"), (lambda a: 1 / 0, r"<lambda> \(test_callables.py:\d+\)"),
    (Operation(), f"Operation.__call__ {here(Operation.__call__)}"), (np.vectorize(lambda x: 1 / 0), r"<lambda> \(test_"),
    (math.sqrt, "math.sqrt"),
])
def test_errors_name_the_function_of_the_user(kernel, name):
    with pytest.raises(tw.TileError, match=rf"^kernel {name}.* ?failed at tile 0, "):
        tw.run(kernel, ONE, U, workers=1)


def kill(a):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(a):
    time.sleep(30)


def leave(a, r):
    r[:-1] = 1


def test_deaths_timeouts_and_the_guard_name_the_function_of_the_user():
    with pytest.raises(tw.TileError, match=rf"in kernel kill {here(kill)}; it was not run again"):
        tw.run(kill, ONE, U, workers=1, retries=0)
    with pytest.raises(tw.TileError, match=rf"took longer than .* in kernel sleep {here(sleep)}"):
        tw.run(sleep, ONE, U, workers=1, retries=0, timeout=0.1)
    with pytest.raises(tw.TileError, match=rf"kernel leave {here(leave)} left r\[5\] unwritten"):
        tw.run(leave, ONE, U, workers=1, guard=True, parts={"i": 1})


def test_an_input_given_as_output_names_the_signature_in_place():
    a = np.ones((2, 3))
    with pytest.raises(tw.ArgumentError, match=r"to change a in place, name it on both sides: a\[i,j\] -> a\[i,j\]"):
        tw.run(lambda a: a + 1, "a[i,j] -> r[i,j]", a, out=a)
    assert tw.run(lambda a: a + 1, "a[i,j] -> a[i,j]", a) is a and (a == 2).all()


@pytest.mark.parametrize("pool", ["threads", "serial"])
def test_warnings_of_a_ufunc_point_to_the_run(pool):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        tw.run(np.sqrt, ONE, -V, pool=pool)  # here
    assert {warning.filename for warning in seen} == {__file__}
    assert {warning.lineno for warning in seen} == {number for number, line in enumerate(open(__file__), 1)
                                                    if line.endswith("pool=pool)  # here\n")}
