#!/usr/bin/env python3
"""Random numbers: tile.random and statements beside NumPy's generators, uniform and normal, float64.

    build/venv-bench/bin/python bench/draws.py [--count 10000000] [--times 7]

All run in turn, round after round, in one process; medians are compared, in nanoseconds a number. NumPy's Philox is a generator with a
counter as well (4x64), default_rng is PCG64; both run on one core and give other numbers if the work is divided otherwise."""

import argparse
import statistics
import time

import numpy as np

import tilework as tw

SEED = 3


def sides(count, workers):
    """(who, kind, a function that draws)."""
    philox, default = np.random.Generator(np.random.Philox(SEED)), np.random.default_rng(SEED)
    out = np.empty(count)
    length = {"i": count}
    for kind, method in (("uniform", "random"), ("normal", "standard_normal")):
        def kernel(r, tile, kind=kind):
            r[...] = tile.random(SEED, kind)

        for n in sorted({1, workers}):
            yield f"tile.random, {n} worker{'s' * (n > 1)}", kind, \
                lambda kernel=kernel, n=n: tw.run(kernel, "-> r[i]", lengths=length, out=out, tiles={"i": 2**17}, pool="threads", workers=n)
            yield f"statement, {n} worker{'s' * (n > 1)}", kind, \
                lambda kind=kind, n=n: tw.evaluate(f"r[i] = {kind}({SEED})", lengths=length, out=out, workers=n)
        yield "numpy, Philox", kind, lambda method=method: getattr(philox, method)(out=out)
        yield "numpy, default_rng", kind, lambda method=method: getattr(default, method)(out=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000_000, help="numbers of a draw")
    parser.add_argument("--times", type=int, default=7, help="rounds")
    asked = parser.parse_args()
    all_sides = list(sides(asked.count, tw.machine()["workers"] if hasattr(tw, "machine") else 2))
    times = {side[:2]: [] for side in all_sides}
    for _, _, draw in all_sides:
        draw()
    for _ in range(asked.times):
        for who, kind, draw in all_sides:
            begun = time.perf_counter()
            draw()
            times[who, kind].append(time.perf_counter() - begun)
    print(f"{asked.count:,} numbers, float64, median of {asked.times}")
    for (who, kind), each in times.items():
        print(f"{kind:8} {who:24} {statistics.median(each) / asked.count * 1e9:6.2f} ns (fastest {min(each) / asked.count * 1e9:.2f})")


if __name__ == "__main__":
    main()
