/* tile_text.c - the ranges of a tile as text: operands with what the tile has of them, and how large its output is. */
#include <inttypes.h>

#include "base/text.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "grid/stages.h"

/* A tile of a grid without stages. */
struct box {
    const tw_grid *grid;
    const struct tw__stage *stage; /* NULL: of a job of one step */
    int64_t coordinate[TW__MAX_AXES];
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
};

static void find_box(struct box *box, const tw_grid *grid, uint64_t tile)
{
    box->grid = grid;
    box->stage = NULL;
    if (grid->stages != NULL) {
        box->stage = tw__stage_of(grid->stages, tile);
        box->grid = box->stage->grid;
        tile -= box->stage->first;
    }
    tw__cells_coordinates(box->grid, tile, box->coordinate);
    tw__cells_box(box->grid, tile, box->start, box->stop);
}

static void add_operand(struct tw__text *text, const struct box *box, int k)
{
    const tw_operand *operand = &box->grid->signature->operands[k];
    int first = 0;
    if (box->stage != NULL && box->stage->call == TW__STAGE_FOLD && operand->role == TW_IN && operand->ndim > 0) {
        const int a = operand->axes[0];
        tw__text_add(text, "%" PRId64 " parts of ", box->stop[a] - box->start[a]);
        first = 1;
    }
    tw__text_add(text, "%s[", operand->name);
    for (int d = first; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        int64_t low, high;
        tw_signature_halo(box->grid->signature, k, d, &low, &high);
        tw__text_add(text, "%s%" PRId64 ":%" PRId64, d > first ? "," : "", box->start[a] + low, box->stop[a] + high);
    }
    tw__text_add(text, "]");
}

static int is_part(const struct box *box, int k)
{
    return box->stage != NULL && box->stage->parts[k] != 0;
}

/* "i 0:10, j 5:10": of a job without operands. */
static void add_ranges(struct tw__text *text, const struct box *box)
{
    for (int a = 0; a < box->grid->naxes; a++) {
        tw__text_add(text, "%s%s %" PRId64 ":%" PRId64, a > 0 ? ", " : "", box->grid->signature->axes[a], box->start[a],
                     box->stop[a]);
    }
}

/* Inputs, an arrow, outputs. */
static void add_operands(struct tw__text *text, const struct box *box)
{
    const tw_signature *signature = box->grid->signature;
    for (int outputs = 0; outputs < 2; outputs++) {
        const char *separator = "";
        for (int k = 0; k < signature->noperands; k++) {
            const int has_none = box->stage != NULL && box->stage->operand[k] < 0;
            if (has_none || signature->operands[k].role == (outputs ? TW_IN : TW_OUT)) {
                continue;
            }
            tw__text_add(text, "%s", separator);
            add_operand(text, box, k);
            separator = ", ";
        }
        if (!outputs && tw__signature_first_output(signature) >= 0) {
            tw__text_add(text, "%s-> ", separator[0] != '\0' ? " " : "");
        }
    }
    if (signature->noperands == 0) {
        add_ranges(text, box);
    }
}

/* ", k 0:1000": what a part is of, for axes that no operand shows. */
static void add_unseen(struct tw__text *text, const struct box *box, int part)
{
    const tw_signature *signature = box->grid->signature;
    for (int a = 0; a < signature->naxes; a++) {
        int is_seen = (box->stage->parts[part] >> a & 1) == 0 || box->grid->axes[a].count == 1;
        for (int k = 0; k < signature->noperands && !is_seen; k++) {
            for (int d = 0; d < signature->operands[k].ndim && !is_seen; d++) {
                is_seen = signature->operands[k].axes[d] == a;
            }
        }
        if (!is_seen) {
            tw__text_add(text, ", %s %" PRId64 ":%" PRId64, signature->axes[a], box->start[a], box->stop[a]);
        }
    }
}

/* "333 x 1000" of the first output that is whole, "part 3 of 40" of the first that is a part of one. */
static void add_extent(struct tw__text *text, const struct box *box)
{
    const tw_signature *signature = box->grid->signature;
    int whole = -1, part = -1;
    for (int k = signature->noperands - 1; k >= 0; k--) {
        if (signature->operands[k].role != TW_IN) {
            *(is_part(box, k) ? &part : &whole) = k;
        }
    }
    if (whole >= 0) {
        const tw_operand *first = &signature->operands[whole];
        for (int d = 0; d < first->ndim; d++) {
            const int a = first->axes[d];
            tw__text_add(text, "%s%" PRId64, d > 0 ? " x " : "", box->stop[a] - box->start[a]);
        }
        tw__text_add(text, "%s", first->ndim == 0 ? "1" : "");
    }
    if (part >= 0) {
        tw__text_add(text, "%spart %" PRIu64 " of %" PRIu64, whole >= 0 ? ", " : "",
                     tw__stage_part(box->stage, part, box->coordinate) + 1, tw__stage_parts(box->stage, part));
        add_unseen(text, box, part);
    }
}

int tw_grid_tile_text(const tw_grid *grid, uint64_t tile, char *text, size_t size)
{
    struct tw__text made;
    struct box box;
    tw__text_init(&made, text, size);
    find_box(&box, grid, tile);
    add_operands(&made, &box);
    if (tw__signature_first_output(box.grid->signature) >= 0) {
        tw__text_add(&made, " (");
        add_extent(&made, &box);
        tw__text_add(&made, ")");
    }
    return made.length < INT32_MAX ? (int)made.length : INT32_MAX;
}
