/* A kind of worker is one table of operations: a pool whose crew is defined here, workers that the caller plays in
 * turn. */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pool.h"

static int closed; /* crews */

static tw_status relay_open(struct tw__crew *crew, const tw_pool_options *options, tw_error *error)
{
    const size_t size = tw__claims_size((unsigned)crew->workers);
    (void)options;
    (void)error;
    if (posix_memalign((void **)&crew->claims, 128, size) != 0) {
        crew->claims = NULL;
        return TW_ERROR_MEMORY;
    }
    memset(crew->claims, 0, size);
    tw__claims_init(crew->claims, (unsigned)crew->workers, 0);
    return TW_OK;
}

/* The last worker first: it begins with its own share and takes those of all others. */
static tw_status relay_run(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome)
{
    tw__crew_set_job(crew, task, outcome, task->stop != NULL ? task->stop : &crew->claims->never);
    tw__claims_open(crew->claims);
    for (int w = crew->workers - 1; w >= 0; w--) {
        tw__claims_work(crew->claims, &crew->seats[w]);
    }
    assert_true(tw__claims_finished(crew->claims));
    tw__claims_close(crew->claims);
    assert_true(tw__claims_empty(crew->claims));
    tw__crew_collect(crew, outcome);
    if (outcome->tile != UINT64_MAX) {
        return TW_ERROR_KERNEL;
    }
    return outcome->done == task->first + task->count ? TW_OK : TW_ERROR_INTERRUPTED;
}

static void relay_close(struct tw__crew *crew)
{
    free(crew->claims);
    closed++;
}

static const struct tw__crew_ops relay = {.kind = TW_THREADS,
                                          .name = "relay",
                                          .one = "turn",
                                          .many = "turns",
                                          .open = relay_open,
                                          .run = relay_run,
                                          .close = relay_close};

static tw_pool *open_relay(int workers)
{
    tw_pool *pool;
    assert_int_equal(tw__pool_open(&pool, &relay, &(tw_pool_options){.workers = workers}, NULL), TW_OK);
    assert_int_equal(tw_pool_workers(pool), workers);
    return pool;
}

static void a_crew_of_the_callers_runs_every_tile_once(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 5; workers++) {
        tw_pool *pool = open_relay(workers);
        for (uint64_t count = 0; count <= 100; count += 7) {
            struct board *board = new_board();
            struct tw__outcome outcome;
            assert_int_equal(
                run_task(pool, &(struct tw__task){.function = mark, .argument = board, .count = count}, &outcome, NULL),
                TW_OK);
            assert_int_equal(outcome.done, count);
            for (uint64_t tile = 0; tile < count; tile++) {
                assert_int_equal(board->ended[tile], 1);
            }
            munmap(board, sizeof *board);
        }
        tw_pool_close(pool);
        assert_int_equal(closed, workers);
    }
}

static void a_crew_of_the_callers_reports_the_lowest_tile_that_failed(void **state)
{
    (void)state;
    struct board *board = new_board();
    struct tw__outcome outcome;
    tw_pool *pool = open_relay(3);
    board->code_at = 20; /* tiles 19, 39, ... fail */
    assert_int_equal(
        run_task(pool, &(struct tw__task){.function = mark, .argument = board, .count = 90}, &outcome, NULL),
        TW_ERROR_KERNEL);
    assert_int_equal(outcome.tile, 19); /* the last worker fails first, at tile 79 */
    assert_string_equal(outcome.message, "as asked");
    tw_pool_close(pool);
    munmap(board, sizeof *board);
}

/* tw_run knows no kinds: it works with this one too. */
static int fill(const tw_tile *tile)
{
    int64_t *r = tile->operand[0].data;
    for (int64_t i = 0; i < tile->operand[0].shape[0]; i++) {
        r[i] = tile->start[0] + i;
    }
    return 0;
}

static void a_run_takes_a_crew_of_the_callers(void **state)
{
    (void)state;
    const int64_t shape[] = {1000};
    const tw_dtype i64 = tw_dtype_of(TW_INT64);
    const tw_split split = {.axis = "i", .tile = 7};
    tw_pool *pool = open_relay(3);
    tw_signature *signature;
    tw_array *r;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_report *report;
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_array_create(&r, pool, &i64, 1, shape, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&grid, signature, &r, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, fill, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_run(pool, kernel, grid, &r, NULL, &report, NULL), TW_OK);
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    assert_int_equal(totals.done, tw_grid_count(grid));
    char text[128] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tw_report_write_json(report, file, NULL), TW_OK);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\"pool\":\"relay\""));
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(((const int64_t *)tw_array_view(r)->data)[i], i);
    }
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_array_destroy(r);
    tw_signature_destroy(signature);
    tw_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crew_of_the_callers_runs_every_tile_once),
        cmocka_unit_test(a_crew_of_the_callers_reports_the_lowest_tile_that_failed),
        cmocka_unit_test(a_run_takes_a_crew_of_the_callers),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
