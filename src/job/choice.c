/* choice.c - memory for outputs whose dtype their kernel chooses. A worker looks for an array of its dtype among those
 * that were published. If there is none, threads make it themselves, one at a time; a worker process leaves its wish in
 * shared memory, rings the supervisor and sleeps on the wish. The supervisor never waits for a worker: a wish of one
 * that died is granted all the same, and nobody reads it. */
#include "job/choice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/combine.h"
#include "base/error.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "job/bind.h"
#include "job/step.h"
#include "os/fault.h"
#include "os/wait.h"

enum wish_state { NONE, ASKED, GRANTED, REFUSED };

/* An array that was made, as workers see it. */
struct chosen {
    int operand;
    int is_partial; /* ... of a reduction, and dimension 0 are the parts */
    tw_view view;   /* its dtype's descr is `text`, if it has one */
    char text[TW__CHOICE_TEXT];
};

/* What a worker process asks for. */
struct wish {
    _Alignas(64) _Atomic uint32_t state; /* enum wish_state */
    int operand;
    uint32_t granted; /* number of the array, from 1 on */
    tw_dtype dtype;
    char text[TW__CHOICE_TEXT];
    char message[TW_TILE_MESSAGE_SIZE]; /* REFUSED: why */
};

struct tw__choices {
    _Atomic uint32_t count; /* arrays that are published */
    _Atomic uint32_t lock;  /* threads: somebody makes one */
    int apart;              /* workers are processes */
    unsigned workers;
    struct tw__event event; /* processes: the supervisor sleeps on it */
    struct tw__heap *heap;  /* the supervisor's, like `made` */
    tw_choices *made;
    const tw_grid *grid;
    uint64_t tiles;
    int64_t parts[TW_MAX_OPERANDS];  /* of reductions that are cut: how many; 0: all tiles have parts of one array */
    uint8_t *where[TW_MAX_OPERANDS]; /* [tiles] number of the array that has the tile, 0: none; NULL: not chosen */
    struct wish *wishes;             /* [workers] */
    struct chosen chosen[TW__MOST_CHOICES];
};

struct tw_choices {
    int count;
    uint64_t tiles;
    tw_array *arrays[TW__MOST_CHOICES];
    uint8_t *where[TW_MAX_OPERANDS];
};

/* Whether the kernel chooses the dtype of this operand: it has items of no bytes. */
static int is_chosen(const tw_view *view, tw_role role)
{
    return role == TW_OUT && view->dtype.kind == TW_OPAQUE && view->dtype.itemsize == 0;
}

/* ---- before and after the job ---- */

/* Destroys the partials and numbers the other arrays anew: becomes[old number] is the new one, from 1 on. */
static void drop_partials(const struct tw__choices *shared, tw_choices *made, uint8_t *becomes)
{
    int count = 0;
    becomes[0] = 0;
    for (int n = 0; n < made->count; n++) {
        if (shared->chosen[n].is_partial) {
            tw_array_destroy(made->arrays[n]);
            becomes[n + 1] = 0;
        } else {
            made->arrays[count++] = made->arrays[n];
            becomes[n + 1] = (uint8_t)count;
        }
    }
    made->count = count;
}

void tw__choices_collect(const struct tw__choices *shared, tw_choices *made)
{
    uint8_t becomes[TW__MOST_CHOICES + 1];
    if (shared == NULL) {
        return;
    }
    drop_partials(shared, made, becomes);
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        for (uint64_t tile = 0; shared->where[k] != NULL && tile < made->tiles; tile++) {
            made->where[k][tile] = becomes[shared->where[k][tile]];
        }
    }
}

void tw__choices_collect_tile(const struct tw__choices *shared, tw_choices *made, uint64_t tile)
{
    for (int k = 0; shared != NULL && k < TW_MAX_OPERANDS; k++) {
        if (shared->where[k] != NULL && tile < made->tiles) {
            const uint8_t number = shared->where[k][tile];
            made->where[k][tile] = number > 0 && !shared->chosen[number - 1].is_partial ? number : 0;
        }
    }
}

void tw_choices_destroy(tw_choices *choices)
{
    if (choices == NULL) {
        return;
    }
    for (int n = 0; n < choices->count; n++) {
        tw_array_destroy(choices->arrays[n]);
    }
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        free(choices->where[k]);
    }
    free(choices);
}

int tw_choices_count(const tw_choices *choices)
{
    return choices->count;
}

