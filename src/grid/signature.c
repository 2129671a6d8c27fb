/* signature.c - what a signature says of its axes and operands. How one is read from text: signature_read.c. */
#include "grid/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

void tw_signature_destroy(tw_signature *signature)
{
    free(signature);
}

tw_status tw__fail_axis(const tw_signature *signature, const char *name, tw_error *error)
{
    char known[640];
    struct tw__text text;
    tw__text_init(&text, known, sizeof known);
    tw__text_add(&text, "no axis ");
    tw__text_add_quoted(&text, name, strlen(name), 0);
    tw__text_add(&text, " in the signature, ");
    for (int a = 0; a < signature->naxes; a++) {
        tw__text_add(&text, "%s%s", a == 0 ? "which has " : ", ", signature->axes[a]);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "%s%s", known, signature->naxes == 0 ? "which has none" : "");
}

tw_status tw__signature_copy(tw_signature **copy, const tw_signature *signature, tw_error *error)
{
    tw_signature *made = malloc(sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a signature");
    }
    *made = *signature;
    *copy = made;
    return TW_OK;
}

int tw__signature_first_output(const tw_signature *signature)
{
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_IN) {
            return k;
        }
    }
    return -1;
}

int tw__signature_output_without(const tw_signature *signature, int axis)
{
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        if (operand->role != TW_IN && memchr(operand->axes, axis, (size_t)operand->ndim) == NULL) {
            return k;
        }
    }
    return -1;
}

const tw_operand *tw_signature_operands(const tw_signature *signature, int *noperands)
{
    *noperands = signature->noperands;
    return signature->operands;
}

int tw_signature_naxes(const tw_signature *signature)
{
    return signature->naxes;
}

int tw_signature_noperands(const tw_signature *signature)
{
    return signature->noperands;
}

const char *tw_signature_axis(const tw_signature *signature, int axis)
{
    return signature->axes[axis];
}

int tw_signature_find_axis(const tw_signature *signature, const char *name)
{
    for (int a = 0; a < signature->naxes; a++) {
        if (strcmp(signature->axes[a], name) == 0) {
            return a;
        }
    }
    return -1;
}

int tw_signature_find_operand(const tw_signature *signature, const char *name)
{
    for (int k = 0; k < signature->noperands; k++) {
        if (strcmp(signature->operands[k].name, name) == 0) {
            return k;
        }
    }
    return -1;
}

const char *tw_signature_operand(const tw_signature *signature, int operand)
{
    return signature->operands[operand].name;
}

tw_role tw_signature_role(const tw_signature *signature, int operand)
{
    return signature->operands[operand].role;
}

int tw_signature_ndim(const tw_signature *signature, int operand)
{
    return signature->operands[operand].ndim;
}

int tw_signature_operand_axis(const tw_signature *signature, int operand, int dimension)
{
    return signature->operands[operand].axes[dimension];
}

int tw_signature_halo(const tw_signature *signature, int operand, int dimension, int64_t *low, int64_t *high)
{
    for (int h = 0; h < signature->nhalos; h++) {
        const struct tw__halo *halo = &signature->halos[h];
        if (halo->operand == operand && halo->dimension == dimension) {
            *low = halo->low;
            *high = halo->high;
            return 1;
        }
    }
    *low = *high = 0;
    return 0;
}

const char *tw_signature_dtype(const tw_signature *signature, int operand)
{
    const char *dtype = signature->operands[operand].dtype;
    return dtype[0] != '\0' ? dtype : NULL;
}
