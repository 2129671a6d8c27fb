/* disk.c - how long it takes to write files: a small one is written, synced and removed. */
#include "plan/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/file.h"

#define LEAST_BYTES 1e6 /* of outputs: less takes no time that matters beside the sync */
#define PROBE_BYTES ((size_t)16 << 20)

/* Writes `length` bytes, and waits until they are safe. Seconds; 0: it failed. */
static double write_file(const char *path, const char *data, size_t length)
{
    int fd;
    const int64_t began = tw__now();
    if (tw__file_create(&fd, path, 0600) != 0) {
        return 0;
    }
    int failed = tw__file_allocate(fd, (int64_t)length);
    failed = failed != 0 ? failed : tw__file_write(fd, data, length, 0);
    failed = failed != 0 ? failed : tw__file_sync(fd);
    tw__file_close(fd);
    tw__file_remove(path);
    return failed == 0 ? (double)(tw__now() - began) * 1e-9 : 0;
}

double tw__disk_seconds(const char *folder, double bytes)
{
    char *path = NULL, *data = bytes >= LEAST_BYTES ? malloc(PROBE_BYTES) : NULL;
    double seconds = 0;
    if (data != NULL && asprintf(&path, "%s/.tilework-plan-%d", folder != NULL ? folder : ".", tw__process_id()) >= 0) {
        const size_t length = bytes < (double)PROBE_BYTES ? (size_t)bytes : PROBE_BYTES;
        memset(data, 1, length);
        seconds = write_file(path, data, length) * (bytes / (double)length);
        free(path);
    }
    free(data);
    return seconds;
}
