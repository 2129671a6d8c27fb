#!/usr/bin/env python3
"""Has Spin look at every state of the models of the protocols, docs/claims.pml, records.pml and nodes.pml: `model.py [FOLDER]`.

Each configuration is one test: the right ones must hold in every state, the broken ones must be refuted. The large ones run if
TILEWORK_TEST_LONG=1; each has a smaller one beside it. Closes with the number of states. Says that it is skipped where Spin is not there.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
import sampling  # noqa: E402
from tap import Tap  # noqa: E402

MODELS = pathlib.Path(__file__).resolve().parents[2] / "docs"
MEGABYTES = 950  # for each of two at a time
SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One way to run the model. `live`: look for runs that never end, every process that can take a step taking one in the
    end; else for a broken assertion or a state that nobody leaves. `broken`: Spin must find fault with it. `large`: for make test-long."""

    what: str
    defines: tuple
    live: bool = False
    broken: bool = False
    model: str = "claims"
    large: bool = False


def sizes(workers, tiles, deaths, *others):
    return (f"WORKERS={workers}", f"TILES={tiles}", f"DEATHS={deaths}", *others)


def nodes(members, tiles, deaths, *others):
    return (f"MEMBERS={members}", f"TILES={tiles}", f"DEATHS={deaths}", *others)


CONFIGURATIONS = [
    Configuration("3 workers, 2 tiles, 1 death at any step", sizes(3, 2, 1), large=True),  # the longest first
    Configuration("3 workers, 1 tile, 1 death at any step", sizes(3, 1, 1)),
    Configuration("3 workers, 4 tiles, nobody dies", sizes(3, 4, 0)),
    Configuration("2 workers, 4 tiles, 2 deaths at any steps", sizes(2, 4, 2)),
    Configuration("2 workers, 3 tiles, 3 deaths: a tile may be given up", sizes(2, 3, 3), large=True),
    Configuration("2 workers, 2 tiles, 3 deaths: a tile may be given up", sizes(2, 2, 3)),
    Configuration("2 of 3 tiles fail, 1 death", sizes(2, 3, 1, "FAILURES=2"), large=True),
    Configuration("2 of 2 tiles fail, 1 death", sizes(2, 2, 1, "FAILURES=2")),
    Configuration("a stop at any moment, 1 death", sizes(2, 3, 1, "STOP")),
    Configuration("2 workers cannot be replaced", sizes(2, 3, 2, "REFUSALS=2")),
    Configuration("workers retire after each tile, 1 death", sizes(2, 3, 1, "TILES_PER_WORKER=1")),
    Configuration("2 jobs, one after the other, 2 deaths", sizes(2, 2, 2, "JOBS=2")),
    Configuration("1 of 4 tiles was done before, 1 death", sizes(2, 4, 1, "EARLIER=1")),
    Configuration("a second step of 2 tiles reads what the first of 2 has written, 2 deaths", sizes(2, 4, 2, "SPLIT=2")),
    Configuration("a second step, a tile of either fails, 1 death", sizes(2, 3, 1, "SPLIT=2", "FAILURES=1")),
    Configuration("the run ends: 2 steps, 1 death", sizes(2, 3, 1, "SPLIT=2"), live=True),
    Configuration("the run ends: 3 tiles, 1 death", sizes(2, 3, 1), live=True),
    Configuration("the run ends: 2 tiles, 2 deaths", sizes(2, 2, 2), live=True),
    Configuration("the run ends: a tile fails, 1 death", sizes(2, 2, 1, "FAILURES=1"), live=True),
    Configuration("the run ends: a stop, 1 death", sizes(2, 2, 1, "STOP"), live=True),
    Configuration("the run ends: a worker cannot be replaced, 2 deaths", sizes(2, 2, 2, "REFUSALS=1"), live=True),
    Configuration("the run ends: workers retire, 1 death", sizes(2, 2, 1, "TILES_PER_WORKER=1"), live=True),
    Configuration("refuted: tiles are freed before their worker is reaped", sizes(2, 3, 2, "BROKEN"), broken=True),
    Configuration("refuted: who replaces the dead does not sweep", sizes(2, 3, 1, "BROKEN_NO_SWEEP"), broken=True),
    Configuration("refuted: the caller does not wait until nobody is inside", sizes(2, 2, 0, "BROKEN_NO_WAIT"),
                  broken=True),
    Configuration("refuted: a failed job ends when all slots look left",
                  sizes(2, 3, 1, "FAILURES=1", "BROKEN_EARLY_END"), broken=True),
    Configuration("refuted: a thief puts all that it steals into its run", sizes(2, 2, 0, "BROKEN_PING_PONG"),
                  live=True, broken=True),
    Configuration("refuted: a second step begins after a tile was given up", sizes(2, 4, 2, "SPLIT=2", "BROKEN_STEP"),
                  broken=True),
    *(Configuration(what, defines, model="records", broken=what.startswith("refuted")) for what, defines in (
        ("records of 3 steps, 2 crashes, partials lost once", ()),
        ("records of 3 steps, 3 parts, 1 crash, partials lost once", ("PARTS=3", "CRASHES=1")),
        ("refuted: a step overwrites what is not recorded", ("BROKEN_NO_BARRIER",)),
        ("refuted: records are written before partials are synced", ("BROKEN_NO_SYNC",)),
        ("refuted: what a missing tile overwrites does not get its first values back", ("BROKEN_NO_RESTORE",)),
        ("refuted: records of lost partials are believed", ("BROKEN_BELIEVES",)))),
    *(Configuration(what, defines, model="nodes", broken=what.startswith("refuted"), live="the run ends" in what)
      for what, defines in (
        ("2 nodes, 2 tiles, 2 deaths at any steps", nodes(2, 2, 2)),
        ("2 nodes, 3 tiles, 1 death", nodes(2, 3, 1)),
        ("3 nodes, 1 tile, 1 death", nodes(3, 1, 1)),
        ("2 nodes, 2 outputs, 1 death", nodes(2, 2, 1, "OUTS=2")),
        ("2 nodes, a second step reads what the first has written, 1 death", nodes(2, 3, 1, "SPLIT=1")),
        ("2 nodes, a tile fails, 1 death", nodes(2, 2, 1, "FAILURES=1")),
        ("the same job is restarted beside a node, 1 death", nodes(2, 2, 1, "RESTART", "FOLDERS=5")),
        ("another job is started in its place, 2 outputs, 1 death", nodes(2, 2, 1, "RESTART", "OTHER_JOB", "OUTS=2", "FOLDERS=5")),
        ("another job comes without --restart, 1 death", nodes(2, 2, 1, "OTHER_JOB")),
        ("the run ends: 2 nodes, 2 tiles, 1 death, intents that stay", nodes(2, 2, 1, "INTENTS")),
        ("refuted: records are written before the parts are synced", nodes(2, 2, 1, "BROKEN_NO_SYNC")),
        ("refuted: an intent is taken for a record", nodes(2, 2, 1, "INTENTS", "BROKEN_INTENT_IS_RECORD")),
        ("refuted: a tile is computed in place", nodes(2, 2, 0, "BROKEN_IN_PLACE")),
        ("refuted: a second step begins before the first is recorded", nodes(2, 3, 0, "SPLIT=1", "BROKEN_STEP")),
        ("refuted: nobody looks a second time at the finished files", nodes(2, 2, 0, "OTHER_JOB", "BROKEN_NO_SECOND_LOOK")),
        ("refuted: --restart leaves the parts to those who have them open", nodes(2, 2, 0, "RESTART", "OTHER_JOB", "BROKEN_RESTART")),
        ("refuted: outputs get their names before their fingerprints", nodes(2, 2, 0, "BROKEN_LATE_PRINT")),
        ("refuted: a committer does not write what makes a part a file", nodes(2, 2, 0, "BROKEN_NO_MAGIC")),
        ("refuted: the run folder is removed before the names are synced", nodes(2, 2, 0, "BROKEN_NO_FOLDER_SYNC")),
        ("refuted: a committer removes whatever folder has the name", nodes(2, 2, 0, "RESTART", "FOLDERS=5", "BROKEN_REMOVES_BY_NAME")),
        ("refuted: the run ends though intents are respected forever", nodes(2, 2, 1, "INTENTS", "BROKEN_RESPECT")))),
]


