/* loop.c - which values a loop computes, how each is found, what is a variable, and how long a strip is. */
#include "notation/loop/loop.h"

#include <stdlib.h>
#include <string.h>

#include "notation/loop/movement.h"
#include "notation/value/kind.h"

enum {
    ROW_LENGTH = 8192, /* of loops with reductions of rows, which want many columns: see reduction.h */
    ROW_ROOM = 256 * 1024,
    LENGTH = 4096, /* elements: y[i] * x[j] of 4000 x 5000 took 5 % longer than a plain loop at 512, 2 % at 2048 */
    SHORTEST = 16, /* elements */
    /* Bytes of stack for the rooms of one function. 27 gathered inputs took 180 ms at 1 MiB, more than the caches next
     * to a core have, and 112 ms at 64 KiB; what lies side by side took the same. */
    ROOM = 64 * 1024,
    HEIGHT = 12 /* operations in one expression, from its top to its leaves; deeper ones become variables */
};

/* sheet->level: what is known of a node in the loop that is planned now. */
enum { UNREACHED = 0, SCALAR = 1, VARYING = 2, REACHED = 3, NAMED = 4, ROOT = 8 };

/* The loop on its way, and what it is made from. */
struct draft {
    const struct tw__sheet *sheet;
    const struct tw__loop_task *task;
    int last; /* the largest root */
};

static int varies(const struct draft *draft, int node)
{
    return draft->task->axis >= 0 && (tw__node_at(draft->sheet->program, node)->axes >> draft->task->axis & 1) != 0;
}

/* Whether the node is part of the loop: `level` has its notes then. */
static int is_reached(const struct draft *draft, int node)
{
    return tw__node_at(draft->sheet->program, node)->scope == draft->task->scope &&
           draft->sheet->level[node] != UNREACHED;
}

/* What has no children in this loop: given, or of a kind that has none. */
static int is_leaf(const struct draft *draft, int number)
{
    const struct tw__node *node = tw__node_at(draft->sheet->program, number);
    return draft->sheet->given[number] || (node->kind != TW__NODE_CAST && node->kind != TW__NODE_OPERATION);
}

/* Marks all that the roots are made of. Children have smaller numbers: one walk downwards finds all. Returns the
 * smallest node that was reached. */
static int reach(const struct draft *draft)
{
    const struct tw__sheet *sheet = draft->sheet;
    int first = draft->last + 1;
    for (int n = 0; n <= draft->last; n++) {
        if (tw__node_at(draft->sheet->program, n)->scope == draft->task->scope) {
            sheet->level[n] = UNREACHED;
            sheet->given[n] = 0;
            sheet->uses[n] = 0;
            sheet->height[n] = 0;
        }
    }
    for (int k = 0; k < draft->task->ngiven; k++) {
        sheet->given[draft->task->given[k]] = 1;
    }
    for (int k = 0; k < draft->task->nroots; k++) {
        const int root = sheet->same[draft->task->roots[k]];
        sheet->level[root] = REACHED | ROOT;
        sheet->uses[root]++;
    }
    for (int n = draft->last; n >= 0; n--) {
        const struct tw__node *node = tw__node_at(draft->sheet->program, n);
        if (!is_reached(draft, n)) {
            continue;
        }
        first = n;
        sheet->level[n] = (unsigned char)((sheet->level[n] & ROOT) | (varies(draft, n) ? VARYING : SCALAR));
        for (int k = 0; k < node->nchildren && !is_leaf(draft, n); k++) {
            const int child = sheet->same[node->child[k]];
            sheet->level[child] |= REACHED;
            sheet->uses[child]++;
        }
    }
    return first;
}

static void name(const struct draft *draft, int node)
{
    const enum tw__node_kind kind = tw__node_at(draft->sheet->program, node)->kind;
    if (!draft->sheet->given[node] && kind != TW__NODE_CONSTANT && kind != TW__NODE_INDEX) {
        draft->sheet->level[node] |= NAMED;
        draft->sheet->height[node] = 0;
    }
}

/* Which nodes are variables: those with several uses; both arms of a choice (both are computed, as in NumPy, so that
 * the loop can be a vector loop); what would nest too deep; and what the loop takes from outside of it. */
