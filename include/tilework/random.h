/* random.h - random numbers that depend on the element alone: the same for any cuts, pool, workers and machine.
 *
 * Part of stage 2 of the public interface; tile.h includes it, and random_tile.h, which fills the part of an operand
 * that a tile has. This file alone needs neither. Nothing here has a state. A number is a function of
 *
 *     seed      64 bits, chosen by the user
 *     place     which operand: outputs are 0, 1, 2 ... in the signature's order, inputs TW_RANDOM_INPUT + 0, 1, 2 ...
 *     element   the flat index, in C order, of the element in the whole operand (not in the tile)
 *
 * which are the key and the counter of Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
 * 1, 2, 3; SC 2011):
 *
 *     key 0, 1        low and high 32 bits of the seed
 *     counter 0, 1    low and high 32 bits of the element
 *     counter 2       the place
 *     counter 3       0; 1, 2, ... if an integer needs more random bits than one block has
 *
 * `uniform(seed)` of statements and `tile.random` of Python use the same functions, so all three agree bit by bit.
 *
 * The bits of a number do not depend on the compiler's flags either, -ffp-contract=fast and -ffast-math included: each
 * result of a floating-point operation passes through something that compilers do not look into. Code that is compiled
 * with -ffp-contract=off and without -ffast-math may define TW_EXACT_FLOATS before it includes this file; that saves
 * these barriers. Floating point of the x87 rounds twice: with -mfpmath=387 tile.h leaves the random numbers out. */
#ifndef TILEWORK_RANDOM_H
#define TILEWORK_RANDOM_H

#include <stdint.h>

#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#error "random numbers need floating point that rounds once: do not compile with -mfpmath=387"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- random numbers ------------------------------------------------------------------------------------------- */

#define TW_RANDOM_INPUT 64u /* the place of the first input */

#define TW_RANDOM_INLINE static inline __attribute__((always_inline, unused))

/* Philox 4x32-10: four random words of a counter and a key. result may be counter. */
TW_RANDOM_INLINE void tw_random_u32x4(const uint32_t counter[4], const uint32_t key[2], uint32_t result[4])
{
    const uint64_t low = 0xffffffffu;
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 10
#endif
    for (int k = 0; k < 10; k++) {
        const uint64_t p0 = c0 * 0xd2511f53u, p1 = c2 * 0xcd9e8d57u;
        c0 = p1 >> 32 ^ c1 ^ k0;
        c1 = p1 & low;
        c2 = p0 >> 32 ^ c3 ^ k1;
        c3 = p0 & low;
        k0 = (k0 + 0x9e3779b9u) & low;
        k1 = (k1 + 0xbb67ae85u) & low;
    }
    result[0] = (uint32_t)c0;
    result[1] = (uint32_t)c1;
    result[2] = (uint32_t)c2;
    result[3] = (uint32_t)c3;
}

/* ---- floating point that no flag changes ---- */

/* How results are kept from the compiler: in a vector loop by an exclusive or with a zero that it does not know to be
 * one, else by an empty instruction. */
typedef struct tw__random_guard {
    uint64_t zero;
    int is_vector;
} tw__random_guard;

#if defined(TW_EXACT_FLOATS) || defined(__clang__) || defined(__AVX512DQ__)
#define TW__RANDOM_VECTORS 1
#else
#define TW__RANDOM_VECTORS 0 /* this compiler makes no vector code of the loops below */
#endif

TW_RANDOM_INLINE tw__random_guard tw__random_guarded(int is_vector)
{
    tw__random_guard guard = {0, is_vector};
#if !defined(TW_EXACT_FLOATS)
    __asm__("" : "+r"(guard.zero));
#endif
    return guard;
}

TW_RANDOM_INLINE uint64_t tw__random_bits(double x)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

