/* partials.c - FILE.partials: what the steps of a job leave for later steps, in a file that is mapped. Knows no tiles,
 * and not when a run resumes. */
#include "record/partials.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/checked.h"
#include "base/error.h"
#include "job/temporaries.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/map.h"
#include "os/path.h"
#include "store/shared.h"

#define SUFFIX ".partials"
#define PAGE 4096
#define MAGIC "tilework partials 1 "
#define LINE (sizeof MAGIC - 1 + TW__PARTIALS_TAG - 1) /* characters before the line's end */

char *tw__partials_name(const char *file)
{
    char *name;
    return asprintf(&name, "%s" SUFFIX, file) >= 0 ? name : NULL;
}

/* ---- layout ---- */

/* Where each temporary begins, and in at[count] how long the file is. 0: too long. */
static int place(int64_t *at, const struct tw__stages *stages, tw_array *const *operands)
{
    at[0] = PAGE;
    for (int t = 0; t < stages->ntemporaries; t++) {
        int64_t bytes;
        if (!tw__temporary_bytes(&stages->temporary[t], operands, &bytes) || !tw__add(at[t], bytes, &at[t + 1]) ||
            !tw__round_up(at[t + 1], PAGE, &at[t + 1])) {
            return 0;
        }
    }
    return 1;
}

static void write_line(char *page, const char *tag)
{
    memset(page, 0, PAGE);
    snprintf(page, PAGE, MAGIC "%s\n", tag);
}

/* ---- the object ---- */

static void release(struct tw__partials *partials)
{
    for (int t = 0; partials->array != NULL && t < partials->count; t++) {
        tw_array_destroy(partials->array[t]);
    }
    free(partials->array);
    tw_array_destroy(partials->whole);
    tw__held_close(&partials->held);
    free(partials);
}

static tw_status fail_write(const struct tw__partials *partials, int64_t bytes, int failed, tw_error *error)
{
    const char *path = partials->held.path;
    if (failed == ENOSPC || failed == EDQUOT || failed == EFBIG) {
        const int64_t room = tw__file_room(partials->held.fd);
        return tw__fail_os(error, TW_ERROR_DISK, failed,
                           "%s: partial results need %" PRId64 " bytes, its disk has %" PRId64 " free", path, bytes,
                           room < 0 ? 0 : room);
    }
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", path);
}

/* Maps the file, and makes an array of each of its parts. */
static tw_status map(struct tw__partials *partials, const int64_t *at, const struct tw__stages *stages,
                     tw_array *const *operands, tw_error *error)
{
    const tw_dtype byte = tw_dtype_of(TW_UINT8);
    const int64_t length = at[stages->ntemporaries];
    int64_t bytes;
    tw_status status = tw__array_new(&partials->whole, &byte, 1, &length, &bytes, error);
    if (status != TW_OK) {
        return status;
    }
    tw_array *whole = partials->whole;
    void *base;
    const int failed = tw__map_file(&base, (size_t)length, partials->held.fd, 1);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be mapped", partials->held.path);
    }
    whole->base = whole->view.data = base;
    whole->bytes = (size_t)length;
    whole->memory = TW_MAPPED;
    whole->mapped_at = tw__now();
    whole->writable = 1;
    for (int t = 0; status == TW_OK && t < stages->ntemporaries; t++) {
        tw_view view;
        tw__temporary_view(&view, &stages->temporary[t], operands, (char *)base + at[t]);
        status = tw_array_part(&partials->array[t], whole, &view, error);
    }
    return status;
}

static tw_status new_partials(struct tw__partials **partials, int count, tw_error *error)
{
    struct tw__partials *made = calloc(1, sizeof *made);
    tw_array **array = calloc((size_t)count + 1, sizeof *array);
    if (made == NULL || array == NULL) {
        free(made);
        free(array);
        return tw__fail_memory(error, sizeof *made, "the partial results of a run");
    }
    made->held = TW__HELD_NONE;
    made->count = count;
    made->array = array;
    *partials = made;
    return TW_OK;
}

/* Without its file yet. *partials and *at, which are NULL before, are the caller's to end, also on failure. */
static tw_status begin(struct tw__partials **partials, int64_t **at, const char *path, const struct tw__stages *stages,
                       tw_array *const *operands, tw_error *error)
{
    *at = calloc((size_t)stages->ntemporaries + 1, sizeof **at);
    if (*at == NULL) {
        return tw__fail_memory(error, sizeof **at, "the partial results of a run");
    }
    if (!place(*at, stages, operands)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s: the partial results of this job need more than 2^63 bytes",
                        path);
    }
    return new_partials(partials, stages->ntemporaries, error);
}

