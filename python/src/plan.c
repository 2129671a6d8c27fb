/* plan.c - tw_plan_make as a function: what a run would cost, as a dict. */
#include "binding.h"

/* The operands of a job that need not exist: Arrays, or None for outputs that are not there. */
static int read_operands(PyObject *arrays, PyObject *types, tw_array **operands, tw_dtype *dtypes, int count)
{
    if (!PyTuple_Check(arrays) || !PyTuple_Check(types) || PyTuple_GET_SIZE(arrays) != count ||
        PyTuple_GET_SIZE(types) != count) {
        PyErr_SetString(PyExc_ValueError, "one array or None, and one dtype, an operand");
        return -1;
    }
    for (int k = 0; k < count; k++) {
        PyObject *array = PyTuple_GET_ITEM(arrays, k), *type = PyTuple_GET_ITEM(types, k);
        if (array != Py_None && !Py_IS_TYPE(array, &ArrayType)) {
            PyErr_SetString(PyExc_TypeError, "operands are Arrays or None");
            return -1;
        }
        operands[k] = array != Py_None ? ((ArrayObject *)array)->array : NULL;
        if (operands[k] != NULL) {
            dtypes[k] = tw_array_view(operands[k])->dtype;
        } else if (!PyArray_DescrCheck(type) || dtype_from_numpy(&dtypes[k], (PyArray_Descr *)type, NULL) != 0) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_TypeError, "an operand that is not there has a dtype");
            }
            return -1;
        }
    }
    return 0;
}

/* (tiles, seconds, together, set_up, locked, at_least, note): what was measured by the caller; None: nothing. */
static int read_sample(PyObject *given, tw_plan_sample *sample)
{
    Py_ssize_t tiles, seconds;
    if (given == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(given, "y#y#dddpz:sample", &sample->tiles, &tiles, &sample->seconds, &seconds,
                          &sample->together, &sample->set_up, &sample->locked, &sample->at_least, &sample->note)) {
        return -1;
    }
    sample->count = (size_t)tiles / sizeof *sample->tiles;
    if (tiles != seconds || sample->count * sizeof *sample->tiles != (size_t)tiles) {
        PyErr_SetString(PyExc_ValueError, "one time, of 8 bytes, a tile");
        return -1;
    }
    return 1;
}

static PyObject *rows_of(const tw_bandwidth *bandwidth)
{
    PyObject *rows = PyTuple_New(bandwidth->count);
    for (int n = 0; rows != NULL && n < bandwidth->count; n++) {
        const tw_bandwidth_row *row = &bandwidth->row[n];
        PyObject *one = Py_BuildValue("{s:i,s:d,s:d,s:d,s:d}", "threads", row->threads, "read", row->read, "write",
                                      row->write, "copy", row->copy, "fresh", row->fresh);
        if (one == NULL) {
            Py_CLEAR(rows);
        } else {
            PyTuple_SET_ITEM(rows, n, one);
        }
    }
    return rows;
}

static PyObject *forecasts_of(const tw_plan *plan)
{
    PyObject *rows = PyTuple_New(plan->count);
    for (int k = 0; rows != NULL && k < plan->count; k++) {
        const tw_forecast *row = &plan->forecast[k];
        PyObject *one = Py_BuildValue("{s:i,s:i,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:s}", "pool", (int)row->pool, "workers",
                                      row->workers, "seconds", row->seconds, "tiles", row->tiles, "fresh", row->fresh,
                                      "copies", row->copies, "opening", row->opening, "disk", row->disk,
                                      "bytes_per_second", row->bytes_per_second, "limit", tw_limit_name(row->limit));
        if (one == NULL) {
            Py_CLEAR(rows);
        } else {
            PyTuple_SET_ITEM(rows, k, one);
        }
    }
    return rows;
}

