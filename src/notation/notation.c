/* notation.c - a statement as the public interface has it: text, dtypes, lengths, each settled in its turn. Compiling
 * is in object.c, its numbers are in parameter.c and context.c. */
#include "notation/notation.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/context.h"
#include "notation/parameter.h"
#include "notation/type/extent.h"
#include "notation/type/inner.h"
#include "notation/type/proof.h"
#include "notation/type/resolve.h"
#include "notation/type/typing.h"
#include "notation/value/kind.h"

/* ---- parameters ---- */

static tw_status check_parameters(const tw_statement *statement, tw_error *error)
{
    const struct tw__syntax *syntax = &statement->syntax;
    for (int k = 0; k < syntax->nparameters; k++) {
        int is_used = 0;
        for (int n = 0; n < syntax->nnodes; n++) {
            is_used |= syntax->nodes[n].kind == TW__SYNTAX_PARAMETER && syntax->nodes[n].which == k;
        }
        if (!is_used) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "parameter %s does not occur in the statement",
                            statement->parameters[k].name);
        }
    }
    return TW_OK;
}

tw_status tw_statement_set(tw_statement *statement, const tw_parameter *parameter, tw_error *error)
{
    for (int k = 0; k < statement->syntax.nparameters; k++) {
        if (strcmp(statement->parameters[k].name, parameter->name) == 0) {
            return tw__parameter_assign(&statement->parameters[k], parameter, error);
        }
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "the statement has no parameter '%s'", parameter->name);
}

/* ---- text ---- */

void tw_statement_destroy(tw_statement *statement)
{
    if (statement == NULL) {
        return;
    }
    tw__statement_drop_kernel(statement);
    tw__parameters_free(statement->parameters, statement->syntax.nparameters);
    tw__syntax_fini(&statement->syntax);
    tw__typed_fini(&statement->typed);
    tw_signature_destroy(statement->signature);
    free(statement->context);
    free(statement);
}

tw_status tw_statement_parse(tw_statement **statement, const char *text, const tw_statement_options *options,
                             tw_error *error)
{
    tw_statement *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a statement");
    }
    int nparameters;
    tw_status status =
        tw__parameters_copy(&made->parameters, &nparameters, options != NULL ? options->parameters : NULL,
                            options != NULL ? options->nparameters : 0, error);
    if (status == TW_OK) {
        status = tw__parse(&made->syntax, text, made->parameters, (size_t)nparameters, error);
    }
    made->syntax.nparameters = nparameters; /* names are freed by it, whatever has failed */
    if (status == TW_OK) {
        status = check_parameters(made, error);
    }
    if (status == TW_OK) {
        status = tw__resolve(&made->syntax, options != NULL ? options->edges : NULL,
                             options != NULL ? options->nedges : 0, &made->signature, error);
    }
    if (status != TW_OK) {
        tw_statement_destroy(made);
        return status;
    }
    made->same_kind = options != NULL && options->same_kind;
    for (int k = 0; k < made->syntax.noperands; k++) {
        made->order[k] = tw_signature_find_operand(made->signature, made->syntax.operands[k].name);
    }
    for (int a = 0; a < made->syntax.naxes; a++) {
        made->tiles[a] = tw_signature_find_axis(made->signature, made->syntax.axes[a].name);
    }
    *statement = made;
    return TW_OK;
}

const tw_signature *tw_statement_signature(const tw_statement *statement)
{
    return statement->signature;
}

/* ---- dtypes ---- */

/* The dtype that the text gives an output; TW_OPAQUE: none. */
static tw_kind text_dtype(const struct tw__syntax_operand *operand)
{
    tw_dtype dtype = {.kind = TW_OPAQUE};
    char storage[TW_DTYPE_TEXT];
    if (operand->dtype[0] != '\0') {
        (void)tw_dtype_parse(&dtype, operand->dtype, storage, NULL); /* the parser has read it already */
    }
    return dtype.kind;
}

tw_status tw_statement_types(tw_statement *statement, const tw_dtype *dtypes, tw_error *error)
{
    const struct tw__syntax *syntax = &statement->syntax;
    tw_kind kinds[TW_MAX_OPERANDS];
    struct tw__typed typed;
    uint64_t in_words = 0;
    for (int k = 0; k < syntax->noperands; k++) {
        const struct tw__syntax_operand *operand = &syntax->operands[k];
        const tw_dtype *given = &dtypes[statement->order[k]];
        const tw_kind said = text_dtype(operand);
        const int is_free = operand->role == TW_OUT && given->kind == TW_OPAQUE && given->itemsize == 0;
        kinds[k] = is_free ? said : given->kind;
        if (!is_free && !tw__kind_is_number(given->kind)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s has items of %s, which cannot be computed with",
                            operand->name, tw_dtype_name(given));
        }
        if (said != TW_OPAQUE && kinds[k] != said) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s is given as %s, but the statement says %s", operand->name,
                            tw_dtype_name(given), operand->dtype);
        }
        const int wished = operand->role == TW_OUT && !is_free && !statement->same_kind;
        in_words |= (uint64_t)(said != TW_OPAQUE || wished) << k;
    }
    const size_t size = (size_t)syntax->noperands * sizeof kinds[0];
    if (statement->is_typed && memcmp(kinds, statement->asked, size) == 0) {
        return TW_OK;
    }
    tw_status status = tw__type(&typed, syntax, kinds, in_words, statement->tiles, statement->order, error);
    if (status == TW_OK) {
        status = tw__inner_check(&typed, syntax, error);
    }
    if (status != TW_OK) {
        tw__typed_fini(&typed);
        return status;
    }
    int same = statement->is_typed;
    for (int k = 0; same && k < syntax->noperands; k++) {
        same = statement->typed.program.operands[k].dtype == typed.program.operands[k].dtype;
    }
    memcpy(statement->asked, kinds, size);
    if (same) { /* what was compiled is still right */
        tw__typed_fini(&typed);
        return TW_OK;
    }
    tw__statement_drop_kernel(statement);
    tw__typed_fini(&statement->typed);
    free(statement->context);
    statement->context = NULL;
    statement->typed = typed;
    statement->is_typed = 1;
    return TW_OK;
}

