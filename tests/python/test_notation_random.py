"""Random statements against NumPy: dtypes, shapes, strides, edges, grids. The seed is printed; TILEWORK_SEED repeats one.

Every expression is built together with its value: an operation is chosen, NumPy computes it, and where NumPy refuses, so must
the statement. Sixteen expressions share a list of statements, so that a compiler is called once for all of them.
"""

import concurrent.futures
import multiprocessing
import os
import random
import re
import warnings

import numpy

from statements import Failure, Statement, library, same

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
          "float64", "complex64", "complex128"]  # fmt: skip
BATCH = 16
EXPRESSIONS = int(os.environ.get("TILEWORK_EXPRESSIONS", "20000"))

BINARY = {
    "+": numpy.add, "-": numpy.subtract, "*": numpy.multiply, "/": numpy.true_divide, "//": numpy.floor_divide,
    "%": numpy.remainder, "==": numpy.equal, "!=": numpy.not_equal, "<": numpy.less, "<=": numpy.less_equal,
    ">": numpy.greater, ">=": numpy.greater_equal, "&": numpy.bitwise_and, "|": numpy.bitwise_or,
    "^": numpy.bitwise_xor, "<<": numpy.left_shift, ">>": numpy.right_shift, "and": numpy.logical_and,
    "or": numpy.logical_or, "minimum": numpy.minimum, "maximum": numpy.maximum, "fmin": numpy.fmin,
    "fmax": numpy.fmax,
}  # fmt: skip
PYTHON = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "and": lambda a, b: bool(a) and bool(b), "or": lambda a, b: bool(a) or bool(b),
}  # fmt: skip
UNARY = {
    "-": numpy.negative, "~": numpy.invert, "not ": numpy.logical_not, "abs": numpy.absolute, "sign": numpy.sign,
    "sqrt": numpy.sqrt, "floor": numpy.floor, "ceil": numpy.ceil, "rint": numpy.rint, "trunc": numpy.trunc,
    "isnan": numpy.isnan, "isinf": numpy.isinf, "isfinite": numpy.isfinite, "real": numpy.real, "imag": numpy.imag,
    "conj": numpy.conjugate,
}  # fmt: skip
INEXACT_OF_COMPLEX = {"abs", "sign", "sqrt"}
LITERALS = ["0", "1", "2", "3", "5", "7", "100", "-1", "0.5", "1.5", "-2.25", "1e-3", "2j", "True"]


class Part:
    """An expression and its value: an array over all axes, or a Python number."""

    def __init__(self, text, value, exact=True):
        self.text, self.value, self.exact = text, value, exact

    @property
    def is_number(self):
        return isinstance(self.value, (bool, int, float, complex)) and not isinstance(self.value, numpy.generic)

    @property
    def dtype(self):
        return numpy.asarray(self.value).dtype


def outside(index, length, edge):
    """Indices as an edge has them, and where they are outside of an array that is 0 there."""
    if edge == "clamp":
        return numpy.clip(index, 0, length - 1), numpy.zeros(index.shape, bool)
    if edge == "wrap":
        return index % length, numpy.zeros(index.shape, bool)
    out = (index < 0) | (index >= length)
    return numpy.where(out, 0, index), out


