"""Kernels that do as their names say, the job that they are given, and what is left of a run: what the tests of deaths,
ends and resumes share."""

import contextlib
import re
import signal
import time

import numpy

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
    const int length = snprintf(line, sizeof line, "%d\n", (int)tile->number);
    if (fd < 0 || write(fd, line, (size_t)length) != length) {
        return tw_tile_fail(tile, 99, "tiles.log cannot be written");
    }
    close(fd);
    return fill(tile);
}

/* A file `hold`: the last tiles take long, so that the run is surely ended before them. */
static double hold(const tw_tile *tile, double seconds)
{
    return access("hold", F_OK) == 0 && 5 * tile->start[0] >= 3 * tile->length[0] ? 0.5 : seconds;
}

static void stick(void)
{
    close(open("stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    for (;;) {
        pause_for(60);
    }
}

#define FIRST_TIME (tile->number == 3 && tile->attempt == 0)
#define KERNEL(name, statement) int name(const tw_tile *tile) { statement; return number(tile); }
KERNEL(plain, )
KERNEL(slow, if (access("fast", F_OK) != 0) pause_for(hold(tile, 0.03)))
KERNEL(stuck, if (tile->number != 0) stick())
KERNEL(sigkill, if (FIRST_TIME) kill(getpid(), SIGKILL))
KERNEL(sigsegv, if (FIRST_TIME) *(volatile int *)0x1234 = 1)
KERNEL(sigill, if (FIRST_TIME) __builtin_trap())
KERNEL(sigfpe, if (FIRST_TIME) raise(SIGFPE))
KERNEL(aborts, if (FIRST_TIME) abort())
KERNEL(exits, if (FIRST_TIME) exit(5))
KERNEL(exits_well, if (FIRST_TIME) _exit(0))
KERNEL(executes, if (FIRST_TIME) execl("/bin/true", "true", (char *)0))
KERNEL(ignores, signal(SIGSEGV, SIG_IGN); if (FIRST_TIME) *(volatile int *)0x1234 = 1)
int always(const tw_tile *tile) { if (tile->number == 3) *(volatile int *)0x1234 = 1; return fill(tile); }
KERNEL(each_once, if (tile->attempt == 0) kill(getpid(), SIGKILL))
KERNEL(hangs, if (FIRST_TIME) for (;;) pause())
int hangs_always(const tw_tile *tile) { if (tile->number == 3) for (;;) pause(); return fill(tile); }
KERNEL(stops_itself, if (FIRST_TIME) raise(SIGSTOP))
KERNEL(forks, if (tile->number % 100 == 3) fork())

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
    if (tile->number == 3 || tile->number == 5 || tile->number == 7) {
        pause_for(tile->number == 3 ? 0.1 : 0);
        return tw_tile_fail(tile, (int)tile->number, "no value");
    }
    return number(tile);
}

int add_one(const tw_tile *tile) /* r[i] -> r[i] */
{
    TW_VIEW(double, r, tile->operand[0]);
    pause_for(hold(tile, 0.02));
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
        if (tile->number == 2) { wrong; } \
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
        if (tile->number != 2 || i != 1 || j != 2) TW_AT(r, i, j) = 0;
    return 0;
}
"""

LENGTH, TILES = 400, 20
RESULT = numpy.arange(float(LENGTH))
PROCESSES = ["--pool", "processes", "-w", "2"]


def job(kernel, *more, tiles=TILES, pool=PROCESSES, output="r.npy"):
    return [
        "run",
        kernel,
        "-s",
        "-> r[i]",
        "--length",
        f"i={LENGTH}",
        "--parts",
        f"i={tiles}",
        *pool,
        "-o",
        f"r={output}",
        *more,
    ]


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


def wait_for_record(folder, tiles=TILES):
    """Waits until the journal has a tile."""
    journal = folder / "r.npy.journal"
    wait_for(lambda: journal.exists() and len(records := journal.read_bytes()) > 16 * tiles and any(records[-16 * tiles :]), "a tile recorded", 30)


def wait_until_stuck(folder):
    """Waits until a run of `stuck` has recorded its first tile, and is in the middle of another one."""
    wait_for(lambda: tiles_run(folder) == [0] and (folder / "stuck").exists(), "stuck")
    wait_for_record(folder)


@contextlib.contextmanager
def held(folder):
    """A run in here does not finish before it is ended, however late that is: see `hold` above."""
    (folder / "hold").touch()
    yield
    (folder / "hold").unlink()


def wait_until_arrived(process, number, seconds=30):
    """Waits until a signal that was sent has arrived. The next one is no part of it: see TOGETHER in cli/interrupt.c."""
    def waits():
        with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as file:
            masks = re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)", file.read(), re.M)
        return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)

    wait_for(lambda: not waits(), "the signal", seconds)
    time.sleep(0.3)


def interrupted(folder, kernel, *more, at=4, number=signal.SIGINT, **options):
    """A run that was ended from outside once some tiles were done."""
    with held(folder):
        process = folder.start(*job(kernel, *more, **options), text=True)
        wait_for(lambda: len(tiles_run(folder)) >= at, "tiles done")
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    (folder / "tiles.log").unlink()
    return process, said
