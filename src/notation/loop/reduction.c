/* reduction.c - one reduction, settled: its shape, what is given to its functions, their loops. */
#include "notation/loop/reduction.h"

#include <stdlib.h>

#include "grid/fold.h"
#include "notation/loop/movement.h"
#include "notation/value/kind.h"

struct tw__reduced tw__reduced_of(const struct tw__program *program, int number)
{
    const struct tw__node *node = &program->nodes[number];
    const tw_kind kind = program->nodes[node->child[0]].dtype;
    const enum tw__reduction code = node->u.reduce.code;
    const enum tw__shape_of_reduction shape = tw__reduction_row(code)->shape;
    const int adds = code == TW__REDUCE_SUM || code == TW__REDUCE_PROD;
    return (struct tw__reduced){.node = number,
                                .code = code,
                                .type = kind == TW_FLOAT16 ? TW_FLOAT32 : kind, /* its values are floats */
                                .is_place = shape == TW__REDUCES_PLACE,
                                .is_value = shape == TW__REDUCES_TREE,
                                .is_tree = adds && tw__kind_is_inexact(kind)};
}

int tw__reduction_width(const struct tw__program *program, int node)
{
    const int64_t size = tw_dtype_of(tw__reduced_of(program, node).type).itemsize;
    const int64_t columns = TW__REDUCTION_WIDTH_BYTES / size;
    return columns < TW__REDUCTION_WIDTH ? (int)columns : TW__REDUCTION_WIDTH;
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
    unsigned char *mark = calloc(2 * ((size_t)number + 1), 1);
    r->given = calloc((size_t)number + 1, sizeof *r->given);
    if (mark == NULL || r->given == NULL) {
        free(mark);
        return 0;
    }
    unsigned char *dear = mark + number + 1;
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
    const tw_kind kind = tw__node_at(sheet->program, root)->dtype;
    return !r->is_row && tw__loop_item(&r->body, root)->found == TW__FORM_ITEM && kind != TW_BOOL && kind != TW_FLOAT16;
}

/* Whether the compiler makes vectors of eight elements of the body that are added at once: plain arithmetic on floats
 * of the sum's own type. */
static int is_plain(const struct tw__reduction_plan *r, const struct tw__sheet *sheet)
{
    int good = r->of.is_tree && !r->is_row && !r->direct && (r->of.type == TW_FLOAT32 || r->of.type == TW_FLOAT64) &&
               r->body.fast == 0 && r->body.ncalls == 0;
    for (int n = r->body.first; good && n < r->body.first + r->body.count; n++) {
        const struct tw__node *part = tw__node_at(sheet->program, n);
        const int is_float = part->dtype == r->of.type;
        if (part->scope != r->of.node || sheet->same[n] != n || !tw__loop_varies(&r->body, n)) {
            continue;
        }
        if (part->kind == TW__NODE_OPERATION) {
            const enum tw__operation code = part->u.op.code;
            good = is_float && (code == TW__OP_ADD || code == TW__OP_SUBTRACT || code == TW__OP_MULTIPLY ||
                                code == TW__OP_NEGATIVE);
        } else {
            good = is_float && part->kind == TW__NODE_READ && tw__loop_item(&r->body, n)->found == TW__FORM_ITEM;
        }
    }
    return good;
}

/* Whether the body's elements are where all READs together move by one number of bytes, if strides allow it: nothing
 * else of the body may change along the reduced axes. */
static int may_be_flat(const struct tw__reduction_plan *r, const struct tw__sheet *sheet)
{
    const struct tw__program *program = sheet->program;
    const struct tw__node *node = tw__node_at(program, r->of.node);
    const uint64_t reduced = reduced_axes(node);
    int good = !r->is_row && node->u.reduce.naxes > 1;
    for (int n = 0; n < r->of.node; n++) {
        const struct tw__node *part = tw__node_at(program, n);
        const int inside = part->scope == r->of.node && (part->axes & reduced) != 0;
        good = good && !(inside && (part->kind == TW__NODE_INDEX || part->kind == TW__NODE_REDUCE));
    }
    for (int k = 0; k < r->body.nscalars; k++) {
        good = good && (tw__node_at(program, r->body.scalars[k].node)->axes & reduced) == 0;
    }
    for (int k = 0; k < r->body.nreads; k++) {
        for (int a = 0; a < node->u.reduce.naxes; a++) {
            good = good && tw__read_movement(program, r->body.reads[k], node->u.reduce.axis[a]) == TW__MOVE_LINEAR;
        }
    }
    return good && r->body.nreads > 0;
}

