/* waiter.h - a process in between that waits for one program, for hosts that take the ends of their children. */
#ifndef TW_OS_WAITER_H
#define TW_OS_WAITER_H

#include <sys/types.h>

struct tw__waiter {
    pid_t pid;
    int fd; /* where it writes how the program ended */
};

/* Whether this program has asked the system to forget how its children ended (SIGCHLD ignored, or SA_NOCLDWAIT). */
int tw__ends_are_forgotten(void);

/* Starts the program at `path` with both outputs on `fd`, standard input empty, by way of a process of its own that
 * waits for it. That process is no child that waitpid(-1) finds or that SIGCHLD is sent for. 0, or an errno. Any
 * thread. */
int tw__waiter_start(struct tw__waiter *waiter, const char *path, char *const argv[], char *const environment[],
                     int fd);

/* Waits for the program. *ended: its status, as waitpid gives it. 0, or the errno with which it could not be executed;
 * ECHILD if the waiter itself was killed. */
int tw__waiter_end(struct tw__waiter *waiter, int *ended);

#endif
