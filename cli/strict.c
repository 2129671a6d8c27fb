/* strict.c - what options are given, read strictly: numbers, and how a wrong value is refused. */
#include "strict.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "exit.h"

error_t cli_bad(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cli_say_list(format, arguments);
    va_end(arguments);
    return EINVAL;
}

error_t cli_number(int64_t *value, const char *option, const char *text, int64_t least, int64_t most)
{
    int64_t number = 0;
    const char *at = text;
    int too_large = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *at - '0', &number)) {
            too_large = 1;
            at += strspn(at, "0123456789");
            break;
        }
    }
    if (at == text || *at != '\0') {
        return cli_bad("%s: '%s' is not a number: only digits are accepted", option, text);
    }
    if (too_large || number < least || number > most) {
        if (!too_large && most == INT64_MAX) {
            return cli_bad("%s: %s is out of range: at least %lld", option, text, (long long)least);
        }
        return cli_bad("%s: %s is out of range: from %lld to %lld", option, text, (long long)least, (long long)most);
    }
    *value = number;
    return 0;
}
