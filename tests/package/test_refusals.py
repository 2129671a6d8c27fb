"""Requests that make no sense: one sentence that says what, and an exception that callers expect."""

import numpy as np
import pytest

import tilework as tw

Y, X = np.arange(4.0), np.arange(3.0)


def product(y, x):
    return y[:, None] * x


@pytest.mark.parametrize("arguments, options, error, words", [
    (("y[i], x[j] -> r[i,j", Y, X), {}, tw.NotationError, "column|expected|,|]"),
    (("y[i], x[j] -> r[i,j]", Y), {}, tw.ArgumentError, "1 operands given for a signature that takes 2: y, x"),
    (("y[i], x[j] -> r[i,j]", Y, np.ones((2, 2))), {}, tw.ArgumentError, "x has 2 dimensions"),
    (("y[i], x[i] -> r[i]", Y, X), {}, tw.ArgumentError, "axis i"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"cuts": {"k": [1]}}, tw.ArgumentError, "k"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"cuts": {"i": [3, 1]}}, tw.ArgumentError, "i"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"cuts": {"i": [4]}}, tw.ArgumentError, "i"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"cuts": [1]}, TypeError, "cuts is a dict"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"cuts": {"i": [1.5]}}, TypeError, "whole number"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"tiles": {"i": 0}}, tw.ArgumentError, "at least 1"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"tiles": {"i": 1}, "parts": {"i": 1}}, tw.ArgumentError, "divided twice"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"tiles": {"i": True}}, TypeError, "whole number"),
    (("y[i], x[j] -> r[i]", Y, X), {"tiles": {"j": 1}}, tw.ArgumentError, "j"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"lengths": {"k": 1}}, tw.ArgumentError, "no axis k"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"lengths": {"i": -1}}, tw.ArgumentError, "at least 0"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"workers": 0}, tw.ArgumentError, "workers"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"workers": 10**9}, tw.ArgumentError, "workers"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"pool": "cluster"}, tw.ArgumentError, "pool is 'cluster'"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"retries": -1}, tw.ArgumentError, "retries"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"timeout": 0}, tw.ArgumentError, "timeout"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"timeout": 1, "pool": "threads"}, tw.ArgumentError, "processes"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"guard": True, "pool": "threads"}, tw.ArgumentError, "processes"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"progress": 3}, TypeError, "progress"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": np.zeros((3, 4))}, tw.ArgumentError, "axis i"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": (np.zeros((4, 3)),) * 2}, tw.ArgumentError, "2 given for 1 outputs"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": {"s": np.zeros((4, 3))}}, tw.ArgumentError, "no output s"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": [[0.0]]}, TypeError, "no memory to write to|given for"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": np.broadcast_to(0.0, (4, 3))}, tw.ArgumentError, "read-only"),
    (("y[i], x[j] -> r[i,j]", Y, X), {"dtype": object}, TypeError, "references to Python objects"),
    (("y[i], x[j] -> r[i,j]", np.array([1, None]), X), {}, TypeError, "operand y has dtype object"),
    (("y[i], x[j] -> r[i,j]", np.ma.masked_array(Y), X), {}, TypeError, "masked"),
    ((3, Y, X), {}, TypeError, "a signature is a text"),
])
def test_one_sentence(arguments, options, error, words):
    with pytest.raises(error, match=words):
        tw.run(product, *arguments, **options)


def test_outputs_need_memory_of_their_own():
    r = np.zeros(10)
    with pytest.raises(tw.ArgumentError, match="overlaps"):
        tw.run(lambda a, r: None, "a[i] -> r[i]", r[:9], out=r[1:], pool="serial")
    with pytest.raises(tw.ArgumentError, match="overlaps"):
        tw.run(lambda r, s: None, "-> r[i], s[i]", out=(r, r), pool="serial")
    same = np.lib.stride_tricks.as_strided(np.zeros(1), (4,), (0,))
    with pytest.raises(tw.ArgumentError, match="all the same one"):
        tw.run(lambda r: None, "-> r[i]", out=same, pool="serial")


def test_read_only_operands_cannot_be_written_by_a_kernel(pool):
    def spoil(y, r):
        y[0] = 1
    y = np.zeros(4)
    with pytest.raises(tw.TileError, match="read-only") as caught:
        pool.run(spoil, "y[i] -> r[i]", y)
    assert isinstance(caught.value.__cause__, ValueError) and y[0] == 0


def test_kernels_that_are_none():
    with pytest.raises(TypeError, match="a kernel is a callable"):
        tw.run(3.5, "y[i] -> r[i]", Y)
    with pytest.raises(TypeError, match="takes 1 arrays, but the signature has 3: y, x, r"):
        tw.run(lambda y: y, "y[i], x[j] -> r[i,j]", Y, X)


def test_what_a_kernel_returns_must_fit(pool):
    for kernel, words in ((lambda y: None, "has to return"), (lambda y: np.zeros(7), "broadcast"),
                          (lambda y: "text", "could not convert")):
        with pytest.raises(tw.TileError, match=words):
            pool.run(kernel, "y[i] -> r[i]", Y)
    with pytest.raises(tw.TileError, match="tuple of 2"):
        pool.run(lambda y: y, "y[i] -> r[i], s[i]", Y)


def test_syntax_errors_have_their_column():
    with pytest.raises(tw.NotationError) as caught:
        tw.run(product, "y[i], x[j] -> r[i,]", Y, X)
    assert caught.value.column > 0
    assert isinstance(caught.value, ValueError)
