#!/usr/bin/env python3
"""What several processes on one job cost: `tilework run --node` beside one run of the same job, and beside other engines with
the same tiles. `build/venv-bench/bin/python bench/nodes.py` runs it; `make bench` runs it behind its table.

A time is that of all processes, from the start of the first to the end of the last. Sides run in turn; ratios are medians.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from contestant import Missing

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
KERNEL = TOP / "examples" / "kernels" / "mandelbrot.c"
FLAGS = "-O3 -march=x86-64 -ffp-contract=off" if os.uname().machine == "x86_64" else "-O3 -ffp-contract=off"
BEGIN, END = "<!-- nodes:begin -->", "<!-- nodes:end -->"
HEAD = ("what", "Tilework", "beside it", "ratio", "bar", "reached")
PARTS = "starts,sixteen,two,killed,compiles,peers"
WIDTHS = (53, 9, 40, 24, 20, 7)

# A tile that takes its time and no processor: so 8 nodes are 8 nodes on 2 cores as well.
NAP = """#include <tilework/tilework.h>
#include <time.h>
int nap(const tw_tile *tile)
{
    TW_VIEW(uint16_t, r, tile->operand[0]);
    const struct timespec span = {0, %d * 1000000L};
    nanosleep(&span, NULL);
    for (int64_t i = 0; i < r.shape[0]; i++)
        for (int64_t j = 0; j < r.shape[1]; j++)
            TW_AT(r, i, j) = (uint16_t)(tile->start[0] + i);
    return 0;
}
"""
ROWS = """#include "%s"
void rows(int64_t first, int64_t stop, int64_t columns, uint16_t *r);
void rows(int64_t first, int64_t stop, int64_t columns, uint16_t *r)
{
    for (int64_t i = first; i < stop; i++)
        for (int64_t j = 0; j < columns; j++)
            *r++ = steps((double)j / UNIT - 2.0, (double)i / UNIT - 1.25);
}
"""


class Job:
    """A command line, without what says which node it is."""

    def __init__(self, bench, kernel, side, tile, flags=FLAGS):
        self.bench, self.side, self.tile = bench, side, tile
        self.command = [bench.tilework, "run", kernel, "-s", "-> r[i,j]:uint16", "--length", f"i={side},j={side}", "--tile",
                        f"i={tile}", "--flags", flags, "--workers", "1"]
        self.tiles = -(-side // tile)
        self.out = bench.folder / "r.npy"

    def start(self, node=None, workers=1):
        command = [*self.command[:-1], str(workers), "-o", f"r={self.out}", *(["--node", node] if node else [])]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def clear(self):
        shutil.rmtree(f"{self.out}.run", ignore_errors=True)
        self.out.unlink(missing_ok=True)

    def alone(self, workers):
        """Seconds of one run without nodes."""
        self.clear()
        begin = time.perf_counter()
        end(self.start(workers=workers))
        return time.perf_counter() - begin

    def nodes(self, count, at_once, kill=None):
        """Seconds of `count` nodes, so many at a time, and how many tiles were computed twice. kill: (node, seconds after
        the start): it is killed then."""
        self.clear()
        begin, waiting, running, twice = time.perf_counter(), list(range(count)), {}, 0
        while waiting or running:
            while waiting and len(running) < at_once:
                node = waiting.pop(0)
                running[node] = self.start(f"{node}/{count}")
            if kill is not None and kill[0] in running and time.perf_counter() - begin >= kill[1]:
                victim = running.pop(kill[0])
                victim.kill()
                victim.communicate()
            for node in [node for node, process in running.items() if process.poll() is not None]:
                twice += twice_of(end(running.pop(node)))
            time.sleep(0.0005)
        return time.perf_counter() - begin, twice


def end(process):
    """What it said; an error if it failed."""
    _, said = process.communicate(timeout=600)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, process.args))}: {said}")
    return said


def processor_time():
    """Of all processes that have ended, the system's work for them included: what other load changes little."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def twice_of(said):
    found = re.search(r"; ([\d,]+) tiles? also by another node", said)
    return int(found[1].replace(",", "")) if found else 0


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.tilework = options.tilework
        self.rounds = options.rounds or (1 if options.quick else 3)
        scale = 0.25 if options.quick else 1
        side = int(4800 * scale ** 0.5)
        self.kernel = self.folder / "mandelbrot.c"  # the example, but that the whole set fills the picture
        self.kernel.write_text(KERNEL.read_text().replace("#define UNIT 600.0", f"#define UNIT {side / 2.5}"))
        self.picture = Job(self, f"{self.kernel}:render", side, 8)
        (self.folder / "nap.c").write_text(NAP % 10)
        self.naps = Job(self, f"{self.folder / 'nap.c'}:nap", int(6400 * scale), 4)
        self.failed = 0
        self.rows = []

    def row(self, what, own, beside="", ratio="", bar="", reached=None):
        self.failed += reached is False
        self.rows.append((what, own, beside, ratio, bar, {True: "yes", False: "no", None: ""}[reached]))
        print("  ".join(f"{text:<{width}}" for text, width in zip(self.rows[-1], WIDTHS)).rstrip(), flush=True)

    # ---- the bars ----

    def starts(self):
        """A node that finds the job finished."""
        self.picture.nodes(2, 2)
        spans = []
        for k in range(4 * self.rounds + 1):
            begin = time.perf_counter()
            said = end(self.picture.start(f"{k % 16}/16"))
            spans.append(time.perf_counter() - begin)
            assert "already finished" in said, said
        span = statistics.median(spans)
        self.row("a node with nothing to do", milliseconds(span), bar="at most 30 ms", reached=span <= 0.03)
        return span

    def sixteen(self, start):
        job, ratios, own, alone, twice = self.picture, [], [], [], []
        busy = {"nodes": [], "alone": []}
        for k in range(self.rounds):
            for side in ("nodes", "alone") if k % 2 == 0 else ("alone", "nodes"):
                before = processor_time()
                if side == "alone":
                    alone.append(job.alone(2))
                else:
                    span, again = job.nodes(16, 2)
                    own.append(span - 8 * start)  # 16 starts, 2 at a time
                    twice.append(again)
                busy[side].append(processor_time() - before)
            ratios.append(own[-1] / alone[-1])
        ratio = statistics.median(ratios)
        self.row("16 nodes, 2 at a time, less their starts", seconds(statistics.median(own)),
                 f"one run, 2 workers: {seconds(statistics.median(alone))}", f"{ratio:.3f} times as long",
                 "at most 1.05 times", ratio <= 1.05)
        times = [statistics.median(busy[side]) for side in ("nodes", "alone")]
        ratio = statistics.median(mine / others for mine, others in zip(busy["nodes"], busy["alone"]))
        self.row("16 nodes, 2 at a time: processor time of all", seconds(times[0]), f"one run, 2 workers: {seconds(times[1])}",
                 f"{ratio:.3f} times as much")
        share = max(twice) / job.tiles
        self.row("16 nodes, 2 at a time: tiles done twice, the most", f"{share:.1%}", f"of {job.tiles} tiles", "", "at most 2 %",
                 share <= 0.02)

    def two(self):
        job, ratios, own, alone = self.picture, [], [], []
        used = {"one": [], "two": []}
        for k in range(self.rounds):
            for side in ("two", "one") if k % 2 == 0 else ("one", "two"):
                before = processor_time()
                if side == "one":
                    alone.append(job.nodes(1, 1)[0])
                else:
                    own.append(job.nodes(2, 2)[0])
                used[side].append(processor_time() - before)
            ratios.append(alone[-1] / own[-1])
        ratio = statistics.median(ratios)
        self.row("Mandelbrot, 2 nodes of 1 worker", seconds(statistics.median(own)),
                 f"1 node of 1 worker: {seconds(statistics.median(alone))}", f"{ratio:.2f} times as fast",
                 "at least 1.9 times", ratio >= 1.9)
        both, one = statistics.median(used["two"]), statistics.median(used["one"])
        self.row("Mandelbrot, 2 nodes: processor time of both", seconds(both), f"of 1 node: {seconds(one)}",
                 f"{both / one:.3f} times as much")

    def killed(self):
        """The ideal: until then eight work, after that seven, and nothing is lost."""
        job, ratios, own, ideals, twice = self.naps, [], [], [], []
        for _ in range(self.rounds):
            whole, _ = job.nodes(8, 8)
            half = whole / 2
            span, again = job.nodes(8, 8, kill=(3, half))
            ideals.append(half + half * 8 / 7)
            own.append(span)
            twice.append(again)
            ratios.append(span / ideals[-1])
        ratio = statistics.median(ratios)
        self.row("1 of 8 nodes killed half-way (tiles of 10 ms)", seconds(statistics.median(own)),
                 f"the ideal: {seconds(statistics.median(ideals))}", f"{ratio:.3f} times as long", "at most 1.1 times",
                 ratio <= 1.1)
        share = max(twice) / job.tiles
        self.row("1 of 8 nodes killed: tiles done twice, the most", f"{share:.1%}", f"of {job.tiles} tiles", "", "at most 2 %",
                 share <= 0.02)

    def compiles(self):
        """A statement for all levels beside one for this machine alone; each time another one, so that it is compiled."""
        ratios, own, native = [], [], []
        for k in range(3 * self.rounds):
            text = f"r[i,j] = exp(y[i]) * x[j] + sin(x[j]) ** {k + 2}"
            spans = {}
            for way in ("portable", "native") if k % 2 == 0 else ("native", "portable"):
                flags = ["--portable"] if way == "portable" else ["--flags", "-O3 -march=native"]
                begin = time.perf_counter()
                subprocess.run([str(self.tilework), "compile", text, "-o", str(self.folder / "k.so"), "--types", "y=float64,x=float64",
                                *flags], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "XDG_CACHE_HOME": str(self.folder)})
                spans[way] = time.perf_counter() - begin
            own.append(spans["portable"])
            native.append(spans["native"])
            ratios.append(own[-1] / native[-1])
        ratio = statistics.median(ratios)
        self.row("a portable statement, compiled", seconds(statistics.median(own)),
                 f"for this machine alone: {seconds(statistics.median(native))}", f"{ratio:.2f} times as long", "at most 2 times",
                 ratio <= 2)

    # ---- other engines ----

    def library(self):
        source, library = self.folder / "rows.c", self.folder / "rows.so"
        source.write_text(ROWS % self.kernel)
        subprocess.run(["cc", *FLAGS.split(), "-shared", "-fPIC", "-I", TOP / "include", source, "-o", library], check=True)
        return library

    def peer(self, who, library, log):
        """Seconds of another engine, from the start of its processes to the end of the last."""
        file = self.folder / "peer.npy"
        command = [sys.executable, HERE / "node_peers.py", who, library, file, self.picture.side, self.picture.tile, 2]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
        if who == "mpi":
            launcher = next((path for path in (pathlib.Path(sys.executable).parent / "mpiexec", shutil.which("mpiexec"))
                             if path and os.access(path, os.X_OK)), None)
            if launcher is None:
                raise Missing("there is no mpiexec")
            command = [launcher, "-n", 3, *command]
        begin = time.perf_counter()
        with open(log, "w", encoding="utf-8") as errors:
            done = subprocess.run([str(word) for word in command], stdout=errors, stderr=errors, env=env, check=False,
                                  timeout=600, cwd=self.folder)
        span = time.perf_counter() - begin
        if done.returncode != 0:
            lines = [line for line in pathlib.Path(log).read_text(errors="replace").splitlines() if line.strip()]
            raise Missing(lines[-1] if lines else f"exit code {done.returncode}")
        if file.read_bytes()[-self.picture.side ** 2 * 2:] != self.picture.out.read_bytes()[-self.picture.side ** 2 * 2:]:
            raise RuntimeError(f"{who} has other bytes than Tilework")
        return span

    def peers(self):
        library = self.library()
        for who, name in (("mpi", "mpi4py.futures, 2 workers"), ("dask", "Dask LocalCluster, 2 workers"),
                          ("daisy", "Daisy 2, 2 workers")):
            own, others, ratios = [], [], []
            try:
                for _ in range(self.rounds):
                    own.append(self.picture.nodes(2, 2)[0])
                    others.append(self.peer(who, library, self.folder / f"{who}.log"))
                    ratios.append(others[-1] / own[-1])
            except Missing as missing:
                print(f"# {name}: left out, since {missing}")
                continue
            ratio = statistics.median(ratios)
            self.row("the same tiles on 2 nodes of 1 worker", seconds(statistics.median(own)),
                     f"{name}: {seconds(statistics.median(others))}", f"{ratio:.2f} times as fast", "at least as fast", ratio >= 1)


