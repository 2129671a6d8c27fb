/* filesystem.h - which file system a file is on, and whether machines that write different bytes of one of its files
 * may disturb each other. */
#ifndef TW_OS_FILESYSTEM_H
#define TW_OS_FILESYSTEM_H

#include <stdint.h>

struct tw__filesystem {
    const char *name;   /* "ext4", "nfs"; "unknown" for one that is not in the list. Static */
    uint32_t type;      /* as statfs(2) gives it */
    int is_coherent;    /* bytes that one machine writes never cost another machine's bytes beside them, and are read by
                           all at once: one machine's own file systems, and cluster file systems that promise it. 0: NFS,
                           SMB, FUSE, 9p and all that are unknown: clients keep pages, and may write them back whole */
    int writes_exactly; /* not coherent, but a descriptor opened with O_DSYNC writes no byte beside those given: NFS */
};

/* The file system of an open file or folder. 0, or an errno. */
int tw__filesystem_of(struct tw__filesystem *filesystem, int fd);

/* The shortest piece that should be written to files of an open folder: a page of this machine; 0: of any length, since
 * the file system is coherent, or cannot be asked. */
int64_t tw__filesystem_piece(int folder);

/* The same of a type's number alone: for tests, and for what was written down. */
void tw__filesystem_known(struct tw__filesystem *filesystem, uint32_t type);

#endif
