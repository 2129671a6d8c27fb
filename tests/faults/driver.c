/* driver.c - every point of src/os/fault.c met inside one program: `fault_driver POOL WORKERS FOLDER` opens a pool,
 * runs a job with one fault, runs it again in the same pool without, closes, and looks for what was left open:
 * children, threads, descriptors, mappings, files. Writes TAP; one test for each point and action.
 *
 * Three jobs: results in memory of the pool's kind; results in files, with a journal, where a first run is cut short by
 * a failing tile and a second one resumes from the journal, and x is read with a halo; and a job of several steps in
 * files. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tilework/tilework.h>

#include "os/fault.h"

#include "held.h"
#include "points.h"
#include "quotient.h"
#include "step.h"

#define ROWS 24
#define COLUMNS 40
#define MOST_TILES (2 * ROWS + 1) /* of the job of several steps */
#define PATIENCE 120              /* seconds for a case */
#define FAILURE 7

static const tw_split rows_apart = {.axis = "i", .tile = 1};

/* What kernels and the driver tell each other: shared by all processes. */
struct board {
    _Atomic int calls[MOST_TILES];
    _Atomic int failing; /* tile that fails; -1: none */
};
static struct board *board;

/* c[i,j] = r - x, of a dtype that the kernel chooses. */
static int choose(const tw_tile *tile)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_view view;
    if (tw_tile_choose(tile, 3, &float64, &view) != 0) {
        return 1;
    }
    step_difference(&tile->operand[0], &tile->operand[1], &view);
    return 0;
}

/* Of the job of several steps; the fold between its two steps is the library's own. */
static int quotient(const tw_tile *tile)
{
    const int number = (int)tile->number + (*(const int *)tile->context == QUOTIENT_PART ? 0 : ROWS + 1);
    board->calls[number]++;
    if (tile->number == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    quotient_compute(tile);
    return number == board->failing ? tw_tile_fail(tile, FAILURE, "asked to fail") : 0;
}

/* The step; in memory also c[i,j]. The first tile is slow, so that others steal. */
static int step(const tw_tile *tile)
{
    board->calls[tile->number]++;
    if (tile->number == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    if ((int)tile->number == board->failing) {
        return tw_tile_fail(tile, FAILURE, "asked to fail");
    }
    if (tile->noperands > 3 && choose(tile) != 0) {
        return FAILURE;
    }
    const int has_halo = tile->operand[0].shape[0] > tile->operand[1].shape[0];
    return has_halo ? step_compute_inside(tile, ROWS) : step_compute(tile);
}

/* ---- what a program has open ---- */

struct holdings {
    int descriptors, threads, mappings, shared;
};

static struct holdings holdings(int threads_wanted)
{
    struct holdings held = {.threads = threads_now(threads_wanted), .descriptors = entries("/proc/self/fd")};
    char line[512], permissions[8];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%*s %7s", permissions) == 1) {
            held.mappings++;
            held.shared += permissions[3] == 's';
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
#if defined(__SANITIZE_ADDRESS__)
    held.mappings = held.shared; /* the others are the sanitizer's to make and keep */
#endif
    return held;
}

/* ---- one case ---- */

struct job {
    const struct setting *setting;
    tw_pool *pool;
    tw_kernel *kernel;
    tw_signature *signature;
    tw_grid *grid;
    tw_array *arrays[4]; /* the last in memory alone: its dtype is chosen */
    tw_outputs *outputs; /* files: the second and third of the arrays, once they are open */
    tw_choices *choices;
    tw_report_totals totals;
    tw_error error;
};

static char why[2048]; /* what was wrong with the case; empty: nothing */

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
    va_list arguments;
    const size_t used = strlen(why);
    va_start(arguments, format);
    vsnprintf(why + used, sizeof why - used, format, arguments);
    va_end(arguments);
    strncat(why, "\n", sizeof why - strlen(why) - 1);
}

static tw_status open_pool(struct job *job)
{
    const tw_pool_options options = {
        .kind = job->setting->kind, .workers = job->setting->workers, .heap_bytes = 64 << 20};
    return tw_pool_open(&job->pool, &options, &job->error);
}

static void fill_rows(tw_array *r)
{
    for (int64_t n = 0; n < ROWS * COLUMNS; n++) {
        ((double *)tw_array_data(r))[n] = step_r(n / COLUMNS, n % COLUMNS);
    }
}

static void fill(struct job *job)
{
    for (int64_t i = 0; i < ROWS; i++) {
        ((double *)tw_array_data(job->arrays[0]))[i] = step_x(i);
    }
    fill_rows(job->arrays[1]);
}

static void check_quotients(tw_array *const *operands)
{
    const double *r = tw_array_data(operands[0]), total = quotient_total(ROWS, COLUMNS);
    for (int64_t n = 0; n < ROWS * COLUMNS; n++) {
        const double wanted = step_r(n / COLUMNS, n % COLUMNS) / total;
        if (r[n] != wanted) {
            wrong("steps: row %lld: %g instead of %g", (long long)(n / COLUMNS), r[n], wanted);
            return;
        }
    }
}

static void check_results(tw_array *const *operands, const char *which)
{
    const double *r = tw_array_data(operands[1]), *s = tw_array_data(operands[2]);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            const double r_wanted = step_r_after(i, j), s_wanted = step_s_after(i, j);
            if (r[i * COLUMNS + j] != r_wanted || s[i * COLUMNS + j] != s_wanted) {
                wrong("%s: row %lld: r is %g instead of %g, s is %g instead of %g", which, (long long)i,
                      r[i * COLUMNS + j], r_wanted, s[i * COLUMNS + j], s_wanted);
                return;
            }
        }
    }
}

