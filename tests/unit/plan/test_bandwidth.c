/* The bandwidth of memory: plausible, kept, and never believed of a torn or foreign file. */
#include "harness.h"
#include "scratch.h"

#include <dirent.h>
#include <locale.h>

#include "plan/bandwidth.h"

/* The one file that is kept in the folder (free it). */
static char *kept_file(const struct scratch *scratch)
{
    char *found = NULL;
    DIR *folder = opendir(scratch->path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, "bandwidth-", 10) == 0) {
            assert_null(found);
            found = strdup(entry->d_name);
        }
    }
    closedir(folder);
    assert_non_null(found);
    return found;
}

static char *text_of(const struct scratch *scratch, const char *name)
{
    char *path = scratch_path(scratch, name), *text = calloc(1, 8192);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, 8191, file) > 0);
    fclose(file);
    free(path);
    return text;
}

static void is_measured_once_and_kept(void **state)
{
    const struct scratch *scratch = *state;
    const tw_bandwidth_options options = {.cache = scratch->path}, again = {.again = 1, .cache = scratch->path};
    tw_bandwidth first, second;
    assert_int_equal(tw_machine_bandwidth(&first, &options, NULL), TW_OK);
    assert_int_equal(first.is_kept, 0);
    assert_int_equal(first.row[0].threads, 1);
    for (int n = 0; n < first.count; n++) {
        const tw_bandwidth_row *row = &first.row[n];
        assert_true(row->read > 1e7 && row->write > 1e7 && row->copy > 1e7 && row->fresh > 1e6);
        assert_true(n == 0 || row->threads > first.row[n - 1].threads);
    }
    assert_true(first.shared > 1e6);
    assert_int_equal(tw_machine_bandwidth(&second, &options, NULL), TW_OK);
    assert_int_equal(second.is_kept, 1);
    assert_int_equal(second.measured_at, first.measured_at);
    assert_int_equal(second.count, first.count);
    assert_true(second.row[0].read > first.row[0].read * 0.99 && second.row[0].read < first.row[0].read * 1.01);
    assert_int_equal(tw_machine_bandwidth(&second, &again, NULL), TW_OK);
    assert_int_equal(second.is_kept, 0);
    assert_true(second.measured_at > first.measured_at);
}

static void a_torn_or_foreign_file_is_as_good_as_none(void **state)
{
    const struct scratch *scratch = *state;
    const tw_bandwidth_options options = {.cache = scratch->path};
    tw_bandwidth bandwidth;
    assert_int_equal(tw_machine_bandwidth(&bandwidth, &options, NULL), TW_OK);
    char *name = kept_file(scratch), *text = text_of(scratch, name);
    assert_int_equal(tw__bandwidth_known(&bandwidth, scratch->path), 1);
    for (size_t length = 0; length < strlen(text); length++) {
        char *torn = strndup(text, length);
        scratch_write(scratch, name, torn);
        assert_int_equal(tw__bandwidth_known(&bandwidth, scratch->path), 0);
        free(torn);
    }
    static const char *const foreign[] = {"{\"read\": 1}\n", "tilework bandwidth 2\n", "\n"};
    for (size_t k = 0; k < sizeof foreign / sizeof foreign[0]; k++) {
        scratch_write(scratch, name, foreign[k]);
        assert_int_equal(tw__bandwidth_known(&bandwidth, scratch->path), 0);
    }
    char *key = strstr(text, "key ") + 4;
    *key = *key == '0' ? '1' : '0'; /* of another machine */
    scratch_write(scratch, name, text);
    assert_int_equal(tw__bandwidth_known(&bandwidth, scratch->path), 0);
    *key = *key == '0' ? '1' : '0';
    free(text);
    free(name);
}

static void numbers_out_of_range_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    const tw_bandwidth_options options = {.cache = scratch->path};
    static const char *const bad[] = {"read 0 ",   "read -5 ",  "read 99999999999 ",
                                      "read 1.5 ", "read 1,5 ", "read nan "};
    tw_bandwidth bandwidth;
    assert_int_equal(tw_machine_bandwidth(&bandwidth, &options, NULL), TW_OK);
    char *name = kept_file(scratch), *text = text_of(scratch, name), *read = strstr(text, "read ");
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        char *changed = NULL;
        assert_true(asprintf(&changed, "%.*s%s%s", (int)(read - text), text, bad[k], strstr(read, "write ")) > 0);
        scratch_write(scratch, name, changed);
        assert_int_equal(tw__bandwidth_known(&bandwidth, scratch->path), 0);
        free(changed);
    }
    free(text);
    free(name);
}

static void rows_between_are_made_of_their_neighbours(void **state)
{
    (void)state;
    const tw_bandwidth known = {
        .count = 3, .row = {{1, 10, 20, 30, 40}, {2, 20, 20, 40, 50}, {6, 40, 30, 60, 90}}, .shared = 5};
    assert_true(tw__bandwidth_at(&known, 1).read == 10);
    assert_true(tw__bandwidth_at(&known, 2).fresh == 50);
    assert_true(tw__bandwidth_at(&known, 4).read == 30);
    assert_true(tw__bandwidth_at(&known, 4).write == 25);
    assert_true(tw__bandwidth_at(&known, 4).copy == 50);
    assert_true(tw__bandwidth_at(&known, 100).fresh == 90); /* more threads move no more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_measured_once_and_kept, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(a_torn_or_foreign_file_is_as_good_as_none, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(numbers_out_of_range_are_refused, scratch_open, scratch_close),
        cmocka_unit_test(rows_between_are_made_of_their_neighbours),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
