/* tilemap.c - a map of a step's tiles over the first two axes that are divided, in the colour of their worker. */
#include "run/tilemap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "base/writing.h"
#include "grid/order.h"
#include "grid/signature.h"
#include "run/palette.h"

/* Pixels: the plot, and what is left and below for the names. */
enum { LEFT = 90, TOP = 4, WIDTH = 480, BELOW = 20, LEAST_HEIGHT = 90, MOST_HEIGHT = 320, ONE_ROW = 28 };

/* Cells that a map has at most. */
enum { MOST_COLUMNS = 64, MOST_ROWS = 32, MOST_ALONE = 240 };

/* Tiles that lie in one place of the map. */
struct cell {
    uint64_t tiles, first;
    uint64_t fates[TW__FATES];
    int worker; /* that did most of them, by a majority vote in one pass */
    uint64_t votes;
};

struct map {
    FILE *file;
    const tw_report *report;
    const struct tw__report_part *part;
    int down, across; /* axes; -1: none */
    int rows, columns;
    int height; /* pixels */
    struct cell *cells;
    uint64_t most; /* tiles that a cell stands for */
};

static int64_t count_of(const struct map *map, int axis)
{
    return axis >= 0 ? map->part->grid->axes[axis].count : 1;
}

/* Which cell along an axis the tile with this coordinate is in, and the first coordinate of a cell. */
static int cell_of(int64_t coordinate, int64_t count, int cells)
{
    return (int)((double)count <= cells ? coordinate : (int64_t)((__int128)coordinate * cells / count));
}

static int64_t first_of(int cell, int64_t count, int cells)
{
    return (int64_t)(((__int128)cell * count + cells - 1) / cells);
}

/* The axes, and how many cells. */
static void lay_out(struct map *map)
{
    const tw_grid *grid = map->part->grid;
    map->down = map->across = -1;
    for (int a = 0; a < grid->naxes && map->across < 0; a++) {
        if (grid->axes[a].count > 1) {
            map->across = map->down < 0 ? -1 : a;
            map->down = map->down < 0 ? a : map->down;
        }
    }
    if (map->across < 0) { /* one axis lies */
        map->across = map->down >= 0 ? map->down : grid->naxes > 0 ? 0 : -1;
        map->down = -1;
    }
    const int most = map->down >= 0 ? MOST_COLUMNS : MOST_ALONE;
    const int64_t rows = count_of(map, map->down), columns = count_of(map, map->across);
    map->rows = rows < MOST_ROWS ? (int)rows : MOST_ROWS;
    map->columns = columns < most ? (int)columns : most;
    map->height = ONE_ROW;
    if (map->down >= 0) {
        const double wish = WIDTH * (double)grid->axes[map->down].length / (double)grid->axes[map->across].length;
        map->height = wish < LEAST_HEIGHT ? LEAST_HEIGHT : wish > MOST_HEIGHT ? MOST_HEIGHT : (int)wish;
    }
}

static void add_tile(struct cell *cell, uint64_t tile, const tw_tile_record *record)
{
    cell->first = cell->tiles == 0 ? tile : cell->first;
    cell->tiles++;
    cell->fates[tw__fate_of(record)]++;
    if (record->worker >= 0) {
        cell->worker = cell->votes == 0 ? record->worker : cell->worker;
        cell->votes += cell->worker == record->worker ? 1 : (uint64_t)-1;
    }
}

static void collect(struct map *map)
{
    const struct tw__report_part *part = map->part;
    struct tw__order order;
    tw__order_seek(&order, part->grid, 0);
    for (uint64_t tile = 0; tile < part->grid->count; tile++) {
        tw_tile_record record;
        tw__order_move(&order, tile);
        tw_report_get_tile(map->report, part->first + tile, &record, NULL);
        const int row = map->down >= 0 ? cell_of(order.coordinate[map->down], count_of(map, map->down), map->rows) : 0;
        const int column =
            map->across >= 0 ? cell_of(order.coordinate[map->across], count_of(map, map->across), map->columns) : 0;
        struct cell *cell = &map->cells[row * map->columns + column];
        add_tile(cell, part->first + tile, &record);
        map->most = cell->tiles > map->most ? cell->tiles : map->most;
    }
}

/* Where a cell begins, of `extent` pixels in all. */
static int place(const struct map *map, int axis, int cell, int cells, int extent)
{
    if (axis < 0 || cell == cells) {
        return cell == 0 ? 0 : extent * TW__PIXEL;
    }
    const struct tw__grid_axis *along = &map->part->grid->axes[axis];
    const int64_t start = tw__axis_start(along, first_of(cell, along->count, cells));
    return (int)((double)start / (double)along->length * extent * TW__PIXEL + 0.5);
}

static enum tw__fate worst_of(const struct cell *cell)
{
    static const enum tw__fate order[] = {TW__FATE_FAILED, TW__FATE_UNFINISHED, TW__FATE_FREE, TW__FATE_DONE};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        if (cell->fates[order[k]] > 0) {
            return order[k];
        }
    }
    return cell->fates[TW__FATE_EARLIER] > 0 ? TW__FATE_EARLIER : TW__FATE_SKIPPED;
}

