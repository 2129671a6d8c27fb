/* units.h - cuts and the units in which stores write outputs. */
#ifndef TW_JOB_UNITS_H
#define TW_JOB_UNITS_H

#include <tilework/tilework.h>

/* units[naxes]: along each axis, what tiles must be multiples of so that each unit of each output is in one tile. 1 for
 * an axis that no output with units has. Inputs may be cut anywhere. */
void tw__units(const tw_signature *signature, tw_array *const *arrays, int64_t *units);

/* Refuses cuts inside a unit of an output, which two workers would rewrite: TW_ERROR_ARGUMENT, with the nearest cuts
 * that are allowed. The same for tiles that are several pieces, shorter than the store's `piece`: with what to cut. */
tw_status tw__units_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error);

/* The same of pieces, for outputs that have no store yet: arrays[k] of an output has its dtype and shape. piece: bytes
 * that the store will want; 0: any. */
tw_status tw__pieces_check(const tw_grid *grid, tw_array *const *arrays, int64_t piece, tw_error *error);

#endif
