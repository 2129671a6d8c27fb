/* test_writing.c - texts and numbers for other programs, and times for people. */
#include "harness.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/writing.h"

/* What a function writes, until the next call. */
#define WRITTEN(text, call)                                                                                            \
    do {                                                                                                               \
        char *all = NULL;                                                                                              \
        size_t size = 0;                                                                                               \
        FILE *file = open_memstream(&all, &size);                                                                      \
        assert_non_null(file);                                                                                         \
        call;                                                                                                          \
        assert_int_equal(fclose(file), 0);                                                                             \
        assert_string_equal(all, text);                                                                                \
        free(all);                                                                                                     \
    } while (0)

static void json_strings_escape_what_they_must(void **state)
{
    (void)state;
    WRITTEN("\"\"", tw__write_json_text(file, ""));
    WRITTEN("\"a\\\"b\\\\c\\u000ad\\u0001\xc3\xa9\"", tw__write_json_text(file, "a\"b\\c\nd\x01\xc3\xa9"));
}

static void html_is_escaped_and_cut_between_characters(void **state)
{
    (void)state;
    WRITTEN("a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;", tw__write_html_text(file, "a<b> & \"c\" 'd'", 100));
    WRITTEN("abc", tw__write_html_text(file, "abc", 3));
    WRITTEN("ab\xe2\x80\xa6", tw__write_html_text(file, "abcd", 3));
    WRITTEN("\xc3\xa9\xc3\xa9\xe2\x80\xa6", tw__write_html_text(file, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 3));
    WRITTEN("a b", tw__write_html_text(file, "a\nb", 3));
    WRITTEN("\xe2\x80\xa6", tw__write_html_text(file, "abcd", 0));
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed */
    WRITTEN("3.140", tw__write_fixed(file, 3.14, 3));
    WRITTEN("-0.5", tw__write_fixed(file, -0.5, 1));
    WRITTEN("0.0", tw__write_fixed(file, -0.01, 1));
    WRITTEN("2", tw__write_fixed(file, 1.5, 0));
    WRITTEN("12345678.000000002", tw__write_fixed(file, 12345678.000000002, 9));
    setlocale(LC_ALL, "C");
}

static void times_are_what_people_read(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0 s"},       {850e-9, "850 ns"},       {12.34e-6, "12.3 us"}, {999.96e-6, "1.0 ms"},
                 {0.74, "740 ms"}, {0.99996, "1.0 s"},       {2.96, "3.0 s"},       {99.94, "99.9 s"},
                 {99.96, "100 s"}, {119.4, "119 s"},         {119.6, "2 min"},      {125, "2 min 5 s"},
                 {3600, "60 min"}, {7199.4, "119 min 59 s"}, {7200, "2 h"},         {11100, "3 h 5 min"},
                 {90000.0, "25 h"}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char words[64];
        struct tw__text text;
        tw__text_init(&text, words, sizeof words);
        tw__text_add_duration(&text, cases[k].seconds);
        assert_string_equal(words, cases[k].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_strings_escape_what_they_must),
        cmocka_unit_test(html_is_escaped_and_cut_between_characters),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(times_are_what_people_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
