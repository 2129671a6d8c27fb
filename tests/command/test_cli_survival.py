"""What a run survives, and how it says what it does not: deaths, time limits, errors, limits of the system, what the
guard catches."""

import ctypes
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess

import numpy
import pytest

from conftest import session_processes
from survival import PROCESSES, RESULT, TILES, files, finished, job, recorded, tiles_run, wait_for

# ---- workers ----


@pytest.mark.parametrize(
    "kernel, reason",
    [
        ("sigkill", r"was killed by signal 9 \(Killed\)"),
        ("sigsegv", r"was killed by signal 11 \(Segmentation fault\) at address 0x1234"),
        ("sigbus", r"was killed by signal 7 \(Bus error\) at address 0x[0-9a-f]+"),
        ("sigill", r"was killed by signal 4 \(Illegal instruction\) at address 0x[0-9a-f]+"),
        ("sigfpe", r"was killed by signal 8 \(Floating point exception\)"),
        ("aborts", r"was killed by signal 6 \(Aborted\)"),
        ("exits", "exited with code 5"),
        ("exits_well", "exited with code 0"),
        ("executes", "exited with code 0"),
        ("ignores", r"was killed by signal 11 \(Segmentation fault\)"),
    ],
)
def test_a_death_costs_one_tile_and_one_line(folder, kernels, kernel, reason):
    result = finished(folder, folder.call(*job(kernels(kernel))))
    first, last = result.stderr.splitlines()
    assert re.fullmatch(rf"tilework: worker [01] \(pid \d+\) {reason} at tile 3; the tile is run again", first)
    assert re.fullmatch(r"tilework: 20 tiles on 2 processes in .*; 1 worker died and was replaced", last)


