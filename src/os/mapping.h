/* mapping.h - which mapping of this process an address lies in, as the system says. */
#ifndef TW_OS_MAPPING_H
#define TW_OS_MAPPING_H

#include <stddef.h>
#include <stdint.h>

/* A mapping, or several of one file that follow each other without a gap, in memory and in the file. */
struct tw__mapping {
    uint64_t start, end; /* addresses */
    uint64_t device, inode, offset;
    uint64_t name; /* hash of the file's name now: snapshots of a file system may have device and inode in common */
    int is_shared; /* MAP_SHARED, of a file or of shared memory: a process that has it sees what others write to it. Not
                      for devices, whose memory may be of another kind */
    int is_writable;
};

/* The mapping that contains all of [address, address + length), length > 0. 0; ENOENT: there is none, or parts of the
 * range lie in different ones; else an errno. Reads all mappings of the process: 0.1 ms and more. */
int tw__mapping_find(struct tw__mapping *mapping, const void *address, size_t length);

/* Two findings are of the same place of the same file at the same addresses, reached in the same way. */
int tw__mapping_is_same(const struct tw__mapping *a, const struct tw__mapping *b);

#endif
