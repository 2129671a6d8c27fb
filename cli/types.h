/* types.h - what --types says of operands: NAME=DTYPE, or NAME=FILE of a .npy file that has it. */
#ifndef CLI_TYPES_H
#define CLI_TYPES_H

#include "operands.h"
#include "recipe.h"

/* What --types says, by operand: found[k]: it names operand k, whose dtype is then dtype[k]. */
struct cli_types {
    tw_dtype dtype[TW_MAX_OPERANDS];
    char storage[TW_MAX_OPERANDS][TW_DTYPE_TEXT]; /* of opaque ones */
    int found[TW_MAX_OPERANDS];
};

/* `of`: "statement" or "signature", for messages. Errors: TW_ERROR_ARGUMENT, TW_ERROR_SYNTAX, those of
 * tw_array_open. */
tw_status cli_types_read(struct cli_types *types, const struct cli_bindings *given, const tw_signature *signature,
                         const char *of, tw_error *error);

/* Prints what the signature of a kernel says: operands and their dtypes, those of inputs from `given`, else float64,
 * and the edges of halos. Errors: as cli_types_read, those of cli_operands_dtypes; edges of what has no halo. */
tw_status cli_types_explain(const char *signature, const struct cli_notation *notation,
                            const struct cli_bindings *given, tw_error *error);

#endif
