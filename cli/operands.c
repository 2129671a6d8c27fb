/* operands.c - a run's operands and the files they come from and go to. Knows the signature and files, neither grids
 * nor pools. */
#include "operands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "options.h"
#include "units.h"

#define HEADER_BYTES 65536 /* more than a .npy header has, beside whose bytes those of the items are counted */

/* ---- names ---- */

static int is_read(const struct cli_operands *operands, int k)
{
    return tw_signature_role(operands->signature, k) != TW_OUT;
}

static int is_written(const struct cli_operands *operands, int k)
{
    return tw_signature_role(operands->signature, k) != TW_IN;
}

/* "inputs y, x and outputs r", "inputs y, x and no output" */
static void names_text(const tw_signature *signature, char *text, size_t size)
{
    size_t used = 0;
    int written = 0;
    for (int side = 0; side < 2; side++) {
        const char *separator = side == 0 ? "inputs " : used == 0 ? "outputs " : " and outputs ";
        for (int k = 0; k < tw_signature_noperands(signature); k++) {
            const tw_role role = tw_signature_role(signature, k);
            if (role == TW_INOUT || role == (side == 0 ? TW_IN : TW_OUT)) {
                const int length =
                    snprintf(text + used, size - used, "%s%s", separator, tw_signature_operand(signature, k));
                used = used + (size_t)length < size ? used + (size_t)length : size - 1;
                separator = ", ";
                written |= role != TW_IN;
            }
        }
    }
    if (!written) {
        snprintf(text + used, size - used, "%s", used > 0 ? " and no output" : "no operands");
    }
}

/* The operand a name means. Errors: TW_ERROR_ARGUMENT. */
static tw_status find_operand(const struct cli_operands *operands, const char *name, int *operand, tw_error *error)
{
    *operand = tw_signature_find_operand(operands->signature, name);
    if (*operand < 0) {
        char names[512];
        names_text(operands->signature, names, sizeof names);
        return cli_error(error, TW_ERROR_ARGUMENT, "'%s' is not an operand: the signature has %s", name, names);
    }
    return TW_OK;
}

tw_status cli_operands_bind(struct cli_operands *operands, const tw_signature *signature,
                            const struct cli_bindings *inputs, const struct cli_bindings *outputs, tw_error *error)
{
    if (cli_operands_bind_some(operands, signature, inputs, outputs, error) != TW_OK) {
        return error->status;
    }
    for (int k = 0; k < operands->count; k++) {
        const char *name = tw_signature_operand(signature, k);
        if (is_written(operands, k) && operands->operand[k].target == NULL) {
            return cli_error(error, TW_ERROR_ARGUMENT, "output '%s' has no file: give -o %s=FILE.npy", name, name);
        }
    }
    return TW_OK;
}

tw_status cli_operands_bind_some(struct cli_operands *operands, const tw_signature *signature,
                                 const struct cli_bindings *inputs, const struct cli_bindings *outputs, tw_error *error)
{
    operands->signature = signature;
    operands->count = tw_signature_noperands(signature);
    for (int side = 0; side < 2; side++) {
        const struct cli_bindings *bindings = side == 0 ? inputs : outputs;
        for (size_t b = 0; b < bindings->count; b++) {
            const char *name = bindings->binding[b].name, *file = bindings->binding[b].value;
            int k;
            if (find_operand(operands, name, &k, error) != TW_OK) {
                return error->status;
            }
            if (side == 0 && !is_read(operands, k)) {
                return cli_error(error, TW_ERROR_ARGUMENT, "'%s' is an output: its file is given as -o %s=%s", name,
                                 name, file);
            }
            if (side == 1 && !is_written(operands, k)) {
                return cli_error(error, TW_ERROR_ARGUMENT, "'%s' is an input: its file is given as %s=%s, without -o",
                                 name, name, file);
            }
            const char **place = side == 0 ? &operands->operand[k].source : &operands->operand[k].target;
            if (*place != NULL) {
                return cli_error(error, TW_ERROR_ARGUMENT, "%s '%s' is given twice: %s and %s",
                                 side == 0 ? "input" : "output", name, *place, file);
            }
            if (side == 1 && strcmp(file, "-") == 0) {
                return cli_error(error, TW_ERROR_ARGUMENT,
                                 "output '%s' cannot be standard output: it is written in place, so give -o "
                                 "%s=FILE.npy (-o %s=./- for a file of that name)",
                                 name, name, name);
            }
            *place = side == 0 && strcmp(file, "-") == 0 ? "/dev/stdin" : file;
        }
    }
    for (int k = 0; k < operands->count; k++) {
        const char *name = tw_signature_operand(signature, k);
        if (is_read(operands, k) && operands->operand[k].source == NULL) {
            return cli_error(error, TW_ERROR_ARGUMENT, "input '%s' has no file: give %s=FILE.npy", name, name);
        }
    }
    return TW_OK;
}

