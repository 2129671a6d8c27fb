"""When a value of Tilework's is right: bit for bit, or within what is promised of a function or a reduction.

Bit for bit means every bit of every number, the sign of zeros too, but for NaN: one NaN is like any other, whatever
its sign and payload. References are computed in long double, so that NumPy's own errors do not count."""

import math

import numpy

import oracle

ULPS = 4  # of float32 and float64; of float16 1
WIDE = {"f": numpy.longdouble, "c": numpy.clongdouble}


def parts(x):
    return (x.real, x.imag) if x.dtype.kind == "c" else (x,)


def differ(found, expected):
    """Where they are not the same, bit for bit."""
    wrong = numpy.zeros(found.shape, bool)
    for f, e in zip(parts(found), parts(expected)):
        if f.dtype.kind == "f":
            wrong |= ~((numpy.isnan(f) & numpy.isnan(e)) | ((f == e) & (numpy.signbit(f) == numpy.signbit(e))))
        else:
            wrong |= f != e
    return wrong


def differ_in_value(found, expected):
    """The same, but a zero is a zero, and of complex numbers with a NaN any is meant."""
    if found.dtype.kind == "c":
        both = numpy.isnan(found) & numpy.isnan(expected)
        return ~both & (differ_in_value(found.real, expected.real) | differ_in_value(found.imag, expected.imag))
    wrong = numpy.zeros(found.shape, bool)
    for f, e in zip(parts(found), parts(expected)):
        wrong |= ~((f == e) | (numpy.isnan(f) & numpy.isnan(e)) if f.dtype.kind == "f" else f == e)
    return wrong


def ulp(x, dtype):
    """The distance of floats of `dtype` at x, as long double."""
    info = numpy.finfo(dtype)
    exponent = numpy.frexp(numpy.where(numpy.isfinite(x), abs(x), 1))[1]
    return numpy.ldexp(numpy.longdouble(1), numpy.maximum(exponent, info.minexp + 1) - 1 - info.nmant)


def beyond(found, reference, allowed):
    """Where found is further than `allowed` from a long double reference. What is not finite must be the same, but
    that the largest finite number and infinity are as near as it gets."""
    found = found.astype(numpy.longdouble)
    wrong = abs(found - reference) > allowed
    return numpy.where(numpy.isnan(reference), ~numpy.isnan(found), wrong)


def outside_ulps(found, reference, ulps):
    """found: real, of float16 to float64. A reference that rounds to infinity may be the largest number, and the other
    way round."""
    info = numpy.finfo(found.dtype)
    wrong = beyond(found, reference, ulps * ulp(reference, found.dtype))
    edge = (abs(reference) >= info.max * (1 - 2 * float(info.eps))) & numpy.isinf(found) & numpy.isfinite(reference)
    same_sign = numpy.signbit(found) == numpy.signbit(reference)
    infinite = numpy.isinf(reference) & (found == reference)
    return wrong & ~(edge & same_sign) & ~infinite


def wide(x, dtype):
    return numpy.asarray(x, dtype).astype(WIDE[numpy.dtype(dtype).kind])


def reference(node, context, dtype):
    """The value of a function in long double, of the arguments as Tilework has them: converted to `dtype` first."""
    arguments = [child.value(context) for child in node.children]
    if isinstance(node, oracle.Binary):
        base, exponent = [wide(x, dtype) for x in arguments]
        right = numpy.power(base, exponent)
        if dtype.kind != "c":  # powl of glibc 2.36 has the inverse of an infinite number's large powers infinite
            right = numpy.where(numpy.isinf(base), numpy.power(base.astype(float), exponent.astype(float)), right)
        return right, arguments
    if node.name in oracle.LACKING:
        return oracle.LACKING[node.name](numpy.asarray(arguments[0], dtype).astype(numpy.longdouble)), arguments
    if node.name == "arg" and dtype.kind != "c":
        return numpy.arctan2(numpy.longdouble(0), wide(arguments[0], dtype)), arguments
    return node.apply(*[wide(x, dtype) for x in arguments]), arguments


