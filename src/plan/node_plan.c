/* node_plan.c - what a job takes on several nodes: bytes, memory, whether the cuts suit the file system. Counts, and
 * reads of the file system nothing but its kind. Each node's share is an interval of tile numbers, whose tiles have
 * boxes. */
#include "plan/node_plan.h"

#include <inttypes.h>
#include <string.h>

#include "array/array.h"
#include "base/text.h"
#include "grid/cells.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "os/file.h"
#include "os/filesystem.h"

#define PAGE 4096
#define MOST_COUNTED 4096  /* nodes whose bytes are counted one by one; of more, as many at equal distances */
#define START_SECONDS 1.0  /* of a process under a scheduler, about: nodes that work for less do not pay */
#define SPARE_BYTES 2.56e8 /* of a process beside its tiles */
#define GIB 1073741824.0

/* One step of the job: its grid, and which operands of the job it has. */
struct phase {
    const tw_grid *grid;
    const struct tw__stage *stage; /* NULL: the job is one step */
    uint64_t tiles;
};

static int phases_of(const tw_grid *grid)
{
    return grid->stages != NULL ? grid->stages->count : 1;
}

static struct phase phase_of(const tw_grid *grid, int s)
{
    if (grid->stages == NULL) {
        return (struct phase){grid, NULL, grid->count};
    }
    const struct tw__stage *stage = &grid->stages->stage[s];
    return (struct phase){stage->grid, stage, stage->grid->count};
}

/* Bytes of one element of operand k of a step; 0: the step does not use it. */
static double itemsize_of(const struct tw__nodes_asked *asked, const struct phase *phase, int k)
{
    const int operand = phase->stage != NULL ? phase->stage->operand[k] : k;
    if (operand < 0) {
        return 0;
    }
    if (operand < TW__TEMPORARY) {
        return (double)asked->dtypes[operand].itemsize;
    }
    const struct tw__temporary *temporary = &asked->grid->stages->temporary[operand - TW__TEMPORARY];
    return temporary->like >= 0 ? (double)asked->dtypes[temporary->like].itemsize
                                : (double)tw_dtype_of(temporary->kind).itemsize;
}

/* The elements along dimension d of operand k in tiles [from, to) of an axis; a halo counts. */
static double extent(const struct phase *phase, int k, int d, int64_t from, int64_t to)
{
    const tw_operand *operand = &phase->grid->signature->operands[k];
    const struct tw__grid_axis *axis = &phase->grid->axes[operand->axes[d]];
    const int64_t start = tw__axis_start(axis, from), stop = tw__axis_stop(axis, to - 1);
    int64_t low = 0, high = 0;
    tw_signature_halo(phase->grid->signature, k, d, &low, &high);
    const int64_t first = start + low > 0 ? start + low : 0;
    const int64_t last = stop + high < axis->length ? stop + high : axis->length;
    return last > first ? (double)(last - first) : 0;
}

/* Finds which tiles [from[a], to[a]) of each axis the tiles [first, last] of a grid touch: from the first axis along
 * which these two differ on, all. */
static void box_of(const tw_grid *grid, uint64_t first, uint64_t last, int64_t *from, int64_t *to)
{
    int64_t begin[TW__MAX_AXES], end[TW__MAX_AXES];
    int differ = 0;
    for (int a = grid->naxes - 1; a >= 0; a--) {
        const uint64_t count = (uint64_t)grid->axes[a].count;
        begin[a] = (int64_t)(first % count);
        end[a] = (int64_t)(last % count);
        first /= count;
        last /= count;
    }
    for (int a = 0; a < grid->naxes; a++) {
        from[a] = differ ? 0 : begin[a];
        to[a] = differ ? grid->axes[a].count : end[a] + 1;
        differ = differ || begin[a] != end[a];
    }
}

