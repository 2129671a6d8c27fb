/* test_file.c - whole transfers, room on the disk, locks, limits. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "files.h"
#include "os/file.h"

static void a_short_read_says_how_much_there_was(void **state)
{
    (void)state;
    char data[10] = {0};
    size_t done = 99;
    int fd;
    write_file("x", "0123456", 7);
    assert_int_equal(tw__file_open_read(&fd, "x"), 0);
    assert_int_equal(tw__file_read(fd, data, 5, 2, &done), 0);
    assert_int_equal(done, 5);
    assert_string_equal(data, "23456");
    assert_int_equal(tw__file_read(fd, data, 6, 2, &done), EIO);
    assert_int_equal(done, 5);
    assert_int_equal(tw__file_read(fd, data, 1, 7, NULL), EIO);
    tw__file_close(fd);
}

static void descriptors_are_not_inherited_by_programs(void **state)
{
    (void)state;
    int fd[3];
    assert_int_equal(tw__file_create(&fd[0], "x", 0644), 0);
    assert_int_equal(tw__file_open_read(&fd[1], "x"), 0);
    assert_int_equal(tw__file_open_write(&fd[2], "x"), 0);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(fcntl(fd[k], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        tw__file_close(fd[k]);
    }
}

static void opening_has_its_rules(void **state)
{
    (void)state;
    int fd = 77;
    assert_int_equal(tw__file_open_read(&fd, "x"), ENOENT);
    assert_int_equal(symlink("x", "link"), 0);
    assert_int_equal(tw__file_open_write(&fd, "link"), ELOOP);
    assert_int_equal(tw__file_create(&fd, "link", 0600), EEXIST);
    assert_int_equal(fd, 77);
    assert_false(is_there("x"));
    assert_int_equal(tw__file_create(&fd, "x", 0600), 0);
    struct tw__file_info open_file, named;
    assert_int_equal(tw__file_info(fd, &open_file), 0);
    assert_int_equal(tw__path_info("link", &named), 0);
    assert_true(open_file.inode == named.inode && open_file.device == named.device);
    assert_true(named.is_regular && !named.is_directory && named.size == 0);
    assert_int_equal(named.mode, 0600);
    assert_int_equal(named.owner, tw__user_id());
    assert_int_equal(tw__path_may_write("x"), 0);
    assert_int_equal(tw__path_may_write("y"), ENOENT);
    tw__file_close(fd);
    assert_int_equal(tw__file_create(&fd, "x", 0600), EEXIST);
    assert_int_equal(tw__path_info(".", &named), 0);
    assert_true(named.is_directory && !named.is_regular);
}

static void a_lock_lasts_until_the_last_descriptor_is_closed(void **state)
{
    (void)state;
    int first, second;
    assert_int_equal(tw__file_open_write(&first, "x"), 0);
    assert_int_equal(tw__file_open_write(&second, "x"), 0);
    assert_int_equal(tw__file_lock(first), 0);
    assert_int_equal(tw__file_lock(first), 0);
    assert_int_equal(tw__file_lock(second), EWOULDBLOCK);
    tw__file_close(first);
    assert_int_equal(tw__file_lock(second), 0);
    tw__file_close(second);
}

static void room_is_taken_and_reads_as_zeros(void **state)
{
    (void)state;
    int fd;
    struct stat status;
    assert_int_equal(tw__file_open_write(&fd, "x"), 0);
    assert_int_equal(tw__file_write(fd, "abc", 3, 0), 0);
    assert_int_equal(tw__file_allocate(fd, 1000000), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 1000000);
    assert_true(status.st_blocks * 512 >= 1000000);
    char data[8];
    assert_int_equal(tw__file_read(fd, data, 8, 0, NULL), 0);
    assert_memory_equal(data, "abc\0\0\0\0\0", 8);
    assert_int_equal(tw__file_read(fd, data, 8, 1000000 - 8, NULL), 0);
    assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(tw__file_allocate(fd, 2), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 2);
    assert_int_equal(tw__file_allocate(fd, 0), 0);
    assert_int_equal(tw__file_truncate(fd, 50), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 50);
    const int64_t room = tw__file_room(fd);
    const int failed = tw__file_allocate(fd, (int64_t)1 << 62);
    assert_true(failed == EFBIG || failed == ENOSPC);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 50);
    assert_true(room > 0 && tw__file_room(fd) > room / 2);
    tw__file_close(fd);
}

/* ramfs knows no preallocation. */
static void where_a_disk_cannot_preallocate_zeros_are_written(void **state)
{
    (void)state;
    assert_int_equal(mkdir("ram", 0777), 0);
    if (mount("ramfs", "ram", "ramfs", 0, NULL) != 0) {
        assert_int_equal(rmdir("ram"), 0);
        print_message("# skipped: mounting takes a privileged user\n");
        return;
    }
    int fd;
    struct stat status = {0};
    const int64_t length = ((int64_t)2 << 20) + 5;
    char *data = malloc((size_t)length);
    const int opened = tw__file_open_write(&fd, "ram/x");
    const int written = tw__file_write(fd, "abc", 3, 0);
    const int allocated = tw__file_allocate(fd, length);
    fstat(fd, &status);
    const int got = tw__file_read(fd, data, (size_t)length, 0, NULL);
    tw__file_close(fd);
    assert_int_equal(umount("ram"), 0);
    assert_true(opened == 0 && written == 0 && allocated == 0 && got == 0);
    assert_int_equal(status.st_size, length);
    assert_true(status.st_blocks * 512 >= length);
    assert_memory_equal(data, "abc", 3);
    for (int64_t k = 3; k < length; k++) {
        assert_int_equal(data[k], 0);
    }
    free(data);
}

