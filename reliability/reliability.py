#!/usr/bin/env python3
"""What a fault does to a job, with Tilework and with other tools: `make reliability` prints one table, measured here.

Every cell is one run of the same job (a tenth of a second a tile, two workers) that meets one fault, and then the same
command again without it, which shows what had been kept. Runs have a time limit; whatever a run leaves is found by a word
in its environment. As root all happens in a mount namespace of its own, with small file systems where they are needed.
"""

import argparse
import ctypes
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import machine  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
BEGIN, END = "<!-- reliability:begin -->", "<!-- reliability:end -->"
ROWS, COLUMNS, TILES, WORKERS = 64, 16384, 16, 2  # 8 MiB of result
LIMIT = 12  # seconds for one run
OWN_LIMIT = 3  # seconds that a tool is asked to allow, in the way that it has for that
SMALL = 2 ** 20  # bytes of the disk and of the /dev/shm that are too small
WORD = "RELIABILITY_RUN"


@dataclasses.dataclass
class Run:
    """How one run ended."""

    code: int  # None: it was still there at the limit
    seconds: float  # of the run, or since the signal where one was sent
    computed: int  # tiles
    orphans: int  # processes, one second after the end
    left: int  # files in /dev/shm


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    what: str
    inside: str = "none"  # what the tile does
    outside: int = 0  # the signal that comes from outside
    own_limit: bool = False
    small: str = ""  # "disk" or "shm"


FAULTS = [
    Fault("none", "no fault"),
    Fault("kill", "a worker is killed (SIGKILL) in a tile", "kill"),
    Fault("segv", "a worker has a segmentation fault", "segv"),
    Fault("exit", "a worker calls _exit", "exit"),
    Fault("raise", "a tile raises an error", "raise"),
    Fault("hang", "a tile never ends", "hang"),
    Fault("hang-limit", f"a tile never ends, the tool's own limit is {OWN_LIMIT} s", "hang", own_limit=True),
    Fault("parent", "the parent is killed (SIGKILL)", outside=signal.SIGKILL),
    Fault("ctrl-c", "Ctrl-C", outside=signal.SIGINT),
    Fault("disk", "no room on the disk for the result", small="disk"),
    Fault("shm", "/dev/shm has 1 MiB", small="shm"),
]


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    title: str
    command: Callable  # (output, own limit, again) -> words
    missing: str = ""


def peer_command(name, *before):
    def command(output, own_limit, again):
        return [*before, sys.executable, *(["-m", "mpi4py"] if before else []), HERE / "reliability_peers.py", name,
                ROWS, COLUMNS, TILES, WORKERS, output, 0 if before else own_limit]
    return command


def mpi_command(output, own_limit, again):
    limit = ["--timeout", own_limit] if own_limit else []
    return peer_command("mpi", "mpirun", "--allow-run-as-root", "--oversubscribe", "-n", WORKERS, *limit)(output, 0, again)


