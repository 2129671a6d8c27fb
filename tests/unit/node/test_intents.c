/* test_intents.c - what a node says to the others that it is about to do: as long as its tiles are not recorded, nobody
 * may take them for untried, however many rounds that are. */
#include <tilework/tilework.h>

#include "scratch.h"

#include "node/member.h"
#include "node/portion.h"

enum { TILES = 4000 };

struct bench {
    struct tw__member member;
    uint64_t mine[TILES / 64 + 1], failed[TILES / 64 + 1];
};

static void begin(struct bench *bench, const struct scratch *scratch)
{
    struct tw__member *member = &bench->member;
    memset(bench, 0, sizeof *bench);
    member->mine = bench->mine;
    member->failed = bench->failed;
    member->is_coherent = 1;
    member->log.fd = -1;
    member->log.folder = open(scratch->path, O_RDONLY | O_DIRECTORY);
    assert_true(member->log.folder >= 0);
    tw__lock_init(&member->lock);
    assert_int_equal(tw__ledger_init(&member->ledger, TILES, NULL), TW_OK);
}

static void end(struct bench *bench)
{
    struct tw__member *member = &bench->member;
    tw__log_close(&member->log);
    close(member->log.folder);
    tw__ledger_fini(&member->ledger);
    tw__lock_fini(&member->lock);
    free(member->pending);
}

/* A round that was said, and done, and is not recorded. */
static void do_round(struct bench *bench, uint64_t first, uint64_t count)
{
    assert_int_equal(tw__member_intend(&bench->member, first, count), TW_OK);
    for (uint64_t tile = first; tile < first + count; tile++) {
        tw__member_note(&bench->member, tile, tile + 1);
    }
}

static int is_meant(const struct bench *bench, uint64_t tile)
{
    const struct tw__log_state *state = &bench->member.log.state;
    for (uint32_t n = 0; n < state->nintents; n++) {
        if (tile - state->intents[n].first < state->intents[n].count) {
            return 1;
        }
    }
    return 0;
}

static void rounds_that_are_neighbours_are_one_intent(void **state)
{
    struct bench bench;
    begin(&bench, *state);
    for (uint64_t round = 0; round < 100; round++) {
        do_round(&bench, 3 * round, 3);        /* its own, forwards */
        do_round(&bench, 3997 - 3 * round, 3); /* somebody else's, from the end */
    }
    assert_int_equal(bench.member.log.state.nintents, 2);
    for (uint64_t tile = 0; tile < TILES; tile++) {
        assert_int_equal(is_meant(&bench, tile), tile < 300 || tile >= 3700);
    }
    end(&bench);
}

static void what_is_recorded_is_no_intent_any_more(void **state)
{
    struct bench bench;
    begin(&bench, *state);
    do_round(&bench, 0, 10);
    do_round(&bench, 10, 10);
    for (uint64_t tile = 0; tile < 20; tile++) {
        assert_true(tw__ledger_take(&bench.member.ledger, tile, tile + 1));
    }
    do_round(&bench, 20, 10);
    assert_int_equal(bench.member.log.state.nintents, 1);
    assert_true(!is_meant(&bench, 19) && is_meant(&bench, 20) && is_meant(&bench, 29) && !is_meant(&bench, 30));
    end(&bench);
}

static void of_too_many_intents_the_newest_are_said(void **state)
{
    struct bench bench;
    begin(&bench, *state);
    for (uint64_t round = 0; round < TW__MOST_INTENTS + 5; round++) {
        do_round(&bench, 10 * round, 2);
    }
    assert_int_equal(bench.member.log.state.nintents, TW__MOST_INTENTS);
    assert_true(!is_meant(&bench, 40) && is_meant(&bench, 50) && is_meant(&bench, 10 * (TW__MOST_INTENTS + 4)));
    end(&bench);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds_that_are_neighbours_are_one_intent, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(what_is_recorded_is_no_intent_any_more, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(of_too_many_intents_the_newest_are_said, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
