/* compile.h - from a C source to a shared object, by way of the cache. */
#ifndef TW_KERNEL_COMPILE_H
#define TW_KERNEL_COMPILE_H

#include <tilework/tilework.h>

/* The public headers, which compiled kernels include; made from the files by tools/generate/embed.py. */
struct tw__header {
    const char *name; /* below tilework/ */
    const char *text; /* terminated */
    size_t length;
};
#define TW__HEADERS 12
extern const struct tw__header tw__headers[TW__HEADERS];

/* Path (malloc) of a shared object compiled from the source. Nothing else ever gets this name, so that a worker which
 * opens it later finds the same code. *note (malloc; `note` may be NULL): where it is kept and why there, if that is
 * not where the environment says; else NULL. Errors: as tw_kernel_from_source. */
tw_status tw__compile(char **object, char **note, const char *path, const tw_compile_options *options, tw_error *error);

/* Flags that a source relies on. They come last: whatever the words of the compiler and the options' flags say, these
 * hold. */
struct tw__kept_flags {
    const char *all;         /* for every compiler */
    const char *gcc, *clang; /* after them, for what says that it is one of these */
};

/* The same from a source that is a text and not a file. `title` is what messages call it. */
tw_status tw__compile_text(char **object, char **note, const char *text, size_t length, const char *title,
                           const struct tw__kept_flags *kept, const tw_compile_options *options, tw_error *error);

#endif
