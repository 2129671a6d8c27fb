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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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

/* The first line of FOLDER/NAME. 0: none. */
static int first_line(const char *folder, const char *name, char *line, int size)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return 0;
    }
    FILE *file = fopen(path, "re");
    free(path);
    if (file == NULL) {
        return 0;
    }
    const int found = fgets(line, size, file) != NULL;
    fclose(file);
    return found;
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

static int number_file(const char *folder, const char *name, int64_t *value)
{
    char line[64];
    return first_line(folder, name, line, sizeof line) && number(line, value) != NULL;
}

/* CPUs that one group allows; 0: no quota. */
static double group_cpus(const char *folder, const struct files *files)
{
    char line[64];
    int64_t quota, period;
    if (!first_line(folder, files->cpu_quota, line, sizeof line)) {
        return 0;
    }
    const char *rest = number(line, &quota);
    if (rest == NULL || quota <= 0) {
        return 0;
    }
    const int found =
        files->cpu_period == NULL ? number(rest, &period) != NULL : number_file(folder, files->cpu_period, &period);
    return found && period > 0 ? (double)quota / (double)period : 0;
}

/* The value of "KEY value" in FOLDER/memory.stat, 0 where there is none. */
static int64_t memory_stat(const char *folder, const char *key)
{
    char *path = NULL, line[128];
    int64_t value = 0;
    if (asprintf(&path, "%s/memory.stat", folder) < 0) {
        return 0;
    }
    FILE *file = fopen(path, "re");
    free(path);
    if (file == NULL) {
        return 0;
    }
    const size_t length = strlen(key);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            if (number(line + length + 1, &value) == NULL) {
                value = 0;
            }
            break;
        }
    }
    fclose(file);
    return value;
}

static void keep_name(char name[TW__CGROUP_NAME], const char *group)
{
    const size_t length = strlen(group);
    const int whole = length < TW__CGROUP_NAME;
    snprintf(name, TW__CGROUP_NAME, "%s%s", whole ? "" : "...", whole ? group : group + length - (TW__CGROUP_NAME - 4));
}

static void read_group(struct tw__cgroup_limits *limits, const char *folder, const char *group,
                       const struct files *files)
{
    const double cpus = group_cpus(folder, files);
    if (cpus > 0 && (limits->cpus == 0 || cpus < limits->cpus)) {
        limits->cpus = cpus;
        keep_name(limits->cpus_group, group);
    }
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

/* One mounted hierarchy and this process's group in it: reads the group's folder and those above it. */
static void read_hierarchy(struct tw__cgroup_limits *limits, const char *root, const char *mount_root,
                           const char *mount_point, const char *group, const struct files *files)
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
    char *folder = NULL;
    const int base = asprintf(&folder, "%s%s%s", root, mount_point, strcmp(inside, "/") == 0 ? "" : inside);
    if (base < 0) {
        return;
    }
    char *name = strdup(group);
    const size_t top = strlen(root) + strlen(mount_point);
    while (name != NULL) {
        read_group(limits, folder, name[0] == '\0' ? "/" : name, files);
        char *slash = strlen(folder) > top ? strrchr(folder + top, '/') : NULL;
        if (slash == NULL) {
            break;
        }
        *slash = '\0';
        slash = strrchr(name, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    free(name);
    free(folder);
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

/* All lines "ID:CONTROLLERS:GROUP" of /proc/self/cgroup that belong to a mount. */
static void read_mount(struct tw__cgroup_limits *limits, const char *root, const char *mount_root,
                       const char *mount_point, const char *controllers, const struct files *files)
{
    char *path = NULL, *line = NULL;
    size_t room = 0;
    if (asprintf(&path, "%s/proc/self/cgroup", root) < 0) {
        return;
    }
    FILE *file = fopen(path, "re");
    free(path);
    while (file != NULL && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':');
        char *group = list != NULL ? strchr(list + 1, ':') : NULL;
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        list++;
        const int ours = files == &version_2 ? list[0] == '\0'
                                             : (has_word(list, "cpu") && has_word(controllers, "cpu")) ||
                                                   (has_word(list, "memory") && has_word(controllers, "memory"));
        if (ours) {
            read_hierarchy(limits, root, mount_root, mount_point, group, files);
        }
    }
    free(line);
    if (file != NULL) {
        fclose(file);
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
static void read_mountinfo_line(struct tw__cgroup_limits *limits, const char *root, char *line)
{
    char *fields[5], *rest = strstr(line, " - "), *left = line, *mark;
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
        read_mount(limits, root, fields[3], fields[4], options, &version_2);
    } else if (strcmp(type, "cgroup") == 0) {
        read_mount(limits, root, fields[3], fields[4], options, &version_1);
    }
}

void tw__cgroup_limits(struct tw__cgroup_limits *limits, const char *root)
{
    memset(limits, 0, sizeof *limits);
    limits->room = limits->memory = INT64_MAX;
    char *path = NULL, *line = NULL;
    size_t room = 0;
    if (asprintf(&path, "%s/proc/self/mountinfo", root) < 0) {
        return;
    }
    FILE *file = fopen(path, "re");
    free(path);
    while (file != NULL && getline(&line, &room, file) > 0) {
        read_mountinfo_line(limits, root, line);
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
}
