/* board.h - a task for pools that keeps count of what it is called for, and does harm if it is asked to. */
#ifndef TW_TESTS_BOARD_H
#define TW_TESTS_BOARD_H

#include "pools.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/memory.h"
#include "pool/pool.h"

/* Memory that workers of every kind see. */
struct board {
    _Atomic uint32_t begun[5000];
    _Atomic uint32_t ended[5000];
    _Atomic int64_t kill_at; /* the first worker that begins this tile kills itself; -1: none */
    _Atomic int64_t exit_at;
    _Atomic int stop;
    int code_at;
    int spin;
    int always; /* die at kill_at each time */
};

static inline struct board *new_board(void)
{
    struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(board != MAP_FAILED);
    board->kill_at = -1;
    board->exit_at = -1;
    board->code_at = -1;
    return board;
}

static inline struct tw__result mark(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                     char *message)
{
    struct board *board = argument;
    (void)worker;
    (void)attempt;
    board->begun[tile]++;
    int64_t expected = (int64_t)tile;
    if (board->always ? board->kill_at == expected : atomic_compare_exchange_strong(&board->kill_at, &expected, -1)) {
        kill(getpid(), SIGKILL);
    }
    expected = (int64_t)tile;
    if (atomic_compare_exchange_strong(&board->exit_at, &expected, -1)) {
        _exit(7);
    }
    for (int k = 0; k < board->spin; k++) {
        __asm__ volatile("");
    }
    if (board->code_at >= 0 && tile % (uint64_t)board->code_at == (uint64_t)board->code_at - 1) {
        strcpy(message, "as asked");
        return tw__result_of(5);
    }
    board->ended[tile]++;
    return (struct tw__result){0};
}

/* What a job does with a task: words in memory that all workers see, times every second time, an outcome. */
static inline tw_status run_task(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome,
                                 tw_error *error)
{
    static unsigned calls;
    struct tw__task whole = *task;
    struct tw__memory words = {0}, times = {0};
    const size_t count = (size_t)task->count;
    tw_status status = tw__pool_prepare(pool, task->count, error);
    if (status != TW_OK) {
        return status;
    }
    assert_int_equal(tw__memory_reserve(&words, pool->crew.heap, count * sizeof(uint32_t), "words", NULL), TW_OK);
    assert_int_equal(tw__memory_reserve(&times, pool->crew.heap, count * sizeof(struct tw__time), "times", NULL),
                     TW_OK);
    memset(words.data, 0, count * sizeof(uint32_t));
    memset(times.data, 0, count * sizeof(struct tw__time));
    whole.words = words.data;
    whole.times = calls++ % 2 == 0 ? times.data : NULL;
    tw__outcome_begin(outcome);
    status = tw__pool_run(pool, &whole, outcome, error);
    tw__memory_release(&words);
    tw__memory_release(&times);
    return status;
}

#endif
