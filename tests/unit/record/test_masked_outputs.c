/* test_masked_outputs.c - outputs in files whose run has a mask: which tiles are done, recorded, kept and resumed. */
#include <string.h>

#include <tilework/tilework.h>

#include "written_jobs.h"

#define TILES 40
#define LENGTH 400

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[TILES];
    _Atomic int failing; /* tile that fails; -1: none */
} * board;

static int step(const tw_tile *tile)
{
    board->calls[tile->number]++;
    compute_two_files(tile);
    return (int)tile->number == board->failing ? tw_tile_fail(tile, 7, "deaths to fail") : 0;
}

/* ---- the job ---- */

static struct job *open_job(int64_t tiles)
{
    struct job *job = job_of_two_files(step, LENGTH, tiles);
    for (int tile = 0; tile < TILES; tile++) {
        board->calls[tile] = 0;
    }
    board->failing = -1;
    return job;
}

static tw_status whole_run(const struct job *job, const tw_outputs_options *options, tw_pool_kind kind, tw_error *error)
{
    return write_job(job, options, kind, 0, NULL, NULL, error);
}

static int total_calls(void)
{
    return total_of(board->calls, TILES);
}

/* Tiles that the mask leaves out are no part of the work, of the journal and of what is kept. */
static void a_mask_says_which_tiles_there_are(void **state)
{
    struct job *job = open_job(TILES);
    _Bool wanted[LENGTH] = {0}, others[LENGTH] = {0};
    const tw_view view = {
        .data = wanted, .dtype = tw_dtype_of(TW_BOOL), .ndim = 1, .shape = {LENGTH}, .strides = {sizeof(_Bool)}};
    tw_view other = view;
    tw_array *mask = NULL, *another = NULL;
    tw_outputs *outputs = NULL;
    tw_outputs_totals totals;
    tw_error error;
    (void)state;
    other.data = others;
    assert_int_equal(tw_array_wrap(&mask, &view, NULL), TW_OK);
    assert_int_equal(tw_array_wrap(&another, &other, NULL), TW_OK);
    wanted[25] = wanted[26] = wanted[LENGTH - 1] = others[0] = 1; /* in tiles 2 and 39 */
    const tw_outputs_options options = {.where = mask, .where_axes = "[i]"};
    const tw_outputs_options resume = {.where = mask, .where_axes = "m[i]", .resume = 1, .verify = 1};
    board->failing = TILES - 1;
    assert_int_equal(whole_run(job, &options, TW_THREADS, NULL), TW_ERROR_KERNEL);
    board->failing = -1;
    assert_int_equal(total_calls(), 2);
    assert_int_equal(recorded_in("u.npy.journal"), 1);
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.resume = 1}, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "where was [i], 400 bool, contents with checksum "));
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.resume = 1, .where = another}, &error),
                     TW_ERROR_JOURNAL);
    assert_int_equal(open_outputs(&outputs, job, &resume, NULL), TW_OK);
    tw_outputs_get_totals(outputs, &totals);
    assert_true(totals.done == 1 && totals.skipped == TILES - 2 && totals.dropped == 0 && totals.tiles == TILES);
    const tw_run_options twice = {.outputs = outputs, .where = mask};
    assert_int_equal(tw_run(NULL, job->kernel, job->grid, tw_outputs_operands(outputs), &twice, NULL, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(
        error.message, "where with outputs in files is given to tw_outputs_open, since the mask counts in the journal");
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_commit(outputs, NULL), TW_OK);
    const double *u = tw_array_data(tw_outputs_operands(outputs)[1]),
                 *r = tw_array_data(tw_outputs_operands(outputs)[2]);
    for (int i = 0; i < LENGTH; i++) {
        const int is_done = i / 10 == 2 || i / 10 == 39;
        assert_true(u[i] == (is_done ? 2 * job->u[i] + job->x[i] : job->u[i]));
        assert_true(r[i] == (is_done ? job->u[i] - job->x[i] : 0));
    }
    tw_outputs_destroy(outputs);
    assert_int_equal(total_calls(), 3);
    assert_int_equal(count_entries("."), 2);
    wanted[25] = wanted[26] = wanted[LENGTH - 1] = 0; /* nothing is wanted, and nothing is kept */
    assert_int_equal(open_outputs(&outputs, job, &options, NULL), TW_OK);
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(whole_run(job, &options, TW_THREADS, NULL), TW_OK);
    assert_int_equal(total_calls(), 3);
    tw_array_destroy(mask);
    tw_array_destroy(another);
    close_job(job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    static struct board own;
    board = &own;
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_mask_says_which_tiles_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
