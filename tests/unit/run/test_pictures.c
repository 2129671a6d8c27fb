/* test_pictures.c - reports of known records as a trace, a picture and a page: what is in them, and how large they are.
 */
#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

/* A report over a grid with these tiles, whose records the caller has filled in. */
static tw_report *report_of(const char *signature_text, int64_t length, int64_t tile, int workers,
                            const tw_tile_record *records, uint64_t count)
{
    tw_signature *signature;
    tw_grid *grid;
    tw_report *report;
    int64_t lengths[8];
    tw_split splits[8];
    assert_int_equal(tw_signature_parse(&signature, signature_text, NULL), TW_OK);
    const int naxes = tw_signature_naxes(signature);
    for (int a = 0; a < naxes; a++) {
        lengths[a] = length;
        splits[a] = (tw_split){.axis = tw_signature_axis(signature, a), .tile = tile};
    }
    const tw_grid_options options = {.splits = splits, .nsplits = (size_t)naxes};
    assert_int_equal(tw_grid_create(&grid, signature, lengths, &options, NULL), TW_OK);
    assert_int_equal(tw_grid_count(grid), count);
    tw_report_totals totals = {.pool = TW_THREADS,
                               .workers = workers,
                               .tiles = count,
                               .seconds = 2.96,
                               .differing_operand = -1,
                               .differing_index = -1,
                               .differing_tile = -1};
    for (uint64_t k = 0; k < count; k++) {
        totals.done += records[k].state == TW_TILE_DONE;
        totals.failed += records[k].state == TW_TILE_FAILED;
        totals.resumed += records[k].state == TW_TILE_DONE && records[k].worker < 0;
    }
    assert_int_equal(tw_report_of_records(&report, grid, &totals, records, NULL), TW_OK);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    return report;
}

static char *written(tw_status write(const tw_report *, FILE *, tw_error *), const tw_report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(write(report, file, NULL), TW_OK);
    assert_int_equal(fclose(file), 0);
    char *copy = strdup(text);
    free(text);
    assert_non_null(copy);
    return copy;
}

/* Six tiles of two workers: one failed, one was run again, one an earlier run had done, one nobody began. */
static const tw_tile_record six[] = {
    {.state = TW_TILE_DONE, .worker = 0, .pid = 7, .attempts = 1, .start = 0.0, .duration = 1.0},
    {.state = TW_TILE_FAILED, .worker = 0, .pid = 7, .attempts = 1, .start = 1.0, .duration = 0.5},
    {.state = TW_TILE_DONE, .worker = 1, .pid = 8, .attempts = 2, .start = 0.5, .duration = 2.0},
    {.state = TW_TILE_DONE, .worker = -1},
    {.state = TW_TILE_FREE, .worker = -1},
    {.state = TW_TILE_RUNNING, .worker = 1, .pid = 8, .attempts = 1, .start = 2.5, .duration = 0.0},
};

