/* What a plan says of several nodes, of jobs that can be counted by hand. */
#include "harness.h"
#include "scratch.h"

#include <string.h>

#include <tilework/tilework.h>

static int nothing(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

/* Plans a kernel of this signature on so many nodes, with float64 operands, two workers and the lengths and tiles of
 * its axes in the order of the signature; tile 0: whole. */
static void make(tw_plan *plan, const struct scratch *scratch, const char *text, const int64_t *lengths,
                 const int64_t *tiles, int64_t nodes)
{
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_array *arrays[TW_MAX_OPERANDS] = {0};
    tw_dtype dtypes[TW_MAX_OPERANDS];
    tw_split splits[8];
    size_t nsplits = 0;
    assert_int_equal(tw_signature_parse(&signature, text, NULL), TW_OK);
    for (int a = 0; a < tw_signature_naxes(signature); a++) {
        splits[a] = (tw_split){.axis = tw_signature_axis(signature, a), .tile = tiles[a]};
        nsplits++;
    }
    const tw_grid_options options = {.splits = splits, .nsplits = nsplits};
    assert_int_equal(tw_grid_create(&grid, signature, lengths, &options, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, nothing, NULL, 0, NULL), TW_OK);
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        int64_t shape[TW_MAX_DIMS];
        dtypes[k] = tw_dtype_of(TW_FLOAT64);
        for (int d = 0; d < tw_signature_ndim(signature, k); d++) {
            shape[d] = lengths[tw_signature_operand_axis(signature, k, d)];
        }
        if (tw_signature_role(signature, k) != TW_OUT) {
            assert_int_equal(
                tw_array_create(&arrays[k], NULL, &dtypes[k], tw_signature_ndim(signature, k), shape, NULL), TW_OK);
        }
    }
    const tw_plan_options how = {.workers = 2,
                                 .no_run = 1,
                                 .files = 1,
                                 .folder = scratch->path,
                                 .bandwidth = {.cache = scratch->path},
                                 .nodes = nodes};
    assert_int_equal(tw_plan_make(plan, kernel, grid, arrays, dtypes, &how, NULL), TW_OK);
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        tw_array_destroy(arrays[k]);
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
}

static void a_plan_without_nodes_has_no_part_about_them(void **state)
{
    tw_plan plan;
    make(&plan, *state, "x[i] -> r[i]", (int64_t[]){100}, (int64_t[]){10}, 0);
    assert_int_equal(plan.on_nodes.nodes, 0);
    assert_string_equal(plan.on_nodes.sbatch, "");
}

static void rows_are_read_by_one_node_each(void **state)
{
    tw_plan plan;
    make(&plan, *state, "a[i,j] -> r[i]", (int64_t[]){1000, 100}, (int64_t[]){10, 100}, 4);
    const tw_node_plan *made = &plan.on_nodes;
    assert_true(made->nodes == 4 && made->tiles == 25 && made->workers == 2);
    assert_true(made->bytes_read == 1000 * 100 * 8 && made->node_read == 250 * 100 * 8);
    assert_true(made->bytes_written == 1000 * 8 && made->node_written == 250 * 8);
    assert_true(made->node_memory == 2 * (10 * 100 + 10) * 8);
    assert_string_equal(made->whole, "a along dimension 1");
    assert_non_null(strstr(made->cuts, "a tile of r is 1 piece of 80 bytes"));
    assert_string_equal(made->sbatch, "sbatch --array=0-3 --requeue --cpus-per-task=2 --mem=1G");
}

/* Each node reads its rows of a, all of b, and what it needs of both does not depend on how many nodes there are. */
static void an_input_that_all_tiles_need_is_read_by_every_node(void **state)
{
    tw_plan plan;
    make(&plan, *state, "a[i,k], b[k,j] -> c[i,j]", (int64_t[]){800, 60, 50}, (int64_t[]){10, 60, 50}, 8);
    const tw_node_plan *made = &plan.on_nodes;
    assert_true(made->bytes_read == 800 * 50 * 8 + 8 * 50 * 60 * 8);
    assert_true(made->node_read == 100 * 50 * 8 + 50 * 60 * 8);
    assert_true(made->node_memory == 50 * 60 * 8 + 2 * (10 * 50 + 10 * 60) * 8);
    assert_string_equal(made->whole, "a along dimension 1; all of b (23.4 KiB)");
}

