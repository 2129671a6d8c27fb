"""What is compared with what, and the bar that each comparison is to reach. Knows names and numbers, no processes."""

import dataclasses
import statistics
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Side:
    """One contestant: who ("tilework", "files", "openmp", "package", "peer", "notation", "notation-peer", "reductions",
    "reduction-peer", "openmp-reduce" or "openmp-reduce-fast"), its case, and its name in the table."""

    who: str
    case: str
    name: str
    workers: Optional[int] = None  # None: all
    size: Optional[tuple] = None  # rows and columns of a reduction; None: 4000 x 6000


@dataclasses.dataclass(frozen=True)
class Comparison:
    """`ours` beside `peer`. The ratio is the peer's time over ours; with `times`, ours over the peer's. The bar is on the
    ratio (`least`, `most`) or on our own value (`own_most`); without any the row is there for information."""

    key: str
    what: str
    ours: Side
    peer: Optional[Side]
    unit: str = "s"
    rounds: int = 9
    least: Optional[float] = None
    most: Optional[float] = None
    own_most: Optional[float] = None
    times: bool = False
    has_blas: bool = False  # the peer computes with OpenBLAS, whose threads wait actively for longer than others

    def bar(self):
        if self.least is not None:
            return "at least as fast" if self.least == 1 else f"at least {self.least:g} times as fast"
        if self.most is not None:
            return f"at most {self.most:g} times as long"
        return f"at most {show(self.own_most, self.unit)}" if self.own_most is not None else ""

    def ratio_name(self):
        return "times as long" if self.times else "times as fast"

    def reached(self, own, ratio):
        """True, False, or None where there is no bar."""
        if self.least is not None:
            return ratio >= self.least
        if self.most is not None:
            return ratio <= self.most
        return own <= self.own_most if self.own_most is not None else None


def show(value, unit):
    """A value as the table has it. "s", "run": seconds; "tile": seconds for 10^6 tiles; "bytes"."""
    if unit == "bytes":
        return f"{value / 2 ** 20:.1f} MiB"
    seconds = value / 1e6 if unit == "tile" else value
    for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {name}" if seconds < 100 * scale else f"{seconds / scale:.0f} {name}"
    return f"{seconds * 1e9:.0f} ns"


def show_ratio(ratios):
    """Median and quartiles."""
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    digits = ",.0f" if median >= 100 else ".1f" if median >= 10 else ".2f"
    return f"{median:{digits}} ({low:{digits}} - {high:{digits}})"


def tilework(case, workers=None, name="Tilework"):
    return Side("tilework", case, name, workers)


def peer(case, name):
    return Side("peer", case, name)


def package(case, name="Tilework", workers=None):
    return Side("package", case, name, workers)


def openmp(case, name, workers=None):
    return Side("openmp", case, name, workers)


def notation(case, name="Tilework"):
    return Side("notation", case, name)


def notation_peer(case, name):
    return Side("notation-peer", case, name)


def files(case, name):
    return Side("files", case, name)


PYTHON_ROWS = "Python: Mandelbrot rows, 2 workers"
NEW = "threads, new result"
REUSED = "threads, result reused"
PROCESSES = "processes, new result, parent reads it"
EMPTY = "an empty tile"
TWO = "a run of 2 empty tiles"

