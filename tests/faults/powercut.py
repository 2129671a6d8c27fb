#!/usr/bin/env python3
"""A power cut at any moment of a run, and the same command with --resume on what the disk may then hold.

    powercut.py BUILD-FOLDER NEW-FOLDER [--states N] [--seed N] [--log TEXT]

Runs of the command of a fault build are recorded by disklog.c; diskstates.py builds what a cut may leave of them; each of
these states is written into a folder of its own, where the command goes on. Runs that go on are recorded too, and cut.
Controls: logs in which one sync is taken away or comes too late must be found out. Writes TAP, and how many states.
"""

import argparse
import array
import concurrent.futures
import copy
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import diskstates
from case import npy, npy_items, step

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
import sampling  # noqa: E402
from tap import Tap  # noqa: E402

ROWS, COLUMNS = 40, 150  # one tile a row: tiles share pages and units of 512 bytes; records fill more than one of these
STATES = 350 if sampling.is_long() else 80  # of a log
CONTROL_STATES = 60
PACE = 45  # milliseconds of a tile in a run that is recorded, so that its journal is written several times
FIRST_FAILING = 25
PATIENCE = 60  # seconds
RECORDINGS = 5  # of a run, until it is one that controls can be made of
WORKERS = "2"
LYING_STATES = 150
VERIFIED = 0.25  # of the states are resumed with --resume --verify
REFUSED = (2, 3)  # exit codes
UNSYNCED = "elements are not synced"
MAGIC = b"\x93NUMPY"
SHOWN = 5  # states that are described where a log has faults

INPUTS, EXPECTED = step(ROWS, COLUMNS, first=1)  # so that no item of r is 0, as a lost one reads
BEFORE = array.array("d", INPUTS["r0.npy"][-8 * ROWS * COLUMNS:])
QUOTIENTS = array.array("d", [value / sum(BEFORE) for value in BEFORE]).tobytes()
SUMS = array.array("d", [sum(array.array("d", EXPECTED["s.npy"])[j::COLUMNS]) for j in range(COLUMNS)]).tobytes()
RECORD = 16  # bytes, at the end of a journal (src/record/journal.h)
NOTES = {"tiles.log", "said.txt"}
RESUME, VERIFY, RESTART = ("--resume",), ("--resume", "--verify"), ("--restart",)


class Job:
    """One or two outputs, on a pool; `options`: what is said again after a cut. Of several steps: "sums" has a third output,
    a reduction; "quotients" is a statement that overwrites what its first step has read."""

    KERNELS = {"step": ("x[i], r[i,j] -> r[i,j], s[i,j]", ("r.npy", "s.npy")),
               "difference": ("x[i], r[i,j] -> s[i,j]", ("s.npy",)),
               "reduction": ("x[i], r[i,j] -> r[i,j], s[i,j], t[j]", ("r.npy", "s.npy", "t.npy"))}

    def __init__(self, kind, pool, options=RESUME):
        self.kernel = {1: "difference", 2: "step", "sums": "reduction", "quotients": None}[kind]
        self.outputs = self.KERNELS[self.kernel][1] if self.kernel else ("r.npy",)
        self.pool = pool
        self.options = options
        self.journal = f"{self.outputs[0]}.journal"

    def expected(self, name):
        if self.kernel is None:
            return (ROWS, COLUMNS), QUOTIENTS
        return ((COLUMNS,), SUMS) if name == "t.npy" else ((ROWS, COLUMNS), EXPECTED[name])

    def words(self, build, options):
        words = [build / "cli" / "tilework", "run"]
        if self.kernel is None:
            words += ["r[i,j] /= sum(k,l: r[k,l])"]
        else:
            kernels = build / "tests" / "faults" / "fault_kernels.so"
            words += [f"{kernels}:{self.kernel}", "-s", self.KERNELS[self.kernel][0], "x=x.npy"]
        words += ["r=r0.npy", *(word for name in self.outputs for word in ("-o", f"{name[0]}={name}"))]
        words += ["--reduce", "t=sum"] if self.kernel == "reduction" else []
        return [str(word) for word in (*words, "--tile", "i=1", "--pool", self.pool, "-w", WORKERS, "--quiet",
                                       *options)]


