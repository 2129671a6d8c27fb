/* What a run promises: results, reports, errors with their place, retries, scratch, memory. */
#include "pools.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tilework/tilework.h>

/* ---- the origin's job ---- */

static int mult(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
    }
    return 0;
}

struct origin {
    tw_pool *pool;
    tw_signature *signature;
    tw_grid *grid;
    tw_array *arrays[3];
};

static void open_origin(struct origin *origin, tw_pool_kind kind, int workers, int64_t rows, int64_t columns)
{
    static const int64_t i_cuts[] = {333, 666}, j_cuts[] = {1000};
    const tw_split splits[] = {{.axis = "i", .cuts = i_cuts, .ncuts = 2}, {.axis = "j", .cuts = j_cuts, .ncuts = 1}};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {rows, columns};
    origin->pool = open_pool(kind, workers);
    assert_int_equal(tw_signature_parse(&origin->signature, "y[i], x[j] -> r[i,j]", NULL), TW_OK);
    assert_int_equal(tw_array_create(&origin->arrays[0], origin->pool, &float64, 1, &shape[0], NULL), TW_OK);
    assert_int_equal(tw_array_create(&origin->arrays[1], origin->pool, &float64, 1, &shape[1], NULL), TW_OK);
    assert_int_equal(tw_array_create(&origin->arrays[2], origin->pool, &float64, 2, shape, NULL), TW_OK);
    for (int64_t i = 0; i < rows; i++) {
        ((double *)tw_array_data(origin->arrays[0]))[i] = (double)i;
    }
    for (int64_t j = 0; j < columns; j++) {
        ((double *)tw_array_data(origin->arrays[1]))[j] = 1.0 / (double)(j + 1);
    }
    assert_int_equal(tw_grid_for(&origin->grid, origin->signature, origin->arrays, splits, 2, NULL), TW_OK);
    assert_int_equal(tw_grid_count(origin->grid), 6);
}

static void close_origin(struct origin *origin)
{
    for (int k = 0; k < 3; k++) {
        tw_array_destroy(origin->arrays[k]);
    }
    tw_grid_destroy(origin->grid);
    tw_signature_destroy(origin->signature);
    tw_pool_close(origin->pool);
}

static void origin_on_every_pool(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        tw_report *report;
        open_origin(&origin, kinds[kind], 3, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&kernel, mult, NULL, 0, NULL), TW_OK);
        const tw_run_options options = {.check = 1};
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, &options, &report, NULL), TW_OK);
        const double *r = tw_array_data(origin.arrays[2]);
        for (int64_t i = 0; i < 1000; i++) {
            for (int64_t j = 0; j < 2000; j++) {
                assert_true(r[i * 2000 + j] == (double)i * (1.0 / (double)(j + 1)));
            }
        }
        tw_report_totals totals;
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.identical, 1);
        assert_int_equal(totals.bytes_copied, 0);
        assert_true(totals.max_difference == 0);
        char line[256], expected[256];
        tw_tile_record record;
        assert_int_equal(tw_report_get_tile(report, 3, &record, NULL), TW_OK);
        snprintf(expected, sizeof expected,
                 "pid %d did y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000) in ", record.pid);
        assert_true(tw_report_line(report, 3, line, sizeof line) > 0);
        assert_memory_equal(line, expected, strlen(expected));
        assert_true(tw_report_record_line(&record, origin.grid, 3, expected, sizeof expected) > 0);
        assert_string_equal(line, expected);
        assert_int_equal(record.state, TW_TILE_DONE);
        assert_int_equal(record.attempts, 1);
        assert_true(record.duration > 0 && record.start >= 0);
        assert_true(kinds[kind] == TW_PROCESSES ? record.pid != getpid() : record.pid == getpid());
        assert_int_equal(tw_report_get_tile(report, 6, &record, NULL), TW_ERROR_ARGUMENT);
        tw_report_destroy(report);
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

/* ---- what kernels may do wrong ---- */

static int failing(const tw_tile *tile)
{
    return tile->number >= 4 ? tw_tile_fail(tile, 42, "no root in tile %d", (int)tile->number) : mult(tile);
}

