/* test_error.c - what was wrong reaches the message, whatever the names in it. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static void the_reason_outlives_a_long_name(void **state)
{
    (void)state;
    static char path[6001];
    static const size_t lengths[] = {900, 980, 990, 995, 1000, 1001, 1010, 1023, 1024, 1025, 6000};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        tw_error error;
        memset(path, 'p', lengths[k]);
        path[lengths[k]] = '\0';
        tw__fail_os(&error, TW_ERROR_FILE, ENOENT, "%s: cannot be opened", path);
        const size_t length = strlen(error.message);
        static const char end[] = ": cannot be opened: No such file or directory";
        assert_in_range(length, 900, TW_ERROR_MESSAGE_SIZE - 1);
        assert_string_equal(error.message + length - strlen(end), end);
        assert_memory_equal(error.message, "pppp", 4);
        assert_true((length == lengths[k] + strlen(end)) == (strstr(error.message, "p...p") == NULL));
        tw__fail(&error, TW_ERROR_FORMAT, "%s: is empty", path);
        assert_non_null(strstr(error.message, "p: is empty"));
    }
}

static void a_name_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char path[4096] = "xxxx";
        path[shift] = '\0';
        for (size_t k = 0; k < 1000; k++) {
            strcat(path, "\xe2\x82\xac");
        }
        tw_error error;
        tw__fail(&error, TW_ERROR_FILE, "%s", path);
        const char *dots = strstr(error.message, "...");
        assert_non_null(dots);
        assert_int_equal((size_t)(dots - error.message - (ptrdiff_t)shift) % 3, 0);
        assert_int_equal(strlen(dots + 3) % 3, 0);
    }
}

static void control_characters_never_reach_a_terminal(void **state)
{
    (void)state;
    tw_error error;
    tw__fail(&error, TW_ERROR_FILE, "%s: no", "a\x1b[2J\nb\x7f\t\xc3\xa4");
    assert_string_equal(error.message, "a?[2J?b??\xc3\xa4: no");
    tw__fail(&error, TW_ERROR_COMPILE, "%s", "one\ntwo\x1b\r");
    assert_string_equal(error.message, "one\ntwo??");
}

static void a_message_may_quote_its_own_struct(void **state)
{
    (void)state;
    tw_error error;
    tw__fail(&error, TW_ERROR_FILE, "inner");
    tw__fail_os(&error, TW_ERROR_FILE, EIO, "outer %s", error.message);
    assert_string_equal(error.message, "outer inner: Input/output error");
    assert_int_equal(error.os_error, EIO);
}

static void errnos_have_their_kind(void **state)
{
    (void)state;
    assert_int_equal(tw__file_status(ENOSPC), TW_ERROR_DISK);
    assert_int_equal(tw__file_status(EDQUOT), TW_ERROR_DISK);
    assert_int_equal(tw__file_status(EFBIG), TW_ERROR_DISK);
    assert_int_equal(tw__file_status(EMFILE), TW_ERROR_PROCESS);
    assert_int_equal(tw__file_status(ENFILE), TW_ERROR_PROCESS);
    assert_int_equal(tw__file_status(ENOMEM), TW_ERROR_MEMORY);
    assert_int_equal(tw__file_status(ENOENT), TW_ERROR_FILE);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reason_outlives_a_long_name),
        cmocka_unit_test(a_name_is_cut_between_characters),
        cmocka_unit_test(control_characters_never_reach_a_terminal),
        cmocka_unit_test(a_message_may_quote_its_own_struct),
        cmocka_unit_test(errnos_have_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
