/* Folds of two arrays: every fold and dtype, item by item, against NumPy's rules written out; any strides. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

#include "array/combine.h"
#include "array/dtype.h"

static double combine_doubles(tw_fold fold, tw_kind kind, double a, double b)
{
    const tw_dtype dtype = tw_dtype_of(kind);
    char into[16], part[16];
    /* the only writers of items by value that the library has are those of kinds: a table here */
    for (int k = 0; k < 2; k++) {
        char *item = k == 0 ? into : part;
        const double x = k == 0 ? a : b;
        switch (kind) {
        case TW_BOOL:
            *(uint8_t *)item = x != 0;
            break;
        case TW_INT8:
            *(int8_t *)item = (int8_t)x;
            break;
        case TW_INT16:
            *(int16_t *)(void *)item = (int16_t)x;
            break;
        case TW_INT32:
            *(int32_t *)(void *)item = (int32_t)x;
            break;
        case TW_INT64:
            *(int64_t *)(void *)item = (int64_t)x;
            break;
        case TW_UINT8:
            *(uint8_t *)item = (uint8_t)x;
            break;
        case TW_UINT16:
            *(uint16_t *)(void *)item = (uint16_t)x;
            break;
        case TW_UINT32:
            *(uint32_t *)(void *)item = (uint32_t)x;
            break;
        case TW_UINT64:
            *(uint64_t *)(void *)item = (uint64_t)x;
            break;
        case TW_FLOAT16:
            *(uint16_t *)(void *)item = tw__half_from_double(x);
            break;
        case TW_FLOAT32:
            *(float *)(void *)item = (float)x;
            break;
        default:
            *(double *)(void *)item = x;
        }
    }
    const tw_view to = {.data = into, .dtype = dtype}, from = {.data = part, .dtype = dtype};
    tw__combine(fold, &to, &from);
    return tw_item_to_double(&dtype, into);
}

static int is_float(tw_kind kind)
{
    return kind == TW_FLOAT16 || kind == TW_FLOAT32 || kind == TW_FLOAT64;
}

static void each_fold_of_each_dtype_is_that_of_numpy(void **state)
{
    (void)state;
    for (tw_kind kind = TW_BOOL; kind <= TW_FLOAT64; kind++) {
        const int truth = kind == TW_BOOL;
        assert_true(combine_doubles(TW_FOLD_SUM, kind, 5, 3) == (truth ? 1 : 8));
        assert_true(combine_doubles(TW_FOLD_PROD, kind, 5, 3) == (truth ? 1 : 15));
        assert_true(combine_doubles(TW_FOLD_MIN, kind, 5, 3) == (truth ? 1 : 3));
        assert_true(combine_doubles(TW_FOLD_MAX, kind, 3, 5) == (truth ? 1 : 5));
        assert_true(combine_doubles(TW_FOLD_MIN, kind, 0, 3) == 0);
        assert_true(combine_doubles(TW_FOLD_MAX, kind, 0, 1) == 1);
        assert_true(combine_doubles(TW_FOLD_ANY, kind, 0, 3) == 1);
        assert_true(combine_doubles(TW_FOLD_ANY, kind, 0, 0) == 0);
        assert_true(combine_doubles(TW_FOLD_ALL, kind, 5, 3) == 1);
        assert_true(combine_doubles(TW_FOLD_ALL, kind, 5, 0) == 0);
    }
}

static void integers_wrap(void **state)
{
    (void)state;
    assert_true(combine_doubles(TW_FOLD_SUM, TW_INT8, 127, 1) == -128);
    assert_true(combine_doubles(TW_FOLD_SUM, TW_INT16, 32767, 2) == -32767);
    assert_true(combine_doubles(TW_FOLD_SUM, TW_INT32, 2147483647, 1) == -2147483648.0);
    assert_true(combine_doubles(TW_FOLD_PROD, TW_UINT16, 65535, 65535) == 1);
    assert_true(combine_doubles(TW_FOLD_PROD, TW_INT64, 4294967296.0, 4294967296.0) == 0);
    assert_true(combine_doubles(TW_FOLD_SUM, TW_UINT8, 200, 100) == 44);
    assert_true(combine_doubles(TW_FOLD_MIN, TW_INT8, -1, 1) == -1);
}

static void nan_wins_a_min_and_a_max(void **state)
{
    (void)state;
    for (tw_kind kind = TW_FLOAT16; kind <= TW_FLOAT64; kind++) {
        for (tw_fold fold = TW_FOLD_SUM; fold <= TW_FOLD_MAX; fold++) {
            assert_true(isnan(combine_doubles(fold, kind, NAN, 1)));
            assert_true(isnan(combine_doubles(fold, kind, 1, NAN)));
        }
        assert_true(combine_doubles(TW_FOLD_ANY, kind, NAN, 0) == 1); /* NaN is not 0 */
    }
}