static size_t times_in(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* The events of a trace whose category begins with this. */
static json_t *event_of(json_t *trace, const char *category, size_t number)
{
    size_t k;
    json_t *event;
    json_array_foreach(json_object_get(trace, "traceEvents"), k, event)
    {
        const char *found = json_string_value(json_object_get(event, "cat"));
        if (found != NULL && strncmp(found, category, strlen(category)) == 0 && number-- == 0) {
            return event;
        }
    }
    return NULL;
}

static double number_of(const json_t *event, const char *key)
{
    return json_number_value(json_object_get(event, key));
}

static void a_trace_has_a_slice_for_each_tile_and_for_each_wait(void **state)
{
    (void)state;
    tw_report *report = report_of("-> r[i]", 6, 1, 2, six, 6);
    char *text = written(tw_report_write_trace, report);
    json_t *trace = json_loads(text, 0, NULL);
    assert_non_null(trace);
    const json_t *second = event_of(trace, "tile,failed", 0);
    assert_string_equal(json_string_value(json_object_get(second, "name")), "failed tile 1");
    assert_true(number_of(second, "ts") == 1e6 && number_of(second, "dur") == 5e5 && number_of(second, "tid") == 1);
    const json_t *ranges = json_object_get(json_object_get(second, "args"), "ranges");
    assert_string_equal(json_string_value(json_object_get(ranges, "i")), "1:2");
    const json_t *again = event_of(trace, "tile,retried", 0);
    assert_string_equal(json_string_value(json_object_get(again, "name")), "tile 2 again");
    assert_true(number_of(json_object_get(again, "args"), "attempts") == 2 && number_of(again, "tid") == 2);
    /* Worker 1 waited for half a second, worker 0 from 1.5 s to the last tile's end. */
    assert_true(number_of(event_of(trace, "idle", 0), "dur") == 5e5);
    assert_true(number_of(event_of(trace, "idle", 1), "ts") == 1.5e6 &&
                number_of(event_of(trace, "idle", 1), "dur") == 1e6);
    assert_null(event_of(trace, "idle", 2));
    assert_non_null(event_of(trace, "failed", 0)); /* the instant */
    assert_non_null(event_of(trace, "tile,unfinished", 0));
    json_decref(trace);
    free(text);
    tw_report_destroy(report);
}

/* Times are kept in 24 bits: one tile may seem to begin before the one before it has ended. */
static void times_grow_along_each_track(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    tw_tile_record records[COUNT];
    for (int k = 0; k < COUNT; k++) {
        records[k] = (tw_tile_record){.state = TW_TILE_DONE,
                                      .worker = k % 3,
                                      .pid = 1,
                                      .attempts = 1,
                                      .start = (float)(100.0 + 1e-5 * (COUNT - k)),
                                      .duration = (float)3e-5};
    }
    tw_report *report = report_of("-> r[i]", COUNT, 1, 3, records, COUNT);
    char *text = written(tw_report_write_trace, report);
    json_t *trace = json_loads(text, 0, NULL), *event;
    double ends[4] = {0};
    size_t k, slices = 0;
    json_array_foreach(json_object_get(trace, "traceEvents"), k, event)
    {
        if (strcmp(json_string_value(json_object_get(event, "ph")), "X") == 0) {
            const int track = (int)number_of(event, "tid");
            assert_true(number_of(event, "ts") >= ends[track] - 1e-4 && number_of(event, "dur") >= 0);
            ends[track] = number_of(event, "ts") + number_of(event, "dur");
            slices++;
        }
    }
    assert_true(slices >= COUNT);
    json_decref(trace);
    free(text);
    tw_report_destroy(report);
}

static void failed_tiles_look_like_no_workers(void **state)
{
    (void)state;
    tw_report *report = report_of("-> r[i]", 6, 1, 2, six, 6);
    char *text = written(tw_report_write_picture, report);
    assert_int_equal(times_in(text, "<svg "), 3);
    assert_int_equal(times_in(text, "tw-failed"), 3); /* in the legend, the map and the timeline */
    assert_int_equal(times_in(text, "fill=\"#000\""), 3);
    assert_non_null(strstr(text, "tile 1: i 1:2; FAILED on worker 0 after 500 ms"));
    assert_non_null(strstr(text, "tile 2: i 2:3; done by worker 1 in 2.0 s, attempt 2"));
    assert_non_null(strstr(text, "tile 3: i 3:4; done by an earlier run"));
    assert_non_null(strstr(text, "tile 4: i 4:5; not run"));
    assert_non_null(strstr(text, "tile 5: i 5:6; begun by worker 1, not finished"));
    static const char *const legend[] = {
        ">worker 0<", ">worker 1<", ">idle<", ">failed<", ">done by an earlier run<", ">begun, not finished<",
        ">not run<"};
    for (size_t k = 0; k < sizeof legend / sizeof legend[0]; k++) {
        assert_non_null(strstr(text, legend[k]));
    }
    assert_non_null(strstr(text, ">40 % idle<")); /* worker 0: 1.0 of 2.5 s */
    assert_non_null(strstr(text, ">20 % idle<"));
    assert_non_null(strstr(text, "Timeline: 2.5 s; workers were idle for 30 % of it; before and after it 460 ms"));
    free(text);
    tw_report_destroy(report);
}

static void skipped_tiles_are_shown_as_such(void **state)
{
    (void)state;
    tw_tile_record records[600] = {{.state = TW_TILE_DONE, .worker = 0, .pid = 7, .attempts = 1, .duration = 1.0}};
    for (int k = 1; k < 600; k++) {
        records[k] = (tw_tile_record){.state = TW_TILE_SKIPPED, .worker = -1};
    }
    tw_report *few = report_of("-> r[i]", 6, 1, 1, records, 6), *many = report_of("-> r[i]", 600, 1, 1, records, 600);
    char *text = written(tw_report_write_picture, few);
    assert_int_equal(times_in(text, "; skipped by the mask</title>"), 5);
    assert_int_equal(times_in(text, ">skipped by the mask<"), 1);
    free(text);
    text = written(tw_report_write_picture, many);
    assert_non_null(strstr(text, "1 done, 2 skipped"));
    assert_non_null(strstr(text, "597 skipped"));
    free(text);
    text = written(tw_report_write_trace, many);
    assert_int_equal(times_in(text, "\"cat\":\"tile"), 1);
    free(text);
    tw_report_destroy(few);
    tw_report_destroy(many);
}

static void a_page_loads_nothing(void **state)
{
    (void)state;
    tw_report *report = report_of("-> r[i]", 6, 1, 2, six, 6);
    char *text = written(tw_report_write_html, report);
    assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
    assert_non_null(strstr(text, "<h1>3 of 6 tiles done in 3.0 s on 2 threads</h1>"));
    assert_non_null(strstr(text, "default-src 'none'"));
    assert_non_null(strstr(text, "Failed tiles"));
    assert_non_null(strstr(text, "tile 1: pid 7 failed at -&gt; r[1:2] (1) in 500 ms"));
    static const char *const loads[] = {"src=", "href=", "url(", "@import", "<script", "<link", "<img", "<iframe"};
    for (size_t k = 0; k < sizeof loads / sizeof loads[0]; k++) {
        assert_null(strstr(text, loads[k]));
    }
    free(text);
    tw_report_destroy(report);
}

static void a_million_tiles_make_a_small_picture(void **state)
{
    (void)state;
    enum { SIDE = 1000, COUNT = SIDE * SIDE };
    tw_tile_record *records = calloc(COUNT, sizeof *records);
    assert_non_null(records);
    for (int k = 0; k < COUNT; k++) {
        records[k] = (tw_tile_record){.state = k == 123456 ? TW_TILE_FAILED : TW_TILE_DONE,
                                      .worker = k == 123456 ? 5 : k % 1009 % 200,
                                      .pid = 1,
                                      .attempts = 1,
                                      .start = 1e-6 * k,
                                      .duration = 1e-6};
    }
    tw_report *report =
        report_of("-> r[this_axis_has_a_name_that_is_as_long_as_names_may_ever_be_here,and_this_one_is_even_longer]",
                  SIDE, 1, 200, records, COUNT);
    char *text = written(tw_report_write_picture, report);
    assert_true(strlen(text) < 1 << 20);
    assert_non_null(strstr(text, "each cell stands for up to 512 tiles"));
    assert_non_null(strstr(text, "1 FAILED"));
    assert_non_null(strstr(text, "tile 123456: "));
    assert_non_null(strstr(text, "the first 64 of 200 workers are shown"));
    assert_non_null(strstr(text, "<title>this_axis_has_a_name_that_is_as_long_as_names_may_ever_be_here</title>"));
    free(text);
    tw_report_destroy(report);
    free(records);
}

/* Of axes without tiles, of no axes, of no tiles: there is something to read, and nothing breaks. */
static void small_and_empty_jobs_have_pictures(void **state)
{
    (void)state;
    static const tw_tile_record one = {.state = TW_TILE_DONE, .worker = 0, .pid = 1, .attempts = 1, .duration = 1e-3};
    static const struct {
        const char *signature;
        int64_t length;
        uint64_t count;
    } cases[] = {{"-> r[]", 1, 1}, {"-> r[i]", 1, 1}, {"-> r[i,j,k]", 3, 1}, {"-> r[i]", 0, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_report *report = report_of(cases[k].signature, cases[k].length, 3, 1, &one, cases[k].count);
        char *picture = written(tw_report_write_picture, report), *trace = written(tw_report_write_trace, report);
        assert_int_equal(times_in(picture, "<svg "), cases[k].count > 0 ? 3 : 0);
        json_t *read = json_loads(trace, 0, NULL);
        assert_non_null(read);
        assert_int_equal(event_of(read, "tile", 0) != NULL, cases[k].count > 0);
        json_decref(read);
        free(picture);
        free(trace);
        tw_report_destroy(report);
    }
}

static void tiles_that_no_worker_began_have_none(void **state)
{
    (void)state;
    const tw_tile_record odd[2] = {{.state = TW_TILE_SKIPPED, .worker = 0}, {.state = TW_TILE_FREE, .worker = 0}};
    tw_report *report = report_of("-> r[i]", 2, 1, 1, odd, 2);
    for (uint64_t tile = 0; tile < 2; tile++) {
        tw_tile_record record;
        assert_int_equal(tw_report_get_tile(report, tile, &record, NULL), TW_OK);
        assert_int_equal(record.worker, -1);
    }
    char *trace = written(tw_report_write_trace, report);
    assert_null(strstr(trace, "\"cat\":\"tile"));
    free(trace);
    tw_report_destroy(report);
}

static void totals_of_another_grid_are_refused(void **state)
{
    (void)state;
    tw_signature *signature;
    tw_grid *grid;
    tw_report *report = NULL;
    tw_error error;
    const int64_t length = 6;
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, &length, NULL, NULL), TW_OK);
    const tw_report_totals totals = {.workers = 1, .tiles = tw_grid_count(grid) + 1};
    assert_int_equal(tw_report_of_records(&report, grid, &totals, six, &error), TW_ERROR_ARGUMENT);
    assert_null(report);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    tw_report *report = report_of("-> r[i]", 6, 1, 2, six, 6);
    FILE *full = fopen("/dev/full", "w");
    tw_error error;
    if (full == NULL) {
        skip();
    }
    assert_int_equal(tw_report_write_trace(report, full, &error), TW_ERROR_DISK);
    clearerr(full);
    assert_int_equal(tw_report_write_html(report, full, &error), TW_ERROR_DISK);
    fclose(full);
    tw_report_destroy(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_has_a_slice_for_each_tile_and_for_each_wait),
        cmocka_unit_test(times_grow_along_each_track),
        cmocka_unit_test(failed_tiles_look_like_no_workers),
        cmocka_unit_test(skipped_tiles_are_shown_as_such),
        cmocka_unit_test(a_page_loads_nothing),
        cmocka_unit_test(a_million_tiles_make_a_small_picture),
        cmocka_unit_test(small_and_empty_jobs_have_pictures),
        cmocka_unit_test(tiles_that_no_worker_began_have_none),
        cmocka_unit_test(totals_of_another_grid_are_refused),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
