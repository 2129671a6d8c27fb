/* flat_folder.h - a folder of files that is made whole, renamed, listed and removed, by names in an open folder. Flat:
 * what is in it are files alone. Functions that return int: 0, or an errno. */
#ifndef TW_OS_FLAT_FOLDER_H
#define TW_OS_FLAT_FOLDER_H

#include <stddef.h>

/* Makes a new folder "NAME.make-XXXXXX", X random, in the open folder `parent`; its name is made[size]. Whom the umask
 * lets may enter it. */
int tw__flat_folder_make(int parent, const char *name, char *made, size_t size);

/* Opens a folder; a symbolic link is refused (ELOOP or ENOTDIR). */
int tw__flat_folder_open(int *folder, int parent, const char *name);

/* Calls f(name, user) for everything in the open folder, "." and ".." apart, read anew; f returns 0 to continue. */
int tw__flat_folder_each(int folder, int (*f)(const char *name, void *user), void *user);

/* Removes the folder and the files in it. One that is not there is removed. Files that come into being meanwhile are
 * removed too, as long as that does not go on and on. */
int tw__flat_folder_remove(int parent, const char *name);

/* Opens a file in the open folder to read it, close-to-open: what other machines wrote and closed is seen. */
int tw__flat_folder_open_file(int *fd, int folder, const char *name);

/* Random characters of which names are made. */
void tw__flat_folder_random_name(char *text, size_t length);

/* The name of this machine. */
void tw__flat_folder_host(char *text, size_t size);

#endif
