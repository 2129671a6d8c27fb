"""What an expression means, by NumPy alone: the nodes of an expression, their text in the notation, their values.

A value is a Python number (which is weak, as NumPy 2 has it) or an array with one dimension for each axis of the
statement, of length 1 where it does not change along the axis. Knows nothing of Tilework but the notation."""

import math
import warnings

import numpy

numpy.seterr(all="ignore")

COMPARISONS = {"==": numpy.equal, "!=": numpy.not_equal, "<": numpy.less, "<=": numpy.less_equal,
               ">": numpy.greater, ">=": numpy.greater_equal}  # fmt: skip
ARITHMETIC = {"+": numpy.add, "-": numpy.subtract, "*": numpy.multiply, "/": numpy.true_divide,
              "//": numpy.floor_divide, "%": numpy.remainder, "**": numpy.power, "&": numpy.bitwise_and,
              "|": numpy.bitwise_or, "^": numpy.bitwise_xor, "<<": numpy.left_shift,
              ">>": numpy.right_shift}  # fmt: skip
LOGIC = {"and": numpy.logical_and, "or": numpy.logical_or}


def raise_python(x, y):
    """Of two Python numbers. Tilework refuses what would turn real numbers into a complex one."""
    result = x ** y
    if isinstance(result, complex) and not isinstance(x, complex) and not isinstance(y, complex):
        raise ValueError("a negative number to a power that is not whole")
    return result


PYTHONS = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
           "**": raise_python}  # fmt: skip

# Rounded right, or without any rounding: NumPy's bits.
EXACT = {"abs": numpy.absolute, "sign": numpy.sign, "sqrt": numpy.sqrt, "floor": numpy.floor, "ceil": numpy.ceil,
         "rint": numpy.rint, "trunc": numpy.trunc, "isnan": numpy.isnan, "isinf": numpy.isinf,
         "isfinite": numpy.isfinite, "real": numpy.real, "imag": numpy.imag, "conj": numpy.conjugate,
         "round": numpy.round}  # fmt: skip
EXACT_OF_TWO = {"fmod": numpy.fmod, "copysign": numpy.copysign, "nextafter": numpy.nextafter}
# Of two zeros with different signs, NumPy's loops give now the one, now the other.
EXTREMES = {"minimum": numpy.minimum, "maximum": numpy.maximum, "fmin": numpy.fmin, "fmax": numpy.fmax}


def on_floats(function):
    """A function that NumPy lacks, of real numbers, from one of long doubles."""

    def result(x):
        dtype = numpy.sqrt(numpy.zeros(1, x.dtype)).dtype
        if dtype.kind == "c":
            raise TypeError("not of complex numbers")
        return function(x.astype(dtype).astype(numpy.longdouble)).astype(dtype)

    return result


# Edges, and those of them that read a number: one that every dtype has.
NUMBERS = {"zero": 0, "constant=1": 1}
EDGES = ["clamp", "wrap", "reflect", "mirror", *NUMBERS]

PI = numpy.longdouble("3.14159265358979323846264338327950288")


def erf_of(x):
    """2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...): all terms have one sign."""
    y = numpy.where(abs(x) < 7, x, 0)
    term = total = y
    for n in range(1, 160):
        term = term * 2 * y * y / (2 * n + 1)
        total = total + term
    return numpy.where(abs(x) < 7, 2 / numpy.sqrt(PI) * numpy.exp(-y * y) * total, numpy.sign(x))