static void shares_that_begin_inside_of_a_row_of_tiles_are_boxes(void **state)
{
    tw_plan plan;
    /* 2 x 4 tiles of 50 x 25: node 0 of 4 has tiles 0 and 1, that is rows 0 to 50 and columns 0 to 50 */
    make(&plan, *state, "a[i,j] -> r[i,j]", (int64_t[]){100, 100}, (int64_t[]){50, 25}, 4);
    assert_true(plan.on_nodes.node_read == 50 * 50 * 8 && plan.on_nodes.bytes_read == 100 * 100 * 8);
    assert_non_null(strstr(plan.on_nodes.cuts, "a tile of r is 50 pieces of 200 bytes"));
    assert_string_equal(plan.on_nodes.whole, "");
}

static void a_halo_is_read_by_two_nodes(void **state)
{
    tw_signature *signature;
    tw_plan plan;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_array *u;
    const struct scratch *scratch = *state;
    const int64_t length = 100;
    const tw_split split = {.axis = "i", .tile = 10};
    const tw_axis_edge edge = {.axis = "i", .edge = TW_EDGE_CLAMP};
    const tw_grid_options options = {.splits = &split, .nsplits = 1, .edges = &edge, .nedges = 1};
    const tw_dtype dtypes[] = {tw_dtype_of(TW_FLOAT64), tw_dtype_of(TW_FLOAT64)};
    assert_int_equal(tw_signature_parse(&signature, "u[i-2..i+1] -> v[i]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, &length, &options, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, nothing, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_array_create(&u, NULL, &dtypes[0], 1, &length, NULL), TW_OK);
    const tw_plan_options how = {
        .no_run = 1, .folder = scratch->path, .bandwidth = {.cache = scratch->path}, .nodes = 2};
    assert_int_equal(tw_plan_make(&plan, kernel, grid, (tw_array *[]){u, NULL}, dtypes, &how, NULL), TW_OK);
    assert_true(plan.on_nodes.bytes_read == (51 + 52) * 8 && plan.on_nodes.node_read == 52 * 8);
    tw_array_destroy(u);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
}

static void too_few_tiles_are_said(void **state)
{
    tw_plan plan;
    make(&plan, *state, "x[i] -> r[i]", (int64_t[]){100}, (int64_t[]){10}, 64);
    assert_string_equal(plan.on_nodes.advice,
                        "too few tiles: 10 for 128 workers; 5 nodes are enough, or cut more tiles");
    assert_true(plan.on_nodes.tiles == 1);
}

static void numbers_of_nodes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_plan plan;
    tw_error error;
    const int64_t length = 10;
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *none = NULL;
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, &length, NULL, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, nothing, NULL, 0, NULL), TW_OK);
    for (int k = 0; k < 2; k++) {
        const tw_plan_options how = {.no_run = 1, .nodes = k == 0 ? -1 : INT64_C(1000000001)};
        assert_int_equal(tw_plan_make(&plan, kernel, grid, &none, &dtype, &how, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, k == 0 ? "-1 nodes: a job has 1 to 1000000000"
                                                  : "1000000001 nodes: a job has 1 to 1000000000");
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plan_without_nodes_has_no_part_about_them, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(rows_are_read_by_one_node_each, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(an_input_that_all_tiles_need_is_read_by_every_node, scratch_open,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(shares_that_begin_inside_of_a_row_of_tiles_are_boxes, scratch_open,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(a_halo_is_read_by_two_nodes, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(too_few_tiles_are_said, scratch_open, scratch_close),
        cmocka_unit_test(numbers_of_nodes_that_cannot_be_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
