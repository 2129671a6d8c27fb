/* writing.h - texts and numbers written to a stream for other programs: JSON, HTML and SVG. No locale has a say. */
#ifndef TW_BASE_WRITING_H
#define TW_BASE_WRITING_H

#include <stdio.h>

/* A JSON string, quotes included. */
void tw__write_json_text(FILE *file, const char *text);

/* Text between tags or in a quoted attribute of HTML. Of a text longer than `most` characters the rest is left out, and
 * an ellipsis says so. */
void tw__write_html_text(FILE *file, const char *text, size_t most);

/* A number with so many decimals, at most 9: 3.140. |value| is below 1e9. */
void tw__write_fixed(FILE *file, double value, int decimals);

#endif
