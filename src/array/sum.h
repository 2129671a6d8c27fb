/* sum.h - checksums of elements. */
#ifndef TW_ARRAY_SUM_H
#define TW_ARRAY_SUM_H

#include <stdint.h>

#include <tilework/tilework.h>

/* XXH3, 64 bits, of the elements of views[count], one after the other, each in C order whatever its strides. Allocates
 * nothing: workers call it for every tile. */
uint64_t tw__sum(const tw_view *views, int count);

/* The same, on processors that have AVX2. */
uint64_t tw__sum_avx2(const tw_view *views, int count);

#endif