static void check_choice(const struct job *job)
{
    const tw_array *array = tw_choices_array(job->choices, 0);
    const double *c = array != NULL ? tw_array_data((tw_array *)(uintptr_t)array) : NULL;
    if (c == NULL || tw_choices_count(job->choices) != 1) {
        wrong("the chosen output has %d arrays", tw_choices_count(job->choices));
        return;
    }
    for (int64_t n = 0; n < ROWS * COLUMNS; n++) {
        const double wanted = step_s_after(n / COLUMNS, n % COLUMNS);
        if (c[n] != wanted || tw_choices_of(job->choices, 3, (uint64_t)(n / COLUMNS)) != 0) {
            wrong("element %lld of the chosen output is %g instead of %g", (long long)n, c[n], wanted);
            return;
        }
    }
}

static int total_calls(void)
{
    int total = 0;
    for (int tile = 0; tile < MOST_TILES; tile++) {
        total += board->calls[tile];
    }
    return total;
}

/* The grid and kernel of every case. */
static tw_status make_job(struct job *job)
{
    const int64_t lengths[] = {ROWS, COLUMNS};
    const int steps = job->setting->steps, halo = job->setting->files && !steps;
    const tw_grid_options grid_options = {
        .splits = &rows_apart, .nsplits = 1, .edges = &step_edge, .nedges = (size_t)halo};
    const char *text = steps ? QUOTIENT_SIGNATURE : halo ? STEP_HALO_SIGNATURE : STEP_SIGNATURE ", c[i,j]";
    tw_status status = tw_signature_parse(&job->signature, text, &job->error);
    if (status == TW_OK) {
        status = tw_grid_create(&job->grid, job->signature, lengths, &grid_options, &job->error);
    }
    if (status == TW_OK && steps) {
        status = quotient_stages(job->grid, ROWS, COLUMNS, &job->error);
    }
    return status != TW_OK ? status
                           : tw_kernel_from_function(&job->kernel, steps ? quotient : step, NULL, 0, &job->error);
}

