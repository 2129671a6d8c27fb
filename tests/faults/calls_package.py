#!/usr/bin/env python3
"""The k-th call of the C library fails in a run from Python, k = 1, 2, ... until the run has not met the failure.

    calls_package.py BUILD-FOLDER PYTHON PACKAGE-FOLDER NEW-FOLDER [JOB [KIND [NUMBER]]]

PACKAGE-FOLDER contains the NumPy package, PYTHON is an interpreter that has NumPy, with refuse.so preloaded. The job is that
of calls_package_job.py: files from files, one of them with a halo. After each case: the right bytes, or one of the exceptions
that fit; then the same call with resume=True and nothing refused, which must finish; then what is left is looked for. Each job
is a process of its own. Writes TAP, and how many cases there were.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
from tap import Tap  # noqa: E402

JOBS = ("threads", "processes")
PATIENCE = 600  # seconds for a job


def run_job(build, python, package, folder, job, *more):
    refuse = build / "tests" / "faults" / "refuse.so"
    environment = {**os.environ, "LD_PRELOAD": str(refuse), "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    folder.mkdir(parents=True)
    program = TOP / "tests" / "faults" / "calls_package_job.py"
    try:
        done = subprocess.run([python, "-X", "faulthandler", program, refuse, job, *more], cwd=folder, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    place = [pathlib.Path(word).absolute() for word in sys.argv[1:5]]
    jobs, more = sys.argv[5:6] or JOBS, sys.argv[6:]
    tap, cases, ended = Tap(), 0, 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as runners:
        begun = [(job, runners.submit(run_job, *place[:3], place[3] / job, job, *more)) for job in jobs]
        for job, done in begun:
            code, said = done.result()
            lines = place[3] / job / "series"
            series = re.findall(r"^(\w.*): (\d+) cases, (\d+) of which ended with an error((?:\n  .*)*)",
                                lines.read_text(encoding="utf-8") if lines.exists() else "", re.MULTILINE)
            for title, met, failed, wrong in series:
                tap.check(f"calls: tw.run on {job}, {title}: {met} cases", wrong.splitlines()[1:])
                cases, ended = cases + int(met), ended + int(failed)
            if code != 0 or not series:
                tap.check(f"calls: tw.run on {job}", [f"it ended with {code}", *said.splitlines()[-20:]])
    print(f"# calls {cases} cases, {ended} of which ended with an error")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
