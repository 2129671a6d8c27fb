/* descriptor.c - descriptors of ours stay off 0, 1 and 2. Knows not what they are for.
 *
 * A program may run with its standard streams closed. The system gives the lowest free number, and what a kernel then
 * prints to stderr would go into an output file. */
#include "os/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int tw__descriptor_lift(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int error = errno;
    close(fd);
    errno = error;
    return lifted;
}

int tw__pipe(int ends[2])
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0) {
        return errno;
    }
    made[0] = tw__descriptor_lift(made[0]);
    int error = made[0] < 0 ? errno : 0;
    made[1] = tw__descriptor_lift(made[1]);
    error = made[1] < 0 && error == 0 ? errno : error;
    if (error != 0) {
        for (int k = 0; k < 2; k++) {
            if (made[k] >= 0) {
                close(made[k]);
            }
        }
        return error;
    }
    ends[0] = made[0];
    ends[1] = made[1];
    return 0;
}
