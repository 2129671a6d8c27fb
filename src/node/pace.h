/* pace.h - how fast nodes are, by what their journals say, and which of them are late by that. */
#ifndef TW_NODE_PACE_H
#define TW_NODE_PACE_H

#include "node/member.h"

#define TW__MOST_PAUSE INT64_C(10000000000) /* nanoseconds from one batch of records to the next */

/* What a node is given beyond the time of its tiles: a disk or a server that is busy may keep it waiting in its first
 * sync, before anybody knows how long its syncs take. */
#define TW__LEAST_PATIENCE INT64_C(2000000000)

/* Nanoseconds of a tile, by the time that `done` of them took; 0: that is not known. */
int64_t tw__pace_of(int64_t worked, uint64_t done);

/* ... of this member's tiles, and of the slowest node's. */
int64_t tw__pace_own(const struct tw__member *member);
int64_t tw__pace_longest(const struct tw__member *member);

/* Whether the peer is a process of this machine that is no more. */
int tw__pace_is_dead(const struct tw__member *member, const struct tw__peer *peer);

/* Whether the `left` tiles that the peer means to do should have been recorded by now. longest: tw__pace_longest. */
int tw__pace_is_late(const struct tw__member *member, const struct tw__peer *peer, uint64_t left, int64_t longest);

#endif
