/* main.c - tilework: finds the command and hands over. Knows the commands' names, not what they do. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exit.h"
#include "options.h"
#include "strict.h"

static const struct {
    const char *name;
    int (*function)(int argc, char **argv);
} commands[] = {{"run", cli_run},         {"status", cli_status},   {"replay", cli_replay}, {"plan", cli_plan},
                {"explain", cli_explain}, {"compile", cli_compile}, {"demo", cli_demo},     {"show", cli_show},
                {"info", cli_info},       {"bench", cli_bench}};

static const char doc[] =
    "Run a kernel over the tiles of n-d arrays, each tile writing its own part of the result in place."
    "\v"
    "Commands:\n"
    "  run     run a statement or a kernel on .npy files\n"
    "  status  say how far a run on several nodes is\n"
    "  replay  run one tile of such a run alone, for debuggers\n"
    "  plan    say what such a run would cost, and whether more workers pay\n"
    "  explain show what a statement does\n"
    "  compile compile a statement for other machines\n"
    "  demo    run one job serially, on threads and on processes\n"
    "  show    describe .npy files\n"
    "  info    describe what this machine offers\n"
    "  bench   measure this machine\n"
    "\n"
    "Examples:\n"
    "  tilework demo\n"
    "  tilework run 'r[i,j] = y[i] * x[j]' y=y.npy x=x.npy -o r=r.npy\n"
    "  tilework run mult.c:mult -s 'y[i], x[j] -> r[i,j]' \\\n"
    "      y=y.npy x=x.npy -o r=r.npy\n"
    "  tilework show r.npy\n"
    "  tilework run --help\n"
    "\n"
    "Exit codes: 0 done; 1 the job failed; 2 the request makes no sense; 3 a file cannot be read or written, or "
    "its contents are not valid; 4 not enough memory, disk or processes; 130 interrupted.";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)state;
    switch (key) {
    case ARGP_KEY_ARG:
        return cli_bad("'%s' is not a command: run, status, replay, plan, explain, compile, demo, show, info or bench",
                       argument);
    case ARGP_KEY_NO_ARGS:
        return cli_bad("missing command: give run, status, replay, plan, explain, compile, demo, show, info or bench");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Where a standard descriptor is closed, the next file that is opened would get its number, and whatever is printed
 * would go into that file. Output that somebody waits for must still fail, so the stand-in for standard output cannot
 * be written. */
static int fill_standard_descriptors(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) {
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {.parser = parse, .args_doc = "COMMAND [ARGUMENT...]", .doc = doc};
    if (!fill_standard_descriptors()) {
        return CLI_FILE;
    }
    argp_err_exit_status = CLI_USAGE;
    signal(SIGCHLD, SIG_DFL); /* who started this may have ignored it: how a compiler or a worker ended would be lost */
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error code then, not a death */
    for (size_t c = 0; argc > 1 && c < sizeof commands / sizeof commands[0]; c++) {
        if (strcmp(argv[1], commands[c].name) == 0) {
            return cli_finish(commands[c].function(argc - 1, argv + 1));
        }
    }
    if (argc == 0) {
        cli_say("called without a name");
        return CLI_USAGE;
    }
    return cli_parse(&argp, argc, argv, "tilework", NULL);
}
