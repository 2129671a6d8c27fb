/* isolation_kernels.c - kernels that spoil the process they run in after they have computed their tile: what tiles
 * after them compute must not change. Used by tests/faults/isolation.py. */
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <tilework/tilework.h>

#define LEAK ((size_t)1 << 20)
#define MOST_DESCRIPTORS 1024

/* x[i] -> r[i,j]: j = 0: a third, which is rounded; j = 1: a product too small for a normal number. */
static void compute(const tw_tile *tile)
{
    TW_VIEW(const volatile double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i, 0) = TW_AT(x, i) / 3;
        TW_AT(r, i, 1) = TW_AT(x, i) * 1e-310;
    }
}

#define KERNEL(name, spoil)                                                                                            \
    int name(const tw_tile *tile);                                                                                     \
    int name(const tw_tile *tile)                                                                                      \
    {                                                                                                                  \
        compute(tile);                                                                                                 \
        spoil;                                                                                                         \
        return 0;                                                                                                      \
    }

static void close_all(void)
{
    for (int fd = 3; fd < MOST_DESCRIPTORS; fd++) {
        close(fd);
    }
}

/* Others in their place, so that whoever uses a number that it knows meets a stranger. */
static void replace_all(void)
{
    for (int fd = 3; fd < MOST_DESCRIPTORS; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            close(fd);
            if (open("/dev/null", O_RDWR) < 0) {
                return;
            }
        }
    }
}

static void change_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_IGN);
    }
    sigprocmask(SIG_SETMASK, &all, NULL);
}

static void leak(void)
{
    char *memory = malloc(LEAK);
    if (memory != NULL) {
        memset(memory, 1, LEAK);
    }
    __asm__ volatile("" : : "r"(memory)); /* the compiler is not to see that nobody wants it */
}

static void flush_to_zero(void)
{
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

static void spoil_environment(void)
{
    clearenv();
    setlocale(LC_ALL, "C.UTF-8");
    umask(0777);
    srand(1);
}

static void *wait_for_ever(void *argument)
{
    for (;;) {
        pause();
    }
    return argument;
}

static void leave_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) {
        pthread_detach(thread);
    }
}

KERNEL(nothing, (void)0)
KERNEL(exits, if (tile->number == 5 && tile->attempt == 0) exit(0))
KERNEL(exits_at_once, if (tile->number == 5 && tile->attempt == 0) _exit(0))
KERNEL(aborts, if (tile->number == 5 && tile->attempt == 0) abort())
KERNEL(rounds_up, fesetround(FE_UPWARD))
KERNEL(rounds_to_zero, fesetround(FE_TOWARDZERO))
KERNEL(flushes_to_zero, flush_to_zero())
KERNEL(closes_descriptors, close_all())
KERNEL(replaces_descriptors, replace_all())
KERNEL(closes_standard_streams, (close(0), close(1), close(2)))
KERNEL(changes_folder, if (chdir("/") != 0) return 1)
KERNEL(changes_signals, change_signals())
KERNEL(leaks_memory, leak())
KERNEL(spoils_environment, spoil_environment())
KERNEL(leaves_threads, leave_thread())
