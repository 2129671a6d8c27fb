/* shared_file.h - a file whose bytes several processes write, perhaps on several machines: every byte is written by who
 * owns it, and no byte beside it is written with it.
 *
 * A client of NFS, and others that keep pages, may write a page back whole although a part of it was changed: what
 * another machine has written to the rest of that page is lost. Linux's NFS client does not if the page is not up to
 * date and the file is open for writing alone, or if it is open with O_DSYNC. FUSE with its write-back cache does all
 * the same, and goes past the cache only with O_DIRECT (seen in tests/nodes/nfs). So, on a file system that is not
 * known to be coherent: a descriptor that only writes for whole pages; one for the odd ends of a piece, which writes
 * synchronously, and past the cache if the file system is not NFS and takes direct writes of any bytes; and a third
 * that only reads, past the cache where the system allows that. Nothing is ever mapped. */
#ifndef TW_OS_SHARED_FILE_H
#define TW_OS_SHARED_FILE_H

#include <stddef.h>
#include <stdint.h>

struct tw__shared_file {
    int fd;                 /* coherent: all; else writes whole pages. -1: not open */
    int strict;             /* not coherent: writes parts of pages; else -1 */
    int reader;             /* not coherent: reads; else -1 */
    int reads_past_cache;   /* of the reader: it wants whole pages */
    int64_t page;           /* bytes of a page of this machine */
    uint64_t device, inode; /* of the file that was opened */
};

#define TW__SHARED_FILE_NONE ((struct tw__shared_file){.fd = -1, .strict = -1, .reader = -1})

/* Opens a file that is there. Functions that return int: 0, or an errno. */
int tw__shared_file_open(struct tw__shared_file *file, int folder, const char *name, int is_coherent);
void tw__shared_file_close(struct tw__shared_file *file);

/* Whether the descriptors are still the file's: a kernel may have closed one and opened a file of its own. */
int tw__shared_file_is_open(const struct tw__shared_file *file);

/* Whole transfers; a file that ends too early is EIO. */
int tw__shared_file_write(const struct tw__shared_file *file, const void *data, size_t length, int64_t offset);

/* Reads what is in the file, and not what this machine remembers of it. */
int tw__shared_file_read(const struct tw__shared_file *file, void *data, size_t length, int64_t offset);

/* Returns when all that was written is on the disk. */
int tw__shared_file_sync(const struct tw__shared_file *file);

#endif