def seconds(value):
    return f"{value:.2f} s"


def milliseconds(value):
    return f"{value * 1e3:.1f} ms"


def put_into(file, rows):
    """The table, between its marks."""
    text = pathlib.Path(file).read_text(encoding="utf-8")
    lines = [f"| {' | '.join(row)} |" for row in [HEAD, ["---"] * len(HEAD), *rows]]
    whole = f"{BEGIN}\n" + "\n".join(lines) + f"\n{END}"
    pathlib.Path(file).write_text(re.sub(f"{BEGIN}.*{END}", lambda _: whole, text, flags=re.DOTALL), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="What several nodes on one job cost, beside one run and beside other engines.")
    parser.add_argument("--quick", action="store_true", help="smaller jobs and 1 round: a look, not a measurement")
    parser.add_argument("--rounds", type=int, help="of each comparison (default: 3)")
    parser.add_argument("--tilework", default=TOP / "build" / "release" / "cli" / "tilework", help="the command that is measured")
    parser.add_argument("--folder", help="where the files lie (default: a temporary folder in build/bench)")
    parser.add_argument("--only", default=PARTS, help=f"which parts: {PARTS}")
    parser.add_argument("--update", metavar="FILE", help="put the table into this document, between its marks")
    options = parser.parse_args()
    parts = options.only.split(",")
    (TOP / "build" / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nodes-", dir=options.folder or TOP / "build" / "bench") as folder:
        bench = Bench(options, folder)
        bench.picture.alone(2)  # compiled, and the pages of the programs are there
        bench.naps.nodes(2, 2)
        print("  ".join(f"{text:<{width}}" for text, width in zip(HEAD, WIDTHS)).rstrip())
        start = bench.starts() if {"starts", "sixteen"} & set(parts) else 0
        for part, run in (("sixteen", lambda: bench.sixteen(start)), ("two", bench.two), ("killed", bench.killed),
                          ("compiles", bench.compiles), ("peers", bench.peers)):
            if part in parts:
                run()
        if options.update:
            put_into(options.update, bench.rows)
        if bench.failed > 0:
            print(f"# {bench.failed} bars are not reached")


if __name__ == "__main__":
    main()