const tw_array *tw_choices_array(const tw_choices *choices, int number)
{
    return number >= 0 && number < choices->count ? choices->arrays[number] : NULL;
}

tw_array *tw_choices_take(tw_choices *choices, int number)
{
    tw_array *array = number >= 0 && number < choices->count ? choices->arrays[number] : NULL;
    if (array != NULL) {
        choices->arrays[number] = NULL;
    }
    return array;
}

int tw_choices_of(const tw_choices *choices, int operand, uint64_t tile)
{
    const int known = operand >= 0 && operand < TW_MAX_OPERANDS && tile < choices->tiles;
    return known && choices->where[operand] != NULL ? (int)choices->where[operand][tile] - 1 : -1;
}

/* ---- making an array ---- */

static int is_same(const tw_dtype *a, const tw_dtype *b)
{
    return a->kind == b->kind &&
           (a->kind != TW_OPAQUE || (a->itemsize == b->itemsize && strcmp(a->descr, b->descr) == 0));
}

/* Its number, from 1 on; 0: there is none. */
static uint32_t find(struct tw__choices *choices, int operand, const tw_dtype *dtype)
{
    /* acquire: with the count come the entries */
    const uint32_t count = atomic_load_explicit(&choices->count, memory_order_acquire);
    for (uint32_t n = 0; n < count; n++) {
        if (choices->chosen[n].operand == operand && is_same(&choices->chosen[n].view.dtype, dtype)) {
            return n + 1;
        }
    }
    return 0;
}

/* Adds an array for the whole operand, or for all partials of it. By one thread at a time. 0: there is no room. */
static uint32_t add(struct tw__choices *choices, int operand, const tw_dtype *dtype, int is_partial, tw_error *error)
{
    const uint32_t count = atomic_load(&choices->count);
    const tw_operand *described = &choices->grid->signature->operands[operand];
    int64_t shape[TW_MAX_DIMS];
    int ndim = 0;
    if (is_partial) {
        shape[ndim++] = choices->parts[operand];
    }
    for (int d = 0; d < described->ndim; d++) {
        shape[ndim++] = choices->grid->axes[described->axes[d]].length;
    }
    tw_array *array = NULL;
    const int failed = TW__POINT("choice.make");
    const tw_status status = failed != 0 ? tw__fail_os(error, TW_ERROR_MEMORY, failed, "no memory for an output")
                                         : tw__array_create(&array, choices->heap, dtype, ndim, shape, error);
    if (status != TW_OK) {
        return 0;
    }
    struct chosen *chosen = &choices->chosen[count];
    chosen->operand = operand;
    chosen->is_partial = is_partial;
    chosen->view = array->view;
    if (dtype->kind == TW_OPAQUE) {
        memcpy(chosen->text, dtype->descr, strlen(dtype->descr) + 1);
        chosen->view.dtype.descr = chosen->text;
    }
    choices->made->arrays[count] = array;
    choices->made->count = (int)count + 1;
    atomic_store_explicit(&choices->count, count + 1, memory_order_release);
    return count + 1;
}

/* By one thread at a time. 0 with the reason in `message`. */
static uint32_t make(struct tw__choices *choices, int operand, const tw_dtype *dtype, char *message)
{
    const uint32_t found = find(choices, operand, dtype);
    tw_error error;
    if (found != 0) {
        return found; /* somebody was quicker */
    }
    if (atomic_load(&choices->count) == TW__MOST_CHOICES) {
        snprintf(message, TW_TILE_MESSAGE_SIZE, "its tiles have more than %d dtypes; give the output one",
                 TW__MOST_CHOICES);
        return 0;
    }
    const uint32_t made = add(choices, operand, dtype, choices->parts[operand] > 0, &error);
    if (made == 0) {
        snprintf(message, TW_TILE_MESSAGE_SIZE, "%.*s", TW_TILE_MESSAGE_SIZE - 1, error.message);
    }
    return made;
}

static size_t count_chosen(const tw_signature *signature, const struct tw__access *accesses)
{
    size_t count = 0;
    for (int k = 0; k < signature->noperands; k++) {
        count += (size_t)is_chosen(&accesses[k].view, signature->operands[k].role);
    }
    return count;
}

