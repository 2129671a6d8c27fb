/* fingerprint.h - what a job is made of, as pairs of names and texts that can be kept and compared. */
#ifndef TW_RECORD_FINGERPRINT_H
#define TW_RECORD_FINGERPRINT_H

#include <tilework/tilework.h>

struct json_t;
struct tw__where;

/* *fingerprint: a JSON object of texts, in a fixed order. where: the mask of the job; NULL: none. Errors:
 * TW_ERROR_ARGUMENT (a kernel that lies in no file and has no identity), TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY.
 */
tw_status tw__fingerprint(struct json_t **fingerprint, const tw_kernel *kernel, const tw_grid *grid,
                          tw_array *const *operands, const struct tw__where *where, tw_error *error);
void tw__fingerprint_free(struct json_t *fingerprint);

/* 1: the same. 0: they differ, first where text[size] says: "operand y was A and is B". */
int tw__fingerprint_same(const struct json_t *was, const struct json_t *is, char *text, size_t size);

#endif