static void choose_names(const struct draft *draft, int first)
{
    const struct tw__sheet *sheet = draft->sheet;
    for (int n = first; n <= draft->last; n++) {
        const struct tw__node *node = tw__node_at(draft->sheet->program, n);
        if (!is_reached(draft, n)) {
            continue;
        }
        const int varying = (sheet->level[n] & VARYING) != 0;
        int height = 0;
        for (int k = 0; k < node->nchildren && !is_leaf(draft, n); k++) {
            const int child = sheet->same[node->child[k]];
            const int outer = varying && !(sheet->level[child] & VARYING);
            if (outer || (node->kind == TW__NODE_OPERATION && node->u.op.code == TW__OP_SELECT && k > 0)) {
                name(draft, child);
            }
            height = sheet->height[child] + 1 > height ? sheet->height[child] + 1 : height;
        }
        sheet->height[n] = height;
        const int loaded =
            !varying && (node->kind == TW__NODE_READ || node->kind == TW__NODE_REDUCE || node->kind == TW__NODE_SCALAR);
        if (loaded || height >= HEIGHT || (sheet->uses[n] > 1 && !is_leaf(draft, n)) ||
            (!varying && (sheet->level[n] & ROOT))) {
            name(draft, n);
        }
    }
}

/* ---- how each node is found ---- */

/* Bytes of the floats of an operation of which the loop uses the fast version; 0: it does not. */
static int fast_size(const struct draft *draft, int number)
{
    const struct tw__node *node = tw__node_at(draft->sheet->program, number);
    if (!varies(draft, number) || draft->sheet->given[number] || !tw__node_is_fast(node)) {
        return 0;
    }
    return node->u.op.operation == TW_FLOAT64 ? 8 : 4;
}

static enum tw__form found_form(const struct draft *draft, const struct tw__loop *loop, int number)
{
    const struct tw__node *node = tw__node_at(draft->sheet->program, number);
    if (draft->sheet->given[number]) {
        return varies(draft, number) ? TW__FORM_CELL : TW__FORM_NAME;
    }
    if (!varies(draft, number)) {
        return TW__FORM_TEXT;
    }
    if (node->kind == TW__NODE_READ) { /* the fast loop writes what the full one would read again */
        const int own = node->u.read.operand == loop->target && loop->to == TW__TO_OUT;
        return own && loop->fast == 0 ? TW__FORM_OWN : TW__FORM_ITEM;
    }
    return node->kind == TW__NODE_REDUCE ? TW__FORM_CELL : TW__FORM_TEXT;
}

static struct tw__item item_of(const struct draft *draft, const struct tw__loop *loop, int number)
{
    const int level = draft->sheet->level[number];
    const enum tw__form found = found_form(draft, loop, number);
    struct tw__item item = {.found = (unsigned char)found,
                            .form = (unsigned char)((level & NAMED) ? TW__FORM_NAME : found)};
    if (!draft->sheet->given[number]) {
        item.room = found == TW__FORM_ITEM ? TW__ROOM_ITEMS : found == TW__FORM_CELL ? TW__ROOM_CELLS : TW__ROOM_NONE;
    }
    item.is_copied = found == TW__FORM_ITEM && loop->to == TW__TO_OUT &&
                     tw__node_at(draft->sheet->program, number)->u.read.operand == loop->target;
    item.is_result = loop->to == TW__TO_CELLS && (level & ROOT) && (level & VARYING) && found != TW__FORM_CELL;
    return item;
}

/* Counts a node among the loop's lists; and puts it there, if these have memory already. */
static void list(const struct draft *draft, struct tw__loop *loop, int n)
{
    const enum tw__node_kind kind = tw__node_at(draft->sheet->program, n)->kind;
    const int level = draft->sheet->level[n], is_given = draft->sheet->given[n];
    if (level & NAMED) {
        if ((level & VARYING) && loop->variables != NULL) {
            loop->variables[loop->nvariables] = n;
        } else if (!(level & VARYING) && loop->scalars != NULL) {
            loop->scalars[loop->nscalars] = (struct tw__name){.node = n};
        }
        loop->nvariables += (level & VARYING) != 0;
        loop->nscalars += !(level & VARYING);
    }
    if ((level & VARYING) && !is_given && kind == TW__NODE_READ) {
        if (loop->reads != NULL) {
            loop->reads[loop->nreads] = n;
        }
        loop->nreads++;
    }
    if ((level & VARYING) && !is_given && kind == TW__NODE_REDUCE) {
        if (loop->calls != NULL) {
            loop->calls[loop->ncalls] = (struct tw__call){
                .node = n, .how = TW__CALL_STRIP, .is_row = tw__body_reads_along(loop->program, n, loop->axis)};
        }
        loop->ncalls++;
    }
}

static void make_lists(const struct draft *draft, struct tw__loop *loop)
{
    loop->nscalars = loop->nvariables = loop->nreads = loop->ncalls = 0;
    for (int n = loop->first; n <= draft->last; n++) {
        if (is_reached(draft, n)) {
            list(draft, loop, n);
        }
    }
}

