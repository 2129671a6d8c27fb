/* What workers see without a copy: mappings that they have, and private inputs by a fork where that takes less. */
#include "grids.h"
#include "pools.h"

#include <string.h>
#include <sys/mman.h>

#include "job/sight.h"
#include "os/clock.h"

#define BYTES ((int64_t)8 << 20)

static void a_fork_is_preferred_where_it_takes_less_than_half_of_the_copy(void **state)
{
    (void)state;
    struct tw__crew crew = {.workers = 2, .fork_time = 1000000}; /* a copy of 1 GiB takes 80 ms at least */
    assert_true(tw__sight_prefers_fork(&crew, (int64_t)1 << 30));
    assert_false(tw__sight_prefers_fork(&crew, (int64_t)1 << 20));
    crew.warm_time = 1000000000; /* new workers must compile something first */
    assert_false(tw__sight_prefers_fork(&crew, (int64_t)1 << 30));
}

static void a_mapping_is_new_to_workers_until_a_run_has_used_it(void **state)
{
    (void)state;
    struct tw__sights *sights = NULL;
    struct tw__crew crew = {.workers = 2, .forked_at = tw__now()};
    void *memory = mmap(NULL, (size_t)BYTES, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const tw_view view = {memory, tw_dtype_of(TW_UINT8), 1, {BYTES}, {1}};
    int64_t newest = 0;
    assert_int_equal(tw__sight_keep(&sights, NULL), TW_OK);
    tw__sight_begin(sights);
    assert_null(tw__sight_find(sights, &crew, &view, 1, &newest)); /* it cannot be written */
    assert_true(newest == 0);
    const tw_array *found = tw__sight_find(sights, &crew, &view, 0, &newest);
    assert_non_null(found);
    assert_true((char *)found->base <= (char *)memory && newest > crew.forked_at);
    crew.forked_at = tw__now();
    tw__sight_end(sights);
    newest = 0;
    tw__sight_begin(sights);
    assert_true(tw__sight_find(sights, &crew, &view, 0, &newest) == found);
    assert_true(newest == 0); /* they have it */
    tw__sight_end(sights);
    crew.forked_at = tw__now() + 1; /* in the place of one that died while nobody used it */
    assert_non_null(tw__sight_find(sights, &crew, &view, 0, &newest));
    assert_true(newest > 0);
    munmap(memory, (size_t)BYTES);
    free(sights);
}

static int sums(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < x.shape[0]; i++) {
        TW_AT(r, i) = 0;
        for (int64_t j = 0; j < x.shape[1]; j++) {
            TW_AT(r, i) += TW_AT(x, i, j);
        }
    }
    return 0;
}

/* Sums the rows of a view by processes; gives what the report says. */
static tw_report_totals sum_rows(tw_pool *pool, tw_kernel *kernel, const tw_view *view, double *r)
{
    const tw_view result = {r, tw_dtype_of(TW_FLOAT64), 1, {view->shape[0]}, {8}};
    tw_array *operands[2];
    tw_report *report;
    tw_report_totals totals;
    tw_signature *signature = parse("x[i,j] -> r[i]");
    const tw_split split = {.axis = "i", .parts = 4};
    tw_grid *grid;
    assert_int_equal(tw_array_wrap(&operands[0], view, NULL), TW_OK);
    assert_int_equal(tw_array_wrap(&operands[1], &result, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&grid, signature, operands, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_run(pool, kernel, grid, operands, NULL, &report, NULL), TW_OK);
    tw_report_get_totals(report, &totals);
    tw_report_destroy(report);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(operands[0]);
    tw_array_destroy(operands[1]);
    return totals;
}

enum { ROWS = 64, COLUMNS = 100 };

static void a_pool_that_forks_late_copies_no_input(void **state)
{
    (void)state;
    need_processes();
    const tw_pool_options options = {.kind = TW_PROCESSES, .workers = 2, .heap_bytes = 1 << 28, .late = 1};
    static double x[ROWS * COLUMNS], r[ROWS];
    const tw_view view = {x, tw_dtype_of(TW_FLOAT64), 2, {ROWS, COLUMNS}, {8 * COLUMNS, 8}};
    tw_pool *pool;
    tw_kernel *kernel;
    assert_int_equal(tw_pool_open(&pool, &options, NULL), TW_OK);
    assert_int_equal(tw_pool_worker_pid(pool, 0), 0);
    assert_int_equal(tw_kernel_from_function(&kernel, sums, NULL, 0, NULL), TW_OK);
    for (int k = 1; k < 3; k++) { /* the second run finds the workers there, and copies what is so small */
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            x[i] = k;
        }
        const tw_report_totals totals = sum_rows(pool, kernel, &view, r);
        assert_int_equal(totals.bytes_copied, (int64_t)sizeof r + (k == 1 ? 0 : (int64_t)sizeof x));
        assert_int_equal(totals.reforks, 0);
        for (int i = 0; i < ROWS; i++) {
            assert_true(r[i] == k * COLUMNS);
        }
    }
    tw_kernel_destroy(kernel);
    tw_pool_close(pool);
}

static void what_is_copied_of_a_broadcast_view_is_its_items(void **state)
{
    (void)state;
    need_processes();
    static double x[ROWS + COLUMNS], r[ROWS];
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const tw_view broadcast = {x, f64, 2, {ROWS, COLUMNS}, {0, 8}};
    const tw_view windows = {x, f64, 2, {ROWS, COLUMNS}, {8, 8}};
    const tw_view backwards = {x + COLUMNS - 1, f64, 2, {ROWS, COLUMNS}, {8, -8}};
    const tw_view *const views[] = {&broadcast, &windows, &backwards};
    const int64_t bytes[] = {8 * COLUMNS, 8 * (ROWS + COLUMNS - 1), 8 * (ROWS + COLUMNS - 1)};
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, sums, NULL, 0, NULL), TW_OK);
    tw_pool *pool = open_pool(TW_PROCESSES, 2); /* after the kernel: no reason to fork again */
    for (int i = 0; i < ROWS + COLUMNS; i++) {
        x[i] = i;
    }
    for (int k = 0; k < 3; k++) {
        const tw_report_totals totals = sum_rows(pool, kernel, views[k], r);
        assert_int_equal(totals.bytes_copied, (int64_t)sizeof r + bytes[k]);
        for (int i = 0; i < ROWS; i++) {
            assert_true(r[i] == COLUMNS * (COLUMNS - 1) / 2 + (k == 0 ? 0 : i * COLUMNS));
        }
    }
    tw_kernel_destroy(kernel);
    tw_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_is_preferred_where_it_takes_less_than_half_of_the_copy),
        cmocka_unit_test(a_mapping_is_new_to_workers_until_a_run_has_used_it),
        cmocka_unit_test(a_pool_that_forks_late_copies_no_input),
        cmocka_unit_test(what_is_copied_of_a_broadcast_view_is_its_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
