/* Statement lists in steps: what each step's tile is given, run one after the other here, leaves the same bits as one
 * tile of the whole list. */
#include "settled.h"

#include <stdlib.h>
#include <string.h>

#include "grid/cells.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "kernel/kernel.h"

enum { MOST = 64 };

/* Arrays of one job: the list's operands, then those between the steps. */
struct job {
    tw_statement *statement;
    const tw_kernel *kernel;
    const tw_signature *signature;
    int noperands;
    int64_t lengths[64];
    tw_view view[TW_MAX_OPERANDS];
    void *memory[TW_MAX_OPERANDS];
};

static void make_view(tw_view *view, void **memory, tw_kind kind, int ndim, const int64_t *shape)
{
    *view = (tw_view){.dtype = tw_dtype_of(kind), .ndim = ndim};
    int64_t step = view->dtype.itemsize;
    for (int d = ndim - 1; d >= 0; d--) {
        view->shape[d] = shape[d];
        view->strides[d] = step;
        step *= shape[d];
    }
    *memory = calloc((size_t)step + 64, 1);
    assert_non_null(*memory);
    view->data = *memory;
}

static void fill(tw_view *view, unsigned *seed)
{
    const int64_t count = tw_view_size(view);
    for (int64_t q = 0; q < count; q++) {
        *seed = *seed * 1664525u + 1013904223u;
        const double value = (double)(int)(*seed >> 8) / 4096.0 - 2000.0;
        char *at = (char *)view->data + q * view->dtype.itemsize;
        const float narrow = (float)value;
        const int32_t whole = (int32_t)value % 100;
        if (view->dtype.kind == TW_FLOAT64) {
            memcpy(at, &value, sizeof value);
        } else if (view->dtype.kind == TW_FLOAT32) {
            memcpy(at, &narrow, sizeof narrow);
        } else {
            memcpy(at, &whole, (size_t)view->dtype.itemsize);
        }
    }
}

/* What a tile of a grid without stages sees of an operand. */
static tw_view part_of(const tw_view *whole, const tw_operand *operand, const int64_t *start, const int64_t *stop,
                       int skip)
{
    tw_view view = {.data = whole->data, .dtype = whole->dtype, .ndim = operand->ndim};
    for (int d = 0; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        view.shape[d] = stop[a] - start[a];
        view.strides[d] = whole->strides[d + skip];
        view.data = (char *)view.data + start[a] * view.strides[d];
    }
    return view;
}

static void run_tile(const tw_kernel *kernel, const tw_grid *cells, uint64_t number, tw_view *views, void *context)
{
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    tw__cells_box(cells, number, start, stop);
    tw_tile tile = {.number = number,
                    .noperands = cells->signature->noperands,
                    .operand = views,
                    .naxes = cells->naxes,
                    .start = start,
                    .stop = stop,
                    .context = context};
    char message[TW_TILE_MESSAGE_SIZE] = "";
    tile.message = message;
    const int result = kernel->function(&tile);
    assert_string_equal(message, "");
    assert_int_equal(result, 0);
}

static void run_stage(struct job *job, const struct tw__stages *stages, const struct tw__stage *stage,
                      tw_view *temporary)
{
    for (uint64_t n = 0; n < stage->grid->count; n++) {
        int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES], coordinate[TW__MAX_AXES];
        tw_view views[TW_MAX_OPERANDS] = {{0}};
        tw__cells_box(stage->grid, n, start, stop);
        tw__cells_coordinates(stage->grid, n, coordinate);
        for (int k = 0; k < stage->grid->signature->noperands; k++) {
            const int from = stage->operand[k];
            if (from < 0) {
                continue;
            }
            tw_view whole = from < TW__TEMPORARY ? job->view[from] : temporary[from - TW__TEMPORARY];
            const int is_part = stage->parts[k] != 0;
            if (is_part) {
                assert_int_equal(tw__stage_parts(stage, k), whole.shape[0]);
                whole.data = (char *)whole.data + (int64_t)tw__stage_part(stage, k, coordinate) * whole.strides[0];
            }
            views[k] = part_of(&whole, &stage->grid->signature->operands[k], start, stop, is_part);
        }
        run_tile(job->kernel, stage->grid, n, views, stage->context);
    }
    (void)stages;
}

