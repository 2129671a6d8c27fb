/* pace.c - how fast nodes are, and which of them are late by that. Compares no clock of another machine. */
#include "node/pace.h"

#include <string.h>

#include "os/process.h"

/* Nanoseconds after which an intent is late while no tile of the job is done. */
#define FIRST_PATIENCE INT64_C(10000000000)

/* Than here: a node that was stopped for hours counts them as work, and others would wait for it as long. */
#define MOST_TIMES_SLOWER 8

/* Nanoseconds of this member's tiles; 0: it has none. */
int64_t tw__pace_of(int64_t worked, uint64_t done)
{
    return done > 0 && worked > 0 ? worked / (int64_t)done + 1 : 0;
}

int64_t tw__pace_own(const struct tw__member *member)
{
    return tw__pace_of(member->worked, member->recorded + (uint64_t)member->npending);
}

/* What a tile takes nodes of which nothing else is known: the longest of all. */
int64_t tw__pace_longest(const struct tw__member *member)
{
    int64_t longest = tw__pace_own(member);
    for (int p = 0; p < member->npeers; p++) {
        const int64_t cost = tw__pace_of(member->peers[p].state.worked, member->peers[p].state.done);
        longest = cost > longest ? cost : longest;
    }
    return longest;
}

/* A process of this machine that is no more. A mistake (another machine of the same name) costs tiles done twice. */
int tw__pace_is_dead(const struct tw__member *member, const struct tw__peer *peer)
{
    return peer->state.ended ||
           (strcmp(peer->who.host, member->log.who.host) == 0 && tw__process_is_gone((int)peer->who.pid));
}

/* Whether the `left` tiles that the peer means to do should have been recorded by now. */
int tw__pace_is_late(const struct tw__member *member, const struct tw__peer *peer, uint64_t left, int64_t longest)
{
    const struct tw__log_state *state = &peer->state;
    if (state->failed || (peer->who.node == member->node.index && peer->who.nodes == member->node.count)) {
        return 1; /* an earlier start of this node: it was most likely killed */
    }
    const int64_t here = tw__pace_own(member);
    int64_t cost = tw__pace_of(state->worked, state->done);
    cost = cost > 0 ? cost : longest;
    cost = here > 0 && cost / MOST_TIMES_SLOWER > here ? here * MOST_TIMES_SLOWER : cost;
    const int64_t pause = state->pause < TW__MOST_PAUSE ? state->pause : TW__MOST_PAUSE;
    const int64_t patience = 2 * pause > TW__LEAST_PATIENCE ? 2 * pause : TW__LEAST_PATIENCE;
    const int64_t since = peer->seen_at > peer->moved_at ? peer->seen_at : peer->moved_at;
    const double expected = cost > 0 ? 1.25 * (double)cost * (double)left + (double)patience : (double)FIRST_PATIENCE;
    return (double)(peer->read_at - since) > expected; /* with many nodes a look at each takes its time */
}
