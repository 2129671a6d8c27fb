/* Pools run f(worker, tile) exactly once for each tile; workers may be killed at any moment. */
#include "board.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "pool/pool.h"

static void every_tile_runs_once_on_every_pool(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 2, 3, 7, 64, 1000, 5000};
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int workers = 1; workers <= 8; workers++) {
            tw_pool *pool = open_pool(kinds[kind], workers);
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
                struct board *board = new_board();
                struct tw__outcome outcome;
                const struct tw__task task = {.function = mark, .argument = board, .count = counts[c]};
                tw__pool_renew(pool, NULL); /* the board came after the workers */
                assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
                assert_int_equal(outcome.done, counts[c]);
                assert_int_equal(outcome.deaths, 0);
                for (uint64_t tile = 0; tile < counts[c]; tile++) {
                    assert_int_equal(board->begun[tile], 1);
                    assert_int_equal(board->ended[tile], 1);
                }
                munmap(board, sizeof *board);
            }
            tw_pool_close(pool);
        }
    }
}

static void a_pool_runs_many_jobs(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        tw_pool *pool = open_pool(kinds[kind], 3);
        for (uint32_t job = 1; job <= 2000; job++) {
            struct tw__outcome outcome;
            const struct tw__task task = {.function = mark, .argument = board, .count = job % 5};
            assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
            assert_int_equal(outcome.done, job % 5);
            if (job % 500 == 0) {
                usleep(2000); /* workers have gone to sleep */
            }
        }
        assert_int_equal(board->ended[0], 1600);
        assert_int_equal(board->ended[3], 400);
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static void killed_worker_costs_one_tile(void **state)
{
    (void)state;
    need_processes();
    for (int workers = 1; workers <= 4; workers *= 2) {
        struct board *board = new_board();
        board->spin = 1000;
        tw_pool *pool = open_pool(TW_PROCESSES, workers);
        for (int round = 0; round < 20; round++) {
            memset((void *)board->begun, 0, sizeof board->begun);
            memset((void *)board->ended, 0, sizeof board->ended);
            *(round % 2 == 0 ? &board->kill_at : &board->exit_at) = 37 * round % 500;
            struct tw__outcome outcome;
            const struct tw__task task = {.function = mark, .argument = board, .count = 500, .retries = 2};
            assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
            assert_int_equal(outcome.done, 500);
            assert_int_equal(outcome.deaths, 1);
            for (int tile = 0; tile < 500; tile++) {
                assert_int_equal(board->ended[tile], 1);
                assert_int_equal(board->begun[tile], tile == 37 * round % 500 ? 2 : 1);
            }
        }
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static void workers_killed_from_outside_lose_nothing(void **state)
{
    (void)state;
    need_processes();
    struct board *board = new_board();
    board->spin = 20000;
    tw_pool *pool = open_pool(TW_PROCESSES, 3);
    uint64_t random = 11;
    int deaths = 0;
    for (int round = 0; round < 30; round++) {
        const pid_t killer = fork();
        if (killer == 0) {
            for (int k = 0; k < 3; k++) {
                usleep((useconds_t)random_below(&random, 8000));
                const int pid = tw_pool_worker_pid(pool, (round + k) % 3);
                if (pid > 0) {
                    kill(pid, SIGKILL);
                }
            }
            _exit(0);
        }
        next_random(&random);
        memset((void *)board->ended, 0, sizeof board->ended);
        struct tw__outcome outcome;
        const struct tw__task task = {.function = mark, .argument = board, .count = 2000, .retries = 200};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        assert_int_equal(outcome.done, 2000);
        deaths += outcome.deaths;
        for (int tile = 0; tile < 2000; tile++) {
            assert_true(board->ended[tile] >= 1); /* twice where death came between the tile's end and its word */
        }
        assert_int_equal(waitpid(killer, NULL, 0), killer);
    }
    assert_true(deaths > 10);
    tw_pool_close(pool);
    munmap(board, sizeof *board);
}

static void tile_that_kills_every_worker_is_given_up(void **state)
{
    (void)state;
    need_processes();
    struct board *board = new_board();
    board->kill_at = 5;
    board->always = 1;
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    struct tw__outcome outcome;
    const struct tw__task task = {.function = mark, .argument = board, .count = 8, .retries = 2};
    assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_WORKER);
    assert_int_equal(outcome.tile, 5);
    assert_int_equal(board->begun[5], 3);
    assert_int_equal(outcome.deaths, 3);
    assert_int_equal(outcome.done, 7); /* the rest was computed all the same */
    assert_int_equal(outcome.failed, 1);
    assert_non_null(strstr(outcome.message, "signal 9"));
    board->always = 0; /* and the pool is still good */
    board->kill_at = -1;
    assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
    assert_int_equal(outcome.done, 8);
    tw_pool_close(pool);
    munmap(board, sizeof *board);
}

static void lowest_failing_tile_is_reported(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int workers = 1; workers <= 4; workers++) {
            struct board *board = new_board();
            board->code_at = 100; /* tiles 99, 199, ... fail */
            tw_pool *pool = open_pool(kinds[kind], workers);
            struct tw__outcome outcome;
            const struct tw__task task = {.function = mark, .argument = board, .count = 1000};
            for (int round = 0; round < 20; round++) {
                assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_KERNEL);
                assert_int_equal(outcome.tile, 99);
                assert_int_equal(outcome.result.code, 5);
                assert_string_equal(outcome.message, "as asked");
                assert_true(outcome.done >= 99 && outcome.done < 1000);
            }
            tw_pool_close(pool);
            munmap(board, sizeof *board);
        }
    }
}

