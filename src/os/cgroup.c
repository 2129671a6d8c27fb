/* cgroup.c - how much of the machine this process's control groups allow. Knows neither CPUs nor workers.
 *
 * A group's limit holds for all groups below it, so every folder from the process's own group up to the mount point is
 * read. Where a group lies in the file system follows from two files; with only a part of the hierarchy mounted (in
 * containers) the mount's root is taken off the group's name:
 *
 *   group (/proc/self/cgroup)   mount root, mount point (mountinfo)       folders read
 *   /a/b                        /        /sys/fs/cgroup                   /sys/fs/cgroup/a/b, .../a, /sys/fs/cgroup
 *   /docker/7/x                 /docker/7  /sys/fs/cgroup/cpu             /sys/fs/cgroup/cpu/x, /sys/fs/cgroup/cpu
 *   /                           /../..   /sys/fs/cgroup                   /sys/fs/cgroup (two groups above our own)
 *   /a                          /b       /sys/fs/cgroup                   none: another group's limits
 */
#include "os/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/file.h"

#define MAX_TEXT ((size_t)4 << 20) /* bytes of a list of mounts that are read */

/* Files of one version of cgroups. */
struct files {
    const char *cpu_quota, *cpu_period; /* no period: it stands in the quota's file */
    const char *memory_limits[2];
    const char *memory_used;
    const char *reclaimable; /* key in memory.stat: file pages that the system drops before it refuses memory */
};

static const struct files version_1 = {"cpu.cfs_quota_us",
                                       "cpu.cfs_period_us",
                                       {"memory.limit_in_bytes", NULL},
                                       "memory.usage_in_bytes",
                                       "total_inactive_file"};
static const struct files version_2 = {
    "cpu.max", NULL, {"memory.max", "memory.high"}, "memory.current", "inactive_file"};

/* All files are read with one call into room for them: this runs at every large array, and a stream takes longer than
 * the file does. `folder`: path of a folder, with room for a name behind it. */
struct folder {
    char path[PATH_MAX];
    size_t length;
};

/* The front of FOLDER/NAME as text[size]. 0: none. */
static int file_text(struct folder *folder, const char *name, char *text, size_t size)
{
    const size_t length = strlen(name);
    if (folder->length + 1 + length >= sizeof folder->path) {
        return 0;
    }
    folder->path[folder->length] = '/';
    memcpy(folder->path + folder->length + 1, name, length + 1);
    int fd = -1;
    size_t got = 0;
    const int failed = tw__file_open_read(&fd, folder->path);
    folder->path[folder->length] = '\0';
    if (failed != 0) {
        return 0;
    }
    tw__file_read_some(fd, text, size - 1, &got);
    tw__file_close(fd);
    text[got] = '\0';
    return got > 0;
}

/* A whole number at the front of text, followed by a blank or the end. Returns what follows, NULL: none ("max", "-1").
 */
static const char *number(const char *text, int64_t *value)
{
    const size_t length = tw__parse_digits(text, strlen(text), value);
    if (length == 0 || (text[length] != '\0' && !tw__is_blank(text[length]))) {
        return NULL;
    }
    text += length;
    while (tw__is_blank(*text)) {
        text++;
    }
    return text;
}

static int number_file(struct folder *folder, const char *name, int64_t *value)
{
    char text[64];
    return file_text(folder, name, text, sizeof text) && number(text, value) != NULL;
}

/* CPUs that one group allows; 0: no quota. */
static double group_cpus(struct folder *folder, const struct files *files)
{
    char text[64];
    int64_t quota, period;
    if (!file_text(folder, files->cpu_quota, text, sizeof text)) {
        return 0;
    }
    const char *rest = number(text, &quota);
    if (rest == NULL || quota <= 0) {
        return 0;
    }
    const int found =
        files->cpu_period == NULL ? number(rest, &period) != NULL : number_file(folder, files->cpu_period, &period);
    return found && period > 0 ? (double)quota / (double)period : 0;
}

