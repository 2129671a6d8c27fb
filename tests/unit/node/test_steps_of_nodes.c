/* test_steps_of_nodes.c - jobs of several steps on several nodes: a step begins when those before it are recorded by
 * somebody, and what one node left for later steps, another one reads. */
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "files.h"
#include "written_steps.h"

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[2 * TILES + 1]; /* of each tile of the job */
    _Atomic int slow;                 /* milliseconds that each tile takes */
} * board;

static int enter_tile(int number)
{
    board->calls[number]++;
    nanosleep(&(struct timespec){.tv_nsec = board->slow * 1000000L}, NULL);
    return 0;
}

/* a[i,j] -> s[j], a reduction that begins as zeros: s += a. */
static int add_rows(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) += TW_AT(a, i, j);
        }
    }
    return enter_tile((int)(tile->start[1] / (LENGTH / TILES)));
}

/* u[i] /= sum(k: u[k]): see stages.h. */
static int divide(const tw_tile *tile)
{
    const int entry = *(const int *)tile->context, number = (int)tile->number;
    const tw_view *from = &tile->operand[0], *to = &tile->operand[tile->noperands - 1];
    double *total = entry < 2 ? to->data : from->data;
    if (entry < 2) {
        *total = 0;
        for (int64_t i = 0; i < from->shape[0]; i++) {
            *total += *(const double *)((const char *)from->data + i * from->strides[0]);
        }
        return enter_tile(entry == 0 ? number : TILES);
    }
    for (int64_t i = 0; i < to->shape[0]; i++) {
        *(double *)((char *)to->data + i * to->strides[0]) /= *total;
    }
    return enter_tile(TILES + 1 + number);
}

/* ---- jobs ---- */

static struct job *open_job(int is_quotient)
{
    memset(board, 0, sizeof *board);
    return job_of_steps(is_quotient ? divide : add_rows, is_quotient);
}

/* What a node does from its beginning to its end. */
static tw_status whole_run(const struct job *job, tw_node node, tw_pool_kind kind, tw_error *error)
{
    const tw_outputs_options how = {.node = &node};
    return write_job(job, &how, kind, 0, NULL, NULL, error);
}

static pid_t start_node(const struct job *job, int64_t index, int64_t count, tw_pool_kind kind)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(-whole_run(job, (tw_node){index, count}, kind, NULL));
    }
    return pid;
}

/* ---- what there is afterwards ---- */

static void check_finished(const struct job *job)
{
    check_result(job);
    assert_int_equal(count_entries("."), 1);
    assert_int_equal(unlink(job->name), 0);
}

/* ---- the tests ---- */

static void steps_wait_for_those_before_them_on_all_nodes(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        for (int is_quotient = 0; is_quotient < 2; is_quotient++) {
            struct job *job = open_job(is_quotient);
            pid_t pids[3];
            int status;
            board->slow = 3;
            for (int n = 0; n < 3; n++) {
                pids[n] = start_node(job, n, 3, kinds[k]);
            }
            for (int n = 0; n < 3; n++) {
                assert_int_equal(waitpid(pids[n], &status, 0), pids[n]);
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            }
            check_finished(job);
            close_job(job);
        }
    }
}

static void what_a_killed_node_left_for_later_steps_is_used(void **state)
{
    (void)state;
    for (int is_quotient = 0; is_quotient < 2; is_quotient++) {
        struct job *job = open_job(is_quotient);
        int status;
        board->slow = 60;
        const pid_t pid = start_node(job, 0, 1, TW_SERIAL);
        nanosleep(&(struct timespec){.tv_nsec = 600000000},
                  NULL); /* some tiles are recorded then; whether does not matter */
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        board->slow = 0;
        assert_int_equal(whole_run(job, (tw_node){0, 1}, TW_THREADS, NULL), TW_OK);
        check_finished(job);
        close_job(job);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        IN_FOLDER(steps_wait_for_those_before_them_on_all_nodes),
        IN_FOLDER(what_a_killed_node_left_for_later_steps_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