tw_dtype tw_statement_dtype(const tw_statement *statement, int operand)
{
    return tw_dtype_of(statement->is_typed ? statement->typed.program.operands[operand].dtype : TW_OPAQUE);
}

/* ---- lengths ---- */

/* A dimension of length 1 that is not cut fits any axis too: its index is clamped. That is another kernel, for lengths
 * that are rare: with all others the index is read as it is. */
static void settle_repeats(tw_statement *statement, const struct tw__extent *extent)
{
    const struct tw__syntax *syntax = &statement->syntax;
    struct tw__typed *typed = &statement->typed;
    int changed = 0;
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        if (node->kind != TW__SYNTAX_READ || typed->node_of[n] < 0) {
            continue;
        }
        for (int d = 0; d < syntax->operands[node->which].ndim; d++) {
            const struct tw__syntax_index *from = &syntax->indices[node->indices + d];
            struct tw__index *index =
                &typed->program.indices[typed->program.nodes[typed->node_of[n]].u.read.indices + d];
            const int repeats = !index->tiled && tw__repeats_one(extent, node->which, d, from) &&
                                extent->lengths[from->term[0].which] > 1;
            const tw_edge edge = index->tiled ? TW_EDGE_ERROR : repeats ? TW_EDGE_CLAMP : tw__index_edge(syntax, from);
            changed |= edge != index->edge;
            index->edge = edge;
        }
    }
    if (changed) {
        tw__statement_drop_kernel(statement);
    }
}

/* The signature's lengths: of the axes by name, and of the dimensions that are whole. */
static void put_lengths(const tw_statement *statement, const tw_view *const *views, const int64_t *own,
                        int64_t *lengths)
{
    const struct tw__syntax *syntax = &statement->syntax;
    for (int a = 0; a < syntax->naxes; a++) {
        if (statement->tiles[a] >= 0) {
            lengths[statement->tiles[a]] = own[a];
        }
    }
    for (int k = 0; k < syntax->noperands; k++) {
        for (int d = 0; d < syntax->operands[k].ndim; d++) {
            if (syntax->operands[k].axis[d] < 0) {
                lengths[tw_signature_operand_axis(statement->signature, statement->order[k], d)] = views[k]->shape[d];
            }
        }
    }
}

tw_status tw_statement_bind(tw_statement *statement, const tw_view *const *operands, const tw_axis_length *given,
                            size_t ngiven, int64_t *lengths, tw_error *error)
{
    const struct tw__syntax *syntax = &statement->syntax;
    const tw_view *views[TW_MAX_OPERANDS];
    int64_t own[TW__EXPR_AXES];
    struct tw__known known = {0};
    if (!statement->is_typed) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement's dtypes are not settled yet");
    }
    for (int k = 0; k < syntax->noperands; k++) {
        const int number = statement->order[k];
        const tw_kind kind = statement->typed.program.operands[number].dtype;
        const tw_dtype dtype = tw_dtype_of(kind);
        views[k] = operands[number];
        if (views[k] == NULL && syntax->operands[k].role != TW_OUT) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s has no array", syntax->operands[k].name);
        }
        if (views[k] != NULL && views[k]->dtype.kind != kind) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s is %s, but the statement was given %s for it",
                            syntax->operands[k].name, tw_dtype_name(&views[k]->dtype), tw_dtype_name(&dtype));
        }
    }
    struct tw__extent extent = {.syntax = syntax,
                                .views = views,
                                .given = given,
                                .ngiven = ngiven,
                                .known = &known,
                                .lengths = own,
                                .error = error};
    tw_status status = tw__known_init(&known, syntax, statement->parameters, own, error);
    if (status == TW_OK) {
        status = tw__find_lengths(&extent);
    }
    if (status == TW_OK) {
        status = tw__prove_reads(&extent);
    }
    if (status == TW_OK) {
        settle_repeats(statement, &extent);
    }
    unsigned char *context = NULL;
    if (status == TW_OK) {
        status = tw__context_make(&context, &statement->context_size, syntax, &statement->typed, &known, error);
    }
    tw__known_fini(&known);
    if (status == TW_OK) {
        free(statement->context);
        statement->context = context;
        put_lengths(statement, views, own, lengths);
        for (int k = 0; k < 2; k++) {
            if (statement->kernel[k] != NULL) {
                statement->kernel[k]->context = statement->context;
                statement->kernel[k]->context_size = statement->context_size;
            }
        }
    }
    return status;
}