TW_RANDOM_INLINE double tw__random_of_bits(uint64_t bits)
{
    double x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

TW_RANDOM_INLINE double tw__random_keep(double x, tw__random_guard guard)
{
#if defined(TW_EXACT_FLOATS)
    (void)guard;
#else
    if (guard.is_vector) {
        return tw__random_of_bits(tw__random_bits(x) ^ guard.zero);
    }
#if defined(__x86_64__)
    __asm__("" : "+x"(x));
#elif defined(__aarch64__)
    __asm__("" : "+w"(x));
#else
    __asm__("" : "+m"(x));
#endif
#endif
    return x;
}

#define TW__ADD(x, y) tw__random_keep((x) + (y), guard)
#define TW__SUB(x, y) tw__random_keep((x) - (y), guard)
#define TW__MUL(x, y) tw__random_keep((x) * (y), guard)

/* sqrt without errno, which would want the C library: IEEE 754's. */
TW_RANDOM_INLINE double tw__random_sqrt(double x)
{
#if defined(TW_EXACT_FLOATS)
    return __builtin_sqrt(x);
#elif defined(__AVX__)
    __asm__("vsqrtsd %0, %0, %0" : "+x"(x));
    return x;
#elif defined(__x86_64__)
    __asm__("sqrtsd %0, %0" : "+x"(x));
    return x;
#elif defined(__aarch64__)
    __asm__("fsqrt %d0, %d0" : "+w"(x));
    return x;
#else
    return __builtin_sqrt(x);
#endif
}

/* A whole number below 2^53, exactly, by operations that every vector unit has. */
TW_RANDOM_INLINE double tw__random_whole(uint64_t x, tw__random_guard guard)
{
    const double high = TW__SUB(tw__random_of_bits(0x4530000000000000u | x >> 32), 19342813113834066795298816.0);
    const double low = TW__SUB(tw__random_of_bits(0x4330000000000000u | (x & 0xffffffffu)), 4503599627370496.0);
    return TW__ADD(high, low);
}

#define TW__RANDOM_ULP 1.1102230246251565e-16 /* 2^-53 */

TW_RANDOM_INLINE double tw__random_uniform(uint64_t first, tw__random_guard guard)
{
    return TW__MUL(tw__random_whole(first >> 11, guard), TW__RANDOM_ULP);
}

TW_RANDOM_INLINE float tw__random_uniform_f32(uint64_t first)
{
    return (float)(int32_t)(first >> 40) * 5.9604644775390625e-8f; /* exact */
}

/* -2 log(u) for a normal number u in (0, 1]: the method and the numbers of Tilework's own log (FDLIBM's form). */
TW_RANDOM_INLINE double tw__random_energy(double u, tw__random_guard guard)
{
    const uint64_t root = 0x3fe6a09e00000000; /* about sqrt(1/2) */
    const uint64_t bits = tw__random_bits(u) + (0x3ff0000000000000 - root);
    const double e = TW__SUB(tw__random_of_bits(0x4330000000000000 | bits >> 52), 4503599627371519.0);
    const double f = TW__SUB(tw__random_of_bits((bits & 0x000fffffffffffff) + root), 1.0);
    const double s = tw__random_keep(f / TW__ADD(2.0, f), guard), h = TW__MUL(TW__MUL(0.5, f), f);
    const double z = TW__MUL(s, s), w = TW__MUL(z, z);
    const double odd3 = TW__ADD(0.1818356224616184, TW__MUL(w, 0.14795479587075372));
    const double odd = TW__ADD(0.6666666666666734, TW__MUL(w, TW__ADD(0.2857142874193359, TW__MUL(w, odd3))));
    const double even2 = TW__ADD(0.22222198616140776, TW__MUL(w, 0.15314100449827334));
    const double even = TW__ADD(0.39999999999416935, TW__MUL(w, even2));
    const double rest = TW__ADD(h, TW__ADD(TW__MUL(z, odd), TW__MUL(w, even)));
    const double tail = TW__ADD(TW__MUL(s, rest), TW__MUL(e, 1.6465949582897082e-12));
    return TW__MUL(-2.0, TW__SUB(TW__MUL(e, 0.6931471805582987), TW__SUB(TW__SUB(h, tail), f)));
}

/* The cosine of 2 pi (turn / 2^53): the quarter is taken off exactly, the rest is in -pi/4 .. pi/4. */
TW_RANDOM_INLINE double tw__random_cosine(uint64_t turn, tw__random_guard guard)
{
    const uint64_t quarter = (turn + ((uint64_t)1 << 50)) >> 51, sine = quarter & 1;
    const double t = TW__SUB(tw__random_of_bits(0x4338000000000000 + (turn - (quarter << 51))), 6755399441055744.0);
    const double x = TW__MUL(t, 6.975736996017264e-16), z = TW__MUL(x, x), w = TW__MUL(z, z), h = TW__MUL(0.5, z);
    const double c0 = sine ? -0.1666666666666663 : 0.0416666666666666;
    const double c1 = sine ? 0.00833333333332184 : -0.001388888888887447;
    const double c2 = sine ? -0.00019841269829358547 : 2.480158728966691e-05;
    const double c3 = sine ? 2.755731353852622e-06 : -2.75573143992667e-07;
    const double c4 = sine ? -2.5050734391729893e-08 : 2.087572899426763e-09;
    const double c5 = sine ? 1.5895433454948322e-10 : -1.1359917318464037e-11;
    const double even = TW__ADD(c0, TW__MUL(w, TW__ADD(c2, TW__MUL(w, c4))));
    const double odd = TW__ADD(c1, TW__MUL(w, TW__ADD(c3, TW__MUL(w, c5))));
    const double tail = TW__ADD(even, TW__MUL(z, odd)), cube = TW__MUL(x, z);
    const double one = TW__SUB(1.0, h), lost = TW__SUB(TW__SUB(1.0, one), h);
    const double high = sine ? x : one, power = sine ? cube : w, low = sine ? 0.0 : lost;
    const double value = TW__ADD(high, TW__ADD(TW__MUL(power, tail), low));
    return tw__random_of_bits(tw__random_bits(value) ^ ((quarter + 1) & 2) << 62);
}

/* Box and Muller's (1958): sqrt(-2 log u) cos(2 pi v), u in (0, 1] and v in [0, 1) of 53 bits. At most 8.6. */
TW_RANDOM_INLINE double tw__random_square(uint64_t first, tw__random_guard guard)
{
    return tw__random_energy(TW__MUL(TW__ADD(tw__random_whole(first >> 11, guard), 1.0), TW__RANDOM_ULP), guard);
}

/* ---- one number ---- */

/* The two 64-bit halves of a block. */
TW_RANDOM_INLINE uint64_t tw__random_block(uint64_t seed, uint32_t place, uint64_t element, uint32_t more,
                                           uint64_t *second)
{
    const uint32_t counter[4] = {(uint32_t)element, (uint32_t)(element >> 32), place, more};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4];
    tw_random_u32x4(counter, key, words);
    *second = (uint64_t)words[3] << 32 | words[2];
    return (uint64_t)words[1] << 32 | words[0];
}

