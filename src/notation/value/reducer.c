/* reducer.c - look-ups in the tables of reductions. */
#include "notation/value/reducer.h"

#include "notation/value/kind.h"

static const struct tw__reduction_row reductions[] = {
#define ROW(code, helper, form, of, nothing)                                                                           \
    [TW__REDUCE_##code] = {                                                                                            \
        .combine = helper, .shape = TW__REDUCES_##form, .elements = TW__ELEMENTS_##of, .none = TW__NONE_##nothing},
    TW__REDUCTION_TABLE(ROW)
#undef ROW
};

const struct tw__reduction_row *tw__reduction_row(enum tw__reduction code)
{
    return &reductions[code];
}

tw_kind tw__reduction_kind(enum tw__reduction code, tw_kind elements)
{
    switch (reductions[code].elements) {
    case TW__ELEMENTS_WIDE:
        return elements == TW_BOOL || tw__kind_is_signed(elements) ? TW_INT64
               : tw__kind_is_unsigned(elements)                    ? TW_UINT64
               : elements == TW_FLOAT16                            ? TW_FLOAT32
                                                                   : elements;
    case TW__ELEMENTS_TRUTH:
        return TW_BOOL;
    default:
        return elements;
    }
}

#define NONE (unsigned)TW__REDUCER_HAS_NONE
#define SKIPS (unsigned)TW__REDUCER_SKIPS
#define ROOT (unsigned)TW__REDUCER_ROOT
#define NEEDS (unsigned)TW__REDUCER_NEEDS
#define DDOF (unsigned)TW__REDUCER_DDOF

static const struct tw__reducer_row reducers[] = {
#define ROW(code, text, how, with, all, behind)                                                                        \
    [TW__REDUCER_##code] = {.spelled = text,                                                                           \
                            .usage = text "(k: x[k]" behind,                                                           \
                            .recipe = TW__RECIPE_##how,                                                                \
                            .reduce = TW__REDUCE_##with,                                                               \
                            .traits = all},
    TW__REDUCER_TABLE(ROW)
#undef ROW
};

const struct tw__reducer_row *tw__reducer_row(enum tw__reducer code)
{
    return &reducers[code];
}
