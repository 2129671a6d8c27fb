/* automatic.c - how the axes of a job are divided when the user does not say: one rule for kernels, of whose cost
 * nothing is known, and one for statements. Integers alone; knows neither machine nor workers. */
#include "grid/automatic.h"

#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/reduced.h"
#include "grid/signature.h"

/* A kernel may take a second for each element. MANY_TILES keep some tens of cores busy to the end, and cost less than
 * 0.1 ms in all (a tile of a Python kernel 0.2 us, of a native one 11 ns). FEW_TILES still do; an axis that they leave
 * whole is one along which kernels may look at all elements. */
#define MANY_TILES 256
#define FEW_TILES 32

/* What a core's own cache holds between the kernel's first and last look at it. */
#define KERNEL_TILE_BYTES (INT64_C(4) << 20)
#define STATEMENT_TILE_BYTES (INT64_C(2) << 20)
#define PARTIALS_BYTES (INT64_C(64) << 20) /* of one output that is a reduction, between two steps of a job */

/* A tile of LEAST_WORK nanoseconds pays for handing it to another core a few times over. */
#define LEAST_WORK 30e3

int64_t tw__automatic_parts(double nanoseconds, int64_t bytes)
{
    const int64_t by_size = bytes / STATEMENT_TILE_BYTES + (bytes % STATEMENT_TILE_BYTES > 0);
    int64_t parts = nanoseconds < MANY_TILES * LEAST_WORK ? (int64_t)(nanoseconds / LEAST_WORK) : MANY_TILES;
    if (parts >= 64) {
        parts -= parts % 16;
    } else { /* few tiles are a power of two, so that no core has one more to do than the others */
        while ((parts & (parts - 1)) != 0) {
            parts &= parts - 1;
        }
    }
    parts = parts > by_size ? parts : by_size;
    return parts > 1 ? parts : 1;
}

/* What is known while axis after axis is divided. */
struct division {
    const tw_signature *signature;
    const int64_t *itemsizes;
    const int64_t *units;         /* NULL: 1 each */
    int64_t extent[TW__MAX_AXES]; /* length of a tile */
    int64_t tiles;                /* so far; INT64_MAX: that or more */
    uint64_t cut;                 /* bit a: axis a is cut */
    int64_t most;                 /* bytes of a tile */
    const tw_grid_options *options;
    const int64_t *lengths;
    int64_t partials[TW_MAX_OPERANDS]; /* of outputs that are reductions: how many, so far */
};

_Static_assert(TW__MAX_AXES <= 64, "a bit for each axis");

static uint64_t axes_of(const tw_operand *operand)
{
    uint64_t axes = 0;
    for (int d = 0; d < operand->ndim; d++) {
        axes |= UINT64_C(1) << operand->axes[d];
    }
    return axes;
}

/* Bytes of one operand in a tile of which axis `axis` has one index. */
static int64_t operand_bytes(const struct division *division, int k, int axis)
{
    const tw_operand *operand = &division->signature->operands[k];
    int64_t factors[TW_MAX_DIMS + 1], bytes;
    for (int d = 0; d < operand->ndim; d++) {
        factors[d] = operand->axes[d] == axis ? 1 : division->extent[operand->axes[d]];
    }
    factors[operand->ndim] = division->itemsizes != NULL ? division->itemsizes[k] : 8;
    return tw__product(factors, operand->ndim + 1, &bytes) ? bytes : INT64_MAX;
}

/* Bytes that belong to one index of an axis, with tiles as they are so far: of outputs, and of the inputs that have the
 * axis and one of the axes `inputs`. */
static int64_t bytes_of_one(const struct division *division, int axis, uint64_t inputs)
{
    int64_t bytes = 0;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        const uint64_t axes = axes_of(operand);
        if ((axes >> axis & 1) != 0 && (operand->role != TW_IN || (axes & inputs) != 0) &&
            !tw__add(bytes, operand_bytes(division, k, axis), &bytes)) {
            return INT64_MAX;
        }
    }
    return bytes;
}

static int exceeds(int64_t one, int64_t length, int64_t most)
{
    int64_t all;
    return !tw__mul(one, length, &all) || all > most;
}

/* How many parts keep each at `most` bytes or less, or at one index. */
static int64_t parts_of_size(int64_t one, int64_t length, int64_t most)
{
    const int64_t longest = one == 0 ? length : one < most ? most / one : 1;
    return length / longest + (length % longest != 0);
}

/* Tiles of this length, as near to it as the axis's units allow; an axis of which nothing is cut then stays whole. */
static void set_tile(struct division *division, int axis, int64_t length, int64_t tile, tw_split *split)
{
    const int64_t unit = division->units != NULL ? division->units[axis] : 1;
    tile = tile < unit ? unit : tile / unit * unit;
    if (tile < length) {
        split->tile = tile;
        division->extent[axis] = tile;
        division->cut |= UINT64_C(1) << axis;
    }
}

static int is_read(const tw_signature *signature, int axis)
{
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_OUT && (axes_of(&signature->operands[k]) >> axis & 1) != 0) {
            return 1;
        }
    }
    return 0;
}

/* How many parts an axis may have before the partials of an output take more than PARTIALS_BYTES. */
static int64_t most_parts(const struct division *division, int axis)
{
    int64_t most = INT64_MAX;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        int64_t factors[TW_MAX_DIMS + 2], bytes;
        if (!tw__is_reduced(division->options, k) || (axes_of(operand) >> axis & 1) != 0) {
            continue;
        }
        for (int d = 0; d < operand->ndim; d++) {
            factors[d] = division->lengths[operand->axes[d]];
        }
        factors[operand->ndim] = division->itemsizes != NULL ? division->itemsizes[k] : 8;
        factors[operand->ndim + 1] = division->partials[k];
        if (!tw__product(factors, operand->ndim + 2, &bytes) || bytes > PARTIALS_BYTES) {
            return 1;
        }
        most = bytes > 0 && PARTIALS_BYTES / bytes < most ? PARTIALS_BYTES / bytes : most;
    }
    return most;
}

