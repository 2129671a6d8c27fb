#!/usr/bin/env python3
"""Measures the vector math functions: errors, whether all builds give the same bits, speed.

    measure.py                     a table: function, dtype, largest error in ULP, where, stated bound
    measure.py --samples 1000000   the same, of more arguments each (default 20000)
    measure.py --every 16          float32 functions of one argument: every 16th of all 2^32 arguments
    measure.py --speed             nanoseconds an element, beside the C library's functions
    measure.py --bits              checksums of results, as they are kept in bits.txt

Needs NumPy, GCC (on x86-64 with libquadmath), and Clang for the comparison of bits.
"""

import argparse
import ctypes
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
FLAGS = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-shared", "-fPIC", "-I", TOP / "src"]
TEXTS = [word for path in sorted((TOP / "src" / "notation" / "math").glob("*_f??.h")) for word in ("-include", path)]
DTYPES = {"f64": np.float64, "f32": np.float32}
BOUNDS = TOP / "docs" / "functions.md"


def functions():
    """[(kind, name)] of functions.h."""
    return re.findall(r"^(PLAIN|FAST|PAIR|EXACT|EXACT_PAIR)\((\w+)\)", (HERE / "functions.h").read_text(), re.MULTILINE)


def measured():
    return [(kind, name) for kind, name in functions() if not kind.startswith("EXACT")]


def bounds():
    """{function: {dtype: ULP}} as the documentation promises."""
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.]+) \| ([0-9.]+) \|", BOUNDS.read_text(), re.MULTILINE)
    return {name: {"f64": float(f64), "f32": float(f32)} for name, f64, f32 in rows}


def has_cpu(flag):
    info = pathlib.Path("/proc/cpuinfo")
    return info.exists() and flag in info.read_text().split()


def builds():
    """{name: compiler and flags}: one that no compiler vectorises, and vectors of all widths that run here."""
    found = {"gcc scalar": ["gcc", "-O0"], "gcc": ["gcc", "-O3", "-march=native"],
             "gcc, narrowest": ["gcc", "-O3"]}
    if has_cpu("avx2") and has_cpu("fma"):
        found["gcc, AVX2"] = ["gcc", "-O3", "-march=x86-64-v3"]
    if shutil.which("clang"):
        found["clang"] = ["clang", "-O3", "-march=native"]
        found["clang scalar"] = ["clang", "-O2", "-fno-vectorize", "-fno-slp-vectorize"]
    return found


class Programs:
    """Everything compiled in a folder: loops[build], the C library's loops, the measure of errors."""

    def __init__(self, folder, c_library=False):
        self.paths = {}
        work = {name: [*flags, *FLAGS, *TEXTS, HERE / "loops.c", "-lm"] for name, flags in builds().items()}
        if c_library:
            work["C library"] = ["gcc", "-O3", "-march=native", "-DC_LIBRARY", *FLAGS, *TEXTS, HERE / "loops.c", "-lm"]
        quad = ["-lquadmath"] if platform.machine() == "x86_64" else []
        work["reference"] = ["gcc", "-O2", "-fno-builtin-gamma", "-fno-builtin-gammal", "-shared", "-fPIC",
                             HERE / "reference.c", *quad, "-lm"]

        def compile_one(name):
            path = pathlib.Path(folder) / f"{re.sub(r'[^a-z0-9A-Z]', '_', name)}.so"
            done = subprocess.run([*map(str, work[name]), "-o", str(path)], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"{name}: {done.stderr}")
            self.paths[name] = path
            return name, ctypes.CDLL(str(path))

        with ThreadPoolExecutor(2) as workers:
            self.loops = dict(workers.map(compile_one, work))
        self.reference = self.loops.pop("reference")
        self.c_library = self.loops.pop("C library", None)

    def run(self, build, function, x, y=None, out=None):
        """The function over arrays: a new one, or into `out`."""
        library = self.c_library if build == "C library" else self.loops[build]
        suffix = "f64" if x.dtype == np.float64 else "f32"
        y, out = x if y is None else y, np.empty_like(x) if out is None else out
        assert x.flags.c_contiguous and y.flags.c_contiguous and len(x) == len(y) == len(out)
        getattr(library, f"loop_{function}_{suffix}")(*map(pointer, (out, x, y)), ctypes.c_int64(len(x)))
        return out

    def error(self, function, got, x, y=None):
        """The largest error, and the index where it is."""
        suffix = "f64" if x.dtype == np.float64 else "f32"
        measure, where = getattr(self.reference, f"measure_{function}_{suffix}"), ctypes.c_int64()
        measure.restype = ctypes.c_double
        worst = measure(*map(pointer, (got, x, x if y is None else y)), ctypes.c_int64(len(x)), ctypes.byref(where))
        return worst, where.value


