/* mapping.c - which mapping of this process an address lies in: the rows of /proc/self/maps. */
#include "os/mapping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a of what a row says after the inode. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    }
    return hash;
}

/* "7f12c0000000-7f12c4000000 rw-s 00000000 08:01 1234  /a/file". 0: it is none. */
static int read_row(const char *line, struct tw__mapping *row)
{
    uint64_t major, minor;
    char kinds[5];
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx64 ":%" SCNx64 " %" SCNu64 " %n", &row->start,
               &row->end, kinds, &row->offset, &major, &minor, &row->inode, &name) < 7) {
        return 0;
    }
    const char *path = line + name;
    const int is_device = strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0 &&
                          strncmp(path, "/dev/zero", 9) != 0; /* the latter is shared memory without a name */
    row->device = major << 32 | minor;
    row->is_shared = kinds[0] == 'r' && kinds[3] == 's' && row->inode != 0 && !is_device;
    row->is_writable = kinds[1] == 'w';
    row->name = row->is_shared ? hash_of(path) : 0;
    return 1;
}

static int continues(const struct tw__mapping *mapping, const struct tw__mapping *row)
{
    return row->start == mapping->end && row->device == mapping->device && row->inode == mapping->inode &&
           row->name == mapping->name && row->offset == mapping->offset + (mapping->end - mapping->start) &&
           row->is_shared == mapping->is_shared && row->is_writable == mapping->is_writable;
}

int tw__mapping_find(struct tw__mapping *mapping, const void *address, size_t length)
{
    const uint64_t first = (uint64_t)(uintptr_t)address, last = first + length;
    FILE *file = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t room = 0;
    int found = 0;
    if (file == NULL) {
        return errno;
    }
    while ((!found || mapping->end < last) && getline(&line, &room, file) > 0) {
        struct tw__mapping row;
        if (!read_row(line, &row)) {
            continue;
        }
        if (!found && row.start <= first && first < row.end) {
            *mapping = row;
            found = 1;
        } else if (found && continues(mapping, &row)) {
            mapping->end = row.end;
        } else if (row.start > first) {
            break;
        }
    }
    free(line);
    fclose(file);
    return found && mapping->end >= last ? 0 : ENOENT;
}

int tw__mapping_is_same(const struct tw__mapping *a, const struct tw__mapping *b)
{
    return a->start == b->start && a->end == b->end && a->device == b->device && a->inode == b->inode &&
           a->name == b->name && a->offset == b->offset && a->is_shared == b->is_shared &&
           a->is_writable == b->is_writable;
}
