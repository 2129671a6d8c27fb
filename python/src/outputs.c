/* outputs.c - Outputs: a tw_outputs, the files that a run writes; files as inputs, and checksums of arrays. */
#include "binding.h"

#include <stdlib.h>

static void outputs_dealloc(PyObject *object)
{
    OutputsObject *self = (OutputsObject *)object;
    if (self->pid == own_pid()) {
        tw_outputs_destroy(self->outputs);
        count_live(COUNT_OUTPUTS, -1);
    }
    Py_XDECREF((PyObject *)self->kernel);
    Py_XDECREF((PyObject *)self->grid);
    Py_XDECREF(self->arrays);
    Py_XDECREF(self->mask);
    Py_TYPE(object)->tp_free(object);
}

/* ---- what the caller says of each operand ---- */

/* One an operand: None for an input, (path, dtype, descr or None) for what is written. Borrows from `given`. */
static int read_files(tw_output *files, PyObject *given, int noperands)
{
    if (PyTuple_GET_SIZE(given) != noperands) {
        PyErr_SetString(PyExc_ValueError, "one file, or None, an operand");
        return -1;
    }
    memset(files, 0, (size_t)noperands * sizeof *files);
    for (int k = 0; k < noperands; k++) {
        PyArray_Descr *from;
        const char *path, *descr;
        PyObject *item = PyTuple_GET_ITEM(given, k);
        if (item == Py_None) {
            continue;
        }
        if (!PyArg_ParseTuple(item, "yO!z", &path, &PyArrayDescr_Type, &from, &descr) ||
            dtype_from_numpy(&files[k].dtype, from, descr) != 0) {
            return -1;
        }
        files[k].file = path;
    }
    return 0;
}

/* One Array, or None for an output, an operand. */
static int read_arrays(tw_array **arrays, PyObject *given, int noperands)
{
    if (PyTuple_GET_SIZE(given) != noperands) {
        PyErr_SetString(PyExc_ValueError, "one array, or None, an operand");
        return -1;
    }
    for (int k = 0; k < noperands; k++) {
        PyObject *item = PyTuple_GET_ITEM(given, k);
        if (item != Py_None && !Py_IS_TYPE(item, &ArrayType)) {
            PyErr_SetString(PyExc_TypeError, "operands are Arrays");
            return -1;
        }
        arrays[k] = item != Py_None ? ((ArrayObject *)item)->array : NULL;
    }
    return 0;
}

/* ---- the object ---- */

/* (Array, axes or None), or None. Borrows from `given`; *mask: the Array. */
int read_where(PyObject **mask, const char **axes, PyObject *given)
{
    *mask = NULL;
    return given == Py_None || PyArg_ParseTuple(given, "O!z", &ArrayType, mask, axes) ? 0 : -1;
}

/* None, or (index, count). */
static int read_node(tw_node *node, const tw_node **used, PyObject *given)
{
    long long index, count;
    if (given == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(given, "LL", &index, &count)) {
        return -1;
    }
    *node = (tw_node){.index = index, .count = count};
    *used = node;
    return 0;
}

