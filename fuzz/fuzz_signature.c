/* fuzz_signature.c - any text as a signature, and on to lengths and a small grid, which must cover every output once.
 * Input: the text up to a zero byte, then bytes from which lengths and splits are drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid/order.h"
#include "grid/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct bytes {
    const uint8_t *data;
    size_t left;
};

static int64_t draw(struct bytes *bytes, int64_t below)
{
    if (bytes->left == 0) {
        return 0;
    }
    bytes->left--;
    return *bytes->data++ % below;
}

static void check_error(const tw_error *error, tw_status status)
{
    MUST(error->status == status && error->message[0] != '\0');
    for (const char *c = error->message; *c != '\0'; c++) {
        MUST(*c >= 0x20 && *c < 0x7f);
    }
}

/* The signature written down and read again is the same. */
static void check_rewritten(const tw_signature *signature)
{
    static char text[1 << 17];
    tw_signature *again = NULL;
    const int length = tw_signature_text(signature, NULL, text, sizeof text);
    MUST(length >= 0 && (size_t)length == strlen(text));
    if (length > TW__MAX_SIGNATURE_TEXT) {
        return;
    }
    MUST(tw_signature_parse(&again, text, NULL) == TW_OK);
    MUST(again->naxes == signature->naxes && again->noperands == signature->noperands);
    MUST(memcmp(again->operands, signature->operands, (size_t)again->noperands * sizeof again->operands[0]) == 0);
    MUST(memcmp(again->axes, signature->axes, (size_t)again->naxes * sizeof again->axes[0]) == 0);
    for (int k = 0; k < signature->noperands; k++) {
        for (int d = 0; d < signature->operands[k].ndim; d++) {
            int64_t low, high, low_again, high_again;
            const int has = tw_signature_halo(signature, k, d, &low, &high);
            MUST(tw_signature_halo(again, k, d, &low_again, &high_again) == has && has == (low != 0 || high != 0));
            MUST(low == low_again && high == high_again && low <= high);
            MUST(!has || (signature->operands[k].has_halo && signature->operands[k].role == TW_IN));
        }
    }
    tw_signature_destroy(again);
}

static void draw_lengths(const tw_signature *signature, struct bytes *bytes, int64_t *lengths)
{
    static tw_view views[TW_MAX_OPERANDS];
    const tw_view *operands[TW_MAX_OPERANDS];
    tw_error error;
    for (int a = 0; a < signature->naxes; a++) {
        lengths[a] = draw(bytes, 8) - 1;
    }
    for (int k = 0; k < signature->noperands; k++) {
        views[k].ndim = signature->operands[k].ndim + (draw(bytes, 100) == 99);
        for (int d = 0; d < views[k].ndim && d < TW_MAX_DIMS; d++) {
            const int64_t given = d < signature->operands[k].ndim ? lengths[signature->operands[k].axes[d]] : 0;
            views[k].shape[d] = draw(bytes, 3) > 0 && given >= 0 ? given : draw(bytes, 6);
        }
        operands[k] = draw(bytes, 4) == 3 ? NULL : &views[k];
    }
    const tw_status status = tw_signature_lengths(signature, operands, lengths, &error);
    if (status != TW_OK) {
        check_error(&error, TW_ERROR_ARGUMENT);
    }
    for (int k = 0; status == TW_OK && k < signature->noperands; k++) {
        for (int d = 0; operands[k] != NULL && d < operands[k]->ndim; d++) {
            const int64_t has = operands[k]->shape[d], length = lengths[signature->operands[k].axes[d]];
            MUST(has == length || (has == 1 && signature->operands[k].role == TW_IN));
        }
    }
    for (int a = 0; a < signature->naxes; a++) {
        MUST(status != TW_OK || lengths[a] >= 0);
        lengths[a] = lengths[a] < 0 ? 1 : lengths[a];
    }
}

