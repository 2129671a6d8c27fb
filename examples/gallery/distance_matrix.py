"""A distance matrix: how far each of some points is from each other one, in sixteen dimensions.

The sum over the dimensions is a part of the statement, so there is no array of all differences.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "numba"


def make(small):
    rng = np.random.default_rng(1)
    count = 150 if small else 4000
    groups = rng.normal(0, 3, (5, 16))
    return (groups[np.sort(rng.integers(0, 5, count))] + rng.normal(0, 1, (count, 16)),)


# after
def after(points):
    return tw.evaluate("d[i,j] = sqrt(sum(k: (p[i,k] - q[j,k])**2))", p=points, q=points)


# before
def before(points):
    return compiled()(points)


def compiled(cache={}):
    if not cache:
        import numba

        @numba.njit(parallel=True)
        def distances(points):
            count, dimensions = points.shape
            result = np.empty((count, count))
            for i in numba.prange(count):
                for j in range(count):
                    total = 0.0
                    for k in range(dimensions):
                        total += (points[i, k] - points[j, k])**2
                    result[i, j] = np.sqrt(total)
            return result

        cache["distances"] = distances
    return cache["distances"]


def show(distances):
    step = max(1, len(distances) // 120)
    return colours(distances[::step, ::step])


if __name__ == "__main__":
    main(make, after, before, show)