/* open(Kernel, Grid, arrays, files, resume, restart, verify, where, node, join, describe) */
static PyObject *outputs_open(PyObject *type, PyObject *args)
{
    KernelObject *kernel;
    GridObject *grid;
    PyObject *arrays_given, *files_given, *where, *mask, *node_given, *join;
    tw_node node;
    tw_output files[TW_MAX_OPERANDS];
    tw_array *arrays[TW_MAX_OPERANDS];
    tw_outputs_options options;
    tw_error error;
    memset(&options, 0, sizeof options);
    if (!PyArg_ParseTuple(args, "O!O!O!O!pppOOOz:open", &KernelType, &kernel, &GridType, &grid, &PyTuple_Type,
                          &arrays_given, &PyTuple_Type, &files_given, &options.resume, &options.restart,
                          &options.verify, &where, &node_given, &join, &options.describe) ||
        read_where(&mask, &options.where_axes, where) != 0 || read_node(&node, &options.node, node_given) != 0 ||
        (join != Py_None && (options.join = PyBytes_AsString(join)) == NULL)) {
        return NULL;
    }
    const int noperands = tw_signature_noperands(grid->signature->signature);
    if (read_files(files, files_given, noperands) != 0 || read_arrays(arrays, arrays_given, noperands) != 0) {
        return NULL;
    }
    (void)type;
    OutputsObject *self = (OutputsObject *)OutputsType.tp_alloc(&OutputsType, 0);
    if (self == NULL) {
        return NULL;
    }
    self->kernel = (KernelObject *)Py_NewRef((PyObject *)kernel);
    self->grid = (GridObject *)Py_NewRef((PyObject *)grid);
    self->arrays = Py_NewRef(arrays_given);
    self->mask = Py_XNewRef(mask);
    options.where = mask != NULL ? ((ArrayObject *)mask)->array : NULL;
    self->pid = own_pid();
    count_live(COUNT_OUTPUTS, 1);
    leave_python();
    const tw_status status =
        tw_outputs_open(&self->outputs, kernel->kernel, grid->grid, arrays, files, &options, &error);
    enter_python();
    if (status != TW_OK) {
        self->outputs = NULL;
        Py_DECREF(self);
        return raise_failure(&error);
    }
    return (PyObject *)self;
}

/* look(Signature, files) -> (tiles done, tiles in all) of an unfinished run */
static PyObject *outputs_look(PyObject *type, PyObject *args)
{
    SignatureObject *signature;
    PyObject *files_given;
    tw_output files[TW_MAX_OPERANDS];
    tw_unfinished found;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "O!O!:look", &SignatureType, &signature, &PyTuple_Type, &files_given) ||
        read_files(files, files_given, tw_signature_noperands(signature->signature)) != 0) {
        return NULL;
    }
    leave_python();
    const tw_status status = tw_outputs_look(&found, signature->signature, files, &error);
    enter_python();
    return status == TW_OK ? Py_BuildValue("(KK)", (unsigned long long)found.done, (unsigned long long)found.tiles)
                           : raise_failure(&error);
}

/* beside(path) -> (unfinished output, journal, partial results), where links are followed */
static PyObject *outputs_beside(PyObject *type, PyObject *args)
{
    const char *path;
    char *file, *unfinished, *journal, *partials;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "y:beside", &path)) {
        return NULL;
    }
    if (tw_array_target(&file, path, &error) != TW_OK) {
        return raise_failure(&error);
    }
    const tw_status status = tw_outputs_beside(&unfinished, &journal, &partials, file, &error);
    free(file);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *names = Py_BuildValue("(yyy)", unfinished, journal, partials);
    free(unfinished);
    free(journal);
    free(partials);
    return names;
}

static int is_there(const OutputsObject *self)
{
    if (self->outputs == NULL) {
        PyErr_SetString(PyExc_ValueError, "these outputs have been discarded");
    }
    return self->outputs != NULL;
}

/* Makes a call that takes its time without the interpreter. 0: an exception is set. */
static int call(const OutputsObject *self, tw_status (*function)(tw_outputs *, tw_error *))
{
    tw_error error;
    if (!is_there(self)) {
        return 0;
    }
    leave_python();
    const tw_status status = function(self->outputs, &error);
    enter_python();
    return status == TW_OK || raise_failure(&error) != NULL;
}

/* commit(): once run() has done all tiles */
static PyObject *outputs_commit(PyObject *object, PyObject *none)
{
    (void)none;
    return call((const OutputsObject *)object, tw_outputs_commit) ? Py_NewRef(Py_None) : NULL;
}

/* keep() -> tiles that are left to a later run */
static PyObject *outputs_keep(PyObject *object, PyObject *none)
{
    const OutputsObject *self = (const OutputsObject *)object;
    tw_outputs_totals totals;
    (void)none;
    if (!call(self, tw_outputs_keep)) {
        return NULL;
    }
    tw_outputs_get_totals(self->outputs, &totals);
    return PyLong_FromUnsignedLongLong(totals.kept);
}

