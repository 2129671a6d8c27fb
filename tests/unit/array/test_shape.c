/* test_shape.c - sizes that overflow, strides, copies between any two layouts, address ranges, byte order. */
#include <stdlib.h>
#include <string.h>

#include "array/shape.h"
#include "harness.h"

static void sizes_are_products_that_fit(void **state)
{
    (void)state;
    const int64_t big = (int64_t)1 << 32;
    static const int64_t ones[TW_MAX_DIMS] = {[0 ... TW_MAX_DIMS - 1] = 1};
    int64_t bytes = -1;
    assert_int_equal(tw__shape_check(0, NULL, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 8);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 4}, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 96);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 0}, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 4}, 0, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(tw__shape_check(1, (int64_t[]){INT64_MAX}, 1, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, INT64_MAX);
    assert_int_equal(tw__shape_check(TW_MAX_DIMS, ones, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 8);

    tw_error error;
    assert_int_equal(tw__shape_check(2, (int64_t[]){big, big}, 1, &bytes, TW_ERROR_FORMAT, "x", &error),
                     TW_ERROR_FORMAT);
    assert_string_equal(error.message, "x has shape 4294967296 x 4294967296 of 1 bytes an item, more than 2^63 bytes");
    /* A zero does not hide what overflows: products over some of the dimensions would. */
    assert_int_equal(tw__shape_check(3, (int64_t[]){0, big, big}, 1, &bytes, TW_ERROR_FORMAT, "x", NULL),
                     TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(1, (int64_t[]){INT64_MAX / 8 + 1}, 8, &bytes, TW_ERROR_FORMAT, "x", NULL),
                     TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, -1}, 8, &bytes, TW_ERROR_FORMAT, "x", &error), TW_ERROR_FORMAT);
    assert_string_equal(error.message, "x has length -1 in dimension 1; a length is 0 or more");
    assert_int_equal(tw__shape_check(33, ones, 8, &bytes, TW_ERROR_FORMAT, "x", NULL), TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(-1, ones, 8, &bytes, TW_ERROR_FORMAT, "x", NULL), TW_ERROR_FORMAT);
    assert_int_equal(bytes, 8);
}

static void strides_are_those_of_c_and_fortran(void **state)
{
    (void)state;
    int64_t strides[3];
    tw__strides_c(3, (int64_t[]){2, 3, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){96, 32, 8}), sizeof strides);
    tw__strides_fortran(3, (int64_t[]){2, 3, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){8, 16, 48}), sizeof strides);
    tw__strides_c(3, (int64_t[]){2, 0, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){32, 32, 8}), sizeof strides);
}

/* A layout of a shape: dimensions in random order in memory, with random gaps, some of them backwards. Returns the
 * bytes it reaches over; view->data is to be moved by *first. */
static size_t random_layout(tw_view *view, const int64_t *shape, int ndim, int64_t itemsize, uint64_t *random,
                            int64_t *first)
{
    int order[TW_MAX_DIMS];
    for (int d = 0; d < ndim; d++) {
        order[d] = d;
    }
    const int sorted = random_below(random, 3) == 0;
    for (int d = ndim - 1; d > 0 && !sorted; d--) {
        const int other = (int)random_below(random, d + 1), kept = order[d];
        order[d] = order[other];
        order[other] = kept;
    }
    memset(view, 0, sizeof *view);
    view->ndim = ndim;
    view->dtype = (tw_dtype){.kind = TW_OPAQUE, .alignment = 1, .itemsize = itemsize, .descr = "|V0"};
    int64_t step = itemsize;
    *first = 0;
    for (int k = ndim - 1; k >= 0; k--) {
        const int d = order[k];
        step += sorted || random_below(random, 2) ? 0 : random_below(random, 20);
        view->shape[d] = shape[d];
        view->strides[d] = random_below(random, 4) == 0 ? -step : step;
        *first += view->strides[d] < 0 && shape[d] > 0 ? step * (shape[d] - 1) : 0;
        step *= shape[d] > 0 ? shape[d] : 1;
    }
    return (size_t)step;
}

static int64_t item_offset(const tw_view *view, int64_t flat)
{
    int64_t offset = 0;
    for (int d = view->ndim - 1; d >= 0; d--) {
        offset += flat % view->shape[d] * view->strides[d];
        flat /= view->shape[d];
    }
    return offset;
}

static char *item_at(const tw_view *view, int64_t flat)
{
    return (char *)view->data + item_offset(view, flat);
}

static void copies_every_item_and_no_other_byte(void **state)
{
    (void)state;
    uint64_t random = 1;
    static const int64_t sizes[] = {1, 2, 3, 4, 8, 12, 16, 40, 0};
    for (int round = 0; round < 3000; round++) {
        int64_t shape[6];
        const int ndim = (int)random_below(&random, 6);
        for (int d = 0; d < ndim; d++) {
            shape[d] = random_below(&random, round % 10 == 0 && ndim < 4 ? 40 : 5) + (random_below(&random, 8) != 0);
        }
        const int64_t itemsize = sizes[random_below(&random, 9)];
        tw_view to, from;
        int64_t to_first, from_first;
        const size_t to_bytes = random_layout(&to, shape, ndim, itemsize, &random, &to_first);
        const size_t from_bytes = random_layout(&from, shape, ndim, itemsize, &random, &from_first);
        char *to_memory = malloc(to_bytes + 1), *expected = malloc(to_bytes + 1), *from_memory = malloc(from_bytes + 1);
        assert_true(to_memory != NULL && expected != NULL && from_memory != NULL);
        memset(to_memory, 0x55, to_bytes);
        memset(expected, 0x55, to_bytes);
        for (size_t k = 0; k < from_bytes; k++) {
            from_memory[k] = (char)next_random(&random);
        }
        from.data = from_memory + from_first;
        to.data = expected + to_first;
        for (int64_t k = 0; k < tw_view_size(&to); k++) {
            memcpy(item_at(&to, k), item_at(&from, k), (size_t)itemsize);
        }
        to.data = to_memory + to_first;
        tw__view_copy(&to, &from);
        assert_memory_equal(to_memory, expected, to_bytes);
        free(to_memory);
        free(expected);
        free(from_memory);
    }
}

