/* threads.c - workers that are threads; the caller is worker 0. Threads cannot die alone, so nobody supervises. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/wait.h"
#include "pool/crew.h"
#include "pool/inside.h"

#define PROGRESS_SECONDS 0.03
#define LONGEST_SLEEP 1.0 /* seconds */

struct threads {
    int started;                /* the caller included */
    struct tw__thread thread[]; /* [workers]; 0 is the caller and not used */
};

struct seat {
    struct tw__claims *claims;
    struct tw__worker *worker;
};

static void *serve(void *argument)
{
    struct seat seat = *(struct seat *)argument;
    free(argument);
    tw__inside_enter();
    tw__claims_serve(seat.claims, seat.worker);
    return NULL;
}

static int start(struct tw__crew *crew, int w)
{
    struct threads *threads = crew->own;
    struct seat *seat = malloc(sizeof *seat);
    if (seat == NULL) {
        return ENOMEM;
    }
    *seat = (struct seat){crew->claims, &crew->seats[w]};
    const int os_error = tw__thread_start(&threads->thread[w], serve, seat);
    if (os_error != 0) {
        free(seat);
    }
    return os_error;
}

static tw_status threads_open(struct tw__crew *crew, const tw_pool_options *options, tw_error *error)
{
    (void)options;
    const size_t size = tw__claims_size((unsigned)crew->workers);
    struct threads *threads = calloc(1, sizeof *threads + (size_t)crew->workers * sizeof threads->thread[0]);
    crew->own = threads;
    if (threads == NULL) {
        return tw__fail_memory(error, (size_t)crew->workers * sizeof threads->thread[0], "a pool's threads");
    }
    if (posix_memalign((void **)&crew->claims, 128, size) != 0) {
        crew->claims = NULL;
        return tw__fail_memory(error, size, "a pool's claims");
    }
    memset(crew->claims, 0, size);
    tw__claims_init(crew->claims, (unsigned)crew->workers, crew->spin);
    threads->started = 1;
    while (threads->started < crew->workers) {
        const int os_error = start(crew, threads->started);
        if (os_error == 0) {
            threads->started++;
        } else { /* the caller is a worker too: it can do everything alone */
            tw__crew_note_fewer(crew, threads->started, os_error);
        }
    }
    return TW_OK;
}

static void threads_close(struct tw__crew *crew)
{
    struct threads *threads = crew->own;
    if (crew->owner != tw__process_own_id()) {
        return; /* what its threads use stays theirs */
    }
    if (crew->claims != NULL) {
        tw__claims_quit(crew->claims);
    }
    for (int w = 1; threads != NULL && w < threads->started; w++) {
        tw__thread_join(&threads->thread[w]);
    }
    free(threads);
    free(crew->claims);
    crew->own = NULL;
    crew->claims = NULL;
}

/* Reports progress, and tiles of others, between the caller's own tiles. */
static struct tw__result run_and_report(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                        char *message)
{
    struct tw__watch *watch = argument;
    const struct tw__result result = watch->task->function(watch->task->argument, worker, tile, attempt, message);
    if (worker->index == 0) {
        tw__watch_notice(watch);
        tw__watch_progress(watch, tw__now());
    }
    return result;
}

static void sleep_on_bell(struct tw__watch *watch, uint32_t bell)
{
    tw__wait(&watch->crew->claims->caller_bell, bell, watch->task->progress != NULL ? PROGRESS_SECONDS : LONGEST_SLEEP);
}

static tw_status threads_run(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome)
{
    struct tw__claims *claims = crew->claims;
    struct tw__watch watch = {.crew = crew,
                              .task = task,
                              .outcome = outcome,
                              .look = claims->spin,
                              .reported = outcome->began,
                              .sleep = sleep_on_bell};
    tw__crew_set_job(crew, task, outcome, task->stop != NULL ? task->stop : &claims->never);
    if (task->progress != NULL || task->notice != NULL) {
        claims->function = run_and_report;
        claims->argument = &watch;
    }
    tw__claims_open(claims);
    tw__claims_work(claims, &crew->seats[0]);
    tw__watch_until(&watch, tw__claims_finished);
    tw__claims_close(claims);
    tw__watch_until(&watch, tw__claims_empty);
    tw__watch_notice(&watch);
    tw__crew_collect(crew, outcome);
    if (outcome->tile != UINT64_MAX) {
        return TW_ERROR_KERNEL;
    }
    tw__task_progress(task, outcome->done, outcome->began);
    return outcome->done == task->first + task->count ? TW_OK : TW_ERROR_INTERRUPTED;
}

const struct tw__crew_ops tw__threads_crew = {.kind = TW_THREADS,
                                              .name = "threads",
                                              .one = "thread",
                                              .many = "threads",
                                              .open = threads_open,
                                              .run = threads_run,
                                              .close = threads_close};