class Batch:
    """Statements over shared inputs, their values, and what was refused."""

    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.numbers = numpy.random.default_rng(seed)
        self.lengths = {"i": self.random.choice([1, 2, 5, 8]), "j": self.random.choice([1, 3, 17, 40, 70])}
        self.edges = {axis: self.random.choice(["clamp", "wrap", "zero", "error"]) for axis in "ij"}
        pick = self.random.choice
        self.parameters = {"p": pick([2, 3, -1, 0.5, 1.25, 2j]), "q": pick([1, 4, 0.125])}
        self.operands = {}
        for name, axes in (("a", "ij"), ("b", "ij"), ("c", "i"), ("d", "j"), ("f", "ij"), ("g", ""), ("h", "ji")):
            shape = [self.lengths[axis] for axis in axes]
            if name == "f":  # a dimension of length 1 fits any
                shape[self.random.randrange(2)] = 1
            self.operands[name] = (axes, self.array(pick(DTYPES), shape))
        self.whole = {name: self.array(pick(DTYPES), [self.random.randint(1, 9), self.random.randint(1, 50)])
                      for name in ("u", "v")}  # fmt: skip
        self.refused = []

    def array(self, dtype, shape):
        """Values of all sizes, laid out in some way."""
        dtype = numpy.dtype(dtype)
        layout = self.random.randrange(4)
        made = [2 * n if layout == 3 else n for n in shape]
        if dtype.kind == "b":
            values = self.numbers.integers(0, 2, made).astype(bool)
        elif dtype.kind in "iu":
            info = numpy.iinfo(dtype)
            small = self.numbers.integers(max(info.min, -9), 10, made)
            large = self.numbers.integers(info.min, info.max, made, dtype, endpoint=True)
            values = numpy.where(self.numbers.random(made) < 0.7, small.astype(dtype), large)
        else:
            values = self.numbers.normal(size=made) * 10.0 ** self.numbers.integers(-2, 3, made)
            values = numpy.where(self.numbers.random(made) < 0.3, numpy.round(values), values)
            if dtype.kind == "c":
                values = values + 1j * self.numbers.normal(size=made)
        with numpy.errstate(all="ignore"):
                values = numpy.array(values, dtype)
        if not shape:
            return values
        if layout == 1:
            values = numpy.asfortranarray(values)
        elif layout == 2:
            values = values[tuple(slice(None, None, -1) for _ in made)]
        elif layout == 3:
            values = values[tuple(slice(None, None, 2) for _ in made)]
        return values

    def shape(self):
        return self.lengths["i"], self.lengths["j"]

    def grid(self, axis):
        index = numpy.arange(self.lengths[axis])
        return numpy.broadcast_to(index[:, None] if axis == "i" else index[None, :], self.shape())

    def read(self):
        name = self.random.choice([*self.operands, *self.whole])
        if name in self.whole:
            return self.read_whole(name)
        axes, array = self.operands[name]
        value = array.T if axes == "ji" else array[:, None] if axes == "i" else array
        return Part(f"{name}[{','.join(axes)}]", numpy.broadcast_to(value, self.shape()).copy())

    def read_whole(self, name):
        array, texts, places = self.whole[name], [], []
        masks = numpy.zeros(self.shape(), bool)
        for length in array.shape:
            axis = self.random.choice("ij")
            if self.edges[axis] == "error" or self.random.random() < 0.15:
                place = self.random.randrange(length)
                texts.append(str(place))
                places.append(numpy.full(self.shape(), place))
                continue
            factor, shift = self.random.choice([1, 1, 1, -1, 2, 3]), self.random.randint(-4, 4)
            texts.append(f"{factor}*{axis}{shift:+d}" if factor != 1 else f"{axis}{shift:+d}" if shift else axis)
            place, mask = outside(factor * self.grid(axis) + shift, length, self.edges[axis])
            places.append(place)
            masks |= mask
        value = array[tuple(places)]
        value[masks] = 0
        return Part(f"{name}[{','.join(texts)}]", value)

    def leaf(self):
        pick = self.random.random()
        if pick < 0.62:
            return self.read()
        if pick < 0.8:
            text = self.random.choice(LITERALS)
            return Part(f"({text})" if text.startswith("-") else text, eval(text))
        if pick < 0.9:
            name = self.random.choice("pq")
            return Part(name, self.parameters[name])
        axis = self.random.choice("ij")
        return Part(axis, self.grid(axis)) if pick < 0.96 else Part(f"len({axis})", self.lengths[axis])

    def compute(self, text, function, parts):
        """The part that NumPy makes of others; None where it refuses, which is to be seen of ours too."""
        if any(not part.exact for part in parts):
            return None
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = function(*[part.value for part in parts])
            except (TypeError, OverflowError):
                self.refused.append(text)
                return None
            except (ZeroDivisionError, ValueError):
                return None
        if isinstance(value, numpy.ndarray) or isinstance(value, numpy.generic):
            if numpy.asarray(value).dtype.name not in DTYPES:
                return None
        elif isinstance(value, int) and not isinstance(value, bool) and not -2**63 <= value < 2**64:
            return None
        return Part(text, value)

    def binary(self, depth):
        sign = self.random.choice(list(BINARY))
        a, b = self.make(depth - 1), self.make(depth - 1)
        if sign.isalpha() and sign not in ("and", "or"):
            return self.compute(f"{sign}({a.text}, {b.text})", BINARY[sign], (a, b))
        if a.is_number and b.is_number:
            if sign not in PYTHON:
                return None
            made = self.compute(f"({a.text} {sign} {b.text})", PYTHON[sign], (a, b))
            return made if made is None or made.is_number else None
        return self.compute(f"({a.text} {sign} {b.text})", BINARY[sign], (a, b))

    def unary(self, depth):
        sign = self.random.choice(list(UNARY))
        a = self.make(depth - 1)
        if a.is_number or (sign in INEXACT_OF_COMPLEX and a.dtype.kind == "c"):
            return None
        name = sign if not sign.isalpha() else f"{sign}"
        return self.compute(f"({name}{a.text})" if not sign.isalpha() else f"{name}({a.text})", UNARY[sign], (a,))

    def choice(self, depth):
        condition, a, b = self.make(depth - 1), self.make(depth - 1), self.make(depth - 1)
        if condition.is_number or (a.is_number and b.is_number):
            return None
        for number, array in ((a, b), (b, a)):
            if number.is_number and isinstance(number.value, int) and array.dtype.kind in "iu":
                info = numpy.iinfo(array.dtype)
                if not info.min <= number.value <= info.max:
                    return None  # NumPy takes the lowest bits
        text = f"where({condition.text}, {a.text}, {b.text})" if self.random.random() < 0.5 else (
            f"({a.text} if {condition.text} else {b.text})")
        return self.compute(text, lambda c, x, y: numpy.where(numpy.asarray(c).astype(bool), x, y), (condition, a, b))

    def cast(self, depth):
        a = self.make(depth - 1)
        to = numpy.dtype(self.random.choice(DTYPES))
        if a.is_number or (a.dtype.kind in "fc" and to.kind in "iu"):
            return None  # what floats become that an integer has not is no promise of NumPy's
        if a.dtype.kind == "c" and to.kind not in "cb":
            self.refused.append(f"{to.name}({a.text})")
            return None
        return self.compute(f"{to.name}({a.text})", lambda x: numpy.asarray(x).astype(to), (a,))

    def power(self, depth):
        a, exponent = self.make(depth - 1), self.random.choice([0, 1, 2, 3])
        if a.is_number or (a.dtype.kind in "fc" and exponent != 2) or a.dtype.kind == "c":
            return None
        return self.compute(f"({a.text})**{exponent}", lambda x: numpy.power(x, exponent), (a,))

    def make(self, depth):
        if depth == 0:
            return self.leaf()
        for _ in range(20):
            pick = self.random.random()
            way = (self.binary if pick < 0.6 else self.unary if pick < 0.75 else self.choice if pick < 0.85 else
                   self.cast if pick < 0.93 else self.power)
            made = way(depth)
            if made is not None:
                return made
        return self.leaf()

    def fill(self):
        """Statements r0, r1, ... and what they are to give."""
        self.statements, self.expected = [], {}
        while len(self.statements) < BATCH:
            part = self.make(self.random.randint(1, 4))
            if part.is_number:
                part = Part(part.text, numpy.asarray(part.value))
                if part.dtype.name not in DTYPES:
                    continue
            k = len(self.statements)
            axes = self.random.choice(["i,j", "j,i"])
            value = numpy.broadcast_to(part.value, self.shape())
            self.statements.append(f"r{k}[{axes}] = {part.text}")
            self.expected[f"r{k}"] = value if axes == "i,j" else value.T
        return self

    def arrays_in(self, text):
        arrays = {name: array for name, (_, array) in self.operands.items()}
        arrays.update(self.whole)
        return {name: array for name, array in arrays.items() if re.search(rf"\b{name}\[", text)}

    def statement(self, text, **more):
        parameters = {name: value for name, value in self.parameters.items() if re.search(rf"\b{name}\b", text)}
        return Statement(library(), text, self.arrays_in(text), edges=self.edges, parameters=parameters,
                         lengths=self.lengths, **more)  # fmt: skip

    def cuts(self):
        made = {}
        for axis, length in self.lengths.items():
            if length > 1 and self.random.random() < 0.7:
                made[axis] = sorted(self.random.sample(range(1, length), self.random.randint(1, min(length - 1, 4))))
        return made


