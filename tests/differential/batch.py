"""Many cases through the library at once: their kernels are printed, compiled as one source, loaded and run.

A kernel's C is a few functions of its own and many that it shares with others, which are printed once here."""

import ctypes
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "command"))
import statements  # noqa: E402
from statements import KINDS, NAMES, AxisEdge, AxisLength, Dtype, Options, Parameter, View, axis_edge  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BASE = ["-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-w"]
WAYS = {  # compilers and flags; the last is what a statement is compiled with when a user types it
    "clang-O0": ["clang", "-O0"],
    "gcc-O0": ["gcc", "-O0"],
    "gcc": ["gcc", "-O1"],
    "clang": ["clang", "-O1"],
    "native": ["gcc", "-O3", "-march=native"],
    "native-clang": ["clang", "-O3", "-march=native"],
}
V3 = "-march=x86-64 -msse4.2 -mpopcnt -mcx16 -msahf -mavx2 -mbmi -mbmi2 -mf16c -mfma -mlzcnt -mmovbe".split()
LEVELS = {  # what a portable object has code for, with the flags of src/kernel/levels.c; what the machine must have
    "baseline": (["gcc", "-O3", "-march=x86-64"], ()),
    "v3": (["gcc", "-O3", *V3], ("avx2", "fma", "bmi2", "f16c", "movbe")),
    "v4": (["gcc", "-O3", *V3, *"-mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl".split()],
           ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
}
LIBC = ctypes.CDLL(None)


def levels_here():
    """The levels that this machine runs; of another family than x86-64's none."""
    if platform.machine() != "x86_64":
        return []
    found = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    has = set(found[1].split()) if found else set()
    return [name for name, (_, needs) in LEVELS.items() if has.issuperset(needs)]


class Wrong(Exception):
    """What is wrong with a case."""


class GridOptions(ctypes.Structure):
    _fields_ = [("splits", ctypes.POINTER(statements.Split)), ("nsplits", ctypes.c_size_t),
                ("tile_bytes", ctypes.c_int64), ("itemsizes", ctypes.POINTER(ctypes.c_int64)),
                ("units", ctypes.POINTER(ctypes.c_int64)), ("cost", ctypes.c_int), ("input_axes_only", ctypes.c_int),
                ("work", ctypes.c_double), ("folds", ctypes.c_void_p), ("fold_kernels", ctypes.c_void_p),
                ("edges", ctypes.POINTER(AxisEdge)), ("nedges", ctypes.c_size_t)]


OF_STATEMENT = 1  # TW_COST_STATEMENT


# ---- sources ----

NAMED = re.compile(r"^(?:static|TW_[A-Z_]+|int) [^;{=]*?(\w+)\(", re.MULTILINE)


def items_of(source):
    """The parts of a source at its top level: functions, definitions, comments with what they are about."""
    depth, item = 0, []
    for line in source.splitlines():
        if not line and depth == 0:
            if item:
                yield "\n".join(item)
            item = []
            continue
        item.append(line)
        depth += line.count("{") - line.count("}")
    if item:
        yield "\n".join(item)


def join_sources(sources):
    """One source of many: {number: C} to C in which the kernel of a case is kernel_NUMBER."""
    seen, parts = set(), []
    for number, source in sources.items():
        own = set()
        items = list(items_of(source))
        for item in items:
            own |= {name for name in NAMED.findall(item) if not name.startswith(("tw_", "tw__"))
                    or name == "tw_statement_tile" or name == "tw_statement"}  # fmt: skip
        rename = re.compile(r"\b(" + "|".join(sorted(own)) + r")\b(?=\()")
        for item in items:
            if own & set(NAMED.findall(item)):
                parts.append(rename.sub(lambda m: f"kernel_{number}" if m[1].startswith("tw_") else f"{m[1]}_{number}",
                                        item))  # fmt: skip
            elif item not in seen:
                seen.add(item)
                parts.append(item)
    return "\n\n".join(parts) + "\n"


def compile_sources(source, way, folder):
    path = pathlib.Path(tempfile.mkdtemp(dir=folder))  # an object that is open already would be found again by its name
    (path / "batch.c").write_text(source)
    command = WAYS[way] if way in WAYS else LEVELS[way][0]
    done = subprocess.run([*command, *BASE, "-I", TOP / "include", "-shared", "-fPIC", "batch.c", "-o", "batch.so",
                           "-lm"], cwd=path, capture_output=True, text=True)  # fmt: skip
    if done.returncode != 0:
        raise Wrong(f"{way} does not compile it:\n{done.stderr[:4000]}")
    return ctypes.CDLL(str(path / "batch.so"))


# ---- statements ----


class Loaded:
    """A case as the library has it: parsed, typed and bound."""

    def __init__(self, library, case):
        self.library, self.case = library, case
        self.handle, self.kernel, self.is_own = ctypes.c_void_p(), None, True
        self.parse()
        self.settle()
        self.lay_out()
        self.bind()

    def call(self, name, *arguments):
        if getattr(self.library.calls, name)(*arguments, self.library.errors()) != 0:
            raise Wrong(f"{name}: {self.library.error.message.decode()}")

    def parse(self):
        case, calls = self.case, self.library.calls
        edges = (AxisEdge * (len(case.edges) + 1))(*[axis_edge(a, e) for a, e in case.edges.items()])
        numbers = (Parameter * (len(case.parameters) + 1))()
        for number, (name, value) in zip(numbers, case.parameters.items()):
            self.call("tw_parameter_parse", ctypes.byref(number), repr(value).strip("()").encode())
            number.name = name.encode()
        options = Options(numbers, len(case.parameters), edges, len(case.edges))
        self.call("tw_statement_parse", ctypes.byref(self.handle), case.text().encode(), ctypes.byref(options))
        self.signature = ctypes.c_void_p(calls.tw_statement_signature(self.handle))
        self.names = [ctypes.string_at(calls.tw_signature_operand(self.signature, k)).decode()
                      for k in range(calls.tw_signature_noperands(self.signature))]

    def settle(self):
        case, calls = self.case, self.library.calls
        wished = (Dtype * len(self.names))()
        for k, name in enumerate(self.names):
            dtype = case.arrays[name].dtype.name if name in case.arrays else case.wishes.get(name)
            if dtype is not None:
                wished[k] = calls.tw_dtype_of(KINDS[dtype])
        self.call("tw_statement_types", self.handle, wished)
        for k, name in enumerate(self.names):
            found = NAMES[calls.tw_statement_dtype(self.handle, k).kind]
            expected = case.arrays[name].dtype.name if name in case.arrays else case.kinds[name]
            if found != expected:
                raise Wrong(f"{name} is {found}, NumPy's is {expected}")

    def lay_out(self):
        """Memory for every operand; outputs begin as bytes 0xa5."""
        case = self.case
        axes = {statement.target: statement.axes for statement in case.plan()}
        self.outputs = list(axes)
        self.wholes, self.views = {}, {}
        for name in self.names:
            if name in case.arrays:
                values = case.arrays[name]
            else:
                values = numpy.frombuffer(b"\xa5" * 16, case.kinds[name])[0]
                values = numpy.broadcast_to(values, [case.lengths[axis] for axis in axes[name]])
            self.wholes[name], self.views[name] = case.memory[name].place(values)
        self.before = {name: self.wholes[name].tobytes() for name in self.outputs}

    def bind(self):
        case, calls = self.case, self.library.calls
        views = [self.library.view(self.views[name]) for name in self.names]
        pointers = (ctypes.POINTER(View) * len(views))(*[ctypes.pointer(view) for view in views])
        given = [(axis.encode(), length) for axis, length in case.lengths.items() if axis not in case.free]
        lengths = (AxisLength * (len(given) + 1))(*given)
        self.lengths = (ctypes.c_int64 * (calls.tw_signature_naxes(self.signature) + 1))()
        self.call("tw_statement_bind", self.handle, pointers, lengths, ctypes.c_size_t(len(given)), self.lengths)

    def source(self):
        text = ctypes.c_char_p()
        self.call("tw_statement_source", self.handle, ctypes.byref(text))
        source = text.value.decode()
        LIBC.free(text)
        return source

    def adopt(self, function):
        """Takes the compiled function for its kernel."""
        context, size = ctypes.c_void_p(), ctypes.c_size_t()
        self.library.calls.test_statement_context(self.handle, ctypes.byref(context), ctypes.byref(size))
        self.kernel = ctypes.c_void_p()
        self.call("tw_kernel_from_function", ctypes.byref(self.kernel), ctypes.cast(function, ctypes.c_void_p), context,
                  size)  # fmt: skip

    def compile(self, portable=False):
        """Takes the kernel as the library compiles it for its users."""
        kernel = ctypes.c_void_p()
        options = statements.CompileOptions(None, None, self.library.cache, portable)
        self.call("tw_statement_kernel", ctypes.byref(kernel), self.handle, ctypes.byref(options))
        self.kernel, self.is_own = kernel, False

    def run(self, cuts, pool=None):
        calls = self.library.calls
        splits = (statements.Split * (len(cuts) + 1))()
        for split, (axis, where) in zip(splits, cuts.items()):
            split.axis, split.ncuts = axis.encode(), len(where)
            split.cuts = (ctypes.c_int64 * len(where))(*where)
        if not cuts and self.case.lengths and calls.tw_signature_naxes(self.signature):
            axis = calls.tw_signature_axis(self.signature, 0)  # one that stays whole: no automatic tiles
            splits[0].axis = ctypes.string_at(axis)
        handles, grid = (ctypes.c_void_p * len(self.names))(), ctypes.c_void_p()
        for name in self.outputs:
            self.wholes[name].view("uint8")[:] = numpy.frombuffer(self.before[name], "uint8")
        try:
            for k, name in enumerate(self.names):
                self.call("tw_array_wrap", ctypes.byref(handles, k * 8), ctypes.byref(self.library.view(self.views[name])))
            wished = GridOptions(splits, max(len(cuts), splits[0].axis is not None), 0, None, None, OF_STATEMENT, 0)
            self.call("tw_grid_create", ctypes.byref(grid), self.signature, self.lengths, ctypes.byref(wished))
            self.call("tw_run", pool, self.kernel, grid, handles, None, None)
        finally:
            calls.tw_grid_destroy(grid)
            for handle in handles:
                calls.tw_array_destroy(ctypes.c_void_p(handle))

    def compute(self, pool=None):
        """The outputs, and that every grid gives the same bits and writes nothing else."""
        self.run(self.case.grids[0], pool)
        found = {name: numpy.array(self.views[name]) for name in self.outputs}
        after = {name: self.wholes[name].tobytes() for name in self.outputs}
        for cuts in self.case.grids[1:]:
            self.run(cuts, pool)
            for name in self.outputs:
                if self.wholes[name].tobytes() != after[name]:
                    raise Wrong(f"{name} has other bits with the cuts {cuts}")
        for name in self.outputs:
            self.views[name][...] = self.case.arrays.get(name, numpy.frombuffer(b"\xa5" * 16, found[name].dtype)[0])
            if self.wholes[name].tobytes() != self.before[name]:
                raise Wrong(f"memory beside {name} was written")
        return found

    def drop(self):
        """Another function may be its kernel then."""
        if self.kernel and self.is_own:
            self.library.calls.tw_kernel_destroy(self.kernel)
        self.kernel = None

    def close(self):
        self.library.calls.tw_statement_destroy(self.handle)
        if self.kernel and self.is_own:
            self.library.calls.tw_kernel_destroy(self.kernel)
        self.handle = self.kernel = None


def open_library(build, cache):
    """The library, with its pools: serial, threads, processes."""
    library = statements.Library(pathlib.Path(build) / "tests" / "statement_context.so", cache)
    processes = ctypes.c_void_p()
    library.check(library.calls.tw_pool_open(ctypes.byref(processes), ctypes.byref(statements.PoolOptions(1, 2, 1 << 30)),
                                             library.errors()))
    library.pools = [None, library.pool, processes]
    return library
