/* target.h - where an output goes: the file that it will be, links followed, and what it keeps of the file that it
 * replaces. */
#ifndef TW_STORE_TARGET_H
#define TW_STORE_TARGET_H

#include <tilework/tilework.h>

/* Gives the open file fd what the file `name` in the open folder has: mode, owner, group, access list, attributes;
 * nothing if there is none. *note (malloc): what cannot be kept of it, a sentence that begins with `shown`; NULL:
 * nothing. Errors: TW_ERROR_FILE, TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
tw_status tw__target_take(int fd, int folder, const char *name, const char *shown, char **note, tw_error *error);

#endif
