/* emit.c - a program as one C source: its parts in order, the checks that the kernel begins with, its end. */
#include "notation/print/emit.h"

#include <stdlib.h>

#include "base/error.h"
#include "notation/print/emitter.h"
#include "notation/print/entry.h"
#include "notation/print/helper.h"
#include "notation/print/multiply.h"
#include "notation/print/prelude.h"
#include "notation/print/reduce.h"
#include "notation/print/statement.h"
#include "notation/type/inner.h"
#include "notation/type/settle.h"
#include "os/stack.h"

static int init(struct tw__emitter *e, const struct tw__plan *plan)
{
    *e = (struct tw__emitter){.plan = plan, .program = plan->program, .helpers = calloc((size_t)tw__helper_count(), 1)};
    int good = e->helpers != NULL;
    for (int k = 0; k < TW__PARTS; k++) {
        e->part[k] = open_memstream(&e->text[k], &e->length[k]);
        good = good && e->part[k] != NULL;
    }
    return good;
}

/* Ends the parts: their texts are complete then. */
static int finish(struct tw__emitter *e)
{
    int good = !e->failed;
    for (int k = 0; k < TW__PARTS; k++) {
        if (e->part[k] != NULL) {
            good = ferror(e->part[k]) == 0 && good;
            good = fclose(e->part[k]) == 0 && good;
            e->part[k] = NULL;
        }
    }
    return good;
}

static void fini(struct tw__emitter *e)
{
    (void)finish(e);
    for (int k = 0; k < TW__PARTS; k++) {
        free(e->text[k]);
    }
    free(e->helpers);
}

/* ---- the kernel ---- */

/* An object can be run with any signature: with axes that are others than an operand's dimensions were made for, the
 * kernel would reach outside of it. */
static void check_axes(struct tw__emitter *e, int number)
{
    const struct tw__expr_operand *operand = &e->program->operands[number];
    int count = 0;
    for (int d = 0; d < operand->ndim; d++) {
        const int axis = operand->axis[d] >= 0 ? e->program->axes[operand->axis[d]].tile : -1;
        if (axis >= 0) {
            if (count++ == 0) {
                tw__emit_begin(e);
            }
            tw__emit_text(e, "%sSHAPE(%d, %d) != tile->stop[%d] - tile->start[%d]", count == 1 ? "if (" : " || ",
                          number, d, axis, axis);
        }
    }
    if (count > 0) {
        tw__emit_text(e, ") {");
        tw__emit_end(e);
        e->indent++;
        tw__emit_line(e, "return tw_tile_fail(tile, 1, \"this kernel was made for operand %d with other axes\");",
                      number + 1);
        tw__emit_close(e);
    }
}

static int is_an_outputs(const struct tw__program *program, int axis)
{
    for (int k = 0; k < program->noperands; k++) {
        const struct tw__expr_operand *operand = &program->operands[k];
        for (int d = 0; operand->role != TW_IN && d < operand->ndim; d++) {
            if (operand->axis[d] == axis) {
                return 1;
            }
        }
    }
    return 0;
}

/* Whether an operand that is written with this axis is read at other indices too: then all of it must be there. */
static int is_bound(const struct tw__program *program, int axis)
{
    uint64_t axes = 0;
    for (int n = 0; n < program->nnodes; n++) {
        axes |= program->nodes[n].kind == TW__NODE_READ ? tw__inner_bound(program, n) : 0;
    }
    return (int)(axes >> axis & 1);
}

