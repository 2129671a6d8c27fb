/* content.h - what the finished files of a job contain, as one number: a checksum of the checksums of its tiles, which
 * the journals have. So a file whose time stamp has moved is still known by its bytes, without a second pass over it
 * when it is made. */
#ifndef TW_NODE_CONTENT_H
#define TW_NODE_CONTENT_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "record/outputs.h"
#include "record/written.h"

/* *sum: of what the tile's part of every output has now, as workers compute it. arrays: the job's operands; boxes:
 * [TW_MAX_OPERANDS], for its use. Errors: those of tw__store_view. */
tw_status tw__content_sum(uint64_t *sum, const tw_outputs *outputs, tw_array *const *arrays, struct tw__box *boxes,
                          uint64_t tile, tw_error *error);

/* The number, by the checksums of all tiles. 0: they do not say it: a mask leaves tiles out, some elements of an output
 * have no checksum apart from what steps leave for later ones, or there is no memory. */
uint64_t tw__content_of(const tw_outputs *outputs, const uint64_t *sums);

/* Whether the files that have the final names contain that. Reads them. 0, too: that cannot be seen. */
int tw__content_is_there(const tw_outputs *outputs, uint64_t content);

#endif