def gamma_of(x):
    """Stirling's series beyond 30, with x moved there; below 1/2 from gamma(1 - x) gamma(x) = pi / sin(pi x)."""
    terms = [(1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188), (-691, 360360), (1, 156), (-3617, 122400)]
    y = numpy.where(x < 0.5, 1 - x, x)
    y = numpy.where(y < 2000, y, 2000)
    factor, z = numpy.ones_like(y), y
    for _ in range(30):
        factor, z = numpy.where(z < 30, factor * z, factor), numpy.where(z < 30, z + 1, z)
    series = sum(numpy.longdouble(a) / b / z ** (2 * k + 1) for k, (a, b) in enumerate(terms))
    half = z ** ((z - 0.5) / 2)  # its square may be too large where what is divided by it is not
    value = half * (numpy.exp(-z) * half) * numpy.sqrt(2 * PI) * numpy.exp(series) / factor
    rest = x - 2 * numpy.rint(x / 2)  # -1 .. 1
    sine = numpy.sin(PI * numpy.where(abs(rest) > 0.5, numpy.sign(rest) * (1 - abs(rest)), rest))
    result = numpy.where(x < 0.5, PI / (sine * value), value)
    result = numpy.where((x < 0) & (x == numpy.floor(x)), numpy.nan, result)
    result = numpy.where(x == 0, numpy.copysign(numpy.longdouble("inf"), x), result)
    return numpy.where(numpy.isnan(x) | (x == numpy.inf), x, numpy.where(x == -numpy.inf, numpy.nan, result))


LACKING = {"erf": erf_of, "gamma": gamma_of}  # in NumPy: of long doubles
RANDOM = {"uniform", "normal"}  # compared in tests/command/test_random.py
TRANSCENDENTAL = {
    "cbrt": numpy.cbrt, "exp": numpy.exp, "exp2": numpy.exp2, "expm1": numpy.expm1, "log": numpy.log,
    "log2": numpy.log2, "log10": numpy.log10, "log1p": numpy.log1p, "sin": numpy.sin, "cos": numpy.cos,
    "tan": numpy.tan, "asin": numpy.arcsin, "acos": numpy.arccos, "atan": numpy.arctan, "sinh": numpy.sinh,
    "cosh": numpy.cosh, "tanh": numpy.tanh, "asinh": numpy.arcsinh, "acosh": numpy.arccosh, "atanh": numpy.arctanh,
    "arg": numpy.angle, **{name: on_floats(function) for name, function in LACKING.items()},
}  # fmt: skip
TRANSCENDENTAL_OF_TWO = {"atan2": numpy.arctan2, "hypot": numpy.hypot}
REDUCTIONS = {"sum": numpy.sum, "prod": numpy.prod, "min": numpy.min, "max": numpy.max, "mean": numpy.mean,
              "any": numpy.any, "all": numpy.all, "argmin": numpy.argmin, "argmax": numpy.argmax, "var": numpy.var,
              "std": numpy.std, "norm": numpy.linalg.norm, "count_nonzero": numpy.count_nonzero, "nansum": numpy.nansum,
              "nanprod": numpy.nanprod, "nanmin": numpy.nanmin, "nanmax": numpy.nanmax, "nanmean": numpy.nanmean,
              "nanvar": numpy.nanvar, "nanstd": numpy.nanstd}  # fmt: skip
EXTREME = {"min", "max", "nanmin", "nanmax"}  # of two zeros any may come out
NEEDY = EXTREME | {"argmin", "argmax"}  # there is none of no elements
FREE = {"var", "std", "nanvar", "nanstd"}  # they take a ddof


class Refused(Exception):
    """NumPy, or Python, has no such operation for these dtypes or numbers."""


def is_weak(value):
    return type(value) in (bool, int, float, complex)


def dtype_of(value):
    return numpy.asarray(value).dtype


def to_integer(x, dtype):
    """Floats to integers as x86-64 does, where C leaves open what comes out of numbers that do not fit: by way of
    int32 for 8 and 16 bits, of int64 for all others, whose smallest number stands for all that do not fit."""
    wide = numpy.dtype("int32" if dtype.itemsize <= 2 or dtype == "int32" else "int64")
    low, high = -(2.0 ** (8 * wide.itemsize - 1)), 2.0 ** (8 * wide.itemsize - 1)
    x = x.real if x.dtype.kind == "c" else x
    whole = numpy.trunc(x.astype("float64"))

    def narrow(value):
        return numpy.where((value >= low) & (value < high), value, low).astype(wide)

    if dtype == "uint64":
        return numpy.where(whole >= high, narrow(whole - high).astype("uint64") ^ numpy.uint64(1 << 63),
                           narrow(whole).astype("uint64"))  # fmt: skip
    return narrow(whole).astype(dtype)


