/* interrupt.c - ends that come from outside: Ctrl-C, of which the first asks the run to stop after the tiles
 * being run and the second ends at once, and a kernel that calls exit. The state is static because a handler is given
 * nothing else. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tilework/tilework.h>

#include "exit.h"
#include "look/clock.h"

#define GUARDED (TW_MAX_OPERANDS + 2) /* every operand's output, the report and the trace */

/* Signals that come this close together are one request: timeout(1) and a closing terminal send two. */
#define TOGETHER 0.1 /* seconds */

static int stop;
static int at_once;
static double first_at;
static int announced;
static pid_t owner; /* a worker that was just forked has the handler, but is not the one to act */
static int watched; /* code that is not this program's runs in it */
static const char *guarded[GUARDED];
static const char *kept;

static void remove_guarded(void)
{
    for (size_t g = 0; g < GUARDED; g++) {
        const char *path = __atomic_load_n(&guarded[g], __ATOMIC_RELAXED);
        if (path != NULL) {
            unlink(path);
        }
    }
}

/* Calls async-signal-safe functions alone. */
static void on_signal(int number)
{
    static const char text[] = "tilework: stopping after the tiles being run; repeat to stop at once\n";
    static const char text_at_once[] = "tilework: " CLI_INTERRUPTED_BEFORE "\n";
    (void)number;
    if (getpid() != owner) {
        return;
    }
    if (__atomic_load_n(&at_once, __ATOMIC_RELAXED)) {
        if (write(STDERR_FILENO, text_at_once, sizeof text_at_once - 1) < 0) {
            _exit(CLI_INTERRUPTED); /* nobody reads it */
        }
        _exit(CLI_INTERRUPTED);
    }
    if (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        first_at = cli_now();
        __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
        if (announced && write(STDERR_FILENO, text, sizeof text - 1) < 0) {
            return; /* nobody reads it; the stop stands */
        }
        return;
    }
    if (cli_now() - first_at < TOGETHER) {
        return;
    }
    remove_guarded();
    const char *text_kept = __atomic_load_n(&kept, __ATOMIC_RELAXED);
    if (text_kept != NULL && write(STDERR_FILENO, text_kept, strlen(text_kept)) < 0) {
        _exit(CLI_INTERRUPTED); /* nobody reads it */
    }
    _exit(CLI_INTERRUPTED);
}

static void handle(const int *numbers, size_t count)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t n = 0; n < count; n++) {
        struct sigaction before;
        if (sigaction(numbers[n], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(numbers[n], &action, NULL);
        }
    }
}

const int *cli_interrupt_install(int announce)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    owner = getpid();
    announced = announce;
    handle(numbers, sizeof numbers / sizeof numbers[0]);
    return &stop;
}

void cli_interrupt_warnings(void)
{
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGXCPU};
    handle(numbers, sizeof numbers / sizeof numbers[0]);
}

static void on_exit_called(void)
{
    if (!watched || getpid() != owner) {
        return;
    }
    remove_guarded();
    fflush(stdout);
    if (announced) {
        fputs("\r\033[K", stderr); /* the line that shows progress */
    }
    cli_say("the kernel ended the program: it called exit, but it should return; no output was finished "
            "(use --pool processes for a kernel that must exit)");
    if (kept != NULL) {
        fputs(kept, stderr);
    }
    _exit(CLI_FAILED);
}

int cli_exit_watch(void)
{
    owner = getpid();
    watched = 1;
    return atexit(on_exit_called) == 0;
}

void cli_exit_unwatch(void)
{
    watched = 0;
}

int cli_interrupted(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

void cli_interrupt_at_once(int yes)
{
    __atomic_store_n(&at_once, yes, __ATOMIC_SEQ_CST);
}

void cli_interrupt_kept(const char *text)
{
    __atomic_store_n(&kept, text, __ATOMIC_RELAXED);
}

void cli_interrupt_guard(const char *path)
{
    for (size_t g = 0; g < GUARDED; g++) {
        if (guarded[g] == NULL) {
            __atomic_store_n(&guarded[g], path, __ATOMIC_RELAXED);
            return;
        }
    }
}

void cli_interrupt_release(const char *path)
{
    for (size_t g = 0; g < GUARDED; g++) {
        if (guarded[g] == path) {
            __atomic_store_n(&guarded[g], NULL, __ATOMIC_RELAXED);
        }
    }
}
