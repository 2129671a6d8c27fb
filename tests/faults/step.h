/* step.h - the job of all tests in this folder: x[i], r[i,j] -> r[i,j], s[i,j] with s = r - x, then r = 2 r + x.
 *
 * A tile that is computed on what the same tile left behind gives other values, so that a repeated tile shows. case.py
 * has the same values for the command, computed without the library. */
#ifndef TW_TESTS_STEP_H
#define TW_TESTS_STEP_H

#include <tilework/tilework.h>

#define STEP_SIGNATURE "x[i], r[i,j] -> r[i,j], s[i,j]"

/* Element i of x, element (i, j) of r before the job. */
static inline double step_x(int64_t i)
{
    return (double)(i * i - 5);
}

static inline double step_r(int64_t i, int64_t j)
{
    return (double)(1000 * i + j);
}

/* Element (i, j) of r and s after the job. */
static inline double step_r_after(int64_t i, int64_t j)
{
    return 2 * step_r(i, j) + step_x(i);
}

static inline double step_s_after(int64_t i, int64_t j)
{
    return step_r(i, j) - step_x(i);
}

/* The same job with a halo around x, mirrored at its ends. The tile gets what it needs of x, and more. */
#define STEP_HALO 2
#define STEP_HALO_SIGNATURE "x[i-2..i+2], r[i,j] -> r[i,j], s[i,j]"
static const tw_axis_edge step_edge = {.axis = "i", .edge = TW_EDGE_MIRROR};

/* The index of 0 to length - 1 that stands at `index`, which is less than a length outside. */
static inline int64_t step_mirrored(int64_t index, int64_t length)
{
    return index < 0 ? -index : index >= length ? 2 * (length - 1) - index : index;
}

/* The tile's own part of x, without the halo around it. 0, or an error: the halo has other values than it should. */
static inline int step_narrow(const tw_tile *tile, int64_t length, tw_view *own)
{
    const tw_view *view = &tile->operand[0];
    TW_VIEW(const double, x, *view);
    *own = *view;
    own->shape[0] = tile->stop[0] - tile->start[0];
    if (view->shape[0] != own->shape[0] + 2 * STEP_HALO) {
        return tw_tile_fail(tile, 1, "x has %lld elements", (long long)view->shape[0]);
    }
    for (int64_t k = 0; k < x.shape[0]; k++) {
        const int64_t index = tile->start[0] - STEP_HALO + k;
        if (TW_AT(x, k) != step_x(step_mirrored(index, length))) {
            return tw_tile_fail(tile, 1, "x has %g at %lld", TW_AT(x, k), (long long)index);
        }
    }
    own->data = (char *)own->data + STEP_HALO * own->strides[0];
    return 0;
}

/* s = r - x over one tile; s has the rows and columns of r. */
static inline void step_difference(const tw_view *x_view, const tw_view *r_view, const tw_view *s_view)
{
    TW_VIEW(const double, x, *x_view);
    TW_VIEW(const double, r, *r_view);
    TW_VIEW(double, s, *s_view);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(s, i, j) = TW_AT(r, i, j) - TW_AT(x, i);
        }
    }
}

/* t[j] += s[i,j] over one tile: what the tile contributes to a reduction, which begins as zeros. */
static inline void step_add_columns(const tw_view *s_view, const tw_view *t_view)
{
    TW_VIEW(const double, s, *s_view);
    TW_VIEW(double, t, *t_view);
    for (int64_t i = 0; i < s.shape[0]; i++) {
        for (int64_t j = 0; j < s.shape[1]; j++) {
            TW_AT(t, j) += TW_AT(s, i, j);
        }
    }
}

/* The whole step over one tile, whose operands are x, r and s. */
static inline int step_compute_from(const tw_view *x_view, const tw_tile *tile)
{
    TW_VIEW(const double, x, *x_view);
    TW_VIEW(double, r, tile->operand[1]);
    step_difference(x_view, &tile->operand[1], &tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 2 * TW_AT(r, i, j) + TW_AT(x, i);
        }
    }
    return 0;
}

static inline int step_compute(const tw_tile *tile)
{
    return step_compute_from(&tile->operand[0], tile);
}

/* The step with a halo; `length` is that of x. */
static inline int step_compute_inside(const tw_tile *tile, int64_t length)
{
    tw_view own;
    const int failed = step_narrow(tile, length, &own);
    return failed != 0 ? failed : step_compute_from(&own, tile);
}

#endif
