/* inner.h - reductions that read an operand which their own statement list writes, elsewhere than where it is written:
 * u[i] /= sum(k: u[k]). Such a reduction is computed before anything is written: outside of the loops that write, or by
 * an earlier step of the job. */
#ifndef TW_NOTATION_TYPE_INNER_H
#define TW_NOTATION_TYPE_INNER_H

#include "notation/read/syntax.h"
#include "notation/type/typed.h"

/* The axes of which a tile needs all indices for a READ: bit a: axis a of the program, with which a dimension is cut
 * that is read at other indices. 0 for what is not written. */
uint64_t tw__inner_bound(const struct tw__program *program, int read);

/* Refuses, with the place, what cannot be computed before the loops write:
 *
 *     u[i] /= sum(k: u[k])                 once, before all loops
 *     u[i,j] /= sum(k: u[i,k])             before row i is written
 *     u[i,j] /= sum(k: u[k,j])             for the columns of a strip, before the loop over the rows
 *     u[i,j] -= sum(k: u[k,j] * w[i,k])    refused: row 1 would read what row 0 has written */
tw_status tw__inner_check(const struct tw__typed *typed, const struct tw__syntax *syntax, tw_error *error);

#endif
