/* why.c - why automatic tiles leave a job whole, in one sentence: for users whose cores outnumber the tiles. */
#include "grid/why.h"

#include <inttypes.h>

#include "base/text.h"
#include "grid/automatic.h"
#include "grid/folded.h"
#include "grid/signature.h"

/* The longest axis that some output lacks, or none lacks; -1: none that has two indices. */
static int longest_axis(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options,
                        int lacked)
{
    int found = -1;
    for (int a = 0; a < signature->naxes; a++) {
        const int is_lacked = tw__reduction_output_without(signature, options, a) >= 0;
        if (lengths[a] > 1 && is_lacked == lacked && (found < 0 || lengths[a] > lengths[found])) {
            found = a;
        }
    }
    return found;
}

static void add_lacked(struct tw__text *text, const tw_signature *signature, const tw_grid_options *options, int axis)
{
    const char *name = signature->axes[axis];
    const char *output = signature->operands[tw__reduction_output_without(signature, options, axis)].name;
    tw__text_add(text, "axis %s would have to be cut, and the output %s does not have it", name, output);
    if (options->cost != TW_COST_STATEMENT) {
        tw__text_add(text, ": ask for a reduction (reduce %s=sum, or prod, min, max, any, all)", output);
    }
}

/* Whether the work is known, and too little for two tiles. */
static int is_little(const tw_grid_options *options, double work)
{
    return (options->work > 0 || options->cost == TW_COST_STATEMENT) && tw__automatic_parts(work, 0) <= 1;
}

void tw__why_whole(char *why, const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options)
{
    const uint64_t axes = tw__automatic_axes(signature, lengths, options);
    const int own = longest_axis(signature, lengths, options, 0), lacked = longest_axis(signature, lengths, options, 1);
    const double work = tw__automatic_work(signature, lengths, options);
    struct tw__text text;
    tw__text_init(&text, why, TW__WHY_TEXT);
    if (own < 0 && lacked < 0) {
        tw__text_add(&text, "no axis has more than one index");
    } else if (is_little(options, work)) {
        tw__text_add(&text, "about %" PRId64 " us of work, and a tile of less than 30 us does not pay",
                     (int64_t)(work / 1000 + 0.5));
        if (own >= 0) {
            tw__text_add(&text, "; cuts, tiles or parts of %s divide it all the same", signature->axes[own]);
        }
    } else if (axes == 0 && own >= 0) { /* input_axes_only */
        tw__text_add(&text,
                     "axis %s would have to be cut, and no input has it: let the kernel take the argument tile, or "
                     "fill its outputs, or give cuts, tiles or parts of %s",
                     signature->axes[own], signature->axes[own]);
    } else if (axes == 0) {
        add_lacked(&text, signature, options, lacked);
    } else {
        tw__text_add(&text, "an output is written in units that are as long as its axes");
    }
}
