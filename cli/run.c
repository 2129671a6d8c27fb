/* run.c - tilework run: everything is looked at before anything is created; the outputs get their names when the last
 * tile is done. Knows the order of the steps, each of which is done elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "deaths.h"
#include "exit.h"
#include "interrupt.h"
#include "nodes.h"
#include "outcome.h"
#include "progress.h"
#include "report_file.h"
#include "request.h"
#include "retype.h"
#include "stalls.h"
#include "unfinished.h"
#include "units.h"

struct run {
    const struct cli_request *request;
    struct cli_recipe recipe;
    struct cli_reductions reductions;
    tw_grid *grid;
    tw_pool *pool;
    tw_report *report;
    struct cli_operands operands;
    struct cli_where where;
    struct cli_report_file report_file, trace_file;
    struct cli_unfinished unfinished;
    struct cli_retype retype;
    struct cli_node node;
    tw_compile_options compile;
    int is_finished; /* by an earlier start of a node */
    tw_outputs_totals totals;
};

/* The kernel's file is no file to write to either. */
static tw_status add_kernel_path(struct cli_paths *paths, const struct cli_request *request, tw_error *error)
{
    const char *kernel = request->signature != NULL ? request->kernel : request->object;
    if (kernel == NULL) {
        return TW_OK; /* a statement has none */
    }
    const char *colon = strrchr(kernel, ':');
    char *file = strndup(kernel, colon != NULL ? (size_t)(colon - kernel) : strlen(kernel));
    if (file == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    const tw_status status = cli_paths_add(paths, error, file, 0, "the kernel");
    free(file);
    return status;
}

/* Else the kernel runs for its effects: no file is written, and there is no journal. */
static int has_outputs(const struct run *run)
{
    return cli_operands_first_output(&run->operands) != NULL;
}

/* What is about files that are written. */
static tw_status check_effects(const struct run *run, tw_error *error)
{
    const struct cli_request *request = run->request;
    const char *option = request->resume    ? "--resume"
                         : request->restart ? "--restart"
                         : request->verify  ? "--verify"
                         : request->node    ? "--node"
                                            : NULL;
    return has_outputs(run) || option == NULL
               ? TW_OK
               : cli_error(error, TW_ERROR_ARGUMENT,
                           "%s: the signature has no output, so there is no journal of what is done", option);
}

static tw_status check_paths(struct run *run, tw_error *error)
{
    struct cli_paths *paths = calloc(1, sizeof *paths);
    if (paths == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the files' names");
    }
    tw_status status = cli_operands_paths(&run->operands, paths, error);
    if (status == TW_OK) {
        status = cli_report_file_paths(run->node.report, "report", paths, error);
    }
    if (status == TW_OK) {
        status = cli_report_file_paths(run->node.trace, "trace", paths, error);
    }
    if (status == TW_OK) {
        status = add_kernel_path(paths, run->request, error);
    }
    if (status == TW_OK) {
        status = cli_reductions_paths(&run->request->reductions, paths, error);
    }
    if (status == TW_OK) {
        status = cli_where_paths(&run->where, paths, error);
    }
    if (status == TW_OK && !run->request->no_journal && has_outputs(run)) {
        status = cli_paths_add(paths, error, cli_operands_first_output(&run->operands)->journal, 1, "the journal");
    }
    if (status == TW_OK && !run->request->no_journal && has_outputs(run)) {
        status = cli_paths_add(paths, error, cli_operands_first_output(&run->operands)->partials, 1,
                               "the run's partial results");
    }
    if (status == TW_OK) {
        status = cli_paths_check(paths, error);
    }
    cli_paths_fini(paths);
    free(paths);
    return status;
}

/* Memory that is not there would otherwise be found missing in the middle of the run, or not found at all. */
static tw_status check_scratch(const struct cli_request *request, tw_error *error)
{
    char each[CLI_UNITS_TEXT], workers_text[CLI_UNITS_TEXT];
    tw_machine machine;
    int64_t bytes;
    if (request->scratch == 0) {
        return TW_OK;
    }
    tw_machine_describe(&machine);
    const int workers = request->pool.kind == TW_SERIAL ? 1
                        : request->pool.workers > 0     ? request->pool.workers
                                                        : machine.workers;
    if (!__builtin_mul_overflow((int64_t)request->scratch, workers, &bytes) &&
        (bytes <= machine.memory_available || machine.memory_available == 0)) {
        return TW_OK;
    }
    return cli_error(error, TW_ERROR_MEMORY, "--scratch: not enough memory for %s each for %s; available: %s",
                     cli_text_bytes(each, sizeof each, (int64_t)request->scratch),
                     cli_text_count(workers_text, sizeof workers_text, (uint64_t)workers, "worker", "workers"),
                     machine.memory_reason);
}

static tw_status interrupted_before(tw_error *error)
{
    return cli_error(error, TW_ERROR_INTERRUPTED, CLI_INTERRUPTED_BEFORE);
}

/* Who writes into a pipe may never begin, or never end. */
static tw_status open_operands(struct run *run, tw_error *error)
{
    cli_interrupt_at_once(1);
    tw_status status = cli_interrupted() ? interrupted_before(error) : cli_operands_open(&run->operands, error);
    if (status == TW_OK) {
        status = cli_where_open(&run->where, error);
    }
    cli_interrupt_at_once(0);
    return status;
}

/* All that can be known without creating anything. */
static tw_status prepare(struct run *run, tw_error *error)
{
    const struct cli_request *request = run->request;
    run->compile = request->compile;
    int64_t itemsizes[TW_MAX_OPERANDS];
    if (cli_node_begin(&run->node, request, cli_retype_describe(&run->retype), error) != TW_OK ||
        cli_recipe_begin(&run->recipe, request->kernel, request->signature, &request->notation, &request->lengths,
                         error) != TW_OK ||
        cli_operands_bind(&run->operands, run->recipe.signature, &request->inputs, &request->outputs, error) != TW_OK ||
        check_effects(run, error) != TW_OK || cli_where_read(&run->where, request->where, error) != TW_OK ||
        check_paths(run, error) != TW_OK || open_operands(run, error) != TW_OK ||
        cli_recipe_settle(&run->recipe, &run->operands, &request->lengths, &request->dtypes, itemsizes, error) !=
            TW_OK ||
        cli_operands_sizes(&run->operands, run->recipe.lengths, error) != TW_OK ||
        check_scratch(request, error) != TW_OK ||
        cli_reductions_open(&run->reductions, run->recipe.signature, &request->reductions, &request->compile, error) !=
            TW_OK ||
        cli_recipe_divide(&run->grid, &run->recipe, &request->splits, &run->reductions, itemsizes, error) != TW_OK ||
        (has_outputs(run) && (cli_unfinished_look(&run->unfinished, error) != TW_OK ||
                              cli_node_compile(&run->node, cli_operands_first_output(&run->operands)->file,
                                               &run->compile, error) != TW_OK)) ||
        cli_recipe_open(&run->recipe, request->kernel, request->object, &run->compile, error) != TW_OK) {
        return error->status;
    }
    return TW_OK;
}

/* "continuing: 734 of 1000 tiles were done" */
static void say_continuing(const struct run *run)
{
    char dropped[CLI_UNITS_TEXT];
    tw_outputs_totals totals;
    tw_outputs_get_totals(run->unfinished.outputs, &totals);
    if (totals.dropped > 0) {
        cli_say("verified: %s not as recorded, to be run again",
                cli_text_count(dropped, sizeof dropped, totals.dropped, "finished tile is", "finished tiles are"));
    }
    if (totals.lost > 0) {
        cli_say("%s is missing or of another run: %s again", cli_operands_first_output(&run->operands)->partials,
                cli_text_count(dropped, sizeof dropped, totals.lost, "finished tile runs", "finished tiles run"));
    }
    if (totals.done > 0 && !totals.finished && !run->request->quiet) {
        cli_say("%s: %llu of %llu tiles were done", run->node.is_given ? "joining" : "continuing",
                (unsigned long long)totals.done, (unsigned long long)totals.tiles);
    }
}

/* The pool is opened last: worker processes are forked with all files mapped, before any thread exists. */
static tw_status execute(struct run *run, const int *stop, tw_error *error)
{
    const struct cli_request *request = run->request;
    struct cli_deaths deaths = {.progress = request->progress};
    const tw_pool_options pool_options = {
        .kind = request->pool.kind, .workers = request->pool.workers > 0 ? request->pool.workers : run->node.workers};
    tw_run_options run_options = {.scratch_size = request->scratch,
                                  .stop = stop,
                                  .retries = request->retries,
                                  .check = request->check,
                                  .keep_going = request->keep_going,
                                  .timeout = request->timeout,
                                  .tiles_per_worker = request->tiles_per_worker,
                                  .guard = request->guard,
                                  .died = cli_deaths_report,
                                  .died_user = &deaths,
                                  .stall_seconds = request->stall,
                                  .stalled = cli_stalls_report,
                                  .stalled_user = &deaths.progress,
                                  .progress = request->progress ? cli_progress_draw : NULL};

    cli_flush(); /* a worker that exits would print again what is waiting here */
    if (cli_report_file_open(&run->report_file, run->node.report, cli_report_form_of(request->report), error) !=
            TW_OK ||
        cli_report_file_open(&run->trace_file, run->node.trace, tw_report_write_trace, error) != TW_OK ||
        (has_outputs(run) && cli_unfinished_open(&run->unfinished, run->recipe.kernel, run->grid, error) != TW_OK)) {
        return error->status;
    }
    if (has_outputs(run)) {
        run->is_finished = cli_unfinished_is_finished(&run->unfinished);
        say_continuing(run);
    }
    if (run->is_finished) {
        return TW_OK;
    }
    if (tw_pool_open(&run->pool, &pool_options, error) != TW_OK) {
        return error->status;
    }
    if (tw_pool_note(run->pool) != NULL) {
        cli_say("note: %s", tw_pool_note(run->pool));
    }
    run_options.outputs = run->unfinished.outputs;
    if (!has_outputs(run)) {
        run_options.where = run->where.mask;
        run_options.where_axes = run->where.axes;
    }
    tw_array *inputs[TW_MAX_OPERANDS];
    for (int k = 0; k < run->operands.count; k++) {
        inputs[k] = run->operands.operand[k].input;
    }
    tw_status status = tw_run(run->pool, run->recipe.kernel, run->grid,
                              has_outputs(run) ? tw_outputs_operands(run->unfinished.outputs) : inputs, &run_options,
                              &run->report, error);
    if (request->progress) {
        cli_progress_end();
    }
    if (status == TW_OK && has_outputs(run)) {
        tw_outputs_get_totals(run->unfinished.outputs, &run->totals);
        status = cli_unfinished_commit(&run->unfinished, error);
    }
    return status;
}

/* Whether all is done, but somebody else's file has the name of an output. */
static int is_taken(const struct run *run, const tw_error *error)
{
    int found = 0;
    for (int k = 0; k < run->operands.count; k++) {
        const char *file = run->operands.operand[k].file;
        found |= file != NULL && access(file, F_OK) == 0;
    }
    return found && error->status == TW_ERROR_ARGUMENT;
}

/* What can be done about a run that has failed. */
static void advise(const struct run *run, const tw_error *error, uint64_t kept)
{
    char *command;
    if (error->tile >= 0 &&
        (error->status == TW_ERROR_KERNEL || error->status == TW_ERROR_WORKER || error->status == TW_ERROR_GUARD)) {
        command = cli_retype_replay(&run->retype, (unsigned long long)error->tile);
        if (command != NULL) {
            cli_say("to run this tile alone: %s", command);
        }
        free(command);
    }
    if (kept > 0 && run->node.is_given) {
        if (error->status != TW_ERROR_JOURNAL) { /* whose sentence says that only --restart helps */
            cli_say("%llu of %llu tiles are done and kept in %s.run; %sthe same command continues%s",
                    (unsigned long long)kept, (unsigned long long)tw_grid_count(run->grid),
                    cli_operands_first_output(&run->operands)->file,
                    is_taken(run, error) ? "move the file away, and " : "",
                    run->request->restart ? ", without --restart" : "");
        }
    } else if (kept > 0) {
        command = cli_retype_resume(&run->retype);
        cli_say("%llu of %llu tiles are done and kept in %s; to continue: %s", (unsigned long long)kept,
                (unsigned long long)tw_grid_count(run->grid), cli_operands_first_output(&run->operands)->unfinished,
                command != NULL ? command : "the same command with --resume");
        free(command);
    }
}

/* Writes the report and the trace, which are there also if the run has failed. `code` is what the command ends with if
 * both can be written. */
static int write_reports(struct run *run, int code)
{
    struct cli_report_file *files[] = {&run->report_file, &run->trace_file};
    for (int k = 0; k < 2; k++) {
        tw_error error;
        if (cli_report_file_write(files[k], run->report, &error) != TW_OK) {
            const int report_code = cli_fail(&error);
            code = code == CLI_DONE ? report_code : code;
        }
    }
    return code;
}

/* What was asked to be printed goes to standard output, unless the report or the trace is there. */
static int print_outcome(struct run *run, tw_status status, const tw_error *error, uint64_t kept)
{
    const struct cli_request *request = run->request;
    FILE *lines = run->report_file.standard_output || run->trace_file.standard_output ? stderr : stdout;
    int code = CLI_DONE;
    if (run->report != NULL) {
        if (request->verbose) {
            cli_print_tiles(lines, run->report);
        }
        if (request->check) {
            cli_print_check(lines, run->report, run->grid);
        }
        cli_flush();
    }
    if (status == TW_ERROR_CHECK && run->report != NULL) {
        cli_say("the result depends on the tiles; no output was written"); /* where, is among the lines */
        code = CLI_FAILED;
    } else if (status != TW_OK) {
        code = cli_fail(error);
        advise(run, error, kept);
    }
    if (run->is_finished && !request->quiet) {
        cli_node_say_finished(cli_operands_first_output(&run->operands)->file);
    }
    if (run->report != NULL) {
        code = write_reports(run, code);
        if (status == TW_OK && !request->quiet) {
            char remark[512];
            cli_operands_defaults_text(&run->operands, remark, sizeof remark);
            if (run->node.is_given) {
                cli_node_say_done(&run->node, run->report, &run->totals, remark);
            } else {
                cli_say_done(run->report, remark);
            }
            if (request->report != NULL || request->trace != NULL) {
                char advice[512];
                tw_report_advice(run->report, advice, sizeof advice);
                cli_say("advice: %s", advice);
            }
        }
    }
    return code;
}

static void run_fini(struct run *run)
{
    tw_pool_close(run->pool);
    cli_report_file_fini(&run->report_file);
    cli_report_file_fini(&run->trace_file);
    cli_unfinished_fini(&run->unfinished);
    cli_retype_fini(&run->retype);
    cli_node_fini(&run->node);
    cli_operands_fini(&run->operands);
    cli_where_fini(&run->where);
    tw_report_destroy(run->report);
    tw_grid_destroy(run->grid);
    cli_reductions_fini(&run->reductions);
    cli_recipe_fini(&run->recipe);
}

int cli_run(int argc, char **argv)
{
    struct cli_request request;
    struct run run = {.request = &request};
    tw_error error;
    run.unfinished.request = &request;
    run.unfinished.operands = &run.operands;
    run.unfinished.where = &run.where;
    run.unfinished.node = &run.node;
    uint64_t kept = 0;
    cli_retype_init(&run.retype, argc, argv);
    int code = cli_request_parse(&request, argc, argv);
    if (code == CLI_DONE) {
        const int *stop = cli_interrupt_install(!request.quiet && cli_progress_possible());
        if (request.node != NULL) {
            cli_interrupt_warnings();
        }
        tw_status status = cli_exit_watch() ? prepare(&run, &error)
                                            : cli_error(&error, TW_ERROR_MEMORY, "not enough memory for a handler");
        if (status == TW_OK && !cli_interrupted()) {
            status = execute(&run, stop, &error);
        }
        if (run.report == NULL && cli_interrupted()) {
            status = interrupted_before(&error); /* a compiler that got the Ctrl-C too is not to blame */
        }
        if (status != TW_OK) { /* before anything is said: all that is kept is safe by then */
            kept = cli_unfinished_failed(&run.unfinished, status == TW_ERROR_CHECK);
        }
        code = print_outcome(&run, status, &error, kept);
    }
    run_fini(&run);
    cli_exit_unwatch();
    cli_request_fini(&request);
    return code;
}