/* ---- making it ---- */

static void draw_tag(char tag[TW__PARTIALS_TAG])
{
    unsigned char random[(TW__PARTIALS_TAG - 1) / 2];
    tw__file_random(random, sizeof random);
    for (size_t k = 0; k < sizeof random; k++) {
        snprintf(tag + 2 * k, 3, "%02x", random[k]);
    }
}

static tw_status fill(struct tw__partials *partials, int64_t length, tw_error *error)
{
    char page[PAGE];
    const int fd = partials->held.fd;
    int failed = TW__POINT("partials.created");
    if (failed == 0) {
        failed = tw__file_truncate(fd, 0);
    }
    if (failed == 0) {
        failed = tw__file_allocate(fd, length);
    }
    if (failed == 0) {
        failed = TW__POINT("partials.allocated");
    }
    if (failed == 0) {
        write_line(page, partials->tag);
        failed = tw__file_write(fd, page, sizeof page, 0);
    }
    return failed == 0 ? TW_OK : fail_write(partials, length, failed, error);
}

tw_status tw__partials_create(struct tw__partials **partials, const char *path, const struct tw__stages *stages,
                              tw_array *const *operands, const char *tag, tw_error *error)
{
    struct tw__partials *made = NULL;
    int64_t *at = NULL;
    tw_status status = begin(&made, &at, path, stages, operands, error);
    if (status == TW_OK) {
        status = tw__held_open(
            &made->held, &(struct tw__held_wish){.path = path, .shown = path, .how = TW__HELD_RENEW, .is_private = 1},
            error);
    }
    if (status == TW_OK) {
        if (tag != NULL) {
            memcpy(made->tag, tag, sizeof made->tag);
        } else {
            draw_tag(made->tag);
        }
        status = fill(made, at[stages->ntemporaries], error);
    }
    if (status == TW_OK) {
        status = map(made, at, stages, operands, error);
    }
    free(at);
    if (status != TW_OK) {
        tw__partials_close(made, 1);
        return status;
    }
    *partials = made;
    return TW_OK;
}

/* ---- finding it again ---- */

/* Whether it has this tag and this length. Errors: an errno. */
static int is_same(int *same, const struct tw__partials *partials, int64_t length, const char *tag)
{
    struct tw__file_info info;
    char there[PAGE], wanted[PAGE];
    int failed = tw__file_info(partials->held.fd, &info);
    *same = 0;
    if (failed == 0 && info.size == length) {
        failed = tw__file_read(partials->held.fd, there, sizeof there, 0, NULL);
        write_line(wanted, tag);
        *same = failed == 0 && memcmp(there, wanted, sizeof there) == 0;
    }
    return failed;
}

static tw_status take_over(struct tw__partials *partials, int *same, const int64_t *at, const struct tw__stages *stages,
                           tw_array *const *operands, const char *tag, tw_error *error)
{
    const int64_t length = at[stages->ntemporaries];
    int failed = is_same(same, partials, length, tag);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", partials->held.path);
    }
    if (!*same) {
        return TW_OK;
    }
    memcpy(partials->tag, tag, sizeof partials->tag);
    /* Blocks that a power cut took away would be found missing by a signal. */
    failed = tw__file_allocate(partials->held.fd, length);
    return failed != 0 ? fail_write(partials, length, failed, error) : map(partials, at, stages, operands, error);
}

tw_status tw__partials_open(struct tw__partials **partials, const char *path, const struct tw__stages *stages,
                            tw_array *const *operands, const char *tag, tw_error *error)
{
    struct tw__partials *made = NULL;
    int same = 0;
    int64_t *at = NULL;
    tw_status status = begin(&made, &at, path, stages, operands, error);
    if (status == TW_OK) {
        status = tw__held_open(&made->held, &(struct tw__held_wish){.path = path, .shown = path}, error);
    }
    if (status == TW_OK && made->held.fd >= 0) {
        status = take_over(made, &same, at, stages, operands, tag, error);
    }
    free(at);
    if (status != TW_OK || !same) {
        tw__partials_close(made, 0);
        made = NULL;
    }
    if (status == TW_OK) {
        *partials = made;
    }
    return status;
}

/* ---- shared between nodes ---- */

static tw_status measure(int64_t **at, const char *shown, const struct tw__stages *stages, tw_array *const *operands,
                         tw_error *error)
{
    struct tw__partials *unused = NULL;
    *at = NULL;
    const tw_status status = begin(&unused, at, shown, stages, operands, error);
    if (unused != NULL) {
        release(unused);
    }
    return status;
}