static void kernel_error_names_tile_and_ranges(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        tw_error error = {0};
        tw_report *report;
        open_origin(&origin, kinds[kind], 2, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&kernel, failing, NULL, 0, NULL), TW_OK);
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, &report, &error),
                         TW_ERROR_KERNEL);
        assert_int_equal(error.tile, 4);
        assert_int_equal(error.kernel_code, 42);
        assert_non_null(strstr(error.message, "returned 42 at tile 4, y[666:1000], x[0:1000] -> r[666:1000,0:1000]"));
        assert_non_null(strstr(error.message, "no root in tile 4"));
        tw_tile_record record;
        for (uint64_t tile = 0; tile < 4; tile++) { /* all before it were done all the same */
            assert_int_equal(tw_report_get_tile(report, tile, &record, NULL), TW_OK);
            assert_int_equal(record.state, TW_TILE_DONE);
        }
        assert_int_equal(tw_report_get_tile(report, 4, &record, NULL), TW_OK);
        assert_int_equal(record.state, TW_TILE_FAILED);
        tw_report_destroy(report);
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

static int tile_dependent(const tw_tile *tile)
{
    mult(tile);
    if (tile->number == 3) {
        TW_VIEW(double, r, tile->operand[2]);
        TW_AT(r, 2, 5) += 0.5;
    }
    return 0;
}

static void check_finds_the_first_difference(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        tw_error error = {0};
        tw_report *report;
        open_origin(&origin, kinds[kind], 2, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&kernel, tile_dependent, NULL, 0, NULL), TW_OK);
        const tw_run_options options = {.check = 1};
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, &options, &report, &error),
                         TW_ERROR_CHECK);
        assert_non_null(strstr(error.message, "r[335,1005] differs"));
        assert_non_null(strstr(error.message, "tile 3"));
        tw_report_totals totals;
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.checked, 1);
        assert_int_equal(totals.identical, 0);
        assert_int_equal(totals.differing_operand, 2);
        assert_int_equal(totals.differing_index, 335 * 2000 + 1005);
        assert_int_equal(totals.differing_tile, 3);
        assert_true(totals.max_difference == 0.5);
        tw_report_destroy(report);
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

static int dying(const tw_tile *tile)
{
    if (tile->number == 2 && tile->attempt < *(const unsigned *)tile->context) {
        raise(SIGSEGV);
    }
    return mult(tile);
}

static void dead_worker_costs_one_tile(void **state)
{
    (void)state;
    need_processes();
    struct origin origin;
    tw_kernel *kernel;
    tw_error error = {0};
    tw_report *report;
    open_origin(&origin, TW_PROCESSES, 2, 1000, 2000);
    unsigned deaths = 2;
    assert_int_equal(tw_kernel_from_function(&kernel, dying, &deaths, sizeof deaths, NULL), TW_OK);
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, &report, &error), TW_OK);
    tw_report_totals totals;
    tw_tile_record record;
    tw_report_get_totals(report, &totals);
    assert_int_equal(totals.done, 6);
    assert_int_equal(totals.deaths, 2);
    tw_report_get_tile(report, 2, &record, NULL);
    assert_int_equal(record.attempts, 3);
    tw_report_destroy(report);
    deaths = 3; /* each run takes the context as it is then */
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, NULL, &error), TW_ERROR_WORKER);
    assert_int_equal(error.tile, 2);
    assert_non_null(strstr(error.message, "signal 11"));
    assert_non_null(strstr(error.message, "y[333:666], x[0:1000] -> r[333:666,0:1000]"));
    tw_kernel_destroy(kernel);
    close_origin(&origin);
}

static int use_scratch(const tw_tile *tile)
{
    if (tile->scratch_size != 4096 || (uintptr_t)tile->scratch % 64 != 0) {
        return 1;
    }
    memset(tile->scratch, (int)tile->number, 4096);
    mult(tile);
    for (int b = 0; b < 4096; b++) {
        if (((unsigned char *)tile->scratch)[b] != (unsigned char)tile->number) {
            return 2;
        }
    }
    return 0;
}