class Place:
    """A folder with a state of the disk in it, in which the command is run."""

    def __init__(self, build, folder, inputs, state, shown):
        """state: {name: (inode, contents)}; shown: {inode: the inode that the command is to see}."""
        self.build = build
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in INPUTS:  # the same files, so that their times are what they were
            os.link(inputs / name, folder / name)
        self.state = {}
        self.shown = {}
        for name, (inode, contents) in state.items():
            (folder / name).write_bytes(contents)
            real = (folder / name).stat().st_ino
            self.state[name] = (real, contents)
            self.shown[real] = shown.get(inode, inode)

    def run(self, job, options, log=None):
        """(exit code, None where it hung; what it said; the tiles that it ran)."""
        env = {**os.environ, "LD_PRELOAD": str(self.build / "tests" / "faults" / "disklog.so"),
               "DISKLOG_INODES": ",".join(f"{real}:{shown}" for real, shown in self.shown.items())}
        if log is not None:
            env["DISKLOG"] = str(log)
        with open(self.folder / "said.txt", "wb") as file:
            try:
                code = subprocess.run(job.words(self.build, options), cwd=self.folder, env=env, timeout=PATIENCE,
                                      stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode
            except subprocess.TimeoutExpired:
                code = None
        tiles = self.folder / "tiles.log"
        ran = [int(line) for line in tiles.read_text().splitlines()] if tiles.exists() else []
        tiles.unlink(missing_ok=True)
        return code, (self.folder / "said.txt").read_text(errors="replace"), ran

    def is_right(self, job, name):
        try:
            return npy_items(self.folder / name) == job.expected(name)
        except (ValueError, SyntaxError):
            return False

    def finished_faults(self, job):
        names = {path.name for path in self.folder.iterdir()} - NOTES
        faults = [] if names == {*INPUTS, *job.outputs} else [f"files in the folder: {sorted(names)}"]
        return faults + [f"{name} has wrong contents" for name in job.outputs if name in names and
                         not self.is_right(job, name)]


def number_of_tiles(journal):
    """Of a journal whose header is whole; 0: it is not."""
    line, _, rest = journal.partition(b"\n")
    words = line.split()
    try:
        return json.loads(rest[:int(words[3])])["tiles"] if len(words) == 5 else 0
    except ValueError:
        return 0


class Log:
    """A run that was recorded, and what must hold of every state that a cut may leave of it."""

    def __init__(self, title, job, disk, shown, earlier=None, rotten=(), anew=False):
        self.title = title
        self.job = job
        self.disk = disk
        self.shown = shown
        self.earlier = earlier  # contents that finished files may have had before
        self.rotten = set(rotten)  # tiles whose elements had changed since they were recorded
        self.anew = anew  # it throws away what was recorded
        self.may_refuse = False  # to go on

    def inode(self, name):
        """Of a file that was made, or was there."""
        made = [inode for _, kind, inode, names in self.disk.changes if kind == "C" and names[0] == name]
        return made[0] if made else self.disk.names.get(name)

    def recorded(self, tick):
        """The tiles whose records are safe."""
        inode = self.inode(self.job.journal)
        data = self.disk.moment(tick).safe_contents(inode) if inode is not None else b""
        tiles = number_of_tiles(data)
        first = len(data) - RECORD * tiles
        return {tile for tile in range(tiles) if any(data[first + RECORD * tile:first + RECORD * (tile + 1)])}

    def faults(self, place, tick, verify):
        """Goes on from a state, and gives what is wrong."""
        job = self.job
        there = set(place.state)
        faults = [f"{name} has its final name and wrong contents" for name in there & set(job.outputs)
                  if not place.is_right(job, name) and place.state[name][1] != self.earlier]
        is_over = set(job.outputs) <= there and job.journal not in there
        code, said, ran = place.run(job, [*job.options, *(["--verify"] if verify else [])])
        if self.may_refuse and code in REFUSED:
            return []
        if code != 0:
            return [*faults, f"{' '.join(job.options)}: exit code {code}: {said.strip()}"]
        if len(ran) != len(set(ran)):
            faults.append(f"tiles ran twice: {sorted(ran)}")
        again = self.recorded(tick) & set(ran) - self.rotten
        if again and not is_over and not self.anew:
            faults.append(f"tiles ran again that were recorded: {sorted(again)}")
        return faults + place.finished_faults(job)


def record(build, folder, inputs, title, job, options=(), before=None, pace=PACE, failing=None, **how):
    """Runs the command and gives its log. before: (state, shown), what is there when it begins."""
    place = Place(build, folder, inputs, *(before or ({}, {})))
    path = folder.with_suffix(".log")
    path.unlink(missing_ok=True)
    (place.folder / "pace").write_text(str(pace))
    if failing is not None:
        (place.folder / "fail").write_text(str(failing))
    code, said, _ = place.run(job, options, path)
    if code != (0 if failing is None else 1):
        raise RuntimeError(f"{title}: the run that should be recorded: exit code {code}: {said}")
    disk = diskstates.Disk(path.read_bytes(), place.state, place.folder.stat().st_ino)
    return Log(title, job, disk, place.shown, **how)


def cut(log, chance, least=5, most=ROWS - 5):
    """A state somewhere in the middle: (state, shown, tick)."""
    end = log.disk.syncs[log.inode(log.job.journal)][-1][1]
    ticks = [tick for tick in range(1, end + 1) if least <= len(log.recorded(tick)) <= most]
    tick = chance.choice(ticks)
    return log.disk.moment(tick).random_state(chance), log.shown, tick


def finished(log):
    """The last state, with the journal whose removal was lost: (state, shown)."""
    moment = log.disk.moment(log.disk.last)
    entry = next(k for k, (change, _) in enumerate(moment.changes) if change[1] == "U")
    return moment.state(lambda unit: unit != ("entry", entry)), log.shown


def rot(log, chance):
    """Such a state, in which the elements of two recorded tiles have changed, and these tiles."""
    state, shown, tick = cut(log, chance)
    tiles = chance.sample(sorted(log.recorded(tick)), 2)
    name = f"{log.job.outputs[-1]}.part"
    inode, contents = state[name]
    data = bytearray(contents)
    for tile in tiles:
        data[len(data) - (ROWS - tile) * COLUMNS * 8 + 16] ^= 0x40
    return {**state, name: (inode, bytes(data))}, shown, tiles


def all_logs(build, top, inputs, seed):
    """Each by itself, then those that go on from another one's state."""
    def go(title, *arguments, take=record, **how):
        return runners.submit(take, build, top / title.replace(" ", "-").replace(",", ""), inputs, title,
                              *arguments, **how)
    chance = random.Random(seed)
    earlier = npy((ROWS, COLUMNS), [0.5] * (ROWS * COLUMNS))
    old = {"s.npy": (1, earlier)}
    with concurrent.futures.ThreadPoolExecutor(max_workers=6) as runners:
        begun = [go("one output, threads", Job(1, "threads")), go("one output, processes", Job(1, "processes")),
                 go("two outputs, threads", Job(2, "threads"), take=record_for_controls),
                 go("two outputs, processes", Job(2, "processes")),
                 go("two outputs, a kernel that fails", Job(2, "threads"), failing=FIRST_FAILING),
                 go("sums, threads", Job("sums", "threads")), go("sums, processes", Job("sums", "processes")),
                 go("quotients, threads", Job("quotients", "threads")),
                 go("quotients, processes", Job("quotients", "processes")),
                 go("over an earlier result", Job(1, "threads"), before=(old, {}), earlier=earlier)]
        first = [log.result() for log in begun]
        one, _, two, processes, _, sums, forked, quotients = first[:8]
        state, shown, tiles = rot(two, chance)
        begun = [go("resumed, one output, threads", one.job, RESUME, cut(one, chance)[:2], 2 * PACE),
                 go("resumed, two outputs, threads", two.job, RESUME, cut(two, chance)[:2], 2 * PACE),
                 go("resumed, two outputs, processes", processes.job, RESUME, cut(processes, chance)[:2], 2 * PACE),
                 go("resumed with --verify, changed tiles", Job(2, "threads", VERIFY), VERIFY, (state, shown),
                    2 * PACE, rotten=tiles),
                 go("resumed, sums, threads", sums.job, RESUME, cut(sums, chance)[:2], 2 * PACE),
                 go("resumed, sums, processes", forked.job, RESUME, cut(forked, chance)[:2], 2 * PACE),
                 go("resumed, quotients", quotients.job, RESUME, cut(quotients, chance, least=1)[:2]),
                 go("restarted", Job(2, "threads", RESTART), RESTART, cut(two, chance)[:2], anew=True),
                 go("restarted, then resumed", two.job, RESTART, cut(two, chance)[:2], anew=True),
                 go("begun beside the journal of a finished run", two.job, (), finished(two), anew=True)]
        second = [log.result() for log in begun]
        third = go("resumed twice, two outputs, threads", two.job, RESUME,
                   cut(second[1], chance, most=ROWS - 1)[:2], 4 * PACE).result()
    return [*first, *second, third]


# ---- controls ----

def keep_syncs(disk, is_kept):
    changed = copy.copy(disk)
    changed.syncs = {inode: [pair for k, pair in enumerate(pairs) if is_kept(inode, k, pair)]
                     for inode, pairs in disk.syncs.items()}
    changed.syncs = diskstates.defaultdict(list, changed.syncs)
    return changed


def controls(log):
    """The same run on a disk, or of a program, that leaves out or delays one kind of sync: {title: disk}."""
    disk = log.disk
    journal = log.inode(log.job.journal)
    outputs = [log.inode(f"{name}.part") for name in log.job.outputs]
    renamed = min(tick for tick, kind, _, _ in disk.changes if kind == "R")
    recorded = max(ended for _, ended in disk.syncs[journal])
    late = copy.copy(disk)
    late.syncs = diskstates.defaultdict(list, disk.syncs)
    for inode in outputs:  # safe only once the records are, which are written after it
        late.syncs[inode] = [(begun, min([end for start, end in disk.syncs[journal] if start > ended], default=ended))
                             for begun, ended in disk.syncs[inode]]
    return {
        "records are safe before the elements": late,
        UNSYNCED: keep_syncs(disk, lambda inode, k, pair: inode not in outputs),
        "the file has its name before its magic is safe": keep_syncs(
            disk, lambda inode, k, pair: inode not in outputs or k + 1 < len(disk.syncs[inode])),
        "an output has its magic before the other is safe": keep_syncs(
            disk, lambda inode, k, pair: inode != outputs[-1] or not recorded < pair[0] < renamed),
        "the journal is removed before the new names are safe": keep_syncs(
            disk, lambda inode, k, pair: inode != disk.folder or pair[0] < renamed),
        "the journal's header is not synced before its records": keep_syncs(
            disk, lambda inode, k, pair: inode != journal or k > 0),
        "the names are not synced before the records": keep_syncs(
            disk, lambda inode, k, pair: inode != disk.folder or pair[0] > renamed),
    }


def new_ticks(broken, disk):
    """Where the broken order allows states that the right one does not."""
    return [tick for tick in range(1, disk.last + 1)
            if len(broken.moment(tick).units()) > len(disk.moment(tick).units())]


def record_for_controls(*arguments):
    """A run in which every control allows some state that the right order does not. Where the machine is busy, all but one
    tile may be recorded before the end, and the last one's elements be safe by chance: then the syncs of the end make no
    difference, and the run is recorded again."""
    log = record(*arguments)
    for _ in range(RECORDINGS):
        if all(new_ticks(broken, log.disk) for broken in controls(log).values()):
            break
        log = record(*arguments)
    return log


class Checks:
    """Each of them goes on from many states, some at the same time."""

    def __init__(self, build, top, inputs, options):
        self.build, self.top, self.inputs, self.options = build, top, inputs, options
        self.tap = Tap()
        self.logs = self.states = self.systematic = 0
        self.runners = concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)))

    def go_on(self, title, log, states, verify=lambda: False):
        """What was wrong with each of the states: lists, empty where nothing was."""
        def one(number, tick, state, verified):
            folder = self.top / f"{title.replace(' ', '-')}-{number}"
            faults = log.faults(Place(self.build, folder, self.inputs, state, log.shown), tick, verified)
            shutil.rmtree(folder)
            sizes = {name: len(contents) for name, (_, contents) in sorted(state.items())}
            return [f"cut at tick {tick} of {log.disk.last}; on the disk: {sizes}",
                    *(f"    {fault}" for fault in faults)] if faults else []
        begun = [self.runners.submit(one, number, tick, state, verify()) for number, (tick, state) in enumerate(states)]
        return [done.result() for done in begun]

    def legal(self, log):
        chance = random.Random(f"{self.options.seed} {log.title}")
        states, systematic = diskstates.states(log.disk, chance, self.options.states)
        verify = (lambda: chance.random() < VERIFIED) if log.job.options == RESUME else lambda: False
        wrong = [faults for faults in self.go_on(log.title, log, states, verify) if faults]
        lines = [line for faults in wrong[:SHOWN] for line in faults]
        self.tap.check(f"powercut: {log.title}: {len(states)} states",
                       [f"{len(wrong)} states are wrong", *lines] if wrong else [])
        self.logs += 1
        self.states += len(states)
        self.systematic += systematic

    def broken(self, log, title, disk):
        """A control: some state that only this disk allows must be wrong."""
        other = copy.copy(log)
        other.disk, other.recorded = disk, log.recorded
        ticks = new_ticks(disk, log.disk)
        states, _ = diskstates.states(disk, random.Random(f"{self.options.seed} {title}"), CONTROL_STATES, ticks)
        self.tap.check(f"powercut: a broken order is found out: {title}",
                       [] if any(self.go_on(title, other, states)) else
                       [f"none of {len(states)} states at {len(ticks)} ticks is wrong"])

    def lying(self, log, disk):
        """A disk that says "synced" and has not written: before an output has its magic or its final name, --verify misses
        nothing."""
        title = "a disk that lies, and --verify"
        other = copy.copy(log)
        other.disk, other.recorded, other.may_refuse = disk, lambda tick: set(), True
        ticks = new_ticks(disk, log.disk)
        states, _ = diskstates.states(disk, random.Random(f"{self.options.seed} {title}"), LYING_STATES, ticks)
        states = [(tick, state) for tick, state in states
                  if not any(contents[:6] == MAGIC for _, contents in state.values())
                  and not set(log.job.outputs) & set(state)]
        wrong = [faults for faults in self.go_on(title, other, states, lambda: True) if faults]
        lines = [line for faults in wrong[:SHOWN] for line in faults]
        self.tap.check(f"powercut: {title}: {len(states)} states", lines if states else ["there is no such state"])