def vectorised(compiler, suffix):
    """The functions of one dtype whose loop the compiler says it has vectorised."""
    remark, words = {"gcc": ("-fopt-info-vec-optimized", "loop vectorized"),
                     "clang": ("-Rpass=loop-vectorize", "vectorized loop")}[compiler]
    done = subprocess.run([*map(str, [*builds()[compiler], *FLAGS, *TEXTS, f"-DONLY_{suffix}", remark, HERE / "loops.c"]), "-o",
                           "/dev/null"], capture_output=True, text=True, check=True)
    lines = (HERE / "functions.h").read_text().splitlines()
    found = re.findall(rf"functions\.h:(\d+):.*{words}", done.stderr)
    return {re.search(r"\((\w+)\)", lines[int(number) - 1])[1] for number in found}


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def raw_bits(array):
    return array.view(np.uint64 if array.dtype == np.float64 else np.uint32)


def bits(array):
    """As integers, all NaN alike."""
    raw = raw_bits(array)
    return np.where(np.isnan(array), raw.dtype.type(1), raw)


def special(dtype):
    """Zeros, infinities, NaN, the ends of the range, and where functions turn."""
    info = np.finfo(dtype)
    ends = [0.0, np.inf, np.nan, float(info.max), float(info.tiny), float(info.smallest_subnormal), float(info.eps),
            float(info.tiny) * 0.75, float(info.smallest_subnormal) * 3]
    turns = [1 + float(info.eps), 1 - float(info.eps) / 2, np.pi / 4, np.pi / 2, np.pi, 0.4375, 0.6875, 1.1875, 2.4375,
             2.0**-27, 2.0**-28, 2.0**-54, 2.0**20, 2.0**20 + 1, 2.0**28, 2.0**52, 2.0**53, 2.0**53 + 2, 1e22,
             709.782712893384, 709.7827128933841, 710.4758600739439, 745.1332191019411, 745.1332191019412, 1023.5, 1074.5,
             88.72283, 88.72284, 89.41598, 103.97208, 103.97209, 127.99999, 149.5, 171.62437695630271, 171.6243769563028,
             35.040096, 35.0401, 5.3e-309, 5.8e-309, 6381956970095103.0 * 2.0**797, 5.319372648326541e255]
    values = ends + turns + [k / 2 for k in range(1, 400)]
    with np.errstate(over="ignore"):
        return np.array(values + [-v for v in values], np.float64).astype(dtype)


