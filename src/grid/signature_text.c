/* signature_text.c - a signature as text again: "u[i-1..i+1,j] -> v[i,j]". */
#include <inttypes.h>

#include "base/text.h"
#include "grid/signature.h"

static void add_end(struct tw__text *text, const char *axis, int64_t offset)
{
    tw__text_add(text, "%s", axis);
    if (offset != 0) {
        tw__text_add(text, "%+" PRId64, offset);
    }
}

void tw__signature_add_index(struct tw__text *text, const tw_signature *signature, int operand, int d)
{
    const char *axis = signature->axes[signature->operands[operand].axes[d]];
    int64_t low, high;
    tw_signature_halo(signature, operand, d, &low, &high);
    add_end(text, axis, low);
    if (high != low) {
        tw__text_add(text, "..");
        add_end(text, axis, high);
    }
}

/* The operand at a place of one side of the text; NULL: there are not so many. */
static const tw_operand *operand_at(const tw_signature *signature, int outputs, int place)
{
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        if ((outputs ? operand->written : operand->given) == place) {
            return operand;
        }
    }
    return NULL;
}

int tw_signature_text(const tw_signature *signature, const tw_dtype *dtypes, char *text, size_t size)
{
    struct tw__text out;
    const tw_operand *operand;
    tw__text_init(&out, text, size);
    for (int outputs = 0; outputs < 2; outputs++) {
        if (outputs && operand_at(signature, 1, 0) == NULL) {
            break; /* it runs for its effects */
        }
        tw__text_add(&out, "%s", !outputs ? "" : out.length > 0 ? " -> " : "-> ");
        for (int place = 0; (operand = operand_at(signature, outputs, place)) != NULL; place++) {
            tw__text_add(&out, "%s%s[", place > 0 ? ", " : "", operand->name);
            for (int d = 0; d < operand->ndim; d++) {
                tw__text_add(&out, "%s", d > 0 ? "," : "");
                tw__signature_add_index(&out, signature, (int)(operand - signature->operands), d);
            }
            tw__text_add(&out, "]");
            if (outputs && operand->role == TW_OUT && (dtypes != NULL || operand->dtype[0] != '\0')) {
                const char *given = dtypes != NULL ? tw_dtype_name(&dtypes[operand - signature->operands]) : NULL;
                tw__text_add(&out, ":%s", given != NULL ? given : operand->dtype);
            }
        }
    }
    if (signature->noperands == 0) {
        for (int a = 0; a < signature->naxes; a++) {
            tw__text_add(&out, "%s%s", a == 0 ? "[" : ",", signature->axes[a]);
        }
        tw__text_add(&out, "]");
    }
    return (int)out.length;
}
