/* test_partials.c - the file of what steps leave for later ones: whole when it is made, found again by its tag alone,
 * and never mistaken for anything else. */
#include "files.h"
#include "stages.h"

#include "array/array.h"
#include "record/partials.h"

#define NAME "r.npy.partials"
#define TILES 6

static tw_array *u;
static tw_grid *grid;

static int begin(void **state)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT32);
    const int64_t length = 60;
    grid = grid_of_quotients(length, TILES);
    return tw_array_create(&u, NULL, &dtype, 1, &length, NULL) != TW_OK || enter_folder(state);
}

static int end(void **state)
{
    tw_grid_destroy(grid);
    tw_array_destroy(u);
    return leave_folder(state);
}

static struct tw__partials *make(const char *tag)
{
    struct tw__partials *partials = NULL;
    assert_int_equal(tw__partials_create(&partials, NAME, grid->stages, &u, tag, NULL), TW_OK);
    return partials;
}

static void each_temporary_has_its_dtype_and_shape(void **state)
{
    struct tw__partials *partials = make(NULL);
    const tw_view *part = tw_array_view(partials->array[0]), *total = tw_array_view(partials->array[1]);
    struct stat info;
    (void)state;
    assert_int_equal(partials->count, 2);
    assert_int_equal(part->dtype.kind, TW_FLOAT64);
    assert_int_equal(part->ndim, 1);
    assert_int_equal(part->shape[0], TILES);
    assert_int_equal(total->dtype.kind, TW_FLOAT32); /* as u has it */
    assert_int_equal(total->ndim, 0);
    assert_int_equal(tw_array_memory(partials->array[0]), TW_MAPPED);
    assert_int_equal(stat(NAME, &info), 0);
    assert_int_equal(info.st_size, 3 * 4096);
    assert_true(info.st_blocks * 512 >= 3 * 4096); /* its room is taken */
    assert_int_equal(info.st_mode & 0777, 0600);
    tw__partials_close(partials, 1);
    assert_false(is_there(NAME));
}

static void what_was_written_is_found_again(void **state)
{
    struct tw__partials *partials = make(NULL);
    char tag[TW__PARTIALS_TAG];
    (void)state;
    memcpy(tag, partials->tag, sizeof tag);
    ((double *)tw_array_data(partials->array[0]))[5] = 2.5;
    *(float *)tw_array_data(partials->array[1]) = 7;
    assert_int_equal(tw__partials_sync(partials), 0);
    tw__partials_close(partials, 0);
    assert_int_equal(tw__partials_open(&partials, NAME, grid->stages, &u, tag, NULL), TW_OK);
    assert_non_null(partials);
    assert_true(((double *)tw_array_data(partials->array[0]))[5] == 2.5);
    assert_true(*(float *)tw_array_data(partials->array[1]) == 7);
    assert_string_equal(partials->tag, tag);
    tw__partials_close(partials, 1);
}

static void what_another_run_has_left_is_not_believed(void **state)
{
    struct tw__partials *first = make(NULL), *found = first;
    char tag[TW__PARTIALS_TAG];
    (void)state;
    memcpy(tag, first->tag, sizeof tag);
    tw__partials_close(first, 1);
    assert_int_equal(tw__partials_open(&found, NAME, grid->stages, &u, tag, NULL), TW_OK);
    assert_null(found); /* there is none */
    tw__partials_close(make(NULL), 0);
    assert_int_equal(tw__partials_open(&found, NAME, grid->stages, &u, tag, NULL), TW_OK);
    assert_null(found);
    struct tw__partials *again = make(tag); /* which takes the place of the other one */
    assert_string_equal(again->tag, tag);
    tw__partials_close(again, 0);
    assert_int_equal(truncate(NAME, 2 * 4096), 0);
    assert_int_equal(tw__partials_open(&found, NAME, grid->stages, &u, tag, NULL), TW_OK);
    assert_null(found);
    assert_int_equal(unlink(NAME), 0);
}

static void a_file_that_a_run_is_writing_is_left_alone(void **state)
{
    struct tw__partials *partials = make(NULL), *other = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(tw__partials_open(&other, NAME, grid->stages, &u, partials->tag, &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, NAME ": is being written by another run"));
    assert_int_equal(tw__partials_create(&other, NAME, grid->stages, &u, NULL, NULL), TW_ERROR_FILE);
    tw__partials_forget(NAME);
    assert_true(is_there(NAME));
    assert_null(other);
    tw__partials_close(partials, 1);
}

static void links_are_not_followed(void **state)
{
    struct tw__partials *partials = NULL;
    tw_error error;
    (void)state;
    write_file("precious", "text", 4);
    assert_int_equal(symlink("precious", NAME), 0);
    assert_int_equal(tw__partials_create(&partials, NAME, grid->stages, &u, NULL, &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "is a symbolic link"));
    tw__partials_forget(NAME);
    assert_true(is_there("precious") && is_there(NAME));
    assert_int_equal(unlink(NAME), 0);
    assert_int_equal(unlink("precious"), 0);
}

static void only_what_is_of_no_use_is_forgotten(void **state)
{
    (void)state;
    tw__partials_forget(NAME); /* there is none */
    write_file(NAME, "somebody's notes", 16);
    tw__partials_forget(NAME);
    assert_true(is_there(NAME));
    write_file(NAME, "", 0); /* as a crash leaves it just after it was made */
    tw__partials_forget(NAME);
    assert_false(is_there(NAME));
    tw__partials_close(make(NULL), 0);
    tw__partials_forget(NAME);
    assert_false(is_there(NAME));
}

#define PREPARED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        PREPARED(each_temporary_has_its_dtype_and_shape),
        PREPARED(what_was_written_is_found_again),
        PREPARED(what_another_run_has_left_is_not_believed),
        PREPARED(a_file_that_a_run_is_writing_is_left_alone),
        PREPARED(links_are_not_followed),
        PREPARED(only_what_is_of_no_use_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
