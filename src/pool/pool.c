/* pool.c - pools: opened with workers of a kind, given tasks, closed. What the kinds do is theirs (crew.h). */
#include "pool/pool.h"

#include <stdlib.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "pool/inside.h"

/* By tw_pool_kind. */
static const struct tw__crew_ops *const kinds[] = {
    [TW_THREADS] = &tw__threads_crew, [TW_PROCESSES] = &tw__processes_crew, [TW_SERIAL] = &tw__serial_crew};

const char *tw_pool_note(const tw_pool *pool)
{
    return pool->crew.note[0] != '\0' ? pool->crew.note : NULL;
}

static tw_status check_options(const tw_pool_options *options, tw_error *error)
{
    if (options->workers < 0 || options->workers > TW_MAX_WORKERS) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a pool has 1 to %d workers, not %d", TW_MAX_WORKERS,
                        options->workers);
    }
    if (options->heap_bytes < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a shared heap cannot have a negative size");
    }
    return TW_OK;
}

static tw_status make_heap(struct tw__crew *crew, int64_t bytes, tw_error *error)
{
    const tw_status status = tw__heap_create(&crew->heap, bytes, error);
    if (status == TW_OK && !tw__heap_has_file(crew->heap)) {
        tw__crew_note(crew, "no memory file (memfd) is available, anonymous shared memory is used in its place");
    }
    return status;
}

tw_status tw__pool_open(tw_pool **pool, const struct tw__crew_ops *ops, const tw_pool_options *options, tw_error *error)
{
    tw_status status = check_options(options, error);
    if (status != TW_OK) {
        return status;
    }
    const int allowed = ops->alone ? 1 : tw__default_workers();
    const int wished = options->workers > 0 ? options->workers : tw_inside_run() ? 1 : allowed;
    const int workers = ops->alone ? 1 : wished;
    const size_t size = sizeof(tw_pool) + (size_t)workers * sizeof(struct tw__worker);
    tw_pool *made = calloc(1, size);
    if (made == NULL) {
        return tw__fail_memory(error, size, "a pool");
    }
    struct tw__crew *crew = &made->crew;
    crew->ops = ops;
    crew->owner = tw__process_own_id();
    crew->workers = workers;
    /* With more workers than processors the others need the processor more than one that only looks. */
    crew->spin = workers <= allowed ? TW__SPIN_NANOSECONDS : 0;
    crew->made_at = INT64_MAX;
    crew->seats = made->seats;
    for (int w = 0; w < workers; w++) {
        crew->seats[w].index = (unsigned)w;
    }
    if (ops->apart) {
        status = make_heap(crew, options->heap_bytes, error);
    }
    if (status == TW_OK && ops->open != NULL) {
        status = ops->open(crew, options, error);
    }
    if (status != TW_OK) {
        tw_pool_close(made);
        return status;
    }
    *pool = made;
    return TW_OK;
}

tw_status tw_pool_open(tw_pool **pool, const tw_pool_options *options, tw_error *error)
{
    const tw_pool_options none = {0};
    const tw_pool_options *wish = options != NULL ? options : &none;
    if ((size_t)wish->kind >= sizeof kinds / sizeof kinds[0]) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "pool kind %d is unknown; kinds are threads, processes and serial",
                        (int)wish->kind);
    }
    return tw__pool_open(pool, kinds[wish->kind], wish, error);
}

tw_pool_kind tw_pool_get_kind(const tw_pool *pool)
{
    return pool->crew.ops->kind;
}

int tw_pool_workers(const tw_pool *pool)
{
    return pool->crew.workers;
}

int tw_pool_worker_pid(const tw_pool *pool, int worker)
{
    const struct tw__crew *crew = &pool->crew;
    if (crew->ops->pid == NULL) {
        return tw__process_own_id();
    }
    return worker >= 0 && worker < crew->workers ? crew->ops->pid(crew, worker) : 0;
}

