/* allocator.c - settings of the C library's malloc. */
#include "os/allocator.h"

#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>

/* MALLOC_TRIM_THRESHOLD_=..., MALLOC_MMAP_THRESHOLD_=..., GLIBC_TUNABLES=glibc.malloc.trim_threshold=... */
static int is_set_by_user(void)
{
    static const char *const names[] = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        if (getenv(names[k]) != NULL) {
            return 1;
        }
    }
    const char *tunables = getenv("GLIBC_TUNABLES");
    return tunables != NULL && strstr(tunables, "glibc.malloc.") != NULL;
}

void tw__allocator_keep(void)
{
    if (!is_set_by_user()) {
        mallopt(M_MMAP_THRESHOLD, TW__ALLOCATOR_LARGEST);
        mallopt(M_TRIM_THRESHOLD, TW__ALLOCATOR_KEEPS);
    }
}
#else
void tw__allocator_keep(void)
{
}
#endif
