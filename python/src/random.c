/* random.c - the random numbers of a tile, for tile.random: what its operands are, and tw_random_fill into new arrays.
 * Which numbers make sense is decided in tilework/_random.py. */
#include "binding.h"

/* What a tile gets as `_draws`: good while its kernel runs. */
typedef struct {
    PyObject_HEAD const tw_tile *tile; /* NULL: the kernel has ended */
    const struct call *call;
} DrawsObject;

/* ---- rows for this processor ---- */

void draw_any(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place, uint64_t element);
#if defined(__x86_64__)
void draw_avx2(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place, uint64_t element);
void draw_avx512(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place, uint64_t element);
#endif

static tw_random_drawer drawer(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        return draw_avx512;
    }
    if (__builtin_cpu_supports("avx2")) {
        return draw_avx2;
    }
#endif
    return draw_any;
}

/* ---- a tile's draws ---- */

/* What is needed of a tile, so that the kernel may end meanwhile: it may have left threads behind. */
struct piece {
    tw_tile tile;
    int64_t start[TW_MAX_OPERANDS], stop[TW_MAX_OPERANDS], length[TW_MAX_OPERANDS];
    tw_place place;
    char message[TW_TILE_MESSAGE_SIZE];
};

static int is_over(const DrawsObject *draws)
{
    if (draws->tile == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "random numbers of a tile are drawn while its kernel runs, and it has ended");
    }
    return draws->tile == NULL;
}

/* The piece of operand k; 0, or -1 with an exception. */
static int take_piece(struct piece *piece, const DrawsObject *draws, int k)
{
    const tw_tile *tile = draws->tile;
    if (is_over(draws)) {
        return -1;
    }
    if (k < 0 || k >= tile->noperands || tile->naxes > TW_MAX_OPERANDS) {
        PyErr_SetString(PyExc_ValueError, "there is no such operand");
        return -1;
    }
    const size_t size = (size_t)tile->naxes * sizeof(int64_t);
    memcpy(piece->start, tile->start, size);
    memcpy(piece->stop, tile->stop, size);
    memcpy(piece->length, tile->length, size);
    piece->place = tile->place[k];
    piece->tile = (tw_tile){.naxes = tile->naxes,
                            .noperands = 1,
                            .start = piece->start,
                            .stop = piece->stop,
                            .length = piece->length,
                            .place = &piece->place,
                            .message = piece->message};
    return 0;
}

/* ((name, whether it is an output, whether it is a reduction, dtype or None), ...) of all operands. */
static PyObject *draws_operands(PyObject *self, PyObject *none)
{
    const DrawsObject *draws = (const DrawsObject *)self;
    PyObject *all = NULL;
    (void)none;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!is_over(draws)) {
        const tw_tile *tile = draws->tile;
        all = PyTuple_New(tile->noperands);
        for (int k = 0; all != NULL && k < tile->noperands; k++) {
            const tw_dtype *dtype = &tile->operand[k].dtype;
            const int is_number = dtype->kind != TW_OPAQUE && (draws->call->chosen >> k & 1) == 0;
            const int is_reduced = tile->place[k].is_reduced || (draws->call->partial >> k & 1) != 0;
            PyObject *descr = is_number ? (PyObject *)numpy_from_dtype(dtype) : Py_NewRef(Py_None);
            PyObject *one = descr == NULL ? NULL
                                          : Py_BuildValue("(sNNN)", operand_name(draws->call, k),
                                                          PyBool_FromLong(tile->place[k].number < TW_RANDOM_INPUT),
                                                          PyBool_FromLong(is_reduced), descr);
            if (one == NULL) {
                Py_CLEAR(all);
            } else {
                PyTuple_SET_ITEM(all, k, one);
            }
        }
    }
    Py_END_CRITICAL_SECTION();
    return all;
}

