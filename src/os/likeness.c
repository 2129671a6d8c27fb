/* likeness.c - what says who may do what with a file: mode, owner, group, access list, further attributes; given to the
 * file that will take another one's place. Knows no contents.
 *
 * The order keeps the file closed to others until the end: mode 0600, then group and owner, then the further
 * attributes, and last the access list or the mode, which open it. */
#include "os/likeness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "os/attribute.h"
#include "os/descriptor.h"

#define ACCESS_LIST "system.posix_acl_access"
#define MOST_NAMES 65536 /* bytes: the system's limit */
#define MOST_VALUE 65536

/* An access list as the system keeps it: four bytes with the version, then entries of tag, permissions and id, all
 * little-endian. */
#define LIST_HEAD 4
#define LIST_ENTRY 8
#define TAG_GROUP 0x04
#define TAG_MASK 0x10
#define TAG_OTHER 0x20

int tw__likeness_open(int *fd, int folder, const char *name)
{
    const int flags = O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
    int file = openat(folder, name, O_RDONLY | flags);
    if (file < 0 && errno == EACCES) {
        file = openat(folder, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    }
    file = tw__descriptor_lift(file);
    if (file < 0) {
        return errno;
    }
    *fd = file;
    return 0;
}

static void add_lost(char *lost, const char *what)
{
    const size_t used = strlen(lost);
    snprintf(lost + used, TW__LIKENESS_TEXT - used, "%s%s", used > 0 ? ", " : "", what);
}

/* The value of an attribute; -1: none, or errno. A descriptor that is open as a place alone must be asked by its name.
 */
static ssize_t get_attribute(int fd, const char *name, void *value, size_t size)
{
    char path[48];
    const ssize_t length = fgetxattr(fd, name, value, size);
    if (length >= 0 || errno != EBADF) {
        return length;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return getxattr(path, name, value, size);
}

static ssize_t list_attributes(int fd, char *names, size_t size)
{
    char path[48];
    const ssize_t length = flistxattr(fd, names, size);
    if (length >= 0 || errno != EBADF) {
        return length;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return listxattr(path, names, size);
}

/* ---- owner and group ---- */

static int take_owner(int fd, const struct stat *own, const struct stat *like, char *lost)
{
    char text[64];
    const int group_lost = own->st_gid != like->st_gid && fchown(fd, (uid_t)-1, like->st_gid) != 0;
    if (own->st_uid != like->st_uid && fchown(fd, like->st_uid, (gid_t)-1) != 0) {
        snprintf(text, sizeof text, "its owner (user %lu)", (unsigned long)like->st_uid);
        add_lost(lost, text);
    }
    if (group_lost) {
        snprintf(text, sizeof text, "its group (%lu)", (unsigned long)like->st_gid);
        add_lost(lost, text);
    }
    return group_lost;
}

/* ---- attributes ---- */

/* What is said of contents is not true of others: signatures of them, and what is lost at every write. */
static int is_about_contents(const char *name)
{
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0 ||
           strcmp(name, "security.capability") == 0 || strcmp(name, TW__MARK_ATTRIBUTE) == 0;
}

static void take_attribute(int fd, int like, const char *name, char *value, char *lost)
{
    char text[320];
    const ssize_t length = get_attribute(like, name, value, MOST_VALUE);
    const ssize_t own = length >= 0 ? fgetxattr(fd, name, value + MOST_VALUE, MOST_VALUE) : -1;
    const int same = length >= 0 && own == length && memcmp(value, value + MOST_VALUE, (size_t)length) == 0;
    if (length < 0 ? errno != ENODATA : !same && fsetxattr(fd, name, value, (size_t)length, 0) != 0) {
        snprintf(text, sizeof text, "attribute %s", name);
        add_lost(lost, text);
    }
}

static void take_attributes(int fd, int like, char *lost)
{
    char *names = malloc(MOST_NAMES), *value = malloc(2 * MOST_VALUE);
    const ssize_t length = names != NULL && value != NULL ? list_attributes(like, names, MOST_NAMES) : 0;
    if (names == NULL || value == NULL) {
        add_lost(lost, "its attributes");
    }
    for (const char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        if (strcmp(name, ACCESS_LIST) != 0 && !is_about_contents(name)) {
            take_attribute(fd, like, name, value, lost);
        }
    }
    free(names);
    free(value);
}

/* ---- access list and mode ---- */

/* The permissions of the entry with this tag, to be changed in place; NULL: there is none. */
static unsigned char *find_entry(unsigned char *list, size_t length, unsigned tag)
{
    for (size_t at = LIST_HEAD; at + LIST_ENTRY <= length; at += LIST_ENTRY) {
        if (list[at] == tag && list[at + 1] == 0) {
            return list + at + 2;
        }
    }
    return NULL;
}

/* *mode: what the mode would be without the list, which has the group's bits where the mode has the mask. Returns
 * whether the file is as its list says from here on. */
static int take_list(int fd, int like, int group_lost, mode_t *mode, char *lost)
{
    unsigned char list[4096];
    const ssize_t length = get_attribute(like, ACCESS_LIST, list, sizeof list);
    if (length < 0) {
        if (errno != ENODATA && errno != EOPNOTSUPP && errno != ENOENT) {
            add_lost(lost, "its access list");
            *mode &= ~(mode_t)070; /* of which nothing is known */
        }
        return 0;
    }
    unsigned char *group = find_entry(list, (size_t)length, TAG_GROUP);
    const unsigned char *mask = find_entry(list, (size_t)length, TAG_MASK);
    const unsigned char *other = find_entry(list, (size_t)length, TAG_OTHER);
    if (group_lost && group != NULL) {
        *group &= other != NULL ? *other : 0;
    }
    if (fsetxattr(fd, ACCESS_LIST, list, (size_t)length, 0) == 0) {
        return 1;
    }
    add_lost(lost, "its access list");
    const unsigned bits = group == NULL ? 0 : *group & (mask != NULL ? *mask : 7u);
    *mode = (*mode & ~(mode_t)070) | (mode_t)((bits & 7) << 3);
    return 0;
}

static void take_mode(int fd, int like, const struct stat *info, int group_lost, char *lost)
{
    struct stat now;
    mode_t mode = info->st_mode & 0777;
    if (take_list(fd, like, group_lost, &mode, lost)) {
        return;
    }
    if (group_lost) {
        mode &= ~(mode_t)070 | (mode & 7) << 3;
    }
    if (fchmod(fd, mode) != 0 || fstat(fd, &now) != 0 || (now.st_mode & 0777) != mode) {
        add_lost(lost, "its mode");
    }
}

/* ---- all of it ---- */

/* Whether nothing has changed since the last time, as far as anybody's rights go. */
static int is_alike(int fd, int like, const struct stat *own, const struct stat *other)
{
    unsigned char mine[4096], theirs[4096];
    const ssize_t length = get_attribute(like, ACCESS_LIST, theirs, sizeof theirs);
    const ssize_t have = fgetxattr(fd, ACCESS_LIST, mine, sizeof mine);
    return ((own->st_mode ^ other->st_mode) & 0777) == 0 && own->st_uid == other->st_uid &&
           own->st_gid == other->st_gid && have == length && (length <= 0 || memcmp(mine, theirs, (size_t)length) == 0);
}

int tw__likeness_take(int fd, int like, char *lost)
{
    struct stat own, other;
    lost[0] = '\0';
    if (fstat(fd, &own) != 0 || fstat(like, &other) != 0) {
        return errno;
    }
    if (is_alike(fd, like, &own, &other)) {
        take_attributes(fd, like, lost);
        return 0;
    }
    /* An access list that came from the folder goes while its mask lets nobody through. */
    if (fchmod(fd, 0600) != 0) {
        add_lost(lost, "its mode");
        return 0; /* as strict as it was made */
    }
    fremovexattr(fd, ACCESS_LIST);
    const int group_lost = take_owner(fd, &own, &other, lost);
    take_attributes(fd, like, lost);
    take_mode(fd, like, &other, group_lost, lost);
    return 0;
}
