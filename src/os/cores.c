/* cores.c - a loop by all cores, on threads that come and go with it. */
#include "os/cores.h"

#include <stdatomic.h>
#include <stddef.h>

#include "os/cpu.h"
#include "os/thread.h"

struct loop {
    _Atomic int64_t next;
    int64_t count;
    void (*work)(void *user, int64_t k);
    void *user;
};

static void *take_part(void *argument)
{
    struct loop *loop = argument;
    for (int64_t k = atomic_fetch_add(&loop->next, 1); k < loop->count; k = atomic_fetch_add(&loop->next, 1)) {
        loop->work(loop->user, k);
    }
    return NULL;
}

void tw__by_all_cores(int64_t count, void (*work)(void *user, int64_t k), void *user)
{
    struct tw__thread threads[TW__MOST_CORES];
    struct loop loop = {.count = count, .work = work, .user = user};
    const int cores = count > 1 ? tw__default_workers() : 1;
    const int64_t most = count < cores ? count : cores < TW__MOST_CORES ? cores : TW__MOST_CORES;
    int started = 0;
    while (started + 1 < most && tw__thread_start(&threads[started], take_part, &loop) == 0) {
        started++;
    }
    take_part(&loop);
    for (int t = 0; t < started; t++) {
        tw__thread_join(&threads[t]);
    }
}