/* Bytes of operand k of a step in the tiles [first, last]. */
static double bytes_in(const struct tw__nodes_asked *asked, const struct phase *phase, int k, uint64_t first,
                       uint64_t last)
{
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES];
    const tw_operand *operand = &phase->grid->signature->operands[k];
    double bytes = itemsize_of(asked, phase, k);
    box_of(phase->grid, first, last, from, to);
    for (int d = 0; d < operand->ndim && bytes > 0; d++) {
        bytes *= extent(phase, k, d, from[operand->axes[d]], to[operand->axes[d]]);
    }
    return bytes;
}

/* Tiles [*first, *end) of a step that are the share of a node. */
static void share_of(uint64_t tiles, int64_t node, int64_t nodes, uint64_t *first, uint64_t *end)
{
    const uint64_t each = tiles / (uint64_t)nodes, rest = tiles % (uint64_t)nodes, k = (uint64_t)node;
    *first = k * each + k * rest / (uint64_t)nodes;
    *end = (k + 1) * each + (k + 1) * rest / (uint64_t)nodes;
}

static void count_node(tw_node_plan *made, const struct tw__nodes_asked *asked, int64_t node, double weight)
{
    double read = 0, written = 0;
    uint64_t tiles = 0;
    for (int s = 0; s < phases_of(asked->grid); s++) {
        const struct phase phase = phase_of(asked->grid, s);
        uint64_t first, end;
        share_of(phase.tiles, node, asked->nodes, &first, &end);
        tiles += end - first;
        for (int k = 0; k < phase.grid->signature->noperands && end > first; k++) {
            const tw_role role = phase.grid->signature->operands[k].role;
            const double bytes = bytes_in(asked, &phase, k, first, end - 1);
            read += role != TW_OUT ? bytes : 0;
            written += role != TW_IN ? bytes : 0;
        }
    }
    made->bytes_read += weight * read;
    made->node_read = read > made->node_read ? read : made->node_read;
    made->node_written = written > made->node_written ? written : made->node_written;
    made->tiles = tiles > made->tiles ? tiles : made->tiles;
}

/* All elements of outputs, and of what is between steps, are written once. */
static void count_all(tw_node_plan *made, const struct tw__nodes_asked *asked)
{
    const int64_t counted = asked->nodes < MOST_COUNTED ? asked->nodes : MOST_COUNTED;
    for (int64_t n = 0; n < counted; n++) {
        count_node(made, asked, asked->nodes / counted * n, (double)asked->nodes / (double)counted);
    }
    for (int s = 0; s < phases_of(asked->grid); s++) {
        const struct phase phase = phase_of(asked->grid, s);
        for (int k = 0; k < phase.grid->signature->noperands && phase.tiles > 0; k++) {
            if (phase.grid->signature->operands[k].role != TW_IN) {
                made->bytes_written += bytes_in(asked, &phase, k, 0, phase.tiles - 1);
            }
        }
    }
}

/* ---- memory, and what is whole ---- */

/* Whether no tile boundary of the step cuts operand k. */
static int is_whole(const struct phase *phase, int k)
{
    const tw_operand *operand = &phase->grid->signature->operands[k];
    for (int d = 0; d < operand->ndim; d++) {
        if (phase->grid->axes[operand->axes[d]].count > 1) {
            return 0;
        }
    }
    return 1;
}

static double tile_bytes(const struct tw__nodes_asked *asked, const struct phase *phase, int k)
{
    const tw_operand *operand = &phase->grid->signature->operands[k];
    double bytes = itemsize_of(asked, phase, k);
    for (int d = 0; d < operand->ndim; d++) {
        bytes *= (double)tw__axis_longest(&phase->grid->axes[operand->axes[d]]);
    }
    return bytes;
}

/* The step that needs most: whole inputs once, and for each worker the cut operands of its tile. */
static double memory_of(const struct tw__nodes_asked *asked)
{
    double most = 0;
    for (int s = 0; s < phases_of(asked->grid); s++) {
        const struct phase phase = phase_of(asked->grid, s);
        double whole = 0, tile = 0;
        for (int k = 0; k < phase.grid->signature->noperands; k++) {
            const int once = phase.grid->signature->operands[k].role == TW_IN && is_whole(&phase, k);
            *(once ? &whole : &tile) += tile_bytes(asked, &phase, k);
        }
        const double all = whole + asked->workers * (tile + (double)asked->scratch_size);
        most = all > most ? all : most;
    }
    return most;
}

