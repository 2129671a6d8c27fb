/* waiter.c - a process in between that waits for one program. Servers and supervisors wait for any child, or ignore
 * SIGCHLD: then they learn how a compiler ended and we do not. A process that was made without an exit signal is left
 * alone by both, but only until it executes a program, so it executes none and waits for one that does. */
#include "os/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/descriptor.h"

#define RESULT 3 /* the waiter's descriptor for the struct below */

struct ending {
    int error; /* why the program could not be executed; 0: it was */
    int ended; /* its status */
};

int tw__ends_are_forgotten(void)
{
    struct sigaction action;
    return sigaction(SIGCHLD, NULL, &action) == 0 &&
           ((action.sa_flags & SA_NOCLDWAIT) != 0 ||
            ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN));
}

/* The waiter's descriptors: nothing, both outputs on `fd`, and RESULT. All others are the host's, and would stay open
 * here when the host closes them. */
static int keep_few(int fd, int result)
{
    const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0 ||
        (result != RESULT && dup2(result, RESULT) < 0) || fcntl(RESULT, F_SETFD, FD_CLOEXEC) < 0) {
        return errno;
    }
    if (syscall(SYS_close_range, RESULT + 1, ~0U, 0) != 0) { /* before Linux 5.9; glibc 2.34 has a name for the call */
        const long most = sysconf(_SC_OPEN_MAX);
        for (int k = RESULT + 1; k < (most > 0 && most < 65536 ? (int)most : 65536); k++) {
            close(k);
        }
    }
    return 0;
}

/* The waiter. The program that it comes from may have threads, so it calls nothing that takes a lock. */
__attribute__((noreturn)) static void wait_for(const char *path, char *const argv[], char *const environment[], int fd,
                                               int result)
{
    sigset_t none;
    struct sigaction action;
    struct ending ending = {0, 0};
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    volatile int error = keep_few(fd, result);
    const pid_t pid = error == 0 ? vfork() : -1; /* the child shares this memory; the waiter sleeps until it executes */
    if (pid == 0) {
        execve(path, argv, environment);
        error = errno;
        _exit(127);
    }
    if (pid < 0 && error == 0) {
        error = errno;
    }
    close(STDOUT_FILENO); /* who reads the outputs must see their end */
    close(STDERR_FILENO);
    while (pid > 0 && waitpid(pid, &ending.ended, 0) < 0 && errno == EINTR) {
    }
    ending.error = error;
    while (write(RESULT, &ending, sizeof ending) < 0 && errno == EINTR) {
    }
    _exit(0);
}

int tw__waiter_start(struct tw__waiter *waiter, const char *path, char *const argv[], char *const environment[], int fd)
{
    int ends[2];
    const int status = tw__pipe(ends);
    if (status != 0) {
        return status;
    }
    /* No exit signal, and no handlers of pthread_atfork: they may take locks that a thread holds. */
    const pid_t pid = (pid_t)syscall(SYS_clone, 0L, NULL, NULL, NULL, 0L);
    if (pid == 0) {
        close(ends[0]);
        wait_for(path, argv, environment, fd, ends[1]);
    }
    const int error = pid < 0 ? errno : 0;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error;
    }
    *waiter = (struct tw__waiter){.pid = pid, .fd = ends[0]};
    return 0;
}

int tw__waiter_end(struct tw__waiter *waiter, int *ended)
{
    struct ending ending;
    ssize_t got;
    do {
        got = read(waiter->fd, &ending, sizeof ending);
    } while (got < 0 && errno == EINTR);
    close(waiter->fd);
    while (waitpid(waiter->pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
    if (got != (ssize_t)sizeof ending) {
        return ECHILD;
    }
    *ended = ending.ended;
    return ending.error;
}