/* Memory for the lists, which have been counted. */
static int make_room(struct tw__loop *loop)
{
    loop->items = calloc((size_t)loop->count + 1, sizeof *loop->items);
    loop->roots = calloc((size_t)loop->nroots + 1, sizeof *loop->roots);
    loop->scalars = calloc((size_t)loop->nscalars + 1, sizeof *loop->scalars);
    loop->variables = calloc((size_t)loop->nvariables + 1, sizeof *loop->variables);
    loop->reads = calloc((size_t)loop->nreads + 1, sizeof *loop->reads);
    loop->calls = calloc((size_t)loop->ncalls + 1, sizeof *loop->calls);
    return loop->items != NULL && loop->roots != NULL && loop->scalars != NULL && loop->variables != NULL &&
           loop->reads != NULL && loop->calls != NULL;
}

static void set_length(const struct draft *draft, struct tw__loop *loop)
{
    int64_t bytes = 16; /* of one element, in all rooms */
    for (int k = 0; k < loop->count; k++) {
        if (loop->items[k].room != TW__ROOM_NONE) {
            bytes += tw_dtype_of(tw__node_at(draft->sheet->program, loop->first + k)->dtype).itemsize;
        }
    }
    int has_rows = 0;
    for (int k = 0; k < loop->ncalls; k++) {
        has_rows |= loop->calls[k].is_row;
    }
    loop->length = draft->task->length != 0 ? draft->task->length : has_rows ? ROW_LENGTH : LENGTH;
    while (draft->task->length == 0 && loop->length > SHORTEST && loop->length * bytes > (has_rows ? ROW_ROOM : ROOM)) {
        loop->length /= 2;
    }
    loop->stack = loop->length * bytes;
}

int tw__loop_init(struct tw__loop *loop, const struct tw__sheet *sheet, const struct tw__loop_task *task)
{
    struct draft draft = {.sheet = sheet, .task = task, .last = -1};
    *loop = (struct tw__loop){.program = sheet->program,
                              .scope = task->scope,
                              .axis = task->axis,
                              .target = task->target,
                              .to = task->to,
                              .nroots = task->nroots,
                              .nlevels = 1};
    for (int k = 0; k < task->nroots; k++) {
        const int root = sheet->same[task->roots[k]];
        draft.last = root > draft.last ? root : draft.last;
    }
    loop->first = reach(&draft);
    loop->count = draft.last + 1 - loop->first;
    choose_names(&draft, loop->first);
    make_lists(&draft, loop);
    if (!make_room(loop)) {
        return 0;
    }
    make_lists(&draft, loop);
    for (int k = 0; k < task->nroots; k++) {
        loop->roots[k] = sheet->same[task->roots[k]];
    }
    for (int n = loop->first; n <= draft.last; n++) {
        loop->fast |= is_reached(&draft, n) ? fast_size(&draft, n) : 0;
    }
    for (int n = loop->first; n <= draft.last; n++) {
        if (is_reached(&draft, n)) {
            loop->items[n - loop->first] = item_of(&draft, loop, n);
        }
    }
    set_length(&draft, loop);
    return 1;
}

void tw__loop_fini(struct tw__loop *loop)
{
    free(loop->items);
    free(loop->roots);
    free(loop->scalars);
    free(loop->variables);
    free(loop->reads);
    free(loop->calls);
    *loop = (struct tw__loop){.axis = -1};
}

/* ---- questions ---- */

int tw__node_is_fast(const struct tw__node *node)
{
    return node->kind == TW__NODE_OPERATION && tw__operation_has(node->u.op.code, TW__TRAIT_FAST) &&
           tw__kind_is_float(node->u.op.operation);
}

int tw__loop_computes(const struct tw__loop *loop, int root)
{
    return loop->to != TW__TO_CELLS ||
           (tw__loop_varies(loop, root) && tw__loop_item(loop, root)->found != TW__FORM_CELL);
}

int tw__loop_has_results(const struct tw__loop *loop)
{
    for (int k = 0; k < loop->nroots; k++) {
        if (tw__loop_computes(loop, loop->roots[k])) {
            return 1;
        }
    }
    return 0;
}

int tw__loop_has_own(const struct tw__loop *loop)
{
    for (int k = 0; k < loop->nreads; k++) {
        if (tw__loop_item(loop, loop->reads[k])->found == TW__FORM_OWN) {
            return 1;
        }
    }
    return 0;
}
