"""Flat-field correction: a stack of camera frames without the camera's own pattern, from one file to another.

raw, the frames, and the result are files that may be larger than the memory. dark is what the camera sees in the dark, flat what it
sees of a white wall.
"""

import os
import tempfile

import numpy as np

import tilework as tw
from canvas import grey, main

PEER = "dask"


def make(small):
    frames, height, width = (4, 60, 80) if small else (160, 480, 640)
    folder = os.path.join(tempfile.gettempdir(), f"tilework-frames-{frames}")
    raw = os.path.join(folder, "raw.npy")
    rng = np.random.default_rng(2)
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    dark = 100 + 20 * rng.random((height, width))
    flat = dark + 2000 * (1 - 0.5 * (x**2 + y**2) / 2) * (0.9 + 0.2 * rng.random((height, width)))
    if not os.path.exists(raw):
        os.makedirs(folder, exist_ok=True)
        file = np.lib.format.open_memmap(raw, "w+", np.uint16, (frames, height, width))
        for frame in range(frames):
            scene = 0.5 + 0.4 * np.sin(6 * x + frame / 5) * np.cos(5 * y)
            file[frame] = dark + scene * (flat - dark)
    return raw, dark, flat, os.path.join(folder, "corrected.npy")


# after: one statement, from file to file; after a crash the same call with resume=True does what is missing
def after(raw, dark, flat, corrected):
    return tw.evaluate("c[f,y,x]:float32 = (raw[f,y,x] - dark[y,x]) / (flat[y,x] - dark[y,x])", raw=raw, dark=dark, flat=flat, out=corrected)


# before: chunks of frames, stored in a file
def before(raw, dark, flat, corrected):
    import dask.array as da
    frames = da.from_array(np.load(raw, mmap_mode="r"), chunks=(8, -1, -1))
    out = np.lib.format.open_memmap(corrected + ".before.npy", "w+", np.float32, frames.shape)
    da.store(((frames - dark) / (flat - dark)).astype(np.float32), out, lock=False)
    return out


def show(frames):
    step = max(1, frames.shape[1] // 120)
    return grey(frames[0, ::step, ::step])


if __name__ == "__main__":
    main(make, after, before, show)
