/* points.h - which points of src/os/fault.c a job passes, where an action applies, and what an error there must make of
 * the run. */
#ifndef TW_TESTS_POINTS_H
#define TW_TESTS_POINTS_H

#include <stdio.h>
#include <string.h>

#include <tilework/tilework.h>

struct setting {
    tw_pool_kind kind;
    int workers;
    int files; /* results in files, with a journal */
};

enum { KILL_WORKER, DELAY, ERROR, NACTIONS };
static const char *const actions[NACTIONS] = {"kill-worker", "delay", "error"};

static inline int starts(const char *point, const char *with)
{
    return strncmp(point, with, strlen(with)) == 0;
}

/* Points that are passed only once a worker has died, or where workers are forked again. */
static inline int needs_death(const char *point)
{
    return starts(point, "bury.");
}

/* Points that are passed only when tiles are recorded: a run as short as these does that where it fails. */
static inline int needs_records(const char *point)
{
    return strcmp(point, "journal.data-sync") == 0 || strcmp(point, "journal.header-sync") == 0 ||
           starts(point, "journal.record");
}

/* Whether a job of this setting passes the point, given that a worker dies and tiles are recorded where it needs so. */
static inline int is_passed(const char *point, const struct setting *setting)
{
    const int processes = setting->kind == TW_PROCESSES;
    if (starts(point, "job.opened") || starts(point, "job.closed") || starts(point, "bury.") ||
        starts(point, "fork.") || starts(point, "inout.")) {
        return processes;
    }
    if (starts(point, "populate.")) {
        return processes || setting->files || strcmp(point, "populate.after") == 0;
    }
    if (strcmp(point, "steal.taken") == 0) {
        return setting->workers > 1;
    }
    if (starts(point, "choice.")) { /* threads make the array themselves */
        return !setting->files && (processes || strcmp(point, "choice.make") == 0);
    }
    if (starts(point, "part.") || starts(point, "output.") || starts(point, "journal.") ||
        strcmp(point, "sum.after") == 0) {
        return setting->files;
    }
    return 1;
}

/* Passed by workers; the others by the supervisor. */
static inline int is_workers(const char *point)
{
    static const char *const supervisors[] = {"job.opened", "job.closed", "bury.",    "fork.",
                                              "part.",      "output.",    "journal.", "choice.make"};
    for (size_t k = 0; k < sizeof supervisors / sizeof supervisors[0]; k++) {
        if (starts(point, supervisors[k])) {
            return 0;
        }
    }
    return 1;
}

/* Whether there is somebody to kill, or something to fail. */
static inline int applies(const char *point, int takes_error, int action, const struct setting *setting)
{
    const int worker_process = is_workers(point) && setting->kind == TW_PROCESSES;
    if (!is_passed(point, setting)) {
        return 0;
    }
    if (action == KILL_WORKER) {
        /* The only worker is dead already. */
        const int nobody = setting->workers == 1 && (starts(point, "bury.") || strcmp(point, "fork.before") == 0);
        return setting->kind == TW_PROCESSES && !nobody;
    }
    return action == DELAY || takes_error || worker_process;
}

static inline void fault_text(char *text, size_t size, const char *point, int action, const struct setting *setting)
{
    const int fork_point = starts(point, "fork.");
    const char *before = needs_death(point) || fork_point ? "kernel.before:kill-worker:3," : "";
    /* Workers are forked again to know the files. */
    const int forks = setting->files ? 2 * setting->workers : setting->workers;
    const int number = fork_point ? forks + 1 : action == DELAY ? 0 : 1;
    snprintf(text, size, "%s%s:%s:%d", before, point, actions[action], number);
}

/* What an error at this point must make of the run. */
static inline int is_expected(tw_status status, const char *point, const struct setting *setting)
{
    if (strcmp(point, "fork.before") == 0) { /* without it only as many workers are left as live */
        return status == (setting->workers == 1 ? TW_ERROR_PROCESS : TW_OK);
    }
    if (starts(point, "populate.")) {
        return status == TW_ERROR_MEMORY;
    }
    if (strcmp(point, "choice.make") == 0) { /* the kernel that asked for it fails */
        return status == TW_ERROR_KERNEL;
    }
    if (needs_records(point) && status == TW_ERROR_KERNEL) {
        return 1; /* what cut the run short is told first */
    }
    return status == TW_ERROR_FILE || status == TW_ERROR_DISK;
}

#endif
