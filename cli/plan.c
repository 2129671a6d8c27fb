/* plan.c - tilework plan: what `tilework run` with the same arguments would cost, said before it. Knows the order of
 * the steps, as run.c does, but writes no output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "recipe.h"
#include "request.h"
#include "retype.h"
#include "units.h"

struct planning {
    const struct cli_request *request;
    struct cli_recipe recipe;
    struct cli_reductions reductions;
    tw_grid *grid;
    struct cli_operands operands;
};

static tw_status prepare(struct planning *planning, tw_error *error)
{
    const struct cli_request *request = planning->request;
    int64_t itemsizes[TW_MAX_OPERANDS];
    if (cli_recipe_begin(&planning->recipe, request->kernel, request->signature, &request->notation, &request->lengths,
                         error) != TW_OK ||
        cli_operands_bind_some(&planning->operands, planning->recipe.signature, &request->inputs, &request->outputs,
                               error) != TW_OK ||
        cli_operands_open(&planning->operands, error) != TW_OK ||
        cli_recipe_settle(&planning->recipe, &planning->operands, &request->lengths, &request->dtypes, itemsizes,
                          error) != TW_OK ||
        cli_operands_sizes(&planning->operands, planning->recipe.lengths, error) != TW_OK ||
        cli_reductions_open(&planning->reductions, planning->recipe.signature, &request->reductions, &request->compile,
                            error) != TW_OK ||
        cli_recipe_divide(&planning->grid, &planning->recipe, &request->splits, &planning->reductions, itemsizes,
                          error) != TW_OK) {
        return error->status;
    }
    return cli_recipe_open(&planning->recipe, request->kernel, request->object, &request->compile, error);
}

/* The folder of the first output that has a file (free it); NULL: the current one. */
static char *folder_of(const struct cli_operands *operands)
{
    for (int k = 0; k < operands->count; k++) {
        const char *target = operands->operand[k].target, *slash = target != NULL ? strrchr(target, '/') : NULL;
        if (slash != NULL) {
            return strndup(target, slash > target ? (size_t)(slash - target) : 1);
        }
    }
    return NULL;
}

static tw_status make(const struct planning *planning, tw_plan *plan, tw_error *error)
{
    const struct cli_request *request = planning->request;
    tw_array *arrays[TW_MAX_OPERANDS];
    tw_dtype dtypes[TW_MAX_OPERANDS];
    tw_work work;
    for (int k = 0; k < planning->operands.count; k++) {
        arrays[k] = planning->operands.operand[k].input;
        dtypes[k] = planning->operands.operand[k].dtype;
    }
    const int counted = planning->recipe.statement != NULL &&
                        tw_statement_work(planning->recipe.statement, planning->recipe.lengths, &work, error) == TW_OK;
    char *folder = folder_of(&planning->operands);
    const tw_plan_options wish = {.workers = request->pool.workers,
                                  .no_run = request->plan.no_run,
                                  .scratch_size = request->scratch,
                                  .work = counted ? &work : NULL,
                                  .files = 1,
                                  .folder = folder,
                                  .bandwidth = {.again = request->plan.measure},
                                  .nodes = request->plan.nodes};
    cli_flush(); /* a worker that exits would print again what is waiting here */
    const tw_status status = tw_plan_make(plan, planning->recipe.kernel, planning->grid, arrays, dtypes, &wish, error);
    free(folder);
    return status;
}

/* ---- what is printed ---- */

static void print_facts(const tw_plan *plan)
{
    char text[CLI_UNITS_TEXT], more[CLI_UNITS_TEXT], most[CLI_UNITS_TEXT], tiles[CLI_UNITS_TEXT];
    printf("%s\n", plan->why);
    printf("reads %s, writes %s", cli_text_bytes(text, sizeof text, (int64_t)plan->bytes_read),
           cli_text_bytes(more, sizeof more, (int64_t)plan->bytes_written));
    if (plan->operations > 0) {
        printf(", %.3g operations", plan->operations);
    }
    printf("\nmemory read");
    for (int n = 0; n < plan->bandwidth.count; n++) {
        printf("%s %.1f GB/s with %d", n > 0 ? "," : "", plan->bandwidth.row[n].read / 1e9,
               plan->bandwidth.row[n].threads);
    }
    printf("; written");
    for (int n = 0; n < plan->bandwidth.count; n++) {
        printf("%s %.1f GB/s with %d", n > 0 ? "," : "", plan->bandwidth.row[n].write / 1e9,
               plan->bandwidth.row[n].threads);
    }
    printf("\n");
    if (plan->note[0] != '\0') {
        printf("no tile was timed: %s\n", plan->note);
    } else if (plan->timed > 0) {
        printf("timed %s: %s%s each (%s to %s)\n", cli_text_count(tiles, sizeof tiles, plan->timed, "tile", "tiles"),
               plan->at_least ? "at least " : "", cli_text_seconds(text, sizeof text, plan->mean),
               cli_text_seconds(more, sizeof more, plan->shortest), cli_text_seconds(most, sizeof most, plan->longest));
    } else {
        printf("from counts alone: no tile was run\n");
    }
}

