/* filesystem.c - which file system a file is on, and whether machines that write different bytes of one of its files
 * may disturb each other. One table; what follows from it is decided elsewhere. */
#include "os/filesystem.h"

#include <errno.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/fault.h"

#define NFS 0x6969

/* Numbers: statfs(2), <linux/magic.h> and the sources of those that are not in Linux. */
static const struct {
    const char *name;
    uint32_t type;
    int is_coherent;
} known[] = {
    /* of one machine: one cache of pages */
    {"ext4", 0xef53, 1},
    {"xfs", 0x58465342, 1},
    {"btrfs", 0x9123683e, 1},
    {"tmpfs", 0x01021994, 1},
    {"ramfs", 0x858458f6, 1},
    {"overlay", 0x794c7630, 1},
    {"zfs", 0x2fc12fc1, 1},
    {"f2fs", 0xf2f52010, 1},
    {"bcachefs", 0xca451a4e, 1},
    {"jfs", 0x3153464a, 1},
    {"nilfs2", 0x3434, 1},
    {"ntfs3", 0x7366746e, 1},
    {"vfat", 0x4d44, 1},
    {"exfat", 0x2011bab0, 1},
    /* of many: locks on ranges of bytes, or no pages that are kept */
    {"lustre", 0x0bd00bd0, 1},
    {"gpfs", 0x47504653, 1},
    {"ceph", 0x00c36400, 1},
    {"beegfs", 0x19830326, 1},
    {"gfs2", 0x01161970, 1},
    {"ocfs2", 0x7461636f, 1},
    /* of many: clients keep pages */
    {"nfs", NFS, 0},
    {"smb", 0xff534d42, 0},
    {"smb", 0xfe534d42, 0},
    {"smb", 0x517b, 0},
    {"fuse", 0x65735546, 0},
    {"9p", 0x01021997, 0},
    {"afs", 0x5346414f, 0},
    {"afs", 0x6b414653, 0},
    {"coda", 0x73757245, 0},
    {"panfs", 0xaad7aaea, 0},
    {"vboxsf", 0x786f4256, 0},
};

void tw__filesystem_known(struct tw__filesystem *filesystem, uint32_t type)
{
    *filesystem = (struct tw__filesystem){.name = "unknown", .type = type, .writes_exactly = type == NFS};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (known[k].type == type) {
            filesystem->name = known[k].name;
            filesystem->is_coherent = known[k].is_coherent;
            return;
        }
    }
}

int tw__filesystem_of(struct tw__filesystem *filesystem, int fd)
{
    struct statfs status;
    while (fstatfs(fd, &status) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    tw__filesystem_known(filesystem, (uint32_t)status.f_type);
    if (TW__POINT("filesystem.known") != 0) { /* tests take any for one that is not known */
        filesystem->is_coherent = 0;
    }
    return 0;
}

int64_t tw__filesystem_piece(int folder)
{
    struct tw__filesystem filesystem;
    return tw__filesystem_of(&filesystem, folder) != 0 || filesystem.is_coherent ? 0 : sysconf(_SC_PAGESIZE);
}
