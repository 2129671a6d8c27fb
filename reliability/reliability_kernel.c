/* reliability_kernel.c - r[i,j] = y[i] * x[j], a tenth of a second a tile, with a fault in the middle of tile 5: what
 * reliability/reliability.py gives to `tilework run`. reliability_peers.py does the same in Python. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tilework/tilework.h>

enum { FAULTY_TILE = 5 };

/* Whether this is the first time that the fault is met: it comes once, however often the tile is run. */
static int is_first_time(void)
{
    const char *mark = getenv("RELIABILITY_MARK");
    const int fd = mark != NULL ? open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void rest(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static int meet_fault(const tw_tile *tile, const char *fault)
{
    if (strcmp(fault, "raise") == 0) {
        return tw_tile_fail(tile, 1, "no value for tile %d", FAULTY_TILE);
    }
    if (!is_first_time()) {
        return 0;
    }
    if (strcmp(fault, "kill") == 0) {
        raise(SIGKILL);
    } else if (strcmp(fault, "segv") == 0) {
        *(volatile int *)8 = 1;
    } else if (strcmp(fault, "exit") == 0) {
        _exit(3);
    } else if (strcmp(fault, "hang") == 0) {
        rest(3600);
    }
    return 0;
}

/* One byte a tile, so that its size is how many tiles were computed. */
static void count_tile(void)
{
    const char *log = getenv("RELIABILITY_LOG");
    const int fd = log != NULL ? open(log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        const ssize_t written = write(fd, ".", 1);
        (void)written;
        close(fd);
    }
}

int fill(const tw_tile *tile)
{
    const char *fault = getenv("RELIABILITY_FAULT");
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
        rest(0.1 / (double)r.shape[0]);
        if (tile->number == FAULTY_TILE && fault != NULL && i == r.shape[0] / 2) {
            const int code = meet_fault(tile, fault);
            if (code != 0) {
                return code;
            }
        }
    }
    count_tile();
    return 0;
}
