/* test_shared_part.c - parts of outputs that several processes write (store/shared.h). */
#include "files.h"

#include <errno.h>

#include "os/file.h"
#include "store/shared.h"
#include "store/shared_mark.h"

static const unsigned char tag[TW__TAG_SIZE] = {0, 0, 1, 2, 3, 4};

enum { ROWS = 50, COLUMNS = 700 }; /* 5,600 bytes a row: every row has an odd part of a page */

static int folder = -1;
static tw_dtype dtype;
static const int64_t shape[] = {ROWS, COLUMNS};

static int set_up(void **state)
{
    const char *name;
    dtype = tw_dtype_of(TW_FLOAT64);
    return enter_folder(state) != 0 || mkdir("run", 0777) != 0 || tw__folder_open(&folder, "run/0.npy", &name) != 0;
}

static int tear_down(void **state)
{
    close(folder);
    unlink("run/0.npy");
    rmdir("run");
    return leave_folder(state);
}

static struct tw__shared_wish wish(int distrusts)
{
    return (struct tw__shared_wish){.folder = folder,
                                    .name = "0.npy",
                                    .shown = "run/0.npy",
                                    .path = "r.npy",
                                    .mark = "0123abcd\nr[i] = y[i]",
                                    .dtype = &dtype,
                                    .ndim = 2,
                                    .shape = shape,
                                    .tag = tag,
                                    .distrusts = distrusts};
}

static tw_array *opened(int distrusts)
{
    const struct tw__shared_wish own = wish(distrusts);
    tw_array *array = NULL;
    assert_int_equal(tw__shared_open(&array, &own, NULL), TW_OK);
    assert_non_null(array);
    return array;
}

static void make(void)
{
    const struct tw__shared_wish own = wish(0);
    assert_int_equal(tw__shared_create(&own, NULL), TW_OK);
}

static tw_view box_of(double *data, int64_t rows, int64_t columns, int64_t stride)
{
    return (tw_view){.data = data,
                     .dtype = dtype,
                     .ndim = 2,
                     .shape = {rows, columns},
                     .strides = {stride * (int64_t)sizeof(double), sizeof(double)}};
}

/* ---- what is written ---- */

static void a_part_is_whole_when_it_is_made_and_no_npy_file(void **state)
{
    (void)state;
    size_t length;
    tw_array *array = NULL;
    make();
    char *bytes = read_file("run/0.npy", &length);
    assert_int_equal(length, 4096 + ROWS * COLUMNS * sizeof(double));
    assert_memory_equal(bytes, tag, sizeof tag);
    assert_int_equal(bytes[4095], '\n');
    free(bytes);
    assert_int_equal(tw_array_open(&array, NULL, "run/0.npy", NULL), TW_ERROR_FORMAT);
    const struct tw__shared_wish own = wish(0);
    tw_error error;
    assert_int_equal(tw__shared_create(&own, &error), TW_ERROR_FILE); /* the first has made it */
    assert_non_null(strstr(error.message, "run/0.npy: cannot be made"));
}

/* Two openings write boxes that interleave, one as on a file system that is not coherent: each byte is the owner's. */
static void boxes_of_two_writers_are_all_there(void **state)
{
    (void)state;
    static double model[ROWS][COLUMNS], box[ROWS * 3 * COLUMNS];
    uint64_t random = 11;
    make();
    tw_array *arrays[] = {opened(0), opened(1)};
    for (int round = 0; round < 1500; round++) {
        const int64_t start[] = {random_below(&random, ROWS), random_below(&random, COLUMNS)};
        const int whole = random_below(&random, 3) == 0;
        const int64_t from = whole ? 0 : start[1];
        const int64_t rows = 1 + random_below(&random, ROWS - start[0] < 5 ? ROWS - start[0] : 5);
        const int64_t columns = whole ? COLUMNS : 1 + random_below(&random, COLUMNS - start[1]);
        const int64_t stride = columns + random_below(&random, 3);
        const tw_view view = box_of(box, rows, columns, stride);
        tw_array *array = arrays[random_below(&random, 2)];
        const int gives = (int)random_below(&random, 2);
        const int64_t corner[] = {start[0], from};
        if (!gives) {
            assert_int_equal(tw__store_take(array, corner, &view), 0);
        }
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++) {
                double *known = &model[start[0] + i][from + j];
                if (gives) {
                    *known = box[i * stride + j] = round + 1;
                } else {
                    assert_true(box[i * stride + j] == *known);
                }
            }
        }
        if (gives) {
            assert_int_equal(tw__store_give(array, corner, &view), 0);
        }
    }
    assert_int_equal(tw_array_commit(arrays[1], NULL), TW_OK);
    tw_array *finished = NULL;
    assert_int_equal(tw_array_open(&finished, NULL, "r.npy", NULL), TW_OK);
    assert_memory_equal(tw_array_data(finished), model, sizeof model);
    tw_array_destroy(finished);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    unlink("r.npy");
}