static struct tw__result stopping(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                  char *message)
{
    struct board *board = argument;
    if (tile == 3) {
        board->stop = 1;
    }
    usleep(1000);
    return mark(argument, worker, tile, attempt, message);
}

static void stop_flag_ends_after_the_tiles_in_hand(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        tw_pool *pool = open_pool(kinds[kind], 2);
        struct tw__outcome outcome;
        const struct tw__task task = {
            .function = stopping, .argument = board, .count = 1000, .stop = (const int *)&board->stop};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_INTERRUPTED);
        assert_true(outcome.done >= 1 && outcome.done < 500);
        uint64_t ended = 0, begun = 0;
        for (int tile = 0; tile < 1000; tile++) {
            ended += board->ended[tile];
            begun += board->begun[tile];
        }
        assert_int_equal(ended, outcome.done);
        assert_int_equal(begun, ended); /* what was begun was ended */
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static struct tw__result raise_and_lower(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                         char *message)
{
    struct board *board = argument;
    board->stop = tile % 2 == 0;
    return mark(argument, worker, tile, attempt, message);
}

static void a_stop_flag_that_is_lowered_again_hangs_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        board->spin = 1000;
        tw_pool *pool = open_pool(kinds[kind], 3);
        for (int round = 0; round < 200; round++) {
            struct tw__outcome outcome;
            const struct tw__task task = {
                .function = raise_and_lower, .argument = board, .count = 300, .stop = (const int *)&board->stop};
            const tw_status status = run_task(pool, &task, &outcome, NULL);
            assert_true(status == TW_OK ? outcome.done == 300 : status == TW_ERROR_INTERRUPTED && outcome.done < 300);
        }
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static void count_progress(void *user, const tw_progress *progress)
{
    uint64_t *last = user;
    assert_true(progress->done >= last[0] && progress->done <= progress->total);
    last[0] = progress->done;
    last[1]++;
}

