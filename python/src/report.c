/* report.c - Report: the totals and the tiles of a run, as plain values. */
#include "binding.h"

/* One tile in the bytes that tiles() gives; then first and stop of each axis. tilework/_report.py has the same. */
struct record {
    uint64_t tile;
    int32_t state, worker, pid, attempts;
    double begin, seconds;
};

PyObject *report_of(tw_report *report, GridObject *grid)
{
    ReportObject *self = PyObject_New(ReportObject, &ReportType);
    if (self == NULL) {
        tw_report_destroy(report);
        return NULL;
    }
    self->report = report;
    self->grid = (GridObject *)Py_NewRef((PyObject *)grid);
    self->pid = own_pid();
    count_live(COUNT_REPORTS, 1);
    return (PyObject *)self;
}

static void report_dealloc(PyObject *object)
{
    ReportObject *self = (ReportObject *)object;
    if (self->pid == own_pid()) {
        tw_report_destroy(self->report);
        count_live(COUNT_REPORTS, -1);
    }
    Py_DECREF((PyObject *)self->grid);
    PyObject_Free(self);
}

static PyObject *report_totals(PyObject *object, PyObject *none)
{
    tw_report_totals t;
    (void)none;
    tw_report_get_totals(((ReportObject *)object)->report, &t);
    return Py_BuildValue("{s:i,s:i,s:K,s:K,s:K,s:K,s:d,s:L,s:L,s:i,s:i,s:i,s:i,s:O,s:O,s:d,s:i,s:L,s:L}", "pool",
                         (int)t.pool, "workers", t.workers, "tiles", (unsigned long long)t.tiles, "done",
                         (unsigned long long)t.done, "resumed", (unsigned long long)t.resumed, "failed",
                         (unsigned long long)t.failed, "seconds", t.seconds, "bytes_copied", (long long)t.bytes_copied,
                         "bytes_populated", (long long)t.bytes_populated, "reforks", t.reforks, "deaths", t.deaths,
                         "timeouts", t.timeouts, "recycled", t.recycled, "checked", t.checked ? Py_True : Py_False,
                         "identical", t.identical ? Py_True : Py_False, "max_difference", t.max_difference,
                         "differing_operand", t.differing_operand, "differing_index", (long long)t.differing_index,
                         "differing_tile", (long long)t.differing_tile);
}

/* tiles() -> bytearray of one record a tile */
static PyObject *report_tiles(PyObject *object, PyObject *none)
{
    const ReportObject *self = (ReportObject *)object;
    const tw_grid *grid = self->grid->grid;
    const int naxes = tw_signature_naxes(self->grid->signature->signature);
    const uint64_t count = tw_grid_count(grid);
    const size_t size = sizeof(struct record) + 2 * (size_t)naxes * sizeof(int64_t);
    int64_t ends[2 * TW_MAX_OPERANDS * TW_MAX_DIMS];
    tw_error error;
    (void)none;
    if (count > PY_SSIZE_T_MAX / size) {
        return PyErr_NoMemory();
    }
    PyObject *bytes = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * size));
    char *at = bytes != NULL ? PyByteArray_AS_STRING(bytes) : NULL;
    for (uint64_t tile = 0; bytes != NULL && tile < count; tile++, at += size) {
        tw_tile_record found;
        if (tw_report_get_tile(self->report, tile, &found, &error) != TW_OK) {
            Py_DECREF(bytes);
            return raise_failure(&error);
        }
        const struct record record = {.tile = tile,
                                      .state = (int32_t)found.state,
                                      .worker = found.worker,
                                      .pid = found.pid,
                                      .attempts = found.attempts,
                                      .begin = found.start,
                                      .seconds = found.duration};
        memcpy(at, &record, sizeof record);
        tw_grid_tile(grid, tile, ends, ends + naxes);
        memcpy(at + sizeof record, ends, 2 * (size_t)naxes * sizeof(int64_t));
    }
    return bytes;
}

static PyObject *report_line(PyObject *object, PyObject *number)
{
    const ReportObject *self = (ReportObject *)object;
    char text[4096];
    const uint64_t tile = PyLong_AsUnsignedLongLong(number);
    if (tile == UINT64_MAX && PyErr_Occurred()) {
        return NULL;
    }
    if (tile >= tw_grid_count(self->grid->grid)) {
        PyErr_Format(PyExc_IndexError, "tile %llu; the grid has %llu", (unsigned long long)tile,
                     (unsigned long long)tw_grid_count(self->grid->grid));
        return NULL;
    }
    tw_report_line(self->report, tile, text, sizeof text);
    return PyUnicode_FromString(text);
}

/* line_of(grid, tile, record): the line of a record of tiles(), in any process. */
static PyObject *report_line_of(PyObject *type, PyObject *args)
{
    GridObject *grid;
    unsigned long long tile;
    const char *bytes;
    Py_ssize_t size;
    struct record kept;
    char text[4096];
    (void)type;
    if (!PyArg_ParseTuple(args, "O!Ky#:line_of", &GridType, &grid, &tile, &bytes, &size)) {
        return NULL;
    }
    if (tile >= tw_grid_count(grid->grid) || size < (Py_ssize_t)sizeof kept) {
        PyErr_SetString(PyExc_ValueError, "a tile of the grid, and its record");
        return NULL;
    }
    memcpy(&kept, bytes, sizeof kept);
    if (kept.state < TW_TILE_FREE || kept.state > TW_TILE_FAILED) {
        PyErr_SetString(PyExc_ValueError, "this is no record");
        return NULL;
    }
    const tw_tile_record record = {.state = (tw_tile_state)kept.state,
                                   .worker = kept.worker,
                                   .pid = kept.pid,
                                   .attempts = kept.attempts,
                                   .start = kept.begin,
                                   .duration = kept.seconds};
    tw_report_record_line(&record, grid->grid, tile, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyObject *report_advice(PyObject *object, PyObject *none)
{
    char text[1024];
    (void)none;
    tw_report_advice(((const ReportObject *)object)->report, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyMethodDef report_methods[] = {
    {"advice", report_advice, METH_NOARGS, "tw_report_advice."},
    {"totals", report_totals, METH_NOARGS, "tw_report_get_totals."},
    {"tiles", report_tiles, METH_NOARGS, "tw_report_get_tile of every tile."},
    {"line", report_line, METH_O, "tw_report_line."},
    {"line_of", report_line_of, METH_VARARGS | METH_STATIC, "tw_report_record_line of a record of tiles()."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ReportType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Report",
    .tp_basicsize = sizeof(ReportObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = report_dealloc,
    .tp_methods = report_methods,
};
