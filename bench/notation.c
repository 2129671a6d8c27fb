/* notation.c - statements that `make bench` measures: `notation CASE ROWS COLUMNS WORKERS`. Says "ready", then for each
 * line "go" runs the case once and writes its seconds. A client of the public header alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tilework/tilework.h>

#include "openmp.h"

enum { OPERANDS = 4, AGAIN = 1000, SMALL = 16 };

enum kind { WARM, NEW, BY_HAND, FIRST, SECOND, ONCE, SAME };

struct input {
    const char *name;
    tw_kind dtype;
    int shape[2]; /* 'r' rows, 'c' columns, 'm' the size of a matrix product; 0: no dimension */
};

struct test {
    const char *name, *text;
    enum kind kind;
    const char *edge; /* the axes i and j are clamped */
    struct input inputs[OPERANDS];
};

#define MULT "r[i,j] = y[i]*x[j]"
#define POLYNOMIAL "r[i,j] = 2*a[i,j] + 3*b[i,j] - a[i,j]*b[i,j]"
#define WAVES "r[i,j] = exp(-a[i,j]*a[i,j]) * sin(b[i,j])"
#define Y_X                                                                                                            \
    {                                                                                                                  \
        {"y", TW_FLOAT64, {'r', 0}},                                                                                   \
        {                                                                                                              \
            "x", TW_FLOAT64,                                                                                           \
            {                                                                                                          \
                'c', 0                                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }
#define A_B                                                                                                            \
    {                                                                                                                  \
        {"a", TW_FLOAT64, {'r', 'c'}},                                                                                 \
        {                                                                                                              \
            "b", TW_FLOAT64,                                                                                           \
            {                                                                                                          \
                'r', 'c'                                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

static const struct test tests[] = {
    {"mult", MULT, WARM, NULL, Y_X},
    {"mult-by-hand", MULT, BY_HAND, NULL, Y_X},
    {"polynomial", POLYNOMIAL, WARM, NULL, A_B},
    {"waves", WAVES, WARM, NULL, A_B},
    {"waves-new", WAVES, NEW, NULL, A_B},
    {"where", "r[i,j] = where(a[i,j] > b[i,j], sqrt(a[i,j]), b[i,j]**3)", WARM, NULL, A_B},
    {"stencil", "r[i,j] = (u[i-1,j]+u[i+1,j]+u[i,j-1]+u[i,j+1])/4", WARM, "clamp", {{"u", TW_FLOAT64, {'r', 'c'}}}},
    {"matmul",
     "r[i,j] = sum(k: a[i,k]*b[k,j])",
     WARM,
     NULL,
     {{"a", TW_FLOAT64, {'m', 'm'}}, {"b", TW_FLOAT64, {'m', 'm'}}}},
    {"image",
     "r[i,j] = uint8(0.299*red[i,j] + 0.587*green[i,j] + 0.114*blue[i,j])",
     WARM,
     NULL,
     {{"red", TW_UINT8, {'r', 'c'}}, {"green", TW_UINT8, {'r', 'c'}}, {"blue", TW_UINT8, {'r', 'c'}}}},
    {"first", POLYNOMIAL, FIRST, NULL, A_B},
    {"second", POLYNOMIAL, SECOND, NULL, A_B},
    {"once", POLYNOMIAL, ONCE, NULL, A_B},
    {"same", POLYNOMIAL, SAME, NULL, A_B},
};

struct work {
    const struct test *test;
    int64_t rows, columns;
    tw_pool *pool;
    tw_statement *statement;
    const tw_kernel *kernel;
    tw_kernel *by_hand;
    tw_grid *grid;
    tw_array *operands[TW_MAX_OPERANDS];
    int noperands;
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
        fprintf(stderr, "notation: %s\n", error->message);
        exit(1);
    }
}

static int64_t length_of(const struct work *work, int what)
{
    return what == 'r' ? work->rows : what == 'c' ? work->columns : MATMUL_SIZE;
}

/* Numbers of about -1 to 2, or of all bytes: the same for every contestant in kind, not in value. */
static void fill(tw_array *array)
{
    const tw_view *view = tw_array_view(array);
    const int64_t size = tw_view_size(view);
    uint64_t state = 1;
    for (int64_t k = 0; k < size; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (view->dtype.kind == TW_UINT8) {
            ((uint8_t *)view->data)[k] = (uint8_t)(state >> 56);
        } else {
            ((double *)view->data)[k] = 3.0 * (double)(state >> 11) * 0x1p-53 - 1.0;
        }
    }
}

static void make_inputs(struct work *work)
{
    tw_error error;
    for (int k = 0; k < OPERANDS && work->test->inputs[k].name != NULL; k++) {
        const struct input *input = &work->test->inputs[k];
        const tw_dtype dtype = tw_dtype_of(input->dtype);
        int64_t shape[2];
        int ndim = 0;
        while (ndim < 2 && input->shape[ndim] != 0) {
            shape[ndim] = length_of(work, input->shape[ndim]);
            ndim++;
        }
        must(tw_array_create(&work->operands[k], work->pool, &dtype, ndim, shape, &error), &error);
        fill(work->operands[k]);
        work->noperands = k + 1;
    }
}

/* From the text to the kernel, as a user does it. */
static void load(struct work *work, const char *text)
{
    static const tw_axis_edge clamp[] = {{.axis = "i", .edge = TW_EDGE_CLAMP}, {.axis = "j", .edge = TW_EDGE_CLAMP}};
    const tw_statement_options options = {.edges = clamp, .nedges = work->test->edge != NULL ? 2 : 0};
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    const tw_view *views[TW_MAX_OPERANDS] = {NULL};
    int64_t lengths[TW_MAX_DIMS * OPERANDS];
    tw_error error;
    for (int k = 0; k < work->noperands; k++) {
        views[k] = tw_array_view(work->operands[k]);
        dtypes[k] = views[k]->dtype;
    }
    must(tw_statement_parse(&work->statement, text, &options, &error), &error);
    must(tw_statement_types(work->statement, dtypes, &error), &error);
    must(tw_statement_bind(work->statement, views, NULL, 0, lengths, &error), &error);
    must(tw_statement_kernel(&work->kernel, work->statement, NULL, &error), &error);
    tw_grid_destroy(work->grid);
    must(tw_statement_grid(&work->grid, work->statement, lengths, NULL, 0, NULL, &error), &error);
}

static void make_output(struct work *work)
{
    const tw_signature *signature = tw_statement_signature(work->statement);
    const int out = work->noperands;
    const tw_dtype dtype = tw_statement_dtype(work->statement, out);
    int64_t shape[2];
    tw_error error;
    for (int d = 0; d < 2; d++) {
        shape[d] = tw_grid_length(work->grid, tw_signature_operand_axis(signature, out, d));
    }
    must(tw_array_create(&work->operands[out], work->pool, &dtype, 2, shape, &error), &error);
}

static void run(struct work *work)
{
    tw_error error;
    const tw_kernel *kernel = work->by_hand != NULL ? work->by_hand : work->kernel;
    must(tw_run(work->pool, kernel, work->grid, work->operands, NULL, NULL, &error), &error);
}

static void drop(struct work *work)
{
    tw_statement_destroy(work->statement);
    work->statement = NULL;
}

/* ---- the cases ---- */

static double run_warm(struct work *work)
{
    const double begin = now();
    run(work);
    return now() - begin;
}

static double run_new(struct work *work)
{
    tw_array_destroy(work->operands[work->noperands]);
    const double begin = now();
    make_output(work);
    run(work);
    return now() - begin;
}

/* A statement that is new every time: another number in it. */
static double run_first(struct work *work)
{
    char text[256];
    drop(work);
    snprintf(text, sizeof text, "r[i,j] = 2.%d%d*a[i,j] + 3*b[i,j] - a[i,j]*b[i,j]", (int)getpid(),
             (int)(fmod(now(), 1e4) * 1e4));
    const double begin = now();
    load(work, text);
    run(work);
    return now() - begin;
}

/* One that another process has compiled: in a new process, from the text to the result. */
static double run_second(void)
{
    int channel[2];
    char text[64] = "";
    if (pipe(channel) != 0) {
        exit(1);
    }
    const pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 1);
        execl("/proc/self/exe", "notation", "once", "0", "0", "1", (char *)NULL);
        _exit(127);
    }
    close(channel[1]);
    const ssize_t got = read(channel[0], text, sizeof text - 1);
    close(channel[0]);
    waitpid(child, NULL, 0);
    return got > 0 ? strtod(text, NULL) : NAN;
}

static double run_once(struct work *work)
{
    const double begin = now();
    load(work, work->test->text);
    make_output(work);
    run(work);
    return now() - begin;
}

/* One that this process has: bound to its arrays and run again, beside its kernel run alone. */
static double run_same(struct work *work)
{
    const tw_view *views[TW_MAX_OPERANDS] = {NULL};
    int64_t lengths[TW_MAX_DIMS * OPERANDS];
    tw_error error;
    for (int k = 0; k < work->noperands; k++) {
        views[k] = tw_array_view(work->operands[k]);
    }
    const double begin = now();
    for (int n = 0; n < AGAIN; n++) {
        must(tw_statement_bind(work->statement, views, NULL, 0, lengths, &error), &error);
        must(tw_statement_kernel(&work->kernel, work->statement, NULL, &error), &error);
        run(work);
    }
    return (now() - begin) / AGAIN;
}

/* y[i] * x[j] as the kernel that one writes by hand. */
static int by_hand(const tw_tile *tile)
{
    const tw_view *y = &tile->operand[0], *x = &tile->operand[1], *r = &tile->operand[2];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        openmp_mult_row((double *)(void *)((char *)r->data + i * r->strides[0]), ((const double *)y->data)[i],
                        (const double *)x->data, r->shape[1]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct work work = {0};
    char line[16];
    tw_error error;
    for (size_t t = 0; argc == 5 && t < sizeof tests / sizeof tests[0]; t++) {
        work.test = strcmp(argv[1], tests[t].name) == 0 ? &tests[t] : work.test;
    }
    if (work.test == NULL) {
        fputs("usage: notation CASE ROWS COLUMNS WORKERS\n", stderr);
        return 2;
    }
    const enum kind kind = work.test->kind;
    const tw_pool_options pool = {.kind = kind >= FIRST ? TW_SERIAL : TW_THREADS, .workers = atoi(argv[4])};
    work.rows = kind >= FIRST ? SMALL : strtoll(argv[2], NULL, 10);
    work.columns = kind >= FIRST ? SMALL : strtoll(argv[3], NULL, 10);
    must(tw_pool_open(&work.pool, &pool, &error), &error);
    make_inputs(&work);
    if (kind == ONCE) {
        printf("%.9f\n", run_once(&work));
        return 0;
    }
    load(&work, work.test->text);
    if (kind == BY_HAND) {
        must(tw_kernel_from_function(&work.by_hand, by_hand, NULL, 0, &error), &error);
    }
    make_output(&work);
    run(&work);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "go\n") == 0) {
        printf("%.9f\n", kind == NEW      ? run_new(&work)
                         : kind == FIRST  ? run_first(&work)
                         : kind == SECOND ? run_second()
                         : kind == SAME   ? run_same(&work)
                                          : run_warm(&work));
        fflush(stdout);
    }
    tw_grid_destroy(work.grid);
    drop(&work);
    tw_kernel_destroy(work.by_hand);
    for (int k = 0; k <= work.noperands; k++) {
        tw_array_destroy(work.operands[k]);
    }
    tw_pool_close(work.pool);
    return 0;
}
