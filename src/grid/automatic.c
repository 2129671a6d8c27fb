/* automatic.c - how the axes of a job are divided when the user does not say: one rule for kernels, of whose cost
 * nothing is known, one for jobs whose work is known, as that of statements is, and one for tiles that share a large
 * input. Arithmetic alone; knows neither machine nor workers. */
#include "grid/automatic.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/cutting.h"
#include "grid/folded.h"
#include "grid/grid.h"
#include "grid/haloed.h"
#include "grid/signature.h"

/* A kernel may take a second for each element. TW__MANY_TILES keep some tens of cores busy to the end, and cost less
 * than 0.1 ms in all (a tile of a Python kernel 0.2 us, of a native one 11 ns). FEW_TILES still do; an axis that they
 * leave whole is one along which kernels may look at all elements. */
#define FEW_TILES 32

/* What a core's own cache holds between the kernel's first and last look at it. */
#define KERNEL_TILE_BYTES (INT64_C(4) << 20)
#define STATEMENT_TILE_BYTES (INT64_C(2) << 20) /* and of other jobs whose work is known */

/* Of tiles that share a large input. A product of matrices in BLAS takes 1.1 times as long in tiles of 250 x 250 as in
 * two halves, 1.3 times in tiles of 125 x 125, 1.5 times in tiles of 62 x 62 (float64, 1000 x 1000 x 1000). */
#define SQUARE_ELEMENTS (256 * 256)

/* All partials of the outputs that are reductions: memory that the user did not ask for. */
#define PARTIAL_BYTES (INT64_C(64) << 20)

/* ... and what writing and reading them again costs: little beside the inputs, if these are large. */
#define PARTIAL_SHARE 8
#define LITTLE_PARTIAL_BYTES (INT64_C(1) << 20)

/* Nanoseconds of a tile. Less does not pay for handing it to another core. */
#define LEAST_WORK 30e3

/* Nanoseconds for a byte, where nothing but memory is known. */
#define BYTE_WORK 0.02

/* Few parts are a power of two, so that no core has one tile more to do than the others; many, a multiple of 16. */
static int64_t rounded_down(int64_t parts)
{
    if (parts >= 64) {
        return parts - parts % 16;
    }
    while ((parts & (parts - 1)) != 0) {
        parts &= parts - 1;
    }
    return parts;
}

static int64_t rounded_up(int64_t parts)
{
    const int64_t down = rounded_down(parts);
    return down == parts || parts > INT64_MAX - 16 ? parts : down < 64 ? 2 * down : down + 16;
}

static int64_t parts_of(double nanoseconds, int64_t bytes, int64_t most)
{
    const double by_work = nanoseconds / LEAST_WORK;
    const int64_t many = rounded_down(by_work < TW__MANY_TILES ? (int64_t)by_work : TW__MANY_TILES);
    const int64_t small = rounded_up(bytes / most + (bytes % most > 0));
    const int64_t parts = many > small ? many : small;
    return parts > 1 ? parts : 1;
}

int64_t tw__automatic_parts(double nanoseconds, int64_t bytes)
{
    return parts_of(nanoseconds, bytes, STATEMENT_TILE_BYTES);
}

/* ---- which axes ---- */

/* Axes that some input has. */
static uint64_t read_axes(const tw_signature *signature)
{
    uint64_t axes = 0;
    for (int k = 0; k < signature->noperands; k++) {
        axes |= signature->operands[k].role != TW_OUT ? tw__axes_of(&signature->operands[k]) : 0;
    }
    return axes;
}

/* Axes that may be cut. reduced: those that outputs lack, which are all reductions; else those that every output has.
 */
static uint64_t axes_to_cut(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options,
                            int reduced)
{
    const uint64_t seen = options->input_axes_only ? read_axes(signature) : UINT64_MAX;
    uint64_t axes = 0;
    for (int a = 0; a < signature->naxes; a++) {
        int lacked = 0, refused = 0;
        for (int k = 0; k < signature->noperands; k++) {
            const int lacks =
                signature->operands[k].role != TW_IN && (tw__axes_of(&signature->operands[k]) >> a & 1) == 0;
            lacked |= lacks;
            refused |= lacks && !tw__is_reduced(options, k);
        }
        if (lengths[a] > 1 && !refused && lacked == reduced && (seen >> a & 1) != 0) {
            axes |= UINT64_C(1) << a;
        }
    }
    return axes;
}

uint64_t tw__automatic_axes(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options)
{
    return axes_to_cut(signature, lengths, options, 0) | axes_to_cut(signature, lengths, options, 1);
}

/* ---- cutting ---- */

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

/* For kernels of unknown cost. float64, r alone:
 *     lengths          tiles        why
 *     200              200          single indices
 *     10^7             256
 *     120 x 30         120 x 1      120 are not few, so rows stay whole
 *     10 x 30          10 x 26      10 are few
 *     10000 x 20000    385 x 1      256 would have 6.25 MB; whole rows make smaller ones
 *     100 x 10^6       100 x 2      one row has 8 MB */
