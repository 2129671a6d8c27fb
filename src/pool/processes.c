/* processes.c - workers that are processes, and their supervisor, the caller: it sleeps on their pidfds, reaps the
 * dead, frees what they had, and forks others in their place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/wait.h"
#include "pool/pool.h"

#define PROGRESS_SECONDS 0.1
#define MOST_IDLE_DEATHS 64

struct seat {
    tw_pool *pool;
    struct tw__claims *claims;
    struct tw__worker worker;
};

/* In the child. */
static int serve(void *argument)
{
    struct seat *seat = argument;
    for (int w = 0; w < seat->pool->workers; w++) { /* the parent's, and they are many */
        if ((unsigned)w != seat->worker.index) {
            tw__forget(&seat->pool->processes[w]);
        }
    }
    tw__claims_serve(seat->claims, &seat->worker);
    return 0;
}

static int fork_worker(tw_pool *pool, int w)
{
    struct seat seat = {pool, pool->claims, {(unsigned)w, NULL}};
    return tw__fork(&pool->processes[w], &pool->lifeline, serve, &seat);
}

tw_status tw__processes_open(tw_pool *pool, tw_error *error)
{
    const size_t size = tw__claims_size((unsigned)pool->workers);
    tw_status status = TW_OK;
    int os_error = 0;
    if (pool->claims == NULL) {
        void *claims = NULL;
        status = tw__heap_take(pool->heap, size, &claims, error);
        if (status != TW_OK) {
            return status;
        }
        pool->claims = claims;
    }
    pool->processes = calloc((size_t)pool->workers, sizeof *pool->processes);
    if (pool->processes == NULL) {
        return tw__fail_memory(error, (size_t)pool->workers * sizeof *pool->processes, "a pool's processes");
    }
    for (int w = 0; w < pool->workers; w++) {
        pool->processes[w].pidfd = -1;
    }
    os_error = tw__event_open(&pool->event);
    if (os_error == 0) {
        os_error = tw__lifeline_open(&pool->lifeline);
        pool->has_lifeline = os_error == 0;
    }
    if (os_error != 0) {
        status = tw__fail_os(error, TW_ERROR_PROCESS, os_error, "a process pool needs descriptors that cannot be had");
        goto fail;
    }
    memset(pool->claims, 0, size);
    tw__claims_init(pool->claims, (unsigned)pool->workers, pool->spin, pool->event);
    pool->claims->parent = pool->owner;
    pool->forked_at = tw__now();
    for (int w = 0; w < pool->workers; w++) {
        os_error = fork_worker(pool, w);
        if (os_error != 0) {
            status = tw__fail_os(error, TW_ERROR_PROCESS, os_error,
                                 "process %d of %d cannot be created; ask for fewer workers", w + 1, pool->workers);
            goto fail;
        }
    }
    return TW_OK;
fail:
    tw__processes_close(pool);
    return status;
}

tw_status tw__processes_ready(tw_pool *pool, tw_error *error)
{
    if (pool->processes == NULL) {
        return tw__processes_open(pool, error);
    }
    int alive = 0, os_error = 0;
    for (int w = 0; w < pool->workers; w++) {
        if (pool->processes[w].pid == 0) {
            os_error = fork_worker(pool, w);
        }
        alive += pool->processes[w].pid != 0;
    }
    return alive > 0 ? TW_OK : tw__fail_os(error, TW_ERROR_PROCESS, os_error, "no worker process can be created");
}

/* Workers hold nothing that anybody needs: killing them is the quickest way to end them, busy or idle. */
void tw__processes_close(tw_pool *pool)
{
    const int count = pool->processes != NULL ? pool->workers : 0;
    const int mine = pool->owner == tw__process_own_id();
    for (int w = 0; mine && w < count; w++) {
        tw__kill_begin(&pool->processes[w]);
    }
    for (int w = 0; w < count; w++) {
        if (mine) {
            tw__kill(&pool->processes[w]);
        } else {
            tw__forget(&pool->processes[w]);
        }
    }
    free(pool->processes);
    pool->processes = NULL;
    tw__event_close(pool->event);
    pool->event = -1;
    if (pool->has_lifeline) {
        tw__lifeline_close(&pool->lifeline);
        pool->has_lifeline = 0;
    }
}

/* One job as the supervisor sees it. */
struct supervision {
    tw_pool *pool;
    const struct tw__task *task;
    struct tw__outcome *outcome;
    int64_t told;    /* when progress was last told */
    int idle_deaths; /* workers that died without a tile in hand */
    int given_up;    /* a tile cost too many workers */
    uint64_t lost_tile;
    unsigned lost_worker;
    char lost_message[TW_TILE_MESSAGE_SIZE];
};

