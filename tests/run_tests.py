#!/usr/bin/env python3
"""Runs every test, part by part, and closes with what passed and failed.

A part (tests/parts.py) in which no test ran has failed, unless it may be skipped and says so. With --beside the parts run
while other work keeps the processors busy, with --times several times in a row: a test that fails then waits for a time
where it should wait for a fact. Standard library alone.
"""

import argparse
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import subprocess
import sys
import time
import traceback

import harness
from harness import Outcome
from parts import ALONE, BUILD, CORES, MAY_BE_SKIPPED, PARTS, Effort

FORK = multiprocessing.get_context("fork")

# What else a machine does: a loop that ends when the runner is gone.
LOOP = "import os\nrunner = os.getppid()\nwhile os.getppid() == runner:\n    sum(range(100_000))\n"


@contextlib.contextmanager
def busy(loops):
    """That many processes that compute without end, beside what is run meanwhile."""
    running = [subprocess.Popen([sys.executable, "-c", LOOP], stdin=subprocess.DEVNULL) for _ in range(loops)]
    try:
        yield
    finally:
        for loop in running:
            loop.kill()
        for loop in running:
            loop.wait()


def processor_seconds():
    """Processor time of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_part(name, sender):
    """Runs one part, in a process of its own: sends its outcome and the line that says so."""
    began = time.monotonic()
    try:
        outcome = PARTS[name]()
    except Exception:  # the runner's own fault, which must not pass for a test that was not there
        outcome = Outcome()
        outcome.fail(name, traceback.format_exc())
    if not outcome.passed + outcome.failed and not (outcome.skipped and name in MAY_BE_SKIPPED):
        outcome.fail(name, "no test ran in this part\n")
    remarks = f"  ({'; '.join(outcome.remarks)})" if outcome.remarks else ""
    seconds = time.monotonic() - began
    cores = processor_seconds() / seconds
    sender.send((outcome, f"{name:<12} {outcome.text():<40} {seconds:6.1f} s, {cores:.1f} cores{remarks}"))


def start_part(name):
    """The part begins to run: its process, and where its outcome comes from."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=run_part, args=(name, sender))
    process.start()
    sender.close()
    return process, receiver


def end_part(name, process, receiver):
    """Takes the outcome of a part that has ended, and prints its line."""
    try:
        outcome, line = receiver.recv()
    except EOFError:
        outcome, line = Outcome(), f"{name:<12} ended without an outcome"
        outcome.fail(name, "the process that ran this part has died\n")
    process.join()
    print(line, flush=True)
    return outcome


def run_parts(names, lanes):
    """Runs the parts, as many at a time as there are lanes, and prints what failed. Gives the sum of their outcomes.

    Most parts wait now and then, so that two of them keep two processors busier than one does."""
    total = Outcome()
    began = time.monotonic()
    waiting = sorted(names, key=lambda name: name in ALONE)  # these come last
    running = {}  # receiver: (name, process)
    while waiting or running:
        while waiting and (not running if waiting[0] in ALONE else len(running) < lanes):
            name = waiting.pop(0)
            process, receiver = start_part(name)
            running[receiver] = name, process
        for receiver in multiprocessing.connection.wait(list(running)):
            total.add(end_part(*running.pop(receiver), receiver))
    print(f"{'all':<12} {'':<40} {time.monotonic() - began:6.1f} s")
    for title, output in total.failures:
        print(f"\n==== failed: {title}\n{output.rstrip()}")
    print_closing(total)
    return total


def why(output):
    """The line of a failed test's output that says most: pytest marks it with an E, a TAP test says "not ok", else it is the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E  ")] or [line for line in lines if line.startswith("not ok")]
    return (marked or lines[-1:] or [""])[0][:240]


def print_closing(total):
    """The last lines of a run: the names of all that failed and why, so that the end of a log has them, and the counts."""
    if total.failures:
        print("\nfailed:")
        for title, output in total.failures:
            print(f"    {title}: {why(output)}")
    print(total.text(), flush=True)


def at_least(least):
    """Reads the number of an option, which may not be below `least`."""
    def number(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value
    return number


def main():
    parser = argparse.ArgumentParser(description="Build every variant of Tilework and run all of its tests.")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART",
                        help=f"run this part alone (may be given again): {', '.join(PARTS)}")
    parser.add_argument("--long", action="store_true",
                        help="all cases, not samples of them; fuzz, soak and try random statements for about an hour, from seeds that are new in every run")
    parser.add_argument("--beside", type=at_least(0), default=0, metavar="N", help="keep N busy loops running meanwhile")
    parser.add_argument("--lanes", type=at_least(1), default=2, metavar="N",
                        help="parts that run at the same time, 1 for one after the other; default 2")
    parser.add_argument("--times", type=at_least(1), default=1, metavar="K", help="run everything K times; the builds are kept")
    options = parser.parse_args()
    if options.long:
        Effort.make_long()
    # Limits are for what hangs: beside other parts and busy loops everything takes longer.
    harness.PATIENCE = options.lanes * (1 + options.beside / CORES)
    BUILD.mkdir(parents=True, exist_ok=True)
    # A shell starts what it puts into the background with Ctrl-C ignored; many tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What a Makefile passes down would reach the `make` that the tests call.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PREFIX", "DESTDIR", "ARGS"):
        os.environ.pop(name, None)
    totals = []
    with busy(options.beside):
        for number in range(1, options.times + 1):
            if options.times > 1:
                print(f"-- run {number} of {options.times}", flush=True)
            totals.append(run_parts(options.only or PARTS, options.lanes))
    if options.times > 1:
        everything = Outcome()
        for total in totals:
            everything.add(total)
        good = sum(not total.failed for total in totals)
        beside = f" beside {options.beside} busy loops" if options.beside else ""
        print(f"\n{good} of {options.times} runs passed{beside}")
        print_closing(everything)
    return 1 if any(total.failed for total in totals) else 0


if __name__ == "__main__":
    sys.exit(main())
