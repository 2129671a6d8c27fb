/* process.h - worker processes: forked, watched, reaped. */
#ifndef TW_OS_PROCESS_H
#define TW_OS_PROCESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Functions that return int: 0, or an errno. */

#define TW__MAX_PROCESSES 4096

/* A pipe that nobody writes: when the parent is gone, its children's read end hangs up and the kernel kills them, in
 * the middle of a kernel too. */
struct tw__lifeline {
    int read_end, write_end;
};

int tw__lifeline_open(struct tw__lifeline *lifeline);
void tw__lifeline_close(struct tw__lifeline *lifeline);

/* What workers wake their sleeping parent with. */
struct tw__event {
    int fd; /* -1: none */
    uint64_t device, inode;
};

struct tw__process {
    int pid;   /* 0: none */
    int look;  /* set by tw__sleep_on: it may have ended, tw__reap will tell */
    int pidfd; /* readable once the process has ended; close-on-exec; -1: none */
};

/* Forks a child that runs function(argument) and ends with _exit(what it returns). The child ignores the terminal's
 * signals (SIGINT, SIGQUIT, SIGTSTP, SIGHUP) and SIGTERM, which are the parent's to handle, and dies with its parent.
 * Of these, one that the child sends itself ends it, as libraries do that refuse to work after a fork (SIGTSTP, which
 * would only stop it, does not). */
int tw__fork(struct tw__process *process, const struct tw__lifeline *lifeline, int (*function)(void *argument),
             void *argument);

enum tw__touch { TW__TOUCH_UNKNOWN, TW__TOUCH_READ, TW__TOUCH_WRITE };

/* What the signal was about that ended a process, in memory that its parent sees. */
struct tw__fault_note {
    _Atomic int signal; /* 0: nothing is known */
    int by_itself;      /* the process sent it to itself; no address then */
    int access;         /* enum tw__touch */
    uint64_t address;
};

/* In a child: SIGSEGV, SIGBUS, SIGILL and SIGFPE that an instruction raises leave their address in *note before they
 * end the process, and the signals that tw__fork speaks of leave that the child sent them. For the former memory may be
 * short; a kernel may set handlers of its own. */
void tw__note_faults(struct tw__fault_note *note);

/* How a process ended: its signal, else its exit code. */
struct tw__death {
    int signal; /* 0: it exited; -1: somebody else reaped it */
    int code;
    int by_itself;   /* it sent itself the signal, one that it ignores from others */
    int has_address; /* `address` is what the signal was about */
    int access;      /* enum tw__touch */
    uint64_t address;
};

/* Adds what the note says of the signal, and empties the note. */
void tw__death_add(struct tw__death *death, struct tw__fault_note *note);

/* Reaps the process if it has ended: 0 and *death, else EAGAIN. Closes the pidfd once it is reaped. */
int tw__reap(struct tw__process *process, struct tw__death *death);

/* Whether this machine has no process of that number (any more). */
int tw__process_is_gone(int pid);

/* Kills with SIGKILL and reaps. */
void tw__kill(struct tw__process *process);

/* Closes the pidfd of a process that is somebody else's child. */
void tw__forget(struct tw__process *process);

/* Sends SIGKILL and returns; tw__reap follows. */
void tw__kill_begin(const struct tw__process *process);

/* "was killed by signal 9 (Killed)", "was killed by signal 11 (Segmentation fault) at address 0x7f12", "killed itself
 * with signal 15 (Terminated)", "exited with code 3". */
void tw__death_text(const struct tw__death *death, char *text, size_t size);

/* Sleeps until one of the processes has ended, `event` (emptied; NULL or fd -1: none) was signalled, a signal
 * came, or `seconds` have passed. A hint: sets `look` of those processes that may have ended. */
void tw__sleep_on(struct tw__process *processes, int count, const struct tw__event *event, double seconds);

int tw__event_open(struct tw__event *event);
/* Any process that has the descriptor. Nothing happens if it is no longer the event: a kernel may have closed it and
 * opened a file of its own. */
void tw__event_signal(const struct tw__event *event);
void tw__event_close(struct tw__event *event);

/* Writes what a kernel has printed to this process's standard output and is still in its buffer. */
void tw__process_flush(void);

/* A word that is 1 in this process and 0 in those that are forked from it; NULL: the system has none (before Linux
 * 4.14), or memory is short. Costs a page, which nothing frees. */
const volatile int *tw__fork_mark(void);

/* Ends this process at once: nothing is written, no handler is called. */
_Noreturn void tw__process_end(void);

int tw__process_own_id(void);
int tw__process_parent_id(void);

#endif
