/* argument.c - the values that an operation is applied to: what they are called in messages, and the dtype that they
 * have in common. */
#include "notation/type/argument.h"

#include "notation/value/kind.h"
#include "notation/value/promote.h"

void tw__argument_set(struct tw__argument *result, tw_kind dtype, int node)
{
    result->is_weak = 0;
    result->dtype = dtype;
    result->node = node;
}

tw_kind tw__argument_effective(const struct tw__argument *type, int has_array, tw_kind arrays)
{
    return type->is_weak && has_array ? tw__promote_weak(arrays, type->class) : type->dtype;
}

tw_kind tw__argument_common(const struct tw__argument *types, int n, int *has_array, tw_kind *arrays)
{
    tw_kind kind = TW_BOOL;
    *arrays = TW_BOOL;
    *has_array = 0;
    /* Floats first: int16 with uint16 alone is int32, whose float is float64, but beside a float16 both are float32. */
    for (int k = 0; k < 2 * n; k++) {
        const struct tw__argument *type = &types[k % n];
        if (!type->is_weak && tw__kind_is_inexact(type->dtype) == (k < n)) {
            *arrays = tw__promote(*arrays, type->dtype);
            *has_array = 1;
        }
    }
    for (int k = 0; k < 2 * n; k++) {
        const tw_kind own = tw__argument_effective(&types[k % n], *has_array, *arrays);
        if (tw__kind_is_inexact(own) == (k < n)) {
            kind = tw__promote(kind, own);
        }
    }
    return kind;
}

/* "float64", or "a whole number". */
static const char *name_of(const struct tw__argument *type)
{
    static const char *const classes[] = {"a Python bool", "a whole number", "a Python float", "a Python complex"};
    return type->is_weak ? classes[type->class] : tw__kind_name(type->dtype);
}

tw_status tw__argument_refuse(struct tw__typer *typer, const struct tw__syntax_node *node,
                              const struct tw__argument *types, const char *what)
{
    return tw__complain(typer->error, &typer->syntax->source, node->at, "'%s' of %s%s%s: %s",
                        tw__operation_name((enum tw__operation)node->which), name_of(&types[0]),
                        node->nchildren > 1 ? " and " : "", node->nchildren > 1 ? name_of(&types[1]) : "", what);
}
