/* edge.c - edges of axes: their texts as the library reads them. */
#include "binding.h"

/* edge(text) -> (EDGE_*, real and imaginary part of the constant), as tw_edge_parse */
PyObject *parse_edge(PyObject *self, PyObject *args)
{
    const char *text;
    tw_axis_edge edge = {0};
    tw_error error;
    (void)self;
    if (!PyArg_ParseTuple(args, "s:edge", &text)) {
        return NULL;
    }
    if (tw_edge_parse(text, &edge, &error) != TW_OK) {
        return raise_failure(&error);
    }
    return Py_BuildValue("idd", (int)edge.edge, edge.constant, edge.imag);
}

int read_edges(tw_axis_edge *edges, size_t *count, size_t most, PyObject *given)
{
    PyObject *axis, *value;
    Py_ssize_t at = 0;
    tw_error error;
    *count = 0;
    if ((size_t)PyDict_GET_SIZE(given) > most) {
        PyErr_Format(PyExc_ValueError, "at most %zu edges", most);
        return -1;
    }
    while (PyDict_Next(given, &at, &axis, &value)) {
        const char *text;
        tw_axis_edge *edge = &edges[(*count)++];
        *edge = (tw_axis_edge){0};
        if (!PyArg_ParseTuple(value, "sp", &text, &edge->has_length)) {
            return -1;
        }
        edge->axis = axis != Py_None ? PyUnicode_AsUTF8(axis) : NULL;
        if (PyErr_Occurred()) {
            return -1;
        }
        if (tw_edge_parse(text, edge, &error) != TW_OK) {
            raise_failure(&error);
            return -1;
        }
    }
    return 0;
}
