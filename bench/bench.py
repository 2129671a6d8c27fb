#!/usr/bin/env python3
"""Measures Tilework beside its peers and prints one table: what, ours, the peer's, the ratio, the bar, reached or not.

Both sides of a comparison live at the same time and run in turn, A B, B A, A B ...; a ratio is taken in each round, and
its median and quartiles are what is reported: a disturbance of the machine disturbs both. `make bench` runs this.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import footprint
import machine
from comparisons import COMPARISONS, README, show, show_ratio
from contestant import Contestant, Missing

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
BUILD = TOP / "build" / "release"
NOTATION = BUILD / "bench" / "notation"
LOGS = TOP / "build" / "bench"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
SETTLE = 0.05  # seconds between two runs, so that threads which wait actively have gone to sleep
SETTLE_BLAS = 0.15  # OpenBLAS' threads wait actively for 2^28 cycles, about 0.1 s


class Bench:
    def __init__(self, options):
        self.options = options
        self.tilework = pathlib.Path(options.tilework)
        self.missing = {}

    def command(self, side):
        size = [str(self.options.rows), str(self.options.cols)]
        workers = str(side.workers or self.options.workers)
        if side.who == "tilework":
            return [self.tilework, "bench", "--serve", side.case, "--rows", size[0], "--cols", size[1],
                    "--workers", workers]
        if side.who == "files":
            rows = str(max(1, self.options.rows // 2))  # all of it goes to the disk
            return [sys.executable, HERE / "journal.py", self.tilework, side.case, rows, size[1], workers, LOGS / "files"]
        if side.who in ("notation", "notation-peer"):
            rows = str(1000 if self.options.quick else 4000)
            columns = "6000" if side.case.startswith("image") else "5000"
            program = [NOTATION] if side.who == "notation" else [sys.executable, HERE / "notation_peers.py"]
            return [*program, side.case, rows, columns, workers]
        if side.who in ("reductions", "reduction-peer", "openmp-reduce", "openmp-reduce-fast"):
            rows, columns = side.size or ((1000, 6000) if self.options.quick else (4000, 6000))
            program = {"reductions": [BUILD / "bench" / "reductions"],
                       "reduction-peer": [sys.executable, HERE / "reduction_peers.py"],
                       "openmp-reduce": [BUILD / "bench" / "openmp_reduce"],
                       "openmp-reduce-fast": [BUILD / "bench" / "openmp_reduce_fast"]}[side.who]
            return [*program, side.case, str(rows), str(columns), workers]
        if side.who == "openmp":
            return [self.options.openmp, side.case, *size]
        return [sys.executable, HERE / ("package.py" if side.who == "package" else "peers.py"), side.case, *size, workers]

    def environment(self, side):
        """Nobody's settings but the number of threads."""
        settings = ("OPENBLAS_", "OMP_", "GOMP_", "NUMEXPR_", "NUMBA_", "BLOSC_", "DASK_", "JOBLIB_", "MKL_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(settings)}
        workers = str(side.workers or self.options.workers)
        for name in ("OMP_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
                     "BLOSC_NTHREADS"):
            env[name] = workers
        return env

    def start(self, side):
        return Contestant(self.command(side), LOGS / f"{side.who}-{side.case}.log", self.environment(side))

    def value(self, comparison, contestant):
        """One run's number. Memory is what the whole family of processes had at most, less the arrays."""
        if comparison.key in ("processes-new", "python-origin"):  # long rounds: the host has time to take memory back
            machine.fetch_memory(2 * 8 * self.options.rows * self.options.cols)
        time.sleep(SETTLE_BLAS if comparison.has_blas else SETTLE)
        if comparison.unit != "bytes":
            return contestant.go()
        told = []
        peak = footprint.peak_while(contestant.process.pid, lambda: told.append(contestant.go()))
        rows, cols = self.options.rows, self.options.cols
        return max(told[0], peak - 8 * (rows * cols + rows + cols))

    def measure(self, comparison):
        """(our values, the peer's values), round by round."""
        rounds = self.options.rounds or comparison.rounds
        with self.start(comparison.ours) as ours:
            self.value(comparison, ours)
            if comparison.peer is None:
                return [self.value(comparison, ours) for _ in range(rounds)], []
            with self.start(comparison.peer) as peer:
                self.value(comparison, peer)
                values = {id(ours): [], id(peer): []}
                for number in range(rounds):
                    for side in (ours, peer) if number % 2 == 0 else (peer, ours):
                        values[id(side)].append(self.value(comparison, side))
                return values[id(ours)], values[id(peer)]

    def row(self, comparison):
        """A row of the table as texts, and whether the bar is reached (None: there is none)."""
        ours, peers = self.measure(comparison)
        own = statistics.median(ours)
        ratios = [a / b if comparison.times else b / a for a, b in zip(ours, peers)]
        ratio = statistics.median(ratios) if ratios else None
        text = f"{show_ratio(ratios)} {comparison.ratio_name()}" if ratios else ""
        reached = comparison.reached(own, ratio)
        peer = f"{comparison.peer.name}: {show(statistics.median(peers), comparison.unit)}" if peers else ""
        return (comparison.what, show(own, comparison.unit), peer, text, comparison.bar(),
                {True: "yes", False: "no", None: ""}[reached]), reached


HEAD = ("what", "Tilework", "beside it", "ratio: median (quartiles)", "bar", "reached")
WIDTHS = (47, 8, 37, 38, 27, 7)


def print_row(row):
    print("  ".join(f"{text:<{width}}" for text, width in zip(row, WIDTHS)).rstrip(), flush=True)


def fit(rows, cols):
    """Rows that leave room for both sides' results."""
    available = machine.memory("MemAvailable")
    while rows > 1 and 4 * 8 * rows * cols > available:
        rows //= 2
    return rows


def build_openmp():
    """The OpenMP programs and that of statements, or None where the compiler has no OpenMP."""
    target = "bench/openmp"
    done = subprocess.run(["ninja", "-C", str(BUILD), target, "bench/notation", "bench/reductions",
                           "bench/openmp_reduce", "bench/openmp_reduce_fast"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"OpenMP is not available here, so it is left out: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
    return BUILD / target


def peer_versions():
    done = subprocess.run([sys.executable, str(HERE / "peers.py"), "versions"], capture_output=True, text=True,
                          check=False)
    return [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]


def markdown(lines, rows):
    table = [HEAD, ("---",) * len(HEAD), *rows]
    return "\n".join([*(f"- {line}" for line in lines), "", *(f"| {' | '.join(row)} |" for row in table)])


def read_markdown(path):
    """What an earlier run wrote into a file: the lines above its table, and the rows. Rows that were measured after all
    are not left out."""
    text = path.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [tuple(row.strip("| ").split(" | ")) for row in re.sub(r"\|  (?=\|)", "| - ", text).splitlines() if row.startswith("| ")]
    rows = [tuple("" if cell == "-" else cell for cell in row) for row in rows[2:]]
    present = {f"{row[0]} beside {row[2].rpartition(': ')[0]}" if row[2] else row[0] for row in rows}
    lines = [line[2:] for line in text.splitlines() if line.startswith("- ")]
    return [line for line in lines if not (line.startswith("left out: ") and line[10:].rsplit(": ", 1)[0] in present)], rows


def of_readme(rows):
    """The rows of the README, in its order."""
    return [row for what, beside in README for row in rows if row[0] == what and row[2].startswith(f"{beside}: ")]


def write_markdown(path, text):
    """Between the two marks of a file that has them, else the whole file."""
    old = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        sys.exit(f"bench: {path} has no lines '{BEGIN}' and '{END}' to write between")
    before, rest = old.split(BEGIN, 1)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")


def arguments():
    parser = argparse.ArgumentParser(description="Measure Tilework beside its peers.")
    parser.add_argument("--quick", action="store_true", help="smaller arrays and 3 rounds: a look, not a measurement")
    parser.add_argument("--rows", type=int, help="rows of the multiplication (default 10000, fewer where memory is short)")
    parser.add_argument("--cols", type=int, help="columns of the multiplication (default 20000)")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (default: its own number)")
    parser.add_argument("--workers", type=int, default=machine.cores(), help="threads or processes (default: all cores)")
    parser.add_argument("--only", action="append", metavar="KEY", choices=sorted({c.key for c in COMPARISONS}),
                        help="these comparisons alone: " + ", ".join(sorted({c.key for c in COMPARISONS})))
    parser.add_argument("--markdown", action="append", type=pathlib.Path, default=[], metavar="FILE",
                        help="write the table into FILE too, between its two marks")
    parser.add_argument("--readme", action="append", type=pathlib.Path, default=[], metavar="FILE",
                        help="the same with the ten rows of the README alone")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="FILE",
                        help="measure nothing: take the table that an earlier run wrote into FILE")
    parser.add_argument("--tilework", default=BUILD / "cli" / "tilework", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.cols = options.cols or 20000
    options.rows = options.rows or (1000 if options.quick else fit(10000, options.cols))
    options.rounds = options.rounds or (3 if options.quick else None)
    if min(options.rows, options.cols, options.workers, options.rounds or 1) < 1:
        parser.error("numbers must be at least 1")
    return options


def write(options, lines, skipped, rows):
    for path in options.markdown:
        write_markdown(path, markdown(lines + skipped, rows))
    for path in options.readme:
        write_markdown(path, markdown(lines, of_readme(rows)))


def more_tables(options):
    """How jobs scale, default tiles beside the best ones, nodes, and the gallery: programs of their own, with their own words."""
    workers = ["--workers", str(options.workers)]
    for program, own in (("scaling.py", workers), ("dividing.py", workers), ("nodes.py", []), ("gallery.py", [])):
        print(f"\n{program}", flush=True)
        subprocess.run([sys.executable, HERE / program, *own, *(["--quick"] if options.quick else [])], check=False)


def main():
    options = arguments()
    if options.source:
        lines, rows = read_markdown(options.source)
        write(options, [line for line in lines if not line.startswith("left out: ")],
              [line for line in lines if line.startswith("left out: ")], rows)
        return
    options.openmp = build_openmp()
    bench = Bench(options)
    lines = machine.describe(options.tilework, peer_versions())
    lines.append(f"job: r[i,j] = y[i] * x[j], float64, {options.rows} x {options.cols}, {options.workers} workers")
    print("\n".join(lines) + "\n")
    print_row(HEAD)
    rows, missed, judged, skipped = [], 0, 0, []
    for comparison in COMPARISONS:
        if options.only and comparison.key not in options.only:
            continue
        try:
            if (comparison.ours.workers or 1) > machine.cores():
                raise Missing(f"it needs {comparison.ours.workers} cores")
            row, reached = bench.row(comparison)
        except Missing as missing:
            beside = f" beside {comparison.peer.name}" if comparison.peer else ""
            skipped.append(f"left out: {comparison.what}{beside}: {missing}")
            print(skipped[-1], flush=True)
            continue
        rows.append(row)
        judged += reached is not None
        missed += reached is False
        print_row(row)
    print(f"\n{judged - missed} of {judged} bars reached" + (f", {missed} missed" if missed else ""))
    write(options, lines, skipped, rows)
    if not options.only:
        more_tables(options)


if __name__ == "__main__":
    main()
