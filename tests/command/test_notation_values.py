"""What statements compute, bit for bit against NumPy: every operation, every dtype, any strides, any grid."""

import itertools
import warnings

import numpy
import pytest

import sampling
from statements import Failure, library, run, same, Statement

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
COMPLEXES = ["complex64", "complex128"]
DTYPES = ["bool", *INTEGERS, *FLOATS, *COMPLEXES]

ARITHMETIC = {"+": numpy.add, "-": numpy.subtract, "*": numpy.multiply, "/": numpy.true_divide}
DIVISION = {"//": numpy.floor_divide, "%": numpy.remainder}
COMPARISON = {"==": numpy.equal, "!=": numpy.not_equal, "<": numpy.less, "<=": numpy.less_equal, ">": numpy.greater,
              ">=": numpy.greater_equal}  # fmt: skip
BITS = {"&": numpy.bitwise_and, "|": numpy.bitwise_or, "^": numpy.bitwise_xor, "<<": numpy.left_shift,
        ">>": numpy.right_shift}  # fmt: skip
LOGICAL = {"and": numpy.logical_and, "or": numpy.logical_or}
OPERATORS = {**ARITHMETIC, **DIVISION, **COMPARISON, **BITS, **LOGICAL}
PAIRS = {"minimum": numpy.minimum, "maximum": numpy.maximum, "fmin": numpy.fmin, "fmax": numpy.fmax, "fmod": numpy.fmod, "nextafter": numpy.nextafter}
SINGLES = {"-{}": numpy.negative, "~{}": numpy.invert, "not {}": numpy.logical_not, "abs({})": numpy.absolute,
           "sign({})": numpy.sign, "sqrt({})": numpy.sqrt, "floor({})": numpy.floor, "ceil({})": numpy.ceil,
           "rint({})": numpy.rint, "round({})": numpy.round, "round({}, 0)": numpy.round, "trunc({})": numpy.trunc, "isnan({})": numpy.isnan, "isinf({})": numpy.isinf,
           "isfinite({})": numpy.isfinite, "real({})": numpy.real, "imag({})": numpy.imag,
           "conj({})": numpy.conjugate, "{}**2": lambda a: a**2}  # fmt: skip
# Correctly rounded nowhere, or by another road than NumPy's: measured elsewhere.
ROUNDED = {("abs({})", "complex64"), ("abs({})", "complex128"), ("sign({})", "complex64"), ("sign({})", "complex128"),
           ("sqrt({})", "complex64"), ("sqrt({})", "complex128")}  # fmt: skip


def special(dtype):
    """Values at which something happens."""
    dtype = numpy.dtype(dtype)
    if dtype == bool:
        return numpy.array([False, True])
    if dtype.kind in "iu":
        info = numpy.iinfo(dtype)
        values = [0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 63, 64, 100, info.max, info.max - 1, info.max // 2, info.min,
                  info.min + 1] + ([-1, -2, -3, -7, -64, -100] if dtype.kind == "i" else [])  # fmt: skip
        return numpy.array([v for v in values if info.min <= v <= info.max], dtype)
    part = {"e": "e", "f": "f", "d": "d", "F": "f", "D": "d"}[dtype.char]
    info = numpy.finfo(part)
    values = numpy.array([0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, -7, 0.1, 1e4, -1e4, info.max, -info.max,
                          info.tiny, info.smallest_subnormal, -info.smallest_subnormal, numpy.inf, -numpy.inf,
                          numpy.nan], part)  # fmt: skip
    if dtype.kind == "f":
        return values
    return (values[:, None] + 1j * values[None, ::3]).ravel().astype(dtype)


