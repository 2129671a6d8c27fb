/* Outputs whose dtype their kernel chooses: what it wrote is there, in as many arrays as there are dtypes. */
#include "pools.h"

#include <signal.h>
#include <string.h>

#include <tilework/tilework.h>

#define TILES 40

/* Tiles 0, 3, 6, ... are float64, the others texts of 3 bytes. */
static int choose(const tw_tile *tile)
{
    tw_view view;
    const int text = tile->number % 3 != 0;
    const tw_dtype dtype =
        text ? (tw_dtype){.kind = TW_OPAQUE, .alignment = 1, .itemsize = 3, .descr = "|S3"} : tw_dtype_of(TW_FLOAT64);
    if (tile->context != NULL && tile->number == 7 && tile->attempt == 0) {
        tw_tile_choose(tile, 0, &dtype, &view);
        raise(SIGKILL);
    }
    if (tw_tile_choose(tile, 0, &dtype, &view) != 0) {
        return 1;
    }
    for (int64_t i = 0; i < view.shape[0]; i++) {
        char *item = (char *)view.data + i * view.strides[0];
        if (text) {
            memcpy(item, "abc", 3);
        } else {
            *(double *)(void *)item = (double)(tile->start[0] + i);
        }
    }
    return 0;
}

struct job {
    tw_pool *pool;
    tw_signature *signature;
    tw_array *output;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_choices *choices;
    tw_dtype expected;
};

static tw_status run(struct job *job, tw_pool_kind kind, tw_function function, void *context, tw_error *error)
{
    const int64_t n = 2 * TILES;
    const tw_split split = {.axis = "i", .tile = 2};
    const tw_view nothing = {
        .dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 0, .descr = "|V0"}, .ndim = 1, .shape = {n}};
    job->pool = open_pool(kind, 3);
    assert_int_equal(tw_signature_parse(&job->signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_array_wrap(&job->output, &nothing, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&job->grid, job->signature, &job->output, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&job->kernel, function, context, 0, NULL), TW_OK);
    const tw_run_options options = {.choices = &job->choices, .expected = &job->expected};
    return tw_run(job->pool, job->kernel, job->grid, &job->output, &options, NULL, error);
}

static void close_job(struct job *job)
{
    tw_choices_destroy(job->choices);
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_array_destroy(job->output);
    tw_signature_destroy(job->signature);
    tw_pool_close(job->pool);
}

static void check_items(const struct job *job)
{
    assert_int_equal(tw_choices_count(job->choices), 2);
    for (int64_t i = 0; i < 2 * TILES; i++) {
        const uint64_t tile = (uint64_t)i / 2;
        const int number = tw_choices_of(job->choices, 0, tile);
        assert_in_range(number, 0, 1);
        const tw_view *view = tw_array_view(tw_choices_array(job->choices, number));
        const char *item = (const char *)view->data + i * view->strides[0];
        assert_int_equal(view->shape[0], 2 * TILES);
        if (tile % 3 != 0) {
            assert_string_equal(view->dtype.descr, "|S3");
            assert_memory_equal(item, "abc", 3);
        } else {
            assert_int_equal(view->dtype.kind, TW_FLOAT64);
            assert_true(*(const double *)(const void *)item == (double)i);
        }
    }
}

static void each_dtype_has_an_array(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job job = {0};
        assert_int_equal(run(&job, kinds[k], choose, NULL, NULL), TW_OK);
        check_items(&job);
        assert_int_equal(tw_choices_of(job.choices, 0, TILES), -1);
        assert_int_equal(tw_choices_of(job.choices, 1, 0), -1);
        tw_array *taken = tw_choices_take(job.choices, 0); /* lives on without the rest */
        assert_non_null(taken);
        assert_null(tw_choices_array(job.choices, 0));
        close_job(&job);
        assert_int_equal(tw_array_view(taken)->shape[0], 2 * TILES);
        tw_array_destroy(taken);
    }
}

