/* What a run survives, and how it says what it does not: deaths, time limits, retiring workers, errors among many
 * tiles, inout operands, limits of the system. */
#include "board.h"

#include <errno.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "deaths.h"
#include "grids.h"
#include "os/clock.h"

/* ---- pools ---- */

static void a_death_is_reported_with_its_tile_and_reason(void **state)
{
    (void)state;
    need_processes();
    struct board *board = new_board();
    board->kill_at = 7;
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    struct deaths deaths = {0};
    struct tw__outcome outcome;
    const struct tw__task task = {
        .function = mark, .argument = board, .count = 20, .retries = 2, .died = remember, .died_user = &deaths};
    assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
    assert_int_equal(deaths.count, 1);
    assert_int_equal(deaths.last.tile, 7);
    assert_int_equal(deaths.last.signal, 9);
    assert_int_equal(deaths.last.deaths, 1);
    assert_int_equal(deaths.last.given_up, 0);
    assert_true(deaths.last.pid > 0 && deaths.last.worker >= 0 && deaths.last.worker < 2);
    assert_string_equal(deaths.reason, "was killed by signal 9 (Killed)");
    tw_pool_close(pool);
    munmap(board, sizeof *board);
}

static struct tw__result fault(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                               char *message)
{
    (void)worker;
    (void)attempt;
    (void)message;
    if (tile != *(const uint64_t *)argument) {
        return (struct tw__result){0};
    }
    volatile char *wrong = (char *)(uintptr_t)0x12340; /* nothing is ever mapped so low */
    if (tile == 3) {
        *wrong = 1;
    } else if (tile == 4) {
        (void)*wrong;
    } else if (tile == 5) {
        raise(SIGSEGV); /* sent, not raised by an access */
    } else if (tile == 6) {
        abort();
    }
    return (struct tw__result){0};
}

static void a_fault_has_its_address(void **state)
{
    (void)state;
    need_processes();
#ifdef SANITIZED
    skip(); /* the sanitizer has its own checks of such accesses */
#endif
    tw_pool *pool = open_pool(TW_PROCESSES, 1);
    static const char *const reasons[] = {"was killed by signal 11 (Segmentation fault) at address 0x12340",
                                          "was killed by signal 11 (Segmentation fault) at address 0x12340",
                                          "was killed by signal 11 (Segmentation fault)",
                                          "was killed by signal 6 (Aborted)"};
    for (uint64_t tile = 3; tile <= 6; tile++) {
        struct deaths deaths = {0};
        struct tw__outcome outcome;
        const struct tw__task task = {
            .function = fault, .argument = &tile, .count = 10, .retries = 0, .died = remember, .died_user = &deaths};
        tw__pool_renew(pool, NULL);
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_WORKER);
        assert_int_equal(deaths.last.tile, tile);
        assert_string_equal(deaths.reason, reasons[tile - 3]);
        assert_int_equal(deaths.last.has_address, tile <= 4);
        assert_int_equal(outcome.death.has_address, tile <= 4 ? 1 : 0);
#if defined(__x86_64__)
        if (tile <= 4) {
            assert_int_equal(deaths.last.address, 0x12340);
        }
#endif
    }
    tw_pool_close(pool);
}

#define AT_ONCE 10000000 /* nanoseconds: death, burial, fork and the tile again */

static void deaths_are_seen_at_once(void **state)
{
    (void)state;
    need_processes();
    struct board *board = new_board();
    tw_pool *pool = open_pool(TW_PROCESSES, 1);
    int64_t best = INT64_MAX;
    for (int round = 0; round < 10 || (round < 500 && best >= AT_ONCE); round++) { /* the machine may be busy */
        struct deaths deaths = {0};
        struct tw__outcome outcome;
        board->kill_at = 0;
        const struct tw__task task = {
            .function = mark, .argument = board, .count = 1, .retries = 2, .died = remember, .died_user = &deaths};
        const int64_t began = tw__now();
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        const int64_t took = tw__now() - began;
        best = took < best ? took : best;
        assert_int_equal(deaths.count, 1);
    }
    assert_true(best < AT_ONCE);
    tw_pool_close(pool);
    munmap(board, sizeof *board);
}