static void run_grid(struct job *job, const tw_grid *grid)
{
    if (grid->stages == NULL) {
        for (uint64_t n = 0; n < grid->count; n++) {
            int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
            tw_view views[TW_MAX_OPERANDS] = {{0}};
            tw__cells_box(grid, n, start, stop);
            for (int k = 0; k < job->noperands; k++) {
                views[k] = part_of(&job->view[k], &job->signature->operands[k], start, stop, 0);
            }
            run_tile(job->kernel, grid, n, views, job->kernel->context);
        }
        return;
    }
    tw_view temporary[TW_MAX_OPERANDS];
    void *memory[TW_MAX_OPERANDS] = {NULL};
    for (int t = 0; t < grid->stages->ntemporaries; t++) {
        const struct tw__temporary *one = &grid->stages->temporary[t];
        make_view(&temporary[t], &memory[t], one->kind, one->ndim, one->shape);
        memset(memory[t], 0x77, (size_t)(tw_view_size(&temporary[t]) * temporary[t].dtype.itemsize));
    }
    for (int s = 0; s < grid->stages->count; s++) {
        run_stage(job, grid->stages, &grid->stages->stage[s], temporary);
    }
    for (int t = 0; t < grid->stages->ntemporaries; t++) {
        free(memory[t]);
    }
}

/* A job over axes of these lengths, each named by its letter; "i=1000,j=3". */
static void open_job(struct job *job, const char *text, tw_kind kind, const char *lengths)
{
    tw_error error = {.message = ""};
    const tw_view *views[TW_MAX_OPERANDS] = {NULL};
    unsigned seed = 7;
    memset(job, 0, sizeof *job);
    job->statement = settled(text, kind);
    job->signature = tw_statement_signature(job->statement);
    job->noperands = tw_signature_noperands(job->signature);
    for (int k = 0; k < job->noperands; k++) {
        const tw_operand *operand = &job->signature->operands[k];
        int64_t shape[TW_MAX_DIMS];
        if (operand->role == TW_OUT) {
            continue;
        }
        for (int d = 0; d < operand->ndim; d++) {
            /* A dimension that every tile has whole, a_0, gets the length of the axis with its number's letter. */
            const char *name = job->signature->axes[operand->axes[d]];
            char find[8] = {name[0], '=', '\0'};
            if (name[1] != '\0') {
                find[0] = (char)("ij"[operand->axes[d] > 0 && d > 0]);
            }
            const char *at = strstr(lengths, find);
            assert_non_null(at);
            shape[d] = strtoll(at + 2, NULL, 10);
        }
        make_view(&job->view[k], &job->memory[k], kind, operand->ndim, shape);
        fill(&job->view[k], &seed);
        views[k] = &job->view[k];
    }
    assert_int_equal(tw_statement_bind(job->statement, views, NULL, 0, job->lengths, &error), TW_OK);
    for (int k = 0; k < job->noperands; k++) {
        const tw_operand *operand = &job->signature->operands[k];
        int64_t shape[TW_MAX_DIMS];
        for (int d = 0; d < operand->ndim; d++) {
            shape[d] = job->lengths[operand->axes[d]];
        }
        if (operand->role == TW_OUT) {
            make_view(&job->view[k], &job->memory[k], tw_statement_dtype(job->statement, k).kind, operand->ndim, shape);
        }
    }
    const int status = tw_statement_kernel(&job->kernel, job->statement, NULL, &error);
    if (status != TW_OK) {
        print_error("%s\n", error.message);
    }
    assert_int_equal(status, TW_OK);
}

static void close_job(struct job *job)
{
    for (int k = 0; k < job->noperands; k++) {
        free(job->memory[k]);
    }
    tw_statement_destroy(job->statement);
}

static size_t bytes_of(const struct job *job, int k)
{
    return (size_t)(tw_view_size(&job->view[k]) * job->view[k].dtype.itemsize);
}

