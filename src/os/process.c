/* process.c - worker processes: forked, watched, reaped. Knows nothing of what they do. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
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
static void watch_lifeline(const struct tw__lifeline *lifeline)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", lifeline->read_end);
    const int own = tw__descriptor_lift(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    close(lifeline->read_end);
    close(lifeline->write_end);
    if (own >= 0 && fcntl(own, F_SETOWN, getpid()) == 0 && fcntl(own, F_SETSIG, SIGKILL) == 0) {
        fcntl(own, F_SETFL, O_ASYNC | O_NONBLOCK);
    }
}

/* Only processes that this file has forked set it. */
static pid_t only_parent;

static void on_thread_end(int number)
{
    (void)number;
    if (getppid() != only_parent) {
        _exit(0);
    }
}

/* PR_SET_PDEATHSIG fires when the *thread* that forked ends. For the main thread that is right. For another one a
 * handler looks whether the process is there still; if so, another of its threads is the parent now, and its end is
 * reported in the same way. The lifeline is right for all threads and kills in the middle of anything, but whatever the
 * program forks, the workers of its other pools too, keeps its write end open. */
static void die_with_parent(const struct tw__lifeline *lifeline, int parent, int parent_is_main_thread)
{
    struct sigaction action;
    watch_lifeline(lifeline);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_thread_end;
    action.sa_flags = SA_RESTART;
    only_parent = parent;
    if (parent_is_main_thread) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    } else if (sigaction(SIGRTMAX, &action, NULL) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGRTMAX);
    }
    if (getppid() != parent) { /* it died before the calls above */
        _exit(0);
    }
}

/* Where the handlers below write. A handler is given nothing else; only processes that this file has forked set it. */
static struct tw__fault_note *fault_note;

