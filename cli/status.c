/* status.c - tilework status: how far a job on nodes is, what each node does, and what made a finished file. Reads, and
 * changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "exit.h"
#include "interrupt.h"
#include "options.h"
#include "strict.h"
#include "units.h"

#define MOST_DISAGREEMENTS 10 /* that are listed */
#define LONG_SILENT 30        /* seconds without a record after which a node with work is pointed out */

static const char doc[] = "Say how far a job of 'tilework run --node' is: tiles done, rate, time left; what each node "
                          "has done, on which host, "
                          "and when it last recorded a tile; failed tiles, and tiles for which two nodes have computed "
                          "different bytes. FILE is "
                          "the job's first output, or the folder FILE.run that lies beside it while the job runs."
                          "\v"
                          "Nothing is changed, and no node is asked: what the nodes have recorded is read, from any "
                          "machine that has the file "
                          "system. A node is known once it has started. Times since a node's last record compare the "
                          "clocks of two machines. Of "
                          "a finished file it says which command made it.\n"
                          "\n"
                          "Examples:\n"
                          "  tilework status r.npy\n"
                          "  tilework status r.npy --watch\n"
                          "  tilework status r.npy --json\n";

enum { KEY_WATCH = CLI_KEY_FIRST, KEY_JSON };

static const struct argp_option options[] = {
    {"watch", KEY_WATCH, "SECONDS", OPTION_ARG_OPTIONAL,
     "Show it again every 2 (or SECONDS) seconds, until the job is finished; Ctrl-C ends", 0},
    {"json", KEY_JSON, NULL, 0, "Print it as JSON; with --watch, one document after the other", 0},
    {0}};

