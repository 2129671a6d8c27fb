/* report.c - Report: the totals and the tiles of a run, as plain values. */
#include "binding.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
    return Py_BuildValue(
        "{s:i,s:i,s:K,s:K,s:K,s:K,s:K,s:d,s:L,s:L,s:i,s:i,s:i,s:i,s:O,s:O,s:d,s:i,s:L,s:L}", "pool", (int)t.pool,
        "workers", t.workers, "tiles", (unsigned long long)t.tiles, "done", (unsigned long long)t.done, "resumed",
        (unsigned long long)t.resumed, "skipped", (unsigned long long)t.skipped, "failed", (unsigned long long)t.failed,
        "seconds", t.seconds, "bytes_copied", (long long)t.bytes_copied, "bytes_populated",
        (long long)t.bytes_populated, "reforks", t.reforks, "deaths", t.deaths, "timeouts", t.timeouts, "recycled",
        t.recycled, "checked", t.checked ? Py_True : Py_False, "identical", t.identical ? Py_True : Py_False,
        "max_difference", t.max_difference, "differing_operand", t.differing_operand, "differing_index",
        (long long)t.differing_index, "differing_tile", (long long)t.differing_tile);
}

/* tiles() or tiles(first, count) -> bytearray of one record a tile */
static PyObject *report_tiles(PyObject *object, PyObject *args)
{
    const ReportObject *self = (ReportObject *)object;
    const tw_grid *grid = self->grid->grid;
    const int naxes = tw_signature_naxes(self->grid->signature->signature);
    const uint64_t all = tw_grid_count(grid);
    unsigned long long first = 0, count = all;
    const size_t size = sizeof(struct record) + 2 * (size_t)naxes * sizeof(int64_t);
    int64_t ends[2 * TW_MAX_OPERANDS * TW_MAX_DIMS];
    tw_error error;
    if (!PyArg_ParseTuple(args, "|KK:tiles", &first, &count)) {
        return NULL;
    }
    if (first > all || count > all - first) {
        PyErr_SetString(PyExc_IndexError, "the grid has fewer tiles");
        return NULL;
    }
    if (count > PY_SSIZE_T_MAX / size) {
        return PyErr_NoMemory();
    }
    PyObject *bytes = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * size));
    char *at = bytes != NULL ? PyByteArray_AS_STRING(bytes) : NULL;
    for (uint64_t tile = first; bytes != NULL && tile < first + count; tile++, at += size) {
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

static tw_tile_record record_of(const struct record *kept)
{
    const int is_state = kept->state >= TW_TILE_FREE && kept->state <= TW_TILE_SKIPPED;
    return (tw_tile_record){.state = is_state ? (tw_tile_state)kept->state : TW_TILE_FREE,
                            .worker = kept->worker,
                            .pid = kept->pid,
                            .attempts = kept->attempts,
                            .start = kept->begin,
                            .duration = kept->seconds};
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
    if (kept.state < TW_TILE_FREE || kept.state > TW_TILE_SKIPPED) {
        PyErr_SetString(PyExc_ValueError, "this is no record");
        return NULL;
    }
    const tw_tile_record record = record_of(&kept);
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

/* ---- for other programs ---- */

typedef tw_status report_form(const tw_report *report, FILE *file, tw_error *error);

static tw_status file_failure(tw_error *error, const char *path, int os_error)
{
    error->status = os_error == ENOSPC || os_error == EDQUOT ? TW_ERROR_DISK : TW_ERROR_FILE;
    error->os_error = os_error;
    error->tile = -1;
    error->worker = -1;
    snprintf(error->message, sizeof error->message, "%s cannot be written: %s", path, strerror(os_error));
    return error->status;
}

/* A file that gets its name when it is whole. */
static tw_status write_file(const tw_report *report, report_form *form, const char *path, tw_error *error)
{
    tw_file *whole;
    tw_status status = tw_file_create(&whole, path, error);
    if (status != TW_OK) {
        return status;
    }
    const int descriptor = fcntl(tw_file_descriptor(whole), F_DUPFD_CLOEXEC, 3);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (file == NULL) {
        status = file_failure(error, path, errno);
        if (descriptor >= 0) {
            close(descriptor);
        }
    } else {
        status = form(report, file, error);
        if (fclose(file) != 0 && status == TW_OK) {
            status = file_failure(error, path, errno);
        }
    }
    status = status == TW_OK ? tw_file_commit(whole, error) : status;
    tw_file_destroy(whole);
    return status;
}

static PyObject *save(PyObject *object, PyObject *args, report_form *form)
{
    PyObject *path;
    tw_error error = {0};
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path)) {
        return NULL;
    }
    leave_python();
    const tw_status status = write_file(((const ReportObject *)object)->report, form, PyBytes_AS_STRING(path), &error);
    enter_python();
    Py_DECREF(path);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    Py_RETURN_NONE;
}

static PyObject *report_trace(PyObject *object, PyObject *args)
{
    return save(object, args, tw_report_write_trace);
}

