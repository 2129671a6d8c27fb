/* test_journal_file.c - a journal's file by itself: looked at and thrown away, whatever is in it. */
#include <string.h>
#include <sys/file.h>

#include <tilework/tilework.h>

#include "files.h"

#include "record/journal_file.h"

static void a_forgotten_journal_is_gone_whatever_it_had(void **state)
{
    static const char text[] = "tilework journal 1 and then nothing that makes sense";
    uint64_t done, tiles;
    (void)state;
    write_file("r.journal", text, sizeof text);
    assert_int_equal(tw__journal_look(&done, &tiles, "r.journal", NULL), TW_ERROR_FORMAT);
    assert_int_equal(tw__journal_forget("r.journal", NULL), TW_OK);
    assert_false(is_there("r.journal"));
    assert_int_equal(tw__journal_look(&done, &tiles, "r.journal", NULL), TW_ERROR_JOURNAL);
    assert_int_equal(tw__journal_forget("r.journal", NULL), TW_OK); /* there is none */
    assert_int_equal(count_entries("."), 0);
}

static void a_journal_that_a_run_has_is_not_forgotten(void **state)
{
    char text[8] = "";
    tw_error error;
    (void)state;
    write_file("r.journal", "records", 8);
    const int fd = open("r.journal", O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(tw__journal_forget("r.journal", &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "r.journal: is being written by another run"));
    assert_int_equal(pread(fd, text, sizeof text, 0), sizeof text);
    assert_string_equal(text, "records");
    close(fd);
}

static void what_is_no_file_of_ours_is_left_alone(void **state)
{
    tw_error error;
    (void)state;
    write_file("other", "theirs", 6);
    assert_int_equal(symlink("other", "r.journal"), 0);
    assert_int_equal(tw__journal_forget("r.journal", &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "symbolic link"));
    assert_int_equal(unlink("r.journal"), 0);
    assert_int_equal(link("other", "r.journal"), 0);
    assert_int_equal(tw__journal_forget("r.journal", NULL), TW_ERROR_FILE); /* it is another file's name too */
    assert_int_equal(unlink("r.journal"), 0);
    struct stat info;
    assert_int_equal(stat("other", &info), 0);
    assert_int_equal(info.st_size, 6);
    assert_int_equal(tw__journal_forget("missing/r.journal", NULL), TW_ERROR_FILE);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_forgotten_journal_is_gone_whatever_it_had),
        IN_FOLDER(a_journal_that_a_run_has_is_not_forgotten),
        IN_FOLDER(what_is_no_file_of_ours_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
