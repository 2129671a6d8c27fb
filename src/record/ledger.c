/* ledger.c - which tiles of a job are done, and which of them are recorded. Knows no files and no clock. */
#include "record/ledger.h"

#include <stdlib.h>

#include "base/error.h"

static void set_bit(uint64_t *bits, uint64_t k)
{
    bits[k / 64] |= (uint64_t)1 << k % 64;
}

static void clear_bit(uint64_t *bits, uint64_t k)
{
    bits[k / 64] &= ~((uint64_t)1 << k % 64);
}

tw_status tw__ledger_init(struct tw__ledger *ledger, uint64_t count, tw_error *error)
{
    const size_t words = (size_t)(count / 64 + 1);
    *ledger = (struct tw__ledger){.count = count};
    ledger->is_done = calloc(words, sizeof *ledger->is_done);
    ledger->is_recorded = calloc(words, sizeof *ledger->is_recorded);
    ledger->sums = calloc((size_t)count + 1, sizeof *ledger->sums);
    if (ledger->is_done == NULL || ledger->is_recorded == NULL || ledger->sums == NULL) {
        tw__ledger_fini(ledger);
        return tw__fail_memory(error, (size_t)count * sizeof(uint64_t), "the record of a run");
    }
    return TW_OK;
}

void tw__ledger_fini(struct tw__ledger *ledger)
{
    free(ledger->is_done);
    free(ledger->is_recorded);
    free(ledger->sums);
    *ledger = (struct tw__ledger){0};
}

uint64_t tw__ledger_missing(const struct tw__ledger *ledger, uint64_t tile)
{
    while (tile < ledger->count) {
        const uint64_t left = ~ledger->is_done[tile / 64] >> tile % 64; /* bit 0: this tile */
        if (left != 0) {
            tile += (uint64_t)__builtin_ctzll(left);
            return tile < ledger->count ? tile : ledger->count;
        }
        tile = (tile / 64 + 1) * 64;
    }
    return ledger->count;
}

void tw__ledger_note(struct tw__ledger *ledger, uint64_t tile, uint64_t sum)
{
    set_bit(ledger->is_done, tile);
    ledger->sums[tile] = sum;
    ledger->done++;
    ledger->pending++;
}

int tw__ledger_take(struct tw__ledger *ledger, uint64_t tile, uint64_t sum)
{
    if (tw__ledger_has(ledger, tile) && ledger->sums[tile] != sum) {
        return 0;
    }
    if (!tw__ledger_has(ledger, tile)) {
        tw__ledger_note(ledger, tile, sum);
    }
    if (!tw__ledger_is_recorded(ledger, tile)) {
        tw__ledger_mark(ledger, tile, 1);
    }
    return 1;
}

void tw__ledger_complete(struct tw__ledger *ledger)
{
    for (uint64_t tile = 0; (tile = tw__ledger_missing(ledger, tile)) < ledger->count; tile++) {
        set_bit(ledger->is_done, tile);
        ledger->done++;
    }
}

void tw__ledger_spare(struct tw__ledger *ledger, uint64_t tile)
{
    if (!tw__ledger_has(ledger, tile)) {
        set_bit(ledger->is_done, tile);
        set_bit(ledger->is_recorded, tile);
        ledger->done++;
    }
}

void tw__ledger_drop(struct tw__ledger *ledger, uint64_t tile)
{
    if (!tw__ledger_has(ledger, tile)) {
        return;
    }
    if (!tw__ledger_is_recorded(ledger, tile) && ledger->pending > 0) {
        ledger->pending--;
    }
    clear_bit(ledger->is_done, tile);
    clear_bit(ledger->is_recorded, tile);
    ledger->done--;
}

uint64_t tw__ledger_unrecorded(const struct tw__ledger *ledger, uint64_t tile, uint64_t most, uint64_t *first)
{
    while (tile < ledger->count) {
        const uint64_t here = (ledger->is_done[tile / 64] & ~ledger->is_recorded[tile / 64]) >> tile % 64;
        if (here == 0) {
            tile = (tile / 64 + 1) * 64;
            continue;
        }
        tile += (uint64_t)__builtin_ctzll(here);
        uint64_t count = 1;
        while (count < most && tw__ledger_has(ledger, tile + count) && !tw__ledger_is_recorded(ledger, tile + count)) {
            count++;
        }
        *first = tile;
        return count;
    }
    return 0;
}

void tw__ledger_mark(struct tw__ledger *ledger, uint64_t first, uint64_t count)
{
    for (uint64_t tile = first; tile < first + count; tile++) {
        set_bit(ledger->is_recorded, tile);
    }
    ledger->pending -= count;
}
