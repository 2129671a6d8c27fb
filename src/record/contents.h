/* contents.h - the checksum of all elements of an array, which says whether an input is the one of an earlier run. */
#ifndef TW_RECORD_CONTENTS_H
#define TW_RECORD_CONTENTS_H

#include <tilework/tilework.h>

/* What the first values of an array were: the state of the file that they come from, else "contents with checksum
 * 0123456789abcdef". Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__contents_text(const tw_array *array, char *text, size_t size, tw_error *error);

#endif
