"""A job on nodes in a folder of its own: several commands that share it, what each said, and what is left behind.

Standard library alone, as case.py.
"""

import array
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from case import COLUMNS, EXPECTED, INPUT_FILES, ROWS, SIGNATURE, SUMS, npy_items, processes_of

PATIENCE = 60  # seconds, after which a node is said to hang
NOTES = {"tiles.log", "pace", "fail", "hold", "held"}
RUN = "r.npy.run"
Q = array.array("d", [1000 * i + j - (i * i - 5) for i in range(ROWS) for j in range(COLUMNS)]).tobytes()

# What each job is run with, and what its outputs must be.
JOBS = {
    "step": (["step", "-s", SIGNATURE, "r=r0.npy", "-o", "r=r.npy", "-o", "s=s.npy"],
             {name: ((ROWS, COLUMNS), items) for name, items in EXPECTED.items()}),
    "reduction": (["reduction", "-s", f"{SIGNATURE}, t[j]", "r=r0.npy", "-o", "r=r.npy", "-o", "s=s.npy", "-o", "t=t.npy",
                   "--reduce", "t=sum"],
                  {**{name: ((ROWS, COLUMNS), items) for name, items in EXPECTED.items()}, "t.npy": ((COLUMNS,), SUMS)}),
    "statement": (["s[i,j] = r[i,j] - x[i]", "r=r0.npy", "-o", "s=r.npy"], {"r.npy": ((ROWS, COLUMNS), Q)}),
    "add": (["zero_then_add", "-s", "x[i], r[i,j] -> q[i,j]", "r=r0.npy", "-o", "q=r.npy"],
            {"r.npy": ((ROWS, COLUMNS), Q)}),
}


