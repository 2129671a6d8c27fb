/* test_loop.c - plans of loops, from the text of a statement, without a compiler: strips, variables, what is hoisted,
 * rows and blocks, the stack. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "notation/loop/plan.h"
#include "notation/notation.h"

/* A statement, typed with one dtype for all inputs, and its plan. */
struct planned {
    tw_statement *statement;
    const struct tw__program *program;
    struct tw__plan plan;
    tw_status status;
    tw_error error;
};

static void plan_with(struct planned *p, const char *text, tw_kind kind, tw_edge edge)
{
    const tw_axis_edge edges[] = {{.axis = NULL, .edge = edge}};
    const tw_statement_options options = {.edges = edges, .nedges = 1};
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    *p = (struct planned){0};
    if (tw_statement_parse(&p->statement, text, &options, &p->error) != TW_OK) {
        fail_msg("%s", p->error.message);
    }
    const tw_signature *signature = tw_statement_signature(p->statement);
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        if (tw_signature_role(signature, k) != TW_OUT) {
            dtypes[k] = tw_dtype_of(kind);
        }
    }
    if (tw_statement_types(p->statement, dtypes, &p->error) != TW_OK) {
        fail_msg("%s", p->error.message);
    }
    p->program = &p->statement->typed.program;
    p->status = tw__plan_init(&p->plan, p->program, &p->error);
}

static void plan_of(struct planned *p, const char *text)
{
    plan_with(p, text, TW_FLOAT64, TW_EDGE_ERROR);
    assert_int_equal(p->status, TW_OK);
}

static void forget(struct planned *p)
{
    if (p->status == TW_OK) {
        tw__plan_fini(&p->plan);
    }
    tw_statement_destroy(p->statement);
}

static const struct tw__variant *first_variant(const struct planned *p)
{
    return &p->plan.statements[0].variant[0];
}

static const char *axis_name(const struct planned *p, int axis)
{
    return axis < 0 ? "" : p->program->axes[axis].name;
}

static const char *operand_name(const struct planned *p, int read)
{
    return p->program->operands[p->program->nodes[read].u.read.operand].name;
}

/* "a0 b1": the scalars of a loop that are READs, each with its level; "+1" stands for a REDUCE. */
static void write_scalars(char text[64], const struct planned *p, const struct tw__loop *loop)
{
    size_t length = 0;
    text[0] = '\0';
    for (int k = 0; k < loop->nscalars; k++) {
        const struct tw__node *node = &p->program->nodes[loop->scalars[k].node];
        if (node->kind == TW__NODE_READ || node->kind == TW__NODE_REDUCE) {
            length += (size_t)snprintf(text + length, 64 - length, "%s%s%d", length > 0 ? " " : "",
                                       node->kind == TW__NODE_REDUCE ? "+" : operand_name(p, loop->scalars[k].node),
                                       loop->scalars[k].level);
        }
    }
}

/* ---- along which axes ---- */

