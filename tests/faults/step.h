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
static inline int step_compute(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    step_difference(&tile->operand[0], &tile->operand[1], &tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 2 * TW_AT(r, i, j) + TW_AT(x, i);
        }
    }
    return 0;
}

#endif
