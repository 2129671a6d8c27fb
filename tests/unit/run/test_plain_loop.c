/* Runs against a plain loop, byte for byte: any signature, shape, strides, cuts, pool and number of workers. */
#include "pools.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tilework/tilework.h>

/* ---- a job of random shape ---- */

enum { MOST_AXES = 5, MOST_OPERANDS = 6 };

struct job {
    char text[512];
    int naxes, noperands;
    int64_t lengths[MOST_AXES];
    tw_signature *signature;
    double *buffers[MOST_OPERANDS]; /* what the operand's array lies in */
    tw_view views[MOST_OPERANDS];
    double *expected[MOST_OPERANDS]; /* of outputs, same layout as the buffer */
    size_t bytes[MOST_OPERANDS];
};

/* Adds to each output element, for every index of the axes that the output lacks, a mix of the inputs' elements there:
 * out[...] += sum over inputs of (k + 1) * in_k[...]. Order of additions: lexicographic in the axes. */
static void accumulate(int naxes, const int64_t *lengths, int noperands, const tw_view *views,
                       const tw_signature *signature)
{
    int64_t index[MOST_AXES] = {0};
    for (int a = 0; a < naxes; a++) {
        if (lengths[a] == 0) {
            return;
        }
    }
    for (;;) {
        double mix = 0.125;
        char *at[MOST_OPERANDS];
        for (int k = 0; k < noperands; k++) {
            at[k] = views[k].data;
            for (int d = 0; d < views[k].ndim; d++) {
                const int axis = tw_signature_operand_axis(signature, k, d);
                at[k] += (views[k].shape[d] == 1 && lengths[axis] != 1 ? 0 : index[axis]) * views[k].strides[d];
            }
            if (tw_signature_role(signature, k) == TW_IN) {
                mix += (k + 1) * *(double *)(void *)at[k];
            }
        }
        for (int k = 0; k < noperands; k++) {
            if (tw_signature_role(signature, k) != TW_IN) {
                *(double *)(void *)at[k] += mix * (k + 1);
            }
        }
        int a = naxes - 1;
        while (a >= 0 && ++index[a] == lengths[a]) {
            index[a--] = 0;
        }
        if (a < 0) {
            return;
        }
    }
}

static void clear(const tw_view *view)
{
    int64_t index[TW_MAX_DIMS] = {0};
    if (tw_view_size(view) == 0) {
        return;
    }
    for (;;) {
        char *at = view->data;
        for (int d = 0; d < view->ndim; d++) {
            at += index[d] * view->strides[d];
        }
        *(double *)(void *)at = 0;
        int d = view->ndim - 1;
        while (d >= 0 && ++index[d] == view->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return;
        }
    }
}

/* The kernel: the same on one tile. Context: a pointer to the job. */
static int accumulate_tile(const tw_tile *tile)
{
    const struct job *job = *(const struct job *const *)tile->context;
    int64_t lengths[MOST_AXES];
    for (int a = 0; a < tile->naxes; a++) {
        lengths[a] = tile->stop[a] - tile->start[a];
    }
    for (int k = 0; k < tile->noperands; k++) {
        if (tw_signature_role(job->signature, k) == TW_OUT) {
            clear(&tile->operand[k]);
        }
    }
    accumulate(tile->naxes, lengths, tile->noperands, tile->operand, job->signature);
    return 0;
}

static void add_axes(char *text, const int *axes, int n)
{
    strcat(text, "[");
    for (int d = 0; d < n; d++) {
        char name[8];
        snprintf(name, sizeof name, d == 0 ? "a%d" : ",a%d", axes[d]);
        strcat(text, name);
    }
    strcat(text, "]");
}

/* A random subset of the axes, in random order; those below `least` are always in. */
static int choose_axes(uint64_t *random, int naxes, int least, int *axes)
{
    int n = 0;
    for (int a = 0; a < naxes; a++) {
        if (a < least || random_below(random, 2) == 0) {
            axes[n++] = a;
        }
    }
    for (int k = n - 1; k > 0; k--) {
        const int other = (int)random_below(random, k + 1), kept = axes[k];
        axes[k] = axes[other];
        axes[other] = kept;
    }
    return n;
}

