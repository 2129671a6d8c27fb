/* test_many_nodes.c - several processes on one job: they share it, any of them may be killed or stopped at any time,
 * and what they leave is the result, whole and right. */
#include <string.h>

#include <tilework/tilework.h>

#include "nodes.h"

#define TILES 60
#define LENGTH 600

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[TILES];
    _Atomic int ended;   /* tiles whose kernel has returned */
    _Atomic int slow;    /* milliseconds that each tile takes */
    _Atomic int holds;   /* no tile ends while this is set and half of them have */
    _Atomic int failing; /* tile that fails; -1: none */
    _Atomic int stuck;   /* a tile that waits, half computed, until this is -1 */
    _Atomic int is_stuck;
    _Atomic int differs; /* tile whose result differs from process to process; -1: none */
} * board;

/* x[i], u[i] -> u[i], r[i]: r = u - x, u = 2 u + x. It begins with zeros and adds, as a product of matrices does. */
static int step(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, u, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    const int number = (int)tile->number;
    board->calls[number]++;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = 0;
    }
    if (board->stuck == number) {
        board->is_stuck = 1;
        while (board->stuck == number) {
            rest(1);
        }
    }
    rest(board->slow);
    while (board->holds && board->ended >= TILES / 2) {
        rest(1);
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) += TW_AT(u, i) - TW_AT(x, i) + (board->differs == number ? getpid() : 0);
        TW_AT(u, i) = 2 * TW_AT(u, i) + TW_AT(x, i);
    }
    board->ended++;
    return number == board->failing ? tw_tile_fail(tile, 7, "deaths to fail") : 0;
}

/* ---- the job ---- */

static struct job *open_job(int64_t tiles)
{
    struct job *job = job_of_two_files(step, LENGTH, tiles);
    for (int tile = 0; tile < TILES; tile++) {
        board->calls[tile] = 0;
    }
    board->ended = board->slow = board->holds = board->is_stuck = 0;
    board->failing = board->stuck = board->differs = -1;
    return job;
}

/* ---- what there is afterwards ---- */

static int total_calls(void)
{
    return total_of(board->calls, TILES);
}

static void check_finished(void)
{
    check_two_files(LENGTH);
    assert_int_equal(is_there("u.npy.run"), 0);
    assert_true(count_entries(".") == 2 || (count_entries(".") == 4 && is_there(".u.npy.job")));
}

static void remove_results(void)
{
    (void)unlink("u.npy");
    (void)unlink("r.npy");
    (void)unlink(".u.npy.job");
    (void)unlink(".r.npy.job");
}

/* ---- the tests ---- */

static void nodes_share_a_job_and_commit_it_once(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        for (int nodes = 1; nodes <= 4; nodes++) {
            struct job *job = open_job(TILES);
            board->slow = 2;
            run_nodes(job, nodes, kinds[k]);
            for (int tile = 0; tile < TILES; tile++) {
                assert_true(board->calls[tile] >= 1);
            }
            check_finished();
            /* Whoever comes later finds it finished. */
            const int calls = total_calls();
            tw_outputs_totals totals;
            assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, &totals, NULL), TW_OK);
            assert_true(totals.finished);
            assert_int_equal(totals.done, TILES);
            assert_int_equal(total_calls(), calls);
            check_finished();
            remove_results();
            close_job(job);
        }
    }
}

/* Between its round's end and its record, a tile is in nobody's journal: it stays among the intents. A few may be done
 * twice where two nodes choose at the same instant. */
static void tiles_that_await_their_record_are_not_done_again(void **state)
{
    struct job *job = open_job(TILES);
    (void)state;
    board->slow = 15;
    run_nodes(job, 4, TW_SERIAL);
    assert_in_range(total_calls(), TILES, TILES + TILES / 10);
    check_finished();
    remove_results();
    close_job(job);
}

static void one_node_of_many_does_it_all(void **state)
{
    struct job *job = open_job(TILES);
    tw_outputs_totals totals;
    (void)state;
    assert_int_equal(run_node(job, (tw_node){7, 8}, 0, TW_THREADS, &totals, NULL), TW_OK);
    assert_int_equal(total_calls(), TILES);
    assert_int_equal(totals.tiles, TILES);
    assert_int_equal(totals.done, TILES);
    assert_int_equal(totals.elsewhere, 0);
    assert_int_equal(totals.twice, 0);
    assert_int_equal(totals.nodes, 1);
    check_finished();
    close_job(job);
}

