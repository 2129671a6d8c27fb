/* test_outputs.c - the files of a run as one thing: a program that is killed resumes, names are given all or none, and
 * nothing of another job is mixed in or lost. */
#include <signal.h>
#include <string.h>
#include <time.h>

#include <tilework/tilework.h>

#include "written_jobs.h"

#define TILES 40
#define LENGTH 400

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[TILES];
    _Atomic int slow;    /* each tile takes a while, so that the program can be killed in the middle */
    _Atomic int failing; /* tile that fails; -1: none */
} * board;

static int step(const tw_tile *tile)
{
    board->calls[tile->number]++;
    if (board->slow) { /* the later ones much slower, so that the kill comes before the last of them */
        const int is_late = tile->number >= TILES / 2;
        nanosleep(&(struct timespec){.tv_sec = is_late, .tv_nsec = 30000000}, NULL);
    }
    compute_two_files(tile);
    return (int)tile->number == board->failing ? tw_tile_fail(tile, 7, "deaths to fail") : 0;
}

/* ---- the job ---- */

static struct job *open_job(int64_t tiles)
{
    struct job *job = job_of_two_files(step, LENGTH, tiles);
    for (int tile = 0; tile < TILES; tile++) {
        board->calls[tile] = 0;
    }
    board->slow = 0;
    board->failing = -1;
    return job;
}

static tw_status whole_run(const struct job *job, const tw_outputs_options *options, tw_pool_kind kind, tw_error *error)
{
    return write_job(job, options, kind, 0, NULL, NULL, error);
}

/* ---- what there is afterwards ---- */

static void check_finished(void)
{
    check_two_files(LENGTH);
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(unlink("u.npy"), 0);
    assert_int_equal(unlink("r.npy"), 0);
}

static int total_calls(void)
{
    return total_of(board->calls, TILES);
}

/* A run in which the last tile fails: the others are kept. */
static uint64_t leave_unfinished(const struct job *job)
{
    board->failing = TILES - 1;
    assert_int_equal(whole_run(job, NULL, TW_SERIAL, NULL), TW_ERROR_KERNEL);
    board->failing = -1;
    assert_true(is_there("u.npy.part") && is_there("r.npy.part") && is_there("u.npy.journal"));
    assert_int_equal(count_entries("."), 3);
    return recorded_in("u.npy.journal");
}

/* ---- the tests ---- */

static void a_killed_program_computes_only_what_is_missing(void **state)
{
    (void)state;
    for (int k = 1; k < pool_kinds(); k++) {
        struct job *job = open_job(TILES);
        board->slow = 1;
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const tw_outputs_options resume = {.resume = 1}; /* there is nothing to resume: it begins */
            _exit(whole_run(job, &resume, kinds[k], NULL) != TW_OK);
        }
        int status = 0;
        for (int wait = 0; recorded_in("u.npy.journal") == 0; wait++) {
            assert_true(wait < 3000 && waitpid(pid, &status, WNOHANG) == 0);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        const uint64_t done = recorded_in("u.npy.journal");
        assert_true(done > 0 && done < TILES);
        board->slow = 0;
        /* The workers of a killed program may live for a moment, and hold its files. */
        tw_outputs *outputs = NULL;
        tw_status opened = TW_ERROR_FILE;
        for (int wait = 0; opened == TW_ERROR_FILE && wait < 3000; wait++) {
            opened = open_outputs(&outputs, job, &(tw_outputs_options){.resume = 1, .verify = 1}, NULL);
            nanosleep(&(struct timespec){.tv_nsec = opened == TW_OK ? 0 : 10000000}, NULL);
        }
        assert_int_equal(opened, TW_OK);
        for (int tile = 0; tile < TILES; tile++) {
            board->calls[tile] = 0;
        }
        tw_outputs_totals totals;
        tw_outputs_get_totals(outputs, &totals);
        assert_int_equal(totals.done, done);
        assert_int_equal(totals.tiles, TILES);
        assert_int_equal(totals.dropped, 0);
        tw_pool *pool = open_pool(kinds[k], 2);
        assert_int_equal(run_outputs(job, outputs, pool, NULL), TW_OK);
        assert_int_equal(tw_outputs_commit(outputs, NULL), TW_OK);
        tw_outputs_destroy(outputs);
        tw_pool_close(pool);
        assert_int_equal(total_calls(), TILES - (int)done);
        check_finished();
        close_job(job);
    }
}

