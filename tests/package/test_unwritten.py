"""New outputs that a kernel fills: every element is written, or an error names one that is not; until then they are zeros."""

import os
import random
import signal
import time

import numpy as np
import pytest

import tilework as tw

A = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)


def rebinds(a, r):
    r = a.sum(1)  # noqa: F841


def fills_half(a, r):
    r[:len(r) // 2] = 1


def leaves_the_last(a, r):
    r[:-1] = a.sum(1)[:-1]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "u1", "?", "i4", "c16", "U3", "M8[s]", [("a", "i2"), ("b", "f4")]])
@pytest.mark.parametrize("kernel, place", [(lambda a, r: None, r"r\[0\] and 2 more elements"), (fills_half, r"r\[1\] and one more"),
                                           (lambda a, r: r, r"r\[0\]")])
def test_what_is_left_is_named(pool, kernel, place, dtype, check):
    with pytest.raises(tw.TileError, match=f"tile 0.*left {place}.*assign to r") as caught:
        pool.run(kernel, "a[i,k] -> r[i]", A, dtype=np.dtype(dtype), tiles={"i": 3}, check=check)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_name_that_is_given_to_another_array_is_found(pool):
    for kernel in (rebinds, leaves_the_last):
        with pytest.raises(tw.TileError, match=r"left r\[[02]\].*assign to r\[\.\.\.\]"):
            pool.run(kernel, "a[i,k] -> r[i]", A, tiles={"i": 3})


def test_check_looks_at_every_tile(pool):
    def kernel(y, r, tile):
        if tile.number != 1:
            r[...] = y + 1
    pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2})
    with pytest.raises(tw.TileError, match=r"tile 1.*left r\[2\]"):
        pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2}, check=True)


def test_one_of_several_outputs(pool):
    def kernel(y, r, s):
        r[...] = 1
        s[0] = 1
    with pytest.raises(tw.TileError, match=r"left s\[1\]"):
        pool.run(kernel, "y[i] -> r[i], s[i]", Y, tiles={"i": 2})


def adds_one(y, h):
    h += 1


def adds_some(y, h):
    h += y > 3


def adds_none(y, h):
    h += y > 100


def counts(y, h):
    np.add.at(h, (y > 3).astype(int), 1)


def writes_zeros(y, h):
    h[...] = 0 * y


def has_some_zeros(y, h):
    h[...] = np.where(y > 2, y, 0)


def masks(y, h):
    h[y > 100] = 1


def largest(y, h):
    np.maximum(h, y, out=h, casting="unsafe")


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1"])
@pytest.mark.parametrize("kernel", [adds_one, adds_some, adds_none, counts, writes_zeros, has_some_zeros, masks, largest])
def test_kernels_that_write_zeros_or_read_them_go_on_working(pool, kernel, dtype):
    wanted = np.zeros(6, dtype)
    for first in (0, 2, 4):
        kernel(Y[first:first + 2], wanted[first:first + 2])
    for _ in range(3):  # memory of the last run is used again
        assert pool.run(kernel, "y[i] -> h[i]", Y, dtype=dtype, tiles={"i": 2}).tolist() == wanted.tolist()


def test_new_outputs_are_zeros_where_a_worker_died():
    def kernel(y, h, tile):
        h += 1
        if tile.attempt == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    assert tw.run(kernel, "y[i] -> h[i]", Y, tiles={"i": 3}, workers=2).tolist() == [1] * 6


def test_what_the_user_gives_is_left_alone(pool):
    given = tw.share(np.full(6, 7.0))
    pool.run(fills_half, "a[i,k] -> r[i]", A, out=given, tiles={"i": 2})
    assert given.tolist() == [1, 7] * 3
    r, s = np.full(6, 2.0), None

    def kernel(y, r, s):
        r *= 3  # once, though s has a zero
        s[...] = y
    s = pool.run(kernel, "y[i], r[i] -> r[i], s[i]", Y, r, tiles={"i": 2})[1]
    assert r.tolist() == [6] * 6 and s.tolist() == Y.tolist()


def test_a_kernel_that_returns_is_not_run_again():
    calls = []

    def kernel(y):
        calls.append(len(y))
        return 0 * y
    tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2}, pool="serial")
    assert calls == [2, 2, 2]


def test_a_kernel_that_leaves_no_zero_is_not_run_again():
    calls = []

    def kernel(y, r):
        calls.append(len(y))
        r[...] = y + 1
    tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2}, pool="serial")
    assert calls == [2, 2, 2]
    calls.clear()
    tw.run(lambda y, r: calls.append(1) or np.copyto(r, y), "y[i] -> r[i]", Y, tiles={"i": 2}, pool="serial")
    assert len(calls) == 4  # tile 0 has a zero


def test_no_length_and_no_dimension(pool):
    assert pool.run(lambda y, r: None, "y[i] -> r[i]", np.zeros(0)).shape == (0,)
    with pytest.raises(tw.TileError, match=r"left r\[\] unwritten"):
        pool.run(lambda y, r: None, "y[i] -> r[]", Y)
    assert pool.run(lambda y, r: r.fill(y[0]), "y[i] -> r[]", Y) == 0


