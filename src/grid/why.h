/* why.h - why automatic tiles leave a job whole, in one sentence. */
#ifndef TW_GRID_WHY_H
#define TW_GRID_WHY_H

#include <tilework/tilework.h>

enum { TW__WHY_TEXT = 256 };

/* why[TW__WHY_TEXT]: for a job that tw__automatic_splits left whole; it names the axis that would have to be cut, and
 * how that is asked for. */
void tw__why_whole(char *why, const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options);

#endif
