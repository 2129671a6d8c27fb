/* survey.c - what a program's reductions need, what they cost and who reads them. */
#include "notation/steps/survey.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/fold.h"
#include "notation/type/inner.h"

int64_t tw__survey_product(const struct tw__survey *survey, uint64_t axes)
{
    int64_t lengths[TW__EXPR_AXES], product;
    int count = 0;
    for (int a = 0; a < survey->program->naxes; a++) {
        if (axes >> a & 1) {
            lengths[count++] = survey->lengths[a];
        }
    }
    return tw__product(lengths, count, &product) ? product : INT64_MAX;
}

tw_status tw__survey_reach(const struct tw__program *program, int value, uint32_t settled, uint64_t *operands,
                           uint32_t *reductions, tw_error *error)
{
    unsigned char *used = calloc((size_t)value + 1, 1);
    if (used == NULL) {
        return tw__fail_memory(error, (size_t)value + 1, "the steps of a statement");
    }
    *operands = 0;
    *reductions = 0;
    used[value] = 1;
    for (int n = value; n >= 0; n--) { /* children have smaller numbers */
        const struct tw__node *node = &program->nodes[n];
        if (!used[n]) {
            continue;
        }
        const int number = node->kind == TW__NODE_REDUCE ? tw__settle_number(program, n) : -1;
        if (number >= 0) {
            *reductions |= UINT32_C(1) << number;
            if (settled >> number & 1) {
                continue;
            }
        }
        if (node->kind == TW__NODE_READ) {
            *operands |= UINT64_C(1) << node->u.read.operand;
        }
        for (int k = 0; k < node->nchildren; k++) {
            used[node->child[k]] = 1;
        }
    }
    free(used);
    return TW_OK;
}

/* Bytes of an operand's elements that a reduction reads: one for each place along the axes of the READs. */
static int64_t read_bytes(const struct tw__survey *survey, const struct tw__node *read)
{
    const int64_t size = tw_dtype_of(read->dtype).itemsize;
    int64_t bytes;
    return tw__mul(tw__survey_product(survey, read->axes), size, &bytes) ? bytes : INT64_MAX;
}

static int64_t body_bytes(const struct tw__survey *survey, int number)
{
    const struct tw__program *program = survey->program;
    int64_t most[TW_MAX_OPERANDS] = {0}, all = 0;
    for (int n = 0; n < number; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (node->kind == TW__NODE_READ && node->scope == number) {
            const int64_t bytes = read_bytes(survey, node);
            most[node->u.read.operand] = bytes > most[node->u.read.operand] ? bytes : most[node->u.read.operand];
        }
    }
    for (int k = 0; k < program->noperands; k++) {
        all = tw__add(all, most[k], &all) ? all : INT64_MAX;
    }
    return all;
}

/* The axes that are bound by what stands in the body of a reduction. */
static uint64_t bound_by(const struct tw__program *program, int number)
{
    uint64_t axes = 0;
    for (int n = 0; n < number; n++) {
        int scope = program->nodes[n].kind == TW__NODE_READ ? program->nodes[n].scope : -1;
        while (scope >= 0 && scope != number) {
            scope = program->nodes[scope].scope;
        }
        axes |= scope == number ? tw__inner_bound(program, n) : 0;
    }
    return axes;
}

/* Rows are cut into pieces of ROW elements or more: sums of the columns of 4000 x 6000 float64 took 7 ms of one core in
 * whole rows, 9 in rows of 3000, 14 in rows of 512, 21 in rows of 48. TILES keep most machines busy. */
enum { ROW = 8192, TILES = 32 };

/* Whether a READ goes along an axis from one item to the next, and by rows along one of `reduced`. */
static int takes_rows(const struct tw__program *program, const struct tw__node *read, int axis, uint64_t reduced)
{
    const int ndim = program->operands[read->u.read.operand].ndim;
    const struct tw__index *last = &program->indices[read->u.read.indices + ndim - 1];
    int has_axis = 0;
    if (ndim == 0 || (read->axes & reduced) == 0) {
        return 0;
    }
    for (int t = 0; t < last->nterms; t++) {
        if (reduced >> last->term[t].axis & 1) {
            return 0;
        }
        has_axis |= last->term[t].axis == axis;
    }
    return has_axis;
}

/* How the body of a reduction takes the axes outside of it: strips and blocks. */
static void look_at_body(const struct tw__survey *survey, struct tw__surveyed *one)
{
    const struct tw__program *program = survey->program;
    uint64_t rows = 0, all = UINT64_MAX, some = 0;
    int is_product = 0;
    for (int n = 0; n < one->node; n++) {
        const struct tw__node *read = &program->nodes[n];
        if (read->kind != TW__NODE_READ || read->scope != one->node || (read->axes & one->reduced) == 0) {
            continue;
        }
        const uint64_t own = read->axes & one->outside;
        is_product |= some != 0 && (own & ~some) != 0 && (some & ~own) != 0;
        all &= own;
        some |= own;
        for (int a = 0; a < program->naxes; a++) {
            rows |= (one->outside >> a & 1) != 0 && takes_rows(program, read, a, one->reduced) ? UINT64_C(1) << a : 0;
        }
    }
    const int64_t places = tw__survey_product(survey, one->reduced);
    const int has_nodes = places >= TILES * TW__FOLD_LEAF / 2; /* else there would be too few parts to cut instead */
    for (int a = 0; a < program->naxes && !is_product && has_nodes; a++) {
        one->strips |= (rows >> a & 1) != 0 && survey->lengths[a] < ROW * TILES ? UINT64_C(1) << a : 0;
    }
    one->blocks = is_product ? some & ~all : 0;
}

static tw_status look_at(struct tw__survey *survey, int number, tw_error *error)
{
    struct tw__surveyed *one = &survey->of[number];
    const struct tw__node *node = &survey->program->nodes[one->node];
    uint32_t needs;
    one->outside = node->axes;
    one->bound = bound_by(survey->program, one->node);
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        one->reduced |= UINT64_C(1) << node->u.reduce.axis[k];
    }
    look_at_body(survey, one);
    one->outsides = tw__survey_product(survey, one->outside);
    one->places = tw__survey_product(survey, one->reduced);
    one->bytes = body_bytes(survey, one->node);
    const tw_status status = tw__survey_reach(survey->program, node->child[0], 0, &one->operands, &needs, error);
    one->needs = needs;
    return status;
}

tw_status tw__survey_make(struct tw__survey *survey, const struct tw__program *program, const int64_t *lengths,
                          tw_error *error)
{
    int nodes[TW__SETTLE_MOST];
    tw_status status = TW_OK;
    *survey = (struct tw__survey){.program = program, .lengths = lengths, .count = tw__settle_nodes(program, nodes)};
    for (int r = 0; r < survey->count && status == TW_OK; r++) {
        survey->of[r].node = nodes[r];
        status = look_at(survey, r, error);
    }
    for (int s = 0; s < program->nstatements && status == TW_OK; s++) {
        const struct tw__expr_operand *target = &program->operands[program->statements[s].target];
        uint64_t operands;
        uint32_t reductions;
        for (int d = 0; d < target->ndim; d++) {
            survey->targets[s] |= UINT64_C(1) << target->axis[d];
        }
        status = tw__survey_reach(program, program->statements[s].value, 0, &operands, &reductions, error);
        for (int r = 0; r < survey->count && status == TW_OK; r++) {
            survey->of[r].statements |= (uint64_t)(reductions >> r & 1) << s;
        }
    }
    return status;
}