def main():
    parser = argparse.ArgumentParser(description="Resume from what power cuts may leave on the disk.")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("top", type=pathlib.Path, metavar="new-folder")
    parser.add_argument("--states", type=int, default=STATES, help="of each log")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2 ** 32))
    parser.add_argument("--log", default="", help="those alone whose titles have this text")
    options = parser.parse_args()
    build, top = options.build.resolve(), options.top.resolve()
    inputs = top / "inputs"
    inputs.mkdir(parents=True)
    for name, data in INPUTS.items():
        (inputs / name).write_bytes(data)
    logs = all_logs(build, top, inputs, options.seed)
    checks = Checks(build, top, inputs, options)
    for log in logs:
        if options.log in log.title:
            checks.legal(log)
    two = next(log for log in logs if log.title == "two outputs, threads")
    for title, disk in controls(two).items():
        if options.log in title:
            checks.broken(two, title, disk)
        if title == UNSYNCED:
            checks.lying(two, disk)
    sums = next(log for log in logs if log.title == "sums, threads")
    partials = sums.inode(f"{sums.job.outputs[0]}.partials")
    checks.broken(sums, "partials are not synced", keep_syncs(sums.disk, lambda inode, k, pair: inode != partials))
    print(f"# powercut: {checks.states} states of {checks.logs} logs ({checks.systematic} systematic), "
          f"seed {options.seed}")
    return checks.tap.end()


if __name__ == "__main__":
    sys.exit(main())