static PyObject *nodes_of(const tw_node_plan *made)
{
    if (made->nodes == 0) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("{s:L,s:K,s:d,s:d,s:d,s:d,s:i,s:d,s:d,s:s,s:N,s:N,s:s,s:s,s:s,s:s,s:s}", "nodes",
                         (long long)made->nodes, "tiles", (unsigned long long)made->tiles, "bytes_read",
                         made->bytes_read, "bytes_written", made->bytes_written, "node_read", made->node_read,
                         "node_written", made->node_written, "workers", made->workers, "node_memory", made->node_memory,
                         "seconds", made->seconds, "file_system", made->file_system, "is_coherent",
                         PyBool_FromLong(made->is_coherent), "fits", PyBool_FromLong(made->fits), "whole", made->whole,
                         "cuts", made->cuts, "rules", made->rules, "advice", made->advice, "sbatch", made->sbatch);
}

static PyObject *facts_of(const tw_plan *plan)
{
    return Py_BuildValue("{s:K,s:s,s:d,s:d,s:d,s:K,s:d,s:d,s:d,s:d,s:d,s:N,s:s,s:N,s:N,s:i,s:s,s:N}", "tiles",
                         (unsigned long long)plan->tiles, "why", plan->why, "bytes_read", plan->bytes_read,
                         "bytes_written", plan->bytes_written, "operations", plan->operations, "timed",
                         (unsigned long long)plan->timed, "shortest", plan->shortest, "mean", plan->mean, "longest",
                         plan->longest, "set_up", plan->set_up, "together", plan->together, "at_least",
                         PyBool_FromLong(plan->at_least), "note", plan->note, "bandwidth", rows_of(&plan->bandwidth),
                         "forecasts", forecasts_of(plan), "best", plan->best, "advice", plan->advice, "on_nodes",
                         nodes_of(&plan->on_nodes));
}

static int read_work(PyObject *statement, const tw_grid *grid, tw_work *work)
{
    int64_t lengths[64];
    tw_error error;
    const int naxes = tw_signature_naxes(tw_grid_signature(grid));
    for (int a = 0; a < naxes && a < 64; a++) {
        lengths[a] = tw_grid_length(grid, a);
    }
    if (!Py_IS_TYPE(statement, &StatementType)) {
        return 0;
    }
    return tw_statement_work(((StatementObject *)statement)->statement, lengths, work, &error) == TW_OK;
}

/* plan(Kernel, Grid, arrays, dtypes, Statement or None, workers, no_run, again, pool_is_open, outputs_are_there,
 * opening_one, opening_all, serial_call, threads_call, sample or None, nodes, folder or None) -> dict */
PyObject *make_plan(PyObject *self, PyObject *args)
{
    PyObject *kernel, *grid, *arrays, *types, *statement, *given;
    tw_array *operands[TW_MAX_OPERANDS];
    tw_dtype dtypes[TW_MAX_OPERANDS];
    tw_plan_options options = {0};
    tw_plan_sample sample = {0};
    tw_work work;
    tw_error error;
    long long nodes;
    (void)self;
    if (!PyArg_ParseTuple(args, "O!O!OOOippppddddOLz:plan", &KernelType, &kernel, &GridType, &grid, &arrays, &types,
                          &statement, &options.workers, &options.no_run, &options.bandwidth.again,
                          &options.pool_is_open, &options.outputs_are_there, &options.opening_one, &options.opening_all,
                          &options.call_seconds[TW_SERIAL], &options.call_seconds[TW_THREADS], &given, &nodes,
                          &options.folder)) {
        return NULL;
    }
    options.call_seconds[TW_PROCESSES] = options.call_seconds[TW_THREADS];
    const tw_grid *tiles = ((GridObject *)grid)->grid;
    const int has_sample = read_sample(given, &sample);
    if (has_sample < 0 ||
        read_operands(arrays, types, operands, dtypes, tw_signature_noperands(tw_grid_signature(tiles))) != 0) {
        return NULL;
    }
    options.nodes = nodes;
    options.sample = has_sample ? &sample : NULL;
    options.work = read_work(statement, tiles, &work) ? &work : NULL;
    tw_plan *plan = PyMem_RawMalloc(sizeof *plan);
    if (plan == NULL) {
        return PyErr_NoMemory();
    }
    leave_python();
    const tw_status status =
        tw_plan_make(plan, ((KernelObject *)kernel)->kernel, tiles, operands, dtypes, &options, &error);
    enter_python();
    PyObject *facts = status == TW_OK ? facts_of(plan) : raise_failure(&error);
    PyMem_RawFree(plan);
    return facts;
}
