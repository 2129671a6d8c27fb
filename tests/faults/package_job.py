"""The job of tests/faults/package.py: the step of case.py by a kernel in Python, from files into files.

    package_job.py POOL WORKERS STEPS [--resume]
"""

import os
import sys
import time

import numpy as np

import tilework as tw


def number_in(path):
    """The number in a small file; -1: there is no such file."""
    try:
        with open(path, "rb") as file:
            return int(file.read() or b"0")
    except FileNotFoundError:
        return -1


def begin(tile):
    """As in kernels.c: it writes down its number; the first tile is slow, so that others steal."""
    file = os.open("tiles.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, b"%d\n" % tile.number)
    os.close(file)
    pace = number_in("pace")
    if tile.number == 0 or pace > 0:
        time.sleep(pace / 1000 if pace > 0 else 0.003)
    failing = number_in("fail")
    if 0 <= failing <= tile.number:
        raise RuntimeError("asked to fail")


def step(x, r, s, tile):
    begin(tile)
    np.subtract(r, x[:, None], out=s)
    r *= 2
    r += x[:, None]


def reduction(x, r, s, t, tile):
    step(x, r, s, tile)
    t += s.sum(0)


def main():
    pool, workers, steps, *options = sys.argv[1:]
    names = "rst" if steps == "1" else "rs"
    signature = "x[i], r[i,j] -> r[i,j], s[i,j]" + (", t[j]" if steps == "1" else "")
    tw.run(reduction if steps == "1" else step, signature, "x.npy", "r0.npy", out={name: f"{name}.npy" for name in names}, dtype=float,
           tiles={"i": 1}, reduce={"t": "sum"} if steps == "1" else None, pool=pool, workers=int(workers),
           resume="--resume" in options)


if __name__ == "__main__":
    try:
        main()
    except tw.Error as error:
        sys.exit(f"tilework: {error}")
