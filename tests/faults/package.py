#!/usr/bin/env python3
"""Every point of src/os/fault.c x {kill a worker, kill the program, error}, in a program in Python that writes files.

    package.py BUILD-FOLDER PYTHON PACKAGE-FOLDER NEW-FOLDER [POINT]

PACKAGE-FOLDER contains the NumPy package with a library of a fault build, PYTHON is an interpreter that has NumPy. After
each: the bytes of the outputs, the processes and files that are left; after the program was killed or has failed, the same
call with resume=True, which must compute the missing tiles and no others. Each point meets each action in one of the settings,
in all of them if POINT is given or TILEWORK_TEST_LONG=1. Writes TAP, and how many cases there are.
"""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import sys

import matrix
from case import ROWS, Case, Job

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
from tap import Tap  # noqa: E402

SETTINGS = [(matrix.Setting("processes", 2), ("kill-worker", "kill-parent", "error")),
            (matrix.Setting("threads", 2), ("kill-parent", "error")),
            (matrix.Setting("processes", 2, reduces=True), ("kill-worker", "kill-parent"))]


class PackageCase(Case):
    """A case whose command is a program in Python."""

    def __init__(self, folder, python, package, job):
        super().__init__(folder, python, "", job)
        os.environ["PYTHONPATH"] = str(package)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    def words(self, pool, workers, options):
        return [self.command, str(TOP / "tests" / "faults" / "package_job.py"), pool, str(workers), str(int(self.job.reduces)), *options]


def expected_codes(point, action, setting):
    """A program that has failed says so and ends with 1."""
    if action == "kill-parent":
        return (-signal.SIGKILL,)
    if action == "error" and point.takes_error:
        return (0,) if point.name == "fork.before" and setting.workers > 1 else (0, 1) if point.name == "populate.before" else (1,)
    return (0,)


def run_case(place, point, action, setting):
    """Gives what was wrong."""
    case = PackageCase(*place, Job(setting.reduces))
    pace = case.folder / "pace"
    if point.has("records"):
        pace.write_text(str(matrix.PACE * setting.workers // ROWS))
    fault = matrix.fault_text(point, action, setting)
    run = case.run(setting.pool, setting.workers, fault=fault)
    pace.unlink(missing_ok=True)
    said = run.said
    matrix.check_first(case, run, point, action, setting, expected_codes(point, action, setting))
    if run.code == 0:
        case.check_finished("after the run")
    else:
        case.check_unfinished("after the run")
        recorded = case.recorded()
        again = case.run(setting.pool, setting.workers, "--resume")
        if again.code != 0:
            case.wrong(f"resume: exit code {again.code}")
        if sorted(again.tiles) != sorted(set(range(ROWS)) - recorded):
            case.wrong(f"resume ran tiles {sorted(again.tiles)}; recorded were {sorted(recorded)}")
        case.check_finished("after resume")
        said += again.said
    if case.faults:
        case.faults.append(f"faults={fault!r} log={run.faults}")
        case.faults += said.splitlines()[-12:]
    else:
        shutil.rmtree(case.folder)
    return case.faults


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    build, python, package, top = (pathlib.Path(word).absolute() for word in sys.argv[1:5])
    points = matrix.table(build)
    chosen = [point for point in points.values()
              if not point.has("nodes") and (len(sys.argv) < 6 or point.name == sys.argv[5])]
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as runners:
        cases = [(setting, action) for setting, actions in SETTINGS for action in actions]
        run, skipped = matrix.divided(cases, chosen, whole=len(sys.argv) > 5)
        begun = [runners.submit(run_case, (top / str(number), python, package), *case) for number, case in enumerate(run)]
        for (point, action, setting), done in zip(run, begun):
            tap.check(f"package: {action} at {point.name}, {setting.text()}", done.result())
    print(matrix.counts(f"{len(chosen)} from Python", run, skipped))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
