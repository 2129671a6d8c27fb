/* kind.h - groups of dtypes, by their kinds: the one place that knows how the kinds of tilework.h are ordered. */
#ifndef TW_NOTATION_VALUE_KIND_H
#define TW_NOTATION_VALUE_KIND_H

#include <tilework/tilework.h>

/* All dtypes that can be computed with: all but TW_OPAQUE. */
static inline int tw__kind_is_number(tw_kind kind)
{
    return kind >= TW_BOOL && kind <= TW_COMPLEX128;
}

static inline int tw__kind_is_signed(tw_kind kind)
{
    return kind >= TW_INT8 && kind <= TW_INT64;
}

static inline int tw__kind_is_unsigned(tw_kind kind)
{
    return kind >= TW_UINT8 && kind <= TW_UINT64;
}

static inline int tw__kind_is_integer(tw_kind kind) /* not bool */
{
    return kind >= TW_INT8 && kind <= TW_UINT64;
}

static inline int tw__kind_is_float(tw_kind kind)
{
    return kind >= TW_FLOAT16 && kind <= TW_FLOAT64;
}

static inline int tw__kind_is_complex(tw_kind kind)
{
    return kind == TW_COMPLEX64 || kind == TW_COMPLEX128;
}

/* Float or complex: NumPy's numpy.inexact. Any other is bool or an integer, and exact. */
static inline int tw__kind_is_inexact(tw_kind kind)
{
    return kind >= TW_FLOAT16;
}

/* Bits of an integer kind. */
static inline int tw__kind_bits(tw_kind kind)
{
    return 8 << (kind - (tw__kind_is_signed(kind) ? TW_INT8 : TW_UINT8));
}

/* The dtype of a complex kind's parts; any other kind itself. */
static inline tw_kind tw__kind_part(tw_kind kind)
{
    return kind == TW_COMPLEX64 ? TW_FLOAT32 : kind == TW_COMPLEX128 ? TW_FLOAT64 : kind;
}

/* "float64". */
const char *tw__kind_name(tw_kind kind);

#endif