def test_compiled_kernels_that_write_zeros():
    numba = pytest.importorskip("numba")

    @numba.njit
    def kernel(y, r):
        for i in range(len(y)):
            r[i] = y[i] - y[i]
    assert tw.run(kernel, "y[i] -> r[i]", Y, pool="serial").tolist() == [0] * 6

    @numba.njit
    def nothing(y, r):
        pass
    with pytest.raises(tw.TileError, match=r"left r\[0\]"):
        tw.run(nothing, "y[i] -> r[i]", Y, pool="serial")


def test_each_of_several_outputs_is_looked_at(pool):
    def one(y, r, s):
        r[...] = 0
    with pytest.raises(tw.TileError, match=r"left s\[0\] and one more"):
        pool.run(one, "y[i] -> r[i], s[i]", Y, tiles={"i": 2})
    with pytest.raises(tw.TileError, match=r"left r\[0\] and one more"):
        pool.run(lambda y, r, s: (r, y), "y[i] -> r[i], s[i]", Y, tiles={"i": 2})
    with pytest.raises(tw.TileError, match=r"left s\[1\] unwritten"):
        pool.run(lambda y, r, s: (y, s.__setitem__(0, 0)), "y[i] -> r[i], s[i]", Y, tiles={"i": 2})
    for back in pool.run(lambda y, r, s: (r.fill(0), y), "y[i] -> r[i], s[i]", Y, tiles={"i": 2}), \
            pool.run(lambda y, r, s: (y, y - y), "y[i] -> s[i], r[i]", Y, tiles={"i": 2})[::-1]:
        assert back[0].tolist() == [0] * 6 and back[1].tolist() == Y.tolist()


def test_a_kernel_that_returns_its_input_has_written(pool):
    assert pool.run(lambda y, r: y, "y[i] -> r[i]", Y, tiles={"i": 2}).tolist() == Y.tolist()


@pytest.mark.parametrize("dtype", ["f8", "f4", "c8"])
def test_random_numbers_are_not_taken_for_what_was_there(pool, dtype):
    def seeded(y, r):
        r[:2] = np.random.rand(2) * 250

    def fresh(y, r):
        r[:2] = np.random.default_rng().random(2)
    for kernel in (seeded, fresh):
        with pytest.raises(tw.TileError, match=r"left r\[2\] unwritten"):
            pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 3}, dtype=dtype)

    if pool.kind != "threads":
        with pytest.raises(tw.TileError, match=r"left r\[2\] unwritten"):
            pool.run(seeded, "y[i] -> r[i]", Y, tiles={"i": 3}, dtype="u1")

    def adds(y, r):
        r[:2] += np.random.default_rng().random(2)
    assert (pool.run(adds, "y[i] -> r[i]", Y, tiles={"i": 3}, dtype=dtype) != 0).tolist() == [True, True, False] * 2


@pytest.mark.parametrize("dtype", ["g", "G", np.dtype([("a", "u1"), ("b", "f8")], align=True), [("a", "u1"), ("b", "g", (2,))], "V7"])
def test_bytes_between_those_of_a_value_are_no_matter(pool, dtype):
    values = np.ones(6, dtype)
    with pytest.raises(tw.TileError, match=r"left r\[2\] unwritten"):
        pool.run(lambda y, r: r[:2].__setitem__(..., values[:2]), "y[i] -> r[i]", Y, tiles={"i": 3}, dtype=dtype)
    zeros = np.zeros(6, dtype)
    assert (pool.run(lambda y, r: r.__setitem__(..., zeros[:len(r)]), "y[i] -> r[i]", Y, tiles={"i": 3}, dtype=dtype) == zeros).all()

    def kernel(y):
        found = np.frombuffer(os.urandom(len(y) * values.itemsize), values.dtype).copy()
        found[...] = values[:len(y)]
        return found
    if values.dtype.kind != "V" or values.dtype.names:  # as fields, and not as bytes
        assert (pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 3}, check=True) == values).all()


def test_later_tiles_draw_what_they_draw_in_a_loop():
    def kernel(y, r):
        r[...] = np.random.randint(0, 2, len(y)) * random.randint(1, 9)
    results = []
    for run in range(2):
        np.random.seed(3)
        random.seed(3)
        wanted = np.zeros(6)
        if run == 0:
            for n in (0, 2, 4):
                kernel(Y[n:n + 2], wanted[n:n + 2])
        else:
            wanted = tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2}, pool="serial")
        results.append(wanted.tolist())
    assert 0 in results[0][:2] and results[0] == results[1]


def test_a_second_run_costs_no_timeout():
    def kernel(y, r):
        time.sleep(1.6)
        r[...] = 0
    _, report = tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 3}, timeout=3.0, retries=0, workers=2, report=True)
    assert report.totals["timeouts"] == 0


def test_a_worker_that_dies_of_the_second_run_runs_no_other():
    def kernel(y, r):
        if r[0] != 0:
            os.kill(os.getpid(), signal.SIGKILL)
        r[...] = 0
    result, report = tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 3}, workers=2, report=True)
    assert result.tolist() == [0] * 6 and report.totals["deaths"] == 1

    def nothing(y, r, tile):
        if tile.attempt == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(tw.TileError, match="left r"):  # a death of another cause hides nothing
        tw.run(nothing, "y[i] -> r[i]", Y, tiles={"i": 3}, workers=2)
