/* stages.c - a job of several steps, by arithmetic: the list of them, and flat copies of it. */
#include "grid/stages.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/cells.h"

static size_t aligned(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* Stages and temporaries lie in one piece of memory with the list. */
static size_t lists_size(int most, int ntemporaries)
{
    return aligned(sizeof(struct tw__stages)) + aligned((size_t)most * sizeof(struct tw__stage)) +
           aligned((size_t)ntemporaries * sizeof(struct tw__temporary));
}

static void place_lists(struct tw__stages *stages, int most)
{
    stages->stage = (struct tw__stage *)(void *)((char *)stages + aligned(sizeof *stages));
    stages->temporary =
        (struct tw__temporary *)(void *)((char *)stages->stage + aligned((size_t)most * sizeof stages->stage[0]));
}

tw_status tw__stages_create(struct tw__stages **stages, int most, int ntemporaries, tw_error *error)
{
    struct tw__stages *made = calloc(1, lists_size(most, ntemporaries));
    if (made == NULL) {
        return tw__fail_memory(error, lists_size(most, ntemporaries), "the steps of a job");
    }
    place_lists(made, most);
    made->ntemporaries = ntemporaries;
    *stages = made;
    return TW_OK;
}

void tw__stages_destroy(struct tw__stages *stages)
{
    for (int s = 0; stages != NULL && s < stages->count; s++) {
        tw__cells_destroy(stages->stage[s].grid);
        free(stages->stage[s].context);
    }
    free(stages);
}

struct tw__stage *tw__stages_add(struct tw__stages *stages, enum tw__stage_call call)
{
    struct tw__stage *stage = &stages->stage[stages->count++];
    *stage = (struct tw__stage){.call = call, .fold = -1};
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        stage->operand[k] = -1;
    }
    for (int a = 0; a < TW__MAX_AXES; a++) {
        stage->axis[a] = -1;
    }
    return stage;
}

tw_status tw__grid_set_stages(tw_grid *grid, struct tw__stages *stages, tw_error *error)
{
    uint64_t count = 0;
    for (int s = 0; s < stages->count; s++) {
        stages->stage[s].first = count;
        if (__builtin_add_overflow(count, stages->stage[s].grid->count, &count) || count > INT64_MAX) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "the grid has more tiles than can be numbered, 2^63 - 1");
        }
    }
    grid->stages = stages;
    grid->count = count;
    return TW_OK;
}

const struct tw__stage *tw__stage_of(const struct tw__stages *stages, uint64_t tile)
{
    int s = stages->count - 1;
    while (s > 0 && tile < stages->stage[s].first) {
        s--;
    }
    return &stages->stage[s];
}

uint64_t tw__stage_part(const struct tw__stage *stage, int operand, const int64_t *coordinate)
{
    uint64_t part = 0;
    for (int a = 0; a < stage->grid->naxes; a++) {
        if ((stage->parts[operand] >> a & 1) != 0) {
            part = part * (uint64_t)stage->grid->axes[a].count + (uint64_t)coordinate[a];
        }
    }
    return part;
}

uint64_t tw__stage_parts(const struct tw__stage *stage, int operand)
{
    uint64_t parts = 1;
    for (int a = 0; a < stage->grid->naxes; a++) {
        parts *= (stage->parts[operand] >> a & 1) != 0 ? (uint64_t)stage->grid->axes[a].count : 1;
    }
    return parts;
}

size_t tw__stages_image_size(const struct tw__stages *stages)
{
    size_t size = lists_size(stages->count, stages->ntemporaries);
    for (int s = 0; s < stages->count; s++) {
        size += aligned(tw__cells_image_size(stages->stage[s].grid));
    }
    return size;
}

struct tw__stages *tw__stages_image(const struct tw__stages *stages, void *memory)
{
    struct tw__stages *image = memory;
    char *at = (char *)memory + lists_size(stages->count, stages->ntemporaries);
    *image = *stages;
    place_lists(image, stages->count);
    memcpy(image->temporary, stages->temporary, (size_t)stages->ntemporaries * sizeof image->temporary[0]);
    for (int s = 0; s < stages->count; s++) {
        image->stage[s] = stages->stage[s];
        image->stage[s].grid = tw__cells_image(stages->stage[s].grid, at);
        image->stage[s].context = NULL;
        image->stage[s].context_size = 0;
        at += aligned(tw__cells_image_size(stages->stage[s].grid));
    }
    return image;
}
