/* jobs.c - the jobs of calls.c. Knows nothing of what is refused; reports what is wrong with what the library gave. */
#include "jobs.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "step.h"

#define CUT_SHORT (JOB_ROWS - 3) /* the tile that fails in the run before a run that resumes */
#define FAILURE 7

const struct job jobs[] = {
    {.name = "threads", .memory = JOB_POOLS, .kind = TW_THREADS, .workers = 2, .check = 1},
    {.name = "processes", .memory = JOB_POOLS, .kind = TW_PROCESSES, .workers = 2, .dies = 1},
    {.name = "retiring", .memory = JOB_POOLS, .kind = TW_PROCESSES, .workers = 2, .each = 3},
    {.name = "private", .memory = JOB_WRAPPED, .kind = TW_PROCESSES, .workers = 2, .check = 1},
    {.name = "guard", .memory = JOB_POOLS, .kind = TW_PROCESSES, .workers = 2, .guard = 1},
    {.name = "source", .memory = JOB_POOLS, .kind = TW_PROCESSES, .workers = 1, .from_source = 1},
    {.name = "journal-processes", .memory = JOB_FILES, .kind = TW_PROCESSES, .workers = 2},
    {.name = "journal-threads", .memory = JOB_FILES, .kind = TW_THREADS, .workers = 2},
    {.name = "partials-processes", .memory = JOB_FILES, .kind = TW_PROCESSES, .workers = 2, .reduces = 1},
    {.name = "halo", .memory = JOB_WRAPPED, .kind = TW_PROCESSES, .workers = 2, .check = 1, .halo = 1},
    {.name = "halo-guard", .memory = JOB_POOLS, .kind = TW_PROCESSES, .workers = 2, .guard = 1, .halo = 1},
    {.name = "halo-journal", .memory = JOB_FILES, .kind = TW_PROCESSES, .workers = 2, .halo = 1},
    {.name = "npy", .memory = JOB_SAVED, .kind = TW_SERIAL, .workers = 1},
};
const int njobs = sizeof jobs / sizeof jobs[0];

/* What kernels and jobs tell each other: shared by all processes. */
static struct board {
    _Atomic int calls;
    _Atomic int failing; /* tile that fails; -1: none */
    _Atomic int dying;   /* tile that ends its worker, once; -1: none */
} * board;

static char compiler[4200];
static FILE *sink; /* where reports go: into the report of `sink_of`, through a buffer of its own */
static FILE *hole; /* where pictures of reports go: whatever is in them, and nothing is kept */
static struct work *sink_of;

static double t_after(int64_t j)
{
    double sum = 0;
    for (int64_t i = 0; i < JOB_ROWS; i++) {
        sum += step_s_after(i, j);
    }
    return sum;
}

/* The step, which can fail or end its worker. */
static int step(const tw_tile *tile)
{
    int dying = (int)tile->number;
    board->calls++;
    if (atomic_compare_exchange_strong(&board->dying, &dying, -1)) {
        raise(SIGKILL);
    }
    if ((int)tile->number == board->failing) {
        return tw_tile_fail(tile, FAILURE, "asked to fail");
    }
    const int has_halo = tile->operand[0].shape[0] > tile->operand[1].shape[0];
    const int computed = has_halo ? step_compute_inside(tile, JOB_ROWS) : step_compute(tile);
    if (computed == 0 && tile->noperands > 3) {
        step_add_columns(&tile->operand[2], &tile->operand[3]);
    }
    return computed;
}

void job_wrong(struct work *work, const char *format, ...)
{
    va_list arguments;
    const size_t used = strlen(work->wrong);
    va_start(arguments, format);
    vsnprintf(work->wrong + used, sizeof work->wrong - used - 1, format, arguments);
    va_end(arguments);
    strcat(work->wrong, "\n");
}

/* Numbers differ from run to run: each becomes a `#`. */
static ssize_t take_report(void *cookie, const char *data, size_t length)
{
    (void)cookie;
    char *report = sink_of->report;
    size_t used = strlen(report);
    for (size_t k = 0; k < length && used + 1 < sizeof sink_of->report; k++) {
        const int digit = data[k] >= '0' && data[k] <= '9';
        const int number = digit || (used > 0 && report[used - 1] == '#' && strchr(".e-+", data[k]) != NULL);
        if (!number) {
            report[used++] = data[k];
        } else if (used == 0 || report[used - 1] != '#') {
            report[used++] = '#';
        }
    }
    report[used] = '\0';
    return (ssize_t)length;
}

