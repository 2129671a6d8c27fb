/* outside.c - the number that a read gets outside of an array: converted to the dtype of the read, or refused. */
#include "notation/type/outside.h"

#include <math.h>

#include "base/error.h"
#include "grid/edge.h"
#include "notation/value/kind.h"

/* From here on not every integer is a double, so a constant may not be the number that was written. */
static const double too_large = 9007199254740992;

static int whole_value(union tw__value *value, tw_kind dtype, double constant)
{
    if (!(fabs(constant) < too_large) || trunc(constant) != constant) {
        return 0;
    }
    const struct tw__scalar scalar = tw__scalar_int64((int64_t)constant);
    const int is_bool = dtype == TW_BOOL;
    return (!is_bool || scalar.magnitude <= (tw__magnitude)!scalar.negative) &&
           tw__scalar_convert(value, dtype, &scalar, TW__SATURATE_NO);
}

int tw__outside_value(union tw__value *value, tw_kind dtype, const struct tw__syntax_axis *axis)
{
    const int has_imag = axis->imag != 0; /* NaN too */
    if (has_imag && !tw__kind_is_complex(dtype)) {
        return 0;
    }
    if (!tw__kind_is_inexact(dtype)) {
        return whole_value(value, dtype, axis->constant);
    }
    const struct tw__scalar scalar =
        has_imag ? tw__scalar_complex(axis->constant, axis->imag) : tw__scalar_real(axis->constant);
    return tw__scalar_convert(value, dtype, &scalar, TW__SATURATE_NO) &&
           isinf(value->number.real) == isinf(axis->constant) &&
           (!has_imag || isinf(value->number.imag) == isinf(axis->imag));
}

tw_status tw__outside_refuse(const char *operand, tw_kind dtype, const struct tw__syntax_axis *axis, tw_error *error)
{
    const tw_axis_edge edge = {.edge = axis->edge, .constant = axis->constant, .imag = axis->imag};
    char name[64];
    struct tw__text text;
    tw__text_init(&text, name, sizeof name);
    tw__edge_add(&text, &edge);
    return tw__fail(error, TW_ERROR_ARGUMENT, "the edge %s of axis %s is no number of %s, which %s has", name,
                    axis->name, tw__kind_name(dtype), operand);
}
