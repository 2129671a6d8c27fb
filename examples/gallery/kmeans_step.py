"""One step of k-means: each point belongs to its nearest centre, and each centre moves to the mean of its points.

The nearest centre is a statement. The sums for each centre come from a kernel that sees some points and returns sums for all centres;
`reduce` says what becomes of the parts.
"""

import numpy as np

import tilework as tw
from canvas import main

PEER = "joblib"


def make(small):
    rng = np.random.default_rng(6)
    count, groups = (2_000, 8) if small else (1_000_000, 8)
    centres = rng.normal(0, 4, (groups, 2))
    points = centres[rng.integers(0, groups, count)] + rng.normal(0, 1, (count, 2))
    return points, points[:groups].copy()


def sums(points, labels, groups):
    """Of each group: the sum of its points, and how many there are."""
    totals = np.stack([np.bincount(labels, column, groups) for column in points.T], axis=1)
    return totals, np.bincount(labels, minlength=groups)


# after
def after(points, centres):
    labels = tw.evaluate("n[i] = argmin(k: sum(d: (p[i,d] - c[k,d])**2))", p=points, c=centres)
    totals, counts = tw.run(lambda p, n: sums(p, n, len(centres)), "p[i,d], n[i] -> totals[k,d], counts[k]", points, labels,
                            lengths={"k": len(centres)}, parts={"i": 16}, reduce="sum", pool="threads")
    return totals / counts[:, None]


# before: parts of the points; the results are added up by hand
def before(points, centres):
    from joblib import Parallel, delayed
    parts = Parallel(n_jobs=-1)(delayed(part_of_step)(part, centres) for part in np.array_split(points, 16))
    totals, counts = sum(part[0] for part in parts), sum(part[1] for part in parts)
    return totals / counts[:, None]


def part_of_step(points, centres):
    labels = ((points[:, None, :] - centres)**2).sum(axis=2).argmin(axis=1)
    return sums(points, labels, len(centres))


def show(centres):
    return "\n".join(["group         x         y"] + [f"{k:<6}{x:10.3f}{y:10.3f}" for k, (x, y) in enumerate(centres)])


if __name__ == "__main__":
    main(make, after, before, show)
