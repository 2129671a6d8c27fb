#!/usr/bin/env python3
"""What a fault does to a job that several machines compute, with Tilework and with other tools: `make reliability-nodes` prints
one table, measured here.

Slurm runs on this host, with two nodes of one processor each (tests/nodes/slurm.py). Every cell is one run of the same job that
meets one fault, and then the same command again without it, which shows what had been kept.
"""

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(TOP / "tests" / "nodes"), str(TOP / "bench")]
import slurm  # noqa: E402

BEGIN, END = "<!-- reliability-nodes:begin -->", "<!-- reliability-nodes:end -->"
PEERS = HERE / "reliability_nodes_peers.py"
ROWS, COLUMNS, TILES, TASKS = 64, 16384, 16, 4
PACKAGES = ("zarr", "daisy", "dask-jobqueue", "distributed")
LIMIT = 60  # seconds for one run
AFTER = 6  # tiles, after which a fault comes from outside


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    what: str
    inside: str = "none"  # what the tile does
    outside: str = ""  # the function of Run that is called once some tiles are done


FAULTS = [
    Fault("none", "no fault"),
    Fault("kill", "a task is killed (SIGKILL) in a tile", "kill"),
    Fault("requeue", "Slurm starts all tasks again (`scontrol requeue`)", outside="requeue"),
    Fault("daemon", "a machine's daemon is killed; its task lives on, and is started again on the other machine", outside="kill_daemon"),
    Fault("all", "all tasks are killed", outside="kill_tasks"),
    Fault("caller", "the process that gives out the work is killed", outside="kill_caller"),
]


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    title: str
    command: Callable  # (folder, tasks: those to do again, or an empty text) -> words
    has_caller: bool  # a process beside the tasks that the job depends on
    missing: str = ""


def missing_modules(*names):
    lacks = [name for name in names if importlib.util.find_spec(name) is None]
    return f"{', '.join(lacks)} not installed" if lacks else ""


def tools(options):
    def tilework(folder, tasks):
        run = f"{options.tilework} run {HERE / 'reliability_kernel.c'}:fill -s 'y[i], x[j] -> r[i,j]' y={folder}/y.npy x={folder}/x.npy " \
              f"-o r={folder}/r.npy --parts i={TILES} -w 1 --node auto"
        return ["sbatch", "--parsable", "--requeue", f"--array=0-{TASKS - 1}", "--output=/dev/null", "--wrap", run]

    def peer(name):
        return lambda folder, tasks: [sys.executable, PEERS, name, folder, tasks]

    return [
        Tool("tilework", "Tilework, Slurm array", tilework, False),
        Tool("array", "Slurm array + zarr-python", peer("array"), False, missing_modules("zarr")),
        Tool("daisy", "Daisy 2, workers by srun", peer("daisy"), True, missing_modules("zarr", "daisy")),
        Tool("jobqueue", "dask-jobqueue", peer("jobqueue"), True, missing_modules("zarr", "dask_jobqueue")),
    ]


class Run:
    """One run of a tool's command on the cluster."""

    def __init__(self, cluster, tool, folder, fault, tasks=""):
        self.cluster, self.tool, self.fault = cluster, tool, fault
        self.log, self.before = folder / "log", size_of(folder / "log")
        env = {**cluster.env, "RELIABILITY_FAULT": fault.inside, "RELIABILITY_LOG": str(self.log), "RELIABILITY_MARK": str(folder / "mark"),
               "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(folder / "cache"),
               "PYTHONPATH": str(HERE)}
        self.said = folder / "said"
        self.began = time.monotonic()
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen([str(word) for word in tool.command(folder, tasks)], env=env, stdin=subprocess.DEVNULL,
                                            stdout=said, stderr=said, cwd=folder, start_new_session=True)
        self.number = None if tool.has_caller else self.submitted()
        self.applies = True
        if fault.outside:
            end = self.began + LIMIT
            while self.computed() < AFTER and self.lives() and time.monotonic() < end:
                time.sleep(0.01)
            self.began = time.monotonic()
            getattr(self, fault.outside)()
        self.code = self.wait()
        self.seconds = time.monotonic() - self.began
        self.failed = self.failed_tasks()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        cluster.settle()

    def submitted(self):
        """The number of the array."""
        self.process.wait(LIMIT)
        said = self.said.read_text()
        if self.process.returncode != 0:
            raise RuntimeError(said)
        return int(said.split()[-1])

    def lives(self):
        return self.process.poll() is None if self.number is None else not self.has_ended()

    def has_ended(self):
        return all(one["JobState"] in slurm.ENDED for one in self.cluster.jobs(self.number))

    def wait(self):
        """Until the process or the array has ended: its exit code, or None at the limit."""
        end = self.began + LIMIT
        while self.lives():
            if time.monotonic() > end:
                return None
            time.sleep(0.05)
        if self.number is None:
            return self.process.returncode
        return 0 if all(one["JobState"] == "COMPLETED" for one in self.cluster.jobs(self.number)) else 1

    def computed(self):
        return size_of(self.log) - self.before

    def jobs(self):
        return sorted({int(number) for number in self.cluster.run("squeue", "-h", "-o", "%A").split()})

    def failed_tasks(self):
        """The indices of the tasks that did not end well, as sbatch takes them."""
        if self.number is None:
            return ""
        good = {one["ArrayTaskId"] for one in self.cluster.jobs(self.number) if one["JobState"] == "COMPLETED"}
        return ",".join(str(task) for task in range(TASKS) if str(task) not in good)

    # -- faults from outside --

    def requeue(self):
        numbers = self.jobs() if self.number is None else [self.number]
        said = [self.cluster.run("scontrol", "requeue", number, good=(0, 1)).strip() for number in numbers]
        self.applies = self.number is not None or not all(said)  # it is silent if it does it
        for number in self.jobs():
            self.cluster.start_again(number)

    def kill_daemon(self):
        line = self.cluster.run("squeue", "-h", "-t", "R", "-o", "%A %N").split()
        if line:
            self.cluster.kill_node(line[1])
            self.cluster.run("scontrol", "update", f"NodeName={line[1]}", "State=DOWN", "Reason=killed")
            for number in self.jobs():
                self.cluster.start_again(number)

    def kill_tasks(self):
        for number in self.jobs():
            self.cluster.run("scancel", "--full", "--signal=KILL", number, good=(0, 1))
            self.cluster.run("scancel", number, good=(0, 1))

    def kill_caller(self):
        self.process.kill()


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def is_right(folder, expected):
    import numpy
    try:
        if (folder / "r.npy").exists():
            return bool((numpy.load(folder / "r.npy") == expected).all())
        import zarr
        return bool((zarr.open_array(folder / "r.zarr", mode="r")[:] == expected).all())
    except Exception:  # not there, or not whole
        return False


