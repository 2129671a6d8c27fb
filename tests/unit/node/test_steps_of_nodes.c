/* test_steps_of_nodes.c - jobs of several steps on several nodes: a step begins when those before it are recorded by
 * somebody, and what one node left for later steps, another one reads. */
#include "nodes.h"
#include "written_steps.h"

/* What kernels and tests tell each other: shared by all processes. */
static struct board {
    _Atomic int calls[2 * TILES + 1]; /* of each tile of the job */
    _Atomic int slow;                 /* milliseconds that each tile takes */
} * board;

static int enter_tile(int number)
{
    board->calls[number]++;
    rest(board->slow);
    return 0;
}

static int add_rows(const tw_tile *tile)
{
    return enter_tile(add_rows_of(tile));
}

static int divide(const tw_tile *tile)
{
    return enter_tile(divide_part_of(tile));
}

/* ---- jobs ---- */

static struct job *open_job(int is_quotient)
{
    memset(board, 0, sizeof *board);
    return job_of_steps(is_quotient ? divide : add_rows, is_quotient);
}

/* ---- the tests ---- */

static void steps_wait_for_those_before_them_on_all_nodes(void **state)
{
    (void)state;
    for (int k = 0; k < pool_kinds(); k++) {
        for (int is_quotient = 0; is_quotient < 2; is_quotient++) {
            struct job *job = open_job(is_quotient);
            board->slow = 3;
            run_nodes(job, 3, kinds[k]);
            check_only_result(job);
            close_job(job);
        }
    }
}

static void what_a_killed_node_left_for_later_steps_is_used(void **state)
{
    (void)state;
    for (int is_quotient = 0; is_quotient < 2; is_quotient++) {
        struct job *job = open_job(is_quotient);
        board->slow = 60;
        const pid_t pid = start_node(job, 0, 1, TW_SERIAL);
        rest(600); /* some tiles are recorded then; whether does not matter */
        kill(pid, SIGKILL);
        (void)end_of(pid);
        board->slow = 0;
        assert_int_equal(run_node(job, (tw_node){0, 1}, 0, TW_THREADS, NULL, NULL), TW_OK);
        check_only_result(job);
        close_job(job);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    board = shared_zeros(sizeof *board);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(steps_wait_for_those_before_them_on_all_nodes),
        IN_FOLDER(what_a_killed_node_left_for_later_steps_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
