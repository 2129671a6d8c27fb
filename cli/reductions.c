/* reductions.c - --reduce: the folds of a kernel's outputs, by name or by a kernel of two operands. Knows nothing of
 * grids.
 */
#include "reductions.h"

#include <stdlib.h>
#include <string.h>

#include "exit.h"

/* By tw_fold. */
static const char *const names[] = {[TW_FOLD_SUM] = "sum", [TW_FOLD_PROD] = "prod", [TW_FOLD_MIN] = "min",
                                    [TW_FOLD_MAX] = "max", [TW_FOLD_ANY] = "any",   [TW_FOLD_ALL] = "all"};

/* TW_FOLD_KERNEL: it is none of the names. */
static tw_fold fold_of(const char *name)
{
    for (int fold = TW_FOLD_SUM; fold < TW_FOLD_KERNEL; fold++) {
        if (strcmp(name, names[fold]) == 0) {
            return (tw_fold)fold;
        }
    }
    return TW_FOLD_KERNEL;
}

static tw_status read_one(struct cli_reductions *reductions, const tw_signature *signature,
                          const struct cli_binding *given, const tw_compile_options *compile, tw_error *error)
{
    const int k = tw_signature_find_operand(signature, given->name);
    if (k < 0) {
        return cli_error(error, TW_ERROR_ARGUMENT, "--reduce: %s=%s: the signature has no operand %s", given->name,
                         given->value, given->name);
    }
    if (reductions->folds[k] != TW_FOLD_NONE) {
        return cli_error(error, TW_ERROR_ARGUMENT, "--reduce: %s is given twice", given->name);
    }
    const tw_fold fold = fold_of(given->value);
    if (fold == TW_FOLD_KERNEL) {
        if (strchr(given->value, ':') == NULL) {
            return cli_error(error, TW_ERROR_ARGUMENT,
                             "--reduce: %s=%s: '%s' is no reduction: sum, prod, min, max, any, all, or "
                             "FILE.c:FUNCTION of two operands, part and into",
                             given->name, given->value, given->value);
        }
        const tw_status status = tw_kernel_open(&reductions->kernels[k], given->value, compile, error);
        if (status != TW_OK) {
            return status;
        }
    }
    reductions->folds[k] = fold;
    reductions->count++;
    return TW_OK;
}

tw_status cli_reductions_open(struct cli_reductions *reductions, const tw_signature *signature,
                              const struct cli_bindings *given, const tw_compile_options *compile, tw_error *error)
{
    tw_status status = TW_OK;
    for (size_t n = 0; status == TW_OK && n < given->count; n++) {
        status = read_one(reductions, signature, &given->binding[n], compile, error);
    }
    return status;
}

tw_status cli_reductions_paths(const struct cli_bindings *given, struct cli_paths *paths, tw_error *error)
{
    tw_status status = TW_OK;
    for (size_t n = 0; status == TW_OK && n < given->count; n++) {
        const char *value = given->binding[n].value, *colon = strrchr(value, ':');
        if (colon == NULL) {
            continue;
        }
        char *file = strndup(value, (size_t)(colon - value));
        status = file != NULL
                     ? cli_paths_add(paths, error, file, 0, "the kernel of --reduce %s", given->binding[n].name)
                     : cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
        free(file);
    }
    return status;
}

void cli_reductions_fini(struct cli_reductions *reductions)
{
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        tw_kernel_destroy(reductions->kernels[k]);
    }
    *reductions = (struct cli_reductions){0};
}
