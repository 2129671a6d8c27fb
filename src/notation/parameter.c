/* parameter.c - the numbers that a statement knows by names: read from texts, copied, checked, given other values. */
#include "notation/parameter.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "notation/read/limits.h"
#include "notation/read/syntax.h"
#include "notation/value/kind.h"
#include "notation/value/number.h"

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

tw_status tw__parameters_copy(tw_parameter **copies, int *count, const tw_parameter *from, size_t number,
                              tw_error *error)
{
    *count = 0;
    if (number > TW__EXPR_SCALARS) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "more than %d parameters", TW__EXPR_SCALARS);
    }
    *copies = calloc(number + 1, sizeof **copies);
    if (*copies == NULL) {
        return tw__fail_memory(error, number * sizeof **copies, "parameters");
    }
    for (size_t k = 0; k < number; k++) {
        if (!is_identifier(from[k].name)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "'%s' cannot be a parameter's name: letters, digits and '_'",
                            from[k].name != NULL ? from[k].name : "");
        }
        if (!is_parameter_kind(from[k].kind, from[k].is_typed)) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "parameter %s is none of bool, int64, uint64, float64 and complex128", from[k].name);
        }
        for (size_t other = 0; other < k; other++) {
            if (strcmp(from[other].name, from[k].name) == 0) {
                return tw__fail(error, TW_ERROR_ARGUMENT, "parameter %s is given twice", from[k].name);
            }
        }
        (*copies)[k] = from[k];
        (*copies)[k].name = strdup(from[k].name);
        *count = (int)k + 1;
        if ((*copies)[k].name == NULL) {
            return tw__fail_memory(error, TW__EXPR_NAME, "a parameter's name");
        }
    }
    return TW_OK;
}

void tw__parameters_free(tw_parameter *copies, int count)
{
    for (int k = 0; copies != NULL && k < count; k++) {
        free((char *)(uintptr_t)copies[k].name);
    }
    free(copies);
}

tw_status tw__parameter_assign(tw_parameter *own, const tw_parameter *parameter, tw_error *error)
{
    const int both_whole = !own->is_typed && !parameter->is_typed &&
                           (own->kind == TW_INT64 || own->kind == TW_UINT64) &&
                           (parameter->kind == TW_INT64 || parameter->kind == TW_UINT64);
    if ((own->kind != parameter->kind || !own->is_typed != !parameter->is_typed) && !both_whole) {
        const tw_dtype was = tw_dtype_of(own->kind), is = tw_dtype_of(parameter->kind);
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "parameter %s was %s%s and cannot become %s%s: that is another statement", own->name,
                        own->is_typed ? "of dtype " : "", tw_dtype_name(&was), parameter->is_typed ? "of dtype " : "",
                        tw_dtype_name(&is));
    }
    own->kind = parameter->kind;
    own->integer = parameter->integer;
    own->high = parameter->high;
    own->real = parameter->real;
    own->imag = parameter->imag;
    return TW_OK;
}
