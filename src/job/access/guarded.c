/* guarded.c - the access that lies between inaccessible pages: one tile run twice on copies of its operands. Knows one
 * tile; nothing of pools or of who reports what it finds. */
#include "job/access/guarded.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "base/text.h"
#include "grid/signature.h"
#include "os/map.h"
#include "os/process.h"

/* Inaccessible bytes on each side: an index of the whole array, taken for one of the tile, lands in them for all arrays
 * but the largest. Where there is no such address space, as far as a wrong stride of a small array leads. */
#define WIDE_MARGIN ((size_t)1 << 34)
#define NARROW_MARGIN ((size_t)1 << 20)
#define GAP 64 /* canary bytes behind each row, at least */

/* An operand's copy. */
struct copy {
    char *memory; /* writable part of the mapping; NULL: none yet */
    size_t capacity;
    size_t margin;
    size_t bytes; /* of the copy, gaps between rows included */
    tw_view view;
    char *first_result; /* outputs: what the first run gave */
    size_t first_capacity;
};

struct tw__guard {
    struct copy copies[TW_MAX_OPERANDS];
    tw_view views[TW_MAX_OPERANDS]; /* what the kernel gets */
};

void tw__guard_destroy(struct tw__guard *guard)
{
    for (int k = 0; guard != NULL && k < TW_MAX_OPERANDS; k++) {
        struct copy *copy = &guard->copies[k];
        if (copy->memory != NULL) {
            tw__unmap_guarded(copy->memory, copy->capacity, copy->margin);
        }
        free(copy->first_result);
    }
    free(guard);
}

/* ---- layout ---- */

/* Strides of the copy: C order, broadcast dimensions as they are, a gap behind each row. 0 if it is too large. */
static int lay_out(struct copy *copy, const tw_view *real)
{
    copy->view = *real;
    size_t step = (size_t)real->dtype.itemsize, extent = (size_t)real->dtype.itemsize;
    int empty = 0;
    for (int d = real->ndim - 1; d >= 0; d--) {
        const size_t length = (size_t)real->shape[d];
        size_t span;
        empty |= length == 0;
        copy->view.strides[d] = real->strides[d] == 0 ? 0 : (int64_t)step;
        if (real->strides[d] == 0 || length == 0) {
            continue;
        }
        if (__builtin_mul_overflow(step, length, &span) || __builtin_add_overflow(extent, span - step, &extent)) {
            return 0;
        }
        step = span;
        if (d == real->ndim - 1 && real->ndim > 1) {
            const size_t item = (size_t)(real->dtype.itemsize > 0 ? real->dtype.itemsize : 1);
            step += (GAP + item - 1) / item * item;
        }
        if (step > PTRDIFF_MAX / 2 || extent > PTRDIFF_MAX / 2) {
            return 0;
        }
    }
    copy->bytes = empty ? 0 : extent;
    return 1;
}

static int make_room(struct copy *copy, int is_output)
{
    const size_t page = (size_t)tw__page_size();
    const size_t wanted = copy->bytes == 0 ? page : (copy->bytes + page - 1) / page * page;
    if (wanted > copy->capacity) {
        void *memory;
        size_t margin = WIDE_MARGIN;
        if (tw__map_guarded(&memory, wanted, margin) != 0) {
            margin = NARROW_MARGIN;
            if (tw__map_guarded(&memory, wanted, margin) != 0) {
                return 0;
            }
        }
        if (copy->memory != NULL) {
            tw__unmap_guarded(copy->memory, copy->capacity, copy->margin);
        }
        copy->memory = memory;
        copy->capacity = wanted;
        copy->margin = margin;
    }
    if (is_output && copy->bytes > copy->first_capacity) {
        char *more = realloc(copy->first_result, copy->bytes);
        if (more == NULL) {
            return 0;
        }
        copy->first_result = more;
        copy->first_capacity = copy->bytes;
    }
    return 1;
}

/* What byte `offset` of a copy holds before run `round`: another one in each of the two. */
static char pattern(size_t offset, int round)
{
    return (char)((offset * 167 + 13) ^ (round == 0 ? 0 : 0xff));
}

/* Puts the copy at the end of its memory (round 0) or at its beginning, and fills it. */
static int take(struct copy *copy, const tw_view *real, tw_role role, int has_values, int round)
{
    if (tw__map_protect(copy->memory, copy->capacity, 1) != 0) {
        return 0;
    }
    copy->view.data = copy->memory + (round == 0 ? copy->capacity - copy->bytes : 0);
    for (size_t offset = 0; offset < copy->bytes; offset++) {
        ((char *)copy->view.data)[offset] = pattern(offset, round);
    }
    if (has_values) {
        tw_view to = copy->view, from = *real;
        for (int d = 0; d < real->ndim; d++) {
            if (real->strides[d] == 0 && real->shape[d] > 1) { /* one item stands for all */
                to.shape[d] = from.shape[d] = 1;
            }
        }
        tw__view_copy(&to, &from);
    }
    return role != TW_IN || tw__map_protect(copy->memory, copy->capacity, 0) == 0;
}

