#!/usr/bin/env python3
"""What a call costs: prepared statements (tw.function) and tw.evaluate beside NumPy, numexpr and Numba, on 20, 1,000 and 10 million
elements; and a function of Numba's as a kernel on threads beside Numba's own prange.

    build/venv-bench/bin/python bench/calls.py [--rounds 15] [--quick]

All of a group run in turn, round after round; medians are printed, and the median of each round's ratio to NumPy (or to prange). A
bar that is not kept ends the program with 1.
"""

import argparse
import itertools
import statistics
import sys
import time

import numpy as np

import tilework as tw

STATEMENT = "r[i] = (2 * a[i] + b[i]) * a[i]"  # three calls of NumPy's
SIZES = (20, 1_000, 10_000_000)
BARS = {(20, "function"): 4e-6, (20, "evaluate"): 10e-6}  # seconds
RATIOS = {(1_000, "function"): 1.0, ("rows", "kernel"): 1.15}  # times as long as the first of its group
SECONDS = 0.005  # that a measurement of small calls takes


def seconds(call, times):
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def in_turn(calls, rounds, least):
    """For each call its seconds, round by round."""
    times = {}
    for name, call in calls.items():
        call()
        times[name] = max(1, int(least / max(seconds(call, 1), seconds(call, 3))))
    found = {name: [] for name in calls}
    for turn in range(rounds):
        for name in list(calls)[::-1 if turn % 2 else 1]:
            found[name].append(seconds(calls[name], times[name]))
    return found


def shown(value):
    return f"{value * 1e6:10.2f} us" if value < 1e-3 else f"{value * 1e3:10.2f} ms"


def report(group, title, found):
    """Prints the group's lines; whether all bars are kept."""
    kept = True
    first = next(iter(found))
    for name, times in found.items():
        ratio = statistics.median(own / other for own, other in zip(times, found[first]))
        own, bar, most = statistics.median(times), BARS.get((group, name)), RATIOS.get((group, name))
        is_kept = (bar is None or own <= bar) and (most is None or ratio <= most)
        kept &= is_kept
        words = f"at most{shown(bar)}" if bar is not None else f"at most {most:.2f} times" if most is not None else ""
        print(f"{title:<22}{name:<12}{shown(own)}{ratio:>9.2f} times {first:<10}{words:<22}{'' if not words else 'yes' if is_kept else 'NO'}",
              flush=True)
    return kept


# ---- statements --------------------------------------------------------------------------------------------------------


def calls_on(size):
    a, b = np.random.default_rng(1).random((2, size))
    f = tw.function(STATEMENT)
    g = tw.function("r[i] = (c * a[i] + b[i]) * a[i]")
    values = itertools.count(1.0)
    calls = {
        "NumPy": lambda: (2 * a + b) * a,
        "function": lambda: f(a, b),
        "evaluate": lambda: tw.evaluate(STATEMENT, a=a, b=b),
    }
    if size < 1000:
        calls["same c"] = lambda: g(2.0, a, b)
        calls["other c"] = lambda: g(next(values), a, b)
    try:
        import numexpr
        calls["numexpr"] = lambda: numexpr.evaluate("(2 * a + b) * a", local_dict={"a": a, "b": b})
    except ImportError:
        pass
    try:
        import numba

        @numba.njit
        def compiled(a, b):
            r = np.empty_like(a)
            for i in range(len(a)):
                r[i] = (2 * a[i] + b[i]) * a[i]
            return r
        calls["Numba"] = lambda: compiled(a, b)
    except ImportError:
        pass
    return calls


# ---- a function of Numba's ---------------------------------------------------------------------------------------------


def rows():
    """Rows of a Mandelbrot set: rows differ in cost, as those of most jobs."""
    import numba

    def escape(y, x, r):
        for i in range(y.shape[0]):
            for j in range(x.shape[0]):
                c, z, n = complex(x[j], y[i]), 0j, 0
                while n < 200 and z.real * z.real + z.imag * z.imag < 4:
                    z, n = z * z + c, n + 1
                r[i, j] = n

    body = numba.njit(nogil=True)(escape)
    kernel = tw.kernel("y[i], x[j] -> r[i,j]", dtype="i4")(body)

    @numba.njit(parallel=True)
    def parallel(y, x):
        r = np.empty((y.shape[0], x.shape[0]), np.int32)
        for i in numba.prange(y.shape[0]):
            body(y[i:i + 1], x, r[i:i + 1])
        return r
    y, x = np.linspace(-1.25, 1.25, 1000), np.linspace(-2, 0.5, 1200)
    assert (kernel(y, x) == parallel(y, x)).all()
    return {"prange": lambda: parallel(y, x), "kernel": lambda: kernel(y, x)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="three rounds, no large arrays")
    options = parser.parse_args()
    rounds = 3 if options.quick else options.rounds
    kept = True
    for size in SIZES[:2] if options.quick else SIZES:
        kept &= report(size, f"{size:,} elements", in_turn(calls_on(size), rounds if size < 1e6 else min(rounds, 7), SECONDS))
    try:
        kept &= report("rows", "1000 x 1200 rows", in_turn(rows(), min(rounds, 9), 0))
    except ImportError:
        print("Numba is not installed here: its rows are left out")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
