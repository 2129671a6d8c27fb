/* kernel.c - the function run on one tile: from the program, a shared object or a C source. Knows neither tiles nor
 * workers. */
#include "kernel/kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/compile.h"
#include "kernel/levels.h"
#include "kernel/origin.h"
#include "os/clock.h"
#include "os/path.h"

void tw_kernel_destroy(tw_kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    tw__library_close(&kernel->library);
    free(kernel->path);
    free(kernel->symbol);
    free(kernel->name);
    free(kernel->note);
    free(kernel->identity);
    free(kernel);
}

const char *tw_kernel_name(const tw_kernel *kernel)
{
    return kernel->name;
}

tw_status tw_kernel_set_name(tw_kernel *kernel, const char *name, tw_error *error)
{
    if (name == NULL || name[0] == '\0') {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the kernel's name has no text");
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return tw__fail_memory(error, strlen(name) + 1, "a kernel's name");
    }
    free(kernel->name);
    kernel->name = copy;
    return TW_OK;
}

tw_status tw_kernel_set_identity(tw_kernel *kernel, const char *identity, tw_error *error)
{
    char *copy = NULL;
    if (identity != NULL && (identity[0] == '\0' || strlen(identity) > TW_KERNEL_IDENTITY_SIZE)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the identity of kernel %s has %zu bytes; it has 1 to %d",
                        kernel->name, strlen(identity), TW_KERNEL_IDENTITY_SIZE);
    }
    if (identity != NULL) {
        copy = strdup(identity);
        if (copy == NULL) {
            return tw__fail_memory(error, strlen(identity) + 1, "a kernel's identity");
        }
    }
    free(kernel->identity);
    kernel->identity = copy;
    return TW_OK;
}

tw_status tw_kernel_from_function(tw_kernel **kernel, tw_function function, void *context, size_t context_size,
                                  tw_error *error)
{
    if (function == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the kernel's function is NULL");
    }
    if (context == NULL && context_size != 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the kernel's context is NULL, but its size is %zu bytes",
                        context_size);
    }
    tw_kernel *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a kernel");
    }
    made->name = strdup("function");
    if (made->name == NULL) {
        tw_kernel_destroy(made);
        return tw__fail_memory(error, sizeof "function", "a kernel's name");
    }
    made->function = function;
    made->context = context;
    made->context_size = context_size;
    made->created_at = tw__now();
    *kernel = made;
    return TW_OK;
}

const char *tw_kernel_note(const tw_kernel *kernel)
{
    return kernel->note;
}

static tw_function as_function(void *address)
{
    tw_function function;
    memcpy(&function, &address, sizeof function); /* POSIX has functions and data share one kind of address */
    return function;
}

/* What a file that is said to have `symbol` has instead, as text[size]. */
static void describe_missing(const struct tw__library *library, char *text, size_t size)
{
    char list[256];
    tw__library_list(library, list, sizeof list);
    if (list[0] == '\0') {
        snprintf(text, size, "it has no function that can be called from outside (is it static or hidden?)");
    } else {
        snprintf(text, size, "it has %s", list);
    }
}

