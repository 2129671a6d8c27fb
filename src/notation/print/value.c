/* value.c - the C expression of a node. The plan of the loop says which nodes have names of their own. */
#include "notation/print/value.h"

#include <stdio.h>

#include "notation/print/helper.h"
#include "notation/print/prelude.h"

/* float16 is computed as float32, then rounded. */
static tw_kind computed(tw_kind kind)
{
    return kind == TW_FLOAT16 ? TW_FLOAT32 : kind;
}

void tw__emit_value(struct tw__emitter *e, const struct tw__scope *in, int any)
{
    const int number = e->plan->same[any];
    tw__emit_as(e, in, number, tw__loop_item(in->loop, number)->form);
}

void tw__emit_as(struct tw__emitter *e, const struct tw__scope *in, int number, int form)
{
    const struct tw__node *node = tw__node_at(e->program, number);
    char name[32];
    switch ((enum tw__form)form) {
    case TW__FORM_NAME:
        tw__emit_text(e, "v%d", number);
        return;
    case TW__FORM_CELL:
        tw__emit_text(e, "w%d[q]", number);
        return;
    case TW__FORM_ITEM:
        snprintf(name, sizeof name, "p%d[q]", number);
        break;
    case TW__FORM_OWN:
        snprintf(name, sizeof name, "out[q]");
        break;
    case TW__FORM_TEXT:
    default:
        tw__emit_expression(e, in, number);
        return;
    }
    if (node->dtype == TW_FLOAT16) {
        (void)tw__helper_need(e, "value", TW_FLOAT16);
        tw__emit_text(e, "tw_value_f16(%s)", name);
    } else {
        tw__emit_text(e, node->dtype == TW_BOOL ? "(%s != 0)" : "%s", name);
    }
}

/* ---- calls ---- */

static void emit_arguments(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node,
                           int exchanged)
{
    for (int k = 0; k < node->nchildren; k++) {
        tw__emit_text(e, k > 0 ? ", " : "");
        tw__emit_value(e, in, node->child[exchanged ? node->nchildren - 1 - k : k]);
    }
}

/* A complex argument of the C library's kind. */
static void emit_c_arguments(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    for (int k = 0; k < node->nchildren; k++) {
        tw__emit_text(e, "%stw_to_c_%s(", k > 0 ? ", " : "", tw__emit_suffix(node->u.op.operation));
        tw__emit_value(e, in, node->child[k]);
        tw__emit_text(e, ")");
    }
}

static int emit_function(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const tw_kind kind = computed(node->u.op.operation);
    struct tw__prelude_function function;
    if (node->u.op.code == TW__OP_NEXTAFTER && node->dtype == TW_FLOAT16) { /* of float16, not of float32 */
        (void)tw__helper_need(e, "nextafter", TW_FLOAT16);
        tw__emit_text(e, "tw_nextafter_f16(");
        emit_arguments(e, in, node, 0);
        tw__emit_text(e, ")");
        return 1;
    }
    if (!tw__prelude_find(node->u.op.code, kind, &function)) {
        return 0;
    }
    e->math |= function.needs;
    if (tw__kind_is_complex(kind)) {
        (void)tw__helper_need(e, "to_c", kind);
        if (tw__kind_is_complex(node->dtype)) {
            (void)tw__helper_need(e, "of_c", kind);
            tw__emit_text(e, "tw_of_c_%s(", tw__emit_suffix(kind));
        }
        tw__emit_text(e, "%s(", function.name);
        emit_c_arguments(e, in, node);
        tw__emit_text(e, tw__kind_is_complex(node->dtype) ? "))" : ")");
        return 1;
    }
    const int fast = in->fast && function.fast[0] != '\0';
    tw__emit_text(e, "%s(", fast ? function.fast : function.name);
    emit_arguments(e, in, node, 0);
    tw__emit_text(e, fast ? ", &outside%d)" : ")", tw__emit_size(kind) * 8);
    return 1;
}

static void emit_helper(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const tw_kind kind = computed(node->u.op.operation);
    const enum tw__operation code = node->u.op.code;
    const char *name = tw__operation_row(code)->helper;
    if ((code == TW__OP_FMIN || code == TW__OP_FMAX) && !tw__kind_is_complex(kind)) {
        name = code == TW__OP_FMIN ? "minimum" : "maximum"; /* integers have no NaN */
    }
    if (name == NULL || !tw__helper_need(e, name, kind)) {
        e->unknown = 1;
        return;
    }
    tw__emit_text(e, "tw_%s_%s(", name, tw__emit_suffix(kind));
    tw__emit_text(e, code == TW__OP_POWER && tw__kind_is_integer(kind) ? "tile, " : "");
    emit_arguments(e, in, node, tw__operation_has(code, TW__TRAIT_SWAPS));
    tw__emit_text(e, ")");
}