def missing_module(*names):
    done = subprocess.run([sys.executable, "-c", f"import {', '.join(names)}"], capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def tools(options):
    def tilework_command(output, own_limit, again):
        limit = ["--timeout", own_limit] if own_limit else []
        return [options.tilework, "run", f"{HERE / 'reliability_kernel.c'}:fill", "-s", "y[i], x[j] -> r[i,j]",
                f"y={options.folder}/y.npy", f"x={options.folder}/x.npy", "-o", f"r={output}", "--parts", f"i={TILES}",
                "--pool", "processes", "-w", WORKERS, *limit, *(["--resume"] if again else [])]
    mpi_missing = missing_module("mpi4py.MPI") if shutil.which("mpirun") else "there is no mpirun"
    return [
        Tool("tilework", "Tilework", tilework_command),
        Tool("pool", "multiprocessing.Pool", peer_command("pool"), missing_module("numpy")),
        Tool("executor", "ProcessPoolExecutor", peer_command("executor"), missing_module("numpy")),
        Tool("joblib", "joblib (loky)", peer_command("joblib"), missing_module("numpy", "joblib")),
        Tool("dask", "Dask (distributed)", peer_command("dask"), missing_module("dask.array", "distributed")),
        Tool("mpi", "mpirun (Open MPI)", mpi_command, mpi_missing),
    ]


# ---- what is left of a run -------------------------------------------------------------------------------------------


def family(word):
    """Processes that live and have this word in their environment."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (entry / "environ").read_bytes() and \
                    (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def end_family(word):
    while pids := family(word):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def read_file(path):
    try:
        return path.read_bytes()
    except OSError:
        return None


def size_of(path):
    return path.stat().st_size if path.exists() else 0


class Place:
    """Where runs happen: a folder for the output, and small file systems where this may make them."""

    def __init__(self, folder, own_mounts):
        self.folder, self.own_mounts = folder, own_mounts
        self.shm = pathlib.Path("/dev/shm")

    def mount(self, where, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", str(where)], check=True)

    def enter(self, fault):
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / "out").mkdir()
        if self.own_mounts and fault.small == "disk":
            self.mount(self.folder / "out", SMALL)
        if self.own_mounts:
            self.mount(self.shm, SMALL if fault.small == "shm" else 2 ** 28)

    def leave_small(self, fault):
        """The disk has room again, what was written stays."""
        if self.own_mounts and fault.small == "disk":
            subprocess.run(["mount", "-o", "remount,size=256m", str(self.folder / "out")], check=True)
        if self.own_mounts and fault.small == "shm":
            subprocess.run(["mount", "-o", "remount,size=256m", str(self.shm)], check=True)

    def leave(self, fault):
        for where in [self.shm] + ([self.folder / "out"] if fault.small == "disk" else []):
            if self.own_mounts:
                subprocess.run(["umount", "-l", str(where)], check=True)

    def left(self):
        return len(list(self.shm.iterdir())) if self.own_mounts and self.shm.is_dir() else 0


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))


def run(place, command, inside, outside, number, before=None):
    """One run of a command. `before`: what the new process does first."""
    word = f"{WORD}={os.getpid()}-{number}-"
    log = place.folder / "log"
    log.unlink(missing_ok=True)
    env = {**os.environ, WORD: word.split("=")[1], "RELIABILITY_FAULT": inside, "RELIABILITY_LOG": str(log),
           "RELIABILITY_MARK": str(place.folder / "mark"), "PYTHONDONTWRITEBYTECODE": "1",
           "XDG_CACHE_HOME": str(place.folder / "cache")}
    began = time.monotonic()
    with open(place.folder / "said", "wb") as said:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                   env=env, start_new_session=True, cwd=place.folder, preexec_fn=before)
        if outside:
            while size_of(log) < 6 and process.poll() is None and time.monotonic() < began + LIMIT:
                time.sleep(0.01)
            began = time.monotonic()
            # A terminal's Ctrl-C goes to the whole foreground group.
            (os.killpg if outside == signal.SIGINT else os.kill)(process.pid, outside)
        try:
            code = process.wait(max(0.1, began + LIMIT - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - began
    if code is not None:
        time.sleep(1)
    orphans = len(family(word)) if code is not None else 0
    end_family(word)
    process.wait()
    return Run(code, seconds, size_of(log), orphans, place.left() if code is not None else 0)


# ---- what a cell says ------------------------------------------------------------------------------------------------


def describe(first, again, right, output):
    """A cell: what was seen of the first run, and, by what the second had to compute, what had been kept."""
    if first.code == 0:
        text = f"finished, right bytes, {first.seconds:.1f} s" if right else "said done, WRONG BYTES"
    elif first.code is None:
        text = f"hung until the limit, {LIMIT} s"
    else:
        ended = "ended" if first.code < 0 else "error"
        text = f"{ended} after {first.seconds:.1f} s" + (", before the first tile" if not first.computed else "")
    if first.code != 0:
        kept = TILES - again.computed if again.code == 0 else 0
        done = first.computed
        text += f"; {kept} of {done} tiles kept" if kept else "; all lost" if done else ""
    if output == "part":
        text += "; an unfinished file has the final name"
    if first.orphans:
        text += f"; {first.orphans} process{'es' if first.orphans > 1 else ''} left"
    if first.left:
        text += "; shared memory left"
    return text


def cell(place, tool, fault, expected, number):
    output = place.folder / "out" / "r.npy"
    (place.folder / "mark").unlink(missing_ok=True)
    place.enter(fault)
    try:
        own_limit = OWN_LIMIT if fault.own_limit else 0
        before = limit_file_size if fault.small == "disk" and not place.own_mounts else None
        first = run(place, tool.command(output, own_limit, False), fault.inside, fault.outside, 2 * number, before)
        found = read_file(output)
        right = found == expected
        said = (place.folder / "said").read_text(errors="replace").splitlines()
        said = [line for line in said if line.strip(" -*\t")]
        again = first
        if first.code != 0:
            place.leave_small(fault)
            again = run(place, tool.command(output, own_limit, True), "none", 0, 2 * number + 1)
            if read_file(output) != expected:
                again.code = 1
        text = describe(first, again, right, "part" if found is not None and not right else "")
    finally:
        place.leave(fault)
    return text, (said[-1] if said else "")


def table(place, options, chosen):
    """{(tool, fault): text}, told as they come."""
    cells = {}
    for number, (fault, tool) in enumerate((fault, tool) for fault in FAULTS for tool in chosen):
        if options.only and fault.name not in options.only:
            continue
        if tool.missing:
            cells[tool.name, fault.name] = "not measured here"
            continue
        if fault.small == "shm" and not place.own_mounts:
            cells[tool.name, fault.name] = "not measured: it takes root"
            continue
        text, said = cell(place, tool, fault, options.expected, number)
        cells[tool.name, fault.name] = text
        print(f"{fault.name:<11} {tool.title:<21} {text}" + (f"\n{'':<34}it said: {said[:160]}" if said else ""), flush=True)
    return cells


def markdown(lines, chosen, cells):
    faults = [fault for fault in FAULTS if any((tool.name, fault.name) in cells for tool in chosen)]
    head = ["what happens", *(tool.title for tool in chosen)]
    rows = [[fault.what, *(cells[tool.name, fault.name] for tool in chosen)] for fault in faults]
    table = [head, ["---"] * len(head), *rows]
    return "\n".join([*(f"- {line}" for line in lines), "", *(f"| {' | '.join(row)} |" for row in table)])


def write_between(path, text):
    old = path.read_text()
    if BEGIN not in old or END not in old:
        sys.exit(f"reliability: {path} has no lines '{BEGIN}' and '{END}' to write between")
    path.write_text(f"{old.split(BEGIN, 1)[0]}{BEGIN}\n{text}\n{END}{old.split(END, 1)[1]}")


def own_namespace():
    """Starts this program again where its mounts are its own. Whether they are."""
    if os.environ.get("RELIABILITY_MOUNTS"):
        return True
    if os.geteuid() == 0 and shutil.which("unshare"):
        probe = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /dev/shm"], capture_output=True, check=False)
        if probe.returncode == 0:
            os.environ["RELIABILITY_MOUNTS"] = "1"
            os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    return False


def version_lines(chosen, tilework):
    code = "import importlib.metadata as m; print(*(f'{n} {m.version(n)}' for n in %r if any(True for d in " \
           "m.distributions() if d.metadata['Name'].lower() == n)), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code % (("numpy", "joblib", "dask", "distributed", "mpi4py"),)],
                          capture_output=True, text=True, check=False)
    versions = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]
    found = re.search(r"(\d[\w.]*)\s*$", machine.first_line("mpirun", "--version")) if shutil.which("mpirun") else None
    if found:
        versions.append(("Open MPI", found[1]))
    lines = machine.describe(tilework, versions)
    lines += [f"left out: {tool.title}: {tool.missing}" for tool in chosen if tool.missing]
    return lines


def main():
    parser = argparse.ArgumentParser(description="Measure what faults do to Tilework and to other tools.")
    parser.add_argument("--only", action="append", choices=[fault.name for fault in FAULTS], metavar="FAULT",
                        help="this fault alone (may be given again): " + ", ".join(fault.name for fault in FAULTS))
    parser.add_argument("--tool", action="append", metavar="TOOL", help="this tool alone (may be given again)")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the table into FILE between its marks")
    parser.add_argument("--tilework", default=TOP / "build" / "release" / "cli" / "tilework", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import numpy
    own_mounts = own_namespace()
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans come to this process and do not outlive it
    with tempfile.TemporaryDirectory(prefix="reliability-") as name:
        options.folder = pathlib.Path(name)
        chosen = [tool for tool in tools(options) if not options.tool or tool.name in options.tool]
        lines = version_lines(chosen, options.tilework)
        lines.append(f"job: r[i,j] = y[i] * x[j], float64, {ROWS} x {COLUMNS}, {TILES} tiles of 0.1 s, {WORKERS} workers; "
                     f"limit of a run: {LIMIT} s")
        if not own_mounts:
            lines.append("not root: in place of a full disk there is a limit on the size of files, shared memory included")
        print("\n".join(lines) + "\n", flush=True)
        y, x = numpy.arange(ROWS, dtype=float), numpy.arange(COLUMNS, dtype=float) / 7
        numpy.save(options.folder / "y.npy", y)
        numpy.save(options.folder / "x.npy", x)
        numpy.save(options.folder / "expected.npy", y[:, None] * x)
        options.expected = (options.folder / "expected.npy").read_bytes()
        cells = table(Place(options.folder, own_mounts), options, chosen)
    text = markdown(lines, chosen, cells)
    print("\n" + text)
    if options.markdown:
        write_between(options.markdown, text)


if __name__ == "__main__":
    main()
