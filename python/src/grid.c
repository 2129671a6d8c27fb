/* grid.c - Grid: how axes are divided, how partial results are folded, the tiles. */
#include "binding.h"

#include <stdlib.h>

#define MOST_EDGES 65 /* one an axis, and one for all others */

/* ---- how axes are divided ---- */

void splits_fini(struct splits *splits)
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

/* ---- how partial results are folded ---- */

/* Each item 0: no reduction; FOLD_*; or a Kernel of (part, into). Reads them into the options, and has *kernels keep
 * the kernels: 0, or -1 with an exception. */
struct folds {
    tw_fold folds[TW_MAX_OPERANDS];
    const tw_kernel *kernels[TW_MAX_OPERANDS];
    PyObject *kept; /* a new tuple of Kernel or None; NULL: there are no kernels */
};

static int read_folds(struct folds *folds, PyObject *given, int noperands)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(given);
    memset(folds, 0, sizeof *folds);
    if (count != 0 && count != noperands) {
        PyErr_SetString(PyExc_ValueError, "one fold an operand");
        return -1;
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        PyObject *item = PyTuple_GET_ITEM(given, k);
        if (!Py_IS_TYPE(item, &KernelType)) {
            folds->folds[k] = (tw_fold)PyLong_AsLong(item);
            continue;
        }
        folds->folds[k] = TW_FOLD_KERNEL;
        folds->kernels[k] = ((KernelObject *)item)->kernel;
        if (folds->kept == NULL && (folds->kept = PyTuple_New(count)) != NULL) {
            for (Py_ssize_t n = 0; n < count; n++) {
                PyTuple_SET_ITEM(folds->kept, n, Py_NewRef(Py_None));
            }
        }
        if (folds->kept != NULL) {
            Py_DECREF(Py_None);
            PyTuple_SET_ITEM(folds->kept, k, Py_NewRef(item));
        }
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(folds->kept);
        return -1;
    }
    return 0;
}

PyObject *grid_object(tw_grid *grid, SignatureObject *signature, PyObject *folds)
{
    GridObject *self = (GridObject *)GridType.tp_alloc(&GridType, 0);
    if (self == NULL) {
        tw_grid_destroy(grid);
        Py_XDECREF(folds);
        return NULL;
    }
    self->grid = grid;
    self->signature = (SignatureObject *)Py_NewRef((PyObject *)signature);
    self->folds = folds;
    self->pid = own_pid();
    count_live(COUNT_GRIDS, 1);
    return (PyObject *)self;
}

/* ---- the grid ---- */

int read_splits(struct splits *splits, PyObject *given)
{
    splits->count = 0;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(given); k++) {
        if (add_split(splits, PyTuple_GET_ITEM(given, k)) != 0) {
            splits_fini(splits);
            return -1;
        }
    }
    return 0;
}

/* Grid(signature, lengths, splits, itemsizes, cost, input_axes_only, folds, edges) */
static PyObject *grid_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    SignatureObject *signature;
    PyObject *lengths_given, *splits_given, *sizes_given, *folds_given, *edges_given;
    tw_axis_edge edges[MOST_EDGES];
    size_t nedges;
    struct folds folds;
    int64_t lengths[TW_MAX_OPERANDS * TW_MAX_DIMS], itemsizes[TW_MAX_OPERANDS];
    struct splits splits;
    tw_grid *grid = NULL;
    tw_error error;
    int cost, input_axes_only;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) ||
        !PyArg_ParseTuple(args, "O!OO!OipO!O!:Grid", &SignatureType, &signature, &lengths_given, &PyTuple_Type,
                          &splits_given, &sizes_given, &cost, &input_axes_only, &PyTuple_Type, &folds_given,
                          &PyDict_Type, &edges_given)) {
        return NULL;
    }
    (void)type;
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
    if (read_edges(edges, &nedges, MOST_EDGES, edges_given) != 0 || read_splits(&splits, splits_given) != 0) {
        return NULL;
    }
    if (read_folds(&folds, folds_given, sizes) != 0) {
        splits_fini(&splits);
        return NULL;
    }
    const int reduces = PyTuple_GET_SIZE(folds_given) > 0;
    const tw_grid_options options = {.splits = splits.items,
                                     .nsplits = splits.count,
                                     .itemsizes = itemsizes,
                                     .cost = (tw_cost)cost,
                                     .input_axes_only = input_axes_only,
                                     .folds = reduces ? folds.folds : NULL,
                                     .fold_kernels = reduces ? folds.kernels : NULL,
                                     .edges = edges,
                                     .nedges = nedges};
    const tw_status status = tw_grid_create(&grid, signature->signature, lengths, &options, &error);
    splits_fini(&splits);
    if (status != TW_OK) {
        Py_XDECREF(folds.kept);
        return raise_failure(&error);
    }
    return grid_object(grid, signature, folds.kept);
}

