"""Reductions of kernels: a C function that computes what one tile contributes to an output without the axes that are
cut. With one grid, every pool must give the bits of a serial one; NumPy's values are near."""

import ctypes
import math
import pathlib

import numpy

import batch
from batch import Wrong
from memory import make_memory, make_values

FOLDS = {"sum": 1, "prod": 2, "min": 3, "max": 4, "any": 5, "all": 6}  # tw_fold
NUMPYS = {"sum": numpy.add, "prod": numpy.multiply, "min": numpy.minimum, "max": numpy.maximum,
          "any": numpy.logical_or, "all": numpy.logical_and}  # fmt: skip
STEPS = {"sum": "into + x", "prod": "into * x", "min": "x < into || x != x ? x : into", "max": "x > into || x != x ? x : into",
         "any": "into || x", "all": "into && x"}  # fmt: skip
DTYPES = {"float64": "double", "float32": "float", "int64": "int64_t", "int32": "int32_t", "uint8": "uint8_t", "bool": "_Bool"}

# Every element of the tile goes into the element of the output that its kept dimensions say; the first one is taken.
SOURCE = """#include <tilework/tilework.h>

int partial(const tw_tile *tile)
{
    const tw_view *a = &tile->operand[0], *s = &tile->operand[1];
    static const int kept[] = {%(kept)s};
    int64_t at[3] = {0, 0, 0}, count = 1;
    for (int d = 0; d < a->ndim; d++) {
        count *= a->shape[d];
    }
    for (int64_t n = 0; n < count; n++) {
        const char *from = a->data;
        char *to = s->data;
        int first = 1;
        for (int d = 0, k = 0; d < a->ndim; d++) {
            from += at[d] * a->strides[d];
            if (kept[d]) {
                to += at[d] * s->strides[k++];
            } else {
                first = first && at[d] == 0;
            }
        }
        const %(type)s x = *(const %(type)s *)from, into = *(%(type)s *)to;
        *(%(type)s *)to = first ? x : %(step)s;
        for (int d = a->ndim - 1; d >= 0 && ++at[d] == a->shape[d]; d--) {
            at[d] = 0;
        }
    }
    return 0;
}
"""


class KernelText:
    """kept: for each dimension of the input whether the output has it."""

    def __init__(self, rng):
        ndim = rng.choice([1, 2, 2, 2, 3])
        self.kept = [False] * ndim
        while all(self.kept) or not any(self.kept) and rng.random() < 0.8 and ndim > 1:
            self.kept = [rng.random() < 0.5 for _ in range(ndim)]
        self.fold, self.dtype = rng.choice(list(FOLDS)), rng.choice(list(DTYPES))
        if self.fold in ("any", "all"):
            self.dtype = "bool"
        elif self.dtype == "bool":
            self.fold = "max"
        self.axes = "ijk"[:ndim]
        self.signature = f"a[{','.join(self.axes)}] -> s[{','.join(a for a, k in zip(self.axes, self.kept) if k)}]"

    def source(self):
        return SOURCE % {"kept": ", ".join(str(int(k)) for k in self.kept), "type": DTYPES[self.dtype],
                         "step": STEPS[self.fold]}  # fmt: skip


