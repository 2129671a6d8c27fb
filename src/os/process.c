/* process.c - worker processes: forked, watched, reaped. Knows nothing of what they do. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/descriptor.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int tw__lifeline_open(struct tw__lifeline *lifeline)
{
    int ends[2];
    const int error = tw__pipe(ends);
    if (error != 0) {
        return error;
    }
    lifeline->read_end = ends[0];
    lifeline->write_end = ends[1];
    return 0;
}

void tw__lifeline_close(struct tw__lifeline *lifeline)
{
    close(lifeline->read_end);
    close(lifeline->write_end);
}

/* The signal's owner belongs to an open file, and a fork shares those: each child opens the pipe anew. */
static int watch_lifeline(const struct tw__lifeline *lifeline)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", lifeline->read_end);
    const int own = tw__descriptor_lift(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    close(lifeline->read_end);
    close(lifeline->write_end);
    return own >= 0 && fcntl(own, F_SETOWN, getpid()) == 0 && fcntl(own, F_SETSIG, SIGKILL) == 0 &&
           fcntl(own, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

/* PR_SET_PDEATHSIG fires when the *thread* that forked ends, so it is right for the main thread alone; the lifeline is
 * right for all threads, but a process that the program forks without exec keeps its write end open. */
static void die_with_parent(const struct tw__lifeline *lifeline, int parent, int parent_is_main_thread)
{
    const int watched = watch_lifeline(lifeline);
    if (parent_is_main_thread || !watched) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if (getppid() != parent) { /* it died before the calls above */
        _exit(0);
    }
}

int tw__fork(struct tw__process *process, const struct tw__lifeline *lifeline, int (*function)(void *argument),
             void *argument)
{
    const int parent = getpid();
    const int is_main_thread = (int)syscall(SYS_gettid) == parent;
    static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGHUP};
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* no handler of the program's may run in the child */
    const pid_t pid = fork();
    if (pid == 0) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        for (int number = 1; number < NSIG; number++) {
            action.sa_handler = SIG_DFL;
            sigaction(number, &action, NULL);
        }
        for (size_t k = 0; k < sizeof ignored / sizeof ignored[0]; k++) {
            action.sa_handler = SIG_IGN;
            sigaction(ignored[k], &action, NULL);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        die_with_parent(lifeline, parent, is_main_thread);
        __fpurge(stdout); /* what the parent had not written yet is the parent's to write */
        _exit(function(argument));
    }
    const int error = pid < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return error;
    }
    process->pid = pid;
    /* Close-on-exec by definition; -1 before Linux 5.3. */
    process->pidfd = tw__descriptor_lift((int)syscall(SYS_pidfd_open, pid, 0));
    return 0;
}

int tw__reap(struct tw__process *process, struct tw__death *death)
{
    siginfo_t info;
    info.si_pid = 0;
    int result;
    do {
        result = process->pidfd >= 0 ? waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG)
                                     : waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG);
    } while (result != 0 && errno == EINTR);
    if (result == 0 && info.si_pid == 0) {
        return EAGAIN;
    }
    if (result != 0 && errno != ECHILD && process->pidfd >= 0) {
        /* The program closed a descriptor that it did not know, or this Linux lacks P_PIDFD (before 5.4). The number
         * may be somebody else's by now, so it is not closed. */
        process->pidfd = -1;
        return tw__reap(process, death);
    }
    if (result != 0) { /* the program ignores SIGCHLD, or waits for any child: it is gone all the same */
        death->signal = -1;
        death->code = 0;
    } else if (info.si_code == CLD_EXITED) {
        death->signal = 0;
        death->code = info.si_status;
    } else {
        death->signal = info.si_status;
        death->code = 0;
    }
    tw__forget(process);
    return 0;
}

void tw__forget(struct tw__process *process)
{
    if (process->pidfd >= 0) {
        close(process->pidfd);
    }
    process->pid = 0;
    process->pidfd = -1;
}

void tw__kill_begin(const struct tw__process *process)
{
    if (process->pid == 0) {
        return;
    }
    if (process->pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
    } else {
        kill(process->pid, SIGKILL);
    }
}

void tw__kill(struct tw__process *process)
{
    if (process->pid == 0) {
        return;
    }
    tw__kill_begin(process);
    struct tw__death death;
    while (tw__reap(process, &death) == EAGAIN) {
        tw__sleep_on(process, 1, -1, 0.01);
    }
}

void tw__death_text(const struct tw__death *death, char *text, size_t size)
{
    if (death->signal > 0) {
        const char *name = sigdescr_np(death->signal);
        snprintf(text, size, "was killed by signal %d (%s)", death->signal, name != NULL ? name : "unknown");
    } else if (death->signal == 0) {
        snprintf(text, size, "exited with code %d", death->code);
    } else {
        snprintf(text, size, "ended for a reason that was not seen");
    }
}

void tw__sleep_on(struct tw__process *processes, int count, int event, double seconds)
{
    struct pollfd fds[TW__MAX_PROCESSES + 1];
    nfds_t n = 0;
    for (int k = 0; k < count && k < TW__MAX_PROCESSES; k++) {
        if (processes[k].pid != 0 && processes[k].pidfd >= 0) {
            fds[n++] = (struct pollfd){.fd = processes[k].pidfd, .events = POLLIN};
        }
    }
    if (event >= 0) {
        fds[n++] = (struct pollfd){.fd = event, .events = POLLIN};
    }
    for (int k = 0; k < count; k++) {
        processes[k].look = processes[k].pidfd < 0;
    }
    const int ready = poll(fds, n, seconds > 0 ? (int)(seconds * 1000) + 1 : 0);
    n = 0;
    for (int k = 0; k < count && k < TW__MAX_PROCESSES; k++) {
        if (processes[k].pid != 0 && processes[k].pidfd >= 0) {
            processes[k].look = ready > 0 && fds[n].revents != 0;
            n++;
        }
    }
    if (ready > 0 && event >= 0 && fds[n].revents != 0) {
        uint64_t value;
        while (read(event, &value, sizeof value) < 0 && errno == EINTR) {
        }
    }
}

int tw__event_open(int *event)
{
    *event = tw__descriptor_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return *event < 0 ? errno : 0;
}

void tw__event_signal(int event)
{
    const uint64_t one = 1;
    while (write(event, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void tw__event_close(int event)
{
    if (event >= 0) {
        close(event);
    }
}

void tw__process_flush(void)
{
    fflush(stdout);
}

int tw__process_own_id(void)
{
    return getpid();
}

int tw__process_parent_id(void)
{
    return getppid();
}