/* ---- what was found ---- */

/* "r[3,4]", in the indices of the whole array. */
static void element_text(char *text, size_t size, const tw_operand *operand, const tw_tile *tile, const int64_t *index,
                         int ndim)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "%.64s[", operand->name);
    for (int d = 0; d < ndim; d++) {
        tw__text_add(&out, "%s%" PRId64, d > 0 ? "," : "", tile->start[operand->axes[d]] + index[d]);
    }
    tw__text_add(&out, "]");
}

/* Bytes of one row, and of the gap behind it. */
static void row_sizes(const tw_view *view, int64_t *row, int64_t *gap)
{
    *row = view->ndim > 0 ? view->shape[view->ndim - 1] * view->dtype.itemsize : view->dtype.itemsize;
    *gap = view->ndim > 1 && view->strides[view->ndim - 1] != 0
               ? (GAP + view->dtype.itemsize - 1) / view->dtype.itemsize * view->dtype.itemsize
               : 0;
}

static int check_canaries(const struct copy *copy, const tw_operand *operand, const tw_tile *tile, int round)
{
    const tw_view *view = &copy->view;
    struct tw__rows rows;
    int64_t row, gap;
    if (copy->bytes == 0 || view->ndim < 2) {
        return 1;
    }
    row_sizes(view, &row, &gap);
    tw__rows_first(&rows, view->ndim - 1, view->shape, view->strides, view->strides);
    do {
        const int64_t offset = rows.offset[0];
        for (int64_t at = offset + row; at < offset + row + gap && at < (int64_t)copy->bytes; at++) {
            if (((const char *)view->data)[at] != pattern((size_t)at, round)) {
                char element[128];
                rows.index[view->ndim - 1] = view->shape[view->ndim - 1] - 1;
                element_text(element, sizeof element, operand, tile, rows.index, view->ndim);
                snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "wrote %" PRId64 " byte%s past the row that ends with %s",
                         at - offset - row + 1, at == offset + row ? "" : "s", element);
                return 0;
            }
        }
    } while (tw__rows_next(&rows));
    return 1;
}

/* After both runs: elements that neither wrote, and elements that they wrote differently. */
static int check_elements(const struct copy *copy, const tw_operand *operand, const tw_tile *tile, int is_new)
{
    const tw_view *view = &copy->view;
    const size_t item = (size_t)view->dtype.itemsize;
    int64_t unwritten = 0;
    struct tw__rows rows;
    char element[128];
    if (copy->bytes == 0 || item == 0) {
        return 1;
    }
    tw__rows_first(&rows, view->ndim, view->shape, view->strides, view->strides);
    do {
        const int64_t offset = rows.offset[0];
        const char *now = (const char *)view->data + offset, *before = copy->first_result + offset;
        int same = 1, untouched = is_new;
        for (size_t b = 0; b < item; b++) {
            same &= now[b] == before[b];
            untouched &= before[b] == pattern((size_t)offset + b, 0) && now[b] == pattern((size_t)offset + b, 1);
        }
        if (untouched && unwritten++ == 0) {
            element_text(element, sizeof element, operand, tile, rows.index, view->ndim);
        } else if (!untouched && !same) {
            element_text(element, sizeof element, operand, tile, rows.index, view->ndim);
            snprintf(tile->message, TW_TILE_MESSAGE_SIZE,
                     "gave %s another value when it ran again: it reads what it was not given, or keeps a state",
                     element);
            return 0;
        }
    } while (tw__rows_next(&rows));
    if (unwritten > 1) {
        snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "left %s and %" PRId64 " more elements unwritten", element,
                 unwritten - 1);
    } else if (unwritten == 1) {
        snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "left %s unwritten", element);
    }
    return unwritten == 0;
}

static void write_note(struct tw__guard_note *note, const struct tw__guard *guard, const tw_tile *tile)
{
    note->tile = tile->number;
    for (int k = 0; k < tile->noperands; k++) {
        const struct copy *copy = &guard->copies[k];
        const uint64_t memory = (uint64_t)(uintptr_t)copy->memory, data = (uint64_t)(uintptr_t)copy->view.data;
        note->place[k] = (struct tw__guard_place){memory - copy->margin, memory + copy->capacity + copy->margin, data,
                                                  data + copy->bytes, k};
    }
    atomic_thread_fence(memory_order_release);
    note->noperands = tile->noperands;
}

