/* test_typing.c - the typed tree: whose body a node is in, and what is one node. */
#include "settled.h"

static int count(const struct tw__program *program, enum tw__node_kind kind)
{
    int found = 0;
    for (int n = 0; n < program->nnodes; n++) {
        found += program->nodes[n].kind == kind;
    }
    return found;
}

/* A node is a child of nodes of its own body, and of the reduction that the body belongs to. */
static void every_body_belongs_to_its_reduction(void **state)
{
    static const char *const texts[] = {
        "r[i] = sum(k: a[i,k] * sum(l: b[k,l])) + sum(k: a[i,k])",
        "r[i] = mean(k: a[i,k] - mean(l: a[i,l])); s[] = max(i: x[i]); r[i] = r[i] / x[i]",
        "r[i] = sum(k: sum(l: sum(m: a[i,k] * b[l,m]) + x[l]) * sum(l: x[l]))",
    };
    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        tw_statement *statement = settled(texts[t], TW_FLOAT16);
        const struct tw__program *program = &statement->typed.program;
        for (int n = 0; n < program->nnodes; n++) {
            const struct tw__node *node = &program->nodes[n];
            for (int k = 0; k < node->nchildren; k++) {
                assert_int_equal(program->nodes[node->child[k]].scope, node->kind == TW__NODE_REDUCE ? n : node->scope);
            }
            assert_true(node->scope == -1 || program->nodes[node->scope].kind == TW__NODE_REDUCE);
        }
        for (int s = 0; s < program->nstatements; s++) {
            assert_int_equal(program->nodes[program->statements[s].value].scope, -1);
        }
        tw_statement_destroy(statement);
    }
}

static void the_same_in_one_body_is_one_node_and_in_two_it_is_two(void **state)
{
    static const struct {
        const char *text;
        int reads, operations;
    } cases[] = {
        {"r[i] = x[i] * y[i] + x[i] * y[i]", 2, 2},       {"r[i] = x[i] + sum(k: x[i])", 2, 1},
        {"r[i] = sum(k: a[i,k]) + sum(k: a[i,k])", 2, 1}, {"r[i] = sum(k: a[i,k] * a[i,k])", 1, 1},
        {"r[i] = u[i+1] + u[i+1] + u[i]", 2, 2},          {"r[i] = x[i] + 1; r[i] += x[i] + 1", 2, 2},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_statement *statement = settled(cases[k].text, TW_FLOAT64);
        assert_int_equal(count(&statement->typed.program, TW__NODE_READ), cases[k].reads);
        assert_int_equal(count(&statement->typed.program, TW__NODE_OPERATION), cases[k].operations);
        tw_statement_destroy(statement);
    }
}

static void a_reduction_does_not_change_along_its_own_axes(void **state)
{
    (void)state;
    tw_statement *statement = settled("r[i] = sum(k: a[i,k] * sum(l: b[k,l]))", TW_FLOAT64);
    const struct tw__program *program = &statement->typed.program;
    int found = 0;
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (node->kind == TW__NODE_REDUCE) {
            assert_true(node->axes == (node->scope < 0 ? 1 : 2)); /* along i; within, along k */
            found++;
        }
    }
    assert_int_equal(found, 2);
    tw_statement_destroy(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_belongs_to_its_reduction),
        cmocka_unit_test(the_same_in_one_body_is_one_node_and_in_two_it_is_two),
        cmocka_unit_test(a_reduction_does_not_change_along_its_own_axes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