static void strips_go_along_the_axes_that_may_suit_a_tile(void **state)
{
    (void)state;
    static const struct {
        const char *text, *axes;
    } cases[] = {
        {"r[] = 2", ""},
        {"r[i] = x[i]", "i"},
        {"r[i,j] = y[i] * x[j]", "ji"},
        {"r[i,j,k] = a[k,j,i]", "kji"},
        {"r[h,i,j,k] = a[k,j,i,h]", "kjh"},
        {"r[i,j] = sin(a[j,i])", "j"}, /* long to compile */
        {"r[i,j] = sqrt(a[j,i])", "ji"},
        {"r[i,j,k] = sin(a[k,j,i])", "kji"},
        {"r[i,j] = a[i,j] - sum(k: a[i,k])", "j"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        char axes[8] = "";
        plan_of(&p, cases[k].text);
        for (int v = 0; v < p.plan.statements[0].nvariants; v++) {
            strcat(axes, axis_name(&p, p.plan.statements[0].variant[v].loop.axis));
        }
        assert_string_equal(axes, cases[k].axes);
        assert_int_equal(first_variant(&p)->shape, axes[0] == '\0' ? TW__SHAPE_ELEMENT : TW__SHAPE_ROWS);
        forget(&p);
    }
}

/* ---- scalars and variables ---- */

static void scalars_stand_as_far_outside_as_they_can(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scalars;
    } cases[] = {
        {"r[i,j,k] = a[i] * b[j] * c[k] * d[]", "d0 a1 b2"},
        {"r[i,j,k] = b[j] * a[i] * c[k]", "a1 b2"},
        {"r[i,j] = a[i,j] - sum(k: a[i,k])", "+1"},
        {"r[i,j] = a[i,j] / sum(k,l: a[k,l])", "+0"},
        {"r[i] = a[i] + b[i]", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        char scalars[64];
        plan_of(&p, cases[k].text);
        write_scalars(scalars, &p, &first_variant(&p)->loop);
        assert_string_equal(scalars, cases[k].scalars);
        forget(&p);
    }
}

static void values_with_several_uses_and_arms_of_choices_are_variables(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int variables;
    } cases[] = {
        {"r[i] = x[i] * x[i]", 0}, /* an item is as short as a variable */
        {"r[i] = (x[i] + 1) * (x[i] + 1)", 1},
        {"r[i] = where(x[i] > 0, x[i], 2 * y[i])", 2},
        {"r[i] = where(x[i] > 0, 1, 0)", 0},
        {"r[i] = x[i] + 1 + 2 * (x[i] + 1) * y[i] * y[i]", 1},
        {"r[i] = -(-(-(-(-(-(-(-(-(-(-(-x[i])))))))))))", 1}, /* 12 deep */
        {"r[i] = -(-(-(-(-(-(-(-(-(-(-x[i]))))))))))", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        const struct tw__loop *loop = &first_variant(&p)->loop;
        assert_int_equal(loop->nvariables, cases[k].variables);
        for (int v = 0; v < loop->nvariables; v++) {
            assert_int_equal(tw__loop_item(loop, loop->variables[v])->form, TW__FORM_NAME);
            assert_true(v == 0 || loop->variables[v - 1] < loop->variables[v]);
        }
        forget(&p);
    }
}

static void an_element_of_the_target_is_read_where_it_is_written(void **state)
{
    (void)state;
    struct planned p;
    plan_of(&p, "r[i] = r[i] * 2 + r[i]");
    const struct tw__variant *v = first_variant(&p);
    assert_int_equal(v->loop.nreads, 1); /* once, though the text has it twice */
    assert_int_equal(tw__loop_item(&v->loop, v->loop.reads[0])->found, TW__FORM_OWN);
    assert_int_equal(tw__loop_item(&v->loop, v->loop.reads[0])->room, TW__ROOM_NONE);
    assert_true(v->has_own);
    forget(&p);
    plan_of(&p, "r[i] = sin(r[i])"); /* the fast loop has written it when the full one reads it */
    v = first_variant(&p);
    assert_int_equal(v->loop.fast, 8);
    assert_int_equal(tw__loop_item(&v->loop, v->loop.reads[0])->found, TW__FORM_ITEM);
    assert_int_equal(tw__loop_item(&v->loop, v->loop.reads[0])->room, TW__ROOM_ITEMS);
    assert_true(tw__loop_item(&v->loop, v->loop.reads[0])->is_copied);
    assert_false(v->has_own);
    forget(&p);
}

static void fast_versions_are_those_of_what_the_loop_computes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int fast;
    } cases[] = {
        {"r[i] = sin(x[i])", 8},
        {"r[i] = sin(float32(x[i]))", 4},
        {"r[i] = sin(x[i]) + cos(float32(x[i]))", 12},
        {"r[i] = exp(x[i])", 0},
        {"r[i] = x[i] * sin(c[])", 0}, /* computed once */
        {"r[i] = sin(complex128(x[i]))", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        assert_int_equal(first_variant(&p)->loop.fast, cases[k].fast);
        forget(&p);
    }
}

