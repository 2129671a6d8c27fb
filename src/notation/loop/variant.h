/* variant.h - the loops of one statement over a tile, with strips along one axis of its target, settled. */
#ifndef TW_NOTATION_LOOP_VARIANT_H
#define TW_NOTATION_LOOP_VARIANT_H

#include "notation/loop/loop.h"

enum tw__shape {
    TW__SHAPE_ELEMENT, /* the target has no axes: one element */
    TW__SHAPE_ROWS,    /* a loop for each axis of the target, strips innermost. Levels: 0, and one for each such loop */
    TW__SHAPE_BLOCKS   /* loops for the outer axes, columns in blocks, rows in blocks, and in each of them the rows.
                        * Levels: 0, one for each outer axis, the block of columns, the row */
};

/* Where items do not lie side by side along the strip, a column of strips is done for all rows before the next: the
 * lines of memory that one row has brought along serve the rows after it. */
enum tw__panels {
    TW__PANELS_NONE,
    TW__PANELS_HOISTED, /* because calls are hoisted out of the loop over the rows: into rooms of `panel` columns */
    TW__PANELS_FAR      /* of `panel` columns if items turn out to lie apart, else all columns are one panel */
};

struct tw__variant {
    enum tw__shape shape;
    struct tw__loop loop; /* its axis is that of the strips */
    int row_axis;         /* TW__SHAPE_BLOCKS: the axis of the rows */
    enum tw__panels panels;
    int panel;      /* elements */
    int has_limits; /* strips are cut where READs begin and cease to be inside: see movement.h */
    int has_own;    /* the target's elements are read where they are written */
    int64_t stack;  /* bytes: of this function and of those that it is the first to call */
};

/* The axes along which strips may go, into axis[0 .. count - 1], the target's last one first; the kernel takes the one
 * that suits a tile. A target without axes has one variant, of axis -1. Returns the count. */
int tw__variant_axes(int axis[3], const struct tw__program *program, const struct tw__assignment *statement);

/* Settles the loops of a statement with strips along an axis. Returns 0 if out of memory; the variant must be ended in
 * any case. */
int tw__variant_init(struct tw__variant *v, const struct tw__sheet *sheet, const struct tw__assignment *statement,
                     int along);
void tw__variant_fini(struct tw__variant *v);

#endif
