#!/usr/bin/env python3
"""A median filter of 5 x 5 pixels over an image: tiles that read a halo around themselves.

The padded image is not divided, so that every tile sees all of it and takes its part with the halo; nothing is copied for
that. Beside it the same with NumPy alone and with joblib: `image_filter.py [--small]`.
"""

# %%
import sys
import time

import numpy as np

import tilework as tw

SMALL = "--small" in sys.argv
HALO = 2
rng = np.random.default_rng(1)
image = rng.random((120, 160) if SMALL else (800, 1000))
padded = np.pad(image, HALO, mode="reflect")


# %% The filter, on any part of an image that has its halo around it.
def median(part):
    windows = np.lib.stride_tricks.sliding_window_view(part, (2 * HALO + 1, 2 * HALO + 1))
    return np.median(windows, axis=(2, 3))


def halo(rows, columns):
    """Where in the padded image a tile lies with its halo."""
    return slice(rows.start, rows.stop + 2 * HALO), slice(columns.start, columns.stop + 2 * HALO)


# %% Tilework: p and q, the axes of the padded image, are in no output, so they are not divided.
def kernel(padded, r, tile):
    r[...] = median(padded[halo(tile.ranges["i"], tile.ranges["j"])])


def with_tilework():
    return tw.run(kernel, "padded[p,q] -> r[i,j]", padded, tiles={"i": 50}, dtype=float,
                  lengths={"i": image.shape[0], "j": image.shape[1]})


# %% NumPy: one thread, and memory for all windows at once.
def with_numpy():
    return median(padded)


# %% joblib: the parts of the image and the results are pickled, and joined at the end.
def with_joblib():
    import joblib
    rows = [slice(start, min(start + 50, len(image))) for start in range(0, len(image), 50)]
    whole = slice(0, image.shape[1])
    return np.concatenate(joblib.Parallel(n_jobs=-1)(joblib.delayed(median)(padded[halo(part, whole)]) for part in rows))


# %%
def timed(name, compute):
    began = time.perf_counter()
    result = compute()
    print(f"{name:<10} {time.perf_counter() - began:8.3f} s")
    return result


if __name__ == "__main__":
    ours = timed("tilework", with_tilework)
    assert (ours == timed("numpy", with_numpy)).all()
    try:
        assert (ours == timed("joblib", with_joblib)).all()
    except ImportError:
        print("joblib is not installed")
    print("the same, bit for bit")