static tw_status run(struct job *job, tw_array *const *operands)
{
    const tw_run_options options = {.outputs = job->outputs, .choices = &job->choices};
    tw_report *report = NULL;
    const tw_status status = tw_run(job->pool, job->kernel, job->grid, operands, &options, &report, &job->error);
    memset(&job->totals, 0, sizeof job->totals);
    if (report != NULL) {
        tw_report_get_totals(report, &job->totals);
    }
    tw_report_destroy(report);
    return status;
}

/* Signature order: inputs first, then outputs; r is both and stands among the outputs. In files r is given its first
 * values by an array in memory, and s none. */
static tw_status make_arrays(struct job *job)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {ROWS, COLUMNS};
    const int files = job->setting->files;
    if (job->setting->steps) {
        const tw_status made = tw_array_create(&job->arrays[0], NULL, &float64, 2, shape, &job->error);
        if (made == TW_OK) {
            fill_rows(job->arrays[0]);
        }
        return made;
    }
    tw_status status = tw_array_create(&job->arrays[0], job->pool, &float64, 1, shape, &job->error);
    if (status == TW_OK) {
        status = tw_array_create(&job->arrays[1], files ? NULL : job->pool, &float64, 2, shape, &job->error);
    }
    if (!files && status == TW_OK) {
        status = tw_array_create(&job->arrays[2], job->pool, &float64, 2, shape, &job->error);
    }
    if (!files && status == TW_OK) {
        const tw_view nothing = {.dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 0, .descr = "|V0"},
                                 .ndim = 2,
                                 .shape = {ROWS, COLUMNS}};
        status = tw_array_wrap(&job->arrays[3], &nothing, &job->error);
    }
    if (status == TW_OK) {
        fill(job);
    }
    return status;
}

static void drop_arrays(struct job *job)
{
    for (int k = 0; k < 4; k++) {
        tw_array_destroy(job->arrays[k]);
        job->arrays[k] = NULL;
    }
    tw_choices_destroy(job->choices);
    job->choices = NULL;
}

/* Runs into outputs that are open, and gives them their names. */
static tw_status run_outputs(struct job *job)
{
    tw_outputs_totals before;
    tw_array *const *operands = tw_outputs_operands(job->outputs);
    tw_outputs_get_totals(job->outputs, &before);
    tw_status status = run(job, operands);
    if (status == TW_OK && job->totals.resumed != before.done) {
        wrong("%llu tiles were recorded and %llu were taken over", (unsigned long long)before.done,
              (unsigned long long)job->totals.resumed);
    }
    if (status == TW_OK) {
        status = tw_outputs_commit(job->outputs, &job->error);
    }
    if (status == TW_OK && job->setting->steps) {
        check_quotients(operands);
    } else if (status == TW_OK) {
        check_results(operands, "files");
    }
    return status;
}

/* One run into files. `resume`: resumes if there is a journal; else begins anew. */
static tw_status run_files(struct job *job, int resume)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_output files[] = {
        {.file = NULL}, {.file = "r.npy", .dtype = float64}, {.file = "s.npy", .dtype = float64}};
    const tw_outputs_options options = {.resume = resume};
    const tw_output *of_job = job->setting->steps ? &files[1] : files;
    tw_status status = make_arrays(job);
    if (status == TW_OK) {
        status = tw_outputs_open(&job->outputs, job->kernel, job->grid, job->arrays, of_job, &options, &job->error);
    }
    if (status == TW_OK) {
        status = run_outputs(job);
    }
    if (status != TW_OK) {
        const tw_status kept = tw_outputs_keep(job->outputs, NULL);
        (void)kept; /* the run's own failure is what counts */
    }
    tw_outputs_destroy(job->outputs);
    job->outputs = NULL;
    drop_arrays(job);
    return status;
}

static tw_status run_memory(struct job *job)
{
    tw_status status = make_arrays(job);
    if (status == TW_OK) {
        status = run(job, job->arrays);
    }
    if (status == TW_OK) {
        check_results(job->arrays, "memory");
        check_choice(job);
    }
    drop_arrays(job);
    return status;
}

/* ---- a case from its beginning to its end ---- */

