"""What runs do with memory, beside the bars: `memory.py [--only NAME] [--folder F]`, with a Python that has the package

norms   row norms of 1.6 GB by the default pool, beside threads: at most 1.1 times as long
peak    a 4 GB input: what all processes of the program have in memory at most, beside inputs + result + 64 MiB
file    a result in a memmap that is larger than this machine's memory: it runs, at the disk's speed, within memory
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from footprint import peak_while  # noqa: E402  # pylint: disable=wrong-import-position

MIB, GB = 1 << 20, 10**9
ROUNDS = 7


def line(what, value, bar, reached):
    print(f"{what:44} {value:>24}   bar {bar:>12}   {'reached' if reached else 'NOT REACHED'}", flush=True)


def norms():
    import numpy as np

    import tilework as tw
    a = np.random.default_rng(0).random((200_000, 1000))  # 1.6 GB
    ratios, seconds = [], {"auto": [], "threads": []}
    for _ in range(ROUNDS):
        for pool, found in seconds.items():
            began = time.perf_counter()
            tw.run(row_norms, "a[i,j] -> r[i]", a, pool=pool)
            found.append(time.perf_counter() - began)
        ratios.append(seconds["auto"][-1] / seconds["threads"][-1])
    ratio = statistics.median(ratios)
    times = "/".join(f"{1000 * statistics.median(found):.0f} ms" for found in seconds.values())
    line("row norms of 1.6 GB, default/threads", f"{times} = {ratio:.2f}", "1.10", ratio <= 1.1)


def row_norms(a):
    import numpy as np
    return np.linalg.norm(a, axis=1)


SUMS = """
a = np.ones((500_000, 1000))
ready()
tw.run(lambda a: a.sum(axis=1), "a[i,j] -> r[i]", a)
"""

FILLS = """
path, rows = sys.argv[1], int(sys.argv[2])
out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows, 1 << 13))
def fill(y, r):
    r[...] = y[:, None]
ready()
tw.run(fill, "y[i] -> r[i,j]", np.arange(float(rows)), out=out, tiles={"i": 64}, pool="processes")
out.flush()
"""


def measured(code, *arguments, kinds=("Pss",)):
    """Runs a program up to ready(), then to its end: seconds of the latter, and the most memory meanwhile."""
    head = "import sys, numpy as np, tilework as tw\ndef ready():\n    print('ready', flush=True); sys.stdin.readline()\n"
    tail = "\nprint('done', flush=True); sys.stdin.readline()\n"
    with subprocess.Popen([sys.executable, "-c", head + code + tail, *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        def go():
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "done\n"
        assert child.stdout.readline() == "ready\n"
        began = time.perf_counter()
        most = peak_while(child.pid, go, kinds)
        seconds = time.perf_counter() - began
        child.communicate("\n")
    return seconds, most


def peak():
    _, most = measured(SUMS)
    bar = 500_000 * 1000 * 8 + 500_000 * 8 + 64 * MIB
    line("peak memory of a 4 GB input", f"{most / MIB:.0f} MiB", f"{bar / MIB:.0f} MiB", most <= bar)


def value(name):
    """Bytes, from /proc/meminfo."""
    for row in open("/proc/meminfo", encoding="ascii"):
        if row.startswith(name + ":"):
            return int(row.split()[1]) * 1024
    raise KeyError(name)


def file(folder):
    import numpy as np
    wished, room = int(1.25 * value("MemTotal")), os.statvfs(folder)
    free = room.f_bavail * room.f_frsize - 2 * GB
    size = min(wished, free)
    if size < wished:
        print(f"file: {folder} has room for {free / GB:.0f} GB, not {wished / GB:.0f}; the largest that fits is written")
    if size < 4 * GB:
        print("file: skipped, the disk is full")
        return
    rows = size // (1 << 16)
    path = pathlib.Path(folder, "memory-bench.npy")
    try:
        seconds, most = measured(FILLS, str(path), str(rows), kinds=("Pss_Anon", "Pss_Shmem"))
        out = np.load(path, mmap_mode="r")
        good = all((out[k] == k).all() for k in (0, rows // 2, rows - 1))
        text = f"{seconds:.0f} s, {out.nbytes / seconds / GB:.2f} GB/s"
        line(f"a result of {out.nbytes / GB:.0f} GB in a memmap", text, "it runs", good)
        line("memory meanwhile that is not the file's", f"{most / MIB:.0f} MiB", "256 MiB", most <= 256 * MIB)
    finally:
        path.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description="what runs do with memory, beside the bars")
    parser.add_argument("--only", choices=("norms", "peak", "file"))
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the large file is written")
    asked = parser.parse_args()
    for name, measure in (("norms", norms), ("peak", peak), ("file", lambda: file(asked.folder))):
        if asked.only in (None, name):
            measure()


if __name__ == "__main__":
    main()
