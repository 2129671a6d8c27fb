#!/usr/bin/env python3
"""Runs real jobs while workers and commands are killed at random, and compares every result byte for byte.

    soak.py [--minutes N | --seconds N] [--seed N] [--command PROGRAM]

Every 50 to 500 ms somebody is killed: mostly a worker, now and then one that was stopped first, sometimes the command
itself, which is then started again with --resume. A result that differs from that of the serial run, a hang, a process,
a file or memory that is left behind: each makes the exit code 1. Standard library alone.
"""

import argparse
import array
import collections
import contextlib
import dataclasses
import filecmp
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))
from tap import Tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
KERNELS = TOP / "examples" / "kernels"
SHORTEST, LONGEST = 0.05, 0.5  # seconds between two kills
HANG = 120  # seconds, after which a run is said to hang
AFTERLIFE = 20  # seconds in which everything must be gone once the command is
# Names in shared memory of Python, joblib, Open MPI, MPICH, UCX and Chromium, whose programs other tests start meanwhile.
OTHERS = ("sem.mp-", "psm_", "sem.loky-", "joblib_memmapping_", "vader_segment.", "sm_segment.", "osc_rdma.", "mpich_shar_", "ucx_shm_",
          ".org.chromium.")
RETRIES = 1000000  # a tile may be as unlucky as it wants
KILLS = (("worker", 70), ("stopped worker", 15), ("command", 10), ("interrupt", 5))
INTERRUPTED = 130


@dataclasses.dataclass
class Job:
    """What is run: all arguments but pool, workers and output; `splits`: ways to divide it, whatever the result."""

    name: str
    arguments: list
    splits: list


def jobs():
    return [
        Job("mult", [KERNELS / "mult.c:mult", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy"],
            [["--cut", "i=1,333,1000,1999", "--tile", "j=300"], ["--tile", "i=7"],
             ["--parts", "i=50", "--cut", "j=1"]]),
        Job("matmul", [KERNELS / "matmul.c:matmul", "-s", "a[i,k], b[k,j] -> r[i,j]", "a=a.npy", "b=b.npy"],
            [["--tile", "i=16"], ["--tile", "i=50", "--tile", "j=128"], ["--cut", "i=5,17,300,301"]]),
        Job("inout", [KERNELS / "axpy.c:axpy", "-s", "x[i], r[i] -> r[i]", "x=big.npy", "r=before.npy"],
            [["--tile", "i=10000"], ["--parts", "i=37"], ["--cut", "i=1,2,3,1000000"]]),
        Job("mandelbrot", [KERNELS / "mandelbrot.c:render", "-s", "-> r[i,j]:uint16", "--length", "i=1500",
                           "--length", "j=1500"],
            [["--tile", "i=10"], ["--tile", "i=100", "--tile", "j=100"], ["--cut", "i=3,700,750,751"]]),
        # Of several steps: partials, a fold, and in the second what the first step has read is overwritten.
        Job("scores", ["r[i,j] = a[i,j] / sum(k: exp(sin(a[k,j])))", "a=a.npy"],
            [["--tile", "i=10"], ["--parts", "i=7"], ["--tile", "i=50", "--tile", "j=300"]]),
        Job("quotients", ["r[i] /= sum(k: exp(sin(r[k])))", "r=before.npy"],
            [["--tile", "i=10000"], ["--parts", "i=37"], ["--cut", "i=1,2,3,1000000"]]),
    ]


def save(path, shape, values):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape!r}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                     array.array("d", values).tobytes())