static void print_table(const tw_plan *plan)
{
    char pool[CLI_UNITS_TEXT], seconds[CLI_UNITS_TEXT];
    printf("\n%-16s %12s %10s   %s\n", "", plan->at_least ? "at least" : "predicted", "GB/s", "limit");
    for (int k = 0; k < plan->count; k++) {
        const tw_forecast *row = &plan->forecast[k];
        if (row->pool == TW_SERIAL) {
            snprintf(pool, sizeof pool, "serial");
        } else {
            cli_pool_text(pool, sizeof pool, row->pool, row->workers);
        }
        printf("%-16s %12s %10.2f   %s%s\n", pool, cli_text_seconds(seconds, sizeof seconds, row->seconds),
               row->bytes_per_second / 1e9, tw_limit_name(row->limit), k == plan->best ? "   <- best" : "");
    }
    printf("\n%s\n", plan->advice);
}

static void print_line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-16s %s\n", name, text);
    }
}

/* Text within "...", where a shell looks at these characters. */
static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (strchr("\"\\$`", *text) != NULL) {
            putchar('\\');
        }
        putchar(*text);
    }
    putchar('"');
}

/* What each node runs (free it); NULL: memory is short. Outputs that were given no file get one: nodes write to files.
 */
static char *node_command(const char *command, const struct cli_operands *operands)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = command != NULL ? open_memstream(&text, &size) : NULL;
    if (stream == NULL) {
        return NULL;
    }
    fputs(command, stream);
    for (int k = 0; k < operands->count; k++) {
        const char *name = tw_signature_operand(operands->signature, k);
        if (tw_signature_role(operands->signature, k) != TW_IN && operands->operand[k].target == NULL) {
            /* what is read and written is never read from the file that it is written to */
            fprintf(stream, " -o %s=%s%s.npy", name, name, operands->operand[k].source != NULL ? ".after" : "");
        }
    }
    fputs(" --node auto", stream);
    if (fclose(stream) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static void print_nodes(const tw_plan *plan, const char *command)
{
    const tw_node_plan *made = &plan->on_nodes;
    char text[CLI_UNITS_TEXT], more[CLI_UNITS_TEXT], tiles[CLI_UNITS_TEXT];
    printf("\non %lld node%s of %d workers: %s%s, if each is like this one; at most %s each\n", (long long)made->nodes,
           made->nodes == 1 ? "" : "s", made->workers, plan->at_least ? "at least " : "",
           cli_text_seconds(text, sizeof text, made->seconds),
           cli_text_count(tiles, sizeof tiles, made->tiles, "tile", "tiles"));
    printf("%-16s %s in all, %s by one node at most\n", "reads",
           cli_text_bytes(text, sizeof text, (int64_t)made->bytes_read),
           cli_text_bytes(more, sizeof more, (int64_t)made->node_read));
    printf("%-16s %s in all, %s by one node at most\n", "writes",
           cli_text_bytes(text, sizeof text, (int64_t)made->bytes_written),
           cli_text_bytes(more, sizeof more, (int64_t)made->node_written));
    printf("%-16s %s on each node\n", "memory", cli_text_bytes(text, sizeof text, (int64_t)made->node_memory));
    print_line("every tile needs", made->whole);
    print_line("cuts", made->cuts);
    print_line("file system", made->rules);
    printf("%s\n\n%s --wrap ", made->advice, made->sbatch);
    print_quoted(command != NULL ? command : "tilework run ... --node auto");
    putchar('\n');
}

/* "tilework run ..." with the arguments of the plan (free it); NULL: memory is short. */
static char *run_command(int argc, char **argv)
{
    struct cli_retype retype;
    cli_retype_init(&retype, argc, argv);
    char *described = cli_retype_describe(&retype);
    cli_retype_fini(&retype);
    return described;
}

int cli_plan(int argc, char **argv)
{
    struct cli_request request;
    char *command = run_command(argc, argv); /* before the parser moves arguments */
    struct planning planning = {.request = &request};
    tw_plan *plan = calloc(1, sizeof *plan);
    tw_error error;
    int code = cli_request_parse_plan(&request, argc, argv);
    if (code == CLI_DONE && plan == NULL) {
        code = cli_fail((cli_error(&error, TW_ERROR_MEMORY, "not enough memory for a plan"), &error));
    }
    if (code == CLI_DONE && (prepare(&planning, &error) != TW_OK || make(&planning, plan, &error) != TW_OK)) {
        code = cli_fail(&error);
    } else if (code == CLI_DONE && request.plan.json) {
        code = tw_plan_write_json(plan, stdout, &error) == TW_OK ? CLI_DONE : cli_fail(&error);
    } else if (code == CLI_DONE) {
        print_facts(plan);
        print_table(plan);
        if (request.plan.nodes > 0) {
            char *on_nodes = node_command(command, &planning.operands);
            print_nodes(plan, on_nodes);
            free(on_nodes);
        }
    }
    free(plan);
    free(command);
    cli_operands_fini(&planning.operands);
    tw_grid_destroy(planning.grid);
    cli_reductions_fini(&planning.reductions);
    cli_recipe_fini(&planning.recipe);
    cli_request_fini(&request);
    return code;
}