/* The caller's part, which outlives the pool: for each output a list of which tile lies in which array. */
static tw_status create_made(tw_choices **made, const tw_grid *grid, const struct tw__access *accesses, tw_error *error)
{
    tw_choices *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return tw__fail_memory(error, sizeof *own, "a list of arrays");
    }
    for (int k = 0; k < grid->signature->noperands; k++) {
        if (is_chosen(&accesses[k].view, grid->signature->operands[k].role)) {
            own->where[k] = calloc((size_t)grid->count + 1, 1);
            if (own->where[k] == NULL) {
                tw_choices_destroy(own);
                return tw__fail_memory(error, (size_t)grid->count, "a list of tiles");
            }
        }
    }
    own->tiles = grid->count;
    *made = own;
    return TW_OK;
}

/* Fills in what the workers share, with the wishes of worker processes at `first_wish`. */
static void fill_shared(struct tw__choices *choices, const struct tw__crew *crew, const tw_grid *grid, tw_choices *made,
                        size_t first_wish, size_t wishes)
{
    uint8_t *where = (uint8_t *)choices + first_wish + wishes;
    memset(choices, 0, offsetof(struct tw__choices, chosen));
    choices->apart = wishes > 0;
    choices->workers = (unsigned)crew->workers;
    choices->event = wishes > 0 ? crew->claims->caller_event : (struct tw__event){.fd = -1};
    choices->heap = crew->heap;
    choices->made = made;
    choices->grid = grid;
    choices->tiles = grid->count;
    for (int k = 0; grid->stages != NULL && k < grid->signature->noperands; k++) {
        const struct tw__stage *stage = &grid->stages->stage[0];
        choices->parts[k] = stage->parts[k] != 0 ? (int64_t)tw__stage_parts(stage, k) : 0;
    }
    choices->wishes = wishes > 0 ? (struct wish *)(void *)((char *)choices + first_wish) : NULL;
    for (int w = 0; wishes > 0 && w < crew->workers; w++) {
        atomic_store(&choices->wishes[w].state, NONE);
    }
    for (int k = 0; k < grid->signature->noperands; k++) {
        if (made->where[k] != NULL) {
            memset(where, 0, (size_t)grid->count);
            choices->where[k] = where;
            where += grid->count;
        }
    }
}

tw_status tw__choices_create(struct tw__choices **shared, tw_choices **made, const tw_pool *pool,
                             struct tw__memory *memory, const tw_grid *grid, const struct tw__access *accesses,
                             const tw_dtype *expected, tw_error *error)
{
    const struct tw__crew *crew = &pool->crew;
    const size_t outputs = count_chosen(grid->signature, accesses);
    const size_t wishes = crew->ops->apart ? (size_t)crew->workers * sizeof(struct wish) : 0;
    const size_t first_wish = (sizeof(struct tw__choices) + 63) & ~(size_t)63; /* as aligned as the heap's memory is */
    const size_t size = first_wish + wishes + outputs * (size_t)grid->count;
    *shared = NULL;
    if (outputs == 0 || made == NULL) {
        return TW_OK;
    }
    tw_choices *own = NULL;
    tw_status status = create_made(&own, grid, accesses, error);
    if (status != TW_OK) {
        return status;
    }
    status = tw__memory_reserve(memory, crew->heap, size, "outputs whose dtype is chosen", error);
    if (status != TW_OK) {
        tw_choices_destroy(own);
        return status;
    }
    struct tw__choices *choices = memory->data;
    fill_shared(choices, crew, grid, own, first_wish, wishes);
    for (int k = 0; wishes > 0 && expected != NULL && k < grid->signature->noperands; k++) {
        char reason[TW_TILE_MESSAGE_SIZE]; /* a guess that has no room may be wrong */
        if (choices->where[k] != NULL && expected[k].kind != TW_OPAQUE) {
            make(choices, k, &expected[k], reason);
        }
    }
    *shared = choices;
    *made = own;
    return TW_OK;
}

static uint32_t make_alone(struct tw__choices *choices, int operand, const tw_dtype *dtype, char *message)
{
    while (atomic_exchange(&choices->lock, 1) != 0) {
        tw__wait(&choices->lock, 1, 0.001);
    }
    const uint32_t number = make(choices, operand, dtype, message);
    atomic_store(&choices->lock, 0);
    tw__wake(&choices->lock, INT32_MAX);
    return number;
}

