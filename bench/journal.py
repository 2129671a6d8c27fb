"""A contestant that writes files: `journal.py TILEWORK CASE ROWS COLUMNS WORKERS FOLDER`.

Each "go" is one `tilework run` into a new file below FOLDER, on a disk, and its seconds are those of the whole command. CASE
is mult or mandelbrot, with "-journal" for a run that keeps its journal, as runs do, or "-plain" for one without.
"""

import array
import pathlib
import shutil
import subprocess
import sys
import time

KERNELS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "kernels"
MANDELBROT = 4096  # rows and columns, 16 tiles of 2 MiB, some seconds
TILE_BYTES = 2 << 20


def write_vector(path, length, first, last):
    """A .npy file of float64 at equal distances, by this program alone."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({length},), }}"
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    data = array.array("d", (first + (last - first) * k / length for k in range(length)))
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + data.tobytes())


def command(tilework, case, rows, columns, workers, folder):
    job, journal = case.split("-")
    output = folder / "r.npy"
    words = [tilework, "run"]
    if job == "mult":
        write_vector(folder / "y.npy", rows, 0, rows)
        write_vector(folder / "x.npy", columns, 0, 1)
        words += [f"{KERNELS / 'mult.c'}:mult", "-s", "y[i], x[j] -> r[i,j]", f"y={folder / 'y.npy'}",
                  f"x={folder / 'x.npy'}", "--tile", f"i={max(1, TILE_BYTES // (8 * columns))}"]
    else:
        write_vector(folder / "im.npy", MANDELBROT, -1.25, 1.25)
        write_vector(folder / "re.npy", MANDELBROT, -2, 0.5)
        words += [f"{KERNELS / 'mandelbrot.c'}:mandelbrot", "-s", "im[i], re[j] -> r[i,j]:uint16",
                  f"im={folder / 'im.npy'}", f"re={folder / 're.npy'}", "--tile", f"i={TILE_BYTES // (2 * MANDELBROT)}"]
    words += ["-o", f"r={output}", "--quiet", "-w", workers]
    return words + ([] if journal == "journal" else ["--no-journal"]), output


def main():
    tilework, case, rows, columns, workers, top = sys.argv[1:]
    folder = pathlib.Path(top) / case
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words, output = command(tilework, case, int(rows), int(columns), workers, folder)

    def run():
        """The file is removed after the time has been taken, on both sides."""
        begin = time.perf_counter()
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        output.unlink()
        return seconds
    try:
        run()
        print("ready", flush=True)
        for line in sys.stdin:
            if line != "go\n":
                break
            print(f"{run():.9f}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