/* ---- panels and limits ---- */

static void columns_go_in_panels_where_items_may_lie_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tw__panels panels;
    } cases[] = {
        {"r[i,j] = a[j,i]", TW__PANELS_FAR},
        {"r[i] = a[i]", TW__PANELS_NONE},
        {"r[i,j] = i + j", TW__PANELS_NONE},                   /* reads nothing */
        {"r[i,j] = a[i,j] - sum(k: a[i,k])", TW__PANELS_NONE}, /* would be computed again for each panel */
        {"r[i,j] = a[i,j] - sum(k: a[k,j])", TW__PANELS_HOISTED},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        const struct tw__variant *v = first_variant(&p);
        assert_int_equal(v->panels, cases[k].panels);
        assert_int_equal(v->panel, v->panels == TW__PANELS_NONE      ? 0
                                   : v->panels == TW__PANELS_HOISTED ? v->loop.length
                                                                     : 256);
        forget(&p);
    }
}

static void strips_are_cut_at_the_edges_of_what_is_shifted_along_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int limits;
    } cases[] = {
        {"r[i] = u[i-1]", 1}, {"r[i] = u[2*i]", 0}, {"r[i] = u[9-i]", 0}, {"r[i] = u[i]", 0}, {"r[i,j] = u[i-1,j]", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_with(&p, cases[k].text, TW_FLOAT64, TW_EDGE_CLAMP);
        assert_int_equal(p.status, TW_OK);
        assert_int_equal(first_variant(&p)->has_limits, cases[k].limits);
        forget(&p);
    }
}

/* ---- reductions ---- */

static void reductions_are_called_where_they_change(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tw__how how;
        int level, row;
        enum tw__room room;
    } cases[] = {
        {"r[i,j] = a[i,j] - sum(k: a[k,j])", TW__CALL_HOISTED, 0, 1, TW__ROOM_ALL},
        {"r[h,i,j] = a[h,i,j] - sum(k: a[h,k,j])", TW__CALL_HOISTED, 1, 1, TW__ROOM_ALL},
        {"r[i,j] = a[i,j] - sum(k: a[j,k])", TW__CALL_HOISTED, 0, 0, TW__ROOM_ALL},
        {"r[i] = sum(k: a[k,i])", TW__CALL_STRIP, 0, 1, TW__ROOM_CELLS},
        {"r[i] = sum(k: a[i,k])", TW__CALL_STRIP, 0, 0, TW__ROOM_CELLS},
        {"r[i,j] = any(k: a[i,k] > b[k,j])", TW__CALL_STRIP, 0, 1, TW__ROOM_CELLS},
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", TW__CALL_PRODUCT, 1, 1, TW__ROOM_NONE},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        const struct tw__loop *loop = &first_variant(&p)->loop;
        assert_int_equal(loop->ncalls, 1);
        assert_int_equal(loop->calls[0].how, cases[k].how);
        assert_int_equal(loop->calls[0].level, cases[k].level);
        assert_int_equal(loop->calls[0].is_row, cases[k].row);
        assert_int_equal(tw__loop_item(loop, loop->calls[0].node)->room, cases[k].room);
        assert_int_equal(tw__loop_item(loop, loop->calls[0].node)->found, TW__FORM_CELL);
        assert_int_equal(p.plan.nfunctions, 1);
        forget(&p);
    }
}

