/* grids.h - signatures and grids that a test takes for granted. */
#ifndef TW_TESTS_GRIDS_H
#define TW_TESTS_GRIDS_H

#include "harness.h"

#include <tilework/tilework.h>

static inline tw_signature *parse(const char *text)
{
    tw_signature *signature = NULL;
    tw_error error = {0};
    if (tw_signature_parse(&signature, text, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    return signature;
}

static inline tw_grid *grid_with(const char *text, const int64_t *lengths, const tw_grid_options *options)
{
    tw_signature *signature = parse(text);
    tw_grid *grid = NULL;
    tw_error error = {0};
    if (tw_grid_create(&grid, signature, lengths, options, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    tw_signature_destroy(signature);
    return grid;
}

static inline tw_grid *grid_of(const char *text, const int64_t *lengths, const tw_split *splits, size_t nsplits)
{
    return grid_with(text, lengths, &(tw_grid_options){.splits = splits, .nsplits = nsplits});
}

#endif
