#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tilework/tilework.h>

int main(void)
{
    char storage[TW_DTYPE_TEXT], text[32];
    const float item = 0.1f;
    tw_dtype dtype;
    tw_error error;
    if (tw_dtype_parse(&dtype, "<f4", storage, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    tw_item_format(text, sizeof text, &dtype, &item);
    printf("%s, %lld bytes: %s\n", tw_dtype_name(&dtype), (long long)dtype.itemsize, text);
    return strcmp(text, "0.1") != 0 || fabs(tw_item_to_double(&dtype, &item) - 0.1) > 1e-7 ||
           tw_dtype_of(TW_FLOAT32).itemsize != dtype.itemsize;
}