static void scratch_is_the_workers_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        open_origin(&origin, kinds[kind], 4, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&kernel, use_scratch, NULL, 0, NULL), TW_OK);
        const tw_run_options options = {.scratch_size = 4096};
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, &options, NULL, NULL), TW_OK);
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct origin origin;
    tw_kernel *kernel;
    tw_error error = {0};
    open_origin(&origin, TW_THREADS, 2, 1000, 2000);
    assert_int_equal(tw_kernel_from_function(&kernel, mult, NULL, 0, NULL), TW_OK);
    tw_array *swapped[] = {origin.arrays[1], origin.arrays[0], origin.arrays[2]};
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, swapped, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "axis i has length 1000 in the grid but y has 2000"));
    tw_array *missing[] = {origin.arrays[0], NULL, origin.arrays[2]};
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, missing, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "operand x has no array"));
    tw_view part = *tw_array_view(origin.arrays[2]); /* y is a row of r */
    part.ndim = 1;
    part.shape[0] = 1000;
    part.strides[0] = 8;
    tw_array *inside;
    assert_int_equal(tw_array_wrap(&inside, &part, NULL), TW_OK);
    tw_array *overlapping[] = {inside, origin.arrays[1], origin.arrays[2]};
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, overlapping, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "output r overlaps y"));
    tw_array_destroy(inside);
    tw_kernel_destroy(kernel);
    close_origin(&origin);
}

static void report_is_json(void **state)
{
    (void)state;
    struct origin origin;
    tw_kernel *kernel;
    tw_report *report;
    open_origin(&origin, TW_THREADS, 2, 1000, 2000);
    assert_int_equal(tw_kernel_from_function(&kernel, mult, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, &report, NULL), TW_OK);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_int_equal(tw_report_write_json(report, file, NULL), TW_OK);
    fclose(file);
    tw_error error;
    file = fopen("/dev/full", "w");
    assert_int_equal(tw_report_write_json(report, file, &error), TW_ERROR_DISK);
    assert_string_equal(error.message, "the report cannot be written: No space left on device");
    fclose(file);
    assert_non_null(strstr(text, "\"tiles\":6"));
    assert_non_null(
        strstr(text, "{\"tile\":5,\"state\":\"done\",\"attempts\":1,\"start\":[666,1000],\"stop\":[1000,2000]"));
    free(text);
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    close_origin(&origin);
}

static int lowest_code(const tw_tile *tile)
{
    return tile->number == 1 ? INT32_MIN : 0;
}

static void every_code_of_a_kernel_is_reported_as_it_is(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        tw_error error = {0};
        open_origin(&origin, kinds[kind], 2, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&kernel, lowest_code, NULL, 0, NULL), TW_OK);
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, NULL, &error), TW_ERROR_KERNEL);
        assert_int_equal(error.tile, 1);
        assert_int_equal(error.kernel_code, INT32_MIN);
        assert_non_null(strstr(error.message, "returned -2147483648 at tile 1"));
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

/* A wrapped output keeps what it had where no tile was done, on every pool. */
static void what_was_not_done_is_not_written(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct origin origin;
        tw_kernel *kernel;
        tw_report *report;
        open_origin(&origin, kinds[kind], 1, 1000, 2000);
        tw_view view = *tw_array_view(origin.arrays[2]);
        double *buffer = malloc(1000 * 2000 * sizeof *buffer);
        for (int k = 0; k < 1000 * 2000; k++) {
            buffer[k] = -1;
        }
        view.data = buffer;
        tw_array *wrapped;
        assert_int_equal(tw_array_wrap(&wrapped, &view, NULL), TW_OK);
        tw_array *arrays[] = {origin.arrays[0], origin.arrays[1], wrapped};
        assert_int_equal(tw_kernel_from_function(&kernel, failing, NULL, 0, NULL), TW_OK);
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, arrays, NULL, &report, NULL), TW_ERROR_KERNEL);
        assert_true(buffer[1] == 0);                  /* tile 0 was done: y[0] * x[1] */
        assert_true(buffer[999 * 2000 + 1999] == -1); /* tile 5 was not begun */
        tw_report_destroy(report);
        const int stop = 1;
        const tw_run_options options = {.stop = &stop};
        buffer[1] = -1;
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, arrays, &options, NULL, NULL), TW_ERROR_INTERRUPTED);
        assert_true(buffer[1] == -1);
        tw_array_destroy(wrapped);
        free(buffer);
        tw_kernel_destroy(kernel);
        close_origin(&origin);
    }
}