def convert(x, dtype):
    dtype = numpy.dtype(dtype)
    if is_weak(x):
        if dtype.kind == "b":
            return numpy.asarray(bool(x))
        if dtype.kind in "iu" and isinstance(x, float):
            return to_integer(numpy.asarray(x), dtype)
        return numpy.asarray(dtype.type(x))
    if x.dtype.kind in "fc" and dtype.kind in "iu":
        return to_integer(x, dtype)
    return x.astype(dtype)


def multiply_complex(x, y):
    """NumPy fuses in its loops over items that lie side by side, and in no others: those are meant."""
    dtype = numpy.multiply(numpy.ones_like(x, shape=(1,)) if not is_weak(x) else x,
                           numpy.ones_like(y, shape=(1,)) if not is_weak(y) else y).dtype  # fmt: skip
    x, y = numpy.broadcast_arrays(numpy.asarray(x, dtype), numpy.asarray(y, dtype))
    room = numpy.zeros(x.size + 8, dtype), numpy.zeros(x.size + 8, dtype)
    room[0][: x.size], room[1][: x.size] = x.ravel(), y.ravel()
    return numpy.multiply(*room)[: x.size].reshape(x.shape)


class Context:
    """What a statement's expression is computed from."""

    def __init__(self, axes, lengths, arrays, parameters, edges, cut=()):
        self.axes, self.lengths, self.arrays, self.parameters, self.edges = axes, lengths, arrays, parameters, edges
        self.cut = cut  # (operand, dimension): it is read at its axis alone, and broadcast where its length is 1
        self.known = {}  # values found by Tilework, for which what is computed from them must be exact

    def index(self, axis):
        shape = [1] * len(self.axes)
        shape[self.axes.index(axis)] = -1
        return numpy.arange(self.lengths[axis], dtype="int64").reshape(shape)

    def lift(self, value):
        """An array without dimensions as one of all axes."""
        return value if is_weak(value) else numpy.asarray(value).reshape((1,) * len(self.axes)) \
            if numpy.ndim(value) == 0 else value  # fmt: skip


class Node:
    """An expression. `aux`: the name of the array that Tilework also writes its value to; how it may differ from
    NumPy's is then said by `check`: "ulp", "sum", "zero"."""

    children = ()
    aux = None
    check = None

    def value(self, context):
        if self.aux is not None and self.aux in context.known:
            return context.known[self.aux]
        return self.compute(context)

    def compute(self, context):
        arguments = [child.value(context) for child in self.children]
        try:
            result = self.apply(*arguments)
        except (TypeError, OverflowError, ValueError, ZeroDivisionError, IndexError) as error:
            raise Refused(str(error)) from None
        return context.lift(result)

    def with_children(self, children):
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.children = tuple(children)
        return made


class Number(Node):
    def __init__(self, text, number):
        self.text_, self.number = text, number

    def text(self):
        return self.text_

    def compute(self, context):
        return self.number


class Parameter(Node):
    def __init__(self, name):
        self.name = name

    def text(self):
        return self.name

    def compute(self, context):
        return context.parameters[self.name]


class Length(Node):
    def __init__(self, axis):
        self.axis = axis

    def text(self):
        return f"len({self.axis})"

    def compute(self, context):
        return context.lengths[self.axis]


class Index(Node):
    def __init__(self, axis):
        self.axis = axis

    def text(self):
        return self.axis

    def compute(self, context):
        return context.index(self.axis)


