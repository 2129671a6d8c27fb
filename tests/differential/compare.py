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


def wrong_sum(node, context, found):
    """Where sum, mean or prod of floats is further from the exact one than the bound of NumPy's pairwise sum."""
    elements, where = node.elements(context)
    count = elements.shape[-1]
    computed = numpy.dtype("float32") if found.dtype == "float16" else found.dtype
    if elements.dtype.kind in "biu":
        elements = elements.astype(computed)
    elements = elements.astype(WIDE[computed.kind])
    expected_shape = [length for d, length in enumerate(found.shape) if d not in where]
    found = found.reshape(expected_shape)
    elements = numpy.broadcast_to(elements, [*expected_shape, count])
    part = numpy.dtype(computed).type(0).real.dtype
    half = numpy.finfo(part).eps / 2
    wrong = numpy.zeros(expected_shape, bool)
    if node.name == "prod":
        right, size = numpy.prod(elements, axis=-1), numpy.prod(abs(elements), axis=-1)
        # Where products of parts may leave the range, nothing is promised.
        magnitudes = abs(numpy.where((elements == 0) | ~numpy.isfinite(elements), 1, elements))
        logs = abs(numpy.log2(magnitudes)).sum(axis=-1)
        usual = (logs < numpy.finfo(part).maxexp - 30) & numpy.isfinite(elements).all(axis=-1)
        usual &= (size == 0) | (numpy.finfo(found.dtype).tiny < size) & (size < numpy.finfo(found.dtype).max)
        allowed = count * half * size * (8 if computed.kind == "c" else 1.01) + rounding(size, found.dtype)
        return usual & ~(abs(found.astype(right.dtype) - right) <= allowed)
    for f, x in zip(parts(found), parts(elements)):
        right, size = numpy.sum(x, axis=-1), numpy.sum(abs(x), axis=-1)
        usual = ~(numpy.isfinite(x).all(axis=-1) & (size > numpy.finfo(found.dtype).max / 4))
        if node.name == "mean":
            right, size = right / numpy.longdouble(count), size / numpy.longdouble(count)
        allowed = (pairwise_steps(count) + (node.name == "mean")) * half * size * 1.01 + rounding(right, found.dtype)
        wrong |= usual & beyond(f, right, allowed) & ~(numpy.isinf(right) & (f == right))
    return wrong


def rounding(x, dtype):
    """What one rounding to `dtype` may change at the end, and subnormal numbers."""
    part = numpy.dtype(dtype).type(0).real.dtype
    return ulp(x, part) if dtype == "float16" else 2 * numpy.longdouble(numpy.finfo(part).smallest_subnormal)


def wrong_value(node, context, found):
    """Where the value of a node that is no function of NumPy's bits is wrong."""
    if node.check == "sum":
        wrong = wrong_sum(node, context, found)
        return wrong.reshape(found.shape)
    if node.check == "zero":
        expected = numpy.broadcast_to(node.compute(context), found.shape)
        return differ_in_value(found, expected.astype(found.dtype))
    return wrong_function(node, context, found)
