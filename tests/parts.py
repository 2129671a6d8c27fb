"""The parts of `make test`: each builds the variant that it needs, with warnings as errors, and gives an Outcome.

What the parts need is set up by tools/build/setup.sh. Standard library alone.
"""

import concurrent.futures
import fcntl
import functools
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import tempfile

import harness
from harness import Outcome, count_junit, count_meson, count_program, count_tap, run

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build" / "test"
PYTHON = TOP / "build" / "venv" / "bin" / "python"
SEED = 3364495560  # of the random statements of `make test`
CORES = len(os.sched_getaffinity(0))


class Effort:
    """How long the parts without an end of their own run: `make test`, or with --long `make test-long`. How many cases
    others have says tests/sampling.py."""
    fuzz = 10  # seconds for each target
    soak = 10  # seconds
    nodes = False  # all tests on nodes
    one_in = 4  # of many cases one in so many is tried under the sanitizers and valgrind (one_in() in tests/unit/harness.h)
    expressions = 700  # random statements, about 30 seconds
    reductions = 200  # random ones, about 20 seconds
    seed = SEED  # None: another one in every run

    @classmethod
    def make_long(cls):
        cls.fuzz, cls.soak, cls.nodes, cls.one_in, cls.expressions, cls.reductions, cls.seed = 300, 300, True, 1, 200_000, 5_000, None
        os.environ["TILEWORK_TEST_LONG"] = "1"  # tests/sampling.py


SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "halt_on_error=1:strict_string_checks=1:allocator_may_return_null=1:detect_leaks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1:"
                    f"suppressions='{TOP / 'tests' / 'race_suppressions.txt'}'",
}


# Python files are compiled once for all processes of pytest, and not beside the sources.
COMPILED = {"PYTHONPYCACHEPREFIX": str(BUILD / "pycache")}
# Objects with debug information are the same in every clone.
CCACHE = {"CCACHE_NOHASHDIR": "1"}

# How each variant is built: the compiler and Meson's options.
VARIANTS = {
    "gcc": ("gcc", "--buildtype=release", "-Ddebug=true"),
    "clang": ("clang", "--buildtype=release"),
    "sanitize": ("clang", "--buildtype=debugoptimized", "-Dfuzz=true", "-Db_lundef=false",
                 "-Db_sanitize=address,undefined", "-Dc_args=-fsanitize=fuzzer-no-link"),
    "race": ("clang", "--buildtype=debugoptimized", "-Db_sanitize=thread", "-Db_lundef=false"),
    "faults": ("gcc", "--buildtype=release", "-Dfaults=true", "-Dtests=false"),
}


def compiler_command(compiler):
    """The compiler, behind ccache if that is installed: a fresh clone then compiles only what no other one has compiled."""
    return f"ccache {compiler}" if shutil.which("ccache") else compiler