/* In [0, 1): a multiple of 2^-53. */
TW_RANDOM_INLINE double tw_random_uniform(uint64_t seed, uint32_t place, uint64_t element)
{
    uint64_t second;
    return tw__random_uniform(tw__random_block(seed, place, element, 0, &second), tw__random_guarded(0));
}

/* The same cut off to 24 bits: a multiple of 2^-24, never 1. */
TW_RANDOM_INLINE float tw_random_uniform_f32(uint64_t seed, uint32_t place, uint64_t element)
{
    uint64_t second;
    return tw__random_uniform_f32(tw__random_block(seed, place, element, 0, &second));
}

/* Mean 0, variance 1. */
TW_RANDOM_INLINE double tw_random_normal(uint64_t seed, uint32_t place, uint64_t element)
{
    const tw__random_guard guard = tw__random_guarded(0);
    uint64_t second;
    const uint64_t first = tw__random_block(seed, place, element, 0, &second);
    const double radius = tw__random_keep(tw__random_sqrt(tw__random_square(first, guard)), guard);
    return TW__MUL(radius, tw__random_cosine(second >> 11, guard));
}

/* The same rounded to float32. */
TW_RANDOM_INLINE float tw_random_normal_f32(uint64_t seed, uint32_t place, uint64_t element)
{
    return (float)tw_random_normal(seed, place, element);
}

/* 0 .. count - 1, each equally often; count 0 means 2^64. Lemire's method (2019): the words of a block in turn, 32 bits
 * of them up to a count of 2^32, else 64, then those of further blocks. */
TW_RANDOM_INLINE uint64_t tw_random_integers(uint64_t seed, uint32_t place, uint64_t element, uint64_t count)
{
    __extension__ typedef unsigned __int128 wide;
    const uint64_t limit = (uint64_t)1 << 32;
    for (uint32_t more = 0;; more++) {
        uint64_t words[2];
        words[0] = tw__random_block(seed, place, element, more, &words[1]);
        if (count == 0) {
            return words[0];
        }
        for (int k = 0; count <= limit && k < 4; k++) {
            const uint64_t product = (words[k / 2] >> 32 * (k & 1) & 0xffffffffu) * count;
            if ((uint32_t)product >= count || (uint32_t)product >= (limit - count) % count) {
                return product >> 32;
            }
        }
        for (int k = 0; count > limit && k < 2; k++) {
            const wide product = (wide)words[k] * count;
            if ((uint64_t)product >= count || (uint64_t)product >= (0 - count) % count) {
                return (uint64_t)(product >> 64);
            }
        }
    }
}

#undef TW__ADD
#undef TW__SUB
#undef TW__MUL

#ifdef __cplusplus
}
#endif
#endif
