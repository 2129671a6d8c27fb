/* What the system reports of a process: one that waits wants no processor, one that computes wants it, whether it is
 * the process itself, another of its threads or a program that it has started. */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/usage.h"

#define PATIENCE 2000 /* looks, 10 ms apart, until something is so */
#define LOOKS 50

static void wait_forever(void)
{
    for (;;) {
        pause();
    }
}

static void *compute(void *unused)
{
    for (volatile unsigned n = 0;; n++) {
    }
    return unused;
}

static void compute_in_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, compute, NULL) == 0) {
        wait_forever();
    }
    _exit(1);
}

static void compute_here(void)
{
    compute(NULL);
}

static pid_t started(void (*work)(void))
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        work();
        _exit(1);
    }
    setpgid(pid, pid);
    return pid;
}

static void start_one_that_computes(void)
{
    if (fork() == 0) {
        compute(NULL);
    }
    wait_forever();
}

static void end(pid_t pid)
{
    kill(-pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int becomes(pid_t pid, int runnable)
{
    int found = tw__is_runnable(pid);
    for (int look = 0; found != runnable && look < PATIENCE; look++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        found = tw__is_runnable(pid);
    }
    return found == runnable;
}

static void one_that_waits_is_not_runnable(void **state)
{
    (void)state;
    const pid_t pid = started(wait_forever);
    const int waits = becomes(pid, 0);
    end(pid);
    assert_true(waits);
}

/* It stays so, whether it has a processor or not: all are busy for some of the looks. */
static void stays_runnable(void (*work)(void))
{
    const pid_t pid = started(work);
    int runnable = becomes(pid, 1);
    const pid_t other = started(compute_here);
    for (int look = 0; look < LOOKS; look++) {
        runnable += tw__is_runnable(pid);
        sched_yield();
    }
    end(other);
    end(pid);
    assert_int_equal(runnable, 1 + LOOKS);
}

static void one_that_computes_is_runnable(void **state)
{
    (void)state;
    stays_runnable(compute_here);
}

static void one_whose_thread_computes_is_runnable(void **state)
{
    (void)state;
    stays_runnable(compute_in_a_thread);
}

static void one_whose_program_computes_is_runnable(void **state)
{
    (void)state;
    stays_runnable(start_one_that_computes);
}

static void one_that_has_ended_is_not_runnable(void **state)
{
    (void)state;
    const pid_t pid = started(wait_forever);
    end(pid);
    assert_int_equal(tw__is_runnable(pid), 0);
}

/* With another program on the same processor the clock runs twice as fast as this one computes. */
static void waiting_for_a_processor_is_left_out_of_an_effort(void **state)
{
    (void)state;
    cpu_set_t before, one;
    struct tw__effort effort;
    struct timespec began, computed;
    int64_t all, own;
    if (access("/proc/thread-self/schedstat", R_OK) != 0 || sched_getaffinity(0, sizeof before, &before) != 0) {
        skip();
    }
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const pid_t other = started(compute_here);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    tw__effort_begin(&effort);
    do { /* until the other had the processor for as long as this one, and that is not by chance */
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &computed);
        own = (computed.tv_sec - began.tv_sec) * INT64_C(1000000000) + computed.tv_nsec - began.tv_nsec;
        all = tw__now() - effort.now;
    } while (all < 2 * own || all < 100000000);
    const int64_t found = tw__effort_end(&effort);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(kill(-other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_true(found < all * 3 / 4);
    assert_true(found > own / 2);
}

static void sleeping_is_part_of_an_effort(void **state)
{
    (void)state;
    struct tw__effort effort;
    const struct timespec time = {.tv_nsec = 20000000};
    tw__effort_begin(&effort);
    assert_int_equal(nanosleep(&time, NULL), 0);
    assert_true(tw__effort_end(&effort) >= 15000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_waits_is_not_runnable),
        cmocka_unit_test(one_that_computes_is_runnable),
        cmocka_unit_test(one_whose_thread_computes_is_runnable),
        cmocka_unit_test(one_whose_program_computes_is_runnable),
        cmocka_unit_test(one_that_has_ended_is_not_runnable),
        cmocka_unit_test(waiting_for_a_processor_is_left_out_of_an_effort),
        cmocka_unit_test(sleeping_is_part_of_an_effort),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
