/* guarded.h - the access that lies between inaccessible pages: one tile run on copies of its operands. It is laid over
 * direct and staged ones, since it takes twice, and nothing is given that was not looked at after both.
 *
 * Each operand's part is copied so that its last byte is the last before an inaccessible page, the kernel runs, then
 * again with its first byte the first behind one. Rows are copied apart from each other with canaries between them.
 * Inputs are read-only. Outputs start with two different patterns, so that an element that has the pattern after both
 * runs was never written. Knows one tile; nothing of pools. */
#ifndef TW_JOB_ACCESS_GUARDED_H
#define TW_JOB_ACCESS_GUARDED_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "grid/grid.h"
#include "pool/claims.h"

struct tw__guard; /* one worker's guarded memory, kept from tile to tile */

/* Where the copies lie, in memory that outlives the worker: the meaning of a fault address is found from it. */
struct tw__guard_note {
    uint64_t tile; /* valid while the worker is in this tile */
    int noperands; /* 0: no copies lie anywhere */
    struct tw__guard_place {
        uint64_t mapping, mapping_end; /* with the inaccessible pages */
        uint64_t first, end;           /* of the copy */
        int operand;                   /* number in the signature */
    } place[TW_MAX_OPERANDS];
};

/* What is known of the operands of a guarded tile. */
struct tw__guarded {
    const tw_grid *grid;
    uint64_t begun; /* bit k: output k has first values, which the kernel may add to: it may leave them as they are */
};

/* Runs the kernel on `tile` twice as said above and, where nothing was found, copies the outputs to where they belong.
 * *guard: NULL at first. `tile` is as the kernel would get it: operand[k] are the real views cut to the tile. Returns
 * the kernel's own code, or TW_ERROR_GUARD or TW_ERROR_MEMORY with tile->message saying what
 * was found where: "wrote 1 byte past the row that ends with r[3,4]", "left r[3,4] unwritten". A wrong access to an
 * inaccessible page is a signal. */
struct tw__result tw__guard_run(struct tw__guard **guard, const struct tw__guarded *what, const tw_tile *tile,
                                tw_function function, struct tw__guard_note *note);
void tw__guard_destroy(struct tw__guard *guard);

/* What an access to `address` that ended the worker was: "wrote just past the end of 'r'", "wrote to input 'y', 24
 * bytes from the beginning of the tile's part of it", "read 16 bytes before the beginning of 'x'". access: 0 unknown
 * ("touched"), 1 read, 2 write. Returns the length as snprintf does; 0: it belongs to no operand. */
int tw__guard_explain(const struct tw__guard_note *note, const tw_grid *grid, uint64_t address, int access, char *text,
                      size_t size);

#endif