static void float16_rounds_to_the_nearest_at_every_step(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int n = 0; n < 200000; n++) {
        const uint16_t a = (uint16_t)next_random(&seed), b = (uint16_t)next_random(&seed);
        for (tw_fold fold = TW_FOLD_SUM; fold <= TW_FOLD_MAX; fold++) {
            const double x = tw__half_to_double(a), y = tw__half_to_double(b);
            uint16_t into = a, part = b;
            const tw_view to = {.data = &into, .dtype = tw_dtype_of(TW_FLOAT16)};
            const tw_view from = {.data = &part, .dtype = tw_dtype_of(TW_FLOAT16)};
            tw__combine(fold, &to, &from);
            double right = fold == TW_FOLD_SUM ? x + y : fold == TW_FOLD_PROD ? x * y : isnan(x) ? x : isnan(y) ? y : 0;
            if (fold >= TW_FOLD_MIN && !isnan(x) && !isnan(y)) {
                right = (fold == TW_FOLD_MIN) == (x < y) ? x : y;
            }
            const double got = tw__half_to_double(into), wanted = tw__half_to_double(tw__half_from_double(right));
            assert_true(isnan(wanted) ? isnan(got) : got == wanted);
        }
    }
}

static void complex_numbers_are_ordered_as_numpy_orders_them(void **state)
{
    (void)state;
    const struct {
        double a[2], b[2], least[2], greatest[2];
    } cases[] = {
        {{1, 2}, {2, 1}, {1, 2}, {2, 1}},
        {{1, 2}, {1, 3}, {1, 2}, {1, 3}},
        {{1, NAN}, {0, 0}, {1, NAN}, {1, NAN}},
        {{0, 0}, {NAN, 5}, {NAN, 5}, {NAN, 5}},
    };
    const tw_dtype dtype = tw_dtype_of(TW_COMPLEX128);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (int most = 0; most < 2; most++) {
            double into[2] = {cases[c].a[0], cases[c].a[1]}, part[2] = {cases[c].b[0], cases[c].b[1]};
            const tw_view to = {.data = into, .dtype = dtype}, from = {.data = part, .dtype = dtype};
            tw__combine(most ? TW_FOLD_MAX : TW_FOLD_MIN, &to, &from);
            assert_memory_equal(into, most ? cases[c].greatest : cases[c].least, sizeof into);
        }
    }
    double into[2] = {1, 2}, part[2] = {3, 4};
    const tw_view to = {.data = into, .dtype = dtype}, from = {.data = part, .dtype = dtype};
    tw__combine(TW_FOLD_PROD, &to, &from);
    assert_true(into[0] == -5 && into[1] == 10);
    tw__combine(TW_FOLD_SUM, &to, &from);
    assert_true(into[0] == -2 && into[1] == 14);
}

static void what_it_begins_as_changes_nothing(void **state)
{
    (void)state;
    for (tw_kind kind = TW_BOOL; kind <= TW_COMPLEX128; kind++) {
        const tw_dtype dtype = tw_dtype_of(kind);
        for (tw_fold fold = TW_FOLD_SUM; fold <= TW_FOLD_ALL; fold++) {
            char into[16], part[16] = {0};
            part[0] = 1; /* true, 1, or a small number of floats */
            const tw_view to = {.data = into, .dtype = dtype}, from = {.data = part, .dtype = dtype};
            if (is_float(kind) || kind > TW_FLOAT64) {
                memset(part, 0, sizeof part);
            }
            tw__combine_begin(fold, &to);
            tw__combine(fold, &to, &from);
            const double all_but_bool = fold == TW_FOLD_ANY || fold == TW_FOLD_ALL;
            if (all_but_bool == 0) {
                assert_memory_equal(into, part, (size_t)dtype.itemsize);
            }
        }
    }
    int64_t extremes[2];
    const tw_view view = {.data = extremes, .dtype = tw_dtype_of(TW_INT64), .ndim = 1, .shape = {2}, .strides = {8}};
    tw__combine_begin(TW_FOLD_MIN, &view);
    assert_true(extremes[0] == INT64_MAX && extremes[1] == INT64_MAX);
    tw__combine_begin(TW_FOLD_MAX, &view);
    assert_true(extremes[0] == INT64_MIN && extremes[1] == INT64_MIN);
}

static void any_strides_are_folded_alike(void **state)
{
    (void)state;
    float into[5][7], part[7][5];
    for (int order = 0; order < 2; order++) {
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 7; j++) {
                into[i][j] = (float)(10 * i + j);
                part[j][i] = 100.0f;
            }
        }
        const tw_view to = {.data = order ? (void *)&into[4][6] : into,
                            .dtype = tw_dtype_of(TW_FLOAT32),
                            .ndim = 2,
                            .shape = {5, 7},
                            .strides = {order ? -28 : 28, order ? -4 : 4}};
        const tw_view from = {
            .data = part, .dtype = tw_dtype_of(TW_FLOAT32), .ndim = 2, .shape = {5, 7}, .strides = {4, 20}};
        tw__combine(TW_FOLD_SUM, &to, &from);
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 7; j++) {
                assert_true(into[i][j] == (float)(100 + 10 * i + j));
            }
        }
        tw__combine_begin(TW_FOLD_PROD, &to);
        assert_true(into[0][0] == 1 && into[4][6] == 1 && into[2][3] == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fold_of_each_dtype_is_that_of_numpy),
        cmocka_unit_test(integers_wrap),
        cmocka_unit_test(nan_wins_a_min_and_a_max),
        cmocka_unit_test(float16_rounds_to_the_nearest_at_every_step),
        cmocka_unit_test(complex_numbers_are_ordered_as_numpy_orders_them),
        cmocka_unit_test(what_it_begins_as_changes_nothing),
        cmocka_unit_test(any_strides_are_folded_alike),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
