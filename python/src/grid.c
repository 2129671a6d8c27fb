/* grid.c - Signature and Grid: the text, the lengths, the tiles. */
#include "binding.h"

#include <stdlib.h>

/* ---- Signature ---- */

static PyObject *signature_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *text;
    tw_signature *signature;
    tw_error error;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) || !PyArg_ParseTuple(args, "s:Signature", &text)) {
        return NULL;
    }
    if (tw_signature_parse(&signature, text, &error) != TW_OK) {
        return raise_failure(&error);
    }
    SignatureObject *self = (SignatureObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        tw_signature_destroy(signature);
        return NULL;
    }
    self->signature = self->own = signature;
    self->pid = own_pid();
    count_live(COUNT_SIGNATURES, 1);
    return (PyObject *)self;
}

PyObject *signature_of_statement(StatementObject *statement)
{
    SignatureObject *self = (SignatureObject *)SignatureType.tp_alloc(&SignatureType, 0);
    if (self != NULL) {
        self->signature = tw_statement_signature(statement->statement);
        self->owner = Py_NewRef((PyObject *)statement);
        self->pid = own_pid();
        count_live(COUNT_SIGNATURES, 1);
    }
    return (PyObject *)self;
}

static void signature_dealloc(PyObject *object)
{
    SignatureObject *self = (SignatureObject *)object;
    if (self->pid == own_pid()) {
        tw_signature_destroy(self->own);
        count_live(COUNT_SIGNATURES, -1);
    }
    Py_XDECREF(self->owner);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *signature_axes(PyObject *object, void *closure)
{
    const tw_signature *signature = ((SignatureObject *)object)->signature;
    (void)closure;
    const int n = tw_signature_naxes(signature);
    PyObject *tuple = PyTuple_New(n);
    for (int a = 0; tuple != NULL && a < n; a++) {
        PyObject *name = PyUnicode_FromString(tw_signature_axis(signature, a));
        if (name == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, a, name);
        }
    }
    return tuple;
}

/* ((name, role, axes, dtype or None, given, written), ...) as in tw_operand. */
static PyObject *signature_operands(PyObject *object, void *closure)
{
    int n;
    const tw_operand *operands = tw_signature_operands(((SignatureObject *)object)->signature, &n);
    (void)closure;
    PyObject *tuple = PyTuple_New(n);
    for (int k = 0; tuple != NULL && k < n; k++) {
        const tw_operand *read = &operands[k];
        int64_t axes[TW_MAX_DIMS];
        for (int d = 0; d < read->ndim; d++) {
            axes[d] = read->axes[d];
        }
        PyObject *operand = Py_BuildValue("(siNzii)", read->name, (int)read->role, tuple_of_integers(axes, read->ndim),
                                          read->dtype[0] != '\0' ? read->dtype : NULL, read->given, read->written);
        if (operand == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, k, operand);
        }
    }
    return tuple;
}

/* lengths(shapes, known): shapes[k] is None for an output yet to be made, known[a] is -1 where the axis is not known.
 */
static PyObject *signature_lengths(PyObject *object, PyObject *args)
{
    const tw_signature *signature = ((SignatureObject *)object)->signature;
    PyObject *shapes, *known;
    tw_view views[TW_MAX_OPERANDS];
    const tw_view *pointers[TW_MAX_OPERANDS];
    int64_t lengths[TW_MAX_OPERANDS * TW_MAX_DIMS];
    tw_error error;
    if (!PyArg_ParseTuple(args, "O!O:lengths", &PyTuple_Type, &shapes, &known)) {
        return NULL;
    }
    const int naxes = integers_of_sequence(known, lengths, (int)(sizeof lengths / sizeof lengths[0]), "known lengths");
    const int n = tw_signature_noperands(signature);
    if (naxes < 0) {
        return NULL;
    }
    if (naxes != tw_signature_naxes(signature) || PyTuple_GET_SIZE(shapes) != n) {
        PyErr_SetString(PyExc_ValueError, "one shape an operand and one length an axis");
        return NULL;
    }
    for (int k = 0; k < n; k++) {
        PyObject *shape = PyTuple_GET_ITEM(shapes, k);
        pointers[k] = shape == Py_None ? NULL : &views[k];
        if (shape != Py_None) {
            views[k].ndim = integers_of_sequence(shape, views[k].shape, TW_MAX_DIMS, "a shape");
            if (views[k].ndim < 0) {
                return NULL;
            }
        }
    }
    if (tw_signature_lengths(signature, pointers, lengths, &error) != TW_OK) {
        return raise_failure(&error);
    }
    return tuple_of_integers(lengths, naxes);
}

