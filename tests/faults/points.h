/* points.h - which of the points of os/fault.h a job of the driver passes, if an action applies there, and what an
 * error there must make of the run. The table itself, with who passes a point and when, is in src/os/fault.c. */
#ifndef TW_TESTS_POINTS_H
#define TW_TESTS_POINTS_H

#include <stdio.h>
#include <string.h>

#include <tilework/tilework.h>

#include "os/fault.h"

struct setting {
    tw_pool_kind kind;
    int workers;
    int files; /* results in files, with a journal; an input has a halo if there is one step */
    int steps; /* ... of the job of several steps */
};

enum { KILL_WORKER, DELAY, ERROR, NACTIONS };
static const char *const actions[NACTIONS] = {"kill-worker", "delay", "error"};

static inline int has(const struct tw__point *point, unsigned flag)
{
    return (point->flags & flag) != 0;
}

static inline int is(const struct tw__point *point, const char *name)
{
    return strcmp(point->name, name) == 0;
}

/* If a job of this setting passes the point, given that a worker dies and tiles are recorded as the point needs. */
static inline int is_passed(const struct tw__point *point, const struct setting *setting)
{
    const int processes = setting->kind == TW_PROCESSES;
    /* Partials and halos are not reached directly. */
    const int apart = setting->files && strncmp(point->name, "inout.", 6) == 0;
    return (!has(point, TW__POINT_PROCESSES) || processes || apart) &&
           (!has(point, TW__POINT_SHARED) || processes || setting->files) &&
           (!has(point, TW__POINT_SEVERAL) || setting->workers > 1) &&
           (!has(point, TW__POINT_FILES) || setting->files) && (!has(point, TW__POINT_CHOSEN) || !setting->files) &&
           (!has(point, TW__POINT_STEPS) || setting->steps) && !has(point, TW__POINT_NODES);
}

/* If there is a process to kill, or a step to fail. */
static inline int applies(const struct tw__point *point, int action, const struct setting *setting)
{
    const int worker_process = !has(point, TW__POINT_SUPERVISOR) && setting->kind == TW_PROCESSES;
    if (!is_passed(point, setting)) {
        return 0;
    }
    if (action == KILL_WORKER) {
        /* The only worker is dead already. */
        const int nobody = setting->workers == 1 && (has(point, TW__POINT_DEATH) || is(point, "fork.before"));
        return setting->kind == TW_PROCESSES && !nobody;
    }
    return action == DELAY || point->error != 0 || worker_process;
}

static inline void fault_text(char *text, size_t size, const struct tw__point *point, int action,
                              const struct setting *setting)
{
    const int is_fork = has(point, TW__POINT_FORK);
    const char *before = has(point, TW__POINT_DEATH) || is_fork ? "kernel.before:kill-worker:3," : "";
    /* Workers are forked again to know the files. */
    const int forks = setting->files ? 2 * setting->workers : setting->workers;
    const int number = is_fork ? forks + 1 : action == DELAY ? 0 : 1;
    snprintf(text, size, "%s%s:%s:%d", before, point->name, actions[action], number);
}

/* What an error at this point must make of the run. */
static inline int is_expected(tw_status status, const struct tw__point *point, const struct setting *setting)
{
    if (is(point, "fork.before")) { /* without it only as many workers are left as live */
        return status == (setting->workers == 1 ? TW_ERROR_PROCESS : TW_OK);
    }
    if (is(point, "populate.before")) {
        return status == TW_ERROR_MEMORY;
    }
    if (is(point, "choice.make")) { /* the kernel that asked for it fails */
        return status == TW_ERROR_KERNEL;
    }
    if (has(point, TW__POINT_RECORDS) && status == TW_ERROR_KERNEL) {
        return 1; /* the failure that cut the run short is reported first */
    }
    return status == TW_ERROR_FILE || status == TW_ERROR_DISK;
}

/* The table, a line each: name, 1 if its step can fail, and the names of its flags; matrix.py reads it. */
static inline void print_points(void)
{
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = {{TW__POINT_SUPERVISOR, "supervisor"},
                 {TW__POINT_PROCESSES, "processes"},
                 {TW__POINT_SHARED, "shared"},
                 {TW__POINT_SEVERAL, "several"},
                 {TW__POINT_FILES, "files"},
                 {TW__POINT_CHOSEN, "chosen"},
                 {TW__POINT_DEATH, "death"},
                 {TW__POINT_FORK, "fork"},
                 {TW__POINT_RECORDS, "records"},
                 {TW__POINT_BEGINNING, "beginning"},
                 {TW__POINT_STEPS, "steps"},
                 {TW__POINT_OVERWRITES, "overwrites"},
                 {TW__POINT_NODES, "nodes"}};
    for (size_t k = 0; tw__fault_point(k) != NULL; k++) {
        const struct tw__point *point = tw__fault_point(k);
        printf("%s %d", point->name, point->error != 0);
        for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
            if (has(point, flags[f].flag)) {
                printf(" %s", flags[f].name);
            }
        }
        printf("\n");
    }
}

#endif
