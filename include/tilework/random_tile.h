/* random_tile.h - the random numbers of a tile: those of its part of an operand, many at a time.
 *
 * Part of stage 2 of the public interface; tile.h includes it. random.h says which number an element has. */
#include <tilework/tile.h> /* comes back here once it has what this file needs */

#ifndef TILEWORK_RANDOM_TILE_H
#define TILEWORK_RANDOM_TILE_H

#include <tilework/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- many numbers ---- */

typedef enum tw_random_kind {
    TW_RANDOM_UNIFORM = 0, /* float32 or float64 in [0, 1) */
    TW_RANDOM_NORMAL = 1,  /* float32 or float64, mean 0 and variance 1 */
    TW_RANDOM_INTEGERS = 2 /* any integer dtype: low .. low + count - 1 */
} tw_random_kind;

/* What is drawn. */
typedef struct tw_random {
    uint64_t seed;
    tw_random_kind kind;
    int64_t low;    /* INTEGERS: the smallest; as uint64 for that dtype */
    uint64_t count; /* INTEGERS: how many different ones; 0: 2^64 */
} tw_random;

#define TW_RANDOM_ROW 64 /* numbers that are drawn at once */

/* Room for them. Integers are 64 bits wide here. */
typedef union tw_random_row {
    double f64[TW_RANDOM_ROW];
    float f32[TW_RANDOM_ROW];
    uint64_t integer[TW_RANDOM_ROW];
} tw_random_row;

/* The blocks of 64 elements. pmuludq multiplies the lower halves of 64-bit lanes and looks at nothing else, so what the
 * upper halves have does not matter until the end; compilers do not find it by themselves. */
#if defined(__x86_64__)
#if defined(__AVX512F__)
#define TW__RANDOM_BYTES 64
#elif defined(__AVX2__)
#define TW__RANDOM_BYTES 32
#else
#define TW__RANDOM_BYTES 16
#endif
typedef uint64_t tw__random_lanes __attribute__((vector_size(TW__RANDOM_BYTES)));

TW_RANDOM_INLINE tw__random_lanes tw__random_product(tw__random_lanes x, tw__random_lanes y)
{
#if defined(__AVX512F__)
    __asm__("vpmuludq %1, %0, %0" : "+v"(x) : "v"(y));
#elif defined(__AVX2__)
    __asm__("vpmuludq %1, %0, %0" : "+x"(x) : "x"(y));
#elif defined(__AVX__)
    __asm__("vpmuludq %1, %0, %0" : "+x"(x) : "x"(y));
#else
    __asm__("pmuludq %1, %0" : "+x"(x) : "x"(y));
#endif
    return x;
}

TW_RANDOM_INLINE void tw__random_blocks(uint64_t *first, uint64_t *second, uint64_t seed, uint32_t place,
                                        uint64_t element)
{
    enum { LANES = TW__RANDOM_BYTES / 8 };
    const uint64_t low = 0xffffffffu;
    const tw__random_lanes none = {0}, m0 = none + 0xd2511f53u, m1 = none + 0xcd9e8d57u;
    tw__random_lanes at;
    for (int lane = 0; lane < LANES; lane++) {
        at[lane] = element + (uint64_t)lane;
    }
    for (int q = 0; q < TW_RANDOM_ROW; q += LANES, at = at + (uint64_t)LANES) {
        tw__random_lanes c0 = at, c1 = at >> 32, c2 = none + place, c3 = none;
        uint64_t k0 = seed & low, k1 = seed >> 32;
#if !defined(__clang__)
#pragma GCC unroll 10
#endif
        for (int k = 0; k < 10; k++) {
            const tw__random_lanes p0 = tw__random_product(c0, m0), p1 = tw__random_product(c2, m1);
            c0 = p1 >> 32 ^ c1 ^ k0;
            c1 = p1;
            c2 = p0 >> 32 ^ c3 ^ k1;
            c3 = p0;
            k0 = (k0 + 0x9e3779b9u) & low;
            k1 = (k1 + 0xbb67ae85u) & low;
        }
        c0 = (c0 & low) | c1 << 32;
        c2 = (c2 & low) | c3 << 32;
        __builtin_memcpy(first + q, &c0, sizeof c0);
        __builtin_memcpy(second + q, &c2, sizeof c2);
    }
}
#else
TW_RANDOM_INLINE void tw__random_blocks(uint64_t *first, uint64_t *second, uint64_t seed, uint32_t place,
                                        uint64_t element)
{
    for (uint64_t q = 0; q < TW_RANDOM_ROW; q++) {
        first[q] = tw__random_block(seed, place, element + q, 0, &second[q]);
    }
}
#endif

