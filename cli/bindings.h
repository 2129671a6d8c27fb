/* bindings.h - NAME=VALUE as given on the command line: one, or a list such as "i=100,j=77". */
#ifndef CLI_BINDINGS_H
#define CLI_BINDINGS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

struct cli_binding {
    char *name; /* owned; `value` lies behind it in the same memory */
    const char *value;
    int64_t number; /* the value, if it was read as a number */
};

struct cli_bindings {
    struct cli_binding *binding; /* [count] */
    size_t count;
};

/* "NAME=VALUE", which the user knows as `form` ("AXIS=N"): *name is allocated, to be freed, and *value points into the
 * same memory. 0 or an errno; an error has been reported. */
error_t cli_pair(char **name, const char **value, const char *option, const char *form, const char *text);

/* Splits `text`, which should read as `form` says ("NAME=FILE"), and appends it; `is_number`: the value must be a
 * number of 0 or more. 0 or an errno; an error has been reported. */
error_t cli_bindings_add(struct cli_bindings *bindings, const char *option, const char *form, const char *text,
                         int is_number);

/* The binding of a name; NULL: there is none. */
const struct cli_binding *cli_bindings_find(const struct cli_bindings *bindings, const char *name);

void cli_bindings_fini(struct cli_bindings *bindings);

/* Calls add(user, option, item) for each item of a list: "i=100", then "j=77" of "i=100,j=77". With `values`, an item
 * without '=' belongs to the item before it: "i=333,666", then "j=1000" of "i=333,666,j=1000". An empty item is
 * refused. Returns the first error, or 0. */
typedef error_t cli_add(void *user, const char *option, const char *item);
error_t cli_list(const char *option, const char *list, int values, cli_add *add, void *user);

#endif