/* discard(): nothing is left of the files */
static PyObject *outputs_discard(PyObject *object, PyObject *none)
{
    OutputsObject *self = (OutputsObject *)object;
    (void)none;
    tw_outputs *outputs = self->outputs;
    self->outputs = NULL;
    leave_python();
    tw_outputs_destroy(outputs);
    enter_python();
    Py_RETURN_NONE;
}

/* notes() -> what files cannot keep of those that they replace: a tuple of texts */
static PyObject *outputs_notes(PyObject *object, PyObject *none)
{
    const OutputsObject *self = (OutputsObject *)object;
    PyObject *notes = is_there(self) ? PyList_New(0) : NULL;
    (void)none;
    for (Py_ssize_t k = 0; notes != NULL && k < PyTuple_GET_SIZE(self->arrays); k++) {
        const tw_array *array = tw_outputs_operands(self->outputs)[k];
        const char *note = array != NULL ? tw_array_note(array) : NULL;
        PyObject *text = note != NULL ? PyUnicode_DecodeFSDefault(note) : NULL;
        if (note != NULL && (text == NULL || PyList_Append(notes, text) != 0)) {
            Py_CLEAR(notes);
        }
        Py_XDECREF(text);
    }
    PyObject *found = notes != NULL ? PyList_AsTuple(notes) : NULL;
    Py_XDECREF(notes);
    return found;
}

/* ---- tiles that are given to others ---- */

/* missing(first) -> (first, count) of the next ones */
static PyObject *outputs_missing(PyObject *object, PyObject *from)
{
    const OutputsObject *self = (OutputsObject *)object;
    uint64_t first, count;
    const uint64_t start = PyLong_AsUnsignedLongLong(from);
    if ((start == UINT64_MAX && PyErr_Occurred()) || !is_there(self)) {
        return NULL;
    }
    if (tw_outputs_missing(self->outputs, start, &first, &count) != TW_OK) {
        PyErr_SetString(PyExc_ValueError, "these outputs were opened without a node");
        return NULL;
    }
    return Py_BuildValue("(KK)", (unsigned long long)first, (unsigned long long)count);
}

/* note(first, sums): bytes, 8 a tile */
static PyObject *outputs_note(PyObject *object, PyObject *args)
{
    OutputsObject *self = (OutputsObject *)object;
    unsigned long long first;
    const char *sums;
    Py_ssize_t size;
    tw_error error;
    if (!PyArg_ParseTuple(args, "Ky#:note", &first, &sums, &size) || !is_there(self)) {
        return NULL;
    }
    const uint64_t count = (uint64_t)size / sizeof(uint64_t);
    uint64_t *copy = malloc((size_t)size + 1); /* which is aligned */
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(copy, sums, (size_t)size);
    leave_python();
    const tw_status status = tw_outputs_note(self->outputs, first, count, copy, &error);
    enter_python();
    free(copy);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    Py_RETURN_NONE;
}

/* sums(first, count) -> bytes, 8 a tile */
static PyObject *outputs_sums(PyObject *object, PyObject *args)
{
    const OutputsObject *self = (OutputsObject *)object;
    unsigned long long first, count;
    tw_error error;
    if (!PyArg_ParseTuple(args, "KK:sums", &first, &count) || !is_there(self)) {
        return NULL;
    }
    if (count > PY_SSIZE_T_MAX / sizeof(uint64_t)) {
        return PyErr_NoMemory();
    }
    uint64_t *sums = malloc((size_t)count * sizeof *sums + 1);
    if (sums == NULL) {
        return PyErr_NoMemory();
    }
    const tw_status status = tw_outputs_sums(self->outputs, first, count, sums, &error);
    PyObject *found = status == TW_OK
                          ? PyBytes_FromStringAndSize((const char *)sums, (Py_ssize_t)(count * sizeof *sums))
                          : raise_failure(&error);
    free(sums);
    return found;
}