/* exp(y[i]) is the same for all k. */
static void what_does_not_change_while_it_reduces_is_given(void **state)
{
    (void)state;
    struct planned p;
    plan_of(&p, "r[i,j] = b[j] * sum(k: exp(y[i]) * x[k])");
    const struct tw__reduction_plan *r = &p.plan.functions[0].u.reduction;
    assert_int_equal(r->ngiven, 1);
    const struct tw__node *given = &p.program->nodes[r->given[0]];
    assert_int_equal(given->kind, TW__NODE_OPERATION);
    assert_int_equal(given->u.op.code, TW__OP_EXP);
    assert_int_equal(r->head.nroots, 1);
    assert_int_equal(tw__loop_item(&r->body, r->given[0])->form, TW__FORM_NAME);
    assert_int_equal(r->body.nreads, 1); /* x alone */
    assert_string_equal(axis_name(&p, r->body.axis), "k");
    assert_int_equal(r->body.length, 128);
    forget(&p);
    plan_of(&p, "r[i,j] = any(k: exp(y[j]) > a[k,j])"); /* a row: one for each element of the caller's strip */
    r = &p.plan.functions[0].u.reduction;
    assert_int_equal(tw__loop_item(&r->body, r->given[0])->form, TW__FORM_CELL);
    assert_string_equal(axis_name(&p, r->body.axis), "j");
    forget(&p);
}

static void items_side_by_side_are_summed_where_they_lie(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int direct;
    } cases[] = {
        {"r[] = sum(k: x[k])", 1},     {"r[] = max(k: x[k])", 1},    {"r[] = sum(k: x[k] * 2)", 0},
        {"r[] = sum(k,l: a[k,l])", 1}, {"r[] = argmax(k: x[k])", 1}, {"r[] = sum(k: float32(x[k]))", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        assert_int_equal(p.plan.functions[0].u.reduction.direct, cases[k].direct);
        forget(&p);
    }
}

/* Plain arithmetic on floats becomes vectors as it is added; all else goes through an array first. */
static void plain_elements_are_summed_as_they_are_computed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int is_plain;
    } cases[] = {
        {"r[] = sum(k,l: a[k,l] * b[k,l])", 1}, {"r[] = prod(k: -x[k] + 1)", 1}, {"r[] = sum(k: x[k])", 0},
        {"r[] = sum(k: float32(x[k]))", 0},     {"r[] = sum(k: exp(x[k]))", 0},  {"r[] = sum(k: x[k] * k)", 0}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        assert_int_equal(p.plan.functions[0].u.reduction.is_plain, cases[k].is_plain);
        forget(&p);
    }
}

/* Where the strides allow it, the elements of several reduced axes are those of one. */
static void reduced_axes_may_be_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int is_flat;
    } cases[] = {
        {"r[] = sum(k: x[k])", 0},
        {"r[] = sum(k,l: a[k,l])", 1},
        {"r[] = sum(k,l: a[l,k] * b[l,k])", 1},
        {"r[i] = max(k,l: a[i,k,l] * b[i])", 1},
        {"r[] = sum(k,l: a[k,l] * k)", 0},                 /* k itself */
        {"r[] = sum(k,l: a[k,l] * x[k])", 0},              /* x stays while l moves */
        {"r[] = sum(k,l: a[k,l] - max(m: b[k,l,m]))", 0},  /* computed for each k, l */
        {"r[i] = sum(k,l: a[i,k,l] - max(m: b[i,m]))", 1}, /* once */
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        const struct tw__reduction_plan *r = &p.plan.functions[p.plan.nfunctions - 1].u.reduction;
        assert_int_equal(r->is_flat, cases[k].is_flat);
        forget(&p);
    }
    struct planned p;
    plan_with(&p, "r[] = sum(k,l: a[k,l])", TW_FLOAT64, TW_EDGE_WRAP);
    assert_int_equal(p.plan.functions[0].u.reduction.is_flat, 1); /* a is as long as its axes: nothing is outside */
    forget(&p);
    plan_with(&p, "r[] = sum(k,l: a[k,l+1])", TW_FLOAT64, TW_EDGE_WRAP);
    assert_int_equal(p.plan.functions[0].u.reduction.is_flat, 0);
    forget(&p);
}