def build(name, suite=None):
    """Configures and builds one variant in build/test/NAME, with a suite only the tests in it. Gives None, or the output of
    what failed. Of two parts that need the same variant one builds it, while the other waits."""
    with open(BUILD / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_locked(name, suite)


def programs_of(folder, suite):
    """The programs of the tests in a suite, as targets of Ninja."""
    tests = json.loads((folder / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))
    return sorted({os.path.relpath(test["cmd"][0], folder) for test in tests if f"tilework:{suite}" in test["suite"]})


def build_locked(name, suite):
    compiler, *options = VARIANTS[name]
    folder = BUILD / name
    stamp = folder / "variant.txt"
    found = sorted(str(path.relative_to(TOP)) for place in ("tests", "fuzz", "examples", "docs")
                   for path in (TOP / place).rglob("*") if path.suffix in (".c", ".1", ".3"))
    wanted = "\n".join((compiler, *options, "", *found))
    had = stamp.read_text() if stamp.exists() and (folder / "build.ninja").exists() else ""
    if had != wanted:
        # Other options: all again. Other files: Meson looks for them only when it configures.
        again = ["--reconfigure"] if had.split("\n\n")[0] == wanted.split("\n\n")[0] else []
        if not again:
            shutil.rmtree(folder, ignore_errors=True)
        done = run(["meson", "setup", *again, folder, TOP, "-Dwerror=true", "-Db_colorout=never", *options],
                   env={"CC": compiler_command(compiler), **CCACHE})
        if done.code != 0:
            return done.output
        stamp.write_text(wanted)
    done = run(["ninja", "-k", "20", "-C", folder, *(programs_of(folder, suite) if suite else [])], env=CCACHE, seconds=1200)
    return None if done.code == 0 else done.output


def meson_tests(part, name, *arguments, env=None, patience=1, seconds=900):
    """Runs the Meson tests of a variant that is built, with logs of the part's own."""
    folder = BUILD / name
    logs = folder / "meson-logs"
    for old in logs.glob(f"{part}-tests*.json"):
        old.unlink()
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    done = run(["meson", "test", "-C", folder, "--no-rebuild", "--logbase", f"{part}-tests", "--timeout-multiplier", patience * harness.PATIENCE, *arguments],
               env={"XDG_CACHE_HOME": cache, **(env or {})}, seconds=seconds)
    outcome = Outcome()
    for log in logs.glob(f"{part}-tests*.json"):  # the name contains the wrapper's, if there is one
        outcome.add(count_meson(log, part))
    if done.code != 0 and not outcome.failed:
        outcome.fail(f"{part}: meson test", done.output)
    return outcome


def needs(name, suite=None):
    """A part that needs a variant: it fails with the compiler's words if the variant cannot be built."""
    def decorate(part):
        @functools.wraps(part)
        def run_part():
            wrong = build(name, suite)
            if wrong is None:
                return part()
            outcome = Outcome()
            outcome.fail(f"{part.__name__.removeprefix('part_')}: build of {name}", wrong)
            return outcome
        return run_part
    return decorate


def probe(compiler, flags, env, wrapper=()):
    """Whether a program built with these flags starts and ends well here."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "probe.c")
        source.write_text("#include <stdlib.h>\nint main(void)\n{\n    free(malloc(1));\n    return 0;\n}\n")
        program = pathlib.Path(folder, "probe")
        if run([compiler, *flags, source, "-o", program]).code != 0:
            return False
        return run([*wrapper, program], env=env).code == 0


@needs("gcc")
def part_gcc():
    """Release build with GCC: unit tests, command line, examples."""
    return meson_tests("gcc", "gcc")


@needs("clang")
def part_clang():
    """Release build with Clang."""
    return meson_tests("clang", "clang")


@needs("sanitize")
def part_sanitize():
    """AddressSanitizer and UndefinedBehaviorSanitizer, leaks too where the machine allows."""
    env = {key: SANITIZER_OPTIONS[key] for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}
    env["TILEWORK_TEST_ONE_IN"] = Effort.one_in
    remarks = []
    if not probe("clang", ["-fsanitize=address,undefined"], env):
        env["ASAN_OPTIONS"] = env["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")
        remarks.append("without the search for leaks, which needs ptrace")
    outcome = meson_tests("sanitize", "sanitize", env=env, patience=4)
    outcome.remarks += remarks
    return outcome


@needs("race", suite="threads")
def part_race():
    """ThreadSanitizer: the tests that use threads."""
    env = {"TSAN_OPTIONS": SANITIZER_OPTIONS["TSAN_OPTIONS"], "TILEWORK_TEST_NO_PROCESSES": "1", "TILEWORK_TEST_ONE_IN": Effort.one_in}
    arguments = ["--suite", "threads"]
    if not probe("clang", ["-fsanitize=thread"], env):
        # Older runtimes do not know the wide randomisation of newer kernels.
        fixed = ["setarch", platform.machine(), "-R"]
        if not probe("clang", ["-fsanitize=thread"], env, fixed):
            outcome = Outcome()
            outcome.fail("race", "a program built with ThreadSanitizer does not start on this machine, not even with "
                                 "'setarch -R'\n")
            return outcome
        arguments += ["--wrapper", " ".join(fixed)]
    return meson_tests("race", "race", *arguments, env=env, patience=4)


@needs("gcc")
def part_valgrind():
    """A small set under valgrind. Not built for this machine's own CPU, whose instructions valgrind may not know."""
    wrapper = "valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible " \
              "--errors-for-leak-kinds=definite --child-silent-after-fork=no"
    return meson_tests("valgrind", "gcc", "--suite", "valgrind-ok", "--wrapper", wrapper, patience=10,
                       env={"TILEWORK_TEST_NO_PROCESSES": "1", "TILEWORK_TEST_ONE_IN": Effort.one_in})


def fuzz(target):
    """One libFuzzer target for its seconds, begun from the kept corpus; what it finds stays in the build folder."""
    name = target.stem
    new = BUILD / "fuzz-corpus" / name
    new.mkdir(parents=True, exist_ok=True)
    kept = [folder for folder in (TOP / "fuzz" / "corpus" / name, TOP / "fuzz" / "corpus" / name.removeprefix("fuzz_"))
            if folder.is_dir()]
    outcome = Outcome()
    if not kept:
        outcome.fail(f"fuzz: {name}", "it has no kept corpus below fuzz/corpus\n")
        return outcome
    done = run([BUILD / "sanitize" / "fuzz" / name, f"-max_total_time={Effort.fuzz}", "-timeout=10",
                "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={new}-", new, *kept],
               env=SANITIZER_OPTIONS, seconds=Effort.fuzz * 6 + 60)
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.output)
    if done.code != 0 or not runs or int(runs[1]) == 0:
        outcome.fail(f"fuzz: {name}", done.output)
    else:
        outcome.passed = 1
        outcome.remarks.append(f"{name}: {int(runs[1]):,} inputs")
    return outcome