/* Nobody is left who could take what is free: as far as the job is concerned they have all looked and left. */
static int all_dead(const tw_pool *pool)
{
    for (int w = 0; w < pool->workers; w++) {
        if (pool->processes[w].pid != 0) {
            return 0;
        }
    }
    return 1;
}

static void replace(struct supervision *job, int w)
{
    tw_pool *pool = job->pool;
    /* Something kills workers before they get to work: no use in an endless row of them. */
    const int hopeless = job->idle_deaths > MOST_IDLE_DEATHS + 4 * pool->workers;
    const int os_error = hopeless ? ECHILD : fork_worker(pool, w);
    if (os_error == 0) {
        return; /* it looks at the claims first thing */
    }
    job->outcome->os_error = os_error;
    tw__claims_set_sweep(pool->claims, (unsigned)w, 0);
    for (int other = 0; other < pool->workers; other++) {
        if (pool->processes[other].pid != 0) {
            tw__claims_set_sweep(pool->claims, (unsigned)other, 1);
        }
    }
    tw__claims_ring(pool->claims);
}

/* Reaps whoever has died. */
static void bury(struct supervision *job)
{
    tw_pool *pool = job->pool;
    for (int w = 0; w < pool->workers; w++) {
        struct tw__death death;
        const int pid = pool->processes[w].pid;
        if (pid == 0 || !pool->processes[w].look || tw__reap(&pool->processes[w], &death) != 0) {
            continue;
        }
        struct tw__outcome *outcome = job->outcome;
        if (outcome->deaths < TW__MAX_BURIALS) {
            outcome->burials[outcome->deaths] =
                (struct tw__burial){(unsigned)w, pid, (double)(tw__now() - outcome->began) * 1e-9};
        }
        outcome->deaths++;
        int given_up;
        const uint64_t tile = tw__claims_bury(pool->claims, (unsigned)w, job->task->retries, &given_up);
        job->idle_deaths += tile == UINT64_MAX;
        if (given_up && tile < job->lost_tile) {
            job->given_up = 1;
            job->lost_tile = tile;
            job->lost_worker = (unsigned)w;
            tw__death_text(&death, job->lost_message, sizeof job->lost_message);
        }
        replace(job, w);
    }
}

/* The caller's flag lies where workers cannot see it. */
static void pass_on_stop(const struct tw__task *task, struct tw__claims *claims)
{
    if (task->stop != NULL && __atomic_load_n(task->stop, __ATOMIC_RELAXED) != 0) {
        atomic_store(&claims->stop_word, 1);
    }
}

/* The caller looks for as long as a worker would take to wake up, then sleeps; a sleep ends when a worker leaves the
 * job, when one dies, or now and then. While workers compute it does not compete with them for the processor. */
static void wait_until(struct supervision *job, int (*over)(struct tw__claims *claims))
{
    tw_pool *pool = job->pool;
    struct tw__claims *claims = pool->claims;
    const struct tw__task *task = job->task;
    const int64_t look_until = claims->spin > 0 ? tw__now() + claims->spin / 4 : 0;
    while (!over(claims) && !all_dead(pool)) {
        pass_on_stop(task, claims);
        const int64_t now = tw__now();
        if (now < look_until) {
            tw__pause();
            continue;
        }
        if (task->progress != NULL && (double)(now - job->told) * 1e-9 >= PROGRESS_SECONDS) {
            job->told = now;
            tw__pool_progress(task, tw__claims_done(claims), job->outcome->began);
        }
        tw__claims_caller_waits(claims, 1);
        if (!over(claims)) {
            tw__sleep_on(pool->processes, pool->workers, pool->event, PROGRESS_SECONDS);
        }
        tw__claims_caller_waits(claims, 0);
        bury(job);
    }
}

tw_status tw__processes_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__claims *claims = pool->claims;
    struct supervision job = {
        .pool = pool, .task = task, .outcome = outcome, .told = outcome->began, .lost_tile = UINT64_MAX};
    tw__pool_set_job(pool, task, &claims->never);
    pass_on_stop(task, claims);
    claims->began = outcome->began;
    outcome->os_error = 0;
    tw__claims_open(claims);
    wait_until(&job, tw__claims_finished);
    tw__claims_close(claims);
    wait_until(&job, tw__claims_empty);
    tw__pool_collect(pool, outcome);
    if (job.given_up && job.lost_tile <= outcome->tile) {
        outcome->tile = job.lost_tile;
        outcome->worker = job.lost_worker;
        memcpy(outcome->message, job.lost_message, sizeof outcome->message);
        return TW_ERROR_WORKER;
    }
    if (outcome->tile != UINT64_MAX) {
        return TW_ERROR_KERNEL;
    }
    tw__pool_progress(task, outcome->done, outcome->began);
    if (outcome->done == task->count) {
        return TW_OK;
    }
    return all_dead(pool) ? TW_ERROR_PROCESS : TW_ERROR_INTERRUPTED;
}
