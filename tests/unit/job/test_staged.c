/* test_staged.c - tiles that work on copies: of what stores deliver box by box, and of operands that are read and
 * written by workers that die. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>

#include "array/view.h"
#include "files.h"
#include "grids.h"
#include "job/bind.h"
#include "job/here.h"
#include "job/steps.h"
#include "pools.h"
#include "record/journal.h"
#include "record/restore.h"
#include "tiny_store.h"

/* r[i,j] = 10 x[i,j] + y[j], s[i,j] = s[i,j] + 2 x[i,j]; at tile `dies_at` the first attempt kills its worker. */
struct plan {
    int64_t dies_at;
};

/* Of the caller's process: the flag that stops a run, and the tile that raises it. */
static int stop;
static int64_t stops_at = -1;

static int compute(const tw_tile *tile)
{
    if (stops_at == (int64_t)tile->number) {
        stop = 1;
    }
    const struct plan *plan = tile->context;
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(const double, y, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    TW_VIEW(double, s, tile->operand[3]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 10 * TW_AT(x, i, j) + TW_AT(y, j);
            TW_AT(s, i, j) += 2 * TW_AT(x, i, j);
        }
        if (plan->dies_at == (int64_t)tile->number && tile->attempt == 0) {
            kill(getpid(), SIGKILL);
        }
    }
    return 0;
}

enum { X, Y, R, S, OPERANDS };

static const char signature[] = "x[i,j], y[j], s[i,j] -> r[i,j], s[i,j]";

/* The operands of one job, each in memory or, by its bit in `where`, in a tiny store, and what they must become. */
struct job {
    int64_t lengths[2];
    tw_array *arrays[OPERANDS];
    tw_array *read[OPERANDS]; /* room for the results */
};

static double first_value(int k, int64_t i, int64_t j)
{
    return k == X ? (double)(100 * i + j) : k == Y ? (double)(7 * j) : k == S ? (double)(i - 3 * j) : -1;
}

static void set_up(struct job *job, tw_pool *pool, const int64_t *lengths, unsigned where)
{
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    memcpy(job->lengths, lengths, sizeof job->lengths);
    for (int k = 0; k < OPERANDS; k++) {
        const int ndim = k == Y ? 1 : 2;
        const int64_t *shape = k == Y ? &lengths[1] : lengths;
        assert_int_equal(tw_array_create(&job->read[k], pool, &f64, ndim, shape, NULL), TW_OK);
        double *values = tw_array_view(job->read[k])->data;
        for (int64_t i = 0; i < (k == Y ? 1 : lengths[0]); i++) {
            for (int64_t j = 0; j < lengths[1]; j++) {
                values[i * lengths[1] + j] = first_value(k, i, j);
            }
        }
        if (where >> k & 1) {
            job->arrays[k] = tiny_array(stored, TW_FLOAT64, ndim, shape);
        } else {
            assert_int_equal(tw_array_create(&job->arrays[k], pool, &f64, ndim, shape, NULL), TW_OK);
        }
        assert_int_equal(tw_array_copy(job->arrays[k], job->read[k], NULL), TW_OK);
    }
    atomic_store(&stored->splits, 0);
}

static void tear_down(struct job *job)
{
    for (int k = 0; k < OPERANDS; k++) {
        tw_array_destroy(job->arrays[k]);
        tw_array_destroy(job->read[k]);
    }
}

static void check_results(const struct job *job)
{
    for (int k = R; k <= S; k++) {
        assert_int_equal(tw_array_copy(job->read[k], job->arrays[k], NULL), TW_OK);
    }
    const double *r = tw_array_view(job->read[R])->data, *s = tw_array_view(job->read[S])->data;
    for (int64_t i = 0; i < job->lengths[0]; i++) {
        for (int64_t j = 0; j < job->lengths[1]; j++) {
            const double x = first_value(X, i, j);
            assert_true(r[i * job->lengths[1] + j] == 10 * x + first_value(Y, i, j));
            assert_true(s[i * job->lengths[1] + j] == first_value(S, i, j) + 2 * x);
        }
    }
    assert_int_equal(atomic_load(&stored->splits), 0);
}

