/* processes.c - workers that are processes, and their supervisor, the caller: it sleeps on their pidfds, reaps the
 * dead, frees what they had, and forks others in their place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "heap/spare.h"
#include "os/allocator.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/process.h"
#include "pool/crew.h"
#include "pool/inside.h"
#include "pool/stall.h"

#define MOST_SLEEP 0.03 /* seconds that the supervisor sleeps, unless something wakes it */
#define MOST_IDLE_DEATHS 64
#define END_SECONDS 5 /* that a worker has for hooks.end */

/* What a crew of processes has of its own. */
struct processes {
    tw_fork_hooks hooks;
    struct tw__event event; /* workers signal it, the caller sleeps on it */
    struct tw__lifeline lifeline;
    int has_lifeline;
    struct tw__process *process; /* [workers]; NULL: none were made, or they have ended */
    int64_t *killed_at;          /* [workers] slot.since of the tile for which it was killed; 0: it was not */
};

struct seat {
    const struct tw__crew *crew;
    struct tw__worker worker;
};

/* In the child. */
static int serve(void *argument)
{
    struct seat *seat = argument;
    struct processes *own = seat->crew->own;
    const int index = (int)seat->worker.index;
    for (int w = 0; w < seat->crew->workers; w++) { /* the parent's, and they are many */
        if (w != index) {
            tw__forget(&own->process[w]);
        }
    }
    seat->worker.mark = tw__fork_mark();
    tw__inside_enter();
    tw__allocator_keep();
    tw__note_faults(&seat->crew->claims->slots[index].fault);
    if (own->hooks.child != NULL) {
        own->hooks.child(own->hooks.user, index);
    }
    tw__claims_serve(seat->crew->claims, &seat->worker);
    if (own->hooks.end != NULL) {
        own->hooks.end(own->hooks.user, index);
    }
    return 0;
}

static int fork_worker(struct tw__crew *crew, int w)
{
    struct processes *own = crew->own;
    struct seat seat = {crew, {.index = (unsigned)w}};
    if (own->hooks.before != NULL) {
        own->hooks.before(own->hooks.user);
    }
    int os_error = TW__POINT("fork.before");
    if (os_error == 0) {
        os_error = tw__fork(&own->process[w], &own->lifeline, serve, &seat);
    }
    if (own->hooks.parent != NULL) {
        own->hooks.parent(own->hooks.user);
    }
    (void)TW__POINT("fork.after");
    crew->forked_at = tw__now();
    return os_error;
}

static tw_status take_tables(struct tw__crew *crew, tw_error *error)
{
    struct processes *own = crew->own;
    const size_t workers = (size_t)crew->workers;
    own->process = calloc(workers, sizeof *own->process);
    own->killed_at = calloc(workers, sizeof *own->killed_at);
    if (own->process == NULL || own->killed_at == NULL) {
        free(own->process);
        own->process = NULL;
        return tw__fail_memory(error, workers * sizeof *own->process, "a pool's processes");
    }
    for (int w = 0; w < crew->workers; w++) {
        own->process[w].pidfd = -1;
    }
    return TW_OK;
}

static tw_status take_descriptors(struct processes *own, tw_error *error)
{
    int os_error = tw__event_open(&own->event);
    if (os_error == 0) {
        os_error = tw__lifeline_open(&own->lifeline);
        own->has_lifeline = os_error == 0;
    }
    return os_error == 0 ? TW_OK
                         : tw__fail_os(error, TW_ERROR_PROCESS, os_error,
                                       "a process pool needs more descriptors than are available");
}

static tw_status fork_all(struct tw__crew *crew, tw_error *error)
{
    struct processes *own = crew->own;
    memset(crew->claims, 0, tw__claims_size((unsigned)crew->workers));
    tw__claims_init(crew->claims, (unsigned)crew->workers, crew->spin);
    crew->claims->caller_event = own->event;
    crew->claims->parent = crew->owner;
    const int64_t began = tw__now();
    crew->made_at = began;
    tw__spare_trim(); /* the workers would keep it */
    for (int w = 0; w < crew->workers; w++) {
        const int os_error = fork_worker(crew, w);
        if (os_error != 0 && w == 0) {
            return tw__fail_os(error, TW_ERROR_PROCESS, os_error, "no worker process can be created");
        }
        if (os_error != 0) {
            tw__crew_note_fewer(crew, w, os_error);
        }
    }
    crew->fork_time = tw__now() - began;
    return TW_OK;
}

