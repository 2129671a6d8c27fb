#!/usr/bin/env python3
"""Default tiles beside the best of many chosen by hand, for jobs of very different kind: how much faster would a user be
who knows better? All tilings of a job run in turn, round after round; their medians are compared.

`make bench` runs this behind its table; `build/venv-bench/bin/python bench/dividing.py` runs it alone.
"""

import argparse
import math
import os
import statistics
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # a NumPy kernel is one worker's

import numpy as np  # noqa: E402

import tilework as tw  # noqa: E402

BAR = 1.05
GAIN = 1.9  # of all cores over one, where one element takes 10 ms: on two cores
C = r"""
#include <math.h>
#include <tilework/tile.h>

#define AT(view, i) (*(double *)((char *)(view)->data + (i) * (view)->strides[0]))
#define AT2(view, i, j) (*(double *)((char *)(view)->data + (i) * (view)->strides[0] + (j) * (view)->strides[1]))

int roots(const tw_tile *tile)
{
    const tw_view *y = &tile->operand[0], *r = &tile->operand[1];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        AT(r, i) = sqrt(AT(y, i)) + sin(AT(y, i));
    }
    return 0;
}

/* Row i takes i times as long as row 1. */
int uneven(const tw_tile *tile)
{
    const tw_view *r = &tile->operand[0];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        for (int64_t j = 0; j < r->shape[1]; j++) {
            double x = (double)j;
            for (int64_t k = 0; k < tile->start[0] + i; k++) {
                x = x * 0.5 + 1;
            }
            AT2(r, i, j) = x;
        }
    }
    return 0;
}

int product(const tw_tile *tile)
{
    const tw_view *a = &tile->operand[0], *b = &tile->operand[1], *r = &tile->operand[2];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        double *row = &AT2(r, i, 0);
        for (int64_t j = 0; j < r->shape[1]; j++) {
            row[j] = 0;
        }
        for (int64_t k = 0; k < a->shape[1]; k++) {
            const double x = AT2(a, i, k), *other = &AT2(b, k, 0);
            for (int64_t j = 0; j < r->shape[1]; j++) {
                row[j] += x * other[j];
            }
        }
    }
    return 0;
}
"""


# ---- Python kernels ----

def operate(y, x, r):
    """The origin's: a loop over rows."""
    for i in range(len(r)):
        r[i] = y[i] * x


def slow(y):
    time.sleep(0.01 * len(y))
    return y + 1


def render(r):
    time.sleep(0.01 * len(r))
    r[...] = 1


def steps(y, r):
    """Pure Python, whose rows are uneven."""
    for i in range(len(y)):
        x = 0.0
        for k in range(int(y[i])):
            x = x * 0.5 + k
        r[i] = x


def prepared(y):
    end = time.perf_counter() + 0.005
    while time.perf_counter() < end:
        pass
    return np.sqrt(y)


def matmul(a, b):
    return a @ b


def fft(a):
    return np.fft.fft(a, axis=1)


def corners(a):
    """About 20 ns an element."""
    return np.sin(a) + np.sqrt(a)


# ---- jobs ----

class Job:
    """What is run, and how it may be divided. call(**division) runs it."""

    def __init__(self, what, call, tilings):
        self.what, self.call, self.tilings = what, call, tilings


def parts(*counts):
    """Tilings by parts of one axis or more: parts("i", 1, 2), parts("i j", (2, 2))."""
    axes = counts[0].split()
    return [{"parts": dict(zip(axes, count if isinstance(count, tuple) else (count,)))} for count in counts[1:]]


def statement(text, pool, **operands):
    out = {}

    def call(**division):
        out["out"] = tw.evaluate(text, **operands, pool=pool, **out, **division)
    return call


def kernel(function, signature, pool, *operands, **options):
    return lambda **division: tw.run(function, signature, *operands, pool=pool, **options, **division)


def jobs(threads, processes):
    rng = np.random.default_rng(1)
    line = parts("i", 1, 2, 4, 8, 16, 32, 64)
    a, b = rng.random((1000, 1000)), rng.random((1000, 1000))
    u, v, long = rng.random(100_000), rng.random(100_000), rng.random(20_000)
    y, x = rng.random(500), rng.random(500)
    image, rows, box = rng.random((2000, 2048)), np.arange(600.0)[::-1] * 40, rng.random((12,) * 6)
    roots, uneven, product = (tw.Kernel.from_c(C, name) for name in ("roots", "uneven", "product"))
    square = parts("i j", (1, 1), (2, 1), (4, 1), (16, 1), (64, 1), (2, 2), (4, 4), (8, 8), (16, 16), (2, 16))
    return [
        Job("statement, 20 us: 2a + 3b - ab", statement("r[i] = 2 * a[i] + 3 * b[i] - a[i] * b[i]", threads,
                                                        a=u[:50_000], b=v[:50_000]), line),
        Job("statement, 50 us: the same, 100,000 values", statement("r[i] = 2 * a[i] + 3 * b[i] - a[i] * b[i]", threads,
                                                                   a=u, b=v), line),
        Job("statement, 0.4 ms: exp(y x), 500 x 500", statement("r[i,j] = exp(y[i] * x[j])", threads, y=y, x=x),
            parts("i", 1, 2, 4, 8, 16, 32, 64, 128) + parts("i j", (2, 2), (4, 4))),
        Job("statement: a product of matrices, 1000^3", statement("r[i,j] = sum(k: a[i,k] * b[k,j])", threads, a=a, b=b),
            square),
        Job("statement: sum of rows, 2000 x 2048", statement("s[i] = sum(j: a[i,j])", threads, a=image), line),
        Job("C, 0.2 ms: one long axis", kernel(roots, "y[i] -> r[i]", threads, long), line),
        Job("C: uneven rows", kernel(uneven, "-> r[i,j]", threads, lengths={"i": 500, "j": 64}, dtype="f8"),
            parts("i", 1, 2, 4, 8, 16, 32, 64, 128, 250, 500)),
        Job("C: a product of matrices, 1000^3", kernel(product, "a[i,k], b[k,j] -> r[i,j]", threads, a, b), square),
        Job("NumPy: a @ b, 1000^3", kernel(matmul, "a[i,k], b[k,j] -> r[i,j]", threads, a, b), square),
        Job("NumPy: fft along j, 2000 x 2048", kernel(fft, "a[i,j] -> r[i,j]:complex128", processes, image),
            parts("i", 2, 4, 8, 16, 32, 64, 128, 256, 500)),
        Job("NumPy: many short axes", kernel(corners, "a[i,j,k,l,m,n] -> r[i,j,k,l,m,n]", threads, box),
            parts("i j", (1, 1), (2, 1), (6, 1), (12, 1), (2, 2), (6, 2), (12, 12))),
        Job("Python: uneven rows", kernel(steps, "y[i] -> r[i]", processes, rows),
            parts("i", 2, 4, 8, 16, 32, 64, 128, 256, 600)),
    ]


