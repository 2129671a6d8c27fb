#!/usr/bin/env python3
"""The distances between all pairs of two sets of points: a result much larger than what it is made from.

Once with a Python function over tiles, whose temporary arrays are as small as a tile; once as a statement, which makes none
and runs on threads. Beside them the same with NumPy alone and with joblib: `distances.py [--small]`.
"""

# %%
import sys
import time

import numpy as np

import tilework as tw

SMALL = "--small" in sys.argv
rng = np.random.default_rng(1)
a = rng.random((300 if SMALL else 6000, 3))
b = rng.random((200 if SMALL else 5000, 3))


# %% The function: as one would write it for small sets.
def distances(a, b):
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))


# %% Tilework with the function: k, the coordinates, is in no output and stays whole.
def with_tilework():
    return tw.run(distances, "a[i,k], b[j,k] -> d[i,j]", a, b, tiles={"i": 100})


# %% Tilework with a statement: compiled once, no temporary arrays, no other process.
def with_statement():
    return tw.evaluate("d[i,j] = sqrt(sum(k: (a[i,k] - b[j,k])**2))", a=a, b=b)


# %% NumPy: a temporary array of all differences.
def with_numpy():
    return distances(a, b)


# %% joblib: rows are sent back and joined.
def with_joblib():
    import joblib
    parts = joblib.Parallel(n_jobs=-1)(joblib.delayed(distances)(a[start:start + 100], b)
                                       for start in range(0, len(a), 100))
    return np.concatenate(parts)


# %%
def timed(name, compute):
    began = time.perf_counter()
    result = compute()
    print(f"{name:<10} {time.perf_counter() - began:8.3f} s")
    return result


if __name__ == "__main__":
    ours = timed("tilework", with_tilework)
    assert (ours == timed("numpy", with_numpy)).all()
    assert np.allclose(ours, timed("statement", with_statement), rtol=1e-14)
    timed("again", with_statement)
    try:
        assert (ours == timed("joblib", with_joblib)).all()
    except ImportError:
        print("joblib is not installed")
    print("the same")