static void emit_checks(struct tw__emitter *e)
{
    const struct tw__program *program = e->program;
    int naxes = 0;
    for (int a = 0; a < program->naxes; a++) {
        naxes = program->axes[a].tile >= naxes ? program->axes[a].tile + 1 : naxes;
    }
    if (naxes > 0) {
        tw__emit_open(e, "if (tile->naxes < %d)", naxes);
        tw__emit_line(e, "return tw_tile_fail(tile, 1, \"this kernel takes %d axes, not %%d\", tile->naxes);", naxes);
        tw__emit_close(e);
    }
    tw__emit_open(e, "if (tile->noperands != %d)", program->noperands);
    tw__emit_line(e, "return tw_tile_fail(tile, 1, \"this kernel takes %d operands, not %%d\", tile->noperands);",
                  program->noperands);
    tw__emit_close(e);
    for (int k = 0; k < program->noperands; k++) {
        const struct tw__expr_operand *operand = &program->operands[k];
        const tw_dtype dtype = tw_dtype_of(operand->dtype);
        tw__emit_open(e, "if (tile->operand[%d].dtype.kind != %d || tile->operand[%d].ndim != %d)", k,
                      (int)operand->dtype, k, operand->ndim);
        tw__emit_line(e,
                      "return tw_tile_fail(tile, 1, \"this kernel was made for operand %d of %s with %d "
                      "dimensions\");",
                      k + 1, tw_dtype_name(&dtype), operand->ndim);
        tw__emit_close(e);
        check_axes(e, k);
    }
    if (program->needs_context) {
        tw__emit_open(e, "if (tile->context == NULL)");
        tw__emit_line(e,
                      "return tw_tile_fail(tile, 1, \"this kernel needs the values of its statement's parameters and "
                      "lengths\");");
        tw__emit_close(e);
        /* Reads were proven inside for these lengths: a grid of longer axes is not theirs. An axis that is reduced is
         * whole in every tile: with a shorter one, a part would be missing. */
        for (int a = 0; a < program->naxes; a++) {
            if (program->axes[a].tile >= 0) {
                const int whole = !is_an_outputs(program, a) || is_bound(program, a);
                const int tile = program->axes[a].tile;
                if (whole) {
                    tw__emit_open(e, "if (tile->stop[%d] - tile->start[%d] != ((const int64_t *)tile->context)[%d])",
                                  tile, tile, a);
                } else {
                    tw__emit_open(e, "if (tile->stop[%d] > ((const int64_t *)tile->context)[%d])", tile, a);
                }
                tw__emit_line(e, "return tw_tile_fail(tile, 1, \"this kernel was made for %s\");",
                              whole ? "another length of an axis that is reduced" : "shorter axes");
                tw__emit_close(e);
            }
        }
    }
}

/* Whether some of its reductions may be computed by other steps of the same job. */
static int may_have_steps(const struct tw__program *program)
{
    int nodes[TW__SETTLE_MOST];
    return tw__settle_nodes(program, nodes) > 0;
}

/* In a step the tile has more operands than the list, and a context that says so. What the library makes fits. */
static void emit_step(struct tw__emitter *e)
{
    const int fails = e->plan->can_fail;
    tw__emit_open(e,
                  "if (tile->noperands > %d && tile->context != NULL && *(const int64_t *)(const void *)((const char *)"
                  "tile->context + %d) == %d)",
                  e->program->noperands, tw__settle_offset(e->program), TW__SETTLE_MARK);
    if (fails) {
        tw__emit_line(e, "tile->message[0] = '\\0';");
    }
    tw__emit_line(e, "run_step(tile);");
    tw__emit_line(e, fails ? "return tile->message[0] != '\\0';" : "return 0;");
    tw__emit_close(e);
}

/* The functions of all statements: those that compute reductions, each before those that call it. */
static void emit_functions(struct tw__emitter *e)
{
    const struct tw__plan *plan = e->plan;
    int function = 0;
    e->out = e->part[TW__PART_FUNCTIONS];
    for (int k = 0; k < plan->nstatements; k++) {
        for (; function < plan->statements[k].nfunctions; function++) {
            tw__entry_read(e, &plan->functions[function]);
            if (plan->functions[function].is_product) {
                tw__emit_product(e, &plan->functions[function].u.product);
            } else {
                tw__emit_reduction(e, &plan->functions[function].u.reduction);
            }
            tw__entry_write(e, &plan->functions[function]);
        }
        tw__emit_statement(e, &plan->statements[k], k);
    }
    if (may_have_steps(e->program)) {
        tw__entry_steps(e);
    }
}

static void emit_kernel(struct tw__emitter *e, const char *function)
{
    const int fails = e->plan->can_fail;
    e->out = e->part[TW__PART_KERNEL];
    tw__emit_function(e, "TW_SEEN int %s(const tw_tile *tile)", function);
    if (may_have_steps(e->program)) {
        emit_step(e);
    }
    emit_checks(e);
    if (fails) {
        tw__emit_line(e, "tile->message[0] = '\\0';");
    }
    for (int k = 0; k < e->plan->nstatements; k++) {
        tw__emit_line(e, "statement%d(tile);", k + 1);
    }
    tw__emit_line(e, fails ? "return tile->message[0] != '\\0';" : "return 0;");
    tw__emit_close(e);
}

