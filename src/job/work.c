/* work.c - the workers' side of a step: one tile's views, its pages, its kernel. Runs in threads and in forked
 * processes; takes no lock and, after a worker's first tile of a step, allocates nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/sum.h"
#include "array/view.h"
#include "grid/order.h"
#include "grid/signature.h"
#include "job/access/direct.h"
#include "job/folding.h"
#include "job/step.h"
#include "job/touch.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/stack.h"

/* Kernels that come from a shared object, those of statements among them, need as much stack as they like: up to some
 * MiB. One that has less than this left runs on a stack of its own, which costs half a microsecond a tile. A function
 * of the program runs on the stack of the thread that calls it, as all of the program's do: it may be a whole
 * interpreter, which looks at where its stack is. */
#define KERNEL_STACK ((size_t)7 << 20) /* bytes: all of the usual 8 MiB but what a program has below the run */

/* A shared object that a worker has opened. Those of a job's steps stay open from step to step. */
struct opened {
    struct tw__library library;
    tw_function function;
    int64_t of; /* created_at of the kernel; 0: none is open */
};

#define MOST_OPENED 4

/* What a worker keeps from tile to tile and from step to step. */
struct local {
    uint64_t number; /* of the step that it is set up for */
    struct tw__order order;
    tw_tile tile;
    tw_view *views;   /* what the kernel gets */
    tw_place *places; /* where these lie in the whole operands */
    int64_t length[TW__MAX_AXES];
    struct tw__region *regions; /* one an operand; those in the pool's heap share `heap` */
    int capacity;               /* of views, places and regions */
    void *scratch;
    size_t scratch_capacity;
    tw_function function;
    struct opened opened[MOST_OPENED]; /* of the last kernels that came from one */
    unsigned next_opened;              /* which is closed for another */
    struct tw__region heap;
    uint64_t heap_epoch;
    struct tw__guard *guard;
    struct tw__chooser chooser;
    struct tw__stack *stack; /* for kernels from objects, where this thread's own is small; NULL: never needed */
    int apart;               /* this step's kernel runs on `stack` */
    int plain;               /* ... neither there nor guarded, and no fold: it is called as it is */
};

static void close_library(struct opened *opened)
{
    if (opened->of != 0) {
        tw__library_close(&opened->library);
        opened->of = 0;
    }
}

void tw__step_release_local(void *memory)
{
    struct local *local = memory;
    if (local == NULL) {
        return;
    }
    for (int n = 0; n < MOST_OPENED; n++) {
        close_library(&local->opened[n]);
    }
    for (int k = 0; k < local->capacity; k++) {
        tw__region_fini(&local->regions[k]);
    }
    tw__region_fini(&local->heap);
    tw__guard_destroy(local->guard);
    tw__stack_close(local->stack);
    free(local->views);
    free(local->places);
    free(local->regions);
    free(local->scratch);
    free(local);
}

static tw_status out_of_memory(char *message, const char *what)
{
    snprintf(message, TW_TILE_MESSAGE_SIZE, "not enough memory for %s", what);
    return TW_ERROR_MEMORY;
}

static tw_status open_kernel(struct local *local, const struct tw__step *step, char *message)
{
    struct opened *opened = &local->opened[local->next_opened];
    tw_error error;
    for (int n = 0; n < MOST_OPENED; n++) {
        if (local->opened[n].of == step->kernel_created_at) {
            local->function = local->opened[n].function;
            return TW_OK;
        }
    }
    close_library(opened);
    opened->function = tw__kernel_resolve(step->path, step->symbol, &opened->library, &error);
    if (opened->function == NULL) {
        static const char before[] = "a worker cannot open the kernel: ";
        snprintf(message, TW_TILE_MESSAGE_SIZE, "%s%.*s", before, (int)(TW_TILE_MESSAGE_SIZE - sizeof before),
                 error.message);
        return error.status;
    }
    opened->of = step->kernel_created_at;
    local->next_opened = (local->next_opened + 1) % MOST_OPENED;
    local->function = opened->function;
    return TW_OK;
}

static tw_status set_kernel(struct local *local, const struct tw__step *step, char *message)
{
    if (step->path != NULL) {
        return open_kernel(local, step, message);
    }
    local->function = step->function;
    return TW_OK;
}

static tw_status set_stack(struct local *local, const struct tw__step *step, char *message)
{
    local->apart = step->kernel_is_object && tw__stack_left() < KERNEL_STACK;
    local->plain = !local->apart && step->notes == NULL && step->fold == TW_FOLD_NONE;
    if (local->apart && local->stack == NULL && tw__stack_open(&local->stack) != 0) {
        local->stack = NULL;
        return out_of_memory(message, "a worker's stack");
    }
    return TW_OK;
}

