/* notice.c - reports tiles that are done, from their words. Knows neither workers nor what a tile is. */
#include "pool/notice.h"

#include <stdlib.h>

#include "base/error.h"
#include "pool/claims.h"

tw_status tw__notice_init(struct tw__notice *notice, int (*tell)(void *user, int64_t tile), void *user, uint64_t tiles,
                          tw_error *error)
{
    *notice = (struct tw__notice){.tell = tell, .user = user};
    notice->reported = calloc((size_t)(tiles / 64 + 1), sizeof *notice->reported);
    return notice->reported != NULL ? TW_OK
                                    : tw__fail_memory(error, (size_t)(tiles / 8 + 1), "the tiles that are reported");
}

void tw__notice_fini(struct tw__notice *notice)
{
    free(notice->reported);
    notice->reported = NULL;
}

void tw__notice_tell(struct tw__notice *notice, uint64_t tile)
{
    if (!notice->ended) {
        notice->reported[tile / 64] |= UINT64_C(1) << tile % 64;
        notice->ended = notice->tell(notice->user, (int64_t)tile) != 0;
    }
}

int tw__notice_look(struct tw__notice *notice, const _Atomic uint32_t *words, uint64_t first, uint64_t end,
                    uint64_t ended)
{
    if (ended == notice->looked || notice->ended) {
        return notice->ended;
    }
    notice->looked = ended;
    int all = 1; /* every tile so far has ended */
    for (uint64_t tile = notice->lowest > first ? notice->lowest : first; tile < end && !notice->ended; tile++) {
        if (!(notice->reported[tile / 64] >> tile % 64 & 1)) {
            /* acquire: with the word come the elements */
            const uint32_t word = atomic_load_explicit(&words[tile], memory_order_acquire);
            const int is_done = TW__WORD_STATE(word) == TW_TILE_DONE;
            if (is_done && (word & TW__WORD_BEFORE) == 0) {
                tw__notice_tell(notice, tile);
            }
            all &= is_done || TW__WORD_STATE(word) == TW_TILE_FAILED;
        }
        notice->lowest = all ? tile + 1 : notice->lowest;
    }
    return notice->ended;
}