static void a_worker_that_dies_with_its_choice_costs_one_tile(void **state)
{
    static int marked;
    (void)state;
    need_processes();
    struct job job = {0};
    assert_int_equal(run(&job, TW_PROCESSES, choose, &marked, NULL), TW_OK);
    check_items(&job);
    close_job(&job);
}

static void a_guess_is_used_or_left_alone(void **state)
{
    static const tw_kind guesses[] = {TW_FLOAT64, TW_INT8};
    (void)state;
    need_processes();
    for (int n = 0; n < 2; n++) {
        struct job job = {.expected = tw_dtype_of(guesses[n])};
        assert_int_equal(run(&job, TW_PROCESSES, choose, NULL, NULL), TW_OK);
        assert_int_equal(tw_array_view(tw_choices_array(job.choices, 0))->dtype.kind, guesses[n]);
        assert_int_equal(tw_choices_count(job.choices), 2 + n); /* the wrong one has no tile */
        for (uint64_t tile = 0; tile < TILES; tile++) {
            assert_int_not_equal(tw_choices_of(job.choices, 0, tile), n == 0 ? -1 : 0);
        }
        close_job(&job);
    }
}

static int choose_many(const tw_tile *tile)
{
    char descr[16];
    tw_view view;
    for (int size = 1; size < 130; size++) {
        snprintf(descr, sizeof descr, "|S%d", size);
        const tw_dtype dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = size, .descr = descr};
        if (tw_tile_choose(tile, 0, &dtype, &view) != 0) {
            return size;
        }
    }
    return 0;
}

static void too_many_dtypes_are_refused(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job job = {0};
        tw_error error;
        assert_int_equal(run(&job, kinds[k], choose_many, NULL, &error), TW_ERROR_KERNEL);
        assert_int_equal(error.kernel_code, 121);
        assert_non_null(strstr(error.message, "more than 120 dtypes"));
        close_job(&job);
    }
}

static void what_has_a_dtype_is_not_chosen(void **state)
{
    (void)state;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t n = 4;
    tw_signature *signature;
    tw_array *array;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_error error;
    tw_choices *choices;
    const tw_run_options options = {.choices = &choices};
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_array_create(&array, NULL, &float64, 1, &n, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&grid, signature, &array, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, choose, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_run(NULL, kernel, grid, &array, &options, NULL, &error), TW_ERROR_KERNEL);
    assert_non_null(strstr(error.message, "the dtype of operand 0 is not the kernel's to choose"));
    assert_null(choices);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_array_destroy(array);
    tw_signature_destroy(signature);
}

/* ---- reductions ---- */

enum { PARTS = 10, WIDTH = 6 };

/* "a[i] -> s[j], t[]": s[j] is j for each index i, t counts them; both have a dtype that the kernel chooses. Context: a
 * tile that takes another one, or that dies once. */
struct whims {
    int64_t other, dies;
};

static int reduce(const tw_tile *tile)
{
    const struct whims *whims = tile->context;
    const tw_dtype dtype = tw_dtype_of((int64_t)tile->number == whims->other ? TW_INT16 : TW_INT64);
    tw_view s, t;
    if (tw_tile_choose(tile, 1, &dtype, &s) != 0 || tw_tile_choose(tile, 2, &dtype, &t) != 0) {
        return 1;
    }
    if ((int64_t)tile->number == whims->dies && tile->attempt == 0) {
        raise(SIGKILL);
    }
    for (int64_t j = 0; dtype.kind == TW_INT64 && j < WIDTH; j++) {
        *(int64_t *)(void *)((char *)s.data + j * s.strides[0]) = j * tile->operand[0].shape[0];
    }
    if (dtype.kind == TW_INT64) {
        *(int64_t *)t.data = tile->operand[0].shape[0];
    }
    return 0;
}

