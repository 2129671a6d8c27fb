/* stall.c - whether a job stands still. Workers that sleep on purpose look the same as those that wait for a lock which
 * nobody will release: it is reported, and nothing is done. */
#include "pool/stall.h"

#include "os/usage.h"

#define DEFAULT_SECONDS 30.0
#define LOOKS 8               /* in the time that is worth a word */
#define LATE 2                /* a look after more than so many times the time between two saw nothing of it */
#define LEAST_MILLISECONDS 10 /* one tick of the system: a look at a lock now and then is no work */
#define LEAST_PART 100        /* and so is this part of the time */

void tw__stall_init(struct tw__stall *stall, const struct tw__task *task, int64_t now)
{
    const double seconds = task->stall_seconds > 0 ? task->stall_seconds : DEFAULT_SECONDS;
    *stall = (struct tw__stall){.limit = seconds < 1e9 ? (int64_t)(seconds * 1e9) : (int64_t)1e18,
                                .looked_at = now,
                                .since = now,
                                .used = -1,
                                .reported = task->stalled == NULL};
}

static int64_t used_by_all(const struct tw__crew *crew)
{
    int64_t used = 0;
    for (int w = 0; w < crew->workers; w++) {
        const int pid = crew->ops->pid(crew, w);
        used += pid != 0 ? tw__processor_milliseconds(pid) : 0;
    }
    return used;
}

/* On a busy machine a worker may get no processor for long. It computes all the same. */
static int one_is_runnable(const struct tw__crew *crew)
{
    int found = 0;
    for (int w = 0; w < crew->workers && !found; w++) {
        const int pid = crew->ops->pid(crew, w);
        found = pid != 0 && tw__is_runnable(pid);
    }
    return found;
}

static void report(const struct tw__stall *stall, const struct tw__crew *crew, const struct tw__task *task, int64_t now)
{
    tw_stall what = {.seconds = (double)(now - stall->since) * 1e-9,
                     .done = stall->ended,
                     .total = task->first + task->count + task->later,
                     .worker = -1,
                     .tile = -1};
    for (int w = 0; w < crew->workers; w++) {
        const uint64_t tile = tw__claims_tile_of(crew->claims, (unsigned)w);
        const int pid = crew->ops->pid(crew, w);
        if (tile != UINT64_MAX && pid != 0) {
            what.workers++;
            if (what.tile < 0 || (int64_t)tile < what.tile) {
                what.tile = (int64_t)tile;
                what.worker = w;
                what.pid = pid;
            }
        }
    }
    task->stalled(task->stalled_user, &what);
}

void tw__stall_look(struct tw__stall *stall, const struct tw__crew *crew, const struct tw__task *task, int64_t now)
{
    const int64_t passed = now - stall->looked_at;
    if (stall->reported || passed < stall->limit / LOOKS) {
        return;
    }
    const uint64_t ended = tw__claims_done(crew->claims);
    const int moves = ended != stall->ended;
    /* What is asked of the system costs some microseconds a worker: only while no tile ends. */
    const int64_t used = moves ? -1 : used_by_all(crew);
    const int64_t most = LEAST_MILLISECONDS + passed / 1000000 / LEAST_PART;
    /* While this process was stopped, or waited for a processor itself, nobody saw what its workers did. */
    if (passed > LATE * (stall->limit / LOOKS)) {
        stall->since += passed - stall->limit / LOOKS;
    }
    if (moves || stall->used < 0 || used < stall->used || used - stall->used > most || one_is_runnable(crew)) {
        stall->since = now;
    }
    stall->looked_at = now;
    stall->ended = ended;
    stall->used = used;
    if (now - stall->since >= stall->limit) {
        stall->reported = 1;
        report(stall, crew, task, now);
    }
}