static void a_broadcast_source_is_repeated(void **state)
{
    (void)state;
    int32_t row[3] = {1, 2, 3}, all[2][3] = {0};
    const tw_view from = {row, tw_dtype_of(TW_INT32), 2, {2, 3}, {0, 4}};
    const tw_view to = {all, tw_dtype_of(TW_INT32), 2, {2, 3}, {12, 4}};
    tw__view_copy(&to, &from);
    assert_memory_equal(all, ((int32_t[2][3]){{1, 2, 3}, {1, 2, 3}}), sizeof all);
}

static void reach_covers_exactly_the_first_and_the_last_byte(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 500; round++) {
        int64_t shape[4], first, before, after;
        const int ndim = (int)random_below(&random, 5);
        for (int d = 0; d < ndim; d++) {
            shape[d] = random_below(&random, 4) + (round % 5 > 0);
        }
        tw_view view;
        random_layout(&view, shape, ndim, 4, &random, &first);
        int64_t low = 0, high = 0;
        for (int64_t k = 0; k < tw_view_size(&view); k++) {
            const int64_t at = item_offset(&view, k);
            low = at < low ? at : low;
            high = at + 4 > high ? at + 4 : high;
        }
        assert_true(tw__view_reach(&view, &before, &after));
        assert_int_equal(before, -low);
        assert_int_equal(after, high);
    }
    const int64_t far = INT64_MAX / 2;
    int64_t before, after;
    const tw_view wide = {NULL, tw_dtype_of(TW_INT8), 2, {3, 3}, {far, far}};
    assert_false(tw__view_reach(&wide, &before, &after));
}

static void views_overlap_where_their_bytes_meet(void **state)
{
    (void)state;
    double data[10];
    const tw_dtype f8 = tw_dtype_of(TW_FLOAT64);
    const tw_view front = {data, f8, 1, {5}, {8}}, back = {data + 5, f8, 1, {5}, {8}};
    const tw_view middle = {data + 4, f8, 1, {2}, {8}}, backwards = {data + 9, f8, 1, {5}, {-8}};
    const tw_view nothing = {data + 2, f8, 2, {0, 5}, {8, 8}}, item = {data + 2, f8, 0, {0}, {0}};
    assert_false(tw__view_overlap(&front, &back));
    assert_false(tw__view_overlap(&back, &front));
    assert_false(tw__view_overlap(&front, &backwards));
    assert_true(tw__view_overlap(&back, &backwards));
    assert_true(tw__view_overlap(&front, &middle));
    assert_true(tw__view_overlap(&middle, &back));
    assert_true(tw__view_overlap(&front, &item));
    assert_false(tw__view_overlap(&back, &item));
    assert_false(tw__view_overlap(&front, &nothing));
    assert_true(tw__view_overlap(&front, &front));
}

static void bytes_are_reversed_number_by_number(void **state)
{
    (void)state;
    static const int widths[] = {2, 4, 8};
    for (size_t w = 0; w < 3; w++) {
        const int width = widths[w];
        char data[1 + 24], twice[sizeof data];
        for (size_t k = 0; k < sizeof data; k++) {
            data[k] = (char)k;
        }
        memcpy(twice, data, sizeof data);
        tw__swap_bytes(data + 1, 24 / width, width); /* need not be aligned */
        for (int k = 0; k < 24; k++) {
            assert_int_equal(data[1 + k], 1 + k / width * width + (width - 1 - k % width));
        }
        tw__swap_bytes(data + 1, 24 / width, width);
        assert_memory_equal(data, twice, sizeof data);
    }
}

static void a_view_without_items_is_contiguous_whatever_its_strides(void **state)
{
    (void)state;
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    for (int empty = 0; empty < 3; empty++) {
        tw_view view = {NULL, dtype, 3, {2, 3, 4}, {1000, -16, 24}};
        assert_false(tw_view_is_contiguous(&view));
        view.shape[empty] = 0;
        assert_true(tw_view_is_contiguous(&view));
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_products_that_fit),
        cmocka_unit_test(strides_are_those_of_c_and_fortran),
        cmocka_unit_test(copies_every_item_and_no_other_byte),
        cmocka_unit_test(a_broadcast_source_is_repeated),
        cmocka_unit_test(reach_covers_exactly_the_first_and_the_last_byte),
        cmocka_unit_test(views_overlap_where_their_bytes_meet),
        cmocka_unit_test(bytes_are_reversed_number_by_number),
        cmocka_unit_test(a_view_without_items_is_contiguous_whatever_its_strides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