static ssize_t take_picture(void *cookie, const char *data, size_t length)
{
    (void)cookie;
    (void)data;
    return (ssize_t)length;
}

const char *jobs_init(const char *build_folder)
{
    static char buffer[4096], hole_buffer[4096];
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sink = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take_report});
    hole = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take_picture});
    if (board == MAP_FAILED || sink == NULL || hole == NULL ||
        setvbuf(hole, hole_buffer, _IOFBF, sizeof hole_buffer) != 0 ||
        setvbuf(sink, buffer, _IOFBF, sizeof buffer) != 0) {
        return "no memory";
    }
    snprintf(compiler, sizeof compiler, "%s/tests/faults/calls_compiler", build_folder);
    return access(compiler, X_OK) != 0 ? "no tests/faults/calls_compiler in the build folder" : NULL;
}

/* ---- the folder ---- */

static int is_input(const char *name)
{
    return strcmp(name, "x.npy") == 0 || strcmp(name, "kernel.c") == 0 || strcmp(name, "cache") == 0;
}

/* Calls `with` for each name in a folder that is no input; folders are gone into. */
static void each_file(const char *folder, void (*with)(struct work *work, const char *path), struct work *work)
{
    DIR *open_folder = opendir(folder);
    const struct dirent *entry;
    while (open_folder != NULL && (entry = readdir(open_folder)) != NULL) {
        char path[4096];
        struct stat info;
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            each_file(path, with, work);
        }
        if (!is_input(entry->d_name)) {
            with(work, path);
        }
    }
    if (open_folder != NULL) {
        closedir(open_folder);
    }
}

static void drop(struct work *work, const char *path)
{
    (void)work;
    if (unlink(path) != 0) {
        rmdir(path);
    }
}

/* float64 in the other byte order, which is read into memory and swapped. */
static void write_input(void)
{
    char header[128];
    FILE *file = fopen("x.npy", "wb");
    if (file == NULL) {
        return;
    }
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    const int length = snprintf(header + 10, sizeof header - 10,
                                "{'descr': '>f8', 'fortran_order': False, 'shape': (%d,), }", JOB_ROWS);
    header[10 + length] = ' ';
    header[127] = '\n';
    fwrite(header, 1, sizeof header, file);
    for (int64_t i = 0; i < JOB_ROWS; i++) {
        const double value = step_x(i);
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits = __builtin_bswap64(bits);
        fwrite(&bits, 1, sizeof bits, file);
    }
    fclose(file);
}

static void write_source(void)
{
    FILE *file = fopen("kernel.c", "w");
    if (file != NULL) {
        fputs("/* calls_kernel.c stands for this */\n", file);
        fclose(file);
    }
}

void job_files(const struct job *job)
{
    (void)job;
    each_file(".", drop, NULL);
    if (access("x.npy", F_OK) != 0) {
        write_input();
        write_source();
    }
}