def same_values(found, expected, text):
    if "min" in text or "max" in text:  # which of 0 and -0 is smaller is nobody's promise
        found, expected = found + found.dtype.type(0) if found.dtype.kind in "fc" else found, (
            expected + expected.dtype.type(0) if expected.dtype.kind in "fc" else expected)
    return same(found, expected)


def compare(batch, lines, flags):
    """What is wrong in some statements of a batch."""
    try:
        statement = batch.statement("; ".join(lines), flags=flags)
    except Failure as failure:
        if "too many different elements" in str(failure) and len(lines) > 1:
            half = len(lines) // 2
            return compare(batch, lines[:half], flags) + compare(batch, lines[half:], flags)
        return [f"seed {batch.seed}: {failure}"]
    wrong = []
    try:
        first = {name: array.copy() for name, array in statement.run(batch.cuts()).items()}
        again = statement.run({})
        for line in lines:
            name = line.split("[")[0]
            where = f"seed {batch.seed}: {line} of {[(n, a.dtype.name) for n, a in batch.arrays_in(line).items()]}: "
            if not same_values(first[name], batch.expected[name], line):
                wrong.append(f"{where}{first[name].dtype} {first[name].ravel()[:6]}, NumPy: "
                             f"{batch.expected[name].dtype} {batch.expected[name].ravel()[:6]}")  # fmt: skip
            if not same(first[name], again[name]):
                wrong.append(f"{where}the grid decides")
    except Failure as failure:
        wrong.append(f"seed {batch.seed}: {failure}")
    finally:
        statement.close()
    return wrong