/* ---- files ---- */

tw_status cli_operands_paths(struct cli_operands *operands, struct cli_paths *paths, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        const char *name = tw_signature_operand(operands->signature, k);
        if (operand->target != NULL && operand->file == NULL) {
            if (tw_array_target(&operand->file, operand->target, error) != TW_OK ||
                tw_outputs_beside(&operand->unfinished, &operand->journal, &operand->partials, operand->file, error) !=
                    TW_OK) {
                return error->status;
            }
            operand->target = operand->file;
        }
        if (operand->source != NULL && cli_paths_add(paths, error, operand->source, 0, "input '%s'", name) != TW_OK) {
            return error->status;
        }
        if (operand->target != NULL &&
            (cli_paths_add(paths, error, operand->target, 1, "output '%s'", name) != TW_OK ||
             cli_paths_add(paths, error, operand->unfinished, 1, "the unfinished output '%s'", name) != TW_OK)) {
            return error->status;
        }
    }
    return TW_OK;
}

tw_status cli_operands_open(struct cli_operands *operands, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        if (operand->source != NULL) {
            if (tw_array_open(&operand->input, NULL, operand->source, error) != TW_OK) {
                return error->status;
            }
            operand->dtype = tw_array_view(operand->input)->dtype;
        }
    }
    return TW_OK;
}

static int has_axis(const tw_signature *signature, int operand, int axis)
{
    for (int d = 0; d < tw_signature_ndim(signature, operand); d++) {
        if (tw_signature_operand_axis(signature, operand, d) == axis) {
            return 1;
        }
    }
    return 0;
}

tw_status cli_operands_lengths(const struct cli_operands *operands, const struct cli_bindings *given, int64_t *lengths,
                               tw_error *error)
{
    const tw_signature *signature = operands->signature;
    const tw_view *views[TW_MAX_OPERANDS] = {NULL};
    for (int axis = 0; axis < tw_signature_naxes(signature); axis++) {
        lengths[axis] = -1;
    }
    for (size_t b = 0; b < given->count; b++) {
        const char *name = given->binding[b].name;
        const int axis = tw_signature_find_axis(signature, name);
        if (axis < 0) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--length: the signature has no axis '%s'", name);
        }
        if (lengths[axis] >= 0) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--length: axis '%s' is given twice", name);
        }
        lengths[axis] = given->binding[b].number;
    }
    for (int axis = 0; axis < tw_signature_naxes(signature); axis++) {
        int known = lengths[axis] >= 0;
        for (int k = 0; k < operands->count && !known; k++) {
            known = operands->operand[k].input != NULL && has_axis(signature, k, axis);
        }
        if (!known) {
            const char *name = tw_signature_axis(signature, axis);
            return cli_error(error, TW_ERROR_ARGUMENT, "axis '%s' has no length: no input has it; give --length %s=N",
                             name, name);
        }
    }
    for (int k = 0; k < operands->count; k++) {
        views[k] = operands->operand[k].input != NULL ? tw_array_view(operands->operand[k].input) : NULL;
    }
    return tw_signature_lengths(signature, views, lengths, error);
}

/* ---- dtypes ---- */

