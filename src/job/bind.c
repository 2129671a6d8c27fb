/* bind.c - the operands of a run as its workers find them. The one place that knows which memory which workers see, and
 * that chooses how tiles reach it. */
#include "job/bind.h"

#include <string.h>

#include "array/copies.h"
#include "array/view.h"
#include "base/error.h"
#include "base/text.h"
#include "grid/signature.h"
#include "job/sight.h"
#include "job/units.h"
#include "os/clock.h"
#include "store/store.h"

static tw_status check_operand(const tw_grid *grid, int k, const tw_array *array, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    const tw_operand *operand = &signature->operands[k];
    if (array == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has no array", operand->name);
    }
    const tw_view *view = &array->view;
    if (view->ndim != operand->ndim) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s has %d dimensions but the signature gives it %d", operand->name,
                        view->ndim, operand->ndim);
    }
    for (int d = 0; d < view->ndim; d++) {
        const int axis = operand->axes[d];
        const int64_t length = grid->axes[axis].length;
        if (view->shape[d] != length && (operand->role != TW_IN || view->shape[d] != 1)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has length %lld in the grid but %s has %lld there",
                            signature->axes[axis], (long long)length, operand->name, (long long)view->shape[d]);
        }
        if (view->dtype.kind != TW_OPAQUE && view->strides[d] % view->dtype.itemsize != 0 && view->shape[d] > 1) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s has a stride of %lld bytes in dimension %d, which is no multiple of its items of %lld; "
                            "copy it to an array of its own first",
                            operand->name, (long long)view->strides[d], d, (long long)view->dtype.itemsize);
        }
    }
    if (view->dtype.alignment > 1 && (uintptr_t)view->data % (uintptr_t)view->dtype.alignment != 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s does not begin at a multiple of %d bytes; copy it first",
                        operand->name, (int)view->dtype.alignment);
    }
    if (operand->role != TW_IN && !array->writable) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s is an output but its array can only be read", operand->name);
    }
    if (operand->has_halo) {
        const tw_status status = tw__framed_check(grid, k, &view->dtype, error);
        if (status != TW_OK) {
            return status;
        }
    }
    const int written = operand->role != TW_IN && tw_view_size(view) > 0 && view->dtype.itemsize > 0;
    for (int d = 0; written && d < view->ndim; d++) {
        if (view->strides[d] == 0 && view->shape[d] > 1) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s is an output but its elements along dimension %d are all the same one", operand->name,
                            d);
        }
    }
    return TW_OK;
}

static tw_status fail_overlap(const tw_signature *signature, const tw_operand *output, const tw_operand *other,
                              tw_error *error)
{
    char way[TW_ERROR_MESSAGE_SIZE];
    struct tw__text out;
    tw__text_init(&out, way, sizeof way);
    if (output->role == TW_OUT && other->role == TW_IN && output->ndim == other->ndim &&
        memcmp(output->axes, other->axes, (size_t)output->ndim) == 0) {
        tw__text_add(&out, "; to change %s in place, name it on both sides: ", other->name);
        for (int side = 0; side < 2; side++) {
            tw__text_add(&out, "%s%s[", side == 0 ? "" : " -> ", other->name);
            for (int d = 0; d < other->ndim; d++) {
                tw__text_add(&out, "%s%s", d > 0 ? "," : "", signature->axes[other->axes[d]]);
            }
            tw__text_add(&out, "]");
        }
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "output %s overlaps %s in memory; an output needs its own%s",
                    output->name, other->name, way);
}

tw_status tw__bind_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    for (int k = 0; k < signature->noperands; k++) {
        const tw_status status = check_operand(grid, k, arrays[k], error);
        if (status != TW_OK) {
            return status;
        }
    }
    for (int k = 0; k < signature->noperands; k++) {
        for (int other = 0; signature->operands[k].role != TW_IN && other < signature->noperands; other++) {
            if (other != k && tw__arrays_overlap(arrays[k], arrays[other])) {
                return fail_overlap(signature, &signature->operands[k], &signature->operands[other], error);
            }
        }
    }
    return tw__units_check(grid, arrays, error);
}

static int is_apart(const struct tw__crew *crew)
{
    return crew != NULL && crew->ops->apart;
}

static int workers_see(const struct tw__crew *crew, const tw_array *array)
{
    return !is_apart(crew) || array->memory == TW_SHARED || array->memory == TW_MAPPED ||
           array->view.dtype.itemsize == 0; /* there is nothing to see */
}