def wrong_function(node, context, found):
    """Where a function's value is further than promised from the right one."""
    arguments = [child.value(context) for child in node.children]
    dtype = found.dtype
    if any(oracle.dtype_of(x).kind == "c" for x in arguments) and dtype.kind != "c":
        dtype = numpy.dtype({"float32": "complex64", "float64": "complex128"}[dtype.name])
    right, arguments = reference(node, context, dtype)
    right = numpy.broadcast_to(right, found.shape)
    if dtype.kind != "c":
        return outside_ulps(found, right, 1 if dtype == "float16" else ULPS)
    return wrong_complex(node, found, right,
                         [numpy.broadcast_to(numpy.asarray(x, dtype), found.shape) for x in arguments])  # fmt: skip


def wrong_complex(node, found, right, arguments):
    """Complex functions are the C library's: no part may be further from the right one than some ULP of the whole, where
    arguments and value are of ordinary size. At NaN, infinity, and where squares leave the range, whatever comes."""
    part = found.real.dtype
    low, high = (1e-15, 1e15) if part == "float32" else (1e-100, 1e100)
    sizes = [abs(x.astype(numpy.clongdouble)) for x in arguments] + [abs(right)]
    usual = numpy.ones(found.shape, bool)
    for size in sizes:
        usual &= numpy.isfinite(size) & ((size == 0) | ((size > low) & (size < high)))
    # Rounding an argument moves the value by its condition; and log1p takes the logarithm of 1 + x, as NumPy does.
    eps = numpy.finfo(part).eps
    allowed = 32 * ulp(sizes[-1], part) + 4 * eps * sum(sizes)
    if isinstance(node, oracle.Binary):  # exp(y log x)
        logs = numpy.where(sizes[0] > 0, abs(numpy.log(numpy.where(sizes[0] > 0, sizes[0], 1))), 0)
        allowed = allowed + 4 * eps * sizes[1] * (logs + 4) * sizes[-1]
    elif node.name == "exp2":  # exp(x log 2)
        allowed = allowed + 4 * eps * sizes[0] * sizes[-1]
    elif node.name == "log1p":
        allowed = allowed + 4 * eps
    return usual & ~(abs(found.astype(numpy.clongdouble) - right) <= allowed)


def pairwise_steps(count):
    """Additions that an element goes through in NumPy's pairwise sum."""
    halvings = max(0, math.ceil(math.log2(count / 128))) if count > 128 else 0
    return min(count, 16 + 3 + 7) + halvings + 1


