/* typer.h - a typed tree while it is made: nodes are added, values converted, slots of the context given out. Knows
 * neither what an operation does with dtypes nor statements. */
#ifndef TW_NOTATION_TYPE_TYPER_H
#define TW_NOTATION_TYPE_TYPER_H

#include "notation/read/syntax.h"
#include "notation/type/typed.h"

struct tw__typer;

/* The value of a syntax node: a Python number, or a node of the program. */
struct tw__argument {
    int syntax;
    int is_weak;
    enum tw__class class;
    int node;
    tw_kind dtype; /* of a weak one: the one that it has beside no array */
};

struct tw__typer {
    struct tw__typed *typed;
    const struct tw__syntax *syntax;
    const int *order;
    uint64_t said;
    tw_kind dtype[TW_MAX_OPERANDS]; /* in the syntax's order; TW_OPAQUE: not known yet */
    /* While a tree is made, the scope of a node is the number of the body that it is in: 0 is that of the statements,
     * each reduction has a body of its own. What a body belongs to is known only when its reduction is a node. */
    int body;              /* that is typed now */
    int bodies, body_room; /* numbers that are given out, beside 0 */
    int target;            /* operand of the statement that is typed now, in the syntax's order */
    int naround; /* axes around the place that is typed now: the target's, then those that are reduced there */
    int around[TW__EXPR_AXES];
    int *reduce_of;  /* [bodies]: the REDUCE node of body 1, 2, ... */
    int *indices_of; /* [nodes of the syntax]: the program's indices of a READ; -1: it was not typed yet */
    tw_status (*type)(struct tw__typer *typer, int syntax, struct tw__argument *type); /* typing.c: any expression */
    tw_error *error;
};

/* A node, or the one that is already there for the same. Its axes follow from its children. */
tw_status tw__typer_add(struct tw__typer *typer, struct tw__node *node, size_t at, int *number);
tw_status tw__typer_operate(struct tw__typer *typer, enum tw__operation code, tw_kind dtype, const int *children,
                            int nchildren, size_t at, int *number);

/* The number of one more body. */
tw_status tw__typer_open_body(struct tw__typer *typer, int *body);

/* One more index of the program. */
tw_status tw__typer_add_index(struct tw__typer *typer, struct tw__index **index);

/* The place of a slot in the context, or that of one which is already there for the same. */
tw_status tw__typer_add_slot(struct tw__typer *typer, const struct tw__slot *slot, size_t at, int *offset);

/* A node converted to `dtype`; itself if it has it. */
tw_status tw__typer_cast(struct tw__typer *typer, int from, tw_kind dtype, size_t at, int *node);

/* The value as a node of `dtype`: a weak one becomes a constant or a scalar, any other is cast if it must be.
 * Errors: a whole number that the dtype does not have. */
tw_status tw__typer_convert(struct tw__typer *typer, const struct tw__argument *type, tw_kind dtype,
                            enum tw__saturate saturate, int *node);

/* Whether the value of a Python number, computed before the run, lies outside of an integer dtype: a bool. */
tw_status tw__typer_test(struct tw__typer *typer, int syntax, enum tw__slot_test test, tw_kind range, int *node);

#endif
