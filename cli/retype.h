/* retype.h - a command that the user can type: the one that was typed, with changes. */
#ifndef CLI_RETYPE_H
#define CLI_RETYPE_H

struct cli_retype {
    int argc;
    char **argv; /* a copy of what the command was given, argv[0] being its name; NULL: memory was short */
};

void cli_retype_init(struct cli_retype *retype, int argc, char **argv);
void cli_retype_fini(struct cli_retype *retype);

/* "tilework run --resume ...", quoted for a shell. NULL if memory is short; to be freed. */
char *cli_retype_resume(const struct cli_retype *retype);

/* "tilework run ..." without what says how it is run: options about nodes, unfinished runs and messages. As above. */
char *cli_retype_describe(const struct cli_retype *retype);

/* "tilework replay 7 ...", without the output files. */
char *cli_retype_replay(const struct cli_retype *retype, unsigned long long tile);

#endif
