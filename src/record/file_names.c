/* file_names.c - the names of the files of a run: its outputs, and what lies beside them until they are whole. Opens
 * none.
 */
#include "record/file_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/signature.h"
#include "os/path.h"
#include "store/part.h"

tw_status tw_outputs_beside(char **unfinished, char **journal, char **partials, const char *file, tw_error *error)
{
    if (file == NULL || unfinished == NULL) {
        return tw__fail_null(error, "tw_outputs_beside", file == NULL ? "file" : "unfinished");
    }
    char *part = tw__part_name(file), *beside = NULL, *between = partials != NULL ? tw__partials_name(file) : NULL;
    if (part == NULL || (partials != NULL && between == NULL) ||
        (journal != NULL && asprintf(&beside, "%s.journal", file) < 0)) {
        free(part);
        free(between);
        return tw__fail_memory(error, strlen(file), "the names of an output's files");
    }
    *unfinished = part;
    if (journal != NULL) {
        *journal = beside;
    }
    if (partials != NULL) {
        *partials = between;
    }
    return TW_OK;
}

/* Whether the file `k` has, of the run of the file `other`, the name of something else than its own. */
static tw_status check_name(const tw_outputs *outputs, const tw_operand *operands, int k, int other, int is_first,
                            tw_error *error)
{
    const struct {
        const char *name, *what;
    } taken[] = {{outputs->unfinished[other], "is written until it is whole"},
                 {is_first ? outputs->journal_path : NULL, "has its journal"},
                 {is_first ? outputs->partials_path : NULL, "has its partial results"}};
    if (k < other && tw__path_is_same(outputs->files[k], outputs->files[other])) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "outputs '%s' and '%s' have the same file, %s: each needs its own",
                        operands[k].name, operands[other].name, outputs->files[other]);
    }
    for (size_t n = 0; n < sizeof taken / sizeof taken[0]; n++) {
        if (taken[n].name != NULL && tw__path_is_same(outputs->files[k], taken[n].name)) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "the file of output '%s', %s, is where output '%s' %s: give it another name",
                            operands[k].name, outputs->files[k], operands[other].name, taken[n].what);
        }
    }
    return TW_OK;
}

static tw_status check_names(const tw_outputs *outputs, const tw_signature *signature, tw_error *error)
{
    int first = 0;
    while (first < signature->noperands && outputs->files[first] == NULL) {
        first++;
    }
    for (int k = 0; k < signature->noperands; k++) {
        for (int other = 0; outputs->files[k] != NULL && other < signature->noperands; other++) {
            const tw_status status = other != k && outputs->files[other] != NULL
                                         ? check_name(outputs, signature->operands, k, other, other == first, error)
                                         : TW_OK;
            if (status != TW_OK) {
                return status;
            }
        }
    }
    return TW_OK;
}

tw_status tw__outputs_name(tw_outputs *outputs, const tw_signature *signature, const tw_output *files, tw_error *error)
{
    for (int k = 0; k < signature->noperands; k++) {
        const int is_first = outputs->journal_path == NULL; /* the others have no journal beside them */
        if (signature->operands[k].role == TW_IN) {
            continue;
        }
        if (files[k].file == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "output '%s' has no file", signature->operands[k].name);
        }
        tw_status status = tw_array_target(&outputs->files[k], files[k].file, error);
        if (status == TW_OK) {
            status = tw_outputs_beside(&outputs->unfinished[k], is_first ? &outputs->journal_path : NULL,
                                       is_first ? &outputs->partials_path : NULL, outputs->files[k], error);
        }
        if (status != TW_OK) {
            return status;
        }
    }
    return check_names(outputs, signature, error);
}
