/* test_framed.c - tiles with their halos: what a kernel sees of an input, inside of the array and past its ends. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "array/constant.h"
#include "array/view.h"
#include "grid/edge.h"
#include "grid/halo.h"
#include "grids.h"
#include "job/bind.h"
#include "pools.h"
#include "tiny_store.h"

/* r[i,j]: each element of the window of u with a weight of its own. The window is what u has more than r, and 1. */
static int windows(const tw_tile *tile)
{
    TW_VIEW(const double, u, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    const int64_t rows = u.shape[0] - r.shape[0] + 1, columns = u.shape[1] - r.shape[1] + 1;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            double sum = 0;
            for (int64_t a = 0; a < rows; a++) {
                for (int64_t b = 0; b < columns; b++) {
                    sum += (double)(a * 7 + b * 3 + 1) * TW_AT(u, i + a, j + b);
                }
            }
            TW_AT(r, i, j) = sum;
        }
    }
    return 0;
}

static double value_at(int64_t i, int64_t j)
{
    return (double)(i * i * 31 + j * 17 + 5);
}

/* One job u -> r. */
struct job {
    int64_t lengths[2], shape[2]; /* of the axes; of u, which may be 1 where it is broadcast */
    int64_t low[2], high[2];
    tw_axis_edge edges[2];
    int64_t tile[2];
};

static double read_at(const struct job *job, int64_t i, int64_t j)
{
    const int64_t index[] = {i, j};
    int64_t place[2];
    for (int d = 1; d >= 0; d--) { /* the last dimension's number counts */
        place[d] = tw__edge_place(job->edges[d].edge, index[d], job->lengths[d]);
        if (place[d] < 0) {
            return job->edges[d].edge == TW_EDGE_CONSTANT ? job->edges[d].constant : 0;
        }
        place[d] = job->shape[d] == 1 ? 0 : place[d];
    }
    return value_at(place[0], place[1]);
}

static double expected_at(const struct job *job, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t a = job->low[0]; a <= job->high[0]; a++) {
        for (int64_t b = job->low[1]; b <= job->high[1]; b++) {
            sum += (double)((a - job->low[0]) * 7 + (b - job->low[1]) * 3 + 1) * read_at(job, i + a, j + b);
        }
    }
    return sum;
}

static tw_grid *grid_of_job(const struct job *job)
{
    char text[128];
    const tw_split splits[] = {{.axis = "i", .tile = job->tile[0]}, {.axis = "j", .tile = job->tile[1]}};
    snprintf(text, sizeof text, "u[i%+d..i%+d,j%+d..j%+d] -> r[i,j]", (int)job->low[0], (int)job->high[0],
             (int)job->low[1], (int)job->high[1]);
    return grid_with(text, job->lengths,
                     &(tw_grid_options){.splits = splits, .nsplits = 2, .edges = job->edges, .nedges = 2});
}

