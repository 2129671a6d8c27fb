/* folder.h - a folder that no other user can put files into. */
#ifndef TW_OS_FOLDER_H
#define TW_OS_FOLDER_H

#include <stddef.h>

/* Makes the folder and the missing ones above it, 0700. Returns 0, or an errno. A folder that is there is fine. */
int tw__folder_make(const char *path);

/* Says why files in this folder are not to be trusted: it is a symbolic link or no folder, belongs to another user, or
 * others may write to it. Returns 0 where it is sound, -1 with the reason in why[size], or an errno where it cannot be
 * looked at (ENOENT: it is not there). */
int tw__folder_check(const char *path, char *why, size_t size);

#endif
