/* writing.c - texts and numbers written to a stream for other programs: JSON, HTML and SVG. */
#include "base/writing.h"

#include <string.h>

void tw__write_json_text(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            putc('\\', file);
            putc(c, file);
        } else if (c < 0x20) {
            fprintf(file, "\\u%04x", c);
        } else {
            putc(c, file);
        }
    }
    putc('"', file);
}

/* A byte that begins a character of UTF-8. */
static int begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

void tw__write_html_text(FILE *file, const char *text, size_t most)
{
    static const char special[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at++) {
        count += (size_t)begins_character(*at);
    }
    const size_t kept = count <= most ? count : most > 0 ? most - 1 : 0;
    size_t written = 0;
    for (; *text != '\0' && (written += (size_t)begins_character(*text)) <= kept; text++) {
        const char *found = strchr(special, *text);
        if (found != NULL) {
            fputs(names[found - special], file);
        } else {
            putc((unsigned char)*text < 0x20 ? ' ' : *text, file);
        }
    }
    if (kept < count) {
        fputs("\xe2\x80\xa6", file);
    }
}

void tw__write_fixed(FILE *file, double value, int decimals)
{
    long long scale = 1;
    for (int d = 0; d < decimals; d++) {
        scale *= 10;
    }
    const double magnitude = value < 0 ? -value : value;
    const long long number = (long long)(magnitude * (double)scale + 0.5);
    fprintf(file, "%s%lld", value < 0 && number > 0 ? "-" : "", number / scale);
    if (decimals > 0) {
        fprintf(file, ".%0*lld", decimals, number % scale);
    }
}