tw_status tw__kernel_from_object(tw_kernel **kernel, char *path, const char *file, const char *symbol,
                                 tw_status unopened, tw_error *error)
{
    char text[512];
    tw_status status = TW_OK;
    tw_kernel *made = calloc(1, sizeof *made);
    if (made == NULL) {
        free(path);
        return tw__fail_memory(error, sizeof *made, "a kernel");
    }
    made->path = path;
    made->symbol = strdup(symbol);
    if (made->symbol == NULL || asprintf(&made->name, "%s:%s", file, symbol) < 0) {
        made->name = NULL;
        status = tw__fail_memory(error, PATH_MAX, "a kernel's name");
        goto fail;
    }
    const char *flaw = NULL;
    int failed = tw__library_flaw(&flaw, path);
    if (failed != 0) {
        status = tw__fail_path(error, failed, file, "cannot be opened as a shared object");
        goto fail;
    }
    if (flaw != NULL) {
        status = tw__fail(error, unopened, "%s: %s", file, flaw);
        goto fail;
    }
    failed = tw__library_open(&made->library, path, text, sizeof text);
    if (failed != 0) {
        status = tw__fail(error, failed == ENOEXEC ? unopened : tw__file_status(failed),
                          "%s: cannot be opened as a shared object: %s", file, text);
        goto fail;
    }
    void *function;
    status = tw__level_symbol(&function, &made->library, symbol, error);
    if (status != TW_OK) {
        goto fail;
    }
    made->function = as_function(function);
    if (made->function == NULL) {
        describe_missing(&made->library, text, sizeof text);
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%s has no function '%s': %s", file, symbol, text);
        goto fail;
    }
    struct tw__origin origin;
    tw__origin_read(&origin, path);
    snprintf(made->origin, sizeof made->origin, "%s", origin.identity);
    made->created_at = tw__now();
    *kernel = made;
    return TW_OK;
fail:
    tw_kernel_destroy(made);
    return status;
}

static int is_identifier(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && tw__parse_identifier(text, length) == length;
}

static tw_status check_names(const char *path, const char *symbol, tw_error *error)
{
    if (path == NULL || path[0] == '\0') {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the kernel's file has no name");
    }
    if (symbol == NULL || !is_identifier(symbol)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s: '%s' cannot be the name of a C function", path,
                        symbol == NULL ? "" : symbol);
    }
    return TW_OK;
}

tw_status tw_kernel_from_library(tw_kernel **kernel, const char *path, const char *symbol, tw_error *error)
{
    tw_status status = check_names(path, symbol, error);
    if (status != TW_OK) {
        return status;
    }
    /* The full path has a slash, so that the system's library folders are never searched, and means the same to workers
     * that are in another folder. */
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return tw__fail_path(error, errno, path, "cannot be opened");
    }
    return tw__kernel_from_object(kernel, real, path, symbol, TW_ERROR_FILE, error);
}

tw_status tw_kernel_from_source(tw_kernel **kernel, const char *path, const char *function,
                                const tw_compile_options *options, tw_error *error)
{
    char *object, *note = NULL;
    tw_status status = check_names(path, function, error);
    if (status == TW_OK) {
        status = tw__compile(&object, &note, path, options, error);
    }
    if (status == TW_OK) {
        status = tw__kernel_from_object(kernel, object, path, function, TW_ERROR_COMPILE, error);
    }
    if (status != TW_OK) {
        free(note);
        return status;
    }
    (*kernel)->note = note;
    (*kernel)->is_kept = 1;
    return TW_OK;
}

static int ends_in(const char *text, size_t length, const char *suffix)
{
    const size_t n = strlen(suffix);
    return length > n && memcmp(text + length - n, suffix, n) == 0;
}

/* FILE.so, and FILE.so.6, FILE.so.1.2 as installed libraries are named. */
static int is_library(const char *name, size_t length)
{
    for (;;) {
        size_t digits = 0;
        while (digits < length && tw__is_digit(name[length - 1 - digits])) {
            digits++;
        }
        if (digits == 0 || digits == length || name[length - 1 - digits] != '.') {
            return ends_in(name, length, ".so");
        }
        length -= digits + 1;
    }
}

tw_status tw_kernel_open(tw_kernel **kernel, const char *name, const tw_compile_options *options, tw_error *error)
{
    if (name == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the kernel has no name");
    }
    /* The last colon: a folder's name may have one, a function's may not. */
    const char *colon = strrchr(name, ':');
    if (colon == NULL || strchr(colon, '/') != NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "kernel '%s' names no function: write FILE.c:FUNCTION or FILE.so:FUNCTION", name);
    }
    const size_t length = (size_t)(colon - name);
    const int source = ends_in(name, length, ".c"), library = is_library(name, length);
    if (!source && !library) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "kernel '%s': its file is neither a C source nor a shared object: write FILE.c:FUNCTION or "
                        "FILE.so:FUNCTION",
                        name);
    }
    char *path = strndup(name, length);
    if (path == NULL) {
        return tw__fail_memory(error, length + 1, "a kernel's name");
    }
    tw_status status = source ? tw_kernel_from_source(kernel, path, colon + 1, options, error)
                              : tw_kernel_from_library(kernel, path, colon + 1, error);
    free(path);
    return status;
}

