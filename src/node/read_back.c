/* read_back.c - the last look at all tiles of a job, which its nodes share. Knows no pool and gives no names. */
#include "node/read_back.h"

#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "grid/grid.h"
#include "node/content.h"
#include "node/portion.h"
#include "os/clock.h"
#include "os/fault.h"
#include "record/outputs.h"

/* Tiles [first, end) that are read back in one go. */
struct stretch {
    uint64_t first, end;
};

/* ---- what comes next ---- */

static int need_not(const struct tw__member *member, uint64_t tile)
{
    return tw__set_has(member->checked, tile) || tw__where_skips(&member->outputs->where, tile);
}

/* The first tile of [from, to) that must be read back; `to`: there is none. */
static uint64_t first_in(const struct tw__member *member, uint64_t from, uint64_t to)
{
    while (from < to && need_not(member, from)) {
        from++;
    }
    return from;
}

/* xorshift64: good enough to choose whom to help. */
static uint64_t draw(uint64_t *random, uint64_t below)
{
    uint64_t x = *random | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *random = x;
    return (uint64_t)((__uint128_t)x * below >> 64);
}

/* Of the own share from the front, so that the others' are left to them; then from any place on, so that those who have
 * nothing left do not all read the same. With the lock. `count`: nothing is left. */
static uint64_t choose(const struct tw__member *member, uint64_t *random)
{
    const uint64_t count = member->ledger.count;
    uint64_t from, to;
    tw__portion_share(count, member->unit, member->node.index, member->node.count, &from, &to);
    const uint64_t own = first_in(member, from, to);
    if (own < to) {
        return own;
    }
    const uint64_t place = draw(random, count);
    const uint64_t behind = first_in(member, place, count);
    if (behind < count) {
        return behind;
    }
    const uint64_t before = first_in(member, 0, place);
    return before < place ? before : count;
}

/* ---- reading ---- */

/* Whether the tile has the bytes that were recorded. */
static tw_status is_right(const struct tw__member *member, uint64_t tile, struct tw__box *boxes, int *right,
                          tw_error *error)
{
    uint64_t sum = 0;
    const tw_outputs *outputs = member->outputs;
    const tw_status status = tw__content_sum(&sum, outputs, outputs->operands, boxes, tile, error);
    *right = status == TW_OK && sum == member->ledger.sums[tile];
    return status;
}

/* Whether somebody has read the tile meanwhile, or need not. */
static int is_next(struct tw__member *member, uint64_t tile)
{
    tw__lock(&member->lock);
    const int is = tile < member->ledger.count && !need_not(member, tile) && !member->found_wrong;
    tw__unlock(&member->lock);
    return is;
}

/* Reads from stretch->first on until the time is over or a tile is wrong, which is not of the stretch. All tiles are
 * recorded, so no checksum changes. */
static tw_status read_stretch(struct tw__member *member, int64_t nanoseconds, struct stretch *stretch, int *right,
                              tw_error *error)
{
    struct tw__box *boxes = malloc(TW_MAX_OPERANDS * sizeof *boxes);
    tw_status status = boxes != NULL ? TW_OK : tw__fail_memory(error, TW_MAX_OPERANDS * sizeof *boxes, "a check");
    const int64_t until = tw__now() + nanoseconds;
    *right = 1;
    do {
        (void)TW__POINT("node.read-back");
        status = status == TW_OK ? is_right(member, stretch->end, boxes, right, error) : status;
        stretch->end += (uint64_t)(status == TW_OK && *right);
    } while (status == TW_OK && *right && tw__now() < until && is_next(member, stretch->end));
    free(boxes);
    return status;
}

tw_status tw__read_back(struct tw__member *member, int64_t nanoseconds, uint64_t *random, int *all, tw_error *error)
{
    int right = 1;
    tw__lock(&member->lock);
    struct stretch stretch = {.first = choose(member, random)};
    const int is_over = stretch.first >= member->ledger.count;
    if (is_over) { /* whoever found a tile wrong said so before it was computed again, and read back by another */
        tw__member_refresh(member, INT_MAX);
    }
    *all = member->is_verified = is_over && !member->found_wrong;
    tw__unlock(&member->lock);
    if (is_over) {
        return TW_OK;
    }
    stretch.end = stretch.first;
    tw_status status = read_stretch(member, nanoseconds, &stretch, &right, error);
    if (status != TW_OK) { /* what was read may be no more: the caller sees why */
        return tw__member_is_there(member) ? status : TW_OK;
    }
    tw__lock(&member->lock);
    for (uint64_t tile = stretch.first; tile < stretch.end; tile++) {
        tw__set_add(member->checked, tile);
    }
    member->found_wrong |= !right;
    const int is_alone = member->npeers == 0;
    tw__unlock(&member->lock);
    if (!right) {
        return tw__member_say(member, TW__LOG_WRONG, stretch.end, 1, error);
    }
    return is_alone ? TW_OK
                    : tw__member_say(member, TW__LOG_READ_BACK, stretch.first, stretch.end - stretch.first, error);
}
