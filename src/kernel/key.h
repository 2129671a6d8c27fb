/* key.h - one compilation, and the hashes that stand for it: in the cache, and on every machine. */
#ifndef TW_KERNEL_KEY_H
#define TW_KERNEL_KEY_H

#include <tilework/tilework.h>

#include "kernel/cache.h"
#include "kernel/compile.h"
#include "kernel/compiler.h"
#include "os/file.h"

struct tw__compilation {
    const char *path;                  /* the source, as the user named it; of a text: what messages call it */
    char *real;                        /* the same, without links; NULL: it is a text and no file */
    struct tw__file_info seen;         /* of a file: as it was just before it was read */
    const char *text;                  /* the source */
    size_t length;                     /* of the text */
    const tw_compile_options *options; /* may be NULL */
    const struct tw__kept_flags *keeps;
    const char *wished; /* flags of the user's, or NULL */
    int levels;         /* that a portable object has code for; 0: one, or what the flags say */
    struct tw__arguments front, flags, kept;
    struct tw__compiler compiler;
    struct tw__cache cache;
    char *source;      /* of a file; its bytes are in `text` then */
    int blames_folder; /* what failed did so for want of room or rights in the cache's folder, not for the source */
    char *version;
    char header[TW__HASH_TEXT]; /* hash of the public headers */
    char key[TW__HASH_TEXT];
    char origin[TW__HASH_TEXT]; /* key of a portable object, by which it is known on every machine */
};

int tw__is_portable(const struct tw__compilation *job);

/* The hash of the public headers. */
void tw__hash_headers(char text[TW__HASH_TEXT]);

/* job->origin: of source, flags and version, which must be there. Errors: TW_ERROR_MEMORY. */
tw_status tw__make_origin(struct tw__compilation *job, tw_error *error);

/* job->key: of all that decides what the compiler makes. Errors: TW_ERROR_MEMORY. */
tw_status tw__make_key(struct tw__compilation *job, tw_error *error);

#endif
