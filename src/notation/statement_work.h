/* statement_work.h - the work of one statement of a list, as numbers: what it reads, writes and computes for each
 * element of its target. Counted on the typed tree, by the table of operations; prints nothing.
 *
 *     c[i,j] = sum(k: a[i,k] * b[k,j])     READS 2 len(k), READ_BYTES 16 len(k), FLOPS 2 len(k); float64
 */
#ifndef TW_NOTATION_STATEMENT_WORK_H
#define TW_NOTATION_STATEMENT_WORK_H

#include "notation/type/tree.h"

enum tw__work_kind {
    TW__WORK_READS, /* elements of operands; one that stands in the text twice is counted once */
    TW__WORK_READ_BYTES,
    TW__WORK_FLOPS,  /* machine operations on floats and complex numbers */
    TW__WORK_OTHERS, /* on integers and bools */
    TW__WORK_CALLS   /* functions that have no machine operation: sqrt, exp, ...; each is counted by itself */
};

/* `number` times the lengths of `axes`. */
struct tw__work_term {
    enum tw__work_kind kind;
    int code;      /* CALLS: enum tw__operation; -1 otherwise */
    uint64_t axes; /* bit a: axis a of the program, reduced around what is counted */
    int64_t number;
};

struct tw__work {
    int nterms, room;
    struct tw__work_term *terms; /* no two with the same kind, code and axes; in the order of the tree */
    uint64_t element_axes;       /* bit a: the target has axis a: there are as many elements */
    int64_t write_bytes;         /* of one element of the target */
};

/* The work of statement `number` of a program. Call tw__work_fini in any case. Errors: TW_ERROR_MEMORY. */
tw_status tw__work_of(struct tw__work *work, const struct tw__program *program, int number, tw_error *error);
void tw__work_fini(struct tw__work *work);

/* How much of a kind there is for one element, with the program's axes as long as lengths[]. CALLS: of `code`; all
 * others: -1. */
double tw__work_amount(const struct tw__work *work, enum tw__work_kind kind, int code, const int64_t *lengths);

#endif
