/* test_random.c - random numbers of elements: known answers, the same for any cuts and pool, many at a time as one by
 * one, and what is refused. */
#include "harness.h"

#include <string.h>

#include "grids.h"
#include "pools.h"

/* ---- one number ---- */

static void philox_gives_the_known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], result[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        uint32_t result[4];
        tw_random_u32x4(known[k].counter, known[k].key, result);
        assert_memory_equal(result, known[k].result, sizeof result);
    }
}

/* The words of the zero block are the first known answer. */
static void a_number_is_made_of_its_block(void **state)
{
    (void)state;
    const uint64_t first = 0xe169c58d6627e8d5;
    assert_true(tw_random_uniform(0, 0, 0) == (double)(first >> 11) / 9007199254740992.0);
    assert_true(tw_random_uniform_f32(0, 0, 0) == (float)(first >> 40) / 16777216.0f);
    assert_int_equal(tw_random_integers(0, 0, 0, 0), first);
    assert_int_equal(tw_random_integers(0, 0, 0, 10), (uint64_t)0x6627e8d5 * 10 >> 32);
    assert_int_equal(tw_random_integers(0, 0, 0, (uint64_t)1 << 33), first >> 31);
}

static uint64_t mixed(uint64_t sum, const void *value, size_t size)
{
    const unsigned char *bytes = value;
    for (size_t k = 0; k < size; k++) {
        sum = (sum ^ bytes[k]) * 0x100000001b3u; /* FNV-1a */
    }
    return sum;
}

/* Written on x86-64; a change of any bit must be deliberate. tests/command/test_random.py compares builds. */
static void the_bits_are_those_of_every_other_machine(void **state)
{
    uint64_t sums[4] = {0xcbf29ce484222325, 0xcbf29ce484222325, 0xcbf29ce484222325, 0xcbf29ce484222325};
    (void)state;
    for (uint64_t k = 0; k < 100000; k++) {
        const uint64_t element = k * 0x100000001u;
        const double uniform = tw_random_uniform(k, 1, element), normal = tw_random_normal(k, 2, element);
        const float short_uniform = tw_random_uniform_f32(k, 3, element);
        const uint64_t integer = tw_random_integers(k, 4, element, k * k * k * k + 1);
        sums[0] = mixed(sums[0], &uniform, sizeof uniform);
        sums[1] = mixed(sums[1], &normal, sizeof normal);
        sums[2] = mixed(sums[2], &short_uniform, sizeof short_uniform);
        sums[3] = mixed(sums[3], &integer, sizeof integer);
    }
    assert_int_equal(sums[0], 0x38271962fc15bbd3);
    assert_int_equal(sums[1], 0xdc4d0535a4ce9d96);
    assert_int_equal(sums[2], 0x24704e1a2c781874);
    assert_int_equal(sums[3], 0xaf6bd2662ef4aa41);
}

static void integers_are_drawn_again_until_none_is_more_frequent(void **state)
{
    static const uint64_t counts[] = {1, 3, 0x80000001, 0xffffffff, (uint64_t)1 << 32, 0x8000000000000001, UINT64_MAX};
    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        uint64_t low = 0;
        for (uint64_t element = 0; element < 4000; element++) {
            const uint64_t integer = tw_random_integers(7, 0, element, counts[k]);
            assert_true(integer < counts[k]);
            low += integer < counts[k] - counts[k] / 2;
        }
        /* The lower half, which has one more of an odd number: 5 sigma are 158. */
        assert_true(counts[k] < 4 || (low > 2000 - 158 && low < 2000 + 158));
    }
}

/* ---- the numbers of a tile ---- */

struct job {
    tw_random what;
    int operand; /* whose numbers */
};

static int draw(const tw_tile *tile)
{
    const struct job *job = tile->context;
    return tw_random_fill(&tile->operand[tile->noperands - 1], tile, job->operand, &job->what);
}

static const int64_t lengths[] = {5, 7, 130};

