/* levels.c - the levels of the processor's family. They are chosen by name when an object is opened: no code of the
 * object runs for it, which sanitizers and forked processes would be in the way of. */
#include "kernel/levels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "os/level.h"

#define V3 "-march=x86-64 -msse4.2 -mpopcnt -mcx16 -msahf -mavx2 -mbmi -mbmi2 -mf16c -mfma -mlzcnt -mmovbe"

const struct tw__level tw__levels[TW__LEVELS] = {
#if defined(__x86_64__)
    {"baseline", "-march=x86-64", "-mcpu=x86_64", NULL, 1},
    {"v3", V3, "-mcpu=x86_64_v3", "-DTW_LEVEL(name)=tw_v3_##name", 3},
    {"v4", V3 " -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl", "-mcpu=x86_64_v4",
     "-DTW_LEVEL(name)=tw_v4_##name", 4},
#elif defined(__aarch64__)
    {"baseline", "-march=armv8-a", "-mcpu=generic", NULL, 1},
#else
    {"baseline", "", "", NULL, 1},
#endif
};

tw_status tw__level_highest(int *level, tw_error *error)
{
    const char *wished = getenv("TILEWORK_LEVEL");
    const int has = tw__cpu_level();
    int top = 0;
    while (top + 1 < TW__LEVELS && tw__levels[top + 1].needs <= has) {
        top++;
    }
    *level = top;
    if (wished == NULL || wished[0] == '\0') {
        return TW_OK;
    }
    char names[64];
    struct tw__text list;
    tw__text_init(&list, names, sizeof names);
    for (int k = 0; k < TW__LEVELS; k++) {
        if (strcmp(wished, tw__levels[k].name) == 0) {
            *level = k < top ? k : top;
            return TW_OK;
        }
        tw__text_add(&list, "%s%s", k == 0 ? "" : ", ", tw__levels[k].name);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "TILEWORK_LEVEL is '%s'; the levels of this processor's family are: %s",
                    wished, names);
}

tw_status tw__level_symbol(void **function, const struct tw__library *library, const char *symbol, tw_error *error)
{
    int level = 0;
    const tw_status status = tw__level_highest(&level, error);
    void *found = NULL;
    for (; status == TW_OK && found == NULL && level > 0; level--) {
        char *name = NULL;
        if (asprintf(&name, "tw_%s_%s", tw__levels[level].name, symbol) < 0) {
            return tw__fail_memory(error, strlen(symbol) + 16, "a function's name");
        }
        found = tw__library_symbol(library, name);
        free(name);
    }
    *function = status == TW_OK && found == NULL ? tw__library_symbol(library, symbol) : found;
    return status;
}