static void what_is_not_whole_gets_no_name(void **state)
{
    struct job *job = open_job(TILES);
    (void)state;
    for (int no_journal = 0; no_journal < 2; no_journal++) {
        const tw_outputs_options options = {.no_journal = no_journal};
        tw_outputs *outputs = NULL;
        tw_error error;
        assert_int_equal(open_outputs(&outputs, job, &options, NULL), TW_OK);
        assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, "outputs get their names after tw_run has done all of their tiles");
        board->failing = 25;
        assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_ERROR_KERNEL);
        assert_int_equal(tw_outputs_commit(outputs, NULL), TW_ERROR_ARGUMENT);
        board->failing = -1;
        assert_false(is_there("u.npy") || is_there("r.npy"));
        tw_outputs_destroy(outputs);
        assert_int_equal(count_entries("."), 0);
    }
    close_job(job);
}

static void what_failed_is_kept_and_resumed(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_outputs_totals totals;
    tw_error error;
    (void)state;
    board->failing = 25;
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, &error), TW_ERROR_KERNEL);
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
    tw_outputs_get_totals(outputs, &totals);
    assert_int_equal(totals.kept, 25);
    tw_outputs_destroy(outputs);
    board->failing = -1;
    assert_int_equal(whole_run(job, &(tw_outputs_options){.resume = 1}, TW_THREADS, NULL), TW_OK);
    assert_int_equal(total_calls(), TILES + 1);
    check_finished();
    close_job(job);
}

/* Neither is followed by another end or by a run: the files are no longer those of these outputs. */
static void outputs_end_once(void **state)
{
    static const char *const ended[] = {"these outputs have been committed: open them anew",
                                        "these outputs have been kept: open them anew"};
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
        assert_int_equal(run_outputs(job, outputs, NULL, &error), TW_OK);
        assert_int_equal(keep ? tw_outputs_keep(outputs, NULL) : tw_outputs_commit(outputs, NULL), TW_OK);
        assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, ended[keep]);
        assert_int_equal(run_outputs(job, outputs, NULL, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, ended[keep]);
        assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
        if (!keep) {
            check_one_file("r.npy", LENGTH, 1);               /* reads the file */
            assert_non_null(tw_outputs_operands(outputs)[2]); /* which stays readable as an array, too */
        }
        assert_int_equal(is_there("r.npy.part"), keep);
        tw_outputs_destroy(outputs);
        assert_int_equal(is_there("r.npy.part"), keep);
    }
    close_job(job);
}

/* Inout tiles that were begun again, for example. */
static void a_run_that_fails_after_one_that_succeeded_is_not_committed(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.no_journal = 1}, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    board->failing = 25;
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_ERROR_KERNEL);
    board->failing = -1;
    assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "outputs get their names after tw_run has done all of their tiles");
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    close_job(job);
}

static void an_unfinished_run_is_refused_without_a_choice(void **state)
{
    struct job *job = open_job(TILES);
    const uint64_t kept = leave_unfinished(job);
    tw_outputs *outputs = NULL;
    tw_unfinished found;
    tw_error error;
    char wanted[128];
    (void)state;
    assert_int_equal(kept, TILES - 1);
    assert_int_equal(tw_outputs_look(&found, tw_grid_signature(job->grid), job->files, NULL), TW_OK);
    assert_int_equal(found.done, kept);
    assert_int_equal(found.tiles, TILES);
    assert_int_equal(open_outputs(&outputs, job, NULL, &error), TW_ERROR_ARGUMENT);
    snprintf(wanted, sizeof wanted, "u.npy.part: holds %d of %d tiles of an unfinished run; resume or restart it",
             (int)kept, TILES);
    assert_string_equal(error.message, wanted);
    assert_null(outputs);
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.no_journal = 1}, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(recorded_in("u.npy.journal"), kept); /* nothing was lost */
    assert_int_equal(whole_run(job, &(tw_outputs_options){.restart = 1}, TW_SERIAL, NULL), TW_OK);
    assert_int_equal(tw_outputs_look(&found, tw_grid_signature(job->grid), job->files, NULL), TW_OK);
    assert_int_equal(found.done, 0);
    assert_int_equal(total_calls(), 2 * TILES);
    check_finished();
    close_job(job);
}

