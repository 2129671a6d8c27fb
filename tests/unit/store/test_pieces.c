/* test_pieces.c - boxes as runs of neighbouring elements (store/pieces.h). */
#include "harness.h"

#include <string.h>

#include "store/pieces.h"

/* Marks every byte of the box twice: element by element, and piece by piece. */
static int pieces_of(int ndim, const int64_t *whole, const int64_t *start, const int64_t *box, int64_t most)
{
    enum { ITEM = 2, MOST = 6 * 5 * 4 * 3 * ITEM };
    static unsigned char by_element[MOST], by_piece[MOST];
    struct tw__pieces pieces;
    int64_t index[TW_MAX_DIMS] = {0};
    int count = 0, d;
    memset(by_element, 0, sizeof by_element);
    memset(by_piece, 0, sizeof by_piece);
    do {
        int64_t at = 0;
        for (d = 0; d < ndim; d++) {
            at = at * whole[d] + start[d] + index[d];
        }
        memset(by_element + at * ITEM, 1, ITEM);
        for (d = ndim - 1; d >= 0 && ++index[d] == box[d]; d--) {
            index[d] = 0;
        }
    } while (d >= 0);
    tw__pieces_first(&pieces, ndim, whole, start, box, ITEM, most);
    do {
        int64_t at = 0;
        for (d = 0; d < ndim; d++) {
            at = at * whole[d] + start[d] + pieces.index[d];
        }
        assert_int_equal(pieces.offset, at * ITEM);
        for (int64_t k = 0; k < pieces.bytes; k++) {
            assert_int_equal(by_piece[pieces.offset + k], 0); /* no byte twice */
            by_piece[pieces.offset + k] = 1;
        }
        count++;
    } while (tw__pieces_next(&pieces));
    assert_memory_equal(by_piece, by_element, sizeof by_piece);
    return count;
}

static void every_box_is_covered_once(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 20000; round++) {
        const int64_t most[] = {6, 5, 4, 3};
        int64_t whole[4], start[4], box[4];
        const int ndim = (int)random_below(&random, 5);
        for (int d = 0; d < ndim; d++) {
            whole[d] = 1 + random_below(&random, most[d]);
            start[d] = random_below(&random, 2) ? 0 : random_below(&random, whole[d]);
            box[d] = random_below(&random, 2) ? whole[d] - start[d] : 1 + random_below(&random, whole[d] - start[d]);
        }
        pieces_of(ndim, whole, start, box, random_below(&random, 2) ? 0 : random_below(&random, 40));
    }
}

static void pieces_are_as_long_as_they_can_be(void **state)
{
    (void)state;
    const int64_t whole[] = {6, 4, 5}, start[] = {1, 0, 0};
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){2, 4, 5}, 0), 1);
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){2, 3, 5}, 0), 2);
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){1, 3, 5}, 0), 1);
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){2, 3, 2}, 0), 6);
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){2, 4, 5}, 40), 2);
    assert_int_equal(pieces_of(3, whole, start, (const int64_t[]){2, 4, 5}, 39), 8);
    assert_int_equal(pieces_of(0, NULL, NULL, NULL, 0), 1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_box_is_covered_once),
        cmocka_unit_test(pieces_are_as_long_as_they_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
