"""What the test runner stands on: commands with a time limit and a log, and counts taken from TAP, Meson and JUnit.

Knows nothing of Tilework. Standard library alone.
"""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as xml

TAP_LINE = re.compile(r"^(not ok|ok)\b(.*)$", re.MULTILINE)
TAP_PLAN = re.compile(r"^1\.\.(\d+)$", re.MULTILINE)
PATIENCE = 1.0  # by which every limit of time is multiplied
MESON_BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


@dataclasses.dataclass
class Outcome:
    """Tests that ran, and for each that failed a title and its output in full."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)
    remarks: list = dataclasses.field(default_factory=list)

    def fail(self, title, output=""):
        self.failed += 1
        self.failures.append((title, output))

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.remarks += other.remarks

    def text(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclasses.dataclass
class Command:
    """A command that has ended: its exit code (None: out of time) and all it wrote."""

    code: int
    output: str
    seconds: float


def run(command, env=None, seconds=600, cwd=None):
    """Runs a command with no standard input; when its time is up it ends together with all that it started."""
    began = time.monotonic()
    words = [str(word) for word in command]
    environment = {**os.environ, **{key: str(value) for key, value in (env or {}).items()}}
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=environment, cwd=cwd, start_new_session=True)
    except OSError as error:
        return Command(127, f"{words[0]}: {error.strerror}\n", 0.0)
    try:
        output, _ = process.communicate(timeout=seconds * PATIENCE)
        code = process.returncode
    except BaseException as stop:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        if not isinstance(stop, subprocess.TimeoutExpired):
            raise
        code = None
        output += f"\n(ended after {seconds * PATIENCE:g} s)\n".encode()
    return Command(code, output.decode(errors="replace"), time.monotonic() - began)


def count_tap(title, text, bad=False):
    """Counts a TAP text. `bad`: the program itself ended badly, which is a failure even where no line says so."""
    outcome = Outcome()
    for verdict, rest in TAP_LINE.findall(text):
        if re.search(r"#\s*skip", rest, re.IGNORECASE):  # cmocka writes "not ok" here
            outcome.skipped += 1
        elif verdict == "ok":
            outcome.passed += 1
        else:
            outcome.failed += 1
    planned = sum(map(int, TAP_PLAN.findall(text)))
    if planned > outcome.passed + outcome.failed + outcome.skipped:
        text += f"\n({planned} tests were planned)\n"
        bad = True
    if bad and not outcome.failed:
        outcome.failed = 1
    if outcome.failed:
        outcome.failures.append((title, text))
    return outcome


def count_program(title, command, **options):
    """Runs a program that writes TAP, and counts it."""
    done = run(command, **options)
    outcome = count_tap(title, done.output, bad=done.code != 0)
    if not outcome.passed + outcome.failed + outcome.skipped:
        outcome.fail(title, done.output + "\n(it ran no test)\n")
    return outcome


def count_meson(log, title):
    """Counts a Meson test log (testlog.json): each subtest of a TAP test, or the test itself where it has none."""
    outcome = Outcome()
    path = pathlib.Path(log)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    for line in lines:
        test = json.loads(line)
        name = f"{title}: {test['name']}"
        text = "".join(f"{test.get(stream) or ''}\n" for stream in ("stdout", "stderr"))
        bad = test["result"] in MESON_BAD
        counted = count_tap(name, test.get("stdout") or "", bad)
        if counted.failed:
            counted.failures = [(f"{name} ({test['result'].lower()}, exit code {test.get('returncode')})", text)]
        elif not counted.passed + counted.skipped:
            if test["result"] == "SKIP":
                counted.skipped = 1
            else:
                counted.passed = 1
        outcome.add(counted)
    return outcome


def count_junit(path, title, output):
    """Counts a JUnit file as pytest writes it."""
    outcome = Outcome()
    if not pathlib.Path(path).exists():
        outcome.fail(title, output)
        return outcome
    for case in xml.parse(path).getroot().iter("testcase"):
        bad = [part for part in case if part.tag in ("failure", "error")]
        if bad:
            outcome.fail(f"{title}: {case.get('classname')}.{case.get('name')}",
                         "\n".join(part.text or part.get("message") or "" for part in case))
        elif case.find("skipped") is not None:
            outcome.skipped += 1
        else:
            outcome.passed += 1
    return outcome
