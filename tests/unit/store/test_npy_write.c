/* test_npy_write.c - files that are written: whole under their final name, or not there. */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "array/array.h"
#include "files.h"
#include "store/npy/npy_read.h"

static tw_status create(tw_array **array, const char *path, int64_t items, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    return tw_array_create_file(array, path, &dtype, 1, &items, error);
}

static void a_committed_file_reads_back_and_an_abandoned_one_is_gone(void **state)
{
    (void)state;
    tw_array *array = NULL;
    assert_int_equal(create(&array, "r.npy", 1000, NULL), TW_OK);
    assert_int_equal(tw_array_memory(array), TW_MAPPED);
    assert_int_equal((uintptr_t)tw_array_data(array) % 64, 0);
    assert_true(is_there("r.npy.part") && !is_there("r.npy"));
    double *data = tw_array_data(array);
    for (int k = 0; k < 1000; k++) {
        data[k] = k;
    }
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    assert_true(!is_there("r.npy.part") && is_there("r.npy"));
    assert_true(data[999] == 999); /* stays readable */
    assert_int_equal(tw_array_commit(array, NULL), TW_ERROR_ARGUMENT);
    tw_array_destroy(array);

    assert_int_equal(tw__npy_open(&array, NULL, "r.npy", NULL), TW_OK);
    data = tw_array_data(array);
    for (int k = 0; k < 1000; k++) {
        assert_true(data[k] == k);
    }
    tw_array_destroy(array);

    assert_int_equal(create(&array, "s.npy", 1000, NULL), TW_OK);
    tw_array_destroy(array);
    assert_true(!is_there("s.npy.part") && !is_there("s.npy"));
}

static void a_part_file_is_never_a_npy_file(void **state)
{
    (void)state;
    tw_array *array = NULL, *read = NULL;
    tw_error error;
    assert_int_equal(create(&array, "r.npy", 10, NULL), TW_OK);
    assert_int_equal(tw__npy_open(&read, NULL, "r.npy.part", &error), TW_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "never finished"));
    tw_array_destroy(array);
}

static void what_had_the_name_stays_until_the_commit_and_then_goes(void **state)
{
    (void)state;
    const char old[] = "what was there before, and longer than the new file by far";
    tw_array *array = NULL;
    size_t length;
    write_file("r.npy", old, sizeof old);
    assert_int_equal(chmod("r.npy", 0600), 0);
    assert_int_equal(create(&array, "r.npy", 0, NULL), TW_OK);
    char *data = read_file("r.npy", &length);
    assert_int_equal(length, sizeof old);
    assert_memory_equal(data, old, sizeof old);
    free(data);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    struct stat status;
    assert_int_equal(stat("r.npy", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600); /* a private result stays private */
    assert_int_equal(status.st_size % 64, 0);
}

static void permissions_honour_the_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 027, 077};
    for (size_t k = 0; k < 4; k++) {
        tw_array *array = NULL;
        const mode_t before = umask(masks[k]);
        const tw_status status = create(&array, "r.npy", 5, NULL);
        umask(before);
        assert_int_equal(status, TW_OK);
        assert_int_equal(tw_array_commit(array, NULL), TW_OK);
        tw_array_destroy(array);
        struct stat info;
        assert_int_equal(stat("r.npy", &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[k]);
        assert_int_equal(unlink("r.npy"), 0);
    }
}

static void a_second_run_on_the_same_file_is_refused(void **state)
{
    (void)state;
    tw_array *first = NULL, *second = NULL;
    tw_error error;
    assert_int_equal(create(&first, "r.npy", 10, NULL), TW_OK);
    assert_int_equal(create(&second, "r.npy", 20, &error), TW_ERROR_FILE);
    char expected[96];
    snprintf(expected, sizeof expected, "r.npy.part: is being written by another run (process %d)", (int)getpid());
    assert_string_equal(error.message, expected);
    assert_null(second);
    assert_true(is_there("r.npy.part"));
    ((double *)tw_array_data(first))[9] = 5;
    assert_int_equal(tw_array_commit(first, NULL), TW_OK);
    tw_array_destroy(first);
    assert_int_equal(create(&second, "r.npy", 20, &error), TW_OK); /* free again */
    tw_array_destroy(second);
}

static void the_file_of_a_run_that_crashed_is_taken_over(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        tw_array *array = NULL;
        _exit(create(&array, "r.npy", 100000, NULL) == TW_OK ? 0 : 1); /* no destroy: as if it was killed */
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(is_there("r.npy.part"));
    tw_array *array = NULL;
    assert_int_equal(create(&array, "r.npy", 10, NULL), TW_OK);
    for (int k = 0; k < 10; k++) {
        assert_true(((double *)tw_array_data(array))[k] == 0);
    }
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(count_entries("."), 1);
}

