/* typing.h - from syntax and the operands' dtypes to the typed tree. */
#ifndef TW_KERNEL_EXPR_TYPING_H
#define TW_KERNEL_EXPR_TYPING_H

#include "notation/read/syntax.h"
#include "notation/type/tree.h"
#include "notation/value/promote.h"

enum tw__slot_test { TW__SLOT_VALUE, TW__SLOT_BELOW, TW__SLOT_ABOVE, TW__SLOT_OUTSIDE };

/* A scalar of the context: a Python number that is computed before each run. */
struct tw__slot {
    int source; /* node of the syntax; -1: the sum of an index's hosts */
    int index;  /* of the syntax, where source is -1 */
    tw_kind dtype;
    enum tw__saturate saturate;
    enum tw__slot_test test; /* not VALUE: a bool, whether the number lies outside of `range` */
    tw_kind range;
};

/* A program, and where its parts come from. */
struct tw__typed {
    struct tw__program program;
    struct tw__slot *slots; /* [program.nscalars] */
    int *node_of;           /* [nodes of the syntax]: node of the program that has its value; -1: none of its own */
    int room, index_room, slot_room;
};

/* Types a statement list. dtypes[noperands of the syntax]: of inputs and inout operands; of outputs what is wished,
 * TW_OPAQUE: what follows. tiles[naxes]: number of each axis in the signature, -1: it is not in it.
 * order[noperands]: number of each operand in the signature. said: bit k: somebody has said in words that operand k has
 * this dtype, so that it may lose what the result has; any other takes results of its kind alone. *typed is to be
 * finished in any case. Errors: TW_ERROR_SYNTAX, TW_ERROR_MEMORY. */
tw_status tw__type(struct tw__typed *typed, const struct tw__syntax *syntax, const tw_kind *dtypes, uint64_t said,
                   const int *tiles, const int *order, tw_error *error);
void tw__typed_fini(struct tw__typed *typed);

/* ---- what typing.c and operation.c share ---- */

struct tw__typer {
    struct tw__typed *typed;
    const struct tw__syntax *syntax;
    const int *order;
    uint64_t said;
    tw_kind dtype[TW_MAX_OPERANDS]; /* in the syntax's order; TW_OPAQUE: not known yet */
    int scope;                      /* number of the body that is typed; 0: a statement */
    int scopes;                     /* numbers given */
    tw_error *error;
};

/* The value of a syntax node: a Python number, or a node of the program. */
struct tw__argument {
    int syntax;
    int is_weak;
    enum tw__class class;
    int node;
    tw_kind dtype; /* of a weak one: what it has where it meets no array */
};

tw_status tw__typer_type(struct tw__typer *typer, int syntax, struct tw__argument *type);

/* The value as a node of `dtype`: a weak one becomes a constant or a scalar, any other is cast where it must be.
 * Errors: a whole number that the dtype does not have. */
tw_status tw__typer_convert(struct tw__typer *typer, const struct tw__argument *type, tw_kind dtype,
                            enum tw__saturate saturate, int *node);

/* Whether the value of a Python number, computed before the run, lies outside of an integer dtype: a bool. */
tw_status tw__typer_test(struct tw__typer *typer, int syntax, enum tw__slot_test test, tw_kind range, int *node);

/* A node, or the one that is already there for the same. Its axes follow from its children. */
tw_status tw__typer_add(struct tw__typer *typer, struct tw__node *node, size_t at, int *number);
tw_status tw__typer_operate(struct tw__typer *typer, enum tw__operation code, tw_kind dtype, const int *children,
                            int nchildren, size_t at, int *number);

/* An operation or a function of the syntax. */
tw_status tw__type_operation(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);
tw_status tw__type_round(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);
tw_status tw__type_clip(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);

#endif