@needs("sanitize")
def part_fuzz():
    """The libFuzzer targets, some seconds each."""
    outcome = Outcome()
    targets = sorted((TOP / "fuzz").glob("fuzz_*.c"))
    with concurrent.futures.ThreadPoolExecutor(max_workers=CORES) as workers:
        for done in workers.map(fuzz, targets):
            outcome.add(done)
    return outcome


@needs("gcc")
def part_command():
    """The command line and the .npy files seen from Python and NumPy, and the tools' own tests."""
    release = BUILD / "gcc"
    cache = BUILD / "command-cache"
    cache.mkdir(exist_ok=True)
    report = BUILD / "command.xml"
    report.unlink(missing_ok=True)
    env = {"TILEWORK_BIN": release / "cli" / "tilework", "TILEWORK_NPYCOPY": release / "tests" / "npycopy",
           "TILEWORK_BUILD": release, "TILEWORK_CACHE": cache, "XDG_CACHE_HOME": cache, **COMPILED}
    # Files side by side, as many as there are cores: most tests wait for one process.
    done = run([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", CORES, "--dist", "loadfile",
                f"--junitxml={report}", "tests/command"],
               env=env, seconds=900, cwd=TOP)
    outcome = count_junit(report, "command", done.output)
    if done.code not in (0, 1) or (done.code == 1 and not outcome.failed):
        outcome.fail("command: pytest", done.output)
    return outcome


def pip_install(python, folder, *where):
    """Builds the NumPy package in build/test/FOLDER and installs it; one part at a time. In `faults-python` its library is
    that of the fault build."""
    faults = "true" if folder == "faults-python" else "false"
    with open(BUILD / f"{folder}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", *where,
                    f"--config-settings=build-dir={BUILD / folder}", "--config-settings=setup-args=-Dwerror=true",
                    f"--config-settings=setup-args=-Dfaults={faults}", TOP],
                   env={"PATH": f"{python.parent}:{os.environ['PATH']}", **CCACHE}, seconds=900)


def part_package():
    """The NumPy package: installed with pip into an environment of its own, then its tests, examples and types."""
    outcome = Outcome()
    python = TOP / "build" / "venv-package" / "bin" / "python"
    env = {"PATH": f"{python.parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": BUILD / "package-cache", **COMPILED}
    done = pip_install(python, "package", "--force-reinstall")
    if done.code != 0:
        outcome.fail("package: pip install", done.output)
        return outcome
    report = BUILD / "package.xml"
    report.unlink(missing_ok=True)
    done = run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", CORES, "--dist", "loadfile", "--timeout", 120 * harness.PATIENCE,
                f"--junitxml={report}", "tests/package"], env=env, seconds=1500, cwd=TOP)
    outcome.add(count_junit(report, "package", done.output))
    if done.code not in (0, 1) or (done.code == 1 and not outcome.failed):
        outcome.fail("package: pytest", done.output)
    outcome.add(count_program("package", [sys.executable, TOP / "tools" / "check" / "package.py", python,
                                          BUILD / "package-wheel"], cwd=TOP, env=env))
    return outcome


