/* cutting.c - the axes of a job while one after the other is divided. Arithmetic alone. */
#include "grid/cutting.h"

#include "base/checked.h"
#include "grid/signature.h"

uint64_t tw__axes_of(const tw_operand *operand)
{
    uint64_t axes = 0;
    for (int d = 0; d < operand->ndim; d++) {
        axes |= UINT64_C(1) << operand->axes[d];
    }
    return axes;
}

int64_t tw__division_width(const struct tw__division *division, int k, int d)
{
    int64_t low, high;
    if (!division->signature->operands[k].has_halo) {
        return 0;
    }
    tw_signature_halo(division->signature, k, d, &low, &high);
    return high - low;
}

int64_t tw__division_operand(const struct tw__division *division, int k, int axis)
{
    const tw_operand *operand = &division->signature->operands[k];
    int64_t factors[TW_MAX_DIMS + 1], bytes;
    for (int d = 0; d < operand->ndim; d++) {
        factors[d] =
            operand->axes[d] == axis ? 1 : division->extent[operand->axes[d]] + tw__division_width(division, k, d);
    }
    factors[operand->ndim] = division->options->itemsizes != NULL ? division->options->itemsizes[k] : 8;
    return tw__product(factors, operand->ndim + 1, &bytes) ? bytes : INT64_MAX;
}

int64_t tw__division_one(const struct tw__division *division, int axis, uint64_t inputs)
{
    int64_t bytes = 0;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        const uint64_t axes = tw__axes_of(operand);
        if ((axes >> axis & 1) != 0 && (operand->role != TW_IN || (axes & inputs) != 0) &&
            !tw__add(bytes, tw__division_operand(division, k, axis), &bytes)) {
            return INT64_MAX;
        }
    }
    return bytes;
}

int64_t tw__division_tile(const struct tw__division *division, uint64_t inputs)
{
    int64_t bytes = 0;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        if ((operand->role != TW_IN || (tw__axes_of(operand) & inputs) != 0) &&
            !tw__add(bytes, tw__division_operand(division, k, -1), &bytes)) {
            return INT64_MAX;
        }
    }
    return bytes;
}

int64_t tw__missing_parts(const struct tw__division *division, int64_t wanted)
{
    return wanted / division->tiles + (wanted % division->tiles != 0);
}

void tw__division_cut(struct tw__division *division, int axis, int64_t parts)
{
    const int64_t length = division->lengths[axis];
    const int64_t unit = division->options->units != NULL ? division->options->units[axis] : 1;
    parts = parts < length ? parts : length;
    if (parts <= 1) {
        return;
    }
    int64_t tile = length / parts + (length % parts != 0);
    if (unit > 1) {
        tile = tile < unit ? unit : tile / unit * unit;
        parts = (length - 1) / tile + 1;
        if (parts == 1) {
            return;
        }
        division->splits[axis].tile = tile;
    } else {
        division->splits[axis].parts = parts;
    }
    division->extent[axis] = tile;
    division->cut |= UINT64_C(1) << axis;
    if (!tw__mul(division->tiles, parts, &division->tiles)) {
        division->tiles = INT64_MAX;
    }
}

void tw__division_begin_again(struct tw__division *division, const struct tw__division *whole)
{
    *division = *whole;
    for (int a = 0; a < division->signature->naxes; a++) {
        division->splits[a] = (tw_split){0};
    }
}