static void another_jobs_journal_is_refused_and_stays(void **state)
{
    struct job *job = open_job(TILES);
    const uint64_t kept = leave_unfinished(job);
    struct job *other = open_job(TILES / 2);
    tw_error error;
    (void)state;
    assert_int_equal(whole_run(other, &(tw_outputs_options){.resume = 1}, TW_SERIAL, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message,
                        "u.npy.journal: is of another job: axis i was length 400 in 40 tiles of 10 and is "
                        "length 400 in 20 tiles of 20");
    job->x[5] += 1;
    assert_int_equal(whole_run(job, &(tw_outputs_options){.resume = 1}, TW_SERIAL, &error), TW_ERROR_JOURNAL);
    assert_non_null(
        strstr(error.message, "u.npy.journal: is of another job: operand x was 400 float64, contents with"));
    job->x[5] -= 1;
    job->files[2].dtype = tw_dtype_of(TW_FLOAT32);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.resume = 1}, TW_SERIAL, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "r.npy.part: should be an unfinished output of 400 float32 and is one of"));
    job->files[2].dtype = tw_dtype_of(TW_FLOAT64);
    assert_int_equal(recorded_in("u.npy.journal"), kept);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.resume = 1}, TW_SERIAL, NULL), TW_OK);
    check_finished();
    close_job(other);
    close_job(job);
}

static void two_outputs_get_their_names_all_or_none(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(mkdir("r.npy", 0700), 0); /* the second one's name is taken meanwhile */
    assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "r.npy: has become a folder, so the output cannot be given its name");
    assert_false(is_there("u.npy"));
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    assert_int_equal(rmdir("r.npy"), 0);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.resume = 1}, TW_SERIAL, NULL), TW_OK);
    assert_int_equal(total_calls(), TILES);
    check_finished();
    close_job(job);
}

static void an_output_that_was_replaced_is_not_given_its_name(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(unlink("r.npy.part"), 0);
    write_file("r.npy.part", "theirs", 6);
    assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "r.npy.part: was removed or replaced while it was being written");
    assert_false(is_there("u.npy"));
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 1); /* what is theirs stays */
    close_job(job);
}

static void an_output_whose_folder_was_moved_is_not_given_its_name(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);
    job->files[2].file = "folder/r.npy";
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(rename("folder", "gone"), 0);
    assert_int_equal(tw_outputs_commit(outputs, &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "folder/r.npy.part: was removed or replaced while it was being written");
    assert_false(is_there("u.npy"));
    assert_int_equal(rename("gone", "folder"), 0);
    assert_int_equal(chdir("/"), 0); /* the program may be elsewhere by then */
    assert_int_equal(tw_outputs_commit(outputs, NULL), TW_OK);
    assert_int_equal(chdir(*state), 0);
    tw_outputs_destroy(outputs);
    assert_int_equal(rename("folder/r.npy", "r.npy"), 0);
    assert_int_equal(rmdir("folder"), 0);
    check_finished();
    close_job(job);
}

static void outputs_that_are_destroyed_leave_nothing(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK); /* no tile is done: there is nothing to keep */
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    tw_outputs_destroy(NULL);
    close_job(job);
}

static void note_made(void *user, const char *file)
{
    strcat(strcat(user, file), " ");
}

