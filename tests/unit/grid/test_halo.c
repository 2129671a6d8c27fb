/* test_halo.c - halos in signatures and grids: how they are written, which edges they need, how axes are divided. */
#include "harness.h"

#include <string.h>

#include "grid/grid.h"
#include "grid/halo.h"
#include "grids.h"
#include "refusals.h"

static void a_halo_is_read_as_it_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t low, high;
        const char *again; /* NULL: as it was written */
    } cases[] = {
        {"u[i-1..i+1] -> v[i]", -1, 1, NULL},
        {"u[i..i+2] -> v[i]", 0, 2, NULL},
        {"u[i-3..i-1] -> v[i]", -3, -1, NULL},
        {"u[i-3..i] -> v[i]", -3, 0, NULL},
        {"u[i+1] -> v[i]", 1, 1, NULL},
        {"u[i..i] -> v[i]", 0, 0, "u[i] -> v[i]"},
        {"u[i-0] -> v[i]", 0, 0, "u[i] -> v[i]"},
        {" u [ i - 1 .. i + 1 ] -> v[i]", -1, 1, "u[i-1..i+1] -> v[i]"},
        {"u[i-2147483647..i+2147483647] -> v[i]", -INT32_MAX, INT32_MAX, NULL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_signature *s = parse(cases[k].text);
        int64_t low = 7, high = 7;
        const int has = tw_signature_halo(s, 0, 0, &low, &high);
        char text[128];
        assert_int_equal(low, cases[k].low);
        assert_int_equal(high, cases[k].high);
        assert_int_equal(has, low != 0 || high != 0);
        assert_int_equal(tw_signature_operands(s, &(int){0})[0].has_halo, has);
        assert_int_equal(tw_signature_halo(s, 1, 0, &low, &high), 0);
        tw_signature_text(s, NULL, text, sizeof text);
        assert_string_equal(text, cases[k].again != NULL ? cases[k].again : cases[k].text);
        tw_signature_destroy(s);
    }
}

static void operands_keep_their_halos_when_others_move(void **state)
{
    (void)state;
    tw_signature *s = parse("w[i,j], u[j-1..j,i+2], x[i..i+5] -> r[j,i], w[i,j]");
    int64_t low, high;
    const int u = tw_signature_find_operand(s, "u"), x = tw_signature_find_operand(s, "x");
    assert_int_equal(tw_signature_halo(s, u, 0, &low, &high), 1);
    assert_true(low == -1 && high == 0);
    assert_int_equal(tw_signature_halo(s, u, 1, &low, &high), 1);
    assert_true(low == 2 && high == 2);
    assert_int_equal(tw_signature_halo(s, x, 0, &low, &high), 1);
    assert_true(low == 0 && high == 5);
    assert_int_equal(tw_signature_halo(s, tw_signature_find_operand(s, "w"), 0, &low, &high), 0);
    assert_int_equal(tw__halo_width(s, tw_signature_find_axis(s, "i")), 5);
    assert_int_equal(tw__halo_width(s, tw_signature_find_axis(s, "j")), 1);
    tw_signature_destroy(s);
}

