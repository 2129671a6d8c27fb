/* recipe.c - the computation: a kernel with its signature, or a statement, which is both. Knows neither grids nor
 * pools.
 */
#include "recipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "strict.h"

/* ---- options of statements ---- */

enum { KEY_PARAM = 'p' + 0x1000, KEY_EDGE };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Statements:", 2},
    {"param", KEY_PARAM, "NAME=NUMBER", 0,
     "Value of a named parameter in the statement: c=0.5 or c=float32(0.5) (repeat for each)", 2},
    {"edge", KEY_EDGE, "[AXIS=]EDGE,...", 0,
     "How to read past the ends of an input, also in the halo of a KERNEL's: clamp, wrap, zero, reflect, mirror or "
     "constant=1 along all axes, or "
     "i=clamp,j=constant=1; default: an error",
     2},
    {0}};

/* EDGE alone, for all axes that have none of their own. */
static error_t add_common_edge(struct cli_notation *notation, const char *item)
{
    if (notation->edge != NULL) {
        return cli_bad("--edge: given twice for all axes: '%s' and '%s'", notation->edge, item);
    }
    notation->edge = strdup(item);
    return notation->edge != NULL ? 0 : ENOMEM;
}

/* Whether the item is one for all axes whose number is wrong, constant=1e, not the edge of an axis that has that name.
 */
static int has_number(const char *item)
{
    static const char *const names[] = {"constant=", "grid-constant="};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        const size_t length = strlen(names[k]);
        tw_axis_edge edge;
        if (strncmp(item, names[k], length) == 0) {
            return tw_edge_parse(item + length, &edge, NULL) != TW_OK;
        }
    }
    return 0;
}

static error_t add_edge(void *user, const char *option, const char *item)
{
    struct cli_notation *notation = user;
    struct cli_bindings *edges = &notation->edges;
    tw_axis_edge edge;
    tw_error error;
    if (tw_edge_parse(item, &edge, &error) == TW_OK) { /* "constant=1" too */
        return add_common_edge(notation, item);
    }
    if (item[0] != '\0' && (strchr(item, '=') == NULL || has_number(item))) {
        return cli_bad("--edge: %s (for all axes; for one: AXIS=EDGE)", error.message);
    }
    const error_t result = cli_bindings_add(edges, option, "AXIS=EDGE", item, 0);
    if (result != 0) {
        return result;
    }
    const struct cli_binding *last = &edges->binding[edges->count - 1];
    if (tw_edge_parse(last->value, &edge, &error) != TW_OK) {
        return cli_bad("--edge: axis '%s': %s", last->name, error.message);
    }
    if (cli_bindings_find(edges, last->name) != last) {
        return cli_bad("--edge: axis '%s' is given twice", last->name);
    }
    return 0;
}