/* The node that the body computes. Sums of small integers are summed as such first, and converted after that. */
static int body_root(const struct tw__reduction_plan *r, const struct tw__sheet *sheet)
{
    const struct tw__node *node = tw__node_at(sheet->program, r->of.node);
    const struct tw__node *cast = tw__node_at(sheet->program, node->child[0]);
    if (r->of.code != TW__REDUCE_SUM || r->of.is_tree || cast->kind != TW__NODE_CAST ||
        (cast->axes & reduced_axes(node)) == 0) {
        return node->child[0];
    }
    const tw_kind kind = tw__node_at(sheet->program, cast->child[0])->dtype;
    const int is_small = kind == TW_BOOL || (tw__kind_is_integer(kind) && tw_dtype_of(kind).itemsize <= 4);
    return is_small ? cast->child[0] : node->child[0];
}

/* Elements of a strip: of the row shape a chunk of its columns; of bytes that are read all of them, as their rows are
 * short (max over columns: 860 us; 920 us with chunks). What is computed may have arrays of larger elements on its way,
 * which a chunk keeps small. */
static int length_of(const struct tw__reduction_plan *r, const struct tw__node *root)
{
    const int size = (int)tw_dtype_of(r->element).itemsize;
    if (r->is_row) {
        return size == 1 && root->kind == TW__NODE_READ ? TW__REDUCTION_WIDTH : TW__REDUCTION_CHUNK_BYTES / size;
    }
    if (r->of.is_tree) {
        return TW__FOLD_LEAF;
    }
    return root->kind == TW__NODE_READ && size < 8 ? TW__REDUCTION_RUN_BYTES / size : TW__REDUCTION_RUN;
}

int tw__reduction_init(struct tw__reduction_plan *r, const struct tw__sheet *sheet, int number, int is_row, int along)
{
    const struct tw__node *node = tw__node_at(sheet->program, number);
    *r = (struct tw__reduction_plan){.of = tw__reduced_of(sheet->program, number), .is_row = is_row};
    const int root = body_root(r, sheet);
    const tw_kind kind = tw__node_at(sheet->program, root)->dtype;
    r->element = kind == TW_FLOAT16 ? TW_FLOAT32 : kind;
    r->width = tw__reduction_width(sheet->program, number);
    if (!find_given(r, sheet)) {
        return 0;
    }
    const struct tw__loop_task head = {.scope = number,
                                       .axis = is_row ? along : -1,
                                       .target = -1,
                                       .to = TW__TO_CELLS,
                                       .nroots = r->ngiven,
                                       .roots = r->given,
                                       .length = r->width};
    const struct tw__loop_task body = {.scope = number,
                                       .axis = is_row ? along : node->u.reduce.axis[node->u.reduce.naxes - 1],
                                       .target = -1,
                                       .to = TW__TO_VALUE,
                                       .nroots = 1,
                                       .roots = &root,
                                       .ngiven = r->ngiven,
                                       .given = r->given,
                                       .length = length_of(r, tw__node_at(sheet->program, root))};
    if ((r->ngiven > 0 && !tw__loop_init(&r->head, sheet, &head)) || !tw__loop_init(&r->body, sheet, &body)) {
        return 0;
    }
    r->direct = is_direct(r, sheet);
    r->is_plain = is_plain(r, sheet);
    r->is_flat = may_be_flat(r, sheet);
    return 1;
}

void tw__reduction_fini(struct tw__reduction_plan *r)
{
    tw__loop_fini(&r->head);
    tw__loop_fini(&r->body);
    free(r->given);
    r->given = NULL;
}