/* Random cuts at multiples of `unit`. */
static tw_split random_cuts(const char *axis, int64_t length, int64_t unit, int64_t *cuts, uint64_t *random)
{
    size_t ncuts = 0;
    for (int64_t at = unit; at < length; at += unit) {
        if (random_below(random, 2)) {
            cuts[ncuts++] = at;
        }
    }
    return ncuts > 0 ? (tw_split){.axis = axis, .cuts = cuts, .ncuts = ncuts} : (tw_split){.axis = axis, .parts = 1};
}

static tw_grid *random_grid(const int64_t *lengths, uint64_t *random)
{
    int64_t cuts[2][64];
    const tw_split splits[] = {random_cuts("i", lengths[0], 5, cuts[0], random),
                               random_cuts("j", lengths[1], 7, cuts[1], random)};
    return grid_of(signature, lengths, splits, 2);
}

static tw_status run(tw_pool *pool, const tw_grid *grid, struct job *job, const struct plan *plan,
                     const tw_run_options *options, tw_report **report, tw_error *error)
{
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, compute, (void *)plan, sizeof *plan, NULL), TW_OK);
    const tw_status status = tw_run(pool, kernel, grid, job->arrays, options, report, error);
    tw_kernel_destroy(kernel);
    return status;
}

static int deaths_of(const tw_report *report)
{
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    return (int)totals.deaths;
}

static void operands_in_stores_give_what_those_in_memory_give(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_pool *pool = open_pool(kinds[kind], 2);
        for (int round = 0; round < 40; round++) {
            struct job job;
            const int64_t lengths[] = {1 + random_below(&random, 40), 1 + random_below(&random, 40)};
            const unsigned where = round == 0 ? 15 : (unsigned)random_below(&random, 16);
            set_up(&job, pool, lengths, where);
            tw_grid *grid = random_grid(lengths, &random);
            const struct plan plan = {.dies_at = -1};
            const tw_run_options options = {.check = round % 4 == 0};
            tw_error error = {0};
            const tw_status status = run(pool, grid, &job, &plan, &options, NULL, &error);
            assert_string_equal(error.message, "");
            assert_int_equal(status, TW_OK);
            check_results(&job);
            tw_grid_destroy(grid);
            tear_down(&job);
        }
        tw_pool_close(pool);
    }
}

