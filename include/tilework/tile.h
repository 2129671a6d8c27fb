/* tile.h - what a kernel receives and uses: views, tiles, macros that reach their elements, and, in random.h
 * and random_tile.h, random numbers.
 *
 * Stages 1 and 2 of the public interface; <tilework/tilework.h> includes it. A kernel that includes only this file
 * needs no library to link with: everything it calls is inline. tilework.h explains the words. */
#ifndef TILEWORK_TILE_H
#define TILEWORK_TILE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1 views -------------------------------------------------------------------------------------------------- */

#define TW_MAX_DIMS 32
#define TW_MAX_OPERANDS 64

/* Kinds of item. Every other fixed-size NumPy dtype (strings, records, datetimes) is TW_OPAQUE: kernels may move
 * such items but not compute with them. */
typedef enum tw_kind {
    TW_OPAQUE = 0,
    TW_BOOL,
    TW_INT8,
    TW_INT16,
    TW_INT32,
    TW_INT64,
    TW_UINT8,
    TW_UINT16,
    TW_UINT32,
    TW_UINT64,
    TW_FLOAT16,
    TW_FLOAT32,
    TW_FLOAT64,
    TW_COMPLEX64,
    TW_COMPLEX128
} tw_kind;

/* Type of one item. `descr` is the .npy description in native byte order ("<f8", "|S5", "[('a', '<i4'), ...]");
 * it is valid as long as the array or other object that the dtype was read from, static for the kinds that compute. */
typedef struct tw_dtype {
    tw_kind kind;
    int32_t alignment; /* bytes; 1 for opaque items */
    int64_t itemsize;  /* bytes */
    const char *descr;
} tw_dtype;

/* Element (i, j, ...) is at (char *)data + i * strides[0] + j * strides[1] + ... */
typedef struct tw_view {
    void *data;
    tw_dtype dtype;
    int ndim;
    int64_t shape[TW_MAX_DIMS];
    int64_t strides[TW_MAX_DIMS]; /* bytes; may be zero (broadcast) or negative */
} tw_view;

/* Number of items of a view (1 for 0-d). */
static inline int64_t tw_view_size(const tw_view *view)
{
    int64_t size = 1;
    for (int d = 0; d < view->ndim; d++) {
        size *= view->shape[d];
    }
    return size;
}

/* Whether the view's items lie as in a C array, without gaps. */
static inline int tw_view_is_contiguous(const tw_view *view)
{
    int64_t step = view->dtype.itemsize;
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] == 0) {
            return 1; /* no items, no gaps */
        }
    }
    for (int d = view->ndim - 1; d >= 0; d--) {
        if (view->shape[d] > 1 && view->strides[d] != step) {
            return 0;
        }
        step *= view->shape[d];
    }
    return 1;
}

/* Whether the view has items of this kind and this many dimensions. A kernel checks this before it uses an operand's
 * memory as an array of doubles. */
static inline int tw_view_is(const tw_view *view, tw_kind kind, int ndim)
{
    return view->dtype.kind == kind && view->ndim == ndim;
}

/* A stride in items. The compiler is kept from seeing that it was divided: it would drop the stride's lowest bits
 * instead of multiplying by the item's size, and GCC would then not make a version of the loop for stride 1. */
static inline int64_t tw_view_step(const tw_view *view, int dimension, int64_t itemsize)
{
    int64_t step = view->strides[dimension] / itemsize;
    __asm__("" : "+r"(step));
    return step;
}

/* Elements of a view of 0 to 4 dimensions, by index, as lvalues:
 *
 *     TW_VIEW(const double, y, tile->operand[0]);
 *     TW_VIEW(const double, x, tile->operand[1]);
 *     TW_VIEW(double, r, tile->operand[2]);
 *     for (int64_t i = 0; i < r.shape[0]; i++) {
 *         for (int64_t j = 0; j < r.shape[1]; j++) {
 *             TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
 *         }
 *     }
 *
 * Right for all strides; for stride 1 compilers make a vector version at -O3 by themselves, as fast as a loop over
 * plain C arrays. TW_VIEW declares a local variable with data, shape and step (strides in items); it checks neither the
 * dtype nor the dimensions: see tw_view_is. */
#define TW_VIEW(type, name, view)                                                                                      \
    const struct {                                                                                                     \
        type *data;                                                                                                    \
        int64_t shape[4], step[4];                                                                                     \
    } name = {(type *)(view).data,                                                                                     \
              {(view).shape[0], (view).shape[1], (view).shape[2], (view).shape[3]},                                    \
              {tw_view_step(&(view), 0, (int64_t)sizeof(type)), tw_view_step(&(view), 1, (int64_t)sizeof(type)),       \
               tw_view_step(&(view), 2, (int64_t)sizeof(type)), tw_view_step(&(view), 3, (int64_t)sizeof(type))}}