static tw_status run_reduction(struct job *job, tw_pool_kind kind, const struct whims *whims, int guess,
                               tw_error *error)
{
    const tw_dtype none = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 0, .descr = "|V0"};
    const tw_view views[] = {{.dtype = none, .ndim = 1, .shape = {3 * PARTS}},
                             {.dtype = none, .ndim = 1, .shape = {WIDTH}},
                             {.dtype = none}};
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_SUM};
    const tw_split split = {.axis = "i", .tile = 3};
    tw_dtype expected[3] = {none, none, none};
    int64_t lengths[] = {-1, -1};
    tw_array *arrays[3];
    const tw_view *shapes[3];
    memset(job, 0, sizeof *job);
    job->pool = open_pool(kind, 3);
    assert_int_equal(tw_signature_parse(&job->signature, "a[i] -> s[j], t[]", NULL), TW_OK);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(tw_array_wrap(&arrays[k], &views[k], NULL), TW_OK);
        shapes[k] = &views[k];
    }
    assert_int_equal(tw_signature_lengths(job->signature, shapes, lengths, NULL), TW_OK);
    assert_int_equal(tw_grid_create(&job->grid, job->signature, lengths,
                                    &(tw_grid_options){.splits = &split, .nsplits = 1, .folds = folds}, NULL),
                     TW_OK);
    assert_int_equal(tw_grid_steps(job->grid), 3);
    assert_int_equal(tw_kernel_from_function(&job->kernel, reduce, (void *)(uintptr_t)whims, sizeof *whims, NULL),
                     TW_OK);
    expected[1] = expected[2] = guess ? tw_dtype_of(TW_INT64) : none;
    const tw_run_options options = {.choices = &job->choices, .expected = expected};
    const tw_status status = tw_run(job->pool, job->kernel, job->grid, arrays, &options, NULL, error);
    for (int k = 0; k < 3; k++) {
        tw_array_destroy(arrays[k]);
    }
    return status;
}

static void partials_of_a_chosen_dtype_are_folded_in_it(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int guess = 0; guess < 2; guess++) {
            struct job job;
            tw_error error = {0};
            const struct whims whims = {-1, guess && kinds[kind] == TW_PROCESSES ? 4 : -1};
            if (run_reduction(&job, kinds[kind], &whims, guess, &error) != TW_OK) {
                fail_msg("%s", error.message);
            }
            assert_int_equal(tw_choices_count(job.choices), 2); /* partials are nobody's business */
            for (int k = 1; k < 3; k++) {
                const uint64_t fold = tw_grid_step_first(job.grid, k);
                assert_int_equal(tw_choices_of(job.choices, k, 0), -1);
                const tw_array *array = tw_choices_array(job.choices, tw_choices_of(job.choices, k, fold));
                const tw_view *view = tw_array_view(array);
                assert_int_equal(view->dtype.kind, TW_INT64);
                assert_int_equal(view->ndim, 2 - k);
                for (int64_t j = 0; j < tw_view_size(view); j++) {
                    assert_int_equal(((int64_t *)view->data)[j], 3 * PARTS * (k == 1 ? j : 1));
                }
            }
            close_job(&job);
        }
    }
}

static void partials_of_several_dtypes_are_refused_with_their_tiles(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        tw_error error = {0};
        const struct whims whims = {7, -1};
        assert_int_equal(run_reduction(&job, kinds[kind], &whims, 0, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(
            error.message, "the partials of s have several dtypes, which are not folded: tile 0, a[0:3] -> s[0:6], t[] "
                           "(part 1 of 10), has int64, and tile 7, a[21:24] -> s[0:6], t[] (part 8 of 10), has int16; "
                           "give the output a dtype");
        close_job(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dtype_has_an_array),
        cmocka_unit_test(a_worker_that_dies_with_its_choice_costs_one_tile),
        cmocka_unit_test(a_guess_is_used_or_left_alone),
        cmocka_unit_test(too_many_dtypes_are_refused),
        cmocka_unit_test(what_has_a_dtype_is_not_chosen),
        cmocka_unit_test(partials_of_a_chosen_dtype_are_folded_in_it),
        cmocka_unit_test(partials_of_several_dtypes_are_refused_with_their_tiles),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
