/* When a job stands still as the supervisor sees it: a worker that waits is reported once, after the time that is worth
 * a word; a time in which the supervisor itself did not run says nothing of the workers. */
#include "harness.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/usage.h"
#include "pool/stall.h"

#define SECOND INT64_C(1000000000)
#define PATIENCE 6000 /* looks, 10 ms apart, until the worker waits */

static pid_t worker;

static int pid_of(const struct tw__crew *crew, int number)
{
    (void)crew;
    (void)number;
    return worker;
}

/* A crew of one worker, which waits, and a task of which no tile ends. */
struct still {
    struct tw__crew_ops ops;
    struct tw__crew crew;
    struct tw__task task;
    struct tw__stall stall;
    int reports;
    double seconds; /* as was reported last */
};

static void note(void *user, const tw_stall *stall)
{
    struct still *still = user;
    still->reports++;
    still->seconds = stall->seconds;
}

static void start_worker(void)
{
    worker = fork();
    assert_true(worker >= 0);
    if (worker == 0) {
        for (;;) {
            pause();
        }
    }
    for (int k = 0; k < PATIENCE && tw__is_runnable(worker); k++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(tw__is_runnable(worker), 0);
}

static void begin(struct still *still)
{
    start_worker();
    *still = (struct still){.ops = {.pid = pid_of}, .task = {.count = 3, .stall_seconds = 8, .stalled = note}};
    still->task.stalled_user = still;
    still->crew = (struct tw__crew){.ops = &still->ops, .workers = 1, .claims = calloc(1, tw__claims_size(1))};
    assert_non_null(still->crew.claims);
    tw__claims_init(still->crew.claims, 1, 0);
    tw__stall_init(&still->stall, &still->task, 0);
}

static void end(struct still *still)
{
    free(still->crew.claims);
    kill(worker, SIGKILL);
    assert_int_equal(waitpid(worker, NULL, 0), worker);
}

static void look(struct still *still, int64_t second)
{
    tw__stall_look(&still->stall, &still->crew, &still->task, second * SECOND);
}

static void a_worker_that_waits_is_reported_once_after_the_time(void **state)
{
    (void)state;
    struct still still;
    begin(&still);
    for (int64_t second = 1; second <= 8; second++) {
        look(&still, second);
        assert_int_equal(still.reports, 0);
    }
    for (int64_t second = 9; second <= 40; second++) { /* the first look knew nothing of the time before */
        look(&still, second);
        assert_int_equal(still.reports, 1);
    }
    assert_true(still.seconds == 8);
    end(&still);
}

static void a_time_in_which_the_supervisor_was_stopped_does_not_count(void **state)
{
    (void)state;
    struct still still;
    begin(&still);
    look(&still, 1);
    look(&still, 2);
    look(&still, 1000); /* counts as one second */
    assert_int_equal(still.reports, 0);
    for (int64_t second = 1001; second <= 1005; second++) {
        look(&still, second);
        assert_int_equal(still.reports, 0);
    }
    look(&still, 1006);
    assert_int_equal(still.reports, 1);
    assert_true(still.seconds == 8);
    end(&still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_waits_is_reported_once_after_the_time),
        cmocka_unit_test(a_time_in_which_the_supervisor_was_stopped_does_not_count),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