/* Workers that have something to do before they end. Those that take too long are killed by the caller. */
static void end_in_order(struct tw__crew *crew, int count)
{
    struct processes *own = crew->own;
    const int64_t end = tw__now() + END_SECONDS * INT64_C(1000000000);
    tw__claims_quit(crew->claims);
    for (int64_t now = tw__now(); now < end; now = tw__now()) {
        int left = 0;
        for (int w = 0; w < count; w++) {
            struct tw__death death;
            left += own->process[w].pid != 0 && tw__reap(&own->process[w], &death) == EAGAIN;
        }
        if (left == 0) {
            return;
        }
        tw__sleep_on(own->process, count, NULL, 0.05); /* not longer: one without a pidfd wakes nobody */
    }
}

/* Workers hold nothing that anybody needs: killing them is the quickest way to end them, busy or idle. */
static void end_all(struct tw__crew *crew)
{
    struct processes *own = crew->own;
    const int count = own->process != NULL ? crew->workers : 0;
    const int mine = crew->owner == tw__process_own_id();
    if (mine && count > 0 && own->hooks.end != NULL) {
        end_in_order(crew, count);
    }
    for (int w = 0; mine && w < count; w++) {
        tw__kill_begin(&own->process[w]);
    }
    for (int w = 0; w < count; w++) {
        if (mine) {
            tw__kill(&own->process[w]);
        } else {
            tw__forget(&own->process[w]);
        }
    }
    free(own->process);
    free(own->killed_at);
    own->process = NULL;
    own->killed_at = NULL;
    tw__event_close(&own->event);
    if (own->has_lifeline) {
        tw__lifeline_close(&own->lifeline);
        own->has_lifeline = 0;
    }
}

static tw_status begin_all(struct tw__crew *crew, tw_error *error)
{
    tw_status status = take_tables(crew, error);
    if (status == TW_OK) {
        status = take_descriptors(crew->own, error);
    }
    if (status == TW_OK) {
        status = fork_all(crew, error);
    }
    if (status != TW_OK) {
        end_all(crew);
    }
    return status;
}

static tw_status processes_open(struct tw__crew *crew, const tw_pool_options *options, tw_error *error)
{
    struct processes *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return tw__fail_memory(error, sizeof *own, "a pool's processes");
    }
    crew->own = own;
    own->hooks = options->hooks;
    own->event.fd = -1;
    void *claims = NULL;
    const tw_status status = tw__heap_take(crew->heap, tw__claims_size((unsigned)crew->workers), &claims, error);
    if (status != TW_OK) {
        return status;
    }
    crew->claims = claims;
    if (options->late) {
        crew->made_at = 0;
        return TW_OK;
    }
    return begin_all(crew, error);
}

static tw_status processes_ready(struct tw__crew *crew, tw_error *error)
{
    struct processes *own = crew->own;
    if (own->process == NULL) {
        return begin_all(crew, error);
    }
    int alive = 0, os_error = 0;
    for (int w = 0; w < crew->workers; w++) {
        if (own->process[w].pid == 0) {
            os_error = fork_worker(crew, w);
        }
        alive += own->process[w].pid != 0;
    }
    return alive > 0 ? TW_OK : tw__fail_os(error, TW_ERROR_PROCESS, os_error, "no worker process can be created");
}

static tw_status processes_renew(struct tw__crew *crew, tw_error *error)
{
    end_all(crew);
    return begin_all(crew, error);
}

static void processes_dismiss(struct tw__crew *crew)
{
    end_all(crew);
    crew->made_at = 0;
}

static void processes_close(struct tw__crew *crew)
{
    if (crew->own != NULL) {
        end_all(crew);
    }
    if (crew->claims != NULL) {
        tw__heap_give(crew->heap, crew->claims);
        crew->claims = NULL;
    }
    free(crew->own);
    crew->own = NULL;
}

static int processes_pid(const struct tw__crew *crew, int worker)
{
    const struct processes *own = crew->own;
    return own->process != NULL ? own->process[worker].pid : 0;
}

static void death_reason(const struct tw__death *death, double limit, char *text, size_t size)
{
    if (limit > 0) {
        const long long thousandths = (long long)(limit * 1000 + 0.5); /* no locale has a say */
        snprintf(text, size, "took longer than %lld.%03lld s and was killed", thousandths / 1000, thousandths % 1000);
    } else {
        tw__death_text(death, text, size);
    }
}

/* The worker that a tile was given up with. */
struct loss {
    uint64_t tile; /* UINT64_MAX: none was given up; else the lowest */
    unsigned worker;
    int attempts;
    struct tw__death death;
    int timed_out;
};