/* What is read once, such as y[i], has no say in whether strips go along i. */
static void rows_are_for_what_is_read_along_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int is_row;
    } cases[] = {
        {"r[i] = sum(k: a[i,k])", 0},        {"r[i] = sum(k: a[k,i])", 1},          {"r[i] = sum(k: a[i,k] * y[i])", 0},
        {"r[i] = sum(k: a[k,i] * x[k])", 1}, {"r[i] = sum(k: a[i,k] + b[k,i])", 1}, {"r[i] = sum(k: y[i] * x[k])", 1},
        {"r[i] = sum(k: x[k])", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_of(&p, cases[k].text);
        assert_int_equal(p.plan.functions[0].u.reduction.is_row, cases[k].is_row);
        forget(&p);
    }
}

/* Sums of small integers are made of these; rows are as wide as 64 KiB of the sums; computed bytes go in chunks. */
static void elements_and_widths_follow_the_dtypes(void **state)
{
    (void)state;
    static const struct {
        tw_kind kind, element;
        int width, length;
    } cases[] = {
        {TW_FLOAT64, TW_FLOAT64, 8192, 64},       {TW_FLOAT32, TW_FLOAT32, 8192, 128},
        {TW_FLOAT16, TW_FLOAT32, 8192, 128},      {TW_UINT8, TW_UINT8, 8192, 8192},
        {TW_INT16, TW_INT16, 8192, 256},          {TW_INT32, TW_INT32, 8192, 128},
        {TW_UINT64, TW_UINT64, 8192, 64},         {TW_BOOL, TW_BOOL, 8192, 8192},
        {TW_COMPLEX128, TW_COMPLEX128, 4096, 32}, {TW_FLOAT64, TW_BOOL, 8192, 512},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        const char *text = cases[k].length == 512 ? "s[j] = any(i: exp(a[i,j]) > 2)" : "s[j] = sum(i: a[i,j])";
        plan_with(&p, text, cases[k].kind, TW_EDGE_ERROR);
        const struct tw__reduction_plan *r = &p.plan.functions[0].u.reduction;
        assert_int_equal(r->is_row, 1);
        assert_int_equal(r->element, cases[k].element);
        assert_int_equal(r->width, cases[k].width);
        assert_int_equal(r->body.length, cases[k].length);
        forget(&p);
    }
}

/* Of 1 + 3 functions: the inner sums first, the statement's own last. */
static void functions_stand_behind_those_that_they_call(void **state)
{
    (void)state;
    struct planned p;
    plan_of(&p, "r[i] = sum(k: a[i,k] * sum(l: b[k,l])) + max(k: a[i,k]); s[i] = sum(k: a[i,k])");
    assert_int_equal(p.plan.nfunctions, 4);
    assert_int_equal(p.plan.statements[0].nfunctions, 3);
    assert_int_equal(p.plan.statements[1].nfunctions, 4);
    for (int outer = 0; outer < p.plan.nfunctions; outer++) {
        for (int inner = 0; inner < p.plan.nfunctions; inner++) {
            const int node = p.plan.functions[inner].u.reduction.of.node;
            assert_true(p.program->nodes[node].scope != p.plan.functions[outer].u.reduction.of.node || inner < outer);
        }
    }
    assert_int_equal(p.program->nodes[p.plan.functions[0].u.reduction.of.node].scope,
                     p.plan.functions[1].u.reduction.of.node);
    forget(&p);
}

/* ---- products ---- */