static void check_job(const struct job *job, tw_pool *pool, int in_store, const tw_run_options *options)
{
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    tw_grid *grid = grid_of_job(job);
    tw_array *arrays[2], *values;
    tw_kernel *kernel;
    tw_error error = {0};
    assert_int_equal(tw_kernel_from_function(&kernel, windows, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_array_create(&values, pool, &f64, 2, job->shape, NULL), TW_OK);
    double *u = tw_array_view(values)->data;
    for (int64_t i = 0; i < job->shape[0]; i++) {
        for (int64_t j = 0; j < job->shape[1]; j++) {
            u[i * job->shape[1] + j] = value_at(i, j);
        }
    }
    arrays[0] = values;
    if (in_store) {
        arrays[0] = tiny_array(stored, TW_FLOAT64, 2, job->shape);
        assert_int_equal(tw_array_copy(arrays[0], values, NULL), TW_OK);
    }
    assert_int_equal(tw_array_create(&arrays[1], pool, &f64, 2, job->lengths, NULL), TW_OK);
    if (tw_run(pool, kernel, grid, arrays, options, NULL, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    const double *r = tw_array_view(arrays[1])->data;
    for (int64_t i = 0; i < job->lengths[0]; i++) {
        for (int64_t j = 0; j < job->lengths[1]; j++) {
            const double expected = expected_at(job, i, j);
            if (r[i * job->lengths[1] + j] < expected || r[i * job->lengths[1] + j] > expected) {
                fail_msg(
                    "edges %d and %d, %lld x %lld, halo %lld..%lld and %lld..%lld, tiles %lld x %lld: r[%lld,%lld] is "
                    "%g and not %g",
                    (int)job->edges[0].edge, (int)job->edges[1].edge, (long long)job->lengths[0],
                    (long long)job->lengths[1], (long long)job->low[0], (long long)job->high[0], (long long)job->low[1],
                    (long long)job->high[1], (long long)job->tile[0], (long long)job->tile[1], (long long)i,
                    (long long)j, r[i * job->lengths[1] + j], expected);
            }
        }
    }
    if (in_store) {
        tw_array_destroy(arrays[0]);
    }
    tw_array_destroy(values);
    tw_array_destroy(arrays[1]);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
}

/* Halos before, behind and around the tile, and longer than the array. */
static const int64_t halos[][2] = {{-1, 1}, {-3, -1}, {1, 2}, {-9, 11}, {0, 0}, {2, 2}};
static const int64_t lengths[] = {1, 2, 3, 7};

enum { HALOS = sizeof halos / sizeof halos[0], LENGTHS = sizeof lengths / sizeof lengths[0] };

static struct job job_number(unsigned number)
{
    struct job job = {.edges = {{.axis = "i", .constant = 4.5}, {.axis = "j", .constant = -2}}};
    for (int d = 0; d < 2; d++) {
        job.edges[d].edge = (tw_edge)(TW_EDGE_CLAMP + number % 6);
        number /= 6;
        const int64_t *halo = halos[number % HALOS];
        number /= HALOS;
        job.low[d] = halo[0];
        job.high[d] = halo[1];
        job.lengths[d] = job.shape[d] = lengths[number % LENGTHS];
        number /= LENGTHS;
        job.tile[d] = 1 + (job.lengths[d] + d) % 3;
    }
    return job;
}

enum { JOBS = 6 * HALOS * LENGTHS * 6 * HALOS * LENGTHS };

static int has_halo(const struct job *job)
{
    return job->low[0] != 0 || job->high[0] != 0 || job->low[1] != 0 || job->high[1] != 0;
}

static void each_tile_sees_what_the_edges_say(void **state)
{
    (void)state;
    for (unsigned number = 0; number < JOBS; number += 7) {
        const struct job job = job_number(number);
        if (has_halo(&job)) {
            check_job(&job, NULL, 0, NULL);
        }
    }
}

static void every_pool_sees_the_same(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_pool *pool = open_pool(kinds[kind], 2);
        for (unsigned number = 1; number < JOBS; number += 211) {
            const struct job job = job_number(number);
            if (has_halo(&job)) {
                check_job(&job, pool, 0, NULL);
            }
        }
        tw_pool_close(pool);
    }
}

static void a_store_is_read_with_its_halo(void **state)
{
    (void)state;
    for (unsigned number = 3; number < JOBS; number += 31) {
        struct job job = job_number(number);
        job.shape[0] = number % 2 == 0 ? 1 : job.shape[0]; /* broadcast */
        if (has_halo(&job)) {
            check_job(&job, NULL, 1, NULL);
        }
    }
}

static void a_broadcast_dimension_has_a_halo_too(void **state)
{
    (void)state;
    for (unsigned number = 5; number < JOBS; number += 37) {
        struct job job = job_number(number);
        job.shape[number % 2] = 1;
        if (has_halo(&job)) {
            check_job(&job, NULL, 0, NULL);
        }
    }
}

static void guard_and_check_agree_with_a_kernel_that_keeps_to_its_halo(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    const tw_run_options options = {.guard = 1, .check = 1};
    for (unsigned number = 11; number < JOBS; number += 1501) {
        const struct job job = job_number(number);
        if (has_halo(&job)) {
            check_job(&job, pool, 0, &options);
        }
    }
    tw_pool_close(pool);
}

/* ---- one axis ---- */

/* Reads one element past the halo of u. */
static int reads_beyond(const tw_tile *tile)
{
    TW_VIEW(const double, u, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    const double *past = &TW_AT(u, u.shape[0]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = TW_AT(u, i) + *past;
    }
    return 0;
}

static tw_status run_line(tw_pool *pool, tw_function function, void *context, const tw_run_options *options,
                          double *result, tw_error *error)
{
    enum { N = 40 };
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const int64_t length = N;
    const tw_split split = {.axis = "i", .tile = 10};
    const tw_axis_edge edge = {.axis = "i", .edge = TW_EDGE_WRAP};
    tw_grid *grid = grid_with("u[i-2..i+1] -> r[i]", &length,
                              &(tw_grid_options){.splits = &split, .nsplits = 1, .edges = &edge, .nedges = 1});
    tw_array *arrays[2];
    tw_kernel *kernel;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(tw_array_create(&arrays[k], pool, &f64, 1, &length, NULL), TW_OK);
    }
    double *u = tw_array_view(arrays[0])->data;
    for (int i = 0; i < N; i++) {
        u[i] = i;
    }
    if (context != NULL) {
        *(const tw_view **)context = tw_array_view(arrays[0]);
    }
    assert_int_equal(tw_kernel_from_function(&kernel, function, context, 0, NULL), TW_OK);
    const tw_status status = tw_run(pool, kernel, grid, arrays, options, NULL, error);
    if (result != NULL) {
        memcpy(result, tw_array_view(arrays[1])->data, N * sizeof *result);
    }
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    return status;
}

static void guard_finds_a_read_past_the_halo(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    const tw_run_options options = {.guard = 1, .retries = -1};
    tw_error error = {0};
    assert_int_equal(run_line(pool, reads_beyond, NULL, &options, NULL, &error), TW_ERROR_GUARD);
    assert_non_null(strstr(error.message, "read just past the end of 'u'"));
    tw_pool_close(pool);
}

static void check_finds_a_read_past_the_halo(void **state)
{
    (void)state;
    tw_pool *pool = open_pool(TW_THREADS, 2);
    const tw_run_options options = {.check = 1};
    tw_error error = {0};
    assert_int_equal(run_line(pool, reads_beyond, NULL, &options, NULL, &error), TW_ERROR_CHECK);
    tw_pool_close(pool);
}

/* r[i]: whether the view lies in the array itself. */
static int says_where(const tw_tile *tile)
{
    const tw_view *whole = *(const tw_view *const *)tile->context;
    TW_VIEW(const double, u, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    const uintptr_t begin = (uintptr_t)whole->data, at = (uintptr_t)u.data;
    const int is_inside = at >= begin && at < begin + (uintptr_t)(whole->shape[0] * whole->dtype.itemsize);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = is_inside;
    }
    return 0;
}

static void only_tiles_at_the_border_are_copied(void **state)
{
    (void)state;
    const tw_view *view;
    double r[40];
    tw_error error = {0};
    assert_int_equal(run_line(NULL, says_where, &view, NULL, r, &error), TW_OK);
    for (int i = 0; i < 40; i++) {
        assert_true((r[i] > 0) == (i >= 10 && i < 30));
    }
}

/* ---- constants and items ---- */

static void constants_are_held_or_refused(void **state)
{
    (void)state;
    static const struct {
        tw_kind kind;
        double real, imag;
        int held;
    } cases[] = {
        {TW_UINT8, 255, 0, 1},       {TW_UINT8, 256, 0, 0},     {TW_UINT8, -1, 0, 0},      {TW_INT8, -128, 0, 1},
        {TW_INT8, -129, 0, 0},       {TW_INT8, 0.5, 0, 0},      {TW_INT64, 0x1p62, 0, 1},  {TW_INT64, 0x1p63, 0, 0},
        {TW_INT64, -0x1p63, 0, 1},   {TW_UINT64, 0x1p63, 0, 1}, {TW_UINT64, 0x1p64, 0, 0}, {TW_BOOL, 1, 0, 1},
        {TW_BOOL, 2, 0, 0},          {TW_FLOAT16, 65504, 0, 1}, {TW_FLOAT16, 65520, 0, 0}, {TW_FLOAT32, 1e300, 0, 0},
        {TW_FLOAT32, 0.1, 0, 1},     {TW_FLOAT64, 1e300, 0, 1}, {TW_FLOAT64, 1, 2, 0},     {TW_COMPLEX64, 1, 2, 1},
        {TW_COMPLEX64, 1, 1e300, 0}, {TW_INT32, 1, 1, 0},       {TW_OPAQUE, 0, 0, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_dtype dtype = tw_dtype_of(cases[k].kind);
        _Alignas(16) char item[16];
        memset(item, 0x55, sizeof item);
        if (tw__item_of_number(&dtype, cases[k].real, cases[k].imag, item) != cases[k].held) {
            fail_msg("%s from %g and %g", tw_dtype_name(&dtype), cases[k].real, cases[k].imag);
        }
        if (cases[k].held) {
            const double value = tw_item_to_double(&dtype, item);
            assert_true(value >= (cases[k].kind == TW_FLOAT32 ? (double)0.1f : cases[k].real) &&
                        value <= (cases[k].kind == TW_FLOAT32 ? (double)0.1f : cases[k].real));
        } else {
            assert_int_equal(item[0], 0x55);
        }
    }
}

static void numbers_in_the_other_byte_order_have_constants(void **state)
{
    (void)state;
    static const struct {
        const char *descr;
        int64_t size;
        double real, imag;
        unsigned char bytes[16];
    } cases[] = {
        {">f8", 8, 1.5, 0, {0x3f, 0xf8}},
        {">i4", 4, -2, 0, {0xff, 0xff, 0xff, 0xfe}},
        {">c8", 8, 1, 2, {0x3f, 0x80, 0, 0, 0x40}},
        {">u2", 2, 70000, 0, {0x55, 0x55}},
        {"<M8[s]", 8, 1, 0, {0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_dtype dtype = {.kind = TW_OPAQUE, .itemsize = cases[k].size, .descr = cases[k].descr};
        unsigned char item[16];
        memset(item, 0x55, sizeof item);
        assert_int_equal(tw__item_of_number(&dtype, cases[k].real, cases[k].imag, item), k < 3);
        assert_memory_equal(item, cases[k].bytes, (size_t)cases[k].size);
    }
}

static int copy_middle(const tw_tile *tile)
{
    const tw_view *u = &tile->operand[0], *r = &tile->operand[1];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        char *to = (char *)r->data + i * r->strides[0];
        for (int64_t a = 0; a < 3; a++) {
            memcpy(to + 5 * a, (const char *)u->data + (i + a) * u->strides[0], 5);
        }
    }
    return 0;
}

/* r[i], of 15 bytes, is what u[i-1..i+1] has; u's items are texts of 5. */
static tw_status run_texts(tw_edge edge, double constant, char (*result)[15], tw_error *error)
{
    static const char texts[4][5] = {"alpha", "bravo", "charl", "delta"};
    const tw_dtype s5 = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 5, .descr = "|S5"},
                   s15 = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 15, .descr = "|S15"};
    const int64_t length = 4;
    const tw_axis_edge edges = {.axis = NULL, .edge = edge, .constant = constant};
    tw_grid *grid = grid_with("u[i-1..i+1] -> r[i]", &length, &(tw_grid_options){.edges = &edges, .nedges = 1});
    tw_array *arrays[2];
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, copy_middle, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_array_create(&arrays[0], NULL, &s5, 1, &length, NULL), TW_OK);
    assert_int_equal(tw_array_create(&arrays[1], NULL, &s15, 1, &length, NULL), TW_OK);
    memcpy(tw_array_view(arrays[0])->data, texts, sizeof texts);
    const tw_status status = tw_run(NULL, kernel, grid, arrays, NULL, NULL, error);
    memcpy(result, tw_array_view(arrays[1])->data, 4 * sizeof *result);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    return status;
}

static void items_of_any_dtype_have_halos(void **state)
{
    (void)state;
    char r[4][15];
    tw_error error = {0};
    assert_int_equal(run_texts(TW_EDGE_WRAP, 0, r, &error), TW_OK);
    assert_memory_equal(r[0], "deltaalphabravo", 15);
    assert_memory_equal(r[3], "charldeltaalpha", 15);
    assert_int_equal(run_texts(TW_EDGE_ZERO, 0, r, &error), TW_OK);
    assert_memory_equal(r[0], "\0\0\0\0\0alphabravo", 15);
    assert_int_equal(run_texts(TW_EDGE_CONSTANT, 1, r, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "the edge of axis i, constant=1, is no value of u, whose dtype is |S5: only "
                                       "numbers have constants (zero fills items with zero bytes)");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tile_sees_what_the_edges_say),
        cmocka_unit_test(every_pool_sees_the_same),
        cmocka_unit_test_setup_teardown(a_store_is_read_with_its_halo, tiny_set_up, tiny_tear_down),
        cmocka_unit_test(a_broadcast_dimension_has_a_halo_too),
        cmocka_unit_test(guard_and_check_agree_with_a_kernel_that_keeps_to_its_halo),
        cmocka_unit_test(guard_finds_a_read_past_the_halo),
        cmocka_unit_test(check_finds_a_read_past_the_halo),
        cmocka_unit_test(only_tiles_at_the_border_are_copied),
        cmocka_unit_test(constants_are_held_or_refused),
        cmocka_unit_test(numbers_in_the_other_byte_order_have_constants),
        cmocka_unit_test(items_of_any_dtype_have_halos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