def run_random(part, program, *arguments):
    """A program of tests/differential. In `make test` its cases are the same in every run, so that a failure is the
    change's."""
    outcome = Outcome()
    done = run([PYTHON, TOP / "tests" / "differential" / program, BUILD / "gcc", *arguments,
                *(["--seed", Effort.seed] if Effort.seed is not None else [])],
               env={"PYTHONDONTWRITEBYTECODE": "1"}, seconds=7200, cwd=TOP)
    outcome.add(count_tap(part, done.output, bad=done.code != 0))
    outcome.remarks += [line[2:] for line in done.output.splitlines()
                        if re.match(r"# seed \d|# [\d,]+ (expressions|random reductions)", line)]
    return outcome


@needs("gcc")
def part_differential():
    """Random statements against NumPy."""
    return run_random("differential", "differential.py", "--expressions", Effort.expressions)


@needs("gcc")
def part_reductions():
    """Random reductions, divided at random, against one serial tile and NumPy."""
    return run_random("reductions", "reductions.py", "--cases", Effort.reductions)


@needs("gcc")
def part_checks():
    """The rules that nobody would keep if nothing checked them: layers, exported names, layout, words, documents."""
    outcome = Outcome()
    for name, arguments in (("includes", []), ("tree", []), ("manual", []), ("symbols", [BUILD / "gcc"]),
                            ("circles", [BUILD / "gcc"])):
        outcome.add(count_program(f"checks: {name}", [sys.executable, TOP / "tools" / "check" / f"{name}.py", *arguments],
                                  cwd=TOP))
    return outcome


def own_package(part, outcome, variant="faults"):
    """(interpreter, folder of the NumPy package for this part alone); no folder: it fails. Its library is that of the
    fault build, or with another variant's name the usual one."""
    python, package = TOP / "build" / "venv-package" / "bin" / "python", BUILD / variant / f"package-{part}"
    shutil.rmtree(package, ignore_errors=True)
    done = pip_install(python, "faults-python" if variant == "faults" else "package", "--target", package)
    if done.code != 0:
        outcome.fail(f"{part}: pip install", done.output)
        package = None
    return python, package


@needs("faults")
def part_faults():
    """A build that can be killed, delayed and made to fail at named points, through all of them; a short soak."""
    folder, tests = BUILD / "faults", TOP / "tests" / "faults"
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    soak = [sys.executable, TOP / "reliability" / "soak.py", "--seconds", Effort.soak, "--command",
            folder / "cli" / "tilework"]
    outcome = Outcome()
    python, package = own_package("faults", outcome)
    if package is None:
        return outcome
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        driver = [folder / "tests" / "faults" / "fault_driver"]
        commands = [[*driver, pool, workers, f"{place}/{pool}-{workers}"]
                    for pool in ("processes", "threads") for workers in (1, 2, 4)]
        commands += [[sys.executable, tests / f"{name}.py", folder, f"{place}/{name}"]
                     for name in ("isolation", "matrix", "powercut")]
        commands.append([sys.executable, tests / "package.py", folder, python, package, f"{place}/package"])
        commands.append([sys.executable, tests / "nodes.py", folder, f"{place}/nodes", *(["--long"] if Effort.nodes else [])])
        # Each counts what its own process holds, so they may run side by side; the soak kills by itself, alone.
        with concurrent.futures.ThreadPoolExecutor(max_workers=CORES) as workers:
            seconds = 3600 if Effort.nodes else 600
            ran = list(workers.map(lambda command: run(command, env=env, seconds=seconds, cwd=TOP), commands))
        commands.append(soak)
        ran.append(run(soak, env=env, seconds=Effort.soak * 4 + 600, cwd=TOP))
        for command, done in zip(commands, ran):
            counted = count_tap(" ".join(map(str, ("faults:", *command))), done.output, bad=done.code != 0)
            if not counted.passed + counted.failed:
                counted.fail(f"faults: {command[0]}", done.output + "\n(it ran no test)\n")
            outcome.add(counted)
            outcome.remarks += [line[2:] for line in done.output.splitlines()
                                if line.startswith(("# points", "# seed", "# powercut", "# nodes"))]
    return outcome


