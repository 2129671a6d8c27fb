/* level.c - which level of its family the processor has. Knows no kernels. */
#include "os/level.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

#define BIT(n) (UINT32_C(1) << (n))

struct words {
    uint32_t a, b, c, d;
};

static struct words ask(uint32_t leaf)
{
    struct words words = {0};
    if (__get_cpuid_count(leaf, 0, &words.a, &words.b, &words.c, &words.d) == 0) {
        words = (struct words){0};
    }
    return words;
}

/* The registers that the system saves: bits 1 and 2 those of AVX, 5 to 7 those of AVX-512. */
static uint32_t saved(uint32_t features)
{
    uint32_t low = 0, high = 0;
    if ((features & BIT(27)) != 0) { /* OSXSAVE */
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    }
    return low;
}

int tw__cpu_level(void)
{
    /* CMPXCHG16B, POPCNT, SSE3, SSE4.1, SSE4.2, SSSE3 */
    const uint32_t second = BIT(13) | BIT(23) | BIT(0) | BIT(19) | BIT(20) | BIT(9);
    const uint32_t third = BIT(28) | BIT(29) | BIT(12) | BIT(22);            /* AVX, F16C, FMA, MOVBE */
    const uint32_t third_more = BIT(5) | BIT(3) | BIT(8);                    /* AVX2, BMI1, BMI2 */
    const uint32_t fourth = BIT(16) | BIT(30) | BIT(28) | BIT(17) | BIT(31); /* AVX-512 F, BW, CD, DQ, VL */
    const uint32_t first = ask(1).c, seventh = ask(7).b, extended = ask(0x80000001).c, registers = saved(first);
    if ((first & second) != second || (extended & BIT(0)) == 0) { /* LAHF */
        return 1;
    }
    if ((first & third) != third || (seventh & third_more) != third_more || (extended & BIT(5)) == 0 || /* LZCNT */
        (registers & 0x6) != 0x6) {
        return 2;
    }
    return (seventh & fourth) == fourth && (registers & 0xe6) == 0xe6 ? 4 : 3;
}
#else
int tw__cpu_level(void)
{
    return 1;
}
#endif
