/* wait.c - sleeping on a word of memory (futex). */
#include "os/wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void tw__wait(_Atomic uint32_t *word, uint32_t value, double seconds)
{
    struct timespec limit;
    if (seconds >= 0) {
        limit.tv_sec = (time_t)seconds;
        limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
    }
    syscall(SYS_futex, word, FUTEX_WAIT, value, seconds >= 0 ? &limit : NULL, NULL, 0);
}

void tw__wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}