void tw_pool_close(tw_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    struct tw__crew *crew = &pool->crew;
    if (crew->ops->close != NULL) {
        crew->ops->close(crew);
    }
    if (pool->tenant != NULL) {
        pool->tenant->leave(pool->tenant, crew->seats, crew->workers);
    }
    if (crew->heap != NULL) {
        tw__heap_seal(crew->heap);
    }
    tw__heap_release(crew->heap);
    free(pool->room);
    free(pool);
}

tw_status tw__pool_check_owner(const tw_pool *pool, tw_error *error)
{
    if (pool->crew.owner == tw__process_own_id()) {
        return TW_OK;
    }
    return tw__fail(error, TW_ERROR_PROCESS,
                    "this pool belongs to process %d, of which this one is a fork; open another pool here",
                    pool->crew.owner);
}

tw_status tw__pool_prepare(tw_pool *pool, uint64_t tiles, tw_error *error)
{
    struct tw__crew *crew = &pool->crew;
    tw_status status = tw__pool_check_owner(pool, error);
    if (status == TW_OK && tiles > TW__MAX_TILES) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%llu tiles are too many for one run, which may have %llu; make them larger",
                        (unsigned long long)tiles, (unsigned long long)TW__MAX_TILES);
    }
    if (status == TW_OK && crew->ops->ready != NULL) {
        status = crew->ops->ready(crew, error);
    }
    if (status == TW_OK) {
        atomic_store(&crew->halt, 0);
    }
    return status;
}

/* Marks the tiles that need not be run, and counts them. */
static void set_earlier(const struct tw__task *task, struct tw__outcome *outcome)
{
    for (uint64_t tile = task->first; task->is_done != NULL && tile < task->first + task->count; tile++) {
        const uint32_t word = atomic_load_explicit(&task->words[tile], memory_order_relaxed) == 0
                                  ? task->is_done(task->is_done_user, tile)
                                  : 0;
        if (word != 0) {
            /* somebody may be reading the words already */
            atomic_store_explicit(&task->words[tile], word, memory_order_relaxed);
            *(word == TW__WORD_SKIPPED ? &outcome->skipped : &outcome->earlier) += 1;
            outcome->done++;
        }
    }
}

void tw__outcome_begin(struct tw__outcome *outcome)
{
    outcome->status = TW_OK;
    outcome->done = outcome->earlier = outcome->skipped = outcome->failed = 0;
    outcome->deaths = outcome->timeouts = outcome->recycled = 0;
    outcome->timed_out = 0;
    outcome->message[0] = '\0';
    outcome->began = tw__now();
}

tw_status tw__pool_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome, tw_error *error)
{
    set_earlier(task, outcome);
    tw__inside_enter();
    if (task->notice != NULL) { /* whoever wants to know of tiles knows by it that the workers are there */
        tw__task_progress(task, outcome->done, outcome->began);
    }
    const tw_status status = pool->crew.ops->run(&pool->crew, task, outcome);
    tw__inside_leave();
    outcome->status = status;
    if (status == TW_ERROR_PROCESS) {
        return tw__fail_os(error, status, outcome->os_error, "all workers died and no new one can be made");
    }
    return status;
}

void tw__pool_halt(tw_pool *pool)
{
    atomic_store(&pool->crew.halt, 1);
    if (pool->crew.claims != NULL) {
        atomic_store(&pool->crew.claims->stop_word, 1);
    }
}

tw_status tw__pool_renew(tw_pool *pool, tw_error *error)
{
    const tw_status owned = tw__pool_check_owner(pool, error);
    return owned == TW_OK && pool->crew.ops->renew != NULL ? pool->crew.ops->renew(&pool->crew, error) : owned;
}

void tw__pool_dismiss(tw_pool *pool)
{
    if (pool->crew.ops->dismiss != NULL) {
        pool->crew.ops->dismiss(&pool->crew);
    }
}
