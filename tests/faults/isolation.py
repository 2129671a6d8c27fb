#!/usr/bin/env python3
"""Kernels that spoil the process they run in: `isolation.py BUILD-FOLDER NEW-FOLDER`. What other tiles compute, in the
same worker and after it, must not change. Writes TAP."""

import array
import pathlib
import subprocess
import sys

from case import npy, npy_items, processes_of

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
from tap import Tap  # noqa: E402

LENGTH = 96
TILES = 24
PATIENCE = 60  # seconds
X = [1.0 + k for k in range(LENGTH)]
EXPECTED = array.array("d", [value for x in X for value in (x / 3, x * 1e-310)]).tobytes()

# Those that end their process at one tile: a worker dies, and its tile is run again.
ENDING = ("exits", "exits_at_once", "aborts")
SPOILING = ("nothing", "rounds_up", "rounds_to_zero", "flushes_to_zero", "closes_descriptors", "replaces_descriptors",
            "closes_standard_streams", "changes_folder", "changes_signals", "leaks_memory", "spoils_environment",
            "leaves_threads")
# What one thread can change for itself alone.
OF_THREADS = ("nothing", "rounds_up", "rounds_to_zero", "flushes_to_zero", "leaks_memory")


def faults_of(build, folder, kernel, pool, workers, each):
    """What was wrong with one run."""
    folder.mkdir(parents=True)
    (folder / "x.npy").write_bytes(npy((LENGTH,), X))
    words = [build / "cli" / "tilework", "run", f"{build / 'tests' / 'faults' / 'isolation_kernels.so'}:{kernel}",
             "-s", "x[i] -> r[i,j]", "--length", "j=2", "x=x.npy", "-o", "r=r.npy", "--parts", f"i={TILES}",
             "--pool", pool, "-w", str(workers)]
    words += ["--tiles-per-worker", str(each)] if each else []
    with open(folder / "said.txt", "wb") as said:
        process = subprocess.Popen([str(word) for word in words], cwd=folder, stdin=subprocess.DEVNULL, stdout=said,
                                   stderr=said, start_new_session=True)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = f"none, it hung for {PATIENCE} s"
    said = (folder / "said.txt").read_text(errors="replace")
    faults = []
    if code != 0:
        return [f"exit code {code}: {said}"]
    shape, data = npy_items(folder / "r.npy")
    if shape != (LENGTH, 2) or data != EXPECTED:
        wrong = [k // 8 // 2 // (LENGTH // TILES) for k in range(0, len(data), 8) if data[k:k + 8] != EXPECTED[k:k + 8]]
        faults.append(f"wrong items in tiles {sorted(set(wrong))}")
    if {path.name for path in folder.iterdir()} != {"x.npy", "r.npy", "said.txt"}:
        faults.append(f"files in the folder: {sorted(path.name for path in folder.iterdir())}")
    if (kernel in ENDING) != ("died" in said):
        faults.append(f"what was said of workers that died: {said}")
    if alive := processes_of(process.pid):
        faults.append(f"still alive: {alive}")
    return faults


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, top = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cases = [("processes", workers, each, kernel) for kernel in (*SPOILING, *ENDING)
             for workers, each in ((1, 0), (2, 0), (2, 1), (1, 5))]
    cases += [("threads", workers, 0, kernel) for kernel in OF_THREADS for workers in (1, 2)]
    cases += [("serial", 1, 0, kernel) for kernel in OF_THREADS]
    tap = Tap()
    for number, (pool, workers, each, kernel) in enumerate(cases):
        title = f"isolation: {kernel}, {pool}, {workers} workers" + (f", {each} tiles each" if each else "")
        tap.check(title, faults_of(build, top / str(number), kernel, pool, workers, each))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
