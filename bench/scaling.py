#!/usr/bin/env python3
"""How five jobs scale: 1, 2, 4, ... all workers, threads and processes, in turn, medians. So that anybody's large machine
shows it. `make bench` runs this behind its table; `build/venv-bench/bin/python bench/scaling.py` runs it alone.
"""

import argparse
import os
import statistics
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # a NumPy kernel is one worker's

import numpy as np  # noqa: E402

import tilework as tw  # noqa: E402
from dividing import fft, steps  # noqa: E402


def jobs(scale):
    """Names, and what runs each in a pool."""
    rng = np.random.default_rng(1)
    n = int(4000 * scale ** 0.5)
    y, x, side = rng.random(n), rng.random(n), rng.random((int(1000 * scale ** 0.5),) * 2)
    image, rows = rng.random((int(4000 * scale), 2048)), rng.permutation(np.arange(1000.0) * 60 * scale)
    out = np.empty((n, n))

    def evaluate(text, **operands):
        return lambda pool: tw.evaluate(text, pool=pool, **operands)
    return {
        "r[i,j] = y[i] * x[j]": evaluate("r[i,j] = y[i] * x[j]", y=y, x=x, out=out),
        "r[i,j] = sin(y[i]) ** x[j]": evaluate("r[i,j] = sin(y[i]) ** x[j]", y=y, x=x, out=out),
        "product of matrices": evaluate("r[i,j] = sum(k: a[i,k] * b[k,j])", a=side, b=side),
        "NumPy: fft of rows": lambda pool: tw.run(fft, "a[i,j] -> r[i,j]:complex128", image, pool=pool),
        "Python: uneven rows": lambda pool: tw.run(steps, "y[i] -> r[i]", rows, pool=pool, dtype="f8"),
    }


def counts(most):
    numbers, number = [], 1
    while number < most:
        numbers.append(number)
        number *= 2
    return [*numbers, most]


def seconds(run, pool):
    begin = time.perf_counter()
    run(pool)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description="How five jobs scale with the workers, threads and processes.")
    parser.add_argument("--quick", action="store_true", help="smaller jobs and 1 round: a look, not a measurement")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="the most (default: all cores)")
    options = parser.parse_args()
    rounds = 1 if options.quick else 5
    workers = counts(options.workers)
    pools = {(kind, number): tw.Pool(number, kind) for kind in ("threads", "processes") for number in workers}
    print(f"{'seconds, and times as fast as 1 worker':<40}" + "".join(f"{number:>16}" for number in workers))
    for what, run in jobs(0.1 if options.quick else 1).items():
        for pool in pools.values():
            run(pool)
        values = {key: [] for key in pools}
        for _ in range(rounds):
            for key, pool in pools.items():
                values[key].append(seconds(run, pool))
        for kind in ("threads", "processes"):
            medians = [statistics.median(values[kind, number]) for number in workers]
            gains = [statistics.median(a / b for a, b in zip(values[kind, 1], values[kind, number])) for number in workers]
            print(f"{what + ', ' + kind:<40}" + "".join(f"{median:9.4f} {gain:5.2f}x" for median, gain in zip(medians, gains)),
                  flush=True)
    for pool in pools.values():
        pool.close()


if __name__ == "__main__":
    main()
