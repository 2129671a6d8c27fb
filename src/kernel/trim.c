/* trim.c - the cache's folder is kept from growing without end. Knows names, sizes and times, not contents. */
#include "kernel/trim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/folder.h"

struct item {
    char *name;
    int64_t size, used_at;
};

struct list {
    struct item *items;
    size_t count, room;
    int64_t bytes;
};

static int is_kept(const char *name)
{
    static const char *const suffixes[] = {".so", ".c", ".entry", ".tmp", ".o"};
    const size_t length = strlen(name);
    for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
        const size_t n = strlen(suffixes[k]);
        if (length > n && strcmp(name + length - n, suffixes[k]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* What there is no memory for is not seen, and stays. */
static void add(const char *name, const struct tw__file_info *info, void *user)
{
    struct list *list = user;
    if (!info->is_regular || !is_kept(name)) {
        return;
    }
    if (list->count == list->room) {
        const size_t room = list->room > 0 ? 2 * list->room : 256;
        struct item *longer = realloc(list->items, room * sizeof *longer);
        if (longer == NULL) {
            return;
        }
        list->items = longer;
        list->room = room;
    }
    char *copy = strdup(name);
    if (copy != NULL) {
        list->items[list->count++] = (struct item){copy, info->size, info->changed_at};
        list->bytes += info->size;
    }
}

static int compare_use(const void *one, const void *other)
{
    const int64_t x = ((const struct item *)one)->used_at, y = ((const struct item *)other)->used_at;
    return x < y ? -1 : x > y;
}

static void remove_oldest(const char *folder, const struct list *list, size_t files, int64_t bytes)
{
    const int64_t spared = tw__wall_time() - (int64_t)TW__TRIM_SPARED * 1000000000;
    size_t left = list->count;
    int64_t size = list->bytes;
    for (size_t k = 0; k < list->count && (left > files || size > bytes); k++) {
        const struct item *item = &list->items[k];
        struct tw__file_info now;
        char *path = NULL;
        if (item->used_at >= spared || asprintf(&path, "%s/%s", folder, item->name) < 0) {
            return;
        }
        /* It may have been used since it was looked at. */
        if (tw__path_info(path, &now) != 0 || now.changed_at < spared) {
            tw__file_remove(path);
        }
        free(path);
        left--;
        size -= item->size;
    }
}

void tw__trim(const char *folder, size_t files, int64_t bytes)
{
    struct list list = {0};
    tw__folder_each(folder, add, &list);
    if (list.count > files || list.bytes > bytes) {
        qsort(list.items, list.count, sizeof *list.items, compare_use);
        remove_oldest(folder, &list, files / 4 * 3, bytes / 4 * 3);
    }
    for (size_t k = 0; k < list.count; k++) {
        free(list.items[k].name);
    }
    free(list.items);
}
