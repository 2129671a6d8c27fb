/* variables.h - an environment as a text, "NAME=VALUE NAME=VALUE", for tests of what is read from variables. */
#ifndef TW_TEST_VARIABLES_H
#define TW_TEST_VARIABLES_H

#include <stdio.h>
#include <string.h>

/* Looks a variable up in the text `user`; no value has a space. Lives until 64 more were found. */
static inline const char *look_up(void *user, const char *name)
{
    static char values[64][128];
    static unsigned next;
    const size_t length = strlen(name);
    for (const char *at = user; at != NULL && *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            char *value = values[next++ % 64];
            snprintf(value, sizeof values[0], "%.*s", (int)strcspn(at + length + 1, " "), at + length + 1);
            return value;
        }
    }
    return NULL;
}

#endif
