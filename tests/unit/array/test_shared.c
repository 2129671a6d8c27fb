/* test_shared.c - memory that processes share without a copy: parts of arrays, arrays of no pool, what a fork knows.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grids.h"
#include "pools.h"

static int doubles(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < x.shape[0]; i++) {
        TW_AT(r, i) = 2 * TW_AT(x, i);
    }
    return 0;
}

/* Runs r = 2 x and gives the bytes that were copied. */
static int64_t run_doubles(tw_pool *pool, tw_array *x, tw_array *r)
{
    tw_signature *signature = parse("x[i] -> r[i]");
    tw_array *operands[] = {x, r};
    const tw_split split = {.axis = "i", .parts = 3};
    tw_grid *grid;
    tw_kernel *kernel;
    tw_report *report;
    tw_report_totals totals;
    assert_int_equal(tw_grid_for(&grid, signature, operands, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, doubles, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_run(pool, kernel, grid, operands, NULL, &report, NULL), TW_OK);
    tw_report_get_totals(report, &totals);
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    return totals.bytes_copied;
}

static void a_part_of_a_shared_array_is_used_where_it_is(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 20;
    tw_array *whole, *even, *odd;
    assert_int_equal(tw_array_create(&whole, pool, &float64, 1, &n, NULL), TW_OK);
    double *data = tw_array_data(whole);
    for (int64_t i = 0; i < n; i++) {
        data[i] = (double)i;
    }
    const tw_view evens = {data, float64, 1, {5}, {16}};
    const tw_view odds = {data + 19, float64, 1, {5}, {-16}};
    assert_int_equal(tw_array_part(&even, whole, &evens, NULL), TW_OK);
    assert_int_equal(tw_array_part(&odd, whole, &odds, NULL), TW_OK);
    assert_int_equal(tw_array_memory(even), TW_SHARED);
    assert_int_equal(run_doubles(pool, even, odd), 0);
    for (int64_t i = 0; i < 5; i++) {
        assert_true(data[19 - 2 * i] == 2 * data[2 * i]);
    }
    tw_array_destroy(even);
    tw_array_destroy(odd);
    data[0] = 7; /* the parts have given nothing back */
    tw_array_destroy(whole);
    tw_pool_close(pool);
}

static void a_part_that_reaches_outside_is_refused(void **state)
{
    (void)state;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 10;
    tw_array *whole, *part;
    assert_int_equal(tw_array_create(&whole, NULL, &float64, 1, &n, NULL), TW_OK);
    double *data = tw_array_data(whole);
    const tw_view bad[] = {{data, float64, 1, {11}, {8}},
                           {data + 1, float64, 1, {10}, {8}},
                           {data, float64, 1, {2}, {-8}},
                           {data - 1, float64, 0, {0}, {0}}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_int_equal(tw_array_part(&part, whole, &bad[k], NULL), TW_ERROR_ARGUMENT);
    }
    tw_array_destroy(whole);
}

static void memory_of_no_pool_is_seen_by_every_pool(void **state)
{
    (void)state;
    need_processes();
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 300000;
    tw_pool *before = open_pool(TW_PROCESSES, 2);
    tw_array *x, *r;
    assert_int_equal(tw_array_create_shared(&x, &float64, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_array_create_shared(&r, &float64, 1, &n, NULL), TW_OK);
    tw_pool *after = open_pool(TW_PROCESSES, 2);
    tw_pool *const pools[] = {before, after};
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < n; i++) {
            ((double *)tw_array_data(x))[i] = (double)(i + k);
        }
        assert_int_equal(run_doubles(pools[k], x, r), 0);
        for (int64_t i = 0; i < n; i++) {
            assert_true(((double *)tw_array_data(r))[i] == 2 * (double)(i + k));
        }
        tw_pool_close(pools[k]);
    }
    tw_array_destroy(x);
    tw_array_destroy(r);
    const int64_t huge = INT64_MAX / 8;
    tw_error error;
    assert_int_equal(tw_array_create_shared(&x, &float64, 1, &huge, &error), TW_ERROR_MEMORY);
}

