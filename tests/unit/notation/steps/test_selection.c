/* Which reductions of a statement list get steps of their own, and in which order, from the typed tree, the lengths and
 * an amount of work: no memory, no compiler. */
#include "settled.h"

#include <string.h>

#include "notation/steps/selection.h"

static const double millisecond = 1e6;

static struct tw__survey survey_of(const tw_statement *statement, const int64_t *lengths, double each)
{
    struct tw__survey survey;
    tw_error error;
    assert_int_equal(tw__survey_make(&survey, &statement->typed.program, lengths, &error), TW_OK);
    for (int r = 0; r < survey.count; r++) {
        survey.of[r].work = each;
    }
    survey.work = 2 * each;
    return survey;
}

/* "P0 M0 L0-1": parts and merges with the bits of their reductions, lists with the statements. */
static void expect_steps(const char *text, const int64_t *lengths, double each, int given, uint64_t cut,
                         const char *expected)
{
    char found[256] = "";
    struct tw__choice choice;
    tw_error error;
    tw_statement *statement = settled(text, TW_FLOAT64);
    const struct tw__survey survey = survey_of(statement, lengths, each);
    assert_int_equal(tw__choose_steps(&choice, &survey, given, cut, &error), TW_OK);
    for (int k = 0; k < choice.nsteps; k++) {
        const struct tw__planned *step = &choice.step[k];
        const size_t length = strlen(found);
        if (step->kind == TW__STEP_LIST) {
            snprintf(found + length, sizeof found - length, "%sL%d-%d", k > 0 ? " " : "", step->first, step->end);
        } else {
            snprintf(found + length, sizeof found - length, "%s%c%x", k > 0 ? " " : "",
                     step->kind == TW__STEP_PART ? 'P' : 'M', step->reductions);
        }
    }
    assert_string_equal(found, expected);
    tw_statement_destroy(statement);
}

/* Axes are numbered as the text mentions them first. */

static void results_that_are_few_are_computed_in_parts(void **state)
{
    (void)state;
    expect_steps("s[] = sum(i: x[i])", (int64_t[]){1000000}, millisecond, 0, 0, "P1 M1 L0-1");
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){3, 1000000}, millisecond, 0, 0, "P1 M1 L0-1");
}

static void results_that_are_many_are_not(void **state)
{
    (void)state;
    expect_steps("s[i] = sum(j: a[i,j])", (int64_t[]){1000, 1000}, millisecond, 0, 0, "L0-1");
    expect_steps("c[i,j] = sum(k: a[i,k] * b[k,j])", (int64_t[]){1000, 1000, 1000}, 100 * millisecond, 0, 0, "L0-1");
    expect_steps("r[i,j] = a[i,j] / sum(k: a[i,k])", (int64_t[]){1000, 50, 50}, millisecond, 0, 0, "L0-1");
}

/* Columns that are cut into strips of some lines of memory are read more slowly than whole rows. */
static void rows_stay_whole(void **state)
{
    (void)state;
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){6000, 4000}, millisecond, 0, 0, "P1 M1 L0-1");
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){10000, 1000}, millisecond, 0, 0, "L0-1"); /* too few leaves */
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){10000000, 3}, millisecond, 0, 0, "L0-1");
    expect_steps("c[i,j] = sum(k: a[i,k] * b[k,j])", (int64_t[]){20, 20, 100000}, 100 * millisecond, 0, 0,
                 "P1 M1 L0-1");
}

static void little_work_stays_where_it_is(void **state)
{
    (void)state;
    expect_steps("s[] = sum(i: x[i])", (int64_t[]){10000}, 1000, 0, 0, "L0-1");
    expect_steps("s[] = sum(i: x[i])", (int64_t[]){100}, millisecond, 0, 0, "L0-1"); /* one leaf */
}

static void what_many_tiles_need_is_computed_once(void **state)
{
    (void)state;
    expect_steps("r[i] = x[i] / sum(k: x[k])", (int64_t[]){1000000, 1000000}, millisecond, 0, 0, "P1 M1 L0-1");
    /* By rows, nothing of sum(k: a[i,k]) is computed twice. One of the two means needs a step. */
    expect_steps("r[i,j] = a[i,j] - sum(k: a[i,k]) - sum(l: a[l,j])", (int64_t[]){1000, 900, 900, 1000}, millisecond, 0,
                 0, "P2 M2 L0-1");
}

static void reductions_that_need_others_wait_for_them(void **state)
{
    (void)state;
    expect_steps("s[] = sum(i: (x[i] - sum(k: x[k])) ** 2)", (int64_t[]){1000000, 1000000}, millisecond, 0, 0,
                 "P1 M1 P2 M2 L0-1");
}

static void reductions_over_the_same_axes_go_together(void **state)
{
    (void)state;
    expect_steps("s[] = max(i: x[i]) - min(i: x[i])", (int64_t[]){1000000}, millisecond, 0, 0, "P3 M3 L0-1");
}

static void a_list_is_parted_where_a_reduction_reads_it(void **state)
{
    (void)state;
    expect_steps("t[i,j] = 2.0 * a[i,j]; s[i] = sum(j: t[i,j])", (int64_t[]){3, 1000000}, millisecond, 0, 0,
                 "L0-1 P1 M1 L1-2");
    expect_steps("s[] = sum(i: x[i]); r[k] = x[k] / s[]", (int64_t[]){1000000, 1000000}, millisecond, 0, 0,
                 "P1 M1 L0-1 L1-2");
}

static void the_users_cuts_are_made_whatever_the_work(void **state)
{
    (void)state;
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){1000, 1000}, 1, 1, 2, "P1 M1 L0-1");
    expect_steps("s[j] = sum(i: a[i,j])", (int64_t[]){1000, 1000}, 1, 1, 1, "L0-1");
    expect_steps("s[] = sum(i,j: a[i,j])", (int64_t[]){1000, 1000}, 1, 1, 2, "L0-1"); /* the inner one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_that_are_few_are_computed_in_parts),
        cmocka_unit_test(results_that_are_many_are_not),
        cmocka_unit_test(rows_stay_whole),
        cmocka_unit_test(little_work_stays_where_it_is),
        cmocka_unit_test(what_many_tiles_need_is_computed_once),
        cmocka_unit_test(reductions_that_need_others_wait_for_them),
        cmocka_unit_test(reductions_over_the_same_axes_go_together),
        cmocka_unit_test(a_list_is_parted_where_a_reduction_reads_it),
        cmocka_unit_test(the_users_cuts_are_made_whatever_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
