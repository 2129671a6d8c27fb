/* run.h - one call of run(), as the files around it see it: run.c makes it, call.c says what tiles receive, watch.c
 * what happens while it runs. */
#ifndef RUN_H
#define RUN_H

#include "binding.h"

/* Operands of the job by their numbers, one a byte, as Job of tilework/_job.py says. */
struct numbers {
    PyObject *args, *outs, *chosen, *fresh, *dirty, *partial; /* bytes */
};

struct job {
    PoolObject *pool; /* NULL: serial */
    KernelObject *kernel;
    GridObject *grid;
    PyObject *arrays; /* tuple of Array */
    struct numbers numbers;
    uint64_t filed;     /* bit k: operand k is an output in a file, whose mapping ends with the run */
    PyObject *progress; /* called with done, total, seconds; or NULL */
    PyObject *on_tile;  /* called with a tile's number and chosen outputs, first of all with -1; or NULL */
    int begun;          /* on_tile was called with -1 */
    tw_choices *choices;
    PyObject *taken; /* a dict from numbers to Arrays of `choices`: those that on_tile was given; NULL: none */
    tw_run_options options;
    struct local_run local;
    int apart;
    int wants_report;
    char *area;      /* what all calls of the run share: names, then a slot for each worker of processes */
    double reported; /* seconds of the run when progress was reported last */
    struct {
        int signal, code, by_itself;
    } death; /* the last that a tile was given up for */
    tw_array *operands[TW_MAX_OPERANDS];
    PyObject *bases[TW_MAX_OPERANDS];
    tw_dtype expected[TW_MAX_OPERANDS];
};

/* ---- what tiles receive (call.c) ---- */

/* Whether the kernel, or a function that folds, is Python. */
int calls_python(const struct job *job);

/* Before the run: what the calls of the kernel, and of functions that fold, must be. 0, or -1 with an exception; then,
 * as after the run, empty_calls is due. */
int fill_calls(struct job *job);
void empty_calls(struct job *job);

/* Marks the kernel and the functions that fold as busy with this run; -1 with an exception if one is already. */
int take_kernels(struct job *job);
void release_kernels(struct job *job);

/* (exception or None, text or None, pickle or None) of the tile that failed; NULL: there is none. */
PyObject *exception_of(const struct job *job, int64_t tile);

/* ---- what happens meanwhile (watch.c) ---- */

/* What the library reports while it runs, and to whom. */
void watch_job(struct job *job);

#endif
