/* test_fold.c - the tree of a reduction: NumPy's, whole, and with nodes for any interval. */
#include "harness.h"

#include "grid/fold.h"

static const int64_t lengths[] = {1, 7, 8, 127, 128, 129, 143, 144, 200, 255, 256, 257, 1000, 1024, 1025, 4099, 30011};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

/* Left children as NumPy 1.26 makes them: n2 = n / 2; n2 -= n2 % 8, for n above 128. */
static void halves_are_those_of_numpy(void **state)
{
    (void)state;
    static const int64_t left[][2] = {
        {0, 0},     {1, 0},      {128, 0},     {129, 64},      {143, 64},
        {144, 72},  {255, 120},  {256, 128},   {257, 128},     {1000, 496},
        {504, 248}, {1025, 512}, {4099, 2048}, {30011, 15000}, {INT64_MAX, INT64_MAX / 2 - 7}};
    for (size_t k = 0; k < sizeof left / sizeof left[0]; k++) {
        assert_int_equal(tw__fold_left(left[k][0]), left[k][1]);
    }
}

static void leaves_cover_all_elements_once_in_order(void **state)
{
    (void)state;
    for (int k = 0; k < LENGTHS; k++) {
        int64_t at = 0;
        while (at < lengths[k]) {
            const struct tw__fold_node leaf = tw__fold_leaf(lengths[k], at);
            assert_int_equal(leaf.start, at);
            assert_in_range(leaf.stop - leaf.start, 1, 128);
            assert_true(lengths[k] <= 128 || leaf.stop - leaf.start >= 64);
            const struct tw__fold_node same = tw__fold_leaf(lengths[k], leaf.stop - 1);
            assert_int_equal(same.start, leaf.start);
            assert_int_equal(same.stop, leaf.stop);
            at = leaf.stop;
        }
        assert_int_equal(at, lengths[k]);
    }
}

/* The leaves of 1000 elements, by hand. */
static void a_thousand_elements_have_eight_leaves(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, 120, 248, 368, 496, 616, 744, 872, 1000};
    for (int k = 0; k < 8; k++) {
        const struct tw__fold_node leaf = tw__fold_leaf(1000, starts[k] + 3);
        assert_int_equal(leaf.start, starts[k]);
        assert_int_equal(leaf.stop, starts[k + 1]);
    }
}

static int is_node(int64_t length, struct tw__fold_node wanted)
{
    struct tw__fold_node node = {.start = 0, .stop = length};
    while (node.start != wanted.start || node.stop != wanted.stop) {
        const int64_t left = tw__fold_left(node.stop - node.start);
        if (left == 0) {
            return 0;
        }
        if (wanted.start < node.start + left) {
            node.stop = node.start + left;
        } else {
            node.start += left;
        }
    }
    return 1;
}

static int is_edge(int64_t length, int64_t at)
{
    return at == 0 || at == length || tw__fold_leaf(length, at).start == at;
}

/* Of [start, stop) between any two edges: nodes, end to end, and no two of them are the children of one. */
static void an_interval_between_edges_is_covered_by_its_largest_nodes(void **state)
{
    (void)state;
    struct tw__fold_node nodes[TW__FOLD_NODES];
    const int64_t length = 4099;
    for (int64_t start = 0; start < length; start = tw__fold_leaf(length, start).stop) {
        for (int64_t stop = start; stop < length;) {
            stop = tw__fold_leaf(length, stop).stop;
            const int count = tw__fold_nodes(nodes, length, start, stop);
            int64_t at = start;
            for (int k = 0; k < count; k++) {
                assert_int_equal(nodes[k].start, at);
                assert_true(is_node(length, nodes[k]));
                if (k > 0) {
                    assert_false(is_node(length, (struct tw__fold_node){nodes[k - 1].start, nodes[k].stop}));
                }
                at = nodes[k].stop;
            }
            assert_int_equal(at, stop);
        }
    }
    assert_int_equal(tw__fold_nodes(nodes, length, 0, length), 1);
    assert_int_equal(tw__fold_nodes(nodes, length, 512, 512), 0);
    assert_int_equal(tw__fold_nodes(nodes, 0, 0, 0), 0);
}

