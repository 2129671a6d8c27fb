/* settled.h - statements whose dtypes are settled: what the tests of the notation begin with. */
#ifndef TW_TESTS_SETTLED_H
#define TW_TESTS_SETTLED_H

#include "harness.h"

#include "notation/notation.h"

/* A statement whose inputs and inout operands are all of one dtype; its owner destroys it. */
static inline tw_statement *settled(const char *text, tw_kind kind)
{
    tw_statement *statement = NULL;
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    tw_error error = {.message = ""};
    assert_int_equal(tw_statement_parse(&statement, text, NULL, &error), TW_OK);
    const tw_signature *signature = tw_statement_signature(statement);
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        if (tw_signature_role(signature, k) != TW_OUT) {
            dtypes[k] = tw_dtype_of(kind);
        }
    }
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    return statement;
}

#endif
