#!/usr/bin/env python3
"""The jobs of examples/gallery beside what they were written with before: seconds of each, and how many times faster they are.

Both run in turn, before after, after before, ..., each once before anything is timed, so that nothing is compiled within; a ratio is
taken in each round, and the median is printed. `make bench` runs this behind its table; `build/venv-bench/bin/python bench/gallery.py`
runs it alone. `--small` is for a try, `--check` compares the results alone.
"""

import argparse
import importlib
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

GALLERY = pathlib.Path(__file__).resolve().parent.parent / "examples" / "gallery"
JOBS = ("path_tracer", "parameter_sweep", "monte_carlo_surface", "raster_filter", "column_statistics", "distance_matrix", "flat_field",
        "reaction_diffusion", "kmeans_step", "contact_sheet")


def seconds(job, inputs):
    began = time.perf_counter()
    job(*inputs)
    return time.perf_counter() - began


def same(ours, theirs, tolerance):
    """The same picture or table: sums may have been added in another order, and random numbers may be others."""
    return np.allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=1e-5, atol=tolerance, equal_nan=True)


def measure(job, inputs, rounds):
    """Median seconds before and after, and the median of their ratios."""
    before, after = [], []
    for turn in range(rounds):
        for side, times in ((job.before, before), (job.after, after))[::-1 if turn % 2 else 1]:
            times.append(seconds(side, inputs))
    return statistics.median(before), statistics.median(after), statistics.median(b / a for b, a in zip(before, after))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=JOBS)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return line(options.only[0], options)
    print(f"{'job':<22}{'before':<9}{'before s':>10}{'after s':>10}{'times faster':>14}", flush=True)
    # Each in a process of its own: threads and workers that one side leaves behind must not be there for the next job.
    codes = [subprocess.run([sys.executable, __file__, *(word for word in sys.argv[1:] if word not in JOBS and word != "--only"),
                             "--here", "--only", name], check=False).returncode for name in options.only or JOBS]
    return 1 if any(codes) else 0


def line(name, options):
    """Measures one job and prints its line."""
    sys.path.insert(0, str(GALLERY))
    job = importlib.import_module(name)
    inputs = job.make(options.small)
    ours = job.after(*inputs)  # before there are threads of another tool
    try:
        theirs = job.before(*inputs)
    except ImportError as error:
        print(f"{name:<22}{job.PEER:<9} is not installed: {error}", flush=True)
        return 0
    if not same(ours, theirs, getattr(job, "TOLERANCE", 1e-8)):
        print(f"{name:<22}{job.PEER:<9} has another result", flush=True)
        return 1
    if not options.check:
        before, after, ratio = measure(job, inputs, 1 if options.quick else options.rounds)
        print(f"{name:<22}{job.PEER:<9}{before:10.3f}{after:10.3f}{ratio:14.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
