#!/usr/bin/env python3
"""Every point of src/os/fault.c x {kill a worker, kill the program, error}, in a program in Python that writes files.

    package.py BUILD-FOLDER PYTHON PACKAGE-FOLDER NEW-FOLDER [POINT]

PACKAGE-FOLDER contains the NumPy package with a library of a fault build, PYTHON is an interpreter that has NumPy. After
each: the bytes of the outputs, the processes and files that are left; after the program was killed or has failed, the same
call with resume=True, which must compute the missing tiles and no others. Writes TAP, and how many cases there are.
"""

import collections
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
    tap, remarks = Tap(), []
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as runners:
        for setting, actions in SETTINGS:
            skipped, begun = collections.Counter(), []
            for action in actions:
                for point in chosen:
                    reason = matrix.why_not(point, action, setting)
                    if reason is not None:
                        skipped[reason] += 1
                        continue
                    folder = top / f"{setting.pool}-{int(setting.reduces)}-{action}-{point.name}"
                    begun.append((f"package: {action} at {point.name}, {setting.text()}",
                                  runners.submit(run_case, (folder, python, package), point, action, setting)))
            for name, done in begun:
                tap.check(name, done.result())
            not_applied = "; ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
            remarks.append(f"# points {len(chosen)} from Python, {setting.text()}: {len(chosen) * len(actions)} cases, "
                           f"{len(begun)} run, {sum(skipped.values())} not applicable ({not_applied})")
    print("\n".join(remarks))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