static void says_where_a_halo_is_wrong(void **state)
{
    (void)state;
    static const struct wrong_text wrong[] = {
        {"u[i-] -> v[i]", 5, "signature: expected a number after '-' at column 5: 'u[i-] -> v[i]'"},
        {"u[i+ x] -> v[i]", 5, "expected a number after '+'"},
        {"u[i-1..] -> v[i]", 8, "expected the axis's name again, as in i-1..i+1,"},
        {"u[i-1..1] -> v[i]", 8, "expected the axis's name again"},
        {"u[i-1..j+1] -> v[i,j]", 8, "a halo of axis i that ends with axis j"},
        {"u[i+1..i-1] -> v[i]", 3, "a halo of axis i that ends before it begins"},
        {"u[i-1:i+1] -> v[i]", 6, "':' in an index, and a halo is written i-1..i+1, both ends included,"},
        {"u[i:i+1] -> v[i]", 4, "':' in an index"},
        {"u[i-2147483648..i] -> v[i]", 5, "an offset past 2147483647"},
        {"u[i-99999999999999999999..i] -> v[i]", 5, "an offset past 2147483647"},
        {"u[i] -> v[i-1..i+1]", 11, "a halo on the output v, of which a tile writes its own part alone,"},
        {"u[i-1..i+1] -> u[i]", 16, "u, which is read with a halo, is written too"},
        {"u[i] -> u[i-1..i+1]", 11, "a halo on the output u"},
        {"u[2*i] -> v[i]", 3, "expected an axis's name or ']'"},
        {"u[i*2] -> v[i]", 4, "expected ']' or ','"},
        {"u[i-1 i+1] -> v[i]", 6, "expected ']' or ','"},
        {"u[i-> v[i]", 4, "expected ']' or ','"},
        {"u[i-1..i+1,i] -> v[i]", 12, "axis i stands twice in u"},
    };
    refuses_each(wrong, sizeof wrong / sizeof wrong[0]);
}

static tw_status create(const char *text, const int64_t *lengths, const tw_axis_edge *edges, size_t nedges,
                        tw_error *error)
{
    tw_signature *signature = parse(text);
    tw_grid *grid = NULL;
    const tw_status status =
        tw_grid_create(&grid, signature, lengths, &(tw_grid_options){.edges = edges, .nedges = nedges}, error);
    tw_signature_destroy(signature);
    tw_grid_destroy(grid);
    return status;
}

