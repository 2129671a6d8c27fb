/* notation.c - a statement as the public interface has it: text, dtypes, lengths, each settled in its turn. Compiling
 * is in object.c. */
#include "notation/notation.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/read/token.h"
#include "notation/type/extent.h"
#include "notation/type/lift.h"
#include "notation/type/proof.h"
#include "notation/type/resolve.h"
#include "notation/type/typing.h"
#include "notation/value/kind.h"

/* ---- parameters ---- */

static tw_status set_parameter(tw_parameter *parameter, const struct tw__scalar *value, int is_typed, tw_kind kind,
                               const char *text, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(kind);
    const tw__magnitude bits = value->negative ? 0 - value->magnitude : value->magnitude;
    parameter->kind = tw__scalar_kind(value);
    parameter->is_typed = is_typed;
    parameter->integer = (int64_t)(uint64_t)bits;
    parameter->high = parameter->kind == TW_INT64 ? (int64_t)(uint64_t)(bits >> 64) : 0;
    parameter->real = value->real;
    parameter->imag = value->imag;
    if (parameter->kind == TW_INT64 && value->magnitude >> 127 != 0) {
        return tw__fail_syntax(error, 1, "%s has more than 127 bits", text);
    }
    if (!is_typed) {
        return TW_OK;
    }
    union tw__value converted;
    if (value->class > tw__class_of(kind) || !tw__scalar_convert(&converted, kind, value, TW__SATURATE_NO)) {
        return tw__fail_syntax(error, 1, "%s: the number does not fit %s", text, tw_dtype_name(&dtype));
    }
    parameter->kind = kind;
    parameter->high = 0;
    parameter->integer = tw__kind_is_inexact(kind) ? 0 : converted.integer;
    parameter->real = tw__kind_is_inexact(kind) ? converted.number.real : 0;
    parameter->imag = tw__kind_is_inexact(kind) ? converted.number.imag : 0;
    return TW_OK;
}

tw_status tw_parameter_parse(tw_parameter *parameter, const char *text, tw_error *error)
{
    struct tw__syntax syntax;
    int value;
    tw_status status = tw__parse_value(&syntax, text, &value, NULL);
    const struct tw__syntax_node *node = status == TW_OK ? &syntax.nodes[value] : NULL;
    /* float32(0.5) is a number of that dtype. */
    const int is_typed = node != NULL && node->kind == TW__SYNTAX_CAST;
    const tw_kind kind = is_typed ? (tw_kind)node->which : TW_OPAQUE;
    node = is_typed ? &syntax.nodes[node->child[0]] : node;
    if (node != NULL && node->is_literal) {
        status = set_parameter(parameter, &node->number, is_typed, kind, text, error);
    } else if (status != TW_ERROR_MEMORY) {
        char quoted[128];
        struct tw__text quote;
        tw__text_init(&quote, quoted, sizeof quoted);
        tw__text_add_quoted(&quote, text, strlen(text), 0);
        status = tw__fail_syntax(
            error, 1, "%s is no number: 3, -0.5, 1e-9, 2j, True, pi, inf, nan and float32(0.5) are some", quoted);
    } else {
        status = tw__fail_memory(error, strlen(text), "a number");
    }
    tw__syntax_fini(&syntax);
    return status;
}

static int is_identifier(const char *text)
{
    const size_t length = text != NULL ? strnlen(text, TW__EXPR_NAME) : 0;
    return length > 0 && length < TW__EXPR_NAME && tw__parse_identifier(text, length) == length;
}

static int is_parameter_kind(tw_kind kind, int is_typed)
{
    if (is_typed) {
        return tw__kind_is_number(kind);
    }
    return kind == TW_BOOL || kind == TW_INT64 || kind == TW_UINT64 || kind == TW_FLOAT64 || kind == TW_COMPLEX128;
}