/* A buffer with the operand's items in a random order of dimensions and direction, with gaps. */
static void make_operand(struct job *job, int k, uint64_t *random)
{
    tw_view *view = &job->views[k];
    const int input = tw_signature_role(job->signature, k) == TW_IN;
    view->dtype = tw_dtype_of(TW_FLOAT64);
    view->ndim = tw_signature_ndim(job->signature, k);
    int order[MOST_AXES];
    choose_axes(random, view->ndim, view->ndim, order);
    int64_t step = 8 * (1 + random_below(random, 2)), offset = 0;
    for (int d = 0; d < view->ndim; d++) {
        const int64_t length = job->lengths[tw_signature_operand_axis(job->signature, k, d)];
        view->shape[d] = input && random_below(random, 4) == 0 ? 1 : length;
    }
    for (int n = 0; n < view->ndim; n++) {
        const int d = order[n];
        const int backwards = random_below(random, 4) == 0;
        view->strides[d] = backwards ? -step : step;
        offset += backwards && view->shape[d] > 0 ? step * (view->shape[d] - 1) : 0;
        step *= view->shape[d] > 0 ? view->shape[d] : 1;
    }
    job->bytes[k] = (size_t)step + 16;
    job->buffers[k] = malloc(job->bytes[k]);
    job->expected[k] = malloc(job->bytes[k]);
    for (size_t b = 0; b < job->bytes[k] / 8; b++) {
        job->buffers[k][b] = (double)random_below(random, 1000) / 7;
    }
    memcpy(job->expected[k], job->buffers[k], job->bytes[k]);
    view->data = (char *)job->buffers[k] + offset;
}

static void make_job(struct job *job, uint64_t *random)
{
    memset(job, 0, sizeof *job);
    const int naxes = (int)random_below(random, MOST_AXES + 1);
    const int shared = (int)random_below(random, naxes + 1); /* axes that every output has */
    const int inputs = (int)random_below(random, 3), outputs = 1 + (int)random_below(random, 2);
    int axes[MOST_AXES];
    const int inout = random_below(random, 4) == 0;
    char output_text[256] = "";
    for (int k = 0; k < outputs; k++) {
        char name[16];
        snprintf(name, sizeof name, k == 0 ? " r%d" : ", r%d", k);
        strcat(output_text, name);
        add_axes(output_text, axes, choose_axes(random, naxes, shared, axes));
    }
    for (int k = 0; k < inputs; k++) {
        char name[16];
        snprintf(name, sizeof name, k == 0 ? "x%d" : ", x%d", k);
        strcat(job->text, name);
        add_axes(job->text, axes, choose_axes(random, naxes, 0, axes));
    }
    if (inout) { /* the first output is an input too */
        char first[256];
        strcpy(first, output_text + 1);
        first[strcspn(first, "]") + 1] = '\0';
        strcat(job->text, inputs > 0 ? ", " : "");
        strcat(job->text, first);
    }
    strcat(job->text, " ->");
    strcat(job->text, output_text);
    assert_int_equal(tw_signature_parse(&job->signature, job->text, NULL), TW_OK);
    job->naxes = tw_signature_naxes(job->signature);
    job->noperands = tw_signature_noperands(job->signature);
    for (int a = 0; a < job->naxes; a++) {
        job->lengths[a] = random_below(random, 12) == 0 ? 0 : 1 + random_below(random, 7);
    }
    for (int k = 0; k < job->noperands; k++) {
        make_operand(job, k, random);
    }
}

static void free_job(struct job *job)
{
    for (int k = 0; k < job->noperands; k++) {
        free(job->buffers[k]);
        free(job->expected[k]);
    }
    tw_signature_destroy(job->signature);
}

static void expect(struct job *job)
{
    tw_view views[MOST_OPERANDS];
    for (int k = 0; k < job->noperands; k++) {
        views[k] = job->views[k];
        views[k].data = (char *)job->expected[k] + ((char *)job->views[k].data - (char *)job->buffers[k]);
        if (tw_signature_role(job->signature, k) == TW_OUT) {
            clear(&views[k]);
        }
    }
    accumulate(job->naxes, job->lengths, job->noperands, views, job->signature);
}

