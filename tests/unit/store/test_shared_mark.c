/* test_shared_mark.c - which job a finished file is of (store/shared_mark.h), on file systems with and without
 * attributes. */
#include "files.h"

#include <errno.h>
#include <sys/xattr.h>

#include "os/file.h"
#include "store/shared_mark.h"
#include "store/store.h"

static const char text[] = "0123456789abcdef\nr[i] = y[i] * 2";
static char found[TW__MARK_SIZE];

static void mark(const char *name)
{
    const int fd = open(name, O_RDWR);
    assert_int_equal(tw__shared_mark_write(fd, TW__FOLDER_HERE, name, TW__FOLDER_HERE, text), 0);
    close(fd);
}

/* The mark of "r.npy" as a file, as a file system without attributes leads to. */
static void mark_beside(int64_t size, const struct timespec *changed)
{
    char bytes[256];
    const int length = snprintf(bytes, sizeof bytes, "tilework job 1\n%lld %lld\n%s", (long long)size,
                                (long long)changed->tv_sec * 1000000000 + changed->tv_nsec, text);
    write_file(".r.npy.job", bytes, (size_t)length);
}

static void a_mark_is_read_as_it_was_written(void **state)
{
    (void)state;
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENOENT);
    write_file("r.npy", "abc", 3);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENODATA);
    mark("r.npy");
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), 0);
    assert_string_equal(found, text);
    assert_int_equal(tw__shared_mark_remove(TW__FOLDER_HERE, "r.npy"), 0);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENODATA);
    assert_int_equal(tw__shared_mark_remove(TW__FOLDER_HERE, "r.npy"), 0);
    unlink("r.npy");
    assert_int_equal(tw__shared_mark_remove(TW__FOLDER_HERE, "r.npy"), 0);
}

static void a_mark_beside_is_of_that_file_alone(void **state)
{
    (void)state;
    struct stat info;
    write_file("r.npy", "abc", 3);
    assert_int_equal(stat("r.npy", &info), 0);
    mark_beside(3, &info.st_mtim);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), 0);
    assert_string_equal(found, text);
    mark_beside(4, &info.st_mtim);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENODATA);
    const struct timespec later = {.tv_sec = info.st_mtim.tv_sec + 1};
    mark_beside(3, &later);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENODATA);
    struct tw__file_info now;
    int is_older = 0;
    assert_int_equal(tw__shared_mark_read_older(TW__FOLDER_HERE, "r.npy", found, &now, &is_older), 0);
    assert_string_equal(found, text);
    assert_true(is_older);
    assert_int_equal(tw__shared_mark_renew(TW__FOLDER_HERE, "r.npy", &now, found), 0);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), 0);
    assert_int_equal(tw__shared_mark_read_older(TW__FOLDER_HERE, "r.npy", found, &now, &is_older), 0);
    assert_false(is_older);
    assert_int_equal(tw__shared_mark_remove(TW__FOLDER_HERE, "r.npy"), 0);
    assert_false(is_there(".r.npy.job"));
    write_file(".r.npy.job", "a user's own", 12);
    assert_int_equal(tw__shared_mark_remove(TW__FOLDER_HERE, "r.npy"), 0);
    assert_true(is_there(".r.npy.job"));
    unlink(".r.npy.job");
    unlink("r.npy");
}

static void first_lines_say_which_job_it_is(void **state)
{
    (void)state;
    assert_true(tw__shared_mark_is("ab\nby Python", "ab\nby a shell"));
    assert_true(tw__shared_mark_is("ab", "ab\nx"));
    assert_false(tw__shared_mark_is("ab", "abc"));
    assert_false(tw__shared_mark_is("", ""));
}

static void a_file_that_takes_its_place_is_not_marked(void **state)
{
    (void)state;
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *array = NULL;
    write_file("r.npy", "abc", 3);
    mark("r.npy");
    const int kept = setxattr("r.npy", "user.other", "kept", 4, 0) == 0;
    assert_int_equal(tw_array_create_file(&array, "r.npy", &dtype, 1, (int64_t[]){3}, NULL), TW_OK);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", found), ENODATA);
    char value[4];
    assert_true(!kept || getxattr("r.npy", "user.other", value, sizeof value) == 4);
    unlink("r.npy");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_mark_is_read_as_it_was_written),
        IN_FOLDER(a_mark_beside_is_of_that_file_alone),
        cmocka_unit_test(first_lines_say_which_job_it_is),
        IN_FOLDER(a_file_that_takes_its_place_is_not_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
