/* serial.c - the pool that is a loop, which every other kind must equal; also without a pool, on the calling thread. */
#include <string.h>

#include "os/clock.h"
#include "pool/crew.h"

/* Whether an earlier run has done the tile. */
static int is_done(const struct tw__task *task, uint64_t tile)
{
    return task->words != NULL &&
           TW__WORD_STATE(atomic_load_explicit(&task->words[tile], memory_order_relaxed)) != TW_TILE_FREE;
}

static int must_stop(const struct tw__crew *crew, const struct tw__task *task)
{
    return atomic_load_explicit(&crew->halt, memory_order_relaxed) != 0 ||
           (task->notice != NULL && task->notice->ended) ||
           (task->stop != NULL && __atomic_load_n(task->stop, __ATOMIC_RELAXED) != 0);
}

/* One tile and its word. Whether it is done. */
static int run_tile(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome, uint64_t tile)
{
    struct tw__time *time = task->times != NULL ? &task->times[tile] : NULL;
    char draft[TW_TILE_MESSAGE_SIZE];
    const int64_t start = time != NULL ? tw__now() : 0;
    draft[0] = '\0';
    const struct tw__result result = task->function(task->argument, &crew->seats[0], tile, 0, draft);
    if (time != NULL) {
        time->start = (float)((double)(start - outcome->began) * 1e-9);
        time->duration = (float)((double)(tw__now() - start) * 1e-9);
    }
    const int done = result.status == TW_OK;
    if (task->words != NULL) {
        /* release: whoever sees the tile done, sees its elements */
        atomic_store_explicit(&task->words[tile], TW__WORD(done ? TW_TILE_DONE : TW_TILE_FAILED, 0, 0),
                              memory_order_release);
    }
    if (done) {
        outcome->done++;
    } else if (outcome->failed++ == 0) {
        outcome->tile = tile;
        outcome->worker = 0;
        outcome->result = result;
        memcpy(outcome->message, draft, sizeof draft);
        outcome->message[sizeof draft - 1] = '\0';
    }
    return done;
}

static tw_status serial_run(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__watch watch = {.crew = crew, .task = task, .outcome = outcome, .reported = outcome->began};
    for (uint64_t tile = task->first; tile < task->first + task->count; tile++) {
        if (is_done(task, tile)) {
            continue;
        }
        if (must_stop(crew, task)) {
            return outcome->failed > 0 ? TW_ERROR_KERNEL : TW_ERROR_INTERRUPTED;
        }
        const int done = run_tile(crew, task, outcome, tile);
        if (!done && !task->keep_going) {
            return TW_ERROR_KERNEL;
        }
        if (done && task->notice != NULL) {
            tw__notice_tell(task->notice, tile);
        }
        if (task->progress != NULL) {
            tw__watch_progress(&watch, tw__now());
        }
    }
    tw__task_progress(task, outcome->done, outcome->began);
    return outcome->failed > 0 ? TW_ERROR_KERNEL : TW_OK;
}

tw_status tw__serial_run(struct tw__worker *seat, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__crew crew = {.ops = &tw__serial_crew, .workers = 1, .seats = seat};
    return outcome->status = serial_run(&crew, task, outcome);
}

const struct tw__crew_ops tw__serial_crew = {
    .kind = TW_SERIAL, .name = "serial", .alone = 1, .one = "worker", .many = "workers", .run = serial_run};