static void products_of_rows_and_columns_go_in_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tw_kind kind;
        int width; /* 0: no blocks */
    } cases[] = {
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", TW_FLOAT64, 32},
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", TW_FLOAT32, 64},
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", TW_INT16, 32}, /* in int64 */
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", TW_COMPLEX128, 0},
        {"r[i,j] = min(k: a[i,k] + b[k,j])", TW_FLOAT64, 32},
        {"r[i,j] = argmin(k: a[i,k] + b[k,j])", TW_FLOAT64, 0},
        {"r[i,j] = sum(k: sin(a[i,k]) * b[k,j])", TW_FLOAT64, 32},
        {"r[i,j] = sum(k: sin(a[i,k] * b[k,j]))", TW_FLOAT64, 0},
        {"r[i,j] = sum(k: a[i,k] * b[k,j] * c[i,j,k])", TW_FLOAT64, 0},
        {"r[i,j] = sum(k: a[i,k] * sum(l: b[l,k]) * c[k,j])", TW_FLOAT64, 0},
        {"r[i,j] = sum(k: b[k,j])", TW_FLOAT64, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct planned p;
        plan_with(&p, cases[k].text, cases[k].kind, TW_EDGE_ERROR);
        assert_int_equal(p.status, TW_OK);
        const struct tw__variant *v = first_variant(&p);
        assert_int_equal(v->shape, cases[k].width > 0 ? TW__SHAPE_BLOCKS : TW__SHAPE_ROWS);
        if (cases[k].width > 0) {
            assert_int_equal(v->loop.length, cases[k].width);
            assert_string_equal(axis_name(&p, v->row_axis), "i");
        }
        forget(&p);
    }
}

/* (a[i,k] - y[i]) and (b[k,j] + x[j]) are computed apart; their product is the core. */
static void parts_of_a_product_are_as_large_as_they_can_be(void **state)
{
    (void)state;
    struct planned p;
    plan_of(&p, "r[i,j] = sum(k: (a[i,k] - y[i]) * (b[k,j] + x[j]) * 2)");
    assert_true(p.plan.functions[0].is_product);
    const struct tw__product_plan *product = &p.plan.functions[0].u.product;
    assert_int_equal(product->nparts[TW__OF_ROW], 1);
    assert_int_equal(product->nparts[TW__OF_COLUMN], 1);
    assert_int_equal(p.program->nodes[product->parts[TW__OF_ROW][0]].u.op.code, TW__OP_SUBTRACT);
    assert_int_equal(p.program->nodes[product->parts[TW__OF_COLUMN][0]].u.op.code, TW__OP_ADD);
    assert_int_equal(tw__loop_item(&product->core, product->parts[TW__OF_ROW][0])->form, TW__FORM_NAME);
    assert_int_equal(tw__loop_item(&product->core, product->parts[TW__OF_COLUMN][0])->form, TW__FORM_CELL);
    assert_int_equal(product->core.nreads, 0);
    assert_int_equal(product->columns.nreads, 2);
    assert_int_equal(product->rows.nreads, 1);
    assert_int_equal(product->rows.nscalars, 1);
    assert_string_equal(axis_name(&p, product->columns.axis), "j");
    assert_string_equal(axis_name(&p, product->rows.axis), "k");
    forget(&p);
}

/* What varies neither along the rows nor along the columns is hoisted out of both. */
static void beside_a_product_the_rest_is_hoisted_out_of_the_rows(void **state)
{
    (void)state;
    struct planned p;
    char scalars[64];
    plan_of(&p, "r[h,i,j] = sum(k: a[h,i,k] * b[k,j]) * sum(k: b[k,j]) * y[i] * z[h]");
    const struct tw__variant *v = first_variant(&p);
    write_scalars(scalars, &p, &v->loop);
    assert_string_equal(scalars, "z1 y3");
    assert_int_equal(v->loop.ncalls, 2);
    assert_int_equal(v->loop.calls[0].how, TW__CALL_PRODUCT);
    assert_int_equal(v->loop.calls[0].level, 2);
    assert_int_equal(v->loop.calls[1].how, TW__CALL_HOISTED);
    assert_int_equal(v->loop.calls[1].level, 2); /* the block of columns */
    forget(&p);
}