static int same_dtype(const tw_dtype *a, const tw_dtype *b)
{
    return a->kind == b->kind && a->itemsize == b->itemsize &&
           (a->kind != TW_OPAQUE || strcmp(a->descr, b->descr) == 0);
}

/* What an output gets that nobody gave a dtype. */
static tw_status default_dtype(const struct cli_operands *operands, tw_dtype *dtype, tw_error *error)
{
    int first = -1, opaque = -1, other = -1;
    for (int k = 0; k < operands->count; k++) {
        const struct cli_operand *operand = &operands->operand[k];
        if (!is_read(operands, k)) {
            continue;
        }
        if (first < 0) {
            first = k;
        } else if (!same_dtype(&operand->dtype, &operands->operand[first].dtype)) {
            other = k;
        }
        if (operand->dtype.kind == TW_OPAQUE) {
            opaque = k;
        }
    }
    if (opaque >= 0 && other >= 0) {
        return cli_error(
            error, TW_ERROR_ARGUMENT,
            "the outputs' dtype cannot be chosen: input '%s' is %s and input '%s' is %s; give "
            "--dtype NAME=DTYPE for each output",
            tw_signature_operand(operands->signature, first), tw_dtype_name(&operands->operand[first].dtype),
            tw_signature_operand(operands->signature, other), tw_dtype_name(&operands->operand[other].dtype));
    }
    *dtype = first >= 0 && other < 0 ? operands->operand[first].dtype : tw_dtype_of(TW_FLOAT64);
    return TW_OK;
}

/* The text that gives operand k its dtype: --dtype's or the signature's; NULL: none. */
static tw_status declared_dtype(const struct cli_operands *operands, const struct cli_bindings *given, int k,
                                const char **text, tw_error *error)
{
    const char *name = tw_signature_operand(operands->signature, k);
    *text = tw_signature_dtype(operands->signature, k);
    for (size_t b = 0; b < given->count; b++) {
        if (strcmp(given->binding[b].name, name) == 0) {
            if (*text != NULL) {
                return cli_error(error, TW_ERROR_ARGUMENT, "output '%s' is given two dtypes: %s and %s", name, *text,
                                 given->binding[b].value);
            }
            *text = given->binding[b].value;
        }
    }
    return TW_OK;
}

/* --dtype is for outputs of the signature. */
static tw_status check_given(const struct cli_operands *operands, const struct cli_bindings *given, tw_error *error)
{
    for (size_t b = 0; b < given->count; b++) {
        int k;
        if (find_operand(operands, given->binding[b].name, &k, error) != TW_OK) {
            return error->status;
        }
        if (!is_written(operands, k)) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--dtype: '%s' is an input, its dtype is its file's",
                             given->binding[b].name);
        }
    }
    return TW_OK;
}

/* Gives *dtype what --dtype or the signature says of operand k. *text: that; NULL: nobody says, and *dtype stays. An
 * operand that has starting values keeps theirs. */
static tw_status take_declared(struct cli_operands *operands, const struct cli_bindings *given, int k, tw_dtype *dtype,
                               const char **text, tw_error *error)
{
    struct cli_operand *operand = &operands->operand[k];
    tw_dtype declared;
    if (declared_dtype(operands, given, k, text, error) != TW_OK) {
        return error->status;
    }
    if (*text == NULL) {
        return TW_OK;
    }
    if (tw_dtype_parse(&declared, *text, operand->dtype_text, error) != TW_OK) {
        return error->status;
    }
    if (operand->input != NULL && !same_dtype(&declared, &operand->dtype)) {
        return cli_error(error, TW_ERROR_ARGUMENT, "output '%s' should be %s, but its starting values are %s",
                         tw_signature_operand(operands->signature, k), *text, tw_dtype_name(&operand->dtype));
    }
    *dtype = declared;
    return TW_OK;
}

tw_status cli_operands_wishes(struct cli_operands *operands, const struct cli_bindings *given, tw_dtype *dtypes,
                              tw_error *error)
{
    const char *text;
    tw_status status = check_given(operands, given, error);
    for (int k = 0; k < operands->count && status == TW_OK; k++) {
        dtypes[k] = operands->operand[k].input != NULL ? operands->operand[k].dtype : (tw_dtype){0};
        if (is_written(operands, k)) {
            status = take_declared(operands, given, k, &dtypes[k], &text, error);
        }
    }
    return status;
}

