/* corners.h - the items at the corners of a view, laid out as NumPy does. */
#ifndef CLI_LOOK_CORNERS_H
#define CLI_LOOK_CORNERS_H

#include <stdio.h>

#include <tilework/tilework.h>

/* The first and last three items of the last two dimensions, the first and last one of the others. */
void cli_print_corners(FILE *file, const tw_view *view);

#endif
