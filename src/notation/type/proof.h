/* proof.h - the proof, before the run, that no read goes outside and no reduction lacks an element. */
#ifndef TW_NOTATION_TYPE_PROOF_H
#define TW_NOTATION_TYPE_PROOF_H

#include "notation/type/reach.h"

/* Every read stays inside, or has an edge that can be applied; every reduction that needs an element has one. All
 * lengths are known. Errors: TW_ERROR_SYNTAX (with the place). */
tw_status tw__prove_reads(struct tw__extent *extent);

#endif
