/* prelude.c - which vector math function does an operation on a dtype. */
#include "notation/print/prelude.h"

#include <stdio.h>
#include <string.h>

static uint64_t needs_of(const char *text)
{
    for (int k = 0; k < tw__prelude_ntexts; k++) {
        if (strcmp(tw__prelude_texts[k].name, text) == 0) {
            return tw__prelude_texts[k].needs;
        }
    }
    return 0;
}

int tw__prelude_find(enum tw__operation operation, tw_kind dtype, struct tw__prelude_function *function)
{
    if (dtype != TW_FLOAT32 && dtype != TW_FLOAT64) {
        return 0;
    }
    const struct tw__operation_row *row = tw__operation_row(operation);
    if (row->function == NULL) {
        return 0;
    }
    const char *suffix = dtype == TW_FLOAT32 ? "f32" : "f64";
    char text[32];
    snprintf(text, sizeof text, "%s_%s", row->family, suffix);
    snprintf(function->name, sizeof function->name, "tw_%s_%s", row->function, suffix);
    function->fast[0] = '\0';
    if (tw__operation_has(operation, TW__TRAIT_FAST)) {
        snprintf(function->fast, sizeof function->fast, "tw_%s_%s_fast", row->function, suffix);
    }
    function->narguments = row->arity;
    function->needs = needs_of(text);
    return 1;
}
