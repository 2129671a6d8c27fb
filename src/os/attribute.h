/* attribute.h - short texts that a file carries beside its contents, where its file system has such a thing. */
#ifndef TW_OS_ATTRIBUTE_H
#define TW_OS_ATTRIBUTE_H

#include <stddef.h>

/* What says which job on several nodes a finished file is of (store/shared_mark.h). A file that takes another one's
 * place does not inherit it. */
#define TW__MARK_ATTRIBUTE "user.tilework.job"

/* Functions return 0, or an errno: EOPNOTSUPP and others where the file system has no attributes, ENODATA where the
 * file has none of that name. */

/* Gives the open file the attribute `name`, "user.tilework.job". */
int tw__attribute_set(int fd, const char *name, const char *text);

/* Reads it as a text of at most size - 1 bytes (ERANGE). */
int tw__attribute_get(int fd, const char *name, char *text, size_t size);

int tw__attribute_remove(int fd, const char *name);

#endif
