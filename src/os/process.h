/* process.h - worker processes: forked, watched, reaped. */
#ifndef TW_OS_PROCESS_H
#define TW_OS_PROCESS_H

#include <stddef.h>

/* Functions that return int: 0, or an errno. */

#define TW__MAX_PROCESSES 4096

/* A pipe that nobody writes: when the parent is gone, its children's read end hangs up and the kernel kills them, in
 * the middle of a kernel too. */
struct tw__lifeline {
    int read_end, write_end;
};

int tw__lifeline_open(struct tw__lifeline *lifeline);
void tw__lifeline_close(struct tw__lifeline *lifeline);

struct tw__process {
    int pid;   /* 0: none */
    int look;  /* set by tw__sleep_on: it may have ended, tw__reap will tell */
    int pidfd; /* readable once the process has ended; close-on-exec; -1: none */
};

/* Forks a child that runs function(argument) and ends with _exit(what it returns). The child ignores the terminal's
 * signals (SIGINT, SIGQUIT, SIGTSTP, SIGHUP) and SIGTERM, which are the parent's to handle, and dies with its parent.
 */
int tw__fork(struct tw__process *process, const struct tw__lifeline *lifeline, int (*function)(void *argument),
             void *argument);

/* How a process ended: its signal, else its exit code. */
struct tw__death {
    int signal; /* 0: it exited; -1: somebody else reaped it */
    int code;
};

/* Reaps the process if it has ended: 0 and *death, else EAGAIN. Closes the pidfd once it is reaped. */
int tw__reap(struct tw__process *process, struct tw__death *death);

/* Kills with SIGKILL and reaps. */
void tw__kill(struct tw__process *process);

/* Closes the pidfd of a process that is somebody else's child. */
void tw__forget(struct tw__process *process);

/* Sends SIGKILL and returns; tw__reap follows. */
void tw__kill_begin(const struct tw__process *process);

/* "was killed by signal 9 (Killed)", "exited with code 3". */
void tw__death_text(const struct tw__death *death, char *text, size_t size);

/* Sleeps until one of the processes has ended, `event` (of tw__event_open; emptied; -1: none) was signalled, a signal
 * came, or `seconds` have passed. A hint: sets `look` of those processes that may have ended. */
void tw__sleep_on(struct tw__process *processes, int count, int event, double seconds);

int tw__event_open(int *event);
void tw__event_signal(int event); /* async-signal-safe, any process that has the descriptor */
void tw__event_close(int event);

/* Writes what a kernel has printed to this process's standard output and is still in its buffer. */
void tw__process_flush(void);

int tw__process_own_id(void);
int tw__process_parent_id(void);

#endif
