/* strip.h - values computed for each element of a strip: up to m elements along one axis, x<axis> the first of them.
 *
 *     const double v3 = tw_item_f64(...);                        tw__strip_scalars: what does not change along the
 * strip const double *restrict p4 = tw_strip_f64(room4, ..., m);   tw__strip_items: what lies in memory for (int64_t q
 * = 0; q < m; q++) {                          tw__strip_loops out[q] = (v3 * p4[q]);
 *     }
 */
#ifndef TW_KERNEL_EXPR_STRIP_H
#define TW_KERNEL_EXPR_STRIP_H

#include "notation/print/emitter.h"

/* Where the loop puts the values of its roots. */
enum tw__destination {
    TW__TO_OUT,   /* out[q], items of the target */
    TW__TO_VALUE, /* value[q], one root */
    TW__TO_CELLS, /* w<node>[q], declared by tw__strip_rooms; roots that do not vary are variables */
    TW__TO_ARRAYS /* w<node>[q], all roots; declared by others */
};

/* What is computed together: nodes of one scope. */
struct tw__strip {
    int scope;
    int nroots;
    const int *roots; /* ascending */
    enum tw__destination to;
    int length; /* most elements of a strip */
};

/* Decides which nodes below the roots get names, for e->strip; and the strip's length. Comes first. */
void tw__strip_plan(struct tw__emitter *e, struct tw__strip *strip);

/* Declares rooms: for items that have to be gathered, for reductions. Where the strip's function begins. */
void tw__strip_rooms(struct tw__emitter *e, const struct tw__strip *strip);

#define TW__ALL_AXES UINT64_MAX

/* The variables that do not change along the strip, of those that are not there yet: all that change along the axes of
 * `open` alone (bit a: axis a). A root that does not change along the strip gets its name here. */
void tw__strip_scalars(struct tw__emitter *e, const struct tw__strip *strip, uint64_t open);

/* Reductions that change along the strip and not along axis `inner`, the loop around it, are computed outside of that
 * loop, for x<strip> from the variable begin to end, no more than the strip's length: tw__strip_hoist finds them (how
 * many) after the plan, tw__strip_hoisted prints those that change along the axes of `open` alone and are not there. */
int tw__strip_hoist(struct tw__emitter *e, const struct tw__strip *strip, int inner);
void tw__strip_hoisted(struct tw__emitter *e, const struct tw__strip *strip, uint64_t open);

void tw__strip_items(struct tw__emitter *e, const struct tw__strip *strip);
void tw__strip_loops(struct tw__emitter *e, const struct tw__strip *strip);

/* into[p * length + q] = combine(into[p * length + q], value) for all q < strip->length; combine NULL: = value. */
void tw__strip_combine(struct tw__emitter *e, const struct tw__strip *strip, const char *into, const char *combine,
                       tw_kind kind);

/* Whether node changes along the strip. */
int tw__strip_varies(const struct tw__emitter *e, int node);

/* Calls f for each READ (REDUCE) that changes along the strip. */
void tw__strip_each(struct tw__emitter *e, const struct tw__strip *strip, enum tw__node_kind kind,
                    void (*f)(struct tw__emitter *e, int node, void *user), void *user);

/* The loop's kinds have fast versions of which the target's own elements must be kept for the full ones. */
int tw__strip_is_fast(const struct tw__emitter *e, const struct tw__strip *strip);

#endif