static int grow(struct local *local, int noperands)
{
    if (noperands <= local->capacity) {
        return 1;
    }
    tw_view *views = realloc(local->views, (size_t)noperands * sizeof *views);
    if (views == NULL) {
        return 0;
    }
    local->views = views;
    memset(views + local->capacity, 0, (size_t)(noperands - local->capacity) * sizeof *views);
    tw_place *places = realloc(local->places, (size_t)noperands * sizeof *places);
    if (places == NULL) {
        return 0;
    }
    local->places = places;
    struct tw__region *regions = realloc(local->regions, (size_t)noperands * sizeof *regions);
    if (regions == NULL) {
        return 0;
    }
    local->regions = regions;
    memset(regions + local->capacity, 0, (size_t)(noperands - local->capacity) * sizeof *regions);
    local->capacity = noperands;
    return 1;
}

static tw_status set_regions(struct local *local, const struct tw__step *step, char *message)
{
    if (step->heap_base != NULL && (local->heap.base != step->heap_base || local->heap_epoch != step->heap_epoch)) {
        if (tw__region_set(&local->heap, step->heap_base, step->heap_size, 1) != 0) {
            return out_of_memory(message, "a worker's list of pages");
        }
        local->heap_epoch = step->heap_epoch;
    }
    for (int k = 0; k < step->noperands; k++) {
        const struct tw__access *operand = &step->operands[k];
        if (operand->touch && operand->base != NULL &&
            tw__region_set(&local->regions[k], operand->base, operand->bytes, 0) != 0) {
            return out_of_memory(message, "a worker's list of pages");
        }
    }
    return TW_OK;
}

/* The whole operands, for random numbers: these belong to the elements of the whole, whatever the cuts are. */
static void set_places(struct local *local, const struct tw__step *step)
{
    const tw_signature *signature = step->grid->signature;
    for (int a = 0; a < step->grid->naxes; a++) {
        local->length[a] = step->grid->axes[a].length;
    }
    for (int k = 0; k < step->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        const struct tw__access *access = &step->operands[k];
        tw_place *place = &local->places[k];
        place->number = operand->written >= 0 ? (uint32_t)operand->written : TW_RANDOM_INPUT + (uint32_t)operand->given;
        place->is_reduced =
            access->ops != NULL && (access->ops == &tw__partial || access->parts != 0 || access->fill != TW_FOLD_NONE);
        place->ndim = (uint8_t)access->view.ndim;
        memcpy(place->axis, access->axes, (size_t)access->view.ndim);
    }
}

static tw_status set_up(struct local *local, const struct tw__step *step, uint64_t tile, unsigned worker, char *message)
{
    if (!grow(local, step->noperands)) {
        return out_of_memory(message, "a worker's views");
    }
    if (step->scratch_size > local->scratch_capacity) {
        free(local->scratch);
        local->scratch_capacity = 0;
        if (posix_memalign(&local->scratch, 64, step->scratch_size) != 0) {
            local->scratch = NULL;
            return out_of_memory(message, "a worker's scratch");
        }
        local->scratch_capacity = step->scratch_size;
    }
    tw_status status = set_kernel(local, step, message);
    if (status == TW_OK) {
        status = set_stack(local, step, message);
    }
    if (status == TW_OK) {
        status = set_regions(local, step, message);
    }
    if (status != TW_OK) {
        return status;
    }
    for (int k = 0; k < step->noperands; k++) {
        tw__direct_begin(&step->operands[k], &local->views[k]);
    }
    set_places(local, step);
    tw__order_seek(&local->order, step->grid, tile);
    local->tile = (tw_tile){.naxes = step->grid->naxes,
                            .noperands = step->noperands,
                            .start = local->order.start,
                            .stop = local->order.stop,
                            .operand = local->views,
                            .worker = worker,
                            .scratch = step->scratch_size > 0 ? local->scratch : NULL,
                            .scratch_size = step->scratch_size,
                            .context = step->context,
                            .choose = tw__tile_choose,
                            .chooser = &local->chooser,
                            .length = local->length,
                            .place = local->places};
    local->chooser =
        (struct tw__chooser){.step = step, .heap = &local->heap, .populated = &step->workers[worker].populated};
    tw__float_mode_keep(&step->float_mode);
    local->number = step->number;
    return TW_OK;
}

