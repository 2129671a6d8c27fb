/* bindings.c - NAME=VALUE as given on the command line, one or a list. Knows texts, not what they stand for. */
#include "bindings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "strict.h"

error_t cli_pair(char **name, const char **value, const char *option, const char *form, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0') {
        return cli_bad("%s: '%s' should be %s", option, text, form);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return ENOMEM;
    }
    copy[equals - text] = '\0';
    *name = copy;
    *value = copy + (equals - text) + 1;
    return 0;
}

error_t cli_bindings_add(struct cli_bindings *bindings, const char *option, const char *form, const char *text,
                         int is_number)
{
    struct cli_binding new = {0};
    error_t result = cli_pair(&new.name, &new.value, option, form, text);
    if (result == 0 && is_number) {
        result = cli_number(&new.number, option, new.value, 0, INT64_MAX);
    }
    struct cli_binding *more = result == 0 ? realloc(bindings->binding, (bindings->count + 1) * sizeof *more) : NULL;
    if (more == NULL) {
        free(new.name);
        return result != 0 ? result : ENOMEM;
    }
    bindings->binding = more;
    more[bindings->count++] = new;
    return 0;
}

const struct cli_binding *cli_bindings_find(const struct cli_bindings *bindings, const char *name)
{
    for (size_t k = 0; k < bindings->count; k++) {
        if (strcmp(bindings->binding[k].name, name) == 0) {
            return &bindings->binding[k];
        }
    }
    return NULL;
}

void cli_bindings_fini(struct cli_bindings *bindings)
{
    for (size_t b = 0; b < bindings->count; b++) {
        free(bindings->binding[b].name);
    }
    free(bindings->binding);
    *bindings = (struct cli_bindings){0};
}

/* How long the first item is. With `values`, it ends at the comma before the next NAME=. */
static size_t item_length(const char *list, int values)
{
    size_t length = strcspn(list, ",");
    while (values && list[length] == ',') {
        const size_t next = strcspn(list + length + 1, ",");
        if (memchr(list + length + 1, '=', next) != NULL) {
            break;
        }
        length += 1 + next;
    }
    return length;
}

error_t cli_list(const char *option, const char *list, int values, cli_add *add, void *user)
{
    for (const char *at = list;; at++) {
        const size_t length = item_length(at, values);
        if (length == 0 && list[0] != '\0') {
            return cli_bad("%s: '%s' contains an empty item", option, list);
        }
        char *item = strndup(at, length);
        const error_t result = item != NULL ? add(user, option, item) : ENOMEM;
        free(item);
        at += length;
        if (result != 0 || *at == '\0') {
            return result;
        }
    }
}