tw_status tw__partials_share(int folder, const char *name, const char *shown, const struct tw__stages *stages,
                             tw_array *const *operands, tw_error *error)
{
    int64_t *at;
    int fd = -1;
    tw_status status = measure(&at, shown, stages, operands, error);
    if (status == TW_OK) {
        const int64_t length = at[stages->ntemporaries];
        int failed = TW__POINT("partials.created");
        failed = failed == 0 ? tw__file_create_in(&fd, folder, name, 0600) : failed;
        failed = failed == 0 ? tw__file_extend(fd, length) : failed;
        failed = failed == 0 ? TW__POINT("partials.allocated") : failed;
        failed = failed == 0 ? tw__file_sync(fd) : failed;
        const struct tw__partials made = {.held = {.fd = fd, .path = (char *)(uintptr_t)shown}};
        status = failed == 0 ? TW_OK : fail_write(&made, length, failed, error);
    }
    if (fd >= 0) {
        tw__file_close(fd);
    }
    free(at);
    return status;
}

/* One temporary. */
static tw_status join_one(tw_array **array, const struct tw__temporary *temporary, struct tw__shared_wish *wish,
                          tw_array *const *operands, tw_error *error)
{
    tw_view view;
    tw__temporary_view(&view, temporary, operands, NULL);
    wish->dtype = &view.dtype;
    wish->ndim = view.ndim;
    wish->shape = view.shape;
    return tw__shared_open(array, wish, error);
}

tw_status tw__partials_join(struct tw__partials **partials, int folder, const char *name, const char *shown,
                            const struct tw__stages *stages, tw_array *const *operands, int distrusts, tw_error *error)
{
    static const unsigned char none[TW__TAG_SIZE];
    struct tw__partials *made = NULL;
    int64_t *at = NULL;
    int is_there = 1;
    tw_status status = begin(&made, &at, shown, stages, operands, error);
    for (int t = 0; status == TW_OK && is_there && t < stages->ntemporaries; t++) {
        struct tw__shared_wish wish = {
            .folder = folder, .name = name, .shown = shown, .tag = none, .offset = at[t], .distrusts = distrusts};
        status = join_one(&made->array[t], &stages->temporary[t], &wish, operands, error);
        is_there = status == TW_OK && made->array[t] != NULL;
    }
    free(at);
    if (status != TW_OK || !is_there) {
        tw__partials_close(made, 0);
        made = NULL;
    }
    if (status == TW_OK) {
        *partials = made;
    }
    return status;
}

/* ---- the rest ---- */

int tw__partials_sync(struct tw__partials *partials)
{
    if (partials == NULL) {
        return 0;
    }
    if (partials->failed == 0) {
        partials->failed = TW__POINT("partials.sync");
    }
    if (partials->failed == 0 && partials->whole == NULL) { /* one file, for whichever of them it is asked */
        partials->failed = partials->count > 0 ? tw__store_sync(partials->array[0]) : 0;
    } else if (partials->failed == 0) { /* a kernel may have closed the descriptor */
        partials->failed = tw__held_is_open(&partials->held)
                               ? tw__file_sync(partials->held.fd)
                               : tw__map_sync(partials->whole->base, partials->whole->bytes);
    }
    return partials->failed;
}

void tw__partials_close(struct tw__partials *partials, int remove)
{
    if (partials == NULL) {
        return;
    }
    if (remove) {
        (void)TW__POINT("partials.remove");
        tw__held_remove(&partials->held);
    }
    release(partials);
}

/* Whether it is one, or one whose first page was not written any more. */
static int is_one(int fd)
{
    struct tw__file_info info;
    char line[LINE] = {0}, zeros[LINE] = {0};
    if (tw__file_info(fd, &info) != 0 || info.size % PAGE != 0) {
        return 0;
    }
    return info.size == 0 || (tw__file_read(fd, line, sizeof line, 0, NULL) == 0 &&
                              (memcmp(line, MAGIC, sizeof MAGIC - 1) == 0 || memcmp(line, zeros, sizeof line) == 0));
}

void tw__partials_forget(const char *path)
{
    struct tw__file_info info;
    struct tw__held held;
    if (tw__path_info(path, &info) != 0 ||
        tw__held_open(&held, &(struct tw__held_wish){.path = path, .shown = path}, NULL) != TW_OK) {
        return;
    }
    if (held.fd >= 0 && is_one(held.fd)) {
        tw__held_remove(&held);
    } else {
        tw__held_close(&held);
    }
}
