/* context.c - the context of a statement's kernel: lengths, the values of its scalars and of its lifted constants. */
#include "notation/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/type/lift.h"
#include "notation/type/outside.h"
#include "notation/value/kind.h"

/* The value of a slot, in its place. */
static tw_status fill_slot(const struct tw__slot *slot, const struct tw__syntax *syntax, struct tw__known *known,
                           unsigned char *place, tw_error *error)
{
    union tw__value value;
    struct tw__scalar scalar;
    if (slot->source < 0 && slot->index < 0) { /* typing has seen that it fits */
        (void)tw__outside_value(&value, slot->dtype, &syntax->axes[slot->axis]);
        tw__value_bytes(place, slot->dtype, &value);
        return TW_OK;
    }
    if (slot->source < 0) { /* the sum was proven to fit */
        const struct tw__syntax_index *index = &syntax->indices[slot->index];
        int64_t sum = 0, part = 0;
        for (int h = 0; h < index->nhosts; h++) {
            const tw_status status = tw__syntax_evaluate(syntax, index->host[h].which, known, &scalar, error);
            if (status != TW_OK) {
                return status;
            }
            (void)tw__scalar_to_int64(&scalar, &part);
            sum += part * index->host[h].factor;
        }
        memcpy(place, &sum, sizeof sum);
        return TW_OK;
    }
    const tw_status status = tw__syntax_evaluate(syntax, slot->source, known, &scalar, error);
    if (status != TW_OK) {
        return status;
    }
    if (slot->test != TW__SLOT_VALUE) { /* of another dtype: what it has of the number is in another slot */
        const int is_outside = !tw__scalar_convert(&value, slot->range, &scalar, TW__SATURATE_NO);
        *place = (unsigned char)(is_outside && slot->test == (scalar.negative ? TW__SLOT_BELOW : TW__SLOT_ABOVE));
        *place |= (unsigned char)(is_outside && slot->test == TW__SLOT_OUTSIDE);
        return TW_OK;
    }
    if (!tw__scalar_convert(&value, slot->dtype, &scalar, slot->saturate)) {
        char text[TW__SCALAR_TEXT];
        tw__scalar_text(text, &scalar);
        return tw__complain(error, &syntax->source, syntax->nodes[slot->source].at, "%s does not fit %s", text,
                            tw__kind_name(slot->dtype));
    }
    tw__value_bytes(place, slot->dtype, &value);
    return TW_OK;
}

tw_status tw__context_make(unsigned char **context, size_t *size, const struct tw__syntax *syntax,
                           const struct tw__typed *typed, struct tw__known *known, tw_error *error)
{
    const struct tw__program *program = &typed->program;
    const size_t first = (size_t)TW__CONTEXT_SCALARS(program->naxes);
    const size_t scalars = 16 * (size_t)program->nscalars;
    const size_t all = first + scalars + 16 * (size_t)tw__lift_count(program);
    unsigned char *made = calloc(1, all + 16);
    if (made == NULL) {
        return tw__fail_memory(error, all, "the numbers of a statement");
    }
    memcpy(made, known->lengths, (size_t)program->naxes * sizeof known->lengths[0]);
    for (int k = 0; k < program->nscalars; k++) {
        const tw_status status = fill_slot(&typed->slots[k], syntax, known, made + first + 16 * (size_t)k, error);
        if (status != TW_OK) {
            free(made);
            return status;
        }
    }
    tw__lift_values(program, made + first + scalars);
    *context = made;
    *size = all + 16; /* the mark of a step, which this is not: see type/settle.h */
    return TW_OK;
}
