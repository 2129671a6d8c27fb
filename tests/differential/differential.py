"""Random statements against NumPy: `differential.py BUILD [--seed N] [--case K]`. Prints TAP.

Every case is made from the seed and its number alone, so that one that failed is run again by them. One that fails is
made smaller as long as it still fails, and printed with all that it needs."""

import argparse
import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time
import traceback

import numpy

import generator
import shrink
from batch import Loaded, Wrong, compile_sources, join_sources, levels_here, open_library
from judge import judge

HERE = pathlib.Path(__file__).resolve().parent
EXPRESSIONS = 20_000
SHOWN = 2  # failures of a batch that are made smaller

# How the kernels of a batch are compiled: the share of all cases, and how many become one source. `public` is the way
# of users: every kernel by itself, by the library, with its own flags, serially and on threads. `levels` compiles each
# source for every level of the processor's family that this machine runs, and `portable` has the library do that: the
# bits are the same on each.
WAYS = {"clang-O0": (0.65, 240), "gcc-O0": (0.15, 240), "gcc": (0.13, 120), "clang": (0.04, 120),
        "native": (0.015, 60), "native-clang": (0.015, 60)}  # fmt: skip
LEVELS = {"levels": (0.005, 60)} if levels_here() else {}
PUBLIC = 24  # cases
PORTABLE = 6


def load(library, cases, wrong):
    """The cases that the library takes, with their kernels' C: {number: (loaded, source)}."""
    found = {}
    for case in cases:
        wrong[case.number] = None
        try:
            loaded = Loaded(library, case)
            found[case.number] = loaded, loaded.source()
        except Wrong as error:
            wrong[case.number] = str(error)
    return found


def run_cases(library, cases, way, folder):
    """What is wrong with each case, None where nothing is."""
    wrong = {}
    found = load(library, cases, wrong)
    modules = {}
    try:
        if way not in ("public", "portable"):
            source = join_sources({number: source for number, (_, source) in found.items()})
            for each in levels_here() if way == "levels" else [way]:
                modules[each] = compile_sources(source, each, folder)
    except Wrong as error:
        for number, (loaded, _) in found.items():
            loaded.close()
            wrong[number] = str(error)
        if len(found) > 1:  # who is it?
            for case in cases:
                if case.number in found:
                    wrong |= run_cases(library, [case], way, folder)
        return wrong
    for case in cases:
        if case.number not in found:
            continue
        one = found[case.number][0]
        (pathlib.Path(folder) / "running").write_text(str(case.number))
        try:
            if way == "portable":
                judge(case, same_on_each(one, levels_here() or ["baseline"], lambda level: take_level(one, level)))
            elif way == "public":
                one.compile()
                for pool in library.pools:
                    judge(case, one.compute(pool))
            else:
                judge(case, same_on_each(one, modules, lambda each: one.adopt(modules[each][f"kernel_{case.number}"])))
        except Wrong as error:
            wrong[case.number] = str(error)
        one.close()
    return wrong


def take_level(one, level):
    """Takes the library's portable kernel; which level is chosen when the object is opened."""
    one.close()
    os.environ["TILEWORK_LEVEL"] = level
    try:
        one.__init__(one.library, one.case)
        one.compile(portable=True)
    finally:
        del os.environ["TILEWORK_LEVEL"]


def same_on_each(one, names, take):
    """What the case computes with each of these kernels, which must be the same bits."""
    first = None
    for name in names:
        one.drop()
        take(name)
        found = one.compute()
        first = first or (name, found)
        for operand, values in found.items():
            if values.tobytes() != first[1][operand].tobytes():
                raise Wrong(f"{operand} has other bits at level {name} than at {first[0]}")
    return first[1]


def describe(case, seed, why):
    lines = [f"statement: {case.text()}"]
    lines += [f"  lengths {case.lengths}" + (f", edges {case.edges}" if case.edges else "")
              + (f", parameters {case.parameters}" if case.parameters else "")]  # fmt: skip
    for name, values in case.arrays.items():
        lines.append(f"  {name}: {values.dtype} {values.shape} ({case.memory[name].text()}) = "
                     f"{' '.join(repr(values).split())[:400]}")  # fmt: skip
    lines += [f"  {name} should be {wish}" for name, wish in case.wishes.items()]
    lines += [f"  {why}", f"  again: --seed {seed} --case {case.number}"]
    return "\n".join(lines)


