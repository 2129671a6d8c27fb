/* test_store.c - what every store gets from store.c and copy.c, shown by one that is neither a file nor mapped. */
#include "harness.h"

#include <stdio.h>

#include "tiny_store.h"

/* An array in memory whose element k is k. */
static tw_array *counted(int ndim, const int64_t *shape)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *array = NULL;
    assert_int_equal(tw_array_create(&array, NULL, &dtype, ndim, shape, NULL), TW_OK);
    double *data = tw_array_data(array);
    for (int64_t k = 0; k < tw_view_size(&array->view); k++) {
        data[k] = (double)k;
    }
    return array;
}

static void assert_counted(const tw_array *array)
{
    const double *data = tw_array_data(array);
    for (int64_t k = 0; k < tw_view_size(&array->view); k++) {
        assert_true(data[k] == (double)k);
    }
}

static void an_array_over_a_store_has_its_shape_and_no_memory(void **state)
{
    (void)state;
    const int64_t shape[] = {12, 20};
    tw_array *array = tiny_array(stored, TW_INT16, 2, shape);
    assert_true(tw__is_delivered(array));
    assert_null(tw_array_data(array));
    assert_int_equal(array->view.ndim, 2);
    assert_int_equal(array->view.shape[1], 20);
    assert_string_equal(tw_dtype_name(&array->view.dtype), "int16");
    assert_true(array->writable);
    tw_array_destroy(array);
    assert_int_equal(stored->abandons, 1);
}

static void boxes_come_back_as_they_were_given(void **state)
{
    (void)state;
    enum { ROWS = 13, COLUMNS = 23 };
    const int64_t shape[] = {ROWS, COLUMNS};
    int32_t model[ROWS][COLUMNS] = {{0}}, box[ROWS][COLUMNS];
    uint64_t random = 5;
    tw_array *array = tiny_array(stored, TW_INT32, 2, shape);
    for (int32_t round = 0; round < 2000; round++) {
        const int64_t start[] = {random_below(&random, ROWS), random_below(&random, COLUMNS)};
        const int64_t lengths[] = {1 + random_below(&random, ROWS - start[0]),
                                   1 + random_below(&random, COLUMNS - start[1])};
        const tw_view view = {
            box, tw_dtype_of(TW_INT32), 2, {lengths[0], lengths[1]}, {sizeof box[0], sizeof box[0][0]}};
        const int give = (int)random_below(&random, 2);
        if (!give) {
            assert_int_equal(tw__store_take(array, start, &view), 0);
        }
        for (int64_t i = 0; i < lengths[0]; i++) {
            for (int64_t j = 0; j < lengths[1]; j++) {
                int32_t *known = &model[start[0] + i][start[1] + j];
                if (give) {
                    *known = box[i][j] = round;
                } else {
                    assert_int_equal(box[i][j], *known);
                }
            }
        }
        if (give) {
            assert_int_equal(tw__store_give(array, start, &view), 0);
        }
    }
    tw_array_destroy(array);
}

/* Memory to store, store to store, store to memory, for shapes of which some have a part of a unit at the end. */
static void arrays_are_copied_in_and_out_by_whole_units(void **state)
{
    (void)state;
    static const struct {
        int ndim;
        int64_t shape[3];
    } cases[] = {{0, {0}}, {1, {17}}, {2, {12, 20}}, {2, {0, 7}}, {3, {6, 8, 5}}, {2, {100003, 3}}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int ndim = cases[k].ndim;
        const int64_t *shape = cases[k].shape;
        tw_array *from = counted(ndim, shape), *to = counted(ndim, shape);
        tw_array *first = tiny_array(stored, TW_FLOAT64, ndim, shape);
        tw_array *second = tiny_array(stored, TW_FLOAT64, ndim, shape);
        memset(tw_array_data(to), 0xff, (size_t)tw_view_size(&to->view) * sizeof(double));
        assert_int_equal(tw_array_copy(first, from, NULL), TW_OK);
        assert_int_equal(tw_array_copy(second, first, NULL), TW_OK);
        assert_int_equal(tw_array_copy(to, second, NULL), TW_OK);
        assert_counted(to);
        assert_int_equal(stored->splits, 0);
        tw_array_destroy(from);
        tw_array_destroy(to);
        tw_array_destroy(first);
        tw_array_destroy(second);
    }
}

