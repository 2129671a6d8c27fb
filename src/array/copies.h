/* copies.h - large copies between arrays in memory, by all cores. */
#ifndef TW_ARRAY_COPIES_H
#define TW_ARRAY_COPIES_H

#include <tilework/tilework.h>

/* As tw__view_copy; from some MiB on by all cores. Not in a worker: it starts threads, which have ended when it
 * returns. */
void tw__copy(const tw_view *destination, const tw_view *source);

#endif
