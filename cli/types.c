/* types.c - what --types says of operands: NAME=DTYPE, or NAME=FILE of a .npy file that has it. */
#include "types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"

/* The dtype of NAME=DTYPE, or of the file in NAME=FILE. */
static tw_status read_type(const char *value, tw_dtype *dtype, char storage[TW_DTYPE_TEXT], tw_error *error)
{
    if (strchr(value, '/') == NULL && strchr(value, '.') == NULL) {
        return tw_dtype_parse(dtype, value, storage, error);
    }
    tw_array *array = NULL;
    const tw_status status = tw_array_open(&array, NULL, value, error);
    if (status == TW_OK) {
        *dtype = tw_array_view(array)->dtype;
        if (dtype->kind == TW_OPAQUE) { /* its description ends with the array */
            snprintf(storage, TW_DTYPE_TEXT, "%s", tw_dtype_name(dtype));
            dtype->descr = storage;
        }
        tw_array_destroy(array);
    }
    return status;
}

tw_status cli_types_read(struct cli_types *types, const struct cli_bindings *given, const tw_signature *signature,
                         const char *of, tw_error *error)
{
    *types = (struct cli_types){0};
    for (size_t b = 0; b < given->count; b++) {
        const struct cli_binding *type = &given->binding[b];
        const int k = tw_signature_find_operand(signature, type->name);
        if (k < 0) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--types: the %s has no operand '%s'", of, type->name);
        }
        if (types->found[k]) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--types: '%s' is given twice", type->name);
        }
        types->found[k] = 1;
        if (read_type(type->value, &types->dtype[k], types->storage[k], error) != TW_OK) {
            return error->status;
        }
    }
    return TW_OK;
}

/* The dtypes of all operands: as --types says, else of inputs float64, of outputs as in a run. */
static tw_status settle(struct cli_operands *operands, const struct cli_types *types, tw_error *error)
{
    struct cli_binding wished[TW_MAX_OPERANDS];
    struct cli_bindings outputs = {.binding = wished};
    int64_t itemsizes[TW_MAX_OPERANDS];
    for (int k = 0; k < operands->count; k++) {
        operands->operand[k].dtype = types->found[k] ? types->dtype[k] : tw_dtype_of(TW_FLOAT64);
        if (types->found[k] && tw_signature_role(operands->signature, k) == TW_OUT) {
            char *name = (char *)tw_signature_operand(operands->signature, k); /* read only */
            char *dtype = (char *)tw_dtype_name(&types->dtype[k]);
            wished[outputs.count++] = (struct cli_binding){.name = name, .value = dtype};
        }
    }
    return cli_operands_dtypes(operands, &outputs, itemsizes, error);
}

static void print(const struct cli_operands *operands)
{
    static const char *const roles[] = {"read", "written", "read and written"};
    char text[8192]; /* a signature's text has 4096 characters at most */
    tw_signature_text(operands->signature, NULL, text, sizeof text);
    printf("signature\n  %s\noperands\n", text);
    for (int k = 0; k < operands->count; k++) {
        const char *name = tw_signature_operand(operands->signature, k);
        printf("  %-12s %-12s %s", name, tw_dtype_name(&operands->operand[k].dtype),
               roles[tw_signature_role(operands->signature, k)]);
        if (operands->operand[k].by_default) {
            printf(", by default; --dtype %s=DTYPE of 'run' gives another", name);
        }
        putchar('\n');
    }
}

/* Whether an operand has a halo along the axis; -1: along any. */
static int has_halo(const tw_signature *signature, int axis)
{
    int64_t low, high;
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        for (int d = 0; d < tw_signature_ndim(signature, k); d++) {
            if ((axis < 0 || tw_signature_operand_axis(signature, k, d) == axis) &&
                tw_signature_halo(signature, k, d, &low, &high)) {
                return 1;
            }
        }
    }
    return 0;
}

/* The text that was given for an axis; NULL: none. */
static const char *edge_of(const struct cli_notation *notation, const char *axis)
{
    const struct cli_binding *own = cli_bindings_find(&notation->edges, axis);
    return own != NULL ? own->value : notation->edge;
}

/* As a run does: a range of one index, u[i..i], may be what a program has made of a halo of 0. */
static tw_status check_edges(const tw_signature *signature, const char *text, const struct cli_notation *notation,
                             tw_error *error)
{
    for (size_t k = 0; k < notation->edges.count; k++) {
        if (tw_signature_find_axis(signature, notation->edges.binding[k].name) < 0) {
            return cli_error(error, TW_ERROR_ARGUMENT, "--edge: the signature has no axis '%s'",
                             notation->edges.binding[k].name);
        }
    }
    return (notation->edges.count == 0 && notation->edge == NULL) || has_halo(signature, -1) ||
                   strstr(text, "..") != NULL
               ? TW_OK
               : cli_error(error, TW_ERROR_ARGUMENT,
                           "--edge: no input of the signature has a halo: write one as u[i-1..i+1]");
}

/* What halos read past the ends, axis by axis. */
static void print_edges(const tw_signature *signature, const struct cli_notation *notation)
{
    const char *title = "edges\n";
    for (int a = 0; a < tw_signature_naxes(signature); a++) {
        const char *axis = tw_signature_axis(signature, a), *edge = edge_of(notation, axis);
        if (has_halo(signature, a)) {
            printf("%s  %-12s %s\n", title, axis, edge != NULL ? edge : "error: a run needs --edge");
            title = "";
        }
    }
}

tw_status cli_types_explain(const char *signature, const struct cli_notation *notation,
                            const struct cli_bindings *given, tw_error *error)
{
    tw_signature *parsed = NULL;
    struct cli_types *types = calloc(1, sizeof *types);
    struct cli_operands *operands = calloc(1, sizeof *operands);
    tw_status status = types != NULL && operands != NULL
                           ? tw_signature_parse(&parsed, signature, error)
                           : cli_error(error, TW_ERROR_MEMORY, "not enough memory for the operands");
    if (status == TW_OK) {
        operands->signature = parsed;
        operands->count = tw_signature_noperands(parsed);
        status = cli_types_read(types, given, parsed, "signature", error);
    }
    if (status == TW_OK) {
        status = settle(operands, types, error);
    }
    if (status == TW_OK) {
        status = check_edges(parsed, signature, notation, error);
    }
    if (status == TW_OK) {
        print(operands);
        print_edges(parsed, notation);
    }
    tw_signature_destroy(parsed);
    free(operands);
    free(types);
    return status;
}