static void a_killed_node_blocks_nobody(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        struct job *job = open_job(TILES);
        board->slow = 20;
        board->holds = 1; /* it is killed before it has finished, however late that is */
        const pid_t victim = start_node(job, 0, 2, kinds[k]), other = start_node(job, 1, 2, kinds[k]);
        while (board->ended < TILES / 3) {
            rest(1);
        }
        kill(victim, SIGKILL);
        assert_int_equal(end_of(victim), 1000 + SIGKILL);
        board->holds = 0;
        assert_int_equal(end_of(other), 0);
        check_finished();
        remove_results();
        close_job(job);
    }
}

static void all_killed_then_another_number_of_nodes_computes_what_is_missing(void **state)
{
    struct job *job = open_job(TILES);
    pid_t pids[3];
    (void)state;
    board->slow = 100;
    for (int n = 0; n < 3; n++) {
        pids[n] = start_node(job, n, 3, TW_THREADS);
    }
    rest(500); /* more than a batch of records takes; how many there are does not matter */
    for (int n = 0; n < 3; n++) {
        kill(pids[n], SIGKILL);
        (void)end_of(pids[n]);
    }
    board->slow = 0;
    const int before = total_calls();
    tw_outputs_totals totals;
    assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_THREADS, &totals, NULL), TW_OK);
    assert_int_equal(total_calls() - before, TILES - (int)totals.elsewhere);
    check_finished();
    close_job(job);
}

/* In the middle of a kernel that has written zeros, and adds only now. */
static void a_stopped_node_harms_nothing_when_it_continues_after_the_commit(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        for (int kills = 0; kills < 2; kills++) {
            struct job *job = open_job(TILES);
            board->stuck = 0;
            const pid_t stopped = start_node(job, 0, 2, kinds[k]);
            while (!board->is_stuck) {
                rest(1);
            }
            kill(stopped, SIGSTOP);
            board->stuck = -1;
            if (kinds[k] == TW_PROCESSES) { /* its workers continue: what they compute is right */
                rest(20);
            }
            const pid_t other = start_node(job, 1, 2, kinds[k]);
            assert_int_equal(end_of(other), 0);
            check_finished();
            kill(stopped, kills ? SIGKILL : SIGCONT);
            assert_int_equal(end_of(stopped), kills ? 1000 + SIGKILL : 0);
            check_finished();
            remove_results();
            close_job(job);
        }
    }
}

static void the_same_node_may_run_twice_at_once(void **state)
{
    struct job *job = open_job(TILES);
    (void)state;
    board->slow = 5;
    const pid_t one = start_node(job, 0, 1, TW_THREADS), other = start_node(job, 0, 1, TW_THREADS);
    assert_int_equal(end_of(one), 0);
    assert_int_equal(end_of(other), 0);
    check_finished();
    close_job(job);
}

static void a_failure_ends_all_nodes_and_a_later_start_tries_again(void **state)
{
    struct job *job = open_job(TILES);
    tw_error error;
    (void)state;
    board->failing = 3; /* of node 0's share */
    const pid_t one = start_node(job, 0, 2, TW_THREADS);
    assert_int_equal(end_of(one), -TW_ERROR_KERNEL);
    board->failing = -1;
    board->stuck = 3;
    const pid_t again = start_node(job, 0, 2, TW_THREADS);
    while (!board->is_stuck) {
        rest(1);
    }
    board->failing = 3;
    const pid_t other = start_node(job, 1, 2, TW_THREADS);
    while (board->ended < TILES - 10) {
        rest(1);
    }
    board->stuck = -1;
    assert_int_equal(end_of(again), -TW_ERROR_KERNEL);
    assert_int_equal(end_of(other), -TW_ERROR_KERNEL);
    assert_true(is_there("u.npy.run") && !is_there("u.npy"));
    board->failing = -1;
    assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, NULL, &error), TW_OK);
    check_finished();
    close_job(job);
}

static void another_jobs_files_are_refused(void **state)
{
    struct job *job = open_job(TILES), *other = open_job(TILES / 2);
    tw_error error;
    (void)state;
    board->failing = TILES - 1;
    assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, NULL, NULL), TW_ERROR_KERNEL);
    board->failing = -1;
    assert_int_equal(run_node(other, (tw_node){0, 1}, 0, TW_SERIAL, NULL, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "u.npy.run: is of another job: axis i was length 600 in 60 tiles"));
    assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, NULL, NULL), TW_OK);
    check_finished();
    assert_int_equal(run_node(other, (tw_node){0, 1}, 0, TW_SERIAL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "u.npy: exists, and is not the result of this job; restart replaces it"));
    assert_int_equal(run_node(other, (tw_node){0, 1}, 1, TW_SERIAL, NULL, &error), TW_OK);
    check_finished();
    close_job(job);
    close_job(other);
}