static void count_partials(struct division *division, int axis, int64_t parts)
{
    for (int k = 0; k < division->signature->noperands; k++) {
        const int lacks = (axes_of(&division->signature->operands[k]) >> axis & 1) == 0;
        division->partials[k] *= tw__is_reduced(division->options, k) && lacks ? parts : 1; /* bounded by most_parts */
    }
}

/* For kernels of unknown cost. float64, r alone:
 *     lengths          tiles        why
 *     200              200          single indices
 *     10^7             256
 *     120 x 30         120 x 1      120 are not few, so rows stay whole
 *     10 x 30          10 x 26      10 are few
 *     10000 x 20000    385 x 1      256 would have 6.25 MB; whole rows make smaller ones
 *     100 x 10^6       100 x 2      one row has 8 MB */
static void divide_kernel(struct division *division, int axis, int64_t length, tw_split *split)
{
    const int few = division->cut == 0 || division->tiles < FEW_TILES;
    if (!few && !exceeds(bytes_of_one(division, axis, division->cut), length, division->most)) {
        return;
    }
    int64_t parts = parts_of_size(bytes_of_one(division, axis, UINT64_MAX), length, division->most);
    const int64_t missing = few ? (MANY_TILES + division->tiles - 1) / division->tiles : 1;
    parts = parts < missing ? missing : parts;
    parts = parts < length ? parts : length;
    const int64_t allowed = most_parts(division, axis);
    parts = parts < allowed ? parts : allowed;
    if (parts > 1) {
        const int64_t tile = length / parts + (length % parts != 0);
        if (division->units != NULL && division->units[axis] > 1) {
            set_tile(division, axis, length, tile, split);
            parts = split->tile > 0 ? (length - 1) / split->tile + 1 : 1;
        } else {
            split->parts = parts;
            division->extent[axis] = tile;
            division->cut |= UINT64_C(1) << axis;
        }
        count_partials(division, axis, parts);
        if (!tw__mul(division->tiles, parts, &division->tiles)) {
            division->tiles = INT64_MAX;
        }
    }
}

/* From the first axis on, each is cut into tiles that have `most` bytes of output or less, until they do. So all axes
 * but one are whole or cut into single indices. An axis behind one that was cut stays whole while tiles have 2 * most
 * or less. Nonzero: no other axis is cut. r[i,j], float64, 2 MiB:
 *     lengths          one i      tiles of i      one j      tiles of j
 *     1500 x 1500      12000 B    9 of <= 167                whole: they fit
 *     1000 x 300000    2.4 MB     1000 of 1       8 B        whole: 2.4 MB < 2 * 2 MiB
 *     10 x 10^6        8 MB       10 of 1         8 B        4 of 250000
 */
static int divide_statement(struct division *division, int axis, int64_t length, tw_split *split)
{
    const int64_t one = bytes_of_one(division, axis, 0);
    const int64_t most = division->most;
    int64_t all;
    if (tw__mul(one, length, &all) && (all <= most || (division->cut != 0 && (all - 1) / 2 < most))) {
        return 1;
    }
    const int64_t parts = parts_of_size(one, length, most);
    set_tile(division, axis, length, length / parts + (length % parts != 0), split);
    return 0;
}

static tw_status check_sizes(const tw_signature *signature, const tw_grid_options *options, tw_error *error)
{
    if (options->tile_bytes < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%" PRId64 " bytes per tile: 1 is the least", options->tile_bytes);
    }
    if (!(options->work >= 0 && options->work <= 1e30)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%g nanoseconds of work for one element: 0 is the least",
                        options->work);
    }
    for (int k = 0; options->itemsizes != NULL && k < signature->noperands; k++) {
        if (options->itemsizes[k] < 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s has items of %" PRId64 " bytes", signature->operands[k].name,
                            options->itemsizes[k]);
        }
    }
    for (int a = 0; options->units != NULL && a < signature->naxes; a++) {
        if (options->units[a] < 1) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has units of %" PRId64 ": 1 is the least",
                            signature->axes[a], options->units[a]);
        }
    }
    return TW_OK;
}

tw_status tw__automatic_splits(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options,
                               tw_split *splits, tw_error *error)
{
    const int statement = options->cost == TW_COST_STATEMENT;
    struct division division = {.signature = signature,
                                .itemsizes = options->itemsizes,
                                .units = options->units,
                                .tiles = 1,
                                .options = options,
                                .lengths = lengths};
    const tw_status status = check_sizes(signature, options, error);
    if (status != TW_OK) {
        return status;
    }
    division.most = options->tile_bytes;
    if (division.most == 0) {
        division.most = statement ? STATEMENT_TILE_BYTES : KERNEL_TILE_BYTES;
    }
    for (int a = 0; a < signature->naxes; a++) {
        division.extent[a] = lengths[a];
    }
    for (int k = 0; k < signature->noperands; k++) {
        division.partials[k] = 1;
    }
    for (int a = 0, done = 0; a < signature->naxes && !done; a++) {
        if (lengths[a] <= 1 || tw__reduction_output_without(signature, options, a) >= 0 ||
            (options->input_axes_only && !is_read(signature, a))) {
            continue;
        }
        if (statement) {
            done = divide_statement(&division, a, lengths[a], &splits[a]);
        } else {
            divide_kernel(&division, a, lengths[a], &splits[a]);
        }
    }
    return TW_OK;
}
