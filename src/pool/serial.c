/* serial.c - the pool that is a loop. What every other pool must equal. */
#include "os/clock.h"
#include "pool/pool.h"

#include <string.h>

#define PROGRESS_NANOSECONDS 100000000

tw_status tw__serial_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome)
{
    uint32_t *words = pool->words.data;
    struct tw__time *times = task->timed ? pool->times.data : NULL;
    int64_t told = outcome->began;
    for (uint64_t tile = 0; tile < task->count; tile++) {
        if (task->stop != NULL && __atomic_load_n(task->stop, __ATOMIC_RELAXED) != 0) {
            return TW_ERROR_INTERRUPTED;
        }
        const int64_t start = times != NULL || task->progress != NULL ? tw__now() : 0;
        outcome->message[0] = '\0';
        const int code = task->function(task->argument, &pool->seats[0], tile, 0, outcome->message);
        if (times != NULL) {
            times[tile].start = (float)((double)(start - outcome->began) * 1e-9);
            times[tile].duration = (float)((double)(tw__now() - start) * 1e-9);
        }
        if (code != 0) {
            words[tile] = TW__WORD(TW_TILE_FAILED, 0, 0);
            outcome->tile = tile;
            outcome->worker = 0;
            outcome->code = code;
            return TW_ERROR_KERNEL;
        }
        words[tile] = TW__WORD(TW_TILE_DONE, 0, 0);
        outcome->done++;
        if (task->progress != NULL && start - told > PROGRESS_NANOSECONDS) {
            told = start;
            tw__pool_progress(task, outcome->done, outcome->began);
        }
    }
    tw__pool_progress(task, outcome->done, outcome->began);
    return TW_OK;
}
