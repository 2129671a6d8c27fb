/* test_estimate.c - what a statement costs, in all. */
#include "settled.h"

#include <string.h>

#include "notation/estimate.h"

enum { NI = 40, NJ = 30, NK = 20 };

/* The work of a text over i, j, k of these lengths, whose inputs are all of one dtype. */
static tw_work work_of(const char *text, tw_kind kind)
{
    tw_statement *statement = settled(text, kind);
    const tw_signature *signature = tw_statement_signature(statement);
    tw_view views[TW_MAX_OPERANDS] = {{0}};
    const tw_view *operands[TW_MAX_OPERANDS] = {NULL};
    int64_t lengths[8] = {0};
    tw_work work = {0};
    tw_error error = {.message = ""};
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        views[k] = (tw_view){.dtype = tw_statement_dtype(statement, k), .ndim = tw_signature_ndim(signature, k)};
        for (int d = 0; d < views[k].ndim; d++) {
            const char axis = tw_signature_axis(signature, tw_signature_operand_axis(signature, k, d))[0];
            views[k].shape[d] = axis == 'i' ? NI : axis == 'j' ? NJ : axis == 'k' ? NK : 100;
            views[k].strides[d] = 8;
        }
        operands[k] = tw_signature_role(signature, k) == TW_OUT ? NULL : &views[k];
    }
    if (tw_statement_bind(statement, operands, NULL, 0, lengths, &error) != TW_OK ||
        tw_statement_work(statement, lengths, &work, &error) != TW_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    tw_statement_destroy(statement);
    return work;
}

static void operations_and_bytes_are_those_of_the_whole_statement(void **state)
{
    static const struct {
        const char *text;
        tw_kind kind;
        double elements, operations, read, written;
    } cases[] = {
        {"r[i,j] = y[i] * x[j]", TW_FLOAT64, NI * NJ, NI * NJ, 8 * (NI + NJ), 8 * NI * NJ},
        {"r[i,j] = y[i] * x[j]", TW_FLOAT32, NI * NJ, NI * NJ, 4 * (NI + NJ), 4 * NI * NJ},
        {"r[i,j] = exp(y[i]) * x[j]", TW_FLOAT64, NI * NJ, NI + NI * NJ, 8 * (NI + NJ), 8 * NI * NJ},
        {"c[i,j] = sum(k: a[i,k] * b[k,j])", TW_FLOAT64, NI * NJ, 2 * NI * NJ * NK, 8 * NK * (NI + NJ), 8 * NI * NJ},
        /* The sum does not change with i: it is counted once. */
        {"r[i] = x[i] / sum(k: y[k])", TW_FLOAT64, NI, NI + NK, 8 * (NI + NK), 8 * NI},
        {"s[] = sum(i,j: a[i,j])", TW_FLOAT64, 1, NI * NJ, 8 * NI * NJ, 8},
        {"t[i] = y[i] + 1; r[i,j] = t[i] * x[j]", TW_FLOAT64, NI, NI + NI * NJ, 8 * (NI + NJ), 8 * (NI + NI * NJ)},
        {"r[i] += y[i]", TW_FLOAT64, NI, NI, 16 * NI, 8 * NI},
        {"r[i] = u[2*i] + y[i]", TW_FLOAT64, NI, NI, 8 * (100 + NI), 8 * NI}, /* u is whole for every tile */
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_work work = work_of(cases[k].text, cases[k].kind);
        if (work.elements != cases[k].elements || work.operations != cases[k].operations ||
            work.bytes_read != cases[k].read || work.bytes_written != cases[k].written) {
            fail_msg("%s: %g elements, %g operations, %g bytes read, %g written", cases[k].text, work.elements,
                     work.operations, work.bytes_read, work.bytes_written);
        }
        assert_true(work.nanoseconds > 0);
        assert_true(work.work * work.elements > 0.999 * work.nanoseconds);
        assert_true(work.work * work.elements < 1.001 * work.nanoseconds);
    }
}

/* What is dearer by far on every machine is dearer in the estimate. */
static void dear_statements_cost_more(void **state)
{
    static const struct {
        const char *cheap, *dear;
        double times;
    } cases[] = {
        {"r[i] = y[i] + 1", "r[i] = exp(y[i])", 3},
        {"r[i] = exp(y[i])", "r[i] = gamma(y[i])", 5},
        {"r[i] = y[i] ** 2", "r[i] = y[i] ** 2.7", 10}, /* a multiplication */
        {"r[i] = y[i] ** 0.5", "r[i] = y[i] ** 0.7", 5},
        {"r[i,j] = a[i,j] + 1", "r[i,j] = a[i,j] % 3", 5},
        {"r[i,j] = a[i,j] + 1", "r[i,j] = a[j,i] + 1", 1.5},
        {"r[i,j] = exp(y[i]) * x[j]", "r[i,j] = exp(y[i] * x[j])", 3},
        {"s[i] = sum(j: a[i,j])", "s[i,j] = sum(k: a[i,j] * b[k,j])", 5},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const double cheap = work_of(cases[k].cheap, TW_FLOAT64).nanoseconds;
        const double dear = work_of(cases[k].dear, TW_FLOAT64).nanoseconds;
        if (dear < cases[k].times * cheap) {
            fail_msg("%s: %g ns, %s: %g ns", cases[k].cheap, cheap, cases[k].dear, dear);
        }
    }
    assert_true(work_of("r[i] = exp(y[i])", TW_COMPLEX128).nanoseconds >
                5 * work_of("r[i] = exp(y[i])", TW_FLOAT64).nanoseconds);
}

static void a_statement_that_is_not_bound_has_no_work_yet(void **state)
{
    (void)state;
    tw_statement *statement = settled("r[i] = y[i]", TW_FLOAT64);
    const int64_t length = 3;
    tw_work work = {.work = 7};
    tw_error error = {.message = ""};
    assert_int_equal(tw_statement_work(statement, &length, &work, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "not bound"));
    assert_true(work.work == 7);
    tw_statement_destroy(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_and_bytes_are_those_of_the_whole_statement),
        cmocka_unit_test(dear_statements_cost_more),
        cmocka_unit_test(a_statement_that_is_not_bound_has_no_work_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