/* ---- the tile ---- */

/* Whether an operand has values before the kernel, which it finds in its copy. */
static int has_values(const struct tw__guarded *what, int k)
{
    return what->grid->signature->operands[k].role != TW_OUT || (what->begun >> k & 1) != 0;
}

static struct tw__result out_of_memory(const tw_tile *tile)
{
    snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "not enough memory for the guard's copies of the operands");
    return (struct tw__result){.status = TW_ERROR_MEMORY};
}

static struct tw__result run_once(struct tw__guard *guard, const struct tw__guarded *what, const tw_tile *tile,
                                  tw_function function, struct tw__guard_note *note, int round)
{
    const tw_operand *operands = what->grid->signature->operands;
    tw_tile guarded = *tile;
    for (int k = 0; k < tile->noperands; k++) {
        if (!take(&guard->copies[k], &tile->operand[k], operands[k].role, has_values(what, k), round)) {
            return out_of_memory(tile);
        }
        guard->views[k] = guard->copies[k].view;
    }
    guarded.operand = guard->views;
    tile->message[0] = '\0';
    write_note(note, guard, tile);
    const int code = function(&guarded);
    note->noperands = 0;
    for (int k = 0; k < tile->noperands; k++) {
        if (operands[k].role != TW_IN && !check_canaries(&guard->copies[k], &operands[k], tile, round)) {
            return (struct tw__result){.status = TW_ERROR_GUARD};
        }
    }
    return tw__result_of(code);
}

struct tw__result tw__guard_run(struct tw__guard **guard, const struct tw__guarded *what, const tw_tile *tile,
                                tw_function function, struct tw__guard_note *note)
{
    const tw_operand *operands = what->grid->signature->operands;
    if (*guard == NULL) {
        *guard = calloc(1, sizeof **guard);
        if (*guard == NULL) {
            return out_of_memory(tile);
        }
    }
    struct tw__guard *own = *guard;
    for (int k = 0; k < tile->noperands; k++) {
        if (!lay_out(&own->copies[k], &tile->operand[k]) || !make_room(&own->copies[k], operands[k].role != TW_IN)) {
            return out_of_memory(tile);
        }
    }
    for (int round = 0; round < 2; round++) {
        const struct tw__result result = run_once(own, what, tile, function, note, round);
        if (result.status != TW_OK) {
            return result;
        }
        for (int k = 0; round == 0 && k < tile->noperands; k++) {
            if (operands[k].role != TW_IN && own->copies[k].bytes > 0) {
                memcpy(own->copies[k].first_result, own->copies[k].view.data, own->copies[k].bytes);
            }
        }
    }
    for (int k = 0; k < tile->noperands; k++) {
        if (operands[k].role != TW_IN && !check_elements(&own->copies[k], &operands[k], tile, !has_values(what, k))) {
            return (struct tw__result){.status = TW_ERROR_GUARD};
        }
    }
    for (int k = 0; k < tile->noperands; k++) {
        if (operands[k].role != TW_IN) {
            tw__view_copy(&tile->operand[k], &own->copies[k].view);
        }
    }
    return (struct tw__result){0};
}

int tw__guard_explain(const struct tw__guard_note *note, const tw_grid *grid, uint64_t address, int access, char *text,
                      size_t size)
{
    static const char *const verbs[] = {"touched", "read", "wrote"};
    const char *verb = verbs[access];
    for (int k = 0; k < note->noperands; k++) {
        const struct tw__guard_place *place = &note->place[k];
        const tw_operand *operand = &grid->signature->operands[place->operand];
        if (address < place->mapping || address >= place->mapping_end) {
            continue;
        }
        if (address == place->end) {
            return snprintf(text, size, "%s just past the end of '%s'", verb, operand->name);
        }
        if (address > place->end) {
            const uint64_t past = address - place->end;
            return snprintf(text, size, "%s %" PRIu64 " byte%s past the end of '%s'", verb, past, past == 1 ? "" : "s",
                            operand->name);
        }
        if (address < place->first) {
            const uint64_t before = place->first - address;
            return snprintf(text, size, "%s %" PRIu64 " byte%s before the beginning of '%s'", verb, before,
                            before == 1 ? "" : "s", operand->name);
        }
        return snprintf(text, size, "%s%s'%s', %" PRIu64 " bytes from the beginning of the tile's part of it",
                        access == TW__TOUCH_WRITE ? "wrote to" : verb, operand->role == TW_IN ? " input " : " ",
                        operand->name, address - place->first);
    }
    return 0;
}
