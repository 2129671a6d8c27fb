/* How the places of a reduction are cut: into nodes of the tree over its length, and merged in the tree's order. */
#include "harness.h"

#include <inttypes.h>

#include "grid/fold.h"
#include "notation/steps/nodes.h"

static void expect_nodes(const struct tw__nodes *nodes, int64_t count, const int64_t *edges, const int *merges)
{
    assert_int_equal(nodes->count, count);
    for (int64_t p = 0; p < count; p++) {
        assert_int_equal(nodes->edges[p], edges[p]);
        assert_int_equal(nodes->edges[p + 1], edges[p + 1]);
        assert_int_equal(nodes->merges[p], merges[p]);
    }
}

static void nodes_of_one_depth_are_all_there(void **state)
{
    (void)state;
    struct tw__nodes nodes;
    tw_error error;
    assert_int_equal(tw__nodes_of_depth(&nodes, 1000, 2, &error), TW_OK);
    expect_nodes(&nodes, 4, (int64_t[]){0, 248, 496, 744, 1000}, (int[]){0, 1, 0, 2});
    tw__nodes_fini(&nodes);
    assert_int_equal(tw__nodes_of_depth(&nodes, 300, 5, &error), TW_OK); /* 0..144 is 0..72 and 72..144: leaves */
    expect_nodes(&nodes, 4, (int64_t[]){0, 72, 144, 216, 300}, (int[]){0, 1, 0, 2});
    tw__nodes_fini(&nodes);
    assert_int_equal(tw__nodes_of_depth(&nodes, 128, 3, &error), TW_OK);
    expect_nodes(&nodes, 1, (int64_t[]){0, 128}, (int[]){0});
    tw__nodes_fini(&nodes);
}

static void cuts_move_to_edges_near_by(void **state)
{
    (void)state;
    struct tw__nodes nodes;
    tw_error error;
    const struct tw__grid_axis half = {.length = 1000, .count = 2, .tile = 500};
    assert_int_equal(tw__nodes_of_cuts(&nodes, 1000, &half, 1, &error), TW_OK);
    expect_nodes(&nodes, 2, (int64_t[]){0, 496, 1000}, (int[]){0, 1});
    tw__nodes_fini(&nodes);
    /* 300 moves to 248, and 248..1000 is 248..496 and 496..1000. */
    const struct tw__grid_axis third = {.length = 1000, .count = 2, .cuts = (int64_t[]){300}};
    assert_int_equal(tw__nodes_of_cuts(&nodes, 1000, &third, 1, &error), TW_OK);
    expect_nodes(&nodes, 3, (int64_t[]){0, 248, 496, 1000}, (int[]){0, 1, 1});
    tw__nodes_fini(&nodes);
}

static void single_places_become_leaves(void **state)
{
    (void)state;
    struct tw__nodes nodes;
    tw_error error;
    const struct tw__grid_axis ones = {.length = 1000, .count = 1000, .tile = 1};
    assert_int_equal(tw__nodes_of_cuts(&nodes, 1000, &ones, 1, &error), TW_OK);
    expect_nodes(&nodes, 8, (int64_t[]){0, 120, 248, 368, 496, 616, 744, 872, 1000}, (int[]){0, 1, 0, 2, 0, 1, 0, 3});
    tw__nodes_fini(&nodes);
}

static void cuts_of_an_outer_axis_are_places(void **state)
{
    (void)state;
    struct tw__nodes nodes;
    tw_error error;
    const struct tw__grid_axis rows = {.length = 10, .count = 2, .tile = 5}; /* of 100 places each */
    assert_int_equal(tw__nodes_of_cuts(&nodes, 1000, &rows, 100, &error), TW_OK);
    expect_nodes(&nodes, 2, (int64_t[]){0, 496, 1000}, (int[]){0, 1});
    tw__nodes_fini(&nodes);
}

/* Whatever the cuts: the nodes cover all places once, each is one of the tree, and the merges make one of them. */
static void any_cuts_make_nodes_of_the_tree(void **state)
{
    (void)state;
    tw_error error;
    uint64_t seed = 1;
    for (int n = 0; n < 300; n++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const int64_t length = 1 + (int64_t)(seed >> 33) % 20000;
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const int64_t tile = 1 + (int64_t)(seed >> 33) % length;
        const struct tw__grid_axis cuts = {.length = length, .count = (length + tile - 1) / tile, .tile = tile};
        struct tw__nodes nodes;
        assert_int_equal(tw__nodes_of_cuts(&nodes, length, &cuts, 1, &error), TW_OK);
        int64_t depth = 0;
        assert_int_equal(nodes.edges[0], 0);
        assert_int_equal(nodes.edges[nodes.count], length);
        for (int64_t p = 0; p < nodes.count; p++) {
            struct tw__fold_node found[TW__FOLD_NODES];
            assert_int_equal(tw__fold_nodes(found, length, nodes.edges[p], nodes.edges[p + 1]), 1);
            assert_int_equal(found[0].stop - found[0].start, nodes.edges[p + 1] - nodes.edges[p]);
            depth += 1 - nodes.merges[p];
            assert_true(depth > 0);
        }
        assert_int_equal(depth, 1);
        tw__nodes_fini(&nodes);
    }
}

static void depth_has_as_many_nodes_as_asked_for(void **state)
{
    (void)state;
    assert_int_equal(tw__nodes_depth(1000000, 1), 0);
    assert_int_equal(tw__nodes_depth(1000000, 256), 8);
    assert_int_equal(tw__nodes_depth(1000000, 200), 8);
    assert_int_equal(tw__nodes_depth(128, 256), 0);
    assert_int_equal(tw__nodes_depth(300, 256), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_one_depth_are_all_there), cmocka_unit_test(cuts_move_to_edges_near_by),
        cmocka_unit_test(single_places_become_leaves),      cmocka_unit_test(cuts_of_an_outer_axis_are_places),
        cmocka_unit_test(any_cuts_make_nodes_of_the_tree),  cmocka_unit_test(depth_has_as_many_nodes_as_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