# Statements, result reused, 4000 x 5000 float64 unless it says otherwise.
POLYNOMIAL, WAVES, WHERE = "2*a + 3*b - a*b", "exp(-a*a) * sin(b)", "where(a > b, sqrt(a), b**3)"
STENCIL, MATMUL, IMAGE = "mean of 4 neighbours", "sum(k: a[i,k]*b[k,j]), 1000^3", "uint8 gray values, 4000 x 6000"
FASTER, WITHIN_5 = {"least": 1.0, "rounds": 15}, {"most": 1.05, "times": True, "rounds": 21}
NOTATION = [
    ("mult", "y[i] * x[j], a statement", notation("mult-by-hand", "kernel by hand"),
     {"most": 1.03, "times": True, "rounds": 31}),
    ("polynomial", POLYNOMIAL, notation_peer("polynomial-numexpr", "numexpr"), FASTER),
    ("polynomial", POLYNOMIAL, notation_peer("polynomial-numba", "Numba prange"), WITHIN_5),
    ("polynomial", POLYNOMIAL, notation_peer("polynomial-numpy", "NumPy"), {"rounds": 5}),
    ("waves", WAVES, notation_peer("waves-numexpr", "numexpr"), FASTER),
    ("waves", WAVES, notation_peer("waves-numba", "Numba prange"), FASTER),
    ("waves-new", f"{WAVES}, new result", notation_peer("waves-blosc2", "blosc2"), FASTER),
    ("waves", WAVES, notation_peer("waves-numpy", "NumPy"), {"rounds": 5}),
    ("where", WHERE, notation_peer("where-numexpr", "numexpr"), FASTER),
    ("where", WHERE, notation_peer("where-numba", "Numba prange"), FASTER),
    ("stencil", STENCIL, notation_peer("stencil-numpy", "NumPy slicing"), {"least": 3.0, "rounds": 9}),
    ("stencil", STENCIL, notation_peer("stencil-numba", "Numba prange"), WITHIN_5),
    ("matmul", MATMUL, openmp("matmul", "plain loops, OpenMP"), {"least": 5.0, "rounds": 7}),
    ("matmul", MATMUL, notation_peer("matmul-openblas", "OpenBLAS (NumPy)"), {"rounds": 9, "has_blas": True}),
    ("image", IMAGE, notation_peer("image-numexpr", "numexpr"), FASTER),
    ("image", IMAGE, notation_peer("image-numba", "Numba prange"), FASTER),
]  # fmt: skip

# Reductions of 4000 x 6000 elements: of all, and over rows and columns. Bits of Numba's fastmath and of OpenMP with
# -ffast-math change with the threads: these may be 1.1 times as fast.
ALL_PEERS = {"sum": ("numpy", "numba", "numbafast", "numexpr", "blosc2"), "mean": ("numpy", "numba", "numbafast", "blosc2"),
             "max": ("numpy", "numba", "numbafast", "numexpr", "blosc2"), "argmax": ("numpy", "numba", "numbafast"),
             "squares": ("numpy", "numba", "numbafast", "numexpr", "blosc2"),
             "dot": ("numpy", "numba", "numbafast", "numexpr", "blosc2")}
PEER_NAMES = {"numpy": "NumPy", "numba": "Numba prange", "numbafast": "Numba prange, fastmath", "numbagg": "numbagg",
              "numexpr": "numexpr", "blosc2": "blosc2"}
ALL_NAMES = {"squares": "sum of squares", "dot": "dot product"}


def reduction(case, size=None, name="Tilework"):
    return Side("reductions", case, name, None, size)


def beside_all(operation):
    """(the other side, what the ratio must be at least)"""
    for peer_name in ALL_PEERS[operation]:
        fast = peer_name == "numbafast"
        yield Side("reduction-peer", f"{operation}-all-float64-{peer_name}", PEER_NAMES[peer_name]), 0.91 if fast else 1.0
    if operation != "argmax":
        yield Side("openmp-reduce", operation, "OpenMP reduction"), 1.0
        yield Side("openmp-reduce-fast", operation, "OpenMP reduction, -ffast-math"), 0.91


REDUCTIONS = [
    *(Comparison("reductions", f"{ALL_NAMES.get(operation, operation)} of all, 24 M float64", reduction(f"{operation}-all-float64"),
                 side, least=least, rounds=15, has_blas=operation in ("squares", "dot") and side.case.endswith("-numpy"))
      for operation in ALL_PEERS for side, least in beside_all(operation)),
    Comparison("reductions", "sum of all, 10^8 float64", reduction("sum-all-float64", (10 ** 4, 10 ** 4)),
               reduction("memory", (10 ** 4, 10 ** 4), "reading, as `plan` measures it"), least=0.9, rounds=9),
    *(Comparison("reductions", f"{operation} over {over}, {dtype}", reduction(f"{operation}-{over}-{dtype}"),
                 Side("reduction-peer", f"{operation}-{over}-{dtype}-{peer_name}", PEER_NAMES[peer_name]), least=1.0, rounds=9)
      for operation in ("sum", "max", "std", "nanmean") for over in ("rows", "columns")
      for dtype in ("float64", "float32", "uint8") for peer_name in ("numpy", "numba", "numbagg")
      if dtype != "uint8" or operation in ("sum", "max", "std")),
    *(Comparison("reductions", what, reduction(case), Side("reduction-peer", f"{case}-{peer_name}", PEER_NAMES[peer_name]),
                 least=least, rounds=9)
      for case, what in (("softmax-rows-float64", "softmax of rows"), ("scores-columns-float64", "standard scores of columns"))
      for peer_name, least in (("numpy", 2.0), ("numba", 1.0))),
]

