/* test_prepared.c - prepared runs give what tw_run gives, with any memory, any number of threads, other parameters. */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tilework/tilework.h>

enum { N = 5 };

/* A statement that is bound, its kernel and its grid. */
struct made {
    tw_statement *statement;
    const tw_kernel *kernel;
    tw_grid *grid;
    tw_view x, r;
};

static void bind(struct made *made, double c)
{
    const tw_view *views[2] = {&made->x, &made->r};
    const tw_parameter parameter = {.name = "c", .kind = TW_FLOAT64, .real = c};
    int64_t lengths[1];
    tw_error error = {.message = ""};
    assert_int_equal(tw_statement_set(made->statement, &parameter, &error), TW_OK);
    assert_int_equal(tw_statement_bind(made->statement, views, NULL, 0, lengths, &error), TW_OK);
    assert_int_equal(lengths[0], N);
    assert_int_equal(tw_statement_kernel(&made->kernel, made->statement, NULL, &error), TW_OK);
}

static void make(struct made *made, int64_t step)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64), dtypes[2] = {float64, float64};
    const tw_parameter parameter = {.name = "c", .kind = TW_FLOAT64, .real = 1};
    const tw_statement_options options = {.parameters = &parameter, .nparameters = 1};
    const int64_t lengths[1] = {N};
    tw_error error = {.message = ""};
    made->x = (tw_view){NULL, float64, 1, {N}, {step}};
    made->r = (tw_view){NULL, float64, 1, {N}, {8}};
    assert_int_equal(tw_statement_parse(&made->statement, "r[i] = c * x[i] + len(i)", &options, &error), TW_OK);
    assert_int_equal(tw_statement_types(made->statement, dtypes, &error), TW_OK);
    bind(made, 2);
    assert_int_equal(tw_statement_grid(&made->grid, made->statement, lengths, NULL, 0, NULL, &error), TW_OK);
}

static void discard(struct made *made)
{
    tw_grid_destroy(made->grid);
    tw_statement_destroy(made->statement);
}

static void other_memory_needs_nothing_anew(void **state)
{
    struct made made;
    tw_prepared *prepared;
    tw_error error = {.message = ""};
    double x[2 * N] = {0, 10, 1, 11, 2, 12, 3, 13, 4, 14}, r[N];
    (void)state;
    make(&made, 16);
    assert_int_equal(
        tw_prepared_create(&prepared, made.kernel, made.grid, (const tw_view *[]){&made.x, &made.r}, &error), TW_OK);
    discard(&made); /* all that is needed was copied */
    assert_int_equal(tw_prepared_run(prepared, (void *[]){x, r}, &error), TW_OK);
    assert_true(r[0] == 5 && r[1] == 7 && r[4] == 13);
    assert_int_equal(tw_prepared_run(prepared, (void *[]){x + 1, r}, &error), TW_OK);
    assert_true(r[0] == 25 && r[1] == 27 && r[4] == 33);
    tw_prepared_destroy(prepared);
    tw_prepared_destroy(NULL);
}

static void another_parameter_is_another_context(void **state)
{
    struct made made;
    tw_prepared *two, *three;
    tw_error error = {.message = ""};
    double x[N] = {1, 2, 3, 4, 5}, r[N];
    (void)state;
    make(&made, 8);
    assert_int_equal(tw_prepared_create(&two, made.kernel, made.grid, (const tw_view *[]){&made.x, &made.r}, &error),
                     TW_OK);
    bind(&made, 3);
    assert_int_equal(tw_prepared_renew(&three, two, made.kernel, &error), TW_OK);
    discard(&made);
    assert_int_equal(tw_prepared_run(two, (void *[]){x, r}, &error), TW_OK);
    assert_true(r[0] == 7 && r[4] == 15);
    tw_prepared_destroy(two);
    assert_int_equal(tw_prepared_run(three, (void *[]){x, r}, &error), TW_OK);
    assert_true(r[0] == 8 && r[4] == 20);
    tw_prepared_destroy(three);
}

struct caller {
    const tw_prepared *prepared;
    double first;
    int wrong;
};

static void *call_often(void *argument)
{
    struct caller *caller = argument;
    double x[N], r[N];
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < N; i++) {
            x[i] = caller->first + round + i;
        }
        caller->wrong += tw_prepared_run(caller->prepared, (void *[]){x, r}, NULL) != TW_OK;
        for (int i = 0; i < N; i++) {
            const double wanted = 2 * x[i] + N;
            caller->wrong += r[i] < wanted || r[i] > wanted;
        }
    }
    return NULL;
}

static void threads_share_one(void **state)
{
    struct made made;
    tw_prepared *prepared;
    tw_error error = {.message = ""};
    pthread_t thread[3];
    struct caller caller[3];
    (void)state;
    make(&made, 8);
    assert_int_equal(
        tw_prepared_create(&prepared, made.kernel, made.grid, (const tw_view *[]){&made.x, &made.r}, &error), TW_OK);
    for (int k = 0; k < 3; k++) {
        caller[k] = (struct caller){.prepared = prepared, .first = 1000.0 * k};
        assert_int_equal(pthread_create(&thread[k], NULL, call_often, &caller[k]), 0);
    }
    for (int k = 0; k < 3; k++) {
        pthread_join(thread[k], NULL);
        assert_int_equal(caller[k].wrong, 0);
    }
    tw_prepared_destroy(prepared);
    discard(&made);
}

