/* strip.c - values computed for each element of a strip. Knows neither statements nor how reductions are computed. */
#include "notation/print/strip.h"

#include <string.h>

#include "notation/print/address.h"
#include "notation/print/helper.h"
#include "notation/print/reduce.h"
#include "notation/print/value.h"

enum {
    LENGTH = 4096, /* elements: y[i] * x[j] of 4000 x 5000 took 5 % longer than a plain loop at 512, 2 % at 2048 */
    SHORTEST = 16, /* elements */
    /* Bytes of stack for the rooms of one function. 27 gathered inputs took 180 ms at 1 MiB, more than the caches next
     * to a core have, and 112 ms at 64 KiB; what lies side by side took the same. */
    ROOM = 64 * 1024
};

/* level[]: what is known of a node in the scope that is printed now. */
enum { UNREACHED = 0, SCALAR = 1, VARYING = 2, REACHED = 3, NAMED = 4, HOISTED = 8, DONE = 16 };

static const struct tw__node *node_at(const struct tw__emitter *e, int node)
{
    return &e->program->nodes[node];
}

int tw__strip_varies(const struct tw__emitter *e, int node)
{
    return e->strip >= 0 && (node_at(e, node)->axes >> e->strip & 1) != 0;
}

static int last_root(const struct tw__strip *strip)
{
    int last = -1;
    for (int k = 0; k < strip->nroots; k++) {
        last = strip->roots[k] > last ? strip->roots[k] : last;
    }
    return last;
}

static int is_root(const struct tw__emitter *e, const struct tw__strip *strip, int node)
{
    for (int k = 0; k < strip->nroots; k++) {
        if (e->same[strip->roots[k]] == node) {
            return 1;
        }
    }
    return 0;
}

/* What has no children in this scope: given, or of a kind that has none. */
static int is_leaf(const struct tw__emitter *e, int number)
{
    const struct tw__node *node = node_at(e, number);
    return e->given[number] || (node->kind != TW__NODE_CAST && node->kind != TW__NODE_OPERATION);
}

/* Marks what the roots are made of. Children have smaller numbers: one walk downwards finds all. */
static void reach(struct tw__emitter *e, const struct tw__strip *strip)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope) {
            e->level[n] = UNREACHED;
            e->uses[n] = 0;
            e->height[n] = 0;
        }
    }
    for (int k = 0; k < strip->nroots; k++) {
        e->level[e->same[strip->roots[k]]] = REACHED;
        e->uses[e->same[strip->roots[k]]]++;
    }
    for (int n = last; n >= 0; n--) {
        const struct tw__node *node = node_at(e, n);
        if (node->scope != strip->scope || e->level[n] == UNREACHED) {
            continue;
        }
        e->level[n] = tw__strip_varies(e, n) ? VARYING : SCALAR;
        for (int k = 0; k < node->nchildren && !is_leaf(e, n); k++) {
            const int child = e->same[node->child[k]];
            e->level[child] = REACHED;
            e->uses[child]++;
        }
    }
}

static void name(struct tw__emitter *e, int node)
{
    if (!e->given[node] && !tw__is_trivial(node_at(e, node)) && node_at(e, node)->kind != TW__NODE_INDEX) {
        e->level[node] |= NAMED;
        e->height[node] = 0;
    }
}

/* Which nodes are variables: what several use, what is the arm of a choice (both arms are computed, as in NumPy, which
 * is what lets the loop be a vector loop), what would nest too deep, and what the loop takes from outside of it. */