static void a_child_that_inherits_an_array_does_not_remove_its_file(void **state)
{
    (void)state;
    tw_array *array = NULL;
    assert_int_equal(create(&array, "r.npy", 10, NULL), TW_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        tw_array_destroy(array);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(is_there("r.npy.part"));
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
}

static void a_part_file_that_was_replaced_is_neither_committed_nor_removed(void **state)
{
    (void)state;
    tw_array *array = NULL;
    tw_error error;
    assert_int_equal(create(&array, "r.npy", 10, NULL), TW_OK);
    assert_int_equal(unlink("r.npy.part"), 0);
    write_file("r.npy.part", "somebody else's", 15);
    assert_int_equal(tw_array_commit(array, &error), TW_ERROR_FILE);
    assert_non_null(strstr(error.message, "r.npy.part: was removed or replaced"));
    tw_array_destroy(array);
    assert_true(is_there("r.npy.part") && !is_there("r.npy"));
}

static int cannot_write(void)
{
    tw_array *array = NULL;
    tw_error error;
    umask(0);
    if (mkdir("closed", 0555) != 0 || chmod("closed", 0555) != 0) {
        return 1;
    }
    if (create(&array, "closed/r.npy", 10, &error) != TW_ERROR_FILE || !strstr(error.message, "Permission denied")) {
        return 2;
    }
    const int kept = open("kept.npy", O_WRONLY | O_CREAT, 0444);
    if (kept < 0 || close(kept) != 0 || create(&array, "kept.npy", 10, &error) != TW_ERROR_FILE ||
        !strstr(error.message, "kept.npy: exists and may not be replaced: Permission denied")) {
        return 3;
    }
    return 0;
}

static void names_that_cannot_be_written_are_refused_and_nothing_is_left(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder.npy", 0777), 0);
    assert_int_equal(mkfifo("pipe.npy", 0666), 0);
    assert_int_equal(symlink("elsewhere", "link.npy.part"), 0);
    assert_int_equal(mkfifo("odd.npy.part", 0666), 0);
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const struct {
        const char *path, *says;
    } cases[] = {
        {"folder.npy", "folder.npy: is a folder"},
        {"folder.npy/", "folder.npy/: is a folder"},
        {"no/such.npy", "no/such.npy: cannot be written: its folder no does not exist"},
        {"pipe.npy", "pipe.npy: is a pipe or a device"},
        {"pipe.npy/r.npy", "pipe.npy/r.npy: cannot be written: pipe.npy is not a folder"},
        {"/dev/null", "/dev/null: is a pipe or a device"},
        {"link.npy", "link.npy.part: is a symbolic link"},
        {"odd.npy", "odd.npy.part: is not a regular file"},
        {"", "needs a name"},
        {longest, "File name too long"},
    };
    const int descriptors = count_entries("/proc/self/fd");
    alarm(20);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_array *array = NULL;
        tw_error error;
        assert_int_equal(create(&array, cases[k].path, 10, &error), TW_ERROR_FILE);
        assert_non_null(strstr(error.message, cases[k].says));
        assert_null(array);
    }
    alarm(0);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(count_entries("."), 4);
    assert_false(is_there("elsewhere"));
    as_another_user(cannot_write);
    assert_int_equal(count_entries("closed"), 0);
}

/* SIGXFSZ, which ends a process that writes past the limit, must not come. */
static void a_file_size_limit_is_an_error_and_no_signal(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
        tw_array *array = NULL;
        tw_error error;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || create(&array, "r.npy", 12500, &error) != TW_ERROR_DISK ||
            strstr(error.message, "r.npy: needs 100128 bytes, more than a file may have here") == NULL) {
            _exit(1);
        }
        if (create(&array, "r.npy", 1000, &error) != TW_OK || tw_array_commit(array, NULL) != TW_OK) {
            _exit(2);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_entries("."), 1);
}

static void a_disk_that_is_too_small_is_an_error_before_the_first_item(void **state)
{
    (void)state;
    assert_int_equal(mkdir("small", 0777), 0);
    if (mount("tmpfs", "small", "tmpfs", 0, "size=256k") != 0) {
        assert_int_equal(rmdir("small"), 0);
        print_message("# skipped: mounting takes a privileged user\n");
        return;
    }
    tw_array *array = NULL;
    tw_error error;
    const tw_status big = create(&array, "small/r.npy", 40000, &error);
    const int left = count_entries("small");
    const tw_status fits = create(&array, "small/r.npy", 20000, NULL);
    const tw_status committed = fits == TW_OK ? tw_array_commit(array, NULL) : fits;
    tw_array_destroy(array);
    assert_int_equal(umount("small"), 0);
    assert_int_equal(big, TW_ERROR_DISK);
    assert_non_null(strstr(error.message, "small/r.npy: needs 320128 bytes, its disk has 262144 free: No space left"));
    assert_int_equal(left, 0);
    assert_int_equal(committed, TW_OK);
}