/* The value of "KEY value" in FOLDER/memory.stat, 0 if there is none. */
static int64_t memory_stat(struct folder *folder, const char *key)
{
    char text[8192];
    int64_t value = 0;
    if (!file_text(folder, "memory.stat", text, sizeof text)) {
        return 0;
    }
    const size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            return number(line + length + 1, &value) != NULL ? value : 0;
        }
    }
    return 0;
}

static void keep_name(char name[TW__CGROUP_NAME], const char *group)
{
    const size_t length = strlen(group);
    if (length < TW__CGROUP_NAME) {
        memcpy(name, group, length + 1);
    } else {
        memcpy(name, "...", 3);
        memcpy(name + 3, group + length - (TW__CGROUP_NAME - 4), TW__CGROUP_NAME - 3);
    }
}

static void read_memory(struct tw__cgroup_limits *limits, struct folder *folder, const char *group,
                        const struct files *files)
{
    int64_t limit = INT64_MAX, used = 0;
    for (int k = 0; k < 2; k++) {
        int64_t value;
        if (files->memory_limits[k] != NULL && number_file(folder, files->memory_limits[k], &value) && value < limit) {
            limit = value;
        }
    }
    /* Version 1 writes "no limit" as the largest whole number of pages. */
    if (limit >= INT64_MAX - ((int64_t)1 << 20) || !number_file(folder, files->memory_used, &used)) {
        return;
    }
    const int64_t dropped = memory_stat(folder, files->reclaimable);
    used = dropped < used ? used - dropped : 0;
    const int64_t room = used < limit ? limit - used : 0;
    if (room < limits->room) {
        limits->room = room;
        limits->memory = limit;
        keep_name(limits->memory_group, group);
    }
}

static void read_group(struct tw__cgroup_limits *limits, struct folder *folder, const char *group,
                       const struct files *files, int asked)
{
    if (asked & TW__CGROUP_CPUS) {
        const double cpus = group_cpus(folder, files);
        if (cpus > 0 && (limits->cpus == 0 || cpus < limits->cpus)) {
            limits->cpus = cpus;
            keep_name(limits->cpus_group, group);
        }
    }
    if (asked & TW__CGROUP_MEMORY) {
        read_memory(limits, folder, group, files);
    }
}

/* One mounted hierarchy and this process's group in it: reads the group's folder and those above it. `group` is used
 * up. */
