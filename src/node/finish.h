/* finish.h - the end of a job on nodes: what was recorded is looked at again where that is needed, the outputs get
 * their names, the run folder goes. */
#ifndef TW_NODE_FINISH_H
#define TW_NODE_FINISH_H

#include "node/member.h"

/* Reads the recorded tiles from `first` on, and before `end`, back. Those whose bytes are not those that were recorded
 * are missing again: in the ledger, and in words[tiles], if that is not NULL, which workers then may run. With the
 * lock. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__member_verify(struct tw__member *member, uint64_t first, uint64_t end, _Atomic uint32_t *words,
                            uint64_t *dropped, tw_error *error);

/* TW_ERROR_JOURNAL: names the tile with two checksums and the nodes that computed them. */
tw_status tw__member_fail_disputed(struct tw__member *member, tw_error *error);

/* TW_ERROR_JOURNAL: names the tile of which this node has computed other bytes than the finished files contain. */
tw_status tw__member_fail_late(const struct tw__member *member, tw_error *error);

/* Gives the outputs their names and removes the folder, or finds that this was done. Errors: TW_ERROR_ARGUMENT (tiles
 * are missing), TW_ERROR_JOURNAL (two nodes computed different bytes), TW_ERROR_FILE, TW_ERROR_DISK. */
tw_status tw__member_commit(struct tw__member *member, tw_error *error);

#endif