static void past_the_size_limit_is_an_error_and_no_signal(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
        int fd;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || tw__file_open_write(&fd, "x") != 0) {
            _exit(1);
        }
        const int failed[] = {tw__file_allocate(fd, 1001) != EFBIG,      tw__file_truncate(fd, 1001) != EFBIG,
                              tw__file_write(fd, "ab", 2, 999) != EFBIG, tw__file_write(fd, "a", 1, 999) != 0,
                              tw__file_allocate(fd, 1000) != 0,          tw__file_truncate(fd, 900) != 0};
        for (int k = 0; k < 6; k++) {
            if (failed[k]) {
                _exit(2 + k);
            }
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_rename_replaces(void **state)
{
    (void)state;
    size_t length;
    write_file("a", "new", 3);
    write_file("b", "older", 5);
    assert_int_equal(tw__file_rename("a", "b"), 0);
    char *data = read_file("b", &length);
    assert_int_equal(length, 3);
    free(data);
    assert_int_equal(tw__file_rename("a", "b"), ENOENT);
    assert_int_equal(tw__file_rename("b", "no/such"), ENOENT);
    assert_int_equal(tw__file_remove("b"), 0);
    assert_int_equal(tw__file_remove("b"), ENOENT);
}

static void a_text_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    char *text = NULL, long_text[10000];
    size_t length;
    memset(long_text, 'x', sizeof long_text);
    static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 10000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        write_file("x", long_text, sizes[k]);
        assert_int_equal(tw__file_text(&text, &length, "x", sizes[k]), 0);
        assert_int_equal(length, sizes[k]);
        assert_int_equal(strlen(text), sizes[k]);
        free(text);
        text = NULL;
        if (sizes[k] > 0) {
            assert_int_equal(tw__file_text(&text, &length, "x", sizes[k] - 1), EFBIG);
            assert_null(text);
        }
    }
    assert_int_equal(tw__file_text(&text, &length, "/proc/self/status", 1 << 20), 0); /* says that its size is 0 */
    assert_non_null(strstr(text, "VmRSS"));
    free(text);
    assert_int_equal(tw__file_text(&text, &length, ".", 100), EISDIR);
    assert_int_equal(tw__file_text(&text, &length, "no-such", 100), ENOENT);
}

/* In a child: a rename that cannot be made lasting is not made. */
static int rename_without_descriptors(void)
{
    const struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && tw__file_rename("x", "y") == EMFILE ? 0 : 1;
}

static void without_descriptors_nothing_is_renamed(void **state)
{
    (void)state;
    write_file("x", "1", 1);
    as_another_user(rename_without_descriptors);
    assert_true(is_there("x") && !is_there("y"));
    assert_int_equal(tw__file_rename("x", "y"), 0);
    assert_true(is_there("y") && !is_there("x"));
}

static int rename_in_a_folder_that_may_not_be_read(void)
{
    umask(0);
    if (mkdir("blind", 0333) != 0) {
        return 1;
    }
    int fd = -1;
    if (tw__file_create(&fd, "blind/x", 0600) != 0) {
        return 2;
    }
    tw__file_close(fd);
    return tw__file_rename("blind/x", "blind/y") == 0 && is_there("blind/y") && tw__file_remove("blind/y") == 0 ? 0 : 3;
}

static void a_folder_that_may_not_be_read_can_be_written_to(void **state)
{
    (void)state;
    as_another_user(rename_in_a_folder_that_may_not_be_read);
}

static void a_folder_that_may_not_be_read_has_nothing_to_sync(void **state)
{
    (void)state;
    const int place = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC); /* as a folder is opened that may not be read */
    const int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place >= 0 && folder >= 0);
    assert_int_equal(tw__folder_sync(place), 0);
    assert_int_equal(tw__folder_sync(folder), 0);
    close(place);
    close(folder);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_short_read_says_how_much_there_was),
        IN_FOLDER(descriptors_are_not_inherited_by_programs),
        IN_FOLDER(opening_has_its_rules),
        IN_FOLDER(a_lock_lasts_until_the_last_descriptor_is_closed),
        IN_FOLDER(room_is_taken_and_reads_as_zeros),
        IN_FOLDER(where_a_disk_cannot_preallocate_zeros_are_written),
        IN_FOLDER(past_the_size_limit_is_an_error_and_no_signal),
        IN_FOLDER(a_rename_replaces),
        IN_FOLDER(a_text_is_read_whole_or_not_at_all),
        IN_FOLDER(without_descriptors_nothing_is_renamed),
        IN_FOLDER(a_folder_that_may_not_be_read_can_be_written_to),
        IN_FOLDER(a_folder_that_may_not_be_read_has_nothing_to_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
