/* promote.c - NumPy 2's rules (NEP 50) for the dtypes of results. Kinds alone: knows neither trees nor values. */
#include "notation/value/promote.h"

static tw_kind larger(tw_kind a, tw_kind b)
{
    return a > b ? a : b;
}

tw_kind tw__promote_float(tw_kind kind)
{
    if (tw__kind_is_inexact(kind)) {
        return kind;
    }
    return kind == TW_BOOL || tw__kind_bits(kind) == 8 ? TW_FLOAT16
           : tw__kind_bits(kind) == 16                 ? TW_FLOAT32
                                                       : TW_FLOAT64;
}

static tw_kind promote_integers(tw_kind a, tw_kind b)
{
    if (tw__kind_is_signed(a) == tw__kind_is_signed(b)) {
        return larger(a, b);
    }
    const tw_kind with_sign = tw__kind_is_signed(a) ? a : b, without = tw__kind_is_signed(a) ? b : a;
    if (tw__kind_bits(with_sign) > tw__kind_bits(without)) {
        return with_sign;
    }
    /* The signed kind of twice the width; for 64 bits there is none, and NumPy takes float64. */
    return without == TW_UINT64 ? TW_FLOAT64 : (tw_kind)(TW_INT8 + (without - TW_UINT8) + 1);
}

tw_kind tw__promote(tw_kind a, tw_kind b)
{
    if (a == TW_BOOL || b == TW_BOOL) {
        return a == TW_BOOL ? b : a;
    }
    if (tw__kind_is_integer(a) && tw__kind_is_integer(b)) {
        return promote_integers(a, b);
    }
    const tw_kind part = larger(tw__kind_part(tw__promote_float(a)), tw__kind_part(tw__promote_float(b)));
    if (!tw__kind_is_complex(a) && !tw__kind_is_complex(b)) {
        return part;
    }
    return part == TW_FLOAT64 ? TW_COMPLEX128 : TW_COMPLEX64;
}

tw_kind tw__promote_weak(tw_kind array, enum tw__class class)
{
    switch (class) {
    case TW__CLASS_BOOL:
        return array;
    case TW__CLASS_WHOLE:
        return array == TW_BOOL ? TW_INT64 : array;
    case TW__CLASS_REAL:
        return !tw__kind_is_inexact(array) ? TW_FLOAT64 : array;
    default:
        return !tw__kind_is_inexact(array)                     ? TW_COMPLEX128
               : array == TW_FLOAT64 || array == TW_COMPLEX128 ? TW_COMPLEX128
                                                               : TW_COMPLEX64;
    }
}

static int rank(tw_kind kind)
{
    return kind == TW_BOOL              ? 0
           : tw__kind_is_unsigned(kind) ? 1
           : tw__kind_is_signed(kind)   ? 2
           : tw__kind_is_float(kind)    ? 3
                                        : 4;
}

int tw__is_same_kind(tw_kind from, tw_kind to)
{
    return rank(from) <= rank(to);
}