def check(seed, flags):
    """What is wrong in one batch."""
    batch = Batch(seed).fill()
    return compare(batch, batch.statements, flags)


def check_refused(seed):
    """What NumPy refuses is refused: types alone, no compiler."""
    batch = Batch(seed).fill()
    accepted = []
    for text in batch.refused[:30]:
        try:
            batch.statement(f"r[i,j] = {text}", flags="-O0").close()
            accepted.append(f"seed {seed}: {text} of {[(n, a.dtype.name) for n, a in batch.arrays_in(text).items()]}")
        except Failure as failure:
            assert "does not compile" not in str(failure), str(failure)
    return accepted


def seeds(count):
    first = int(os.environ.get("TILEWORK_SEED", random.SystemRandom().randrange(2**32)))
    print(f"TILEWORK_SEED={first}")
    return [first + 1000003 * k for k in range(count)]


def test_random_statements_give_numpys_bits():
    """On as many processes as there are processors, since compilers take most of the time."""
    batches = -(-EXPRESSIONS // BATCH)
    flags = ["-O3 -march=native" if number % 25 == 0 else "-O0" for number in range(batches)]
    wrong = []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as workers:
        for lines in workers.map(check, seeds(batches), flags, chunksize=4):
            wrong += lines
    assert not wrong, f"{len(wrong)} of {batches * BATCH}:\n" + "\n".join(wrong[:20])


def test_what_numpy_refuses_is_refused():
    accepted = [line for seed in seeds(20) for line in check_refused(seed)]
    assert not accepted, "\n".join(accepted[:20])
