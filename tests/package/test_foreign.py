"""Operands of other kinds: those that cannot be arrays of numbers say what to give instead."""

import collections
import datetime
import decimal
import fractions

import numpy as np
import pytest

import tilework as tw


class FakeSparse:
    """As scipy.sparse has them; scipy is not needed here."""
    __module__ = "scipy.sparse"
    shape = (2, 2)


@pytest.mark.parametrize("value, words", [
    (None, "operand a is None; give an array"),
    ({1, 2}, "is a set, .*give np.array"),
    ((k for k in range(3)), "is a generator, .*give np.array"),
    (iter([1, 2]), "is a list_iterator, .*give np.array"),
    ({"x": 1}, "is a dict; give its values"),
    (collections.OrderedDict(x=1), "is a OrderedDict; give its values"),
    (len, "not an array; give what it returns"),
    ([1, None], "contains None: write nan"),
    ([[1.5, None]], "contains None: write nan"),
    ([10**30, 1], "more than 64 bits: give floats"),
    ([decimal.Decimal(1)], "Decimal objects: give floats"),
    ([fractions.Fraction(1, 3)], "Fraction objects: give floats"),
    ([datetime.datetime(2020, 1, 1)], r"give np.asarray\(a, 'M8\[us\]'\)"),
    ([datetime.timedelta(1)], r"give np.asarray\(a, 'm8\[us\]'\)"),
    (np.array(["a", 1], dtype=object), "mixes texts and numbers"),
    (FakeSparse(), "is a FakeSparse, which keeps the elements that are not zero: give a.toarray()"),
])
def test_objects_that_are_no_arrays_say_what_to_give(value, words):
    with pytest.raises(TypeError, match=words):
        tw.run(lambda a: a, "a[i] -> r[i]", value, pool="serial")
    with pytest.raises(TypeError, match=words):
        tw.evaluate("r[i] = 2 * a[i]", a=value)


def test_pandas_tables_say_how_to_give_their_numbers():
    pandas = pytest.importorskip("pandas")
    for value, words in ((pandas.DataFrame({"a": [1], "b": ["x"]}), "to_records"),
                         (pandas.Series(["a", "b"], dtype="category"), "cat.codes"),
                         (pandas.Series(pandas.date_range("2020", periods=2, tz="UTC")), "tz_convert")):
        with pytest.raises(TypeError, match=words):
            tw.share(value)
    assert tw.evaluate("r[i] = 2 * a[i]", a=pandas.Series([1.0, 2.0])).tolist() == [2, 4]
