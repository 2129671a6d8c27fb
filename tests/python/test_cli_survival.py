"""What a run survives, what is left of one that does not, and how it goes on: deaths, time limits, ends from outside,
journals of this and of another job, limits of the system, the guard."""

import ctypes
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time

import numpy
import pytest

from conftest import session_processes

KERNELS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <tilework/tilework.h>

static void pause_for(double seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* Each element is its index on the first axis, 1000 more for each further output. */
static int fill(const tw_tile *tile)
{
    for (int k = 0; k < tile->noperands; k++) {
        const tw_view r = tile->operand[k];
        for (int64_t i = 0; i < r.shape[0]; i++) {
            ((double *)r.data)[i] = (double)(tile->start[0] + i + 1000 * k);
        }
    }
    return 0;
}

/* The same; which tiles are run is written down. */
static int number(const tw_tile *tile)
{
    char line[32];
    const int fd = open("tiles.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const int length = snprintf(line, sizeof line, "%d\n", (int)tile->index);
    if (fd < 0 || write(fd, line, (size_t)length) != length) {
        return tw_tile_fail(tile, 99, "tiles.log cannot be written");
    }
    close(fd);
    return fill(tile);
}

#define FIRST_TIME (tile->index == 3 && tile->attempt == 0)
#define KERNEL(name, statement) int name(const tw_tile *tile) { statement; return number(tile); }
KERNEL(plain, )
KERNEL(slow, if (access("fast", F_OK) != 0) pause_for(0.03))
KERNEL(stuck, while (tile->index != 0) pause_for(60))
KERNEL(sigkill, if (FIRST_TIME) kill(getpid(), SIGKILL))
KERNEL(sigsegv, if (FIRST_TIME) *(volatile int *)0x1234 = 1)
KERNEL(sigill, if (FIRST_TIME) __builtin_trap())
KERNEL(sigfpe, if (FIRST_TIME) raise(SIGFPE))
KERNEL(aborts, if (FIRST_TIME) abort())
KERNEL(exits, if (FIRST_TIME) exit(5))
KERNEL(exits_well, if (FIRST_TIME) _exit(0))
KERNEL(executes, if (FIRST_TIME) execl("/bin/true", "true", (char *)0))
KERNEL(ignores, signal(SIGSEGV, SIG_IGN); if (FIRST_TIME) *(volatile int *)0x1234 = 1)
int always(const tw_tile *tile) { if (tile->index == 3) *(volatile int *)0x1234 = 1; return fill(tile); }
KERNEL(each_once, if (tile->attempt == 0) kill(getpid(), SIGKILL))
KERNEL(hangs, if (FIRST_TIME) for (;;) pause())
int hangs_always(const tw_tile *tile) { if (tile->index == 3) for (;;) pause(); return fill(tile); }
KERNEL(stops_itself, if (FIRST_TIME) raise(SIGSTOP))
KERNEL(forks, if (tile->index % 100 == 3) fork())

int sigbus(const tw_tile *tile)
{
    if (FIRST_TIME) {
        const int fd = open("short", O_RDWR | O_CREAT, 0666);
        char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        memory[0] = 1;
    }
    return number(tile);
}

int fails(const tw_tile *tile) /* the later ones sooner */
{
    if (tile->index == 3 || tile->index == 5 || tile->index == 7) {
        pause_for(tile->index == 3 ? 0.1 : 0);
        return tw_tile_fail(tile, (int)tile->index, "no value");
    }
    return number(tile);
}

int add_one(const tw_tile *tile) /* r[i] -> r[i] */
{
    TW_VIEW(double, r, tile->operand[0]);
    pause_for(0.02);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) += 1;
    }
    return 0;
}

int scalar(const tw_tile *tile) { return *(double *)tile->operand[0].data = 5, 0; }

int nothing(const tw_tile *tile) { return tile->noperands == 0; }