static void shapes_that_no_disk_has_are_refused(void **state)
{
    (void)state;
    tw_array *array = NULL;
    tw_error error;
    assert_int_equal(create(&array, "r.npy", INT64_MAX / 8, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(create(&array, "r.npy", -1, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(create(&array, "r.npy", (int64_t)1 << 59, &error), TW_ERROR_DISK);
    assert_int_equal(count_entries("."), 0);
}

static void files_past_2_GiB_are_written_at_their_end(void **state)
{
    (void)state;
    tw_array *array = NULL;
    const int64_t items = ((int64_t)3 << 30) / 8;
    const tw_status status = create(&array, "r.npy", items, NULL);
    if (status == TW_ERROR_DISK) {
        print_message("# skipped: the disk has no 3 GiB\n");
        return;
    }
    assert_int_equal(status, TW_OK);
    double *data = tw_array_data(array);
    data[0] = 1;
    data[items - 1] = 2;
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(tw__npy_open(&array, NULL, "r.npy", NULL), TW_OK);
    data = tw_array_data(array);
    assert_true(data[0] == 1 && data[items - 1] == 2 && data[items / 2] == 0);
    tw_array_destroy(array);
}

static void every_kind_and_layout_is_saved_in_c_order(void **state)
{
    (void)state;
    uint64_t random = 9;
    for (tw_kind kind = TW_OPAQUE; kind <= TW_COMPLEX128; kind++) {
        tw_dtype dtype = tw_dtype_of(kind);
        if (kind == TW_OPAQUE) {
            dtype = (tw_dtype){TW_OPAQUE, 1, 7, "[('a', '>i4'), ('b', '|S3')]"};
        }
        _Alignas(16) char bytes[16 * 12];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (char)next_random(&random);
        }
        const int64_t size = dtype.itemsize;
        /* 3 x 4, the columns side by side and backwards */
        tw_view view = {bytes + 11 * size, dtype, 2, {3, 4}, {-size, -3 * size}};
        tw_array *array = NULL, *read = NULL;
        assert_int_equal(tw_array_wrap(&array, &view, NULL), TW_OK);
        assert_int_equal(tw_array_save(array, "r.npy", NULL), TW_OK);
        assert_int_equal(tw__npy_open(&read, NULL, "r.npy", NULL), TW_OK);
        const tw_view *got = tw_array_view(read);
        assert_string_equal(tw_dtype_name(&got->dtype), tw_dtype_name(&dtype));
        assert_true(got->ndim == 2 && got->shape[0] == 3 && got->shape[1] == 4 && tw_view_is_contiguous(got));
        for (int64_t k = 0; k < 12; k++) {
            assert_memory_equal((char *)got->data + k * size, bytes + (11 - k / 4 - k % 4 * 3) * size, (size_t)size);
        }
        tw_array_destroy(read);
        tw_array_destroy(array);
    }
    assert_int_equal(count_entries("."), 1);
}

static void a_mapped_file_may_be_saved_onto_itself(void **state)
{
    (void)state;
    tw_array *array = NULL, *read = NULL;
    assert_int_equal(create(&array, "r.npy", 3, NULL), TW_OK);
    ((double *)tw_array_data(array))[2] = 7;
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    assert_int_equal(tw_array_save(array, "r.npy", NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(tw__npy_open(&read, NULL, "r.npy", NULL), TW_OK);
    assert_true(((double *)tw_array_data(read))[2] == 7);
    tw_array_destroy(read);
}

static void a_part_file_that_is_another_files_name_is_left_alone(void **state)
{
    (void)state;
    const char precious[] = "the only copy";
    tw_array *array = NULL;
    tw_error error;
    size_t length;
    write_file("precious.txt", precious, sizeof precious);
    assert_int_equal(link("precious.txt", "r.npy.part"), 0);
    assert_int_equal(create(&array, "r.npy", 10, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "r.npy.part: is another file's name too; remove it or choose another output");
    char *data = read_file("precious.txt", &length);
    assert_int_equal(length, sizeof precious);
    assert_memory_equal(data, precious, sizeof precious);
    free(data);
    assert_true(is_there("r.npy.part"));
}

static void a_part_file_of_another_user_is_left_alone(void **state)
{
    (void)state;
    tw_array *array = NULL;
    tw_error error;
    write_file("r.npy.part", "theirs", 6);
    if (chown("r.npy.part", 65534, 65534) != 0) {
        print_message("# skipped: giving a file away takes a privileged user\n");
        return;
    }
    assert_int_equal(create(&array, "r.npy", 10, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "r.npy.part: belongs to another user; remove it or choose another output");
    size_t length;
    free(read_file("r.npy.part", &length));
    assert_int_equal(length, 6);
}

static void the_current_folder_may_change_meanwhile(void **state)
{
    (void)state;
    tw_array *kept = NULL, *given_up = NULL;
    assert_int_equal(mkdir("below", 0777), 0);
    assert_int_equal(create(&kept, "r.npy", 10, NULL), TW_OK);
    assert_int_equal(create(&given_up, "below/s.npy", 10, NULL), TW_OK);
    assert_true(is_there("below/s.npy.part"));
    assert_int_equal(chdir("/"), 0);
    const tw_status status = tw_array_commit(kept, NULL);
    tw_array_destroy(kept);
    tw_array_destroy(given_up);
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(status, TW_OK);
    assert_true(is_there("r.npy") && !is_there("r.npy.part"));
    assert_int_equal(count_entries("below"), 0);
}

/* In a child: no descriptor is left when the file should be made, opened, or given its name. */
static int without_descriptors(void)
{
    tw_array *array = NULL, *other = NULL;
    tw_error error;
    if (create(&array, "r.npy", 10, NULL) != TW_OK) {
        return 1;
    }
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 4096};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 2;
    }
    if (create(&other, "s.npy", 10, &error) != TW_ERROR_PROCESS ||
        strstr(error.message, "Too many open files") == NULL) {
        return 3;
    }
    if (tw__npy_open(&other, NULL, "r.npy.part", &error) != TW_ERROR_PROCESS) {
        return 4;
    }
    return tw_array_commit(array, &error) == TW_OK ? 0 : 5; /* all it needs is open */
}

static void without_descriptors_nothing_is_left_half_done(void **state)
{
    (void)state;
    as_another_user(without_descriptors);
    assert_true(is_there("r.npy"));
    assert_int_equal(count_entries("."), 1);
}

static void items_of_no_bytes_are_written_and_read(void **state)
{
    (void)state;
    static const char *const names[] = {"S0", "V0", "U0"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        tw_array *array = NULL, *read = NULL;
        tw_dtype dtype;
        char storage[TW_DTYPE_TEXT];
        const int64_t shape[] = {3, 4};
        assert_int_equal(tw_dtype_parse(&dtype, names[k], storage, NULL), TW_OK);
        assert_int_equal(dtype.itemsize, 0);
        assert_int_equal(tw_array_create_file(&array, "r.npy", &dtype, 2, shape, NULL), TW_OK);
        assert_int_equal(tw_array_commit(array, NULL), TW_OK);
        assert_int_equal(tw__npy_open(&read, NULL, "r.npy", NULL), TW_OK);
        const tw_view *view = tw_array_view(read);
        assert_string_equal(tw_dtype_name(&view->dtype), storage);
        assert_true(view->ndim == 2 && view->shape[0] == 3 && view->shape[1] == 4 && tw_view_is_contiguous(view));
        tw_array *copy = NULL;
        assert_int_equal(tw_array_create(&copy, NULL, &dtype, 2, shape, NULL), TW_OK);
        assert_int_equal(tw_array_copy(copy, read, NULL), TW_OK);
        assert_int_equal(tw_array_save(copy, "s.npy", NULL), TW_OK);
        tw_array_destroy(copy);
        tw_array_destroy(read);
        tw_array_destroy(array);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_committed_file_reads_back_and_an_abandoned_one_is_gone),
        IN_FOLDER(a_part_file_is_never_a_npy_file),
        IN_FOLDER(what_had_the_name_stays_until_the_commit_and_then_goes),
        IN_FOLDER(permissions_honour_the_umask),
        IN_FOLDER(a_second_run_on_the_same_file_is_refused),
        IN_FOLDER(the_file_of_a_run_that_crashed_is_taken_over),
        IN_FOLDER(a_child_that_inherits_an_array_does_not_remove_its_file),
        IN_FOLDER(a_part_file_that_was_replaced_is_neither_committed_nor_removed),
        IN_FOLDER(names_that_cannot_be_written_are_refused_and_nothing_is_left),
        IN_FOLDER(a_file_size_limit_is_an_error_and_no_signal),
        IN_FOLDER(a_disk_that_is_too_small_is_an_error_before_the_first_item),
        IN_FOLDER(shapes_that_no_disk_has_are_refused),
        IN_FOLDER(files_past_2_GiB_are_written_at_their_end),
        IN_FOLDER(every_kind_and_layout_is_saved_in_c_order),
        IN_FOLDER(a_mapped_file_may_be_saved_onto_itself),
        IN_FOLDER(a_part_file_that_is_another_files_name_is_left_alone),
        IN_FOLDER(a_part_file_of_another_user_is_left_alone),
        IN_FOLDER(the_current_folder_may_change_meanwhile),
        IN_FOLDER(without_descriptors_nothing_is_left_half_done),
        IN_FOLDER(items_of_no_bytes_are_written_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
