/* prepared.c - a run of one tile, made ready once and done as often as needed. Knows no pool, no store, no statement.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "kernel/kernel.h"
#include "os/stack.h"

/* As in job/work.c: kernels from shared objects need up to some MiB of stack. */
#define KERNEL_STACK ((size_t)7 << 20)

#define SHOWN_DIMS 4 /* TW_VIEW reads so many of every view */

/* What all that came from one tw_prepared_create share. */
struct code {
    atomic_int users;
    tw_function function;
    int is_object;
    char *path, *symbol;        /* of an object; else NULL */
    struct tw__library library; /* its own handle: a statement may drop its kernel */
};

struct tw_prepared {
    struct code *code;
    int noperands, naxes;
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    size_t context_size;
    unsigned char *context; /* behind the views, at a multiple of 16; NULL: the program's, or none */
    void *outer;            /* the program's */
    tw_place *places;       /* [noperands], behind the views */
    tw_view views[];        /* [noperands] */
};

static void free_code(struct code *code)
{
    free(code->path);
    free(code->symbol);
    free(code);
}

static tw_status open_code(struct code **code, const tw_kernel *kernel, tw_error *error)
{
    struct code *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a prepared run");
    }
    made->is_object = kernel->path != NULL;
    made->function = kernel->function;
    if (made->is_object) {
        made->path = strdup(kernel->path);
        made->symbol = strdup(kernel->symbol);
        if (made->path == NULL || made->symbol == NULL) {
            free_code(made);
            return tw__fail_memory(error, strlen(kernel->path), "a prepared run");
        }
        made->function = tw__kernel_resolve(made->path, made->symbol, &made->library, error);
    }
    if (made->function == NULL) {
        free_code(made);
        return error->status;
    }
    atomic_init(&made->users, 1);
    *code = made;
    return TW_OK;
}

static void leave_code(struct code *code)
{
    if (atomic_fetch_sub(&code->users, 1) == 1) {
        tw__library_close(&code->library);
        free_code(code);
    }
}

static int is_code_of(const struct code *code, const tw_kernel *kernel)
{
    if (!code->is_object || kernel->path == NULL) {
        return code->is_object == (kernel->path != NULL) && code->function == kernel->function;
    }
    return strcmp(code->path, kernel->path) == 0 && strcmp(code->symbol, kernel->symbol) == 0;
}

/* A view as the tile has it: an input of length 1 is repeated along its axis. */
static tw_status take_view(tw_view *view, const tw_grid *grid, int k, const tw_view *given, tw_error *error)
{
    const tw_operand *operand = &grid->signature->operands[k];
    if (given == NULL || given->ndim != operand->ndim) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has %s", operand->name,
                        given == NULL ? "no view" : "another number of dimensions than the signature gives it");
    }
    view->dtype = given->dtype;
    view->ndim = given->ndim;
    for (int d = 0; d < given->ndim; d++) {
        const int64_t length = grid->axes[operand->axes[d]].length;
        if (given->shape[d] != length && (operand->role != TW_IN || given->shape[d] != 1)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has length %lld in the grid but %s has %lld there",
                            grid->signature->axes[operand->axes[d]], (long long)length, operand->name,
                            (long long)given->shape[d]);
        }
        view->shape[d] = length;
        view->strides[d] = given->shape[d] == 1 ? 0 : given->strides[d];
    }
    return TW_OK;
}

/* As in job/work.c: to which elements of the whole operands random numbers belong. */
static void take_place(tw_place *place, const tw_operand *operand)
{
    place->number = operand->written >= 0 ? (uint32_t)operand->written : TW_RANDOM_INPUT + (uint32_t)operand->given;
    place->ndim = (uint8_t)operand->ndim;
    for (int d = 0; d < operand->ndim; d++) {
        place->axis[d] = (uint8_t)operand->axes[d];
    }
}

static tw_prepared *allocate(int noperands, size_t context_size)
{
    const size_t views = sizeof(tw_prepared) + (size_t)noperands * sizeof(tw_view);
    const size_t before = (views + (size_t)noperands * sizeof(tw_place) + 15) / 16 * 16;
    tw_prepared *made = calloc(1, before + context_size);
    if (made != NULL) {
        made->noperands = noperands;
        made->places = (tw_place *)(void *)((unsigned char *)made + views);
        made->context_size = context_size;
        made->context = context_size > 0 ? (unsigned char *)made + before : NULL;
    }
    return made;
}

static void take_context(tw_prepared *prepared, const tw_kernel *kernel)
{
    if (prepared->context != NULL) {
        memcpy(prepared->context, kernel->context, prepared->context_size);
    }
    prepared->outer = kernel->context;
}