TW_RANDOM_INLINE void tw__random_row_normal(double *row, const uint64_t *first, const uint64_t *second)
{
    const tw__random_guard guard = tw__random_guarded(TW__RANDOM_VECTORS);
    double cosine[TW_RANDOM_ROW];
    for (int q = 0; q < TW_RANDOM_ROW; q++) {
        row[q] = tw__random_square(first[q], guard);
    }
    for (int q = 0; q < TW_RANDOM_ROW; q++) {
        cosine[q] = tw__random_cosine(second[q] >> 11, guard);
    }
    for (int q = 0; q < TW_RANDOM_ROW; q++) {
        row[q] = tw__random_keep(tw__random_keep(tw__random_sqrt(row[q]), guard) * cosine[q], guard);
    }
}

TW_RANDOM_INLINE void tw__random_row_integers(uint64_t *row, const uint64_t *first, const tw_random *what,
                                              uint32_t place, uint64_t element)
{
    const uint64_t limit = (uint64_t)1 << 32, seed = what->seed, count = what->count, low = (uint64_t)what->low;
    uint64_t rejected = 1;
    if (count != 0 && count <= limit) {
        const uint64_t least = (limit - count) % count;
        rejected = 0;
        for (int q = 0; q < TW_RANDOM_ROW; q++) {
            const uint64_t product = (first[q] & 0xffffffffu) * count;
            row[q] = low + (product >> 32);
            rejected |= (uint64_t)((product & 0xffffffffu) < least);
        }
    }
    for (uint64_t q = 0; rejected != 0 && q < TW_RANDOM_ROW; q++) {
        row[q] = low + tw_random_integers(seed, place, element + q, count);
    }
}

/* The numbers of 64 elements, element and those after it. is_f32: float32 of a kind that has it. */
TW_RANDOM_INLINE void tw_random_draw(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place,
                                     uint64_t element)
{
    uint64_t first[TW_RANDOM_ROW], second[TW_RANDOM_ROW];
    tw__random_blocks(first, second, what->seed, place, element);
    if (what->kind == TW_RANDOM_INTEGERS) {
        tw__random_row_integers(row->integer, first, what, place, element);
    } else if (what->kind == TW_RANDOM_UNIFORM && is_f32) {
        for (int q = 0; q < TW_RANDOM_ROW; q++) {
            row->f32[q] = tw__random_uniform_f32(first[q]);
        }
    } else if (what->kind == TW_RANDOM_UNIFORM) {
        const tw__random_guard guard = tw__random_guarded(TW__RANDOM_VECTORS);
        for (int q = 0; q < TW_RANDOM_ROW; q++) {
            row->f64[q] = tw__random_uniform(first[q], guard);
        }
    } else if (is_f32) {
        double wide[TW_RANDOM_ROW];
        tw__random_row_normal(wide, first, second);
        for (int q = 0; q < TW_RANDOM_ROW; q++) {
            row->f32[q] = (float)wide[q];
        }
    } else {
        tw__random_row_normal(row->f64, first, second);
    }
}

/* ---- the numbers of a tile ---- */