static void arrays_of_any_strides_are_copied_in_and_out(void **state)
{
    (void)state;
    tw_array *from = NULL, *back = NULL;
    make();
    tw_array *part = opened(1);
    assert_int_equal(tw_array_create(&from, NULL, &dtype, 2, (int64_t[]){COLUMNS, ROWS}, NULL), TW_OK);
    assert_int_equal(tw_array_create(&back, NULL, &dtype, 2, shape, NULL), TW_OK);
    double *data = tw_array_data(from), *found = tw_array_data(back);
    for (int k = 0; k < ROWS * COLUMNS; k++) {
        data[k] = k;
    }
    tw_view turned = from->view;
    turned.shape[0] = ROWS;
    turned.shape[1] = COLUMNS;
    turned.strides[0] = sizeof(double);
    turned.strides[1] = ROWS * sizeof(double);
    const int64_t origin[] = {0, 0};
    assert_int_equal(tw__store_give(part, origin, &turned), 0);
    assert_int_equal(tw_array_copy(back, part, NULL), TW_OK);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            assert_true(found[i * COLUMNS + j] == j * ROWS + i);
        }
    }
    memset(data, 0, (size_t)ROWS * COLUMNS * sizeof *data);
    assert_int_equal(tw__store_take(part, origin, &turned), 0);
    for (int k = 0; k < ROWS * COLUMNS; k++) {
        assert_true(data[k] == k);
    }
    tw_array_destroy(from);
    tw_array_destroy(back);
    tw_array_destroy(part);
}

static void nothing_is_written_to_a_part_that_has_lost_its_name(void **state)
{
    (void)state;
    double box[COLUMNS];
    const int64_t origin[] = {0, 0};
    const tw_view row = box_of(box, 1, COLUMNS, COLUMNS);
    make();
    tw_array *array = opened(0);
    assert_int_equal(tw__shared_is_there(array), 1);
    assert_int_equal(rename("run/0.npy", "r.npy"), 0);
    assert_int_equal(tw__shared_is_there(array), 0);
    memset(box, 1, sizeof box);
    assert_int_equal(tw__store_give(array, origin, &row), 0);
    size_t length;
    char *bytes = read_file("r.npy", &length);
    for (size_t k = 4096; k < length; k++) {
        assert_int_equal(bytes[k], 0);
    }
    free(bytes);
    tw_array_destroy(array);
    assert_true(is_there("r.npy"));
    unlink("r.npy");
}

static void another_file_under_its_descriptor_is_not_written_to(void **state)
{
    (void)state;
    double box[COLUMNS] = {0};
    const int64_t origin[] = {0, 0};
    const tw_view row = box_of(box, 1, COLUMNS, COLUMNS);
    make();
    tw_array *array = opened(1);
    write_file("other", "text", 4);
    for (int fd = 3; fd < 40; fd++) { /* what a kernel does that closes all it finds, and opens a file */
        if (fd != folder) {
            const int other = open("other", O_RDWR);
            dup2(other, fd);
            close(other);
        }
    }
    assert_int_equal(tw__store_give(array, origin, &row), EBADF);
    assert_int_equal(tw__shared_is_there(array), -1);
    assert_int_equal(tw_array_commit(array, NULL), TW_ERROR_FILE);
    tw_array_destroy(array);
    for (int fd = 3; fd < 40; fd++) {
        if (fd != folder) {
            close(fd);
        }
    }
    size_t length;
    free(read_file("other", &length));
    assert_int_equal(length, 4);
    unlink("other");
}

/* ---- opening ---- */