/* ---- stack ---- */

/* One input and the target, 8 and 16 bytes an element, in 64 KiB at most. */
static void strips_are_as_long_as_their_rooms_allow(void **state)
{
    (void)state;
    struct planned p;
    plan_of(&p, "r[i] = 2");
    assert_int_equal(first_variant(&p)->loop.length, 4096);
    assert_int_equal(first_variant(&p)->stack, 4096 * 16);
    forget(&p);
    plan_of(&p, "r[i] = x[i]");
    assert_int_equal(first_variant(&p)->loop.length, 2048);
    assert_int_equal(first_variant(&p)->stack, 2048 * 24);
    forget(&p);
    plan_of(&p, "r[i] = a[i] + b[i] + c[i] + d[i] + f[i] + g[i]");
    assert_int_equal(first_variant(&p)->loop.length, 1024);
    assert_int_equal(first_variant(&p)->stack, 1024 * 64);
    forget(&p);
}

/* Of one sum: block 128 x 32 and columns 128 x 32 of float64, rows 4 x 128; 24 bytes for each of 32 columns and 128 k,
 * 16 for each of 2 x 32 columns in the core. */
static void the_stack_of_all_functions_counts_and_too_much_is_refused(void **state)
{
    (void)state;
    const int64_t sum = 2 * 128 * 32 * 8 + 4 * 128 * 8 + (32 + 128) * 24 + 2 * 32 * 16;
    for (int terms = 20; terms <= 60; terms += 40) {
        char text[4096] = "r[i,j] = 0";
        struct planned p;
        for (int t = 0; t < terms; t++) {
            const size_t length = strlen(text);
            snprintf(text + length, sizeof text - length, " + sum(k: a[i,k+%d] * b[k,j])", t);
        }
        plan_with(&p, text, TW_FLOAT64, TW_EDGE_CLAMP);
        if (terms == 20) {
            assert_int_equal(p.status, TW_OK);
            assert_int_equal(first_variant(&p)->stack, 32 * (16 + 20 * 8) + 20 * sum);
        } else {
            assert_int_equal(p.status, TW_ERROR_ARGUMENT);
            assert_non_null(strstr(p.error.message, "reads too many different elements at once"));
        }
        forget(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_go_along_the_axes_that_may_suit_a_tile),
        cmocka_unit_test(scalars_stand_as_far_outside_as_they_can),
        cmocka_unit_test(values_with_several_uses_and_arms_of_choices_are_variables),
        cmocka_unit_test(an_element_of_the_target_is_read_where_it_is_written),
        cmocka_unit_test(fast_versions_are_those_of_what_the_loop_computes),
        cmocka_unit_test(columns_go_in_panels_where_items_may_lie_apart),
        cmocka_unit_test(strips_are_cut_at_the_edges_of_what_is_shifted_along_them),
        cmocka_unit_test(reductions_are_called_where_they_change),
        cmocka_unit_test(what_does_not_change_while_it_reduces_is_given),
        cmocka_unit_test(items_side_by_side_are_summed_where_they_lie),
        cmocka_unit_test(plain_elements_are_summed_as_they_are_computed),
        cmocka_unit_test(reduced_axes_may_be_one),
        cmocka_unit_test(rows_are_for_what_is_read_along_them),
        cmocka_unit_test(elements_and_widths_follow_the_dtypes),
        cmocka_unit_test(functions_stand_behind_those_that_they_call),
        cmocka_unit_test(products_of_rows_and_columns_go_in_blocks),
        cmocka_unit_test(parts_of_a_product_are_as_large_as_they_can_be),
        cmocka_unit_test(beside_a_product_the_rest_is_hoisted_out_of_the_rows),
        cmocka_unit_test(strips_are_as_long_as_their_rooms_allow),
        cmocka_unit_test(the_stack_of_all_functions_counts_and_too_much_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