static void without_a_journal_only_the_outputs_are_written(void **state)
{
    struct job *job = open_job(TILES);
    char made[64] = "";
    const tw_outputs_options options = {.no_journal = 1, .made = note_made, .made_user = made};
    tw_outputs *outputs = NULL;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, &options, NULL), TW_OK);
    assert_string_equal(made, "u.npy.part r.npy.part ");
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK); /* what is not recorded cannot be kept */
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    assert_int_equal(whole_run(job, &options, TW_SERIAL, NULL), TW_OK);
    check_finished();
    close_job(job);
}

static void verify_runs_a_changed_tile_again(void **state)
{
    struct job *job = open_job(TILES);
    const uint64_t kept = leave_unfinished(job);
    tw_outputs *outputs = NULL;
    tw_outputs_totals totals;
    char byte = 0;
    (void)state;
    const int fd = open("r.npy.part", O_RDWR | O_CLOEXEC);
    const off_t at = 128 + 3 * 10 * 8 + 5; /* in tile 3 */
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.resume = 1, .verify = 1}, NULL), TW_OK);
    tw_outputs_get_totals(outputs, &totals);
    assert_int_equal(totals.dropped, 1);
    assert_int_equal(totals.done, kept - 1);
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_commit(outputs, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    assert_int_equal(board->calls[3], 2);
    check_finished();
    close_job(job);
}

static void what_is_written_by_another_run_is_refused(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs *outputs = NULL, *second = NULL;
    tw_error error;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    for (int restart = 0; restart < 2; restart++) {
        const tw_outputs_options options = {.restart = restart};
        assert_int_equal(open_outputs(&second, job, &options, &error), TW_ERROR_FILE);
        assert_non_null(strstr(error.message, ": is being written by another run"));
    }
    assert_int_equal(run_outputs(job, outputs, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_commit(outputs, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    check_finished();
    close_job(job);
}

static void what_makes_no_sense_is_refused_before_anything_is_created(void **state)
{
    static const tw_outputs_options senseless[] = {
        {.resume = 1, .restart = 1}, {.resume = 1, .no_journal = 1}, {.verify = 1}, {.restart = 1, .verify = 1}};
    struct job *job = open_job(TILES), *other = open_job(TILES);
    tw_outputs *outputs = NULL;
    tw_error error;
    (void)state;
    for (size_t k = 0; k < sizeof senseless / sizeof senseless[0]; k++) {
        assert_int_equal(open_outputs(&outputs, job, &senseless[k], NULL), TW_ERROR_ARGUMENT);
    }
    job->files[2].file = NULL;
    assert_int_equal(open_outputs(&outputs, job, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "output 'r' has no file");
    job->files[2].file = "r.npy";
    assert_int_equal(count_entries("."), 0);
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(run_outputs(other, outputs, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message,
                        "the outputs were opened for another kernel, grid or operands than those of this run");
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    close_job(other);
    close_job(job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    board = shared_zeros(sizeof *board);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_killed_program_computes_only_what_is_missing),
        IN_FOLDER(what_is_not_whole_gets_no_name),
        IN_FOLDER(what_failed_is_kept_and_resumed),
        IN_FOLDER(outputs_end_once),
        IN_FOLDER(a_run_that_fails_after_one_that_succeeded_is_not_committed),
        IN_FOLDER(an_unfinished_run_is_refused_without_a_choice),
        IN_FOLDER(another_jobs_journal_is_refused_and_stays),
        IN_FOLDER(two_outputs_get_their_names_all_or_none),
        IN_FOLDER(an_output_that_was_replaced_is_not_given_its_name),
        IN_FOLDER(an_output_whose_folder_was_moved_is_not_given_its_name),
        IN_FOLDER(outputs_that_are_destroyed_leave_nothing),
        IN_FOLDER(without_a_journal_only_the_outputs_are_written),
        IN_FOLDER(verify_runs_a_changed_tile_again),
        IN_FOLDER(what_is_written_by_another_run_is_refused),
        IN_FOLDER(what_makes_no_sense_is_refused_before_anything_is_created),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
