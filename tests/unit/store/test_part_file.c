/* test_part_file.c - files of the program's own (tw_file): whole under their name, or not there. */
#include <stdio.h>
#include <string.h>

#include <tilework/tilework.h>

#include "files.h"

static void put(const tw_file *file, const char *text)
{
    assert_int_equal(write(tw_file_descriptor(file), text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_contents(const char *path, const char *expected)
{
    size_t length;
    char *text = read_file(path, &length);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
    free(text);
}

static void a_file_has_its_name_once_it_is_committed(void **state)
{
    (void)state;
    tw_file *file = NULL;
    tw_error error;
    write_file("a.json", "old", 3);
    assert_int_equal(chmod("a.json", 0640), 0);
    assert_int_equal(tw_file_create(&file, "a.json", NULL), TW_OK);
    assert_string_equal(tw_file_unfinished(file), "a.json.part");
    assert_null(tw_file_note(file));
    put(file, "{}");
    assert_contents("a.json", "old");
    assert_int_equal(tw_file_commit(file, NULL), TW_OK);
    assert_contents("a.json", "{}");
    assert_int_equal(tw_file_descriptor(file), -1);
    assert_int_equal(tw_file_commit(file, &error), TW_ERROR_ARGUMENT);
    tw_file_destroy(file);
    struct stat info;
    assert_int_equal(stat("a.json", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(count_entries("."), 1);
}

static void a_file_that_is_given_up_leaves_what_was_there(void **state)
{
    (void)state;
    tw_file *file = NULL;
    write_file("a.json", "old", 3);
    assert_int_equal(tw_file_create(&file, "a.json", NULL), TW_OK);
    put(file, "{");
    tw_file_destroy(file);
    assert_contents("a.json", "old");
    assert_int_equal(count_entries("."), 1);
    tw_file_destroy(NULL);
}

static void two_programs_do_not_write_one_file(void **state)
{
    (void)state;
    tw_file *first = NULL, *second = NULL;
    tw_error error;
    assert_int_equal(tw_file_create(&first, "a.json", NULL), TW_OK);
    assert_int_equal(tw_file_create(&second, "a.json", &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "a.json.part: is being written by another run"));
    assert_null(second);
    tw_file_destroy(first);
    assert_int_equal(count_entries("."), 0);
}

static void what_stands_in_the_way_of_the_name_is_said_before_it_is_given(void **state)
{
    (void)state;
    tw_file *file = NULL;
    tw_error error;
    assert_int_equal(tw_file_create(&file, "a.json", NULL), TW_OK);
    assert_int_equal(mkdir("a.json", 0777), 0);
    assert_int_equal(tw_file_commit(file, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "a.json: has become a folder, so the output cannot be given its name");
    assert_int_equal(rmdir("a.json"), 0);
    assert_int_equal(rename("a.json.part", "elsewhere"), 0);
    write_file("a.json.part", "not ours", 8);
    assert_int_equal(tw_file_commit(file, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "a.json.part: was removed or replaced while it was being written");
    tw_file_destroy(file);
    assert_contents("a.json.part", "not ours"); /* nor is it removed */
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_has_its_name_once_it_is_committed),
        IN_FOLDER(a_file_that_is_given_up_leaves_what_was_there),
        IN_FOLDER(two_programs_do_not_write_one_file),
        IN_FOLDER(what_stands_in_the_way_of_the_name_is_said_before_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