def call(command, folder):
    return subprocess.run([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)


def judge(configuration, output):
    """(what is wrong: lines; states). A search that was cut short is wrong too."""
    states = re.search(r"(\d[\d.e+]*) states, stored", output)
    states = int(float(states[1])) if states else 0
    fault = re.search(r"^pan:\d+: (.*)$", output, re.MULTILINE)
    whole = "Search not completed" not in output and "errors: 0" in output
    lines = output.strip().splitlines()[:12]
    if configuration.broken:
        return ([] if fault else ["Spin finds no fault with it, though it is broken", *lines]), states
    if fault or not whole or not states:
        return [fault[1] if fault else "the search was not completed", *lines], states
    return [], states


def search(folder_of_models, configuration):
    """Runs Spin on one configuration: (faults, states)."""
    model = folder_of_models / f"{configuration.model}.pml"
    defines = [f"-D{name}" for name in configuration.defines] + (["-DLIVE"] if configuration.live else [])
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = call(["spin", "-a", *defines, model], folder)
            if made.returncode == 0:
                kind = ["-DCOLLAPSE"] if configuration.live else ["-DCOLLAPSE", "-DSAFETY", "-DNOCLAIM"]
                # Width first, the first fault found is the shortest way to it.
                kind += ["-DBFS"] if configuration.broken and not configuration.live else []
                effort = "-O1" if configuration.large else "-O0"  # the compiler takes longer than the search of most
                made = call(["gcc", effort, "-w", f"-DMEMLIM={MEGABYTES}", *kind, "pan.c", "-o", "pan"], folder)
            if made.returncode != 0:
                return made.stdout.strip().splitlines()[-5:], 0
            fair = ["-a", "-f"] if configuration.live else []
            return judge(configuration, call(["./pan", "-m200000", *fair], folder).stdout)
        except subprocess.TimeoutExpired:
            return [f"it took longer than {SECONDS} s"], 0


def main():
    models = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else MODELS).resolve()
    tap = Tap()
    if shutil.which("spin") is None:
        tap.skip("the models of the protocols", "spin is not there")
        return tap.end()
    total = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(2, len(os.sched_getaffinity(0)))) as workers:
        chosen = [configuration for configuration in CONFIGURATIONS if not configuration.large or sampling.is_long()]
        found = workers.map(lambda configuration: search(models, configuration), chosen)
        for configuration, (faults, states) in zip(chosen, found):
            total += 0 if configuration.broken else states
            tap.check(f"{configuration.what}{'' if configuration.broken else f': {states:,} states'}", faults)
    print(f"# {total:,} states explored")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
