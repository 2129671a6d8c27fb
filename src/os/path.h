/* path.h - paths: where symbolic links lead, and which part of a path is to blame if a call on it failed. */
#ifndef TW_OS_PATH_H
#define TW_OS_PATH_H

#include <tilework/tilework.h>

/* Where the symbolic links lead that `path` itself may be, one after the other (links among its folders are the
 * system's business): *file (malloc) is `path` as it stands if it is no link. What the last one names need not
 * exist. 0, or an errno: ELOOP, EACCES (the system follows no such link), ESTALE (it leads to something that has no
 * name). */
int tw__path_follow(char **file, const char *path);

/* Whether this user may make files beside `path`: 0, or an errno of its folder (EACCES, EROFS, ENOENT, ...). */
int tw__path_may_make(const char *path);

/* Whether a file beside it may take the name of the file `path`: 0, or EPERM: it may not be changed or only be added to
 * (chattr), or it belongs to another user and its folder keeps users' files apart, as /tmp does. */
int tw__path_may_replace(const char *path);

/* Whether both paths name the same file, which need not exist: the same name in the same folder. */
int tw__path_is_same(const char *one, const char *other);

/* How many bytes a name may have in the folder of `path`; -1: that is not known. */
int64_t tw__path_name_max(const char *path);

/* Fails with "PATH: WHAT: CAUSE", where errno `failed` came of a call on `path`: the cause names the folder that is not
 * there, the file that stands where a folder should, the link that leads nowhere, the limit of open files. */
tw_status tw__fail_path(tw_error *error, int failed, const char *path, const char *what);

#endif
