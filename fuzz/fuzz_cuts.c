/* fuzz_cuts.c - any text as cuts, and a grid of them, compared with the rules spelled out another way.
 * Input: 8 bytes of the axis's length, then the text. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The numbers, written down, are the text, but for zeros in front of a number. */
static void check_rewritten(const char *text, const int64_t *cuts, size_t ncuts)
{
    for (size_t k = 0; k < ncuts; k++) {
        char digits[24];
        const size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRId64, cuts[k]);
        while (text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
            text++;
        }
        MUST(strncmp(text, digits, n) == 0);
        text += n;
        MUST(k + 1 < ncuts ? *text++ == ',' : *text == '\0');
    }
}

static int is_right(int64_t length, const int64_t *cuts, size_t ncuts)
{
    for (size_t k = 0; k < ncuts; k++) {
        if (cuts[k] <= (k > 0 ? cuts[k - 1] : 0) || cuts[k] >= length) {
            return 0;
        }
    }
    return length >= 0;
}

static void check_grid(int64_t length, const int64_t *cuts, size_t ncuts)
{
    const tw_split split = {.axis = "i", .cuts = cuts, .ncuts = ncuts};
    const tw_grid_options options = {.splits = &split, .nsplits = 1};
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_error error;
    MUST(tw_signature_parse(&signature, "y[i] -> r[i]", NULL) == TW_OK);
    const tw_status status = tw_grid_create(&grid, signature, &length, &options, &error);
    MUST((status == TW_OK) == is_right(length, cuts, ncuts));
    if (status == TW_OK) {
        MUST(tw_grid_count(grid) == ncuts + 1);
        for (uint64_t tile = 0; tile <= ncuts; tile++) {
            int64_t start, stop;
            tw_grid_tile(grid, tile, &start, &stop);
            MUST(start == (tile > 0 ? cuts[tile - 1] : 0) && stop == (tile < ncuts ? cuts[tile] : length));
            const int64_t last = stop - 1;
            MUST(tw_grid_owner(grid, &start) == tile && tw_grid_owner(grid, &last) == tile);
        }
    } else {
        MUST(status == TW_ERROR_ARGUMENT && error.message[0] != '\0');
    }
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t length = 0, *cuts = NULL;
    size_t ncuts = 0;
    tw_error error;
    if (size < sizeof length) {
        return 0;
    }
    memcpy(&length, data, sizeof length);
    data += sizeof length;
    size -= sizeof length;
    char *text = calloc(size + 1, 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    if (tw_cuts_parse(&cuts, &ncuts, text, &error) == TW_OK) {
        check_rewritten(text, cuts, ncuts);
        check_grid(length, cuts, ncuts);
    } else {
        MUST(error.status == TW_ERROR_SYNTAX && error.column >= 1 && (size_t)error.column <= strlen(text) + 1);
        MUST(strspn(text, "0123456789,") < strlen(text) || strstr(text, ",,") != NULL || text[0] == ',' ||
             text[0] == '\0' || text[strlen(text) - 1] == ',' || strlen(text) > 18);
    }
    free(cuts);
    free(text);
    return 0;
}
