"""Statements run on NumPy arrays as they lie in memory, by way of the shared library: what the tests of values share."""

import ctypes
import os
import pathlib
import tempfile

import numpy

KINDS = {name: k + 1 for k, name in enumerate(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split())}
NAMES = {k: name for name, k in KINDS.items()}
EDGES = {"error": 0, "clamp": 1, "wrap": 2, "zero": 3, "reflect": 4, "mirror": 5, "constant": 6}


class Dtype(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("alignment", ctypes.c_int32), ("itemsize", ctypes.c_int64),
                ("descr", ctypes.c_char_p)]


class View(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", Dtype), ("ndim", ctypes.c_int),
                ("shape", ctypes.c_int64 * 32), ("strides", ctypes.c_int64 * 32)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("os_error", ctypes.c_int), ("tile", ctypes.c_int64),
                ("worker", ctypes.c_int), ("column", ctypes.c_int), ("kernel_code", ctypes.c_int),
                ("message", ctypes.c_char * 1024)]


class AxisEdge(ctypes.Structure):
    _fields_ = [("axis", ctypes.c_char_p), ("edge", ctypes.c_int), ("has_length", ctypes.c_int),
                ("constant", ctypes.c_double), ("imag", ctypes.c_double)]


def axis_edge(axis, edge, has_length=False):
    """The edge of an axis as the library takes it: "clamp", "constant=2.5"."""
    name, _, number = edge.partition("=")
    return AxisEdge(axis.encode(), EDGES[name], has_length, float(number or 0), 0)


class AxisLength(ctypes.Structure):
    _fields_ = [("axis", ctypes.c_char_p), ("length", ctypes.c_int64)]


class Parameter(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("kind", ctypes.c_int), ("is_typed", ctypes.c_int),
                ("integer", ctypes.c_int64), ("high", ctypes.c_int64),
                ("real", ctypes.c_double), ("imag", ctypes.c_double)]


class Options(ctypes.Structure):
    _fields_ = [("parameters", ctypes.POINTER(Parameter)), ("nparameters", ctypes.c_size_t),
                ("edges", ctypes.POINTER(AxisEdge)), ("nedges", ctypes.c_size_t), ("same_kind", ctypes.c_int)]


class Split(ctypes.Structure):
    _fields_ = [("axis", ctypes.c_char_p), ("tile", ctypes.c_int64), ("parts", ctypes.c_int64),
                ("cuts", ctypes.POINTER(ctypes.c_int64)), ("ncuts", ctypes.c_size_t)]


def splits_of(splits):
    """{axis: ("cuts", [positions]) or ("parts", n) or ("tile", n)} as an array of Split, with one to spare."""
    made = (Split * (len(splits) + 1))()
    for split, (axis, (how, value)) in zip(made, splits.items()):
        split.axis = axis.encode()
        if how == "cuts":
            split.ncuts = len(value)
            split.cuts = (ctypes.c_int64 * len(value))(*value)
        else:
            setattr(split, how, value)
    return made


class CompileOptions(ctypes.Structure):
    _fields_ = [("compiler", ctypes.c_char_p), ("flags", ctypes.c_char_p), ("cache", ctypes.c_char_p),
                ("portable", ctypes.c_int), ("look_in", ctypes.c_char_p)]


class PoolOptions(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("workers", ctypes.c_int), ("heap_bytes", ctypes.c_int64),
                ("hooks", ctypes.c_void_p * 4)]


class Failure(Exception):
    """What the library said."""


class Library:
    """The functions that are called, and a pool of threads."""

    def __init__(self, path, cache, workers=2):
        self.calls = ctypes.CDLL(str(path))
        self.cache = str(cache).encode()
        self.error = Error()
        for name in ("tw_dtype_of", "tw_statement_dtype"):
            getattr(self.calls, name).restype = Dtype
        for name in ("tw_statement_signature", "tw_signature_operand", "tw_signature_axis"):
            getattr(self.calls, name).restype = ctypes.c_void_p
        self.calls.tw_grid_count.restype = ctypes.c_uint64
        self.pool = ctypes.c_void_p()
        self.check(self.calls.tw_pool_open(ctypes.byref(self.pool), ctypes.byref(PoolOptions(0, workers, 0)),
                                           self.errors()))

    def errors(self):
        return ctypes.byref(self.error)

    def check(self, status):
        if status != 0:
            raise Failure(self.error.message.decode())

    def view(self, array):
        view = View(data=array.ctypes.data, dtype=self.calls.tw_dtype_of(KINDS[array.dtype.name]), ndim=array.ndim)
        for d in range(array.ndim):
            view.shape[d], view.strides[d] = array.shape[d], array.strides[d]
        return view


