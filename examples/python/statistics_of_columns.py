#!/usr/bin/env python3
"""Extremes, sums and a histogram of a large table in one pass: outputs that lack the axis which is cut, made of parts.

With `reduce=` every core has rows of its own, and the parts are folded in the order of the grid, so the result does not depend on
who was first. Beside it NumPy, one function after the other, and a statement: `statistics_of_columns.py [--small]`.
"""

# %%
import sys
import time

import numpy as np

import tilework as tw

SMALL = "--small" in sys.argv
BINS = 50
table = np.random.default_rng(1).random((20_000 if SMALL else 2_000_000, 8))


# %% The function sees some rows. It returns what it knows of them; it need not know that there are others.
def statistics(rows):
    counts = np.bincount((rows * BINS).astype(int).ravel(), minlength=BINS)
    return rows.min(0), rows.max(0), rows.sum(0), (rows**2).sum(0), counts


# %% Tilework: what becomes of the parts is said by one word an output.
def with_tilework():
    low, high, total, squares, counts = tw.run(
        statistics, "t[i,j] -> low[j], high[j], total[j], squares[j], counts[k]", table, lengths={"k": BINS}, parts={"i": 64},
        reduce={"low": "min", "high": "max", "total": "sum", "squares": "sum", "counts": "sum"})
    mean = total / len(table)
    return low, high, mean, np.sqrt(squares / len(table) - mean**2), counts


# %% NumPy: five passes over the table, on one core.
def with_numpy():
    return table.min(0), table.max(0), table.mean(0), table.std(0), np.bincount((table * BINS).astype(int).ravel(), minlength=BINS)


# %% Sums alone are a statement: the same bits for any cuts.
def with_statement():
    return tw.evaluate("m[j] = mean(i: t[i,j])", t=table)


# %%
def timed(name, compute):
    began = time.perf_counter()
    result = compute()
    print(f"{name:<10} {time.perf_counter() - began:8.3f} s")
    return result


if __name__ == "__main__":
    ours, theirs = timed("tilework", with_tilework), timed("numpy", with_numpy)
    assert (ours[0] == theirs[0]).all() and (ours[1] == theirs[1]).all() and (ours[4] == theirs[4]).all()
    assert np.allclose(ours[2], theirs[2], rtol=1e-12) and np.allclose(ours[3], theirs[3], rtol=1e-6)
    assert np.allclose(timed("statement", with_statement), theirs[2], rtol=1e-12)
    print("the same")