def cell(cluster, tool, fault, folder, expected):
    import numpy
    folder.mkdir()
    numpy.save(folder / "y.npy", numpy.arange(ROWS, dtype=float))
    numpy.save(folder / "x.npy", numpy.arange(COLUMNS, dtype=float) / 7)
    first = Run(cluster, tool, folder, fault)
    done, right = first.computed(), is_right(folder, expected)
    if not first.applies:
        return "Slurm does not start these again"
    if first.code == 0:
        more = f", {done - TILES} tile{'s' if done > TILES + 1 else ''} twice" if done > TILES else ""
        return f"finished, right bytes, {first.seconds:.1f} s{more}" if right else "said done, WRONG BYTES"
    if right:
        return f"the other tasks finish it, right bytes, {first.seconds:.1f} s; the array has an error"
    text = f"hung until the limit, {LIMIT} s" if first.code is None else f"{'ended' if first.code < 0 else 'error'} after {first.seconds:.1f} s"
    again = Run(cluster, tool, folder, FAULTS[0], first.failed)
    if again.code != 0 or not is_right(folder, expected):
        return f"{text}; the same again does not finish it"
    kept = max(0, TILES - again.computed())
    return f"{text}; {kept} of {min(done, TILES)} tiles kept" if kept else f"{text}; all lost"


def table(cluster, chosen, faults, folder):
    import numpy
    expected = numpy.arange(ROWS, dtype=float)[:, None] * (numpy.arange(COLUMNS, dtype=float) / 7)
    rows = []
    for fault in faults:
        row = [fault.what]
        for tool in chosen:
            if tool.missing:
                row.append("not measured here")
            elif fault.outside == "kill_caller" and not tool.has_caller:
                row.append("there is none")
            else:
                row.append(cell(cluster, tool, fault, folder / f"{tool.name}-{fault.name}", expected))
            print(f"{fault.name:<9} {tool.title:<28} {row[-1]}", flush=True)
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description="Measure what faults do to jobs on several machines.")
    parser.add_argument("--only", action="append", choices=[fault.name for fault in FAULTS], metavar="FAULT", help="this fault alone")
    parser.add_argument("--tool", action="append", metavar="TOOL", help="this tool alone")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the table into FILE between its marks")
    parser.add_argument("--tilework", default=TOP / "build" / "release" / "cli" / "tilework", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if slurm.missing():
        print(f"reliability: the table of several machines is left out: {slurm.missing()}")
        return
    options.tilework = pathlib.Path(options.tilework).resolve()
    chosen = [tool for tool in tools(options) if not options.tool or tool.name in options.tool]
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    with tempfile.TemporaryDirectory(prefix="reliability-nodes-") as name, slurm.Cluster(pathlib.Path(name) / "slurm", nodes=2, cpus=1) as cluster:
        version = cluster.run("sinfo", "--version").strip()
        lines = [f"{version}, two nodes of one processor on one host; job: r[i,j] = y[i] * x[j], float64, {ROWS} x {COLUMNS}, {TILES} tiles "
                 f"of 0.1 s, an array of {TASKS} tasks or two workers; limit of a run: {LIMIT} s"]
        lines.append("measured: " + ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES
                                              if importlib.util.find_spec(package.replace("-", "_"))))
        lines += [f"left out: {tool.title}: {tool.missing}" for tool in chosen if tool.missing]
        print("\n".join(lines) + "\n", flush=True)
        rows = table(cluster, chosen, faults, pathlib.Path(name))
    head = ["what happens", *(tool.title for tool in chosen)]
    text = "\n".join([*(f"- {line}" for line in lines), "", *(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))])
    print("\n" + text)
    if options.markdown:
        old = options.markdown.read_text()
        options.markdown.write_text(f"{old.split(BEGIN, 1)[0]}{BEGIN}\n{text}\n{END}{old.split(END, 1)[1]}")


if __name__ == "__main__":
    main()
