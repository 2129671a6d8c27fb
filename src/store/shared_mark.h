/* shared_mark.h - which job a finished file is of: a text that stays with the file, so that whoever comes later to do
 * the same job finds it done, and another job's file is not taken for this one's.
 *
 * It is the attribute `user.tilework.job` of the file. Where the file system has no attributes it is the file
 * `.NAME.job` beside it, which says too how long the file NAME is and when it was last written: a file that has come in
 * its place since has no mark, and neither has one that was written to since, unless whoever asks knows the bytes that
 * it must have and compares them. The first line of the text says which job it is; what follows is for people. */
#ifndef TW_STORE_SHARED_MARK_H
#define TW_STORE_SHARED_MARK_H

#include <tilework/tilework.h>

#include "os/file.h"

#define TW__MARK_SIZE 2048 /* bytes of a mark's text, with the zero */

/* Marks the open file fd, which has or will get the name `name` in the open folder. `aside`: an open folder on the same
 * file system, in which the mark is made first if it is a file. Waits until it is on the disk, but for the attribute,
 * which a sync of the file brings there. 0, or an errno. */
int tw__shared_mark_write(int fd, int folder, const char *name, int aside, const char *text);

/* The mark of the file `name` in the open folder. 0, or an errno: ENOENT there is no such file, ENODATA it has no mark.
 */
int tw__shared_mark_read(int folder, const char *name, char text[TW__MARK_SIZE]);

/* The same, also of a file that was written to since its mark was made, and that is as long as it was then: *is_older.
 * What it contains now may be anything. info: the file as it was just before. */
int tw__shared_mark_read_older(int folder, const char *name, char text[TW__MARK_SIZE], struct tw__file_info *info,
                               int *is_older);

/* Makes such a mark anew: the file, as info describes it, has the bytes that it must have. 0, or an errno. */
int tw__shared_mark_renew(int folder, const char *name, const struct tw__file_info *info, const char *text);

/* Whether two marks are of the same job: whether their first lines are equal. */
int tw__shared_mark_is(const char *one, const char *other);

/* Takes the mark away, if there is one: the file will be computed again, or was replaced by one that no job on nodes
 * made. 0, or an errno. */
int tw__shared_mark_remove(int folder, const char *name);

#endif
