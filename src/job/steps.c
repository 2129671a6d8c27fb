/* steps.c - a job: the list of its steps. Knows what memory they need and in which order they run; not what they
 * compute. */
#include "job/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "job/bars.h"
#include "os/fault.h"

/* Words, times and checksums of all tiles. */
static tw_status take_tables(struct tw__steps *steps, struct tw__heap *heap, tw_error *error)
{
    struct tw__kept *kept = steps->kept;
    const size_t tiles = (size_t)steps->tiles;
    tw_status status = tw__memory_reserve(&kept->words, heap, tiles * sizeof(uint32_t), "the tiles' words", error);
    if (status == TW_OK && steps->timed) {
        status = tw__memory_reserve(&kept->times, heap, tiles * sizeof(struct tw__time), "the tiles' times", error);
    }
    if (status == TW_OK && steps->summed) {
        status = tw__memory_reserve(&kept->sums, heap, tiles * sizeof(uint64_t), "the tiles' checksums", error);
    }
    if (status == TW_OK && steps->next != NULL) {
        status =
            tw__memory_reserve(&kept->elsewhere, heap, (tiles / 64 + 1) * sizeof(uint64_t), "the tiles' words", error);
    }
    if (status != TW_OK) {
        return status;
    }
    const uint64_t from = steps->from, count = steps->to - from;
    memset((uint32_t *)kept->words.data + from, 0, count * sizeof(uint32_t));
    if (steps->next != NULL) {
        memset((uint64_t *)kept->elsewhere.data + from / 64, 0, (steps->to / 64 - from / 64 + 1) * sizeof(uint64_t));
        memset((uint64_t *)kept->sums.data + from, 0, count * sizeof(uint64_t)); /* 0: not computed here */
    }
    if (steps->timed) {
        memset((struct tw__time *)kept->times.data + from, 0, count * sizeof(struct tw__time));
    }
    return TW_OK;
}

/* Steps run one after the other, so what is room enough for one is enough for all. */
static tw_status take_rooms(struct tw__steps *steps, const struct tw__crew *crew, size_t size, tw_error *error)
{
    static const char what[] = "copies of a tile's operands";
    size_t all;
    if (size == 0) {
        return TW_OK;
    }
    if (__builtin_mul_overflow(size, (size_t)crew->workers, &all)) {
        return tw__fail_memory(error, SIZE_MAX, what);
    }
    return tw__memory_reserve(&steps->kept->rooms, crew->heap, all, what, error);
}

static void place_step(struct tw__steps *steps, int s, uint64_t first, size_t room_size)
{
    struct tw__kept *kept = steps->kept;
    struct tw__step *step = steps->step[s];
    step->number = ++kept->steps;
    step->first = first;
    step->sums = steps->summed ? (uint64_t *)kept->sums.data + first : NULL;
    step->elsewhere = steps->next != NULL ? kept->elsewhere.data : NULL;
    step->rooms = room_size > 0 ? kept->rooms.data : NULL;
}

static tw_status lay_out(struct tw__steps *steps, const tw_pool *pool, const struct tw__step_request *requests,
                         tw_error *error)
{
    const struct tw__crew *crew = &pool->crew;
    struct tw__step_room room[TW__MAX_STEPS];
    size_t payload = 0, accesses = 0;
    uint64_t first = 0;
    for (int s = 0; s < steps->count; s++) {
        const tw_status status = tw__step_measure(&room[s], crew, &requests[s], error);
        if (status != TW_OK) {
            return status;
        }
        payload += room[s].payload;
        accesses = room[s].accesses > accesses ? room[s].accesses : accesses;
    }
    tw_status status =
        tw__memory_reserve(&steps->kept->payload, crew->heap, payload, "the description of a job", error);
    if (status == TW_OK) {
        status = take_rooms(steps, crew, accesses, error);
    }
    if (status != TW_OK) {
        return status;
    }
    char *at = steps->kept->payload.data;
    for (int s = 0; s < steps->count; s++) {
        steps->step[s] = tw__step_fill(at, crew, &requests[s]);
        place_step(steps, s, first, room[s].accesses);
        at += room[s].payload;
        first += requests[s].grid->count;
    }
    return TW_OK;
}