static tw_status copy_parameters(tw_statement *statement, const tw_statement_options *options, tw_error *error)
{
    const size_t count = options != NULL ? options->nparameters : 0;
    if (count > TW__EXPR_SCALARS) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "more than %d parameters", TW__EXPR_SCALARS);
    }
    statement->parameters = calloc(count + 1, sizeof *statement->parameters);
    if (statement->parameters == NULL) {
        return tw__fail_memory(error, count * sizeof *statement->parameters, "parameters");
    }
    for (size_t k = 0; k < count; k++) {
        const tw_parameter *from = &options->parameters[k];
        if (!is_identifier(from->name)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "'%s' cannot be a parameter's name: letters, digits and '_'",
                            from->name != NULL ? from->name : "");
        }
        if (!is_parameter_kind(from->kind, from->is_typed)) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "parameter %s is none of bool, int64, uint64, float64 and complex128", from->name);
        }
        for (size_t other = 0; other < k; other++) {
            if (strcmp(options->parameters[other].name, from->name) == 0) {
                return tw__fail(error, TW_ERROR_ARGUMENT, "parameter %s is given twice", from->name);
            }
        }
        statement->parameters[k] = *from;
        statement->parameters[k].name = strdup(from->name);
        statement->syntax.nparameters = (int)k + 1;
        if (statement->parameters[k].name == NULL) {
            return tw__fail_memory(error, TW__EXPR_NAME, "a parameter's name");
        }
    }
    return TW_OK;
}

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
        tw_parameter *own = &statement->parameters[k];
        if (strcmp(own->name, parameter->name) != 0) {
            continue;
        }
        const int both_whole = !own->is_typed && !parameter->is_typed &&
                               (own->kind == TW_INT64 || own->kind == TW_UINT64) &&
                               (parameter->kind == TW_INT64 || parameter->kind == TW_UINT64);
        if ((own->kind != parameter->kind || !own->is_typed != !parameter->is_typed) && !both_whole) {
            const tw_dtype was = tw_dtype_of(own->kind), is = tw_dtype_of(parameter->kind);
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "parameter %s was %s%s and cannot become %s%s: that is another statement", own->name,
                            own->is_typed ? "of dtype " : "", tw_dtype_name(&was),
                            parameter->is_typed ? "of dtype " : "", tw_dtype_name(&is));
        }
        own->kind = parameter->kind;
        own->integer = parameter->integer;
        own->high = parameter->high;
        own->real = parameter->real;
        own->imag = parameter->imag;
        return TW_OK;
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
    for (int k = 0; statement->parameters != NULL && k < statement->syntax.nparameters; k++) {
        free((char *)(uintptr_t)statement->parameters[k].name);
    }
    free(statement->parameters);
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
    tw_status status = copy_parameters(made, options, error);
    const int nparameters = made->syntax.nparameters;
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
    const tw_status status = tw__type(&typed, syntax, kinds, in_words, statement->tiles, statement->order, error);
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

/* The value of a slot, in its place. */
static tw_status fill_slot(const tw_statement *statement, int k, struct tw__known *known, unsigned char *place,
                           tw_error *error)
{
    const struct tw__syntax *syntax = &statement->syntax;
    const struct tw__slot *slot = &statement->typed.slots[k];
    union tw__value value;
    struct tw__scalar scalar;
    if (slot->source < 0) { /* the sum was proven to fit */
        const struct tw__syntax_index *index = &syntax->indices[slot->index];
        int64_t sum = 0, part = 0;
        for (int h = 0; h < index->nhosts; h++) {
            const tw_status status = tw__syntax_evaluate(syntax, index->host[h].which, known, &scalar, error);
            if (status != TW_OK) {
                return status;
            }
            (void)tw__scalar_to_int64(&scalar, &part);
            sum += part * index->host[h].factor;
        }
        memcpy(place, &sum, sizeof sum);
        return TW_OK;
    }
    const tw_status status = tw__syntax_evaluate(syntax, slot->source, known, &scalar, error);
    if (status != TW_OK) {
        return status;
    }
    if (slot->test != TW__SLOT_VALUE) { /* of another dtype: what it has of the number is in another slot */
        const int is_outside = !tw__scalar_convert(&value, slot->range, &scalar, TW__SATURATE_NO);
        *place = (unsigned char)(is_outside && slot->test == (scalar.negative ? TW__SLOT_BELOW : TW__SLOT_ABOVE));
        *place |= (unsigned char)(is_outside && slot->test == TW__SLOT_OUTSIDE);
        return TW_OK;
    }
    if (!tw__scalar_convert(&value, slot->dtype, &scalar, slot->saturate)) {
        char text[TW__SCALAR_TEXT];
        const tw_dtype dtype = tw_dtype_of(slot->dtype);
        tw__scalar_text(text, &scalar);
        return tw__complain(error, &syntax->source, syntax->nodes[slot->source].at, "%s does not fit %s", text,
                            tw_dtype_name(&dtype));
    }
    tw__value_bytes(place, slot->dtype, &value);
    return TW_OK;
}

static tw_status make_context(tw_statement *statement, struct tw__known *known, tw_error *error)
{
    const struct tw__program *program = &statement->typed.program;
    const size_t first = (size_t)TW__CONTEXT_SCALARS(program->naxes);
    const size_t scalars = 16 * (size_t)program->nscalars;
    const size_t size = first + scalars + 16 * (size_t)tw__lift_count(program);
    unsigned char *context = calloc(1, size + 16);
    if (context == NULL) {
        return tw__fail_memory(error, size, "the numbers of a statement");
    }
    memcpy(context, known->lengths, (size_t)program->naxes * sizeof known->lengths[0]);
    for (int k = 0; k < program->nscalars; k++) {
        const tw_status status = fill_slot(statement, k, known, context + first + 16 * (size_t)k, error);
        if (status != TW_OK) {
            free(context);
            return status;
        }
    }
    tw__lift_values(program, context + first + scalars);
    free(statement->context);
    statement->context = context;
    statement->context_size = size;
    return TW_OK;
}

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
    if (status == TW_OK) {
        status = make_context(statement, &known, error);
    }
    tw__known_fini(&known);
    if (status == TW_OK) {
        put_lengths(statement, views, own, lengths);
        if (statement->kernel != NULL) {
            statement->kernel->context = statement->context;
            statement->kernel->context_size = statement->context_size;
        }
    }
    return status;
}
