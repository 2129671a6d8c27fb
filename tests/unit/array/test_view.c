/* test_view.c - views: boxes, the odometer, copies between any two layouts, address ranges. */
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "harness.h"

/* A layout of a shape: dimensions in random order in memory, with random gaps, some of them backwards. Returns the
 * bytes it reaches over; view->data must be moved by *first. */
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

static void a_box_is_the_elements_between_start_and_stop(void **state)
{
    (void)state;
    int32_t data[3][4][5];
    for (int n = 0; n < 60; n++) {
        ((int32_t *)data)[n] = n;
    }
    /* its dimensions are the axes 2, 0 and 1 of a job */
    const tw_view whole = {data, tw_dtype_of(TW_INT32), 3, {3, 4, 5}, {80, 20, 4}};
    static const uint8_t axes[] = {2, 0, 1};
    static const int64_t start[] = {1, 2, 0}, stop[] = {4, 5, 2};
    const tw_view box = tw__view_box(&whole, axes, start, stop);
    assert_ptr_equal(box.data, &data[0][1][2]);
    assert_int_equal(box.ndim, 3);
    assert_memory_equal(box.shape, ((int64_t[]){2, 3, 3}), 3 * sizeof(int64_t));
    assert_memory_equal(box.strides, whole.strides, 3 * sizeof(int64_t));

    /* the worker's way there: the same, from wherever the view was before */
    tw_view moved = tw__view_box(&whole, axes, (int64_t[]){0, 0, 0}, (int64_t[]){1, 1, 1});
    tw__view_move(&moved, &whole, axes, start, stop);
    assert_ptr_equal(moved.data, box.data);
    assert_memory_equal(moved.shape, box.shape, 3 * sizeof(int64_t));

    /* the same by dimension */
    const tw_view part = tw__view_part(&whole, (int64_t[]){0, 1, 2}, box.shape);
    assert_ptr_equal(part.data, box.data);
    assert_memory_equal(part.shape, box.shape, 3 * sizeof(int64_t));

    const tw_view none = tw__view_box(&whole, axes, start, (int64_t[]){1, 5, 2});
    assert_int_equal(tw_view_size(&none), 0);
    const tw_view item = tw__view_box(&(tw_view){data, tw_dtype_of(TW_INT32), 0, {0}, {0}}, axes, start, stop);
    assert_ptr_equal(item.data, data);
    assert_int_equal(tw_view_size(&item), 1);
}

static void a_box_goes_backwards_and_stands_still_with_its_strides(void **state)
{
    (void)state;
    int16_t data[10];
    static const uint8_t axes[] = {0, 1};
    const tw_view whole = {data + 9, tw_dtype_of(TW_INT16), 2, {10, 1}, {-2, 0}};
    const tw_view box = tw__view_box(&whole, axes, (int64_t[]){3, 100}, (int64_t[]){5, 700});
    assert_ptr_equal(box.data, data + 6);
    assert_memory_equal(box.shape, ((int64_t[]){2, 600}), 2 * sizeof(int64_t));
}

static void the_odometer_stops_once_at_each_index_in_c_order(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 1000; round++) {
        int64_t shape[6], a_first, b_first;
        const int ndim = (int)random_below(&random, 6);
        for (int d = 0; d < ndim; d++) {
            shape[d] = 1 + random_below(&random, 5);
        }
        tw_view a, b;
        random_layout(&a, shape, ndim, 8, &random, &a_first);
        random_layout(&b, shape, ndim, 2, &random, &b_first);
        struct tw__rows rows;
        memset(&rows, 0x55, sizeof rows);
        tw__rows_first(&rows, ndim, a.shape, a.strides, b.strides);
        int64_t flat = 0;
        do {
            int64_t rest = flat;
            assert_int_equal(rows.offset[0], item_offset(&a, flat));
            assert_int_equal(rows.offset[1], item_offset(&b, flat));
            for (int d = ndim - 1; d >= 0; d--) {
                assert_int_equal(rows.index[d], rest % shape[d]);
                rest /= shape[d];
            }
            flat++;
        } while (tw__rows_next(&rows));
        assert_int_equal(flat, tw_view_size(&a));
    }
}

static void the_odometer_leaves_rows_alone(void **state)
{
    (void)state;
    const tw_view view = {NULL, tw_dtype_of(TW_INT8), 3, {2, 3, 1000}, {3000, 1000, 1}};
    struct tw__rows rows;
    int count = 0;
    tw__rows_first(&rows, 2, view.shape, view.strides, view.strides);
    do {
        assert_int_equal(rows.offset[0], 1000 * count++);
    } while (tw__rows_next(&rows));
    assert_int_equal(count, 6);
}

static void views_have_one_shape_if_all_lengths_agree(void **state)
{
    (void)state;
    const tw_view view = {NULL, tw_dtype_of(TW_INT8), 2, {2, 3}, {3, 1}};
    tw_view other = {NULL, tw_dtype_of(TW_FLOAT64), 2, {2, 3}, {8, 16}};
    assert_true(tw__view_same_shape(&view, &other));
    other.shape[1] = 4;
    assert_false(tw__view_same_shape(&view, &other));
    other.ndim = 1;
    assert_false(tw__view_same_shape(&view, &other));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_is_the_elements_between_start_and_stop),
        cmocka_unit_test(a_box_goes_backwards_and_stands_still_with_its_strides),
        cmocka_unit_test(the_odometer_stops_once_at_each_index_in_c_order),
        cmocka_unit_test(the_odometer_leaves_rows_alone),
        cmocka_unit_test(views_have_one_shape_if_all_lengths_agree),
        cmocka_unit_test(copies_every_item_and_no_other_byte),
        cmocka_unit_test(a_broadcast_source_is_repeated),
        cmocka_unit_test(reach_covers_exactly_the_first_and_the_last_byte),
        cmocka_unit_test(views_overlap_where_their_bytes_meet),
        cmocka_unit_test(a_view_without_items_is_contiguous_whatever_its_strides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
