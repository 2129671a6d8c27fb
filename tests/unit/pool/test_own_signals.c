/* Signals that ask a worker to end: from others it ignores them, from itself it takes them. */
#include "board.h"
#include "deaths.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static struct tw__result end_itself(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                    char *message)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    (void)worker;
    (void)attempt;
    (void)message;
    if (tile == *(const uint64_t *)argument) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        raise(numbers[tile]);
    }
    return (struct tw__result){0};
}

static void a_signal_that_a_worker_sends_itself_ends_it(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    static const char *const reasons[] = {"killed itself with signal 15 (Terminated)",
                                          "killed itself with signal 2 (Interrupt)",
                                          "killed itself with signal 1 (Hangup)", "killed itself with signal 3 (Quit)"};
    for (uint64_t tile = 0; tile < 4; tile++) {
        struct deaths deaths = {0};
        struct tw__outcome outcome;
        const struct tw__task task = {.function = end_itself,
                                      .argument = &tile,
                                      .count = 4,
                                      .retries = 0,
                                      .died = remember,
                                      .died_user = &deaths};
        tw__pool_renew(pool, NULL);
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_WORKER);
        assert_int_equal(outcome.tile, tile);
        assert_string_equal(deaths.reason, reasons[tile]);
        assert_int_equal(deaths.last.by_itself, 1);
        assert_int_equal(deaths.last.has_address, 0);
    }
    tw_pool_close(pool);
}

/* The caller sends it to both workers before the tiles that wait for it may end. */
static struct tw__result wait_for_word(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                       char *message)
{
    _Atomic int *words = argument; /* [0] how many have begun, [1] they may end, [2] how many were run again */
    (void)worker;
    (void)tile;
    (void)message;
    atomic_fetch_add(&words[2], attempt > 0);
    atomic_fetch_add(&words[0], 1);
    while (atomic_load(&words[1]) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return (struct tw__result){0};
}

struct sender {
    tw_pool *pool;
    _Atomic int *words;
};

static void send_all(void *user, const tw_progress *progress)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    const struct sender *sender = user;
    (void)progress;
    if (atomic_load(&sender->words[0]) < 2 || atomic_load(&sender->words[1]) != 0) {
        return;
    }
    for (int k = 0; k < 8; k++) {
        kill((pid_t)tw_pool_worker_pid(sender->pool, k % 2), numbers[k / 2]);
    }
    atomic_store(&sender->words[1], 1);
}

static void a_signal_that_others_send_a_worker_is_ignored(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    _Atomic int *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(words, MAP_FAILED);
    struct sender sender = {pool, words};
    tw__pool_renew(pool, NULL); /* they see the words */
    struct tw__outcome outcome;
    const struct tw__task task = {.function = wait_for_word,
                                  .argument = words,
                                  .count = 2,
                                  .retries = 2,
                                  .progress = send_all,
                                  .progress_user = &sender};
    assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
    assert_int_equal(outcome.deaths, 0);
    assert_int_equal(atomic_load(&words[1]), 1);
    assert_int_equal(atomic_load(&words[2]), 0);
    tw_pool_close(pool);
    munmap((void *)words, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_that_a_worker_sends_itself_ends_it),
        cmocka_unit_test(a_signal_that_others_send_a_worker_is_ignored),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