static int in_every_output(const struct job *job, int axis)
{
    for (int k = 0; k < job->noperands; k++) {
        int found = tw_signature_role(job->signature, k) == TW_IN;
        for (int d = 0; d < tw_signature_ndim(job->signature, k); d++) {
            found |= tw_signature_operand_axis(job->signature, k, d) == axis;
        }
        if (!found) {
            return 0;
        }
    }
    return 1;
}

static tw_grid *random_grid(const struct job *job, uint64_t *random)
{
    tw_split splits[MOST_AXES];
    int64_t cuts[MOST_AXES][8];
    size_t n = 0;
    for (int a = 0; a < job->naxes; a++) {
        const int64_t length = job->lengths[a];
        if (!in_every_output(job, a) || length < 2) {
            continue;
        }
        tw_split *split = &splits[n];
        *split = (tw_split){.axis = tw_signature_axis(job->signature, a)};
        switch (random_below(random, 4)) {
        case 0:
            split->tile = 1 + random_below(random, length);
            break;
        case 1:
            split->parts = 1 + random_below(random, length);
            break;
        case 2:
            for (int64_t at = 1; at < length; at++) {
                if (random_below(random, 2) == 0) {
                    cuts[a][split->ncuts++] = at;
                }
            }
            split->cuts = split->ncuts > 0 ? cuts[a] : NULL;
            break;
        default:
            continue;
        }
        n++;
    }
    tw_grid *grid;
    tw_error error = {0};
    const tw_grid_options options = {.splits = splits, .nsplits = n, .tile_bytes = 64};
    if (tw_grid_create(&grid, job->signature, job->lengths, &options, &error) != TW_OK) {
        fail_msg("%s: %s", job->text, error.message);
    }
    return grid;
}

static void equals_the_plain_loop(void **state)
{
    (void)state;
    const char *seed_text = getenv("TILEWORK_TEST_SEED");
    uint64_t random = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 20260101;
    const int rounds = getenv("TILEWORK_TEST_ROUNDS") != NULL ? atoi(getenv("TILEWORK_TEST_ROUNDS")) : 60 / one_in();
    print_message("# seed %llu\n", (unsigned long long)random);
    uint64_t tiles = 0;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int workers = 1; workers <= 8; workers++) {
            tw_pool *pool = open_pool(kinds[kind], workers);
            for (int round = 0; round < rounds; round++) {
                struct job job;
                make_job(&job, &random);
                expect(&job);
                tw_grid *grid = random_grid(&job, &random);
                tw_array *arrays[MOST_OPERANDS];
                for (int k = 0; k < job.noperands; k++) {
                    assert_int_equal(tw_array_wrap(&arrays[k], &job.views[k], NULL), TW_OK);
                }
                /* in processes the job lies behind a pointer from before the fork: the kernel is new, they are forked
                 * again */
                const struct job *context = &job;
                tw_kernel *kernel;
                tw_error error = {0};
                tw_report *report = NULL;
                assert_int_equal(tw_kernel_from_function(&kernel, accumulate_tile, &context, sizeof context, NULL),
                                 TW_OK);
                const tw_run_options options = {.check = round % 3 == 0};
                if (tw_run(pool, kernel, grid, arrays, &options, round % 2 ? &report : NULL, &error) != TW_OK) {
                    fail_msg("%s: %s", job.text, error.message);
                }
                for (int k = 0; k < job.noperands; k++) {
                    if (memcmp(job.buffers[k], job.expected[k], job.bytes[k]) != 0) {
                        fail_msg("%s: operand %d differs", job.text, k);
                    }
                    tw_array_destroy(arrays[k]);
                }
                tiles += tw_grid_count(grid);
                if (report != NULL) {
                    tw_report_totals totals;
                    tw_report_get_totals(report, &totals);
                    assert_int_equal(totals.done, tw_grid_count(grid));
                    assert_int_equal(totals.tiles, totals.done);
                    assert_int_equal(totals.checked, options.check);
                }
                tw_report_destroy(report);
                tw_kernel_destroy(kernel);
                tw_grid_destroy(grid);
                free_job(&job);
            }
            tw_pool_close(pool);
        }
    }
    assert_true(tiles > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_plain_loop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
