/* corners.c - the items at the corners of a view, laid out as NumPy does. Knows nothing of files or statistics. */
#include "look/corners.h"

#include <string.h>

#define ITEM_TEXT 256
#define MOST_CHARACTERS 32 /* of a text item */
#define MOST_DIGITS 10     /* of a number, sign and point included */

/* ---- one item ---- */

static size_t add_character(char *text, uint32_t c)
{
    if (c == '\\' || c == '\'') {
        return (size_t)sprintf(text, "\\%c", (int)c);
    }
    if (c < 0x20 || c == 0x7f) {
        return (size_t)sprintf(text, "\\x%02x", c);
    }
    if (c < 0x80) {
        return (size_t)sprintf(text, "%c", (int)c);
    }
    if (c < 0x800) {
        return (size_t)sprintf(text, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    }
    if (c < 0x10000) {
        return (size_t)sprintf(text, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                               (int)(0x80 | (c & 0x3f)));
    }
    return (size_t)sprintf(text, "%c%c%c%c", (int)(0xf0 | (c >> 18 & 7)), (int)(0x80 | (c >> 12 & 0x3f)),
                           (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

/* Texts of bytes (S, width 1) and of code points (U, width 4), without the zeros at their end. */
static void text_item(char *text, const unsigned char *item, int64_t itemsize, int width)
{
    int64_t count = itemsize / width;
    size_t used = 0;
    uint32_t c = 0;
    while (count > 0) {
        memcpy(&c, item + (count - 1) * width, sizeof c < (size_t)width ? sizeof c : (size_t)width);
        if (c != 0) {
            break;
        }
        count--;
    }
    used += (size_t)sprintf(text, width == 1 ? "b'" : "'");
    for (int64_t k = 0; k < count && k < MOST_CHARACTERS; k++) {
        if (width == 1) {
            c = item[k];
            used += c < 0x80 ? add_character(text + used, c) : (size_t)sprintf(text + used, "\\x%02x", c);
        } else {
            memcpy(&c, item + 4 * k, sizeof c);
            used += add_character(text + used, c);
        }
    }
    sprintf(text + used, count > MOST_CHARACTERS ? "'..." : "'");
}

/* Numbers with many digits are rounded to six: the corners are for looking at. */
static void round_number(char text[ITEM_TEXT], const tw_dtype *dtype, const char *item)
{
    if (strlen(text) <= MOST_DIGITS) {
        return;
    }
    if (dtype->kind == TW_FLOAT32 || dtype->kind == TW_FLOAT64) {
        snprintf(text, ITEM_TEXT, "%.6g", tw_item_to_double(dtype, item));
    } else if (dtype->kind == TW_COMPLEX64 || dtype->kind == TW_COMPLEX128) {
        const tw_dtype part = tw_dtype_of(dtype->kind == TW_COMPLEX64 ? TW_FLOAT32 : TW_FLOAT64);
        snprintf(text, ITEM_TEXT, "%.6g%+.6gj", tw_item_to_double(&part, item),
                 tw_item_to_double(&part, item + part.itemsize));
    }
}

static void item_text(char text[ITEM_TEXT], const tw_dtype *dtype, const char *item)
{
    const char *code = dtype->kind == TW_OPAQUE ? dtype->descr + strspn(dtype->descr, "<>|=") : "";
    if (code[0] == 'S') {
        text_item(text, (const unsigned char *)item, dtype->itemsize, 1);
    } else if (code[0] == 'U') {
        text_item(text, (const unsigned char *)item, dtype->itemsize, 4);
    } else {
        tw_item_format(text, ITEM_TEXT, dtype, item);
        round_number(text, dtype, item);
    }
}

/* ---- the layout ---- */

/* Columns of a UTF-8 text, one for each code point. */
static int text_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++) {
        width += (*text & 0xc0) != 0x80;
    }
    return width;
}

static int64_t edge_items(const tw_view *view, int dimension)
{
    return dimension >= view->ndim - 2 ? 3 : 1;
}

/* The next index that is shown after k, jumping over the middle. */
static int64_t next_shown(const tw_view *view, int dimension, int64_t k)
{
    const int64_t edge = edge_items(view, dimension), length = view->shape[dimension];
    return k + 1 == edge && length > 2 * edge ? length - edge : k + 1;
}

static int widest(const tw_view *view, int dimension, const char *data)
{
    int width = 0;
    if (dimension == view->ndim) {
        char text[ITEM_TEXT];
        item_text(text, &view->dtype, data);
        return text_width(text);
    }
    for (int64_t k = 0; k < view->shape[dimension]; k = next_shown(view, dimension, k)) {
        const int inner = widest(view, dimension + 1, data + k * view->strides[dimension]);
        width = inner > width ? inner : width;
    }
    return width;
}

static void print_dimension(FILE *file, const tw_view *view, int dimension, const char *data, int width)
{
    if (dimension == view->ndim) {
        char text[ITEM_TEXT];
        item_text(text, &view->dtype, data);
        fprintf(file, "%*s%s", width - text_width(text), "", text);
        return;
    }
    const int inner = view->ndim - dimension - 1; /* dimensions within this one */
    fputc('[', file);
    for (int64_t k = 0; k < view->shape[dimension];) {
        print_dimension(file, view, dimension + 1, data + k * view->strides[dimension], width);
        const int64_t next = next_shown(view, dimension, k);
        const int ends = next >= view->shape[dimension];
        for (int part = 0; part < (next > k + 1 ? 2 : 1) && !ends; part++) {
            if (part == 1) {
                fputs("...", file);
            }
            if (inner == 0) {
                fputc(' ', file);
            } else {
                for (int line = 0; line < inner; line++) {
                    fputc('\n', file);
                }
                fprintf(file, "%*s", dimension + 1, "");
            }
        }
        k = next;
    }
    fputc(']', file);
}

void cli_print_corners(FILE *file, const tw_view *view)
{
    if (tw_view_size(view) == 0) {
        fputs("[]\n", file);
        return;
    }
    print_dimension(file, view, 0, view->data, widest(view, 0, view->data));
    fputc('\n', file);
}
