/* statement.c - tilework explain and tilework compile: statements that are explained, or compiled for another machine.
 * Knows no job. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "exit.h"
#include "recipe.h"
#include "strict.h"
#include "types.h"

enum { KEY_TYPES = CLI_KEY_FIRST, KEY_C, KEY_NAME, KEY_FLAGS, KEY_COMPILER, KEY_PORTABLE };

struct look {
    const char *text;
    const char *signature; /* of a kernel; NULL: the text is a statement */
    const char *output;
    const char *name;
    tw_compile_options compile;
    struct cli_notation notation;
    struct cli_bindings types; /* NAME=DTYPE or NAME=FILE */
    int is_compile, with_c;
};

/* "y=float64" or "x=FILE.npy" */
static error_t add_type(void *types, const char *option, const char *item)
{
    return cli_bindings_add(types, option, "NAME=DTYPE or NAME=FILE.npy", item, 0);
}

static error_t add_argument(struct look *look, const char *argument)
{
    if (look->text != NULL) {
        return cli_bad("unexpected argument '%s' after the statement", argument);
    }
    look->text = argument;
    return 0;
}

static error_t end(const struct look *look)
{
    if (look->text == NULL) {
        return cli_bad("missing statement, for example 'r[i] = 2 * x[i]'");
    }
    if (look->signature != NULL && cli_is_statement(look->text)) {
        return cli_bad("--signature: a statement has its own: '%s'", look->text);
    }
    if (look->signature != NULL && look->with_c) {
        return cli_bad("--c: is for statements, and %s is a kernel", look->text);
    }
    if (look->signature != NULL && cli_notation_refuse(&look->notation, look->text) != 0) {
        return EINVAL;
    }
    return look->is_compile && look->output == NULL ? cli_bad("missing output: give -o FILE.so") : 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct look *look = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &look->notation;
        return 0;
    case ARGP_KEY_ARG:
        return add_argument(look, argument);
    case ARGP_KEY_END:
        return end(look);
    case KEY_TYPES:
        /* An empty list names none: that of a statement without inputs. */
        return argument[0] == '\0' ? 0 : cli_list("--types", argument, 0, add_type, &look->types);
    case KEY_C:
        look->with_c = 1;
        return 0;
    case 's':
        look->signature = argument;
        return 0;
    case 'o':
        look->output = argument;
        return 0;
    case KEY_NAME:
        look->name = argument;
        return 0;
    case KEY_FLAGS:
        look->compile.flags = argument;
        return 0;
    case KEY_COMPILER:
        look->compile.compiler = argument;
        return 0;
    case KEY_PORTABLE:
        look->compile.portable = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- dtypes ---- */

static tw_status settle_types(const struct look *look, tw_statement *statement, tw_error *error)
{
    const tw_signature *signature = tw_statement_signature(statement);
    struct cli_types types;
    if (cli_types_read(&types, &look->types, signature, "statement", error) != TW_OK) {
        return error->status;
    }
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        if (types.found[k] || tw_signature_role(signature, k) == TW_OUT) {
            continue;
        }
        if (look->is_compile) {
            return cli_error(error, TW_ERROR_ARGUMENT, "'%s' has no dtype: give --types %s=float64, or another",
                             tw_signature_operand(signature, k), tw_signature_operand(signature, k));
        }
        types.dtype[k] = tw_dtype_of(TW_FLOAT64);
    }
    return tw_statement_types(statement, types.dtype, error);
}

/* ---- the two commands ---- */

static void print_signature(const tw_statement *statement, FILE *file)
{
    tw_dtype dtypes[TW_MAX_OPERANDS];
    char text[8192]; /* a signature's text has 4096 characters at most, dtypes aside */
    int noperands;
    tw_signature_operands(tw_statement_signature(statement), &noperands);
    for (int k = 0; k < noperands; k++) {
        dtypes[k] = tw_statement_dtype(statement, k);
    }
    tw_signature_text(tw_statement_signature(statement), dtypes, text, sizeof text);
    fputs(text, file);
}

static tw_status explain(const struct look *look, tw_statement *statement, tw_error *error)
{
    if (tw_statement_explain(statement, stdout, error) != TW_OK) {
        return error->status;
    }
    char *text;
    if (look->with_c) {
        if (tw_statement_source(statement, &text, error) != TW_OK) {
            return error->status;
        }
        printf("\n%s", text);
        free(text);
    }
    return TW_OK;
}

