/* split.c - how one axis is divided, as a tw_split says. */
#include "grid/split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static tw_status check_cuts(const struct tw__grid_axis *axis, const char *name, const tw_split *split, tw_error *error)
{
    for (size_t k = 0; k < split->ncuts; k++) {
        const int64_t cut = split->cuts[k];
        if (cut <= 0 || cut >= axis->length) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "cut %" PRId64 " on axis %s is not inside (0, %" PRId64 ")", cut,
                            name, axis->length);
        }
        if (k > 0 && cut == split->cuts[k - 1]) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "cut %" PRId64 " on axis %s is given twice", cut, name);
        }
        if (k > 0 && cut < split->cuts[k - 1]) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "cuts on axis %s must increase: %" PRId64 " is followed by %" PRId64, name,
                            split->cuts[k - 1], cut);
        }
    }
    return TW_OK;
}

static tw_status check_split(const struct tw__grid_axis *axis, const char *name, const tw_split *split, tw_error *error)
{
    if ((split->tile != 0) + (split->parts != 0) + (split->cuts != NULL) > 1) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "axis %s is divided in more than one way: give tile, parts or cuts, one of them", name);
    }
    if (split->tile < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s cannot have tiles of length %" PRId64 ": 1 is the shortest",
                        name, split->tile);
    }
    if (split->parts < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s cannot be cut into %" PRId64 " parts: 1 is the fewest", name,
                        split->parts);
    }
    if (split->parts > axis->length && axis->length > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "axis %s has length %" PRId64 " and cannot be cut into %" PRId64 " parts that are not empty",
                        name, axis->length, split->parts);
    }
    if (split->ncuts > 0 && split->cuts == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s should have %zu cuts, but no cuts are given", name,
                        split->ncuts);
    }
    return check_cuts(axis, name, split, error);
}

tw_status tw__split_axis(struct tw__grid_axis *axis, const char *name, const tw_split *split, tw_error *error)
{
    const int64_t length = axis->length;
    const tw_split whole = {0};
    if (split == NULL) {
        split = &whole;
    }
    const tw_status status = check_split(axis, name, split, error);
    if (status != TW_OK) {
        return status;
    }
    axis->tile = length;
    axis->longer = 0;
    axis->cuts = NULL;
    if (length == 0) {
        axis->count = 0;
    } else if (split->tile > 0) {
        axis->tile = split->tile < length ? split->tile : length;
        axis->count = length / axis->tile + (length % axis->tile != 0);
    } else if (split->parts > 0) {
        axis->tile = length / split->parts;
        axis->longer = length % split->parts;
        axis->count = split->parts;
    } else if (split->ncuts > 0) {
        axis->cuts = split->cuts;
        axis->count = (int64_t)split->ncuts + 1;
    } else {
        axis->count = 1;
    }
    return TW_OK;
}

int64_t tw__axis_misfit(const struct tw__grid_axis *axis, int64_t unit)
{
    if (axis->cuts != NULL) {
        for (int64_t k = 1; k < axis->count; k++) {
            if (axis->cuts[k - 1] % unit != 0) {
                return axis->cuts[k - 1];
            }
        }
        return 0;
    }
    /* Tiles of one length and behind them tiles of another: of each kind, the end of the first decides. */
    const int64_t candidates[] = {1, axis->longer + 1};
    for (int k = 0; k < 2; k++) {
        if (candidates[k] < axis->count && tw__axis_start(axis, candidates[k]) % unit != 0) {
            return tw__axis_start(axis, candidates[k]);
        }
    }
    return 0;
}

static tw_status refuse_cuts(const char *text, size_t length, size_t at, const char *what, tw_error *error)
{
    char quoted[768];
    struct tw__text buffer;
    tw__text_init(&buffer, quoted, sizeof quoted);
    tw__text_add_quoted(&buffer, text, length, at);
    const int column = at < INT32_MAX ? (int)at + 1 : INT32_MAX;
    return tw__fail_syntax(error, column, "cuts: %s at column %d: %s", what, column, quoted);
}

tw_status tw_cuts_parse(int64_t **cuts, size_t *ncuts, const char *text, tw_error *error)
{
    if (text == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "cuts: no text is given");
    }
    const size_t length = strlen(text);
    size_t most = 1, n = 0;
    for (size_t at = 0; at < length; at++) {
        most += text[at] == ',';
    }
    int64_t *made = calloc(most, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, most * sizeof *made, "cuts");
    }
    const char *what = "expected a number";
    for (size_t at = 0;; at++) {
        const size_t digits = tw__parse_digits(text + at, length - at, &made[n]);
        if (digits == 0) {
            what = at < length && tw__is_digit(text[at]) ? "a number past 2^63 - 1" : "expected a number";
            free(made);
            return refuse_cuts(text, length, at, what, error);
        }
        n++;
        at += digits;
        if (at == length) {
            break;
        }
        if (text[at] != ',') {
            free(made);
            return refuse_cuts(text, length, at, "expected ',' or the end", error);
        }
    }
    *cuts = made;
    *ncuts = n;
    return TW_OK;
}
