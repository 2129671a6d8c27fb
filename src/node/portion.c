/* portion.c - which tiles a node does next. portion.h says by what rules. */
#include "node/portion.h"

/* ---- shares ---- */

/* tile = count * node / nodes, without overflow. */
static uint64_t border_of(uint64_t count, uint64_t unit, uint64_t node, uint64_t nodes)
{
    const uint64_t whole = count / nodes, rest = count % nodes;
    const uint64_t border = whole * node + (uint64_t)((__uint128_t)rest * node / nodes);
    if (node >= nodes || unit <= 1 || count / nodes < 4 * unit) {
        return node >= nodes ? count : border;
    }
    return (border + unit / 2) / unit * unit; /* moves it by less than an eighth of a share */
}

void tw__portion_share(uint64_t count, uint64_t unit, int64_t node, int64_t nodes, uint64_t *from, uint64_t *to)
{
    *from = border_of(count, unit, (uint64_t)node, (uint64_t)nodes);
    *to = border_of(count, unit, (uint64_t)node + 1, (uint64_t)nodes);
}

/* ---- sets ---- */

/* Bits of 64 tiles from the multiple of 64 on: those that no node has tried. */
static uint64_t untried_word(const struct tw__portion *portion, uint64_t word)
{
    return ~(portion->done[word] | portion->meant[word]);
}

static uint64_t late_word(const struct tw__portion *portion, uint64_t word)
{
    return ~portion->done[word] & portion->late[word];
}

typedef uint64_t word_of(const struct tw__portion *portion, uint64_t word);

/* `word` cut to the tiles of [from, to). */
static uint64_t cut_word(uint64_t bits, uint64_t word, uint64_t from, uint64_t to)
{
    const uint64_t begin = word * 64;
    if (from > begin) {
        bits &= from - begin < 64 ? UINT64_MAX << (from - begin) : 0;
    }
    if (to < begin + 64) {
        bits &= to > begin ? UINT64_MAX >> (begin + 64 - to) : 0;
    }
    return bits;
}

static uint64_t count_in(const struct tw__portion *portion, word_of *bits_of, uint64_t from, uint64_t to)
{
    uint64_t count = 0;
    for (uint64_t word = from / 64; word * 64 < to; word++) {
        count += (uint64_t)__builtin_popcountll(cut_word(bits_of(portion, word), word, from, to));
    }
    return count;
}

/* The first tile of the kind in [from, to); `to`: there is none. */
static uint64_t first_in(const struct tw__portion *portion, word_of *bits_of, uint64_t from, uint64_t to)
{
    for (uint64_t word = from / 64; word * 64 < to; word++) {
        const uint64_t bits = cut_word(bits_of(portion, word), word, from, to);
        if (bits != 0) {
            return word * 64 + (uint64_t)__builtin_ctzll(bits);
        }
    }
    return to;
}

/* ---- rounds ---- */

static int is_barrier(const struct tw__portion *portion, uint64_t tile)
{
    return tw__set_has(portion->meant, tile) && !tw__set_has(portion->done, tile);
}

/* From `first` on, which no node has tried: up to `wanted` such tiles, before `to` and before what another one means.
 */
static void take_front(const struct tw__portion *portion, uint64_t first, uint64_t to, uint64_t wanted,
                       struct tw__round *round)
{
    uint64_t end = first, tile = first;
    for (uint64_t taken = 0; tile < to && taken < wanted && !is_barrier(portion, tile); tile++) {
        if (!tw__set_has(portion->done, tile)) {
            taken++;
            end = tile + 1;
        }
    }
    round->first = first;
    round->count = end - first;
}

/* The same backwards from `end`, one past a tile that no node has tried. */
static void take_back(const struct tw__portion *portion, uint64_t from, uint64_t end, uint64_t wanted,
                      struct tw__round *round)
{
    uint64_t first = end, tile = end;
    for (uint64_t taken = 0; tile > from && taken < wanted && !is_barrier(portion, tile - 1); tile--) {
        if (!tw__set_has(portion->done, tile - 1)) {
            taken++;
            first = tile - 1;
        }
    }
    round->first = first;
    round->count = end - first;
}

/* A quarter: half of a share on a node that is slow would last longer than all the rest of the job on the others. */
static uint64_t quarter_of(const struct tw__portion *portion, uint64_t left)
{
    const uint64_t least = portion->least > 0 ? portion->least : 1;
    const uint64_t quarter = left / 4 + (left % 4 != 0);
    const uint64_t wanted = quarter > least ? quarter : least;
    return left - (wanted < left ? wanted : left) < least / 2 ? left : wanted; /* no crumbs */
}