static void emit_infix(struct tw__emitter *e, const struct tw__scope *in, int first, const char *operator, int second)
{
    tw__emit_text(e, "(");
    tw__emit_value(e, in, first);
    tw__emit_text(e, " %s ", operator);
    tw__emit_value(e, in, second);
    tw__emit_text(e, ")");
}

/* ---- comparisons of int64 with uint64 ---- */

static void emit_mixed(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    /* a > b is b < a, a >= b is b <= a; and with the unsigned one first: u < i is not (i <= u). */
    enum tw__operation code = node->u.op.code;
    int first = node->child[0], second = node->child[1];
    if (code == TW__OP_GREATER || code == TW__OP_GREATER_EQUAL) {
        code = code == TW__OP_GREATER ? TW__OP_LESS : TW__OP_LESS_EQUAL;
        first = node->child[1];
        second = node->child[0];
    }
    int negated = code == TW__OP_NOT_EQUAL;
    const char *name = "equal_mixed";
    if (code == TW__OP_LESS || code == TW__OP_LESS_EQUAL) {
        name = code == TW__OP_LESS ? "less_mixed" : "less_equal_mixed";
    }
    if (tw__node_at(e->program, first)->dtype == TW_UINT64) {
        const int other = first;
        first = second;
        second = other;
        if (code == TW__OP_LESS || code == TW__OP_LESS_EQUAL) {
            name = code == TW__OP_LESS ? "less_equal_mixed" : "less_mixed";
            negated = 1;
        }
    }
    (void)tw__helper_need(e, name, TW_OPAQUE);
    tw__emit_text(e, "%stw_%s(", negated ? "!" : "", name);
    tw__emit_value(e, in, first);
    tw__emit_text(e, ", ");
    tw__emit_value(e, in, second);
    tw__emit_text(e, ")");
}

/* ---- powers with a constant exponent ---- */

/* NumPy computes x**2, x**0.5, x**-1, x**1, x**0 otherwise than by pow; x * x * x and x*x * x*x are as near. An
 * exponent of another size is no constant of these. Gives 0 if the power is none of them. */
static int emit_small_power(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const tw_kind kind = node->u.op.operation;
    const struct tw__node *exponent = tw__node_at(e->program, node->child[1]);
    const int is_integer = tw__kind_is_integer(kind);
    if (exponent->kind != TW__NODE_CONSTANT || (tw__kind_is_complex(kind) && exponent->u.constant.number.imag != 0)) {
        return 0;
    }
    const double value = is_integer ? (double)exponent->u.constant.integer : exponent->u.constant.number.real;
    const char *helper = value == 2 ? "square" : value == 3 ? "cube" : value == 4 ? "fourth" : NULL;
    if (tw__kind_is_complex(kind) || kind == TW_FLOAT16) {
        helper = value == 2 ? "square" : NULL;
    }
    if (tw__kind_is_float(kind) && value == 0.5) {
        helper = "root";
    } else if (tw__kind_is_float(kind) && value == -1) {
        helper = "inverse";
    }
    if (helper == NULL || !tw__helper_need(e, helper, computed(kind))) {
        return 0;
    }
    tw__emit_text(e, "tw_%s_%s(", helper, tw__emit_suffix(computed(kind)));
    tw__emit_value(e, in, node->child[0]);
    tw__emit_text(e, ")");
    return 1;
}

/* ---- conversions ---- */

/* The value of `child`, its real part if it is complex and `to` is not. */
static void emit_real(struct tw__emitter *e, const struct tw__scope *in, int child)
{
    const int is_complex = tw__kind_is_complex(tw__node_at(e->program, child)->dtype);
    tw__emit_value(e, in, child);
    tw__emit_text(e, is_complex ? ".re" : "");
}