def sample(dtype, size, seed):
    """Random values, of which a third are special ones."""
    random = numpy.random.default_rng(seed)
    dtype = numpy.dtype(dtype)
    if dtype.kind in "iu":
        info = numpy.iinfo(dtype)
        values = random.integers(info.min, info.max, size, dtype=dtype, endpoint=True)
    elif dtype == bool:
        values = random.random(size) < 0.5
    else:
        values = random.standard_normal(size) * 10.0 ** random.integers(-3, 4, size)
        if dtype.kind == "c":
            values = values + 1j * random.standard_normal(size) * 10.0 ** random.integers(-3, 4, size)
        with numpy.errstate(all="ignore"):
            values = values.astype(dtype)
    some = random.random(size) < 1 / 3
    values[some] = random.choice(special(dtype), int(some.sum()))
    return values


def theirs(function, *arguments):
    """NumPy's result, None where it refuses."""
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except (TypeError, ValueError, OverflowError):
            return None


def check_all(cases, arrays, **more):
    """cases: (expression, expected); all of them as one list of statements, compared with what NumPy says."""
    cases = [(text, value) for text, value in cases if value is not None]
    for begin in range(0, len(cases), 24):
        part = cases[begin:begin + 24]
        text = "; ".join(f"r{k}[i] = {expression}" for k, (expression, _) in enumerate(part))
        found = run(text, arrays, **more)
        for k, (expression, value) in enumerate(part):
            mine = found[f"r{k}"]
            value = numpy.asarray(value)
            if not same(mine, value):
                wrong = [j for j in range(len(value)) if not same(mine[j:j + 1], value[j:j + 1])][:5]
                names = {name: array[wrong].tolist() for name, array in arrays.items() if f"{name}[i]" in expression}
                pytest.fail(f"{expression} of {({n: a.dtype.name for n, a in arrays.items()})}: {mine.dtype}, "
                            f"{mine[wrong].tolist() if wrong else ''}, NumPy: {value.dtype}, "
                            f"{value[wrong].tolist() if wrong else ''}, for {names}")


def operator_cases(a, b):
    cases = [(f"a[i] {sign} b[i]", theirs(function, a, b)) for sign, function in OPERATORS.items()]
    # Which of two zeros is the smaller one NumPy decides for float16 otherwise than for float32: + 0 makes them one.
    plus = " + 0" if a.dtype == b.dtype == "float16" else ""
    return cases + [(f"{name}(a[i]{plus}, b[i]{plus})", theirs(function, *((a + 0, b + 0) if plus else (a, b)))) for name, function in PAIRS.items()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_operators_give_numpys_bits(dtype):
    a, b = sample(dtype, 1500, 1), sample(dtype, 1500, 2)
    if dtype in COMPLEXES:  # powers of ten apart, products overflow between: NumPy's own two ways differ there
        a, b = a[numpy.isfinite(a)][:900], b[numpy.isfinite(b)][:900]
    check_all(operator_cases(a, b), {"a": a, "b": b})


PAIRED = [pair for k, pair in enumerate(itertools.permutations(DTYPES, 2)) if k % 11 == 3 or set(pair) == {"int64", "uint64"}]


@pytest.mark.parametrize("pair", sampling.one_in(2, PAIRED), ids="-".join)
def test_operators_on_two_dtypes_give_numpys_bits(pair):
    a, b = (sample(dtype, 700, seed) for seed, dtype in enumerate(pair))
    if set(pair) & set(COMPLEXES):
        good = numpy.isfinite(a) & numpy.isfinite(b)
        a, b = a[good], b[good]
    check_all(operator_cases(a, b), {"a": a, "b": b})


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_on_one_give_numpys_bits(dtype):
    a = sample(dtype, 1500, 3)
    cases = [(text.format("a[i]"), theirs(function, a)) for text, function in SINGLES.items()
             if (text, dtype) not in ROUNDED and not (text == "{}**2" and dtype == "bool")]  # fmt: skip
    check_all(cases, {"a": a})


def fits(a, dtype):
    """Where a float's conversion to an integer is one that NumPy defines; elsewhere its vector and scalar loops differ."""
    if a.dtype.kind not in "fc" or numpy.dtype(dtype).kind not in "iu":
        return numpy.ones(len(a), bool)
    part = a.real.astype("float64")
    info = numpy.iinfo(dtype)
    with numpy.errstate(all="ignore"):
        return (numpy.trunc(part) >= float(info.min)) & (numpy.trunc(part) < float(info.max) + 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_casts_give_numpys_bits(dtype):
    a, cases, arrays = sample(dtype, 1500, 4), [], {}
    for to in DTYPES:
        if dtype in COMPLEXES and to not in ("bool", *COMPLEXES):
            continue  # refused: it would lose the imaginary part
        arrays[f"{to}_a"] = numpy.resize(a[fits(a, to)], 1500)
        cases.append((f"{to}({to}_a[i])", theirs(arrays[f"{to}_a"].astype, to)))
    check_all(cases, arrays)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint64", "int8"])
def test_a_float_that_does_not_fit_becomes_what_the_documents_say(dtype):
    a = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 1e300, -1e300])
    low = {"int32": -(2**31), "int64": -(2**63), "int8": 0}
    expected = [low[dtype]] * 5 if dtype in low else [2**63, 0, 2**63, 0, 2**63]
    assert run(f"r[i] = {dtype}(a[i])", {"a": a})["r"].tolist() == expected


