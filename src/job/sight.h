/* sight.h - which memory of the caller's own the workers of a run see where it is: what lies in shared mappings, and
 * what a fork for the run shows them. All else is copied. Knows crews and views; copies nothing. */
#ifndef TW_JOB_SIGHT_H
#define TW_JOB_SIGHT_H

#include "array/array.h"
#include "os/mapping.h"
#include "pool/crew.h"

#define TW__SIGHT_LEAST (INT64_C(4) << 20) /* bytes of a view that its mapping is looked for: that takes 0.1 ms */
#define TW__MOST_MAPPINGS 16

/* A shared mapping of the program's that runs have used, such as that of a numpy.memmap. */
struct tw__seen {
    struct tw__mapping mapping;
    tw_array array;  /* the mapping as an owner of memory; without elements */
    int64_t sure_at; /* then, all workers had it; 0: nothing is known */
    int used;        /* by the run that is bound now */
};

/* What a pool keeps of them from run to run. */
struct tw__sights {
    struct tw__seen seen[TW__MOST_MAPPINGS];
};

/* Makes *sights, if it is NULL; free() is enough for it. Errors: TW_ERROR_MEMORY. */
tw_status tw__sight_keep(struct tw__sights **sights, tw_error *error);

/* A run is bound: none is used. */
void tw__sight_begin(struct tw__sights *sights);

/* The shared mapping that all of a view lies in, as an owner of its memory; NULL: there is none, it is small, or it
 * cannot be written and `writes` is set. *newest: raised to now if the workers may lack it. */
const tw_array *tw__sight_find(struct tw__sights *sights, const struct tw__crew *crew, const tw_view *view, int writes,
                               int64_t *newest);

/* The run has ended: its workers had all mappings that it used, whenever they were forked. */
void tw__sight_end(struct tw__sights *sights);

/* It takes less to fork the workers again, who then see the private inputs, than to copy these, `bytes` in all. What a
 * fork takes was measured when the pool last did it. Not where a fork may be refused for the memory of the program. */
int tw__sight_prefers_fork(const struct tw__crew *crew, int64_t bytes);

#endif