static struct tw__result dawdle(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                char *message)
{
    const uint64_t *always = argument;
    (void)worker;
    (void)message;
    if (tile == *always || (tile == 2 && attempt == 0)) {
        for (;;) {
            pause();
        }
    }
    return (struct tw__result){0};
}

static void a_tile_that_takes_too_long_is_run_again(void **state)
{
    (void)state;
    need_processes();
    for (int workers = 1; workers <= 3; workers++) {
        uint64_t always = UINT64_MAX;
        tw_pool *pool = open_pool(TW_PROCESSES, workers);
        struct deaths deaths = {0};
        struct tw__outcome outcome;
        struct tw__task task = {.function = dawdle,
                                .argument = &always,
                                .count = 9,
                                .retries = 1,
                                .timeout = 0.05,
                                .died = remember,
                                .died_user = &deaths};
        tw__pool_renew(pool, NULL);
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        assert_int_equal(outcome.done, 9);
        assert_int_equal(outcome.timeouts, 1);
        assert_int_equal(deaths.last.timed_out, 1);
        assert_string_equal(deaths.reason, "took longer than 0.050 s and was killed");
        always = 4;
        tw__pool_renew(pool, NULL);
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_WORKER);
        assert_int_equal(outcome.tile, 4);
        assert_int_equal(outcome.done, 8);
        assert_int_equal(outcome.timed_out, 1);
        tw_pool_close(pool);
    }
}

struct census {
    _Atomic int pid_of[100];
    _Atomic int runs[100];
};

static struct tw__result sign_in(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                 char *message)
{
    struct census *census = argument;
    (void)worker;
    (void)attempt;
    (void)message;
    census->pid_of[tile] = getpid();
    census->runs[tile]++;
    return (struct tw__result){0};
}

static void workers_retire_after_so_many_tiles(void **state)
{
    (void)state;
    need_processes();
    struct census *census = mmap(NULL, sizeof *census, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int workers = 1; workers <= 4; workers++) {
        for (uint64_t each = 1; each <= 7; each += 3) {
            memset(census, 0, sizeof *census);
            tw_pool *pool = open_pool(TW_PROCESSES, workers);
            struct tw__outcome outcome;
            const struct tw__task task = {
                .function = sign_in, .argument = census, .count = 100, .tiles_per_worker = each};
            assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
            assert_int_equal(outcome.done, 100);
            assert_int_equal(outcome.deaths, 0);
            assert_true(outcome.recycled >= (int)(100 / each) - workers);
            for (int tile = 0; tile < 100; tile++) {
                assert_int_equal(census->runs[tile], 1);
                uint64_t same = 0;
                for (int other = 0; other < 100; other++) {
                    same += census->pid_of[other] == census->pid_of[tile];
                }
                assert_true(same <= each);
            }
            tw_pool_close(pool);
        }
    }
    munmap(census, sizeof *census);
}

static void a_retiring_worker_leaves_no_tile_below_a_failure(void **state)
{
    (void)state;
    need_processes();
    for (int round = 0; round < 30; round++) {
        struct board *board = new_board();
        board->code_at = 40; /* tile 39 and 79 fail */
        tw_pool *pool = open_pool(TW_PROCESSES, 2);
        struct tw__outcome outcome;
        const struct tw__task task = {.function = mark, .argument = board, .count = 80, .tiles_per_worker = 3};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_KERNEL);
        assert_int_equal(outcome.tile, 39);
        for (int tile = 0; tile < 39; tile++) {
            assert_int_equal(board->ended[tile], 1);
        }
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static void keep_going_computes_all_others(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        board->code_at = 10; /* tiles 9, 19, 29, ... */
        tw_pool *pool = open_pool(kinds[kind], 3);
        struct tw__outcome outcome;
        struct tw__task task = {.function = mark, .argument = board, .count = 100, .keep_going = 1};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_KERNEL);
        assert_int_equal(outcome.tile, 9);
        assert_int_equal(outcome.result.code, 5);
        assert_string_equal(outcome.message, "as asked");
        assert_int_equal(outcome.done, 90);
        assert_int_equal(outcome.failed, 10);
        for (int tile = 0; tile < 100; tile++) {
            assert_int_equal(board->begun[tile], 1);
        }
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static uint32_t is_odd(const void *user, uint64_t tile)
{
    (void)user;
    return tile % 2 == 1 ? TW__WORD_EARLIER : 0;
}

static void tiles_that_are_done_already_are_not_run(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct board *board = new_board();
        tw_pool *pool = open_pool(kinds[kind], 3);
        struct tw__outcome outcome;
        struct tw__task task = {.function = mark, .argument = board, .count = 101, .is_done = is_odd};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK);
        assert_int_equal(outcome.done, 101);
        assert_int_equal(outcome.earlier, 50);
        for (int tile = 0; tile < 101; tile++) {
            assert_int_equal(board->begun[tile], tile % 2 == 0);
        }
        board->code_at = 101;
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_KERNEL);
        assert_int_equal(outcome.tile, 100);
        assert_int_equal(outcome.done, 100);
        tw_pool_close(pool);
        munmap(board, sizeof *board);
    }
}

