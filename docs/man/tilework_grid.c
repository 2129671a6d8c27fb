#include <stdio.h>
#include <stdlib.h>
#include <tilework/tilework.h>

int main(void)
{
    const int64_t lengths[2] = {1000, 2000}; /* of i and j */
    tw_split splits[2] = {{.axis = "i"}, {.axis = "j", .tile = 1000}};
    tw_signature *signature;
    tw_grid *grid;
    tw_error error;
    int64_t *cuts, start[2], stop[2];
    char text[256];
    if (tw_cuts_parse(&cuts, &splits[0].ncuts, "333,666", &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    splits[0].cuts = cuts;
    if (tw_signature_parse(&signature, "y[i], x[j] -> r[i,j]", &error) ||
        tw_grid_create(&grid, signature, lengths, &(tw_grid_options){.splits = splits, .nsplits = 2}, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
        tw_grid_tile_text(grid, tile, text, sizeof text);
        printf("tile %llu: %s\n", (unsigned long long)tile, text);
    }
    tw_grid_tile(grid, 3, start, stop);
    const int wrong = tw_grid_count(grid) != 6 || start[0] != 333 || stop[1] != 2000 ||
                      tw_grid_owner(grid, (int64_t[]){999, 0}) != 4;
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    free(cuts);
    return wrong;
}