POWERS = [("a[i]**2", lambda a: a**2), ("a[i]**0.5", lambda a: a**0.5), ("a[i]**1", lambda a: a**1),
          ("a[i]**0", lambda a: a**0)]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_that_numpy_does_not_leave_to_pow_give_its_bits(dtype):
    a = sample(dtype, 1500, 5)
    check_all([(text, theirs(function, a)) for text, function in POWERS] + [("a[i]**-1.0", theirs(lambda: a**-1.0))],
              {"a": a})


@pytest.mark.parametrize("dtype", INTEGERS)
def test_powers_of_integers_give_numpys_bits(dtype):
    a, b = sample(dtype, 800, 6), numpy.abs(sample(dtype, 800, 7))
    b[b < 0] = 3
    check_all([("a[i]**b[i]", theirs(numpy.power, a, b))] +
              [(f"a[i]**{n}", theirs(lambda n=n: a**n)) for n in (0, 1, 2, 3, 4, 5, 17)], {"a": a, "b": b})


@pytest.mark.parametrize("dtype", COMPLEXES)
def test_powers_of_complex_zero_give_numpys_bits(dtype):
    b = numpy.array([1, 0.5 - 1j, 2 + 3j, 0, -1, 1j, -1 - 1j], dtype)
    a = numpy.zeros(len(b), dtype)
    check_all([("a[i]**b[i]", theirs(numpy.power, a, b))], {"a": a, "b": b})


def test_a_negative_power_of_an_integer_is_an_error():
    a, b = numpy.array([2, 3, 4]), numpy.array([1, -1, 2])
    with pytest.raises(Failure, match="integers to negative integer powers are not allowed"):
        run("r[i] = a[i]**b[i]", {"a": a, "b": b})


def test_choices_compute_both_and_take_one():
    a, b = sample("float64", 3000, 8), sample("float64", 3000, 9)
    with numpy.errstate(all="ignore"):
        expected = numpy.where(a > b, numpy.sqrt(a), b * b * b)
        check_all([("where(a[i] > b[i], sqrt(a[i]), b[i]*b[i]*b[i])", expected),
                   ("sqrt(a[i]) if a[i] > b[i] else b[i]*b[i]*b[i]", expected)], {"a": a, "b": b})  # fmt: skip


# ---- strides, grids, edges ---------------------------------------------------------------------------------------


def laid_out(values, how, random):
    """The same values, elsewhere in memory."""
    if how == "fortran":
        return numpy.asfortranarray(values)
    if how == "negative":
        return numpy.ascontiguousarray(values[::-1, ::-1])[::-1, ::-1]
    if how == "spread":
        wide = numpy.zeros((values.shape[0] * 2, values.shape[1] * 3), values.dtype)
        wide[::2, ::3] = values
        return wide[::2, ::3]
    return numpy.ascontiguousarray(values)


LAYOUTS = ["plain", "fortran", "negative", "spread"]


