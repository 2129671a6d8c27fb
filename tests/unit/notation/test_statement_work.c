/* test_statement_work.c - the work of statements as numbers. */
#include "settled.h"

#include <stdio.h>
#include <string.h>

#include "notation/statement_work.h"

enum { NONE = -1 };

/* The work of statement `number` of a text whose operands are all of one dtype. */
static tw_statement *settle(const char *text, tw_kind kind, int number, struct tw__work *work)
{
    tw_statement *statement = settled(text, kind);
    tw_error error = {.message = ""};
    assert_int_equal(tw__work_of(work, &statement->typed.program, number, &error), TW_OK);
    return statement;
}

static double amount(const struct tw__work *work, enum tw__work_kind kind, int code)
{
    static const int64_t lengths[TW__EXPR_AXES] = {3, 5, 100, 7};
    return tw__work_amount(work, kind, code, lengths);
}

static void a_product_of_matrices_has_two_flops_a_step(void **state)
{
    struct tw__work work;
    (void)state;
    tw_statement *statement = settle("c[i,j] = sum(k: a[i,k] * b[k,j])", TW_FLOAT64, 0, &work);
    assert_true(amount(&work, TW__WORK_READS, NONE) == 200);
    assert_true(amount(&work, TW__WORK_READ_BYTES, NONE) == 1600);
    assert_true(amount(&work, TW__WORK_FLOPS, NONE) == 200);
    assert_true(amount(&work, TW__WORK_OTHERS, NONE) == 0);
    assert_int_equal(work.write_bytes, 8);
    assert_true(work.element_axes == 3); /* i and j */
    tw__work_fini(&work);
    tw_statement_destroy(statement);
}

static void complex_and_whole_numbers_count_for_themselves(void **state)
{
    static const struct {
        const char *text;
        tw_kind kind;
        double flops, others;
    } cases[] = {
        {"r[i] = x[i] * y[i]", TW_COMPLEX64, 6, 0},
        {"r[i] = x[i] / y[i]", TW_COMPLEX128, 11, 0},
        {"r[i] = x[i] + y[i]", TW_COMPLEX64, 2, 0},
        {"r[i] = x[i] * y[i] - 1", TW_FLOAT32, 2, 0},
        {"r[i] = x[i] * y[i] - 1", TW_INT16, 0, 2},
        {"r[i] = x[i] < y[i]", TW_FLOAT64, 1, 0},
        {"s[] = sum(i: x[i])", TW_FLOAT32, 3, 0},
        {"s[] = sum(i: x[i])", TW_COMPLEX64, 6, 0},
        {"s[] = max(i, j: u[i,j] + u[j,i])", TW_INT8, 0, 30},
        {"r[i] = x[i]", TW_FLOAT64, 0, 0},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__work work;
        tw_statement *statement = settle(cases[k].text, cases[k].kind, 0, &work);
        assert_true(amount(&work, TW__WORK_FLOPS, NONE) == cases[k].flops);
        assert_true(amount(&work, TW__WORK_OTHERS, NONE) == cases[k].others);
        tw__work_fini(&work);
        tw_statement_destroy(statement);
    }
}

static void functions_are_counted_by_their_names(void **state)
{
    struct tw__work work;
    (void)state;
    tw_statement *statement =
        settle("r[i] = sin(x[i]) + sin(y[i]) * sqrt(x[i]); q[i] = sum(k: exp(a[i,k])) ** y[i]", TW_FLOAT64, 0, &work);
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_SIN) == 2);
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_SQRT) == 1);
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_EXP) == 0);
    assert_true(amount(&work, TW__WORK_FLOPS, NONE) == 2);
    assert_true(amount(&work, TW__WORK_READS, NONE) == 2); /* x[i] stands in the text twice */
    tw__work_fini(&work);
    tw_error error;
    assert_int_equal(tw__work_of(&work, &statement->typed.program, 1, &error), TW_OK);
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_EXP) == 5); /* len(k), the second axis */
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_POWER) == 1);
    assert_true(amount(&work, TW__WORK_CALLS, TW__OP_SIN) == 0);
    tw__work_fini(&work);
    tw_statement_destroy(statement);
}

/* The mean in a variance is one sum of its own, not one for each element that it is subtracted from. */
static void a_reduction_within_another_counts_as_often_as_it_is_computed(void **state)
{
    static const struct {
        const char *text;
        double reads, flops;
    } cases[] = {
        {"s[] = var(i: x[i])", 6, 3 + 9 + 2},     /* two passes over 3 elements: +; -, *, +; and two divisions */
        {"s[] = nanmean(i: x[i])", 6, 3 + 3 + 1}, /* a sum of choices; the count is one of whole numbers */
        {"s[] = sum(i: x[i] * max(j: u[i,j]))", 3 + 15, 15 + 6}, /* one that does change is computed each time */
        {"r[i] = sum(j: x[i] * y[j])", 1 + 5, 10},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__work work;
        tw_statement *statement = settle(cases[k].text, TW_FLOAT64, 0, &work);
        assert_true(amount(&work, TW__WORK_READS, NONE) == cases[k].reads);
        assert_true(amount(&work, TW__WORK_FLOPS, NONE) == cases[k].flops);
        tw__work_fini(&work);
        tw_statement_destroy(statement);
    }
}

/* 40 reductions over axes of their own: no term is left out. */
static void many_terms_are_all_counted(void **state)
{
    char text[4096] = "r[i] = x[i]";
    size_t used = strlen(text);
    struct tw__work work;
    int64_t lengths[TW__EXPR_AXES];
    (void)state;
    for (int k = 0; k < 40; k++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " + sum(k%d: a[i,k%d])", k, k);
    }
    for (int a = 0; a < TW__EXPR_AXES; a++) {
        lengths[a] = 2;
    }
    tw_statement *statement = settle(text, TW_FLOAT32, 0, &work);
    assert_true(tw__work_amount(&work, TW__WORK_READS, NONE, lengths) == 81);
    assert_true(tw__work_amount(&work, TW__WORK_FLOPS, NONE, lengths) == 120); /* 80 within the sums, 40 between them */
    tw__work_fini(&work);
    tw_statement_destroy(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_of_matrices_has_two_flops_a_step),
        cmocka_unit_test(complex_and_whole_numbers_count_for_themselves),
        cmocka_unit_test(functions_are_counted_by_their_names),
        cmocka_unit_test(a_reduction_within_another_counts_as_often_as_it_is_computed),
        cmocka_unit_test(many_terms_are_all_counted),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