/* Everything in its order: *text and *length. */
static int join(const struct tw__emitter *e, char **text, size_t *length)
{
    static const char head[] =
        "#define TW_NO_RANDOM\n"
        "#include <tilework/tilework.h>\n\n"
        "#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || \\\n"
        "    (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16)\n"
        "#error \"the compiler's flags change the results of floating-point operations\"\n"
        "#endif\n"
        "#define DATA(k) ((char *)tile->operand[k].data)\n"
        "#define SHAPE(k, d) (tile->operand[k].shape[d])\n"
        "#define STRIDE(k, d) (tile->operand[k].strides[d])\n"
        "#define TW_INLINE static inline __attribute__((always_inline, unused))\n"
        "#define TW_SLOW static __attribute__((noinline, unused))\n"
        "#if defined(__clang__)\n"
        "#define TW_SEEN __attribute__((visibility(\"default\")))\n"
        "#define TW_APART TW_SLOW\n"
        "#define TW_ALONE TW_SLOW\n"
        "#define TW_TWICE\n"
        "#else\n"
        "#define TW_SEEN __attribute__((visibility(\"default\"), externally_visible))\n"
        "/* GCC 12 makes fused operations of pairs of sums and differences, although the flags forbid it */\n"
        "#define TW_APART static __attribute__((noinline, unused, optimize(\"no-tree-slp-vectorize\")))\n"
        "#define TW_ALONE static __attribute__((noinline, noclone, unused)) /* compiled once, whatever it is called "
        "with "
        "*/\n"
        "#define TW_TWICE _Pragma(\"GCC unroll 2\") /* Clang unrolls by itself; GCC's vector loops were 7 % slower "
        "without */\n"
        "#endif\n\n";
    FILE *out = open_memstream(text, length);
    if (out == NULL) {
        return 0;
    }
    fputs(head, out);
    fputs(e->random ? "#define TW_EXACT_FLOATS\n#include <tilework/random.h>\n\n" : "", out);
    for (int k = 0; k < tw__prelude_ntexts; k++) {
        if (e->math >> k & 1) {
            fwrite(tw__prelude_texts[k].text, 1, tw__prelude_texts[k].length, out);
            fputc('\n', out);
        }
    }
    for (int k = 0; k < TW__PARTS; k++) {
        fwrite(e->text[k], 1, e->length[k], out);
    }
    const int good = ferror(out) == 0;
    if (fclose(out) != 0 || !good) {
        free(*text);
        return 0;
    }
    return 1;
}

/* ---- the whole ---- */

static tw_status print(char **text, size_t *length, const struct tw__plan *plan, const char *function, tw_error *error)
{
    struct tw__emitter emitter, *e = &emitter;
    const size_t expected = (size_t)plan->program->nnodes * 256;
    if (!init(e, plan)) {
        fini(e);
        return tw__fail_memory(error, expected, "a kernel's text");
    }
    if (plan->has_complex) {
        (void)tw__helper_need(e, "type", TW_COMPLEX64);
        (void)tw__helper_need(e, "type", TW_COMPLEX128);
    }
    emit_functions(e);
    emit_kernel(e, function);
    tw_status status = TW_OK;
    if (e->unknown) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "the statement has an operation that no C can be printed for");
    } else if (!finish(e) || !join(e, text, length)) {
        status = tw__fail_memory(error, expected, "a kernel's text");
    }
    fini(e);
    return status;
}

/* What planning and printing need of a thread's stack, with some to spare. */
#define EMITTER_STACK ((size_t)1 << 20)

struct emit_call {
    char **text;
    size_t *length;
    const struct tw__program *program;
    const char *function;
    tw_error *error;
    tw_status status;
};

static void plan_and_print(void *argument)
{
    struct emit_call *call = argument;
    struct tw__plan plan;
    call->status = tw__plan_init(&plan, call->program, call->error);
    if (call->status == TW_OK) {
        call->status = print(call->text, call->length, &plan, call->function, call->error);
        tw__plan_fini(&plan);
    }
}

tw_status tw__emit(char **text, size_t *length, const struct tw__program *program, const char *function,
                   tw_error *error)
{
    struct emit_call call = {.text = text, .length = length, .program = program, .function = function, .error = error};
    return tw__stack_run(EMITTER_STACK, plan_and_print, &call) == 0
               ? call.status
               : tw__fail_memory(error, EMITTER_STACK, "a kernel's text");
}
