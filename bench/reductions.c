/* reductions.c - statements that reduce, which `make bench` measures: `reductions OPERATION-OVER-DTYPE ROWS COLUMNS
 * WORKERS`, such as sum-columns-float32. Says "ready", then for each line "go" runs the case once and writes its
 * seconds. A client of the public header alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tilework/tilework.h>

enum { INPUTS = 2, PARTS = 3 };

/* `all` reduces i and j, `rows` j, `columns` i. */
static const struct {
    const char *operation, *all, *rows, *columns;
} texts[] = {
    {"sum", "s[] = sum(i,j: a[i,j])", "s[i] = sum(j: a[i,j])", "s[j] = sum(i: a[i,j])"},
    {"mean", "s[] = mean(i,j: a[i,j])", "s[i] = mean(j: a[i,j])", "s[j] = mean(i: a[i,j])"},
    {"max", "s[] = max(i,j: a[i,j])", "s[i] = max(j: a[i,j])", "s[j] = max(i: a[i,j])"},
    {"argmax", "s[] = argmax(i,j: a[i,j])", "s[i] = argmax(j: a[i,j])", "s[j] = argmax(i: a[i,j])"},
    {"std", "s[] = std(i,j: a[i,j])", "s[i] = std(j: a[i,j])", "s[j] = std(i: a[i,j])"},
    {"nanmean", "s[] = nanmean(i,j: a[i,j])", "s[i] = nanmean(j: a[i,j])", "s[j] = nanmean(i: a[i,j])"},
    {"squares", "s[] = sum(i,j: a[i,j]*a[i,j])", NULL, NULL},
    {"dot", "s[] = sum(i,j: a[i,j]*b[i,j])", NULL, NULL},
    {"softmax", NULL, "r[i,j] = exp(a[i,j] - max(k: a[i,k])) / sum(k: exp(a[i,k] - max(l: a[i,l])))", NULL},
    {"scores", NULL, NULL, "r[i,j] = (a[i,j] - mean(k: a[k,j])) / std(k: a[k,j])"},
};

struct work {
    int64_t rows, columns;
    tw_kind kind;
    tw_pool *pool;
    tw_statement *statement;
    tw_grid *grid;
    const tw_kernel *kernel;
    tw_array *operands[INPUTS + 1];
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void must(tw_status status, const tw_error *error)
{
    if (status != TW_OK) {
        fprintf(stderr, "reductions: %s\n", error->message);
        exit(1);
    }
}

/* ---- the case ---- */

/* The statement of OPERATION-OVER-DTYPE, NULL: there is none. */
static const char *find(const char *name, tw_kind *kind)
{
    char word[PARTS][16] = {"", "", ""};
    char storage[TW_DTYPE_TEXT];
    tw_dtype dtype;
    tw_error error;
    if (sscanf(name, "%15[a-z]-%15[a-z]-%15s", word[0], word[1], word[2]) != PARTS ||
        tw_dtype_parse(&dtype, word[2], storage, &error) != TW_OK) {
        return NULL;
    }
    *kind = dtype.kind;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        if (strcmp(texts[t].operation, word[0]) == 0) {
            return strcmp(word[1], "all") == 0    ? texts[t].all
                   : strcmp(word[1], "rows") == 0 ? texts[t].rows
                                                  : texts[t].columns;
        }
    }
    return NULL;
}

/* Numbers of -1 to 2, or of all bytes. */
static void fill(tw_array *array)
{
    const tw_view *view = tw_array_view(array);
    const int64_t size = tw_view_size(view);
    uint64_t state = 1;
    for (int64_t k = 0; k < size; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double value = 3.0 * (double)(state >> 11) * 0x1p-53 - 1.0;
        if (view->dtype.kind == TW_UINT8) {
            ((uint8_t *)view->data)[k] = (uint8_t)(state >> 56);
        } else if (view->dtype.kind == TW_FLOAT32) {
            ((float *)view->data)[k] = (float)value;
        } else {
            ((double *)view->data)[k] = value;
        }
    }
}

static void load(struct work *work, const char *text)
{
    const tw_dtype dtype = tw_dtype_of(work->kind);
    const tw_view *views[INPUTS + 1] = {NULL};
    tw_dtype dtypes[INPUTS + 1] = {{0}};
    int64_t lengths[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_error error;
    must(tw_statement_parse(&work->statement, text, NULL, &error), &error);
    const tw_signature *signature = tw_statement_signature(work->statement);
    const int out = tw_signature_noperands(signature) - 1;
    for (int k = 0; k < out; k++) {
        const int64_t both[2] = {work->rows, work->columns};
        must(tw_array_create(&work->operands[k], work->pool, &dtype, 2, both, &error), &error);
        fill(work->operands[k]);
        views[k] = tw_array_view(work->operands[k]);
        dtypes[k] = dtype;
    }
    must(tw_statement_types(work->statement, dtypes, &error), &error);
    must(tw_statement_bind(work->statement, views, NULL, 0, lengths, &error), &error);
    must(tw_statement_kernel(&work->kernel, work->statement, NULL, &error), &error);
    must(tw_statement_grid(&work->grid, work->statement, lengths, NULL, 0, NULL, &error), &error);
    signature = tw_statement_signature(work->statement);
    const tw_dtype result = tw_statement_dtype(work->statement, out);
    const int ndim = tw_signature_ndim(signature, out);
    for (int d = 0; d < ndim; d++) {
        shape[d] = lengths[tw_signature_operand_axis(signature, out, d)];
    }
    must(tw_array_create(&work->operands[out], work->pool, &result, ndim, shape, &error), &error);
}

static double run(struct work *work)
{
    tw_error error;
    const double begin = now();
    must(tw_run(work->pool, work->kernel, work->grid, work->operands, NULL, NULL, &error), &error);
    return now() - begin;
}

/* ---- the memory itself ---- */

/* How long as many bytes take to be read, as `tilework plan` measures it. */
static double read_memory(const struct work *work, int workers)
{
    const tw_bandwidth_options again = {.again = 1};
    tw_bandwidth bandwidth;
    tw_error error;
    must(tw_machine_bandwidth(&bandwidth, &again, &error), &error);
    int best = 0;
    for (int k = 0; k < bandwidth.count; k++) {
        best = bandwidth.row[k].threads <= workers ? k : best;
    }
    return 8.0 * (double)(work->rows * work->columns) / bandwidth.row[best].read;
}

int main(int argc, char **argv)
{
    struct work work = {0};
    char line[16];
    tw_error error;
    const int is_memory = argc == 5 && strcmp(argv[1], "memory") == 0;
    const char *text = argc == 5 && !is_memory ? find(argv[1], &work.kind) : NULL;
    if (text == NULL && !is_memory) {
        fputs("usage: reductions OPERATION-OVER-DTYPE ROWS COLUMNS WORKERS\n", stderr);
        return 2;
    }
    const int workers = atoi(argv[4]);
    work.rows = strtoll(argv[2], NULL, 10);
    work.columns = strtoll(argv[3], NULL, 10);
    if (!is_memory) {
        const tw_pool_options pool = {.kind = TW_THREADS, .workers = workers};
        must(tw_pool_open(&work.pool, &pool, &error), &error);
        load(&work, text);
        (void)run(&work);
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "go\n") == 0) {
        printf("%.9f\n", is_memory ? read_memory(&work, workers) : run(&work));
        fflush(stdout);
    }
    tw_grid_destroy(work.grid);
    tw_statement_destroy(work.statement);
    for (int k = 0; k <= INPUTS; k++) {
        tw_array_destroy(work.operands[k]);
    }
    tw_pool_close(work.pool);
    return 0;
}