static void divide_unknown(struct tw__division *division, int axis)
{
    const int64_t length = division->lengths[axis];
    const int few = division->cut == 0 || division->tiles < FEW_TILES;
    if (few || exceeds(tw__division_one(division, axis, division->cut), length, division->most)) {
        const int64_t parts = parts_of_size(tw__division_one(division, axis, UINT64_MAX), length, division->most);
        const int64_t missing = few ? tw__missing_parts(division, TW__MANY_TILES) : 1;
        tw__division_cut(division, axis, parts < missing ? missing : parts);
    }
}

/* For a job that should have `wanted` tiles: the first axis is cut into so many parts, a later one if that was too
 * short, or while tiles have more than twice `most`. r[i,j], float64, 2 MiB:
 *     lengths          wanted   tiles
 *     1500 x 1500      16       16 x 1
 *     3 x 100000       4        3 x 2       3 are too few
 *     1000 x 300000    1200     1000 x 1    1000 are more than half of them, and 2.4 MB less than twice 2 MiB
 *     10 x 10^6        48       10 x 5      */
static void divide_known(struct tw__division *division, int axis, int64_t wanted)
{
    const int64_t length = division->lengths[axis];
    const int enough = division->tiles >= wanted || (division->tiles >= FEW_TILES && division->tiles > wanted / 2);
    const int64_t missing = enough ? 1 : tw__missing_parts(division, wanted);
    const int64_t slack = division->cut != 0 && division->most < INT64_MAX / 2 ? 2 * division->most : division->most;
    const int64_t one = tw__division_one(division, axis, division->cut | UINT64_C(1) << axis);
    const int64_t parts = exceeds(one, length, slack) ? parts_of_size(one, length, division->most) : 1;
    tw__division_cut(division, axis, parts < missing ? missing : parts);
}

/* The largest input that has elements, and its bytes; -1: there is none. */
static int largest_input(const struct tw__division *division, int64_t *bytes)
{
    struct tw__division whole = {.signature = division->signature, .options = division->options};
    int largest = -1;
    memcpy(whole.extent, division->lengths, (size_t)division->signature->naxes * sizeof whole.extent[0]);
    *bytes = 0;
    for (int k = 0; k < division->signature->noperands; k++) {
        if (division->signature->operands[k].role == TW_IN && tw__division_operand(&whole, k, -1) > *bytes) {
            *bytes = tw__division_operand(&whole, k, -1);
            largest = k;
        }
    }
    return largest;
}

/* What all partials may have. */
static int64_t partial_bytes(const struct tw__division *division)
{
    int64_t bytes;
    largest_input(division, &bytes);
    bytes /= PARTIAL_SHARE;
    bytes = bytes > LITTLE_PARTIAL_BYTES ? bytes : LITTLE_PARTIAL_BYTES;
    return bytes < PARTIAL_BYTES ? bytes : PARTIAL_BYTES;
}

/* A reduced axis that is the first one of the largest input, whose rows are best read whole; -1: there is none. */
static int leading_axis(const struct tw__division *division, uint64_t reduced)
{
    int64_t bytes;
    const int k = largest_input(division, &bytes);
    for (int d = 0; k >= 0 && d < division->signature->operands[k].ndim; d++) {
        const int axis = division->signature->operands[k].axes[d];
        if (division->lengths[axis] > 1) {
            return (reduced >> axis & 1) != 0 ? axis : -1;
        }
    }
    return -1;
}

/* Reduced axes are cut where the outputs' alone give few tiles. */
static void divide_reduced(struct tw__division *division, int axis, int64_t wanted)
{
    int64_t partials = 0, most;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        if (operand->role != TW_IN && (tw__axes_of(operand) >> axis & 1) == 0 &&
            !tw__add(partials, tw__division_operand(division, k, -1), &partials)) {
            partials = INT64_MAX;
        }
    }
    /* Outputs are cut already along their own axes, by as many tiles as there are so far. */
    if (division->tiles >= FEW_TILES || division->tiles >= wanted || !tw__mul(partials, division->tiles, &partials)) {
        return;
    }
    most = partials == 0 ? wanted : partial_bytes(division) / partials;
    const int64_t parts = tw__missing_parts(division, wanted);
    tw__division_cut(division, axis, parts < most ? parts : most);
}

/* ---- tiles that share a large input ---- */

/* Whether several tiles read the same part of a large input, more of it than they write, though it could be cut along
 * one of these axes. whole: before anything was cut. */
static int share_much(const struct tw__division *division, const struct tw__division *whole, uint64_t axes)
{
    const int64_t written = tw__division_tile(division, 0);
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        if (operand->role == TW_IN && (division->cut & ~tw__axes_of(operand)) != 0 &&
            (tw__axes_of(operand) & axes) != 0 && tw__division_operand(whole, k, -1) > whole->most &&
            tw__division_operand(division, k, -1) > written) {
            return 1;
        }
    }
    return 0;
}

