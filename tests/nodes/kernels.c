/* kernels.c - r[i,j] = y[i] * x[j] for the tests on nodes: y[i], x[j] -> r[i,j], float64.
 *
 * It zeroes its tile and then adds, in several passes, so that a tile stopped in the middle is a wrong one wherever it
 * can be seen. Each tile takes NODES_REST seconds. NODES_FOLDER is a folder in which log      gets the tile's number, a
 * line for each that has been computed hold-T   (made by a test) holds the process that computes tile T first in the
 * middle of it: it takes the file away by making it held-T, which contains its process number, and waits until the test
 * has removed that. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tilework/tilework.h>

enum { PASSES = 4, PATH = 4096 };

static void rest(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static void write_line(const char *path, int flags, long long number)
{
    char line[32];
    const int length = snprintf(line, sizeof line, "%lld\n", number);
    const int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
    if (fd >= 0) {
        const ssize_t written = write(fd, line, (size_t)length);
        (void)written;
        close(fd);
    }
}

static void hold(const char *folder, int64_t tile)
{
    char before[PATH], during[PATH], mine[PATH];
    snprintf(before, sizeof before, "%s/hold-%lld", folder, (long long)tile);
    snprintf(during, sizeof during, "%s/held-%lld", folder, (long long)tile);
    snprintf(mine, sizeof mine, "%s/mine-%lld-%lld", folder, (long long)tile, (long long)getpid());
    if (rename(before, mine) != 0) {
        return;
    }
    write_line(mine, O_TRUNC, (long long)getpid());
    if (rename(mine, during) != 0) {
        return;
    }
    for (int wait = 0; wait < 6000 && access(during, F_OK) == 0; wait++) {
        rest(0.01);
    }
}

int fill(const tw_tile *tile)
{
    const char *folder = getenv("NODES_FOLDER"), *seconds = getenv("NODES_REST");
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 0;
        }
    }
    for (int pass = 0; pass < PASSES; pass++) {
        for (int64_t i = 0; i < r.shape[0]; i++) {
            for (int64_t j = 0; j < r.shape[1]; j++) {
                TW_AT(r, i, j) += TW_AT(y, i) * TW_AT(x, j) / PASSES;
            }
        }
        if (seconds != NULL) {
            rest(atof(seconds) / PASSES);
        }
        if (folder != NULL && pass == PASSES / 2) {
            hold(folder, tile->number);
        }
    }
    if (folder != NULL) {
        char log[PATH];
        snprintf(log, sizeof log, "%s/log", folder);
        write_line(log, O_CREAT | O_APPEND, (long long)tile->number);
    }
    return 0;
}