/* One job as the supervisor sees it. */
struct supervision {
    struct tw__crew *crew;
    struct processes *own;
    const struct tw__task *task;
    struct tw__outcome *outcome;
    int64_t limit;   /* nanoseconds that a tile may take; 0: any */
    int idle_deaths; /* workers that died in a row without a tile, no tile ending meanwhile */
    uint64_t ended;  /* tiles, when the last of them died */
    struct loss loss;
    struct tw__stall stall;
};

/* Nobody is left who could take what is free: as far as the job is concerned they have all looked and left. */
static int all_dead(const struct tw__crew *crew)
{
    for (int w = 0; w < crew->workers; w++) {
        if (processes_pid(crew, w) != 0) {
            return 0;
        }
    }
    return 1;
}

static void replace(struct supervision *job, int w)
{
    struct tw__crew *crew = job->crew;
    /* Something kills workers before they get to work: no use in an endless row of them. */
    const int hopeless = job->idle_deaths > MOST_IDLE_DEATHS + 4 * crew->workers;
    const int os_error = hopeless ? ECHILD : fork_worker(crew, w);
    if (os_error == 0) {
        return; /* it looks at the claims first thing */
    }
    job->outcome->os_error = os_error;
    tw__claims_set_sweep(crew->claims, (unsigned)w, 0);
    for (int other = 0; other < crew->workers; other++) {
        if (job->own->process[other].pid != 0) {
            tw__claims_set_sweep(crew->claims, (unsigned)other, 1);
        }
    }
    tw__claims_ring(crew->claims);
}