static void grid_dealloc(PyObject *object)
{
    GridObject *self = (GridObject *)object;
    if (self->pid == own_pid()) {
        tw_grid_destroy(self->grid);
        count_live(COUNT_GRIDS, -1);
    }
    Py_XDECREF((PyObject *)self->signature);
    Py_XDECREF(self->folds);
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

/* How many tiles each axis has. */
static PyObject *grid_counts(PyObject *object, void *closure)
{
    const GridObject *self = (GridObject *)object;
    int64_t counts[TW_MAX_OPERANDS * TW_MAX_DIMS];
    const int naxes = tw_signature_naxes(self->signature->signature);
    (void)closure;
    for (int a = 0; a < naxes; a++) {
        counts[a] = tw_grid_axis_tiles(self->grid, a);
    }
    return tuple_of_integers(counts, naxes);
}

static PyObject *grid_why(PyObject *object, void *closure)
{
    const char *why = tw_grid_why(((GridObject *)object)->grid);
    (void)closure;
    return why != NULL ? PyUnicode_FromString(why) : Py_NewRef(Py_None);
}

static PyObject *grid_count(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLongLong(tw_grid_count(((GridObject *)object)->grid));
}

/* ((number of its first tile, text), ...) of each step */
static PyObject *grid_steps(PyObject *object, void *closure)
{
    const tw_grid *grid = ((GridObject *)object)->grid;
    char text[4096];
    (void)closure;
    PyObject *steps = PyTuple_New(tw_grid_steps(grid));
    for (int s = 0; steps != NULL && s < tw_grid_steps(grid); s++) {
        tw_grid_step_text(grid, s, text, sizeof text);
        PyObject *step = Py_BuildValue("(Ks)", (unsigned long long)tw_grid_step_first(grid, s), text);
        if (step == NULL) {
            Py_CLEAR(steps);
        } else {
            PyTuple_SET_ITEM(steps, s, step);
        }
    }
    return steps;
}

static PyObject *grid_signature(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef((PyObject *)((GridObject *)object)->signature);
}

/* part(tile, operand) -> (role, starts, stops) along the operand's dimensions, or None: the tile's step lacks it. */
static PyObject *grid_part(PyObject *object, PyObject *args)
{
    GridObject *self = (GridObject *)object;
    int64_t start[TW_MAX_DIMS], stop[TW_MAX_DIMS];
    PyObject *number;
    uint64_t tile;
    int operand;
    if (!PyArg_ParseTuple(args, "Oi", &number, &operand) || tile_of(self, number, &tile) != 0) {
        return NULL;
    }
    const tw_signature *signature = self->signature->signature;
    if (operand < 0 || operand >= tw_signature_noperands(signature)) {
        PyErr_SetString(PyExc_ValueError, "there is no such operand");
        return NULL;
    }
    const int role = tw_grid_part(self->grid, tile, operand, start, stop);
    if (role < 0) {
        Py_RETURN_NONE;
    }
    const int ndim = tw_signature_ndim(signature, operand);
    return Py_BuildValue("(iNN)", role, tuple_of_integers(start, ndim), tuple_of_integers(stop, ndim));
}

static PyMethodDef grid_methods[] = {
    {"part", grid_part, METH_VARARGS, "tw_grid_part."},
    {"tile", grid_tile, METH_O, "tw_grid_tile."},
    {"owner", grid_owner, METH_O, "tw_grid_owner."},
    {"text", grid_text, METH_O, "tw_grid_tile_text."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef grid_fields[] = {
    {"count", grid_count, NULL, "Number of tiles.", NULL},
    {"counts", grid_counts, NULL, "tw_grid_axis_tiles of each axis.", NULL},
    {"why", grid_why, NULL, "tw_grid_why.", NULL},
    {"signature", grid_signature, NULL, "What it was made for.", NULL},
    {"steps", grid_steps, NULL, "tw_grid_step_first and tw_grid_step_text of each step.", NULL},
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
