#!/usr/bin/env python3
"""Every point of src/os/fault.c x {kill a worker, kill the command, delay, error}, through the command of a fault build.

    matrix.py BUILD-FOLDER NEW-FOLDER [POINT]

After each: the bytes of the outputs, the processes and files that are left; after the command was killed or has failed,
the same with --resume, which must run the missing tiles and no others. Each point meets each action with one number of
workers; with every one if POINT is given or TILEWORK_TEST_LONG=1. Writes TAP, and how many cases there are.
"""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from case import ROWS, Case, Job

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
import sampling  # noqa: E402
from tap import Tap  # noqa: E402

ACTIONS = ("kill-worker", "kill-parent", "delay", "error")
WORKERS = (1, 2, 4)
LAST = ROWS - 1
PACE = 420  # milliseconds that a slow run takes
CUT_SHORT = 12  # the first tile that fails in the run before a run that resumes
POINT_USE = re.compile(r'(\(void\))?TW__POINT\("([a-z.-]+)"\)')


@dataclasses.dataclass(frozen=True)
class Point:
    """A row of the table in src/os/fault.c: can its step fail, who passes it and when."""

    name: str
    takes_error: bool
    flags: frozenset

    def has(self, *flags):
        return not self.flags.isdisjoint(flags)


def table(build):
    """The points by name, as the build has them."""
    done = subprocess.run([build / "tests" / "faults" / "fault_driver", "--points"], capture_output=True, text=True,
                          check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: Point(name, error == "1", frozenset(flags)) for name, error, *flags in rows}


def uses():
    """{point: its error is looked at}, as the sources have it."""
    found = {}
    for path in [*TOP.glob("src/**/*.c"), *TOP.glob("cli/*.c")]:
        if path.name != "fault.c":
            for ignored, name in POINT_USE.findall(path.read_text()):
                found[name] = found.get(name, False) or not ignored
    return found


def table_faults(points):
    used = uses()
    faults = [f"{name}: in src/os/fault.c but nowhere passed" for name in points if name not in used]
    faults += [f"{name}: passed, but not in src/os/fault.c" for name in used if name not in points]
    faults += [f"{name}: the table and the sources differ on whether its error is looked at"
               for name in points if name in used and used[name] != points[name].takes_error]
    return faults


@dataclasses.dataclass(frozen=True)
class Setting:
    pool: str
    workers: int
    resumed: bool = False  # the fault strikes a run that resumes from a journal
    reduces: bool = False  # the job has partials and a fold

    def text(self):
        more = f"{', resumed' if self.resumed else ''}{', several steps' if self.reduces else ''}"
        return f"{self.pool}, {self.workers} workers{more}"


def is_passed(point, setting):
    """Outputs of the command are files, of dtypes that are known: tests/faults/driver.c passes the other points."""
    if point.has("chosen", "overwrites", "nodes") or (point.has("steps") and not setting.reduces):
        return False
    if point.has("processes"):
        return setting.pool == "processes"
    if point.has("several"):
        return setting.workers > 1
    return not (setting.resumed and point.has("beginning"))


def why_not(point, action, setting):
    """Why a case does not apply; None: it does."""
    worker = not point.has("supervisor")
    if not is_passed(point, setting):
        return "the point is not passed there"
    if action == "kill-worker":
        if setting.pool != "processes" or point.has("beginning"):
            return "there is no worker process to kill"
        if setting.workers == 1 and (point.has("death") or point.name == "fork.before"):
            return "the only worker is dead already"
    if action == "error" and not point.takes_error and not (worker and setting.pool == "processes"):
        return "the step cannot fail"
    return None


def fault_text(point, action, setting):
    if point.has("fork"):
        return f"kernel.before:kill-worker:3,{point.name}:{action}:{setting.workers + 1}"
    before = "kernel.before:kill-worker:3," if point.has("death") else ""
    return f"{before}{point.name}:{action}:{0 if action == 'delay' else 1}"


def expected_code(point, action, setting):
    """The exit codes that are right for the run with the fault."""
    if action == "kill-parent":
        return (-signal.SIGKILL,)
    if action == "error" and point.takes_error:
        if point.name == "fork.before":  # only as many workers are left as live
            return (4,) if setting.workers == 1 else (0,)
        return (4,) if point.name == "populate.before" else (3, 4)
    return (0,)


def check_first(case, run, point, action, setting, codes):
    """The run with the fault."""
    if run.code not in codes:
        case.wrong(f"exit code {run.code} instead of {' or '.join(map(str, codes))}")
    if not run.met(point.name):
        case.wrong("the point was not passed")
    if not run.did(point.name, action):
        case.wrong("the fault did not act")
    elif run.did(point.name, action) > 1 and action != "delay":
        case.wrong("the fault acted more than once")
    counts = collections.Counter(run.tiles)
    if action == "delay" and not point.has("death", "fork") and max(counts.values(), default=1) > 1:
        case.wrong(f"tiles were run again: {sorted(run.tiles)}")
    if run.code == 0 and not setting.resumed and set(counts) != set(range(ROWS)):
        case.wrong(f"tiles that were run: {sorted(counts)}")
    killed = sum(run.did(name, "kill-worker") for name in ("kernel.before", point.name))
    if len(run.tiles) > len(counts) + killed + (action == "error"):
        case.wrong(f"{len(run.tiles) - len(counts)} tiles were run again for {killed} killed workers")
    if run.code not in (0, -signal.SIGKILL, None) and not re.search(r"^tilework: .", run.said, re.MULTILINE):
        case.wrong("it failed without a word")


def case_of(build, folder, setting):
    return Case(folder, build / "cli" / "tilework", build / "tests" / "faults" / "fault_kernels.so",
                Job(setting.reduces))


