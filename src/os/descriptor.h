/* descriptor.h - descriptors of ours stay off 0, 1 and 2. */
#ifndef TW_OS_DESCRIPTOR_H
#define TW_OS_DESCRIPTOR_H

/* Moves a new descriptor to 3 or above if it is below, close-on-exec. Returns where it is now; -1, with errno set
 * and nothing left open, if there is no room above, or if fd is -1 already. */
int tw__descriptor_lift(int fd);

/* A pipe with both ends at 3 or above, close-on-exec. 0, or an errno. */
int tw__pipe(int ends[2]);

#endif
