/* npy.h - the header of a .npy file, read from bytes and written to bytes. Pure: opens no file. */
#ifndef TW_STORE_NPY_NPY_H
#define TW_STORE_NPY_NPY_H

#include <stddef.h>

#include <tilework/tilework.h>

#define TW__NPY_PREFIX 12 /* bytes that say how long a header of any version is */
#define TW__NPY_MAGIC 8   /* bytes at the front without which a file is no .npy file: magic and version */

struct tw__npy_header {
    tw_dtype dtype; /* in native byte order; an opaque one's descr is `descr` */
    char *descr;    /* owned, UTF-8; NULL for kinds that compute */
    int swapped;    /* the file's numbers are in the other byte order */
    int fortran;    /* first index fastest */
    int ndim;
    int64_t shape[TW_MAX_DIMS];
    int64_t data_bytes;
    int64_t data_offset; /* in the file; also the header's length */
};

/* From a file's first bytes (as many as it has, up to TW__NPY_PREFIX) to the length of its header, which is capped here
 * and held against the file's size before anybody reads it. `name` is the file's, for the sentence. */
tw_status tw__npy_length(int64_t *header_length, const unsigned char *bytes, size_t count, int64_t file_size,
                         const char *name, tw_error *error);

/* Reads a whole header, bytes[0..header_length). The caller calls fini on success. */
tw_status tw__npy_parse(struct tw__npy_header *header, const unsigned char *bytes, int64_t header_length,
                        int64_t file_size, const char *name, tw_error *error);
void tw__npy_fini(struct tw__npy_header *header);

#define TW__NPY_ALIGNMENT 64 /* of the data, as NumPy pads */

/* The header of a C-order array as NumPy writes it, a multiple of `alignment` bytes long: *bytes (malloc). A larger
 * alignment than NumPy's gives way to that where NumPy would not read so long a header. The dtype has been through
 * tw__descr_own. Errors: TW_ERROR_MEMORY, TW_ERROR_ARGUMENT (a description too long to be read again). */
tw_status tw__npy_format(unsigned char **bytes, size_t *length, const tw_dtype *dtype, int ndim, const int64_t *shape,
                         size_t alignment, tw_error *error);

#endif
