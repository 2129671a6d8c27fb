/* test_journal.c - what journals say is done: one that a run writes, others of the same job that it only reads. */
#include <string.h>

#include <tilework/tilework.h>

#include "files.h"
#include "grids.h"

#include "record/fingerprint.h"
#include "record/journal.h"
#include "record/journal_file.h"

#define TILES 100

static int nothing(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

/* A job "-> r[i]" whose output is being written. */
struct job {
    tw_kernel *kernel;
    tw_grid *grid;
    tw_array *r;
};

static tw_grid *grid_of_tiles(int64_t tiles)
{
    const int64_t length = 4 * TILES;
    return grid_of("-> r[i]", &length, &(tw_split){.axis = "i", .parts = tiles}, 1);
}

static struct job open_job(void)
{
    const int64_t length = 4 * TILES;
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    struct job job = {.grid = grid_of_tiles(TILES)};
    assert_int_equal(tw_kernel_from_function(&job.kernel, nothing, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_array_create_file(&job.r, "r.npy", &dtype, 1, &length, NULL), TW_OK);
    return job;
}

static void close_job(struct job *job)
{
    tw_array_destroy(job->r);
    tw_grid_destroy(job->grid);
    tw_kernel_destroy(job->kernel);
}

/* The checksum that a journal is given for a tile. */
static uint64_t sum_of(uint64_t tile)
{
    return 1000 + tile;
}

/* A journal that has the tiles first, first + step, ... */
static struct tw__journal *journal_with(const struct job *job, const char *path, uint64_t first, uint64_t step)
{
    struct tw__journal *journal = NULL;
    tw_array *operands[] = {job->r};
    assert_int_equal(tw__journal_create(&journal, path, job->kernel, job->grid, operands, NULL, NULL, NULL), TW_OK);
    for (uint64_t tile = first; tile < TILES; tile += step) {
        tw__ledger_note(&journal->ledger, tile, sum_of(tile));
    }
    assert_int_equal(tw__journal_record(journal), TW_OK);
    return journal;
}

static struct json_t *fingerprint_of(const struct job *job, const tw_grid *grid)
{
    struct json_t *fingerprint = NULL;
    tw_array *operands[] = {job->r};
    assert_int_equal(tw__fingerprint(&fingerprint, job->kernel, grid, operands, NULL, NULL), TW_OK);
    return fingerprint;
}

static void a_ledger_filled_from_two_journals_has_what_either_has(void **state)
{
    struct job job = open_job();
    struct tw__journal *even = journal_with(&job, "even.journal", 0, 2),
                       *third = journal_with(&job, "third.journal", 0, 3);
    struct json_t *fingerprint = fingerprint_of(&job, job.grid);
    struct tw__ledger ledger;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_int_equal(tw__journal_read(&ledger, "even.journal", fingerprint, NULL), TW_OK);
    assert_int_equal(ledger.done, 50);
    assert_int_equal(tw__journal_read(&ledger, "third.journal", fingerprint, NULL), TW_OK);
    assert_int_equal(ledger.done, 67);
    assert_int_equal(ledger.pending, 0);
    for (uint64_t tile = 0; tile < TILES; tile++) {
        assert_int_equal(tw__ledger_has(&ledger, tile), tile % 2 == 0 || tile % 3 == 0);
        assert_int_equal(ledger.sums[tile], tile % 2 == 0 || tile % 3 == 0 ? sum_of(tile) : 0);
    }
    tw__ledger_fini(&ledger);
    tw__fingerprint_free(fingerprint);
    tw__journal_remove(even);
    tw__journal_remove(third);
    close_job(&job);
}

static void a_run_records_what_no_other_journal_has(void **state)
{
    struct job job = open_job();
    struct tw__journal *other = journal_with(&job, "other.journal", 0, 2),
                       *own = journal_with(&job, "own.journal", 90, 1);
    struct json_t *fingerprint = fingerprint_of(&job, job.grid);
    uint64_t done, tiles;
    (void)state;
    assert_int_equal(tw__journal_read(&own->ledger, "other.journal", fingerprint, NULL), TW_OK);
    assert_int_equal(own->ledger.done, 55);
    tw__ledger_note(&own->ledger, 1, sum_of(1));
    assert_int_equal(own->ledger.pending, 1);
    assert_int_equal(tw__journal_close(own, NULL), TW_OK);
    assert_int_equal(tw__journal_look(&done, &tiles, "own.journal", NULL), TW_OK);
    assert_int_equal(done, 11); /* its own 10 and one more, none of the other's */
    tw__fingerprint_free(fingerprint);
    tw__journal_remove(other);
    assert_int_equal(tw__journal_forget("own.journal", NULL), TW_OK);
    close_job(&job);
}

static void reading_a_journal_changes_no_byte_of_it(void **state)
{
    struct job job = open_job();
    struct tw__journal *written = journal_with(&job, "r.journal", 3, 7); /* its run has it open and locked */
    struct json_t *fingerprint = fingerprint_of(&job, job.grid);
    struct tw__ledger ledger;
    size_t length, length_after;
    (void)state;
    char *before = read_file("r.journal", &length);
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_int_equal(tw__journal_read(&ledger, "r.journal", fingerprint, NULL), TW_OK);
    assert_int_equal(ledger.done, 14);
    char *after = read_file("r.journal", &length_after);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    free(before);
    free(after);
    tw__ledger_fini(&ledger);
    tw__fingerprint_free(fingerprint);
    tw__journal_remove(written);
    close_job(&job);
}

static void another_jobs_journal_is_not_believed(void **state)
{
    struct job job = open_job();
    tw_grid *other = grid_of_tiles(TILES / 2);
    struct tw__journal *written = journal_with(&job, "r.journal", 0, 1);
    struct json_t *fingerprint = fingerprint_of(&job, other);
    struct tw__ledger ledger;
    tw_error error;
    (void)state;
    assert_int_equal(tw__ledger_init(&ledger, TILES / 2, NULL), TW_OK);
    assert_int_equal(tw__journal_read(&ledger, "r.journal", fingerprint, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "r.journal: is of another job: axis i was length 400 in 100 tiles of 4 and is "
                                       "length 400 in 50 tiles of 8");
    assert_int_equal(tw__journal_read(&ledger, "missing.journal", fingerprint, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "missing.journal: there is no journal");
    assert_int_equal(ledger.done, 0);
    tw__ledger_fini(&ledger);
    tw__fingerprint_free(fingerprint);
    tw__journal_remove(written);
    tw_grid_destroy(other);
    close_job(&job);
}

static void two_journals_that_disagree_about_a_tile_are_refused(void **state)
{
    struct job job = open_job();
    struct tw__journal *one = journal_with(&job, "one.journal", 0, 1),
                       *other = journal_with(&job, "other.journal", 90, 1);
    struct json_t *fingerprint = fingerprint_of(&job, job.grid);
    struct tw__ledger ledger;
    tw_error error;
    (void)state;
    tw__ledger_drop(&other->ledger, 95);
    tw__ledger_note(&other->ledger, 95, 1);
    assert_int_equal(tw__journal_record(other), TW_OK);
    assert_int_equal(tw__ledger_init(&ledger, TILES, NULL), TW_OK);
    assert_int_equal(tw__journal_read(&ledger, "one.journal", fingerprint, NULL), TW_OK);
    assert_int_equal(tw__journal_read(&ledger, "other.journal", fingerprint, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message,
                        "other.journal: tile 95 has another checksum than in the journal that was read before");
    tw__ledger_fini(&ledger);
    tw__fingerprint_free(fingerprint);
    tw__journal_remove(one);
    tw__journal_remove(other);
    close_job(&job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_ledger_filled_from_two_journals_has_what_either_has),
        IN_FOLDER(a_run_records_what_no_other_journal_has),
        IN_FOLDER(reading_a_journal_changes_no_byte_of_it),
        IN_FOLDER(another_jobs_journal_is_not_believed),
        IN_FOLDER(two_journals_that_disagree_about_a_tile_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
