/* sum.c - checksums of elements, for every processor; chooses the version for the one that is there. */
#include "array/sum.h"

#include "array/sum_views.h"

uint64_t tw__sum(const tw_view *views, int count)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        return tw__sum_avx2(views, count);
    }
#endif
    return sum_views(views, count);
}