static void copy_items(struct tw__binding *binding, const tw_view *destination, const tw_view *source)
{
    const int64_t began = tw__now();
    tw__copy(destination, source);
    binding->copy_time += tw__now() - began;
    binding->bytes_copied += tw_view_size(source) * source->dtype.itemsize;
}

void tw__bind_access(struct tw__access *access, const tw_operand *operand, int k, const tw_view *view,
                     const tw_array *memory, int apart)
{
    const size_t used = (size_t)view->ndim;
    access->view.data = view->data;
    access->view.dtype = view->dtype;
    access->view.ndim = view->ndim;
    for (int d = 0; d < view->ndim; d++) {
        access->view.shape[d] = view->shape[d];
        access->view.strides[d] = view->shape[d] == 1 ? 0 : view->strides[d];
    }
    memcpy(access->axes, operand->axes, used);
    access->role = operand->role;
    access->number = k;
    access->store = memory != NULL && tw__is_delivered(memory) ? memory->store : NULL;
    access->begin = access->store != NULL && operand->role == TW_INOUT ? access->store->begin : NULL;
    /* A worker that dies while it writes an inout operand would leave a tile that cannot be run again. */
    access->ops = operand->has_halo                                               ? &tw__framed
                  : access->store != NULL || (operand->role == TW_INOUT && apart) ? &tw__staged
                                                                                  : NULL;
    access->room = 0;
    access->touch = operand->role != TW_IN && access->store == NULL &&
                    (memory == NULL || memory->memory == TW_SHARED || memory->memory == TW_MAPPED);
    access->base = memory != NULL ? memory->base : NULL;
    access->bytes = memory != NULL ? memory->bytes : 0;
    if (access->ops != NULL) { /* nobody asks a direct access */
        access->parts = 0;
        access->part_step = 0;
        access->fill = TW_FOLD_NONE;
    }
}

/* What an output's tiles begin with is read where it is, by workers that see it. */
static void look_at_begin(struct tw__binding *binding, const struct tw__crew *crew, const tw_array *array)
{
    const tw_array *begin = array->store != NULL ? array->store->begin : NULL;
    if (begin == NULL) {
        return;
    }
    const int64_t since = workers_see(crew, begin) ? begin->mapped_at : tw__now();
    if (begin->heap != crew->heap && since > binding->newest) {
        binding->newest = since;
    }
}

/* What workers do not see, and how they come to see it: shared mappings as they are, private inputs by a fork if there
 * is one, or if it takes less than the copies. */
static void look(struct tw__binding *binding, const struct tw__crew *crew, const tw_grid *grid)
{
    int64_t bytes = 0;
    if (binding->sights != NULL) {
        tw__sight_begin(binding->sights);
    }
    for (int k = 0; k < grid->signature->noperands; k++) {
        const tw_array *array = binding->arrays[k];
        const int is_input = grid->signature->operands[k].role == TW_IN;
        binding->mapped[k] = NULL;
        look_at_begin(binding, crew, array);
        if (workers_see(crew, array)) {
            if (array->heap != crew->heap && array->mapped_at > binding->newest) {
                binding->newest = array->mapped_at;
            }
            continue;
        }
        if (array->memory == TW_BORROWED && binding->sights != NULL) {
            binding->mapped[k] = tw__sight_find(binding->sights, crew, &array->view, !is_input, &binding->newest);
        }
        bytes += is_input && binding->mapped[k] == NULL ? tw__view_distinct_bytes(&array->view) : 0;
    }
    const int prefers = binding->showing != TW__SHOW_COPY && bytes > 0 && tw__sight_prefers_fork(crew, bytes);
    binding->forks = binding->showing == TW__SHOW_FORK || prefers || crew->made_at <= binding->newest;
    binding->ends = prefers && binding->showing == TW__SHOW_BEST;
    if (binding->forks && bytes > 0) {
        binding->newest = tw__now();
    }
}

/* A copy of operand k where the workers see it. */
static tw_status make_copy(struct tw__binding *binding, const struct tw__crew *crew, int k, tw_error *error)
{
    const tw_view *view = &binding->arrays[k]->view;
    const tw_role role = binding->signature->operands[k].role;
    tw_view to = *view, from = *view;
    tw_status status =
        role == TW_IN ? tw__array_create_like(&binding->copies[k], crew->heap, view, &to, &from, error)
                      : tw__array_create(&binding->copies[k], crew->heap, &view->dtype, view->ndim, view->shape, error);
    if (status != TW_OK || role == TW_OUT) {
        return status;
    }
    const tw_array *copy = binding->copies[k];
    status = tw__heap_populate(crew->heap, copy->base, copy->bytes, error);
    if (status == TW_OK) {
        copy_items(binding, role == TW_IN ? &to : &copy->view, &from);
    }
    return status;
}