static void arrays_of_another_pool_are_seen(void **state)
{
    (void)state;
    need_processes();
    struct origin origin;
    tw_kernel *kernel;
    open_origin(&origin, TW_PROCESSES, 2, 1000, 2000);
    assert_int_equal(tw_kernel_from_function(&kernel, mult, NULL, 0, NULL), TW_OK);
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {1000, 2000};
    for (int round = 0; round < 3; round++) { /* the later heaps may lie where the first one was */
        tw_pool *other = open_pool(TW_PROCESSES, 1);
        tw_array *foreign;
        assert_int_equal(tw_array_create(&foreign, other, &float64, 2, shape, NULL), TW_OK);
        double *r = tw_array_data(foreign);
        r[2000 + 1] = -1;
        tw_array *arrays[] = {origin.arrays[0], origin.arrays[1], foreign};
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, arrays, NULL, NULL, NULL), TW_OK);
        assert_true(r[2000 + 1] == 0.5);
        tw_array_destroy(foreign);
        tw_pool_close(other);
    }
    tw_kernel_destroy(kernel);
    close_origin(&origin);
}

/* A run that is refused in a fork changes nothing of the parent's. */
static void a_fork_cannot_disturb_its_parents_run(void **state)
{
    (void)state;
    need_processes();
    struct origin origin;
    tw_kernel *kernel;
    open_origin(&origin, TW_PROCESSES, 2, 1000, 2000);
    assert_int_equal(tw_kernel_from_function(&kernel, mult, NULL, 0, NULL), TW_OK);
    const pid_t child = fork();
    if (child == 0) {
        tw_array *array = NULL;
        const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
        const int64_t n = 1000;
        int good = 1;
        for (int k = 0; k < 200; k++) {
            good &= tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, NULL, NULL) == TW_ERROR_PROCESS;
            good &= tw_array_create(&array, origin.pool, &float64, 1, &n, NULL) == TW_ERROR_PROCESS;
        }
        _exit(good ? 0 : 1);
    }
    const double *r = tw_array_data(origin.arrays[2]);
    for (int k = 0; k < 20; k++) {
        memset(tw_array_data(origin.arrays[2]), 0, 1000 * 2000 * sizeof *r);
        assert_int_equal(tw_run(origin.pool, kernel, origin.grid, origin.arrays, NULL, NULL, NULL), TW_OK);
        assert_true(r[999 * 2000 + 1999] == 999.0 * (1.0 / 2000));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tw_kernel_destroy(kernel);
    close_origin(&origin);
}

/* ---- memory ---- */

static int nothing(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

static void a_million_tiles_cost_their_words(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_signature *signature;
        tw_array *array;
        tw_grid *grid;
        tw_kernel *kernel;
        tw_report *report;
        tw_pool *pool = open_pool(kinds[kind], 2);
        const tw_dtype uint8 = tw_dtype_of(TW_UINT8);
        const int64_t shape[] = {1000000};
        const tw_split split = {.axis = "i", .tile = 1};
        assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
        assert_int_equal(tw_array_create(&array, pool, &uint8, 1, shape, NULL), TW_OK);
        assert_int_equal(tw_grid_for(&grid, signature, &array, &split, 1, NULL), TW_OK);
        assert_int_equal(tw_kernel_from_function(&kernel, nothing, NULL, 0, NULL), TW_OK);
        assert_int_equal(tw_run(pool, kernel, grid, &array, NULL, &report, NULL), TW_OK);
        tw_report_totals totals;
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.done, 1000000);
        tw_report_destroy(report);
        tw_kernel_destroy(kernel);
        tw_grid_destroy(grid);
        tw_array_destroy(array);
        tw_signature_destroy(signature);
        tw_pool_close(pool);
    }
}