/* The operands' parts where these lie in memory: what the kernel gets, unless an access takes a copy of it. */
static void move_views(struct local *local, const struct tw__step *step)
{
    for (int k = 0; k < step->noperands; k++) {
        const struct tw__access *access = &step->operands[k];
        if (access->ops != NULL) {
            if (access->store != NULL) {
                continue; /* it lies nowhere */
            }
            tw__direct_begin(access, &local->views[k]); /* the last tile's copy had strides of its own */
        }
        tw__direct_take(access, local->order.start, local->order.stop, &local->views[k]);
        if (access->ops != NULL && access->parts != 0) {
            tw__partial_move(access, step->grid, local->order.coordinate, &local->views[k]);
        }
    }
}

static int touch(struct local *local, const struct tw__access *operand, int k, const tw_view *view, int64_t *populated)
{
    struct tw__region *region = operand->base != NULL ? &local->regions[k] : &local->heap;
    const int failed = TW__POINT("populate.before");
    return failed != 0 ? failed : tw__region_touch(region, view, populated);
}

static tw_status touch_outputs(struct local *local, const struct tw__step *step, int64_t *populated, char *message)
{
    for (int k = step->first_output; k < step->first_output + step->noutputs; k++) {
        const struct tw__access *operand = &step->operands[k];
        if (!operand->touch) {
            continue;
        }
        const int error = touch(local, operand, k, &local->views[k], populated);
        if (error == ENOMEM) {
            return out_of_memory(message, "the pages of an output");
        }
        if (error != 0) {
            snprintf(message, TW_TILE_MESSAGE_SIZE,
                     "the pages of an output are not available (was its file cut short?)");
            return TW_ERROR_FILE;
        }
    }
    return TW_OK;
}

/* ---- operands that are not reached directly ---- */

static struct tw__desk desk_of(const struct tw__step *step, unsigned worker, const struct tw__order *order,
                               char *message)
{
    return (struct tw__desk){.grid = step->grid,
                             .start = order->start,
                             .stop = order->stop,
                             .coordinate = order->coordinate,
                             .room = step->rooms != NULL ? step->rooms + worker * step->room_size : NULL,
                             .message = message};
}

static tw_status take_each(struct local *local, const struct tw__step *step, unsigned worker, char *message)
{
    const struct tw__desk desk = desk_of(step, worker, &local->order, message);
    if (step->heap_base != NULL && step->room_size > 0) {
        const tw_view room = {.data = desk.room,
                              .dtype = {.kind = TW_UINT8, .alignment = 1, .itemsize = 1},
                              .ndim = 1,
                              .shape = {(int64_t)step->room_size},
                              .strides = {1}};
        int64_t populated = 0;
        if (tw__region_touch(&local->heap, &room, &populated) == ENOMEM) {
            return out_of_memory(message, "copies of a tile's operands");
        }
    }
    for (int k = 0; k < step->noperands; k++) {
        const struct tw__access *access = &step->operands[k];
        const tw_status status = access->ops != NULL ? access->ops->take(access, &desk, &local->views[k]) : TW_OK;
        if (status != TW_OK) {
            return status;
        }
    }
    (void)TW__POINT("inout.copied");
    return TW_OK;
}

/* Another node has done the tile: it need not be computed here, or given. `tile` is counted in the step. */
static int is_elsewhere(const struct tw__step *step, uint64_t tile)
{
    const uint64_t number = step->first + tile;
    return step->elsewhere != NULL &&
           (atomic_load_explicit(&step->elsewhere[number / 64], memory_order_relaxed) >> number % 64 & 1) != 0;
}

/* What a node says of a tile that it has not computed: nothing. */
static struct tw__result leave(const struct tw__step *step, uint64_t tile)
{
    step->sums[tile] = 0;
    return (struct tw__result){TW_OK, 0};
}

/* All accesses that are asked have all that they need in the worker's room. */
static tw_status give_each(const struct tw__step *step, const struct tw__desk *desk)
{
    tw_status status = TW_OK;
    for (int k = 0; k < step->noperands && status == TW_OK; k++) {
        const struct tw__access *access = &step->operands[k];
        status = access->ops != NULL ? access->ops->give(access, desk) : TW_OK;
    }
    return status;
}

/* From the moment that `committing` names the tile its room is complete: should the worker die, the supervisor gives
 * what is in it. */
static tw_status commit(struct local *local, const struct tw__step *step, unsigned worker, uint64_t tile, char *message)
{
    const struct tw__desk desk = desk_of(step, worker, &local->order, message);
    (void)TW__POINT("inout.computed");
    if (step->recovers) {
        atomic_store_explicit(&step->workers[worker].committing, tile + 1, memory_order_release);
    }
    (void)TW__POINT("inout.committing");
    const tw_status status = give_each(step, &desk);
    (void)TW__POINT("inout.committed");
    return status;
}