static void choose_names(struct tw__emitter *e, const struct tw__strip *strip)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        const struct tw__node *node = node_at(e, n);
        if (node->scope != strip->scope || e->level[n] == UNREACHED) {
            continue;
        }
        const int varies = (e->level[n] & VARYING) != 0;
        int height = 0;
        for (int k = 0; k < node->nchildren && !is_leaf(e, n); k++) {
            const int child = e->same[node->child[k]];
            const int outer = varies && !(e->level[child] & VARYING);
            if (outer || (node->kind == TW__NODE_OPERATION && node->u.op.code == TW__OP_SELECT && k > 0)) {
                name(e, child);
            }
            height = e->height[child] + 1 > height ? e->height[child] + 1 : height;
        }
        e->height[n] = height;
        const int loaded =
            !varies && (node->kind == TW__NODE_READ || node->kind == TW__NODE_REDUCE || node->kind == TW__NODE_SCALAR);
        if (loaded || height >= TW__EMIT_HEIGHT || (e->uses[n] > 1 && !is_leaf(e, n)) ||
            (!varies && is_root(e, strip, n))) {
            name(e, n);
        }
    }
}

/* The form in which the loop finds what it does not compute itself. */
static void set_form(struct tw__emitter *e, const struct tw__strip *strip, int n)
{
    const struct tw__node *node = node_at(e, n);
    if (e->given[n]) {
        return;
    }
    e->form[n] = TW__FORM_TEXT;
    if (!(e->level[n] & VARYING)) {
        return;
    }
    if (node->kind == TW__NODE_READ) {
        const int own = node->u.read.operand == e->target && strip->to == TW__TO_OUT;
        e->form[n] = own && !tw__strip_is_fast(e, strip) ? TW__FORM_OWN : TW__FORM_ITEM;
    } else if (node->kind == TW__NODE_REDUCE) {
        e->form[n] = TW__FORM_CELL;
    }
}

static int needs_room(const struct tw__emitter *e, const struct tw__strip *strip, int n)
{
    return node_at(e, n)->scope == strip->scope && !e->given[n] && !e->blocked[n] && (e->level[n] & VARYING) != 0 &&
           (e->form[n] == TW__FORM_ITEM || e->form[n] == TW__FORM_CELL);
}

void tw__strip_plan(struct tw__emitter *e, struct tw__strip *strip)
{
    const int last = last_root(strip);
    int64_t bytes = 16; /* of one element, in all rooms */
    reach(e, strip);
    choose_names(e, strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && e->level[n] != UNREACHED) {
            set_form(e, strip, n);
            bytes += needs_room(e, strip, n) ? tw__emit_size(node_at(e, n)->dtype) : 0;
        }
    }
    const int is_free = strip->length == 0;
    strip->length = is_free ? LENGTH : strip->length;
    while (is_free && strip->length > SHORTEST && strip->length * bytes > ROOM) {
        strip->length /= 2;
    }
    e->rooms += strip->length * bytes;
}

int tw__strip_is_fast(const struct tw__emitter *e, const struct tw__strip *strip)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && (e->level[n] & VARYING) && !e->given[n] &&
            tw__has_fast(node_at(e, n))) {
            return 1;
        }
    }
    return 0;
}

void tw__strip_rooms(struct tw__emitter *e, const struct tw__strip *strip)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        const int is_result = strip->to == TW__TO_CELLS && tw__strip_varies(e, n) && is_root(e, strip, n);
        if (needs_room(e, strip, n)) {
            const int is_reduction = e->form[n] == TW__FORM_CELL;
            const tw_kind kind = node_at(e, n)->dtype;
            tw__emit_line(e, "%s %s%d[%d] __attribute__((aligned(64)));",
                          is_reduction ? tw__emit_type(kind) : tw__emit_storage(kind),
                          (e->level[n] & HOISTED) ? "all"
                          : is_reduction          ? "w"
                                                  : "room",
                          n, strip->length);
        }
        if (is_result && e->form[n] != TW__FORM_CELL) {
            tw__emit_line(e, "%s w%d[%d] __attribute__((aligned(64)));", tw__emit_type(node_at(e, n)->dtype), n,
                          strip->length);
        }
    }
}

/* ---- variables ---- */