def random_cuts(random, lengths):
    return {axis: sorted(random.choice(numpy.arange(1, n), random.integers(0, min(n - 1, 5) + 1), replace=False)
                         .tolist()) if n > 1 else [] for axis, n in lengths.items()}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "bool", "complex64"])
def test_any_strides_give_the_same_bits(dtype):
    random = numpy.random.default_rng(10)
    a, b = (sample(dtype, 41 * 67, seed).reshape(41, 67) for seed in (11, 12))
    if dtype == "complex64":
        a, b = (numpy.where(numpy.isfinite(x), x, 1) for x in (a, b))
    function = numpy.logical_or if dtype == "bool" else numpy.add
    sign = "or" if dtype == "bool" else "+"
    expected = theirs(function, a, b)
    for first, second, third in itertools.product(LAYOUTS, LAYOUTS, LAYOUTS):
        out = laid_out(numpy.zeros((41, 67), expected.dtype), third, random)
        found = run(f"r[i,j] = a[i,j] {sign} b[i,j]",
                    {"a": laid_out(a, first, random), "b": laid_out(b, second, random), "r": out},
                    random_cuts(random, {"i": 41, "j": 67}))  # fmt: skip
        assert same(found["r"], expected), (first, second, third)


def test_dimensions_of_length_one_are_stretched():
    a, b = sample("float64", 30, 13).reshape(30, 1), sample("float64", 50, 14).reshape(1, 50)
    found = run("r[i,j] = a[i,j] - b[i,j]", {"a": a, "b": b}, {"i": [7], "j": [11, 12]})
    assert same(found["r"], theirs(numpy.subtract, a, b))


def test_every_grid_gives_the_same_bits():
    random = numpy.random.default_rng(15)
    a, b = random.standard_normal((37, 300)), random.standard_normal((300, 53))
    y = random.standard_normal(37) * 1e3
    statement = Statement(library(), "t[i,j] = exp(-b[i,j]*b[i,j]) * sin(1e9*d[j,i]) + y[i]; "
                          "r[i,j] = sum(k: a[i,k]*c[k,j]) + t[i,j]; s[i,j] = max(k: a[i,k]*c[k,j]) - mean(k: a[i,k])",
                          {"a": a, "c": b, "y": y, "b": random.standard_normal((37, 53)),
                           "d": random.standard_normal((53, 37))})  # fmt: skip
    first = None
    for _ in range(25):
        found = statement.run(random_cuts(random, {"i": 37, "j": 53}))
        found = {name: found[name].copy() for name in "trs"}
        first = first or found
        assert all(same(found[name], first[name]) for name in "trs")
    statement.close()


# ---- reductions --------------------------------------------------------------------------------------------------


def tree(values):
    """NumPy's pairwise sum along the last axis, written down: what every shape of a reduction has to give."""
    count = values.shape[-1]
    if count > 128:
        half = count // 2 - count // 2 % 8
        return tree(values[..., :half]) + tree(values[..., half:])
    total = numpy.full(values.shape[:-1], -0.0, values.dtype)
    even = count - count % 8
    if even:
        lane = values[..., :8].copy()
        for k in range(8, even, 8):
            lane = lane + values[..., k:k + 8]
        total = (((lane[..., 0] + lane[..., 1]) + (lane[..., 2] + lane[..., 3])) +
                 ((lane[..., 4] + lane[..., 5]) + (lane[..., 6] + lane[..., 7])))
    for k in range(even, count):
        total = total + values[..., k]
    return total


def tree_sum(values):
    return values.dtype.type(0) + tree(values)


COUNTS = [0, 1, 7, 8, 128, 136, 300, 1021]


