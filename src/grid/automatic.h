/* automatic.h - how the axes of a job are divided when the user does not say. */
#ifndef TW_GRID_AUTOMATIC_H
#define TW_GRID_AUTOMATIC_H

#include <tilework/tilework.h>

#define TW__MANY_TILES 256 /* of a kernel of unknown cost */
#define TW__FEW_SQUARES 16 /* at least, of tiles that share what they read */

/* How many tiles this much work should have, of this many bytes of outputs and cut inputs. 1 below about 60 us; else
 * tiles of 30 us or more, at most 256, unless tiles of 2 MiB or less are more. The same on every machine. */
int64_t tw__automatic_parts(double nanoseconds, int64_t bytes);

/* splits[naxes], all zeros before: how each axis is divided; one that stays zeros stays whole. What follows depends on
 * the signature, the lengths and the options alone. Errors: TW_ERROR_ARGUMENT (a size below 0). */
tw_status tw__automatic_splits(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options,
                               tw_split *splits, tw_error *error);

/* Bit a: axis a has several indices, and may be cut. */
uint64_t tw__automatic_axes(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options);

/* Estimated nanoseconds of the whole job; 0: unknown. */
double tw__automatic_work(const tw_signature *signature, const int64_t *lengths, const tw_grid_options *options);

#endif
