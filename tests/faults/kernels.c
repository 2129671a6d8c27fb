/* kernels.c - the kernels of tests/faults/matrix.py and powercut.py: the result of `step` is wrong if a tile is
 * computed on what the same tile left behind; both write down which tiles they run. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "step.h"

#define SLOW_NANOSECONDS 3000000
#define FAILURE 7

static int write_down(uint64_t tile)
{
    char line[32];
    const int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)tile);
    const int fd = open("tiles.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const int failed = fd < 0 || write(fd, line, (size_t)length) != length;
    if (fd >= 0) {
        close(fd);
    }
    return failed;
}

/* The number in a small file, -1 where there is no such file. */
static int number_in(const char *path)
{
    char text[16] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int number = fd >= 0 ? 0 : -1;
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) {
        for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++) {
            number = number * 10 + (*digit - '0');
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return number;
}

/* What every tile does first. The first tile is slow, so that other workers steal; the tiles from the number in the
 * file `fail` on fail; with a file `pace` each tile takes so many milliseconds. */
static int begin(const tw_tile *tile)
{
    if (write_down(tile->number)) {
        return tw_tile_fail(tile, FAILURE + 1, "tiles.log cannot be written");
    }
    const int pace = number_in("pace");
    if (tile->number == 0 || pace > 0) {
        nanosleep(&(struct timespec){.tv_nsec = pace > 0 ? pace * 1000000 : SLOW_NANOSECONDS}, NULL);
    }
    const int failing = number_in("fail");
    if (failing >= 0 && (int)tile->number >= failing) {
        return tw_tile_fail(tile, FAILURE, "asked to fail");
    }
    return 0;
}

int step(const tw_tile *tile);
int step(const tw_tile *tile)
{
    const int failed = begin(tile);
    return failed != 0 ? failed : step_compute(tile);
}

/* x[i], r[i,j] -> r[i,j], s[i,j], t[j]: the step, and t[j], which begins as zeros, += s[i,j]. */
int reduction(const tw_tile *tile);
int reduction(const tw_tile *tile)
{
    const int failed = begin(tile);
    if (failed == 0) {
        step_compute(tile);
        step_add_columns(&tile->operand[2], &tile->operand[3]);
    }
    return failed;
}

/* x[i], r[i,j] -> s[i,j]: s = r - x. */
int difference(const tw_tile *tile);
int difference(const tw_tile *tile)
{
    const int failed = begin(tile);
    if (failed == 0) {
        step_difference(&tile->operand[0], &tile->operand[1], &tile->operand[2]);
    }
    return failed;
}

/* x[i], r[i,j] -> q[i,j]: q = r - x, which is zeroed first and then added to. With a file `hold` its tile of that
 * number stops in between: it makes the file `held` and waits until `hold` is gone. */
int zero_then_add(const tw_tile *tile);
int zero_then_add(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(const double, r, tile->operand[1]);
    TW_VIEW(double, q, tile->operand[2]);
    const int failed = begin(tile);
    for (int64_t i = 0; failed == 0 && i < q.shape[0]; i++) {
        for (int64_t j = 0; j < q.shape[1]; j++) {
            TW_AT(q, i, j) = 0;
        }
        if (i == 0 && number_in("hold") == (int)tile->number) {
            close(open("held", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
            while (number_in("hold") >= 0) {
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            }
        }
        for (int64_t j = 0; j < q.shape[1]; j++) {
            TW_AT(q, i, j) += TW_AT(r, i, j) - TW_AT(x, i);
        }
    }
    return failed;
}
