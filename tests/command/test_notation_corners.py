"""Statements that random ones have found to be wrong once."""

import numpy
import pytest
import statements


@pytest.mark.parametrize("text", ["sum(k, l: 8)", "prod(k, l: a[k])", "sum(l, k: a[k])", "any(k, l: a[k] > 0)"])
def test_reductions_are_of_no_elements_where_any_axis_is_empty(text):
    arrays = {"a": numpy.ones(5)} if "a[" in text else {}
    result = statements.run(f"r[] = {text}", arrays, lengths={"k": 5, "l": 0})["r"]
    assert result == {"sum": 0, "prod": 1, "any": 0}[text.split("(")[0]]


@pytest.mark.parametrize("name", ["min", "max", "argmin", "argmax", "sum", "mean"])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 128, 129, 300])
def test_reductions_of_float16_read_its_items(name, length):
    a = numpy.random.default_rng(length).integers(-50, 50, length).astype("float16")
    result = statements.run(f"r[] = {name}(k: a[k])", {"a": a})["r"]
    assert statements.same(result, getattr(numpy, name)(a, keepdims=False))


def test_statements_with_the_same_sum_compute_it_as_each_of_them_needs():
    a, b, c = numpy.arange(40.0).reshape(5, 8), numpy.arange(24.0).reshape(8, 3), numpy.arange(5.0)
    text = "r[i,j] = sum(k: a[i,k] * b[k,j]); s[i,j,l] = sum(k: a[i,k] * b[k,j]) * c[l]; t[j,i] = sum(k: a[i,k] * b[k,j])"
    result = statements.run(text, {"a": a, "b": b, "c": c})
    assert statements.same(result["r"], a @ b) and statements.same(result["t"], (a @ b).T)
    assert statements.same(result["s"], (a @ b)[:, :, None] * c)


def test_an_earlier_sum_is_read_by_statements_of_other_axes():
    a, b, d = numpy.arange(5, dtype="uint8")[None], numpy.array([3], "int32"), numpy.arange(4, dtype="float32")
    result = statements.run("r[i,j] = sum(k: a[0,j] * b[k]); s[i,j,k] = c[k] * r[i,j] - d[i]",
                            {"a": a, "b": b, "c": numpy.arange(6.0), "d": d}, lengths={"k": 6})
    r = numpy.broadcast_to(a[0].astype("int64") * 18, (4, 5))
    assert statements.same(result["r"], numpy.array(r))
    assert statements.same(result["s"], numpy.arange(6.0) * r[:, :, None] - d[:, None, None])


def test_zero_to_a_complex_power_is_zero_where_the_real_part_is_positive():
    z, w = numpy.zeros(5, complex), numpy.array([0.5 + 3j, 2, -1.8 + 2j, 0, 1j])
    with numpy.errstate(all="ignore"):
        expected = numpy.power(z, w)
    assert statements.same(statements.run("r[i] = z[i] ** w[i]", {"z": z, "w": w})["r"], expected)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64"])
def test_fmin_and_fmax_of_whole_numbers_are_minimum_and_maximum(dtype):
    a, b = numpy.array([0, 1, 1, 0], dtype), numpy.array([1, 1, 0, 0], dtype)
    result = statements.run("r[i] = fmin(a[i], b[i]); s[i] = fmax(a[i], b[i])", {"a": a, "b": b})
    assert statements.same(result["r"], numpy.fmin(a, b)) and statements.same(result["s"], numpy.fmax(a, b))


@pytest.mark.parametrize("text", ["imag(a[i]) - i", "0.0 - i", "0 - float64(i)", "0.0 - abs(a[i])", "0.0 - float32(i)",
                                  "0.0 - (0 if a[i] < 9 else i)", "float16(0) - uint8(i)"])  # fmt: skip
def test_zero_less_zero_is_zero_and_not_its_negative(text):
    result = statements.run(f"r[i] = {text}", {"a": numpy.zeros(3)} if "a[" in text else {}, lengths={"i": 3})["r"]
    assert result[0] == 0 and not numpy.signbit(result[0])


def test_three_dtypes_together_have_numpys_common_one():
    arrays = {"a": numpy.ones(3, "uint16"), "b": numpy.ones(3, "int16"), "c": numpy.ones(3, "float16")}
    for order in ("abc", "bca", "cab"):
        expected = numpy.clip(*[arrays[name] for name in order])
        text = f"r[i] = clip({', '.join(f'{name}[i]' for name in order)})"
        assert statements.same(statements.run(text, arrays)["r"], expected)
