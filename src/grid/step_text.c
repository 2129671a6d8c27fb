/* step_text.c - the steps of a job, one by one: where their tiles are among the job's, and what each does, as text. */
#include <inttypes.h>

#include "base/text.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"

/* One step: of a job without stages its own grid. */
struct step {
    const tw_grid *grid;
    const struct tw__stage *stage; /* NULL: the job has no stages */
};

static struct step step_of(const tw_grid *grid, int number)
{
    const struct tw__stage *stage = grid->stages != NULL ? &grid->stages->stage[number] : NULL;
    return (struct step){.grid = stage != NULL ? stage->grid : grid, .stage = stage};
}

int tw_grid_steps(const tw_grid *grid)
{
    return grid->stages != NULL ? grid->stages->count : 1;
}

uint64_t tw_grid_step_first(const tw_grid *grid, int step)
{
    return step <= 0 ? 0 : step >= tw_grid_steps(grid) ? grid->count : grid->stages->stage[step].first;
}

static int is_absent(const struct step *step, int k)
{
    return step->stage != NULL && step->stage->operand[k] < 0;
}

/* "s[j]", "part of s[j]" of a temporary. */
static void add_operand(struct tw__text *text, const struct step *step, int k)
{
    const tw_signature *signature = step->grid->signature;
    const tw_operand *operand = &signature->operands[k];
    const int is_fold = step->stage != NULL && step->stage->call == TW__STAGE_FOLD && operand->role == TW_IN;
    const int first = is_fold && operand->ndim > 0;
    if (step->stage != NULL && step->stage->parts[k] != 0) {
        tw__text_add(text, "%" PRIu64 " parts of ", tw__stage_parts(step->stage, k));
    } else if (first) {
        tw__text_add(text, "%" PRId64 " parts of ", step->grid->axes[operand->axes[0]].length);
    }
    tw__text_add(text, "%s[", operand->name);
    for (int d = first; d < operand->ndim; d++) {
        tw__text_add(text, "%s", d > first ? "," : "");
        tw__signature_add_index(text, signature, k, d);
    }
    tw__text_add(text, "]");
}

/* ": i in 40, j in 2" for the axes that are divided. */
static void add_division(struct tw__text *text, const struct step *step)
{
    const char *separator = ": ";
    for (int a = 0; a < step->grid->naxes; a++) {
        const int64_t tiles = step->grid->axes[a].count;
        if (tiles > 1) {
            tw__text_add(text, "%s%s in %" PRId64, separator, step->grid->signature->axes[a], tiles);
            separator = ", ";
        }
    }
}

int tw_grid_step_text(const tw_grid *grid, int number, char *text, size_t size)
{
    struct tw__text made;
    tw__text_init(&made, text, size);
    if (number >= 0 && number < tw_grid_steps(grid)) {
        const struct step step = step_of(grid, number);
        const tw_signature *signature = step.grid->signature;
        for (int outputs = 0; outputs < 2; outputs++) {
            const char *separator = "";
            for (int k = 0; k < signature->noperands; k++) {
                if (!is_absent(&step, k) && signature->operands[k].role != (outputs ? TW_IN : TW_OUT)) {
                    tw__text_add(&made, "%s", separator);
                    add_operand(&made, &step, k);
                    separator = ", ";
                }
            }
            if (!outputs && tw__signature_first_output(signature) >= 0) {
                tw__text_add(&made, "%s-> ", separator[0] != '\0' ? " " : "");
            }
        }
        tw__text_add(&made, " (%" PRIu64 " tile%s", step.grid->count, step.grid->count == 1 ? "" : "s");
        add_division(&made, &step);
        tw__text_add(&made, ")");
    }
    return made.length < INT32_MAX ? (int)made.length : INT32_MAX;
}
