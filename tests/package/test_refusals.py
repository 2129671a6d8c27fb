"""Requests that make no sense: one sentence that says what, and an exception that callers expect."""

import pathlib

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
    (("y[i], x[j] -> r[i,j]", Y, X), {"out": (np.zeros((4, 3)),) * 2}, tw.ArgumentError, "2 given for 1 output "),
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
    with pytest.raises(TypeError, match="takes 1 array, but the signature has 3: y, x, r"):
        tw.run(lambda y: y, "y[i], x[j] -> r[i,j]", Y, X)


def test_what_a_kernel_returns_must_fit(pool):
    for kernel, words in ((lambda y: None, "has to return"),
                          (lambda y: np.zeros(7), r"shape \(7,\) for a tile of shape \(\d+,\)"),
                          (lambda y: y.sum(), r"shape \(\) for a tile"), (lambda y, r: 1, r"shape \(\) for a tile"),
                          (lambda y: [object()] * len(y), "references to Python objects")):
        with pytest.raises(tw.TileError, match=words):
            pool.run(kernel, "y[i] -> r[i]", Y)
    with pytest.raises(tw.TileError, match="tuple of 2"):
        pool.run(lambda y: y, "y[i] -> r[i], s[i]", Y)


def test_syntax_errors_have_their_column():
    with pytest.raises(tw.NotationError) as caught:
        tw.run(product, "y[i], x[j] -> r[i,]", Y, X)
    assert caught.value.column > 0
    assert isinstance(caught.value, ValueError)


def test_whole_numbers_texts_and_times_are_checked_before_the_run():
    for options, error, words in (({"cuts": {"i": 3.5}}, TypeError, "whole number"),
                                  ({"cuts": {"i": None}}, TypeError, "whole number"),
                                  ({"cuts": {"i\0": [1]}}, tw.ArgumentError, "contains an invalid character"),
                                  ({"lengths": 5}, TypeError, "lengths is a dict"),
                                  ({"pool": ["auto"]}, tw.ArgumentError, "pool is"),
                                  ({"timeout": "3"}, TypeError, "timeout is a number of seconds"),
                                  ({"tiles_per_worker": -1}, tw.ArgumentError, "tiles_per_worker is -1")):
        with pytest.raises(error, match=words):
            tw.run(lambda y: y, "y[i] -> r[i]", Y, **options)
    for signature in ("y[i]\0 -> r[i]", "y[\udc80] -> r[i]"):
        with pytest.raises(tw.ArgumentError, match="contains an invalid character"):
            tw.run(lambda y: y, signature, Y)
    with pytest.raises(tw.ArgumentError, match="operand y cannot be read as an array"):
        tw.run(lambda y: y, "y[i] -> r[i]", [[1], [2, 3]])
    for shape, error in ((2.5, TypeError), (None, TypeError), ("3", TypeError), ((1,) * 33, tw.ArgumentError)):
        with pytest.raises(error):
            tw.empty(shape)
    assert tw.empty(np.array([2, 3])).shape == (2, 3) and tw.empty(np.int8(3)).shape == (3,)


@pytest.mark.parametrize("kernel", [lambda tile, y, r: None, lambda y, tile, r: None])
def test_the_argument_tile_comes_last(kernel):
    with pytest.raises(TypeError, match="put it last"):
        tw.run(kernel, "y[i] -> r[i]", Y)


def test_outputs_that_share_memory_with_themselves_are_refused():
    windows = np.lib.stride_tricks.as_strided(np.zeros(9), (4, 3), (8, 8))
    with pytest.raises(tw.ArgumentError, match="items of its array share memory"):
        tw.run(lambda a: a, "a[i,j] -> r[i,j]", np.ones((4, 3)), out=windows)
    whole = np.zeros((9, 8, 7))
    for out in (whole[::2, 1:, ::-3], whole.T[1:3, ::-1], whole[:, :1, :2], whole[:, None, ::2, 0]):
        tw.run(lambda a, r: r.fill(1), "a[i,j,k] -> r[i,j,k]", np.ones(out.shape), out=out)
        assert (out == 1).all()