def index_text(terms, constant):
    text = ""
    for axis, factor in terms.items():
        part = axis if abs(factor) == 1 else f"{abs(factor)}*{axis}"
        text += part if not text and factor > 0 else f"-{part}" if not text else f" {'+-'[factor < 0]} {part}"
    if not text:
        return str(constant)
    return text + (f" {'+-'[constant < 0]} {abs(constant)}" if constant else "")


def is_fixed(term):
    """A length or a parameter, which is the same everywhere."""
    return term.startswith("len(") or term[0] in "pq"


class Read(Node):
    """indices: for each dimension the axes with their factors, and a constant. Beside axes there may be len(AXIS) and
    parameters."""

    def __init__(self, name, indices):
        self.name, self.indices = name, indices

    def text(self):
        return f"{self.name}[{','.join(index_text(*index) for index in self.indices)}]"

    def compute(self, context):
        array = context.arrays[self.name]
        outside, where = [], []
        for d, (terms, constant) in enumerate(self.indices):
            length = array.shape[d]
            at = numpy.full((1,) * len(context.axes), constant, "int64")
            for term, factor in terms.items():
                at = at + factor * (context.lengths[term[4:-1]] if term.startswith("len(") else
                                    context.parameters[term] if is_fixed(term) else context.index(term))  # fmt: skip
            if (self.name, d) in context.cut and length == 1:
                at = at * 0
            edges = {context.edges.get(axis, "error") for axis in terms if not is_fixed(axis)} - {"error"}
            edge = edges.pop() if edges else "error"
            if edge == "clamp":
                at = numpy.clip(at, 0, length - 1)
            elif edge == "wrap" and length:
                at = at % length
            elif edge == "reflect" and length:
                at = at % (2 * length)
                at = numpy.where(at < length, at, 2 * length - 1 - at)
            elif edge == "mirror" and length:
                at = abs(at) % max(2 * length - 2, 1)
                at = numpy.where(at < length, at, 2 * length - 2 - at)
            elif edge in NUMBERS:
                outside.append(((at < 0) | (at >= length), NUMBERS[edge]))
                at = numpy.clip(at, 0, max(length - 1, 0))
            where.append(at)
        empty = [numpy.size(at) == 0 for at in where]
        if any(array.shape[d] == 0 for d in range(array.ndim)) and not any(empty):
            shape = numpy.broadcast_shapes(*[at.shape for at in where])
            found = numpy.zeros(shape, array.dtype)  # outside everywhere
        else:
            found = numpy.asarray(array[tuple(where)])
        for is_outside, number in outside:  # the last dimension's counts
            found = numpy.where(is_outside, numpy.array(number, array.dtype), found)
        return context.lift(found)


class Unary(Node):
    def __init__(self, sign, child):
        self.sign, self.children = sign, (child,)

    def text(self):
        return f"({self.sign}{' ' if self.sign == 'not' else ''}{self.children[0].text()})"

    def apply(self, x):
        if is_weak(x):
            return -x if self.sign == "-" else not x if self.sign == "not" else ~x if self.sign == "~" else +x
        if self.sign == "+" and x.dtype == bool:
            return x
        return {"-": numpy.negative, "+": numpy.positive, "~": numpy.invert, "not": numpy.logical_not}[self.sign](x)


class Binary(Node):
    def __init__(self, sign, left, right):
        self.sign, self.children = sign, (left, right)

    def text(self):
        return f"({self.children[0].text()} {self.sign} {self.children[1].text()})"

    def apply(self, x, y):
        if is_weak(x) and is_weak(y):
            return PYTHONS[self.sign](x, y)
        if self.sign in LOGIC:
            return LOGIC[self.sign](x, y)
        if self.sign == "*" and "c" in (dtype_of(x).kind, dtype_of(y).kind):
            return multiply_complex(x, y)
        return {**COMPARISONS, **ARITHMETIC}[self.sign](x, y)


