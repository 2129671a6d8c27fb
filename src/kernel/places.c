/* places.c - where compiled objects may be kept: the folders, in their order. Knows names, and makes nothing. */
#include "kernel/places.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "os/folder.h"

/* Adds a folder that is not there yet; takes over `folder`. */
static int add(struct tw__places *places, char *folder)
{
    if (folder == NULL) {
        return 0;
    }
    /* With a slash at its end, a link would be followed before it is seen. */
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        folder[--length] = '\0';
    }
    for (int k = 0; k < places->count; k++) {
        if (strcmp(places->folder[k], folder) == 0) {
            free(folder);
            return 1;
        }
    }
    places->folder[places->count++] = folder;
    return 1;
}

__attribute__((format(printf, 1, 2))) static char *format(const char *form, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, form);
    const int length = vasprintf(&text, form, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}

static int is_full_path(const char *path)
{
    return path != NULL && path[0] == '/';
}

tw_status tw__places_init(struct tw__places *places, const char *wished, tw_error *error)
{
    *places = (struct tw__places){.is_wished = wished != NULL};
    if (wished != NULL && wished[0] == '\0') {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the name of the cache folder is empty");
    }
    /* The XDG specification has relative paths ignored. */
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *temporary = getenv("TMPDIR");
    int good = 1;
    if (wished != NULL) {
        good = add(places, strdup(wished));
        places->usual = 1;
    } else {
        if (is_full_path(base)) {
            good = add(places, format("%s/tilework", base));
        } else if (is_full_path(home) && tw__folder_is_own_home(home)) {
            good = add(places, format("%s/.cache/tilework", home));
        }
        char *record = tw__folder_home();
        if (is_full_path(record) && tw__folder_is_own_home(record)) {
            good = add(places, format("%s/.cache/tilework", record)) && good;
        }
        free(record);
        places->usual = places->count > 0;
        if (is_full_path(temporary) && tw__folder_keeps_names(temporary)) {
            good = add(places, format("%s/tilework-%ld", temporary, (long)tw__user_id())) && good;
        }
    }
    if (!good) {
        tw__places_fini(places);
        return tw__fail_memory(error, PATH_MAX, "the name of the cache folder");
    }
    return TW_OK;
}

int tw__places_first(const struct tw__places *places)
{
    for (int k = 0; k < places->count; k++) {
        char why[128], *path = strdup(places->folder[k]);
        int os_error = path != NULL ? tw__folder_check(path, why, sizeof why) : ENOMEM;
        if (os_error == 0 || os_error == ENOENT) {
            /* The folder, or the nearest one above it that is there. */
            while ((os_error = tw__folder_ready(path)) == ENOENT && strrchr(path, '/') > path) {
                *strrchr(path, '/') = '\0';
            }
        }
        free(path);
        if (os_error == 0) {
            return k;
        }
    }
    return -1;
}

void tw__places_fini(struct tw__places *places)
{
    for (int k = 0; k < places->count; k++) {
        free(places->folder[k]);
    }
    places->count = 0;
}
