/* recipe.h - the computation: a kernel with its signature, or a statement, which is both. */
#ifndef CLI_RECIPE_H
#define CLI_RECIPE_H

#include "operands.h"
#include "options.h"
#include "reductions.h"

/* --param, --edge: the input of cli_notation_argp. All zeros: none given. */
struct cli_notation {
    struct cli_bindings parameters; /* NAME=NUMBER */
    struct cli_bindings edges;      /* AXIS=EDGE */
    char *edge;                     /* of all other axes, owned; NULL: not given */
};
extern const struct argp cli_notation_argp;
void cli_notation_fini(struct cli_notation *notation);

/* Refuses what is for statements alone if it was given: `kernel` is none. 0, or EINVAL; the error has been reported. */
error_t cli_notation_refuse(const struct cli_notation *notation, const char *kernel);

/* "r[i,j] = ...", and not FILE.c:FUNCTION. */
int cli_is_statement(const char *text);

/* Looks like an input, NAME=FILE. */
int cli_is_binding(const char *text);

/* Looks like FILE:FUNCTION, or a path or a name alone. Anything else is a wrong statement, and the library says
 * how to write it. */
int cli_is_kernel(const char *text);

/* Reads a statement with its parameters and edges. */
tw_status cli_statement_parse(tw_statement **statement, const char *text, const struct cli_notation *notation,
                              const struct cli_bindings *lengths, tw_error *error);

struct cli_recipe {
    tw_statement *statement;             /* NULL: a kernel */
    tw_signature *own;                   /* of a kernel */
    tw_kernel *opened;                   /* not the statement's */
    const struct cli_notation *notation; /* the caller's */
    const tw_signature *signature;
    const tw_kernel *kernel;
    int64_t *lengths; /* [naxes] */
};

/* `kernel` is a statement, or the name of a kernel whose signature is given. */
tw_status cli_recipe_begin(struct cli_recipe *recipe, const char *kernel, const char *signature,
                           const struct cli_notation *notation, const struct cli_bindings *lengths, tw_error *error);

/* The lengths of all axes and the dtypes of all operands, once the inputs are open. itemsizes[noperands]. */
tw_status cli_recipe_settle(struct cli_recipe *recipe, struct cli_operands *operands,
                            const struct cli_bindings *lengths, const struct cli_bindings *dtypes, int64_t *itemsizes,
                            tw_error *error);

/* The tiles of a settled recipe; `run` and `replay` get the same ones. reductions: of a kernel. */
tw_status cli_recipe_divide(tw_grid **grid, const struct cli_recipe *recipe, const struct cli_splits *splits,
                            const struct cli_reductions *reductions, const int64_t *itemsizes, tw_error *error);

/* Opens or compiles the kernel; `object`: the shared object that a statement was compiled to elsewhere; NULL: none. */
tw_status cli_recipe_open(struct cli_recipe *recipe, const char *kernel, const char *object,
                          const tw_compile_options *options, tw_error *error);
void cli_recipe_fini(struct cli_recipe *recipe);

#endif