/* In a worker process. The supervisor grants it as soon as it wakes; should it die, so does this process. */
static uint32_t ask(struct tw__choices *choices, unsigned worker, int operand, const tw_dtype *dtype, char *message)
{
    struct wish *wish = &choices->wishes[worker];
    atomic_store(&wish->state, NONE); /* of a worker that died here */
    wish->operand = operand;
    wish->dtype = *dtype;
    if (dtype->kind == TW_OPAQUE) {
        memcpy(wish->text, dtype->descr, strlen(dtype->descr) + 1);
    }
    (void)TW__POINT("choice.ask");
    atomic_store_explicit(&wish->state, ASKED, memory_order_release);
    tw__event_signal(&choices->event);
    (void)TW__POINT("choice.asked");
    uint32_t state;
    while ((state = atomic_load_explicit(&wish->state, memory_order_acquire)) == ASKED) {
        tw__wait(&wish->state, ASKED, 1.0);
    }
    if (state == GRANTED) {
        return wish->granted;
    }
    memcpy(message, wish->message, TW_TILE_MESSAGE_SIZE);
    return 0;
}

void tw__choices_serve(struct tw__choices *choices)
{
    for (unsigned w = 0; w < choices->workers; w++) {
        struct wish *wish = &choices->wishes[w];
        if (atomic_load_explicit(&wish->state, memory_order_acquire) != ASKED) {
            continue;
        }
        tw_dtype dtype = wish->dtype;
        dtype.descr = dtype.kind == TW_OPAQUE ? wish->text : tw_dtype_of(dtype.kind).descr;
        wish->text[TW__CHOICE_TEXT - 1] = '\0';
        /* What it says is a worker's, which its kernel may have spoiled. */
        const int operand = wish->operand;
        const int known = operand >= 0 && operand < TW_MAX_OPERANDS && choices->where[operand] != NULL;
        snprintf(wish->message, sizeof wish->message, "the worker's memory is spoiled");
        wish->granted = known ? make(choices, operand, &dtype, wish->message) : 0;
        atomic_store_explicit(&wish->state, wish->granted != 0 ? GRANTED : REFUSED, memory_order_release);
        tw__wake(&wish->state, 1);
    }
}

/* ---- between two steps ---- */

/* The first tile that is done and whose partial lies in another array than `other`, 0: than none; its array is *number.
 * UINT64_MAX: there is none. */
static uint64_t find_partial(const struct tw__choices *choices, const struct tw__stage *stage, int operand,
                             const _Atomic uint32_t *words, uint8_t other, uint8_t *number)
{
    for (uint64_t tile = stage->first; tile < stage->first + stage->grid->count; tile++) {
        const uint8_t here = choices->where[operand][tile];
        if (TW__WORD_STATE(atomic_load(&words[tile])) == TW_TILE_DONE && here != other && here != 0) {
            *number = here;
            return tile;
        }
    }
    return UINT64_MAX;
}

static tw_status fail_dtypes(const struct tw__choices *choices, int operand, const uint64_t *tiles,
                             const uint8_t *numbers, tw_error *error)
{
    char boxes[2][256];
    for (int n = 0; n < 2; n++) {
        tw_grid_tile_text(choices->grid, tiles[n], boxes[n], sizeof boxes[n]);
    }
    return tw__fail(
        error, TW_ERROR_ARGUMENT,
        "the partials of %s have several dtypes, which are not folded: tile %llu, %s, has %s, and tile %llu, "
        "%s, has %s; give the output a dtype",
        choices->grid->signature->operands[operand].name, (unsigned long long)tiles[0], boxes[0],
        tw_dtype_name(&choices->chosen[numbers[0] - 1].view.dtype), (unsigned long long)tiles[1], boxes[1],
        tw_dtype_name(&choices->chosen[numbers[1] - 1].view.dtype));
}

/* Operand n of the step is this array. */
static void place_operand(struct tw__step *step, const struct tw__choices *choices, const struct tw__stage *stage,
                          int n, uint32_t number)
{
    static const tw_array own = {.memory = TW_PRIVATE};
    struct tw__access *access = &step->operands[n];
    tw__bind_access(access, &stage->grid->signature->operands[n], n, &choices->chosen[number - 1].view,
                    choices->apart ? NULL : &own, choices->apart);
    step->touches |= access->touch;
}