def test_a_starter_that_ignores_its_children_hides_no_death(folder, kernels):
    """Neither the compiler's end nor a worker's."""
    (folder / "k.c").write_text(open(kernels("").rstrip(":")).read())
    result = folder.call(*job("k.c:exits"), preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert "exited with code 5 at tile 3; the tile is run again" in finished(folder, result).stderr


def test_deaths_are_seen_within_10_ms(folder, kernels):
    def seconds_for_each():
        result = folder.call(
            *job(kernels("each_once"), "--report", "-", "--restart", pool=["--pool", "processes", "-w", "1"])
        )
        report = json.loads(result.stdout)["totals"]
        assert result.returncode == 0 and report["deaths"] == TILES, result.stderr
        return report["seconds"] / TILES

    assert min(seconds_for_each() for _ in range(5)) < 0.010  # seen, reaped, another one forked, the tile again


@pytest.mark.parametrize("options, deaths", [(["--retries", "0"], 1), (["--retries", "1"], 2), ([], 3)])
def test_a_tile_that_kills_its_workers_is_given_up_alone(folder, kernels, options, deaths):
    times = "it was not run again" if deaths == 1 else f"it was run {deaths} times in all"
    result = folder.failed(
        1,
        *job(kernels("always"), *options),
        kept=19,
        warnings=[r"at tile 3; the tile is (run again|given up)$"],
        says=[
            "was killed by signal 11 (Segmentation fault) at address 0x1234 at tile 3, -> r[60:80] (20), in kernel",
            f"{times}, and all other tiles have been run",
        ],
    )
    assert result.stderr.count("the tile is run again\n") == deaths - 1
    assert result.stderr.count("the tile is given up\n") == 1


@pytest.mark.parametrize("kernel", ["hangs", "stops_itself"])
def test_a_tile_that_takes_too_long_is_run_again(folder, kernels, kernel):
    result = finished(folder, folder.call(*job(kernels(kernel), "--timeout", "0.5")))
    assert re.search(
        r"worker [01] \(pid \d+\) took longer than 0\.500 s and was killed at tile 3; the tile is run again",
        result.stderr,
    )


def test_a_run_that_stands_still_is_said_once(folder, kernels):
    result = folder.failed(
        1,
        *job(kernels("hangs_always"), "--stall", "0.2", "--timeout", "2", "--retries", "0"),
        kept=19,
        warnings=[r"at tile 3; the tile is given up$", r"no tile has ended"],
        says="took longer than 2.000 s and was killed at tile 3, -> r[60:80] (20)",
    )
    line = r"tilework: for [\d.]+ m?s no tile has ended and no worker has used the processor: 1 worker waits for something; " \
        r"worker [01] \(pid \d+\) has tile 3; --timeout SECONDS ends tiles that take too long\n"
    assert len(re.findall(line, result.stderr)) == 1


def test_a_tile_that_always_takes_too_long_is_given_up(folder, kernels):
    folder.failed(
        1,
        *job(kernels("hangs_always"), "--timeout", "0.3", "--retries", "1"),
        kept=19,
        warnings=[r"at tile 3; the tile is (run again|given up)$"],
        says="took longer than 0.300 s and was killed at tile 3, -> r[60:80] (20)",
    )


@pytest.mark.parametrize("pool", [[], ["--pool", "threads"], ["--pool", "serial"]])
def test_what_threads_cannot_do_is_refused_with_the_reason(folder, kernels, pool):
    for option, reason in (
        (["--timeout", "1"], "--timeout: a thread cannot be stopped inside a kernel"),
        (["--tiles-per-worker", "1"], "--tiles-per-worker: a kernel's leftovers in a thread"),
    ):
        folder.refused(2, *job(kernels("plain"), *option, pool=pool), says=[reason, "--pool processes"])
    if pool:
        folder.refused(
            2, *job(kernels("plain"), "--guard", pool=pool), says="--guard: a thread that reaches outside its"
        )


@pytest.mark.parametrize("pool", [["--pool", "serial"], ["-w", "4"], ["--pool", "processes", "-w", "4"]])
@pytest.mark.parametrize("keep", [[], ["--keep-going"]])
def test_the_lowest_tile_that_fails_is_the_one_reported(folder, kernels, pool, keep):
    result = folder.call(*job(kernels("fails"), *keep, pool=pool))
    assert result.returncode == 1
    assert re.match(
        rf"tilework: kernel {re.escape(kernels('fails'))} returned 3 at tile 3, -> r\[60:80\] \(20\), on worker "
        r"\d: no value\n",
        result.stderr,
    ), result.stderr
    assert sorted(tiles_run(folder)) == sorted(set(tiles_run(folder)))
    if keep:
        assert set(tiles_run(folder)) == set(range(TILES)) - {3, 5, 7}
    assert recorded(folder) == len(tiles_run(folder))


def test_a_process_that_a_kernel_forks_does_not_work_on(folder, kernels):
    """Two of one worker counted the same tiles: the run never ended."""
    process = folder.start(*job(kernels("forks"), tiles=400), text=True)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert folder.load().tobytes() == RESULT.tobytes()
    assert sorted(tiles_run(folder))[:2] == [0, 1]
    wait_for(lambda: session_processes(process.pid) == [], "processes gone", 5)


@pytest.mark.parametrize("each", ["1", "7"])
def test_workers_are_replaced_after_so_many_tiles(folder, kernels, each):
    result = finished(folder, folder.call(*job(kernels("plain"), "--tiles-per-worker", each, "-v")))
    assert len(set(re.findall(r"pid (\d+) did", result.stdout))) >= TILES // int(each)
    assert "died" not in result.stderr


# ---- not enough ----


def limited(folder, which, most, *arguments):
    return folder.call(*arguments, preexec_fn=lambda: resource.setrlimit(which, (most, most)))


def test_a_full_disk_is_said_before_the_first_tile(folder, kernels):
    disk = folder / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(disk), b"tmpfs", 0, b"size=256k") != 0:
        pytest.skip("no file system can be mounted")
    try:
        for length, says in (
            (100000, "disk/r.npy: needs 800128 bytes, its disk has 262144 free: No space left on device"),
            (30000, "disk/r.npy.journal: needs 480512 bytes: No space left on device"),
        ):
            folder.refused(
                4,
                "run",
                kernels("plain"),
                "-s",
                "-> r[i]",
                "--length",
                f"i={length}",
                "--tile",
                "i=1",
                *PROCESSES,
                "-o",
                "r=disk/r.npy",
                says=says,
            )
        assert os.listdir(disk) == []
    finally:
        libc.umount(os.fsencode(disk))
    assert tiles_run(folder) == []


def test_limits_of_the_system_are_errors_or_notes(folder, kernels):
    plain = job(kernels("plain"))
    finished(folder, folder.call(*plain))  # compiled
    (folder / "r.npy").unlink()
    (folder / "tiles.log").unlink()
    result = limited(folder, resource.RLIMIT_FSIZE, 3000, *plain)
    assert (result.returncode, files(folder)) == (4, [])
    assert result.stderr == "tilework: r.npy: needs 3328 bytes, more than a file may have here (limit of file size)\n"
    result = finished(folder, limited(folder, resource.RLIMIT_FSIZE, 100000, *plain))
    assert "note: no memory file (memfd) is available, anonymous shared memory is used in its place\n" in result.stderr
    codes = set()
    for count in range(4, 24, 2):
        for path in ("r.npy", "tiles.log"):
            (folder / path).unlink(missing_ok=True)
        result = limited(folder, resource.RLIMIT_NOFILE, count, *plain)
        codes.add(result.returncode)
        if result.returncode == 0:
            finished(folder, result)
        elif count > 4:  # else the loader itself may fail
            assert result.returncode == 4 and files(folder) == [] and tiles_run(folder) == [], result.stderr
            assert re.fullmatch(r"tilework: .*Too many open files( \(this process may have \d+, ulimit -n\))?\n", result.stderr)
    assert {0, 4} <= codes
    result = limited(
        folder,
        resource.RLIMIT_AS,
        400 << 20,
        "run",
        kernels("plain"),
        "-s",
        "-> r[i]",
        "--length",
        "i=100000000",
        *PROCESSES,
        "-o",
        "r=big.npy",
    )
    assert result.returncode == 4 and not list(folder.path.glob("big*")), result.stderr