static void a_halo_needs_an_edge(void **state)
{
    (void)state;
    const int64_t lengths[] = {10, 20}, empty[] = {0, 20}, whole[] = {0};
    const tw_axis_edge wrap = {.axis = "i", .edge = TW_EDGE_WRAP}, error_edge = {.axis = "i"},
                       other = {.axis = "k", .edge = TW_EDGE_WRAP}, all = {.edge = TW_EDGE_MIRROR},
                       zero = {.edge = TW_EDGE_ZERO}, two[] = {wrap, wrap}, both[] = {all, all},
                       strange = {.axis = "i", .edge = (tw_edge)99};
    static const char plain[] = "u[i-1..i+2,j] -> v[i,j]", corners[] = "u[i-1..i+2,j+1] -> v[i,j]",
                      sum[] = "u[i-1..i+1] -> s[]";
    const struct {
        const char *text;
        const int64_t *lengths;
        const tw_axis_edge *edges;
        size_t nedges;
        const char *message; /* NULL: it is a grid */
    } cases[] = {
        {plain, lengths, &wrap, 1, NULL},
        {corners, lengths, &all, 1, NULL},
        {plain, lengths, NULL, 0,
         "u[i-1..i+2,j] is read outside of itself: along axis i, of length 10, from index -1 to 11; say what is read "
         "there: --edge i=reflect, edges={\"i\": \"reflect\"} in Python, tw_grid_options.edges in C (or clamp, wrap, "
         "zero, mirror, constant=x)"},
        {plain, lengths, &error_edge, 1, "u[i-1..i+2,j] is read outside of itself"},
        {corners, lengths, &wrap, 1, "along axis j, of length 20, from index 1 to 20"},
        {plain, lengths, &other, 1, "no axis 'k' in the signature, which has i, j"},
        {plain, lengths, two, 2, "axis i has two edges: give one"},
        {plain, lengths, both, 2, "two edges are given for all axes"},
        {plain, lengths, &strange, 1, "edge number 0 is 99, which is not an edge"},
        {plain, lengths, NULL, 1, "1 axes should have an edge, but no edges are given"},
        {"u[i..i,j] -> v[i,j]", lengths, &wrap, 1, NULL}, /* a radius of 0 */
        {"u[i,j] -> v[i,j]", lengths, &wrap, 1, "no input of the signature has a halo: write one as u[i-1..i+1]"},
        {plain, empty, NULL, 0, NULL}, /* there is no tile */
        {sum, whole, &all, 1,
         "axis i has length 0, so the halo of u[i-1..i+1] finds no element there; the edges zero and constant=x read "
         "none"},
        {sum, whole, &zero, 1, NULL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_error error = {0};
        const tw_status status = create(cases[k].text, cases[k].lengths, cases[k].edges, cases[k].nedges, &error);
        assert_int_equal(status, cases[k].message != NULL ? TW_ERROR_ARGUMENT : TW_OK);
        if (cases[k].message != NULL && strstr(error.message, cases[k].message) == NULL) {
            fail_msg("%s", error.message);
        }
    }
}

static void tiles_and_steps_say_their_halos(void **state)
{
    (void)state;
    const int64_t lengths[] = {30, 7};
    const tw_split split = {.axis = "i", .tile = 10};
    const tw_axis_edge edge = {.edge = TW_EDGE_CLAMP};
    tw_grid *grid = grid_with("u[j,i-1..i+2] -> v[i,j]", lengths,
                              &(tw_grid_options){.splits = &split, .nsplits = 1, .edges = &edge, .nedges = 1});
    char text[128];
    tw_grid_tile_text(grid, 1, text, sizeof text);
    assert_string_equal(text, "u[0:7,9:22] -> v[10:20,0:7] (10 x 7)");
    tw_grid_tile_text(grid, 0, text, sizeof text);
    assert_string_equal(text, "u[0:7,-1:12] -> v[0:10,0:7] (10 x 7)");
    tw_grid_step_text(grid, 0, text, sizeof text);
    assert_string_equal(text, "u[j,i-1..i+2] -> v[i,j] (3 tiles: i in 3)");
    tw_grid_destroy(grid);
}

/* Automatic tiles of float64, as "16 x 16". */
static void tiles_read_little_more_than_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t lengths[3];
        int64_t itemsize, tiles[3];
    } cases[] = {
        {"u[i-4..i+4,j-4..j+4] -> v[i,j]", {8000, 8000}, 4, {16, 16}},
        {"u[i-4..i+4,j-4..j+4] -> v[i,j]", {1000, 1000}, 8, {6, 6}},
        {"u[i-4..i+4,j-4..j+4] -> v[i,j]", {100, 100}, 8, {4, 4}},
        {"u[i-1..i+1,j-1..j+1] -> v[i,j]", {8000, 8000}, 4, {256, 1}},
        {"u[i-4..i+4,j] -> v[i,j]", {100, 8000}, 8, {1, 256}},
        {"u[n,i-4..i+4,j-4..j+4] -> v[n,i,j]", {300, 50, 50}, 8, {256, 1, 1}},
        {"u[i-1..i+1] -> v[i]", {1000000}, 8, {256}},
    };
    const tw_axis_edge edge = {.edge = TW_EDGE_REFLECT};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int64_t itemsizes[] = {cases[k].itemsize, cases[k].itemsize};
        tw_grid *grid = grid_with(cases[k].text, cases[k].lengths,
                                  &(tw_grid_options){.itemsizes = itemsizes, .edges = &edge, .nedges = 1});
        for (int a = 0; a < grid->naxes; a++) {
            if (tw_grid_axis_tiles(grid, a) != cases[k].tiles[a]) {
                fail_msg("%s: axis %d in %lld", cases[k].text, a, (long long)tw_grid_axis_tiles(grid, a));
            }
        }
        tw_grid_destroy(grid);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_halo_is_read_as_it_is_written), cmocka_unit_test(operands_keep_their_halos_when_others_move),
        cmocka_unit_test(says_where_a_halo_is_wrong),      cmocka_unit_test(a_halo_needs_an_edge),
        cmocka_unit_test(tiles_and_steps_say_their_halos), cmocka_unit_test(tiles_read_little_more_than_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
