/* bars.c - tiles that must not be run. Arithmetic over grids and words; knows nothing of why a tile was not done. */
#include "job/bars.h"

#include "grid/cells.h"
#include "grid/signature.h"
#include "pool/claims.h"

/* Whether two steps use one array that at least one of them writes. */
static int are_tied(const struct tw__stage *a, const struct tw__stage *b)
{
    for (int n = 0; n < a->grid->signature->noperands; n++) {
        for (int m = 0; a->operand[n] >= 0 && m < b->grid->signature->noperands; m++) {
            if (a->operand[n] == b->operand[m] &&
                (a->grid->signature->operands[n].role != TW_IN || b->grid->signature->operands[m].role != TW_IN)) {
                return 1;
            }
        }
    }
    return 0;
}

/* The tiles along each axis of `stage` that meet a box of another: [first, end). */
static void find_range(const struct tw__stage *stage, const struct tw__stage *other, const int64_t *start,
                       const int64_t *stop, int64_t *first, int64_t *end)
{
    for (int a = 0; a < stage->grid->naxes; a++) {
        const struct tw__grid_axis *axis = &stage->grid->axes[a];
        first[a] = 0;
        end[a] = axis->count;
        for (int b = 0; b < other->grid->naxes && stage->axis[a] >= 0; b++) {
            if (other->axis[b] == stage->axis[a] && stop[b] > start[b]) {
                first[a] = tw__cells_axis_owner(axis, start[b]);
                end[a] = tw__cells_axis_owner(axis, stop[b] - 1) + 1;
            }
        }
    }
}

/* Returns how many were free until now. */
static uint64_t bar_range(const struct tw__stage *stage, const int64_t *first, const int64_t *end,
                          _Atomic uint32_t *words)
{
    const int naxes = stage->grid->naxes;
    int64_t at[TW__MAX_AXES];
    uint64_t barred = 0;
    for (int a = 0; a < naxes; a++) {
        at[a] = first[a];
        if (first[a] >= end[a]) {
            return 0;
        }
    }
    for (;;) {
        uint64_t tile = 0;
        for (int a = 0; a < naxes; a++) {
            tile = tile * (uint64_t)stage->grid->axes[a].count + (uint64_t)at[a];
        }
        _Atomic uint32_t *word = &words[stage->first + tile];
        if (atomic_load_explicit(word, memory_order_relaxed) != TW__WORD_BARRED) {
            atomic_store_explicit(word, TW__WORD_BARRED, memory_order_relaxed);
            barred++;
        }
        int a = naxes - 1;
        for (; a >= 0 && ++at[a] == end[a]; a--) {
            at[a] = first[a];
        }
        if (a < 0) {
            return barred;
        }
    }
}

uint64_t tw__bar_tiles(const struct tw__stages *stages, int s, _Atomic uint32_t *words)
{
    const struct tw__stage *stage = &stages->stage[s];
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES], first[TW__MAX_AXES], end[TW__MAX_AXES];
    uint64_t barred = 0;
    for (int r = 0; r < s; r++) {
        const struct tw__stage *earlier = &stages->stage[r];
        for (uint64_t tile = 0; are_tied(earlier, stage) && tile < earlier->grid->count; tile++) {
            const uint32_t word = atomic_load_explicit(&words[earlier->first + tile], memory_order_relaxed);
            if (TW__WORD_STATE(word) != TW_TILE_DONE) {
                tw__cells_box(earlier->grid, tile, start, stop);
                find_range(stage, earlier, start, stop, first, end);
                barred += bar_range(stage, first, end, words);
            }
        }
        if (barred == stage->grid->count) {
            break;
        }
    }
    return barred;
}

void tw__unbar_tiles(const struct tw__stages *stages, _Atomic uint32_t *words)
{
    const struct tw__stage *last = &stages->stage[stages->count - 1];
    for (uint64_t tile = 0; tile < last->first + last->grid->count; tile++) {
        if (atomic_load_explicit(&words[tile], memory_order_relaxed) == TW__WORD_BARRED) {
            atomic_store_explicit(&words[tile], 0, memory_order_relaxed);
        }
    }
}