static tw_status fail_private(const struct tw__binding *binding, int k, tw_error *error)
{
    return tw__fail(
        error, TW_ERROR_ARGUMENT,
        "output %s lies in private memory: a run of some tiles alone, by worker processes, writes to arrays "
        "that are made for its pool",
        binding->signature->operands[k].name);
}

tw_status tw__bind(struct tw__binding *binding, const struct tw__crew *crew, const tw_grid *grid,
                   tw_array *const *arrays, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    binding->signature = signature;
    binding->arrays = arrays;
    binding->bytes_copied = 0;
    binding->copy_time = 0;
    binding->forks = 0;
    binding->ends = 0;
    memset(binding->copies, 0, (size_t)signature->noperands * sizeof binding->copies[0]);
    memset(binding->mapped, 0, (size_t)signature->noperands * sizeof binding->mapped[0]);
    if (is_apart(crew)) {
        look(binding, crew, grid);
    }
    for (int k = 0; k < signature->noperands; k++) {
        const int is_input = signature->operands[k].role == TW_IN;
        tw_status status = TW_OK;
        if (!workers_see(crew, arrays[k]) && binding->mapped[k] == NULL && !(is_input && binding->forks)) {
            status = binding->showing == TW__SHOW_FORK ? fail_private(binding, k, error)
                                                       : make_copy(binding, crew, k, error);
        }
        if (status != TW_OK) {
            tw__unbind(binding);
            return status;
        }
        const tw_array *memory;
        const tw_view *view = tw__bind_view(binding, crew, k, &memory);
        tw__bind_access(&binding->accesses[k], &signature->operands[k], k, view, memory, is_apart(crew));
    }
    return TW_OK;
}

const tw_view *tw__bind_view(const struct tw__binding *binding, const struct tw__crew *crew, int k,
                             const tw_array **memory)
{
    const tw_array *array = binding->arrays[k];
    const int in_heap = binding->copies[k] != NULL || (crew != NULL && crew->heap != NULL && array->heap == crew->heap);
    *memory = in_heap ? NULL : binding->mapped[k] != NULL ? binding->mapped[k] : array;
    return binding->copies[k] != NULL ? &binding->copies[k]->view : &array->view;
}

static void copy_tile(struct tw__binding *binding, const tw_grid *grid, int k, uint64_t tile)
{
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    if (tw__grid_part(grid, tile, k, start, shape) == 2) {
        const tw_view to = tw__view_part(&binding->arrays[k]->view, start, shape);
        const tw_view from = tw__view_part(&binding->copies[k]->view, start, shape);
        copy_items(binding, &to, &from);
    }
}

static void copy_done_tiles(struct tw__binding *binding, const tw_grid *grid, int k, const uint32_t *words)
{
    for (uint64_t tile = 0; tile < grid->count; tile++) {
        if (TW__WORD_STATE(words[tile]) == TW_TILE_DONE && words[tile] != TW__WORD_SKIPPED) {
            copy_tile(binding, grid, k, tile);
        }
    }
}

static int is_copied_back(const struct tw__binding *binding, int k)
{
    return binding->copies[k] != NULL && binding->signature->operands[k].role != TW_IN;
}

void tw__bind_back_tile(struct tw__binding *binding, const tw_grid *grid, uint64_t tile)
{
    for (int k = 0; k < binding->signature->noperands; k++) {
        if (is_copied_back(binding, k)) {
            copy_tile(binding, grid, k, tile);
        }
    }
}

void tw__bind_back(struct tw__binding *binding, const tw_grid *grid, const uint32_t *words)
{
    for (int k = 0; k < binding->signature->noperands; k++) {
        if (!is_copied_back(binding, k)) {
            continue;
        }
        if (words == NULL) {
            copy_items(binding, &binding->arrays[k]->view, &binding->copies[k]->view);
        } else {
            copy_done_tiles(binding, grid, k, words);
        }
    }
}

void tw__unbind(struct tw__binding *binding)
{
    for (int k = 0; k < binding->signature->noperands; k++) {
        tw_array_destroy(binding->copies[k]);
        binding->copies[k] = NULL;
    }
}
