/* notation.h - a statement as the public interface has it: text, dtypes, lengths, kernel, each settled in its turn. */
#ifndef TW_NOTATION_NOTATION_H
#define TW_NOTATION_NOTATION_H

#include "kernel/kernel.h"
#include "notation/read/syntax.h"
#include "notation/type/typed.h"

struct tw_statement {
    struct tw__syntax syntax;
    tw_parameter *parameters; /* [syntax.nparameters], names owned */
    tw_signature *signature;
    int order[TW_MAX_OPERANDS]; /* number in the signature of each operand of the syntax */
    int tiles[TW__EXPR_AXES];   /* number in the signature of each axis of the syntax; -1: it is not in it */
    int same_kind;              /* as in tw_statement_options */
    struct tw__typed typed;
    int is_typed;
    tw_kind asked[TW_MAX_OPERANDS]; /* of a typed one: what it was typed for, in the syntax's order */
    unsigned char *context;         /* [context_size] of a statement that is bound; NULL: it is not */
    size_t context_size;
    tw_kernel *kernel[2]; /* compiled for these dtypes; [1]: portable, or loaded; NULL: not yet */
};

/* Forgets what was compiled. */
void tw__statement_drop_kernel(tw_statement *statement);

#endif