static PyObject *report_html(PyObject *object, PyObject *args)
{
    return save(object, args, tw_report_write_html);
}

static PyObject *report_picture(PyObject *object, PyObject *none)
{
    char *text = NULL;
    size_t size = 0;
    tw_error error;
    (void)none;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        return PyErr_NoMemory();
    }
    const tw_status status = tw_report_write_picture(((const ReportObject *)object)->report, file, &error);
    const int closed = fclose(file);
    PyObject *picture = status != TW_OK ? raise_failure(&error)
                        : closed != 0   ? PyErr_NoMemory()
                                        : PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
    free(text);
    return picture;
}

/* A number of the totals that totals() gave; -1 with an exception. */
static double total_of(PyObject *totals, const char *name)
{
    PyObject *value = PyDict_GetItemString(totals, name);
    if (value == NULL) {
        PyErr_SetString(PyExc_KeyError, name);
        return -1;
    }
    return PyFloat_AsDouble(value);
}

static int read_totals(tw_report_totals *totals, PyObject *from)
{
    *totals = (tw_report_totals){.pool = (tw_pool_kind)total_of(from, "pool"),
                                 .workers = (int)total_of(from, "workers"),
                                 .tiles = (uint64_t)total_of(from, "tiles"),
                                 .done = (uint64_t)total_of(from, "done"),
                                 .resumed = (uint64_t)total_of(from, "resumed"),
                                 .skipped = (uint64_t)total_of(from, "skipped"),
                                 .failed = (uint64_t)total_of(from, "failed"),
                                 .seconds = total_of(from, "seconds"),
                                 .bytes_copied = (int64_t)total_of(from, "bytes_copied"),
                                 .bytes_populated = (int64_t)total_of(from, "bytes_populated"),
                                 .reforks = (int)total_of(from, "reforks"),
                                 .deaths = (int)total_of(from, "deaths"),
                                 .timeouts = (int)total_of(from, "timeouts"),
                                 .recycled = (int)total_of(from, "recycled"),
                                 .checked = (int)total_of(from, "checked"),
                                 .identical = (int)total_of(from, "identical"),
                                 .max_difference = total_of(from, "max_difference"),
                                 .differing_operand = (int)total_of(from, "differing_operand"),
                                 .differing_index = (int64_t)total_of(from, "differing_index"),
                                 .differing_tile = (int64_t)total_of(from, "differing_tile")};
    return PyErr_Occurred() ? -1 : 0;
}

/* of(grid, totals, records): a report of what totals() and tiles() of another gave, in any process. */
static PyObject *report_of_records(PyObject *type, PyObject *args)
{
    GridObject *grid;
    PyObject *from;
    const char *bytes;
    Py_ssize_t size;
    tw_report_totals totals;
    tw_report *report;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "O!O!y#:of", &GridType, &grid, &PyDict_Type, &from, &bytes, &size) ||
        read_totals(&totals, from) != 0) {
        return NULL;
    }
    const uint64_t count = tw_grid_count(grid->grid);
    const size_t each =
        sizeof(struct record) + 2 * (size_t)tw_signature_naxes(grid->signature->signature) * sizeof(int64_t);
    if (count > PY_SSIZE_T_MAX / sizeof(tw_tile_record) || (size_t)size != count * each) {
        PyErr_SetString(PyExc_ValueError, "a record for each tile of the grid");
        return NULL;
    }
    tw_tile_record *records = PyMem_RawMalloc(count > 0 ? count * sizeof *records : 1);
    if (records == NULL) {
        return PyErr_NoMemory();
    }
    for (uint64_t tile = 0; tile < count; tile++) {
        struct record kept;
        memcpy(&kept, bytes + tile * each, sizeof kept);
        records[tile] = record_of(&kept);
    }
    const tw_status status = tw_report_of_records(&report, grid->grid, &totals, records, &error);
    PyMem_RawFree(records);
    return status == TW_OK ? report_of(report, grid) : raise_failure(&error);
}

static PyMethodDef report_methods[] = {
    {"advice", report_advice, METH_NOARGS, "tw_report_advice."},
    {"totals", report_totals, METH_NOARGS, "tw_report_get_totals."},
    {"tiles", report_tiles, METH_VARARGS, "tw_report_get_tile of every tile, or of some."},
    {"line", report_line, METH_O, "tw_report_line."},
    {"line_of", report_line_of, METH_VARARGS | METH_STATIC, "tw_report_record_line of a record of tiles()."},
    {"trace", report_trace, METH_VARARGS, "tw_report_write_trace to a file that gets its name when it is whole."},
    {"html", report_html, METH_VARARGS, "tw_report_write_html, likewise."},
    {"picture", report_picture, METH_NOARGS, "tw_report_write_picture."},
    {"of", report_of_records, METH_VARARGS | METH_STATIC, "tw_report_of_records of what tiles() gave."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ReportType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Report",
    .tp_basicsize = sizeof(ReportObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = report_dealloc,
    .tp_methods = report_methods,
};
