/* refusals.h - texts that are no signature: each is refused with a message and a column. */
#ifndef TW_TESTS_REFUSALS_H
#define TW_TESTS_REFUSALS_H

#include <string.h>

#include "harness.h"

#include <tilework/tilework.h>

struct wrong_text {
    const char *text;
    int column;
    const char *message; /* a part of it */
};

/* The status of reading a signature, which is thrown away. */
static inline tw_status status_of(const char *text, tw_error *error)
{
    tw_signature *signature = (tw_signature *)error;
    const tw_status status = tw_signature_parse(&signature, text, error);
    if (status == TW_OK) {
        tw_signature_destroy(signature);
    } else {
        assert_ptr_equal(signature, error); /* results are untouched on failure */
    }
    return status;
}

static inline void refuses_each(const struct wrong_text *wrong, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        tw_error error = {0};
        assert_int_equal(status_of(wrong[k].text, &error), TW_ERROR_SYNTAX);
        assert_int_equal(error.status, TW_ERROR_SYNTAX);
        if (strstr(error.message, wrong[k].message) == NULL || error.column != wrong[k].column) {
            fail_msg("%s\nsaid: %s (column %d)", wrong[k].text, error.message, error.column);
        }
        assert_int_equal(tw_signature_parse(&(tw_signature *){NULL}, wrong[k].text, NULL), TW_ERROR_SYNTAX);
    }
}

#endif