class Node:
    """One command that was started."""

    def __init__(self, process, said, log):
        self.process = process
        self.said_path = said
        self.log = log

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return self.said_path.read_text(errors="replace")

    def faults(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def met(self, point):
        return any(line.split()[:2] == ["met", point] for line in self.faults())

    def signal(self, number):
        """To the node and its workers."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def is_over(self):
        return self.process.poll() is not None


class NodeCase:
    """A folder with the job's inputs. Tests say what is wrong by `wrong`."""

    def __init__(self, folder, build, job="step"):
        self.folder = pathlib.Path(folder)
        self.notes = self.folder.with_name(self.folder.name + ".notes")
        self.build = pathlib.Path(build)
        self.job = job
        self.faults = []
        self.nodes = []
        self.is_disturbed = False  # something may be left that only a later start removes
        for place in (self.folder, self.notes):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        for name, data in INPUT_FILES.items():
            (self.folder / name).write_bytes(data)

    @property
    def expected(self):
        return JOBS[self.job][1]

    def wrong(self, text):
        self.faults.append(text)

    def note(self, name, text=""):
        """A file that kernels look for: `pace`, `hold`, `fail`."""
        (self.folder / name).write_text(str(text))

    def forget(self, name):
        (self.folder / name).unlink(missing_ok=True)

    # Nodes.

    def words(self, options):
        kernel, *more = JOBS[self.job][0]
        kernel = kernel if "=" in kernel else f"{self.build}/tests/faults/fault_kernels.so:{kernel}"
        return [str(self.build / "cli" / "tilework"), "run", kernel, *more, "x=x.npy", "--tile", "i=1", *options]

    def start(self, node, *options, fault="", pool="threads", workers=2, words=None, environment=None, before=None):
        number = len(self.nodes)
        said, log = self.notes / f"said-{number}.txt", self.notes / f"faults-{number}.log"
        words = self.words(["--pool", pool, "-w", str(workers), "--node", node, *options]) if words is None else words
        env = {**os.environ, "XDG_CACHE_HOME": str(self.notes), **(environment or {})}
        if fault is not None:
            env |= {"TILEWORK_FAULT": fault, "TILEWORK_FAULT_LOG": str(log)}
        with open(said, "wb") as file:
            process = subprocess.Popen(words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                       start_new_session=True, preexec_fn=before)
        made = Node(process, said, log)
        self.nodes.append(made)
        return made

    def end(self, node, codes=(0,), what=""):
        """Waits for a node: its exit code, which must be one of `codes`; None: it hung."""
        try:
            code = node.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            state = processes_of(node.pid)
            node.signal(signal.SIGKILL)
            node.process.wait()
            self.wrong(f"{what}: it hung: {state}\n{node.said()}")
            return None
        if codes is not None and code not in codes:
            self.wrong(f"{what}: exit code {code} instead of {' or '.join(map(str, codes))}: {node.said()}")
        return code

    def run(self, node, *options, codes=(0,), what="", **more):
        made = self.start(node, *options, **more)
        self.end(made, codes, what or f"node {node}")
        return made

    def await_(self, fact, what):
        """Until fact() is true: whether it became so in time."""
        until = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > until:
                self.wrong(f"this never came: {what}\n" + "\n".join(node.said() for node in self.nodes))
                return False
            time.sleep(0.002)
        return True

    def await_folder(self):
        """Until the run folder is there, which gets its name when it is whole."""
        return self.await_((self.folder / RUN / "job.json").exists, "the run folder")

    def recorded(self):
        """Tiles that have whole records in journals of nodes: 16 bytes each, from byte 8192 on, the tile first."""
        found = set()
        for path in (self.folder / RUN).glob("node-*.journal"):
            try:
                data = path.read_bytes()[8192:]
            except OSError:
                continue  # the folder is going
            found |= {int.from_bytes(data[at:at + 4], sys.byteorder) for at in range(0, len(data) // 16 * 16, 16)}
        return found

    def tiles_run(self):
        path = self.folder / "tiles.log"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    # What is left behind.

    def names(self):
        """Of all files; marks beside the results are right only where a node found no attributes."""
        marks = {f".{name}.job" for name in self.expected} if any(
            "did mark.attribute error" in node.faults() for node in self.nodes) else set()
        return {path.name for path in self.folder.iterdir()} - NOTES - marks

    def is_finished(self):
        return set(self.expected) <= self.names() and not (self.folder / RUN).exists()

    def is_done(self, name):
        """One output is there, and the job is over."""
        return (self.folder / name).exists() and not (self.folder / RUN).exists()

    def check_outputs(self, which):
        for name in set(self.expected) & self.names():
            try:
                found = npy_items(self.folder / name)
            except (ValueError, SyntaxError) as error:
                self.wrong(f"{which}: {name} has its final name but: {error}")
                continue
            if found != self.expected[name]:
                size = len(found[1]) // ROWS or 1
                row = next((i for i in range(ROWS) if found[1][i * size:(i + 1) * size] !=
                            self.expected[name][1][i * size:(i + 1) * size]), None)
                self.wrong(f"{which}: {name} has other bytes than it should, first in row {row}")
        for name, data in INPUT_FILES.items():
            if (self.folder / name).read_bytes() != data:
                self.wrong(f"{which}: input {name} was changed")

    def check_finished(self, which):
        """The outputs are there, right to the last byte, nothing beside them, and nobody lives."""
        if self.names() != set(INPUT_FILES) | set(self.expected):
            said = "\n".join(node.said() for node in self.nodes)
            self.wrong(f"{which}: files in the folder: {sorted(self.names())}\n{said}")
        self.check_outputs(which)
        self.check_nobody(which)

    def check_nobody(self, which):
        until = time.monotonic() + 20
        alive = [one for node in self.nodes for one in processes_of(node.pid)]
        while alive and time.monotonic() < until:
            time.sleep(0.01)
            alive = [one for node in self.nodes for one in processes_of(node.pid)]
        if alive:
            self.wrong(f"{which}: still alive: {alive}")

    def finish(self, what="what is left"):
        """Whatever has happened: one start more finishes the job, and one more finds it finished."""
        self.check_outputs("before")
        is_clean = self.names() == set(INPUT_FILES) | set(self.expected)
        was_killed = any(node.process.returncode == -signal.SIGKILL for node in self.nodes)
        is_disturbed = self.is_disturbed or was_killed  # also while it cleared up
        if not self.is_finished() or (is_disturbed and not is_clean):
            self.run("0/1", what=what)
        self.check_finished(what)
        again = self.run("1/2", what="once more")
        if "already finished" not in again.said():
            self.wrong(f"a node of a finished job said: {again.said()}")
        self.check_finished("once more")

    def close(self):
        """Ends what a failed test has left."""
        for node in self.nodes:
            if not node.is_over():
                node.signal(signal.SIGKILL)
                node.process.wait()
