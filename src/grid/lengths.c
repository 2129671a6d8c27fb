/* lengths.c - the length of every axis of a signature, from shapes. Looks at a view's shape alone. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "grid/signature.h"

enum { NOBODY = -1, CALLER = -2 };

struct lengths {
    const tw_signature *signature;
    int64_t length[TW__MAX_AXES];
    int giver[TW__MAX_AXES]; /* the operand that gave the length, or NOBODY or CALLER */
    int ones[TW__MAX_AXES];  /* an input has 1 there, which fits any length */
};

static tw_status check_shape(const tw_signature *signature, int k, const tw_view *view, tw_error *error)
{
    const tw_operand *operand = &signature->operands[k];
    if (view->ndim != operand->ndim) {
        char axes[512];
        struct tw__text text;
        tw__text_init(&text, axes, sizeof axes);
        for (int d = 0; d < operand->ndim; d++) {
            tw__text_add(&text, "%s%s", d > 0 ? "," : "", signature->axes[operand->axes[d]]);
        }
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s has %d dimension%s but the signature gives it %d: %s[%s]",
                        operand->name, view->ndim, view->ndim == 1 ? "" : "s", operand->ndim, operand->name, axes);
    }
    for (int d = 0; d < operand->ndim; d++) {
        if (view->shape[d] < 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s has the negative length %" PRId64 " on axis %s",
                            operand->name, view->shape[d], signature->axes[operand->axes[d]]);
        }
    }
    return TW_OK;
}

static tw_status disagree(const struct lengths *lengths, int k, int axis, int64_t length, tw_error *error)
{
    const tw_signature *signature = lengths->signature;
    const char *name = signature->axes[axis], *operand = signature->operands[k].name;
    const char *hint = "";
    if (length == 1 && signature->operands[k].role != TW_IN) {
        hint = "; an output is never broadcast";
    }
    if (lengths->giver[axis] == CALLER) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "axis %s: the length given is %" PRId64 " but %s has length %" PRId64 "%s", name,
                        lengths->length[axis], operand, length, hint);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s: %s has length %" PRId64 " but %s has %" PRId64 "%s", name,
                    signature->operands[lengths->giver[axis]].name, lengths->length[axis], operand, length, hint);
}

static tw_status take_operand(struct lengths *lengths, int k, const tw_view *view, tw_error *error)
{
    const tw_operand *operand = &lengths->signature->operands[k];
    for (int d = 0; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        const int64_t length = view->shape[d];
        if (length == 1 && operand->role == TW_IN) {
            lengths->ones[a] = 1;
        } else if (lengths->giver[a] == NOBODY) {
            lengths->giver[a] = k;
            lengths->length[a] = length;
        } else if (lengths->length[a] != length) {
            return disagree(lengths, k, a, length, error);
        }
    }
    return TW_OK;
}

/* An axis that nobody gave a length: 1, where inputs have 1 there. */
static tw_status take_ones(struct lengths *lengths, int axis, tw_error *error)
{
    const tw_signature *signature = lengths->signature;
    const char *name = signature->axes[axis];
    if (lengths->ones[axis]) {
        lengths->length[axis] = 1;
        return TW_OK;
    }
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        if (operand->role != TW_OUT && memchr(operand->axes, axis, (size_t)operand->ndim) != NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has no length: %s has it but is not given", name,
                            operand->name);
        }
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has no length: no input has it; give one", name);
}

tw_status tw_signature_lengths(const tw_signature *signature, const tw_view *const *operands, int64_t *lengths,
                               tw_error *error)
{
    struct lengths found = {.signature = signature};
    for (int a = 0; a < signature->naxes; a++) {
        found.length[a] = lengths[a];
        found.giver[a] = lengths[a] == -1 ? NOBODY : CALLER;
        if (lengths[a] < -1) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s: the length given is %" PRId64 ", which is negative",
                            signature->axes[a], lengths[a]);
        }
    }
    for (int k = 0; k < signature->noperands; k++) {
        const tw_view *view = operands != NULL ? operands[k] : NULL;
        if (view == NULL) {
            continue;
        }
        tw_status status = check_shape(signature, k, view, error);
        if (status == TW_OK) {
            status = take_operand(&found, k, view, error);
        }
        if (status != TW_OK) {
            return status;
        }
    }
    for (int a = 0; a < signature->naxes; a++) {
        if (found.giver[a] == NOBODY) {
            const tw_status status = take_ones(&found, a, error);
            if (status != TW_OK) {
                return status;
            }
        }
    }
    if (signature->naxes > 0) {
        memcpy(lengths, found.length, (size_t)signature->naxes * sizeof lengths[0]);
    }
    return TW_OK;
}
