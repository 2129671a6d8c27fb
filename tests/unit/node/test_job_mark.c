/* test_job_mark.c - the text with which a job on nodes marks its finished files is read as it was made, and nothing is
 * believed of a text that is none. */
#include <string.h>

#include "harness.h"
#include "node/job_mark.h"

static char mark[TW__MARK_SIZE], launch[TW__LAUNCH_SIZE];

static void a_mark_is_read_as_it_was_made(void **state)
{
    (void)state;
    int64_t tiles = -1;
    tw__job_mark_make(mark, "0123abcd", 64, "Slurm 4711", "tilework run 'r[i] = y[i]'");
    assert_string_equal(
        mark,
        "tilework job 1 0123abcd\ntiles 64\nlaunch Slurm 4711\ncontent 0000000000000000\ntilework run 'r[i] = y[i]'\n");
    assert_int_equal(tw__job_mark_content(mark), 0);
    tw__job_mark_set_content(mark, UINT64_C(0x89abcdef01234567));
    assert_int_equal(tw__job_mark_content(mark), UINT64_C(0x89abcdef01234567));
    assert_string_equal(tw__job_mark_read(mark, &tiles, launch), "tilework run 'r[i] = y[i]'");
    assert_int_equal(tiles, 64);
    assert_string_equal(launch, "Slurm 4711");
}

static void a_launch_that_is_not_known_is_empty(void **state)
{
    (void)state;
    int64_t tiles;
    tw__job_mark_make(mark, "0", 1, "", "f");
    strcpy(launch, "old");
    assert_string_equal(tw__job_mark_read(mark, &tiles, launch), "f");
    assert_string_equal(launch, "");
}

static void a_long_description_is_cut(void **state)
{
    (void)state;
    char words[2 * TW__MARK_SIZE];
    int64_t tiles = -1;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    tw__job_mark_make(mark, "0", 7, "", words);
    assert_int_equal(strlen(mark), TW__MARK_SIZE - 1);
    tw__job_mark_set_content(mark, 7);
    assert_int_equal(tw__job_mark_content(mark), 7);
    const char *read = tw__job_mark_read(mark, &tiles, NULL);
    assert_int_equal(tiles, 7);
    assert_int_equal(strspn(read, "w"), strlen(read));
}

static void a_text_that_is_no_mark_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "tilework job 1 0",
                                        "tilework job 1 0\n",
                                        "tilework job 1 0\ntiles\n",
                                        "tilework job 1 0\ntiles x\nlaunch \nf\n",
                                        "tilework job 1 0\ntiles 7",
                                        "tilework job 1 0\ntiles 99999999999999999999\nlaunch \nf\n",
                                        "tilework job 1 0\ntiles 7\nlaunch ",
                                        "tilework job 1 0\ntiles 7\nlaunch Slurm 4711\n\n",
                                        "tilework job 1 0\ntiles 7\nlaunch Slurm 4711\ncontent 12\n\n",
                                        "tilework job 1 0\ntiles 7\nlaunch \ncontent 00000000"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        int64_t tiles = 0;
        strcpy(mark, texts[k]);
        assert_int_equal(tw__job_mark_content(mark), 0);
        tw__job_mark_set_content(mark, 1);
        assert_string_equal(mark, texts[k]);
        if (tw__job_mark_read(mark, &tiles, launch) != NULL) {
            fail_msg("\"%s\" has a description", texts[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_read_as_it_was_made),
        cmocka_unit_test(a_launch_that_is_not_known_is_empty),
        cmocka_unit_test(a_long_description_is_cut),
        cmocka_unit_test(a_text_that_is_no_mark_says_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