/* Runs the job with splits "i=1000,k=7" (tiles) or "" (as the work says), and compares with one tile. */
static void expect_same(const char *text, tw_kind kind, const char *lengths, const char *tiles, int nstages)
{
    struct job job;
    tw_error error = {.message = ""};
    tw_split splits[8];
    size_t nsplits = 0;
    char names[8][2];
    void *whole[TW_MAX_OPERANDS] = {NULL}, *before[TW_MAX_OPERANDS] = {NULL};
    tw_grid *grid, *plain;
    open_job(&job, text, kind, lengths);
    for (const char *at = tiles; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL)) {
        names[nsplits][0] = at[0];
        names[nsplits][1] = '\0';
        splits[nsplits] = (tw_split){.axis = names[nsplits], .tile = strtoll(at + 2, NULL, 10)};
        nsplits++;
    }
    const tw_status status = tw_statement_grid(&grid, job.statement, job.lengths, splits, nsplits, NULL, &error);
    if (status != TW_OK) {
        print_error("%s: %s\n", text, error.message);
    }
    assert_int_equal(status, TW_OK);
    const tw_split none = {.axis = job.signature->axes[0]};
    assert_int_equal(tw_grid_create(&plain, job.signature, job.lengths,
                                    &(tw_grid_options){.splits = &none, .nsplits = job.signature->naxes > 0}, &error),
                     TW_OK);
    assert_int_equal(plain->count, 1);
    for (int k = 0; k < job.noperands; k++) {
        before[k] = malloc(bytes_of(&job, k) + 1);
        whole[k] = malloc(bytes_of(&job, k) + 1);
        memcpy(before[k], job.memory[k], bytes_of(&job, k));
    }
    run_grid(&job, plain);
    for (int k = 0; k < job.noperands; k++) {
        memcpy(whole[k], job.memory[k], bytes_of(&job, k));
        memcpy(job.memory[k], before[k], bytes_of(&job, k));
        if (job.signature->operands[k].role == TW_OUT) {
            memset(job.memory[k], 0x55, bytes_of(&job, k));
        }
    }
    run_grid(&job, grid);
    if (nstages >= 0) {
        assert_int_equal(grid->stages != NULL ? grid->stages->count : 0, nstages);
    }
    for (int k = 0; k < job.noperands; k++) {
        if (memcmp(whole[k], job.memory[k], bytes_of(&job, k)) != 0) {
            print_error("%s, tiles %s, operand %d differs\n", text, tiles, k);
            fail();
        }
        free(whole[k]);
        free(before[k]);
    }
    tw_grid_destroy(grid);
    tw_grid_destroy(plain);
    close_job(&job);
}

/* ---- the same bits ---- */

static void cuts_of_reduced_axes_change_no_bit(void **state)
{
    (void)state;
    expect_same("s[j] = sum(i: a[i,j])", TW_FLOAT32, "i=3001,j=70", "i=100", 2);
    expect_same("s[j] = sum(i: a[i,j])", TW_FLOAT32, "i=3001,j=70", "i=1,j=32", 2);
    expect_same("s[i] = prod(j: a[i,j] * 0.001)", TW_FLOAT64, "i=3,j=5000", "j=77", 2);
    expect_same("s[] = sum(i,j: a[i,j])", TW_FLOAT32, "i=301,j=70", "i=100", 2);
    expect_same("s[] = max(i,j: a[i,j])", TW_INT32, "i=301,j=70", "i=7,j=3", 2);
    expect_same("s[j] = mean(i: a[i,j])", TW_INT32, "i=999,j=5", "i=128", 2);
    expect_same("s[j] = argmin(i: a[i,j])", TW_INT32, "i=3001,j=300", "i=128", 2);
    expect_same("s[i] = argmax(j: a[i,j])", TW_FLOAT32, "i=4,j=3001", "j=1000", 2);
    expect_same("s[i] = any(j: a[i,j] > 1990)", TW_FLOAT32, "i=4,j=3001", "j=1000", 2);
    expect_same("c[i,j] = sum(k: a[i,k] * b[k,j])", TW_FLOAT64, "i=130,j=70,k=1500", "k=300", 2);
}

static void readers_of_a_reduction_have_its_bits(void **state)
{
    (void)state;
    expect_same("r[i] = x[i] / sum(k: x[k])", TW_FLOAT32, "i=70001", "i=1000", 2);
    expect_same("r[i] = x[i] / sum(k: x[k])", TW_FLOAT32, "i=70001", "k=1000", 2);
    expect_same("s[] = sum(k: (x[k] - mean(i: x[i]))**2)", TW_FLOAT32, "i=70001", "k=1000", 3);
    expect_same("t[i,j] = a[i,j] * 2.0; s[i] = sum(j: t[i,j])", TW_FLOAT32, "i=3,j=5000", "j=300", 3);
    expect_same("z[i,j] = (a[i,j] - mean(k: a[k,j])) / sqrt(mean(k: (a[k,j] - mean(l: a[l,j]))**2))", TW_FLOAT64,
                "i=2000,j=300", "i=100", -1);
}

static void what_is_reduced_may_be_overwritten(void **state)
{
    (void)state;
    expect_same("u[i] /= sum(k: u[k])", TW_FLOAT64, "i=50001", "i=700", 2);
    expect_same("u[i] /= sum(k: u[k])", TW_FLOAT64, "i=500", "i=7", 2); /* however little work it is */
    expect_same("u[i] -= mean(k: u[k])", TW_FLOAT32, "i=3000000", "", 2);
    expect_same("u[i,j] -= max(k: u[k,j])", TW_INT32, "i=400,j=300", "i=30,j=100", 2);
    expect_same("u[i,j] /= sum(k: u[i,k])", TW_FLOAT64, "i=400,j=300", "i=30,j=100", 2);
    expect_same("u[i,j] /= sum(k: u[i,k])", TW_FLOAT64, "i=400,j=300", "i=30", 0);
    expect_same("u[i,j] -= sum(k,l: u[k,l])", TW_FLOAT32, "i=400,j=300", "k=100", 2);
    expect_same("u[i] = 2 * u[i]; u[i] += sum(k: u[k])", TW_INT32, "i=900000", "", 0);
}

