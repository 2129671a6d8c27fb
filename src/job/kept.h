/* kept.h - what the jobs of a pool leave with it from run to run: memory that only grows, and what workers keep in
 * their seats. The pool does not know what it is. */
#ifndef TW_JOB_KEPT_H
#define TW_JOB_KEPT_H

#include "heap/memory.h"
#include "job/sight.h"
#include "pool/pool.h"

struct tw__kept {
    struct tw__tenant tenant;
    struct tw__memory payload;     /* the last job's steps, as workers read them */
    struct tw__memory words;       /* [tiles] _Atomic uint32_t, of the last job */
    struct tw__memory times;       /* [tiles] struct tw__time, of the last job that was timed */
    struct tw__memory sums;        /* [tiles] uint64_t, of the last job whose tiles were recorded */
    struct tw__memory elsewhere;   /* [tiles / 64 + 1] _Atomic uint64_t, of the last job on nodes */
    struct tw__memory rooms;       /* of each worker, for the accesses of a tile */
    struct tw__memory choices;     /* outputs whose dtype their kernel chooses */
    struct tw__memory temporaries; /* arrays between the steps of a job */
    struct tw__sights *sights; /* shared mappings of the program's that workers have used; NULL: none was looked for */
    uint64_t steps;            /* how many there were: each has a number */
};

/* What is kept with this pool. Errors: TW_ERROR_MEMORY. */
tw_status tw__kept_find(struct tw__kept **kept, tw_pool *pool, tw_error *error);

#endif
