/* watch.c - what happens while a run lasts: Ctrl-C, progress, workers that die, a run that stands still. */
#include <signal.h>

#include "run.h"

#define TELL_SECONDS 0.1

static void kill_workers(const tw_pool *pool)
{
    for (int w = 0; w < tw_pool_workers(pool); w++) {
        const int pid = tw_pool_worker_pid(pool, w); /* this thread alone reaps them: the number is theirs */
        if (pid > 0) {
            kill(pid, SIGKILL);
        }
    }
}

static int tell(struct job *job, const tw_progress *progress)
{
    if (job->progress == NULL ||
        (progress->seconds - job->reported < TELL_SECONDS && progress->done < progress->total)) {
        return 0;
    }
    job->reported = progress->seconds;
    PyObject *done = PyObject_CallFunction(job->progress, "KKd", (unsigned long long)progress->done,
                                           (unsigned long long)progress->total, progress->seconds);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

/* The arrays of chosen outputs that have the tile: a tuple of (operand, Array). Their numbers stay the same if the job
 * has one step. */
static PyObject *chosen_of(struct job *job, int64_t tile)
{
    PyObject *found = PyList_New(0);
    const uint64_t chosen = job->choices != NULL && tw_grid_steps(job->grid->grid) == 1 ? job->kernel->call->chosen : 0;
    for (int k = 0; found != NULL && k < TW_MAX_OPERANDS; k++) {
        const int n = chosen >> k & 1 ? tw_choices_of(job->choices, k, (uint64_t)tile) : -1;
        if (n < 0) {
            continue;
        }
        if (job->taken == NULL) {
            job->taken = PyDict_New();
        }
        PyObject *number = PyLong_FromLong(n);
        PyObject *array = job->taken != NULL && number != NULL ? PyDict_GetItem(job->taken, number) : NULL;
        Py_XINCREF(array);
        if (array == NULL && job->taken != NULL && number != NULL) {
            array = array_object(tw_choices_take(job->choices, n), NULL);
            if (array != NULL && PyDict_SetItem(job->taken, number, array) != 0) {
                Py_CLEAR(array);
            }
        }
        Py_XDECREF(number);
        PyObject *pair = array != NULL ? Py_BuildValue("(iN)", k, array) : NULL;
        if (pair == NULL || PyList_Append(found, pair) != 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(pair);
    }
    return found;
}

/* tw_run_options.on_tile */
static int tell_tile(void *user, int64_t tile)
{
    struct job *job = user;
    enter_python();
    if (job->local.interrupt == NULL) {
        PyObject *chosen = chosen_of(job, tile);
        PyObject *done = chosen != NULL ? PyObject_CallFunction(job->on_tile, "LN", (long long)tile, chosen) : NULL;
        if (done == NULL) {
            interrupt_run(&job->local, take_exception());
        }
        Py_XDECREF(done);
    }
    leave_python();
    return job->local.interrupt != NULL;
}

/* Before the first tile, once the workers are there. */
static int tell_begin(struct job *job)
{
    if (job->on_tile == NULL || job->begun) {
        return 0;
    }
    job->begun = 1;
    PyObject *done = PyObject_CallFunction(job->on_tile, "iO", -1, Py_None);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

/* Called by the thread that runs the job. A worker process that is in the middle of a tile is ended with it; again as
 * long as the run lasts, for its successor may have taken a tile before it was asked to stop. */
static void watch(void *user, const tw_progress *progress)
{
    struct job *job = user;
    enter_python();
    if (job->local.interrupt == NULL &&
        (tell_begin(job) != 0 || PyErr_CheckSignals() != 0 || tell(job, progress) != 0)) {
        interrupt_run(&job->local, take_exception());
    }
    leave_python();
    if (job->local.interrupt != NULL && job->apart) {
        kill_workers(job->pool->pool);
    }
}

static double stall_seconds; /* 0: the library's */

PyObject *stall_after(PyObject *self, PyObject *seconds)
{
    (void)self;
    const double wish = PyFloat_AsDouble(seconds);
    if (wish == -1 && PyErr_Occurred()) {
        return NULL;
    }
    stall_seconds = wish;
    Py_RETURN_NONE;
}

static void tell_stall(void *user, const tw_stall *stall)
{
    struct job *job = user;
    int64_t pids[TW_MAX_WORKERS];
    const int workers = tw_pool_workers(job->pool->pool);
    for (int w = 0; w < workers; w++) {
        pids[w] = tw_pool_worker_pid(job->pool->pool, w);
    }
    enter_python();
    PyObject *on_start = job->pool->on_start != NULL ? job->pool->on_start : Py_None;
    PyObject *done = PyObject_CallFunction(callbacks.stalled, "OdiLiN", on_start, stall->seconds, stall->workers,
                                           (long long)stall->tile, stall->worker, tuple_of_integers(pids, workers));
    if (done == NULL) { /* a warning may be an error, and Ctrl-C may come */
        interrupt_run(&job->local, take_exception());
    }
    Py_XDECREF(done);
    leave_python();
}

static void note_death(void *user, const tw_death *death)
{
    struct job *job = user;
    if (death->given_up) {
        job->death.signal = death->signal;
        job->death.code = death->code;
        job->death.by_itself = death->by_itself;
    }
}

void watch_job(struct job *job)
{
    job->apart = job->pool != NULL && tw_pool_get_kind(job->pool->pool) == TW_PROCESSES;
    job->options.progress = watch;
    job->options.progress_user = job;
    job->options.stop = &job->local.stop;
    job->options.on_tile = job->on_tile != NULL ? tell_tile : NULL;
    job->options.on_tile_user = job;
    job->options.died = note_death;
    job->options.died_user = job;
    job->options.stall_seconds = stall_seconds;
    job->options.stalled = job->apart ? tell_stall : NULL;
    job->options.stalled_user = job;
    job->local.bases = job->bases;
    job->local.own_memory = job->options.check;
    job->local.workers = job->pool != NULL ? (unsigned)tw_pool_workers(job->pool->pool) : 1;
}