static void different_bytes_for_one_tile_are_not_committed(void **state)
{
    struct job *job = open_job(TILES);
    tw_error error;
    (void)state;
    board->differs = 0;
    board->stuck = 0;
    const pid_t one = start_node(job, 0, 2, TW_SERIAL);
    while (!board->is_stuck) {
        rest(1);
    }
    const pid_t other = start_node(job, 1, 2, TW_SERIAL); /* which waits at tile 0 too, once that is late */
    while (board->calls[0] < 2) {
        rest(1);
    }
    board->stuck = -1;
    const int ends[2] = {end_of(one), end_of(other)};
    assert_true((ends[0] == 0 || ends[0] == -TW_ERROR_JOURNAL) && (ends[1] == 0 || ends[1] == -TW_ERROR_JOURNAL));
    /* Where one had recorded it before the other was done, and read nothing else, that is the result. */
    assert_true(ends[0] == 0 || ends[1] == 0 || !is_there("u.npy"));
    if (!is_there("u.npy")) {
        assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, NULL, &error), TW_ERROR_JOURNAL);
        assert_non_null(strstr(error.message, "tile 0: nodes 0 and 1 computed different bytes"));
        board->differs = -1;
        assert_int_equal(run_node(job, (tw_node){0, 1}, 1, TW_SERIAL, NULL, &error), TW_OK);
        check_finished();
    }
    close_job(job);
}

