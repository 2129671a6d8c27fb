/* calls_kernel.c - the kernel that tests/faults/jobs.c has compiled from source: as its own `step`, without notes. */
#include "step.h"

int step(const tw_tile *tile);
int step(const tw_tile *tile)
{
    return step_compute(tile);
}
