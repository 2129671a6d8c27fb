/* draw.c - rows of random numbers for tile.random. Compiled once for each kind of vector unit, under the name that
 * DRAW_NAME is; random.c takes the one that the processor has. The flags (meson.build) keep every operation apart. */
#define TW_EXACT_FLOATS
#include <tilework/tilework.h>

void DRAW_NAME(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place, uint64_t element);

void DRAW_NAME(tw_random_row *row, const tw_random *what, int is_f32, uint32_t place, uint64_t element)
{
    tw_random_draw(row, what, is_f32, place, element);
}
