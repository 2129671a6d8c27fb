/* crew.c - what the kinds of workers have in common: a task as the claims' job, the caller's wait, what is noted. */
#include "pool/crew.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/wait.h"

#define PROGRESS_NANOSECONDS INT64_C(30000000)

void tw__crew_note(struct tw__crew *crew, const char *note)
{
    const size_t used = strlen(crew->note);
    snprintf(crew->note + used, sizeof crew->note - used, "%s%s", used > 0 ? "; " : "", note);
}

void tw__crew_note_fewer(struct tw__crew *crew, int given, int os_error)
{
    char text[160], reason[96];
    snprintf(text, sizeof text, "only %d of %d %s are available: %s", given, crew->workers,
             crew->workers == 1 ? crew->ops->one : crew->ops->many, strerror_r(os_error, reason, sizeof reason));
    tw__crew_note(crew, text);
    crew->workers = given;
    crew->claims->workers = (unsigned)given;
}

void tw__crew_set_job(struct tw__crew *crew, const struct tw__task *task, const struct tw__outcome *outcome,
                      const int *stop)
{
    struct tw__claims *claims = crew->claims;
    claims->first = task->first;
    claims->end = task->first + task->count;
    claims->function = task->function;
    claims->argument = task->argument;
    claims->stop = stop;
    claims->keep_going = task->keep_going;
    claims->watched = task->timeout > 0;
    claims->own_times = task->own_times && crew->ops->apart;
    claims->tiles_per_worker = crew->ops->apart ? task->tiles_per_worker : 0;
    atomic_store(&claims->stop_word, 0);
    if (atomic_load(&crew->halt) != 0) { /* after the line above: tw__pool_halt stores in the other order */
        atomic_store(&claims->stop_word, 1);
    }
    claims->words = task->words;
    claims->times = task->times;
    claims->timed = claims->times != NULL || claims->watched;
    claims->announced = task->notice != NULL;
    claims->began = outcome->began;
    claims->earlier = outcome->done;
}

void tw__crew_collect(const struct tw__crew *crew, struct tw__outcome *outcome)
{
    const struct tw__claims *claims = crew->claims;
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
        for (uint64_t tile = claims->first; tile < claims->end; tile++) {
            const uint32_t word = atomic_load(&claims->words[tile]);
            outcome->failed += TW__WORD_STATE(word) == TW_TILE_FAILED && word != TW__WORD_BARRED;
        }
        outcome->done -= outcome->failed;
    }
}

void tw__task_progress(const struct tw__task *task, uint64_t done, int64_t began)
{
    if (task->progress != NULL) {
        const tw_progress progress = {.done = done,
                                      .total = task->first + task->count + task->later,
                                      .seconds = (double)(tw__now() - began) * 1e-9};
        task->progress(task->progress_user, &progress);
    }
}

void tw__watch_progress(struct tw__watch *watch, int64_t now)
{
    const struct tw__claims *claims = watch->crew->claims;
    if (watch->task->progress != NULL && now - watch->reported >= PROGRESS_NANOSECONDS) {
        watch->reported = now;
        tw__task_progress(watch->task, claims != NULL ? tw__claims_done(claims) : watch->outcome->done,
                          watch->outcome->began);
    }
}

void tw__watch_notice(struct tw__watch *watch)
{
    struct tw__claims *claims = watch->crew->claims;
    if (watch->task->notice != NULL &&
        tw__notice_look(watch->task->notice, claims->words, claims->first, claims->end, tw__claims_done(claims)) != 0) {
        atomic_store(&claims->stop_word, 1);
    }
}

static void attend(struct tw__watch *watch)
{
    tw__watch_notice(watch);
    if (watch->attend != NULL) {
        watch->attend(watch);
    }
}

void tw__watch_until(struct tw__watch *watch, int (*over)(struct tw__claims *claims))
{
    struct tw__claims *claims = watch->crew->claims;
    const int64_t look_until = watch->look > 0 ? tw__now() + watch->look : 0;
    while (!over(claims) && (watch->lost == NULL || !watch->lost(watch))) {
        attend(watch);
        const int64_t now = tw__now();
        if (now < look_until) {
            tw__pause();
            continue;
        }
        tw__watch_progress(watch, now);
        attend(watch); /* the progress function may have raised the stop flag: before anyone takes another tile */
        const uint32_t bell = atomic_load(&claims->caller_bell);
        tw__claims_caller_waits(claims, 1);
        if (!over(claims)) { /* nobody rings for what was over before the line above */
            watch->sleep(watch, bell);
        }
        tw__claims_caller_waits(claims, 0);
        if (watch->awake != NULL) {
            watch->awake(watch);
        }
    }
}
