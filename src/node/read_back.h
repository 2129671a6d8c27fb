/* read_back.h - the last look at all tiles of a job, which its nodes share. Each reads back some of what no node has
 * read since all tiles were recorded, and says in its journal which of them are right; the job may be committed when
 * each of them was. Only what a node sees while it is there counts: what was read back hours before it came is read
 * again. And as soon as one node finds a tile wrong, which must never happen, each of them trusts its own eyes alone
 * (finish.h, tw__member_verify): what is computed again may cost its neighbours their bytes. */
#ifndef TW_NODE_READ_BACK_H
#define TW_NODE_READ_BACK_H

#include "node/member.h"

/* Whether it is still needed. Where a tile was found wrong, nobody believes the file system: a file server that takes
 * part trusts its own disk, and clients have written there. */
static inline int tw__reads_back(const struct tw__member *member)
{
    return !member->is_verified && !member->is_committed &&
           (!member->is_coherent || member->verifies || member->found_wrong);
}

/* Reads back for about `nanoseconds`, without the lock: of this node's share first, then anywhere. *all: every tile was
 * read back, here or elsewhere, and is right, as member->is_verified says then. member->found_wrong: some node has
 * found one that is not. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__read_back(struct tw__member *member, int64_t nanoseconds, uint64_t *random, int *all, tw_error *error);

#endif
