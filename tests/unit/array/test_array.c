/* test_array.c - who owns memory, what a caller's view must be, copies. */
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/shape.h"
#include "harness.h"
#include "os/cpu.h"

static void a_new_array_is_contiguous_aligned_and_writable(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{3, 4, 5}, {1, 1, 1}, {0, 7, 2}, {300, 1000, 3}};
    for (tw_kind kind = TW_BOOL; kind <= TW_COMPLEX128; kind++) {
        for (size_t k = 0; k < 4; k++) {
            for (int ndim = 0; ndim <= 3; ndim++) {
                const tw_dtype dtype = tw_dtype_of(kind);
                tw_array *array = NULL;
                assert_int_equal(tw__array_create(&array, NULL, &dtype, ndim, shapes[k], NULL), TW_OK);
                const tw_view *view = tw_array_view(array);
                assert_int_equal(view->ndim, ndim);
                assert_true(tw_view_is_contiguous(view));
                assert_int_equal((uintptr_t)view->data % 64, 0);
                assert_ptr_equal(tw_array_data(array), view->data);
                assert_int_equal(tw_array_memory(array), TW_PRIVATE);
                assert_non_null(view->data);
                memset(view->data, 0xff, (size_t)(tw_view_size(view) * dtype.itemsize));
                tw_array_destroy(array);
            }
        }
    }
    tw_array_destroy(NULL);
}

static void an_array_keeps_its_own_copy_of_a_description(void **state)
{
    (void)state;
    char text[] = "[('a', '<i4'), ('b', '|S3')]";
    const tw_dtype dtype = {.kind = TW_OPAQUE, .itemsize = 7, .descr = text};
    tw_array *array = NULL;
    assert_int_equal(tw__array_create(&array, NULL, &dtype, 1, (int64_t[]){5}, NULL), TW_OK);
    memset(text, 'x', sizeof text - 1);
    assert_string_equal(tw_dtype_name(&tw_array_view(array)->dtype), "[('a', '<i4'), ('b', '|S3')]");
    assert_int_equal(tw_array_view(array)->strides[0], 7);
    tw_array_destroy(array);
}

static void shared_memory_comes_from_the_heap_and_outlives_its_owner(void **state)
{
    (void)state;
    struct tw__heap *heap = NULL;
    assert_int_equal(tw__heap_create(&heap, (int64_t)64 << 20, NULL), TW_OK);
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *array = NULL, *empty = NULL;
    assert_int_equal(tw__array_create(&array, heap, &dtype, 2, (int64_t[]){100, 200}, NULL), TW_OK);
    assert_int_equal(tw__array_create(&empty, heap, &dtype, 1, (int64_t[]){0}, NULL), TW_OK);
    assert_true(tw__heap_contains(heap, tw_array_data(array)));
    assert_int_equal(tw_array_memory(array), TW_SHARED);
    tw__heap_release(heap);
    memset(tw_array_data(array), 1, 100 * 200 * 8);
    tw_array_destroy(empty);
    tw_array_destroy(array);
}

static void more_memory_than_there_is_is_refused_in_words(void **state)
{
    (void)state;
    if (tw__available_memory() == INT64_MAX) {
        print_message("# skipped: how much memory there is cannot be found out\n");
        return;
    }
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *array = NULL;
    tw_error error;
    const int64_t rows = tw__available_memory() / 8 / 1000 * 2;
    assert_int_equal(tw__array_create(&array, NULL, &dtype, 2, (int64_t[]){rows, 1000}, &error), TW_ERROR_MEMORY);
    assert_null(array);
    assert_non_null(strstr(error.message, "x 1000 float64 needs "));
    assert_non_null(strstr(error.message, "GiB; this machine has "));
    assert_non_null(strstr(error.message, " available"));
}