static struct tw__result halt_at_20(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                    char *message)
{
    (void)worker;
    (void)attempt;
    (void)message;
    if (tile == 20) {
        tw__pool_halt(argument);
    }
    return (struct tw__result){0};
}

static void a_halt_ends_the_job(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) { /* in a process the halt would reach the claims alone */
        tw_pool *pool = open_pool(kinds[kind], 2);
        struct tw__outcome outcome;
        struct tw__task task = {.function = halt_at_20, .argument = pool, .count = 1000000};
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_ERROR_INTERRUPTED);
        assert_true(outcome.done < 1000000);
        task.count = 10;
        assert_int_equal(run_task(pool, &task, &outcome, NULL), TW_OK); /* and not the next one */
        tw_pool_close(pool);
    }
}

static void few_processes_are_better_than_none(void **state)
{
    (void)state;
    need_processes();
#ifdef SANITIZED
    skip(); /* its threads count against the limit too */
#endif
    const pid_t child = fork();
    if (child == 0) {
        /* The limit counts all processes of a user: one that has no others. Root has no limit. */
        const struct rlimit limit = {3, 3};
        if (setuid(54321) != 0 || setrlimit(RLIMIT_NPROC, &limit) != 0) {
            _exit(77);
        }
        int failed = 0;
        for (int kind = TW_THREADS; kind <= TW_PROCESSES; kind++) {
            tw_pool *pool = NULL;
            const tw_pool_options options = {.kind = (tw_pool_kind)kind, .workers = 8, .heap_bytes = 1 << 26};
            if (tw_pool_open(&pool, &options, NULL) != TW_OK) {
                _exit(10 + kind);
            }
            const char *note = tw_pool_note(pool);
            char expected[64];
            snprintf(expected, sizeof expected, "only %d of 8 %s are available: ", tw_pool_workers(pool),
                     kind == TW_THREADS ? "threads" : "processes");
            failed += note == NULL || strncmp(note, expected, strlen(expected)) != 0;
            failed += tw_pool_workers(pool) < 1 || tw_pool_workers(pool) > 3;
            uint64_t always = UINT64_MAX;
            struct tw__outcome outcome;
            const struct tw__task task = {.function = dawdle, .argument = &always, .count = 2};
            failed += run_task(pool, &task, &outcome, NULL) != TW_OK || outcome.done != 2;
            tw_pool_close(pool);
        }
        _exit(failed);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

/* In a child: a pool of processes under a limit, with a death on the way. 0: as it should be. */
static int run_under(__rlimit_resource_t resource, rlim_t most, const char *note)
{
    const struct rlimit limit = {most, most};
    struct board *board = new_board();
    board->kill_at = 30;
    tw_pool *pool = NULL;
    const tw_pool_options options = {.kind = TW_PROCESSES, .workers = 4, .heap_bytes = 1 << 26};
    if (setrlimit(resource, &limit) != 0 || tw_pool_open(&pool, &options, NULL) != TW_OK) {
        return 2;
    }
    struct tw__outcome outcome;
    const struct tw__task task = {.function = mark, .argument = board, .count = 100, .retries = 2};
    const char *said = tw_pool_note(pool);
    const int noted = note == NULL ? said == NULL : said != NULL && strstr(said, note) != NULL;
    if (!noted || run_task(pool, &task, &outcome, NULL) != TW_OK || outcome.done != 100 || outcome.deaths != 1) {
        return 3;
    }
    tw_pool_close(pool);
    return 0;
}

static void assert_child_is_content(__rlimit_resource_t resource, rlim_t most, const char *note)
{
    const pid_t child = fork();
    if (child == 0) {
        _exit(run_under(resource, most, note));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_pool_without_a_memory_file_says_so_and_works(void **state)
{
    (void)state;
    need_processes();
    assert_child_is_content(RLIMIT_FSIZE, 1 << 20, "memfd");
    assert_child_is_content(RLIMIT_FSIZE, 1 << 30, NULL);
}

/* Open files: what a pool must have (memory file, event, both ends of the lifeline), but none for its children. */
static void a_pool_without_descriptors_for_its_children_works(void **state)
{
    (void)state;
    need_processes();
    int next = dup(0); /* the lowest number that is free */
    assert_true(next >= 0);
    close(next);
    next = next < 3 ? 3 : next;
    assert_child_is_content(RLIMIT_NOFILE, (rlim_t)next + 4, NULL);
    assert_child_is_content(RLIMIT_NOFILE, (rlim_t)next + 5, NULL);
    assert_child_is_content(RLIMIT_NOFILE, (rlim_t)next + 40, NULL);
}

/* ---- runs ---- */

/* r[i] = 2 r[i] + 1, item by item: run twice on the same tile it would give something else. */
static int twice_and_one(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[0]);
    _Atomic int *harm = tile->context;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = 2 * TW_AT(r, i) + 1;
        if (tile->attempt == 0 && i == r.shape[0] / 2 && (int)tile->number == *harm) {
            kill(getpid(), SIGKILL);
        }
    }
    return 0;
}

static void a_death_in_the_middle_of_an_inout_tile_changes_nothing(void **state)
{
    (void)state;
    need_processes();
    _Atomic int *harm = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    static const int64_t n = 1000;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_split split = {.axis = "i", .tile = 30};
    tw_grid *grid = grid_of("r[i] -> r[i]", &n, &split, 1);
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, twice_and_one, (void *)harm, 0, NULL), TW_OK);
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    for (int shared = 0; shared <= 1; shared++) {
        for (*harm = 0; *harm < (int)tw_grid_count(grid); *harm += 3) {
            tw_array *r;
            assert_int_equal(tw_array_create(&r, shared ? pool : NULL, &float64, 1, &n, NULL), TW_OK);
            double *items = tw_array_data(r);
            for (int64_t i = 0; i < n; i++) {
                items[i] = (double)i;
            }
            tw_report *report = NULL;
            assert_int_equal(tw_run(pool, kernel, grid, &r, NULL, &report, NULL), TW_OK);
            tw_report_totals totals;
            tw_report_get_totals(report, &totals);
            assert_int_equal(totals.deaths, 1);
            for (int64_t i = 0; i < n; i++) {
                assert_true(items[i] == 2 * (double)i + 1);
            }
            tw_report_destroy(report);
            tw_array_destroy(r);
        }
    }
    tw_pool_close(pool);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    munmap((void *)harm, 4096);
}

