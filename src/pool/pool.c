/* pool.c - what all pools have in common: opening, the words of a job, outcomes. */
#include "pool/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/cpu.h"

static void add_note(tw_pool *pool, const char *note)
{
    const size_t used = strlen(pool->note);
    snprintf(pool->note + used, sizeof pool->note - used, "%s%s", used > 0 ? "; " : "", note);
}

static void note_heap(tw_pool *pool)
{
    if (!tw__heap_has_file(pool->heap)) {
        add_note(pool, "no memory file (memfd) is available, anonymous shared memory is used in its place");
    }
}

void tw__pool_note_fewer(tw_pool *pool, int wished, int os_error)
{
    char text[160], reason[96];
    const char *const one = pool->kind == TW_THREADS ? "thread" : "process";
    const char *const many = pool->kind == TW_THREADS ? "threads" : "processes";
    snprintf(text, sizeof text, "only %d of %d %s are available: %s", pool->workers, wished, wished == 1 ? one : many,
             strerror_r(os_error, reason, sizeof reason));
    add_note(pool, text);
}

const char *tw_pool_note(const tw_pool *pool)
{
    return pool->note[0] != '\0' ? pool->note : NULL;
}

tw_status tw_pool_open(tw_pool **pool, const tw_pool_options *options, tw_error *error)
{
    const tw_pool_options none = {0};
    const tw_pool_options *wish = options != NULL ? options : &none;
    if (wish->kind != TW_THREADS && wish->kind != TW_PROCESSES && wish->kind != TW_SERIAL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "pool kind %d is unknown; kinds are threads, processes and serial",
                        (int)wish->kind);
    }
    if (wish->workers < 0 || wish->workers > TW_MAX_WORKERS) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a pool has 1 to %d workers, not %d", TW_MAX_WORKERS, wish->workers);
    }
    if (wish->heap_bytes < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a shared heap cannot have a negative size");
    }
    tw_pool *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a pool");
    }
    made->kind = wish->kind;
    made->owner = tw__process_own_id();
    made->hooks = wish->hooks;
    const int allowed = wish->kind == TW_SERIAL ? 1 : tw__default_workers();
    made->workers = wish->kind == TW_SERIAL ? 1 : wish->workers > 0 ? wish->workers : allowed;
    /* With more workers than processors the others need the processor more than one that only looks. */
    made->spin = made->workers <= allowed ? TW__SPIN_NANOSECONDS : 0;
    made->event.fd = -1;
    made->seats = calloc((size_t)made->workers, sizeof *made->seats);
    tw_status status = TW_OK;
    if (made->seats == NULL) {
        status = tw__fail_memory(error, (size_t)made->workers * sizeof *made->seats, "a pool");
        goto fail;
    }
    for (int w = 0; w < made->workers; w++) {
        made->seats[w].index = (unsigned)w;
    }
    if (made->kind == TW_THREADS) {
        status = tw__threads_open(made, error);
    } else if (made->kind == TW_PROCESSES) {
        status = tw__heap_create(&made->heap, wish->heap_bytes, error);
        if (status == TW_OK) {
            note_heap(made);
            status = tw__processes_open(made, error);
        }
    }
    if (status != TW_OK) {
        goto fail;
    }
    *pool = made;
    return TW_OK;
fail:
    tw_pool_close(made);
    return status;
}

tw_pool_kind tw_pool_get_kind(const tw_pool *pool)
{
    return pool->kind;
}

int tw_pool_workers(const tw_pool *pool)
{
    return pool->workers;
}

void tw_pool_close(tw_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    if (pool->kind == TW_THREADS && pool->owner == tw__process_own_id()) {
        tw__threads_close(pool);
    } else if (pool->kind == TW_PROCESSES) {
        tw__processes_close(pool);
    }
    for (int w = 0; pool->seats != NULL && w < pool->workers; w++) {
        if (pool->seats[w].local != NULL) {
            pool->release_local(pool->seats[w].local);
        }
    }
    if (pool->kind == TW_PROCESSES && pool->claims != NULL) {
        tw__heap_give(pool->heap, pool->claims);
    }
    tw__memory_release(&pool->payload);
    tw__memory_release(&pool->words);
    tw__memory_release(&pool->times);
    tw__memory_release(&pool->sums);
    tw__memory_release(&pool->copies);
    tw__memory_release(&pool->choices);
    if (pool->heap != NULL) {
        tw__heap_seal(pool->heap);
    }
    tw__heap_release(pool->heap);
    free(pool->seats);
    free(pool);
}

tw_status tw__pool_check_owner(const tw_pool *pool, tw_error *error)
{
    if (pool->owner == tw__process_own_id()) {
        return TW_OK;
    }
    return tw__fail(error, TW_ERROR_PROCESS,
                    "this pool belongs to process %d, of which this one is a fork; open another pool here",
                    pool->owner);
}

