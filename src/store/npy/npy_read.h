/* npy_read.h - .npy files that are read: mapped if their bytes can be used as they are, else read into memory. */
#ifndef TW_STORE_NPY_NPY_READ_H
#define TW_STORE_NPY_NPY_READ_H

#include <tilework/tilework.h>

struct tw__heap;

/* tw_array_open with a heap for what cannot be mapped as it is. */
tw_status tw__npy_open(tw_array **array, struct tw__heap *heap, const char *path, tw_error *error);

#endif
