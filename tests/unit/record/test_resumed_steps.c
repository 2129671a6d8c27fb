/* test_resumed_steps.c - jobs of several steps that write files: finished partials are not computed again, lost ones
 * are, and nothing is ever made of what a later step has overwritten. */
#include <signal.h>
#include <time.h>

#include "written_steps.h"

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[2 * TILES + 1]; /* of each tile of the job */
    _Atomic int failing;              /* tile that fails; -1: none */
    _Atomic int dying;                /* tile that ends its worker, once; -1: none */
    _Atomic int slow;
    _Atomic int early; /* tiles of the last step that began before the others were recorded */
} * board;

static int enter_tile(const tw_tile *tile, int number)
{
    board->calls[number]++;
    if (board->slow) { /* the later ones much slower, so that the kill comes before the last of them */
        const int is_late = number >= TILES / 2;
        nanosleep(&(struct timespec){.tv_sec = is_late, .tv_nsec = 100000000}, NULL);
    }
    int dying = number;
    if (atomic_compare_exchange_strong(&board->dying, &dying, -1)) {
        raise(SIGKILL);
    }
    return number == board->failing ? tw_tile_fail(tile, 7, "asked to fail") : 0;
}

static int add_rows(const tw_tile *tile)
{
    return enter_tile(tile, add_rows_of(tile));
}

static int divide(const tw_tile *tile)
{
    const int is_last_step = *(const int *)tile->context == 2;
    board->early += is_last_step && recorded_in("u.npy.journal") < TILES + 1;
    return enter_tile(tile, divide_part_of(tile));
}

/* ---- jobs ---- */

static void reset_board(void)
{
    for (int tile = 0; tile <= 2 * TILES; tile++) {
        board->calls[tile] = 0;
    }
    board->failing = board->dying = -1;
    board->slow = board->early = 0;
}

static struct job *open_job(int is_quotient)
{
    reset_board();
    return job_of_steps(is_quotient ? divide : add_rows, is_quotient);
}

static tw_status whole_run(const struct job *job, const tw_outputs_options *how, tw_pool_kind kind, int keep_going,
                           tw_outputs_totals *totals, tw_error *error)
{
    return write_job(job, how, kind, keep_going, totals, NULL, error);
}

/* ---- what there is afterwards ---- */

static void name_beside(char name[64], const struct job *job, const char *suffix)
{
    snprintf(name, 64, "%s.%s", job->name, suffix);
}

static int calls_from(int first, int end)
{
    int total = 0;
    for (int tile = first; tile < end; tile++) {
        total += board->calls[tile];
    }
    return total;
}

/* A run that ends at this tile, and what it has recorded. */
static uint64_t leave_unfinished(const struct job *job, tw_pool_kind kind, int failing)
{
    char part[64], journal[64], partials[64];
    name_beside(part, job, "part");
    name_beside(journal, job, "journal");
    name_beside(partials, job, "partials");
    board->failing = failing;
    assert_int_equal(whole_run(job, NULL, kind, 0, NULL, NULL), TW_ERROR_KERNEL);
    assert_true(is_there(part) && is_there(journal) && is_there(partials));
    assert_int_equal(count_entries("."), 3 + is_there("other"));
    const uint64_t recorded = recorded_in(journal);
    reset_board();
    return recorded;
}

static const tw_outputs_options resume = {.resume = 1}, verify = {.resume = 1, .verify = 1};

/* ---- the tests ---- */

static void finished_partials_are_not_computed_again(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job *job = open_job(0);
        tw_outputs_totals totals;
        const uint64_t done = leave_unfinished(job, kinds[k], TILES - 1);
        assert_true(done > 0 && done < TILES);
        assert_int_equal(whole_run(job, &verify, kinds[k], 0, &totals, NULL), TW_OK);
        assert_int_equal(totals.done, done);
        assert_int_equal(totals.dropped, 0);
        assert_int_equal(totals.lost, 0);
        assert_int_equal(calls_from(0, TILES), TILES - (int)done);
        check_only_result(job);
        close_job(job);
    }
}

