/* processes.c - workers that are processes, and their supervisor, the caller: it sleeps on their pidfds, reaps the
 * dead, frees what they had, and forks others in their place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/wait.h"
#include "pool/pool.h"
#include "pool/stall.h"

#define PROGRESS_SECONDS 0.03
#define MOST_IDLE_DEATHS 64
#define END_SECONDS 5 /* that a worker has for hooks.end */

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
    seat->worker.mark = tw__fork_mark();
    tw__note_faults(&seat->claims->slots[seat->worker.index].fault);
    const tw_fork_hooks *hooks = &seat->pool->hooks;
    if (hooks->child != NULL) {
        hooks->child(hooks->user, (int)seat->worker.index);
    }
    tw__claims_serve(seat->claims, &seat->worker);
    if (hooks->end != NULL) {
        hooks->end(hooks->user, (int)seat->worker.index);
    }
    return 0;
}

static int fork_worker(tw_pool *pool, int w)
{
    struct seat seat = {pool, pool->claims, {.index = (unsigned)w}};
    if (pool->hooks.before != NULL) {
        pool->hooks.before(pool->hooks.user);
    }
    int os_error = TW__POINT("fork.before");
    if (os_error == 0) {
        os_error = tw__fork(&pool->processes[w], &pool->lifeline, serve, &seat);
    }
    if (pool->hooks.parent != NULL) {
        pool->hooks.parent(pool->hooks.user);
    }
    (void)TW__POINT("fork.after");
    return os_error;
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
    pool->killed_at = calloc((size_t)pool->workers, sizeof *pool->killed_at);
    if (pool->processes == NULL || pool->killed_at == NULL) {
        free(pool->processes);
        free(pool->killed_at);
        pool->processes = NULL;
        pool->killed_at = NULL;
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
        status =
            tw__fail_os(error, TW_ERROR_PROCESS, os_error, "a process pool needs more descriptors than are available");
        goto fail;
    }
    memset(pool->claims, 0, size);
    tw__claims_init(pool->claims, (unsigned)pool->workers, pool->spin);
    pool->claims->caller_event = pool->event;
    pool->claims->parent = pool->owner;
    pool->forked_at = tw__now();
    for (int w = 0; w < pool->workers; w++) {
        os_error = fork_worker(pool, w);
        if (os_error != 0 && w == 0) {
            status = tw__fail_os(error, TW_ERROR_PROCESS, os_error, "no worker process can be created");
            goto fail;
        }
        if (os_error != 0) {
            const int wished = pool->workers;
            pool->workers = w;
            pool->claims->workers = (unsigned)w;
            tw__pool_note_fewer(pool, wished, os_error);
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

/* Workers that have something to do before they end. Those that take too long are killed by the caller. */
static void end_in_order(tw_pool *pool, int count)
{
    const int64_t end = tw__now() + END_SECONDS * INT64_C(1000000000);
    tw__claims_quit(pool->claims);
    for (int64_t now = tw__now(); now < end; now = tw__now()) {
        int left = 0;
        for (int w = 0; w < count; w++) {
            struct tw__death death;
            left += pool->processes[w].pid != 0 && tw__reap(&pool->processes[w], &death) == EAGAIN;
        }
        if (left == 0) {
            return;
        }
        tw__sleep_on(pool->processes, count, NULL, 0.05); /* not longer: one without a pidfd wakes nobody */
    }
}

/* Workers hold nothing that anybody needs: killing them is the quickest way to end them, busy or idle. */
void tw__processes_close(tw_pool *pool)
{
    const int count = pool->processes != NULL ? pool->workers : 0;
    const int mine = pool->owner == tw__process_own_id();
    if (mine && count > 0 && pool->hooks.end != NULL) {
        end_in_order(pool, count);
    }
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
    free(pool->killed_at);
    pool->processes = NULL;
    pool->killed_at = NULL;
    tw__event_close(&pool->event);
    if (pool->has_lifeline) {
        tw__lifeline_close(&pool->lifeline);
        pool->has_lifeline = 0;
    }
}

void tw__death_reason(const struct tw__death *death, double limit, char *text, size_t size)
{
    if (limit > 0) {
        const long long thousandths = (long long)(limit * 1000 + 0.5); /* no locale has a say */
        snprintf(text, size, "took longer than %lld.%03lld s and was killed", thousandths / 1000, thousandths % 1000);
    } else {
        tw__death_text(death, text, size);
    }
}

/* One job as the supervisor sees it. */
struct supervision {
    tw_pool *pool;
    const struct tw__task *task;
    struct tw__outcome *outcome;
    int64_t told;    /* when progress was last told */
    int64_t limit;   /* nanoseconds that a tile may take; 0: any */
    int idle_deaths; /* workers that died in a row without a tile in hand, no tile ending meanwhile */
    uint64_t ended;  /* tiles, when the last of them died */
    int given_up;    /* a tile cost too many workers */
    uint64_t lost_tile;
    unsigned lost_worker;
    struct tw__death lost_death;
    int lost_timed_out;
    struct tw__stall stall;
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

static void tell_death(const struct supervision *job, unsigned worker, int pid, const struct tw__death *death,
                       int timed_out, const struct tw__grave *grave)
{
    char reason[TW_TILE_MESSAGE_SIZE];
    if (job->task->died == NULL) {
        return;
    }
    tw__death_reason(death, timed_out ? job->task->timeout : 0, reason, sizeof reason);
    const tw_death told = {.worker = (int)worker,
                           .pid = pid,
                           .signal = death->signal,
                           .code = death->code,
                           .timed_out = timed_out,
                           .by_itself = death->by_itself,
                           .has_address = death->has_address,
                           .address = death->address,
                           .tile = grave->tile == UINT64_MAX || grave->recovered ? -1 : (int64_t)grave->tile,
                           .deaths = (int)grave->attempt + !grave->free_of_charge,
                           .given_up = grave->given_up,
                           .reason = reason};
    job->task->died(job->task->died_user, &told);
}

/* One worker that was reaped. */
static void bury_one(struct supervision *job, unsigned w, int pid, struct tw__death *death, int64_t killed_at)
{
    struct tw__outcome *outcome = job->outcome;
    struct tw__slot *slot = &job->pool->claims->slots[w];
    /* It was killed for the tile that it had since then; if it has another by now, that is not to blame. */
    const int late = killed_at != 0 && atomic_load(&slot->since) != killed_at;
    const int timed_out = killed_at != 0 && death->signal > 0;
    tw__death_add(death, &slot->fault);
    /* A worker that ended itself would do so on all other tiles too, as one does that a library refuses to work for. */
    struct tw__grave grave = {.retries = job->task->retries,
                              .free_of_charge = late,
                              .recover = job->task->recover,
                              .ends_run = job->task->lost_ends_run || (death->by_itself && !job->task->keep_going)};
    (void)TW__POINT("bury.reaped");
    tw__claims_bury(job->pool->claims, w, &grave);
    (void)TW__POINT("bury.freed");
    if (outcome->deaths + outcome->recycled < TW__MAX_BURIALS) {
        outcome->burials[outcome->deaths + outcome->recycled] =
            (struct tw__burial){w, pid, (double)(tw__now() - outcome->began) * 1e-9};
    }
    if (grave.retired) {
        outcome->recycled++;
        return;
    }
    outcome->deaths++;
    outcome->timeouts += timed_out;
    const uint64_t ended = tw__claims_done(job->pool->claims);
    job->idle_deaths = ended != job->ended ? 0 : job->idle_deaths + (grave.tile == UINT64_MAX);
    job->ended = ended;
    if (grave.given_up && grave.tile < job->lost_tile) {
        job->given_up = 1;
        job->lost_tile = grave.tile;
        job->lost_worker = w;
        job->lost_death = *death;
        job->lost_timed_out = timed_out;
        outcome->finding[0] = '\0';
        if (job->task->find != NULL) {
            job->task->find(job->task->argument, w, death, outcome->finding, sizeof outcome->finding);
        }
    }
    tell_death(job, w, pid, death, timed_out, &grave);
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
        const int64_t killed_at = pool->killed_at[w];
        pool->killed_at[w] = 0;
        bury_one(job, (unsigned)w, pid, &death, killed_at);
        replace(job, w);
    }
}

/* Kills workers whose tile takes too long; how they end is seen like any death. */
static void enforce_limit(struct supervision *job, int64_t now)
{
    tw_pool *pool = job->pool;
    for (int w = 0; job->limit > 0 && w < pool->workers; w++) {
        const int64_t since = atomic_load_explicit(&pool->claims->slots[w].since, memory_order_relaxed);
        if (since != 0 && now - since > job->limit && pool->killed_at[w] == 0 && pool->processes[w].pid != 0) {
            pool->killed_at[w] = since;
            tw__kill_begin(&pool->processes[w]);
        }
    }
}

/* How long the supervisor may sleep at most. */
static double most_sleep(const struct supervision *job)
{
    const double due = (double)job->limit * 1e-9 / 8;
    return job->limit == 0 || due > PROGRESS_SECONDS ? PROGRESS_SECONDS : due < 0.001 ? 0.001 : due;
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
        if (task->serve != NULL) {
            task->serve(task->serve_user);
        }
        const int64_t now = tw__now();
        if (now < look_until) {
            tw__pause();
            continue;
        }
        if (task->progress != NULL && (double)(now - job->told) * 1e-9 >= PROGRESS_SECONDS) {
            job->told = now;
            tw__pool_progress(task, tw__claims_done(claims), job->outcome->began);
            pass_on_stop(task, claims); /* before anyone is forked who would take a tile */
        }
        tw__claims_caller_waits(claims, 1);
        if (!over(claims)) {
            tw__sleep_on(pool->processes, pool->workers, &pool->event, most_sleep(job));
        }
        tw__claims_caller_waits(claims, 0);
        bury(job);
        const int64_t awake = tw__now();
        enforce_limit(job, awake);
        tw__stall_look(&job->stall, pool, task, awake);
    }
}

tw_status tw__processes_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__claims *claims = pool->claims;
    struct supervision job = {
        .pool = pool, .task = task, .outcome = outcome, .told = outcome->began, .lost_tile = UINT64_MAX};
    tw__stall_init(&job.stall, task, outcome->began);
    job.limit = task->timeout > 1e9 ? (int64_t)1e18 : (int64_t)(task->timeout * 1e9);
    tw__pool_set_job(pool, task, &claims->never);
    pass_on_stop(task, claims);
    claims->began = outcome->began;
    claims->earlier = outcome->earlier;
    outcome->os_error = 0;
    memset(pool->killed_at, 0, (size_t)pool->workers * sizeof *pool->killed_at);
    tw__claims_open(claims);
    (void)TW__POINT("job.opened");
    wait_until(&job, tw__claims_finished);
    tw__claims_close(claims);
    wait_until(&job, tw__claims_empty);
    (void)TW__POINT("job.closed");
    tw__pool_collect(pool, outcome);
    if (job.given_up && job.lost_tile <= outcome->tile) {
        outcome->tile = job.lost_tile;
        outcome->worker = job.lost_worker;
        outcome->death = job.lost_death;
        outcome->timed_out = job.lost_timed_out;
        tw__death_reason(&job.lost_death, job.lost_timed_out ? task->timeout : 0, outcome->message,
                         sizeof outcome->message);
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
