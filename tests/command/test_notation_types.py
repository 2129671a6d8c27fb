"""The dtypes of statements against NumPy's: every operation for every pair of dtypes, and for Python numbers."""

import cmath
import itertools
import math
import os
import pathlib
import random
import subprocess
import warnings

import numpy
import pytest

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
          "float64", "complex64", "complex128"]  # fmt: skip

OPERATORS = {
    "+": numpy.add, "-": numpy.subtract, "*": numpy.multiply, "/": numpy.true_divide, "//": numpy.floor_divide,
    "%": numpy.remainder, "**": numpy.power, "&": numpy.bitwise_and, "|": numpy.bitwise_or, "^": numpy.bitwise_xor,
    "<<": numpy.left_shift, ">>": numpy.right_shift, "==": numpy.equal, "!=": numpy.not_equal, "<": numpy.less,
    "<=": numpy.less_equal, ">": numpy.greater, ">=": numpy.greater_equal, "and": numpy.logical_and,
    "or": numpy.logical_or,
}  # fmt: skip
BINARY = {
    "minimum": numpy.minimum, "maximum": numpy.maximum, "fmin": numpy.fmin, "fmax": numpy.fmax,
    "atan2": numpy.arctan2, "hypot": numpy.hypot, "fmod": numpy.fmod, "copysign": numpy.copysign,
    "nextafter": numpy.nextafter,
}  # fmt: skip
UNARY = {
    "-": numpy.negative, "+": numpy.positive, "~": numpy.invert, "not ": numpy.logical_not, "abs": numpy.absolute,
    "sign": numpy.sign, "sqrt": numpy.sqrt, "cbrt": numpy.cbrt, "exp": numpy.exp, "exp2": numpy.exp2,
    "expm1": numpy.expm1, "log": numpy.log, "log2": numpy.log2, "log10": numpy.log10, "log1p": numpy.log1p,
    "sin": numpy.sin, "cos": numpy.cos, "tan": numpy.tan, "asin": numpy.arcsin, "acos": numpy.arccos,
    "atan": numpy.arctan, "sinh": numpy.sinh, "cosh": numpy.cosh, "tanh": numpy.tanh, "asinh": numpy.arcsinh,
    "acosh": numpy.arccosh, "atanh": numpy.arctanh, "floor": numpy.floor, "ceil": numpy.ceil, "rint": numpy.rint,
    "trunc": numpy.trunc, "isnan": numpy.isnan, "isinf": numpy.isinf, "isfinite": numpy.isfinite,
    "real": numpy.real, "imag": numpy.imag, "conj": numpy.conjugate, "arg": numpy.angle, "round": numpy.round,
}  # fmt: skip
REDUCTIONS = {
    "sum": numpy.sum, "prod": numpy.prod, "min": numpy.min, "max": numpy.max, "mean": numpy.mean, "any": numpy.any,
    "all": numpy.all, "argmin": numpy.argmin, "argmax": numpy.argmax, "var": numpy.var, "std": numpy.std,
    "norm": numpy.linalg.norm, "count_nonzero": numpy.count_nonzero, "nansum": numpy.nansum, "nanprod": numpy.nanprod,
    "nanmin": numpy.nanmin, "nanmax": numpy.nanmax, "nanmean": numpy.nanmean, "nanvar": numpy.nanvar,
    "nanstd": numpy.nanstd,
}  # fmt: skip

# Where the two are meant to differ: +x of bools, which NumPy refuses and which is no operation here.
MEANT = {("+", "bool")}


def helper():
    copy = os.environ.get("TILEWORK_NPYCOPY")
    path = pathlib.Path(copy).parent / "typeof" if copy else pathlib.Path("typeof")
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} is no program: set TILEWORK_NPYCOPY to tests/npycopy of a build", returncode=2)
    return path.resolve()