static void the_memory_file_can_be_mapped_by_others(void **state)
{
    (void)state;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 1 << 18;
    tw_array *array, *private;
    tw_handle handle;
    assert_int_equal(tw_array_create_shared(&array, &float64, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_array_handle(array, &handle, NULL), TW_OK);
    assert_true(handle.pid == getpid() && handle.bytes == n * 8 && handle.offset % 4096 == 0);
    double *again = mmap(NULL, (size_t)n * 8, PROT_READ, MAP_SHARED, handle.descriptor, handle.offset);
    assert_true(again != MAP_FAILED);
    ((double *)tw_array_data(array))[n - 1] = 42;
    assert_true(again[n - 1] == 42);
    munmap(again, (size_t)n * 8);
    tw_array_destroy(array);
    assert_int_equal(tw_array_create(&private, NULL, &float64, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_array_handle(private, &handle, NULL), TW_ERROR_FILE);
    tw_array_destroy(private);
}

/* What the hooks have seen, in memory that children share. */
struct seen {
    atomic_int before, parent, child, end, parent_pid, wrong;
};

static void hook_before(void *user)
{
    atomic_fetch_add(&((struct seen *)user)->before, 1);
}

static void hook_parent(void *user)
{
    struct seen *seen = user;
    atomic_fetch_add(&seen->wrong, getpid() != atomic_load(&seen->parent_pid));
    atomic_fetch_add(&seen->parent, 1);
}

static void hook_child(void *user, int worker)
{
    struct seen *seen = user;
    atomic_fetch_add(&seen->wrong, getpid() == atomic_load(&seen->parent_pid) || worker < 0 || worker > 1);
    atomic_fetch_add(&seen->child, 1);
}

static void hook_end(void *user, int worker)
{
    struct seen *seen = user;
    atomic_fetch_add(&seen->wrong, getpid() == atomic_load(&seen->parent_pid) || worker < 0 || worker > 1);
    atomic_fetch_add(&seen->end, 1);
}

static int die_at_first(const tw_tile *tile)
{
    return tile->number == 1 && tile->attempt == 0 ? (_exit(3), 0) : 0;
}

static void hooks_are_called_around_each_fork_and_at_each_end(void **state)
{
    (void)state;
    need_processes();
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(seen != MAP_FAILED);
    seen->parent_pid = getpid();
    const tw_pool_options options = {
        .kind = TW_PROCESSES,
        .workers = 2,
        .heap_bytes = 1 << 28,
        .hooks = {.before = hook_before, .parent = hook_parent, .child = hook_child, .end = hook_end, .user = seen}};
    tw_pool *pool;
    tw_kernel *kernel;
    assert_int_equal(tw_pool_open(&pool, &options, NULL), TW_OK);
    assert_int_equal(seen->before, 2);
    assert_int_equal(seen->parent, 2);
    const int64_t n = 4;
    const tw_dtype uint8 = tw_dtype_of(TW_UINT8);
    const tw_split split = {.axis = "i", .tile = 1};
    tw_signature *signature = parse("-> r[i]");
    tw_array *array;
    tw_grid *grid;
    assert_int_equal(tw_array_create(&array, pool, &uint8, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&grid, signature, &array, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, die_at_first, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_run(pool, kernel, grid, &array, NULL, NULL, NULL), TW_OK); /* forks two again, and one */
    assert_int_equal(seen->before, 5);
    assert_int_equal(seen->parent, 5);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_array_destroy(array);
    tw_signature_destroy(signature);
    tw_pool_close(pool);
    assert_int_equal(seen->child, 5);
    assert_int_equal(seen->end, 4); /* all but the one that died */
    assert_int_equal(seen->wrong, 0);
    munmap(seen, sizeof *seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_shared_array_is_used_where_it_is),
        cmocka_unit_test(a_part_that_reaches_outside_is_refused),
        cmocka_unit_test(memory_of_no_pool_is_seen_by_every_pool),
        cmocka_unit_test(the_memory_file_can_be_mapped_by_others),
        cmocka_unit_test(hooks_are_called_around_each_fork_and_at_each_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