static void run_job(tw_array **result, const struct job *job, tw_kind kind, const char *text, const int64_t *tiles,
                    tw_pool *pool, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(kind), f64 = tw_dtype_of(TW_FLOAT64);
    const tw_split splits[] = {
        {.axis = "i", .tile = tiles[0]}, {.axis = "j", .tile = tiles[1]}, {.axis = "k", .tile = tiles[2]}};
    tw_grid *grid = grid_with(text, lengths, &(tw_grid_options){.splits = splits, .nsplits = 3});
    tw_kernel *kernel;
    tw_array *arrays[3];
    assert_int_equal(tw_kernel_from_function(&kernel, draw, (void *)(uintptr_t)job, sizeof *job, NULL), TW_OK);
    assert_int_equal(tw_array_create(&arrays[0], pool, &f64, 1, &lengths[1], NULL), TW_OK);
    assert_int_equal(tw_array_create(&arrays[1], pool, &f64, 3, lengths, NULL), TW_OK);
    assert_int_equal(tw_array_create(&arrays[2], pool, &dtype, 3, lengths, NULL), TW_OK);
    const tw_status status = tw_run(pool, kernel, grid, arrays, NULL, NULL, error);
    assert_true(status == TW_OK || error->message[0] != '\0');
    *result = arrays[2];
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
}

static void check_result(const tw_array *array, const tw_random *what, uint32_t place)
{
    const tw_view *view = tw_array_view(array);
    const char *item = view->data;
    for (uint64_t element = 0; element < (uint64_t)tw_view_size(view); element++, item += view->dtype.itemsize) {
        double f64 = what->kind == TW_RANDOM_NORMAL ? tw_random_normal(what->seed, place, element)
                                                    : tw_random_uniform(what->seed, place, element);
        float f32 = what->kind == TW_RANDOM_NORMAL ? tw_random_normal_f32(what->seed, place, element)
                                                   : tw_random_uniform_f32(what->seed, place, element);
        uint64_t integer = (uint64_t)what->low + tw_random_integers(what->seed, place, element, what->count);
        const void *expected = view->dtype.kind == TW_FLOAT64   ? (void *)&f64
                               : view->dtype.kind == TW_FLOAT32 ? (void *)&f32
                                                                : (void *)&integer;
        assert_memory_equal(item, expected, (size_t)view->dtype.itemsize);
    }
}

static void every_cut_and_pool_gives_the_same_numbers(void **state)
{
    static const int64_t tiles[][3] = {{5, 7, 130}, {2, 7, 130}, {5, 3, 130}, {5, 7, 64}, {1, 2, 33}, {3, 1, 1}};
    static const struct {
        tw_random what;
        tw_kind kind;
    } draws[] = {
        {{.seed = 3}, TW_FLOAT64},
        {{.seed = UINT64_MAX}, TW_FLOAT32},
        {{.seed = 4, .kind = TW_RANDOM_NORMAL}, TW_FLOAT64},
        {{.seed = 5, .kind = TW_RANDOM_NORMAL}, TW_FLOAT32},
        {{.seed = 6, .kind = TW_RANDOM_INTEGERS, .low = -7, .count = 15}, TW_INT8},
        {{.seed = 6, .kind = TW_RANDOM_INTEGERS, .low = 3, .count = 0xc0000000}, TW_UINT32},
        {{.seed = 6, .kind = TW_RANDOM_INTEGERS, .low = INT64_MIN}, TW_INT64},
        {{.seed = 6, .kind = TW_RANDOM_INTEGERS, .low = 1, .count = UINT64_MAX}, TW_UINT64},
    };
    (void)state;
    for (int p = 0; p < pool_kinds(); p++) {
        tw_pool *pool = open_pool(kinds[p], 3);
        for (size_t k = 0; k < sizeof draws / sizeof draws[0]; k++) {
            for (size_t t = 0; t < sizeof tiles / sizeof tiles[0]; t++) {
                const struct job job = {.what = draws[k].what, .operand = 2};
                tw_error error = {0};
                tw_array *result;
                run_job(&result, &job, draws[k].kind, "x[j] -> t[i,j,k], r[i,j,k]", tiles[t], pool, &error);
                assert_string_equal(error.message, "");
                check_result(result, &job.what, 1);
                tw_array_destroy(result);
            }
        }
        tw_pool_close(pool);
    }
}