/* a[i,j] -> r[i,j]: in tile 2 as the name says */
#define COPY(name, wrong) int name(const tw_tile *tile) \
    { \
        TW_VIEW(double, a, tile->operand[0]); \
        TW_VIEW(double, r, tile->operand[1]); \
        const int64_t rows = r.shape[0], columns = r.shape[1]; \
        for (int64_t i = 0; i < rows; i++) for (int64_t j = 0; j < columns; j++) TW_AT(r, i, j) = TW_AT(a, i, j); \
        volatile char *a_first = (char *)&TW_AT(a, 0, 0), *r_first = (char *)&TW_AT(r, 0, 0); \
        volatile char *a_row = (char *)(&TW_AT(a, 0, columns - 1) + 1), *r_row = (char *)(&TW_AT(r, 0, columns - 1) + 1); \
        volatile char *a_end = (char *)(&TW_AT(a, rows - 1, columns - 1) + 1); \
        volatile char *r_end = (char *)(&TW_AT(r, rows - 1, columns - 1) + 1); \
        (void)a_first, (void)r_first, (void)a_row, (void)r_row, (void)a_end, (void)r_end; \
        if (tile->index == 2) { wrong; } \
        return 0; \
    }
COPY(right, )
COPY(writes_behind, *r_end = 1)
COPY(writes_before, r_first[-1] = 1)
COPY(reads_behind, (void)*a_end)
COPY(reads_before, (void)a_first[-1])
COPY(writes_in_gap, *r_row ^= 1)
COPY(reads_in_gap, TW_AT(r, 0, 0) = *(volatile unsigned char *)a_row)
COPY(writes_input, *a_first = 1)
COPY(writes_far, TW_AT(r, 1000000, 0) = 1)
COPY(keeps_a_state, static int runs; TW_AT(r, 0, 0) = runs++)
int leaves_one(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) for (int64_t j = 0; j < r.shape[1]; j++)
        if (tile->index != 2 || i != 1 || j != 2) TW_AT(r, i, j) = 0;
    return 0;
}
"""

LENGTH, TILES = 400, 20
RESULT = numpy.arange(float(LENGTH))
PROCESSES = ["--pool", "processes", "-w", "2"]


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """A name for one of the kernels above."""
    path = tmp_path_factory.mktemp("kernels") / "survival.c"
    path.write_text(KERNELS)
    return lambda name: f"{path}:{name}"


def job(kernel, *more, tiles=TILES, pool=PROCESSES):
    return ["run", kernel, "-s", "-> r[i]", "--length", f"i={LENGTH}", "--parts", f"i={tiles}", *pool, "-o", "r=r.npy", *more]


def files(folder):
    return sorted(p.name for p in folder.path.iterdir() if p.name.startswith("r.npy"))


def finished(folder, result, expected=RESULT):
    assert result.returncode == 0, result.stderr
    assert files(folder) == ["r.npy"]
    assert folder.load().tobytes() == expected.tobytes()
    return result


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.005)


def tiles_run(folder):
    try:
        return [int(line) for line in (folder / "tiles.log").read_text().split()]
    except FileNotFoundError:
        return []


def recorded(folder):
    """Tiles of the journal that is there, as a refusal says it."""
    said = folder.call(*job("none.c:none", pool=[])).stderr
    found = re.search(r"holds (\d+) of \d+ tiles", said)
    return int(found[1]) if found else 0


def wait_for_first_record(folder):
    journal = folder / "r.npy.journal"
    wait_for(lambda: tiles_run(folder) == [0] and any(journal.read_bytes()[-16 * TILES:]), "first tile recorded")


def interrupted(folder, kernel, *more, at=4, number=signal.SIGINT, **options):
    """A run that was ended from outside once some tiles were done."""
    process = folder.start(*job(kernel, *more, **options), text=True)
    wait_for(lambda: len(tiles_run(folder)) >= at, "tiles done")
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    (folder / "tiles.log").unlink()
    return process, said


# ---- workers ----


@pytest.mark.parametrize("kernel, reason", [
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
])  # fmt: skip
def test_a_death_costs_one_tile_and_one_line(folder, kernels, kernel, reason):
    result = finished(folder, folder.call(*job(kernels(kernel))))
    first, last = result.stderr.splitlines()
    assert re.fullmatch(rf"tilework: worker [01] \(pid \d+\) {reason} at tile 3; the tile is run again", first)
    assert re.fullmatch(r"tilework: 20 tiles on 2 processes in .*; 1 worker died and was replaced", last)


def test_deaths_are_seen_within_10_ms(folder, kernels):
    def seconds_for_each():
        result = folder.call(*job(kernels("each_once"), "--report", "-", "--restart", pool=["--pool", "processes", "-w", "1"]))
        report = json.loads(result.stdout)["totals"]
        assert result.returncode == 0 and report["deaths"] == TILES, result.stderr
        return report["seconds"] / TILES

    assert min(seconds_for_each() for _ in range(5)) < 0.010  # seen, reaped, another one forked, the tile again


@pytest.mark.parametrize("options, deaths", [(["--retries", "0"], 1), (["--retries", "1"], 2), ([], 3)])
def test_a_tile_that_kills_its_workers_is_given_up_alone(folder, kernels, options, deaths):
    times = "it was not run again" if deaths == 1 else f"it was run {deaths} times in all"
    result = folder.failed(
        1, *job(kernels("always"), *options), kept=19, warnings=[r"at tile 3; the tile is (run again|given up)$"],
        says=["was killed by signal 11 (Segmentation fault) at address 0x1234 at tile 3, -> r[60:80] (20), in kernel",
              f"{times}, and all other tiles have been run"])  # fmt: skip
    assert result.stderr.count("the tile is run again\n") == deaths - 1
    assert result.stderr.count("the tile is given up\n") == 1


@pytest.mark.parametrize("kernel", ["hangs", "stops_itself"])
def test_a_tile_that_takes_too_long_is_run_again(folder, kernels, kernel):
    result = finished(folder, folder.call(*job(kernels(kernel), "--timeout", "0.5")))
    assert re.search(r"worker [01] \(pid \d+\) took longer than 0\.500 s and was killed at tile 3; the tile is run again",
                     result.stderr)  # fmt: skip


def test_a_tile_that_always_takes_too_long_is_given_up(folder, kernels):
    folder.failed(1, *job(kernels("hangs_always"), "--timeout", "0.3", "--retries", "1"), kept=19,
                  warnings=[r"at tile 3; the tile is (run again|given up)$"],
                  says="took longer than 0.300 s and was killed at tile 3, -> r[60:80] (20)")  # fmt: skip


@pytest.mark.parametrize("pool", [[], ["--pool", "threads"], ["--pool", "serial"]])
def test_what_threads_cannot_do_is_refused_with_the_reason(folder, kernels, pool):
    for option, reason in ((["--timeout", "1"], "--timeout: a thread cannot be stopped inside a kernel"),
                           (["--tiles-per-worker", "1"], "--tiles-per-worker: what a kernel leaves behind in a thread")):  # fmt: skip
        folder.refused(2, *job(kernels("plain"), *option, pool=pool), says=[reason, "--pool processes"])
    if pool:
        folder.refused(2, *job(kernels("plain"), "--guard", pool=pool), says="--guard: a thread that reaches outside its")


@pytest.mark.parametrize("pool", [["--pool", "serial"], ["-w", "4"], ["--pool", "processes", "-w", "4"]])
@pytest.mark.parametrize("keep", [[], ["--keep-going"]])
def test_the_lowest_tile_that_fails_is_the_one_reported(folder, kernels, pool, keep):
    result = folder.call(*job(kernels("fails"), *keep, pool=pool))
    assert result.returncode == 1
    assert re.match(rf"tilework: kernel {re.escape(kernels('fails'))} returned 3 at tile 3, -> r\[60:80\] \(20\), on worker "
                    r"\d: no value\n", result.stderr), result.stderr  # fmt: skip
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


# ---- the program ----


@pytest.mark.parametrize("pool", [PROCESSES, ["-w", "2"], ["--pool", "serial"]])
def test_a_killed_program_leaves_no_worker_and_is_gone_on_with(folder, kernels, pool):
    process = folder.start(*job(kernels("slow"), tiles=60, pool=pool))
    wait_for(lambda: len(tiles_run(folder)) >= 25, "tiles done")
    process.kill()
    process.wait()
    wait_for(lambda: session_processes(process.pid) == [], "workers gone", 1)
    assert files(folder) == ["r.npy.journal", "r.npy.part"]
    kept = recorded(folder)
    assert 0 < kept < 60
    (folder / "tiles.log").unlink()
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", tiles=60, pool=pool)))
    assert f"tilework: going on: {kept} of 60 tiles were done\n" in result.stderr
    assert len(tiles_run(folder)) == len(set(tiles_run(folder))) == 60 - kept


def test_a_program_killed_at_any_moment_finishes_in_the_end(folder, kernels):
    moments = numpy.random.default_rng(7).uniform(0.01, 0.45, 12)
    command = job(kernels("slow"), "--resume", tiles=80)
    for moment in moments:
        process = folder.start(*command)
        time.sleep(moment)
        process.kill()
        process.communicate()
        assert session_processes(process.pid) == [] or time.sleep(1) or session_processes(process.pid) == []
    finished(folder, folder.call(*command))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("pool", [PROCESSES, ["-w", "2"]])
def test_an_interrupted_run_says_how_to_go_on(folder, kernels, number, pool):
    process, said = interrupted(folder, kernels("slow"), number=number, pool=pool)
    assert process.returncode == 130
    first, second = said.splitlines()
    done = int(re.fullmatch(r"tilework: interrupted: (\d+) of 20 tiles are done", first)[1])
    command = re.fullmatch(rf"tilework: {done} of 20 tiles are done and kept in r\.npy\.part; to go on: (tilework run .*)", second)[1]
    finished(folder, folder.call(*shlex.split(command)[1:]))
    assert len(tiles_run(folder)) == TILES - done


def test_a_second_interrupt_ends_at_once(folder, kernels):
    process = folder.start(*job(kernels("stuck")), text=True)
    wait_for_first_record(folder)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=5)
    assert process.returncode == 130
    assert said == "tilework: tiles that were recorded are kept in r.npy.part; add --resume to go on\n"
    wait_for(lambda: session_processes(process.pid) == [], "workers gone", 1)


def test_the_command_to_go_on_can_be_typed_whatever_the_names(folder, kernels):
    odd = b"odd \"n'ame\"\n x$HOME`id` \\ \xc3\xa9 \xc2\x85 \x1b".decode()
    (folder / odd).mkdir()
    shutil.copy(kernels("").rstrip(":"), folder / odd / "k.c")
    process = folder.start("run", f"{odd}/k.c:slow", "-s", "-> r[i]", "--length", "i=400", "--parts", "i=20", "--pool", "processes",
                           "-w", "2", "-o", f"r={odd}/r.npy", text=True)  # fmt: skip
    wait_for(lambda: len(tiles_run(folder)) >= 4, "tiles done")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert len(said.splitlines()) == 2, said
    command = re.search(r"; to go on: tilework (.*)\n", said)[1]
    result = subprocess.run(["bash", "-c", f"{shlex.quote(folder.command()[0])} {command}"], cwd=folder.path, env=folder.environment,
                            capture_output=True, text=True, timeout=60)  # fmt: skip
    assert result.returncode == 0 and "going on: " in result.stderr, result.stderr
    assert numpy.load(folder / odd / "r.npy").tobytes() == RESULT.tobytes()


# ---- journals ----


def test_an_unfinished_run_is_neither_lost_nor_mixed_up(folder, kernels):
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    folder.refused(2, *job(kernels("slow")), says=f"r.npy.part: holds {kept} of 20 tiles of an unfinished run; add --resume to go "
                   "on with it or --restart to throw it away")  # fmt: skip
    folder.refused(2, *job(kernels("slow"), "--no-journal"), says=f"holds {kept} of 20 tiles")
    folder.refused(2, *job(kernels("slow"), "--resume", "--restart"), says="exclude each other")
    folder.refused(2, *job(kernels("slow"), "--resume", "--no-journal"), says="exclude each other")
    folder.refused(2, *job(kernels("slow"), "--verify"), says="--verify: reads finished tiles again, so it needs --resume")
    finished(folder, folder.call(*job(kernels("slow"), "--restart")))
    assert len(tiles_run(folder)) == TILES


def test_resume_begins_where_there_is_nothing_and_again_where_all_is_done(folder, kernels):
    for _ in range(2):
        finished(folder, folder.call(*job(kernels("plain"), "--resume")))
    assert len(tiles_run(folder)) == 2 * TILES


def test_no_journal_leaves_nothing(folder, kernels):
    process, said = interrupted(folder, kernels("slow"), "--no-journal")
    assert process.returncode == 130 and files(folder) == []
    assert re.fullmatch(r"tilework: interrupted: \d+ of 20 tiles are done\n", said)


def test_a_resume_of_another_job_is_refused_with_what_differs(folder, kernels):
    source = folder / "k.c"
    shutil.copy(kernels("").rstrip(":"), source)
    interrupted(folder, "k.c:slow")
    for says, arguments in (
        ("kernel was slow of an object", job("k.c:plain")),
        ("kernel was slow of an object", job("k.c:slow", "--flags", "-O1")),
        ("axis i was length 400 in 20 tiles of 20 and is length 400 in 21 tiles", job("k.c:slow", tiles=21)),
        ("signature was out r[i] and is out r[j]", [a.replace("i=", "j=").replace("[i]", "[j]") for a in job("k.c:slow")]),
        ("should be an unfinished output of 400 float32 and is one of {'descr': '<f8'", job("k.c:slow", "--dtype", "r=float32")),
        ("400 x 1 float64 and is one of {'descr': '<f8', 'fortran_order': False, 'shape': (400,)",
         [a.replace("-> r[i]", "-> r[i,j]") for a in job("k.c:slow", "--length", "j=1")]),
    ):  # fmt: skip
        folder.refused(2, *arguments, "--resume", says=[says, "; --restart throws the unfinished run away"])
    source.write_text(source.read_text() + "int more;\n")
    folder.refused(2, *job("k.c:slow"), "--resume", says="kernel was slow of an object")
    shutil.copy(kernels("").rstrip(":"), source)
    finished(folder, folder.call(*job("k.c:slow", "--resume")))


def test_a_changed_input_is_another_job(folder, kernels):
    folder.save("a.npy", RESULT)
    arguments = ["run", kernels("add_one"), "-s", "r[i] -> r[i]", "r=a.npy", "--parts", "i=20", *PROCESSES, "-o", "r=r.npy"]
    process = folder.start(*arguments)
    wait_for(lambda: (folder / "r.npy.journal").exists(), "journal")
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    before = (folder / "a.npy").stat()
    os.utime(folder / "a.npy", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    folder.refused(2, *arguments, "--resume", says=["'r' began as file of 3328 bytes, changed ", " and is file of 3328 bytes, changed ",
                                                    "; --restart throws"])  # fmt: skip
    os.utime(folder / "a.npy", ns=(before.st_atime_ns, before.st_mtime_ns))
    finished(folder, folder.call(*arguments, "--resume"), RESULT + 1)


def test_two_outputs_go_on_together(folder, kernels):
    arguments = ["run", kernels("slow"), "-s", "-> r[i], s[i]", "--length", "i=400", "--parts", "i=20", *PROCESSES,
                 "-o", "r=r.npy", "-o", "s=s.npy"]  # fmt: skip
    process = folder.start(*arguments)
    wait_for(lambda: len(tiles_run(folder)) >= 4, "tiles done")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert sorted(p.name for p in folder.path.glob("[rs].npy*")) == ["r.npy.journal", "r.npy.part", "s.npy.part"]
    os.rename(folder / "s.npy.part", folder / "away")
    folder.refused(2, *arguments, "--resume", says="s.npy.part: there is no unfinished output to go on with")
    os.rename(folder / "away", folder / "s.npy.part")
    finished(folder, folder.call(*arguments, "--resume"))
    assert folder.load("s.npy").tobytes() == (RESULT + 1000).tobytes()
    assert not list(folder.path.glob("*.part"))


def test_arrays_without_axes_and_without_items(folder, kernels):
    for more in ([], ["--resume", "--verify"], ["--guard"], ["--no-journal"]):
        pool = [] if more == ["--guard"] else PROCESSES
        folder.run_ok(kernels("scalar"), "-s", "-> r[]", *pool, "-o", "r=r.npy", *more)
        assert folder.load() == 5 and folder.load().shape == () and files(folder) == ["r.npy"]
        folder.run_ok(kernels("nothing"), "-s", "-> r[i,j]", "--length", "i=0", "--length", "j=7", *pool, "-o", "r=r.npy", *more)
        assert folder.load().shape == (0, 7) and files(folder) == ["r.npy"]


def test_verify_finds_a_byte_that_has_changed(folder, kernels):
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    part = bytearray((folder / "r.npy.part").read_bytes())
    done = next(k for k in range(TILES) if part[128 + 160 * k + 15])  # not zero: it was written
    part[128 + 160 * done + 9] ^= 1
    (folder / "r.npy.part").write_bytes(part)
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", "--verify")))
    assert "tilework: verified: 1 finished tile is not as recorded, to be run again\n" in result.stderr
    assert f"tilework: going on: {kept - 1} of 20 tiles were done\n" in result.stderr
    assert done in tiles_run(folder) and len(tiles_run(folder)) == TILES - kept + 1


@pytest.mark.parametrize("renamed", [False, True])
def test_a_crash_after_the_last_tile_costs_nothing(folder, kernels, renamed):
    """The magic is there, the journal still is, too. What has changed since is not written beside the magic."""
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    part = folder / "r.npy.part"
    numpy.save(folder / "whole.npy", RESULT)
    whole = bytearray((folder / "whole.npy").read_bytes())
    with open(part, "r+b") as file:
        file.write(whole)
    journal = (folder / "r.npy.journal").read_bytes()
    if renamed:
        part = part.rename(folder / "r.npy")
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", "--verify")))
    assert "going on: 20 of 20 tiles were done" in result.stderr and tiles_run(folder) == []
    part = (folder / "r.npy") if renamed else (folder / "r.npy").rename(part)
    (folder / "r.npy.journal").write_bytes(journal)
    assert kept > 0
    with open(part, "r+b") as file:
        for tile in range(TILES):
            file.seek(128 + 160 * tile + 8)
            file.write(b"\1")
    folder.refused(2, *job(kernels("slow")), "--resume", "--verify", says=["r.npy.journal: tile ", " has changed since the outputs were "
                                                                           "finished; --restart throws"])  # fmt: skip


def test_another_file_in_the_place_of_the_output_is_not_taken_for_it(folder, kernels):
    interrupted(folder, kernels("slow"))
    part = folder / "r.npy.part"
    mine = part.read_bytes()
    inode = part.stat().st_ino
    for other in (mine[:3] + b"\1" + mine[4:], bytes(len(mine)), mine[:-1], mine + b"\0", b""):
        part.unlink()
        part.write_bytes(other)
        folder.refused(2, *job(kernels("slow")), "--resume", says="--restart throws")
    part.unlink()
    for attempt in range(20):  # most file systems give the inode of a removed file to the next one
        numpy.save(folder / "r.npy", numpy.full(LENGTH, 7.0))
        if (folder / "r.npy").stat().st_ino == inode:
            break
        (folder / "r.npy").rename(folder / f"other{attempt}")
    if not (folder / "r.npy").exists():
        numpy.save(folder / "r.npy", numpy.full(LENGTH, 7.0))
    folder.refused(2, *job(kernels("slow")), "--resume", says="does not belong to the file of output 'r'")
    (folder / "r.npy").unlink()
    part.write_bytes(mine)
    finished(folder, folder.call(*job(kernels("slow"), "--resume")))


def test_a_damaged_journal_is_never_believed(folder, kernels):
    """Any byte of it changed, or any end cut off: refused, or the tiles whose records are gone are run again."""
    interrupted(folder, kernels("slow"))
    journal, part = (folder / "r.npy.journal").read_bytes(), (folder / "r.npy.part").read_bytes()
    line_and_records = [*range(50), *range(journal.index(b"\0"), len(journal))]
    damaged = [(journal[:k] + bytes([journal[k] ^ 1 << k % 8]) + journal[k + 1:], k)
               for k in sorted({*line_and_records, *range(50, len(journal), 7)})]  # fmt: skip
    damaged += [(journal[:k], k) for k in range(0, len(journal), 23)]
    codes = {0: 0, 2: 0, 3: 0}
    (folder / "fast").touch()
    for contents, place in damaged:
        (folder / "r.npy.journal").write_bytes(contents)
        (folder / "r.npy.part").write_bytes(part)
        result = folder.call(*job(kernels("slow"), "--resume", "--quiet", pool=["--pool", "serial"]))
        assert result.returncode in codes, f"{place}: {result.returncode} {result.stderr}"
        codes[result.returncode] += 1
        if result.returncode == 0:
            assert folder.load().tobytes() == RESULT.tobytes(), place
            (folder / "r.npy").unlink()
        else:
            assert (folder / "r.npy.part").read_bytes() == part, place
    assert codes[0] > 20 and codes[3] > 20, codes


def test_a_journal_with_a_wrong_length_is_damaged_not_empty(folder, kernels):
    interrupted(folder, kernels("slow"))
    journal = folder / "r.npy.journal"
    contents = journal.read_bytes()
    digit = contents.index(b" 0000") + 5  # of the header's length
    for wrong in (b"9", b"1"):
        journal.write_bytes(contents[:digit + 2] + wrong + contents[digit + 3:])
        folder.refused(3, *job(kernels("slow")), "--resume", says="r.npy.journal: is no journal, or a damaged one; --restart throws")


@pytest.mark.parametrize("make, says", [
    (lambda path: path.symlink_to("elsewhere"), "r.npy.journal: is a symbolic link, which is not followed"),
    (lambda path: path.mkdir(), "r.npy.journal: is a folder"),
    (lambda path: os.mkfifo(path), "r.npy.journal: is not a regular file"),
    (lambda path: path.write_text("notes of mine"), "r.npy.journal: is no journal, or a damaged one; --restart throws"),
])  # fmt: skip
def test_what_is_in_the_journals_place_is_not_written_over(folder, kernels, make, says):
    make(folder / "r.npy.journal")
    folder.refused(3, *job(kernels("plain")), says=says)


def test_a_second_run_is_refused_with_the_process_that_writes(folder, kernels):
    process = folder.start(*job(kernels("stuck")))
    wait_for_first_record(folder)
    says = f"r.npy.part: is being written by another run (process {process.pid})"
    for more in ([], ["--resume"], ["--restart"], ["--no-journal", "--restart"]):
        folder.refused(3, *job(kernels("stuck"), *more), says=says)
    process.kill()
    process.communicate()


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
        for length, says in ((100000, "disk/r.npy: needs 800128 bytes, its disk has 262144 free: No space left on device"),
                             (30000, "disk/r.npy.journal: needs 480512 bytes: No space left on device")):  # fmt: skip
            folder.refused(4, "run", kernels("plain"), "-s", "-> r[i]", "--length", f"i={length}", "--tile", "i=1", *PROCESSES,
                           "-o", "r=disk/r.npy", says=says)  # fmt: skip
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
    assert "note: no memory file (memfd) can be had, anonymous shared memory is used in its place\n" in result.stderr
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
            assert re.fullmatch(r"tilework: .*Too many open files\n", result.stderr)
    assert {0, 4} <= codes
    result = limited(folder, resource.RLIMIT_AS, 400 << 20, "run", kernels("plain"), "-s", "-> r[i]", "--length", "i=100000000", *PROCESSES,
                     "-o", "r=big.npy")  # fmt: skip
    assert result.returncode == 4 and not list(folder.path.glob("big*")), result.stderr


# ---- the guard ----


@pytest.mark.parametrize("kernel, says", [
    ("writes_behind", "wrote just past the end of 'r'"),
    ("writes_before", "wrote 1 byte before the beginning of 'r'"),
    ("reads_behind", "read just past the end of 'a'"),
    ("reads_before", "read 1 byte before the beginning of 'a'"),
    ("writes_in_gap", "wrote 1 byte past the row that ends with r[4,4]"),
    ("reads_in_gap", "gave r[4,0] another value when it ran again: it reads what it was not given, or keeps a state"),
    ("writes_input", "wrote to input 'a', 0 bytes from the beginning of the tile's part of it"),
    ("writes_far", "wrote 103999648 bytes past the end of 'r'"),
    ("keeps_a_state", "gave r[4,0] another value when it ran again: it reads what it was not given, or keeps a state"),
    ("leaves_one", "left r[5,2] unwritten"),
])  # fmt: skip
def test_the_guard_names_what_reaches_outside_its_tile(folder, kernels, kernel, says):
    folder.save("a.npy", numpy.asfortranarray(numpy.random.default_rng(3).random((12, 10))))
    rest = [kernels(kernel), "-s", "a[i,j] -> r[i,j]", "a=a.npy", "--parts", "i=3", "--parts", "j=2"]
    result = folder.call("run", *rest, "-o", "r=r.npy", "--guard", "-w", "2")
    assert result.returncode == 1
    assert f"tilework: kernel {kernels(kernel)} {says} at tile 2, a[4:8,0:5] -> r[4:8,0:5] (4 x 5)\n" in result.stderr, result.stderr
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
        folder.run_ok(kernels("right"), "-s", "a[i,j] -> r[i,j]", "a=a.npy", "--parts", "j=2", "-o", "r=r.npy", "--guard", "--check")
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
    folder.refused(2, "replay", "20", kernels("plain"), *rest, says="there is no tile 20: the grid has 20, counted from 0")
    folder.refused(2, "replay", says="which tile: its number, then the kernel")
    folder.refused(1, "replay", "5", kernels("fails"), *rest, sentences=2, says="returned 5 at tile 5, -> r[100:120] (20)")
    assert folder.call("replay", "3", kernels("always"), *rest).returncode == -signal.SIGSEGV


def test_a_debugger_shows_where_a_replayed_tile_fails(folder, kernels):
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    command = folder.command("replay", "3", kernels("always"), "--flags", "-O0 -g", "-s", "-> r[i]", "--length", "i=400",
                             "--parts", "i=20")  # fmt: skip
    result = subprocess.run(["gdb", "-q", "-batch", "-ex", "run", "-ex", "backtrace", "--args", *command], cwd=folder.path,
                            env=folder.environment, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert "Program received signal SIGSEGV" in result.stdout, result.stdout + result.stderr
    assert re.search(r"#0 .* always \(tile=0x[0-9a-f]+\) at .*survival\.c:\d+", result.stdout)


# ---- what is said about it ----


def test_help_says_what_threads_cannot_survive(folder):
    said = " ".join(folder.call("run", "--help").stdout.split())
    assert "A worker process that dies costs one tile, which is run again. A thread cannot die alone: a kernel that crashes ends the program." in said


def test_the_readme_shows_what_is_printed(folder, kernels):
    text = open(os.path.join(os.path.dirname(__file__), "..", "..", "README.md"), encoding="utf-8").read()
    example = re.search(r"## Nothing is lost\n\n```\n(.*?)```", text, re.S)[1].splitlines()
    commands = [shlex.split(line[2:])[1:] for line in example if line.startswith("$ ")]
    shown = [line for line in example if line.startswith("tilework: ")]
    assert len(commands) == 2 and len(shown) == 3
    source = open(kernels("").rstrip(":")).read()
    (folder / "render.c").write_text(source + "int render(const tw_tile *tile) { pause_for(0.005); return number(tile); }\n")
    small = [[{"i=100000": "i=1000", "j=100000": "j=1", "i=100": "i=1"}.get(word, word) for word in command] for command in commands]
    process = folder.start(*small[0], text=True)
    wait_for(lambda: len(tiles_run(folder)) >= 20, "tiles done")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1].splitlines() + folder.call(*small[1]).stderr.splitlines()
    for line, pattern in zip(said, shown):
        pattern = re.escape(pattern).replace(r"\.\.\.", ".*")
        assert re.fullmatch(re.sub(r"\d+", r"\\d+", pattern), line), (line, pattern)
