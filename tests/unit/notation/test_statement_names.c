/* test_statement_names.c - the names that a caller gives values for, in the order in which a text mentions them. */
#include "harness.h"

#include <stdlib.h>

#include <tilework/tilework.h>

static void names_come_in_the_order_of_the_text(void **state)
{
    static const char *const cases[][2] = {
        {"r[i] = 2*a[i] + b[i]", "a b"},
        {"r[i,j] = c * y[i] + x[j]", "c y x"},
        {"r[i] = x[i] * c + c * d", "x c d"},
        {"u[i] += dt * f[i]", "u dt f"},
        {"r[i] = sum(k: a[i,k] * b[k]) / len(k)", "a b"},
        {"r[i] = u[i+k] + pi", "u k"},
        {"t[i] = a[i] * g; r[i] = t[i] + h", "a g h"},
        {"r[i] = c[] * x[i]", "c x"},
        {"r[i] = where(x[i] > low, sqrt(x[i]), float32(i))", "x low"},
        {"r[i] = var(k: a[i,k], ddof=d)", "a d"},
        {"-> r[i]", NULL},
        {"r[i] = x + y[i]; s[i] = x[i]", NULL},
        {"r[i] = sqrt + y[i]", NULL},
        {"r[i] = 1", ""},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char *names = NULL;
        tw_error error = {.message = ""};
        const tw_status status = tw_statement_names(&names, cases[k][0], &error);
        if (cases[k][1] == NULL) {
            assert_int_equal(status, TW_ERROR_SYNTAX);
            assert_null(names);
        } else {
            assert_string_equal(error.message, "");
            assert_string_equal(names, cases[k][1]);
        }
        free(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_come_in_the_order_of_the_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