static void emit_variable(struct tw__emitter *e, int n)
{
    const struct tw__node *node = node_at(e, n);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s v%d = ", tw__emit_type(node->dtype), n);
    if (e->form[n] != TW__FORM_TEXT) {
        tw__emit_value(e, n);
    } else if (node->kind == TW__NODE_READ) {
        tw__emit_item(e, n);
    } else if (node->kind == TW__NODE_REDUCE) {
        tw__reduce_call(e, n);
    } else {
        tw__emit_expression(e, n);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
    e->form[n] = TW__FORM_NAME;
}

void tw__strip_scalars(struct tw__emitter *e, const struct tw__strip *strip, uint64_t open)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && (e->level[n] & SCALAR) && (e->level[n] & NAMED) &&
            e->form[n] != TW__FORM_NAME && (node_at(e, n)->axes & ~open) == 0) {
            emit_variable(e, n);
        }
    }
}

/* ---- reductions that are the same for many rows ---- */

static int is_cell(const struct tw__emitter *e, const struct tw__strip *strip, int n)
{
    return node_at(e, n)->scope == strip->scope && node_at(e, n)->kind == TW__NODE_REDUCE && (e->level[n] & VARYING) &&
           !e->given[n] && !e->blocked[n];
}

int tw__strip_hoist(struct tw__emitter *e, const struct tw__strip *strip, int inner)
{
    const int last = last_root(strip);
    int count = 0;
    for (int n = 0; n <= last; n++) {
        if (is_cell(e, strip, n) && (node_at(e, n)->axes >> inner & 1) == 0) {
            e->level[n] |= HOISTED;
            count++;
        }
    }
    return count;
}

void tw__strip_hoisted(struct tw__emitter *e, const struct tw__strip *strip, uint64_t open)
{
    const int last = last_root(strip);
    open |= (uint64_t)1 << e->strip;
    for (int n = 0; n <= last; n++) {
        if (is_cell(e, strip, n) && (e->level[n] & HOISTED) && !(e->level[n] & DONE) &&
            (node_at(e, n)->axes & ~open) == 0) {
            e->level[n] |= DONE;
            tw__emit_line(e, "{");
            e->indent++;
            tw__emit_line(e, "const int64_t x%d = begin, m = end - begin;", e->strip);
            tw__reduce_strip(e, n, "all");
            tw__emit_close(e);
        }
    }
}

void tw__strip_each(struct tw__emitter *e, const struct tw__strip *strip, enum tw__node_kind kind,
                    void (*f)(struct tw__emitter *e, int node, void *user), void *user)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && (e->level[n] & VARYING) && !e->given[n] &&
            node_at(e, n)->kind == kind) {
            f(e, n, user);
        }
    }
}

static void emit_items(struct tw__emitter *e, int n, void *user)
{
    const struct tw__strip *strip = user;
    if (e->form[n] == TW__FORM_ITEM) {
        tw__emit_items(e, n, node_at(e, n)->u.read.operand == e->target && strip->to == TW__TO_OUT);
    }
}

static void emit_cells(struct tw__emitter *e, int n, void *user)
{
    (void)user;
    if (e->level[n] & HOISTED) {
        tw__emit_line(e, "const %s *restrict w%d = all%d + (x%d - begin);", tw__emit_type(node_at(e, n)->dtype), n, n,
                      e->strip);
    } else if (!e->blocked[n]) {
        tw__reduce_strip(e, n, "w");
    }
}

void tw__strip_items(struct tw__emitter *e, const struct tw__strip *strip)
{
    struct tw__strip copy = *strip;
    tw__strip_each(e, strip, TW__NODE_READ, emit_items, &copy);
    tw__strip_each(e, strip, TW__NODE_REDUCE, emit_cells, NULL);
}

/* ---- loops ---- */