/* The shape of the operand's part and of what comes behind it: how many dimensions, or -1 with an exception. */
static int read_shape(npy_intp *shape, const struct piece *piece, PyObject *size)
{
    int64_t behind[TW_MAX_DIMS];
    const int ndim = piece->place.ndim;
    const int more = integers_of_sequence(size, behind, TW_MAX_DIMS - ndim, "size");
    if (more < 0) {
        return -1;
    }
    for (int d = 0; d < ndim; d++) {
        const int axis = piece->place.axis[d];
        shape[d] = (npy_intp)(piece->stop[axis] - piece->start[axis]);
    }
    for (int d = 0; d < more; d++) {
        shape[ndim + d] = (npy_intp)behind[d];
    }
    return ndim + more;
}

static PyObject *filled(struct piece *piece, const tw_random *what, PyArray_Descr *descr, PyObject *size)
{
    npy_intp shape[TW_MAX_DIMS];
    tw_view view = {0};
    const int ndim = read_shape(shape, piece, size);
    if (ndim < 0 || dtype_of_number(&view.dtype, descr) != 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "random numbers have the dtype of a number");
        }
        return NULL;
    }
    PyObject *array =
        PyArray_NewFromDescr(&PyArray_Type, numpy_from_dtype(&view.dtype), ndim, shape, NULL, NULL, 0, NULL);
    if (array == NULL) {
        return NULL;
    }
    view.data = PyArray_DATA((PyArrayObject *)array);
    view.ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        view.shape[d] = shape[d];
        view.strides[d] = PyArray_STRIDE((PyArrayObject *)array, d);
    }
    int code;
    Py_BEGIN_ALLOW_THREADS code = tw_random_fill_by(&view, &piece->tile, 0, what, drawer());
    Py_END_ALLOW_THREADS if (code != 0)
    {
        PyErr_SetString(PyExc_ValueError, piece->message);
        Py_CLEAR(array);
    }
    return array;
}

/* draw(operand, seed, kind, dtype, size, low, count) -> numpy.ndarray */
static PyObject *draws_draw(PyObject *self, PyObject *args)
{
    struct piece piece;
    tw_random what = {0};
    int operand, kind, good = 0;
    unsigned long long seed, count;
    long long low;
    PyArray_Descr *descr;
    PyObject *size;
    if (!PyArg_ParseTuple(args, "iKiO!OLK:draw", &operand, &seed, &kind, &PyArrayDescr_Type, &descr, &size, &low,
                          &count)) {
        return NULL;
    }
    what.seed = seed;
    what.kind = (tw_random_kind)kind;
    what.low = low;
    what.count = count;
    Py_BEGIN_CRITICAL_SECTION(self);
    good = take_piece(&piece, (const DrawsObject *)self, operand) == 0;
    Py_END_CRITICAL_SECTION();
    return good ? filled(&piece, &what, descr, size) : NULL;
}

static PyMethodDef draws_methods[] = {
    {"operands", draws_operands, METH_NOARGS, "Name, is an output, is a reduction, and dtype of each operand."},
    {"draw", draws_draw, METH_VARARGS, "tw_random_fill into a new array."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject DrawsType = {
    .ob_base = PyVarObject_HEAD_INIT(NULL, 0) /**/
                   .tp_name = "tilework._tilework.Draws",
    .tp_basicsize = sizeof(DrawsObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "The random numbers of a tile.",
    .tp_methods = draws_methods,
};

PyObject *draws_of(const tw_tile *tile, const struct call *call)
{
    DrawsObject *draws = PyObject_New(DrawsObject, &DrawsType);
    if (draws != NULL) {
        draws->tile = tile;
        draws->call = call;
    }
    return (PyObject *)draws;
}

void end_draws(PyObject *self)
{
    Py_BEGIN_CRITICAL_SECTION(self);
    ((DrawsObject *)self)->tile = NULL;
    Py_END_CRITICAL_SECTION();
    Py_DECREF(self);
}
