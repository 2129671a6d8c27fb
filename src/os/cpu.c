/* cpu.c - what the machine has and what this process may use of it. Knows neither pools nor arrays. */
#include "os/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/text.h"
#include "os/cgroup.h"
#include "os/file.h"
#include "os/map.h"

/* Memory that is taken without asking what there is: below a huge page always, else a 64th of the machine's, at most
 * 64 MiB. */
#define SMALL_ALWAYS ((int64_t)TW__HUGE_PAGE - 1)
#define SMALL_AT_MOST ((int64_t)64 << 20)
#define SMALL_PART 64

/* CPUs that this thread may run on. The system refuses a set smaller than its own, whose size it does not tell. */
static int affinity(void)
{
    for (size_t room = 1024; room <= (size_t)1 << 20; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        if (set == NULL) {
            return 0;
        }
        const size_t size = CPU_ALLOC_SIZE(room);
        const int found = sched_getaffinity(0, size, set) == 0;
        const int count = found ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (found || errno != EINVAL) {
            return count;
        }
    }
    return 0;
}

static FILE *open_below(const char *root, const char *path)
{
    char *whole = NULL;
    if (asprintf(&whole, "%s%s", root, path) < 0) {
        return NULL;
    }
    FILE *file = fopen(whole, "re");
    free(whole);
    return file;
}

/* The value in "KEY: 123 kB" in /proc/meminfo, in bytes; -1: none. With one read, as the answer is waited for. */
static int64_t meminfo(const char *root, const char *key)
{
    char path[PATH_MAX], text[4096];
    int fd = -1;
    size_t got = 0;
    int64_t value, bytes;
    if (snprintf(path, sizeof path, "%s/proc/meminfo", root) >= (int)sizeof path ||
        tw__file_open_read(&fd, path) != 0) {
        return -1;
    }
    tw__file_read_some(fd, text, sizeof text - 1, &got);
    tw__file_close(fd);
    text[got] = '\0';
    const size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            const char *digits = line + length + 1 + strspn(line + length + 1, " ");
            return tw__parse_digits(digits, strlen(digits), &value) > 0 && tw__mul(value, 1024, &bytes) ? bytes : -1;
        }
    }
    return -1;
}

/* The value after "KEY<blanks>: " in a line of /proc/cpuinfo, its line end cut; NULL: another key. */
static char *value_of(char *line, const char *key)
{
    const size_t length = strlen(key);
    if (strncmp(line, key, length) != 0) {
        return NULL;
    }
    char *rest = line + length + strspn(line + length, " \t");
    if (*rest != ':') {
        return NULL;
    }
    rest += 1 + strspn(rest + 1, " \t");
    rest[strcspn(rest, "\n")] = '\0';
    return rest;
}

