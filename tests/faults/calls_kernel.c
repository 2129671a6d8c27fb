/* calls_kernel.c - the kernel that tests/faults/jobs.c has compiled from source: as its own `step`, without notes. */
#include <tilework/tilework.h>

int step(const tw_tile *tile);
int step(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    TW_VIEW(double, s, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(s, i, j) = TW_AT(r, i, j) - TW_AT(x, i);
            TW_AT(r, i, j) = 2 * TW_AT(r, i, j) + TW_AT(x, i);
        }
    }
    return 0;
}
