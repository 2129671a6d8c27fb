/* again.h - a command that the user can type: the one that was typed, with changes. */
#ifndef CLI_AGAIN_H
#define CLI_AGAIN_H

struct cli_again {
    int argc;
    char **argv; /* a copy of what the command was given, argv[0] being its name; NULL: memory was short */
};

void cli_again_init(struct cli_again *again, int argc, char **argv);
void cli_again_fini(struct cli_again *again);

/* "tilework run --resume ...", quoted for a shell. NULL where memory is short; to be freed. */
char *cli_again_resume(const struct cli_again *again);

/* "tilework replay 7 ...", without the output files. */
char *cli_again_replay(const struct cli_again *again, unsigned long long tile);

#endif