static const int requests_to_end[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
static pid_t only_child; /* the process that tw__fork made; children of its own are none of ours */

/* What others send is the parent's to answer. What the process sends itself is meant: a library that cannot work after
 * a fork says so with raise(SIGTERM), and if it lived on, its results would be wrong. */
static void on_request_to_end(int number, siginfo_t *info, void *context)
{
    const int sent = info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE;
    const int own = sent && info->si_pid == getpid();
    struct sigaction action;
    (void)context;
    if (!own && getpid() == only_child) {
        return;
    }
    if (fault_note != NULL && getpid() == only_child) {
        fault_note->by_itself = 1;
        atomic_store_explicit(&fault_note->signal, number, memory_order_release);
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    raise(number); /* it comes when this handler has returned */
}

int tw__fork(struct tw__process *process, const struct tw__lifeline *lifeline, int (*function)(void *argument),
             void *argument)
{
    const int parent = getpid();
    const int is_main_thread = (int)syscall(SYS_gettid) == parent;
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
        only_child = getpid();
        action.sa_handler = SIG_IGN;
        sigaction(SIGTSTP, &action, NULL);
        action.sa_sigaction = on_request_to_end;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        for (size_t k = 0; k < sizeof requests_to_end / sizeof requests_to_end[0]; k++) {
            sigaction(requests_to_end[k], &action, NULL);
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

#if defined(__x86_64__)
/* The page-fault error code: bit 1 is set for a write. */
static int access_of(const ucontext_t *context)
{
    return (context->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? TW__TOUCH_WRITE : TW__TOUCH_READ;
}
#else
static int access_of(const ucontext_t *context)
{
    (void)context;
    return TW__TOUCH_UNKNOWN;
}
#endif

/* Runs on its own stack, with the default action restored: the instruction raises its signal again and that ends the
 * process; a signal that somebody sent is sent again. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    const int raised = info->si_code > 0 && info->si_code != SI_KERNEL;
    if (raised) {
        fault_note->by_itself = 0;
        fault_note->address = (uint64_t)(uintptr_t)info->si_addr;
        fault_note->access = number == SIGSEGV ? access_of(context) : TW__TOUCH_UNKNOWN;
        atomic_store_explicit(&fault_note->signal, number, memory_order_release);
    }
    if (info->si_code <= 0) {
        kill(getpid(), number);
    }
}

void tw__note_faults(struct tw__fault_note *note)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    const size_t size = 65536;
    fault_note = note;
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        return;
    }
    const stack_t own = {.ss_sp = stack, .ss_size = size};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0] && sigaltstack(&own, NULL) == 0; k++) {
        sigaction(numbers[k], &action, NULL);
    }
}

void tw__death_add(struct tw__death *death, struct tw__fault_note *note)
{
    if (death->signal > 0 && atomic_load(&note->signal) == death->signal) {
        death->by_itself = note->by_itself;
        death->has_address = !note->by_itself;
        death->address = note->address;
        death->access = note->access;
    }
    atomic_store(&note->signal, 0);
}

int tw__reap(struct tw__process *process, struct tw__death *death)
{
    siginfo_t info;
    info.si_pid = 0;
    *death = (struct tw__death){0};
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
    } else if (info.si_code == CLD_EXITED) {
        death->code = info.si_status;
    } else {
        death->signal = info.si_status;
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

int tw__process_is_gone(int pid)
{
    return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

void tw__kill(struct tw__process *process)
{
    if (process->pid == 0) {
        return;
    }
    tw__kill_begin(process);
    struct tw__death death;
    while (tw__reap(process, &death) == EAGAIN) {
        tw__sleep_on(process, 1, NULL, 0.01);
    }
}

/* A signal in words, untranslated where the C library offers that. NULL: it has none. */
static const char *signal_words(int signal)
{
#if __GLIBC_PREREQ(2, 32)
    return sigdescr_np(signal);
#else
    return strsignal(signal);
#endif
}

void tw__death_text(const struct tw__death *death, char *text, size_t size)
{
    if (death->signal > 0) {
        const char *name = signal_words(death->signal);
        const int length =
            snprintf(text, size, "%s signal %d (%s)", death->by_itself ? "killed itself with" : "was killed by",
                     death->signal, name != NULL ? name : "unknown");
        if (death->has_address && length > 0 && (size_t)length < size) {
            snprintf(text + length, size - (size_t)length, " at address 0x%llx", (unsigned long long)death->address);
        }
    } else if (death->signal == 0) {
        snprintf(text, size, "exited with code %d", death->code);
    } else {
        snprintf(text, size, "ended for a reason that was not seen");
    }
}

void tw__sleep_on(struct tw__process *processes, int count, const struct tw__event *event, double seconds)
{
    enum { FEW = 64 };
    const int event_fd = event != NULL ? event->fd : -1;
    struct pollfd few[FEW + 1]; /* the stack may be small */
    struct pollfd *fds = count <= FEW ? few : malloc(((size_t)count + 1) * sizeof *fds);
    nfds_t n = 0;
    if (fds == NULL) { /* all are looked at, a little later */
        for (int k = 0; k < count; k++) {
            processes[k].look = 1;
        }
        poll(NULL, 0, seconds > 0 ? 1 : 0);
        return;
    }
    for (int k = 0; k < count && k < TW__MAX_PROCESSES; k++) {
        if (processes[k].pid != 0 && processes[k].pidfd >= 0) {
            fds[n++] = (struct pollfd){.fd = processes[k].pidfd, .events = POLLIN};
        }
    }
    if (event_fd >= 0) {
        fds[n++] = (struct pollfd){.fd = event_fd, .events = POLLIN};
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
    if (ready > 0 && event_fd >= 0 && fds[n].revents != 0) {
        uint64_t value;
        while (read(event_fd, &value, sizeof value) < 0 && errno == EINTR) {
        }
    }
    if (fds != few) {
        free(fds);
    }
}

int tw__event_open(struct tw__event *event)
{
    struct stat info;
    event->fd = tw__descriptor_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (event->fd < 0) {
        return errno;
    }
    if (fstat(event->fd, &info) != 0) {
        const int error = errno;
        tw__event_close(event);
        return error;
    }
    event->device = info.st_dev;
    event->inode = info.st_ino;
    return 0;
}

void tw__event_signal(const struct tw__event *event)
{
    const uint64_t one = 1;
    struct stat info;
    if (fstat(event->fd, &info) != 0 || info.st_dev != event->device || info.st_ino != event->inode) {
        return;
    }
    while (write(event->fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void tw__event_close(struct tw__event *event)
{
    if (event->fd >= 0) {
        close(event->fd);
    }
    event->fd = -1;
}

void tw__process_flush(void)
{
    fflush(stdout);
}

const volatile int *tw__fork_mark(void)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    int *mark = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED) {
        return NULL;
    }
    if (madvise(mark, size, MADV_WIPEONFORK) != 0) {
        munmap(mark, size);
        return NULL;
    }
    *mark = 1;
    return mark;
}

void tw__process_end(void)
{
    _exit(0);
}

int tw__process_own_id(void)
{
    return getpid();
}

int tw__process_parent_id(void)
{
    return getppid();
}
