/* test_access.c - an access that the library does not have, added as docs/architecture.md says. */
#include "harness.h"

#include "grids.h"
#include "job/bind.h"
#include "job/here.h"
#include "job/steps.h"
#include "pools.h"

/* The kernel sees a vector from its end. */
static size_t mirrored_room(const struct tw__access *access, const tw_grid *grid)
{
    (void)grid;
    return (size_t)(tw_view_size(&access->view) * access->view.dtype.itemsize);
}

static tw_status mirrored_take(const struct tw__access *access, const struct tw__desk *desk, tw_view *view)
{
    const int64_t last = access->view.shape[0] - 1, start = desk->start[access->axes[0]];
    const double *whole = access->view.data;
    double *copy = (double *)(void *)(desk->room + access->room);
    view->data = copy;
    view->shape[0] = desk->stop[access->axes[0]] - start;
    view->strides[0] = sizeof *copy;
    for (int64_t k = 0; k < view->shape[0]; k++) {
        copy[k] = whole[last - start - k];
    }
    return TW_OK;
}

static tw_status mirrored_give(const struct tw__access *access, const struct tw__desk *desk)
{
    (void)access;
    (void)desk;
    return TW_OK; /* an input */
}

static const struct tw__access_ops mirrored = {mirrored_room, mirrored_take, mirrored_give};

static int copy_input(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = TW_AT(x, i);
    }
    return 0;
}

static void a_job_runs_with_an_access_that_a_test_brings(void **state)
{
    (void)state;
    enum { N = 100 };
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const int64_t length = N;
    const tw_split split = {.axis = "i", .tile = 7};
    tw_grid *grid = grid_of("x[i] -> r[i]", &length, &split, 1);
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, copy_input, NULL, 0, NULL), TW_OK);
    for (int kind = -1; kind < pool_kinds(); kind++) { /* -1: the caller alone */
        tw_pool *pool = kind >= 0 ? open_pool(kinds[kind], 2) : NULL;
        tw_array *arrays[2];
        struct tw__binding binding = {0};
        struct tw__outcome outcome;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(tw_array_create(&arrays[k], pool, &f64, 1, &length, NULL), TW_OK);
        }
        double *x = tw_array_view(arrays[0])->data, *r = tw_array_view(arrays[1])->data;
        for (int i = 0; i < N; i++) {
            x[i] = i;
            r[i] = -1;
        }
        assert_int_equal(tw__bind(&binding, pool != NULL ? &pool->crew : NULL, grid, arrays, NULL), TW_OK);
        binding.accesses[0].ops = &mirrored;
        const struct tw__step_request request = {.kernel = kernel, .grid = grid, .accesses = binding.accesses};
        if (pool != NULL) {
            struct tw__steps steps;
            const struct tw__steps_options options = {0};
            struct tw__task manner = {0};
            assert_int_equal(tw__steps_create(&steps, pool, &request, 1, &options, NULL), TW_OK);
            assert_int_equal(tw__steps_run(&steps, pool, &manner, &outcome, NULL), TW_OK);
        } else {
            assert_int_equal(tw__step_run_here(&request, 0, tw_grid_count(grid), NULL, &outcome, NULL), TW_OK);
        }
        for (int i = 0; i < N; i++) {
            assert_true(r[i] == N - 1 - i);
        }
        tw__unbind(&binding);
        tw_array_destroy(arrays[0]);
        tw_array_destroy(arrays[1]);
        tw_pool_close(pool);
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_with_an_access_that_a_test_brings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