static error_t parse_notation(int key, char *argument, struct argp_state *state)
{
    struct cli_notation *notation = state->input;
    switch (key) {
    case KEY_PARAM:
        return cli_bindings_add(&notation->parameters, "--param", "NAME=NUMBER", argument, 0);
    case KEY_EDGE:
        return cli_list("--edge", argument, 0, add_edge, notation);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_notation_argp = {.options = options, .parser = parse_notation};

void cli_notation_fini(struct cli_notation *notation)
{
    cli_bindings_fini(&notation->parameters);
    cli_bindings_fini(&notation->edges);
    free(notation->edge);
    notation->edge = NULL;
}

error_t cli_notation_refuse(const struct cli_notation *notation, const char *kernel)
{
    return notation->parameters.count > 0 ? cli_bad("--param: is for statements, and %s is a kernel", kernel) : 0;
}

/* ---- statements ---- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

int cli_is_statement(const char *text)
{
    const char *at = text + strspn(text, " \t\r\n;");
    const size_t name = strspn(at, LETTERS "0123456789_");
    at += name;
    at += strspn(at, " \t");
    return name > 0 && *at == '[' && (strchr(at, '=') != NULL || strchr(at, ':') == NULL);
}

/* NAME=FILE, the form of an input: no blanks, and a path that cannot be a name. */
int cli_is_binding(const char *text)
{
    const size_t name = strspn(text, LETTERS "0123456789_");
    const char *value = text + name + 1;
    return name > 0 && text[name] == '=' && value[strspn(value, LETTERS "0123456789_-./~")] == '\0' &&
           (strcmp(value, "-") == 0 || strpbrk(value, "./") != NULL);
}

int cli_is_kernel(const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *function = colon != NULL ? colon + 1 : "";
    return (function[0] != '\0' && function[strspn(function, LETTERS "0123456789_")] == '\0') ||
           (text[0] != '\0' && text[strspn(text, LETTERS "0123456789_-./~")] == '\0');
}

/* What the library is given for --edge: an entry for each axis that has an edge or a length of its own, then one for
 * all others. edges[as many as there are bindings, and 1]; returns how many. lengths: may be NULL. */
static size_t fill_edges(tw_axis_edge *edges, const struct cli_notation *notation, const struct cli_bindings *lengths)
{
    tw_axis_edge common = {.edge = TW_EDGE_ERROR};
    size_t count = 0;
    for (size_t k = 0; k < notation->edges.count; k++) {
        const struct cli_binding *own = &notation->edges.binding[k];
        tw_axis_edge *edge = &edges[count++];
        *edge = (tw_axis_edge){.axis = own->name,
                               .has_length = lengths != NULL && cli_bindings_find(lengths, own->name) != NULL};
        (void)tw_edge_parse(own->value, edge, NULL); /* add_edge has read it */
    }
    if (notation->edge == NULL || tw_edge_parse(notation->edge, &common, NULL) != TW_OK ||
        common.edge == TW_EDGE_ERROR) {
        return count;
    }
    for (size_t k = 0; lengths != NULL && k < lengths->count; k++) {
        const char *axis = lengths->binding[k].name;
        if (cli_bindings_find(&notation->edges, axis) == NULL) {
            edges[count] = common;
            edges[count].axis = axis;
            edges[count++].has_length = 1;
        }
    }
    edges[count++] = common;
    return count;
}

tw_status cli_statement_parse(tw_statement **statement, const char *text, const struct cli_notation *notation,
                              const struct cli_bindings *lengths, tw_error *error)
{
    const size_t nparameters = notation->parameters.count;
    const size_t most = notation->edges.count + (lengths != NULL ? lengths->count : 0) + 1;
    tw_parameter *parameters = calloc(nparameters + 1, sizeof *parameters);
    tw_axis_edge *edges = calloc(most, sizeof *edges);
    tw_statement_options given = {.parameters = parameters, .nparameters = nparameters, .edges = edges};
    tw_status status = TW_OK;
    if (parameters == NULL || edges == NULL) {
        status = cli_error(error, TW_ERROR_MEMORY, "not enough memory for a statement's options");
    }
    for (size_t k = 0; k < nparameters && status == TW_OK; k++) {
        tw_error why;
        parameters[k].name = notation->parameters.binding[k].name;
        if (tw_parameter_parse(&parameters[k], notation->parameters.binding[k].value, &why) != TW_OK) {
            status = cli_error(error, why.status, "--param: %s: %.900s", parameters[k].name, why.message);
        }
    }
    if (status == TW_OK) {
        given.nedges = fill_edges(edges, notation, lengths);
        status = tw_statement_parse(statement, text, &given, error);
    }
    free(parameters);
    free(edges);
    return status;
}

/* ---- recipes ---- */

tw_status cli_recipe_begin(struct cli_recipe *recipe, const char *kernel, const char *signature,
                           const struct cli_notation *notation, const struct cli_bindings *lengths, tw_error *error)
{
    tw_status status;
    recipe->notation = notation;
    if (signature != NULL) {
        status = tw_signature_parse(&recipe->own, signature, error);
        recipe->signature = recipe->own;
    } else {
        status = cli_statement_parse(&recipe->statement, kernel, notation, lengths, error);
        recipe->signature = status == TW_OK ? tw_statement_signature(recipe->statement) : NULL;
    }
    if (status != TW_OK) {
        return status;
    }
    recipe->lengths = calloc((size_t)tw_signature_naxes(recipe->signature) + 1, sizeof *recipe->lengths);
    return recipe->lengths != NULL ? TW_OK : cli_error(error, TW_ERROR_MEMORY, "not enough memory for the axes");
}

static tw_status bind_statement(struct cli_recipe *recipe, const struct cli_operands *operands,
                                const struct cli_bindings *lengths, tw_error *error)
{
    const tw_view *views[TW_MAX_OPERANDS];
    tw_axis_length *given = calloc(lengths->count + 1, sizeof *given);
    if (given == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the axes");
    }
    for (size_t k = 0; k < lengths->count; k++) {
        given[k].axis = lengths->binding[k].name;
        given[k].length = lengths->binding[k].number;
    }
    for (int k = 0; k < operands->count; k++) {
        views[k] = operands->operand[k].input != NULL ? tw_array_view(operands->operand[k].input) : NULL;
    }
    const tw_status status = tw_statement_bind(recipe->statement, views, given, lengths->count, recipe->lengths, error);
    free(given);
    return status;
}

tw_status cli_recipe_settle(struct cli_recipe *recipe, struct cli_operands *operands,
                            const struct cli_bindings *lengths, const struct cli_bindings *dtypes, int64_t *itemsizes,
                            tw_error *error)
{
    if (recipe->statement == NULL) {
        const tw_status status = cli_operands_lengths(operands, lengths, recipe->lengths, error);
        return status == TW_OK ? cli_operands_dtypes(operands, dtypes, itemsizes, error) : status;
    }
    tw_dtype wished[TW_MAX_OPERANDS];
    if (cli_operands_wishes(operands, dtypes, wished, error) != TW_OK ||
        tw_statement_types(recipe->statement, wished, error) != TW_OK ||
        bind_statement(recipe, operands, lengths, error) != TW_OK) {
        return error->status;
    }
    for (int k = 0; k < operands->count; k++) {
        operands->operand[k].dtype = tw_statement_dtype(recipe->statement, k);
        itemsizes[k] = operands->operand[k].dtype.itemsize;
    }
    return TW_OK;
}

tw_status cli_recipe_divide(tw_grid **grid, const struct cli_recipe *recipe, const struct cli_splits *splits,
                            const struct cli_reductions *reductions, const int64_t *itemsizes, tw_error *error)
{
    if (recipe->statement != NULL) {
        const tw_grid_options more = {.itemsizes = itemsizes};
        return tw_statement_grid(grid, recipe->statement, recipe->lengths, splits->split, splits->count, &more, error);
    }
    tw_axis_edge *edges = calloc(recipe->notation->edges.count + 1, sizeof *edges);
    if (edges == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the edges");
    }
    const tw_grid_options division = {.splits = splits->split,
                                      .nsplits = splits->count,
                                      .itemsizes = itemsizes,
                                      .folds = reductions->count > 0 ? reductions->folds : NULL,
                                      .fold_kernels = (const tw_kernel *const *)reductions->kernels,
                                      .edges = edges,
                                      .nedges = fill_edges(edges, recipe->notation, NULL)};
    const tw_status status = tw_grid_create(grid, recipe->signature, recipe->lengths, &division, error);
    free(edges);
    return status;
}

tw_status cli_recipe_open(struct cli_recipe *recipe, const char *kernel, const char *object,
                          const tw_compile_options *compile, tw_error *error)
{
    tw_status status;
    if (recipe->statement != NULL) {
        status = object != NULL ? tw_statement_load(&recipe->kernel, recipe->statement, object, error)
                                : tw_statement_kernel(&recipe->kernel, recipe->statement, compile, error);
    } else {
        status = tw_kernel_open(&recipe->opened, kernel, compile, error);
        recipe->kernel = recipe->opened;
    }
    if (status == TW_OK && tw_kernel_note(recipe->kernel) != NULL) {
        cli_say("note: %s", tw_kernel_note(recipe->kernel));
    }
    return status;
}

void cli_recipe_fini(struct cli_recipe *recipe)
{
    tw_kernel_destroy(recipe->opened);
    tw_statement_destroy(recipe->statement);
    tw_signature_destroy(recipe->own);
    free(recipe->lengths);
    *recipe = (struct cli_recipe){0};
}