tw_status tw__choices_fold(struct tw__choices *choices, const struct tw__stages *stages, int s, struct tw__step *step,
                           const _Atomic uint32_t *words, tw_error *error)
{
    const struct tw__stage *stage = &stages->stage[s], *first = &stages->stage[0];
    const int k = stage->fold;
    uint64_t tiles[2];
    uint8_t numbers[2];
    if (choices == NULL || stage->call != TW__STAGE_FOLD || choices->where[k] == NULL) {
        return TW_OK;
    }
    tiles[0] = find_partial(choices, first, k, words, 0, &numbers[0]);
    if (tiles[0] == UINT64_MAX) {
        return TW_OK; /* no tile is done: none of the folds is begun */
    }
    tiles[1] = find_partial(choices, first, k, words, numbers[0], &numbers[1]);
    if (tiles[1] != UINT64_MAX) {
        return fail_dtypes(choices, k, tiles, numbers, error);
    }
    const tw_dtype dtype = choices->chosen[numbers[0] - 1].view.dtype;
    const tw_status status =
        tw__combine_check(stages->folds[k], &dtype, choices->grid->signature->operands[k].name, error);
    if (status != TW_OK) {
        return status;
    }
    if (atomic_load(&choices->count) == TW__MOST_CHOICES) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the outputs' tiles have more than %d dtypes; give the outputs some",
                        TW__MOST_CHOICES);
    }
    const uint32_t folded = add(choices, k, &dtype, 0, error);
    if (folded == 0) {
        return TW_ERROR_MEMORY;
    }
    memset(choices->where[k] + stage->first, (int)folded, (size_t)stage->grid->count);
    place_operand(step, choices, stage, 0, numbers[0]);
    place_operand(step, choices, stage, 1, folded);
    return TW_OK;
}

/* ---- the worker's side ---- */

static int is_usable(const tw_tile *tile, const struct tw__choices *choices, int operand, const tw_dtype *dtype)
{
    if (choices == NULL || operand < 0 || operand >= tile->noperands || choices->where[operand] == NULL) {
        snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "the dtype of operand %d is not the kernel's to choose", operand);
        return 0;
    }
    const int computes = dtype->kind > TW_OPAQUE && dtype->kind <= TW_COMPLEX128;
    if (!computes && (dtype->kind != TW_OPAQUE || dtype->itemsize < 0 || dtype->descr == NULL ||
                      strlen(dtype->descr) >= TW__CHOICE_TEXT)) {
        snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "no output can have items of this dtype; give the output one");
        return 0;
    }
    return 1;
}

/* The tile's own partial in an array of all of them. */
static void take_slot(tw_view *whole, const struct tw__access *access, const tw_grid *grid, uint64_t tile)
{
    int64_t coordinate[TW__MAX_AXES];
    struct tw__access slot = {.parts = access->parts, .part_step = whole->strides[0]};
    tw__cells_coordinates(grid, tile, coordinate);
    tw__partial_move(&slot, grid, coordinate, whole);
    whole->ndim--;
    for (int d = 0; d < whole->ndim; d++) {
        whole->shape[d] = whole->shape[d + 1];
        whole->strides[d] = whole->strides[d + 1];
    }
}

int tw__tile_choose(const tw_tile *tile, int operand, const tw_dtype *dtype, tw_view *view)
{
    const struct tw__chooser *chooser = tile->chooser;
    const struct tw__step *step = chooser->step;
    struct tw__choices *choices = step->choices;
    if (!is_usable(tile, choices, operand, dtype)) {
        return TW_ERROR_ARGUMENT;
    }
    uint32_t number = find(choices, operand, dtype);
    if (number == 0) {
        number = choices->apart ? ask(choices, tile->worker, operand, dtype, tile->message)
                                : make_alone(choices, operand, dtype, tile->message);
    }
    if (number == 0) {
        return atomic_load(&choices->count) == TW__MOST_CHOICES ? TW_ERROR_ARGUMENT : TW_ERROR_MEMORY;
    }
    tw_view whole = choices->chosen[number - 1].view;
    if (choices->chosen[number - 1].is_partial) {
        take_slot(&whole, &step->operands[operand], step->grid, tile->number);
    }
    *view = tw__view_box(&whole, step->operands[operand].axes, tile->start, tile->stop);
    if (choices->apart) {
        const int error = tw__region_touch(chooser->heap, view, chooser->populated);
        if (error != 0) {
            snprintf(tile->message, TW_TILE_MESSAGE_SIZE, "not enough memory for the pages of an output");
            return TW_ERROR_MEMORY;
        }
    }
    choices->where[operand][step->first + tile->number] = (uint8_t)number;
    return 0;
}