class KernelCase:
    """The same face as a case of statements."""

    edges = {}

    def __init__(self, text, number, rng, numbers, lengths, scale):
        self.kernel, self.number, self.scale = text, number, scale
        self.lengths = {axis: max(1, lengths[axis]) for axis in text.axes}  # of none there is no partial to begin with
        shape = [self.lengths[axis] for axis in text.axes]
        self.memory = {"a": make_memory(rng, shape, False)}
        self.arrays = {"a": make_values(numbers, text.dtype, shape, False)}
        if text.fold == "prod" and text.dtype.startswith("f"):
            self.arrays["a"] = numbers.uniform(0.99, 1.01, shape).astype(text.dtype)

    def text(self):
        return f"{self.kernel.fold} of a kernel, {self.kernel.signature}, {self.kernel.dtype}"

    def check(self, library, open_pool):
        """Raises Wrong."""
        runs = KernelRuns(library, self)
        try:
            for splits, pool in self.divisions:
                serial = runs.run(splits, None)
                self.compare(serial)
                if pool is not None and runs.run(splits, open_pool(pool)).tobytes() != serial.tobytes():
                    raise Wrong(f"divided by {splits or 'itself'} on {pool[0]}, {pool[1]} workers: other bits than serially")
        finally:
            runs.close()

    def compare(self, found):
        kept = self.kernel.kept
        values = self.arrays["a"]
        along = tuple(d for d, k in enumerate(kept) if not k)
        wide = values.astype("longdouble") if values.dtype.kind == "f" else values
        expected = NUMPYS[self.kernel.fold].reduce(wide, axis=along, dtype=None if values.dtype.kind == "f" else values.dtype)
        if values.dtype.kind != "f" or self.kernel.fold in ("min", "max"):
            good = numpy.array_equal(found, expected.astype(found.dtype), equal_nan=values.dtype.kind == "f")
        else:
            count = math.prod(values.shape[d] for d in along)
            size = abs(wide).sum(axis=along) if self.kernel.fold == "sum" else abs(expected)
            good = (abs(found - expected) <= (count + 2) * numpy.finfo(found.dtype).eps * size).all()
        if not good:
            raise Wrong("the values are not NumPy's")


class KernelRuns:
    def __init__(self, library, case):
        self.library, self.case, calls = library, case, library.calls
        text = case.kernel
        self.signature, self.kernel = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("tw_signature_parse", ctypes.byref(self.signature), text.signature.encode())
        path = pathlib.Path(library.cache.decode()) / "kernel.c"
        path.write_text(text.source())
        options = batch.statements.CompileOptions(None, None, library.cache)
        self.call("tw_kernel_from_source", ctypes.byref(self.kernel), str(path).encode(), b"partial", ctypes.byref(options))
        self.whole, self.view = case.memory["a"].place(case.arrays["a"])
        shape = [case.lengths[axis] for axis, kept in zip(text.axes, text.kept) if kept]
        self.room = numpy.empty(math.prod(shape), text.dtype)
        self.result = self.room.reshape(shape)
        self.lengths = (ctypes.c_int64 * 4)()
        for k in range(calls.tw_signature_naxes(self.signature)):
            self.lengths[k] = case.lengths[ctypes.string_at(calls.tw_signature_axis(self.signature, k)).decode()]

    def call(self, name, *arguments):
        if getattr(self.library.calls, name)(*arguments, self.library.errors()) != 0:
            raise Wrong(f"{name}: {self.library.error.message.decode()}")

    def run(self, splits, pool):
        calls = self.library.calls
        made = batch.statements.splits_of(splits)
        folds = (ctypes.c_int * 2)(0, FOLDS[self.case.kernel.fold])
        options = batch.GridOptions(made, len(splits), folds=ctypes.cast(folds, ctypes.c_void_p))
        self.room.view("uint8")[...] = 0xA5
        handles, grid = (ctypes.c_void_p * 2)(), ctypes.c_void_p()
        try:
            for k, array in enumerate((self.view, self.result)):
                self.call("tw_array_wrap", ctypes.byref(handles, k * 8), ctypes.byref(self.library.view(array)))
            self.call("tw_grid_create", ctypes.byref(grid), self.signature, self.lengths, ctypes.byref(options))
            self.call("tw_run", pool, self.kernel, grid, handles, None, None)
        finally:
            calls.tw_grid_destroy(grid)
            for handle in handles:
                calls.tw_array_destroy(ctypes.c_void_p(handle))
        return self.result.copy()

    def close(self):
        self.library.calls.tw_kernel_destroy(self.kernel)
        self.library.calls.tw_signature_destroy(self.signature)