/* 1000 elements from 100 to 900: the leaves 0..120 and 872..1000 are cut. */
static void elements_of_a_leaf_that_is_cut_are_in_no_node(void **state)
{
    (void)state;
    static const int64_t wanted[][2] = {{120, 248}, {248, 496}, {496, 744}, {744, 872}};
    struct tw__fold_node nodes[TW__FOLD_NODES];
    assert_int_equal(tw__fold_nodes(nodes, 1000, 100, 900), 4);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(nodes[k].start, wanted[k][0]);
        assert_int_equal(nodes[k].stop, wanted[k][1]);
    }
    assert_int_equal(tw__fold_nodes(nodes, 1000, 121, 247), 0);
}

static void the_longest_axis_has_few_nodes_in_any_interval(void **state)
{
    (void)state;
    struct tw__fold_node nodes[TW__FOLD_NODES];
    const int count = tw__fold_nodes(nodes, INT64_MAX, 1, INT64_MAX - 1);
    assert_in_range(count, 100, TW__FOLD_NODES);
    for (int k = 1; k < count; k++) {
        assert_int_equal(nodes[k].start, nodes[k - 1].stop);
    }
}

static void a_cut_moves_to_the_nearest_edge_of_a_leaf(void **state)
{
    (void)state;
    static const int64_t moved[][2] = {{0, 0},     {1, 0},     {60, 0},    {61, 120},   {120, 120},  {183, 120},
                                       {184, 120}, {185, 248}, {500, 496}, {999, 1000}, {1000, 1000}};
    for (size_t k = 0; k < sizeof moved / sizeof moved[0]; k++) {
        assert_int_equal(tw__fold_edge(1000, moved[k][0], 0), moved[k][1]);
    }
    for (int k = 0; k < LENGTHS; k++) {
        for (int64_t at = 0; at <= lengths[k]; at++) {
            const int64_t edge = tw__fold_edge(lengths[k], at, 0);
            assert_true(is_edge(lengths[k], edge));
            assert_true(edge == at || !is_edge(lengths[k], at));
            assert_in_range(edge, at < 64 ? 0 : at - 64, at + 64);
        }
    }
}

/* Fewer, larger nodes are worth a part that is a little longer. */
static void a_cut_with_slack_moves_to_the_edge_of_the_largest_node(void **state)
{
    (void)state;
    assert_int_equal(tw__fold_edge(1000, 368, 0), 368);
    assert_int_equal(tw__fold_edge(1000, 368, 100), 368);
    assert_int_equal(tw__fold_edge(1000, 368, 120), 248);
    assert_int_equal(tw__fold_edge(1000, 368, 128), 496);
    assert_int_equal(tw__fold_edge(1000, 30, 40), 0);
    assert_int_equal(tw__fold_edge(1000, 980, 40), 1000);
    assert_int_equal(tw__fold_edge(1000, 500, 5), 496);
    for (int64_t at = 0; at <= 4099; at++) {
        assert_true(is_edge(4099, tw__fold_edge(4099, at, 300)));
        assert_in_range(tw__fold_edge(4099, at, 300), at < 300 ? 0 : at - 300, at + 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_those_of_numpy),
        cmocka_unit_test(leaves_cover_all_elements_once_in_order),
        cmocka_unit_test(a_thousand_elements_have_eight_leaves),
        cmocka_unit_test(an_interval_between_edges_is_covered_by_its_largest_nodes),
        cmocka_unit_test(elements_of_a_leaf_that_is_cut_are_in_no_node),
        cmocka_unit_test(the_longest_axis_has_few_nodes_in_any_interval),
        cmocka_unit_test(a_cut_moves_to_the_nearest_edge_of_a_leaf),
        cmocka_unit_test(a_cut_with_slack_moves_to_the_edge_of_the_largest_node),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