def run_case(build, folder, point, action, setting):
    """Gives what was wrong."""
    case = case_of(build, folder, setting)
    fail = case.folder / "fail"
    options = []
    had = set()
    if setting.resumed:
        fail.write_text(str(CUT_SHORT))
        before = case.run(setting.pool, setting.workers)
        had = case.recorded()
        if before.code != 1 or had != set(range(CUT_SHORT)):
            case.wrong(f"the run before: exit code {before.code}, recorded {sorted(had)}: {before.said}")
        options = ["--resume"]
        fail.unlink()
    pace = case.folder / "pace"
    if point.has("records"):
        pace.write_text(str(PACE * setting.workers // (ROWS - CUT_SHORT if setting.resumed else ROWS)))
    run = case.run(setting.pool, setting.workers, *options, fault=fault_text(point, action, setting))
    pace.unlink(missing_ok=True)
    said = run.said
    check_first(case, run, point, action, setting, expected_code(point, action, setting))
    if had & set(run.tiles):
        case.wrong(f"tiles that were recorded ran again: {sorted(had & set(run.tiles))}")
    if run.code == 0:
        case.check_finished("after the run")
    else:
        case.check_unfinished("after the run")
        recorded = case.recorded()
        if had - recorded:
            case.wrong(f"tiles that were recorded are not any more: {sorted(had - recorded)}")
        again = case.run(setting.pool, setting.workers, "--resume")
        if again.code != 0:
            case.wrong(f"--resume: exit code {again.code}")
        if sorted(again.tiles) != sorted(set(range(ROWS)) - recorded):
            case.wrong(f"--resume ran tiles {sorted(again.tiles)}; recorded were {sorted(recorded)}")
        case.check_finished("after --resume")
        said += again.said
    if case.faults:
        case.faults.append(f"faults={fault_text(point, action, setting)!r} log={run.faults}")
        case.faults += said.splitlines()[-12:]
    else:
        shutil.rmtree(case.folder)
    return case.faults


def divided(cases, chosen_points, whole=False):
    """(the cases that are run, {why others are not: how many}) of (setting, action) for each point. In `make test` each point
    meets each action once, with one of the settings; with `whole`, and in `make test-long`, with every setting."""
    apply, skipped = [], collections.Counter()
    for setting, action in cases:
        for point in chosen_points:
            reason = why_not(point, action, setting)
            if reason is None:
                apply.append((point, action, setting))
            else:
                skipped[reason] += 1
    run = apply if whole else sampling.one_of_each(apply, lambda case: (case[0].name, case[1]))
    if len(run) < len(apply):
        skipped["left to make test-long"] = len(apply) - len(run)
    return run, skipped


def counts(title, run, skipped):
    """The line that says how many cases there were."""
    why = "; ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return f"# points {title}: {len(run) + sum(skipped.values())} cases, {len(run)} run, {sum(skipped.values())} not ({why})"


def plain_faults(build, folder, points, setting):
    """A run that is cut short and one that resumes, with nothing armed but the log: the points that should be passed
    are, and no others, so that no case is left out by mistake."""
    case = case_of(build, folder, setting)
    (case.folder / "fail").write_text(str(LAST))
    first = case.run(setting.pool, setting.workers)
    (case.folder / "fail").unlink()
    second = case.run(setting.pool, setting.workers, "--resume")
    if first.code != 1 or second.code != 0:
        case.wrong(f"exit codes {first.code}, {second.code}: {first.said}{second.said}")
    case.check_finished("after --resume")
    for point in points.values():
        should = is_passed(point, setting) and not point.has("death")
        if (first.met(point.name) or second.met(point.name)) != should:
            case.wrong(f"{point.name}: passed {'not at all' if should else 'all the same'}")
    return case.faults


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, top = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    points = table(build)
    chosen = [point for point in points.values()
              if not point.has("nodes") and (len(sys.argv) < 4 or point.name == sys.argv[3])]
    processes = [Setting("processes", workers) for workers in WORKERS]
    resumed = [Setting("processes", workers, True) for workers in WORKERS]
    steps = Setting("processes", 2, reduces=True)
    steps_resumed = Setting("processes", 2, True, reduces=True)
    grids = {
        f"x actions {len(ACTIONS)} x workers {len(WORKERS)}": [(s, a) for s in processes for a in ACTIONS],
        f"x actions {len(ACTIONS)} on threads": [(Setting("threads", 2), a) for a in ACTIONS],
        f"x actions 2 x workers {len(WORKERS)} in runs that resume": [(s, a) for s in resumed for a in ACTIONS[:2]],
        f"x actions {len(ACTIONS)} in a job of several steps": [(steps, a) for a in ACTIONS],
        "x actions 2 in such a job that resumes": [(steps_resumed, a) for a in ACTIONS[:2]],
    }
    tap = Tap()
    tap.check("matrix: the table of points is that of the sources", table_faults(points))
    for setting in {setting for grid in grids.values() for setting, _ in grid if not setting.resumed}:
        tap.check(f"matrix: {setting.text()}: passes the points that it should",
                  plain_faults(build, top / "plain", points, setting))
    remarks = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as runners:
        for title, grid in grids.items():
            run, skipped = divided(grid, chosen, whole=len(sys.argv) > 3)
            begun = [runners.submit(run_case, build, top / f"case-{len(remarks)}-{number}", *case) for number, case in enumerate(run)]
            for (point, action, setting), done in zip(run, begun):
                tap.check(f"matrix: {action} at {point.name}, {setting.text()}", done.result())
            remarks.append(counts(f"{len(chosen)} {title}", run, skipped))
    print("\n".join(remarks))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