static void a_store_that_fails_fails_the_copy(void **state)
{
    (void)state;
    const int64_t shape[] = {12, 20};
    tw_array *from = counted(2, shape), *first = tiny_array(stored, TW_FLOAT64, 2, shape);
    tw_array *second = tiny_array(stored, TW_FLOAT64, 2, shape);
    tw_error error;
    stored->failing = EIO;
    assert_int_equal(tw_array_copy(first, from, &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "Input/output error"));
    assert_int_equal(tw_array_copy(from, first, &error), TW_ERROR_FILE);
    assert_int_equal(tw_array_copy(second, first, &error), TW_ERROR_FILE);
    stored->failing = ENOSPC;
    assert_int_equal(tw_array_copy(second, first, &error), TW_ERROR_DISK);
    tw_array_destroy(from);
    tw_array_destroy(first);
    tw_array_destroy(second);
}

static void an_array_is_not_copied_to_itself_in_its_store(void **state)
{
    (void)state;
    const int64_t shape[] = {12, 20};
    tw_array *array = tiny_array(stored, TW_FLOAT64, 2, shape), *other = tiny_array(stored, TW_FLOAT64, 2, shape);
    assert_int_equal(tw_array_copy(array, array, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_array_copy(array, other, NULL), TW_OK);
    tw_array_destroy(array);
    tw_array_destroy(other);
}

static void a_store_is_finished_once_and_then_released(void **state)
{
    (void)state;
    const int64_t shape[] = {12, 20};
    struct tw__file_identity identity;
    tw_array *array = tiny_array(stored, TW_FLOAT64, 2, shape);
    assert_int_equal(tw__store_check(array, NULL), TW_OK);
    assert_int_equal(tw__store_identity(array, &identity), 0);
    assert_int_equal(tw__store_sync(array), 0);
    assert_int_equal(stored->syncs, 1);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    assert_false(array->writable);
    assert_int_equal(tw_array_commit(array, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__store_check(array, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__store_identity(array, &identity), EINVAL);
    assert_int_equal(tw__store_sync(array), 0); /* nothing is written any more */
    assert_int_equal(stored->syncs, 1);
    assert_int_equal(stored->finishes, 1);
    tw_array_destroy(array);

    array = tiny_array(stored, TW_FLOAT64, 2, shape);
    array->store->state = TW__STORE_FOUND; /* an earlier run has finished it */
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    assert_int_equal(tw__store_sync(array), 0);
    assert_int_equal(tw__store_identity(array, &identity), 0);
    assert_int_equal(stored->finishes, 1);
    tw_array_destroy(array);
    assert_int_equal(stored->abandons, 2);

    tw__store_keep(tiny_array(stored, TW_FLOAT64, 2, shape));
    assert_int_equal(stored->keeps, 1);
    assert_int_equal(stored->abandons, 2);
}

static void a_store_that_is_read_is_never_finished(void **state)
{
    (void)state;
    const int64_t shape[] = {12, 20};
    struct tw__file_identity identity;
    tw_array *array = tiny_array(stored, TW_FLOAT64, 2, shape);
    array->store->state = TW__STORE_READ;
    assert_int_equal(tw_array_commit(array, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__store_check(array, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__store_identity(array, &identity), EINVAL);
    assert_int_equal(tw__store_sync(array), 0);
    tw_array_destroy(array);
    assert_true(stored->syncs == 0 && stored->finishes == 0 && stored->abandons == 1);
}

static void an_array_in_memory_has_nothing_to_finish(void **state)
{
    (void)state;
    const int64_t shape[] = {3};
    struct tw__file_identity identity;
    tw_error error;
    tw_array *array = counted(1, shape);
    assert_int_equal(tw__store_sync(array), 0);
    assert_int_equal(tw__store_identity(array, &identity), EINVAL);
    assert_int_equal(tw_array_commit(array, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "this array is not a file that is being written");
    assert_null(tw_array_note(array));
    tw__store_keep(array);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define LOGGED(test) cmocka_unit_test_setup_teardown(test, tiny_set_up, tiny_tear_down)
    const struct CMUnitTest tests[] = {
        LOGGED(an_array_over_a_store_has_its_shape_and_no_memory),
        LOGGED(boxes_come_back_as_they_were_given),
        LOGGED(arrays_are_copied_in_and_out_by_whole_units),
        LOGGED(a_store_that_fails_fails_the_copy),
        LOGGED(an_array_is_not_copied_to_itself_in_its_store),
        LOGGED(a_store_is_finished_once_and_then_released),
        LOGGED(a_store_that_is_read_is_never_finished),
        LOGGED(an_array_in_memory_has_nothing_to_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
