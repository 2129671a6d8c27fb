#!/usr/bin/env python3
"""A median filter of 5 x 5 pixels over an image: tiles that are read with a halo around them.

The signature asks for the halo, and edges= says what is read past the ends of the image; nothing is padded or copied as a whole.
Beside it the same with NumPy alone and with joblib: `image_filter.py [--small]`.
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


# %% The filter, on any part of an image that has its halo around it.
def median(part):
    windows = np.lib.stride_tricks.sliding_window_view(part, (2 * HALO + 1, 2 * HALO + 1))
    return np.median(windows, axis=(2, 3))


# %% Tilework: the kernel gets its tile with the halo around it, and returns its tile.
def with_tilework():
    return tw.run(median, "image[i-2..i+2,j-2..j+2] -> r[i,j]", image, edges="mirror")


# %% NumPy: one thread, and memory for all windows at once. Its mode "reflect" is the edge "mirror".
def with_numpy():
    return median(np.pad(image, HALO, mode="reflect"))


# %% joblib: the parts of the image and the results are pickled, and joined at the end.
def with_joblib():
    import joblib
    padded = np.pad(image, HALO, mode="reflect")
    parts = [padded[start:start + 50 + 2 * HALO] for start in range(0, len(image), 50)]
    return np.concatenate(joblib.Parallel(n_jobs=-1)(map(joblib.delayed(median), parts)))


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
