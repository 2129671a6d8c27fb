/* Words of statements: names, Python's numbers, operators, and what is no word. */
#include "harness.h"

#include <math.h>
#include <string.h>

#include "notation/read/token.h"

static tw_status first(const char *text, struct tw__token *token, tw_error *error)
{
    struct tw__lexer lexer = {.source = {text, strlen(text)}, .error = error};
    return tw__next_token(&lexer, token);
}

static void whole_numbers_of_every_base_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } numbers[] = {{"0", 0},
                   {"00", 0},
                   {"0_0", 0},
                   {"7", 7},
                   {"1_000", 1000},
                   {"0x1F", 31},
                   {"0XfF", 255},
                   {"0x_1", 1},
                   {"0o17", 15},
                   {"0B1_01", 5},
                   {"18446744073709551615", UINT64_MAX},
                   {"0xFFFFFFFFFFFFFFFF", UINT64_MAX}};
    (void)state;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        struct tw__token token;
        assert_int_equal(first(numbers[k].text, &token, NULL), TW_OK);
        assert_int_equal(token.kind, TW__TOKEN_NUMBER);
        assert_int_equal(token.length, strlen(numbers[k].text));
        assert_int_equal(token.value.class, TW__CLASS_WHOLE);
        assert_true(token.value.magnitude == numbers[k].value);
    }
}

static void floats_and_imaginary_numbers_are_the_nearest_doubles(void **state)
{
    static const struct {
        const char *text;
        double value;
        enum tw__class class;
    } numbers[] = {{"0.1", 0.1, TW__CLASS_REAL},
                   {"1.", 1, TW__CLASS_REAL},
                   {".25", .25, TW__CLASS_REAL},
                   {"1e3", 1e3, TW__CLASS_REAL},
                   {"1E+3", 1e3, TW__CLASS_REAL},
                   {"1_0.0_1e-1_0", 10.01e-10, TW__CLASS_REAL},
                   {"123456789012345678901234567890.5", 123456789012345678901234567890.5, TW__CLASS_REAL},
                   {"0.1000000000000000055511151231257827021181583404541015625", 0.1, TW__CLASS_REAL},
                   {"5e-324", 5e-324, TW__CLASS_REAL},
                   {"1e999999999999", INFINITY, TW__CLASS_REAL},
                   {"1e-999999999999", 0, TW__CLASS_REAL},
                   {"012.5", 12.5, TW__CLASS_REAL},
                   {"2j", 2, TW__CLASS_COMPLEX},
                   {"007j", 7, TW__CLASS_COMPLEX},
                   {"1.5e1J", 15, TW__CLASS_COMPLEX}};
    (void)state;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        struct tw__token token;
        assert_int_equal(first(numbers[k].text, &token, NULL), TW_OK);
        assert_int_equal(token.length, strlen(numbers[k].text));
        assert_int_equal(token.value.class, numbers[k].class);
        const double value = token.value.class == TW__CLASS_REAL ? token.value.real : token.value.imag;
        assert_true(value == numbers[k].value);
    }
}

static void what_python_refuses_is_refused_with_its_column(void **state)
{
    static const struct {
        const char *text;
        int column;
    } wrong[] = {{"012", 1},   {"1x", 2},   {"1__0", 2},  {"1_", 2},
                 {"0x", 1},    {"0xg", 3},  {"0b2", 3},   {"0o8", 3},
                 {"1e", 2},    {"1e+", 2},  {"1.5.5", 4}, {"340282366920938463463374607431768211456", 1},
                 {"\"a\"", 1}, {"#", 1},    {"@", 1},     {"!", 1},
                 {"$", 1},     {"\x80", 1}, {"`", 1}};
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        struct tw__token token;
        tw_error error = {.status = TW_OK};
        struct tw__lexer lexer = {.source = {wrong[k].text, strlen(wrong[k].text)}, .error = &error};
        tw_status status = TW_OK;
        for (int n = 0; n < 4 && status == TW_OK; n++) {
            status = tw__next_token(&lexer, &token);
            if (status == TW_OK && token.kind == TW__TOKEN_NUMBER && lexer.at < lexer.source.length &&
                lexer.source.text[lexer.at] == '.') {
                status = TW_ERROR_SYNTAX; /* two numbers side by side: the parser says so */
                error.column = (int)lexer.at + 1;
            }
        }
        assert_int_equal(status, TW_ERROR_SYNTAX);
        assert_int_equal(error.column, wrong[k].column);
    }
}

static void the_longest_operator_is_taken(void **state)
{
    static const char text[] = "a**=b//c<<=d>>e>=f==g!=h**i<j";
    static const char *const signs[] = {"**=", "//", "<<=", ">>", ">=", "==", "!=", "**", "<"};
    struct tw__lexer lexer = {.source = {text, strlen(text)}};
    struct tw__token token;
    (void)state;
    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++) {
        assert_int_equal(tw__next_token(&lexer, &token), TW_OK);
        assert_int_equal(token.kind, TW__TOKEN_NAME);
        assert_int_equal(tw__next_token(&lexer, &token), TW_OK);
        assert_string_equal(token.sign, signs[k]);
    }
}

static void a_line_end_is_a_blank_inside_brackets_alone(void **state)
{
    static const char text[] = "a\n(b\nc)\r\n[d\n]";
    static const char *const expected[] = {"a", ";", "(", "b", "c", ")", ";", "[", "d", "]", ""};
    struct tw__lexer lexer = {.source = {text, strlen(text)}};
    struct tw__token token;
    (void)state;
    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++) {
        assert_int_equal(tw__next_token(&lexer, &token), TW_OK);
        if (expected[k][0] == '\0') {
            assert_int_equal(token.kind, TW__TOKEN_END);
        } else if (token.kind == TW__TOKEN_SIGN) {
            assert_string_equal(token.sign, expected[k]);
        } else {
            assert_int_equal(text[token.at], expected[k][0]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_every_base_are_read),
        cmocka_unit_test(floats_and_imaginary_numbers_are_the_nearest_doubles),
        cmocka_unit_test(what_python_refuses_is_refused_with_its_column),
        cmocka_unit_test(the_longest_operator_is_taken),
        cmocka_unit_test(a_line_end_is_a_blank_inside_brackets_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
