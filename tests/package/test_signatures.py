"""Signatures are read by the library alone: the package believes what it says, whatever stands in the text."""

import numpy as np
import pytest

import tilework as tw


@pytest.mark.parametrize("text", ["m8[s]", "M8[ns]", "<m8[25us]", ">M8[D]", "m8", "<U7", "S3", "|V16", "<f8", "=i4", "b"])
def test_an_output_has_any_dtype_of_the_signature(text):
    def kernel(r, s):
        r[...], s[...] = np.zeros((), r.dtype), 2

    r = tw.run(kernel, f"-> r[i] : {text}, s[i]:f4", lengths={"i": 3}, tiles={"i": 2}, pool="serial")[0]
    assert r.dtype == np.dtype(text) and r.shape == (3,)


def test_operands_are_given_and_got_in_the_order_of_the_text():
    u, y = np.ones((2, 3)), np.arange(2)

    def kernel(v, y, a, t, w):
        a[...], t[...], w[...] = 5, np.timedelta64(7, "s"), 9
        v += 1

    a, v, t, w = tw.run(kernel, "u[i,j],y[ i ] -> a[j]:m8[s] ,u[i,j],t [i]:m8[s], w[]:M8[ns]", u, y, pool="serial")
    assert v is u and (u == 2).all()
    assert a.tolist() == [np.timedelta64(5, "s").item()] * 3
    assert t.tolist() == [np.timedelta64(7, "s").item()] * 2 and w == np.datetime64(9, "ns")