def work(build, seed, numbers, way, folder, sender):
    """One batch, in a process of its own, which a kernel may bring down. Sends (counts, failures)."""
    try:
        sender.send(look_at(build, seed, numbers, way, folder))
    except Exception:  # a mistake in here
        sender.send((collections.Counter(), [f"{way}, cases {numbers[0]} to {numbers[-1]}: {traceback.format_exc()}"]))


def look_at(build, seed, numbers, way, folder):
    numpy.seterr(all="ignore")
    library = open_library(build, folder)
    cases = [generator.make_case(seed, number) for number in numbers]
    counts, failures = collections.Counter(), []
    for case in cases:
        counts["expressions"] += len(case.statements)
        counts["statements"] += len(case.plan())
        counts["runs"] += len(case.grids)
    wrong = run_cases(library, cases, way, folder)
    for case in cases:
        why = wrong[case.number]
        if why is not None:
            if len(failures) < SHOWN and way not in ("public", "portable"):  # whose compilations take too long
                case, why = shrink.smaller(case, why, lambda some: run_cases(library, some, way, folder))
            failures.append(f"{way}: {describe(case, seed, why)}")
    return counts, failures


def run_batch(build, seed, numbers, way):
    """The same from outside: a crash is a failure of the case that was running."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="differential-") as folder:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(build, seed, numbers, way, folder, sender))
        process.start()
        sender.close()
        try:
            return receiver.recv()
        except EOFError:
            process.join()
            running = pathlib.Path(folder, "running")
            number = int(running.read_text()) if running.exists() else numbers[0]
            case = generator.make_case(seed, number)
            why = f"crashed: the process ended with {process.exitcode}, in this case or in one made of it"
            return collections.Counter(), [f"{way}: {describe(case, seed, why)}"]
        finally:
            process.join()


def plan_batches(expressions):
    """(case numbers, way) of each batch: about as many expressions as asked for, 1.8 a case."""
    first, batches = 0, []
    for way, (share, size) in {**WAYS, **LEVELS, "public": (PUBLIC, PUBLIC // 4), "portable": (PORTABLE, PORTABLE // 2)}.items():
        left = share if share >= 1 else int(expressions * share / 1.75) + 1
        while left > 0:
            batches.append((range(first, first + min(size, left)), way))
            first += size
            left -= size
    return batches


def main():
    parser = argparse.ArgumentParser(description="Random statements against NumPy.")
    parser.add_argument("build", help="build folder of Tilework")
    parser.add_argument("--seed", type=int, help="default: another one every time")
    parser.add_argument("--case", type=int, help="this case alone, in every way")
    parser.add_argument("--expressions", type=int, default=EXPRESSIONS)
    parser.add_argument("--way", help="this compiler alone")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    build = str(pathlib.Path(options.build).resolve())
    print(f"# seed {seed}", flush=True)
    began = time.monotonic()
    if options.case is not None:
        batches = [([options.case], way) for way in ([options.way] if options.way else [*WAYS, *LEVELS, "public", "portable"])]
    else:
        batches = plan_batches(options.expressions)
        batches = [(numbers, options.way or way) for numbers, way in batches]
    total, ways, failures = collections.Counter(), collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(options.workers) as workers:
        for (_, way), (counts, wrong) in zip(batches, workers.map(lambda b: run_batch(build, seed, *b), batches)):
            total += counts
            ways[way] += counts["expressions"]
            failures += wrong
    for text in failures[:40]:
        print("# " + text.replace("\n", "\n# "))
    print(f"# {total['expressions']:,} expressions in {time.monotonic() - began:.0f} s "
          f"({', '.join(f'{way} {count:,}' for way, count in ways.items())}; with the parts that are looked at by "
          f"themselves {total['statements']:,} statements; {total['runs']:,} runs), "
          f"{len(failures)} cases failed")  # fmt: skip
    enough = options.case is not None or total["expressions"] >= min(options.expressions, EXPRESSIONS)
    print(f"{'not ' if failures else ''}ok 1 - random statements are NumPy's on every grid (seed {seed})")
    print(f"{'' if enough else 'not '}ok 2 - as many expressions as asked for were run\n1..2")
    return 1 if failures or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
