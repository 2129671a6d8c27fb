/* portion.h - which tiles a node does next: shares, rounds, whom to help, what to do twice. Integers alone: knows no
 * files, no time and no other process but by what it is given, so that a simulator can replay it.
 *
 * A step has `count` tiles. Node K of N owns an interval of them. It takes a quarter of what no node has tried of its
 * own, from the front: a round. Each round is an intent that the others see. When nothing is left there it helps: some
 * of what no node has tried in another node's interval, from the end. When there is nothing untried at all, it does
 * tiles that somebody else meant to do and that are late: so that a node that was stopped or killed blocks nobody. All
 * this is a matter of speed: a tile may be done by any number of nodes. */
#ifndef TW_NODE_PORTION_H
#define TW_NODE_PORTION_H

#include <stdint.h>

/* The tiles of one step, and sets of tiles: bit t of tile t of the job. */
struct tw__portion {
    uint64_t first, count;
    int64_t node, nodes;   /* this one, of how many */
    uint64_t unit;         /* borders between nodes are multiples of so many tiles, where the step has enough; 0: 1 */
    uint64_t least;        /* tiles of the smallest round */
    const uint64_t *done;  /* that need not be begun: recorded by somebody, or done here */
    const uint64_t *meant; /* that are in another's intent, or have failed */
    const uint64_t *late;  /* ... which should have been done by now, or which another one reaches only much later */
    uint64_t random;       /* state of the generator; any */
};

enum tw__round_kind {
    TW__ROUND_NONE, /* everything is done or meant, and nothing is late: wait */
    TW__ROUND_OWN,
    TW__ROUND_HELP,
    TW__ROUND_AGAIN /* what another one meant to do */
};

/* Tiles [first, first + count). Those of them that are done are passed over; none is meant, unless it is AGAIN. */
struct tw__round {
    enum tw__round_kind kind;
    uint64_t first, count;
};

/* [*from, *to): the interval of node `node` of `nodes`, in a step that begins at tile 0. */
void tw__portion_share(uint64_t count, uint64_t unit, int64_t node, int64_t nodes, uint64_t *from, uint64_t *to);

/* What this node does next. */
void tw__portion_next(struct tw__portion *portion, struct tw__round *round);

/* For sets of tiles. */
static inline int tw__set_has(const uint64_t *set, uint64_t tile)
{
    return (int)(set[tile / 64] >> tile % 64 & 1);
}

static inline void tw__set_add(uint64_t *set, uint64_t tile)
{
    set[tile / 64] |= (uint64_t)1 << tile % 64;
}

static inline void tw__set_remove(uint64_t *set, uint64_t tile)
{
    set[tile / 64] &= ~((uint64_t)1 << tile % 64);
}

#endif
