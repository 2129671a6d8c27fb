/* nodes.c - `tilework run --node`: which node of how many the process is, and what is said about its part of a job.
 * Knows the options, not how nodes work together. */
#include "nodes.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "report_file.h"
#include "strict.h"
#include "units.h"

error_t cli_node_check(const struct cli_request *request)
{
    if (request->node == NULL || request->replay || request->is_plan) {
        return 0;
    }
    if (request->no_journal) {
        return cli_bad("--no-journal and --node exclude each other: nodes learn from their journals what is done");
    }
    if (request->verify) {
        return cli_bad("--verify and --node exclude each other: nodes compare the checksums of tiles done twice; to "
                       "compute all tiles again, use --restart");
    }
    if (request->check) {
        return cli_bad(
            "--check and --node exclude each other: no node computes everything; use --check without --node");
    }
    return 0;
}

/* out/report.json becomes out/report.node-3.json; standard output, a device or a pipe is what it is. */
static tw_status name_file(char **name, const struct cli_node *node, const char *path, tw_error *error)
{
    if (path == NULL) {
        return TW_OK;
    }
    if (!node->is_given || strcmp(path, "-") == 0 || cli_report_file_is_special(path)) {
        *name = strdup(path);
    } else {
        const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path, *dot = strrchr(last, '.');
        const int stem = (int)(dot != NULL && dot > last ? dot - path : (ptrdiff_t)strlen(path));
        if (asprintf(name, "%.*s.node-%" PRId64 "%s", stem, path, node->node.index, path + stem) < 0) {
            *name = NULL;
        }
    }
    return *name != NULL ? TW_OK : cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
}

static tw_status name_files(struct cli_node *node, const struct cli_request *request, tw_error *error)
{
    const tw_status status = name_file(&node->report, node, request->report, error);
    return status == TW_OK ? name_file(&node->trace, node, request->trace, error) : status;
}

tw_status cli_node_begin(struct cli_node *node, const struct cli_request *request, char *describe, tw_error *error)
{
    node->describe = describe;
    node->is_given = request->node != NULL;
    if (node->is_given) {
        node->workers = tw_node_workers();
        node->restarts = request->restart;
    }
    const tw_status status = node->is_given ? tw_node_find(&node->node, request->node, error) : TW_OK;
    return status == TW_OK ? name_files(node, request, error) : status;
}

tw_status cli_node_compile(struct cli_node *node, const char *file, tw_compile_options *compile, tw_error *error)
{
    if (!node->is_given) {
        return TW_OK;
    }
    if (asprintf(&node->folder, "%s.run", file) < 0) {
        node->folder = NULL;
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    compile->portable = 1;
    compile->look_in = node->restarts ? NULL : node->folder; /* which goes then */
    return TW_OK;
}

void cli_node_say_done(const struct cli_node *node, const tw_report *report, const tw_outputs_totals *totals,
                       const char *remark)
{
    char tiles[CLI_UNITS_TEXT], workers[CLI_UNITS_TEXT], seconds[CLI_UNITS_TEXT], count[CLI_UNITS_TEXT];
    char more[4 * CLI_UNITS_TEXT] = "";
    size_t used = 0;
    tw_report_totals own;
    tw_report_get_totals(report, &own);
    const uint64_t others = totals->elsewhere + totals->skipped;
    cli_text_count(tiles, sizeof tiles, totals->tiles > others ? totals->tiles - others : 0, "tile", "tiles");
    cli_pool_text(workers, sizeof workers, own.pool, own.workers);
    cli_text_seconds(seconds, sizeof seconds, own.seconds);
    if (totals->elsewhere > 0) {
        cli_text_count(count, sizeof count, totals->elsewhere, "tile", "tiles");
        used += (size_t)snprintf(more + used, sizeof more - used, "; %s by other nodes", count);
    }
    if (totals->twice > 0) {
        cli_text_count(count, sizeof count, totals->twice, "tile", "tiles");
        used += (size_t)snprintf(more + used, sizeof more - used, "; %s also by another node", count);
    }
    if (own.deaths > 0) {
        cli_text_count(count, sizeof count, (uint64_t)own.deaths, "worker", "workers");
        snprintf(more + used, sizeof more - used, "; %s died and %s replaced", count, own.deaths == 1 ? "was" : "were");
    }
    cli_say("node %lld of %lld: %s on %s in %s%s%s%s", (long long)node->node.index, (long long)node->node.count, tiles,
            workers, seconds, remark[0] != '\0' ? "; " : "", remark, more);
}

void cli_node_say_finished(const char *file)
{
    cli_say("%s: already finished", file);
}

void cli_node_fini(struct cli_node *node)
{
    free(node->report);
    free(node->trace);
    free(node->describe);
    free(node->folder);
    *node = (struct cli_node){0};
}
