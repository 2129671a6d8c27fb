/* proof.c - the proof, before the run, that no read goes outside and no reduction lacks an element. */
#include "notation/type/proof.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "grid/edge.h"
#include "notation/type/resolve.h"

static tw_status complain(const struct tw__extent *extent, size_t at, const char *text)
{
    return tw__complain(extent->error, &extent->syntax->source, at, "%s", text);
}

static int is_empty(const struct tw__extent *extent, uint64_t axes)
{
    for (int a = 0; a < extent->syntax->naxes; a++) {
        if (axes >> a & 1 && extent->lengths[a] == 0) {
            return 1;
        }
    }
    return 0;
}

static tw_status outside(const struct tw__extent *extent, const struct tw__walk *walk, int64_t least, int64_t largest)
{
    const int is_below = least < 0;
    char how_far[32], advice[192] = "";
    snprintf(how_far, sizeof how_far, "%" PRIu64,
             is_below ? 0 - (uint64_t)least : (uint64_t)largest - (uint64_t)walk->length + 1);
    if (walk->index->nterms > 0) {
        const char *axis = extent->syntax->axes[walk->index->term[0].which].name;
        snprintf(advice, sizeof advice,
                 "; give axis %.40s an edge (clamp, wrap, zero, reflect, mirror or constant=x) or another length",
                 axis);
    }
    return tw__complain(extent->error, &extent->syntax->source, walk->index->at,
                        "this index reaches %s %s dimension %d of %s, whose length is %" PRId64 "%s", how_far,
                        is_below ? "below the beginning of" : "past the end of", walk->dimension - 1,
                        walk->operand->name, walk->length, advice);
}

static tw_status prove_reductions(const struct tw__extent *extent)
{
    for (int n = 0; n < extent->syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &extent->syntax->nodes[n];
        uint64_t axes = 0;
        int64_t count = 1;
        if (node->kind != TW__SYNTAX_REDUCE || is_empty(extent, node->scope)) {
            continue;
        }
        for (int k = 0; k < node->naxes; k++) {
            axes |= UINT64_C(1) << node->axes[k];
        }
        for (int k = 0; k < node->naxes && !is_empty(extent, axes); k++) {
            if (!tw__mul(count, extent->lengths[node->axes[k]], &count)) {
                return complain(extent, node->at, "a reduction of more than 2^63 elements");
            }
        }
        if (tw__reducer_has((enum tw__reducer)node->which, TW__REDUCER_NEEDS) && is_empty(extent, axes)) {
            return complain(extent, node->at,
                            "there is no smallest and no largest of no elements: an axis has length 0");
        }
    }
    return TW_OK;
}

tw_status tw__prove_reads(struct tw__extent *extent)
{
    struct tw__walk walk = {0};
    while (tw__walk_next(extent, &walk)) {
        int64_t least, largest;
        if (is_empty(extent, walk.read->scope)) {
            continue;
        }
        const tw_status status = tw__index_range(extent, walk.index, -1, &least, &largest);
        if (status != TW_OK) {
            return status;
        }
        if (tw__repeats_one(extent, walk.read->which, walk.dimension - 1, walk.index)) {
            continue;
        }
        const tw_edge edge = tw__index_edge(extent->syntax, walk.index);
        if (edge == TW_EDGE_ERROR && (least < 0 || largest >= walk.length)) {
            return outside(extent, &walk, least, largest);
        }
        if (tw__edge_has_place(edge) && walk.length == 0) {
            return tw__complain(extent->error, &extent->syntax->source, walk.index->at,
                                "dimension %d of %s is empty: there is no element to take", walk.dimension - 1,
                                walk.operand->name);
        }
    }
    return prove_reductions(extent);
}
