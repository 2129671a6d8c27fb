"""Values of every dtype, and the many ways in which arrays lie in memory."""

import numpy


def make_values(numbers, dtype, shape, wild):
    """`wild`: with all that is special about the dtype; else numbers of ordinary size."""
    dtype = numpy.dtype(dtype)
    if dtype.kind == "b":
        return numbers.integers(0, 2, shape).astype(bool)
    if dtype.kind == "c":
        part = dtype.type(0).real.dtype
        made = numpy.empty(shape, dtype)
        made.real, made.imag = make_values(numbers, part, shape, wild), make_values(numbers, part, shape, wild)
        return made
    if dtype.kind in "iu":
        info = numpy.iinfo(dtype)
        small = numbers.integers(max(info.min, -9), 10, shape).astype(dtype)
        if not wild:
            return small
        full = numbers.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
        ends = numbers.choice(numpy.array([info.min, info.max, info.max // 2, 0, 1], dtype), shape)
        return numpy.choose(numbers.integers(0, 3, shape), [small, full, ends])
    usual = numbers.uniform(-4, 4, shape)
    halves = numbers.integers(-8, 9, shape) / 2
    tame = numpy.where(numbers.random(shape) < 0.7, usual, halves).astype(dtype)
    if not wild:
        return tame
    info = numpy.finfo(dtype)
    special = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, info.max, info.min, info.tiny,
                           info.smallest_subnormal, -info.smallest_subnormal, 1, -1, 0.5, -0.5], dtype)  # fmt: skip
    powers = (numpy.exp2(numbers.uniform(info.minexp, info.maxexp - 1, shape)) * numbers.choice([-1, 1], shape))
    scaled = numpy.exp2(numbers.uniform(-12, 12, shape)) * numbers.choice([-1, 1], shape)
    which = numbers.choice(4, shape, p=[0.45, 0.15, 0.15, 0.25])
    return numpy.choose(which, [tame, numbers.choice(special, shape), powers.astype(dtype), scaled.astype(dtype)])


class Memory:
    """How an array lies in memory: order of the dimensions, a step along each, and room around it."""

    def __init__(self, order, steps, repeated):
        self.order, self.steps, self.repeated = order, steps, repeated

    def place(self, values):
        """The values in a new piece of memory: (all of it, the view)."""
        sizes = [1 if self.repeated[d] else abs(self.steps[d]) * values.shape[d] + (abs(self.steps[d]) > 1)
                 for d in range(values.ndim)]  # fmt: skip
        whole = numpy.frombuffer(bytearray(b"\xa5" * (int(numpy.prod([sizes[d] for d in self.order], dtype=int))
                                                      * values.itemsize)), values.dtype)  # fmt: skip
        base = whole.reshape([sizes[d] for d in self.order]).transpose(numpy.argsort(self.order))
        view = base
        for d in range(values.ndim):
            step, length = self.steps[d], values.shape[d]
            along = [slice(None)] * values.ndim
            along[d] = slice(0, 1) if self.repeated[d] else slice(None, None, step)
            view = view[tuple(along)]
            if not self.repeated[d]:
                along[d] = slice(0, length)
                view = view[tuple(along)]
        if any(self.repeated):
            view = numpy.lib.stride_tricks.as_strided(
                view, values.shape, [0 if r else s for r, s in zip(self.repeated, view.strides)], writeable=True)
        if values.size:
            view[...] = values
        return whole, view

    def text(self):
        return f"order {self.order}, steps {self.steps}" + (f", repeated {self.repeated}" if any(self.repeated) else "")


def plain_memory(ndim):
    return Memory(list(range(ndim)), [1] * ndim, [False] * ndim)


def make_memory(rng, shape, is_input):
    memory = plain_memory(len(shape))
    if rng.random() < 0.45:
        return memory
    if rng.random() < 0.5:
        rng.shuffle(memory.order)
    memory.steps = [rng.choice([1, 1, 1, -1, 2, -2, 3]) for _ in shape]
    if is_input:
        memory.repeated = [length > 0 and rng.random() < 0.12 for length in shape]
    return memory