static PyMethodDef signature_methods[] = {
    {"lengths", signature_lengths, METH_VARARGS, "tw_signature_lengths."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef signature_fields[] = {
    {"axes", signature_axes, NULL, "Names of the axes.", NULL},
    {"operands", signature_operands, NULL,
     "(name, role, axes, dtype or None, given, written) of each operand, as in tw_operand.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject SignatureType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Signature",
    .tp_basicsize = sizeof(SignatureObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = signature_new,
    .tp_dealloc = signature_dealloc,
    .tp_methods = signature_methods,
    .tp_getset = signature_fields,
};

/* ---- Grid ---- */

struct splits {
    tw_split items[TW_MAX_OPERANDS];
    int64_t *cuts[TW_MAX_OPERANDS];
    size_t count;
};

static void splits_fini(struct splits *splits)
{
    for (size_t k = 0; k < splits->count; k++) {
        free(splits->cuts[k]);
    }
}

/* One (axis, "tile" or "parts" or "cuts", number or numbers). */
static int add_split(struct splits *splits, PyObject *item)
{
    const char *axis, *how;
    PyObject *value;
    if (splits->count == TW_MAX_OPERANDS) {
        PyErr_SetString(PyExc_ValueError, "too many axes are divided");
        return -1;
    }
    if (!PyArg_ParseTuple(item, "ssO", &axis, &how, &value)) {
        return -1;
    }
    tw_split *split = &splits->items[splits->count];
    *split = (tw_split){.axis = axis};
    splits->cuts[splits->count] = NULL;
    if (strcmp(how, "cuts") != 0) {
        const long long number = PyLong_AsLongLong(value);
        if (number == -1 && PyErr_Occurred()) {
            return -1;
        }
        *(strcmp(how, "tile") == 0 ? &split->tile : &split->parts) = number;
        splits->count++;
        return 0;
    }
    const Py_ssize_t n = PySequence_Size(value);
    int64_t *cuts = n < 0 || n > INT32_MAX ? NULL : malloc(((size_t)n + 1) * sizeof *cuts);
    if (cuts == NULL || integers_of_sequence(value, cuts, (int)n, "cuts") < 0) {
        free(cuts);
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        return -1;
    }
    splits->cuts[splits->count] = cuts;
    split->cuts = n > 0 ? cuts : NULL;
    split->ncuts = (size_t)n;
    splits->count++;
    return 0;
}

/* Grid(signature, lengths, splits, itemsizes, cost, input_axes_only) */
static PyObject *grid_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    SignatureObject *signature;
    PyObject *lengths_given, *splits_given, *sizes_given;
    int64_t lengths[TW_MAX_OPERANDS * TW_MAX_DIMS], itemsizes[TW_MAX_OPERANDS];
    struct splits splits = {.count = 0};
    tw_grid *grid = NULL;
    tw_error error;
    int cost, input_axes_only;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) ||
        !PyArg_ParseTuple(args, "O!OO!Oip:Grid", &SignatureType, &signature, &lengths_given, &PyTuple_Type,
                          &splits_given, &sizes_given, &cost, &input_axes_only)) {
        return NULL;
    }
    const int naxes =
        integers_of_sequence(lengths_given, lengths, (int)(sizeof lengths / sizeof lengths[0]), "lengths");
    const int sizes = integers_of_sequence(sizes_given, itemsizes, TW_MAX_OPERANDS, "item sizes");
    if (naxes < 0 || sizes < 0) {
        return NULL;
    }
    if (naxes != tw_signature_naxes(signature->signature) || sizes != tw_signature_noperands(signature->signature)) {
        PyErr_SetString(PyExc_ValueError, "one length an axis and one item size an operand");
        return NULL;
    }
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(splits_given); k++) {
        if (add_split(&splits, PyTuple_GET_ITEM(splits_given, k)) != 0) {
            splits_fini(&splits);
            return NULL;
        }
    }
    const tw_grid_options options = {.splits = splits.items,
                                     .nsplits = splits.count,
                                     .itemsizes = itemsizes,
                                     .cost = (tw_cost)cost,
                                     .input_axes_only = input_axes_only};
    const tw_status status = tw_grid_create(&grid, signature->signature, lengths, &options, &error);
    splits_fini(&splits);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    GridObject *self = (GridObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        tw_grid_destroy(grid);
        return NULL;
    }
    self->grid = grid;
    self->signature = (SignatureObject *)Py_NewRef((PyObject *)signature);
    self->pid = own_pid();
    count_live(COUNT_GRIDS, 1);
    return (PyObject *)self;
}