/* How many tiles have this length along all of these axes. */
static int64_t squares(const struct tw__division *division, uint64_t axes, int64_t edge)
{
    int64_t tiles = 1;
    for (int a = 0; a < division->signature->naxes; a++) {
        const int64_t length = division->lengths[a];
        if ((axes >> a & 1) != 0 && !tw__mul(tiles, length / edge + (length % edge != 0), &tiles)) {
            return INT64_MAX;
        }
    }
    return tiles;
}

/* Cuts these axes into `wanted` tiles or a few more that are as nearly square as lengths allow: what lies around a
 * tile, and what several of them read, is then the least. 1000 x 1000, 16 wanted: 4 x 4. 100 x 10^6, 256: 1 x 256. */
static void divide_square(struct tw__division *division, uint64_t axes, int64_t wanted)
{
    int64_t low = 1, high = INT64_MAX; /* as low, there are enough; as high, too few */
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (squares(division, axes, middle) >= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    for (int a = 0; a < division->signature->naxes; a++) {
        if ((axes >> a & 1) != 0) {
            tw__division_cut(division, a, division->lengths[a] / low + (division->lengths[a] % low != 0));
        }
    }
}

/* How many squares a kernel gets. */
static int64_t squares_of_kernel(const struct tw__division *division, uint64_t axes)
{
    const int64_t bytes = tw__division_tile(division, 0);
    const int64_t by_size = bytes / division->most + (bytes % division->most != 0);
    int64_t elements = 1;
    for (int a = 0; a < division->signature->naxes; a++) {
        if ((axes >> a & 1) != 0 && !tw__mul(elements, division->lengths[a], &elements)) {
            elements = INT64_MAX;
        }
    }
    int64_t wanted = elements / SQUARE_ELEMENTS;
    wanted = wanted < TW__FEW_SQUARES ? TW__FEW_SQUARES : wanted < TW__MANY_TILES ? wanted : TW__MANY_TILES;
    return wanted > by_size ? wanted : by_size;
}

/* ---- all together ---- */

double tw__automatic_work(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options)
{
    double all = 0;
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        double elements = 1;
        for (int d = 0; d < operand->ndim; d++) {
            elements *= (double)lengths[operand->axes[d]];
        }
        if (options->work > 0 && operand->role != TW_IN) {
            return options->work * elements;
        }
        all += options->cost == TW_COST_STATEMENT
                   ? BYTE_WORK * elements * (options->itemsizes != NULL ? (double)options->itemsizes[k] : 8)
                   : 0;
    }
    return all;
}

static int is_known(const tw_grid_options *options)
{
    return options->work > 0 || options->cost == TW_COST_STATEMENT;
}

static void divide_all_of(struct tw__division *division, uint64_t axes)
{
    for (int a = 0; a < division->signature->naxes; a++) {
        if ((axes >> a & 1) != 0) {
            divide_unknown(division, a);
        }
    }
}

static void divide_all(struct tw__division *division)
{
    const uint64_t axes = axes_to_cut(division->signature, division->lengths, division->options, 0);
    const uint64_t reduced = axes_to_cut(division->signature, division->lengths, division->options, 1);
    const struct tw__division whole = *division;
    const double work = tw__automatic_work(division->signature, division->lengths, division->options);
    const int known = is_known(division->options);
    const int64_t wanted = known ? parts_of(work, tw__division_tile(division, axes), division->most) : TW__MANY_TILES;
    const int leading = known ? -1 : leading_axis(division, reduced);
    if (leading >= 0) {
        divide_reduced(division, leading, wanted);
    }
    for (int a = 0; a < division->signature->naxes; a++) {
        if ((axes >> a & 1) != 0 && known) {
            divide_known(division, a, wanted);
        } else if ((axes >> a & 1) != 0) {
            divide_unknown(division, a);
        }
    }
    if (!known && division->signature->nhalos > 0) {
        divide_all_of(division, tw__haloed_divide(division, &whole, axes));
    }
    if (leading < 0 && share_much(division, &whole, axes)) {
        const uint64_t square = axes & read_axes(division->signature);
        tw__division_begin_again(division, &whole);
        divide_square(division, square,
                      known ? parts_of(work, tw__division_tile(division, 0), division->most)
                            : squares_of_kernel(division, square));
    }
    for (int a = 0; a < division->signature->naxes; a++) {
        if ((reduced >> a & 1) != 0 && a != leading) {
            divide_reduced(division, a, wanted);
        }
    }
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
    struct tw__division division = {
        .signature = signature, .options = options, .lengths = lengths, .splits = splits, .tiles = 1};
    const tw_status status = check_sizes(signature, options, error);
    if (status != TW_OK) {
        return status;
    }
    division.most = options->tile_bytes;
    if (division.most == 0) {
        division.most = is_known(options) ? STATEMENT_TILE_BYTES : KERNEL_TILE_BYTES;
    }
    for (int a = 0; a < signature->naxes; a++) {
        division.extent[a] = lengths[a];
    }
    divide_all(&division);
    return TW_OK;
}