static void forget_files(void)
{
    static const char *const names[] = {"r.npy",      "s.npy",         "r.npy.part",
                                        "s.npy.part", "r.npy.journal", "r.npy.partials"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        unlink(names[k]);
    }
}

static void check_files(const struct setting *setting)
{
    const int wanted = setting->files ? 2 - setting->steps : 0, found = entries(".");
    if (found != wanted ||
        (setting->files && (access("r.npy", F_OK) != 0 || (!setting->steps && access("s.npy", F_OK) != 0)))) {
        wrong("%d files in the folder at the end instead of %d", found, wanted);
    }
}

static void check_holdings(const struct holdings *before)
{
    const struct holdings after = holdings(before->threads);
    if (after.descriptors != before->descriptors || after.threads != before->threads ||
        after.mappings != before->mappings || after.shared != before->shared) {
        wrong("before: %d descriptors, %d threads, %d mappings (%d shared); after: %d, %d, %d (%d)",
              before->descriptors, before->threads, before->mappings, before->shared, after.descriptors, after.threads,
              after.mappings, after.shared);
    }
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
        wrong("a child is left");
    }
}

static tw_status run_once(struct job *job, int resume)
{
    for (int tile = 0; tile < MOST_TILES; tile++) {
        board->calls[tile] = 0;
    }
    return job->setting->files ? run_files(job, resume) : run_memory(job);
}

/* A run that ends well runs each tile once, and once more for each worker that died in it. */
static void check_calls(const struct job *job, int may_repeat, const char *which)
{
    const int steps = job->setting->steps, calls = total_calls(); /* no kernel is called for the fold, if that runs */
    const int wanted = (steps ? MOST_TILES : ROWS) - (int)job->totals.resumed, least = wanted - may_repeat - steps;
    if (calls < least || calls > wanted + job->totals.deaths || (!may_repeat && calls > wanted)) {
        wrong("%s: %d calls of the kernel for %d tiles, with %d deaths", which, calls, wanted, job->totals.deaths);
    }
}

static void end_job(struct job *job)
{
    tw_pool_close(job->pool);
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_signature_destroy(job->signature);
}

/* The run with the fault. */
static void first_run(struct job *job, const struct tw__point *point, int action)
{
    const int cut_short = has(point, TW__POINT_RECORDS);
    board->failing = !cut_short ? -1 : job->setting->steps ? MOST_TILES - 1 : ROWS - 1;
    tw_status status = open_pool(job);
    if (status == TW_OK) {
        status = run_once(job, 0);
    }
    board->failing = -1;
    if (action == ERROR && point->error != 0) {
        if (!is_expected(status, point, job->setting)) {
            wrong("an error there made the run end with '%s'", tw_status_name(status));
        } else if (status != TW_OK && job->error.message[0] == '\0') {
            wrong("an error without a message");
        }
    } else if (status != (cut_short ? TW_ERROR_KERNEL : TW_OK)) {
        wrong("the run with the fault: %s: %s", tw_status_name(status), job->error.message);
    } else if (status == TW_OK) {
        check_calls(job, action == KILL_WORKER || action == ERROR, "the run with the fault");
    }
}

static void run_case(const struct setting *setting, const struct tw__point *point, int action)
{
    char text[128];
    struct job job = {.setting = setting};
    fault_text(text, sizeof text, point, action, setting);
    alarm(PATIENCE); /* a hang ends the program, with this test unsaid */
    forget_files();
    const struct holdings before = holdings(0);
    if (tw__fault_arm(text) != 0 || make_job(&job) != TW_OK) {
        wrong("%s: %s", text, job.error.message);
    } else {
        first_run(&job, point, action);
        const unsigned wanted = has(point, TW__POINT_DEATH | TW__POINT_FORK) ? 2 : 1;
        if (tw__fault_met(point->name) == 0 || tw__fault_acted() < wanted) {
            wrong("passed %llu times, acted %llu times", (unsigned long long)tw__fault_met(point->name),
                  (unsigned long long)tw__fault_acted());
        }
        const uint64_t acted = tw__fault_acted();
        if (job.pool == NULL && open_pool(&job) != TW_OK) {
            wrong("a second pool: %s", job.error.message);
        } else if (run_once(&job, 1) != TW_OK) {
            wrong("the run after it: %s", job.error.message);
        } else {
            check_calls(&job, 0, "the run after it");
        }
        if (action != DELAY && tw__fault_acted() != acted) {
            wrong("it acted again");
        }
    }
    end_job(&job);
    check_files(setting);
    check_holdings(&before);
}

