/* units.h - numbers as people read them. Each function fills and returns `text`. */
#ifndef CLI_UNITS_H
#define CLI_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define CLI_UNITS_TEXT 48 /* bytes that are always enough */

char *cli_text_seconds(char *text, size_t size, double seconds); /* "12.3 ms" */
char *cli_text_bytes(char *text, size_t size, int64_t bytes);    /* "1.49 GiB" */
char *cli_text_clock(char *text, size_t size, double seconds);   /* "0:07", "1:02:03" */
char *cli_text_count(char *text, size_t size, uint64_t count, const char *one, const char *many); /* "6 tiles" */

#define CLI_SHAPE_TEXT 768                                                     /* 32 dimensions of 20 digits */
char *cli_text_shape(char *text, size_t size, int ndim, const int64_t *shape); /* "(1000, 2000)", "(5,)", "()" */

#endif
