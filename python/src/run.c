/* run.c - tw_run as a function: reads a Job and RunOptions, runs, and says what went wrong. */
#include <stdlib.h>

#include "run.h"

/* ---- what went wrong ---- */

static PyObject *explain(const struct job *job, const tw_error *error, PyObject *report)
{
    PyObject *exception = error->status == TW_ERROR_KERNEL ? exception_of(job, error->tile) : NULL;
    PyObject *death = error->status == TW_ERROR_WORKER
                          ? Py_BuildValue("(iii)", job->death.signal, job->death.code, job->death.by_itself)
                          : Py_NewRef(Py_None);
    if (exception == NULL) {
        PyErr_Clear();
        exception = Py_NewRef(Py_None);
    }
    return raise_failure_with(error, Py_BuildValue("(NNN)", exception, report, death));
}

/* ---- the call ---- */

/* The files of a run: their arrays are the operands. */
static int take_outputs(struct job *job, PyObject *given)
{
    if (given == Py_None) {
        return 0;
    }
    OutputsObject *outputs = (OutputsObject *)given;
    if (!Py_IS_TYPE(given, &OutputsType) || outputs->outputs == NULL ||
        outputs->kernel->kernel != job->kernel->kernel || outputs->grid != job->grid) {
        PyErr_SetString(PyExc_TypeError, "outputs are those that were opened for this kernel and grid");
        return -1;
    }
    job->options.outputs = outputs->outputs;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(outputs->arrays); k++) {
        const tw_role role = tw_signature_role(job->grid->signature->signature, (int)k);
        PyObject *array = PyTuple_GET_ITEM(outputs->arrays, k);
        job->operands[k] = tw_outputs_operands(outputs->outputs)[k];
        job->filed |= role != TW_IN ? (uint64_t)1 << k : 0;
        job->bases[k] = role != TW_IN                            ? given
                        : ((ArrayObject *)array)->source != NULL ? ((ArrayObject *)array)->source
                                                                 : array;
    }
    return 0;
}

static int take_operands(struct job *job)
{
    const Py_ssize_t n = PyTuple_GET_SIZE(job->arrays);
    if (n != tw_signature_noperands(job->grid->signature->signature)) {
        PyErr_SetString(PyExc_ValueError, "one array an operand");
        return -1;
    }
    for (Py_ssize_t k = 0; k < n; k++) {
        PyObject *array = PyTuple_GET_ITEM(job->arrays, k);
        if (!Py_IS_TYPE(array, &ArrayType)) {
            PyErr_SetString(PyExc_TypeError, "operands are Arrays");
            return -1;
        }
        job->operands[k] = ((ArrayObject *)array)->array;
        job->bases[k] = ((ArrayObject *)array)->source != NULL ? ((ArrayObject *)array)->source : array;
    }
    return 0;
}

/* What chosen outputs will probably be: a tuple of (operand, dtype). Others than numbers are left out. */
static int read_expected(struct job *job, PyObject *pairs)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(pairs);
    if (count > 0) {
        memset(job->expected, 0, sizeof job->expected);
        job->options.expected = job->expected;
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        int operand;
        PyArray_Descr *dtype;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, n), "iO!", &operand, &PyArrayDescr_Type, &dtype)) {
            return -1;
        }
        if (operand >= 0 && operand < TW_MAX_OPERANDS && !PyTypeNum_ISUSERDEF(dtype->type_num)) {
            dtype_of_number(&job->expected[operand], dtype);
        }
    }
    return 0;
}

static PyObject *run_taken(struct job *job)
{
    tw_report *report = NULL;
    tw_error error;
    const int python = calls_python(job);
    if (python && (fill_calls(job) != 0 || take_context(&job->local) != 0)) {
        empty_calls(job);
        drop_context(&job->local);
        return NULL;
    }
    const int chooses = job->kernel->callable != NULL && job->kernel->call->chosen != 0;
    job->options.choices = chooses ? &job->choices : NULL;
    job->options.report_if_interrupted = !job->wants_report;
    leave_python();
    const tw_status status = tw_run(job->pool != NULL ? job->pool->pool : NULL, job->kernel->kernel, job->grid->grid,
                                    job->operands, &job->options, &report, &error);
    enter_python();
    drop_context(&job->local);
    PyObject *found = report != NULL ? report_of(report, job->grid) : Py_NewRef(Py_None);
    if (found != NULL && job->local.interrupt != NULL) {
        if (PyObject_SetAttrString(job->local.interrupt, "report", found) != 0) {
            PyErr_Clear();
        }
        Py_CLEAR(found);
        give_exception(Py_NewRef(job->local.interrupt));
    } else if (found != NULL && status != TW_OK) {
        found = explain(job, &error, found);
    }
    if (found != NULL && chooses) {
        PyObject *arrays = chosen_arrays(job->choices, job->taken, job->kernel->call, tw_grid_count(job->grid->grid));
        found = arrays != NULL ? Py_BuildValue("(NN)", found, arrays) : (Py_DECREF(found), NULL);
    } else {
        tw_choices_destroy(job->choices);
    }
    Py_CLEAR(job->taken);
    if (python) {
        empty_calls(job);
    }
    return found;
}

/* The fields of Job (tilework/_job.py) and RunOptions (tilework/_options.py), which are tuples, in their order. */
enum job_field {
    KERNEL,
    GRID,
    ARRAYS,
    CALLED_WITH,
    OUTS,
    CHOSEN,
    FRESH,
    DIRTY,
    PARTIAL,
    EXPECTED,
    OUTPUTS,
    JOB_FIELDS
};
enum option_field {
    RETRIES,
    TIMEOUT,
    TILES_PER_WORKER,
    KEEP_GOING,
    GUARD,
    CHECK,
    PROGRESS,
    REPORT,
    ONLY,
    ON_TILE,
    WHERE,
    COPIES,
    FIRST,
    COUNT,
    OPTION_FIELDS
};