# ---- the guard ----


@pytest.mark.parametrize(
    "kernel, says",
    [
        ("writes_behind", "wrote just past the end of 'r'"),
        ("writes_before", "wrote 1 byte before the beginning of 'r'"),
        ("reads_behind", "read just past the end of 'a'"),
        ("reads_before", "read 1 byte before the beginning of 'a'"),
        ("writes_in_gap", "wrote 1 byte past the row that ends with r[4,4]"),
        (
            "reads_in_gap",
            "gave r[4,0] another value when it ran again: it reads what it was not given, or keeps a state",
        ),
        ("writes_input", "wrote to input 'a', 0 bytes from the beginning of the tile's part of it"),
        ("writes_far", "wrote 103999648 bytes past the end of 'r'"),
        (
            "keeps_a_state",
            "gave r[4,0] another value when it ran again: it reads what it was not given, or keeps a state",
        ),
        ("leaves_one", "left r[5,2] unwritten"),
    ],
)
def test_the_guard_names_what_reaches_outside_its_tile(folder, kernels, kernel, says):
    folder.save("a.npy", numpy.asfortranarray(numpy.random.default_rng(3).random((12, 10))))
    rest = [kernels(kernel), "-s", "a[i,j] -> r[i,j]", "a=a.npy", "--parts", "i=3", "--parts", "j=2"]
    result = folder.call("run", *rest, "-o", "r=r.npy", "--guard", "-w", "2")
    assert result.returncode == 1
    assert (
        f"tilework: kernel {kernels(kernel)} {says} at tile 2, a[4:8,0:5] -> r[4:8,0:5] (4 x 5)\n" in result.stderr
    ), result.stderr
    command = re.search(r"to run this tile alone: tilework (replay 2 .*)\n", result.stderr)[1]
    assert not (folder / "r.npy").exists()
    alone = folder.call(*shlex.split(command))
    by_signal = "past" in says and "row" not in says or "before" in says or "input" in says
    assert alone.returncode == (-signal.SIGSEGV if by_signal else 1), alone.stderr
    assert by_signal or says in alone.stderr


def test_the_guard_changes_no_result(folder, kernels):
    a = numpy.random.default_rng(3).random((12, 10))
    for array in (a, numpy.asfortranarray(a), numpy.zeros((0, 10))):
        folder.save("a.npy", array)
        folder.run_ok(
            kernels("right"),
            "-s",
            "a[i,j] -> r[i,j]",
            "a=a.npy",
            "--parts",
            "j=2",
            "-o",
            "r=r.npy",
            "--guard",
            "--check",
        )
        assert folder.load().tobytes() == array.tobytes()
    folder.save("v.npy", RESULT)
    folder.run_ok(kernels("add_one"), "-s", "r[i] -> r[i]", "r=v.npy", "--parts", "i=7", "-o", "r=r.npy", "--guard")
    assert folder.load().tobytes() == (RESULT + 1).tobytes()


# ---- replay ----


def test_replay_runs_one_tile_alone(folder, kernels):
    rest = ["-s", "-> r[i]", "--length", "i=400", "--parts", "i=20"]
    result = folder.call("replay", "3", kernels("plain"), *rest, "-o", "r=part.npy")
    assert result.returncode == 0
    assert re.fullmatch(r"tilework: tile 3 of 20: -> r\[60:80\] \(20\)\ntilework: done in .*\n", result.stderr)
    assert folder.load("part.npy").tobytes() == RESULT[60:80].tobytes() and tiles_run(folder) == [3]
    folder.refused(
        2, "replay", "20", kernels("plain"), *rest, says="there is no tile 20: the grid has 20, counted from 0"
    )
    folder.refused(2, "replay", says="missing tile: give its number, then the kernel")
    folder.refused(
        1, "replay", "5", kernels("fails"), *rest, sentences=2, says="returned 5 at tile 5, -> r[100:120] (20)"
    )
    assert folder.call("replay", "3", kernels("always"), *rest).returncode == -signal.SIGSEGV


def test_a_debugger_shows_where_a_replayed_tile_fails(folder, kernels):
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    command = folder.command(
        "replay", "3", kernels("always"), "--flags", "-O0 -g", "-s", "-> r[i]", "--length", "i=400", "--parts", "i=20"
    )
    result = subprocess.run(
        ["gdb", "-q", "-batch", "-ex", "run", "-ex", "backtrace", "--args", *command],
        cwd=folder.path,
        env=folder.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Program received signal SIGSEGV" in result.stdout, result.stdout + result.stderr
    assert re.search(r"#0 .* always \(tile=0x[0-9a-f]+\) at .*survival\.c:\d+", result.stdout)


# ---- what is said about it ----


def test_help_says_what_threads_cannot_survive(folder):
    said = " ".join(folder.call("run", "--help").stdout.split())
    assert "A thread cannot die alone: a kernel that crashes or exits ends the program" in said
    assert "a kernel that hangs can only be ended together with it" in said
