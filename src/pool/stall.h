/* stall.h - whether a job stands still: no tile ends and no worker computes. */
#ifndef TW_POOL_STALL_H
#define TW_POOL_STALL_H

#include "pool/crew.h"

/* One job's. */
struct tw__stall {
    int64_t limit;     /* nanoseconds of standing still that are worth a word */
    int64_t looked_at; /* tw__now() */
    int64_t since;     /* when something moved last, as far as was seen */
    uint64_t ended;    /* tiles, at the last look */
    int64_t used;      /* milliseconds of all workers at the last look; -1: not known */
    int reported;      /* once a task is enough */
};

void tw__stall_init(struct tw__stall *stall, const struct tw__task *task, int64_t now);

/* The supervisor, now and then. Calls the task's `stalled` once a task. */
void tw__stall_look(struct tw__stall *stall, const struct tw__crew *crew, const struct tw__task *task, int64_t now);

#endif
