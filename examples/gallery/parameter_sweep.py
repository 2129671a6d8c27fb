"""A parameter sweep: how chaotic a population is whose growth rate alternates between two values, for all pairs of values.

Each point of the result is Lyapunov's exponent of x -> r x (1 - x), with r taken from the pattern A A B A B. Python loops over time;
NumPy over the tile.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "joblib"
PATTERN = "AABAB"


def exponent(a, b, steps):
    """Of all pairs of a and b: (a, b)."""
    a, b = np.broadcast_arrays(a[:, None], b[None, :])
    x, total = np.full(a.shape, 0.5), np.zeros(a.shape)
    for step in range(steps):
        r = a if PATTERN[step % len(PATTERN)] == "A" else b
        total += np.log(np.abs(r * (1 - 2 * x)) + 1e-12)
        x = r * x * (1 - x)
    return total / steps


def make(small):
    size, steps = (24, 50) if small else (400, 600)
    return np.linspace(2.5, 4, size), np.linspace(2.5, 4, size), steps


# after: any part of the sweep is a tile
def after(a, b, steps):
    return tw.run(lambda a, b: exponent(a, b, steps), "a[i], b[j] -> r[i,j]", a, b)


# before: a task for each value of a
def before(a, b, steps):
    from joblib import Parallel, delayed
    return np.concatenate(Parallel(n_jobs=-1)(delayed(exponent)(a[k:k + 1], b, steps) for k in range(len(a))))


def show(exponents):
    return colours(-exponents[::-2, ::2], -0.5, 1.5)


if __name__ == "__main__":
    main(make, after, before, show)