static void progress_ends_at_the_total(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        board->spin = 100000;
        tw_pool *pool = open_pool(kinds[kind], 2);
        uint64_t last[2] = {0, 0};
        struct tw__outcome outcome;
        const struct tw__task task = {
            .function = mark, .argument = board, .count = 5000, .progress = count_progress, .progress_user = last};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        assert_int_equal(last[0], 5000);
        assert_true(last[1] >= 1);
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static int is_alive(int pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static void no_worker_outlives_its_pool(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 4);
    int pids[4];
    for (int w = 0; w < 4; w++) {
        pids[w] = tw_pool_worker_pid(pool, w);
        assert_true(pids[w] > 0 && is_alive(pids[w]));
    }
    tw_pool_close(pool);
    for (int w = 0; w < 4; w++) {
        assert_false(is_alive(pids[w]));
    }
}

static struct tw__result slow(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt, char *message)
{
    _Atomic int *begun = argument;
    (void)worker;
    (void)tile;
    (void)attempt;
    (void)message;
    ++*begun;
    sleep(60);
    return (struct tw__result){0};
}

static void no_worker_outlives_its_parent(void **state)
{
    (void)state;
    need_processes();
    struct {
        int pids[3];
        _Atomic int begun;
    } *seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(seen, MAP_FAILED);
    int *const pids = seen->pids;
    const pid_t parent = fork();
    if (parent == 0) {
        tw_pool *pool = open_pool(TW_PROCESSES, 3);
        for (int w = 0; w < 3; w++) {
            pids[w] = tw_pool_worker_pid(pool, w);
        }
        struct tw__outcome outcome;
        const struct tw__task task = {.function = slow, .argument = &seen->begun, .count = 2}; /* two busy, one idle */
        run_task(pool, &task, &outcome, NULL);
        _exit(0);
    }
    for (int tries = 0; tries < 6000 && seen->begun < 2; tries++) {
        usleep(10000);
    }
    assert_true(pids[2] > 0 && is_alive(pids[2]));
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    int alive = 3;
    for (int tries = 0; tries < 6000 && alive > 0; tries++) {
        usleep(10000);
        alive = 0;
        for (int w = 0; w < 3; w++) {
            char path[64], text[256] = "";
            snprintf(path, sizeof path, "/proc/%d/stat", pids[w]);
            FILE *file = fopen(path, "r");
            if (file != NULL) {
                alive += fgets(text, sizeof text, file) != NULL && strstr(text, ") Z ") == NULL;
                fclose(file);
            }
        }
    }
    assert_int_equal(alive, 0);
    munmap(seen, 4096);
}

static void a_fork_of_the_program_leaves_the_pool_alone(void **state)
{
    (void)state;
    need_processes();
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        tw_pool *pool = open_pool(kinds[kind], 2);
        struct tw__outcome outcome;
        const struct tw__task task = {.function = mark, .argument = board, .count = 100};
        const pid_t child = fork();
        if (child == 0) {
            tw_error error = {0};
            const int refused = run_task(pool, &task, &outcome, &error) == TW_ERROR_PROCESS &&
                                strstr(error.message, "is a fork") != NULL;
            tw_pool_close(pool);
            _exit(refused ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        assert_int_equal(outcome.deaths, 0);
        assert_int_equal(board->ended[99], 1);
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    tw_pool *pool = (tw_pool *)&pool, *before = pool;
    tw_error error = {0};
    assert_int_equal(tw_pool_open(&pool, &(tw_pool_options){.workers = -1}, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "1 to 4096 workers, not -1"));
    assert_int_equal(tw_pool_open(&pool, &(tw_pool_options){.workers = 100000}, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "1 to 4096 workers, not 100000"));
    assert_int_equal(tw_pool_open(&pool, &(tw_pool_options){.kind = (tw_pool_kind)9}, &error), TW_ERROR_ARGUMENT);
    assert_ptr_equal(pool, before);
    struct tw__outcome outcome;
    assert_int_equal(tw_pool_open(&pool, NULL, &error), TW_OK);
    const struct tw__task task = {.function = mark, .count = (uint64_t)1 << 33};
    assert_int_equal(run_task(pool, &task, &outcome, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "8589934592 tiles"));
    tw_pool_close(pool);
    tw_pool_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_runs_once_on_every_pool),
        cmocka_unit_test(a_pool_runs_many_jobs),
        cmocka_unit_test(killed_worker_costs_one_tile),
        cmocka_unit_test(workers_killed_from_outside_lose_nothing),
        cmocka_unit_test(tile_that_kills_every_worker_is_given_up),
        cmocka_unit_test(lowest_failing_tile_is_reported),
        cmocka_unit_test(stop_flag_ends_after_the_tiles_in_hand),
        cmocka_unit_test(a_stop_flag_that_is_lowered_again_hangs_nothing),
        cmocka_unit_test(progress_ends_at_the_total),
        cmocka_unit_test(no_worker_outlives_its_pool),
        cmocka_unit_test(no_worker_outlives_its_parent),
        cmocka_unit_test(a_fork_of_the_program_leaves_the_pool_alone),
        cmocka_unit_test(bad_options_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
