#!/usr/bin/env python3
"""The k-th call of the C library fails, k = 1, 2, ... until the command has not met the failure, once and forever after.

    calls.py BUILD-FOLDER NEW-FOLDER [--every N] [KIND [NUMBER]]

`tilework run` writes two files on two worker processes, with a journal, a report and a trace; refuse.so, preloaded, refuses the
call, in workers too. After each case: the exit code, one line that says why, bytes, processes and files; then the same
with --resume, which must finish. Each command takes memory so often that of those calls only every Nth (default 16, with
TILEWORK_TEST_LONG=1 4) is tried; calls.c tries all of the library's. Writes TAP, and how many cases there were.
"""

import concurrent.futures
import errno
import os
import pathlib
import re
import shutil
import struct
import sys

from case import ROWS, Case, Job

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
import sampling  # noqa: E402
from tap import Tap  # noqa: E402

COUNTS_SIZE = 4096  # bytes of the file in which refuse.so keeps its counts
PASSES = 0  # an exit code
MOST_SHOWN = 12
SERIES = [  # kind, errno, exit codes that fit beside 0; none: the command must go on as if nothing had happened
    ("malloc", errno.ENOMEM, (4,)),
    ("mmap", errno.ENOMEM, (4,)),
    ("fork", errno.EAGAIN, (4,)),
    ("thread", errno.EAGAIN, (4,)),
    ("open", errno.EMFILE, (4,)),
    ("write", errno.ENOSPC, (4,)),
    ("write", errno.EIO, (3,)),
    ("sync", errno.EIO, (3,)),
    ("rename", errno.EIO, (3,)),
    ("read", errno.EIO, (3,)),
]
# What is said beside the one line that says why: what is kept and how to continue, and that fewer workers run.
BESIDE = re.compile(r"^tilework: ((note|advice): .*|\d+ of \d+ tiles are done and kept in .*|\d+ tiles on .*|continuing: .*|"
                    r"worker \d+ .*)$")
# A second cause that was met on the way out: the journal could not be brought up to date, the report not written.
SECOND = re.compile(r"^tilework: (writing the outputs to the disk failed.*|r\.npy\.journal: cannot be written.*|(report|trace)\.json.*|"
                    r"not enough memory.*|the report cannot.*)$")


class Refused:
    """One command with a refusal."""

    def __init__(self, build, folder, kind, number, forever, error):
        self.case = Case(folder, build / "cli" / "tilework", build / "tests" / "faults" / "calls_kernel.so")
        counts = pathlib.Path(f"{folder}.counts")
        counts.write_bytes(bytes(COUNTS_SIZE))
        environment = {"LD_PRELOAD": str(build / "tests" / "faults" / "refuse.so"),
                       "TILEWORK_REFUSE": f"{kind}:{number}:{'forever' if forever else 'once'}:{error}",
                       "TILEWORK_REFUSE_COUNTS": str(counts)}
        self.run = self.case.run("processes", 2, "--report", "report.json", "--trace", "trace.json", environment=environment)
        self.met, self.resynced, self.written = struct.unpack_from("<QQQ", counts.read_bytes())
        counts.unlink()


def check_said(case, run, forever):
    """One line says why it failed; later errors may be reported too, if all that follows fails."""
    lines = [line for line in run.said.splitlines() if line]
    if any(not line.startswith("tilework: ") for line in lines):
        case.wrong(f"lines that are not the command's: {lines}")
    why = [line for line in lines if not BESIDE.match(line)]
    first = [line for line in why if not SECOND.match(line)]
    if run.code == PASSES:
        if why:
            case.wrong(f"it succeeded and said: {why}")
    elif not why or len(first) > 1 or (not forever and len(why) > 2):
        case.wrong(f"{len(why)} lines say why it failed: {why}")


def check_report(case, run):
    for name, end in (("report.json", "]}\n"), ("trace.json", "}}\n")):
        path = case.folder / name
        if (case.folder / f"{name}.part").exists():
            case.wrong(f"{name}.part is left behind")
        if path.exists():
            text = path.read_text()
            if not text.endswith(end) or (run.code == PASSES or name == "report.json") and text.count('"state"') != ROWS:
                case.wrong(f"{name} has its name and is not whole")
            path.unlink()
        elif run.code == PASSES:
            case.wrong(f"{name} is missing")


def try_case(build, folder, kind, number, forever, error, codes):
    """(the call was met, what was wrong)."""
    refused = Refused(build, folder, kind, number, forever, error)
    case, run = refused.case, refused.run
    check_report(case, run)
    check_said(case, run, forever)
    if refused.met == 0 and run.code != PASSES:
        case.wrong(f"exit code {run.code} with nothing refused: {run.said}")
    if run.code not in (PASSES, *codes):
        case.wrong(f"exit code {run.code} instead of {' or '.join(map(str, codes))}: {run.said}")
    if refused.resynced:
        case.wrong("a file was synced again after a sync of it had failed")
    if refused.written:
        case.wrong("files were written to after a sync had failed")
    if kind == "sync" and refused.met and run.code == PASSES:
        case.wrong("success after a sync that failed")
    if run.code == PASSES:
        case.check_finished("after the run")
    else:
        case.check_unfinished("after the run")
        if "r.npy.journal" not in case.names() and case.names() & Job().kept:
            case.wrong(f"parts without a journal: {sorted(case.names())}")
        again = case.run("processes", 2, "--resume")
        if again.code != PASSES:
            case.wrong(f"--resume: exit code {again.code}: {again.said}")
        case.check_finished("after --resume")
    shutil.rmtree(case.folder)
    return refused.met > 0, case.faults


def run_series(runners, build, top, kind, forever, error, codes, every):
    """(cases, faults): each number in its turn, some at the same time, until one has not met its call."""
    cases, faults, first = 0, [], 1
    batch = 8
    while True:
        numbers = [first + k * every for k in range(batch)]
        done = [runners.submit(try_case, build, top / f"{kind}-{number}", kind, number, forever, error, codes)
                for number in numbers]
        ended = False
        for number, future in zip(numbers, done):
            met, wrong = future.result()
            cases += met
            ended = ended or not met
            faults += [f"call {number}{' and all after it' if forever else ''}: {text}" for text in wrong]
        if ended:
            return cases, faults
        first = numbers[-1] + every


def main():
    arguments = sys.argv[1:]
    every = 4 if sampling.is_long() else 16
    if "--every" in arguments:
        place = arguments.index("--every")
        every = int(arguments[place + 1])
        del arguments[place:place + 2]
    if len(arguments) < 2:
        sys.exit(__doc__)
    build, top = pathlib.Path(arguments[0]).resolve(), pathlib.Path(arguments[1]).resolve()
    top.mkdir()
    tap, total = Tap(), 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)) + 1) as runners:
        for kind, error, codes in SERIES:
            if len(arguments) > 2 and kind != arguments[2]:
                continue
            for forever in (False, True):
                title = f"calls: tilework run, {kind}: {errno.errorcode[error]}, {'forever' if forever else 'once'}"
                if len(arguments) > 3:
                    met, faults = try_case(build, top / "one", kind, int(arguments[3]), forever, error, codes)
                    tap.check(f"{title}, call {arguments[3]}{'' if met else ', not met'}", faults)
                    continue
                cases, faults = run_series(runners, build, top, kind, forever, error, codes,
                                           every if kind == "malloc" else 1)
                if cases == 0:
                    faults.append("no such call was met")
                tap.check(f"{title}: {cases} cases", faults[:MOST_SHOWN])
                total += cases
    print(f"# calls {total} cases of the command")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
