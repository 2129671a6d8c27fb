/* reductions.h - the tables of reductions: what a REDUCE node of a typed tree computes, and the names that a statement
 * has for reductions, each of which is a REDUCE node or a small tree around some of them. The parser, the typing, the
 * printer, the hints and the tests are expansions of these tables or look-ups in them (reducer.h). */
#ifndef TW_NOTATION_VALUE_REDUCTIONS_H
#define TW_NOTATION_VALUE_REDUCTIONS_H

/* clang-format off */

/* What a REDUCE node computes.
 *
 *     code     TW__REDUCE_CODE
 *     combine  the helper of print/helper_*.c that makes one value of two; PLACE: that says whether the first comes
 *              before the second
 *     shape    TREE: one value of all, sums and products of floats in the order of grid/fold.h. RUN: one element after the other, in a bool. PLACE: one after the
 *              other, the place of the first that comes before all others, an int64
 *     elements the dtype in which elements are combined. WIDE: int64 or uint64 for integers and bools, float32 for
 *              float16; SAME: the elements' own (values of float16 are floats); TRUTH: bool
 *     none     the value of no elements, which changes no other: ZERO (floats: -0.0), ONE, MOST, LEAST, NOTHING (NaN;
 *              there is none of integers), FALSE, TRUE */
#define TW__REDUCTION_TABLE(ROW) \
/*      code     combine     shape  elements  none */ \
    ROW(SUM,    "add",       TREE,  WIDE,     ZERO)    \
    ROW(PROD,   "multiply",  TREE,  WIDE,     ONE)     \
    ROW(MIN,    "minimum",   TREE,  SAME,     MOST)    \
    ROW(MAX,    "maximum",   TREE,  SAME,     LEAST)   \
    ROW(FMIN,   "fmin",      TREE,  SAME,     NOTHING) \
    ROW(FMAX,   "fmax",      TREE,  SAME,     NOTHING) \
    ROW(ANY,    "",          RUN,   TRUTH,    FALSE)   \
    ROW(ALL,    "",          RUN,   TRUTH,    TRUE)    \
    ROW(ARGMIN, "lower",     PLACE, SAME,     MOST)    \
    ROW(ARGMAX, "higher",    PLACE, SAME,     LEAST)

/* What a statement calls a reduction. x: the elements; s: the skipped ones are left out of all of it.
 *
 *     code     TW__REDUCER_CODE
 *     spelled  how a statement writes it
 *     recipe   PLAIN   REDUCE(x)
 *              TRUTHS  REDUCE of x != 0, as whole numbers
 *              MEAN    REDUCE(x) / count, in float64 for integers and bools
 *              SPREAD  REDUCE(|x - MEAN(x)|^2) / (count - ddof), the same
 *              LENGTH  REDUCE(|x|^2), the same
 *     reduce   TW__REDUCE_...: what its tree reduces with
 *     traits   SKIPS: elements that are NaN are left out; ROOT: the square root of all; NEEDS: it needs one element;
 *              DDOF: it may have a ddof, degrees of freedom that are lost
 *     usage    what stands behind "name(k: x[k]" in messages */
#define TW__REDUCER_TABLE(ROW) \
/*      code           spelled          recipe  reduce  traits               usage */ \
    ROW(SUM,           "sum",           PLAIN,  SUM,    NONE,                ")") \
    ROW(PROD,          "prod",          PLAIN,  PROD,   NONE,                ")") \
    ROW(MIN,           "min",           PLAIN,  MIN,    NEEDS,               ") (of two values: minimum(a, b))") \
    ROW(MAX,           "max",           PLAIN,  MAX,    NEEDS,               ") (of two values: maximum(a, b))") \
    ROW(MEAN,          "mean",          MEAN,   SUM,    NONE,                ")") \
    ROW(VAR,           "var",           SPREAD, SUM,    DDOF,                ") or var(k: x[k], ddof=1)") \
    ROW(STD,           "std",           SPREAD, SUM,    ROOT | DDOF,         ") or std(k: x[k], ddof=1)") \
    ROW(NORM,          "norm",          LENGTH, SUM,    ROOT,                ")") \
    ROW(ANY,           "any",           PLAIN,  ANY,    NONE,                ")") \
    ROW(ALL,           "all",           PLAIN,  ALL,    NONE,                ")") \
    ROW(COUNT_NONZERO, "count_nonzero", TRUTHS, SUM,    NONE,                ")") \
    ROW(ARGMIN,        "argmin",        PLAIN,  ARGMIN, NEEDS,               ")") \
    ROW(ARGMAX,        "argmax",        PLAIN,  ARGMAX, NEEDS,               ")") \
    ROW(NANSUM,        "nansum",        PLAIN,  SUM,    SKIPS,               ")") \
    ROW(NANPROD,       "nanprod",       PLAIN,  PROD,   SKIPS,               ")") \
    ROW(NANMIN,        "nanmin",        PLAIN,  FMIN,   NEEDS,               ") (of two values: fmin(a, b))") \
    ROW(NANMAX,        "nanmax",        PLAIN,  FMAX,   NEEDS,               ") (of two values: fmax(a, b))") \
    ROW(NANMEAN,       "nanmean",       MEAN,   SUM,    SKIPS,               ")") \
    ROW(NANVAR,        "nanvar",        SPREAD, SUM,    SKIPS | DDOF,        ") or nanvar(k: x[k], ddof=1)") \
    ROW(NANSTD,        "nanstd",        SPREAD, SUM,    SKIPS | ROOT | DDOF, ") or nanstd(k: x[k], ddof=1)")
/* clang-format on */

#endif
