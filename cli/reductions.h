/* reductions.h - --reduce: outputs that lack an axis which is cut, and how what their tiles compute becomes one. */
#ifndef CLI_REDUCTIONS_H
#define CLI_REDUCTIONS_H

#include "bindings.h"
#include "paths.h"

#include <tilework/tilework.h>

/* All zeros: none. */
struct cli_reductions {
    int count;
    tw_fold folds[TW_MAX_OPERANDS]; /* of the operands */
    tw_kernel *kernels[TW_MAX_OPERANDS];
};

/* Reads --reduce, `given` (NAME=sum and the like, or NAME=FILE.c:FUNCTION), and opens or compiles the kernels that it
 * names. Errors: TW_ERROR_ARGUMENT, those of tw_kernel_open. */
tw_status cli_reductions_open(struct cli_reductions *reductions, const tw_signature *signature,
                              const struct cli_bindings *given, const tw_compile_options *compile, tw_error *error);

/* Adds the files of these kernels, which are no files to write to. */
tw_status cli_reductions_paths(const struct cli_bindings *given, struct cli_paths *paths, tw_error *error);

void cli_reductions_fini(struct cli_reductions *reductions);

#endif
