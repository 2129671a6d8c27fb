"""A raster filter: the median of 5 x 5 cells around each cell of a noisy elevation model.

A tile needs two more cells on each side. What lies beyond the raster's edge is its mirror image.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "dask"
REACH = 2


def median(part):
    """Of all windows that lie in a part."""
    windows = np.lib.stride_tricks.sliding_window_view(part, (2 * REACH + 1, 2 * REACH + 1))
    return np.median(windows, axis=(2, 3))


def make(small):
    rows, columns = (60, 80) if small else (1200, 1600)
    y, x = np.mgrid[0:6:rows * 1j, 0:8:columns * 1j]
    heights = np.sin(x) * np.cos(y / 2) + 0.4 * np.sin(3 * x + y) + 0.2 * np.cos(5 * y)
    rng = np.random.default_rng(3)
    heights[rng.random(heights.shape) < 0.1] = 3  # cells that the sensor has lost
    return (heights,)


# after: a tile is seen with two more cells on each side, and the edge of the raster is its mirror
def after(heights):
    return tw.run(median, "u[i-2..i+2,j-2..j+2] -> r[i,j]", heights, edges="reflect")


# before: chunks that overlap
def before(heights):
    import dask.array as da
    chunks = da.from_array(heights, chunks=(100, heights.shape[1]))
    return chunks.map_overlap(lambda part: np.pad(median(part), REACH), depth=REACH, boundary="reflect", meta=heights[:0]).compute(scheduler="processes")


def show(heights):
    step = max(1, len(heights) // 150)
    return colours(heights[::step, ::step], -1.6, 1.6)


if __name__ == "__main__":
    main(make, after, before, show)
