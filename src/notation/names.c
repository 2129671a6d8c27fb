/* names.c - which names of a text get values from a caller, and in which order. Knows no values. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/notation.h"

/* The place of the next name behind `from`, and the name; NULL: there is none. */
static const char *next_name(const struct tw__syntax *syntax, const struct tw__open_names *open, size_t from,
                             size_t *at)
{
    const char *found = NULL;
    for (int k = 0; k < syntax->noperands; k++) {
        const struct tw__syntax_operand *operand = &syntax->operands[k];
        if (operand->role != TW_OUT && operand->at >= from && (found == NULL || operand->at < *at)) {
            found = operand->name;
            *at = operand->at;
        }
    }
    for (int k = 0; k < open->count; k++) {
        if (open->at[k] >= from && (found == NULL || open->at[k] < *at)) {
            found = open->names[k];
            *at = open->at[k];
        }
    }
    return found;
}

/* A name is an array or a number, not both. */
static tw_status check_names(const struct tw__syntax *syntax, const struct tw__open_names *open, tw_error *error)
{
    for (int n = 0; n < open->count; n++) {
        for (int k = 0; k < syntax->noperands; k++) {
            if (strcmp(open->names[n], syntax->operands[k].name) == 0) {
                return tw__complain(error, &syntax->source, open->at[n],
                                    "%s is an array: its elements are %s[...], with an index for each dimension",
                                    open->names[n], open->names[n]);
            }
        }
    }
    return TW_OK;
}

tw_status tw_statement_names(char **names, const char *text, tw_error *error)
{
    struct tw__syntax syntax;
    struct tw__open_names *open = malloc(sizeof *open);
    if (open == NULL) {
        return tw__fail_memory(error, sizeof *open, "the names of a statement");
    }
    tw_status status = tw__parse_open(&syntax, text, open, error);
    if (status == TW_OK) {
        status = check_names(&syntax, open, error);
    }
    const size_t size = ((size_t)syntax.noperands + TW_MAX_OPERANDS) * TW__EXPR_NAME + 1;
    char *made = status == TW_OK ? calloc(1, size) : NULL;
    if (status == TW_OK && made == NULL) {
        status = tw__fail_memory(error, size, "the names of a statement");
    }
    size_t at = 0, length = 0;
    for (const char *name; made != NULL && (name = next_name(&syntax, open, at, &at)) != NULL; at++) {
        length += (size_t)(stpcpy(stpcpy(made + length, length > 0 ? " " : ""), name) - (made + length));
    }
    tw__syntax_fini(&syntax);
    free(open);
    if (status == TW_OK) {
        *names = made;
    }
    return status;
}