/* Leaves its worker in as bad a state as it can. */
static int make_a_mess(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[0]);
    volatile double third = 1;
    third /= 3;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = third * (double)(tile->start[0] + i);
    }
    if (tile->number % 2 == 0) {
        fesetround(FE_UPWARD);
    }
    if (tile->context != NULL) { /* a worker process */
        if (tile->number % 5 == 1) {
            for (int fd = 3; fd < 200; fd++) {
                close(fd);
            }
            FILE *file = tmpfile(); /* takes a number that was the pool's */
            (void)file;
        }
        if (tile->number % 5 == 2 && chdir("/") != 0) {
            return 1;
        }
        if (tile->number % 5 == 3) {
            signal(SIGSEGV, SIG_IGN);
            signal(SIGTERM, SIG_DFL);
            void *leak = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            (void)leak;
        }
        if (tile->number % 50 == 4 && tile->attempt == 0) {
            exit(0);
        }
    }
    return 0;
}

static void what_a_kernel_does_to_its_worker_changes_no_other_tile(void **state)
{
    (void)state;
    static const int64_t n = 600;
    static int yes;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_split split = {.axis = "i", .tile = 3};
    tw_grid *grid = grid_of("-> r[i]", &n, &split, 1);
    volatile double third = 1;
    third /= 3;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_kernel *kernel;
        const int apart = kinds[kind] == TW_PROCESSES;
        assert_int_equal(tw_kernel_from_function(&kernel, make_a_mess, apart ? &yes : NULL, 0, NULL), TW_OK);
        tw_pool *pool = open_pool(kinds[kind], 2);
        for (int round = 0; round < 3; round++) {
            tw_array *r;
            assert_int_equal(tw_array_create(&r, pool, &float64, 1, &n, NULL), TW_OK);
            const tw_run_options options = {.tiles_per_worker = apart && round == 2};
            assert_int_equal(tw_run(pool, kernel, grid, &r, &options, NULL, NULL), TW_OK);
            assert_int_equal(fegetround(), FE_TONEAREST);
            const double *items = tw_array_data(r);
            for (int64_t i = 0; i < n; i++) {
                assert_true(items[i] == third * (double)i);
            }
            tw_array_destroy(r);
        }
        tw_pool_close(pool);
        tw_kernel_destroy(kernel);
    }
    tw_grid_destroy(grid);
}