tw_status tw__steps_create(struct tw__steps *steps, tw_pool *pool, const struct tw__step_request *requests, int count,
                           const struct tw__steps_options *options, tw_error *error)
{
    steps->count = count;
    steps->tiles = 0;
    steps->timed = options->timed;
    steps->summed = options->summed;
    steps->stages = options->stages;
    steps->before = options->before;
    steps->before_user = options->before_user;
    steps->next = options->next;
    steps->next_user = options->next_user;
    for (int s = 0; s < count; s++) {
        if (__builtin_add_overflow(steps->tiles, requests[s].grid->count, &steps->tiles)) {
            steps->tiles = UINT64_MAX; /* too many for any pool */
        }
    }
    steps->from = options->only_count > 0 ? options->only_first : 0;
    steps->to = options->only_count > 0 ? options->only_first + options->only_count : steps->tiles;
    tw_status status = tw__kept_find(&steps->kept, pool, error);
    if (status == TW_OK) {
        status = tw__pool_prepare(pool, steps->tiles, error);
    }
    if (status == TW_OK) {
        status = take_tables(steps, pool->crew.heap, error);
    }
    return status == TW_OK ? lay_out(steps, pool, requests, error) : status;
}

/* What became of the steps so far. */
struct progress {
    uint64_t done, failed, barred; /* tiles */
    int failed_before;             /* a step has failed, and `failure` is what the outcome said of it */
    struct tw__outcome *failure;
};

/* Whether the steps after one that failed are run as far as they can be. */
static int continues(const struct tw__steps *steps, const struct tw__task *task, tw_status status, uint64_t ended)
{
    return steps->stages != NULL && ((status == TW_ERROR_KERNEL && task->keep_going) ||
                                     (status == TW_ERROR_WORKER && ended == task->count && !task->lost_ends_run));
}

static void set_tiles(const struct tw__steps *steps, int s, struct tw__task *task)
{
    const uint64_t next = tw__steps_end(steps, s);
    task->argument = steps->step[s];
    task->first = steps->step[s]->first;
    task->count = next - task->first;
    task->later = steps->tiles - next;
}

/* Keeps what the outcome says of the first step that fails; the failures of later ones are not reported. */
static tw_status keep_failure(struct progress *all, const struct tw__outcome *outcome, tw_error *error)
{
    if (all->failed_before) {
        return TW_OK;
    }
    all->failure = malloc(sizeof *all->failure);
    if (all->failure == NULL) {
        return tw__fail_memory(error, sizeof *all->failure, "what became of a step");
    }
    *all->failure = *outcome;
    all->failed_before = 1;
    return TW_OK;
}

/* Tiles of the task that have ended. */
static uint64_t count_ended(const struct tw__task *task)
{
    uint64_t ended = 0;
    for (uint64_t tile = task->first; tile < task->first + task->count; tile++) {
        ended += TW__WORD_STATE(atomic_load_explicit(&task->words[tile], memory_order_relaxed)) != TW_TILE_FREE;
    }
    return ended;
}

/* What other nodes have done of the step, and no round of this one had. Tiles that are not run here are counted alone.
 */
static void mark_elsewhere(const struct tw__steps *steps, const struct tw__task *task, struct tw__outcome *outcome,
                           struct progress *all)
{
    const uint64_t end = task->first + task->count;
    const uint64_t from = task->first > steps->from ? task->first : steps->from;
    const uint64_t to = end < steps->to ? end : steps->to;
    const uint64_t others = task->count - (from < to ? to - from : 0);
    outcome->earlier += others;
    all->done += others;
    for (uint64_t tile = from; tile < to; tile++) {
        const uint32_t word = atomic_load_explicit(&task->words[tile], memory_order_relaxed) == 0
                                  ? task->is_done(task->is_done_user, tile)
                                  : 0;
        if (word != 0) {
            atomic_store_explicit(&task->words[tile], word, memory_order_relaxed);
            *(word == TW__WORD_SKIPPED ? &outcome->skipped : &outcome->earlier) += 1;
            all->done++;
        }
    }
}

/* One round of a step: some of its tiles. */
static tw_status run_round(tw_pool *pool, struct tw__task *task, struct tw__outcome *outcome, struct progress *all,
                           tw_error *error)
{
    const uint64_t ended = task->first + count_ended(task);
    outcome->done = ended;
    outcome->failed = 0;
    const tw_status status = tw__pool_run(pool, task, outcome, error);
    all->done += outcome->done - ended;
    all->failed += outcome->failed;
    return status == TW_ERROR_KERNEL && task->keep_going ? keep_failure(all, outcome, error) : status;
}

/* The rounds of a step, as long as there are some for this node. */
static tw_status run_rounds(const struct tw__steps *steps, int s, tw_pool *pool, struct tw__task *task,
                            struct tw__outcome *outcome, struct progress *all, tw_error *error)
{
    tw_status status = TW_OK;
    do {
        status = steps->next(steps->next_user, s, &task->first, &task->count, error);
        task->later = steps->tiles - task->first - task->count;
        if (status == TW_OK && task->count > 0) {
            status = run_round(pool, task, outcome, all, error);
        }
    } while (status == TW_OK && task->count > 0);
    set_tiles(steps, s, task);
    mark_elsewhere(steps, task, outcome, all);
    return status;
}

