/* plan.c - a whole program as loops: its statements, and the functions that compute their reductions. */
#include "notation/loop/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/value/kind.h"

enum { MOST_STACK = 3 << 20 }; /* bytes; a thread's stack has 8 MiB */

/* An element that the text has twice is read once. Typing shares READs of inputs too, but knows edges and tiles of no
 * index yet. */
static void find_same(struct tw__sheet *sheet)
{
    enum { LOOK_BACK = 256 }; /* nodes */
    const struct tw__node *nodes = sheet->program->nodes;
    for (int n = 0; n < sheet->program->nnodes; n++) {
        sheet->same[n] = n;
        for (int m = n - 1; nodes[n].kind == TW__NODE_READ && m >= 0 && m >= n - LOOK_BACK; m--) {
            if (nodes[m].kind == TW__NODE_READ && nodes[m].scope == nodes[n].scope &&
                tw__tree_same_element(sheet->program, &nodes[n], &nodes[m])) {
                sheet->same[n] = sheet->same[m];
                break;
            }
        }
    }
}

/* ---- facts about the program ---- */

/* Integers to negative powers fail the tile. */
static int can_fail(const struct tw__program *program)
{
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (node->kind == TW__NODE_OPERATION && node->u.op.code == TW__OP_POWER &&
            tw__kind_is_signed(node->u.op.operation)) {
            return 1;
        }
    }
    return 0;
}

static int has_complex(const struct tw__program *program)
{
    for (int k = 0; k < program->noperands; k++) {
        if (tw__kind_is_complex(program->operands[k].dtype)) {
            return 1;
        }
    }
    for (int n = 0; n < program->nnodes; n++) {
        if (tw__kind_is_complex(program->nodes[n].dtype)) {
            return 1;
        }
    }
    return 0;
}

/* ---- the functions ---- */

/* The plan on its way. */
struct planner {
    struct tw__plan *plan;
    struct tw__sheet sheet;
    unsigned char *planned; /* [nnodes] a REDUCE whose functions are in the plan, or on their way there */
    int64_t stack;          /* bytes of the functions that the statement is the first to call */
};

/* Takes a function over, at the end of the list. Gives 0 if out of memory: it is the caller's then. */
static int add(struct tw__plan *plan, struct tw__function *function)
{
    if (plan->nfunctions == plan->room) {
        const int more = plan->room == 0 ? 8 : 2 * plan->room;
        void *longer = realloc(plan->functions, (size_t)more * sizeof *plan->functions);
        if (longer == NULL) {
            return 0;
        }
        plan->functions = longer;
        plan->room = more;
    }
    plan->functions[plan->nfunctions++] = *function;
    return 1;
}

static int add_product(struct planner *planner, int node, int row_axis, const struct tw__loop *caller)
{
    struct tw__function function = {.is_product = 1};
    struct tw__product_plan *p = &function.u.product;
    if (planner->planned[node]) {
        return 1;
    }
    planner->planned[node] = 1;
    const int good = tw__product_init(p, &planner->sheet, node, row_axis, caller->axis, caller->length) &&
                     add(planner->plan, &function);
    planner->stack += p->stack;
    if (!good) {
        tw__product_fini(p);
    }
    return good;
}

static int add_calls(struct planner *planner, const struct tw__loop *loop, int row_axis);

/* The functions of a reduction stand after those that its loops call. */
static int add_reduction(struct planner *planner, int node, int is_row, int along)
{
    struct tw__function function = {0};
    struct tw__reduction_plan *r = &function.u.reduction;
    if (planner->planned[node]) {
        return 1;
    }
    planner->planned[node] = 1;
    int good = tw__reduction_init(r, &planner->sheet, node, is_row, along);
    planner->stack += r->head.stack + r->body.stack;
    good =
        good && add_calls(planner, &r->head, -1) && add_calls(planner, &r->body, -1) && add(planner->plan, &function);
    if (!good) {
        tw__reduction_fini(r);
    }
    return good;
}

/* The calls of one level, in the order in which they are printed: of scalars, of what is hoisted, of products. */
static int add_level(struct planner *planner, const struct tw__loop *loop, int level, int row_axis)
{
    static const enum tw__how order[] = {TW__CALL_HOISTED, TW__CALL_PRODUCT};
    int good = 1;
    for (int k = 0; k < loop->nscalars; k++) {
        const int node = loop->scalars[k].node;
        if (loop->scalars[k].level == level && loop->program->nodes[node].kind == TW__NODE_REDUCE) {
            good = good && add_reduction(planner, node, 0, -1);
        }
    }
    for (int o = 0; o < 2; o++) {
        for (int k = 0; k < loop->ncalls; k++) {
            const struct tw__call *call = &loop->calls[k];
            if (call->how == order[o] && call->level == level) {
                good = good &&
                       (call->how == TW__CALL_PRODUCT ? add_product(planner, call->node, row_axis, loop)
                                                      : add_reduction(planner, call->node, call->is_row, loop->axis));
            }
        }
    }
    return good;
}