int tw__step_recover(void *argument, unsigned worker, uint64_t number)
{
    const struct tw__step *step = argument;
    const uint64_t tile = number - step->first;
    struct tw__order order;
    char message[TW_TILE_MESSAGE_SIZE];
    if (!step->recovers || atomic_load_explicit(&step->workers[worker].committing, memory_order_acquire) != tile + 1) {
        return 0;
    }
    if (is_elsewhere(step, tile)) {
        (void)leave(step, tile);
        return 1;
    }
    tw__order_seek(&order, step->grid, tile);
    const struct tw__desk desk = desk_of(step, worker, &order, message);
    return give_each(step, &desk) == TW_OK ? 1 : -1;
}

int tw__step_find(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size)
{
    const struct tw__step *step = argument;
    return step->notes != NULL && death->has_address
               ? tw__guard_explain(&step->notes[worker], step->grid, death->address, death->access, text, size)
               : 0;
}

/* ---- one tile ---- */

struct kernel_call {
    struct local *local;
    const struct tw__step *step;
    unsigned worker;
    struct tw__result result;
};

static void make_call(void *argument)
{
    struct kernel_call *call = argument;
    struct local *local = call->local;
    const struct tw__step *step = call->step;
    if (step->fold != TW_FOLD_NONE) {
        call->result = tw__fold_tile(step->fold, &local->tile, local->function);
    } else if (step->notes != NULL) {
        const struct tw__guarded what = {.grid = step->grid, .begun = step->begun};
        call->result = tw__guard_run(&local->guard, &what, &local->tile, local->function, &step->notes[call->worker]);
    } else {
        call->result = tw__result_of(local->function(&local->tile));
    }
}

static struct tw__result call_kernel(struct local *local, const struct tw__step *step, unsigned worker)
{
    struct tw__result result;
    (void)TW__POINT("kernel.before");
    if (!local->plain) {
        struct kernel_call call = {.local = local, .step = step, .worker = worker};
        tw__stack_call(local->apart ? local->stack : NULL, make_call, &call);
        result = call.result;
    } else {
        result = tw__result_of(local->function(&local->tile));
    }
    tw__float_mode_keep(&step->float_mode);
    (void)TW__POINT("kernel.after");
    return result;
}

/* The first tile of all that a worker runs: what it takes more than others is a part of what new workers cost. */
static struct tw__result run_first(void *argument, struct tw__worker *worker, uint64_t number, unsigned attempt,
                                   char *message)
{
    const struct tw__step *step = argument;
    const int64_t began = tw__now();
    worker->local = calloc(1, sizeof(struct local));
    if (worker->local == NULL) {
        return (struct tw__result){.status = out_of_memory(message, "a worker")};
    }
    const struct tw__result result = tw__step_run_tile(argument, worker, number, attempt, message);
    step->workers[worker->index].first = tw__now() - began;
    return result;
}

struct tw__result tw__step_run_tile(void *argument, struct tw__worker *worker, uint64_t number, unsigned attempt,
                                    char *message)
{
    const struct tw__step *step = argument;
    const uint64_t tile = number - step->first;
    struct local *local = worker->local;
    struct tw__step_worker *own = &step->workers[worker->index];
    if (local == NULL) {
        return run_first(argument, worker, number, attempt, message);
    }
    if (local->number != step->number) {
        const tw_status status = set_up(local, step, tile, worker->index, message);
        if (status != TW_OK) {
            return (struct tw__result){.status = status};
        }
    } else {
        tw__order_move(&local->order, tile);
    }
    move_views(local, step);
    tw_status status = step->touches ? touch_outputs(local, step, &own->populated, message) : TW_OK;
    (void)TW__POINT("populate.after");
    if (status == TW_OK && step->takes) {
        if (is_elsewhere(step, tile)) {
            return leave(step, tile);
        }
        status = take_each(local, step, worker->index, message);
    }
    if (status != TW_OK) {
        return (struct tw__result){.status = status};
    }
    local->tile.number =
        step->fold != TW_FOLD_NONE ? number : tile; /* a fold that fails is known by the job's number */
    local->tile.attempt = attempt;
    local->tile.message = message;
    const struct tw__result result = call_kernel(local, step, worker->index);
    if (result.status != TW_OK) {
        return result;
    }
    if (step->sums != NULL) {
        const uint64_t sum = tw__sum(&local->views[step->first_output], step->noutputs);
        step->sums[tile] = step->elsewhere != NULL && sum == 0 ? 1 : sum; /* between nodes 0 says that there is none */
        (void)TW__POINT("sum.after");
    }
    if (step->takes) {
        if (is_elsewhere(step, tile)) {
            return leave(step, tile);
        }
        return (struct tw__result){.status = commit(local, step, worker->index, tile, message)};
    }
    return result;
}
