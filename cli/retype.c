/* retype.c - a command that the user can type: arguments put together again, quoted for a shell. Knows how the options
 * are spelled, not what they do. */
#include "retype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_retype_init(struct cli_retype *retype, int argc, char **argv)
{
    retype->argc = argc;
    retype->argv = calloc((size_t)argc + 1, sizeof *retype->argv);
    for (int k = 0; retype->argv != NULL && k < argc; k++) {
        retype->argv[k] = argv[k]; /* the parser moves pointers about, not what they point to */
    }
}

void cli_retype_fini(struct cli_retype *retype)
{
    free(retype->argv);
}

/* How many bytes from here on are one character that a terminal does not show, and that cli_clean replaces. */
static int control_length(const char *c)
{
    const unsigned char first = (unsigned char)c[0], second = first != '\0' ? (unsigned char)c[1] : 0;
    return first < ' ' || first == 0x7f ? 1 : first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

/* $'...' with octal escapes, which bash, zsh, ksh and others know: a name with a line end stays one word on one line.
 */
static void put_escaped(FILE *text, const char *argument)
{
    fputs("$'", text);
    for (const char *c = argument, *shown = argument; *c != '\0'; c++) {
        shown = c < shown ? shown : c + control_length(c);
        if (c < shown) {
            fprintf(text, "\\%03o", (unsigned)(unsigned char)*c);
        } else if (*c == '\'' || *c == '\\') {
            fprintf(text, "\\%c", *c);
        } else {
            fputc(*c, text);
        }
    }
    fputc('\'', text);
}

static int has_control(const char *argument)
{
    while (*argument != '\0' && control_length(argument) == 0) {
        argument++;
    }
    return *argument != '\0';
}

static void put_quoted(FILE *text, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./%@^";
    fputc(' ', text);
    if (argument[0] != '\0' && strspn(argument, plain) == strlen(argument)) {
        fputs(argument, text);
        return;
    }
    if (has_control(argument)) {
        put_escaped(text, argument);
        return;
    }
    fputc('\'', text);
    for (const char *c = argument; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("'\\''", text);
        } else {
            fputc(*c, text);
        }
    }
    fputc('\'', text);
}

static int begins(const char *argument, const char *long_option, size_t least)
{
    const size_t length = strcspn(argument, "=");
    return length >= least && strncmp(argument, long_option, length) == 0;
}

/* How many arguments from this one on give an output its file. */
static int output_arguments(const char *argument)
{
    if (argument[0] != '-') {
        return 0;
    }
    if (argument[1] == '-') {
        return !begins(argument, "--output", 3) ? 0 : strchr(argument, '=') != NULL ? 1 : 2;
    }
    const char *letter = argument + 1 + strspn(argument + 1, "vq");
    return *letter != 'o' ? 0 : letter[1] != '\0' ? 1 : 2;
}

static char *close_text(FILE *text, char **data)
{
    const int written = text != NULL && ferror(text) == 0;
    if (text == NULL || fclose(text) != 0 || !written) {
        return NULL;
    }
    return *data;
}

/* What is said about an unfinished run, not about the job. */
static int is_about_unfinished(const char *argument)
{
    return begins(argument, "--resume", 5) || begins(argument, "--restart", 6) || begins(argument, "--verify", 6);
}

char *cli_retype_resume(const struct cli_retype *retype)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = retype->argv != NULL ? open_memstream(&data, &size) : NULL;
    if (text == NULL) {
        return NULL;
    }
    fputs("tilework run --resume", text);
    for (int k = 1; k < retype->argc; k++) {
        if (!begins(retype->argv[k], "--resume", 5) && !begins(retype->argv[k], "--restart", 6)) {
            put_quoted(text, retype->argv[k]);
        }
    }
    return close_text(text, &data);
}

/* How many arguments from this one on say how the job is run, not what it is. */
static int manner_arguments(const char *argument)
{
    static const char *const alone[] = {"--progress", "--no-progress", "--quiet",   "--verbose", "-q",
                                        "-v",         "--json",        "--measure", "--no-run"};
    for (size_t k = 0; k < sizeof alone / sizeof alone[0]; k++) {
        if (strcmp(argument, alone[k]) == 0) {
            return 1;
        }
    }
    if (begins(argument, "--node", 6) || begins(argument, "--nodes", 7)) {
        return strchr(argument, '=') != NULL ? 1 : 2;
    }
    return is_about_unfinished(argument);
}

char *cli_retype_describe(const struct cli_retype *retype)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = retype->argv != NULL ? open_memstream(&data, &size) : NULL;
    if (text == NULL) {
        return NULL;
    }
    fputs("tilework run", text);
    for (int k = 1; k < retype->argc;) {
        const int skipped = manner_arguments(retype->argv[k]);
        if (skipped == 0) {
            put_quoted(text, retype->argv[k]);
        }
        k += skipped > 0 ? skipped : 1;
    }
    return close_text(text, &data);
}

char *cli_retype_replay(const struct cli_retype *retype, unsigned long long tile)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = retype->argv != NULL ? open_memstream(&data, &size) : NULL;
    if (text == NULL) {
        return NULL;
    }
    fprintf(text, "tilework replay %llu", tile);
    for (int k = 1; k < retype->argc;) {
        const char *argument = retype->argv[k];
        const int skipped = begins(argument, "--node", 6) ? manner_arguments(argument) : output_arguments(argument);
        if (skipped == 0 && !is_about_unfinished(argument)) {
            put_quoted(text, argument);
        }
        k += skipped > 0 ? skipped : 1;
    }
    return close_text(text, &data);
}