static tw_status compile(const struct look *look, tw_statement *statement, tw_error *error)
{
    const char *name = look->name != NULL ? look->name : "kernel";
    if (tw_statement_compile(statement, look->output, name, &look->compile, error) != TW_OK) {
        return error->status;
    }
    printf("%s:%s -s '", look->output, name);
    print_signature(statement, stdout);
    puts("'");
    return TW_OK;
}

static int do_command(const struct argp *argp, int argc, char **argv, const char *name, int is_compile)
{
    /* What is compiled for another machine must run there. */
    struct look look = {.is_compile = is_compile, .compile = {.flags = "-O3"}};
    tw_statement *statement = NULL;
    tw_error error;
    int code = cli_parse(argp, argc, argv, name, &look);
    if (code == CLI_DONE && look.signature != NULL) {
        code = cli_types_explain(look.signature, &look.notation, &look.types, &error) == TW_OK ? CLI_DONE
                                                                                               : cli_fail(&error);
    } else if (code == CLI_DONE) {
        const int done = cli_statement_parse(&statement, look.text, &look.notation, NULL, &error) == TW_OK &&
                         settle_types(&look, statement, &error) == TW_OK &&
                         (is_compile ? compile : explain)(&look, statement, &error) == TW_OK;
        code = done ? CLI_DONE : cli_fail(&error);
    }
    tw_statement_destroy(statement);
    cli_notation_fini(&look.notation);
    cli_bindings_fini(&look.types);
    return code;
}

static const struct argp_child children[] = {{&cli_notation_argp, 0, NULL, 0}, {0}};

#define TYPES                                                                                                          \
    {                                                                                                                  \
        "types", KEY_TYPES, "NAME=DTYPE,...", 0, "The operands' dtypes, or .npy files with these dtypes", 0            \
    }

int cli_explain(int argc, char **argv)
{
    static const struct argp_option options[] = {
        TYPES,
        {"signature", 's', "SIGNATURE", 0, "The signature of a KERNEL, which is explained instead of a statement", 0},
        {"c", KEY_C, NULL, 0, "Print the C that the statement becomes", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "STATEMENT\nKERNEL -s SIGNATURE",
        .children = children,
        .doc =
            "Show what a statement does: its signature, the dtype of each part, what it reads, writes and computes."
            "\v"
            "Inputs that --types does not name are assumed to be float64. For a kernel, the operands and their dtypes "
            "are shown; an output whose dtype is not given has the inputs' dtype if they agree, else float64.\n"
            "\n"
            "Examples:\n"
            "  tilework explain 'r[i,j] = sum(k: a[i,k] * b[k,j])'\n"
            "  tilework explain 'r[i] = uint8(0.5 * x[i])' --types x=uint8 --c\n"
            "  tilework explain mult.c:mult -s 'y[i], x[j] -> r[i,j]' --types y=int8\n"};
    return do_command(&argp, argc, argv, "tilework explain", 0);
}

int cli_compile(int argc, char **argv)
{
    static const struct argp_option options[] = {
        TYPES,
        {"output", 'o', "FILE.so", 0, "The shared object to write", 0},
        {"name", KEY_NAME, "NAME", 0, "The function's name; default: kernel", 0},
        {"compiler", KEY_COMPILER, "PROGRAM", 0, "Default: $TILEWORK_CC, else cc, gcc or clang", 0},
        {"flags", KEY_FLAGS, "FLAGS", 0, "Default: -O3, for any processor of this kind; -O3 -march=native for this one",
         0},
        {"portable", KEY_PORTABLE, NULL, 0,
         "Code for several levels of the processor's family in one file; each machine uses its highest", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "STATEMENT -o FILE.so",
        .children = children,
        .doc =
            "Compile a statement into a shared object, for machines that have no compiler."
            "\v"
            "On such a machine, run the statement with 'tilework run STATEMENT --kernel FILE.so'. If it needs no "
            "lengths, parameters or neighbours, 'tilework run FILE.so:NAME -s SIGNATURE' works too; the signature is "
            "printed. Parameters get their values in the run; here --param NAME=NUMBER says whether they are whole "
            "numbers.\n"
            "\n"
            "Examples:\n"
            "  tilework compile 'r[i,j] = y[i] * x[j]' -o mult.so \\\n"
            "      --types y=float64,x=float64\n"
            "  tilework compile 'r[i] = exp(x[i])' -o e.so --types x=float32 --portable\n"};
    return do_command(&argp, argc, argv, "tilework compile", 1);
}