#define TW_AT(...) TW_AT_CHOOSE(__VA_ARGS__, TW_AT_4, TW_AT_3, TW_AT_2, TW_AT_1, TW_AT_0, )(__VA_ARGS__)
#define TW_AT_CHOOSE(view, i, j, k, l, name, ...) name
#define TW_AT_0(view) (*(view).data)
#define TW_AT_1(view, i) ((view).data[(i) * (view).step[0]])
#define TW_AT_2(view, i, j) ((view).data[(i) * (view).step[0] + (j) * (view).step[1]])
#define TW_AT_3(view, i, j, k) ((view).data[(i) * (view).step[0] + (j) * (view).step[1] + (k) * (view).step[2]])
#define TW_AT_4(view, i, j, k, l)                                                                                      \
    ((view).data[(i) * (view).step[0] + (j) * (view).step[1] + (k) * (view).step[2] + (l) * (view).step[3]])

/* The last dimension's items lie side by side, so that a row may be used as a plain C array: TW_ROW(double, view, i) is
 * the address of row i of a 2-d tw_view. */
static inline int tw_view_rows_contiguous(const tw_view *view)
{
    return view->ndim == 0 || view->shape[view->ndim - 1] <= 1 || view->strides[view->ndim - 1] == view->dtype.itemsize;
}
#define TW_ROW(type, view, i) ((type *)(void *)((char *)(view).data + (i) * (view).strides[0]))

/* ---- 2 tiles -------------------------------------------------------------------------------------------------- */

#define TW_TILE_MESSAGE_SIZE 256

/* Where the parts of an operand lie in the whole of it. */
typedef struct tw_place {
    uint32_t number;    /* its place among the outputs of the signature, from 0; inputs: TW_RANDOM_INPUT + theirs */
    uint8_t is_reduced; /* several tiles add to the same elements */
    uint8_t ndim;
    uint8_t axis[TW_MAX_DIMS]; /* of each dimension */
} tw_place;

/* The argument of a kernel. Axes are numbered in the order in which the outputs name them, left to right, then those
 * that only inputs have: for "a[i,k], b[k,j] -> r[i,j]" axis 0 is i, 1 is j, 2 is k. Operands come in the signature's
 * order, inputs first, outputs last; one that is both (inout) stands once, among the outputs. */
typedef struct tw_tile {
    uint64_t number;        /* the tile's number, 0 .. number of tiles - 1, last axis fastest */
    int naxes;              /* entries in start and stop */
    int noperands;          /* entries in operand */
    const int64_t *start;   /* [naxes] first index of the tile on each axis */
    const int64_t *stop;    /* [naxes] one past its last index */
    const tw_view *operand; /* [noperands] each operand cut to this tile */
    unsigned worker;        /* which worker runs it, 0 .. workers - 1 */
    unsigned attempt;       /* 0, or how often a worker died on this tile before */
    void *scratch;       /* 64-byte aligned scratch memory of this worker, contents undefined; NULL: none asked for */
    size_t scratch_size; /* bytes, as asked for in tw_run_options */
    void *context;       /* as given with the kernel or the run */
    char *message;       /* [TW_TILE_MESSAGE_SIZE] text for a kernel that returns an error: see tw_tile_fail */
    int (*choose)(const struct tw_tile *tile, int operand, const tw_dtype *dtype, tw_view *view);
    const void *chooser;   /* both: see tw_tile_choose */
    const int64_t *length; /* [naxes] of each axis */
    const tw_place *place; /* [noperands]; NULL: not known, in a tile that no run has made */
} tw_tile;

/* A kernel: computes every element of every output of one tile. Returns 0, or an error code of its own that ends the
 * run. It may run on any worker, at the same time as other tiles, and again if its worker dies. It must write only
 * through its output views. */
typedef int (*tw_function)(const tw_tile *tile);

/* For a kernel that fails: `return tw_tile_fail(tile, 3, "no root below %g", x);` sets the message and returns code. */
__attribute__((format(printf, 3, 4))) static inline int tw_tile_fail(const tw_tile *tile, int code, const char *format,
                                                                     ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tile->message, TW_TILE_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return code;
}

/* Lets a kernel choose the dtype of an output whose items have no bytes yet (kind TW_OPAQUE, itemsize 0, descr "|V0"):
 * *view becomes this tile's part of an array of `dtype`, which the kernel fills. Each dtype that is asked for gets an
 * array of its own, contents undefined; tw_run_options.choices says which arrays there are and which tile lies in
 * which. If a tile asks again, its last choice counts. Returns 0, or a tw_status with the reason in tile->message:
 * TW_ERROR_MEMORY (-6), or TW_ERROR_ARGUMENT (-1; more than 120 dtypes, an output that has a dtype). */
static inline int tw_tile_choose(const tw_tile *tile, int operand, const tw_dtype *dtype, tw_view *view)
{
    return tile->choose != NULL
               ? tile->choose(tile, operand, dtype, view)
               : tw_tile_fail(tile, -1, "the dtype of operand %d is not the kernel's to choose", operand);
}

#ifdef __cplusplus
}
#endif

/* TW_NO_RANDOM: for those who count the milliseconds of a compilation. */
#if !defined(TW_NO_RANDOM) && !(defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2)
#include <tilework/random_tile.h>
#endif
#endif
