/* reduction.c - what is to be known of one reduction before its functions are printed. */
#include "notation/loop/reduction.h"

#include <math.h>
#include <stdlib.h>

#include "grid/fold.h"
#include "notation/print/address.h"

static const struct tw__node *node_at(const struct tw__emitter *e, int node)
{
    return &e->program->nodes[node];
}

uint64_t tw__reduction_outside(const struct tw__emitter *e, int node)
{
    return node_at(e, node)->axes;
}

static uint64_t reduced_axes(const struct tw__node *node)
{
    uint64_t axes = 0;
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        axes |= (uint64_t)1 << node->u.reduce.axis[k];
    }
    return axes;
}

/* The largest parts of the body without a reduced axis. Those of which a parent is given too are left out: a node is
 * marked by its parents, which have larger numbers. */
static void find_given(struct tw__reduction_plan *r, struct tw__emitter *e)
{
    const struct tw__node *node = node_at(e, r->node);
    const uint64_t reduced = reduced_axes(node);
    unsigned char *mark = calloc((size_t)r->node + 1, 1);
    r->given = calloc((size_t)r->node + 1, sizeof *r->given);
    if (mark == NULL || r->given == NULL) {
        e->failed = 1;
        free(mark);
        return;
    }
    mark[e->same[node->child[0]]] = 1;
    for (int n = r->node - 1; n >= 0; n--) {
        const struct tw__node *part = node_at(e, n);
        if (part->scope != r->node || !mark[n]) {
            continue;
        }
        const int is_inner = part->kind == TW__NODE_CAST || part->kind == TW__NODE_OPERATION;
        if ((part->axes & reduced) == 0 && part->axes != 0 && part->kind != TW__NODE_INDEX) {
            r->given[r->ngiven++] = n;
            continue;
        }
        for (int k = 0; k < part->nchildren && is_inner; k++) {
            mark[e->same[part->child[k]]] = 1;
        }
    }
    free(mark);
    for (int k = 0; k < r->ngiven / 2; k++) { /* ascending */
        const int other = r->given[k];
        r->given[k] = r->given[r->ngiven - 1 - k];
        r->given[r->ngiven - 1 - k] = other;
    }
}

void tw__reduction_init(struct tw__reduction_plan *r, struct tw__emitter *e, int number, int row)
{
    static const char *const combine[] = {"add", "multiply", "minimum", "maximum", "", "", "lower", "higher"};
    const struct tw__node *node = node_at(e, number);
    *r = (struct tw__reduction_plan){.node = number, .row = row, .code = node->u.reduce.code};
    r->type = node_at(e, node->child[0])->dtype;
    if (r->type == TW_FLOAT16) {
        r->type = TW_FLOAT32; /* its values are floats */
    }
    r->is_place = r->code == TW__REDUCE_ARGMIN || r->code == TW__REDUCE_ARGMAX;
    r->is_tree = r->code <= TW__REDUCE_MAX;
    r->combine = combine[r->code];
    find_given(r, e);
}

void tw__reduction_fini(struct tw__reduction_plan *r)
{
    free(r->given);
    r->given = NULL;
}

int tw__reduction_cells(const struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    for (int k = 0; k < r->ngiven; k++) {
        if (e->form[r->given[k]] == TW__FORM_CELL) {
            return 1;
        }
    }
    return 0;
}

static int64_t largest(tw_kind kind)
{
    const int bits = tw__emit_size(kind) * 8;
    return kind == TW_BOOL             ? 1
           : kind == TW_UINT64         ? -1
           : !tw__kind_is_signed(kind) ? (int64_t)(UINT64_MAX >> (64 - bits))
                                       : (int64_t)(UINT64_MAX >> (65 - bits));
}

void tw__emit_identity(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    union tw__value value = {0};
    if (tw__kind_is_integer(r->type) || r->type == TW_BOOL) {
        const int64_t most = largest(r->type);
        value.integer = r->code == TW__REDUCE_SUM     ? 0
                        : r->code == TW__REDUCE_PROD  ? 1
                        : r->code == TW__REDUCE_MIN   ? most
                        : tw__kind_is_signed(r->type) ? -most - 1
                                                      : 0;
    } else {
        const double infinity = r->code == TW__REDUCE_MIN ? INFINITY : -INFINITY;
        value.number.real = r->code == TW__REDUCE_SUM ? -0.0 : r->code == TW__REDUCE_PROD ? 1.0 : infinity;
        value.number.imag = r->code == TW__REDUCE_SUM ? -0.0 : r->code == TW__REDUCE_PROD ? 0.0 : infinity;
    }
    tw__emit_constant(e, r->type, &value);
}

void tw__reduction_half(struct tw__emitter *e)
{
    tw__emit_line(e, "const int64_t half = count / 2 - count / 2 %% %d;", TW__FOLD_LANES);
}

/* ---- the loop over the elements ---- */

void tw__reduction_lengths(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        tw__emit_begin(e);
        tw__emit_text(e, "const int64_t n%d = ", node->u.reduce.axis[k]);
        tw__emit_length(e, node->u.reduce.axis[k]);
        tw__emit_text(e, ";");
        tw__emit_end(e);
    }
}

/* x<axis> of the reduced axes for element `first` in their C order. */
void tw__reduction_position(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    const int naxes = node->u.reduce.naxes;
    if (naxes == 1) {
        tw__emit_line(e, "int64_t x%d = first;", node->u.reduce.axis[0]);
        return;
    }
    tw__emit_line(e, "int64_t rest = first;");
    for (int k = naxes - 1; k > 0; k--) {
        const int a = node->u.reduce.axis[k];
        tw__emit_line(e, "const int64_t d%d = n%d > 0 ? n%d : 1; /* of no elements too */", a, a, a);
        tw__emit_line(e, "int64_t x%d = rest %% d%d;", a, a);
        tw__emit_line(e, "rest /= d%d;", a);
    }
    tw__emit_line(e, "int64_t x%d = rest;", node->u.reduce.axis[0]);
}

/* x<axis> moved on by `step` along the last one. */
void tw__reduction_advance(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *step)
{
    const struct tw__node *node = node_at(e, r->node);
    const int naxes = node->u.reduce.naxes;
    tw__emit_line(e, "x%d += %s;", node->u.reduce.axis[naxes - 1], step);
    for (int k = naxes - 1; k > 0; k--) {
        const int a = node->u.reduce.axis[k];
        tw__emit_open(e, "if (x%d == n%d)", a, a);
        tw__emit_line(e, "x%d = 0;", a);
        tw__emit_line(e, "x%d++;", node->u.reduce.axis[k - 1]);
    }
    for (int k = naxes - 1; k > 0; k--) {
        tw__emit_close(e);
    }
}

void tw__reduction_count(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        tw__emit_text(e, "%sn%d", k > 0 ? " * " : "", node->u.reduce.axis[k]);
    }
}
