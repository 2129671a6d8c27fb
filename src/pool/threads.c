/* threads.c - workers that are threads; the caller is worker 0. Threads cannot die alone, so nobody supervises. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/wait.h"
#include "pool/pool.h"

#define PROGRESS_SECONDS 0.03

struct seat {
    struct tw__claims *claims;
    struct tw__worker *worker;
};

static void *serve(void *argument)
{
    struct seat seat = *(struct seat *)argument;
    free(argument);
    tw__claims_serve(seat.claims, seat.worker);
    return NULL;
}

tw_status tw__threads_open(tw_pool *pool, tw_error *error)
{
    const size_t size = tw__claims_size((unsigned)pool->workers);
    if (posix_memalign((void **)&pool->claims, 128, size) != 0) {
        pool->claims = NULL;
        return tw__fail_memory(error, size, "a pool's claims");
    }
    memset(pool->claims, 0, size);
    tw__claims_init(pool->claims, (unsigned)pool->workers, pool->spin);
    pool->threads = calloc((size_t)pool->workers, sizeof *pool->threads);
    if (pool->threads == NULL) {
        return tw__fail_memory(error, (size_t)pool->workers * sizeof *pool->threads, "a pool's threads");
    }
    for (pool->started = 1; pool->started < pool->workers; pool->started++) {
        struct seat *seat = malloc(sizeof *seat);
        int os_error = seat == NULL ? ENOMEM : 0;
        if (seat != NULL) {
            *seat = (struct seat){pool->claims, &pool->seats[pool->started]};
            os_error = tw__thread_start(&pool->threads[pool->started], serve, seat);
        }
        if (os_error != 0) { /* the caller is a worker too: nothing is so little that it could not go on with it */
            const int wished = pool->workers;
            free(seat);
            pool->workers = pool->started;
            pool->claims->workers = (unsigned)pool->started;
            tw__pool_note_fewer(pool, wished, os_error);
            break;
        }
    }
    return TW_OK;
}

void tw__threads_close(tw_pool *pool)
{
    if (pool->claims != NULL) {
        tw__claims_quit(pool->claims);
    }
    for (int w = 1; w < pool->started; w++) {
        tw__thread_join(&pool->threads[w]);
    }
    free(pool->threads);
    free(pool->claims);
}

/* Tells of progress between the caller's own tiles. */
struct watched {
    const struct tw__task *task;
    const struct tw__claims *claims;
    int64_t began, told;
};

static struct tw__result run_and_tell(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                      char *message)
{
    struct watched *watched = argument;
    const struct tw__result result = watched->task->function(watched->task->argument, worker, tile, attempt, message);
    if (worker->index == 0) {
        const int64_t now = tw__now();
        if ((double)(now - watched->told) * 1e-9 >= PROGRESS_SECONDS) {
            watched->told = now;
            tw__pool_progress(watched->task, tw__claims_done(watched->claims), watched->began);
        }
    }
    return result;
}

static void wait_until(tw_pool *pool, const struct tw__task *task, int (*over)(struct tw__claims *claims),
                       int64_t began)
{
    struct tw__claims *claims = pool->claims;
    const int64_t look_until = claims->spin > 0 ? tw__now() + claims->spin : 0;
    while (!over(claims)) {
        if (look_until != 0 && tw__now() < look_until) {
            tw__pause();
            continue;
        }
        tw__claims_wait_caller(claims, task->progress != NULL ? PROGRESS_SECONDS : 1.0);
        tw__pool_progress(task, tw__claims_done(claims), began);
    }
}

tw_status tw__threads_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__claims *claims = pool->claims;
    struct watched watched = {task, claims, outcome->began, outcome->began};
    tw__pool_set_job(pool, task, task->stop != NULL ? task->stop : &claims->never);
    if (task->progress != NULL) {
        claims->function = run_and_tell;
        claims->argument = &watched;
    }
    claims->began = outcome->began;
    claims->earlier = outcome->earlier;
    tw__claims_open(claims);
    tw__claims_work(claims, &pool->seats[0]);
    wait_until(pool, task, tw__claims_finished, outcome->began);
    tw__claims_close(claims);
    wait_until(pool, task, tw__claims_empty, outcome->began);
    tw__pool_collect(pool, outcome);
    if (outcome->tile != UINT64_MAX) {
        return TW_ERROR_KERNEL;
    }
    tw__pool_progress(task, outcome->done, outcome->began);
    return outcome->done == task->count ? TW_OK : TW_ERROR_INTERRUPTED;
}