# ---- measuring ----

def seconds(call, division):
    begin = time.perf_counter()
    call(**division)
    return time.perf_counter() - begin


def measure(job, rounds, budget):
    """The median of the default tiles and of each tiling, all in turn."""
    divisions = [{}, *job.tilings]
    once = [seconds(job.call, division) for division in divisions for _ in range(2)][1::2]
    count = max(rounds, min(60 * rounds, int(budget / max(sum(once), 1e-9))))
    values = [[] for _ in divisions]
    for number in range(count):
        for k in range(len(divisions)):
            k = (k + number) % len(divisions)
            values[k].append(seconds(job.call, divisions[k]))
    return [statistics.median(some) for some in values], values


def show(value):
    return f"{value * 1e6:.0f} us" if value < 1e-3 else f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def name_of(division):
    return ", ".join(f"{axis}={count}" for axis, count in division["parts"].items())


def print_job(job, rounds, budget):
    medians, values = measure(job, rounds, budget)
    best = min(range(1, len(medians)), key=medians.__getitem__)
    ratio = statistics.median(default / other for default, other in zip(values[0], values[best]))
    reached = ratio <= BAR
    print(f"{job.what:<46}  {show(medians[0]):>9}  {show(medians[best]):>9}  {name_of(job.tilings[best - 1]):<12}"
          f"  {ratio:5.2f}  {'yes' if reached else 'no'}", flush=True)
    return reached


def print_gain(what, call, workers):
    """One worker beside all: jobs whose elements take 10 ms each."""
    pairs = [(seconds(lambda: call(workers=1), {}), seconds(lambda: call(workers=workers), {})) for _ in range(3)]
    one, every = (statistics.median(side) for side in zip(*pairs))
    gain = statistics.median(a / b for a, b in pairs)
    print(f"{what:<46}  {show(one):>9}  {show(every):>9}  {'':<12}  {gain:5.2f}  "
          f"{'' if workers != 2 else 'yes' if gain >= GAIN else 'no'}", flush=True)


def print_prepared(pool):
    y = np.random.default_rng(1).random(20_000)
    run = kernel(prepared, "y[i] -> r[i]", pool, y)
    default, best = seconds(run, {}), seconds(run, {"parts": {"i": pool.workers}})
    print(f"{'Python: 5 ms of set-up a call (no bar)':<46}  {show(default):>9}  {show(best):>9}  i={pool.workers:<10}  "
          f"{default / best:5.2f}")
    advice = getattr(run(report=True)[1], "advice", None)
    print(f"  its advice: {advice}")


def main():
    parser = argparse.ArgumentParser(description="Default tiles beside the best of many chosen by hand.")
    parser.add_argument("--quick", action="store_true", help="3 rounds: a look, not a measurement")
    parser.add_argument("--only", metavar="TEXT", help="jobs whose names contain this")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: all cores)")
    options = parser.parse_args()
    rounds, budget = (3, 0.5) if options.quick else (7, 4.0)
    print(f"{'job':<46}  {'default':>9}  {'best':>9}  {'which':<12}  {'ratio':>5}  at most {BAR}")
    reached = []
    with tw.Pool(options.workers, "threads") as threads, tw.Pool(options.workers) as processes:
        for job in jobs(threads, processes):
            if options.only is None or options.only in job.what:
                reached.append(print_job(job, rounds, budget))
        if options.only is None:
            print_prepared(processes)
    print(f"{sum(reached)} of {len(reached)} bars reached\n")
    if options.only is None:
        print(f"{'10 ms an element, without an option':<46}  {'1 worker':>9}  {options.workers} workers")
        y = np.arange(200.0)
        print_gain("y[i] -> r[i], 200 values", lambda **more: tw.run(slow, "y[i] -> r[i]", y, **more), options.workers)
        print_gain("-> r[i,j], 200 x 300, 10 ms a row",
                   lambda **more: tw.run(render, "-> r[i,j]", lengths={"i": 200, "j": 300}, dtype="f8", **more),
                   options.workers)
    return math.prod(reached)


if __name__ == "__main__":
    main()