class Reduced:
    """The elements of a reduction of floats as they were computed, in long double, and what is found of them."""

    def __init__(self, node, context, found):
        elements, where = node.elements(context)
        self.name, self.ddof, self.dtype = node.name.removeprefix("nan"), node.ddof or 0, found.dtype
        computed = numpy.dtype("float32") if found.dtype == "float16" else found.dtype
        self.skips = node.name.startswith("nan") and elements.dtype.kind in "fc"
        if elements.dtype.kind in "biu":
            elements = elements.astype(computed)
        elements = elements.astype(WIDE[elements.dtype.kind])
        self.shape = [length for d, length in enumerate(found.shape) if d not in where]
        self.found = found.reshape(self.shape)
        self.elements = numpy.broadcast_to(elements, [*self.shape, elements.shape[-1]])
        self.steps = pairwise_steps(elements.shape[-1])
        self.part = numpy.dtype(computed).type(0).real.dtype
        self.unit = numpy.finfo(self.part).eps / 2
        left = ~numpy.isnan(self.elements) if self.skips else numpy.ones(self.elements.shape, bool)
        self.count = numpy.sum(left, axis=-1).astype(numpy.longdouble)
        self.elements = numpy.where(left, self.elements, int(self.name == "prod"))
        self.left, self.is_finite = left, numpy.isfinite(self.elements).all(axis=-1)
        self.most = numpy.finfo(found.dtype).max / 4  # of sums; beyond nothing is promised

    def wrong_product(self):
        x = self.elements
        right, size = numpy.prod(x, axis=-1), numpy.prod(abs(x), axis=-1)
        # Where products of parts may leave the range, nothing is promised.
        magnitudes = abs(numpy.where((x == 0) | ~numpy.isfinite(x), 1, x))
        logs = abs(numpy.log2(magnitudes)).sum(axis=-1)
        usual = (logs < numpy.finfo(self.part).maxexp - 30) & self.is_finite
        usual &= (size == 0) | (numpy.finfo(self.dtype).tiny < size) & (size < numpy.finfo(self.dtype).max)
        each = 8 if self.dtype.kind == "c" else 1.01
        allowed = x.shape[-1] * self.unit * size * each + rounding(size, self.dtype)
        return usual & ~(abs(self.found.astype(right.dtype) - right) <= allowed)

    def wrong_sum(self):
        """Of sum and mean."""
        wrong = numpy.zeros(self.shape, bool)
        for f, x in zip(parts(self.found), parts(self.elements)):
            right, size = numpy.sum(x, axis=-1), numpy.sum(abs(x), axis=-1)
            usual = ~(numpy.isfinite(x).all(axis=-1) & (size > self.most))
            if self.name == "mean":
                right, size = right / self.count, size / self.count
            allowed = (self.steps + (self.name == "mean")) * self.unit * size * 1.01 + rounding(right, self.dtype)
            wrong |= usual & beyond(f, right, allowed) & ~(numpy.isinf(right) & (f == right))
        return wrong

    def squares(self, x):
        """The sum of |x|^2 of those that are left."""
        return sum(numpy.sum(numpy.where(self.left, p * p, 0), axis=-1) for p in parts(x))

    def wrong_squares(self):
        """Of var, std and norm: two passes, so that nothing cancels but the error of the mean."""
        size = numpy.sum(abs(self.elements), axis=-1)
        least = numpy.longdouble(numpy.finfo(self.part).smallest_subnormal)
        if self.name == "norm":
            right = self.squares(self.elements)
            errors = right
            allowed = (self.steps + 4) * self.unit * right + self.count * 4 * least
            sizes = right
        else:
            mean = numpy.sum(self.elements, axis=-1) / self.count
            sizes = self.squares(self.elements - mean[..., None])
            freedom = numpy.maximum(self.count - self.ddof, 0)
            shift = (self.steps + 1) * self.unit * size / self.count  # the error of the mean
            errors = 2 * self.count * shift ** 2
            allowed = (self.steps + 6) * self.unit * sizes + errors + self.count * 4 * least
            right, allowed = sizes / freedom, allowed / numpy.where(freedom > 0, freedom, 1)
            right = numpy.where(self.skips & (freedom == 0), numpy.nan, right)
            if not self.skips:  # of no freedom: infinite, or NaN if the squares are 0, which rounding may change
                right = numpy.where(freedom == 0, numpy.inf, right)
                self.found = numpy.where((freedom == 0) & numpy.isnan(self.found), self.dtype.type(numpy.inf), self.found)
        if self.name in ("std", "norm"):
            root = numpy.sqrt(right)
            near = allowed / numpy.where(root > 0, root, 1)
            allowed = numpy.where((root > 0) & (near < numpy.sqrt(allowed)), near, numpy.sqrt(allowed))
            allowed, right = allowed + 2 * self.unit * root, root
        usual = ~(self.is_finite & ((sizes > self.most) | (size > self.most) | (errors > self.most)))
        wrong = beyond(self.found, right, allowed * 1.01 + rounding(right, self.dtype))
        return usual & wrong & ~(numpy.isinf(right) & (self.found == right))


def wrong_reduction(node, context, found):
    """Where a reduction of floats is further from the exact one than docs/notation.md promises."""
    reduced = Reduced(node, context, found)
    return reduced.wrong_product() if reduced.name == "prod" else \
        reduced.wrong_sum() if reduced.name in ("sum", "mean") else reduced.wrong_squares()  # fmt: skip


def rounding(x, dtype):
    """What one rounding to `dtype` may change at the end, and subnormal numbers."""
    part = numpy.dtype(dtype).type(0).real.dtype
    return ulp(x, part) if dtype == "float16" else 2 * numpy.longdouble(numpy.finfo(part).smallest_subnormal)


def wrong_value(node, context, found):
    """Where the value of a node that is no function of NumPy's bits is wrong."""
    if node.check == "sum":
        return wrong_reduction(node, context, found).reshape(found.shape)
    if node.check == "zero":
        expected = numpy.broadcast_to(node.compute(context), found.shape)
        return differ_in_value(found, expected.astype(found.dtype))
    return wrong_function(node, context, found)