static void what_the_pool_cannot_do_is_refused_before_the_run(void **state)
{
    (void)state;
    static const int64_t n = 10;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_grid *grid = grid_of("-> r[i]", &n, NULL, 0);
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, make_a_mess, NULL, 0, NULL), TW_OK);
    const tw_run_options wishes[] = {{.timeout = 1}, {.tiles_per_worker = 1}, {.guard = 1}, {.timeout = -1}};
    static const char *const sentences[] = {"a time limit for tiles needs a pool of processes",
                                            "a number of tiles per worker needs a pool of processes",
                                            "the guard needs a pool of processes", "a positive number of seconds"};
    for (int kind = 0; kind < 2; kind++) {
        tw_pool *pool = open_pool(kinds[kind], 2);
        tw_array *r;
        assert_int_equal(tw_array_create(&r, pool, &float64, 1, &n, NULL), TW_OK);
        ((double *)tw_array_data(r))[3] = 77;
        for (size_t k = 0; k < sizeof wishes / sizeof wishes[0]; k++) {
            tw_error error = {0};
            assert_int_equal(tw_run(pool, kernel, grid, &r, &wishes[k], NULL, &error), TW_ERROR_ARGUMENT);
            assert_non_null(strstr(error.message, sentences[k]));
        }
        assert_true(((double *)tw_array_data(r))[3] == 77);
        tw_array_destroy(r);
        tw_pool_close(pool);
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_death_is_reported_with_its_tile_and_reason),
        cmocka_unit_test(a_fault_has_its_address),
        cmocka_unit_test(deaths_are_seen_at_once),
        cmocka_unit_test(a_tile_that_takes_too_long_is_run_again),
        cmocka_unit_test(workers_retire_after_so_many_tiles),
        cmocka_unit_test(a_retiring_worker_leaves_no_tile_below_a_failure),
        cmocka_unit_test(keep_going_computes_all_others),
        cmocka_unit_test(tiles_that_are_done_already_are_not_run),
        cmocka_unit_test(a_halt_ends_the_job),
        cmocka_unit_test(few_processes_are_better_than_none),
        cmocka_unit_test(a_pool_without_a_memory_file_says_so_and_works),
        cmocka_unit_test(a_pool_without_descriptors_for_its_children_works),
        cmocka_unit_test(a_death_in_the_middle_of_an_inout_tile_changes_nothing),
        cmocka_unit_test(what_a_kernel_does_to_its_worker_changes_no_other_tile),
        cmocka_unit_test(what_the_pool_cannot_do_is_refused_before_the_run),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