/* Marks each output's elements tile by tile. */
static void check_covers_once(const tw_grid *grid)
{
    static uint8_t marks[TW_MAX_OPERANDS][1024];
    const tw_signature *signature = tw_grid_signature(grid);
    int64_t sizes[TW_MAX_OPERANDS], start[TW__MAX_AXES], stop[TW__MAX_AXES], covered[TW_MAX_OPERANDS] = {0};
    struct tw__order order;
    for (int k = 0; k < signature->noperands; k++) {
        sizes[k] = 1;
        for (int d = 0; d < signature->operands[k].ndim; d++) {
            sizes[k] *= tw_grid_length(grid, signature->operands[k].axes[d]);
            if (sizes[k] > (int64_t)sizeof marks[k]) {
                return;
            }
        }
        memset(marks[k], 0, (size_t)sizes[k]);
    }
    for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
        tw_grid_tile(grid, tile, start, stop);
        tile == 0 ? tw__order_seek(&order, grid, 0) : (void)tw__order_next(&order);
        MUST(memcmp(order.start, start, (size_t)grid->naxes * sizeof start[0]) == 0);
        MUST(memcmp(order.stop, stop, (size_t)grid->naxes * sizeof stop[0]) == 0);
        for (int k = 0; k < signature->noperands; k++) {
            const tw_operand *operand = &signature->operands[k];
            for (int64_t flat = 0; operand->role != TW_IN && flat < sizes[k]; flat++) {
                int64_t rest = flat, index[TW__MAX_AXES];
                int inside = 1;
                memcpy(index, start, sizeof index);
                for (int d = operand->ndim - 1; d >= 0; d--) {
                    const int a = operand->axes[d];
                    index[a] = rest % tw_grid_length(grid, a);
                    rest /= tw_grid_length(grid, a);
                    inside &= index[a] >= start[a] && index[a] < stop[a];
                }
                if (inside) {
                    MUST(!marks[k][flat] && tw_grid_owner(grid, index) == tile);
                    marks[k][flat] = 1;
                    covered[k]++;
                }
            }
        }
    }
    for (int k = 0; k < signature->noperands; k++) {
        MUST(signature->operands[k].role == TW_IN || covered[k] == sizes[k]);
    }
}

static void make_grid(const tw_signature *signature, struct bytes *bytes, const int64_t *lengths)
{
    tw_split splits[TW__MAX_AXES] = {{0}};
    int64_t cuts[TW__MAX_AXES][3];
    size_t nsplits = 0;
    for (int a = 0; a < signature->naxes; a++) {
        const int64_t kind = draw(bytes, 8);
        tw_split split = {.axis = kind == 7 ? "none" : signature->axes[a]};
        if (kind <= 1) {
            continue;
        } else if (kind == 2) {
            split.tile = draw(bytes, 9) - 1;
        } else if (kind == 3) {
            split.parts = draw(bytes, 9) - 1;
        } else if (kind <= 6) {
            split.ncuts = (size_t)draw(bytes, 4);
            split.cuts = kind == 4 && split.ncuts == 0 ? NULL : cuts[a];
            for (size_t c = 0, before = 0; c < split.ncuts; c++) {
                cuts[a][c] = (int64_t)before + draw(bytes, 4);
                before = (size_t)cuts[a][c];
            }
        }
        splits[nsplits++] = split;
    }
    const tw_axis_edge edge = {.axis = NULL, .edge = (tw_edge)draw(bytes, 8)};
    const tw_grid_options options = {.edges = &edge,
                                     .nedges = signature->nhalos > 0,
                                     .splits = splits,
                                     .nsplits = nsplits,
                                     .tile_bytes = draw(bytes, 250),
                                     .cost = (tw_cost)draw(bytes, 2),
                                     .input_axes_only = (int)draw(bytes, 2)};
    tw_grid *grid = NULL;
    tw_error error;
    if (tw_grid_create(&grid, signature, lengths, &options, &error) != TW_OK) {
        check_error(&error, TW_ERROR_ARGUMENT);
        return;
    }
    if (tw_grid_count(grid) <= 512) {
        check_covers_once(grid);
    }
    char text[200];
    tw_grid_tile_text(grid, 0, text, (size_t)draw(bytes, sizeof text));
    tw_grid_destroy(grid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);
    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    const size_t length = strlen(text), used = length < size ? length + 1 : size;
    struct bytes bytes = {data + used, size - used};
    tw_signature *signature = NULL;
    tw_error error;
    int64_t lengths[TW__MAX_AXES];
    if (tw_signature_parse(&signature, text, &error) != TW_OK) {
        check_error(&error, TW_ERROR_SYNTAX);
        MUST(error.column >= 1 && (size_t)error.column <= length + 1);
    } else {
        check_rewritten(signature);
        draw_lengths(signature, &bytes, lengths);
        make_grid(signature, &bytes, lengths);
    }
    tw_signature_destroy(signature);
    free(text);
    return 0;
}
