/* make_rule.c - the files that a compilation read, from the make rule that compilers write of them. Knows no kernels.
 */
#include "kernel/make_rule.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Reads one file name of a make rule, as compilers write it: "\ " and "\#" for the character alone, "$$" for "$", a
 * backslash before a line end for nothing. Moves *text past it. 0: no more names. */
static int next_name(const char **text, char *name)
{
    const char *in = *text;
    char *out = name;
    while (tw__is_blank(*in) || (in[0] == '\\' && in[1] == '\n')) {
        in += tw__is_blank(*in) ? 1 : 2;
    }
    while (*in != '\0' && !tw__is_blank(*in) && !(in[0] == '\\' && in[1] == '\n')) {
        const int pair =
            (in[0] == '\\' && (in[1] == ' ' || in[1] == '\t' || in[1] == '#')) || (in[0] == '$' && in[1] == '$');
        in += pair;
        *out++ = *in++;
    }
    *out = '\0';
    *text = in;
    return out > name;
}

void tw__make_rule_read(const char *rule, const char *without, char ***names, size_t *count)
{
    const char *text = strchr(rule, ':');
    char *name = malloc(strlen(rule) + 1), **list = NULL;
    size_t used = 0;
    int failed = name == NULL || text == NULL;
    text += !failed;
    while (!failed && next_name(&text, name)) {
        char **longer = realloc(list, (used + 1) * sizeof *list);
        char *real = realpath(name, NULL);
        list = longer != NULL ? longer : list;
        failed = longer == NULL || real == NULL;
        if (!failed && strncmp(real, without, strlen(without)) != 0) {
            list[used++] = real;
        } else {
            free(real);
        }
    }
    free(name);
    *names = list;
    *count = failed ? 0 : used;
    while (failed && used > 0) {
        free(list[--used]);
    }
}