/* Adds "a along dimension 1", and the separator before it; nothing if all of its dimensions are cut. */
static void add_whole_dimensions(struct tw__text *text, const struct phase *phase, const tw_operand *operand)
{
    int found = 0;
    for (int d = 0; d < operand->ndim; d++) {
        const struct tw__grid_axis *axis = &phase->grid->axes[operand->axes[d]];
        if (axis->count != 1 || axis->length <= 1) {
            continue;
        }
        if (found++ == 0) {
            tw__text_add(text, "%s%s along dimension", text->length > 0 ? "; " : "", operand->name);
        }
        tw__text_add(text, found > 1 ? ", %d" : " %d", d);
    }
}

/* Adds "90 GiB", "1.5 KiB". */
static void add_bytes(struct tw__text *text, double bytes)
{
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t n = 0;
    while (bytes >= 999.5 && n + 1 < sizeof names / sizeof names[0]) {
        bytes /= 1024;
        n++;
    }
    tw__text_add(text, "%.3g %s", bytes, names[n]);
}

/* "all of b (90 GiB); a along dimension 1" */
static void describe_whole(tw_node_plan *made, const struct tw__nodes_asked *asked)
{
    const struct phase phase = phase_of(asked->grid, 0);
    const tw_signature *signature = phase.grid->signature;
    struct tw__text text;
    tw__text_init(&text, made->whole, sizeof made->whole);
    for (int k = 0; k < signature->noperands && phase.tiles > 1; k++) {
        const tw_operand *operand = &signature->operands[k];
        if (operand->role != TW_IN || operand->ndim == 0 || itemsize_of(asked, &phase, k) <= 0) {
            continue;
        }
        if (is_whole(&phase, k)) {
            tw__text_add(&text, "%sall of %s (", text.length > 0 ? "; " : "", operand->name);
            add_bytes(&text, tile_bytes(asked, &phase, k));
            tw__text_add(&text, ")");
        } else {
            add_whole_dimensions(&text, &phase, operand);
        }
    }
}

/* ---- the file system ---- */

static void find_filesystem(tw_node_plan *made, const char *folder)
{
    struct tw__filesystem filesystem = {.name = "unknown"};
    int fd;
    if (tw__file_open_read(&fd, folder != NULL ? folder : ".") == 0) {
        if (tw__filesystem_of(&filesystem, fd) != 0) {
            filesystem = (struct tw__filesystem){.name = "unknown"};
        }
        tw__file_close(fd);
    }
    struct tw__text text;
    tw__text_init(&text, made->file_system, sizeof made->file_system);
    tw__text_add(&text, "%s", filesystem.name);
    made->is_coherent = filesystem.is_coherent;
    tw__text_init(&text, made->rules, sizeof made->rules);
    if (filesystem.is_coherent) {
        tw__text_add(&text, "%s: what one machine writes harms no byte beside it, so tiles may have any cuts",
                     filesystem.name);
    } else {
        tw__text_add(&text,
                     "%s: machines may overwrite each other's bytes within a page of %d: each tile is written in whole "
                     "pieces, pages at its borders synchronously, and everything is read back before the end",
                     filesystem.name, PAGE);
    }
}

/* Finds in how many pieces of how many bytes the file of an output holds a tile. */
static void pieces_of(const struct tw__nodes_asked *asked, int k, double *count, double *bytes)
{
    const tw_operand *operand = &asked->grid->signature->operands[k];
    int last = operand->ndim - 1;
    *count = 1;
    *bytes = (double)asked->dtypes[k].itemsize;
    while (last >= 0 && asked->grid->axes[operand->axes[last]].count <= 1) {
        *bytes *= (double)asked->grid->axes[operand->axes[last--]].length;
    }
    for (int d = last; d >= 0; d--) {
        *(d == last ? bytes : count) *= (double)tw__axis_longest(&asked->grid->axes[operand->axes[d]]);
    }
}

