/* notice.h - which tiles of a job have been reported as done, each of them once, in the order in which they are
 * noticed. Integers alone. */
#ifndef TW_POOL_NOTICE_H
#define TW_POOL_NOTICE_H

#include <stdatomic.h>
#include <stdint.h>

#include <tilework/tilework.h>

struct tw__notice {
    int (*tell)(void *user, int64_t tile); /* not 0: nothing more is wanted, and the job must end */
    void *user;
    uint64_t *reported; /* [tiles / 64 rounded up] a bit a tile */
    uint64_t looked;    /* how many tiles had ended at the last look */
    uint64_t lowest;    /* all tiles below have been reported, or need not be */
    int ended;          /* nothing more is wanted */
};

/* For a job of so many tiles. Errors: TW_ERROR_MEMORY. */
tw_status tw__notice_init(struct tw__notice *notice, int (*tell)(void *user, int64_t tile), void *user, uint64_t tiles,
                          tw_error *error);
void tw__notice_fini(struct tw__notice *notice);

/* Reports the tiles in [first, end) whose words say done and that have not been reported; those that were done before
 * the job are not. `ended`: how many tiles have ended: nothing is read as long as that is what it was at the last look.
 * Returns notice->ended. */
int tw__notice_look(struct tw__notice *notice, const _Atomic uint32_t *words, uint64_t first, uint64_t end,
                    uint64_t ended);

/* Reports one tile. */
void tw__notice_tell(struct tw__notice *notice, uint64_t tile);

#endif