static void shapes_and_dtypes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const tw_dtype f8 = tw_dtype_of(TW_FLOAT64), none = {.kind = TW_OPAQUE, .itemsize = -8};
    const int64_t big = (int64_t)1 << 40, ones[40] = {1};
    tw_array *array = NULL;
    assert_int_equal(tw__array_create(&array, NULL, &f8, 1, (int64_t[]){-1}, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__array_create(&array, NULL, &f8, 2, (int64_t[]){big, big}, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__array_create(&array, NULL, &f8, 33, ones, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__array_create(&array, NULL, &f8, -1, ones, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw__array_create(&array, NULL, &none, 1, ones, NULL), TW_ERROR_ARGUMENT);
    assert_null(array);
}

static void a_wrapped_view_is_used_where_it_is(void **state)
{
    (void)state;
    double data[12] = {0};
    const tw_view view = {data + 11, tw_dtype_of(TW_FLOAT64), 2, {3, 2}, {-32, -16}};
    tw_array *array = NULL;
    assert_int_equal(tw_array_wrap(&array, &view, NULL), TW_OK);
    assert_int_equal(tw_array_memory(array), TW_BORROWED);
    assert_ptr_equal(tw_array_data(array), data + 11);
    assert_memory_equal(tw_array_view(array)->strides, view.strides, 2 * sizeof view.strides[0]);
    tw_array_destroy(array);
}

static void views_that_kernels_could_not_read_are_refused(void **state)
{
    (void)state;
    _Alignas(16) char data[256];
    const tw_dtype f8 = tw_dtype_of(TW_FLOAT64), c16 = tw_dtype_of(TW_COMPLEX128);
    const tw_view bad[] = {
        {data + 4, f8, 1, {3}, {8}},                                   /* address */
        {data, f8, 1, {3}, {12}},                                      /* stride of a field of a packed record */
        {data, c16, 1, {3}, {24}},                                     /* the same, though it is aligned */
        {NULL, f8, 1, {3}, {8}},                                       /* no memory */
        {data, f8, 1, {-3}, {8}},                                      /* length */
        {data, f8, 40, {3}, {8}},                                      /* dimensions */
        {data, f8, 2, {3, 3}, {INT64_MAX / 8 * 8, INT64_MAX / 8 * 8}}, /* reach */
    };
    tw_array *array = NULL;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        tw_error error;
        assert_int_equal(tw_array_wrap(&array, &bad[k], &error), TW_ERROR_ARGUMENT);
        assert_null(array);
    }
    const tw_view good[] = {
        {data, f8, 2, {1, 3}, {5, 8}},                                                /* a stride that is never used */
        {NULL, f8, 1, {0}, {8}},                                                      /* nothing is nowhere */
        {data + 1, {TW_OPAQUE, 1, 12, "[('a', '<i4'), ('b', '<f8')]"}, 1, {3}, {13}}, /* bytes may lie anywhere */
    };
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        assert_int_equal(tw_array_wrap(&array, &good[k], NULL), TW_OK);
        tw_array_destroy(array);
    }
}

static void copies_between_any_layouts_of_one_shape_and_dtype(void **state)
{
    (void)state;
    int32_t data[6] = {1, 2, 3, 4, 5, 6};
    const tw_dtype dtype = tw_dtype_of(TW_INT32);
    const tw_view transposed = {data, dtype, 2, {3, 2}, {4, 12}};
    tw_array *source = NULL, *copy = NULL, *other = NULL;
    assert_int_equal(tw_array_wrap(&source, &transposed, NULL), TW_OK);
    assert_int_equal(tw__array_create(&copy, NULL, &dtype, 2, (int64_t[]){3, 2}, NULL), TW_OK);
    assert_int_equal(tw_array_copy(copy, source, NULL), TW_OK);
    assert_memory_equal(tw_array_data(copy), ((int32_t[]){1, 4, 2, 5, 3, 6}), sizeof data);

    tw_error error;
    assert_int_equal(tw__array_create(&other, NULL, &dtype, 2, (int64_t[]){2, 3}, NULL), TW_OK);
    assert_int_equal(tw_array_copy(other, source, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "an array of 3 x 2 int32 cannot be copied to one of 2 x 3 int32; both need the "
                                       "same shape and dtype");
    tw_array_destroy(other);
    const tw_dtype unsigned_dtype = tw_dtype_of(TW_UINT32);
    assert_int_equal(tw__array_create(&other, NULL, &unsigned_dtype, 2, (int64_t[]){3, 2}, NULL), TW_OK);
    assert_int_equal(tw_array_copy(other, source, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_array_copy(source, source, &error), TW_ERROR_ARGUMENT); /* overlaps */
    tw_array_destroy(other);
    tw_array_destroy(copy);
    tw_array_destroy(source);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_array_is_contiguous_aligned_and_writable),
        cmocka_unit_test(an_array_keeps_its_own_copy_of_a_description),
        cmocka_unit_test(shared_memory_comes_from_the_heap_and_outlives_its_owner),
        cmocka_unit_test(more_memory_than_there_is_is_refused_in_words),
        cmocka_unit_test(shapes_and_dtypes_that_make_no_sense_are_refused),
        cmocka_unit_test(a_wrapped_view_is_used_where_it_is),
        cmocka_unit_test(views_that_kernels_could_not_read_are_refused),
        cmocka_unit_test(copies_between_any_layouts_of_one_shape_and_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
