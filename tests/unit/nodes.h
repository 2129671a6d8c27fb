/* nodes.h - nodes of a job (written_jobs.h) as processes of their own, which a test starts, kills and waits for. */
#ifndef TW_TESTS_NODES_H
#define TW_TESTS_NODES_H

#include <signal.h>
#include <time.h>

#include "written_jobs.h"

static inline void rest(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

/* What a node does from its beginning to its end. */
static inline tw_status run_node(const struct job *job, tw_node node, int restart, tw_pool_kind kind,
                                 tw_outputs_totals *totals, tw_error *error)
{
    const tw_outputs_options how = {.node = &node, .restart = restart};
    return write_job(job, &how, kind, 0, NULL, totals, error);
}

/* A node in a process of its own, which ends with 0 for TW_OK, else with the status made positive. */
static inline pid_t start_node(const struct job *job, int64_t index, int64_t count, tw_pool_kind kind)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(-run_node(job, (tw_node){index, count}, 0, kind, NULL, NULL));
    }
    return pid;
}

/* How a node ended, within a minute: its exit code, or 1000 + signal. */
static inline int end_of(pid_t pid)
{
    int status = 0;
    for (int wait = 0; waitpid(pid, &status, WNOHANG) == 0; wait++) {
        if (wait > 6000) {
            kill(pid, SIGKILL);
        }
        rest(10);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Starts so many nodes, and sees that all of them end well. */
static inline void run_nodes(const struct job *job, int count, tw_pool_kind kind)
{
    pid_t pids[8];
    assert_in_range(count, 1, 8);
    for (int n = 0; n < count; n++) {
        pids[n] = start_node(job, n, count, kind);
    }
    for (int n = 0; n < count; n++) {
        assert_int_equal(end_of(pids[n]), 0);
    }
}

#endif