static void emit_cast(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const int child = node->child[0];
    const tw_kind from = tw__node_at(e->program, child)->dtype, to = node->dtype, part = tw__kind_part(from);
    if (from == to) {
        tw__emit_value(e, in, child);
    } else if (to == TW_BOOL && tw__kind_is_complex(from)) {
        (void)tw__helper_need(e, "is_true", from);
        tw__emit_text(e, "tw_is_true_%s(", tw__emit_suffix(from));
        tw__emit_value(e, in, child);
        tw__emit_text(e, ")");
    } else if (to == TW_BOOL) {
        tw__emit_text(e, "(");
        tw__emit_value(e, in, child);
        tw__emit_text(e, " != 0)");
    } else if (tw__kind_is_complex(to) && tw__kind_is_complex(from)) {
        const char *name = to == TW_COMPLEX64 ? "to_c64" : "to_c128";
        (void)tw__helper_need(e, name, from);
        tw__emit_text(e, "tw_%s_%s(", name, tw__emit_suffix(from));
        tw__emit_value(e, in, child);
        tw__emit_text(e, ")");
    } else if (tw__kind_is_complex(to)) {
        tw__emit_text(e, "(%s){(%s)", tw__emit_type(to), tw__emit_type(tw__kind_part(to)));
        tw__emit_value(e, in, child);
        tw__emit_text(e, ", 0}");
    } else if (tw__kind_is_integer(to) && tw__kind_is_float(part)) {
        char name[16];
        snprintf(name, sizeof name, "to_%s", tw__emit_suffix(to));
        (void)tw__helper_need(e, name, computed(part));
        tw__emit_text(e, "tw_%s_%s(", name, tw__emit_suffix(computed(part)));
        emit_real(e, in, child);
        tw__emit_text(e, ")");
    } else if (to == TW_FLOAT16) {
        const int wide = part == TW_FLOAT64;
        (void)tw__helper_need(e, wide ? "of_f64" : "round", TW_FLOAT16);
        tw__emit_text(e, wide ? "tw_f16_of_f64(" : "tw_round_f16((float)");
        emit_real(e, in, child);
        tw__emit_text(e, ")");
    } else {
        tw__emit_text(e, "(%s)", tw__emit_type(to));
        emit_real(e, in, child);
    }
}

/* ---- operations ---- */

/* Results of float16 that may have more digits than it has. */
static int is_rounded(const struct tw__node *node)
{
    return node->dtype == TW_FLOAT16 && tw__operation_has(node->u.op.code, TW__TRAIT_ROUNDS);
}

/* GCC 12 makes -y of 0.0 - y where it sees y converted from an integer, or an absolute value: that is -0.0 for 0. A
 * function's argument it does not look into. */
static int may_lose_zero(const struct tw__emitter *e, const struct tw__node *node)
{
    const struct tw__node *first = tw__node_at(e->program, node->child[0]),
                          *second = tw__node_at(e->program, node->child[1]);
    const int is_zero = first->kind == TW__NODE_CONSTANT    ? first->u.constant.number.real == 0
                        : first->kind == TW__NODE_OPERATION ? first->u.op.code == TW__OP_SELECT
                                                            : first->kind == TW__NODE_CAST;
    return node->u.op.code == TW__OP_SUBTRACT && tw__kind_is_float(node->dtype) && is_zero &&
           second->kind != TW__NODE_READ;
}

static int has_sign(const struct tw__emitter *e, const struct tw__node *node)
{
    const struct tw__operation_row *row = tw__operation_row(node->u.op.code);
    const tw_kind kind = node->u.op.operation;
    if (row->sign == NULL || (row->arity == 2 && may_lose_zero(e, node))) {
        return 0;
    }
    return tw__kind_is_float(kind) || row->helper == NULL ||
           (row->rule == TW__RULE_COMPARE && !tw__kind_is_complex(kind));
}

/* "!x", "x.re", "x + y", "c ? x : y": by the sign that the operation has in C. */
static void emit_sign(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const struct tw__operation_row *row = tw__operation_row(node->u.op.code);
    if (row->arity == 2) {
        emit_infix(e, in, node->child[0], row->sign, node->child[1]);
        return;
    }
    if (row->arity == 3) {
        tw__emit_text(e, "(");
        tw__emit_value(e, in, node->child[0]);
        tw__emit_text(e, " ? ");
        tw__emit_value(e, in, node->child[1]);
        tw__emit_text(e, " : ");
        tw__emit_value(e, in, node->child[2]);
        tw__emit_text(e, ")");
        return;
    }
    if (row->sign[0] == '.') {
        tw__emit_value(e, in, node->child[0]);
        tw__emit_text(e, "%s", row->sign);
        return;
    }
    tw__emit_text(e, "(");
    if (tw__kind_is_integer(node->u.op.operation)) { /* C makes an int of shorter ones: back to the type */
        tw__emit_text(e, "(%s)", tw__emit_type(node->u.op.operation));
    }
    tw__emit_text(e, "%s", row->sign);
    tw__emit_value(e, in, node->child[0]);
    tw__emit_text(e, ")");
}