/* Nothing armed: the points that are passed are those that should be, so that none is left out by mistake. */
static void run_plain(const struct setting *setting)
{
    struct job job = {.setting = setting};
    alarm(PATIENCE);
    forget_files();
    if (tw__fault_arm("") != 0 || make_job(&job) != TW_OK || open_pool(&job) != TW_OK) {
        wrong("%s", job.error.message);
    } else {
        board->failing = setting->steps ? MOST_TILES - 1 : ROWS - 1;
        if (run_once(&job, 0) != TW_ERROR_KERNEL) {
            wrong("a failing tile: %s", job.error.message);
        }
        board->failing = -1;
        if (run_once(&job, 1) != TW_OK) {
            wrong("the run after it: %s", job.error.message);
        }
        for (size_t k = 0; tw__fault_point(k) != NULL; k++) {
            const struct tw__point *point = tw__fault_point(k);
            const uint64_t passed = tw__fault_met(point->name);
            if (!has(point, TW__POINT_DEATH) && (passed != 0) != is_passed(point, setting)) {
                wrong("%s: passed %llu times", point->name, (unsigned long long)passed);
            }
        }
    }
    end_job(&job);
}

static int number;
static int failed;

static void verdict(const char *what, const struct setting *setting)
{
    printf("%sok %d - driver: %s, %s, %d workers, in %s\n", why[0] == '\0' ? "" : "not ", ++number, what,
           setting->kind == TW_PROCESSES ? "processes" : "threads", setting->workers,
           setting->steps   ? "files, several steps"
           : setting->files ? "files, with a halo"
                            : "memory");
    if (why[0] != '\0') {
        failed++;
        printf("  %s", why);
    }
    fflush(stdout);
    why[0] = '\0';
}

int main(int argc, char **argv)
{
    char what[128];
    int cases = 0, skipped = 0;
    if (argc == 2 && strcmp(argv[1], "--points") == 0) {
        print_points();
        return 0;
    }
    if (argc < 4 || mkdir(argv[3], 0700) != 0 || chdir(argv[3]) != 0) {
        fprintf(stderr, "fault_driver threads|processes WORKERS NEW-FOLDER [POINT] | --points\n");
        return 2;
    }
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        return 2;
    }
    for (int job = 0; job < 3; job++) {
        const struct setting setting = {.files = job > 0,
                                        .steps = job > 1,
                                        .kind = strcmp(argv[1], "threads") == 0 ? TW_THREADS : TW_PROCESSES,
                                        .workers = (int)strtol(argv[2], NULL, 10)};
        run_plain(&setting);
        run_plain(&setting); /* what the C library keeps for good is there by now */
        verdict("passes the points that it should", &setting);
        for (size_t k = 0; tw__fault_point(k) != NULL; k++) {
            const struct tw__point *point = tw__fault_point(k);
            const int is_chosen = !has(point, TW__POINT_NODES) && (argc < 5 || is(point, argv[4]));
            for (int action = 0; action < NACTIONS && is_chosen; action++) {
                cases++;
                if (!applies(point, action, &setting)) {
                    skipped++;
                    continue;
                }
                run_case(&setting, point, action);
                snprintf(what, sizeof what, "%s at %s", actions[action], point->name);
                verdict(what, &setting);
            }
        }
    }
    forget_files();
    printf("1..%d\n# %d cases, %d run, %d not applicable\n", number, cases, cases - skipped, skipped);
    return failed != 0;
}