/* A tile of an operand i x k, whose view has a dimension more; `strides` of the last two are in items. */
static void fill_part(tw_view *view, double *items, int64_t columns, int64_t size, int64_t column_stride,
                      int64_t item_stride)
{
    static const int64_t start[] = {2, 3}, whole[] = {6, 10};
    const int64_t stop[] = {5, 3 + columns};
    const tw_place place = {.number = 0, .ndim = 2, .axis = {0, 1}};
    const tw_random what = {.seed = 11};
    char message[TW_TILE_MESSAGE_SIZE] = "";
    *view = (tw_view){.data = items,
                      .dtype = tw_dtype_of(TW_FLOAT64),
                      .ndim = 3,
                      .shape = {3, columns, size},
                      .strides = {8 * columns * size, 8 * column_stride, 8 * item_stride}};
    const tw_tile tile = {.naxes = 2,
                          .noperands = 1,
                          .start = start,
                          .stop = stop,
                          .length = whole,
                          .operand = view,
                          .place = &place,
                          .message = message};
    assert_int_equal(tw_random_fill(view, &tile, 0, &what), 0);
    for (int64_t i = 0; i < 3; i++) {
        for (int64_t j = 0; j < columns; j++) {
            const int64_t index[] = {i, j};
            const uint64_t element = tw_random_element(&tile, 0, index);
            assert_int_equal(element, (2 + i) * 10 + 3 + j);
            for (int64_t k = 0; k < size; k++) {
                const double item = items[i * columns * size + j * column_stride + k * item_stride];
                assert_true(item == tw_random_uniform(11, 0, element * (uint64_t)size + (uint64_t)k));
            }
        }
    }
}

static void further_dimensions_and_all_strides_are_filled(void **state)
{
    static double items[3 * 7 * 90];
    tw_view view;
    (void)state;
    for (int64_t columns = 1; columns <= 7; columns += 3) {
        for (int64_t size = 1; size <= 90; size = 3 * size + 1) {
            fill_part(&view, items, columns, size, size, 1);    /* as in C */
            fill_part(&view, items, columns, size, 1, columns); /* the last two exchanged */
        }
    }
}

static void what_no_tile_can_be_given_is_refused(void **state)
{
    static const struct {
        struct job job;
        tw_kind kind;
        const char *says;
    } refused[] = {
        {{.operand = 3}, TW_FLOAT64, "random numbers belong to an operand of a run, and 3 is none"},
        {{.operand = -1}, TW_FLOAT64, "random numbers belong to an operand of a run, and -1 is none"},
        {{.operand = 2}, TW_INT64, "random floats need float32 or float64"},
        {{.operand = 2}, TW_COMPLEX64, "random floats need float32 or float64"},
        {{.operand = 2, .what.kind = TW_RANDOM_INTEGERS}, TW_FLOAT64, "random integers need an integer dtype"},
        {{.operand = 2, .what.kind = (tw_random_kind)9}, TW_FLOAT64, "9 is no kind of random numbers"},
        {{.operand = 2, .what = {.kind = TW_RANDOM_INTEGERS, .low = -128, .count = 257}},
         TW_INT8,
         "the dtype does not have all of the random integers that are asked for"},
        {{.operand = 2, .what = {.kind = TW_RANDOM_INTEGERS, .low = -1, .count = 2}},
         TW_UINT8,
         "the dtype does not have all of the random integers that are asked for"},
        {{.operand = 2, .what = {.kind = TW_RANDOM_INTEGERS, .low = -1, .count = 0}},
         TW_INT64,
         "the dtype does not have all of the random integers that are asked for"},
        {{.operand = 0},
         TW_FLOAT64,
         "random numbers fill a view whose first dimensions are those of the tile's part of operand 0"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
        tw_array *result;
        tw_error error = {0};
        run_job(&result, &refused[k].job, refused[k].kind, "x[j] -> t[i,j,k], r[i,j,k]", lengths, NULL, &error);
        assert_non_null(strstr(error.message, refused[k].says));
        tw_array_destroy(result);
    }
}

static void a_tile_that_no_run_has_made_is_refused(void **state)
{
    char message[TW_TILE_MESSAGE_SIZE];
    const tw_view view = {.ndim = 0, .dtype = tw_dtype_of(TW_FLOAT64)};
    const tw_tile tile = {.noperands = 1, .message = message};
    const tw_random what = {.seed = 1};
    (void)state;
    assert_int_equal(tw_random_fill(&view, &tile, 0, &what), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(a_number_is_made_of_its_block),
        cmocka_unit_test(the_bits_are_those_of_every_other_machine),
        cmocka_unit_test(integers_are_drawn_again_until_none_is_more_frequent),
        cmocka_unit_test(every_cut_and_pool_gives_the_same_numbers),
        cmocka_unit_test(further_dimensions_and_all_strides_are_filled),
        cmocka_unit_test(what_no_tile_can_be_given_is_refused),
        cmocka_unit_test(a_tile_that_no_run_has_made_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