static void grid_dealloc(PyObject *object)
{
    GridObject *self = (GridObject *)object;
    if (self->pid == own_pid()) {
        tw_grid_destroy(self->grid);
        count_live(COUNT_GRIDS, -1);
    }
    Py_XDECREF((PyObject *)self->signature);
    Py_TYPE(object)->tp_free(object);
}

static int tile_of(GridObject *self, PyObject *number, uint64_t *tile)
{
    *tile = PyLong_AsUnsignedLongLong(number);
    if (*tile == UINT64_MAX && PyErr_Occurred()) {
        return -1;
    }
    if (*tile >= tw_grid_count(self->grid)) {
        PyErr_Format(PyExc_IndexError, "tile %llu; the grid has %llu", (unsigned long long)*tile,
                     (unsigned long long)tw_grid_count(self->grid));
        return -1;
    }
    return 0;
}

/* tile(number) -> (starts, stops) */
static PyObject *grid_tile(PyObject *object, PyObject *number)
{
    GridObject *self = (GridObject *)object;
    int64_t start[TW_MAX_OPERANDS * TW_MAX_DIMS], stop[TW_MAX_OPERANDS * TW_MAX_DIMS];
    uint64_t tile;
    if (tile_of(self, number, &tile) != 0) {
        return NULL;
    }
    tw_grid_tile(self->grid, tile, start, stop);
    const int naxes = tw_signature_naxes(self->signature->signature);
    return Py_BuildValue("(NN)", tuple_of_integers(start, naxes), tuple_of_integers(stop, naxes));
}

/* owner(indices) -> number of the tile that has the element with these indices, one an axis */
static PyObject *grid_owner(PyObject *object, PyObject *given)
{
    const GridObject *self = (GridObject *)object;
    int64_t indices[TW_MAX_OPERANDS * TW_MAX_DIMS];
    const int naxes = tw_signature_naxes(self->signature->signature);
    const int n = integers_of_sequence(given, indices, (int)(sizeof indices / sizeof indices[0]), "indices");
    if (n < 0) {
        return NULL;
    }
    int inside = n == naxes;
    for (int a = 0; inside && a < naxes; a++) {
        inside = indices[a] >= 0 && indices[a] < tw_grid_length(self->grid, a);
    }
    if (!inside) {
        PyErr_SetString(PyExc_IndexError, "one index an axis, inside of its length");
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(tw_grid_owner(self->grid, indices));
}

static PyObject *grid_text(PyObject *object, PyObject *number)
{
    GridObject *self = (GridObject *)object;
    char text[4096];
    uint64_t tile;
    if (tile_of(self, number, &tile) != 0) {
        return NULL;
    }
    tw_grid_tile_text(self->grid, tile, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyObject *grid_count(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLongLong(tw_grid_count(((GridObject *)object)->grid));
}

static PyObject *grid_signature(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef((PyObject *)((GridObject *)object)->signature);
}

static PyMethodDef grid_methods[] = {
    {"tile", grid_tile, METH_O, "tw_grid_tile."},
    {"owner", grid_owner, METH_O, "tw_grid_owner."},
    {"text", grid_text, METH_O, "tw_grid_tile_text."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef grid_fields[] = {
    {"count", grid_count, NULL, "Number of tiles.", NULL},
    {"signature", grid_signature, NULL, "What it was made for.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject GridType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Grid",
    .tp_basicsize = sizeof(GridObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = grid_new,
    .tp_dealloc = grid_dealloc,
    .tp_methods = grid_methods,
    .tp_getset = grid_fields,
};