static void cpu_model(const char *root, char *text, size_t size)
{
    FILE *file = open_below(root, "/proc/cpuinfo");
    char *line = NULL;
    size_t room = 0;
    while (file != NULL && getline(&line, &room, file) > 0) {
        const char *model = value_of(line, "model name");
        if (model != NULL) {
            snprintf(text, size, "%s", model);
            break;
        }
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
}

void tw__cpu_features(char *text, size_t size)
{
    static const char *const keys[] = {"vendor_id",
                                       "cpu family",
                                       "model",
                                       "model name",
                                       "flags",
                                       "CPU implementer",
                                       "CPU architecture",
                                       "CPU variant",
                                       "CPU part",
                                       "Features",
                                       "isa",
                                       "uarch",
                                       "cpu",
                                       NULL};
    FILE *file = open_below("", "/proc/cpuinfo");
    char *line = NULL;
    size_t room = 0;
    struct tw__text list;
    tw__text_init(&list, text, size);
    /* The first processor stands for all: an empty line ends it. */
    while (file != NULL && getline(&line, &room, file) > 1) {
        for (int k = 0; keys[k] != NULL; k++) {
            const char *value = value_of(line, keys[k]);
            if (value != NULL) {
                tw__text_add(&list, "%s: %s\n", keys[k], value);
                break;
            }
        }
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
}

/* The word in brackets in a setting such as "always [madvise] never". */
static void chosen_word(const char *root, const char *path, char *word, size_t size)
{
    FILE *file = open_below(root, path);
    char line[256];
    if (file == NULL) {
        return;
    }
    if (fgets(line, sizeof line, file) != NULL) {
        const char *start = strchr(line, '[');
        const char *end = start != NULL ? strchr(start, ']') : NULL;
        if (end != NULL) {
            snprintf(word, size, "%.*s", (int)(end - start - 1), start + 1);
        }
    }
    fclose(file);
}

static int64_t huge_page_size(const char *root)
{
    FILE *file = open_below(root, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    char line[64];
    int64_t size = 0;
    if (file != NULL && (fgets(line, sizeof line, file) == NULL || tw__parse_digits(line, strlen(line), &size) == 0)) {
        size = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return size;
}

static int can_populate(void)
{
    void *page;
    const size_t size = (size_t)tw__page_size();
    if (tw__map_private(&page, size) != 0) {
        return 0;
    }
    const int can = tw__populate(page, size) == 0;
    tw__unmap(page, size);
    return can;
}

/* "3", "3.5" or "3.25": two decimals, the rest cut off, with a point whatever the locale. */
static const char *decimal(char text[32], double value)
{
    const int64_t hundredths = (int64_t)(value * 100 + 1e-6), rest = hundredths % 100;
    const int digits = rest == 0 ? 0 : rest % 10 == 0 ? 1 : 2;
    const int length = snprintf(text, 32, "%lld", (long long)(hundredths / 100));
    if (digits > 0) {
        snprintf(text + length, 32 - (size_t)length, ".%0*d", digits, (int)(digits == 1 ? rest / 10 : rest));
    }
    return text;
}

static const char *gib(char text[32], int64_t bytes)
{
    return decimal(text, (double)bytes / (1024.0 * 1024.0 * 1024.0));
}

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

/* Workers: the least of affinity and quota, in that order of preference for the reason. */
static void describe_workers(tw_machine *machine, const struct tw__cgroup_limits *limits)
{
    struct tw__text reason;
    tw__text_init(&reason, machine->workers_reason, sizeof machine->workers_reason);
    machine->cpus_quota = limits->cpus;
    int workers = machine->cpus_affinity > 0 ? machine->cpus_affinity : machine->cpus_online;
    workers = workers < 1 ? 1 : workers;
    if (limits->cpus > 0 && limits->cpus < workers && limits->cpus < TW_MAX_WORKERS) {
        char cpus[32];
        machine->workers = limits->cpus < 1 ? 1 : (int)limits->cpus;
        tw__text_add(&reason, "%d CPU%s: cgroup %s allows %s", machine->workers, plural(machine->workers),
                     limits->cpus_group, decimal(cpus, limits->cpus));
        return;
    }
    machine->workers = workers < TW_MAX_WORKERS ? workers : TW_MAX_WORKERS;
    tw__text_add(&reason, "%d CPU%s: ", machine->workers, plural(machine->workers));
    if (machine->workers < workers) {
        tw__text_add(&reason, "the most workers that a pool may have, of %d CPUs", workers);
    } else if (machine->cpus_affinity < machine->cpus_online) {
        tw__text_add(&reason, "affinity allows %d of %d", workers, machine->cpus_online);
    } else {
        tw__text_add(&reason, "all that affinity allows");
    }
}

static void describe_memory(tw_machine *machine, const struct tw__cgroup_limits *limits, const char *root)
{
    char room[32], limit[32];
    struct tw__text reason;
    tw__text_init(&reason, machine->memory_reason, sizeof machine->memory_reason);
    const int64_t total = meminfo(root, "MemTotal"), available = meminfo(root, "MemAvailable");
    machine->memory_total = total > 0 ? total : 0;
    machine->memory_available = available >= 0 ? available : 0;
    if (limits->room != INT64_MAX && (available < 0 || limits->room < available)) {
        machine->memory_available = limits->room;
        tw__text_add(&reason, "%s GiB: cgroup %s allows %s GiB", gib(room, limits->room), limits->memory_group,
                     gib(limit, limits->memory));
    } else if (available >= 0) {
        tw__text_add(&reason, "%s GiB: what the machine has free", gib(room, available));
    }
}

static void describe_heap(tw_machine *machine)
{
    char size[32];
    struct tw__text reason;
    tw__text_init(&reason, machine->heap_reason, sizeof machine->heap_reason);
    struct rlimit limit;
    int64_t wished;
    if (!tw__mul(machine->memory_total, 2, &wished)) {
        wished = machine->memory_total;
    }
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (rlim_t)wished) {
        wished = (int64_t)limit.rlim_cur;
        tw__text_add(&reason, "%s GiB: the limit on address space (ulimit -v) allows no more", gib(size, wished));
    } else {
        tw__text_add(&reason, "%s GiB: twice the machine's memory", gib(size, wished));
    }
    machine->heap_bytes = wished;
}

void tw__machine_describe(tw_machine *machine, const char *root)
{
    struct tw__cgroup_limits limits;
    struct utsname system;
    memset(machine, 0, sizeof *machine);
    tw__cgroup_limits(&limits, root, TW__CGROUP_ALL);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    machine->cpus_online = online > 0 ? (int)online : 1;
    machine->cpus_affinity = affinity();
    describe_workers(machine, &limits);
    describe_memory(machine, &limits, root);
    describe_heap(machine);
    machine->page_size = tw__page_size();
    machine->huge_page_size = huge_page_size(root);
    chosen_word(root, "/sys/kernel/mm/transparent_hugepage/enabled", machine->huge_private,
                sizeof machine->huge_private);
    chosen_word(root, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", machine->huge_shared,
                sizeof machine->huge_shared);
    machine->populate = can_populate();
    cpu_model(root, machine->cpu, sizeof machine->cpu);
    if (uname(&system) == 0) {
        struct tw__text text;
        tw__text_init(&text, machine->system, sizeof machine->system);
        tw__text_add(&text, "%s %s", system.sysname, system.release);
    }
}

void tw_machine_describe(tw_machine *machine)
{
    tw__machine_describe(machine, "");
}

int tw__default_workers(void)
{
    tw_machine machine;
    memset(&machine, 0, sizeof machine);
    struct tw__cgroup_limits limits;
    tw__cgroup_limits(&limits, "", TW__CGROUP_CPUS);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    machine.cpus_online = online > 0 ? (int)online : 1;
    machine.cpus_affinity = affinity();
    describe_workers(&machine, &limits);
    return machine.workers;
}

int64_t tw__available_memory(void)
{
    struct tw__cgroup_limits limits;
    tw__cgroup_limits(&limits, "", TW__CGROUP_MEMORY);
    const int64_t available = meminfo("", "MemAvailable");
    return available >= 0 && available < limits.room ? available : limits.room;
}

int tw__is_small(int64_t bytes)
{
    struct sysinfo machine;
    if (bytes <= SMALL_ALWAYS) {
        return 1;
    }
    return bytes <= SMALL_AT_MOST && sysinfo(&machine) == 0 &&
           (uint64_t)bytes <= (uint64_t)machine.totalram * machine.mem_unit / SMALL_PART;
}