static void only_the_jobs_own_part_is_opened(void **state)
{
    (void)state;
    tw_array *array = NULL;
    tw_error error;
    struct tw__shared_wish own = wish(0);
    assert_int_equal(tw__shared_open(&array, &own, NULL), TW_OK);
    assert_null(array); /* there is none */
    make();
    static const unsigned char other[TW__TAG_SIZE] = {0, 0, 9, 9, 9, 9};
    own.tag = other;
    assert_int_equal(tw__shared_open(&array, &own, &error), TW_ERROR_JOURNAL);
    own = wish(0);
    own.shape = (const int64_t[]){COLUMNS, ROWS};
    assert_int_equal(tw__shared_open(&array, &own, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "run/0.npy: is not the unfinished output of 700 x 50 float64 that it should be");
    own = wish(0);
    assert_int_equal(truncate("run/0.npy", 8192), 0);
    assert_int_equal(tw__shared_open(&array, &own, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "run/0.npy: has 8192 bytes and should have 284096");
    assert_null(array);
}

static void elements_alone_lie_where_they_are_wished(void **state)
{
    (void)state;
    double box[6] = {1, 2, 3, 4, 5, 6};
    const int64_t lengths[] = {3, 2}, origin[] = {0, 0};
    const tw_view view = box_of(box, 3, 2, 2);
    struct tw__shared_wish own = wish(1);
    own.path = own.mark = NULL;
    own.shape = lengths;
    own.offset = 8192;
    write_file("run/0.npy", "", 0);
    assert_int_equal(truncate("run/0.npy", 8192 + 48), 0);
    tw_array *array = NULL;
    assert_int_equal(tw__shared_open(&array, &own, NULL), TW_OK);
    assert_int_equal(tw__store_give(array, origin, &view), 0);
    assert_int_equal(tw__store_sync(array), 0);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK); /* it never gets a name */
    tw_array_destroy(array);
    size_t length;
    char *bytes = read_file("run/0.npy", &length);
    assert_memory_equal(bytes + 8192, box, sizeof box);
    free(bytes);
}

/* ---- the end ---- */

static void two_may_finish_one_part(void **state)
{
    (void)state;
    char mark[TW__MARK_SIZE];
    struct stat before, after;
    make();
    tw_array *first = opened(0), *second = opened(1);
    assert_int_equal(tw__store_check(first, NULL), TW_OK);
    assert_int_equal(tw_array_commit(first, NULL), TW_OK);
    assert_int_equal(stat("r.npy", &before), 0);
    assert_int_equal(tw__store_check(second, NULL), TW_OK);
    assert_int_equal(tw_array_commit(second, NULL), TW_OK);
    assert_int_equal(stat("r.npy", &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    assert_int_equal(tw__shared_mark_read(TW__FOLDER_HERE, "r.npy", mark), 0);
    assert_string_equal(mark, "0123abcd\nr[i] = y[i]");
    tw_array_destroy(first);
    tw_array_destroy(second);
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(count_entries("run"), 0);
    unlink("r.npy");
}

static void a_crash_between_magic_and_name_is_finished_later(void **state)
{
    (void)state;
    tw_array *finished = NULL;
    make();
    const int fd = open("run/0.npy", O_RDWR);
    assert_int_equal(pwrite(fd, "\x93NUMPY\1\0", 8, 0), 8);
    close(fd);
    tw_array *array = opened(0);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(tw_array_open(&finished, NULL, "r.npy", NULL), TW_OK);
    tw_array_destroy(finished);
    unlink("r.npy");
}

static void what_was_removed_cannot_be_finished(void **state)
{
    (void)state;
    tw_error error;
    make();
    tw_array *array = opened(0);
    write_file("r.npy", "somebody's", 10);
    unlink("run/0.npy");
    assert_int_equal(tw_array_commit(array, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "run/0.npy: was removed while it was being written");
    tw_array_destroy(array);
    size_t length;
    free(read_file("r.npy", &length));
    assert_int_equal(length, 10);
    unlink("r.npy");
}

static void a_finished_part_has_the_mode_of_what_it_replaces(void **state)
{
    (void)state;
    struct stat info;
    write_file("r.npy", "old", 3);
    assert_int_equal(chmod("r.npy", 0640), 0);
    make();
    assert_int_equal(stat("run/0.npy", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); /* nobody reads more than of the old one */
    tw_array *array = opened(0);
    assert_int_equal(tw_array_commit(array, NULL), TW_OK);
    tw_array_destroy(array);
    assert_int_equal(stat("r.npy", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    unlink("r.npy");
}

static void an_inout_tile_begins_with_its_source(void **state)
{
    (void)state;
    make();
    tw_array *array = opened(0), *source = NULL;
    assert_int_equal(tw_array_create(&source, NULL, &dtype, 2, shape, NULL), TW_OK);
    tw_error error;
    assert_int_equal(tw__shared_begin_with(array, source, NULL), TW_OK);
    assert_ptr_equal(array->store->begin, source);
    tw_array_destroy(source);
    assert_int_equal(tw_array_create(&source, NULL, &dtype, 1, shape, NULL), TW_OK);
    assert_int_equal(tw__shared_begin_with(array, source, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "r.npy: an output of 50 x 700 float64 cannot begin with an array of 50 float64; "
                                       "both need the same shape and dtype");
    assert_int_equal(tw__shared_begin_with(array, array, &error), TW_ERROR_ARGUMENT);
    tw_array_destroy(array);
    tw_array_destroy(source);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define PREPARED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PREPARED(a_part_is_whole_when_it_is_made_and_no_npy_file),
        PREPARED(boxes_of_two_writers_are_all_there),
        PREPARED(arrays_of_any_strides_are_copied_in_and_out),
        PREPARED(nothing_is_written_to_a_part_that_has_lost_its_name),
        PREPARED(another_file_under_its_descriptor_is_not_written_to),
        PREPARED(only_the_jobs_own_part_is_opened),
        PREPARED(elements_alone_lie_where_they_are_wished),
        PREPARED(two_may_finish_one_part),
        PREPARED(a_crash_between_magic_and_name_is_finished_later),
        PREPARED(what_was_removed_cannot_be_finished),
        PREPARED(a_finished_part_has_the_mode_of_what_it_replaces),
        PREPARED(an_inout_tile_begins_with_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