static void describe_cuts(tw_node_plan *made, const struct tw__nodes_asked *asked)
{
    struct tw__text text;
    tw__text_init(&text, made->cuts, sizeof made->cuts);
    made->fits = 1;
    const int k = tw__signature_first_output(asked->grid->signature);
    double count, bytes;
    if (k < 0) {
        return;
    }
    const char *name = asked->grid->signature->operands[k].name;
    pieces_of(asked, k, &count, &bytes);
    tw__text_add(&text, "a tile of %s is %.0f piece%s of %.0f bytes", name, count, count == 1 ? "" : "s", bytes);
    made->fits = made->is_coherent || count <= 1 || bytes >= PAGE;
    if (!made->fits) {
        tw__text_add(&text, ", too short for this file system: cut the first axis alone, or leave the last one whole");
    } else if (bytes < PAGE) {
        tw__text_add(&text, ": nodes share the pages at their borders");
    } else {
        tw__text_add(&text, ": borders between nodes fall on multiples of 64 KiB where tiles are many enough");
    }
}

/* ---- the end ---- */

static double seconds_of(const tw_plan *plan, const struct tw__nodes_asked *asked)
{
    const tw_forecast *best = &plan->forecast[plan->best];
    const double share = best->tiles / (double)asked->nodes;
    return (share > plan->longest ? share : plan->longest) + best->fresh / (double)asked->nodes + best->opening +
           best->disk;
}

static void advise(tw_plan *plan, const struct tw__nodes_asked *asked)
{
    tw_node_plan *made = &plan->on_nodes;
    struct tw__text text;
    tw__text_init(&text, made->advice, sizeof made->advice);
    const double places = (double)asked->nodes * asked->workers, tiles = (double)phase_of(asked->grid, 0).tiles;
    if (!made->fits) {
        tw__text_add(&text, "a run would be refused: the tiles do not suit the file system");
    } else if (tiles < places) {
        const uint64_t enough =
            (phase_of(asked->grid, 0).tiles + (uint64_t)asked->workers - 1) / (uint64_t)asked->workers;
        tw__text_add(&text, "too few tiles: %.0f for %.0f workers; %" PRIu64 " node%s enough, or cut more tiles", tiles,
                     places, enough, enough == 1 ? " is" : "s are");
    } else if (plan->forecast[plan->best].seconds < 10 * START_SECONDS && !plan->at_least) {
        tw__text_add(&text, "one machine needs ");
        tw__text_add_duration(&text, plan->forecast[plan->best].seconds);
        tw__text_add(&text, ": starting processes on others takes about as long");
    } else if (plan->forecast[plan->best].disk > plan->forecast[plan->best].tiles) {
        tw__text_add(&text, "bound by the file system, which all nodes share: more of them do not make it faster");
    } else {
        tw__text_add(&text, "%" PRId64 " nodes with %d workers each pay, if they are machines like this one",
                     asked->nodes, asked->workers);
    }
}

static void write_sbatch(tw_node_plan *made, const struct tw__nodes_asked *asked)
{
    struct tw__text text;
    const double memory = 1.25 * made->node_memory + SPARE_BYTES;
    tw__text_init(&text, made->sbatch, sizeof made->sbatch);
    tw__text_add(&text, "sbatch --array=0-%" PRId64 " --requeue --cpus-per-task=%d --mem=%.0fG", asked->nodes - 1,
                 asked->workers, (double)(uint64_t)(memory / GIB) + 1);
}

void tw__plan_nodes(tw_plan *plan, const struct tw__nodes_asked *asked)
{
    tw_node_plan *made = &plan->on_nodes;
    *made = (tw_node_plan){.nodes = asked->nodes, .workers = asked->workers};
    count_all(made, asked);
    made->node_memory = memory_of(asked);
    made->seconds = seconds_of(plan, asked);
    describe_whole(made, asked);
    find_filesystem(made, asked->folder);
    describe_cuts(made, asked);
    advise(plan, asked);
    write_sbatch(made, asked);
}