static void a_killed_worker_costs_one_partial(void **state)
{
    (void)state;
    need_processes();
    for (int quotient = 0; quotient < 2; quotient++) {
        struct job *job = open_job(quotient);
        board->dying = 3;
        assert_int_equal(whole_run(job, NULL, TW_PROCESSES, 0, NULL, NULL), TW_OK);
        assert_int_equal(calls_from(0, TILES), TILES + 1);
        check_only_result(job);
        close_job(job);
    }
}

static void a_killed_program_resumes_from_its_partials(void **state)
{
    (void)state;
    for (int k = 1; k < pool_kinds(); k++) {
        struct job *job = open_job(0);
        board->slow = 1;
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            _exit(whole_run(job, NULL, kinds[k], 0, NULL, NULL) != TW_OK);
        }
        int status = 0;
        for (int wait = 0; recorded_in("s.npy.journal") == 0; wait++) {
            assert_true(wait < 3000 && waitpid(pid, &status, WNOHANG) == 0);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        /* The workers of a killed program may live for a moment, and hold its files. */
        tw_outputs *outputs = NULL;
        tw_status opened = TW_ERROR_FILE;
        for (int wait = 0; opened == TW_ERROR_FILE && wait < 3000; wait++) {
            opened = open_outputs(&outputs, job, &verify, NULL);
            nanosleep(&(struct timespec){.tv_nsec = opened == TW_OK ? 0 : 10000000}, NULL);
        }
        assert_int_equal(opened, TW_OK);
        assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
        tw_outputs_destroy(outputs);
        const uint64_t done = recorded_in("s.npy.journal");
        assert_true(done > 0 && done < TILES);
        reset_board();
        assert_int_equal(whole_run(job, &resume, kinds[k], 0, NULL, NULL), TW_OK);
        assert_int_equal(calls_from(0, TILES), TILES - (int)done);
        check_only_result(job);
        close_job(job);
    }
}

static void lost_partials_are_computed_again(void **state)
{
    static const char *const how[] = {"removed", "of another run", "cut short"};
    (void)state;
    for (size_t h = 0; h < sizeof how / sizeof how[0]; h++) {
        struct job *job = open_job(0);
        tw_outputs_totals totals;
        if (h == 1) {
            leave_unfinished(job, TW_SERIAL, TILES - 2);
            assert_int_equal(rename("s.npy.partials", "other"), 0);
            assert_int_equal(unlink("s.npy.part") | unlink("s.npy.journal"), 0);
        }
        const uint64_t done = leave_unfinished(job, TW_SERIAL, TILES - 1);
        assert_int_equal(done, TILES - 1);
        assert_int_equal(h == 0   ? unlink("s.npy.partials")
                         : h == 1 ? rename("other", "s.npy.partials")
                                  : truncate("s.npy.partials", 4096),
                         0);
        board->failing = 5;
        assert_int_equal(whole_run(job, &resume, TW_SERIAL, 0, &totals, NULL), TW_ERROR_KERNEL);
        assert_int_equal(totals.lost, done);
        assert_int_equal(totals.done, 0);
        assert_int_equal(recorded_in("s.npy.journal"), 5); /* and none of those before */
        reset_board();
        assert_int_equal(whole_run(job, &verify, TW_SERIAL, 0, &totals, NULL), TW_OK);
        assert_int_equal(totals.done, 5);
        assert_int_equal(totals.lost + totals.dropped, 0);
        assert_int_equal(calls_from(0, TILES), TILES - 5);
        check_only_result(job);
        close_job(job);
    }
}

static void verify_finds_a_partial_that_has_changed(void **state)
{
    struct job *job = open_job(0);
    tw_outputs_totals totals;
    const double garbage = -1;
    (void)state;
    leave_unfinished(job, TW_SERIAL, TILES - 1);
    FILE *file = fopen("s.npy.partials", "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096 + 2 * COLUMNS * 8, SEEK_SET), 0); /* of tile 2 */
    assert_int_equal(fwrite(&garbage, sizeof garbage, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(whole_run(job, &verify, TW_SERIAL, 0, &totals, NULL), TW_OK);
    assert_int_equal(totals.dropped, 1);
    assert_int_equal(totals.done, TILES - 2);
    assert_int_equal(board->calls[2], 1);
    assert_int_equal(calls_from(0, TILES), 2);
    check_only_result(job);
    close_job(job);
}

static void without_a_journal_there_is_no_file_of_partials(void **state)
{
    struct job *job = open_job(0);
    tw_outputs *outputs = NULL;
    (void)state;
    assert_int_equal(open_outputs(&outputs, job, &(tw_outputs_options){.no_journal = 1}, NULL), TW_OK);
    assert_int_equal(count_entries("."), 1);
    tw_outputs_destroy(outputs);
    assert_int_equal(open_outputs(&outputs, job, NULL, NULL), TW_OK);
    assert_int_equal(count_entries("."), 3);
    tw_outputs_destroy(outputs);
    assert_int_equal(count_entries("."), 0);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.no_journal = 1}, TW_THREADS, 0, NULL, NULL), TW_OK);
    check_only_result(job);
    close_job(job);
}