/* The function of <tilework/random.h>. */
static void emit_random(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    e->random = 1;
    tw__emit_text(e, "tw_random_%s%s(", tw__operation_name(node->u.op.code), node->dtype == TW_FLOAT32 ? "_f32" : "");
    tw__emit_value(e, in, node->child[1]);
    tw__emit_text(e, ", (uint32_t)");
    tw__emit_value(e, in, node->child[2]);
    tw__emit_text(e, ", (uint64_t)");
    tw__emit_value(e, in, node->child[0]);
    tw__emit_text(e, ")");
}

static void emit_operation(struct tw__emitter *e, const struct tw__scope *in, const struct tw__node *node)
{
    const enum tw__operation code = node->u.op.code;
    if (tw__operation_row(code)->rule == TW__RULE_RANDOM) {
        emit_random(e, in, node);
    } else if (tw__operation_is_comparison(code) &&
               tw__node_at(e->program, node->child[0])->dtype != tw__node_at(e->program, node->child[1])->dtype) {
        emit_mixed(e, in, node);
    } else if (code == TW__OP_POWER && emit_small_power(e, in, node)) {
        return;
    } else if (has_sign(e, node)) {
        emit_sign(e, in, node);
    } else if (!emit_function(e, in, node)) {
        emit_helper(e, in, node);
    }
}

void tw__emit_expression(struct tw__emitter *e, const struct tw__scope *in, int number)
{
    const struct tw__node *node = tw__node_at(e->program, number);
    int rounded = 0;
    switch (node->kind) {
    case TW__NODE_CONSTANT:
        tw__emit_constant(e, node->dtype, &node->u.constant);
        return;
    case TW__NODE_SCALAR:
        (void)tw__helper_need(e, "item", node->dtype);
        if (node->dtype == TW_FLOAT16) {
            (void)tw__helper_need(e, "value", TW_FLOAT16);
        }
        tw__emit_text(e, "%stw_item_%s((const char *)tile->context + %d)%s",
                      node->dtype == TW_FLOAT16 ? "tw_value_f16(" : "", tw__emit_suffix(node->dtype), node->u.offset,
                      node->dtype == TW_FLOAT16 ? ")" : "");
        return;
    case TW__NODE_INDEX:
        tw__emit_text(e, node->u.axis == in->loop->axis ? "(x%d + q)" : "x%d", node->u.axis);
        return;
    case TW__NODE_CAST:
        emit_cast(e, in, node);
        return;
    case TW__NODE_OPERATION:
        rounded = is_rounded(node);
        if (rounded) {
            (void)tw__helper_need(e, "round", TW_FLOAT16);
            tw__emit_text(e, "tw_round_f16(");
        }
        emit_operation(e, in, node);
        tw__emit_text(e, rounded ? ")" : "");
        return;
    case TW__NODE_READ:
    case TW__NODE_REDUCE:
    default:
        e->unknown = 1; /* these have names */
        return;
    }
}

/* ---- results ---- */

static int is_given(const struct tw__node *node)
{
    return node->kind != TW__NODE_OPERATION && node->kind != TW__NODE_CAST && node->kind != TW__NODE_REDUCE;
}

/* Not what is only moved: an element that is read keeps its bits. */
static int may_make_nan(const struct tw__emitter *e, const struct tw__node *node)
{
    if (is_given(node) || !(tw__kind_is_float(node->dtype) || tw__kind_is_complex(node->dtype))) {
        return 0;
    }
    return node->kind != TW__NODE_OPERATION || node->u.op.code != TW__OP_SELECT ||
           !is_given(&e->program->nodes[node->child[1]]) || !is_given(&e->program->nodes[node->child[2]]);
}

void tw__emit_result(struct tw__emitter *e, const struct tw__scope *in, int any)
{
    const struct tw__node *node = &e->program->nodes[any];
    const int halves = node->dtype == TW_FLOAT16, settled = may_make_nan(e, node);
    const tw_kind kind = halves ? TW_FLOAT32 : node->dtype;
    if (halves) {
        (void)tw__helper_need(e, "store", TW_FLOAT16);
        tw__emit_text(e, "tw_store_f16(");
    }
    if (settled) {
        (void)tw__helper_need(e, "settle", kind);
        tw__emit_text(e, "tw_settle_%s(", tw__emit_suffix(kind));
    }
    tw__emit_value(e, in, any);
    tw__emit_text(e, halves && settled ? "))" : halves || settled ? ")" : "");
}
