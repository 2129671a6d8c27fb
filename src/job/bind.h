/* bind.h - the operands of a run: checked against the grid, copied if workers do not see them, and how tiles reach each
 * of them. */
#ifndef TW_JOB_BIND_H
#define TW_JOB_BIND_H

#include "array/array.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "job/access/access.h"
#include "job/sight.h"
#include "pool/crew.h"

/* How workers that are apart come to see private inputs. */
enum tw__showing {
    TW__SHOW_BEST, /* by a copy, or by a fork where that takes less, or where the workers are forked anyway */
    TW__SHOW_COPY, /* by a copy, unless the workers are forked anyway */
    TW__SHOW_FORK  /* by a fork; private outputs are refused */
};

struct tw__binding {
    const tw_signature *signature;
    tw_array *const *arrays;                 /* the caller's */
    tw_array *copies[TW_MAX_OPERANDS];       /* in the pool's heap; NULL: workers use the array itself */
    const tw_array *mapped[TW_MAX_OPERANDS]; /* the shared mapping that it lies in, as an owner of memory; NULL: none */
    struct tw__access accesses[TW_MAX_OPERANDS];
    int64_t bytes_copied;
    int64_t copy_time; /* nanoseconds that copying took */
    int64_t newest; /* in and out: tw__now() of the newest thing that the workers must know; out: mappings included */
    enum tw__showing showing;  /* in */
    struct tw__sights *sights; /* in: the pool's; NULL: mappings are not looked for */
    int forks;                 /* private inputs are seen by a fork that comes after this */
    int ends;                  /* for them alone: the workers should end with the run, so that nobody keeps the pages */
};

/* Checks that the arrays fit the grid (names of operands and axes in the sentence), that outputs can be written and
 * overlap no other operand. Allocates nothing. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__bind_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error);

/* Fills *binding; copies private operands to where the workers see them, if they do not see them where they are. The
 * workers must have been made after binding->newest. crew: NULL: the calling thread alone. On failure nothing is left.
 */
tw_status tw__bind(struct tw__binding *binding, const struct tw__crew *crew, const tw_grid *grid,
                   tw_array *const *arrays, tw_error *error);

/* How tiles reach operand k of a signature, which workers find as `view`. `memory`: whose memory that is; NULL: the
 * pool's heap. apart: workers may die alone. */
void tw__bind_access(struct tw__access *access, const tw_operand *operand, int k, const tw_view *view,
                     const tw_array *memory, int apart);

/* What workers find as the job's operand k, and whose memory it is, as tw__bind_access takes it. */
const tw_view *tw__bind_view(const struct tw__binding *binding, const struct tw__crew *crew, int k,
                             const tw_array **memory);

/* After the tiles have run: copies outputs back to the caller's arrays, all of them, or only the tiles whose words say
 * done. words: of the grid's tiles; NULL: all are done. */
void tw__bind_back(struct tw__binding *binding, const tw_grid *grid, const uint32_t *words);

/* The same for one tile that is done, while others run. */
void tw__bind_back_tile(struct tw__binding *binding, const tw_grid *grid, uint64_t tile);

/* Frees the copies. */
void tw__unbind(struct tw__binding *binding);

#endif
