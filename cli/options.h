/* options.h - what the commands' options have in common: --help and --version, the pool, the splits. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include <tilework/tilework.h>

/* Keys of options that have no short form. */
enum cli_key {
    CLI_KEY_POOL = 256,
    CLI_KEY_CUT,
    CLI_KEY_TILE,
    CLI_KEY_PARTS,
    CLI_KEY_FIRST /* commands' own keys start here */
};

/* Parses a command's arguments; `name` is how it is called ("tilework run"), argv[0] is not looked at. --help and
 * --version are added, print and end the program. Returns 0, or CLI_USAGE, having said what is wrong. */
int cli_parse(const struct argp *argp, int argc, char **argv, const char *name, void *input);

/* --pool, --workers: the input of cli_pool_argp, and of cli_pools_argp where all pools are the default. All zeros: the
 * defaults. */
struct cli_pool_choice {
    tw_pool_kind kind;
    int kind_given;
    int workers; /* 0: not given */
};
extern const struct argp cli_pool_argp, cli_pools_argp;

const char *cli_pool_name(tw_pool_kind kind);                                 /* "threads" */
char *cli_pool_text(char *text, size_t size, tw_pool_kind kind, int workers); /* "2 threads", "1 process" */

/* --cut, --tile, --parts: the input of cli_split_argp. All zeros: none given. */
struct cli_splits {
    tw_split *split; /* [count]; axes and cuts are owned */
    size_t count;
};
extern const struct argp cli_split_argp;
void cli_splits_fini(struct cli_splits *splits);

#endif