tw_function tw__kernel_resolve(const char *path, const char *symbol, struct tw__library *library, tw_error *error)
{
    char text[512];
    const char *flaw = NULL;
    library->handle = NULL;
    int failed = tw__library_flaw(&flaw, path);
    if (failed != 0) {
        tw__fail_path(error, failed, path, "cannot be opened");
        return NULL;
    }
    if (flaw != NULL) {
        tw__fail(error, TW_ERROR_FILE, "%s: %s", path, flaw);
        return NULL;
    }
    failed = tw__library_open(library, path, text, sizeof text);
    if (failed != 0) {
        tw__fail(error, tw__file_status(failed), "%s: %s", path, text);
        return NULL;
    }
    void *address;
    if (tw__level_symbol(&address, library, symbol, error) != TW_OK) {
        tw__library_close(library);
        return NULL;
    }
    const tw_function function = as_function(address);
    if (function == NULL) {
        tw__fail(error, TW_ERROR_FILE, "%s: has no function '%s'", path, symbol);
        tw__library_close(library);
    }
    return function;
}

/* Two objects hold the same kernel. */
static tw_status check_same(const tw_kernel *kernel, const tw_kernel *other, tw_error *error)
{
    char was[TW__HASH_TEXT], is[TW__HASH_TEXT];
    if (kernel->origin[0] != '\0') {
        snprintf(was, sizeof was, "%s", kernel->origin);
        snprintf(is, sizeof is, "%s", other->origin);
    } else {
        const char *path = kernel->path;
        int failed = tw__hash_file(was, path);
        if (failed == 0) {
            path = other->path;
            failed = tw__hash_file(is, path);
        }
        if (failed != 0) {
            return tw__fail_path(error, failed, path, "cannot be read");
        }
    }
    return strcmp(was, is) == 0 ? TW_OK
                                : tw__fail(error, TW_ERROR_ARGUMENT, "%s: was not made from the source of kernel %s",
                                           other->path, kernel->name);
}

static tw_status copy_names(tw_kernel *copy, const tw_kernel *kernel, tw_error *error)
{
    char *name = strdup(kernel->name), *identity = kernel->identity != NULL ? strdup(kernel->identity) : NULL;
    if (name == NULL || (kernel->identity != NULL && identity == NULL)) {
        free(name);
        free(identity);
        return tw__fail_memory(error, strlen(kernel->name) + 1, "a kernel's name");
    }
    free(copy->name);
    copy->name = name;
    copy->identity = identity;
    copy->context = kernel->context;
    copy->context_size = kernel->context_size;
    return TW_OK;
}

tw_status tw__kernel_reopen(const tw_kernel *kernel, const char *object, tw_kernel **again, tw_error *error)
{
    tw_kernel *made = NULL;
    int os_error = 0;
    const char *doubt = tw__origin_doubt(object, &os_error);
    if (os_error != 0) {
        return tw__fail_path(error, os_error, object, "cannot be opened");
    }
    if (doubt != NULL) {
        return tw__fail(error, TW_ERROR_FILE, "%s: %s, so its code is not safe to run", object, doubt);
    }
    char *real = realpath(object, NULL);
    if (real == NULL) {
        return tw__fail_path(error, errno, object, "cannot be opened");
    }
    tw_status status = tw__kernel_from_object(&made, real, object, kernel->symbol, TW_ERROR_FILE, error);
    if (status == TW_OK) {
        status = check_same(kernel, made, error);
    }
    if (status == TW_OK) {
        status = copy_names(made, kernel, error);
    }
    if (status != TW_OK) {
        tw_kernel_destroy(made);
        return status;
    }
    *again = made;
    return TW_OK;
}