def one_argument(dtype, count, rng):
    """Of all sizes, and more where functions have something to lose."""
    kind = np.uint64 if dtype == np.float64 else np.uint32
    part = max(count // 16, 1)
    spread = 15 if dtype == np.float64 else 7
    parts = [rng.integers(0, np.iinfo(kind).max, 4 * part, dtype=kind, endpoint=True).view(dtype)]
    for low, high in ((-1, 1), (-2, 2), (0.5, 2), (-12, 12), (-120, 120), (-760, 760), (-3e6, 3e6), (-200, 0)):
        parts.append(rng.uniform(low, high, part))
    parts.append(1 + rng.choice([-1, 1], part) * 10.0 ** rng.uniform(-spread, 0, part))
    parts.append(rng.choice([-1, 1], part) * 10.0 ** rng.uniform(-20, 20, part))
    parts.append(np.pi / 2 * rng.integers(-2**21, 2**21, part))
    parts.append(rng.integers(-190, 190, part) + rng.choice([-1, 1], part) * 10.0 ** rng.uniform(-spread, 0, part))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([special(dtype), *(p.astype(dtype) for p in parts)])


def two_arguments(dtype, count, rng):
    few = np.concatenate([special(dtype)[:30], special(dtype)[len(special(dtype)) // 2:][:30]])
    first, second = (side.ravel() for side in np.meshgrid(few, few))
    part = max(count // 12, 1)
    top = 300 if dtype == np.float64 else 37
    a, b = one_argument(dtype, 4 * part, rng), one_argument(dtype, 4 * part, rng)
    rng.shuffle(b)
    xs, ys = [first, a], [second, b]

    def add(x, y):
        xs.append(x)
        ys.append(y)

    logarithm = rng.uniform(-2.4 * top, 2.4 * top, (3, part))  # of the power
    near = 1 + rng.choice([-1, 1], part) * 10.0 ** rng.uniform(-15 if top > 50 else -6, -1, part)
    for x, log_power in zip((10.0 ** rng.uniform(-3, 3, part), 10.0 ** rng.uniform(-top, top, part), near), logarithm):
        add(x, log_power / np.log(x))
    add(rng.uniform(-10, 10, part), rng.integers(-20, 20, part).astype(float))
    add(rng.uniform(-3, 3, part), rng.uniform(-3, 3, part))
    scale = 10.0 ** rng.uniform(-top, top, part)
    add(scale * rng.uniform(-3, 3, part), scale * rng.uniform(-3, 3, part))
    with np.errstate(over="ignore", invalid="ignore"):
        return tuple(np.ascontiguousarray(np.concatenate([p.astype(dtype) for p in parts])) for parts in (xs, ys))


def arguments(kind, suffix, count, seed):
    rng = np.random.default_rng(seed)
    if kind.endswith("PAIR"):
        return two_arguments(DTYPES[suffix], count, rng)
    x = one_argument(DTYPES[suffix], count, rng)
    return x, x


def fixed_arguments(kind, suffix):
    """Arguments that do not depend on NumPy's generators or functions: the same on every machine, forever."""
    dtype = DTYPES[suffix]
    with np.errstate(over="ignore", invalid="ignore"):
        z = np.arange(1, 8193, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # splitmix64
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        raw = z.view(np.float64) if suffix == "f64" else (z >> np.uint64(32)).astype(np.uint32).view(np.float32)
        unit = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
        x = np.concatenate([raw, *((scale * (unit - 0.5)).astype(dtype) for scale in (2, 6, 24, 1400, 2**22))])
    return (x, np.roll(x, 4096 + 1)) if kind.endswith("PAIR") else (x, x)


def checksums(programs, build="gcc"):
    """{"function dtype": CRC-32 of the results}"""
    found = {}
    for kind, name in functions():
        for suffix in DTYPES:
            got = programs.run(build, name, *map(np.ascontiguousarray, fixed_arguments(kind, suffix)))
            found[f"{name} {suffix}"] = f"{zlib.crc32(bits(got).tobytes()):08x}"
    return found


def worst_of(programs, kind, name, suffix, count, seed):
    """(ULP, x, y, result) of the worst argument."""
    x, y = arguments(kind, suffix, count, seed)
    got = programs.run("gcc", name, x, y)
    worst, where = programs.error(name, got, x, y)
    return worst, x[where], y[where], got[where]


def worst_of_all(programs, name, step):
    """The same, of every step-th float32."""
    worst = (-1.0, None, None, None)
    for begin in range(0, 2**32, 2**26):
        x = np.arange(begin, begin + 2**26, step, dtype=np.uint32).view(np.float32)
        got = programs.run("gcc", name, x)
        ulps, where = programs.error(name, got, x)
        worst = max(worst, (ulps, x[where], x[where], got[where]), key=lambda found: found[0])
    return worst


def print_errors(programs, options):
    stated = bounds()
    print(f"{'function':<9} {'dtype':<8} {'ULP':>6} {'bound':>6}  where")
    for kind, name in measured():
        if options.only and name not in options.only:
            continue
        for suffix, dtype in DTYPES.items():
            if options.every and suffix == "f32" and kind != "PAIR":
                worst, x, y, got = worst_of_all(programs, name, options.every)
            else:
                worst, x, y, got = worst_of(programs, kind, name, suffix, options.samples, options.seed)
            where = f"{float(x).hex()}, {float(y).hex()}" if kind == "PAIR" else float(x).hex()
            print(f"{name:<9} {np.dtype(dtype).name:<8} {worst:6.3f} {stated.get(name, {}).get(suffix, 0):6.2f}  "
                  f"{where} gave {float(got).hex()}", flush=True)


def print_speed(programs, options):
    rng = np.random.default_rng(1)
    size = 16384
    kinds = [name for name in ("gcc", "clang", "gcc, AVX2") if name in programs.loops] + ["C library"]
    print(f"ns an element, the best of {options.rounds} rounds over {size} of them between 0.1 and 1; last: how many "
          "times faster than the C library")
    print(f"{'function':<9} {'dtype':<8}" + "".join(f"{name:>11}" for name in kinds) + f"{'ratio':>7}")
    for kind, name in measured():
        for suffix, dtype in DTYPES.items():
            low = 1.1 if name == "acosh" else 0.1
            x, y = (rng.uniform(low, low + 0.9, size).astype(dtype) for _ in range(2))
            out, took = np.empty_like(x), {}
            for build in kinds * options.rounds:
                began = time.perf_counter()
                programs.run(build, name, x, y, out)
                took.setdefault(build, []).append((time.perf_counter() - began) / size * 1e9)
            best = [min(took[build]) for build in kinds]  # what disturbs only adds
            print(f"{name:<9} {np.dtype(dtype).name:<8}" + "".join(f"{t:11.2f}" for t in best)
                  + f"{best[-1] / best[0]:7.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measure the vector math functions.")
    parser.add_argument("--samples", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=0)
    parser.add_argument("--only", action="append")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--bits", action="store_true")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(folder, c_library=options.speed)
        if options.bits:
            print("\n".join(f"{name} {checksum}" for name, checksum in checksums(programs).items()))
        else:
            (print_speed if options.speed else print_errors)(programs, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
