/* units.c - numbers as people read them: seconds, bytes, counts, shapes. */
#include "units.h"

#include <stdio.h>
#include <tilework/tilework.h>

char *cli_text_seconds(char *text, size_t size, double seconds)
{
    tw_seconds_text(seconds, text, size);
    return text;
}

char *cli_text_bytes(char *text, size_t size, int64_t bytes)
{
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t n = 0;
    while (value >= 1024 && n + 1 < sizeof names / sizeof names[0]) {
        value /= 1024;
        n++;
    }
    const int digits = n == 0 || value >= 100 || value == (double)(int64_t)value ? 0 : value >= 10 ? 1 : 2;
    snprintf(text, size, "%.*f %s", digits, value, bytes == 1 ? "byte" : names[n]);
    return text;
}

char *cli_text_clock(char *text, size_t size, double seconds)
{
    const double most = 359999; /* 99:59:59; nobody waits for an estimate beyond it */
    const int64_t s = (int64_t)((seconds < most ? seconds : most) + 0.5);
    if (s >= 3600) {
        snprintf(text, size, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    } else {
        snprintf(text, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
    }
    return text;
}

char *cli_text_count(char *text, size_t size, uint64_t count, const char *one, const char *many)
{
    snprintf(text, size, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
    return text;
}

char *cli_text_shape(char *text, size_t size, int ndim, const int64_t *shape)
{
    size_t used = 0;
    const char *separator = "(";
    text[0] = '\0';
    for (int d = 0; d < ndim && used < size; d++) {
        used += (size_t)snprintf(text + used, size - used, "%s%lld", separator, (long long)shape[d]);
        separator = ", ";
    }
    if (used < size) {
        snprintf(text + used, size - used, "%s", ndim == 0 ? "()" : ndim == 1 ? ",)" : ")");
    }
    return text;
}