@needs("faults")
def part_calls():
    """The k-th call of the C library fails, k = 1, 2, ...: in a program, each of its jobs by itself, in the command and in Python."""
    outcome = Outcome()
    folder, tests = BUILD / "faults", TOP / "tests" / "faults"
    python, package = own_package("calls", outcome)
    if package is None:
        return outcome
    program = folder / "tests" / "faults" / "calls"
    jobs = run([program, "--jobs"]).output.split()
    with tempfile.TemporaryDirectory(prefix="calls-") as place:
        commands = [[program, folder, f"{place}/{job}", job] for job in jobs]
        commands.insert(0, [sys.executable, tests / "calls.py", folder, f"{place}/command"])
        commands.insert(1, [sys.executable, tests / "calls_package.py", folder, python, package, f"{place}/package"])
        with concurrent.futures.ThreadPoolExecutor(max_workers=CORES) as workers:
            done = list(workers.map(lambda command: run(command, env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd=TOP),
                                    commands))
    cases, ended = [], 0
    for command, ran in zip(commands, done):
        counted = count_tap(" ".join(map(str, ("calls:", *command))), ran.output, bad=ran.code != 0)
        said = re.search(r"^# calls (\d+) cases(?:, (\d+) of which ended with an error)?", ran.output, re.MULTILINE)
        if not said or not int(said[1]):
            counted.fail(f"calls: {command[0]}", ran.output + "\n(it tried no case)\n")
        else:
            cases.append(int(said[1]))
            ended += int(said[2] or 0)
        outcome.add(counted)
    if cases:
        outcome.remarks.append(f"{sum(cases[1:]):,} cases in {len(jobs)} jobs and from Python, {ended:,} of which ended with an error; "
                               f"{cases[0]:,} cases of the command")
    return outcome


@needs("gcc")
def part_nodes():
    """Several processes on one job, as Slurm, Open MPI, MPICH, Dask and others start them, in a network of their own."""
    outcome = Outcome()
    _, package = own_package("nodes", outcome, "gcc")
    if package is None:
        return outcome
    report = BUILD / "nodes.xml"
    report.unlink(missing_ok=True)
    cache = BUILD / "nodes-cache"
    env = {"TILEWORK_BIN": BUILD / "gcc" / "cli" / "tilework", "TILEWORK_BUILD": BUILD / "gcc", "PYTHONPATH": package, "TILEWORK_CACHE": cache,
           "XDG_CACHE_HOME": cache, "PYTHONDONTWRITEBYTECODE": "1", "TILEWORK_NODES_LONG": "1" if Effort.nodes else "", "TILEWORK_NODES_PATIENCE": harness.PATIENCE}
    done = run([sys.executable, TOP / "tests" / "nodes" / "enter.py", TOP / "build" / "venv-nodes" / "bin" / "python", "-m", "pytest", "-q",
                "-p", "no:cacheprovider", "-n", CORES, "--dist", "loadfile", "--timeout", 120 * harness.PATIENCE, "-rs",
                f"--junitxml={report}", "tests/nodes"],
               env=env, seconds=3600 if Effort.nodes else 600, cwd=TOP)
    outcome.add(count_junit(report, "nodes", done.output))
    if done.code not in (0, 1) or (done.code == 1 and not outcome.failed):
        outcome.fail("nodes: pytest", done.output)
    # One line for each thing that is not there; what is left to the long run is no news.
    outcome.remarks += sorted({f"skipped: {why}" for why in re.findall(r"^SKIPPED \[\d+\] \S+: (.*)$", done.output, re.MULTILINE)
                               if "make test-long" not in why})
    return outcome


def part_model():
    """The model of the claim protocol, every state of it, if Spin is there."""
    done = run([sys.executable, TOP / "tools" / "check" / "model.py"], cwd=TOP)
    outcome = count_tap("model", done.output, bad=done.code != 0)
    states = re.search(r"^# (.* states explored)$", done.output, re.MULTILINE)
    outcome.remarks += ["skipped: spin is not there"] if outcome.skipped else [states[1]] if states else []
    return outcome


def part_install():
    """`make install` into an empty folder, then what a user does with it."""
    return count_program("install", [sys.executable, TOP / "tools" / "check" / "install.py", BUILD / "install"], cwd=TOP)


# In this order: the long ones first, and those that need the same variant not one after the other, so that none waits for its build.
PARTS = {
    "checks": part_checks, "package": part_package, "gcc": part_gcc, "command": part_command, "sanitize": part_sanitize,
    "faults": part_faults, "clang": part_clang, "nodes": part_nodes, "calls": part_calls, "model": part_model, "race": part_race,
    "differential": part_differential, "valgrind": part_valgrind, "install": part_install, "reductions": part_reductions,
    "fuzz": part_fuzz,
}

ALONE = {"fuzz"}  # its targets run for a time, not for a number of inputs: beside another part they would try fewer
MAY_BE_SKIPPED = {"model"}  # as a whole, if what it needs is not available