static int draws(const tw_tile *tile)
{
    const tw_random what = {.seed = 3, .kind = TW_RANDOM_UNIFORM};
    return tile->length[0] == N ? tw_random_fill(&tile->operand[1], tile, 1, &what) : 1;
}

static void random_numbers_are_those_of_a_run(void **state)
{
    const tw_split whole_axis = {.axis = "i", .parts = 1};
    const tw_grid_options one = {.splits = &whole_axis, .nsplits = 1};
    const tw_view view = {NULL, tw_dtype_of(TW_FLOAT64), 1, {N}, {8}};
    double x[N] = {0}, r[N] = {0};
    tw_signature *signature;
    tw_kernel *kernel;
    tw_grid *grid;
    tw_prepared *prepared, *renewed;
    tw_error error = {.message = ""};
    (void)state;
    assert_int_equal(tw_signature_parse(&signature, "x[i] -> r[i]", &error), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, draws, NULL, 0, &error), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, (const int64_t[]){N}, &one, &error), TW_OK);
    assert_int_equal(tw_prepared_create(&prepared, kernel, grid, (const tw_view *[]){&view, &view}, &error), TW_OK);
    assert_int_equal(tw_prepared_renew(&renewed, prepared, kernel, &error), TW_OK);
    assert_int_equal(tw_prepared_run(prepared, (void *[]){x, r}, &error), TW_OK);
    for (uint64_t i = 0; i < N; i++) {
        assert_true(r[i] == tw_random_uniform(3, 0, i));
        r[i] = 0;
    }
    tw_prepared_destroy(prepared);
    assert_int_equal(tw_prepared_run(renewed, (void *[]){x, r}, &error), TW_OK);
    assert_true(r[N - 1] == tw_random_uniform(3, 0, N - 1));
    tw_prepared_destroy(renewed);
    tw_grid_destroy(grid);
    tw_kernel_destroy(kernel);
    tw_signature_destroy(signature);
}

static int fails(const tw_tile *tile)
{
    return tw_tile_fail(tile, 7, "no root below %g", *(const double *)tile->context);
}

static int succeeds(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    const tw_split whole_axis = {.axis = "i", .parts = 1}, halves = {.axis = "i", .parts = 2};
    const tw_grid_options one = {.splits = &whole_axis, .nsplits = 1}, two = {.splits = &halves, .nsplits = 1};
    double bound = 0.5, r[N];
    const tw_view view = {NULL, tw_dtype_of(TW_FLOAT64), 1, {N}, {8}}, longer = {NULL, view.dtype, 1, {N + 1}, {8}};
    tw_signature *signature;
    tw_kernel *kernel;
    tw_grid *whole, *divided;
    tw_prepared *prepared = NULL;
    tw_error error = {.message = ""};
    (void)state;
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", &error), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, fails, &bound, sizeof bound, &error), TW_OK);
    assert_int_equal(tw_grid_create(&whole, signature, (const int64_t[]){N}, &one, &error), TW_OK);
    assert_int_equal(tw_grid_create(&divided, signature, (const int64_t[]){N}, &two, &error), TW_OK);
    assert_int_equal(tw_prepared_create(&prepared, kernel, divided, (const tw_view *[]){&view}, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "a prepared run has one tile of one step; this grid has 2 tiles in 1 steps");
    assert_int_equal(tw_prepared_create(&prepared, kernel, whole, (const tw_view *[]){&longer}, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "axis i has length 5 in the grid but r has 6 there");
    assert_int_equal(tw_prepared_create(&prepared, kernel, whole, (const tw_view *[]){NULL}, &error),
                     TW_ERROR_ARGUMENT);
    assert_null(prepared);
    tw_signature *haloed;
    tw_grid *around;
    const tw_axis_edge wrap = {.edge = TW_EDGE_WRAP};
    const tw_grid_options edges = {.splits = &whole_axis, .nsplits = 1, .edges = &wrap, .nedges = 1};
    assert_int_equal(tw_signature_parse(&haloed, "u[i-1..i+1] -> r[i]", &error), TW_OK);
    assert_int_equal(tw_grid_create(&around, haloed, (const int64_t[]){N}, &edges, &error), TW_OK);
    assert_int_equal(tw_prepared_create(&prepared, kernel, around, (const tw_view *[]){&view, &view}, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "a prepared run has no halos; tw_run runs kernels with halos");
    tw_grid_destroy(around);
    tw_signature_destroy(haloed);
    assert_null(prepared);
    assert_int_equal(tw_prepared_create(&prepared, kernel, whole, (const tw_view *[]){&view}, &error), TW_OK);
    assert_int_equal(tw_prepared_run(prepared, (void *[]){r}, &error), TW_ERROR_KERNEL);
    assert_string_equal(error.message, "the kernel returned 7: no root below 0.5");
    assert_int_equal(error.kernel_code, 7);
    tw_kernel *another;
    tw_prepared *renewed = NULL;
    assert_int_equal(tw_kernel_from_function(&another, succeeds, NULL, 0, &error), TW_OK);
    assert_int_equal(tw_prepared_renew(&renewed, prepared, another, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "this kernel is not the one that was prepared, with another context");
    assert_null(renewed);
    tw_kernel_destroy(another);
    tw_prepared_destroy(prepared);
    tw_grid_destroy(whole);
    tw_grid_destroy(divided);
    tw_kernel_destroy(kernel);
    tw_signature_destroy(signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_memory_needs_nothing_anew),
        cmocka_unit_test(another_parameter_is_another_context),
        cmocka_unit_test(threads_share_one),
        cmocka_unit_test(random_numbers_are_those_of_a_run),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