class Statement:
    """A statement with the dtypes and the lengths of `arrays`: {name: array}. Outputs that are not among them are made."""

    def __init__(self, library, text, arrays, edges=None, parameters=None, lengths=None, dtypes=None, compiler=None,
                 flags=None):
        self.library, self.arrays = library, dict(arrays)
        calls, check = library.calls, library.check
        edges, parameters, lengths, dtypes = edges or {}, parameters or {}, lengths or {}, dtypes or {}
        edge_list = (AxisEdge * max(1, len(edges)))(*[axis_edge(axis, edge, axis in lengths) for axis, edge in edges.items()])
        numbers = (Parameter * max(1, len(parameters)))()
        for number, (name, value) in zip(numbers, parameters.items()):
            check(calls.tw_parameter_parse(ctypes.byref(number), repr(value).strip("()").encode(), library.errors()))
            number.name = name.encode()
        options = Options(numbers, len(parameters), edge_list, len(edges))
        self.handle = ctypes.c_void_p()
        check(calls.tw_statement_parse(ctypes.byref(self.handle), text.encode(), ctypes.byref(options),
                                       library.errors()))
        self.signature = ctypes.c_void_p(calls.tw_statement_signature(self.handle))
        self.names = [ctypes.string_at(calls.tw_signature_operand(self.signature, k)).decode()
                      for k in range(calls.tw_signature_noperands(self.signature))]
        count = len(self.names)
        wished = (Dtype * count)()
        views = [library.view(self.arrays[name]) if name in self.arrays else None for name in self.names]
        for k, name in enumerate(self.names):
            if views[k] is not None:
                wished[k] = views[k].dtype
            elif name in dtypes:
                wished[k] = calls.tw_dtype_of(KINDS[dtypes[name]])
        check(calls.tw_statement_types(self.handle, wished, library.errors()))
        pointers = (ctypes.POINTER(View) * count)(*[ctypes.pointer(v) if v is not None else None for v in views])
        given = (AxisLength * max(1, len(lengths)))(*[(a.encode(), n) for a, n in lengths.items()])
        self.naxes = calls.tw_signature_naxes(self.signature)
        self.lengths = (ctypes.c_int64 * max(1, self.naxes))()
        check(calls.tw_statement_bind(self.handle, pointers, given, ctypes.c_size_t(len(lengths)), self.lengths,
                                      library.errors()))
        for k, name in enumerate(self.names):
            if name not in self.arrays:
                shape = [self.lengths[calls.tw_signature_operand_axis(self.signature, k, d)]
                         for d in range(calls.tw_signature_ndim(self.signature, k))]
                kind = calls.tw_statement_dtype(self.handle, k).kind
                self.arrays[name] = numpy.zeros(shape, NAMES[kind])
        compile_options = CompileOptions(compiler.encode() if compiler else None, flags.encode() if flags else None,
                                         library.cache)
        self.kernel = ctypes.c_void_p()
        check(calls.tw_statement_kernel(ctypes.byref(self.kernel), self.handle, ctypes.byref(compile_options),
                                        library.errors()))

    def axis(self, k):
        return ctypes.string_at(self.library.calls.tw_signature_axis(self.signature, k)).decode()

    def source(self):
        text = ctypes.c_void_p()
        self.library.check(self.library.calls.tw_statement_source(self.handle, ctypes.byref(text),
                                                                  self.library.errors()))
        return ctypes.string_at(text.value).decode()

    def run(self, cuts=None, pool=True):
        """Runs it with an axis cut where `cuts` says: {axis: [positions]}; the outputs, by name."""
        calls, check, errors = self.library.calls, self.library.check, self.library.errors
        cuts = {axis: where for axis, where in (cuts or {}).items() if where}
        splits = (Split * max(1, len(cuts)))()
        for split, (axis, where) in zip(splits, cuts.items()):
            split.axis, split.ncuts = axis.encode(), len(where)
            split.cuts = (ctypes.c_int64 * len(where))(*where)
        handles = []
        for name in self.names:
            handle = ctypes.c_void_p()
            check(calls.tw_array_wrap(ctypes.byref(handle), ctypes.byref(self.library.view(self.arrays[name])),
                                      errors()))
            handles.append(handle)
        operands = (ctypes.c_void_p * len(handles))(*handles)
        grid = ctypes.c_void_p()
        check(calls.tw_grid_for(ctypes.byref(grid), self.signature, operands, splits, ctypes.c_size_t(len(cuts)),
                                errors()))
        try:
            check(calls.tw_run(self.library.pool if pool else None, self.kernel, grid, operands, None, None,
                               errors()))
        finally:
            calls.tw_grid_destroy(grid)
            for handle in handles:
                calls.tw_array_destroy(handle)
        return self.arrays

    def close(self):
        self.library.calls.tw_statement_destroy(self.handle)


_shared = {}


def library():
    """One for all tests of a process: beside the helper programs of the build that is tested."""
    if "library" not in _shared:
        copy = os.environ.get("TILEWORK_NPYCOPY", "build/debug/tests/npycopy")
        path = pathlib.Path(copy).resolve().parent.parent / "src" / "libtilework.so"
        _shared["cache"] = tempfile.TemporaryDirectory()
        _shared["library"] = Library(path, _shared["cache"].name)
    return _shared["library"]


def run(text, arrays, cuts=None, **more):
    """The outputs of a statement that is used once."""
    statement = Statement(library(), text, arrays, **more)
    try:
        return statement.run(cuts)
    finally:
        statement.close()


def same(x, y):
    """Bit for bit, but that every NaN is like any other; dtypes and shapes too."""
    x, y = numpy.asarray(x), numpy.asarray(y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind == "c":
        return same(x.real, y.real) and same(x.imag, y.imag)
    if x.dtype.kind == "f":
        both = numpy.isnan(x) & numpy.isnan(y)
        return bool(numpy.all(both | ((x == y) & (numpy.signbit(x) == numpy.signbit(y)))))
    return bool(numpy.array_equal(x, y))