@pytest.mark.parametrize("count", COUNTS)
def test_every_shape_of_a_sum_adds_in_numpys_order(count):
    random = numpy.random.default_rng(20 + count)
    for dtype in ("float64", "float32") if count == 300 else ("float64",):
        a = (random.standard_normal((11, count)) * 10.0 ** random.integers(-5, 6, (11, count))).astype(dtype)
        b = random.standard_normal((count, 70)).astype(dtype)
        found = run("r[i] = sum(k: a[i,k])", {"a": a}, {"i": [3]})["r"]
        assert same(found, a.sum(1)) and same(found, tree_sum(a))  # along rows: as NumPy does
        assert same(run("r[j] = sum(k: b[k,j])", {"b": b}, {"j": [9, 50]})["r"], tree_sum(b.T))
        product = tree_sum(a[:, None, :] * b.T[None, :, :])
        for cuts in ({}, {"i": [1, 2, 9], "j": [33, 34]}):
            assert same(run("r[i,j] = sum(k: a[i,k] * b[k,j])", {"a": a, "b": b}, cuts)["r"], product)
            assert same(run("r[i,j] = sum(k: a[i,k] * c[j,k]) + a[i,0]", {"a": a, "c": b.T}, cuts)["r"],
                        product + a[:, :1]) if count else True  # fmt: skip
        if count:
            distance = tree_sum((a[:, None, :] - b.T[None, :, :]) ** 2)
            assert same(run("r[i,j] = sum(k: (a[i,k] - c[j,k])**2)", {"a": a, "c": b.T.copy()}, {"i": [4]})["r"],
                        distance)  # fmt: skip
            mean = run("r[i] = sum(k: (a[i,k] - mean(l: a[i,l]))**2)", {"a": a})["r"]
            assert same(mean, ((a - a.mean(1)[:, None]) ** 2).sum(1))


REDUCTIONS = {"sum": numpy.sum, "prod": numpy.prod, "min": numpy.min, "max": numpy.max, "any": numpy.any,
              "all": numpy.all, "argmin": numpy.argmin, "argmax": numpy.argmax, "mean": numpy.mean, "var": numpy.var,
              "std": numpy.std, "norm": numpy.linalg.norm, "count_nonzero": numpy.count_nonzero, "nansum": numpy.nansum,
              "nanprod": numpy.nanprod, "nanmin": numpy.nanmin, "nanmax": numpy.nanmax, "nanmean": numpy.nanmean,
              "nanvar": numpy.nanvar, "nanstd": numpy.nanstd}  # fmt: skip
EXACT = {"min", "max", "any", "all", "argmin", "argmax", "count_nonzero", "nanmin", "nanmax"}
WHOLE = {"sum", "prod", "nansum", "nanprod"}  # exact of whole numbers


def reduced(dtype):
    """{name of an operand: array}, and which of them a reduction takes."""
    a = sample(dtype, 5 * 7 * 40, 30).reshape(5, 7, 40)
    b = numpy.random.default_rng(31).uniform(0.8, 1.2, a.shape).astype(dtype)
    c = b.copy()
    c[:, ::3, ::2] = numpy.nan if c.dtype.kind in "fc" else 0
    c[0, :, 3] = c[4] = numpy.nan if c.dtype.kind in "fc" else 0

    def taken(name):
        exact = name in EXACT or (name in WHOLE and numpy.dtype(dtype).kind in "biu")
        return "a" if exact else "c" if name.startswith("nan") else "b"
    return {"a": a, "b": b, "c": c}, taken


@pytest.mark.parametrize("dtype", DTYPES)
def test_reductions_give_numpys_values(dtype):
    """All along the same axes are one list of statements; of float64 each is a statement by itself as well."""
    arrays, taken = reduced(dtype)
    for left, axes, shape in (("i", "j, k", lambda x: x.reshape(5, -1)), ("k", "i, j", lambda x: x.reshape(35, 40).T)):
        cases = []
        for name, function in REDUCTIONS.items():
            expected = theirs(lambda x: function(x, axis=1), shape(arrays[taken(name)]))  # pylint: disable=cell-var-from-loop
            if expected is not None:
                cases.append((name, f"{name}({axes}: {taken(name)}[i,j,k])", expected))
        for alone in (False, True) if dtype == "float64" else (False,):
            for part in [[case] for case in cases] if alone else [cases]:
                text = "; ".join(f"r{k}[{left}] = {expression}" for k, (_, expression, _) in enumerate(part))
                found = run(text, {name: array for name, array in arrays.items() if f"{name}[i" in text})
                for k, (name, expression, expected) in enumerate(part):
                    check_reduced(found[f"r{k}"], expected, taken(name) == "a", dtype, expression)


