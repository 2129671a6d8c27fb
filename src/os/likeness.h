/* likeness.h - what says who may do what with a file: mode, owner, group, access list, further attributes; given to the
 * file that will take another one's place. */
#ifndef TW_OS_LIKENESS_H
#define TW_OS_LIKENESS_H

#include <stddef.h>

#define TW__LIKENESS_TEXT 256

/* Makes the open regular file fd like the open file `like`. At no instant may anybody do more with it than with `like`,
 * except this user. lost[TW__LIKENESS_TEXT]: what could not be kept, "its owner (user 1000)"; "" where all was. Where
 * the group is lost, its members get no more than everybody. 0, or an errno: `like` cannot be looked at. */
int tw__likeness_take(int fd, int like, char *lost);

/* Opens `name` in the open folder to be looked at, for the call above: also if it may not be read. 0, or an errno.
 */
int tw__likeness_open(int *fd, int folder, const char *name);

#endif
