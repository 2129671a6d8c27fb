/* reduction.c - one reduction, settled: its shape, what is given to its functions, their loops. */
#include "notation/loop/reduction.h"

#include <stdlib.h>

#include "grid/fold.h"
#include "notation/value/kind.h"

struct tw__reduced tw__reduced_of(const struct tw__program *program, int number)
{
    const struct tw__node *node = &program->nodes[number];
    const tw_kind kind = program->nodes[node->child[0]].dtype;
    const enum tw__reduction code = node->u.reduce.code;
    return (struct tw__reduced){.node = number,
                                .code = code,
                                .type = kind == TW_FLOAT16 ? TW_FLOAT32 : kind, /* its values are floats */
                                .is_place = tw__reduction_row(code)->shape == TW__REDUCES_PLACE,
                                .is_tree = tw__reduction_row(code)->shape == TW__REDUCES_TREE};
}

int tw__reduced_adds_zero(const struct tw__reduced *r)
{
    return r->code == TW__REDUCE_SUM && !tw__kind_is_integer(r->type);
}

/* ---- what is given ---- */

static uint64_t reduced_axes(const struct tw__node *node)
{
    uint64_t axes = 0;
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        axes |= (uint64_t)1 << node->u.reduce.axis[k];
    }
    return axes;
}

/* Which parts of the body of a REDUCE are reductions, or are made of some: mean(k: x[k]) in the variance of x, which
 * changes along no axis and is not for each leaf to compute. */
static void find_dear(unsigned char *dear, const struct tw__program *program, int number)
{
    for (int n = 0; n < number; n++) {
        const struct tw__node *part = &program->nodes[n];
        dear[n] = part->scope == number && part->kind == TW__NODE_REDUCE;
        for (int k = 0; k < part->nchildren && part->scope == number && part->kind != TW__NODE_REDUCE; k++) {
            dear[n] |= dear[part->child[k]];
        }
    }
}

/* The largest parts of the body without a reduced axis. Those of which a parent is given too are left out: a node is
 * marked by its parents, which have larger numbers. Gives 0 if out of memory. */
static int find_given(struct tw__reduction_plan *r, const struct tw__sheet *sheet)
{
    const int number = r->of.node;
    const struct tw__node *node = tw__node_at(sheet->program, number);
    const uint64_t reduced = reduced_axes(node);
    unsigned char *mark = calloc(2 * ((size_t)number + 1), 1), *dear = mark + number + 1;
    r->given = calloc((size_t)number + 1, sizeof *r->given);
    if (mark == NULL || r->given == NULL) {
        free(mark);
        return 0;
    }
    find_dear(dear, sheet->program, number);
    mark[sheet->same[node->child[0]]] = 1;
    for (int n = number - 1; n >= 0; n--) {
        const struct tw__node *part = tw__node_at(sheet->program, n);
        if (part->scope != number || !mark[n]) {
            continue;
        }
        const int is_inner = part->kind == TW__NODE_CAST || part->kind == TW__NODE_OPERATION;
        if ((part->axes & reduced) == 0 && (part->axes != 0 || dear[n]) && part->kind != TW__NODE_INDEX) {
            r->given[r->ngiven++] = n;
            continue;
        }
        for (int k = 0; k < part->nchildren && is_inner; k++) {
            mark[sheet->same[part->child[k]]] = 1;
        }
    }
    free(mark);
    for (int k = 0; k < r->ngiven / 2; k++) { /* ascending */
        const int other = r->given[k];
        r->given[k] = r->given[r->ngiven - 1 - k];
        r->given[r->ngiven - 1 - k] = other;
    }
    return 1;
}

/* ---- its loops ---- */

static int is_direct(const struct tw__reduction_plan *r, const struct tw__sheet *sheet)
{
    const int root = r->body.roots[0];
    return r->of.is_tree && !r->is_row && tw__node_at(sheet->program, r->of.node)->u.reduce.naxes == 1 &&
           tw__loop_item(&r->body, root)->found == TW__FORM_ITEM && r->of.type != TW_BOOL &&
           tw__node_at(sheet->program, root)->dtype == r->of.type;
}

int tw__reduction_init(struct tw__reduction_plan *r, const struct tw__sheet *sheet, int number, int is_row, int along)
{
    const struct tw__node *node = tw__node_at(sheet->program, number);
    *r = (struct tw__reduction_plan){.of = tw__reduced_of(sheet->program, number), .is_row = is_row};
    if (!find_given(r, sheet)) {
        return 0;
    }
    const struct tw__loop_task head = {.scope = number,
                                       .axis = is_row ? along : -1,
                                       .target = -1,
                                       .to = TW__TO_CELLS,
                                       .nroots = r->ngiven,
                                       .roots = r->given,
                                       .length = TW__REDUCTION_WIDTH};
    const struct tw__loop_task body = {.scope = number,
                                       .axis = is_row ? along : node->u.reduce.axis[node->u.reduce.naxes - 1],
                                       .target = -1,
                                       .to = TW__TO_VALUE,
                                       .nroots = 1,
                                       .roots = &node->child[0],
                                       .ngiven = r->ngiven,
                                       .given = r->given,
                                       .length = is_row          ? TW__REDUCTION_WIDTH
                                                 : r->of.is_tree ? TW__FOLD_LEAF
                                                                 : TW__REDUCTION_RUN};
    if ((r->ngiven > 0 && !tw__loop_init(&r->head, sheet, &head)) || !tw__loop_init(&r->body, sheet, &body)) {
        return 0;
    }
    r->direct = is_direct(r, sheet);
    return 1;
}

void tw__reduction_fini(struct tw__reduction_plan *r)
{
    tw__loop_fini(&r->head);
    tw__loop_fini(&r->body);
    free(r->given);
    r->given = NULL;
}
