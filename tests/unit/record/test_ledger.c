/* test_ledger.c - what is done and what is recorded of it: every tile is found once, whoever says that it is done. */
#include <stdlib.h>

#include "harness.h"

#include "record/ledger.h"

#define TILES 200 /* more than three words of bits, the last one begun */

static void the_missing_tiles_are_those_that_nobody_noted(void **state)
{
    static const uint64_t counts[] = {0, 1, 63, 64, 65, 128, TILES};
    uint64_t seed = 1;
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (int percent = 0; percent <= 100; percent += 10) {
            struct tw__ledger ledger;
            char noted[TILES] = {0};
            assert_int_equal(tw__ledger_init(&ledger, counts[c], NULL), TW_OK);
            for (uint64_t tile = 0; tile < counts[c]; tile++) {
                noted[tile] = (char)(random_below(&seed, 100) < percent);
                if (noted[tile]) {
                    tw__ledger_note(&ledger, tile, tile);
                }
            }
            uint64_t found = 0;
            for (uint64_t tile = 0; (tile = tw__ledger_missing(&ledger, tile)) < counts[c]; tile++) {
                assert_false(noted[tile]);
                found++;
            }
            assert_int_equal(found, counts[c] - ledger.done);
            tw__ledger_fini(&ledger);
        }
    }
}

static void each_tile_that_awaits_its_record_is_given_once(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (uint64_t most = 1; most <= 70; most += 23) {
        struct tw__ledger ledger;
        char given[TILES] = {0};
        uint64_t wanted = 0, first = 0, count;
        assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
        for (uint64_t tile = 0; tile < TILES; tile++) {
            const int64_t kind = random_below(&seed, 3);
            if (kind == 0) {
                tw__ledger_note(&ledger, tile, 7 * tile);
                wanted++;
            } else if (kind == 1) {
                assert_true(tw__ledger_take(&ledger, tile, 7 * tile));
            }
        }
        assert_int_equal(ledger.pending, wanted);
        while ((count = tw__ledger_unrecorded(&ledger, first, most, &first)) > 0) {
            assert_true(count <= most);
            for (uint64_t tile = first; tile < first + count; tile++) {
                assert_true(tw__ledger_has(&ledger, tile) && !tw__ledger_is_recorded(&ledger, tile));
                assert_false(given[tile]++);
            }
            tw__ledger_mark(&ledger, first, count);
            wanted -= count;
        }
        assert_int_equal(wanted, 0);
        assert_int_equal(ledger.pending, 0);
        tw__ledger_fini(&ledger);
    }
}

static void a_tile_that_two_journals_have_counts_once(void **state)
{
    struct tw__ledger ledger;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    tw__ledger_note(&ledger, 5, 50); /* this run did it */
    assert_true(tw__ledger_take(&ledger, 5, 50));
    assert_true(tw__ledger_take(&ledger, 5, 50));
    assert_true(tw__ledger_take(&ledger, 6, 60));
    assert_int_equal(ledger.done, 2);
    assert_int_equal(ledger.pending, 0); /* another journal's record is as good as one of its own */
    tw__ledger_fini(&ledger);
}

static void another_checksum_of_a_known_tile_is_noticed_and_not_taken(void **state)
{
    struct tw__ledger ledger;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_true(tw__ledger_take(&ledger, 5, 50));
    assert_false(tw__ledger_take(&ledger, 5, 51));
    assert_int_equal(ledger.sums[5], 50);
    assert_int_equal(ledger.done, 1);
    tw__ledger_fini(&ledger);
}

static void a_dropped_tile_is_missing_again(void **state)
{
    struct tw__ledger ledger;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_true(tw__ledger_take(&ledger, 70, 1));
    tw__ledger_note(&ledger, 71, 1);
    tw__ledger_drop(&ledger, 70);
    tw__ledger_drop(&ledger, 71);
    tw__ledger_drop(&ledger, 72); /* was never done */
    assert_int_equal(ledger.done, 0);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(tw__ledger_missing(&ledger, 70), 70);
    assert_int_equal(tw__ledger_missing(&ledger, 71), 71);
    assert_false(tw__ledger_is_recorded(&ledger, 70));
    tw__ledger_fini(&ledger);
}

static void a_complete_ledger_lacks_no_tile_and_awaits_no_record(void **state)
{
    struct tw__ledger ledger;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_true(tw__ledger_take(&ledger, 70, 1));
    tw__ledger_complete(&ledger);
    assert_int_equal(ledger.done, TILES);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(tw__ledger_missing(&ledger, 0), TILES);
    assert_false(tw__ledger_has(&ledger, TILES));
    tw__ledger_fini(&ledger);
}

static void a_tile_that_nobody_needs_awaits_no_record(void **state)
{
    struct tw__ledger ledger;
    uint64_t first;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, 3, NULL), TW_OK);
    tw__ledger_note(&ledger, 0, 1);
    tw__ledger_spare(&ledger, 0); /* it is done already, and its record is still to be written */
    tw__ledger_spare(&ledger, 1);
    tw__ledger_spare(&ledger, 1);
    assert_int_equal(ledger.done, 2);
    assert_int_equal(ledger.pending, 1);
    assert_int_equal(tw__ledger_missing(&ledger, 0), 2);
    assert_int_equal(tw__ledger_unrecorded(&ledger, 0, 3, &first), 1);
    assert_int_equal(first, 0);
    assert_int_equal(tw__ledger_unrecorded(&ledger, 1, 3, &first), 0);
    tw__ledger_fini(&ledger);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_missing_tiles_are_those_that_nobody_noted),
        cmocka_unit_test(each_tile_that_awaits_its_record_is_given_once),
        cmocka_unit_test(a_tile_that_two_journals_have_counts_once),
        cmocka_unit_test(another_checksum_of_a_known_tile_is_noticed_and_not_taken),
        cmocka_unit_test(a_dropped_tile_is_missing_again),
        cmocka_unit_test(a_complete_ledger_lacks_no_tile_and_awaits_no_record),
        cmocka_unit_test(a_tile_that_nobody_needs_awaits_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