/* The flat index in the whole operand of the element that has this index[] in the tile's part of it. */
static inline uint64_t tw_random_element(const tw_tile *tile, int operand, const int64_t *index)
{
    const tw_place *place = &tile->place[operand];
    uint64_t element = 0;
    for (int d = 0; d < place->ndim; d++) {
        const int axis = place->axis[d];
        element = element * (uint64_t)tile->length[axis] + (uint64_t)(tile->start[axis] + index[d]);
    }
    return element;
}

/* How a view is filled: run by run, each of elements that follow one another in the whole operand. */
typedef struct tw__random_filling {
    int outer;                  /* dimensions outside of a run */
    int64_t run;                /* items of a run */
    int is_dense;               /* a run lies in memory without gaps */
    uint64_t from;              /* the first element */
    uint64_t step[TW_MAX_DIMS]; /* elements from one item to the next, by dimension */
} tw__random_filling;

static inline void tw__random_plan(tw__random_filling *filling, const tw_view *view, const tw_tile *tile,
                                   const tw_place *place)
{
    uint64_t step = 1;
    int64_t bytes = view->dtype.itemsize, run = 1;
    int is_whole = 1, is_dense = 1, outer = view->ndim;
    filling->from = 0;
    for (int d = view->ndim - 1; d >= 0; d--) {
        const int axis = d < place->ndim ? place->axis[d] : -1;
        const int64_t length = axis >= 0 ? tile->length[axis] : view->shape[d];
        filling->step[d] = step;
        filling->from += axis >= 0 ? (uint64_t)tile->start[axis] * step : 0;
        step *= (uint64_t)length;
        if (is_whole) {
            outer = d;
            run *= view->shape[d];
            is_dense = is_dense && (view->shape[d] == 1 || view->strides[d] == bytes);
            bytes *= view->shape[d];
        }
        is_whole = is_whole && view->shape[d] == length;
    }
    filling->outer = outer;
    filling->run = run;
    filling->is_dense = is_dense;
}

/* Item q of a run. */
static inline char *tw__random_item(const tw_view *view, int outer, char *run, int64_t q)
{
    for (int d = view->ndim - 1; d >= outer; d--) {
        run += q % view->shape[d] * view->strides[d];
        q /= view->shape[d];
    }
    return run;
}

/* Integers of fewer bytes lie side by side. */
static inline void tw__random_narrow(tw_random_row *row, int64_t itemsize)
{
    char *to = (char *)row;
    for (int q = 0; itemsize < 8 && q < TW_RANDOM_ROW; q++) {
        const uint64_t value = row->integer[q];
        __builtin_memcpy(to + q * itemsize, &value, (size_t)itemsize);
    }
}

/* Draws a row: tw_random_draw, or one that is compiled for another processor. */
typedef void (*tw_random_drawer)(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place,
                                 uint64_t element);

static inline void tw__random_run(const tw_view *view, const tw__random_filling *filling, char *run,
                                  const tw_random *what, uint32_t place, uint64_t element, tw_random_drawer drawer)
{
    const int64_t itemsize = view->dtype.itemsize;
    tw_random_row row;
    for (int64_t at = 0; at < filling->run; at += TW_RANDOM_ROW) {
        const int64_t left = filling->run - at, n = left < TW_RANDOM_ROW ? left : TW_RANDOM_ROW;
        drawer(&row, what, view->dtype.kind == TW_FLOAT32, place, element + (uint64_t)at);
        if (what->kind == TW_RANDOM_INTEGERS) {
            tw__random_narrow(&row, itemsize);
        }
        if (filling->is_dense) {
            __builtin_memcpy(run + at * itemsize, &row, (size_t)(n * itemsize));
            continue;
        }
        for (int64_t q = 0; q < n; q++) {
            __builtin_memcpy(tw__random_item(view, filling->outer, run, at + q), (char *)&row + q * itemsize,
                             (size_t)itemsize);
        }
    }
}