static void a_restart_takes_the_place_of_old_partials(void **state)
{
    struct job *job = open_job(0);
    (void)state;
    leave_unfinished(job, TW_SERIAL, TILES - 1);
    assert_int_equal(whole_run(job, NULL, TW_SERIAL, 0, NULL, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.restart = 1, .no_journal = 1}, TW_SERIAL, 0, NULL, NULL),
                     TW_OK);
    assert_int_equal(calls_from(0, TILES), TILES);
    check_only_result(job);
    leave_unfinished(job, TW_SERIAL, TILES - 1);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.restart = 1}, TW_SERIAL, 0, NULL, NULL), TW_OK);
    check_only_result(job);
    close_job(job);
}

static void another_fold_is_another_job(void **state)
{
    struct job *job = open_job(0);
    tw_error error;
    (void)state;
    leave_unfinished(job, TW_SERIAL, TILES - 1);
    tw_grid_destroy(job->grid);
    job->grid = grid_of_sums(TW_FOLD_MAX);
    assert_int_equal(whole_run(job, &resume, TW_SERIAL, 0, NULL, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "s.npy.journal: is of another job: fold of s was sum and is max");
    assert_int_equal(unlink("s.npy.part") | unlink("s.npy.journal") | unlink("s.npy.partials"), 0);
    close_job(job);
}

/* u[i] /= sum(k: u[k]) */

static void a_step_overwrites_only_what_is_recorded(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job *job = open_job(1);
        assert_int_equal(whole_run(job, NULL, kinds[k], 0, NULL, NULL), TW_OK);
        assert_int_equal(board->early, 0);
        check_only_result(job);
        close_job(job);
    }
}

static void what_was_overwritten_is_divided_by_the_same_total(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job *job = open_job(1);
        tw_outputs_totals totals;
        const uint64_t done = leave_unfinished(job, kinds[k], 2 * TILES); /* its last tile */
        assert_true(done > TILES && done <= 2 * TILES);
        assert_int_equal(whole_run(job, &verify, kinds[k], 0, &totals, NULL), TW_OK);
        assert_int_equal(totals.done, done);
        assert_int_equal(totals.dropped, 0);
        assert_int_equal(calls_from(0, TILES + 1), 0);
        assert_int_equal(calls_from(TILES + 1, 2 * TILES + 1), 2 * TILES + 1 - (int)done);
        check_only_result(job);
        close_job(job);
    }
}

static void what_was_computed_from_overwritten_values_is_not_computed_again(void **state)
{
    struct job *job = open_job(1);
    size_t length, length_after, journal_length, journal_after;
    tw_error error;
    (void)state;
    leave_unfinished(job, TW_SERIAL, TILES + 4);
    assert_int_equal(unlink("u.npy.partials"), 0);
    char *before = read_file("u.npy.part", &length), *journal = read_file("u.npy.journal", &journal_length);
    assert_int_equal(whole_run(job, &resume, TW_SERIAL, 0, NULL, &error), TW_ERROR_FORMAT);
    assert_string_equal(error.message,
                        "u.npy.partials: is missing or of another run, and 'u', which it was computed from, has been "
                        "overwritten since: this run cannot be resumed");
    char *after = read_file("u.npy.part", &length_after), *after_journal = read_file("u.npy.journal", &journal_after);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    assert_int_equal(journal_length, journal_after);
    assert_memory_equal(journal, after_journal, journal_length);
    assert_int_equal(count_entries("."), 2);
    free(before);
    free(after);
    free(journal);
    free(after_journal);
    assert_int_equal(whole_run(job, &(tw_outputs_options){.restart = 1}, TW_SERIAL, 0, NULL, NULL), TW_OK);
    check_only_result(job);
    close_job(job);
}

