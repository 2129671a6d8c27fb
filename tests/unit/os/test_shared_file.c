/* test_shared_file.c - files whose bytes several processes write (os/shared_file.h). */
#include "files.h"

#include <errno.h>

#include "os/file.h"
#include "os/shared_file.h"

enum { SIZE = 5 * 4096 + 123 };

static unsigned char contents[SIZE];

static void make(void)
{
    for (int k = 0; k < SIZE; k++) {
        contents[k] = (unsigned char)(k * 7 + k / 4096);
    }
    write_file("f", contents, SIZE);
}

/* At every distance from a page's border, on both kinds of file system. */
static void ranges_are_written_and_read_exactly(void **state)
{
    (void)state;
    static unsigned char data[SIZE], back[SIZE];
    uint64_t random = 9;
    make();
    for (int is_coherent = 0; is_coherent < 2; is_coherent++) {
        struct tw__shared_file file;
        assert_int_equal(tw__shared_file_open(&file, TW__FOLDER_HERE, "f", is_coherent), 0);
        assert_int_equal(file.strict >= 0, !is_coherent);
        for (int round = 0; round < 400; round++) {
            const int64_t at = random_below(&random, 2) ? random_below(&random, SIZE) : random_below(&random, 5) * 4096;
            const int64_t most = SIZE - at;
            const int64_t length = random_below(&random, 2)        ? 1 + random_below(&random, most)
                                   : random_below(&random, 2) == 0 ? most
                                   : most > 4096                   ? 4096
                                                                   : most;
            for (int64_t k = 0; k < length; k++) {
                data[k] = contents[at + k] = (unsigned char)next_random(&random);
            }
            assert_int_equal(tw__shared_file_write(&file, data, (size_t)length, at), 0);
            assert_int_equal(tw__shared_file_read(&file, back, (size_t)length, at), 0);
            assert_memory_equal(back, data, (size_t)length);
        }
        assert_int_equal(tw__shared_file_sync(&file), 0);
        tw__shared_file_close(&file);
        size_t length;
        char *all = read_file("f", &length);
        assert_int_equal(length, SIZE); /* never made longer */
        assert_memory_equal(all, contents, SIZE);
        free(all);
    }
    unlink("f");
}

static void a_file_that_ends_too_early_is_an_error(void **state)
{
    (void)state;
    unsigned char data[64];
    make();
    for (int is_coherent = 0; is_coherent < 2; is_coherent++) {
        struct tw__shared_file file;
        assert_int_equal(tw__shared_file_open(&file, TW__FOLDER_HERE, "f", is_coherent), 0);
        assert_int_equal(tw__shared_file_read(&file, data, sizeof data, SIZE - 64), 0);
        assert_int_not_equal(tw__shared_file_read(&file, data, sizeof data, SIZE - 63), 0);
        tw__shared_file_close(&file);
    }
    unlink("f");
}

static void only_a_regular_file_is_opened(void **state)
{
    (void)state;
    struct tw__shared_file file;
    assert_int_equal(tw__shared_file_open(&file, TW__FOLDER_HERE, "none", 1), ENOENT);
    assert_int_equal(symlink("f", "link"), 0);
    make();
    assert_int_equal(tw__shared_file_open(&file, TW__FOLDER_HERE, "link", 0), ELOOP);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    assert_int_equal(tw__shared_file_open(&file, TW__FOLDER_HERE, "pipe", 1), EINVAL);
    assert_int_equal(file.fd, -1);
    unlink("f");
    unlink("link");
    unlink("pipe");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(ranges_are_written_and_read_exactly),
        IN_FOLDER(a_file_that_ends_too_early_is_an_error),
        IN_FOLDER(only_a_regular_file_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