def check_reduced(found, expected, exact, dtype, text):
    assert found.dtype == expected.dtype, text
    if exact:
        assert numpy.array_equal(found, expected, equal_nan=expected.dtype.kind in "fc"), (text, found, expected)
    else:
        tolerance = {"float16": 2e-2, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 1e-13)
        assert numpy.allclose(found, expected, rtol=tolerance, atol=0, equal_nan=True), (text, found, expected)


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_degrees_of_freedom_are_numpys(name):
    x = numpy.random.default_rng(52).standard_normal((6, 9))
    if name.startswith("nan"):
        x[0], x[1, 1:], x[2, 2:], x[3, ::2] = numpy.nan, numpy.nan, numpy.nan, numpy.nan
    for ddof in (0, 1, 2, 1.5, 9, 12):
        expected = theirs(lambda a: REDUCTIONS[name](a, axis=1, ddof=ddof), x)
        for text, more in ((str(ddof), {}), ("lost", {"parameters": {"lost": ddof}}), (f"len(k) - {9 - ddof}", {})):
            found = run(f"r[i] = {name}(k: x[i,k], ddof={text})", {"x": x}, **more)["r"]
            assert numpy.allclose(found, expected, rtol=1e-14, atol=0, equal_nan=True), (text, found, expected)


def test_variances_far_from_zero_do_not_cancel():
    x = 1e9 + numpy.random.default_rng(53).random((3, 5000))
    exact = x.astype("longdouble").var(1)
    assert numpy.allclose(run("r[i] = var(k: x[i,k])", {"x": x})["r"], exact.astype(float), rtol=1e-11, atol=0)
    assert numpy.allclose(run("r[] = var(i, k: x[i,k])", {"x": x})["r"], float(x.astype("longdouble").var()), rtol=1e-11)
    assert run("r[] = std(k: x[k])", {"x": numpy.full(300, 60000, "float16")})["r"] == 0  # its sum is no float16


def test_reductions_reduce_what_holds_reductions_and_edges():
    random = numpy.random.default_rng(54)
    a, u = random.standard_normal((20, 300)), random.standard_normal(200)
    for cuts in ({}, {"i": [3, 4, 19]}):
        scores = run("r[i] = std(k: a[i,k] - mean(m: a[m,k]) * max(l: a[i,l]))", {"a": a}, cuts)["r"]
        assert numpy.allclose(scores, (a - a.mean(0) * a.max(1)[:, None]).std(1), rtol=1e-13)
        twice = run("r[i] = var(k: a[i,k] - var(l: a[i,l] * 2))", {"a": a}, cuts)["r"]
        assert numpy.allclose(twice, (a - (2 * a).var(1)[:, None]).var(1), rtol=1e-13)
    # A window whose reads go past the ends: both passes see the edge; a dimension of length 1 is repeated in both.
    windows = numpy.lib.stride_tricks.sliding_window_view(numpy.pad(u, 2, "edge"), 5)
    found = run("r[i] = std(w: u[i+w-2])", {"u": u}, edges={"i": "clamp"}, lengths={"w": 5})["r"]
    assert numpy.allclose(found, windows.std(1), rtol=1e-12)
    found = run("r[i] = var(k: a[i,k] + b[0,k])", {"a": a, "b": u[:1, None]})["r"]
    assert numpy.allclose(found, (a + u[0]).var(1), rtol=1e-12)


def test_reductions_of_numbers_alone_are_those_of_as_many_equal_numbers():
    for text, expected in (("var(k: 3)", 0.0), ("mean(k: 2)", 2.0), ("count_nonzero(k: 0.5)", 7), ("nansum(k: nan)", 0.0),
                           ("norm(k: 2)", numpy.sqrt(28.0)), ("nanmin(k: k)", 0), ("std(k: k)", 2.0),
                           ("nanmax(k: nan)", numpy.nan)):
        found = run(f"r[] = {text}", {}, lengths={"k": 7})["r"]
        assert same(found, numpy.asarray(expected)), (text, found)


