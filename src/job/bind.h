/* bind.h - the operands of a run as its workers find them: checked against the grid, copied where workers cannot see.
 */
#ifndef TW_RUN_BIND_H
#define TW_RUN_BIND_H

#include "array/array.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "pool/pool.h"

struct tw__binding {
    tw_pool *pool;
    const tw_signature *signature;
    tw_array *const *arrays;           /* the caller's */
    tw_array *copies[TW_MAX_OPERANDS]; /* in the pool's heap; NULL: workers use the array itself */
    tw_array *places[TW_MAX_OPERANDS]; /* whose pages workers touch; NULL: the pool's heap */
    tw_view views[TW_MAX_OPERANDS];
    int64_t bytes_copied;
    int64_t newest; /* tw__now() of the newest mapping that the workers must have */
};

/* Checks that the arrays fit the grid (names of operands and axes in the sentence), that outputs can be written and
 * overlap no other operand. Allocates nothing. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__bind_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error);

/* Fills *binding; copies private operands to where the pool's workers see them. On failure nothing is left. */
tw_status tw__bind(struct tw__binding *binding, tw_pool *pool, const tw_grid *grid, tw_array *const *arrays,
                   tw_error *error);

/* After the tiles have run: copies outputs back to the caller's arrays, all of them, or only the tiles whose words say
 * done. words: of the grid's tiles; NULL: all are done. */
void tw__bind_back(struct tw__binding *binding, const tw_grid *grid, const uint32_t *words);

/* Frees the copies. */
void tw__unbind(struct tw__binding *binding);

#endif
