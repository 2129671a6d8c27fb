/* fault.c - what a test build does at its named points: dies, waits or fails there, as $TILEWORK_FAULT says. Only
 * builds with -Dfaults=true have this file, the one in src/ with state of its own: a point must mean the same wherever
 * it is passed, and counts span all processes. Knows the points' names, not what is done at them. */
#include "os/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_FAULTS 8
#define DELAY_NANOSECONDS 1000000
#define EXIT_CODE 3
#define BAD_TEXT_CODE 99

enum action { KILL_WORKER, KILL_PARENT, STOP, DELAY, ERROR, NACTIONS };
static const char *const action_names[NACTIONS] = {"kill-worker", "kill-parent", "stop", "delay", "error"};

/* Every point: what the step behind it fails with (0: it cannot fail), who passes it and when. */
static const struct tw__point points[] = {
    {"job.enter", 0, 0},
    {"claim.look", 0, 0},
    {"claim.taken", 0, 0},
    {"populate.before", ENOMEM, TW__POINT_SHARED},
    {"populate.after", 0, 0},
    {"kernel.before", 0, 0},
    {"kernel.after", 0, 0},
    {"fold.part", 0, TW__POINT_STEPS},
    {"sum.after", 0, TW__POINT_FILES},
    {"choice.ask", 0, TW__POINT_PROCESSES | TW__POINT_CHOSEN},
    {"choice.asked", 0, TW__POINT_PROCESSES | TW__POINT_CHOSEN},
    {"choice.make", ENOMEM, TW__POINT_SUPERVISOR | TW__POINT_CHOSEN},
    {"inout.copied", 0, TW__POINT_PROCESSES},
    {"inout.computed", 0, TW__POINT_PROCESSES},
    {"inout.committing", 0, TW__POINT_PROCESSES},
    {"inout.committed", 0, TW__POINT_PROCESSES},
    {"done.before", 0, 0},
    {"done.after", 0, 0},
    {"tile.counted", 0, 0},
    {"steal.taken", 0, TW__POINT_SEVERAL},
    {"job.leave", 0, 0},
    {"job.opened", 0, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES},
    {"step.before", 0, TW__POINT_SUPERVISOR | TW__POINT_STEPS},
    {"job.closed", 0, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES},
    {"bury.reaped", 0, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES | TW__POINT_DEATH},
    {"bury.freed", 0, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES | TW__POINT_DEATH},
    {"fork.before", EAGAIN, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES | TW__POINT_FORK},
    {"fork.after", 0, TW__POINT_SUPERVISOR | TW__POINT_PROCESSES | TW__POINT_FORK},
    {"part.created", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_BEGINNING},
    {"part.allocated", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_BEGINNING},
    {"partials.created", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS | TW__POINT_BEGINNING},
    {"partials.allocated", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS | TW__POINT_BEGINNING},
    {"partials.sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS | TW__POINT_RECORDS},
    {"barrier.before", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS | TW__POINT_OVERWRITES},
    {"barrier.after", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS | TW__POINT_OVERWRITES},
    {"partials.remove", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_STEPS},
    {"output.sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES},
    {"output.magic", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES},
    {"output.magic-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES},
    {"output.rename", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES},
    {"output.renamed", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES},
    {"output.mark", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"mark.attribute", EOPNOTSUPP, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"filesystem.known", EOPNOTSUPP, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"shared.open", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"shared.give", ENOSPC, TW__POINT_FILES | TW__POINT_NODES},
    {"shared.piece", ENOSPC, TW__POINT_FILES | TW__POINT_NODES},
    {"shared.given", 0, TW__POINT_FILES | TW__POINT_NODES},
    {"node.look", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.job", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.kernel", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.folder", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.folder-made", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.read", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.journal", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.state", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.data-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.record", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.record-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.recorded", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.read-back", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.commit", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.committed", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.gone", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"node.remove", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_NODES},
    {"journal.create", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_BEGINNING},
    {"journal.header", ENOSPC, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_BEGINNING},
    {"journal.header-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_RECORDS},
    {"journal.data-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_RECORDS},
    {"journal.record", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_RECORDS},
    {"journal.record-sync", EIO, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_RECORDS},
    {"journal.recorded", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES | TW__POINT_RECORDS},
    {"journal.remove", 0, TW__POINT_SUPERVISOR | TW__POINT_FILES},
};
#define NPOINTS (sizeof points / sizeof points[0])

/* Seen by this process and all its children. */
struct counts {
    _Atomic uint64_t passed[NPOINTS];
    _Atomic uint64_t acted;
};

static struct {
    int armed; /* there is something to do or to write down */
    int parent;
    const char *log; /* NULL: none */
    struct counts *counts;
    int nfaults;
    struct {
        size_t point;
        enum action action;
        uint64_t number; /* of the passing that acts; 0: each */
    } faults[MAX_FAULTS];
} plan;

const struct tw__point *tw__fault_point(size_t k)
{
    return k < NPOINTS ? &points[k] : NULL;
}

static size_t find(const char *name, size_t length)
{
    size_t k = 0;
    while (k < NPOINTS && (strlen(points[k].name) != length || memcmp(points[k].name, name, length) != 0)) {
        k++;
    }
    return k;
}

uint64_t tw__fault_met(const char *point)
{
    const size_t k = find(point, strlen(point));
    return k < NPOINTS && plan.counts != NULL ? atomic_load(&plan.counts->passed[k]) : 0;
}

uint64_t tw__fault_acted(void)
{
    return plan.counts != NULL ? atomic_load(&plan.counts->acted) : 0;
}

/* One write, so that lines of several processes stay whole; no descriptor is kept, so that none is counted. */
static void write_line(const char *word, const char *point, const char *rest)
{
    char line[128];
    const int length = snprintf(line, sizeof line, "%s %s %s\n", word, point, rest);
    const int fd = plan.log != NULL ? open(plan.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) {
        if (write(fd, line, (size_t)length) < 0) {
            _exit(BAD_TEXT_CODE); /* a test that cannot be believed */
        }
        close(fd);
    }
}

/* POINT:ACTION[:N] */
static int add_fault(const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    if (colon == NULL || plan.nfaults == MAX_FAULTS) {
        return -1;
    }
    const size_t point = find(text, (size_t)(colon - text));
    const char *action = colon + 1, *end = text + length;
    const char *second = memchr(action, ':', (size_t)(end - action));
    const size_t action_length = (size_t)((second != NULL ? second : end) - action);
    size_t a = 0;
    while (a < NACTIONS &&
           (strlen(action_names[a]) != action_length || memcmp(action_names[a], action, action_length) != 0)) {
        a++;
    }
    uint64_t number = second != NULL ? 0 : 1;
    for (const char *digit = second != NULL ? second + 1 : end; digit < end; digit++) {
        if (*digit < '0' || *digit > '9' || number > 1000000) {
            return -1;
        }
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    if (point == NPOINTS || a == NACTIONS || (second != NULL && second + 1 == end)) {
        return -1;
    }
    plan.faults[plan.nfaults].point = point;
    plan.faults[plan.nfaults].action = (enum action)a;
    plan.faults[plan.nfaults].number = number;
    plan.nfaults++;
    return 0;
}

int tw__fault_arm(const char *text)
{
    if (plan.counts == NULL) {
        void *memory = mmap(NULL, sizeof *plan.counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            return -1;
        }
        plan.counts = memory;
    }
    memset(plan.counts, 0, sizeof *plan.counts);
    plan.parent = getpid();
    plan.log = getenv("TILEWORK_FAULT_LOG");
    plan.nfaults = 0;
    plan.armed = 1;
    while (*text != '\0') {
        const size_t length = strcspn(text, ",");
        if (add_fault(text, length) != 0) {
            return -1;
        }
        text += length + (text[length] == ',');
    }
    return 0;
}

/* Before the program makes its first process. */
__attribute__((constructor)) static void arm_from_environment(void)
{
    static const char bad[] = "$TILEWORK_FAULT cannot be read: POINT:ACTION[:N],...\n";
    const char *text = getenv("TILEWORK_FAULT");
    if (text == NULL && getenv("TILEWORK_FAULT_LOG") == NULL) {
        return;
    }
    if (tw__fault_arm(text != NULL ? text : "") != 0) {
        const ssize_t written = write(STDERR_FILENO, bad, sizeof bad - 1);
        _exit(written < 0 ? BAD_TEXT_CODE + 1 : BAD_TEXT_CODE);
    }
}

static int is_worker(void)
{
    return getpid() != plan.parent;
}

/* A zombie has nothing left that could be killed. */
static int lives(long pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && name_end[1] == ' ' && name_end[2] != 'Z' && name_end[2] != 'X';
}

/* The first child of one thread that lives; 0: none. */
static long child_of(const char *thread)
{
    char path[320], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%s/children", thread);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    long pid = 0;
    for (const char *next = text; *next != '\0'; next++) { /* "17 23 " */
        if (*next >= '0' && *next <= '9') {
            pid = pid * 10 + (*next - '0');
        } else if (pid > 1 && lives(pid)) {
            return pid;
        } else {
            pid = 0;
        }
    }
    return 0;
}

/* Without opendir, which allocates: in a thread that does so for the first time memory would stay mapped. */
static long any_child(void)
{
    _Alignas(struct dirent64) char entries[8192];
    long pid = 0;
    ssize_t length = 0;
    const int threads = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (threads >= 0 && pid == 0 && (length = getdents64(threads, entries, sizeof entries)) > 0) {
        for (ssize_t at = 0; at < length && pid == 0;) {
            const struct dirent64 *thread = (const struct dirent64 *)(const void *)(entries + at);
            pid = thread->d_name[0] != '.' ? child_of(thread->d_name) : 0;
            at += thread->d_reclen;
        }
    }
    if (threads >= 0) {
        close(threads);
    }
    return pid;
}

static int act(size_t point, enum action action)
{
    const char *name = points[point].name, *what = action_names[action];
    const long child = action == KILL_WORKER && !is_worker() ? any_child() : 0;
    const int nobody = action == KILL_WORKER && !is_worker() && child == 0;
    /* A worker whose parent is gone already has somebody else for a parent, who is not ours to kill. */
    const int orphan = action == KILL_PARENT && is_worker() && getppid() != plan.parent;
    const int harmless = action == ERROR && points[point].error == 0 && !is_worker();
    write_line(nobody || orphan || harmless ? "none" : "did", name, what);
    if (nobody || orphan || harmless) {
        return 0;
    }
    atomic_fetch_add(&plan.counts->acted, 1);
    switch (action) {
    case KILL_WORKER:
        kill(is_worker() ? getpid() : (pid_t)child, SIGKILL);
        return 0;
    case KILL_PARENT:
        kill(plan.parent, SIGKILL);
        return 0;
    case STOP:
        raise(SIGSTOP); /* of this thread: it does not return before */
        return 0;
    case DELAY:
        nanosleep(&(struct timespec){.tv_nsec = DELAY_NANOSECONDS}, NULL);
        sched_yield();
        return 0;
    default:
        if (points[point].error == 0) {
            _exit(EXIT_CODE);
        }
        return points[point].error;
    }
}

int tw__fault(const char *name)
{
    if (!plan.armed) {
        return 0;
    }
    const int before = errno;
    const size_t point = find(name, strlen(name));
    if (point == NPOINTS) {
        write_line("unknown", name, "");
        _exit(BAD_TEXT_CODE);
    }
    const uint64_t number = atomic_fetch_add(&plan.counts->passed[point], 1) + 1;
    int result = 0;
    if (number == 1) {
        write_line("met", name, is_worker() ? "worker" : "parent");
    }
    for (int k = 0; k < plan.nfaults; k++) {
        if (plan.faults[k].point == point && (plan.faults[k].number == 0 || plan.faults[k].number == number)) {
            const int error = act(point, plan.faults[k].action);
            result = error != 0 ? error : result;
        }
    }
    errno = before;
    return result;
}