COMPARISONS = [
    *(Comparison("threads-new", NEW, tilework("mult-threads-new"), peer(case, name), least=1.0, rounds=rounds)
      for case, name, rounds in (("numba-new", "Numba prange", 61),  # the closest: the median needs more rounds
                                 ("numpy-broadcast", "NumPy broadcast", 15), ("numexpr-new", "numexpr", 15),
                                 ("blosc2-new", "blosc2 to NumPy array", 9),
                                 ("blosc2-ndarray", "blosc2 to NDArray, level 0", 9))),
    Comparison("threads-new", NEW, tilework("mult-threads-new"), peer("dask-array", "Dask array"), rounds=5),
    Comparison("threads-new", NEW, tilework("mult-threads-new"), openmp("mult-new", "OpenMP into malloc"), rounds=5),
    Comparison("threads-reused", REUSED, tilework("mult-threads-reused"), openmp("mult-reused", "OpenMP"), least=0.9,
               rounds=21),
    *(Comparison("threads-reused", REUSED, tilework("mult-threads-reused"), peer(case, name), rounds=5)
      for case, name in (("numpy-out", "NumPy out="), ("numexpr-out", "numexpr out="),
                         ("numba-reused", "Numba prange"))),
    Comparison("processes-new", PROCESSES, tilework("mult-processes-new"), peer("origin", "shared Array + Pool"),
               least=3.0, rounds=7),
    *(Comparison("processes-new", PROCESSES, tilework("mult-processes-new"), peer(case, name), rounds=3)
      for case, name in (("joblib-memmap", "joblib into memmap"), ("joblib-concatenate", "joblib, concatenated"))),
    Comparison("processes-reused", "processes, result reused", tilework("mult-processes-reused"),
               tilework("mult-threads-reused", name="Tilework threads"), least=0.9, rounds=21),
    Comparison("empty", f"{EMPTY}, threads", tilework("empty-threads"), None, "tile", own_most=0.060),
    Comparison("empty", f"{EMPTY}, threads", tilework("empty-threads"), peer("dask-threads", "Dask delayed"), "tile",
               rounds=3),
    Comparison("empty", f"{EMPTY}, processes", tilework("empty-processes"), peer("pool-map", "Pool.map, chunksize=1"),
               "tile", rounds=7, own_most=0.100),
    *(Comparison("empty", f"{EMPTY}, processes", tilework("empty-processes"), peer(case, name), "tile", rounds=3)
      for case, name in (("pool-map-batches", "Pool.map, its own batches"), ("joblib-loky", "joblib, its own batches"))),
    Comparison("two", f"{TWO}, threads", tilework("two-threads"), openmp("parallel-for-2", "OpenMP parallel for"),
               "run", most=3.0, rounds=21, times=True),
    Comparison("two", f"{TWO}, threads", tilework("two-threads"), peer("dask-two", "Dask delayed"), "run", rounds=3),
    Comparison("two", f"{TWO}, processes", tilework("two-processes"), peer("pool-map-two", "Pool.map"), "run",
               own_most=30e-6, rounds=9),
    Comparison("two", f"{TWO}, processes", tilework("two-processes"), peer("joblib-two", "joblib (loky)"), "run",
               rounds=3),
    Comparison("mandelbrot", "Mandelbrot, 2 workers", tilework("mandelbrot-all", 2),
               tilework("mandelbrot-1", 1, "Tilework, 1 worker"), least=1.93, rounds=15),
    Comparison("mandelbrot", "Mandelbrot, 2 workers", tilework("mandelbrot-all", 2),
               openmp("mandelbrot", "OpenMP schedule(dynamic)", 2), most=1.03, times=True, rounds=15),
    *(Comparison("journal", f"run into a file, 2 MiB tiles, {what}", files(f"{case}-journal", "Tilework"),
                 files(f"{case}-plain", "the same, --no-journal"), least=0.98, rounds=rounds)
      for case, what, rounds in (("mult", "y[i] * x[j]", 61), ("mandelbrot", "Mandelbrot", 15))),
    *(Comparison("notation", what, notation(case), beside, **how) for case, what, beside, how in NOTATION),
    *REDUCTIONS,
    Comparison("notation", "a statement's first use, compiled", notation("first"), None, rounds=15, own_most=0.25),
    Comparison("notation", "its first use in another process", notation("second"), None, rounds=15, own_most=5e-3),
    Comparison("notation", "its next use, bound to arrays and run", notation("same"), None, rounds=15, own_most=20e-6),
    Comparison("memory", "memory beyond the arrays, 10^6 tiles, threads", tilework("memory-threads"), None, "bytes",
               rounds=3, own_most=16 * 2 ** 20),
    Comparison("memory", "memory beyond the arrays, 10^6 tiles, processes", tilework("memory-processes"), None, "bytes",
               rounds=3, own_most=16 * 2 ** 20),
    Comparison("python-tile", "Python: a tile above calling the kernel, threads", package("python-tile-threads"), None,
               "tile", rounds=9, own_most=5.0),
    *(Comparison("python-tile", "Python: a tile above calling the kernel, processes", package("python-tile-processes"),
                 peer(case, name), "tile", rounds=rounds, own_most=bar)
      for case, name, rounds, bar in (("pool-map", "Pool.map, chunksize=1", 9, 10.0),
                                      ("joblib-loky", "joblib, its own batches", 3, None),
                                      ("dask-threads", "Dask delayed", 3, None))),
    Comparison("python-two", "Python: a run of 2 empty tiles, processes", package("python-two"),
               peer("pool-map-two", "Pool.map"), "run", rounds=15, own_most=100e-6),
    Comparison("python-cold", "Python: the origin's job, 1000 x 2000, pool and all", package("python-origin-cold"),
               package("origin-small", "shared Array + Pool"), rounds=15, least=4.0),
    Comparison("python-origin", "Python: the origin's function, pool and all, parent reads it",
               package("python-origin-new"), peer("origin", "shared Array + Pool"), rounds=7, least=3.0),
    Comparison("python-origin", "Python: the origin's function, result reused", package("python-origin-reused"),
               peer("origin", "shared Array + Pool"), rounds=7, least=50.0),
    Comparison("python-evaluate", "Python: evaluate, new result", package("evaluate-new"),
               tilework("mult-threads-new", name="the command's kernel"), rounds=31, most=1.03, times=True),
    Comparison("python-evaluate", "Python: evaluate, result reused", package("evaluate-reused"),
               tilework("mult-threads-reused", name="the command's kernel"), rounds=21, most=1.03, times=True),
    Comparison("python-evaluate", "Python: evaluate of 4 x 5 elements, not the first time", package("evaluate-small"), None,
               "run", own_most=10e-6),
    *(Comparison("python-rows", PYTHON_ROWS, package("python-rows", workers=2), package(case, name, 2), rounds=rounds,
                 least=bar)
      for case, name, rounds, bar in (("serial-rows", "a loop, 1 process", 15, 1.9), ("pool-rows", "Pool.map", 5, None),
                                      ("joblib-rows", "joblib", 5, None), ("mpire-rows", "mpire", 5, None),
                                      ("dask-rows", "Dask, processes", 3, None))),
    Comparison("python-import", "Python: import tilework, after NumPy", package("python-import"), None, "run", rounds=9,
               own_most=0.030),
]

# The ten rows of the README, by what is measured and beside whom: the everyday job from Python, memory, small tiles,
# statements; two of them are lost.
README = (("Python: the origin's function, pool and all, parent reads it", "shared Array + Pool"),
          ("Python: a tile above calling the kernel, processes", "Pool.map, chunksize=1"),
          (PYTHON_ROWS, "a loop, 1 process"),
          (NEW, "NumPy broadcast"),
          (REUSED, "OpenMP"),
          (PROCESSES, "joblib into memmap"),
          (WAVES, "numexpr"),
          (STENCIL, "NumPy slicing"),
          (IMAGE, "Numba prange"),
          (MATMUL, "OpenBLAS (NumPy)"))