/* xorshift64*: good enough to choose whom to help. */
static uint64_t draw(struct tw__portion *portion, uint64_t below)
{
    uint64_t x = portion->random != 0 ? portion->random : UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    portion->random = x;
    return (uint64_t)((__uint128_t)(x * UINT64_C(2685821657736338717)) * below >> 64);
}

/* The interval of a node in the step. */
static void share_of(const struct tw__portion *portion, int64_t node, uint64_t *from, uint64_t *to)
{
    tw__portion_share(portion->count, portion->unit, node, portion->nodes, from, to);
    *from += portion->first;
    *to += portion->first;
}

static int take_own(struct tw__portion *portion, struct tw__round *round)
{
    uint64_t from, to;
    share_of(portion, portion->node, &from, &to);
    const uint64_t left = count_in(portion, untried_word, from, to);
    if (left == 0) {
        return 0;
    }
    round->kind = TW__ROUND_OWN;
    take_front(portion, first_in(portion, untried_word, from, to), to, quarter_of(portion, left), round);
    return 1;
}

/* The node whose interval has this tile. */
static uint64_t owner_of(const struct tw__portion *portion, uint64_t tile)
{
    uint64_t low = 0, high = (uint64_t)portion->nodes;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (portion->first + border_of(portion->count, portion->unit, middle, (uint64_t)portion->nodes) <= tile) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Any tile of the kind. Those of a share or of an intent are neighbours: were it always the first of them, or the last,
 * then all who help, and do not see each other yet, would do the same. 0: there is none. */
static int draw_tile(struct tw__portion *portion, word_of *bits_of, uint64_t *tile)
{
    const uint64_t first = portion->first, end = first + portion->count;
    const uint64_t count = count_in(portion, bits_of, first, end);
    if (count == 0) {
        return 0;
    }
    uint64_t skip = draw(portion, count);
    for (uint64_t word = first / 64;; word++) {
        uint64_t bits = cut_word(bits_of(portion, word), word, first, end);
        const uint64_t here = (uint64_t)__builtin_popcountll(bits);
        if (skip >= here) {
            skip -= here;
            continue;
        }
        for (; skip > 0; skip--) {
            bits &= bits - 1;
        }
        *tile = word * 64 + (uint64_t)__builtin_ctzll(bits);
        return 1;
    }
}

/* When the first node helps, the others are about to: of all that no node has tried it takes half of an equal part. */
static uint64_t most_of_help(const struct tw__portion *portion)
{
    const uint64_t left = count_in(portion, untried_word, portion->first, portion->first + portion->count);
    const uint64_t most = left / ((uint64_t)portion->nodes * 2) + 1, least = portion->least > 0 ? portion->least : 1;
    return most > least ? most : least;
}

/* The owner of a tile that no node has tried is helped. */
static int take_of_another(struct tw__portion *portion, struct tw__round *round)
{
    uint64_t from, to, tile;
    if (!draw_tile(portion, untried_word, &tile)) {
        return 0;
    }
    share_of(portion, (int64_t)owner_of(portion, tile), &from, &to);
    const uint64_t left = count_in(portion, untried_word, from, to);
    const uint64_t wanted = quarter_of(portion, left), most = most_of_help(portion);
    round->kind = TW__ROUND_HELP;
    take_back(portion, from, tile + 1, wanted < most ? wanted : most, round);
    return 1;
}

static int take_again(struct tw__portion *portion, struct tw__round *round)
{
    const uint64_t end = portion->first + portion->count, least = portion->least > 0 ? portion->least : 1;
    uint64_t tile;
    if (!draw_tile(portion, late_word, &tile)) {
        return 0;
    }
    round->kind = TW__ROUND_AGAIN;
    round->first = tile;
    round->count = 1;
    while (round->count < least && tile + round->count < end &&
           (late_word(portion, (tile + round->count) / 64) >> (tile + round->count) % 64 & 1) != 0) {
        round->count++;
    }
    return 1;
}

void tw__portion_next(struct tw__portion *portion, struct tw__round *round)
{
    *round = (struct tw__round){.kind = TW__ROUND_NONE};
    if (portion->count > 0 && !take_own(portion, round) && !take_of_another(portion, round)) {
        (void)take_again(portion, round);
    }
}