static void report_death(const struct supervision *job, unsigned worker, int pid, const struct tw__death *death,
                         int timed_out, const struct tw__grave *grave)
{
    char reason[TW_TILE_MESSAGE_SIZE];
    if (job->task->died == NULL) {
        return;
    }
    death_reason(death, timed_out ? job->task->timeout : 0, reason, sizeof reason);
    const tw_death report = {.worker = (int)worker,
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
    job->task->died(job->task->died_user, &report);
}

static void note_burial(struct tw__outcome *outcome, unsigned w, int pid)
{
    const int buried = outcome->deaths + outcome->recycled;
    if (buried < TW__MAX_BURIALS) {
        outcome->burials[buried] = (struct tw__burial){w, pid, (double)(tw__now() - outcome->began) * 1e-9};
    }
}

/* A tile is given up: the lowest one is reported. */
static void note_loss(struct supervision *job, unsigned w, const struct tw__death *death, int timed_out,
                      const struct tw__grave *grave)
{
    struct tw__outcome *outcome = job->outcome;
    if (grave->tile >= job->loss.tile) {
        return;
    }
    job->loss = (struct loss){
        .tile = grave->tile, .worker = w, .attempts = (int)grave->attempt + 1, .death = *death, .timed_out = timed_out};
    outcome->finding[0] = '\0';
    if (job->task->find != NULL) {
        job->task->find(job->task->argument, w, death, outcome->finding, sizeof outcome->finding);
    }
}

/* One worker that was reaped. */
static void bury_one(struct supervision *job, unsigned w, int pid, struct tw__death *death, int64_t killed_at)
{
    struct tw__outcome *outcome = job->outcome;
    struct tw__slot *slot = &job->crew->claims->slots[w];
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
    tw__claims_bury(job->crew->claims, w, &grave);
    (void)TW__POINT("bury.freed");
    note_burial(outcome, w, pid);
    if (grave.retired) {
        outcome->recycled++;
        return;
    }
    outcome->deaths++;
    outcome->timeouts += timed_out;
    const uint64_t ended = tw__claims_done(job->crew->claims);
    job->idle_deaths = ended != job->ended ? 0 : job->idle_deaths + (grave.tile == UINT64_MAX);
    job->ended = ended;
    if (grave.given_up) {
        note_loss(job, w, death, timed_out, &grave);
    }
    report_death(job, w, pid, death, timed_out, &grave);
}

/* Reaps whoever has died. */
static void bury(struct supervision *job)
{
    struct processes *own = job->own;
    for (int w = 0; w < job->crew->workers; w++) {
        struct tw__death death;
        const int pid = own->process[w].pid;
        if (pid == 0 || !own->process[w].look || tw__reap(&own->process[w], &death) != 0) {
            continue;
        }
        const int64_t killed_at = own->killed_at[w];
        own->killed_at[w] = 0;
        bury_one(job, (unsigned)w, pid, &death, killed_at);
        replace(job, w);
    }
}

/* Kills workers whose tile takes too long; how they end is seen like any death. */
static void enforce_limit(struct supervision *job, int64_t now)
{
    struct processes *own = job->own;
    for (int w = 0; job->limit > 0 && w < job->crew->workers; w++) {
        const int64_t since = atomic_load_explicit(&job->crew->claims->slots[w].since, memory_order_relaxed);
        if (since != 0 && now - since > job->limit && own->killed_at[w] == 0 && own->process[w].pid != 0) {
            own->killed_at[w] = since;
            tw__kill_begin(&own->process[w]);
        }
    }
}

/* The caller's flag lies where workers cannot see it. */
static void pass_on_stop(const struct tw__task *task, struct tw__claims *claims)
{
    if (task->stop != NULL && __atomic_load_n(task->stop, __ATOMIC_RELAXED) != 0) {
        atomic_store(&claims->stop_word, 1);
    }
}

/* ---- the supervisor's part of tw__watch ---- */

static int is_lost(const struct tw__watch *watch)
{
    return all_dead(watch->crew);
}

static void attend(struct tw__watch *watch)
{
    pass_on_stop(watch->task, watch->crew->claims);
    if (watch->task->serve != NULL) {
        watch->task->serve(watch->task->serve_user);
    }
}

/* Until a worker leaves the job or dies, or so long that no time limit is overrun by much. */
static void sleep_on_workers(struct tw__watch *watch, uint32_t bell)
{
    const struct supervision *job = watch->own;
    const double due = (double)job->limit * 1e-9 / 8;
    const double seconds = job->limit == 0 || due > MOST_SLEEP ? MOST_SLEEP : due < 0.001 ? 0.001 : due;
    (void)bell; /* they signal the event in its place */
    tw__sleep_on(job->own->process, watch->crew->workers, &job->own->event, seconds);
}

static void supervise(struct tw__watch *watch)
{
    struct supervision *job = watch->own;
    bury(job);
    const int64_t now = tw__now();
    enforce_limit(job, now);
    tw__stall_look(&job->stall, watch->crew, watch->task, now);
}

static tw_status conclude(const struct supervision *job)
{
    struct tw__outcome *outcome = job->outcome;
    const struct loss *loss = &job->loss;
    tw__crew_collect(job->crew, outcome);
    if (loss->tile != UINT64_MAX && loss->tile <= outcome->tile) {
        outcome->tile = loss->tile;
        outcome->worker = loss->worker;
        outcome->attempts = loss->attempts;
        outcome->death = loss->death;
        outcome->timed_out = loss->timed_out;
        death_reason(&loss->death, loss->timed_out ? job->task->timeout : 0, outcome->message, sizeof outcome->message);
        return TW_ERROR_WORKER;
    }
    if (outcome->tile != UINT64_MAX) {
        return TW_ERROR_KERNEL;
    }
    tw__task_progress(job->task, outcome->done, outcome->began);
    if (outcome->done == job->task->first + job->task->count) {
        return TW_OK;
    }
    return all_dead(job->crew) ? TW_ERROR_PROCESS : TW_ERROR_INTERRUPTED;
}

static tw_status processes_run(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__claims *claims = crew->claims;
    struct supervision job = {
        .crew = crew, .own = crew->own, .task = task, .outcome = outcome, .loss = {.tile = UINT64_MAX}};
    /* The caller looks for as long as a worker would take to wake up. */
    struct tw__watch watch = {.crew = crew,
                              .task = task,
                              .outcome = outcome,
                              .look = claims->spin / 4,
                              .reported = outcome->began,
                              .own = &job,
                              .lost = is_lost,
                              .attend = attend,
                              .sleep = sleep_on_workers,
                              .awake = supervise};
    tw__stall_init(&job.stall, task, outcome->began);
    job.limit = task->timeout > 1e9 ? (int64_t)1e18 : (int64_t)(task->timeout * 1e9);
    tw__crew_set_job(crew, task, outcome, &claims->never);
    pass_on_stop(task, claims);
    outcome->os_error = 0;
    memset(job.own->killed_at, 0, (size_t)crew->workers * sizeof *job.own->killed_at);
    tw__claims_open(claims);
    (void)TW__POINT("job.opened");
    tw__watch_until(&watch, tw__claims_finished);
    tw__claims_close(claims);
    tw__watch_until(&watch, tw__claims_empty);
    (void)TW__POINT("job.closed");
    tw__watch_notice(&watch);
    return conclude(&job);
}

const struct tw__crew_ops tw__processes_crew = {.kind = TW_PROCESSES,
                                                .name = "processes",
                                                .apart = 1,
                                                .one = "process",
                                                .many = "processes",
                                                .open = processes_open,
                                                .ready = processes_ready,
                                                .renew = processes_renew,
                                                .dismiss = processes_dismiss,
                                                .run = processes_run,
                                                .pid = processes_pid,
                                                .close = processes_close};