static void emit_root(struct tw__emitter *e, const struct tw__strip *strip, int root)
{
    if (strip->to == TW__TO_CELLS && (!tw__strip_varies(e, root) || e->form[root] == TW__FORM_CELL)) {
        return; /* a variable, or there already */
    }
    tw__emit_begin(e);
    if (strip->to == TW__TO_OUT) {
        tw__emit_text(e, "out[q] = ");
        tw__emit_result(e, root);
    } else if (strip->to == TW__TO_CELLS || strip->to == TW__TO_ARRAYS) {
        tw__emit_text(e, "w%d[q] = ", root);
        tw__emit_value(e, root);
    } else {
        tw__emit_text(e, "value[q] = ");
        tw__emit_value(e, root);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* The variables of the loop; and afterwards, as if they had not been printed. */
static void emit_variables(struct tw__emitter *e, const struct tw__strip *strip, int forget)
{
    const int last = last_root(strip);
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && (e->level[n] & VARYING) && (e->level[n] & NAMED)) {
            if (forget) {
                set_form(e, strip, n);
            } else {
                emit_variable(e, n);
            }
        }
    }
}

static int has_results(const struct tw__emitter *e, const struct tw__strip *strip)
{
    int count = strip->to != TW__TO_CELLS;
    for (int k = 0; k < strip->nroots; k++) {
        count += tw__strip_varies(e, strip->roots[k]) && e->form[strip->roots[k]] != TW__FORM_CELL;
    }
    return count > 0;
}

static void emit_loop(struct tw__emitter *e, const struct tw__strip *strip)
{
    if (!has_results(e, strip)) {
        return;
    }
    if (!tw__strip_is_fast(e, strip)) {
        tw__emit_line(e, "TW_TWICE"); /* long bodies gain nothing and take longer to compile */
    }
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    emit_variables(e, strip, 0);
    for (int k = 0; k < strip->nroots; k++) {
        emit_root(e, strip, strip->roots[k]);
    }
    tw__emit_close(e);
    emit_variables(e, strip, 1);
}

void tw__strip_combine(struct tw__emitter *e, const struct tw__strip *strip, const char *into, const char *combine,
                       tw_kind kind)
{
    tw__emit_open(e, "for (int q = 0; q < %d; q++)", strip->length);
    emit_variables(e, strip, 0);
    tw__emit_begin(e);
    tw__emit_text(e, "%s[p * %d + q] = ", into, strip->length);
    if (combine != NULL) {
        (void)tw__helper_need(e, combine, kind);
        tw__emit_text(e, "tw_%s_%s(%s[p * %d + q], ", combine, tw__emit_suffix(kind), into, strip->length);
    }
    tw__emit_value(e, strip->roots[0]);
    tw__emit_text(e, combine != NULL ? ");" : ";");
    tw__emit_end(e);
    tw__emit_close(e);
    emit_variables(e, strip, 1);
}

/* Bytes of the floats that the fast versions in the loop are of: 4 and 8, each once. */
static int fast_sizes(const struct tw__emitter *e, const struct tw__strip *strip)
{
    const int last = last_root(strip);
    int sizes = 0;
    for (int n = 0; n <= last; n++) {
        if (node_at(e, n)->scope == strip->scope && (e->level[n] & VARYING) && !e->given[n] &&
            tw__has_fast(node_at(e, n))) {
            sizes |= node_at(e, n)->u.op.operation == TW_FLOAT64 ? 8 : 4;
        }
    }
    return sizes;
}

void tw__strip_loops(struct tw__emitter *e, const struct tw__strip *strip)
{
    const int sizes = fast_sizes(e, strip);
    if (sizes == 0) {
        emit_loop(e, strip);
        return;
    }
    if (sizes & 8) {
        tw__emit_line(e, "int64_t outside64 = 0;");
    }
    if (sizes & 4) {
        tw__emit_line(e, "int32_t outside32 = 0;");
    }
    e->fast = 1;
    emit_loop(e, strip);
    e->fast = 0;
    tw__emit_open(e, sizes == 8 ? "if (outside64)" : sizes == 4 ? "if (outside32)" : "if (outside32 || outside64)");
    emit_loop(e, strip);
    tw__emit_close(e);
}