static void refuse_tiles_that_are_not_there(struct job *job, tw_outputs *caller, tw_outputs *worker)
{
    static const struct {
        uint64_t first, count;
    } wrong[] = {{0, TILES + 1}, {TILES - 1, 2}, {TILES, 1}, {UINT64_MAX, 2}, {UINT64_MAX, 1}, {1, UINT64_MAX}};
    tw_array *const *operands = tw_outputs_operands(worker);
    uint64_t sums[7], count;
    tw_error error;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const tw_run_options options = {.outputs = worker, .first = wrong[k].first, .count = wrong[k].count};
        assert_int_equal(tw_run(NULL, job->kernel, job->grid, operands, &options, NULL, &error), TW_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "but the job has 60 tiles"));
        assert_int_equal(tw_outputs_note(caller, wrong[k].first, wrong[k].count, sums, NULL), TW_ERROR_ARGUMENT);
        assert_int_equal(tw_outputs_sums(worker, wrong[k].first, wrong[k].count, sums, NULL), TW_ERROR_ARGUMENT);
    }
    assert_int_equal(tw_outputs_note(caller, 0, 1, NULL, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_outputs_sums(worker, 0, 1, NULL, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_outputs_missing(caller, 0, NULL, &count), TW_ERROR_ARGUMENT);
    assert_int_equal(total_calls(), 0);
}

static void workers_compute_what_a_caller_gives_out(void **state)
{
    struct job *job = open_job(TILES);
    const tw_node node = {0, 1};
    tw_outputs *caller = NULL, *worker = NULL;
    uint64_t first = 0, count = 0, sums[7];
    (void)state;
    assert_int_equal(open_outputs(&caller, job, &(tw_outputs_options){.node = &node}, NULL), TW_OK);
    assert_int_equal(tw_outputs_commit(caller, NULL), TW_ERROR_ARGUMENT);
    assert_int_equal(open_outputs(&worker, job, &(tw_outputs_options){.join = tw_outputs_folder(caller)}, NULL), TW_OK);
    assert_int_equal(tw_outputs_commit(worker, NULL), TW_ERROR_ARGUMENT);
    refuse_tiles_that_are_not_there(job, caller, worker);
    for (;;) {
        assert_int_equal(tw_outputs_missing(caller, 0, &first, &count), TW_OK);
        if (count == 0) {
            break;
        }
        const tw_run_options options = {.outputs = worker, .first = first, .count = count < 7 ? count : 7};
        assert_int_equal(tw_run(NULL, job->kernel, job->grid, tw_outputs_operands(worker), &options, NULL, NULL),
                         TW_OK);
        assert_int_equal(tw_outputs_sync(worker, NULL), TW_OK);
        assert_int_equal(tw_outputs_sums(worker, first, options.count, sums, NULL), TW_OK);
        assert_int_equal(tw_outputs_note(caller, first, options.count, sums, NULL), TW_OK);
    }
    assert_int_equal(total_calls(), TILES);
    tw_outputs_destroy(worker);
    assert_int_equal(tw_outputs_commit(caller, NULL), TW_OK);
    tw_outputs_destroy(caller);
    check_finished();
    close_job(job);
}

static void two_results_that_a_caller_notes_for_a_tile_are_kept(void **state)
{
    struct job *job = open_job(TILES);
    const tw_node node = {0, 1};
    tw_outputs *caller = NULL;
    tw_job_status status;
    tw_error error;
    uint64_t sums[TILES];
    (void)state;
    for (int later = 0; later < 2; later++) {
        assert_int_equal(open_outputs(&caller, job, &(tw_outputs_options){.node = &node}, NULL), TW_OK);
        for (int k = 0; k < TILES; k++) {
            sums[k] = 5;
        }
        assert_int_equal(tw_outputs_note(caller, 0, TILES, sums, NULL), TW_OK);
        sums[0] = 6;
        assert_int_equal(later ? TW_OK : tw_outputs_note(caller, 3, 1, sums, NULL), TW_OK);
        assert_int_equal(tw_outputs_commit(caller, &error), TW_ERROR_JOURNAL);
        assert_non_null(strstr(error.message, "tile 3: node 0 computed it twice, with different bytes"));
        tw_outputs_destroy(caller);
    }
    assert_int_equal(tw_job_status_read(&status, "u.npy", NULL), TW_OK);
    assert_int_equal(status.ndisagreements, 1);
    assert_int_equal(status.disagreements[0].tile, 3);
    tw_job_status_free(&status);
    assert_int_equal(run_node(job, (tw_node){0, 1}, 1, TW_SERIAL, NULL, &error), TW_OK);
    check_finished();
    close_job(job);
}

static void the_status_says_what_each_node_did(void **state)
{
    struct job *job = open_job(TILES);
    tw_job_status status;
    tw_error error;
    (void)state;
    assert_int_equal(tw_job_status_read(&status, "u.npy", &error), TW_ERROR_FILE);
    assert_string_equal(error.message,
                        "u.npy: no job on nodes is writing this file, or has written it; give the job's first output");
    board->failing = TILES - 1;
    assert_int_equal(run_node(job, (tw_node){1, 4}, 0, TW_SERIAL, NULL, NULL), TW_ERROR_KERNEL);
    for (int by_folder = 0; by_folder < 2; by_folder++) {
        assert_int_equal(tw_job_status_read(&status, by_folder ? "u.npy.run" : "u.npy", &error), TW_OK);
        assert_int_equal(status.finished, 0);
        assert_int_equal(status.tiles, TILES);
        assert_int_equal(status.nnodes, 1);
        assert_int_equal(status.nodes[0].node, 1);
        assert_int_equal(status.nodes[0].count, 4);
        assert_int_equal(status.nodes[0].member, 0);
        assert_int_equal(status.nodes[0].pid, getpid());
        assert_int_equal(status.nodes[0].done, status.done);
        assert_true(status.done >= TILES / 4 && status.done < TILES);
        assert_int_equal(status.nodes[0].failed, 1);
        assert_int_equal(status.nodes[0].failed_tile, TILES - 1);
        assert_non_null(strstr(status.nodes[0].failure, "deaths to fail"));
        assert_int_equal(status.ndisagreements, 0);
        tw_job_status_free(&status);
    }
    board->failing = -1;
    assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_SERIAL, NULL, NULL), TW_OK);
    assert_int_equal(tw_job_status_read(&status, "u.npy", &error), TW_OK);
    assert_int_equal(status.finished, 1);
    assert_int_equal(status.tiles, TILES);
    assert_int_equal(status.done, TILES);
    assert_string_equal(status.description, "function");
    tw_job_status_free(&status);
    close_job(job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    board = shared_zeros(sizeof *board);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(nodes_share_a_job_and_commit_it_once),
        IN_FOLDER(tiles_that_await_their_record_are_not_done_again),
        IN_FOLDER(one_node_of_many_does_it_all),
        IN_FOLDER(a_killed_node_blocks_nobody),
        IN_FOLDER(all_killed_then_another_number_of_nodes_computes_what_is_missing),
        IN_FOLDER(a_stopped_node_harms_nothing_when_it_continues_after_the_commit),
        IN_FOLDER(the_same_node_may_run_twice_at_once),
        IN_FOLDER(a_failure_ends_all_nodes_and_a_later_start_tries_again),
        IN_FOLDER(another_jobs_files_are_refused),
        IN_FOLDER(different_bytes_for_one_tile_are_not_committed),
        IN_FOLDER(the_status_says_what_each_node_did),
        IN_FOLDER(workers_compute_what_a_caller_gives_out),
        IN_FOLDER(two_results_that_a_caller_notes_for_a_tile_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