def test_reductions_inside_of_larger_expressions():
    random = numpy.random.default_rng(50)
    a, x = random.standard_normal((30, 70)), random.standard_normal(70)
    for cuts in ({}, {"i": [1, 17], "j": [3, 64]}):
        found = run("r[i,j] = (a[i,j] - mean(l: a[l,j])) / (max(k: a[i,k]) - min(p, q: a[p,q])) + x[j]",
                    {"a": a, "x": x}, cuts)["r"]  # fmt: skip
        mean = tree_sum(a.T) / 30
        assert same(found, (a - mean) / (a.max(1)[:, None] - a.min()) + x)
        # Along j, along i, along neither; a block of products beside them.
        found = run("r[i,j] = sum(k: a[i,k] * b[k,j]) * sum(k: b[k,j]) + argmax(k: a[i,k])", {"a": a, "b": a.T.copy()},
                    {"i": [9], "j": [5, 29]} if cuts else {})["r"]  # fmt: skip
        product = tree_sum(a[:, None, :] * a[None, :, :])
        assert same(found, product * tree_sum(a) + a.argmax(1)[:, None])


def test_three_axes_of_which_the_last_is_short():
    random = numpy.random.default_rng(51)
    image = random.integers(0, 256, (40, 50, 3)).astype("uint8")
    weight = random.random(3)
    for layout in (image, numpy.asfortranarray(image), image[::-1, ::-1, ::-1]):
        for cuts in ({}, {"y": [7], "x": [11, 12]}, {"c": [1]}):
            found = run("r[y,x,c] = image[y,x,c] * w[c] + y", {"image": layout, "w": weight}, cuts)["r"]
            assert same(found, layout * weight + numpy.arange(40)[:, None, None])
            found = run("g[y,x] = sum(c: image[y,x,c] * w[c])", {"image": layout, "w": weight},
                        {k: v for k, v in cuts.items() if k != "c"})["g"]  # fmt: skip
            assert same(found, tree_sum(layout * weight))


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype not in ("bool", *COMPLEXES)])
def test_round_to_other_digits_has_numpys_bits(dtype):
    a = sample(dtype, 300, 41)
    if dtype == "uint32":
        a //= 2  # what does not fit uint32 comes out as NumPy's version and the processor have it
    check_all([(f"round(a[i], {k})", theirs(numpy.round, a, k)) for k in (1, 2, 3, 5, 20, -1, -2, -9)], {"a": a})


@pytest.mark.parametrize("dtype", DTYPES)
def test_copysign_takes_the_sign_of_zeros_infinities_and_nans(dtype):
    a, b = sample(dtype, 300, 42), sample(dtype, 300, 43)
    check_all([("copysign(a[i], b[i])", theirs(numpy.copysign, a, b))], {"a": a, "b": b})
    if numpy.dtype(dtype).kind == "f":
        signs = numpy.copysign(numpy.array([numpy.nan, numpy.nan, 0, 0, numpy.inf], dtype), [1, -1, 1, -1, -1]).astype(dtype)
        assert run("r[i] = copysign(2, s[i])", {"s": signs})["r"].tolist() == [2, -2, 2, -2, -2]


def test_round_says_what_it_does_not_round():
    for text, why in [("round(a[i], 1.5)", "a whole number that is written out: round\\(x\\) or round\\(x, 2\\)"),
                      ("round(z[i], 2)", "write round\\(real\\(z\\), 2\\)"), ("round(b[i], 1)", "of bools")]:
        with pytest.raises(Failure, match=why):
            run(f"r[i] = {text}", {name: array for name, array in {"a": numpy.ones(3), "z": numpy.ones(3, "c8"),
                                                                   "b": numpy.ones(3, bool)}.items() if f"{name}[" in text})
