#!/usr/bin/env python3
"""A filter that reads around its tiles: a median of 9 x 9 pixels, float32, by tw.run with a halo, beside serial scipy.ndimage,
the same tiles of an image that was padded by hand, and dask's map_overlap.

    build/venv-bench/bin/python bench/halos.py [--size 8000] [--width 9] [--times 3]

All run in turn, round after round, each in a process of its own; medians are compared. `peak` is the memory of the process and its workers in a last run, less that before it: the result, and what was copied.
`halos.py CASE SIZE WIDTH` is one of them, as contestant.py says.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

CASES = ("scipy", "halo", "padded", "dask")
SIGNATURE = "u[i-{0}..i+{0},j-{0}..j+{0}] -> v[i,j]"


# ---- one of them ----


def jobs(size, width):
    """The functions that compute the filter, by the names of their cases."""
    import numpy as np
    from scipy.ndimage import median_filter

    import tilework as tw
    image = np.random.default_rng(1).random((size, size), np.float32)
    reach = width // 2
    signature = SIGNATURE.format(reach)

    def median(u):
        return median_filter(u, width)[reach:-reach, reach:-reach]

    def halo():
        return tw.run(median, signature, image, edges="reflect")

    def of_padded(whole, v, tile):
        rows, columns = tile.ranges["i"], tile.ranges["j"]
        v[...] = median(whole[rows.start:rows.stop + width - 1, columns.start:columns.stop + width - 1])

    def same_tiles():
        """The cuts that the halo's job gets by itself."""
        quick = tw.run(lambda u: u[reach:-reach, reach:-reach], signature, image, edges="reflect", report=True)[1]
        return {axis: sorted({int(start) for start in quick.tiles["start"][:, a]} - {0}) for a, axis in enumerate(quick.axes)}
    cuts = same_tiles() if sys.argv[1] == "padded" else None

    def padded():
        whole = np.pad(image, reach, mode="symmetric")
        return tw.run(of_padded, "whole[p,q] -> v[i,j]", whole, dtype=image.dtype, cuts=cuts, lengths={"i": size, "j": size})

    def dask():
        parts = dask_array.from_array(image, chunks=1000)
        return parts.map_overlap(median_filter, depth=reach, boundary="reflect", size=width, dtype=image.dtype).compute()
    if sys.argv[1] == "dask":
        import dask.array as dask_array
    return {"scipy": lambda: median_filter(image, width), "halo": halo, "padded": padded, "dask": dask}


def serve(case, size, width):
    try:
        compute = jobs(size, width)[case]
    except ImportError as error:
        print(f"missing {error}", flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        result = compute()
        seconds = time.perf_counter() - began
        print(f"{seconds:.6f}", flush=True)
        del result


# ---- all of them ----


def measure(options, log):
    """Seconds of each round, and the peak, of each case that there is here."""
    from contestant import Contestant, Missing
    from footprint import peak_while, share, tree
    found, seconds, peaks = {}, {}, {}
    for case in CASES:
        try:
            found[case] = Contestant([sys.executable, __file__, case, options.size, options.width], log / f"halos-{case}.log")
        except Missing as why:
            print(f"{case}: not measured: {why}")
    for _ in range(options.times):
        for case, contestant in found.items():
            seconds.setdefault(case, []).append(contestant.go())
    for case, contestant in found.items():
        pid = contestant.process.pid
        before = sum(map(share, tree(pid)))
        peaks[case] = peak_while(pid, contestant.go) - before
        contestant.close()
    return seconds, peaks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=8000)
    parser.add_argument("--width", type=int, default=9)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    seconds, peaks = measure(options, pathlib.Path("build/bench"))
    image = options.size**2 * 4 / 2**20
    print(f"median of {options.width} x {options.width}, float32, {options.size} x {options.size} ({image:.0f} MiB), "
          f"{len(os.sched_getaffinity(0))} cores, medians of {options.times}")
    print(f"{'':8} {'seconds':>9} {'scipy / it':>11} {'peak MiB':>9}")
    scipy = statistics.median(seconds["scipy"])
    for case, times in seconds.items():
        middle = statistics.median(times)
        print(f"{case:8} {middle:9.3f} {scipy / middle:11.2f} {peaks[case] / 2**20:9.0f}")
    print(f"halo / padded: {statistics.median(a / b for a, b in zip(seconds['halo'], seconds['padded'])):.3f}   (bar 1.02)")
    print(f"scipy / halo:  {statistics.median(a / b for a, b in zip(seconds['scipy'], seconds['halo'])):.3f}   (bar 1.85 on 2 cores)")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in CASES:
        serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