static void read_hierarchy(struct tw__cgroup_limits *limits, const char *root, const char *mount_root,
                           const char *mount_point, char *group, const struct files *files, int asked)
{
    const size_t length = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
    const char *inside;
    if (strncmp(group, mount_root, length) == 0 && (group[length] == '/' || group[length] == '\0')) {
        inside = group + length;
    } else if (strncmp(mount_root, "/..", 3) == 0 && strspn(mount_root, "/.") == strlen(mount_root)) {
        inside = ""; /* the mount shows a group above the namespace that this process lives in */
    } else {
        return;
    }
    if (strncmp(inside, "/..", 3) == 0 && (inside[3] == '/' || inside[3] == '\0')) {
        return; /* this process was moved out of what the mount shows */
    }
    struct folder folder;
    const int whole =
        snprintf(folder.path, sizeof folder.path, "%s%s%s", root, mount_point, strcmp(inside, "/") == 0 ? "" : inside);
    if (whole < 0 || (size_t)whole >= sizeof folder.path) {
        return;
    }
    folder.length = (size_t)whole;
    const size_t top = strlen(root) + strlen(mount_point);
    for (;;) {
        read_group(limits, &folder, group[0] == '\0' ? "/" : group, files, asked);
        char *slash = folder.length > top ? strrchr(folder.path + top, '/') : NULL;
        if (slash == NULL) {
            return;
        }
        *slash = '\0';
        folder.length = (size_t)(slash - folder.path);
        slash = strrchr(group, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
}

/* A word in a list such as "rw,cpu,cpuacct". */
static int has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (; *list != '\0'; list += strspn(list, ",")) {
        const size_t span = strcspn(list, ",");
        if (span == length && strncmp(list, word, length) == 0) {
            return 1;
        }
        list += span;
    }
    return 0;
}

/* What of `asked` a hierarchy of version 1 says, by its list of controllers. */
static int asked_of(const char *controllers, int asked)
{
    return (has_word(controllers, "cpu") ? asked & TW__CGROUP_CPUS : 0) |
           (has_word(controllers, "memory") ? asked & TW__CGROUP_MEMORY : 0);
}

/* All lines "ID:CONTROLLERS:GROUP" of /proc/self/cgroup that belong to a mount. */
static void read_mount(struct tw__cgroup_limits *limits, const char *root, const char *mount_root,
                       const char *mount_point, int asked, const struct files *files, const char *groups)
{
    while (*groups != '\0') {
        const size_t length = strcspn(groups, "\n");
        char line[PATH_MAX];
        const int whole = length < sizeof line;
        memcpy(line, groups, whole ? length : 0);
        line[whole ? length : 0] = '\0';
        groups += length + (groups[length] == '\n');
        char *list = strchr(line, ':');
        char *group = list != NULL ? strchr(list + 1, ':') : NULL;
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        list++;
        const int ours = files == &version_1 ? asked_of(list, asked) : list[0] == '\0' ? asked : 0;
        if (ours != 0) {
            read_hierarchy(limits, root, mount_root, mount_point, group, files, ours);
        }
    }
}

/* "\040" and the like stand for blanks in mountinfo. In place. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        int value = 0, digits = 0;
        while (*in == '\\' && digits < 3 && in[1 + digits] >= '0' && in[1 + digits] <= '7') {
            value = value * 8 + (in[1 + digits] - '0');
            digits++;
        }
        if (digits == 3) {
            *out++ = (char)value;
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

/* One line of mountinfo: "36 35 98:0 ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER_OPTIONS". */
static void read_mountinfo_line(struct tw__cgroup_limits *limits, const char *root, char *line, int asked,
                                const char *groups)
{
    char *fields[5], *rest = strstr(line, " - cgroup"), *left = line, *mark;
    if (rest == NULL) {
        return;
    }
    *rest = '\0';
    rest += 3;
    for (int k = 0; k < 5; k++) {
        fields[k] = strtok_r(left, " ", &mark);
        left = NULL;
        if (fields[k] == NULL) {
            return;
        }
    }
    const char *type = strtok_r(rest, " ", &mark);
    const char *source = strtok_r(NULL, " ", &mark);
    const char *options = strtok_r(NULL, " \n", &mark);
    if (type == NULL || source == NULL || options == NULL) {
        return;
    }
    unescape(fields[3]);
    unescape(fields[4]);
    if (strcmp(type, "cgroup2") == 0) {
        read_mount(limits, root, fields[3], fields[4], asked, &version_2, groups);
    } else if (strcmp(type, "cgroup") == 0 && asked_of(options, asked) != 0) {
        read_mount(limits, root, fields[3], fields[4], asked_of(options, asked), &version_1, groups);
    }
}

void tw__cgroup_limits(struct tw__cgroup_limits *limits, const char *root, int asked)
{
    memset(limits, 0, sizeof *limits);
    limits->room = limits->memory = INT64_MAX;
    char path[PATH_MAX], *groups = NULL, *mounts = NULL, *mark;
    size_t length;
    const int fits = snprintf(path, sizeof path, "%s/proc/self/cgroup", root) < (int)sizeof path - 8;
    if (fits && tw__file_text(&groups, &length, path, MAX_TEXT) == 0) {
        snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
        if (tw__file_text(&mounts, &length, path, MAX_TEXT) == 0) {
            for (char *line = strtok_r(mounts, "\n", &mark); line != NULL; line = strtok_r(NULL, "\n", &mark)) {
                read_mountinfo_line(limits, root, line, asked, groups);
            }
            free(mounts);
        }
        free(groups);
    }
}