/* All that a loop calls. `row_axis`: that of the rows, if it has products. Gives 0 if out of memory. */
static int add_calls(struct planner *planner, const struct tw__loop *loop, int row_axis)
{
    int good = 1;
    for (int level = 0; level < loop->nlevels; level++) {
        good = good && add_level(planner, loop, level, row_axis);
    }
    for (int k = 0; k < loop->ncalls; k++) {
        const struct tw__call *call = &loop->calls[k];
        if (call->how == TW__CALL_STRIP) {
            good = good && add_reduction(planner, call->node, call->is_row, loop->axis);
        }
    }
    return good;
}

/* ---- statements ---- */

static tw_status add_statement(struct planner *planner, const struct tw__assignment *assignment, tw_error *error)
{
    struct tw__plan *plan = planner->plan;
    const struct tw__program *program = plan->program;
    struct tw__statement_plan *statement = &plan->statements[plan->nstatements++];
    int axis[3];
    const int count = tw__variant_axes(axis, program, assignment);
    statement->target = assignment->target;
    for (int k = 0; k < count; k++) {
        struct tw__variant *v = &statement->variant[statement->nvariants++];
        planner->stack = 0;
        if (!tw__variant_init(v, &planner->sheet, assignment, axis[k]) || !add_calls(planner, &v->loop, v->row_axis)) {
            return tw__fail_memory(error, (size_t)program->nnodes * 16, "a kernel's loops");
        }
        v->stack += planner->stack;
        if (v->stack > MOST_STACK) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "the statement reads too many different elements at once: write it as several statements");
        }
    }
    statement->nfunctions = plan->nfunctions;
    return TW_OK;
}

static int init(struct planner *planner, struct tw__plan *plan, const struct tw__program *program)
{
    const size_t count = (size_t)program->nnodes + 1;
    *plan = (struct tw__plan){.program = program,
                              .same = calloc(count, sizeof *plan->same),
                              .statements = calloc((size_t)program->nstatements + 1, sizeof *plan->statements)};
    *planner = (struct planner){.plan = plan,
                                .planned = calloc(count, 1),
                                .sheet = {.program = program,
                                          .same = plan->same,
                                          .level = calloc(count, 1),
                                          .given = calloc(count, 1),
                                          .uses = calloc(count, sizeof *planner->sheet.uses),
                                          .height = calloc(count, sizeof *planner->sheet.height)}};
    return plan->same != NULL && plan->statements != NULL && planner->planned != NULL && planner->sheet.level != NULL &&
           planner->sheet.given != NULL && planner->sheet.uses != NULL && planner->sheet.height != NULL;
}

static void fini(struct planner *planner)
{
    free(planner->planned);
    free(planner->sheet.level);
    free(planner->sheet.given);
    free(planner->sheet.uses);
    free(planner->sheet.height);
}

tw_status tw__plan_init(struct tw__plan *plan, const struct tw__program *program, tw_error *error)
{
    struct planner planner;
    tw_status status = TW_OK;
    if (init(&planner, plan, program)) {
        find_same(&planner.sheet);
    } else {
        status = tw__fail_memory(error, (size_t)program->nnodes * 16, "a kernel's loops");
    }
    for (int k = 0; k < program->nstatements && status == TW_OK; k++) {
        status = add_statement(&planner, &program->statements[k], error);
    }
    fini(&planner);
    plan->can_fail = can_fail(program);
    plan->has_complex = has_complex(program);
    if (status != TW_OK) {
        tw__plan_fini(plan);
    }
    return status;
}

void tw__plan_fini(struct tw__plan *plan)
{
    for (int k = 0; k < plan->nfunctions; k++) {
        if (plan->functions[k].is_product) {
            tw__product_fini(&plan->functions[k].u.product);
        } else {
            tw__reduction_fini(&plan->functions[k].u.reduction);
        }
    }
    for (int k = 0; k < plan->nstatements; k++) {
        for (int v = 0; v < plan->statements[k].nvariants; v++) {
            tw__variant_fini(&plan->statements[k].variant[v]);
        }
    }
    free(plan->functions);
    free(plan->statements);
    free(plan->same);
    *plan = (struct tw__plan){0};
}