static int is_tuple_of(PyObject *object, int fields)
{
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == fields;
}

static int read_job(struct job *job, PyObject *given)
{
    if (!is_tuple_of(given, JOB_FIELDS) || !Py_IS_TYPE(PyTuple_GET_ITEM(given, KERNEL), &KernelType) ||
        !Py_IS_TYPE(PyTuple_GET_ITEM(given, GRID), &GridType) || !PyTuple_Check(PyTuple_GET_ITEM(given, ARRAYS)) ||
        !PyTuple_Check(PyTuple_GET_ITEM(given, EXPECTED))) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions): this is no Job");
        return -1;
    }
    job->kernel = (KernelObject *)PyTuple_GET_ITEM(given, KERNEL);
    job->grid = (GridObject *)PyTuple_GET_ITEM(given, GRID);
    job->arrays = PyTuple_GET_ITEM(given, ARRAYS);
    job->numbers = (struct numbers){.args = PyTuple_GET_ITEM(given, CALLED_WITH),
                                    .outs = PyTuple_GET_ITEM(given, OUTS),
                                    .chosen = PyTuple_GET_ITEM(given, CHOSEN),
                                    .fresh = PyTuple_GET_ITEM(given, FRESH),
                                    .dirty = PyTuple_GET_ITEM(given, DIRTY),
                                    .partial = PyTuple_GET_ITEM(given, PARTIAL)};
    PyObject *outputs = PyTuple_GET_ITEM(given, OUTPUTS);
    if (outputs != Py_None ? take_outputs(job, outputs) != 0 : take_operands(job) != 0) {
        return -1;
    }
    return read_expected(job, PyTuple_GET_ITEM(given, EXPECTED));
}

static int read_options(struct job *job, PyObject *asked)
{
    if (!is_tuple_of(asked, OPTION_FIELDS) || !PyBytes_Check(PyTuple_GET_ITEM(asked, ONLY))) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions): these are no RunOptions");
        return -1;
    }
    PyObject *progress = PyTuple_GET_ITEM(asked, PROGRESS);
    job->options.retries = (int)PyLong_AsLong(PyTuple_GET_ITEM(asked, RETRIES));
    job->options.timeout = PyFloat_AsDouble(PyTuple_GET_ITEM(asked, TIMEOUT));
    job->options.tiles_per_worker = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(asked, TILES_PER_WORKER));
    job->options.keep_going = PyObject_IsTrue(PyTuple_GET_ITEM(asked, KEEP_GOING));
    job->options.guard = PyObject_IsTrue(PyTuple_GET_ITEM(asked, GUARD));
    job->options.check = PyObject_IsTrue(PyTuple_GET_ITEM(asked, CHECK));
    job->progress = progress != Py_None && progress != Py_False ? progress : NULL;
    job->wants_report = PyObject_IsTrue(PyTuple_GET_ITEM(asked, REPORT));
    PyObject *on_tile = PyTuple_GET_ITEM(asked, ON_TILE), *where = PyTuple_GET_ITEM(asked, WHERE);
    job->on_tile = on_tile != Py_None ? on_tile : NULL;
    PyObject *mask;
    if (read_where(&mask, &job->options.where_axes, where) != 0) {
        return -1;
    }
    job->options.where = mask != NULL ? ((ArrayObject *)mask)->array : NULL;
    job->options.copies = PyObject_IsTrue(PyTuple_GET_ITEM(asked, COPIES));
    job->options.first = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(asked, FIRST));
    job->options.count = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(asked, COUNT));
    PyObject *only = PyTuple_GET_ITEM(asked, ONLY);
    job->options.nonly = (size_t)PyBytes_GET_SIZE(only) / sizeof *job->options.only;
    job->options.only = job->options.nonly > 0 ? (const uint64_t *)(const void *)PyBytes_AS_STRING(only) : NULL;
    return PyErr_Occurred() ? -1 : 0;
}

/* run(pool or None, Job, RunOptions) -> Report or None; with chosen outputs that and chosen_arrays() */
PyObject *run_job(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct job job;
    (void)self;
    if (n != 3 || (args[0] != Py_None && !Py_IS_TYPE(args[0], &PoolType))) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions)");
        return NULL;
    }
    memset(&job, 0, offsetof(struct job, operands));
    job.pool = args[0] != Py_None ? (PoolObject *)args[0] : NULL;
    if (read_job(&job, args[1]) != 0 || read_options(&job, args[2]) != 0) {
        return NULL;
    }
    if (job.pool != NULL && job.pool->pool == NULL) {
        PyErr_SetString(PyExc_ValueError, "the pool is closed");
        return NULL;
    }
    if (take_kernels(&job) != 0) {
        return NULL;
    }
    watch_job(&job);
    job.local.inside = calloc(job.local.workers, sizeof *job.local.inside);
    if (job.local.inside == NULL) {
        release_kernels(&job);
        return PyErr_NoMemory();
    }
    pthread_mutex_init(&job.local.lock, NULL);
    job.local.entered = (struct inside){.pool = job.pool, .outer = inside_of};
    inside_of = &job.local.entered;
    if (job.pool != NULL) {
        job.pool->busy = 1;
        job.pool->running = &job.local;
    }
    PyObject *result = run_taken(&job);
    release_kernels(&job);
    inside_of = job.local.entered.outer;
    if (job.pool != NULL) {
        job.pool->running = NULL;
        job.pool->busy = 0;
    }
    pthread_mutex_destroy(&job.local.lock);
    free((void *)job.local.inside);
    Py_XDECREF(job.local.exception);
    Py_XDECREF(job.local.interrupt);
    return result;
}
