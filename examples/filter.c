/* filter.c - the largest of 5 x 5 elements around each one of an image, with threads: a kernel whose tiles have a halo.
 * Compares the result with a plain loop that looks at the border itself. */
#include <stdio.h>

#include <tilework/tilework.h>

enum { ROWS = 600, COLUMNS = 800, REACH = 2, WIDTH = 2 * REACH + 1 };

/* The view of u begins REACH before the tile, so no index is tested here. */
static int largest(const tw_tile *tile)
{
    TW_VIEW(const float, u, tile->operand[0]);
    TW_VIEW(float, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            float most = TW_AT(u, i, j);
            for (int64_t a = 0; a < WIDTH; a++) {
                for (int64_t b = 0; b < WIDTH; b++) {
                    const float value = TW_AT(u, i + a, j + b);
                    most = value > most ? value : most;
                }
            }
            TW_AT(r, i, j) = most;
        }
    }
    return 0;
}

static int64_t clamped(int64_t index, int64_t length)
{
    return index < 0 ? 0 : index < length ? index : length - 1;
}

static float expected(const float *u, int64_t i, int64_t j)
{
    float most = u[i * COLUMNS + j];
    for (int64_t a = i - REACH; a <= i + REACH; a++) {
        for (int64_t b = j - REACH; b <= j + REACH; b++) {
            const float value = u[clamped(a, ROWS) * COLUMNS + clamped(b, COLUMNS)];
            most = value > most ? value : most;
        }
    }
    return most;
}

static int64_t count_wrong(const float *u, const float *r)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            const float right = expected(u, i, j), found = r[i * COLUMNS + j];
            wrong += found < right || found > right;
        }
    }
    return wrong;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("usage: filter   (no arguments)\n", stderr);
        return 2;
    }
    const int64_t lengths[] = {ROWS, COLUMNS}; /* of i and j */
    const tw_dtype float32 = tw_dtype_of(TW_FLOAT32);
    const tw_axis_edge edge = {.axis = NULL, .edge = TW_EDGE_CLAMP}; /* of all axes */
    const tw_grid_options options = {.edges = &edge, .nedges = 1};
    tw_pool *pool = NULL;
    tw_kernel *kernel = NULL;
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_array *arrays[2] = {NULL, NULL};
    tw_error error;
    int failed = tw_pool_open(&pool, NULL, &error) || tw_kernel_from_function(&kernel, largest, NULL, 0, &error) ||
                 tw_signature_parse(&signature, "u[i-2..i+2,j-2..j+2] -> r[i,j]", &error) ||
                 tw_grid_create(&grid, signature, lengths, &options, &error) ||
                 tw_array_create(&arrays[0], pool, &float32, 2, lengths, &error) ||
                 tw_array_create(&arrays[1], pool, &float32, 2, lengths, &error);
    if (!failed) {
        float *u = tw_array_data(arrays[0]);
        uint32_t state = 1;
        for (int64_t k = 0; k < (int64_t)ROWS * COLUMNS; k++) {
            state = state * 1664525u + 1013904223u;
            u[k] = (float)(state >> 8);
        }
        failed = tw_run(pool, kernel, grid, arrays, NULL, NULL, &error);
    }
    if (failed) {
        fprintf(stderr, "%s\n", error.message);
    } else {
        const int64_t wrong = count_wrong(tw_array_data(arrays[0]), tw_array_data(arrays[1]));
        printf("%d x %d elements in %llu tiles, %lld wrong\n", ROWS, COLUMNS, (unsigned long long)tw_grid_count(grid),
               (long long)wrong);
        failed = wrong != 0;
    }
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_kernel_destroy(kernel);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    tw_pool_close(pool);
    return failed != 0;
}
