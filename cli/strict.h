/* strict.h - what options are given, read strictly: numbers, and how a wrong value is refused. */
#ifndef CLI_STRICT_H
#define CLI_STRICT_H

#include <argp.h>
#include <stdint.h>

/* A wrong value, said in a sentence. Always EINVAL, to be returned by an argp parser. */
__attribute__((format(printf, 1, 2))) error_t cli_bad(const char *format, ...);

/* Digits alone, least .. most. 0, or EINVAL, having said why; `option` is how the user calls the value. */
error_t cli_number(int64_t *value, const char *option, const char *text, int64_t least, int64_t most);

#endif