static void a_total_that_is_lost_before_anything_was_overwritten_is_computed_again(void **state)
{
    struct job *job = open_job(1);
    tw_outputs_totals totals;
    (void)state;
    assert_int_equal(leave_unfinished(job, TW_SERIAL, TILES + 1), TILES + 1); /* the first tile that overwrites */
    assert_int_equal(unlink("u.npy.partials"), 0);
    assert_int_equal(whole_run(job, &resume, TW_SERIAL, 0, &totals, NULL), TW_OK);
    assert_int_equal(totals.lost, TILES + 1);
    assert_int_equal(calls_from(0, 2 * TILES + 1), 2 * TILES + 1);
    check_only_result(job);
    close_job(job);
}

static void tiles_that_depend_on_a_failed_one_are_not_recorded(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        for (int quotient = 0; quotient < 2; quotient++) {
            struct job *job = open_job(quotient);
            tw_outputs_totals totals;
            board->failing = 4;
            assert_int_equal(whole_run(job, NULL, kinds[k], 1, NULL, NULL), TW_ERROR_KERNEL);
            assert_int_equal(recorded_in(quotient ? "u.npy.journal" : "s.npy.journal"), TILES - 1);
            assert_int_equal(calls_from(0, TILES), TILES);
            assert_int_equal(calls_from(TILES, 2 * TILES + 1), 0);
            reset_board();
            assert_int_equal(whole_run(job, &verify, kinds[k], 0, &totals, NULL), TW_OK);
            assert_int_equal(totals.done, TILES - 1);
            assert_int_equal(calls_from(0, TILES), 1);
            check_only_result(job);
            close_job(job);
        }
    }
}

static void what_no_step_needs_is_not_computed_again(void **state)
{
    struct job *job = open_job(1);
    tw_outputs_totals totals;
    tw_outputs *outputs = NULL;
    (void)state;
    leave_unfinished(job, TW_SERIAL, 2 * TILES);
    assert_int_equal(whole_run(job, &resume, TW_SERIAL, 0, NULL, NULL), TW_OK);
    check_only_result(job);
    /* All of s is there but for the records of the partials, and the partials. */
    struct job *sums = open_job(0);
    assert_int_equal(open_outputs(&outputs, sums, NULL, NULL), TW_OK);
    const tw_run_options options = {.outputs = outputs};
    assert_int_equal(tw_run(NULL, sums->kernel, sums->grid, tw_outputs_operands(outputs), &options, NULL, NULL), TW_OK);
    assert_int_equal(tw_outputs_keep(outputs, NULL), TW_OK);
    tw_outputs_destroy(outputs);
    assert_int_equal(unlink("s.npy.partials"), 0);
    reset_board();
    assert_int_equal(whole_run(sums, &resume, TW_SERIAL, 0, &totals, NULL), TW_OK);
    assert_int_equal(totals.done, TILES + 1);
    assert_int_equal(totals.lost, 0);
    assert_int_equal(calls_from(0, TILES), 0);
    check_only_result(sums);
    close_job(sums);
    close_job(job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    board = shared_zeros(sizeof *board);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(finished_partials_are_not_computed_again),
        IN_FOLDER(a_killed_worker_costs_one_partial),
        IN_FOLDER(a_killed_program_resumes_from_its_partials),
        IN_FOLDER(lost_partials_are_computed_again),
        IN_FOLDER(verify_finds_a_partial_that_has_changed),
        IN_FOLDER(without_a_journal_there_is_no_file_of_partials),
        IN_FOLDER(a_restart_takes_the_place_of_old_partials),
        IN_FOLDER(another_fold_is_another_job),
        IN_FOLDER(a_step_overwrites_only_what_is_recorded),
        IN_FOLDER(what_was_overwritten_is_divided_by_the_same_total),
        IN_FOLDER(what_was_computed_from_overwritten_values_is_not_computed_again),
        IN_FOLDER(a_total_that_is_lost_before_anything_was_overwritten_is_computed_again),
        IN_FOLDER(tiles_that_depend_on_a_failed_one_are_not_recorded),
        IN_FOLDER(what_no_step_needs_is_not_computed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