/* sync(): all that the last run has written is on the disk then */
static PyObject *outputs_sync(PyObject *object, PyObject *none)
{
    (void)none;
    return call((const OutputsObject *)object, tw_outputs_sync) ? Py_NewRef(Py_None) : NULL;
}

/* The run folder, as bytes; None: there is none. */
static PyObject *outputs_folder(PyObject *object, void *closure)
{
    const OutputsObject *self = (OutputsObject *)object;
    (void)closure;
    const char *folder = is_there(self) ? tw_outputs_folder(self->outputs) : NULL;
    return PyErr_Occurred() ? NULL : folder != NULL ? PyBytes_FromString(folder) : Py_NewRef(Py_None);
}

static PyObject *outputs_totals(PyObject *object, void *closure)
{
    const OutputsObject *self = (OutputsObject *)object;
    tw_outputs_totals totals;
    (void)closure;
    if (!is_there(self)) {
        return NULL;
    }
    tw_outputs_get_totals(self->outputs, &totals);
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:O,s:K,s:K,s:K}", "tiles", (unsigned long long)totals.tiles, "done",
                         (unsigned long long)totals.done, "dropped", (unsigned long long)totals.dropped, "lost",
                         (unsigned long long)totals.lost, "skipped", (unsigned long long)totals.skipped, "finished",
                         totals.finished ? Py_True : Py_False, "elsewhere", (unsigned long long)totals.elsewhere,
                         "twice", (unsigned long long)totals.twice, "nodes", (unsigned long long)totals.nodes);
}

static PyMethodDef outputs_methods[] = {
    {"open", outputs_open, METH_VARARGS | METH_STATIC, "tw_outputs_open."},
    {"look", outputs_look, METH_VARARGS | METH_STATIC, "tw_outputs_look."},
    {"beside", outputs_beside, METH_VARARGS | METH_STATIC, "tw_outputs_beside of tw_array_target."},
    {"commit", outputs_commit, METH_NOARGS, "tw_outputs_commit."},
    {"keep", outputs_keep, METH_NOARGS, "tw_outputs_keep."},
    {"discard", outputs_discard, METH_NOARGS, "tw_outputs_destroy."},
    {"notes", outputs_notes, METH_NOARGS, "tw_array_note of each output."},
    {"missing", outputs_missing, METH_O, "tw_outputs_missing."},
    {"note", outputs_note, METH_VARARGS, "tw_outputs_note."},
    {"sums", outputs_sums, METH_VARARGS, "tw_outputs_sums."},
    {"sync", outputs_sync, METH_NOARGS, "tw_outputs_sync."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef outputs_fields[] = {
    {"totals", outputs_totals, NULL, "tw_outputs_get_totals, as a dict.", NULL},
    {"folder", outputs_folder, NULL, "tw_outputs_folder.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject OutputsType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Outputs",
    .tp_basicsize = sizeof(OutputsObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = outputs_dealloc,
    .tp_methods = outputs_methods,
    .tp_getset = outputs_fields,
};

/* ---- inputs ---- */

/* open_array(path): an Array of a .npy file */
PyObject *open_array(PyObject *self, PyObject *path)
{
    tw_array *array;
    tw_error error;
    (void)self;
    const char *name = PyBytes_AsString(path);
    if (name == NULL) {
        return NULL;
    }
    leave_python(); /* a pipe is waited for */
    const tw_status status = tw_array_open(&array, NULL, name, &error);
    enter_python();
    return status == TW_OK ? array_object(array, NULL) : raise_failure(&error);
}

/* checksum(Array) */
PyObject *array_checksum(PyObject *self, PyObject *array)
{
    uint64_t sum;
    tw_error error;
    (void)self;
    if (!Py_IS_TYPE(array, &ArrayType)) {
        PyErr_SetString(PyExc_TypeError, "checksum(Array)");
        return NULL;
    }
    leave_python();
    const tw_status status = tw_array_checksum(&sum, ((ArrayObject *)array)->array, &error);
    enter_python();
    return status == TW_OK ? PyLong_FromUnsignedLongLong(sum) : raise_failure(&error);
}