def make_inputs(folder, generator):
    def numbers(count):
        return [generator.random() for _ in range(1000)] * (count // 1000)

    save(folder / "y.npy", (2000,), numbers(2000))
    save(folder / "x.npy", (3000,), numbers(3000))
    save(folder / "a.npy", (1000, 1000), numbers(1000000))
    save(folder / "b.npy", (1000, 1000), numbers(1000000))
    save(folder / "big.npy", (3000000,), numbers(3000000))
    save(folder / "before.npy", (3000000,), numbers(3000000))


def session_processes(session):
    """Processes of a session that have not ended."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path("/proc", entry, "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(entry))
    return found


def workers_of(pid):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def shared_names():
    """What has a name in shared memory, but for what other programs that run meanwhile make there."""
    names = os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else []
    return {name for name in names if not name.startswith(OTHERS)}


class Soak:
    def __init__(self, command, folder, generator):
        self.command = command
        self.folder = folder
        self.generator = generator
        self.counts = collections.Counter()
        self.differences, self.hangs, self.leaks, self.failures = [], [], [], []
        self.inputs = set()
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")}
        self.shared = shared_names()

    def call(self, words, **options):
        return subprocess.Popen([str(word) for word in (self.command, "run", *words)], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def prepare(self, job):
        """The bytes that every run of the job must give: those of the serial run, one tile, nobody killed."""
        expected = self.folder.parent / f"{job.name}.npy"
        with open(self.folder.parent / "said.txt", "wb") as said:
            code = self.call([*job.arguments, "-o", f"r={expected}", "--pool", "serial", "-q"], stderr=said).wait()
        if code != 0:
            said = (self.folder.parent / "said.txt").read_text()
            raise SystemExit(f"soak: {job.name} fails without any kill: {said}")
        return expected

    def kill_somebody(self, process):
        """Gives what was killed, or None where nobody is there any more."""
        kinds, weights = zip(*KILLS)
        kind = self.generator.choices(kinds, weights)[0]
        if kind == "command":
            process.kill()
        elif kind == "interrupt":
            process.send_signal(signal.SIGTERM)
        else:
            found = workers_of(process.pid)
            if not found:
                return None
            victim = self.generator.choice(found)
            try:
                if kind == "stopped worker":
                    os.kill(victim, signal.SIGSTOP)
                    time.sleep(self.generator.uniform(0.01, 0.1))
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                return None
        return kind

    def one_go(self, words, what, until_killed):
        """One call of the command, with kills. Gives its exit code; None: it hung."""
        said = self.folder.parent / "said.txt"
        with open(said, "wb") as file:
            process = self.call(words, stdout=file, stderr=file)
        began, ended_by = time.monotonic(), None
        while process.poll() is None and time.monotonic() - began < HANG:
            try:
                process.wait(self.generator.uniform(SHORTEST, LONGEST))
            except subprocess.TimeoutExpired:
                if ended_by is None and until_killed:
                    kind = self.kill_somebody(process)
                    self.counts[kind] += kind is not None
                    ended_by = kind if kind in ("command", "interrupt") else None
        code = process.poll()
        if code is None:
            self.hangs.append(f"{what}: still running after {HANG} s")
            process.kill()
            process.wait()
        self.await_end(process.pid, what)
        allowed = {None: (0, None), "command": (0, -signal.SIGKILL, None), "interrupt": (0, INTERRUPTED, None)}
        if code not in allowed[ended_by]:
            self.failures.append(f"{what}: exit code {code}: {said.read_text(errors='replace')[-2000:]}")
        return code

    def await_end(self, session, what):
        until = time.monotonic() + AFTERLIFE
        while (left := session_processes(session)) and time.monotonic() < until:
            time.sleep(0.005)
        for pid in left:
            self.leaks.append(f"{what}: process {pid} lives {AFTERLIFE} seconds after its command")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def one_run(self, job, expected, end):
        workers = self.generator.choice((1, 2, 3, 4))
        split = self.generator.choice(job.splits)
        words = [*job.arguments, *split, "-o", "r=r.npy", "--pool", "processes", "-w", workers,
                 "--retries", RETRIES]
        what = f"{job.name} {' '.join(split)} -w {workers}"
        code = self.one_go(words, what, True)
        while code not in (0, None) and not self.failures:
            self.counts["resume"] += 1
            code = self.one_go([*words, "--resume"], f"{what} --resume", time.monotonic() < end)
        self.counts["run"] += 1
        result = self.folder / "r.npy"
        if code == 0 and not (result.exists() and filecmp.cmp(result, expected, shallow=False)):
            kept = shutil.copy(result, tempfile.mkdtemp(prefix="soak-")) if result.exists() else "no file"
            self.differences.append(f"{what}: the result differs from the serial run's, kept as {kept}")
        result.unlink(missing_ok=True)
        left = {path.name for path in self.folder.iterdir()} - self.inputs
        if code == 0 and left:
            self.leaks.append(f"{what}: left {', '.join(sorted(left))}")
        if new := shared_names() - self.shared:
            self.leaks.append(f"{what}: left {', '.join(sorted(new))} in /dev/shm")

    def sound(self):
        return not (self.differences or self.hangs or self.leaks or self.failures)

    def go_on(self, seconds):
        make_inputs(self.folder, self.generator)
        self.inputs = {path.name for path in self.folder.iterdir()}
        pairs = [(job, self.prepare(job)) for job in jobs()]
        end = time.monotonic() + seconds
        told = time.monotonic()
        while time.monotonic() < end and self.sound():
            self.one_run(*pairs[self.counts["run"] % len(pairs)], end)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"# {self.text()}", flush=True)

    def text(self):
        counts = self.counts
        return (f"{counts['run']} runs, {counts['worker'] + counts['stopped worker']} workers killed "
                f"({counts['stopped worker']} of them stopped first), {counts['command']} commands killed and "
                f"{counts['interrupt']} interrupted, {counts['resume']} resumes")


def main():
    parser = argparse.ArgumentParser(description="Run real jobs while workers and commands are killed at random.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10)
    length.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices, as far as time allows")
    parser.add_argument("--command", type=pathlib.Path, default=TOP / "build" / "release" / "cli" / "tilework")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    seconds = options.seconds if options.seconds is not None else 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        folder = pathlib.Path(place, "job")
        folder.mkdir()
        soak = Soak(options.command.resolve(), folder, random.Random(seed))
        soak.go_on(seconds)
    print(f"# seed {seed}, {seconds:g} s: {soak.text()}")
    killed = sum(soak.counts[kind] for kind, _ in KILLS)
    tap = Tap()
    tap.check("soak: every result has the bytes of the serial run", soak.differences)
    tap.check("soak: every run ended well, or as it was asked to", soak.failures)
    tap.check("soak: nothing hung", soak.hangs)
    tap.check("soak: nothing was left behind", soak.leaks)
    tap.check("soak: somebody was killed", [] if killed and soak.counts["run"] else ["nobody: too short a time"])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