tw_status tw__pool_prepare(tw_pool *pool, const struct tw__task *task, tw_error *error)
{
    const tw_status owned = tw__pool_check_owner(pool, error);
    if (owned != TW_OK) {
        return owned;
    }
    if (task->count > TW__MAX_TILES) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%llu tiles are too many for one run, which may have %llu; make them larger",
                        (unsigned long long)task->count, (unsigned long long)TW__MAX_TILES);
    }
    const size_t count = (size_t)task->count;
    tw_status status =
        tw__memory_reserve(&pool->words, pool->heap, count * sizeof(uint32_t), "the tiles' words", error);
    if (status == TW_OK && task->timed) {
        status =
            tw__memory_reserve(&pool->times, pool->heap, count * sizeof(struct tw__time), "the tiles' times", error);
    }
    if (status == TW_OK && pool->kind == TW_PROCESSES) {
        status = tw__processes_ready(pool, error);
    }
    if (status != TW_OK) {
        return status;
    }
    memset(pool->words.data, 0, count * sizeof(uint32_t));
    if (task->timed) {
        memset(pool->times.data, 0, count * sizeof(struct tw__time));
    }
    atomic_store(&pool->halt, 0);
    return TW_OK;
}

static uint64_t set_earlier(tw_pool *pool, const struct tw__task *task)
{
    _Atomic uint32_t *words = pool->words.data; /* somebody may be reading them already */
    uint64_t earlier = 0;
    for (uint64_t tile = 0; task->is_done != NULL && tile < task->count; tile++) {
        if (task->is_done(task->is_done_user, tile)) {
            atomic_store_explicit(&words[tile], TW__WORD_EARLIER, memory_order_relaxed);
            earlier++;
        }
    }
    return earlier;
}

tw_status tw__pool_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome, tw_error *error)
{
    tw_status status = TW_OK;
    outcome->status = TW_OK;
    outcome->deaths = outcome->timeouts = outcome->recycled = 0;
    outcome->timed_out = 0;
    outcome->failed = 0;
    outcome->message[0] = '\0';
    outcome->earlier = outcome->done = set_earlier(pool, task);
    outcome->began = tw__now();
    switch (pool->kind) {
    case TW_THREADS:
        status = tw__threads_run(pool, task, outcome);
        break;
    case TW_PROCESSES:
        status = tw__processes_run(pool, task, outcome);
        break;
    case TW_SERIAL:
        status = tw__serial_run(pool, task, outcome);
        break;
    }
    outcome->status = status;
    outcome->seconds = (double)(tw__now() - outcome->began) * 1e-9;
    if (status == TW_ERROR_PROCESS) {
        return tw__fail_os(error, status, outcome->os_error, "all workers died and no new one can be made");
    }
    return status;
}

void tw__pool_halt(tw_pool *pool)
{
    atomic_store(&pool->halt, 1);
    if (pool->claims != NULL) {
        atomic_store(&pool->claims->stop_word, 1);
    }
}

tw_status tw__pool_refork(tw_pool *pool, tw_error *error)
{
    const tw_status owned = tw__pool_check_owner(pool, error);
    if (pool->kind != TW_PROCESSES || owned != TW_OK) {
        return owned;
    }
    tw__processes_close(pool);
    return tw__processes_open(pool, error);
}

void tw__pool_set_job(tw_pool *pool, const struct tw__task *task, const int *stop)
{
    struct tw__claims *claims = pool->claims;
    claims->count = task->count;
    claims->function = task->function;
    claims->argument = task->argument;
    claims->stop = stop;
    claims->keep_going = task->keep_going;
    claims->watched = task->timeout > 0;
    claims->tiles_per_worker = pool->kind == TW_PROCESSES ? task->tiles_per_worker : 0;
    atomic_store(&claims->stop_word, 0);
    if (atomic_load(&pool->halt) != 0) { /* after the line above: tw__pool_halt stores in the other order */
        atomic_store(&claims->stop_word, 1);
    }
    claims->words = pool->words.data;
    claims->times = task->timed ? pool->times.data : NULL;
}

void tw__pool_collect(tw_pool *pool, struct tw__outcome *outcome)
{
    const struct tw__claims *claims = pool->claims;
    outcome->tile = UINT64_MAX;
    for (unsigned w = 0; w < claims->workers; w++) {
        const struct tw__slot *slot = &claims->slots[w];
        const uint64_t tile = atomic_load_explicit(&slot->failed_tile, memory_order_acquire);
        /* A worker may have died between the two; its tile was then run again. */
        const int stands = tile != UINT64_MAX && TW__WORD_STATE(atomic_load(&claims->words[tile])) == TW_TILE_FAILED;
        if (stands && tile < outcome->tile) {
            outcome->tile = tile;
            outcome->worker = w;
            outcome->result = slot->failure;
            memcpy(outcome->message, slot->message, sizeof outcome->message);
        }
    }
    outcome->done = tw__claims_done(claims);
    if (outcome->tile != UINT64_MAX || outcome->deaths > 0) {
        for (uint64_t tile = 0; tile < claims->count; tile++) {
            outcome->failed += TW__WORD_STATE(atomic_load(&claims->words[tile])) == TW_TILE_FAILED;
        }
        outcome->done -= outcome->failed;
    }
}

void tw__pool_progress(const struct tw__task *task, uint64_t done, int64_t began)
{
    if (task->progress != NULL) {
        const tw_progress progress = {
            .done = done, .total = task->count, .seconds = (double)(tw__now() - began) * 1e-9};
        task->progress(task->progress_user, &progress);
    }
}

int tw_pool_worker_pid(const tw_pool *pool, int worker)
{
    if (pool->kind == TW_PROCESSES) {
        return pool->processes != NULL && worker >= 0 && worker < pool->workers ? pool->processes[worker].pid : 0;
    }
    return tw__process_own_id();
}