def test_requests_of_statements_are_checked_before_they_are_compiled():
    for text, options, error, words in (
            ("r[i] = c * y[i]", {"c": np.ones(2)}, tw.ArgumentError, r"c stands in the statement without axes.*c\[i\]"),
            ("r = y + y", {}, tw.ArgumentError, r"array of 1 dimension: write.*r\[i\] = 2 \* y\[i\]"),
            ("2*y+1", {}, tw.ArgumentError, r"array of 1 dimension: write.*r\[i\] = 2 \* y\[i\]"),
            ("r[i] = c * y[i]", {"c": np.ones((2, 2))}, tw.ArgumentError, r"array of 2 dimensions: write.*c\[i,j\]"),
            ("r[i] = c * y[i]", {"c": np.longdouble(2)}, tw.ArgumentError, "c has dtype (float128|longdouble).*give a number"),
            ("r[i] = c * y[i]", {"c": np.timedelta64(2, "s")}, tw.ArgumentError, "c has dtype timedelta64.*give a number"),
            ("r[i] = c * y[i]", {"c": "2"}, tw.ArgumentError, r"parameter c is '2'; give a number, such as c=0.5 .*c\[i\]"),
            ("r[i] = c * y[i]", {"c": pathlib.Path("c.npy")}, tw.ArgumentError, r"parameter c is PosixPath\('c.npy'\); give a number"),
            ("r[i] = c * y[i]", {"c": np.str_("2")}, tw.ArgumentError, "c has dtype <U1.*give a number"),
            ("r[i] = c[i] * y[i]", {"c": "c.npy"}, tw.FileError, "c.npy"),
            ("r[i] = c * y[i]", {"c": 10**50}, tw.ArgumentError, "more than 127 bits: give a float"),
            ("r[i] = fmod(c, y[i])", {"c": 1j}, tw.NotationError, "'fmod' of a Python complex and float64"),
            *((f"r[i] = y[{index}]", {}, tw.NotationError, r"an index has no (min|max)\(\): .*the edge clamp")
              for index in ("min(i, 3)", "max(i - 1, 0)", "max(0, i-1)", "min(i+1, 5)", "min(max(i, 0), 3)")),
            ("r[i] = y[i]", {"edges": [5]}, TypeError, "edges is a dict"),
            ("r[i] = y[i]", {"edges": {1: "clamp"}}, TypeError, "named by a text"),
            ("r[i] = y[i]", {"edges": {"i": ["clamp"]}}, TypeError, "the edge of axis i is 'error', .* or a number, not"),
            ("r[i] = y[i]", {"lengths": 5}, TypeError, "lengths is a dict"),
            ("r[i] = y[i]", {"lengths": {"i": 2.5}}, TypeError, "whole number"),
            ("r[i] = y[i]", {"lengths": {1: 2}}, TypeError, "named by a text"),
            ("r[i] = y[i]", {"dtype": [("a", "f4")]}, TypeError, "numbers and bools"),
            ("r[i] = y[i]", {"operands": [Y]}, TypeError, "operands is a dict"),
            ("r[i] = y[i]", {"operands": {"y": Y}}, tw.ArgumentError, "given twice"),
            ("r[i] = y[i]\0", {}, tw.ArgumentError, "contains an invalid character")):
        with pytest.raises(error, match=words):
            tw.evaluate(text, y=Y, **options)
    assert tw.evaluate("r[i] = c[] * y[i]", y=Y, c=np.float64(2)).tolist() == (2 * Y).tolist()
    with pytest.raises(tw.ArgumentError, match="address of a function"):
        tw.Kernel.from_address(-1)


def test_outputs_that_are_copies_are_refused():
    class Copies:
        def __init__(self):
            self.made = []

        def __array__(self, dtype=None, copy=None):
            self.made.append(np.zeros(8))
            return self.made[-1][:4]
    with pytest.raises(TypeError, match="other memory each time"):
        tw.run(lambda y: y, "y[i] -> r[i]", Y, out=Copies())


def test_lines_of_tiles_that_are_not_there():
    _, report = tw.run(lambda y: y, "y[i] -> r[i]", Y, pool="serial", parts={"i": 1}, report=True)
    assert "r[0:4]" in report.line(0)
    for tile in (-1, 1):
        with pytest.raises(IndexError, match="the run had 1"):
            report.line(tile)
