/* serial.c - the pool that is a loop. What every other pool must equal. */
#include "os/clock.h"
#include "pool/pool.h"

#include <string.h>

#define PROGRESS_NANOSECONDS 30000000

tw_status tw__serial_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome)
{
    _Atomic uint32_t *words = pool->words.data;
    struct tw__time *times = task->timed ? pool->times.data : NULL;
    char draft[TW_TILE_MESSAGE_SIZE];
    int64_t told = outcome->began;
    for (uint64_t tile = 0; tile < task->count; tile++) {
        if (TW__WORD_STATE(atomic_load_explicit(&words[tile], memory_order_relaxed)) != TW_TILE_FREE) {
            continue;
        }
        if (atomic_load_explicit(&pool->halt, memory_order_relaxed) != 0 ||
            (task->stop != NULL && __atomic_load_n(task->stop, __ATOMIC_RELAXED) != 0)) {
            return outcome->failed > 0 ? TW_ERROR_KERNEL : TW_ERROR_INTERRUPTED;
        }
        const int64_t start = times != NULL ? tw__now() : 0;
        draft[0] = '\0';
        const struct tw__result result = task->function(task->argument, &pool->seats[0], tile, 0, draft);
        if (times != NULL) {
            times[tile].start = (float)((double)(start - outcome->began) * 1e-9);
            times[tile].duration = (float)((double)(tw__now() - start) * 1e-9);
        }
        /* release: whoever sees the tile done, sees its elements */
        atomic_store_explicit(&words[tile], TW__WORD(result.status == TW_OK ? TW_TILE_DONE : TW_TILE_FAILED, 0, 0),
                              memory_order_release);
        if (result.status == TW_OK) {
            outcome->done++;
        } else if (outcome->failed++ == 0) {
            outcome->tile = tile;
            outcome->worker = 0;
            outcome->result = result;
            memcpy(outcome->message, draft, sizeof draft);
            outcome->message[sizeof draft - 1] = '\0';
        }
        if (result.status != TW_OK && !task->keep_going) {
            return TW_ERROR_KERNEL;
        }
        const int64_t now = task->progress != NULL ? tw__now() : 0;
        if (now - told > PROGRESS_NANOSECONDS) {
            told = now;
            tw__pool_progress(task, outcome->done, outcome->began);
        }
    }
    tw__pool_progress(task, outcome->done, outcome->began);
    return outcome->failed > 0 ? TW_ERROR_KERNEL : TW_OK;
}