def ask(text):
    """What the helper says to each line."""
    done = subprocess.run([helper()], input=text, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == text.count("\n"), done.stderr
    return lines


def ours(cases):
    """The dtypes of (types, statement) pairs, None where one is refused."""
    lines = ask("".join(f"{types or '-'} {statement}\n" for types, statement in cases))
    return [None if line.startswith("! ") else line for line in lines]


def theirs(function, *arguments):
    """The dtype of NumPy's result, None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return numpy.asarray(function(*arguments)).dtype.name
        except (TypeError, OverflowError, ValueError):
            return None


def ones(dtype):
    return numpy.ones(3, dtype)


def check(cases, expected, what):
    found = ours(cases)
    wrong = [f"{name}: ours {mine}, NumPy's {other}" for name, mine, other in zip(what, found, expected)
             if mine != other]  # fmt: skip
    assert not wrong, "\n".join(wrong[:40])


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_have_numpys_dtype_for_every_pair(sign):
    pairs = list(itertools.product(DTYPES, DTYPES))
    check([(f"a={a},b={b}", f"r[i] = a[i] {sign} b[i]") for a, b in pairs],
          [theirs(OPERATORS[sign], ones(a), ones(b)) for a, b in pairs],
          [f"{a} {sign} {b}" for a, b in pairs])  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_have_numpys_dtype_for_every_pair(name):
    pairs = list(itertools.product(DTYPES, DTYPES))
    check([(f"a={a},b={b}", f"r[i] = {name}(a[i], b[i])") for a, b in pairs],
          [theirs(BINARY[name], ones(a), ones(b)) for a, b in pairs],
          [f"{name}({a}, {b})" for a, b in pairs])  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_operations_on_one_have_numpys_dtype(name):
    cases = [d for d in DTYPES if (name, d) not in MEANT]
    open_, close = ("(", ")") if name[0].isalpha() and name != "not " else ("", "")
    check([(f"a={d}", f"r[i] = {name}{open_}a[i]{close}") for d in cases],
          [theirs(UNARY[name], ones(d)) for d in cases], [f"{name}({d})" for d in cases])  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_have_numpys_dtype(name):
    check([(f"a={d}", f"r[] = {name}(k: a[k])") for d in DTYPES],
          [theirs(REDUCTIONS[name], ones(d)) for d in DTYPES], [f"{name} of {d}" for d in DTYPES])  # fmt: skip


NUMBERS = ["True", "False", "1", "3", "100", "200", "300", "40000", "70000", "3000000000", "5000000000",
           "9223372036854775808", "18446744073709551615", "-1", "-128", "-129", "-40000", "-9223372036854775808",
           "1.0", "0.5", "1e300", "1e-300", "2j", "1+2j", "inf", "nan"]  # fmt: skip
VALUES = {text: eval(text, {"inf": numpy.inf, "nan": numpy.nan}) for text in NUMBERS}


@pytest.mark.parametrize("sign", OPERATORS)
def test_numbers_take_numpys_dtype_beside_arrays(sign):
    cases, expected, what = [], [], []
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        if sign in ("and", "or") and abs(VALUES[number]) >= 2**63:
            continue  # a bool of any number: NumPy has none of more than 63 bits
        for first in (False, True):
            statement = f"({number}) {sign} a[i]" if first else f"a[i] {sign} ({number})"
            arguments = (VALUES[number], ones(dtype)) if first else (ones(dtype), VALUES[number])
            cases.append((f"a={dtype}", f"r[i] = {statement}"))
            expected.append(theirs(OPERATORS[sign], *arguments))
            what.append(f"{statement} of {dtype}")
    check(cases, expected, what)


@pytest.mark.parametrize("name", BINARY)
def test_numbers_take_numpys_dtype_in_functions(name):
    cases, expected, what = [], [], []
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        for first in (False, True):
            statement = f"{name}({number}, a[i])" if first else f"{name}(a[i], {number})"
            arguments = (VALUES[number], ones(dtype)) if first else (ones(dtype), VALUES[number])
            cases.append((f"a={dtype}", f"r[i] = {statement}"))
            expected.append(theirs(BINARY[name], *arguments))
            what.append(f"{statement} of {dtype}")
    check(cases, expected, what)


# NumPy's real() and imag() of a Python number are Python's own.
@pytest.mark.parametrize("name", [name for name in UNARY if name[0].isalpha() and name not in ("not ", "real", "imag")])
def test_functions_of_numbers_have_numpys_dtype(name):
    numbers = [number for number in NUMBERS if not number.startswith(("-", "1+"))]
    check([("", f"r[i] = {name}({number}) + 0 * uint8(i)") for number in numbers],
          [theirs(lambda x: UNARY[name](x) + 0 * ones("uint8"), VALUES[number]) for number in numbers],
          [f"{name}({number})" for number in numbers])  # fmt: skip


def test_where_has_numpys_dtype():
    pairs = list(itertools.product(DTYPES, DTYPES))
    check([(f"a={a},b={b}", f"r[i] = where(i > 1, a[i], b[i])") for a, b in pairs],
          [theirs(numpy.where, ones("bool"), ones(a), ones(b)) for a, b in pairs],
          [f"where(c, {a}, {b})" for a, b in pairs])  # fmt: skip


def test_where_with_numbers_has_numpys_dtype_and_no_number_is_cut():
    def expected(dtype, number):
        value = VALUES[number]
        info = numpy.iinfo(dtype) if numpy.dtype(dtype).kind in "iu" else None
        if info and type(value) is int and not info.min <= value <= info.max:
            return None  # NumPy would take the lowest bits
        return theirs(numpy.where, ones("bool"), ones(dtype), value)

    pairs = list(itertools.product(DTYPES, NUMBERS))
    pairs = [(d, n) for d, n in pairs if not (d == "bool" and n in ("9223372036854775808", "18446744073709551615"))]
    check([(f"a={d}", f"r[i] = a[i] if i > 1 else {n}") for d, n in pairs], [expected(d, n) for d, n in pairs],
          [f"where(c, {d}, {n})" for d, n in pairs])  # fmt: skip


def test_clip_has_numpys_dtype():
    cases = [(d, low, high) for d in DTYPES[1:] for low in ["0", "-1", "-300", "0.5"] for high in ["5", "300", "70000", "5.5"]]
    check([(f"a={d}", f"r[i] = clip(a[i], {low}, {high})") for d, low, high in cases],
          [theirs(numpy.clip, ones(d), eval(low), eval(high)) for d, low, high in cases],
          [f"clip({d}, {low}, {high})" for d, low, high in cases])  # fmt: skip


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"])
def test_augmented_statements_go_where_numpys_go(sign):
    def expected(a, b):
        def run(left, right):
            OPERATORS[sign](left, right, out=left)
            return left

        return theirs(run, ones(a), ones(b))

    pairs = list(itertools.product(DTYPES, DTYPES))
    check([(f"r={a},b={b}", f"r[i] {sign}= b[i]") for a, b in pairs], [expected(a, b) for a, b in pairs],
          [f"{a} {sign}= {b}" for a, b in pairs])  # fmt: skip


def test_casts_give_their_dtype_unless_an_imaginary_part_is_lost():
    pairs = list(itertools.product(DTYPES, DTYPES))
    check([(f"a={a}", f"r[i] = {to}(a[i])") for a, to in pairs],
          [None if a.startswith("complex") and not to.startswith(("complex", "bool")) else to for a, to in pairs],
          [f"{to}({a})" for a, to in pairs])  # fmt: skip


def test_casts_of_numbers_fit_or_are_refused_as_in_numpy():
    pairs = list(itertools.product(DTYPES, NUMBERS))
    pairs = [(d, n) for d, n in pairs if numpy.dtype(d).kind not in "iu" or n not in ("1e300", "inf", "nan")]
    check([("", f"r[i] = {d}({n})") for d, n in pairs],
          [theirs(numpy.dtype(d).type, VALUES[n]) for d, n in pairs], [f"{d}({n})" for d, n in pairs])  # fmt: skip


def test_indices_are_int64_and_lengths_are_numbers():
    cases = [("", "r[i,j] = i*10 + j", "int64"), ("a=uint8", "r[i] = a[i] + len(i)", "uint8"),
             ("a=uint8", "r[i] = a[i] + i", "int64"), ("a=float32", "r[i] = a[i] * i", "float64"),
             ("a=float32", "r[i] = a[i] * len(i) * pi", "float32"), ("", "r[i] = 1", "int64"),
             ("", "r[i] = 1.5", "float64"), ("", "r[i] = 2j", "complex128"), ("", "r[i] = True", "bool")]  # fmt: skip
    check([case[:2] for case in cases], [case[2] for case in cases], [case[1] for case in cases])


class Expressions:
    """Random expressions of Python numbers, as text."""

    LITERALS = ["0", "1", "2", "3", "7", "10", "255", "1_000", "0x1F", "0b101", "0o17", "9007199254740993", "0.5", "1.",
                ".25", "1e3", "2.5e-3", "1_0.0_1", "3j", "0.5j", "True", "False", "pi", "e"]  # fmt: skip
    SIGNS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!="]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def make(self, depth=4):
        pick = self.random.random()
        if depth == 0 or pick < 0.15:
            return self.random.choice(self.LITERALS)
        if pick < 0.6:  # no parentheses: precedence decides
            blank = self.random.choice(["", " "])
            return f"{self.make(depth - 1)} {self.random.choice(self.SIGNS)}{blank} {self.make(depth - 1)}"
        if pick < 0.75:
            return f"({self.make(depth - 1)})"
        if pick < 0.87:
            return self.random.choice(["-", "+", "~", "not "]) + self.make(depth - 1)
        if pick < 0.93:
            return f"({self.make(depth - 1)} if {self.make(depth - 1)} else {self.make(depth - 1)})"
        return f"({self.make(depth - 1)} {self.random.choice(['and', 'or'])} {self.make(depth - 1)})"


def pythons(text):
    """("int64", value) and the like; None where Python refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = eval(text, {"pi": math.pi, "e": math.e})
    except (ZeroDivisionError, TypeError, OverflowError, ValueError, SyntaxError, MemoryError):
        return None
    if isinstance(value, bool):
        return "bool", int(value)
    if isinstance(value, int):
        return ("int64" if -2**63 <= value < 2**63 else "uint64" if 0 <= value < 2**64 else "large"), value
    return type(value).__name__, value


def same_value(found, expected):
    kind, value = expected
    name, *rest = found.split()
    if kind in ("bool", "int64", "uint64"):
        return name == kind and int(rest[0]) == value
    real, imag = (float.fromhex(part) if part.strip("-") not in ("inf", "nan") else float(part) for part in rest)
    if kind == "float":
        return name == "float64" and (real == value or (math.isnan(real) and math.isnan(value)))
    if name != "complex128":
        return False
    return cmath.isclose(complex(real, imag), value, rel_tol=1e-13, abs_tol=1e-300) or not cmath.isfinite(value)


def test_expressions_of_numbers_are_read_and_computed_as_python_does():
    seed = int(os.environ.get("TILEWORK_SEED", random.SystemRandom().randrange(2**32)))
    print(f"TILEWORK_SEED={seed}")
    expressions, wrong, compared = Expressions(seed), [], 0
    texts = []
    while len(texts) < 20000:
        text = expressions.make()
        # A power or a shift of Python's may take forever; a logical operator of Python's is one of its operands.
        if text.count("**") <= 1 and text.count("<<") <= 1 and " and " not in text and " or " not in text:
            texts.append(text)
    for text, found in zip(texts, ask("".join(f"= {text}\n" for text in texts))):
        if found.startswith("! ") or found.endswith("64 bits"):
            # Refused here: what Python refuses, numbers of more than 128 bits on the way, complex results of real powers.
            continue
        compared += 1
        expected = pythons(text)
        if expected is None or not same_value(found, expected):
            wrong.append(f"{text}: ours {found}, Python's {expected}")
    assert not wrong, "\n".join(wrong[:20])
    assert compared > 8000
