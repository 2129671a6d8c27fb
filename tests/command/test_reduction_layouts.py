"""Reductions of arrays as they lie in memory: whatever the strides, the same bits, and NumPy's values."""

import numpy
import pytest

import sampling
from statements import run, same

TEXTS = {
    "all": "s[] = {0}(i,j: a[i,j])",
    "rows": "s[i] = {0}(j: a[i,j])",
    "columns": "s[j] = {0}(i: a[i,j])",
}
AXES = {"all": None, "rows": 1, "columns": 0}
OPERATIONS = ["sum", "prod", "min", "max", "argmin", "argmax", "any", "all", "nanmin", "nanmax"]


def layouts(a):
    """The same values, in other places."""
    rows, columns = a.shape
    wide = numpy.zeros((2 * rows, 3 * columns), a.dtype)
    wide[::2, 1::3] = a
    beside = numpy.zeros((rows, columns + 5), a.dtype)
    beside[:, 2:columns + 2] = a
    return {"C": a.copy(), "F": numpy.asfortranarray(a), "every third": wide[::2, 1::3], "beside others": beside[:, 2:columns + 2],
            "backwards": a[::-1, ::-1].copy()[::-1, ::-1]}


def numbers(dtype, shape, seed):
    rng = numpy.random.default_rng(seed)
    kind = numpy.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(numpy.iinfo(dtype).min, numpy.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape)).astype(dtype) if kind == "c" else values.astype(dtype)


@pytest.mark.parametrize("dtype, over", sampling.pairs(
    ["float64", "float32", "float16", "complex128", "uint8", "int8", "int16", "uint32", "int64"], list(TEXTS)))
def test_layouts_give_the_same_bits(dtype, over):
    text = "; ".join(TEXTS[over].format(name).replace("s[", f"s{k}[") for k, name in enumerate(("sum", "max", "argmin")))
    for shape in [(1, 1), (7, 9), (8, 128), (131, 65), (1040, 37), (3, 9001)]:
        a = numbers(dtype, shape, shape[0])
        found = {name: run(text, {"a": layout}) for name, layout in layouts(a).items()}
        for name, values in found.items():
            assert all(same(values[f"s{k}"], found["C"][f"s{k}"]) for k in range(3)), (shape, name)
        values = found["C"]
        if a.dtype.kind in "iu":
            assert numpy.array_equal(values["s0"], a.sum(AXES[over])), shape
        else:
            wide = a.astype(complex if a.dtype.kind == "c" else float)
            assert numpy.allclose(values["s0"], wide.sum(AXES[over]), rtol=1e-2, atol=1e-2 * a.size ** 0.5), shape
        assert same(values["s1"], a.max(AXES[over])) and numpy.array_equal(values["s2"], a.argmin(AXES[over])), shape


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("over", TEXTS)
def test_nan_infinities_and_zeros(dtype, over):
    """A NaN, alone or among others, at places of vectors and of their rest; signed zeros, of which the last counts."""
    text = "; ".join(TEXTS[over].format(name).replace("s[", f"s{k}[") for k, name in enumerate(OPERATIONS))
    shape = (150, 83)
    for seed in range(6):
        rng = numpy.random.default_rng(seed)
        a = rng.standard_normal(shape).astype(dtype)
        special = [[numpy.nan], [numpy.nan, numpy.inf], [-numpy.inf], [0.0, -0.0], [numpy.inf, -numpy.inf], []][seed]
        for value in special:
            a[rng.integers(0, 150, 40), rng.integers(0, 83, 40)] = value
        a = -abs(a) if seed == 3 else a
        found = {name: run(text, {"a": layout}) for name, layout in layouts(a).items()}
        with numpy.errstate(all="ignore"):
            for k, operation in enumerate(OPERATIONS):
                for name, values in found.items():
                    assert same(values[f"s{k}"], found["C"][f"s{k}"]), (seed, name, operation)
                if operation not in ("sum", "prod"):
                    expected = getattr(numpy, operation)(a, axis=AXES[over])
                    assert numpy.array_equal(found["C"][f"s{k}"], expected, equal_nan=True), (seed, operation)


def test_all_nan_and_all_infinite():
    for value in (numpy.nan, numpy.inf, -numpy.inf):
        x = numpy.full(1000, value)
        values = run("a[] = min(i: x[i]); b[] = max(i: x[i]); c[] = nanmin(i: x[i]); d[] = nanmax(i: x[i]); e[] = argmax(i: x[i])",
                     {"x": x})
        for name in "abcd":
            assert numpy.array_equal(values[name][()], value, equal_nan=True), (name, value)
        assert values["e"][()] == 0


def test_the_last_zero_counts():
    for zeros in ([0.0, -0.0], [-0.0, 0.0]):
        x = numpy.full(300, -1.0)
        x[[40, 200]] = zeros
        assert same(run("s[] = max(i: x[i])", {"x": x})["s"][()], zeros[1])
        assert same(run("s[j] = max(i: x[i,j])", {"x": numpy.stack([x] * 20, 1)})["s"], numpy.full(20, zeros[1]))
