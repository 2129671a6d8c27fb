/* again.c - a command that the user can type: arguments put together again, quoted for a shell. Knows how the options
 * are spelled, not what they do. */
#include "again.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_again_init(struct cli_again *again, int argc, char **argv)
{
    again->argc = argc;
    again->argv = calloc((size_t)argc + 1, sizeof *again->argv);
    for (int k = 0; again->argv != NULL && k < argc; k++) {
        again->argv[k] = argv[k]; /* the parser moves pointers about, not what they point to */
    }
}

void cli_again_fini(struct cli_again *again)
{
    free(again->argv);
}

static void put_quoted(FILE *text, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./%@^";
    fputc(' ', text);
    if (argument[0] != '\0' && strspn(argument, plain) == strlen(argument)) {
        fputs(argument, text);
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

char *cli_again_resume(const struct cli_again *again)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = again->argv != NULL ? open_memstream(&data, &size) : NULL;
    if (text == NULL) {
        return NULL;
    }
    fputs("tilework run --resume", text);
    for (int k = 1; k < again->argc; k++) {
        if (!begins(again->argv[k], "--resume", 5) && !begins(again->argv[k], "--restart", 6)) {
            put_quoted(text, again->argv[k]);
        }
    }
    return close_text(text, &data);
}

char *cli_again_replay(const struct cli_again *again, unsigned long long tile)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = again->argv != NULL ? open_memstream(&data, &size) : NULL;
    if (text == NULL) {
        return NULL;
    }
    fprintf(text, "tilework replay %llu", tile);
    for (int k = 1; k < again->argc;) {
        const int skipped = output_arguments(again->argv[k]);
        if (skipped == 0 && !is_about_unfinished(again->argv[k])) {
            put_quoted(text, again->argv[k]);
        }
        k += skipped > 0 ? skipped : 1;
    }
    return close_text(text, &data);
}
