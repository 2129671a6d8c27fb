/* test_movement.c - how a READ moves through memory along an axis: in steps of one size, past an edge, or anyhow. */
#include "harness.h"

#include "notation/loop/movement.h"
#include "notation/notation.h"

/* The typed tree of a statement whose inputs are float64 and clamp; the caller destroys it. */
static tw_statement *typed(const char *text)
{
    const tw_axis_edge edge = {.axis = NULL, .edge = TW_EDGE_CLAMP};
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    tw_statement *statement;
    tw_error error;
    if (tw_statement_parse(&statement, text, &(tw_statement_options){.edges = &edge, .nedges = 1}, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    const tw_signature *signature = tw_statement_signature(statement);
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        if (tw_signature_role(signature, k) != TW_OUT) {
            dtypes[k] = tw_dtype_of(TW_FLOAT64);
        }
    }
    if (tw_statement_types(statement, dtypes, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    return statement;
}

/* The first node of a kind. */
static int find(const struct tw__program *program, enum tw__node_kind kind)
{
    int n = 0;
    while (n < program->nnodes && program->nodes[n].kind != kind) {
        n++;
    }
    assert_in_range(n, 0, program->nnodes - 1);
    return n;
}

/* Axes in the order of the text: i is 0, j is 1. */
static void reads_move_as_worked_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int axis;
        enum tw__movement movement;
        int edge, limits, near;
    } cases[] = {
        {"r[i,j] = u[i,j]", 1, TW__MOVE_LINEAR, -1, 0, 1},
        {"r[i,j] = u[i,j]", 0, TW__MOVE_LINEAR, -1, 0, 0},
        {"r[i,j] = u[j,i]", 1, TW__MOVE_LINEAR, -1, 0, 0},
        {"r[i,j] = u[i-1,j]", 1, TW__MOVE_LINEAR, -1, 0, 1}, /* the edge is the same for the whole row */
        {"r[i,j] = u[i-1,j]", 0, TW__MOVE_EDGE, 0, 1, 0},
        {"r[i,j] = u[i,j+1]", 1, TW__MOVE_EDGE, 1, 1, 1},
        {"r[i,j] = u[i,2*j]", 1, TW__MOVE_EDGE, 1, 0, -1},
        {"r[i,j] = u[i,7-j]", 1, TW__MOVE_EDGE, 1, 0, -1},
        {"r[i,j] = u[i+j,j]", 1, TW__MOVE_ANY, 0, 0, -1},
        {"r[i,j] = u[i,0] + j", 1, TW__MOVE_LINEAR, -1, 0, -1}, /* it stands still */
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_statement *statement = typed(cases[k].text);
        const struct tw__program *program = &statement->typed.program;
        const int read = find(program, TW__NODE_READ);
        assert_int_equal(tw__read_movement(program, read, cases[k].axis), cases[k].movement);
        assert_int_equal(tw__read_edge(program, read, cases[k].axis), cases[k].edge);
        assert_int_equal(tw__read_has_limits(program, read, cases[k].axis), cases[k].limits);
        assert_int_equal(tw__read_near(program, read, cases[k].axis), cases[k].near);
        tw_statement_destroy(statement);
    }
}

/* One step along j adds 2 - 2 to the index, which has the axis all the same. */
static void factors_of_one_axis_add_up(void **state)
{
    (void)state;
    const struct tw__index index = {
        .nterms = 3, .term = {{.axis = 1, .factor = 2}, {.axis = 0, .factor = 5}, {.axis = 1, .factor = -2}}};
    assert_int_equal(tw__index_factor(&index, 1), 0);
    assert_int_equal(tw__index_factor(&index, 0), 5);
    assert_int_equal(tw__index_factor(&index, 2), 0);
    assert_true(tw__index_uses(&index, 1));
    assert_false(tw__index_uses(&index, 2));
}

static void bodies_read_along_the_axis_of_their_last_dimensions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int along; /* j, rather than k */
    } cases[] = {
        {"r[i,j] = sum(k: a[k,j])", 1},
        {"r[i,j] = sum(k: a[j,k])", 0},
        {"r[i,j] = sum(k: a[k,j] * b[j,k])", 1}, /* as often */
        {"r[i,j] = sum(k: a[k,j] * b[j,k] * c[j,i,k])", 0},
        {"r[i,j] = sum(k: a[i,k])", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_statement *statement = typed(cases[k].text);
        const struct tw__program *program = &statement->typed.program;
        assert_int_equal(tw__body_reads_along(program, find(program, TW__NODE_REDUCE), 1), cases[k].along);
        assert_false(tw__body_reads_along(program, find(program, TW__NODE_REDUCE), -1));
        tw_statement_destroy(statement);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_move_as_worked_by_hand),
        cmocka_unit_test(factors_of_one_axis_add_up),
        cmocka_unit_test(bodies_read_along_the_axis_of_their_last_dimensions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