static void the_caller_alone_does_the_same_and_replays_a_tile(void **state)
{
    (void)state;
    struct job job;
    const int64_t lengths[] = {12, 20};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    const struct plan plan = {.dies_at = -1};
    tw_kernel *kernel;
    set_up(&job, NULL, lengths, 15);
    assert_int_equal(tw_kernel_from_function(&kernel, compute, (void *)&plan, sizeof plan, NULL), TW_OK);
    assert_int_equal(run(NULL, grid, &job, &plan, NULL, NULL, NULL), TW_OK);
    check_results(&job);

    /* Tile 4 is i in 5..10, j in 7..14: s changes there a second time, and nowhere else. */
    assert_int_equal(tw_replay(kernel, grid, job.arrays, 4, NULL, NULL), TW_OK);
    assert_int_equal(tw_array_copy(job.read[S], job.arrays[S], NULL), TW_OK);
    const double *s = tw_array_view(job.read[S])->data;
    for (int64_t i = 0; i < 12; i++) {
        for (int64_t j = 0; j < 20; j++) {
            const int twice = i >= 5 && i < 10 && j >= 7 && j < 14;
            assert_true(s[i * 20 + j] == first_value(S, i, j) + (twice ? 4 : 2) * first_value(X, i, j));
        }
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tear_down(&job);
}

static void a_cut_inside_a_unit_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    struct job job;
    const int64_t lengths[] = {12, 20};
    const tw_split split = {.axis = "j", .tile = 10};
    tw_grid *grid = grid_of(signature, lengths, &split, 1);
    const struct plan plan = {.dies_at = -1};
    tw_error error = {0};
    set_up(&job, NULL, lengths, 1 << R);
    atomic_store(&stored->gives, 0);
    assert_int_equal(run(NULL, grid, &job, &plan, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "axis j is cut at 10, inside a unit of output r, which is written in units of 7 "
                                       "along j: cut at 7 or 14");
    assert_int_equal(atomic_load(&stored->gives), 0);
    tw_grid_destroy(grid);
    tear_down(&job);
}

static void a_worker_that_dies_in_its_kernel_has_changed_no_store(void **state)
{
    (void)state;
    need_processes();
    const int64_t lengths[] = {23, 30};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    for (int64_t tile = 0; tile < 25; tile += 3) {
        struct job job;
        tw_pool *pool = open_pool(TW_PROCESSES, 2);
        tw_report *report;
        const struct plan plan = {.dies_at = tile};
        set_up(&job, pool, lengths, 15);
        assert_int_equal(run(pool, grid, &job, &plan, NULL, &report, NULL), TW_OK);
        assert_int_equal(deaths_of(report), 1);
        check_results(&job);
        tw_report_destroy(report);
        tear_down(&job);
        tw_pool_close(pool);
    }
    tw_grid_destroy(grid);
}

/* The tiny store, but a worker dies in the give number `deadly`: before its box is written, or after half of it. */
static _Atomic int *deadly;
static pid_t test_process;
static int fails_then; /* the errno that the store returns from that death on */

static int dying_give(struct tw__store *store, const int64_t *start, const tw_view *from)
{
    if (getpid() != test_process && atomic_fetch_sub(deadly, 1) == 1) {
        tw_view half = *from;
        half.shape[0] /= 2;
        tiny_move((struct tiny *)store, start, &half, 1);
        atomic_store(&stored->failing, fails_then);
        kill(getpid(), SIGKILL);
    }
    return tiny_give(store, start, from);
}

static struct tw__store_ops dying_ops; /* the tiny store's, but for give */

static void set_up_deadly(void)
{
    test_process = getpid();
    dying_ops = tiny_ops;
    dying_ops.give = dying_give;
    deadly = mmap(NULL, sizeof *deadly, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(deadly != MAP_FAILED);
}

static void a_worker_that_dies_while_it_gives_has_lost_nothing(void **state)
{
    (void)state;
    need_processes();
    set_up_deadly();
    const int64_t lengths[] = {23, 30};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    /* r alone: the tile is run again; r or s with s: the supervisor gives what is in the dead worker's room. */
    static const unsigned stores[] = {1 << R, 1 << S, 1 << R | 1 << S};
    for (int n = 0; n < 15; n++) {
        struct job job;
        tw_pool *pool = open_pool(TW_PROCESSES, 2);
        tw_report *report;
        const struct plan plan = {.dies_at = -1};
        set_up(&job, pool, lengths, stores[n % 3]);
        for (int k = R; k <= S; k++) {
            if (job.arrays[k]->store != NULL) {
                job.arrays[k]->store->ops = &dying_ops;
            }
        }
        atomic_store(deadly, 1 + n);
        assert_int_equal(run(pool, grid, &job, &plan, NULL, &report, NULL), TW_OK);
        assert_int_equal(deaths_of(report), 1);
        check_results(&job);
        tw_report_destroy(report);
        tear_down(&job);
        tw_pool_close(pool);
    }
    tw_grid_destroy(grid);
    munmap((void *)deadly, sizeof *deadly);
}

/* The worker dies in the middle of s, and then the store takes nothing any more: the supervisor cannot finish the tile,
 * and nobody may compute it from what is there now. */
static void an_inout_tile_that_cannot_be_finished_is_not_run_again(void **state)
{
    (void)state;
    need_processes();
    set_up_deadly();
    const int64_t lengths[] = {5, 7};
    const tw_split splits[] = {{.axis = "i", .parts = 1}, {.axis = "j", .parts = 1}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    struct job job;
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    const struct plan plan = {.dies_at = -1};
    tw_error error = {0};
    set_up(&job, pool, lengths, 1 << S);
    job.arrays[S]->store->ops = &dying_ops;
    fails_then = EIO;
    atomic_store(deadly, 1);
    assert_int_equal(run(pool, grid, &job, &plan, NULL, NULL, &error), TW_ERROR_WORKER);
    fails_then = 0;
    atomic_store(&stored->failing, 0);
    assert_non_null(strstr(error.message, "at tile 0"));
    assert_non_null(strstr(error.message, "it was not run again"));
    tear_down(&job);
    tw_pool_close(pool);
    tw_grid_destroy(grid);
    munmap((void *)deadly, sizeof *deadly);
}

#define BOX "x[0:5,0:7], y[0:7], s[0:5,0:7] -> r[0:5,0:7], s[0:5,0:7] (5 x 7)"

static void a_store_that_fails_ends_the_run_with_a_sentence(void **state)
{
    (void)state;
    const int64_t lengths[] = {5, 7};
    const tw_split splits[] = {{.axis = "i", .parts = 1}, {.axis = "j", .parts = 1}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    static const struct {
        unsigned where;
        const char *said;
    } cases[] = {{1 << X, "tile 0, " BOX ": the tile's part of 'x' cannot be read: Input/output error"},
                 {1 << R, "tile 0, " BOX ": the tile's part of 'r' cannot be written: Input/output error"}};
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int n = 0; n < 2; n++) {
            struct job job;
            tw_pool *pool = open_pool(kinds[kind], 2);
            const struct plan plan = {.dies_at = -1};
            tw_error error = {0};
            set_up(&job, pool, lengths, cases[n].where);
            atomic_store(&stored->failing, EIO);
            assert_int_equal(run(pool, grid, &job, &plan, NULL, NULL, &error), TW_ERROR_FILE);
            atomic_store(&stored->failing, 0);
            assert_string_equal(error.message, cases[n].said);
            tear_down(&job);
            tw_pool_close(pool);
        }
    }
    tw_grid_destroy(grid);
}

/* x has one row for all i, y[j] one element for all j. */
static void a_dimension_of_one_is_delivered_once(void **state)
{
    (void)state;
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const int64_t lengths[] = {10, 14}, row[] = {1, 14}, one[] = {1};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    struct job job;
    tw_array *rows, *ones;
    const struct plan plan = {.dies_at = -1};
    set_up(&job, NULL, lengths, 0);
    assert_int_equal(tw_array_create(&rows, NULL, &f64, 2, row, NULL), TW_OK);
    assert_int_equal(tw_array_create(&ones, NULL, &f64, 1, one, NULL), TW_OK);
    for (int64_t j = 0; j < 14; j++) {
        ((double *)tw_array_view(rows)->data)[j] = (double)(j + 1);
    }
    *(double *)tw_array_view(ones)->data = 0.5;
    tw_array_destroy(job.arrays[X]);
    tw_array_destroy(job.arrays[Y]);
    job.arrays[X] = tiny_array(stored, TW_FLOAT64, 2, row);
    job.arrays[Y] = tiny_array(stored, TW_FLOAT64, 1, one);
    assert_int_equal(tw_array_copy(job.arrays[X], rows, NULL), TW_OK);
    assert_int_equal(tw_array_copy(job.arrays[Y], ones, NULL), TW_OK);
    assert_int_equal(run(NULL, grid, &job, &plan, NULL, NULL, NULL), TW_OK);
    const double *r = tw_array_view(job.arrays[R])->data;
    for (int64_t k = 0; k < 140; k++) {
        assert_true(r[k] == 10 * (double)(k % 14 + 1) + 0.5);
    }
    tw_array_destroy(rows);
    tw_array_destroy(ones);
    tw_grid_destroy(grid);
    tear_down(&job);
}

static void the_guard_lies_over_what_stores_deliver(void **state)
{
    (void)state;
    need_processes();
    const int64_t lengths[] = {12, 20};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    struct job job;
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    const struct plan plan = {.dies_at = -1};
    const tw_run_options options = {.guard = 1};
    set_up(&job, pool, lengths, 15);
    assert_int_equal(run(pool, grid, &job, &plan, &options, NULL, NULL), TW_OK);
    check_results(&job);
    tear_down(&job);
    tw_pool_close(pool);
    tw_grid_destroy(grid);
}

/* The tiles before `stops_at` and that one, with their checksums; no more are begun. */
static void run_some(struct job *job, const tw_kernel *kernel, const tw_grid *grid, uint64_t *sums)
{
    tw_pool *pool = open_pool(TW_SERIAL, 1);
    struct tw__binding binding = {0};
    struct tw__steps steps;
    struct tw__outcome outcome;
    struct tw__task manner = {.stop = &stop};
    assert_int_equal(tw__bind(&binding, &pool->crew, grid, job->arrays, NULL), TW_OK);
    const struct tw__step_request request = {.kernel = kernel, .grid = grid, .accesses = binding.accesses};
    const struct tw__steps_options options = {.summed = 1};
    assert_int_equal(tw__steps_create(&steps, pool, &request, 1, &options, NULL), TW_OK);
    assert_int_equal(tw__steps_run(&steps, pool, &manner, &outcome, NULL), TW_ERROR_INTERRUPTED);
    memcpy(sums, tw__steps_sums(&steps), (size_t)grid->count * sizeof *sums);
    tw__unbind(&binding);
    tw_pool_close(pool);
}

/* Stopped after tile 6 of 9, then resumed: a tile that has changed since is known by its checksum, and tiles that are
 * missing get their first values back. */
static void a_journal_verifies_and_restores_what_a_store_delivers(void **state)
{
    (void)state;
    const int64_t lengths[] = {12, 20}, in_tile_0[] = {1, 1}, in_tile_8[] = {11, 19};
    const tw_split splits[] = {{.axis = "i", .tile = 5}, {.axis = "j", .tile = 7}};
    tw_grid *grid = grid_of(signature, lengths, splits, 2);
    const struct plan plan = {.dies_at = -1};
    struct job job;
    struct tw__journal *journal;
    tw_kernel *kernel;
    uint64_t sums[9], dropped;
    double wrong = -1;
    const tw_view one = {&wrong, tw_dtype_of(TW_FLOAT64), 2, {1, 1}, {8, 8}};
    set_up(&job, NULL, lengths, 1 << R | 1 << S);
    assert_int_equal(tw_kernel_from_function(&kernel, compute, (void *)&plan, sizeof plan, NULL), TW_OK);
    stops_at = 6;
    run_some(&job, kernel, grid, sums);
    stops_at = -1;
    assert_int_equal(tw__journal_create(&journal, "job.journal", kernel, grid, job.arrays, NULL, NULL, NULL), TW_OK);
    for (uint64_t tile = 0; tile <= 6; tile++) {
        tw__ledger_note(&journal->ledger, tile, sums[tile]);
    }
    assert_int_equal(tw__journal_close(journal, NULL), TW_OK);

    assert_int_equal(tw__store_give(job.arrays[R], in_tile_0, &one), 0);
    assert_int_equal(tw__store_give(job.arrays[S], in_tile_8, &one), 0); /* not recorded */
    atomic_store(&stored->splits, 0);
    assert_int_equal(tw__journal_open(&journal, "job.journal", kernel, grid, job.arrays, NULL, NULL), TW_OK);
    assert_int_equal(journal->ledger.done, 7);
    assert_int_equal(tw__journal_verify(journal, &dropped, NULL), TW_OK);
    assert_int_equal(dropped, 1);
    assert_int_equal(tw__journal_restore(journal, S, job.read[S], NULL), TW_OK);
    atomic_store(&stored->failing, EIO);
    assert_int_equal(tw__journal_verify(journal, &dropped, NULL), TW_ERROR_FILE);
    atomic_store(&stored->failing, 0);
    for (uint64_t tile = 0; (tile = tw__ledger_missing(&journal->ledger, tile)) < 9; tile++) {
        assert_true(tile == 0 || tile == 7 || tile == 8);
        assert_int_equal(tw_replay(kernel, grid, job.arrays, tile, NULL, NULL), TW_OK);
    }
    check_results(&job);
    tw__journal_remove(journal);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tear_down(&job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_in_stores_give_what_those_in_memory_give),
        cmocka_unit_test(the_caller_alone_does_the_same_and_replays_a_tile),
        cmocka_unit_test(a_cut_inside_a_unit_is_refused_before_anything_is_written),
        cmocka_unit_test(a_worker_that_dies_in_its_kernel_has_changed_no_store),
        cmocka_unit_test(a_worker_that_dies_while_it_gives_has_lost_nothing),
        cmocka_unit_test(an_inout_tile_that_cannot_be_finished_is_not_run_again),
        cmocka_unit_test(a_store_that_fails_ends_the_run_with_a_sentence),
        cmocka_unit_test(a_dimension_of_one_is_delivered_once),
        cmocka_unit_test(the_guard_lies_over_what_stores_deliver),
        cmocka_unit_test_setup_teardown(a_journal_verifies_and_restores_what_a_store_delivers, enter_folder,
                                        leave_folder),
    };
    return cmocka_run_group_tests(tests, tiny_set_up, tiny_tear_down);
}