tw_status cli_operands_dtypes(struct cli_operands *operands, const struct cli_bindings *given, int64_t *itemsizes,
                              tw_error *error)
{
    const char *text;
    tw_status status = check_given(operands, given, error);
    for (int k = 0; k < operands->count && status == TW_OK; k++) {
        struct cli_operand *operand = &operands->operand[k];
        if (is_written(operands, k)) {
            status = take_declared(operands, given, k, &operand->dtype, &text, error);
            operand->by_default = status == TW_OK && text == NULL && !is_read(operands, k);
        }
        if (operand->by_default) {
            status = default_dtype(operands, &operand->dtype, error);
        }
    }
    for (int k = 0; k < operands->count && status == TW_OK; k++) {
        itemsizes[k] = operands->operand[k].dtype.itemsize;
    }
    return status;
}

void cli_operands_defaults_text(const struct cli_operands *operands, char *text, size_t size)
{
    size_t used = 0;
    int count = 0, last = -1;
    text[0] = '\0';
    for (int k = 0; k < operands->count; k++) {
        if (operands->operand[k].by_default && used < size) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", count++ > 0 ? ", " : "",
                                     tw_signature_operand(operands->signature, k));
            last = k;
        }
    }
    if (count > 0 && used < size) { /* they all have the same */
        snprintf(text + used, size - used, " %s %s by default", count > 1 ? "are" : "is",
                 tw_dtype_name(&operands->operand[last].dtype));
    }
}

/* ---- arrays ---- */

int cli_operands_shape(const struct cli_operands *operands, int k, const int64_t *lengths, int64_t *shape)
{
    const int ndim = tw_signature_ndim(operands->signature, k);
    for (int d = 0; d < ndim; d++) {
        shape[d] = lengths[tw_signature_operand_axis(operands->signature, k, d)];
    }
    return ndim;
}

/* As the library counts: a length of 0 is 1 here, so that any part of an accepted shape can be multiplied. */
static int can_be_counted(int ndim, const int64_t *shape, int64_t itemsize)
{
    int64_t bytes = itemsize;
    for (int d = 0; d < ndim; d++) {
        if (__builtin_mul_overflow(bytes, shape[d] > 0 ? shape[d] : 1, &bytes)) {
            return 0;
        }
    }
    return bytes < INT64_MAX - HEADER_BYTES;
}

tw_status cli_operands_sizes(const struct cli_operands *operands, const int64_t *lengths, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        const struct cli_operand *operand = &operands->operand[k];
        int64_t shape[TW_MAX_DIMS];
        const int ndim = cli_operands_shape(operands, k, lengths, shape);
        if (operand->target != NULL && !can_be_counted(ndim, shape, operand->dtype.itemsize)) {
            char text[CLI_SHAPE_TEXT];
            return cli_error(error, TW_ERROR_ARGUMENT, "output '%s', %s, would have more than 2^63 bytes: %s of %s",
                             tw_signature_operand(operands->signature, k), operand->target,
                             cli_text_shape(text, sizeof text, ndim, shape), tw_dtype_name(&operand->dtype));
        }
    }
    return TW_OK;
}

void cli_operands_files(const struct cli_operands *operands, tw_output *files)
{
    for (int k = 0; k < operands->count; k++) {
        files[k] = (tw_output){.file = operands->operand[k].target, .dtype = operands->operand[k].dtype};
    }
}

const struct cli_operand *cli_operands_first_output(const struct cli_operands *operands)
{
    int k = 0;
    while (k < operands->count && !is_written(operands, k)) {
        k++;
    }
    return k < operands->count ? &operands->operand[k] : NULL;
}

void cli_operands_fini(struct cli_operands *operands)
{
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        tw_array_destroy(operand->input);
        free(operand->file);
        free(operand->unfinished);
        free(operand->journal);
        free(operand->partials);
        *operand = (struct cli_operand){0};
    }
}
