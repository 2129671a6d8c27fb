/* file.h - files: open, read, write, preallocate, rename, lock. All descriptors are close-on-exec and 3 or above. */
#ifndef TW_OS_FILE_H
#define TW_OS_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Functions that return int: 0, or an errno. */

struct tw__file_info {
    int64_t size;
    uint64_t device, inode;
    int is_regular, is_directory;
    uint32_t mode;      /* permission bits */
    uint32_t owner;     /* user id */
    uint64_t links;     /* names that the file has; 0: it was removed */
    int64_t changed_at; /* time of the last change of its contents, nanoseconds since 1970 */
};

int tw__file_open_read(int *fd, const char *path);
int tw__file_open_read_in(int *fd, int folder, const char *name);

/* Opens what process `pid` has open as `descriptor`, for reading and writing. */
int tw__file_open_of(int *fd, int pid, int descriptor);

/* Opens for reading and writing, created if missing; refuses a symbolic link (ELOOP). */
int tw__file_open_write(int *fd, const char *path);

/* Opens a file that must not exist yet (EEXIST), with permission bits `mode`. */
int tw__file_create(int *fd, const char *path, uint32_t mode);
void tw__file_close(int fd);

/* Dates a file now, unless it was dated in the last ten minutes: it is in use. */
void tw__file_touch(const char *path);

#define TW__FOLDER_HERE (-100) /* for the functions that end in _in: names are paths from the current folder */

/* The folder that holds what `path` names, so that a later change of the current folder changes nothing; *name is the
 * last part of path. The functions that end in _in take a name in such a folder. */
int tw__folder_open(int *folder, const char *path, const char **name);

/* Asks the file server what the folder is like now. Linux's NFS client answers questions about names from its memory,
 * that a name is not there as well, for up to a minute unless it knows that the folder has changed since. */
void tw__folder_refresh(int folder);

/* Opens an open folder again, so that whoever opened it may close it. */
int tw__folder_again(int *folder, int open);

/* Where an open folder is, from the root on (malloc); NULL: the system does not say. */
char *tw__folder_place(int folder);
int tw__file_open_write_in(int *fd, int folder, const char *name); /* one that is there */
int tw__file_create_in(int *fd, int folder, const char *name, uint32_t mode);

/* Waits until the names in it are on the disk. A folder that may not be read (it is open as a place alone), or a file
 * system that cannot sync one, loses nothing but the promise that a name outlives a power cut: 0. */
int tw__folder_sync(int folder);

int tw__file_info(int fd, struct tw__file_info *info);
/* When the open file came into being, nanoseconds since 1970: with device and inode it tells a file from a later one
 * that has got the inode of a removed one. 0: the file system does not say. */
int64_t tw__file_born_at(int fd);
int tw__path_info(const char *path, struct tw__file_info *info); /* follows links */
int tw__path_info_in(int folder, const char *name, struct tw__file_info *info);

/* Whether this user may make files in the open folder: 0, or an errno. */
int tw__folder_may_make(int folder);

/* Whether this user may write to what the path names: 0, or EACCES, EROFS, ENOENT, ... */
int tw__path_may_write(const char *path);

/* Takes the file's exclusive lock, which goes when the descriptor's last copy is closed: EWOULDBLOCK where another
 * process has it. */
int tw__file_lock(int fd);

/* Gives the lock back, also where copies of the descriptor are open in other processes. */
void tw__file_unlock(int fd);

/* The process that has the lock of the open file; 0: it cannot be found. */
int tw__file_locker(int fd);

/* Whole transfers, in pieces below the system's limit of 2^31 - 4096 bytes; a short read is EIO with *done set. */
int tw__file_read(int fd, void *data, size_t length, int64_t offset, size_t *done);
/* What one call gives, up to `length` bytes from the front: for the short files of /proc and /sys, which say nothing of
 * their size. */
int tw__file_read_some(int fd, void *data, size_t length, size_t *done);

int tw__file_write(int fd, const void *data, size_t length, int64_t offset);

/* Makes the file `length` bytes long with all its room taken on the disk (ENOSPC, EFBIG, EDQUOT); if the file system
 * cannot preallocate, zeros are written. Where that fails the file has its old
 * length. */
int tw__file_allocate(int fd, int64_t length);

/* Makes the file `length` bytes long, with its room taken only if the file system can do that by itself: nothing is
 * written. */
int tw__file_extend(int fd, int64_t length);
int tw__file_truncate(int fd, int64_t length);

int tw__file_sync(int fd);

/* Random bytes, as good as the system has them at once. */
void tw__file_random(void *data, size_t length);

/* Renames and syncs the folder, which is opened first: if no descriptor is left, nothing has the new name. */
int tw__file_rename(const char *from, const char *to);

/* The same in two steps. A folder that cannot be synced at all (it may not be read, its file system knows no such
 * thing) counts as synced. */
int tw__file_rename_in(int folder, const char *from, const char *to);
int tw__folder_sync(int folder);

/* Renames from one open folder to another of the same file system. */
int tw__file_move(int folder, const char *from, int other, const char *to);
int tw__file_remove(const char *path);
int tw__file_remove_in(int folder, const char *name);

/* Bytes free to this user on the file system of fd; -1 unknown. */
int64_t tw__file_room(int fd);

/* This user's id; this process's id. */
uint32_t tw__user_id(void);
int tw__process_id(void);

/* Whole small file as a terminated text (malloc), at most `limit` bytes (EFBIG). */
int tw__file_text(char **text, size_t *length, const char *path, size_t limit);

#endif
