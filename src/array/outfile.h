/* outfile.h - a .npy file that is being written: PATH.part, locked, until it becomes PATH. */
#ifndef TW_ARRAY_OUTFILE_H
#define TW_ARRAY_OUTFILE_H

#include <tilework/tilework.h>

struct tw__outfile;

/* Removes PATH.part, unless it is no longer this file or this process is a child of the one that made it. NULL is
 * allowed. */
void tw__outfile_abandon(struct tw__outfile *outfile);

#endif