struct look {
    const char *file;
    int64_t every; /* seconds; 0: once */
    int json;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct look *look = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (look->file != NULL) {
            return cli_bad("unexpected argument '%s' after the file '%s'", argument, look->file);
        }
        look->file = argument;
        return 0;
    case ARGP_KEY_END:
        return look->file != NULL ? 0 : cli_bad("missing file: give the first output of the job, such as r.npy");
    case KEY_WATCH:
        look->every = 2;
        return argument == NULL ? 0 : cli_number(&look->every, "--watch", argument, 1, 86400);
    case KEY_JSON:
        look->json = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- what is printed ---- */

/* A text that comes from a file, on one line. */
static void print_text(const char *before, const char *text)
{
    char *copy = strdup(text);
    printf("%s%s\n", before, copy != NULL ? cli_clean(copy, "") : "?");
    free(copy);
}

static void print_summary(const char *file, const tw_job_status *status)
{
    char left[CLI_UNITS_TEXT], tiles[CLI_UNITS_TEXT], more[2 * CLI_UNITS_TEXT] = "";
    char *name = strdup(file);
    if (name == NULL) {
        return;
    }
    cli_clean(name, "");
    cli_text_count(tiles, sizeof tiles, status->tiles, "tile", "tiles");
    if (status->finished && status->tiles == 0) {
        printf("%s: finished\n", name);
    } else if (status->finished) {
        printf("%s: finished, %s\n", name, tiles);
    } else {
        const double part = status->tiles > 0 ? 100 * (double)status->done / (double)status->tiles : 100;
        if (status->seconds_left >= 0 && status->done < status->tiles) {
            snprintf(more, sizeof more, ", %s left", cli_text_seconds(left, sizeof left, status->seconds_left));
        }
        printf("%s: %llu of %s (%.0f %%), %.*f tiles/s%s\n", name, (unsigned long long)status->done, tiles, part,
               status->rate < 10 ? 1 : 0, status->rate, more);
    }
    free(name);
    if (status->description != NULL) {
        print_text("made by: ", status->description);
    }
}

/* "3/8", and " #2" if it is the second start of the node. */
static void node_text(char *text, size_t size, const tw_node_state *node)
{
    const int used = snprintf(text, size, "%lld/%lld", (long long)node->node, (long long)node->count);
    if (node->member > 0 && used > 0 && (size_t)used < size) {
        snprintf(text + used, size - (size_t)used, " #%d", node->member + 1);
    }
}

static void print_node(const tw_node_state *node, int is_finished)
{
    char name[CLI_UNITS_TEXT], host[64], place[128], work[CLI_UNITS_TEXT], since[2 * CLI_UNITS_TEXT] = "-";
    char seconds[CLI_UNITS_TEXT];
    node_text(name, sizeof name, node);
    memcpy(host, node->host, sizeof host);
    host[sizeof host - 1] = '\0';
    snprintf(place, sizeof place, "%s:%lld", cli_clean(host, ""), (long long)node->pid);
    if (node->silent >= 0) {
        cli_text_seconds(seconds, sizeof seconds, node->silent);
        const int is_stalled = !is_finished && node->intended > 0 && node->silent >= LONG_SILENT;
        snprintf(since, sizeof since, is_stalled ? "nothing for %s" : "%s ago", seconds);
    }
    printf("%-10s %-24s %10llu %7llu %8llu %10s   %s\n", name, place, (unsigned long long)node->done,
           (unsigned long long)node->twice, (unsigned long long)node->intended,
           cli_text_seconds(work, sizeof work, node->at_work), since);
}

static void print_nodes(const tw_job_status *status)
{
    if (status->nnodes == 0) {
        return;
    }
    printf("\n%-10s %-24s %10s %7s %8s %10s   %s\n", "node", "host:process", "tiles", "twice", "doing", "at work",
           "last record");
    for (size_t k = 0; k < status->nnodes; k++) {
        print_node(&status->nodes[k], status->finished);
    }
}

static void print_troubles(const tw_job_status *status)
{
    for (size_t k = 0; k < status->nnodes; k++) {
        const tw_node_state *node = &status->nodes[k];
        if (node->failed) {
            char name[CLI_UNITS_TEXT], before[CLI_UNITS_TEXT + 64];
            node_text(name, sizeof name, node);
            snprintf(before, sizeof before, "failed: node %s, tile %llu: ", name,
                     (unsigned long long)node->failed_tile);
            print_text(before, node->failure);
        }
    }
    for (size_t k = 0; k < status->ndisagreements && k < MOST_DISAGREEMENTS; k++) {
        const tw_disagreement *row = &status->disagreements[k];
        if (row->node[0] == row->node[1]) {
            printf("different: tile %llu: node %lld computed it twice, with different bytes\n",
                   (unsigned long long)row->tile, (long long)row->node[0]);
        } else {
            printf("different: tile %llu: nodes %lld and %lld computed different bytes\n",
                   (unsigned long long)row->tile, (long long)row->node[0], (long long)row->node[1]);
        }
    }
    if (status->ndisagreements > MOST_DISAGREEMENTS) {
        printf("different: %zu tiles more\n", status->ndisagreements - MOST_DISAGREEMENTS);
    }
}

/* A terminal is wiped before it is shown again. */
static int show(const struct look *look, const tw_job_status *status, int again)
{
    tw_error error;
    if (look->json) {
        return tw_job_status_write_json(status, stdout, &error) == TW_OK ? CLI_DONE : cli_fail(&error);
    }
    if (look->every > 0 && isatty(STDOUT_FILENO)) {
        fputs("\033[H\033[2J", stdout);
    } else if (again) {
        putchar('\n');
    }
    print_summary(look->file, status);
    print_nodes(status);
    print_troubles(status);
    cli_flush();
    return CLI_DONE;
}

/* Sleeps; a signal ends it early. */
static void wait_seconds(int64_t seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds};
    nanosleep(&time, NULL);
}

int cli_status(int argc, char **argv)
{
    static const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE", .doc = doc};
    struct look look = {0};
    int code = cli_parse(&argp, argc, argv, "tilework status", &look);
    if (code == CLI_DONE && look.every > 0) {
        cli_interrupt_install(0);
    }
    for (int again = 0; code == CLI_DONE; again = 1) {
        tw_job_status status = {0};
        tw_error error;
        if (tw_job_status_read(&status, look.file, &error) != TW_OK) {
            return cli_fail(&error);
        }
        code = show(&look, &status, again);
        const int is_over = status.finished || look.every == 0 || ferror(stdout);
        tw_job_status_free(&status);
        if (is_over || code != CLI_DONE) {
            break;
        }
        wait_seconds(look.every);
        if (cli_interrupted()) {
            return CLI_INTERRUPTED;
        }
    }
    return code;
}