/* The items of a file that has its final name, read without the library. */
static void check_file(struct work *work, const char *path, int is_s)
{
    unsigned char magic[6];
    double items[JOB_ROWS * JOB_COLUMNS];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(magic, 1, sizeof magic, file) != sizeof magic || memcmp(magic, "\x93NUMPY", 6) != 0 ||
        fseek(file, -(long)sizeof items, SEEK_END) != 0 || fread(items, 1, sizeof items, file) != sizeof items) {
        job_wrong(work, "%s: is not there, or not whole", path);
    } else {
        for (int64_t n = 0; n < JOB_ROWS * JOB_COLUMNS; n++) {
            const int64_t i = n / JOB_COLUMNS, j = n % JOB_COLUMNS;
            if (items[n] != (is_s ? step_s_after(i, j) : step_r_after(i, j))) {
                job_wrong(work, "%s: row %d has other bytes than it should", path, (int)i);
                break;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static const char *const kept[] = {"./r.npy.part", "./s.npy.part", "./r.npy.journal", "./r.npy", "./s.npy",
                                   /* of a job that reduces: */
                                   "./t.npy.part", "./t.npy", "./r.npy.partials"};

static void check_left(struct work *work, const char *path)
{
    const int files = work->job->memory == JOB_FILES && work->error.status != TW_OK;
    for (size_t k = 0; files && k < sizeof kept / sizeof kept[0]; k++) {
        if (strcmp(path, kept[k]) == 0) {
            return;
        }
    }
    /* The sync of the folder may fail, after the renaming: the file is whole by then. */
    if (work->job->memory == JOB_SAVED && strcmp(path, "./r.npy") == 0) {
        check_file(work, "r.npy", 0);
        return;
    }
    if (strstr(path, "/cache/") != NULL && strstr(path, ".tmp") == NULL) {
        return;
    }
    job_wrong(work, "left behind: %s", path);
}

static void check_ended(struct work *work, const char *path)
{
    const char *names[] = {"./r.npy", work->job->memory == JOB_FILES ? "./s.npy" : "./r.npy",
                           work->job->reduces ? "./t.npy" : "./r.npy"};
    if (work->job->memory >= JOB_FILES &&
        (strcmp(path, names[0]) == 0 || strcmp(path, names[1]) == 0 || strcmp(path, names[2]) == 0)) {
        return;
    }
    check_left(work, path);
}

/* `.part` files without a journal are of no use to anybody. */
void job_check_folder(struct work *work, tw_status status, int removals_failed)
{
    if (removals_failed) {
        return;
    }
    work->error.status = status;
    each_file(".", status == TW_OK ? check_ended : check_left, work);
    if (work->job->memory == JOB_FILES && access("r.npy.journal", F_OK) != 0 &&
        (access("r.npy.part", F_OK) == 0 || access("s.npy.part", F_OK) == 0 || access("t.npy.part", F_OK) == 0)) {
        job_wrong(work, "a .part is left without a journal");
    }
}

/* ---- one run ---- */

struct run {
    struct work *work;
    tw_kernel *kernel;
    tw_signature *signature;
    tw_grid *grid;
    tw_array *arrays[4];       /* as they are given to outputs: in files r is its first values, and there is no s */
    tw_outputs *outputs;       /* NULL: not in files */
    tw_array *const *operands; /* as they are run */
    tw_report_totals totals;
    double wrapped[2][JOB_ROWS * JOB_COLUMNS];
};

static tw_status make_kernel(struct run *run)
{
    tw_error *error = &run->work->error;
    if (!run->work->job->from_source) {
        return tw_kernel_from_function(&run->kernel, step, NULL, 0, error);
    }
    const tw_compile_options options = {.compiler = compiler, .flags = "-O1", .cache = "cache"};
    tw_status status = tw_kernel_from_source(&run->kernel, "kernel.c", "step", &options, error);
    if (status == TW_OK) { /* and from the cache */
        tw_kernel_destroy(run->kernel);
        run->kernel = NULL;
        status = tw_kernel_from_source(&run->kernel, "kernel.c", "step", &options, error);
    }
    return status;
}

static tw_status begin(struct run *run)
{
    static const tw_split rows_apart = {.axis = "i", .tile = 1};
    static const int64_t lengths[] = {JOB_ROWS, JOB_COLUMNS};
    static const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_NONE, TW_FOLD_NONE, TW_FOLD_SUM};
    struct work *work = run->work;
    const int reduces = work->job->reduces;
    const char *signature = reduces ? STEP_SIGNATURE ", t[j]" : work->job->halo ? STEP_HALO_SIGNATURE : STEP_SIGNATURE;
    const tw_grid_options options = {.splits = &rows_apart,
                                     .nsplits = 1,
                                     .folds = reduces ? folds : NULL,
                                     .edges = &step_edge,
                                     .nedges = (size_t)work->job->halo};
    const tw_pool_options pool = {.kind = work->job->kind, .workers = work->job->workers, .heap_bytes = 8 << 20};
    tw_status status = work->pool == NULL ? tw_pool_open(&work->pool, &pool, &work->error) : TW_OK;
    if (status == TW_OK) {
        status = make_kernel(run);
    }
    if (status == TW_OK) {
        status = tw_signature_parse(&run->signature, signature, &work->error);
    }
    return status != TW_OK ? status : tw_grid_create(&run->grid, run->signature, lengths, &options, &work->error);
}

static tw_status make_output(struct run *run, int k)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {JOB_ROWS, JOB_COLUMNS};
    struct work *work = run->work;
    if (work->job->memory == JOB_WRAPPED || work->job->memory == JOB_FILES) {
        const tw_view view = {.data = run->wrapped[k - 1],
                              .dtype = float64,
                              .ndim = 2,
                              .shape = {JOB_ROWS, JOB_COLUMNS},
                              .strides = {JOB_COLUMNS * 8, 8}};
        return tw_array_wrap(&run->arrays[k], &view, &work->error);
    }
    return tw_array_create(&run->arrays[k], work->pool, &float64, 2, shape, &work->error);
}

static tw_status make_arrays(struct run *run)
{
    struct work *work = run->work;
    const int made = work->job->memory == JOB_FILES ? 2 : 3;
    tw_status status = tw_array_open(&run->arrays[0], work->pool, "x.npy", &work->error);
    for (int k = 1; k < made && status == TW_OK; k++) {
        status = make_output(run, k);
    }
    for (int64_t n = 0; status == TW_OK && n < JOB_ROWS * JOB_COLUMNS; n++) {
        ((double *)tw_array_data(run->arrays[1]))[n] = step_r(n / JOB_COLUMNS, n % JOB_COLUMNS);
    }
    run->operands = run->arrays;
    return status;
}

/* `resume`: resumes if there is a journal, whose tiles must have their checksums. */
static tw_status open_outputs(struct run *run, int resume)
{
    struct work *work = run->work;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_output files[] = {{.file = NULL},
                               {.file = "r.npy", .dtype = float64},
                               {.file = "s.npy", .dtype = float64},
                               {.file = "t.npy", .dtype = float64}}; /* of a job that reduces */
    const tw_outputs_options options = {.resume = resume, .verify = resume};
    tw_outputs_totals totals;
    const tw_status status =
        tw_outputs_open(&run->outputs, run->kernel, run->grid, run->arrays, files, &options, &work->error);
    if (status == TW_OK) {
        tw_outputs_get_totals(run->outputs, &totals);
        run->operands = tw_outputs_operands(run->outputs);
        if (totals.dropped > 0) {
            job_wrong(work, "%d recorded tiles do not have their checksum", (int)totals.dropped);
        }
    }
    return status;
}

/* That of the fold among them, for which no kernel is called. */
static int tiles_of(const struct job *job)
{
    return JOB_ROWS + job->reduces;
}

static tw_status run_tiles(struct run *run)
{
    struct work *work = run->work;
    const tw_run_options options = {.outputs = run->outputs,
                                    .tiles_per_worker = (uint64_t)work->job->each,
                                    .timeout = work->job->each > 0 ? 60 : 0,
                                    .check = work->job->check,
                                    .guard = work->job->guard,
                                    .scratch_size = 100};
    tw_report *report = NULL;
    tw_status status = tw_run(work->pool, run->kernel, run->grid, run->operands, &options, &report, &work->error);
    if (report != NULL) {
        tw_report_get_totals(report, &run->totals);
    }
    if (status == TW_OK && (int)run->totals.done != tiles_of(work->job)) {
        job_wrong(work, "success with %d of %d tiles", (int)run->totals.done, tiles_of(work->job));
    }
    if (status == TW_OK) {
        sink_of = work;
        work->report[0] = '\0';
        status = tw_report_write_json(report, sink, &work->error);
        fflush(sink);
    }
    if (status == TW_OK) {
        status = tw_report_write_trace(report, hole, &work->error);
    }
    if (status == TW_OK) {
        status = tw_report_write_html(report, hole, &work->error);
    }
    tw_report_destroy(report);
    return status;
}

/* The values of t in a file, after a header. */
static void check_sums(struct work *work, const char *path)
{
    double items[JOB_COLUMNS];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, -(long)sizeof items, SEEK_END) != 0 ||
        fread(items, 1, sizeof items, file) != sizeof items) {
        job_wrong(work, "%s: is not there, or not whole", path);
    } else {
        for (int64_t j = 0; j < JOB_COLUMNS; j++) {
            if (items[j] != t_after(j)) {
                job_wrong(work, "%s: column %d is %g instead of %g", path, (int)j, items[j], t_after(j));
                break;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void check_items(struct work *work, const char *where, const double *r, const double *s)
{
    for (int64_t n = 0; n < JOB_ROWS * JOB_COLUMNS; n++) {
        const int64_t i = n / JOB_COLUMNS, j = n % JOB_COLUMNS;
        const double r_wanted = step_r_after(i, j), s_wanted = step_s_after(i, j);
        if (r[n] != r_wanted || (s != NULL && s[n] != s_wanted)) {
            job_wrong(work, "%s: row %d: r is %g instead of %g, s is %g instead of %g", where, (int)i, r[n], r_wanted,
                      s != NULL ? s[n] : s_wanted, s_wanted);
            return;
        }
    }
}

static tw_status finish(struct run *run)
{
    struct work *work = run->work;
    tw_status status = TW_OK;
    check_items(work, "in memory", tw_array_data(run->operands[1]), tw_array_data(run->operands[2]));
    if (work->job->memory == JOB_FILES) {
        status = tw_outputs_commit(run->outputs, &work->error);
    } else if (work->job->memory == JOB_SAVED) {
        status = tw_array_save(run->arrays[1], "r.npy", &work->error);
    }
    return status;
}

static void end(struct run *run, tw_status status)
{
    if (status != TW_OK) {
        const tw_status ended = tw_outputs_keep(run->outputs, NULL);
        (void)ended; /* the run's own failure is what counts */
    }
    tw_outputs_destroy(run->outputs);
    for (int k = 0; k < 4; k++) {
        tw_array_destroy(run->arrays[k]);
    }
    tw_kernel_destroy(run->kernel);
    tw_grid_destroy(run->grid);
    tw_signature_destroy(run->signature);
}

/* One run from its beginning to its end. `resume`: resumes where there is a journal. */
static tw_status run_once(struct work *work, int resume)
{
    struct run run = {.work = work};
    const int files = work->job->memory == JOB_FILES;
    uint64_t had = 0;
    board->calls = 0;
    memset(&work->error, 0, sizeof work->error);
    tw_status status = begin(&run);
    if (status == TW_OK) {
        status = make_arrays(&run);
    }
    if (status == TW_OK && files) {
        status = open_outputs(&run, resume);
    }
    if (status == TW_OK) {
        tw_outputs_totals totals = {0};
        if (run.outputs != NULL) {
            tw_outputs_get_totals(run.outputs, &totals);
        }
        had = totals.done;
        status = run_tiles(&run);
    }
    if (status == TW_OK) {
        const int wanted = tiles_of(work->job) - (int)had;
        if (run.totals.resumed != had ||
            (!work->job->from_source && !work->job->check && !work->job->guard &&
             (board->calls < wanted - work->job->reduces || board->calls > wanted + run.totals.deaths))) {
            job_wrong(work, "%d tiles were recorded and %d taken over; %d calls of the kernel with %d deaths", (int)had,
                      (int)run.totals.resumed, board->calls, run.totals.deaths);
        }
        status = finish(&run);
    }
    end(&run, status);
    return status;
}

tw_status job_run(struct work *work)
{
    board->failing = work->job->memory == JOB_FILES ? CUT_SHORT : -1;
    board->dying = work->job->dies ? 2 : -1;
    const tw_status status = run_once(work, 0);
    board->failing = board->dying = -1;
    if (work->job->memory == JOB_FILES && status == TW_OK) {
        job_wrong(work, "a run in which a tile fails succeeded");
    }
    return status;
}

tw_status job_again(struct work *work)
{
    board->failing = board->dying = -1;
    return run_once(work, 1);
}

void job_check_files(struct work *work)
{
    if (work->job->memory >= JOB_FILES) {
        check_file(work, "r.npy", 0);
    }
    if (work->job->memory == JOB_FILES) {
        check_file(work, "s.npy", 1);
    }
    if (work->job->reduces) {
        check_sums(work, "t.npy");
    }
}

void job_end(struct work *work)
{
    tw_pool_close(work->pool);
    work->pool = NULL;
}