class Chain(Node):
    """a < b <= c"""

    def __init__(self, signs, children):
        self.signs, self.children = signs, tuple(children)

    def text(self):
        parts = [child.text() for child in self.children]
        return f"({parts[0]} {self.signs[0]} {parts[1]} {self.signs[1]} {parts[2]})"

    def apply(self, x, y, z):
        if is_weak(y) and (is_weak(x) or is_weak(z)):
            raise Refused("numbers alone")
        return numpy.logical_and(COMPARISONS[self.signs[0]](x, y), COMPARISONS[self.signs[1]](y, z))


class Select(Node):
    def __init__(self, condition, yes, no, is_function):
        self.children, self.is_function = (condition, yes, no), is_function

    def text(self):
        c, yes, no = (child.text() for child in self.children)
        return f"where({c}, {yes}, {no})" if self.is_function else f"({yes} if {c} else {no})"

    def apply(self, c, yes, no):
        if not self.is_function and is_weak(c) and is_weak(yes) and is_weak(no):
            if type(yes) is not type(no):
                raise Refused("what it is would depend on the value of a parameter")
            return yes if c else no
        return numpy.where(c, yes, no)


class Cast(Node):
    def __init__(self, dtype, child):
        self.dtype, self.children = dtype, (child,)

    def text(self):
        return f"{self.dtype}({self.children[0].text()})"

    def apply(self, x):
        if dtype_of(x).kind == "c" and numpy.dtype(self.dtype).kind not in "bc":
            raise Refused("an imaginary part would be lost")
        return convert(x, self.dtype)


class Call(Node):
    def __init__(self, name, children):
        self.name, self.children = name, tuple(children)

    def text(self):
        return f"{self.name}({', '.join(child.text() for child in self.children)})"

    def apply(self, *arguments):
        if self.name == "clip":
            if is_weak(arguments[0]):
                raise Refused("of arrays")
            return numpy.clip(*arguments)
        function = {**EXACT, **EXACT_OF_TWO, **EXTREMES, **TRANSCENDENTAL, **TRANSCENDENTAL_OF_TWO}[self.name]
        if self.name == "copysign" and numpy.isnan(arguments[1]).any():
            raise Refused("the sign of a NaN is open")
        if len(arguments) == 1 and self.name in ("real", "imag", "arg", "round", *LACKING) and is_weak(arguments[0]):
            raise Refused("NumPy's is Python's own")
        return function(*arguments)


class Reduce(Node):
    def __init__(self, name, axes, body, ddof=None):
        self.name, self.axes, self.children, self.ddof = name, tuple(axes), (body,), ddof

    def text(self):
        ddof = "" if self.ddof is None else f", ddof={self.ddof}"
        return f"{self.name}({', '.join(self.axes)}: {self.children[0].text()}{ddof})"

    def elements(self, context):
        """The values of the body, the reduced axes last and as one."""
        value = numpy.asarray(context.lift(numpy.asarray(self.children[0].value(context))))
        shape = [context.lengths[axis] if axis in self.axes else value.shape[d] for d, axis in enumerate(context.axes)]
        value = numpy.broadcast_to(value, shape)
        where = [context.axes.index(axis) for axis in self.axes]
        kept = [d for d in range(value.ndim) if d not in where]
        value = value.transpose(kept + where)
        count = math.prod(context.lengths[axis] for axis in self.axes)
        return value.reshape([*value.shape[: len(kept)], count]), where

    def compute(self, context):
        elements, where = self.elements(context)
        try:
            more = {} if self.ddof is None else {"ddof": self.ddof}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NumPy's nan functions warn of what is NaN altogether
                result = numpy.asarray(REDUCTIONS[self.name](elements, axis=-1, **more))
        except (TypeError, ValueError) as error:
            raise Refused(str(error)) from None
        for d in sorted(where):
            result = numpy.expand_dims(result, d)
        return result