/* Runs one step, whose outcome is counted as if all tiles before it were done. */
static tw_status run_step(const struct tw__steps *steps, int s, tw_pool *pool, struct tw__task *task,
                          struct tw__outcome *outcome, struct progress *all, tw_error *error)
{
    if (s > 0) {
        (void)TW__POINT("step.before");
    }
    const tw_status ready = steps->before != NULL ? steps->before(steps->before_user, s, error) : TW_OK;
    if (ready != TW_OK) {
        return ready;
    }
    set_tiles(steps, s, task);
    if (steps->next != NULL) {
        return run_rounds(steps, s, pool, task, outcome, all, error);
    }
    const uint64_t barred = all->failed_before ? tw__bar_tiles(steps->stages, s, task->words) : 0;
    outcome->done = task->first + barred;
    outcome->failed = 0;
    const tw_status status = tw__pool_run(pool, task, outcome, error);
    all->done += outcome->done - task->first - barred;
    all->failed += outcome->failed;
    all->barred += barred;
    return status;
}

static void restore_failure(const struct progress *all, struct tw__outcome *outcome)
{
    const struct tw__outcome now = *outcome;
    *outcome = *all->failure;
    outcome->earlier = now.earlier;
    outcome->skipped = now.skipped;
    outcome->deaths = now.deaths;
    outcome->timeouts = now.timeouts;
    outcome->recycled = now.recycled;
    memcpy(outcome->burials, now.burials, sizeof outcome->burials);
}

static tw_status run_several(const struct tw__steps *steps, tw_pool *pool, struct tw__task *task,
                             struct tw__outcome *outcome, tw_error *error)
{
    struct progress all = {0};
    tw_status status = TW_OK;
    for (int s = 0; status == TW_OK && s < steps->count && !(steps->next != NULL && all.failed_before); s++) {
        const uint64_t ended = all.done + all.failed + all.barred;
        status = run_step(steps, s, pool, task, outcome, &all, error);
        if (status != TW_OK && steps->next == NULL &&
            continues(steps, task, status, all.done + all.failed + all.barred - ended)) {
            status = keep_failure(&all, outcome, error);
        }
    }
    if (all.failed_before && status != TW_ERROR_INTERRUPTED && status != TW_ERROR_PROCESS) {
        restore_failure(&all, outcome);
        status = outcome->status;
    }
    if (all.barred > 0) {
        tw__unbar_tiles(steps->stages, task->words);
    }
    free(all.failure);
    outcome->done = all.done;
    outcome->failed = all.failed;
    outcome->status = status;
    return status;
}

tw_status tw__steps_run(const struct tw__steps *steps, tw_pool *pool, struct tw__task *task,
                        struct tw__outcome *outcome, tw_error *error)
{
    task->function = tw__step_run_tile;
    task->recover = tw__step_recover;
    task->find = tw__step_find;
    task->words = tw__steps_words(steps);
    task->times = steps->timed ? steps->kept->times.data : NULL;
    tw__outcome_begin(outcome);
    if (steps->count > 1 || steps->before != NULL || steps->next != NULL) {
        return run_several(steps, pool, task, outcome, error);
    }
    set_tiles(steps, 0, task); /* what most jobs are, which may have two tiles of some nanoseconds */
    return tw__pool_run(pool, task, outcome, error);
}

uint64_t tw__steps_end(const struct tw__steps *steps, int step)
{
    return step + 1 < steps->count ? steps->step[step + 1]->first : steps->tiles;
}

int tw__steps_of(const struct tw__steps *steps, uint64_t tile)
{
    int s = steps->count - 1;
    while (s > 0 && tile < steps->step[s]->first) {
        s--;
    }
    return s;
}

_Atomic uint32_t *tw__steps_words(const struct tw__steps *steps)
{
    return steps->kept->words.data;
}

uint64_t *tw__steps_sums(const struct tw__steps *steps)
{
    return steps->summed ? steps->kept->sums.data : NULL;
}

_Atomic uint64_t *tw__steps_elsewhere(const struct tw__steps *steps)
{
    return steps->next != NULL ? steps->kept->elsewhere.data : NULL;
}

int64_t tw__steps_first(const struct tw__steps *steps, int workers)
{
    int64_t longest = 0;
    for (int s = 0; s < steps->count; s++) {
        for (int w = 0; w < workers; w++) {
            const int64_t first = steps->step[s]->workers[w].first;
            longest = first > longest ? first : longest;
        }
    }
    return longest;
}

int64_t tw__steps_populated(const struct tw__steps *steps, int workers)
{
    int64_t bytes = 0;
    for (int s = 0; s < steps->count; s++) {
        for (int w = 0; w < workers; w++) {
            bytes += steps->step[s]->workers[w].populated;
        }
    }
    return bytes;
}
