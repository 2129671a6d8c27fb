/* folder.h - folders for files of this user: where they are, who else can put files into them, what is in them. */
#ifndef TW_OS_FOLDER_H
#define TW_OS_FOLDER_H

#include <stddef.h>

/* Makes the folder and the missing ones above it, 0700. Returns 0, or an errno. A folder that is there is fine. */
int tw__folder_make(const char *path);

/* Whether this user may make files there and have them run: 0, or an errno, ENOEXEC if the file system is mounted
 * without execution. */
int tw__folder_ready(const char *path);

/* Whether files there can be taken for this user's: not if others may write to the folder and it is not sticky. */
int tw__folder_keeps_names(const char *path);

/* The home folder that the system has on record for this user (malloc); NULL: none. */
char *tw__folder_home(void);

/* A home folder is there, and this user is not root in somebody else's. */
int tw__folder_is_own_home(const char *path);

struct tw__file_info;

/* Calls f(name, what it is, user) for everything in the folder; nothing if it cannot be read. */
void tw__folder_each(const char *path, void (*f)(const char *name, const struct tw__file_info *info, void *user),
                     void *user);

/* Says why files in this folder are not to be trusted: it is a symbolic link or no folder, belongs to another user, or
 * others may write to it. Returns 0 if it is sound, -1 with the reason in why[size] (-2: the owner is the reason),
 * or an errno if it cannot be looked at (ENOENT: it is not there). */
int tw__folder_check(const char *path, char *why, size_t size);

#endif