static void write_title(const struct map *map, const struct cell *cell)
{
    static const char *const words[] = {"done",    "FAILED",       "done by an earlier run",
                                        "not run", "not finished", "skipped"};
    if (cell->tiles == 1) {
        tw__svg_tile_title(map->file, map->report, map->part, cell->first);
        return;
    }
    fprintf(map->file, "<title>%" PRIu64 " tiles", cell->tiles);
    for (int fate = 0; fate < TW__FATES; fate++) {
        if (cell->fates[fate] > 0) {
            fprintf(map->file, ", %" PRIu64 " %s", cell->fates[fate], words[fate]);
        }
    }
    fputs("</title>", map->file);
}

/* Cells [*column, next) of a row in one: where cells stand for several tiles, those beside each other that look alike
 * are drawn as one. Moves *column on. */
static struct cell take_cell(const struct map *map, int row, int *column)
{
    const struct cell *cells = &map->cells[row * map->columns];
    struct cell joined = cells[(*column)++];
    const enum tw__fate fate = worst_of(&joined);
    while (map->most > 1 && *column < map->columns && worst_of(&cells[*column]) == fate &&
           (fate != TW__FATE_DONE || cells[*column].worker == joined.worker)) {
        joined.tiles += cells[*column].tiles;
        for (int k = 0; k < TW__FATES; k++) {
            joined.fates[k] += cells[*column].fates[k];
        }
        (*column)++;
    }
    return joined;
}

static void draw_cells(const struct map *map)
{
    for (int row = 0; row < map->rows; row++) {
        const int top = place(map, map->down, row, map->rows, map->height);
        const int bottom = place(map, map->down, row + 1, map->rows, map->height);
        for (int column = 0; column < map->columns;) {
            const int left = place(map, map->across, column, map->columns, WIDTH);
            const struct cell cell = take_cell(map, row, &column);
            const int right = place(map, map->across, column, map->columns, WIDTH);
            const struct tw__box box = {LEFT * TW__PIXEL + left, TOP * TW__PIXEL + top,
                                        right - left > 30 ? right - left : 30, bottom - top > 30 ? bottom - top : 30};
            tw__svg_tile_begin(map->file, box, worst_of(&cell), cell.worker);
            write_title(map, &cell);
            tw__svg_tile_end(map->file);
        }
    }
}

/* "0", the name and the length along both sides. */
static void draw_axes(const struct map *map)
{
    const tw_grid *grid = map->part->grid;
    char length[32];
    if (map->across >= 0) {
        const int y = (TOP + map->height + 14) * TW__PIXEL;
        snprintf(length, sizeof length, "%" PRId64, grid->axes[map->across].length);
        tw__svg_text(map->file, LEFT * TW__PIXEL, y, "start", "0", 1);
        tw__svg_text(map->file, (LEFT + WIDTH / 2) * TW__PIXEL, y, "middle", grid->signature->axes[map->across], 40);
        tw__svg_text(map->file, (LEFT + WIDTH) * TW__PIXEL, y, "end", length, 24);
    }
    if (map->down >= 0) {
        const int x = (LEFT - 6) * TW__PIXEL;
        snprintf(length, sizeof length, "%" PRId64, grid->axes[map->down].length);
        tw__svg_text(map->file, x, (TOP + 9) * TW__PIXEL, "end", "0", 1);
        tw__svg_text(map->file, x, (TOP + map->height / 2 + 4) * TW__PIXEL, "end", grid->signature->axes[map->down],
                     12);
        tw__svg_text(map->file, x, (TOP + map->height) * TW__PIXEL, "end", length, 12);
    }
}

tw_status tw__tilemap_write(FILE *file, const tw_report *report, const struct tw__report_part *part, const char *title,
                            tw_error *error)
{
    struct map map = {.file = file, .report = report, .part = part};
    if (part->grid->count == 0) {
        return TW_OK;
    }
    lay_out(&map);
    map.cells = calloc((size_t)map.rows * (size_t)map.columns, sizeof *map.cells);
    if (map.cells == NULL) {
        return tw__fail_memory(error, (size_t)map.rows * (size_t)map.columns * sizeof *map.cells, "a map of tiles");
    }
    collect(&map);
    fputs("<div style=\"margin:8px 0 2px\">", file);
    tw__write_html_text(file, title, 300);
    if (map.most > 1) {
        fprintf(file, " (each cell stands for up to %" PRIu64 " tiles)", map.most);
    }
    fputs("</div>\n", file);
    tw__svg_begin(file, LEFT + WIDTH + 10, TOP + map.height + BELOW, "tiles by worker");
    draw_cells(&map);
    draw_axes(&map);
    tw__svg_end(file);
    free(map.cells);
    return TW_OK;
}