/* A kernel has at most 64 operands: where they leave no room for partials, the list is one step. */
static void without_room_for_partials_axes_stay_whole(void **state)
{
    char text[1024] = "s[] = sum(i: 0";
    (void)state;
    for (int k = 0; k < TW_MAX_OPERANDS - 1; k++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "+a%d[i]", k);
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), ")");
    expect_same(text, TW_FLOAT64, "i=5000", "i=1000", 0);
    expect_same(text, TW_FLOAT64, "i=50000", "", 0);
}

/* Statements of every shape, each with many random tiles of its axes. */
static void random_tiles_change_no_bit(void **state)
{
    static const struct {
        const char *text, *lengths, *axes;
        tw_kind kind;
    } cases[] = {
        {"s[j] = sum(i: a[i,j])", "i=1301,j=37", "ij", TW_FLOAT32},
        {"s[i,j] = max(k: a[i,j,k])", "i=7,j=5,k=1999", "ijk", TW_FLOAT64},
        {"s[i,j] = sum(k: a[k,i,j])", "i=7,j=300,k=999", "ijk", TW_FLOAT32},
        {"s[j] = argmax(i,k: a[i,j,k])", "i=70,j=5,k=99", "ijk", TW_INT32},
        {"s[j] = argmin(i: a[i,j] % 7)", "i=1301,j=300", "ij", TW_INT32},
        {"s[i] = all(j,k: a[i,j,k] > -90)", "i=9,j=30,k=77", "ijk", TW_INT32},
        {"c[i,j] = sum(k: a[i,k] * b[k,j])", "i=9,j=50,k=1777", "ijk", TW_FLOAT32},
        {"c[i,j] = prod(k,l: a[i,k,l] * b[k,j,l] * 0.0001)", "i=5,j=6,k=77,l=21", "ijkl", TW_FLOAT64},
        {"s[] = max(i,j: a[i,j]) - sum(i,j: a[i,j]) / min(i,j: a[i,j])", "i=301,j=33", "ij", TW_FLOAT64},
        {"t[i,j] = 2.0 * a[i,j]; s[i] = sum(j: t[i,j]); r[i] = s[i] - mean(k: a[i,k])", "i=30,j=1000", "ijk",
         TW_FLOAT32},
        {"s[i] = sum(j: a[i,j] - max(k: a[k,j]))", "i=150,j=900", "ijk", TW_FLOAT32},
    };
    uint64_t seed = 5;
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (int n = 0; n < 4; n++) {
            char tiles[64] = "";
            for (const char *axis = cases[c].axes; *axis != '\0'; axis++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
                const int64_t tile = 1 + (int64_t)(seed >> 33) % (seed >> 20 & 1 ? 1000 : 60);
                if (seed >> 21 & 1) {
                    snprintf(tiles + strlen(tiles), sizeof tiles - strlen(tiles), "%s%c=%lld",
                             tiles[0] != '\0' ? "," : "", *axis, (long long)tile);
                }
            }
            expect_same(cases[c].text, cases[c].kind, cases[c].lengths, tiles, -1);
        }
    }
}

static void the_work_decides_without_splits(void **state)
{
    (void)state;
    expect_same("s[] = sum(i,j: a[i,j])", TW_FLOAT64, "i=3000,j=700", "", 2);
    expect_same("s[j] = sum(i: a[i,j])", TW_FLOAT64, "i=1000000,j=3", "", 2);
    expect_same("s[i] = sum(j: a[i,j])", TW_FLOAT64, "i=3,j=1000000", "", 2);
    expect_same("r[i] = x[i] / sum(k: x[k])", TW_FLOAT64, "i=3000000", "", 2);
    expect_same("r[i,j] = exp(a[i,j]) / sum(k: exp(a[i,k]))", TW_FLOAT64, "i=300,j=700", "", 0);
    expect_same("s[] = sum(i: a[i])", TW_FLOAT64, "i=1000", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_of_reduced_axes_change_no_bit),
        cmocka_unit_test(readers_of_a_reduction_have_its_bits),
        cmocka_unit_test(what_is_reduced_may_be_overwritten),
        cmocka_unit_test(without_room_for_partials_axes_stay_whole),
        cmocka_unit_test(random_tiles_change_no_bit),
        cmocka_unit_test(the_work_decides_without_splits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