static inline void tw__random_draw(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place,
                                   uint64_t element)
{
    tw_random_draw(row, what, is_f32, place, element);
}

/* Whether a dtype has all integers low .. low + count - 1. */
static inline int tw_random_fits(const tw_dtype *dtype, int64_t low, uint64_t count)
{
    const int bits = 8 * (int)dtype->itemsize;
    const int is_signed = dtype->kind >= TW_INT8 && dtype->kind <= TW_INT64;
    const uint64_t most = ~(uint64_t)0 >> (64 - bits);
    const uint64_t above = (uint64_t)low + (is_signed ? (uint64_t)1 << (bits - 1) : 0); /* above the smallest one */
    return above <= most && count - 1 <= most - above;
}

/* tw_random_fill with a drawer of the caller's. */
static inline int tw_random_fill_by(const tw_view *view, const tw_tile *tile, int operand, const tw_random *what,
                                    tw_random_drawer drawer)
{
    const tw_kind kind = view->dtype.kind;
    if (tile->place == NULL || operand < 0 || operand >= tile->noperands) {
        return tw_tile_fail(tile, -1, "random numbers belong to an operand of a run, and %d is none", operand);
    }
    const tw_place *place = &tile->place[operand];
    int agrees = view->ndim >= place->ndim;
    for (int d = 0; agrees && d < place->ndim; d++) {
        const int axis = place->axis[d];
        agrees = view->shape[d] == tile->stop[axis] - tile->start[axis];
    }
    if (!agrees) {
        return tw_tile_fail(tile, -1,
                            "random numbers fill a view whose first dimensions are those of the tile's part "
                            "of operand %d",
                            operand);
    }
    if ((unsigned)what->kind > (unsigned)TW_RANDOM_INTEGERS) {
        return tw_tile_fail(tile, -1, "%u is no kind of random numbers", (unsigned)what->kind);
    }
    if (what->kind == TW_RANDOM_INTEGERS ? kind < TW_INT8 || kind > TW_UINT64
                                         : kind != TW_FLOAT32 && kind != TW_FLOAT64) {
        return tw_tile_fail(tile, -1, "%s",
                            what->kind == TW_RANDOM_INTEGERS ? "random integers need an integer dtype"
                                                             : "random floats need float32 or float64");
    }
    if (what->kind == TW_RANDOM_INTEGERS && !tw_random_fits(&view->dtype, what->low, what->count)) {
        return tw_tile_fail(tile, -1, "the dtype does not have all of the random integers that are asked for");
    }
    tw__random_filling filling;
    tw__random_plan(&filling, view, tile, place);
    if (tw_view_size(view) == 0) {
        return 0;
    }
    int64_t index[TW_MAX_DIMS] = {0};
    for (;;) {
        uint64_t element = filling.from;
        char *run = (char *)view->data;
        for (int d = 0; d < filling.outer; d++) {
            element += (uint64_t)index[d] * filling.step[d];
            run += index[d] * view->strides[d];
        }
        tw__random_run(view, &filling, run, what, place->number, element, drawer);
        int d = filling.outer - 1;
        while (d >= 0 && ++index[d] == view->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return 0;
        }
    }
}

/* Fills a view with the numbers of the tile's part of an operand: the view has that part's shape, and may have further
 * dimensions, each of whose elements is a number of its own (the element of the whole operand is then the flat index in
 * an array of the operand's shape and these dimensions). Returns 0, or -1 with the reason in tile->message: an operand
 * that does not exist, another shape, no kind, a dtype that the kind does not have.
 *
 *     const tw_random what = {.seed = 3, .kind = TW_RANDOM_NORMAL};
 *     return tw_random_fill(&tile->operand[0], tile, 0, &what); */
static inline int tw_random_fill(const tw_view *view, const tw_tile *tile, int operand, const tw_random *what)
{
    return tw_random_fill_by(view, tile, operand, what, tw__random_draw);
}

#ifdef __cplusplus
}
#endif
#endif
