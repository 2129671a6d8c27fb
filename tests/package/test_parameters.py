"""Numbers of statements: NumPy's keep their dtype, Python's take that of the arrays, whole ones may be long."""

import itertools
import operator

import numpy as np
import pytest

import sampling
import tilework as tw

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
          "complex64", "complex128"]  # fmt: skip
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
               "!=": operator.ne}  # fmt: skip


def equal(found, wanted):
    return found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=wanted.dtype.kind in "fc")


@pytest.mark.parametrize("array", DTYPES)
def test_a_scalar_of_numpys_keeps_its_dtype(array):
    x = np.array([0, 1, 1, 0, 1]).astype(array)
    for kind in sampling.one_in(4, DTYPES, DTYPES.index(array)):
        c = np.dtype(kind).type(3)
        assert equal(tw.evaluate("r[i] = x[i] * c", x=x, c=c), x * c), kind


def test_what_numpy_computes_from_an_array_is_a_parameter():
    x = np.linspace(-3, 5, 11)
    assert equal(tw.evaluate("r[i] = (x[i] - m) / s", x=x, m=x.mean(), s=x.std()), (x - x.mean()) / x.std())
    assert equal(tw.evaluate("r[i] = x[i] * c", x=x.astype("f4"), c=np.array(2.0)), x.astype("f4") * np.array(2.0))
    assert equal(tw.evaluate("r[i] = x[i+c]", x=x, c=np.uint8(4), lengths={"i": 3}), x[4:7])


def test_a_number_of_each_kind_is_another_statement():
    x = np.ones(3, "f4")
    for c in (2, np.float64(3), 2.5, np.float32(4), 5, np.float64(6)):
        assert equal(tw.evaluate("r[i] = x[i] * c", x=x, c=c), x * c), repr(c)


INTEGERS = ["int8", "uint8", "int32", "int64", "uint64"]


@pytest.mark.parametrize("array", INTEGERS)
def test_integers_are_compared_with_whole_numbers_by_value(array):
    info = np.iinfo(array)
    x = np.array([info.min, info.max, 0, 1, 3, info.max - 1], array)
    numbers = [-1, 0, 3, info.min - 1, info.min, info.max, info.max + 1, 2**64 - 1, 2**64, -(2**63) - 1, 10**20, -(10**30)]
    for (sign, compare), c in sampling.one_in(5, itertools.product(COMPARISONS.items(), numbers), INTEGERS.index(array)):
        wanted = np.array([compare(int(value), c) for value in x])
        assert equal(tw.evaluate(f"r[i] = x[i] {sign} c", x=x, c=c), wanted), (sign, c)
        wanted = np.array([compare(c, int(value)) for value in x])
        assert equal(tw.evaluate(f"r[i] = c {sign} x[i]", x=x, c=c), wanted), (c, sign)


@pytest.mark.parametrize("array", ["float16", "float32", "float64", "complex64"])
def test_whole_numbers_of_more_than_64_bits_meet_floats(array):
    x = np.array([1, 2.5, -3], array)
    with np.errstate(all="ignore"):
        for c in (10**20, 2**64, -(10**25), 2**100):
            assert equal(tw.evaluate("r[i] = x[i] * c", x=x, c=c), x * c), c
        assert equal(tw.evaluate("r[i] = x[i] / 2**64", x=x), x / 2**64)
    bits = np.arange(3, dtype="u8")
    assert equal(tw.evaluate("r[i] = x[i] ^ (2**64 - 1)", x=bits), bits ^ np.uint64(2**64 - 1))
    with pytest.raises(tw.ArgumentError, match="100000000000000000000 does not fit int64"):
        tw.evaluate("r[i] = x[i] + c", x=np.arange(3), c=10**20)