tw_status tw_prepared_create(tw_prepared **prepared, const tw_kernel *kernel, const tw_grid *grid,
                             const tw_view *const *views, tw_error *error)
{
    if (grid->count != 1 || grid->stages != NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "a prepared run has one tile of one step; this grid has %llu tiles in %d steps",
                        (unsigned long long)grid->count, tw_grid_steps(grid));
    }
    if (grid->signature->nhalos > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a prepared run has no halos; tw_run runs kernels with halos");
    }
    tw_error own;
    tw_prepared *made = allocate(grid->signature->noperands, kernel->context_size);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made + kernel->context_size, "a prepared run");
    }
    tw_status status = open_code(&made->code, kernel, error != NULL ? error : &own);
    for (int k = 0; status == TW_OK && k < made->noperands; k++) {
        status = take_view(&made->views[k], grid, k, views[k], error);
        take_place(&made->places[k], &grid->signature->operands[k]);
    }
    if (status != TW_OK) {
        tw_prepared_destroy(made);
        return status;
    }
    made->naxes = grid->naxes;
    for (int a = 0; a < grid->naxes; a++) {
        made->stop[a] = grid->axes[a].length;
    }
    take_context(made, kernel);
    *prepared = made;
    return TW_OK;
}

tw_status tw_prepared_renew(tw_prepared **renewed, const tw_prepared *prepared, const tw_kernel *kernel,
                            tw_error *error)
{
    if (!is_code_of(prepared->code, kernel)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "this kernel is not the one that was prepared, with another context");
    }
    tw_prepared *made = allocate(prepared->noperands, kernel->context_size);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made + kernel->context_size, "a prepared run");
    }
    made->code = prepared->code;
    atomic_fetch_add(&made->code->users, 1);
    made->naxes = prepared->naxes;
    memcpy(made->stop, prepared->stop, (size_t)made->naxes * sizeof made->stop[0]);
    memcpy(made->views, prepared->views, (size_t)made->noperands * sizeof made->views[0]);
    memcpy(made->places, prepared->places, (size_t)made->noperands * sizeof made->places[0]);
    take_context(made, kernel);
    *renewed = made;
    return TW_OK;
}

void tw_prepared_destroy(tw_prepared *prepared)
{
    if (prepared != NULL) {
        if (prepared->code != NULL) {
            leave_code(prepared->code);
        }
        free(prepared);
    }
}

/* ---- the run ---- */

struct call {
    tw_function function;
    const tw_tile *tile;
    int code;
};

static void make_call(void *argument)
{
    struct call *call = argument;
    call->code = call->function(call->tile);
}

static void place_views(const tw_prepared *prepared, void *const *data, tw_view *views)
{
    for (int k = 0; k < prepared->noperands; k++) {
        const tw_view *from = &prepared->views[k];
        const size_t dims = (size_t)(from->ndim > SHOWN_DIMS ? from->ndim : SHOWN_DIMS);
        views[k].data = data[k];
        views[k].dtype = from->dtype;
        views[k].ndim = from->ndim;
        memcpy(views[k].shape, from->shape, dims * sizeof from->shape[0]);
        memcpy(views[k].strides, from->strides, dims * sizeof from->strides[0]);
    }
}

tw_status tw_prepared_run(const tw_prepared *prepared, void *const *data, tw_error *error)
{
    tw_view views[TW_MAX_OPERANDS];
    char message[TW_TILE_MESSAGE_SIZE];
    place_views(prepared, data, views);
    message[0] = '\0';
    const tw_tile tile = {.naxes = prepared->naxes,
                          .noperands = prepared->noperands,
                          .start = prepared->start,
                          .stop = prepared->stop,
                          .operand = views,
                          .context = prepared->context != NULL ? prepared->context : prepared->outer,
                          .message = message,
                          .length = prepared->stop,
                          .place = prepared->places};
    struct call call = {.function = prepared->code->function, .tile = &tile};
    if (!prepared->code->is_object || tw__stack_left_then() >= KERNEL_STACK) { /* a call of the system costs more */
        make_call(&call);
    } else if (tw__stack_run(KERNEL_STACK, make_call, &call) != 0) {
        return tw__fail(error, TW_ERROR_MEMORY, "not enough memory for a kernel's stack");
    }
    if (call.code == 0) {
        return TW_OK;
    }
    const tw_status status = tw__fail(error, TW_ERROR_KERNEL, "the kernel returned %d%s%s", call.code,
                                      message[0] != '\0' ? ": " : "", message);
    if (error != NULL) {
        error->kernel_code = call.code;
        error->tile = 0;
    }
    return status;
}
