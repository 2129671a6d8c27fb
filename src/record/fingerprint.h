/* fingerprint.h - what a job is made of, as pairs of names and texts that can be kept and compared. */
#ifndef TW_RECORD_FINGERPRINT_H
#define TW_RECORD_FINGERPRINT_H

#include <tilework/tilework.h>

struct json_t;

/* *fingerprint: a JSON object of texts, in a fixed order. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
tw_status tw__fingerprint(struct json_t **fingerprint, const tw_kernel *kernel, const tw_grid *grid,
                          tw_array *const *operands, tw_error *error);
void tw__fingerprint_free(struct json_t *fingerprint);

/* What an array's values come from, "file of 8128 bytes, changed 2026-01-31 12:00:00.000000000 UTC"; "": only they say
 * so themselves. */
void tw__fingerprint_source(const tw_array *array, char *text, size_t size);

/* 1: the same. 0: they differ, first where text[size] says: "operand y was A and is B". */
int tw__fingerprint_same(const struct json_t *was, const struct json_t *is, char *text, size_t size);

#endif
