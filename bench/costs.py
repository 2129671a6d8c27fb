#!/usr/bin/env python3
"""What each operation of statements costs here, beside the column `cost` of src/notation/value/operations.h: hundredths of a
nanosecond for one element of a row in the core's own cache, beyond what its memory costs. One worker, the best of many.

`build/venv-bench/bin/python bench/costs.py [DTYPE ...]` after an operation was added, or when its loops were changed.
"""

import pathlib
import re
import sys
import time

import numpy as np

import tilework as tw

TABLE = pathlib.Path(__file__).resolve().parent.parent / "src" / "notation" / "value" / "operations.h"
ROW = re.compile(r'ROW\((\w+), +"([^"]+)", +(\d), (\w+).*?(\d+), +(\d+), +[A-Z |]+\) *\\?$', re.MULTILINE)
LONG, SHORT, TIMES = 16384, 16, 60


def values(dtype, n, rng):
    if dtype.kind == "f":
        return rng.uniform(0.2, 0.9, n).astype(dtype)
    if dtype.kind == "c":
        return (rng.uniform(0.2, 0.9, n) + 1j * rng.uniform(0.2, 0.9, n)).astype(dtype)
    return rng.integers(1, 7, n).astype(dtype)


def seconds(text, **operands):
    out = tw.evaluate(text, workers=1, parts={"i": 1}, **operands)
    best = float("inf")
    for _ in range(TIMES):
        begin = time.perf_counter()
        tw.evaluate(text, workers=1, parts={"i": 1}, out=out, **operands)
        best = min(best, time.perf_counter() - begin)
    return best


def cost(text, dtype, names):
    """Nanoseconds an element: what a long row takes longer than a short one."""
    rng = np.random.default_rng(1)
    long, short = ({name: values(dtype, n, rng) for name in names} for n in (LONG, SHORT))
    return (seconds(text, **long) - seconds(text, **short)) * 1e9 / (LONG - SHORT)


def written(text, arity, how):
    """An expression that has the operation once, and its operands."""
    if how == "PREFIX":
        return f"{text} a[i]", "a"
    if how in ("INFIX", "COMPARES"):
        return f"a[i] {text} b[i]", "ab"
    if text in ("uniform", "normal"):
        return f"a[i] + {text}(3)", "a"
    arguments = {1: "a[i]", 2: "a[i], b[i]", 3: "a[i] < b[i], a[i], b[i]"}[arity]
    return f"{text}({arguments})", "a" if arity == 1 else "ab"


def main():
    for dtype in map(np.dtype, sys.argv[1:] or ["f8", "c16"]):
        moved = {"a": cost("r[i] = a[i]", dtype, "a")}
        moved["ab"] = moved["a"] * 1.5  # one more of three rows
        for code, text, arity, how, real, complex_cost in ROW.findall(TABLE.read_text()):
            expression, names = written(text, int(arity), how)
            try:
                own = cost(f"r[i] = {expression}", dtype, names) - moved[names]
            except tw.Error:
                continue  # NumPy has no such operation for this dtype
            table = int(complex_cost if dtype.kind == "c" else real)
            print(f"{dtype.name:<11} {code:<14} measured {100 * own:8.0f}  table {table:6}", flush=True)


if __name__ == "__main__":
    main()