static void arrays_outlive_their_pool(void **state)
{
    (void)state;
    need_processes();
    tw_pool *first = open_pool(TW_PROCESSES, 2), *second = open_pool(TW_PROCESSES, 2);
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 1000;
    tw_array *arrays[2];
    assert_int_equal(tw_array_create(&arrays[0], first, &float64, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_array_memory(arrays[0]), TW_SHARED);
    for (int64_t i = 0; i < n; i++) {
        ((double *)tw_array_data(arrays[0]))[i] = (double)i;
    }
    tw_pool_close(first);
    assert_int_equal(tw_array_create(&arrays[1], second, &float64, 1, &n, NULL), TW_OK);
    tw_pool_close(second);
    assert_int_equal(tw_array_copy(arrays[1], arrays[0], NULL), TW_OK);
    assert_true(((double *)tw_array_data(arrays[1]))[999] == 999);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
}

/* ---- one run after another ---- */

static _Atomic int refused;

/* A kernel that begins a run on the pool that runs it. */
static int run_in_itself(const tw_tile *tile)
{
    struct origin *origin = *(struct origin *const *)tile->context;
    tw_kernel *inner;
    tw_error error = {0};
    if (tw_kernel_from_function(&inner, mult, NULL, 0, NULL) != TW_OK) {
        return 1;
    }
    refused += tw_run(origin->pool, inner, origin->grid, origin->arrays, NULL, NULL, &error) == TW_ERROR_ARGUMENT;
    tw_kernel_destroy(inner);
    return mult(tile);
}

static int fail_in_the_middle(const tw_tile *tile)
{
    return tile->number == 3 ? 5 : mult(tile);
}

/* The memory of a run's tables serves the next one, whatever became of the run, and is freed with the pool. */
static void a_run_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    static const tw_pool_kind here[] = {TW_SERIAL, TW_THREADS};
    for (size_t k = 0; k < sizeof here / sizeof here[0]; k++) {
        struct origin origin, *context = &origin;
        tw_kernel *plain, *nested, *failing;
        tw_report *report;
        tw_error error;
        open_origin(&origin, here[k], 2, 1000, 2000);
        assert_int_equal(tw_kernel_from_function(&plain, mult, NULL, 0, NULL), TW_OK);
        assert_int_equal(tw_kernel_from_function(&nested, run_in_itself, &context, sizeof context, NULL), TW_OK);
        assert_int_equal(tw_kernel_from_function(&failing, fail_in_the_middle, NULL, 0, NULL), TW_OK);
        const tw_run_options checked = {.check = 1};
        for (int round = 0; round < 3; round++) {
            refused = 0;
            assert_int_equal(tw_run(origin.pool, nested, origin.grid, origin.arrays, NULL, NULL, NULL), TW_OK);
            assert_int_equal(refused, 6);
            assert_int_not_equal(tw_run(origin.pool, failing, origin.grid, origin.arrays, NULL, NULL, &error), TW_OK);
            assert_int_equal(tw_run(origin.pool, plain, origin.grid, origin.arrays, &checked, NULL, NULL), TW_OK);
            assert_int_equal(tw_run(origin.pool, plain, origin.grid, origin.arrays, NULL, &report, NULL), TW_OK);
            tw_report_totals totals;
            tw_report_get_totals(report, &totals);
            assert_int_equal(totals.done, 6);
            assert_int_equal(totals.failed, 0);
            tw_report_destroy(report);
        }
        tw_kernel_destroy(plain);
        tw_kernel_destroy(nested);
        tw_kernel_destroy(failing);
        close_origin(&origin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_on_every_pool),
        cmocka_unit_test(kernel_error_names_tile_and_ranges),
        cmocka_unit_test(check_finds_the_first_difference),
        cmocka_unit_test(dead_worker_costs_one_tile),
        cmocka_unit_test(scratch_is_the_workers_own),
        cmocka_unit_test(bad_operands_are_refused),
        cmocka_unit_test(report_is_json),
        cmocka_unit_test(every_code_of_a_kernel_is_reported_as_it_is),
        cmocka_unit_test(what_was_not_done_is_not_written),
        cmocka_unit_test(arrays_of_another_pool_are_seen),
        cmocka_unit_test(a_fork_cannot_disturb_its_parents_run),
        cmocka_unit_test(a_million_tiles_cost_their_words),
        cmocka_unit_test(arrays_outlive_their_pool),
        cmocka_unit_test(a_run_leaves_nothing_to_the_next),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
